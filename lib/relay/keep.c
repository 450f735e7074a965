/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots of a mapped file, each with an endpoint in it and whose it is. relay.c opens it, session.c takes endpoints from it.
 * Another layout of the file or of an endpoint is refused as a whole: then the controller installs its sessions again.
 */
#include "relay/keep.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/log.h"
#include "core/mapfile.h"
#include "relay/control.h"
#include "relay/flow.h"
#include "relay/keep_check.h"
#include "relay/ports.h"
#include "relay/state.h"

#define KEEP_MAGIC   0x504b4454U /* "TDKP" */
#define KEEP_VERSION 3U          /* slots know in whose life they were taken */
#define GROW_SLOTS   256U        /* half a MiB: 0.2 ms in the turn that asks for it */
/* 2^20 endpoints: all pairs of the ports of 32 addresses. Address space alone, until they are there. */
#define SLOTS_MAX (1U << 20)

enum slot_state {
    SLOT_FREE,
    SLOT_USED,
};

struct slot {
    _Atomic uint32_t state; /* written last when it is taken, first when it is given back */
    _Atomic uint32_t turn;  /* odd: it is being changed */
    uint64_t session;
    uint32_t index, stats_every_s;
    char node[MEDIA_NAME_MAX];
    uint32_t worker, epoch, orphan_idle_ms, orphan_cap_ms;
    uint32_t life; /* of the process that took it: head.lives */
    _Alignas(64) struct endpoint ep;
};

struct head {
    uint32_t magic, version;
    uint64_t layout;
    uint64_t boot;
    uint64_t pools_end;          /* generation */
    _Atomic uint32_t pools_turn; /* odd: they are being changed */
    uint32_t n_pools;
    uint32_t lives; /* processes that have had the file */
    struct media_pool pool[MEDIA_POOLS_MAX];
};

#define HEAD_BYTES 32768U
#define FILE_MAX   (HEAD_BYTES + (size_t)SLOTS_MAX * sizeof(struct slot))

_Static_assert(sizeof(struct head) <= HEAD_BYTES, "in front of the slots");

struct keep {
    struct mapfile file;
    struct head *head;
    uint32_t n_slots, n_free;
    uint32_t *free_slot; /* stack */
    uint64_t used;
    char *path;
};

/* What a slot and an endpoint look like to this program. A number of the compiler's would not do: it is another one for each build. */
uint64_t keep_layout(void)
{
    const uint64_t v[] = {sizeof(struct slot),
                          sizeof(struct endpoint),
                          sizeof(struct rtp_stats),
                          sizeof(struct quality),
                          sizeof(struct latch),
                          sizeof(struct media_counters),
                          sizeof(struct media_ep),
                          sizeof(struct fast),
                          sizeof(struct secure_place),
                          offsetof(struct endpoint, place),
                          offsetof(struct endpoint, seen_ms),
                          offsetof(struct endpoint, fast),
                          offsetof(struct endpoint, stats),
                          offsetof(struct endpoint, quality),
                          offsetof(struct endpoint, n),
                          offsetof(struct endpoint, want),
                          offsetof(struct endpoint, ctl_peer),
                          offsetof(struct flow, latch)};
    uint64_t h = 0;

    for (unsigned i = 0; i < sizeof(v) / sizeof(v[0]); i++)
        h = mix_u64(h ^ v[i]);
    return h;
}

static struct slot *slot_at(const struct keep *k, uint32_t i)
{
    return (struct slot *)(void *)(k->file.p + HEAD_BYTES + (size_t)i * sizeof(struct slot));
}

static struct slot *slot_of(const struct endpoint *e)
{
    return container_of((struct endpoint *)(uintptr_t)e, struct slot, ep);
}

static uint32_t index_of(const struct keep *k, const struct slot *s)
{
    return (uint32_t)((size_t)((const uint8_t *)s - k->file.p - HEAD_BYTES) / sizeof(*s));
}

/* ---- endpoints ------------------------------------------------------------------------------------------------- */

static int slots_grow(struct keep *k)
{
    uint32_t n = k->n_slots + GROW_SLOTS;
    uint32_t *stack;
    int err;

    if (n > SLOTS_MAX)
        return -ENOSPC;
    stack = realloc(k->free_slot, n * sizeof(*stack));
    if (!stack)
        return -ENOMEM;
    k->free_slot = stack;
    err = mapfile_grow(&k->file, HEAD_BYTES + (size_t)n * sizeof(struct slot));
    if (err < 0)
        return err;
    for (uint32_t i = n; i-- > k->n_slots;)
        stack[k->n_free++] = i;
    k->n_slots = n;
    return 0;
}

struct endpoint *keep_new(struct keep *k)
{
    struct slot *s;

    if (!k)
        return calloc(1, sizeof(struct endpoint));
    if (k->n_free == 0 && slots_grow(k) < 0)
        return NULL;
    s = slot_at(k, k->free_slot[--k->n_free]);
    memset(s, 0, sizeof(*s));
    s->life = k->head->lives;
    k->used++;
    return &s->ep;
}

void keep_free(struct keep *k, struct endpoint *e)
{
    struct slot *s;

    if (!k) {
        free(e);
        return;
    }
    if (!e)
        return;
    s = slot_of(e);
    atomic_store_explicit(&s->state, SLOT_FREE, memory_order_release);
    k->free_slot[k->n_free++] = index_of(k, s);
    k->used--;
}

static void turn(const struct session *s)
{
    for (unsigned i = 0; i < MEDIA_ENDPOINTS_MAX; i++) {
        if (s->ep[i])
            atomic_fetch_add_explicit(&slot_of(s->ep[i])->turn, 1, memory_order_acq_rel);
    }
}

void keep_begin(struct keep *k, const struct session *s)
{
    if (k)
        turn(s);
}

/* One that came meanwhile begins even; one that went is not here any more. */
void keep_end(struct keep *k, const struct session *s)
{
    for (unsigned i = 0; k && i < MEDIA_ENDPOINTS_MAX; i++) {
        struct slot *at = s->ep[i] ? slot_of(s->ep[i]) : NULL;

        if (!at)
            continue;
        at->session = s->id;
        at->index = s->index;
        at->stats_every_s = s->stats_every_s;
        memcpy(at->node, s->owner->node, sizeof(at->node));
        at->worker = s->owner->worker;
        at->epoch = s->owner->epoch;
        at->orphan_idle_ms = s->owner->orphan_idle_ms;
        at->orphan_cap_ms = s->owner->orphan_cap_ms;
        if (atomic_load_explicit(&at->turn, memory_order_relaxed) & 1)
            atomic_fetch_add_explicit(&at->turn, 1, memory_order_acq_rel);
        atomic_store_explicit(&at->state, SLOT_USED, memory_order_release);
    }
}

uint32_t keep_slot(const struct keep *k, const struct endpoint *e)
{
    return index_of(k, slot_of(e));
}

int keep_fd(const struct keep *k)
{
    return k->file.fd;
}

uint64_t keep_used(const struct keep *k)
{
    return k->used;
}

/* ---- pools ----------------------------------------------------------------------------------------------------- */

void keep_pool(struct keep *k, const struct media_pool *m)
{
    uint32_t i = 0;

    if (!k)
        return;
    while (i < k->head->n_pools && k->head->pool[i].id != m->id)
        i++;
    /* the ledger has that many and no more: one of ours is of an older configuration */
    for (uint32_t old = 0; i == MEDIA_POOLS_MAX && old < MEDIA_POOLS_MAX; old++) {
        if (k->head->pool[old].generation < k->head->pools_end)
            i = old;
    }
    if (i == MEDIA_POOLS_MAX)
        return;
    atomic_fetch_add_explicit(&k->head->pools_turn, 1, memory_order_acq_rel);
    k->head->pool[i] = *m;
    if (i == k->head->n_pools)
        k->head->n_pools++;
    atomic_fetch_add_explicit(&k->head->pools_turn, 1, memory_order_acq_rel);
}

void keep_pools_end(struct keep *k, uint64_t generation)
{
    if (k)
        k->head->pools_end = generation;
}

static int by_generation(const void *a, const void *b)
{
    const struct media_pool *x = a, *y = b;

    return x->generation < y->generation ? -1 : x->generation > y->generation ? 1 : 0;
}

void keep_pools_back(struct keep *k, struct ports *p,
                     void (*told)(void *arg, const struct media_pool *m), void *arg)
{
    struct head *h = k->head;

    if (h->n_pools > MEDIA_POOLS_MAX || atomic_load(&h->pools_turn) & 1)
        h->n_pools = 0;
    atomic_store(&h->pools_turn, 0);
    /* the oldest first: the ledger ignores what is older than the newest that it has */
    qsort(h->pool, h->n_pools, sizeof(h->pool[0]), by_generation);
    h->pools_end = 1;
    for (uint32_t i = 0; i < h->n_pools; i++) {
        /* whatever comes now is newer: bent bytes must not make a number that no controller reaches */
        h->pool[i].generation = 0;
        if (control_check_pool(&h->pool[i]) == 0 && ports_set_pool(p, &h->pool[i]) == 0)
            told(arg, &h->pool[i]);
    }
}

/* ---- what was left --------------------------------------------------------------------------------------------- */

/* Of an endpoint that is there twice, the younger one first. */
static int by_session(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;

    if (x->session != y->session)
        return x->session < y->session ? -1 : 1;
    if (x->ep->number != y->ep->number)
        return x->ep->number < y->ep->number ? -1 : 1;
    return x->life > y->life ? -1 : x->life < y->life ? 1 : 0;
}

/* A process that was killed while it took sessions up again has left some in two places: its own, and the one that it read. */
static int without_twins(struct kept *left, int n)
{
    int to = 0;

    for (int i = 0; i < n; i++) {
        if (to == 0 || left[i].session != left[to - 1].session ||
            left[i].ep->number != left[to - 1].ep->number)
            left[to++] = left[i];
    }
    return to;
}

/* Copies: their slots are given to whoever is made next. @return how many, or -ENOMEM */
static int collect(struct keep *k, struct kept **out, struct endpoint **copies, uint32_t *spoilt)
{
    struct kept *left = calloc(k->n_slots + 1U, sizeof(*left));
    struct endpoint *copy = calloc(k->n_slots + 1U, sizeof(*copy));
    int n = 0;

    *out = left;
    *copies = copy;
    if (!left || !copy)
        return -ENOMEM;
    for (uint32_t i = 0; i < k->n_slots; i++) {
        const struct slot *s = slot_at(k, i);

        if (atomic_load_explicit(&s->state, memory_order_acquire) != SLOT_USED)
            continue;
        left[n] = (struct kept){.session = s->session,
                                .slot = i,
                                .life = s->life,
                                .index = s->index,
                                .stats_every_s = s->stats_every_s,
                                .worker = s->worker,
                                .epoch = s->epoch,
                                .orphan_idle_ms = s->orphan_idle_ms,
                                .orphan_cap_ms = s->orphan_cap_ms,
                                .ep = &copy[n]};
        memcpy(left[n].node, s->node, sizeof(left[n].node));
        copy[n] = s->ep;
        if (atomic_load_explicit(&s->turn, memory_order_relaxed) & 1 ||
            !keep_check(&left[n], &copy[n]))
            ++*spoilt;
        else
            n++;
    }
    qsort(left, (size_t)n, sizeof(*left), by_session);
    return without_twins(left, n);
}

uint32_t keep_each(struct keep *k, void (*fn)(void *arg, const struct kept *left, unsigned n),
                   void *arg)
{
    struct kept *left;
    struct endpoint *copies;
    uint32_t spoilt = 0, before = k->n_slots;
    int n = collect(k, &left, &copies, &spoilt);
    bool *was_used = calloc(before + 1U, sizeof(*was_used));

    if (!was_used)
        return 0; /* the controller installs them again */
    for (uint32_t i = 0; i < before; i++) {
        if (atomic_load_explicit(&slot_at(k, i)->state, memory_order_relaxed) == SLOT_FREE)
            k->free_slot[k->n_free++] = i;
        else
            was_used[i] = true;
    }
    /* beside those that are there: a kill in this moment loses nothing, and leaves twins */
    for (int at = 0; at < n;) {
        int end = at;

        while (end < n && left[end].session == left[at].session)
            end++;
        fn(arg, left + at, (unsigned)(end - at));
        at = end;
    }
    for (uint32_t i = 0; i < before; i++) {
        if (!was_used[i])
            continue;
        atomic_store_explicit(&slot_at(k, i)->state, SLOT_FREE, memory_order_release);
        k->free_slot[k->n_free++] = i;
    }
    free(was_used);
    free(left);
    free(copies);
    return spoilt;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

/* @return true: what it left can be read */
static bool is_ours(const struct keep *k, const char *path)
{
    const struct head *h = k->head;

    if (k->file.len < HEAD_BYTES || h->magic == 0)
        return false; /* new */
    if (h->magic == KEEP_MAGIC && h->version == KEEP_VERSION && h->layout == keep_layout())
        return true;
    log_ev(LOG_WARN, "media_journal",
           "path=%s version=%u msg=\"of another program: its sessions are not taken up\"", path,
           h->version);
    return false;
}

static struct keep *keep_at(const char *path)
{
    struct keep *k = calloc(1, sizeof(*k));

    if (!k)
        return NULL;
    k->file.fd = -1;
    k->path = strdup(path);
    if (k->path)
        return k;
    free(k);
    return NULL;
}

/* @return 0 or -errno; the head is valid then */
static int head_new(struct keep *k, uint64_t boot)
{
    int err = mapfile_empty(&k->file);

    if (err == 0)
        err = mapfile_grow(&k->file, HEAD_BYTES);
    if (err < 0)
        return err;
    k->head->version = KEEP_VERSION;
    k->head->layout = keep_layout();
    k->head->boot = boot;
    k->head->magic = KEEP_MAGIC;
    return 0;
}

static int slots_init(struct keep *k, uint64_t *boot)
{
    *boot = k->head->boot;
    k->head->lives++;
    k->n_slots = (uint32_t)((k->file.len - HEAD_BYTES) / sizeof(struct slot));
    k->free_slot = malloc((k->n_slots + 1U) * sizeof(*k->free_slot));
    return k->free_slot ? 0 : -ENOMEM;
}

int keep_open(const char *path, uint64_t *boot, struct keep **out)
{
    struct keep *k = keep_at(path);
    int err;

    if (!k)
        return -ENOMEM;
    err = mapfile_open(&k->file, path, FILE_MAX);
    if (err == 0) {
        k->head = (struct head *)(void *)k->file.p;
        if (!is_ours(k, path))
            err = head_new(k, *boot);
    }
    if (err == 0)
        err = slots_init(k, boot);
    if (err < 0)
        keep_close(k, false);
    else
        *out = k;
    return err;
}

/* Whoever comes after this process looks for it there. */
static bool is_at(const char *path, int fd)
{
    struct stat at, open;

    return stat(path, &at) == 0 && fstat(fd, &open) == 0 && at.st_dev == open.st_dev &&
           at.st_ino == open.st_ino;
}

int keep_adopt(const char *path, int fd, uint64_t *boot, struct keep **out)
{
    struct keep *k = keep_at(path);
    int err;

    if (!k) {
        close(fd);
        return -ENOMEM;
    }
    err = mapfile_adopt(&k->file, fd, FILE_MAX);
    if (err == 0) {
        k->head = (struct head *)(void *)k->file.p;
        err = is_at(path, fd) && is_ours(k, path) ? slots_init(k, boot) : -EPROTO;
    }
    if (err < 0)
        keep_close(k, false);
    else
        *out = k;
    return err;
}

void keep_close(struct keep *k, bool is_clean)
{
    if (!k)
        return;
    if (is_clean && k->path)
        (void)unlink(k->path);
    mapfile_close(&k->file);
    free(k->free_slot);
    free(k->path);
    free(k);
}
