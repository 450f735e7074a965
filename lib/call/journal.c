/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of calls in slots of a mapped file. A record is written to free slots first, then counts, then the one before is freed: at
 * any instruction at which the process may be killed the file has the old one whole or the new one whole.
 * Called on the worker's thread; journal_read by the control thread at the start.
 */
#include "call/journal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include "call/model.h"
#include "call/snapshot.h"
#include "core/mapfile.h"

#define JOURNAL_MAGIC 0x4c4a4454U /* "TDJL" */
/* A record of a plain call is some 2 KiB once its zeros are out: two or three slots. */
#define SLOT_BYTES 1024U
#define SLOT_NONE  0U /* slot 0 is the head of the file */
/* 1 MiB: a thousand slots, 0.3 ms of work in the turn that asks for it. */
#define GROW_SLOTS 1024U
/* 4 GiB of address space: a million calls and more (CONF_CALLS_MAX). */
#define SLOTS_MAX (4U << 20)

enum slot_state {
    SLOT_FREE, /* or a further part of a record */
    SLOT_HEAD, /* a whole record begins here */
};

struct slot {
    _Atomic uint32_t state; /* written last when a record is put in, first when it is taken out */
    uint32_t next;          /* slot of the next part */
    uint64_t serial;        /* of two records of a call the higher one is the newer */
    uint64_t call;
    _Atomic uint64_t ended_wall_ms;
    uint64_t sum;
    uint32_t len;      /* of the packed record */
    uint32_t full_len; /* of the record */
    uint8_t data[SLOT_BYTES - 48];
};

struct file_head {
    uint32_t magic, version, slot_bytes, epoch;
    _Atomic uint64_t alive_wall_ms;
};

_Static_assert(sizeof(struct slot) == SLOT_BYTES, "slots are an array");
_Static_assert(sizeof(struct file_head) <= SLOT_BYTES, "its head is a slot");

struct journal {
    struct mapfile file;
    uint32_t n_slots;
    uint32_t *free_slot; /* stack */
    uint32_t n_free;
    uint64_t serial, calls;
    struct call *changed; /* list */
    uint64_t *rec, *packed;
    size_t rec_cap; /* bytes; packed has room for the worst case of as many */
};

static struct slot *slot_at(const struct mapfile *f, uint32_t i)
{
    return (struct slot *)(void *)(f->p + (size_t)i * SLOT_BYTES);
}

/* ---- packing: most of a record is empty room behind names ------------------------------------------------------ */

/* Words: {zeros << 32 | others}, then the others. @return words written */
static size_t pack(const uint64_t *in, size_t n, uint64_t *out)
{
    size_t o = 0;

    for (size_t i = 0; i < n;) {
        size_t zeros = i, from, head = o++;

        /* most words are zero, in long rows */
        while (i + 8 <= n && (in[i] | in[i + 1] | in[i + 2] | in[i + 3] | in[i + 4] | in[i + 5] |
                              in[i + 6] | in[i + 7]) == 0)
            i += 8;
        while (i < n && in[i] == 0)
            i++;
        zeros = i - zeros;
        from = o;
        while (i < n && in[i] != 0)
            out[o++] = in[i++];
        out[head] = (uint64_t)zeros << 32 | (o - from);
    }
    return o;
}

/* @return words written, 0: damaged */
static size_t unpack(const uint64_t *in, size_t n, uint64_t *out, size_t cap)
{
    size_t o = 0;

    for (size_t i = 0; i < n;) {
        size_t zeros = in[i] >> 32, others = in[i] & UINT32_MAX;

        i++;
        if (zeros > cap - o || others > cap - o - zeros || others > n - i)
            return 0;
        memset(out + o, 0, zeros * 8);
        memcpy(out + o + zeros, in + i, others * 8);
        o += zeros + others;
        i += others;
    }
    return o;
}

/* Against a file that something else has written to; four chains, for a multiplication takes as long as four words' others. */
static uint64_t sum_of(const uint64_t *p, size_t n)
{
    uint64_t s[4] = {n, 1, 2, 3};

    for (size_t i = 0; i < n; i++)
        s[i & 3] = (s[i & 3] ^ p[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return mix_u64(s[0] ^ mix_u64(s[1] ^ mix_u64(s[2] ^ mix_u64(s[3]))));
}

/* ---- slots ------------------------------------------------------------------------------------------------------- */

static int slots_grow(struct journal *j)
{
    uint32_t n = j->n_slots + GROW_SLOTS;
    uint32_t *stack;
    int err;

    if (n > SLOTS_MAX)
        return -ENOSPC;
    stack = realloc(j->free_slot, n * sizeof *stack);
    if (!stack)
        return -ENOMEM;
    j->free_slot = stack;
    err = mapfile_grow(&j->file, (size_t)n * SLOT_BYTES);
    if (err < 0)
        return err;
    /* lowest on top: a quiet node touches few pages */
    for (uint32_t i = n; i-- > j->n_slots;)
        if (i != SLOT_NONE)
            stack[j->n_free++] = i;
    j->n_slots = n;
    return 0;
}

static void slots_give(struct journal *j, uint32_t head)
{
    uint32_t i = head;

    atomic_store_explicit(&slot_at(&j->file, head)->state, SLOT_FREE, memory_order_release);
    while (i != SLOT_NONE) {
        uint32_t next = slot_at(&j->file, i)->next;

        j->free_slot[j->n_free++] = i;
        i = next;
    }
}

/* @return its head, SLOT_NONE: no room */
static uint32_t slots_put(struct journal *j, const struct call *c, size_t words, size_t full_len)
{
    uint32_t n = (uint32_t)((words * 8 + sizeof(slot_at(&j->file, 0)->data) - 1) /
                            sizeof(slot_at(&j->file, 0)->data));
    const uint8_t *from = (const uint8_t *)j->packed;
    size_t left = words * 8;
    uint32_t next = SLOT_NONE;
    struct slot *s = NULL;

    while (j->n_free < n)
        if (slots_grow(j) < 0)
            return SLOT_NONE;
    /* the last part first, so that each knows the one behind it */
    for (uint32_t part = n; part-- > 0;) {
        uint32_t i = j->free_slot[--j->n_free];
        size_t at = part * sizeof s->data, len = left - at;

        s = slot_at(&j->file, i);
        memcpy(s->data, from + at, len);
        s->next = next;
        next = i;
        left = at;
    }
    if (!s)
        return SLOT_NONE;
    s->serial = ++j->serial;
    s->call = c->id;
    atomic_store_explicit(&s->ended_wall_ms, 0, memory_order_relaxed);
    s->sum = sum_of(j->packed, words);
    s->len = (uint32_t)words * 8;
    s->full_len = (uint32_t)full_len;
    atomic_store_explicit(&s->state, SLOT_HEAD, memory_order_release);
    return next;
}

static int room_for(struct journal *j, size_t bytes)
{
    uint64_t *p;

    if (bytes <= j->rec_cap)
        return 0;
    bytes += bytes / 2;
    p = realloc(j->rec, bytes);
    if (!p)
        return -ENOMEM;
    j->rec = p;
    /* no word but the others and one in front of each: at worst every second is zero */
    p = realloc(j->packed, bytes * 2);
    if (!p)
        return -ENOMEM;
    j->packed = p;
    j->rec_cap = bytes;
    return 0;
}

static void call_put(struct journal *j, struct call *c)
{
    struct calls *cs = c->calls;
    uint32_t head, before = c->slot;
    int n;

    if (call_is_saveable(c))
        n = room_for(j, call_save_len(c)) < 0 ? -ENOMEM : call_save(c, j->rec, j->rec_cap);
    else if (before == SLOT_NONE) /* no ACK yet: somebody will be billed all the same */
        n = room_for(j, sizeof(struct call_brief)) < 0 ? -ENOMEM
                                                       : call_save_brief(c, j->rec, j->rec_cap);
    else
        return; /* what is there holds until the change under way is done */
    if (n == -EAGAIN)
        return;
    head = n < 0 ? SLOT_NONE : slots_put(j, c, pack(j->rec, (size_t)n / 8, j->packed), (size_t)n);
    if (head == SLOT_NONE) {
        stat_inc(cs->stats, STAT_journal_failed);
        log_limited(LOG_ERROR, "journal", "call=%s msg=\"not written: it would not outlive us\"",
                    c->uuid);
        return;
    }
    c->slot = head;
    if (before != SLOT_NONE)
        slots_give(j, before);
    else
        j->calls++;
    stat_inc(cs->stats, STAT_journal_written);
}

/* ---- who tells --------------------------------------------------------------------------------------------------- */

void call_changed(struct call *c)
{
    struct journal *j = c->calls->journal;

    if (!j || c->state != CALL_UP || c->is_changed)
        return;
    c->is_changed = true;
    c->changed_next = j->changed;
    j->changed = c;
}

void journal_turn(struct calls *cs)
{
    struct journal *j = cs->journal;

    if (!j)
        return;
    atomic_store_explicit(&((struct file_head *)(void *)j->file.p)->alive_wall_ms,
                          cs->clock->wall_ms, memory_order_relaxed);
    while (j->changed) {
        struct call *c = j->changed;

        j->changed = c->changed_next;
        c->is_changed = false;
        call_put(j, c);
    }
}

void journal_mark(struct call *c)
{
    struct journal *j = c->calls->journal;

    if (j && c->slot != SLOT_NONE)
        atomic_store_explicit(&slot_at(&j->file, c->slot)->ended_wall_ms, c->calls->clock->wall_ms,
                              memory_order_relaxed);
}

void journal_erase(struct call *c)
{
    struct journal *j = c->calls->journal;

    if (!j || c->slot == SLOT_NONE)
        return;
    slots_give(j, c->slot);
    c->slot = SLOT_NONE;
    j->calls--;
}

void journal_forget(struct call *c)
{
    struct journal *j = c->calls->journal;

    if (!j)
        return;
    journal_erase(c);
    for (struct call **pp = &j->changed; c->is_changed && *pp; pp = &(*pp)->changed_next)
        if (*pp == c) {
            *pp = c->changed_next;
            c->is_changed = false;
            break;
        }
}

void calls_set_journal(struct calls *cs, struct journal *j)
{
    cs->journal = j;
}

uint64_t journal_calls(const struct journal *j)
{
    return j->calls;
}

uint64_t journal_bytes(const struct journal *j)
{
    return j->file.len;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

int journal_new(const char *path, uint32_t epoch, struct journal **out)
{
    struct journal *j = calloc(1, sizeof *j);
    struct file_head *h;
    int err;

    if (!j)
        return -ENOMEM;
    err = mapfile_open(&j->file, path, (size_t)SLOTS_MAX * SLOT_BYTES);
    if (err == 0 && j->file.len > 0)
        err = -EEXIST;
    if (err == 0)
        err = slots_grow(j);
    if (err < 0) {
        journal_free(j);
        return err;
    }
    h = (struct file_head *)(void *)j->file.p;
    h->version = JOURNAL_VERSION;
    h->slot_bytes = SLOT_BYTES;
    h->epoch = epoch;
    h->magic = JOURNAL_MAGIC;
    *out = j;
    return 0;
}

void journal_free(struct journal *j)
{
    if (!j)
        return;
    mapfile_close(&j->file);
    free(j->free_slot);
    free(j->rec);
    free(j->packed);
    free(j);
}

/* ---- taking up --------------------------------------------------------------------------------------------------- */

unsigned journal_worker(const struct journal_entry *e)
{
    const struct call_brief *b = e->rec ? call_brief_read(e->rec, e->len) : NULL;

    return b ? b->worker : 0;
}

static struct call *find(struct calls *cs, uint64_t id)
{
    for (struct htab_node *n = htab_first(&cs->by_id, hash_u64(id)); n; n = htab_next(n)) {
        struct call *c = container_of(n, struct call, node);

        if (c->id == id)
            return c;
    }
    return NULL;
}

/* Whoever had not heard of its end hears it now. */
static void end_again(struct calls *cs, const struct journal_entry *e)
{
    const struct clock *k = cs->clock;
    struct call *c = find(cs, e->call);
    uint64_t age = k->wall_ms > e->ended_wall_ms ? k->wall_ms - e->ended_wall_ms : 0;

    if (!c)
        return;
    c->ended_ms = age < k->mono_ms ? k->mono_ms - age : 1;
    call_kill(c, &CAUSE_HERE_(200, 16, "ended while the switch restarted"));
}

static void estimate(struct calls *cs, const struct journal_entry *e, const struct call_brief *b)
{
    uint64_t end = e->ended_wall_ms ? e->ended_wall_ms : e->alive_wall_ms;

    if (end < b->saved_wall_ms)
        end = b->saved_wall_ms;
    record_estimated(cs, b, end);
    if (b->session && cs->media)
        (void)media_close(cs->media, (struct media_ref){b->session, b->index}, NULL, NULL);
    stat_inc(cs->stats, STAT_calls_estimated);
}

enum journal_fate journal_take(struct calls *cs, const struct journal_entry *e)
{
    const struct call_brief *b = e->rec ? call_brief_read(e->rec, e->len) : NULL;
    int rc = -EINVAL;

    if (!b)
        return JOURNAL_LOST;
    if (find(cs, b->id))
        return JOURNAL_HERE;
    if (b->version == CALL_RECORD_VERSION)
        rc = call_load_names(cs->trunks, e->rec, e->len);
    if (rc >= 0)
        rc = call_load(cs, e->rec, e->len);
    if (b->version == CALL_RECORD_BRIEF) {
        log_ev(LOG_WARN, "call_not_resumed", "call=%s in=%s out=%s msg=\"not acknowledged yet\"",
               b->uuid, b->trunk[0], b->trunk[1]);
        estimate(cs, e, b);
        return JOURNAL_ESTIMATED;
    }
    if (rc < 0) {
        log_ev(LOG_ERROR, "call_not_resumed", "call=%s in=%s out=%s version=%u error=\"%s\"",
               b->uuid, b->trunk[0], b->trunk[1], b->version, err_str(rc));
        estimate(cs, e, b);
        return JOURNAL_ESTIMATED;
    }
    stat_inc(cs->stats, STAT_calls_resumed);
    if (e->ended_wall_ms)
        end_again(cs, e);
    return JOURNAL_RESUMED;
}

/* ---- what a former process left ---------------------------------------------------------------------------------- */

struct found {
    uint64_t serial;
    uint32_t slot;
};

static int newest_first(const void *a, const void *b)
{
    const struct found *x = a, *y = b;

    return x->serial < y->serial ? 1 : x->serial > y->serial ? -1 : 0;
}

/* The parts of a record, joined and unpacked. @return false: damaged */
static bool entry_read(const struct mapfile *f, uint32_t n_slots, const struct slot *head,
                       struct journal *room)
{
    size_t words = head->len / 8, done = 0;
    const struct slot *s = head;

    /* 1 MiB: four times the SDP and dialogs of the largest messages there can be */
    if (head->len % 8 || head->full_len % 8 || head->len > 2U << 20 || head->full_len > 1U << 20 ||
        words == 0 || room_for(room, head->full_len + head->len) < 0)
        return false;
    while (done < head->len) {
        size_t len = head->len - done < sizeof s->data ? head->len - done : sizeof s->data;

        memcpy((uint8_t *)room->packed + done, s->data, len);
        done += len;
        if (done == head->len)
            break;
        if (s->next == SLOT_NONE || s->next >= n_slots)
            return false;
        s = slot_at(f, s->next);
    }
    return sum_of(room->packed, words) == head->sum &&
           unpack(room->packed, words, room->rec, room->rec_cap / 8) * 8 == head->full_len;
}

static void entries_tell(const struct mapfile *f, const struct found *found, size_t n,
                         void (*fn)(void *arg, const struct journal_entry *e), void *arg)
{
    struct file_head *h = (struct file_head *)(void *)f->p;
    uint32_t n_slots = (uint32_t)(f->len / SLOT_BYTES);
    struct journal room = {.calls = 0};

    for (size_t i = 0; i < n; i++) {
        struct slot *s = slot_at(f, found[i].slot);
        struct journal_entry e = {
            .call = s->call,
            .ended_wall_ms = atomic_load_explicit(&s->ended_wall_ms, memory_order_relaxed),
            .alive_wall_ms = atomic_load_explicit(&h->alive_wall_ms, memory_order_relaxed)};

        if (entry_read(f, n_slots, s, &room)) {
            e.rec = room.rec;
            e.len = s->full_len;
        }
        fn(arg, &e);
    }
    free(room.rec);
    free(room.packed);
}

static int heads_find(const struct mapfile *f, struct found **out)
{
    uint32_t n_slots = (uint32_t)(f->len / SLOT_BYTES);
    struct found *found = calloc(n_slots ? n_slots : 1, sizeof *found);
    int n = 0;

    if (!found)
        return -ENOMEM;
    for (uint32_t i = 1; i < n_slots; i++) {
        struct slot *s = slot_at(f, i);

        if (atomic_load_explicit(&s->state, memory_order_acquire) == SLOT_HEAD)
            found[n++] = (struct found){s->serial, i};
    }
    qsort(found, (size_t)n, sizeof *found, newest_first);
    *out = found;
    return n;
}

/* @return 1 with calls, 0 empty; as journal_read */
static int left_open(const char *path, struct mapfile *f)
{
    const struct file_head *h;
    int err = mapfile_open(f, path, (size_t)SLOTS_MAX * SLOT_BYTES);

    if (err < 0)
        return err;
    h = (const struct file_head *)(void *)f->p;
    if (f->len < SLOT_BYTES || h->magic == 0)
        return 0; /* killed before it was begun */
    if (h->magic == JOURNAL_MAGIC && h->version == JOURNAL_VERSION && h->slot_bytes == SLOT_BYTES)
        return 1;
    mapfile_close(f);
    return -EPROTO;
}

int journal_read(const char *path, void (*fn)(void *arg, const struct journal_entry *e), void *arg)
{
    struct found *found;
    struct mapfile f;
    int n = left_open(path, &f);

    if (n < 0)
        return n;
    if (n > 0) {
        n = heads_find(&f, &found);
        if (n >= 0) {
            entries_tell(&f, found, (size_t)n, fn, arg);
            free(found);
        }
    }
    mapfile_close(&f);
    return n;
}

int journal_remove(const char *path)
{
    struct mapfile f;
    int err = left_open(path, &f);

    if (err < 0)
        return err;
    err = unlink(path) < 0 ? -errno : 0;
    mapfile_close(&f);
    return err;
}
