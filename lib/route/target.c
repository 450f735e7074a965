/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target sets: made and replaced by the control thread, read by workers, freed when no worker can see them any more.
 * Also the way back: contacts that workers have seen registered. Must not know DNS, messages or calls.
 */
#include "route/target.h"

#include <stdlib.h>
#include <string.h>
#include "core/err.h"
#include "route/trunk.h"

struct targets {
    _Atomic uint64_t generation; /* sets published since start */
    /* By worker: generation of which, or newer, all is that it holds. UINT64_MAX: it reads none. */
    _Atomic uint64_t seen[CONF_WORKERS_MAX];
    struct target_set *retired; /* control thread only */
    uint32_t serial;            /* control thread only */
    _Atomic(struct target_post *) posts;
    _Atomic uint32_t n_posts;
    void (*on_post)(void *arg);
    void *on_post_arg;
};

struct targets *targets_new(void)
{
    struct targets *t = calloc(1, sizeof(*t));
    for (unsigned i = 0; t && i < CONF_WORKERS_MAX; i++)
        atomic_init(&t->seen[i], UINT64_MAX);
    return t;
}

static void set_free(struct target_set *set)
{
    for (uint32_t i = 0; set && i < set->n; i++)
        if (--set->v[i].health->refs == 0)
            free(set->v[i].health);
    free(set);
}

void targets_free(struct targets *t)
{
    if (!t)
        return;
    for (struct target_set *s = t->retired, *next; s; s = next) {
        next = s->next;
        set_free(s);
    }
    for (struct target_post *p = t->posts, *next; p; p = next) {
        next = p->next;
        free(p);
    }
    free(t);
}

void targets_drop(struct trunk_state *ts)
{
    set_free((struct target_set *)(uintptr_t)targets_of(ts));
    atomic_store(&ts->targets, NULL);
}

/* ---- workers ---- */

const struct target_set *targets_of(const struct trunk_state *ts)
{
    return atomic_load_explicit(&ts->targets, memory_order_acquire);
}

const struct target *target_find(const struct target_set *set, const struct addr *addr,
                                 uint8_t proto)
{
    for (uint32_t i = 0; set && i < set->n; i++)
        if (set->v[i].proto == proto && addr_eq(&set->v[i].addr, addr))
            return &set->v[i];
    return NULL;
}

bool target_is_usable(const struct target *t, uint64_t now_ms)
{
    return !atomic_load_explicit(&t->health->down, memory_order_relaxed) &&
           (now_ms == 0 ||
            atomic_load_explicit(&t->health->busy_until_ms, memory_order_relaxed) <= now_ms);
}

void target_busy(const struct target *t, uint64_t now_ms, uint32_t retry_after_s)
{
    uint64_t ms = (uint64_t)retry_after_s * 1000;
    uint64_t until = now_ms + (ms > TARGET_BUSY_MAX_MS ? TARGET_BUSY_MAX_MS : ms);
    uint64_t old = atomic_load_explicit(&t->health->busy_until_ms, memory_order_relaxed);
    while (until > old &&
           !atomic_compare_exchange_weak_explicit(&t->health->busy_until_ms, &old, until,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
    atomic_fetch_add_explicit(&t->health->busy, 1, memory_order_relaxed);
}

void target_silent(const struct target *t, uint64_t now_ms)
{
    atomic_store_explicit(&t->health->silent_until_ms, now_ms + TARGET_SILENT_MS,
                          memory_order_relaxed);
}

bool target_is_silent(const struct target *t, uint64_t now_ms)
{
    return atomic_load_explicit(&t->health->silent_until_ms, memory_order_relaxed) > now_ms;
}

bool target_result(struct target_health *h, bool ok, const struct conf_options *opt,
                   uint64_t wall_ms)
{
    bool down = atomic_load_explicit(&h->down, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->probes, 1, memory_order_relaxed);
    if (!ok)
        atomic_fetch_add_explicit(&h->probe_failures, 1, memory_order_relaxed);
    h->failures = ok ? 0 : h->failures + 1;
    h->successes = ok ? h->successes + 1 : 0;
    bool change = down ? h->successes >= opt->up_after : h->failures >= opt->down_after;
    if (!change)
        return false;
    atomic_store_explicit(&h->down, !down, memory_order_relaxed);
    atomic_store_explicit(&h->changed_wall_ms, wall_ms, memory_order_relaxed);
    return true;
}

void target_unprobed(struct target_health *h, uint64_t wall_ms)
{
    h->failures = h->successes = 0;
    if (atomic_exchange_explicit(&h->down, false, memory_order_relaxed))
        atomic_store_explicit(&h->changed_wall_ms, wall_ms, memory_order_relaxed);
}

uint64_t targets_generation(const struct trunk_registry *reg)
{
    return atomic_load_explicit(&trunk_registry_targets(reg)->generation, memory_order_acquire);
}

void targets_reader(struct trunk_registry *reg, unsigned worker, bool on)
{
    atomic_store_explicit(&trunk_registry_targets(reg)->seen[worker],
                          on ? targets_generation(reg) : UINT64_MAX, memory_order_release);
}

bool targets_changed(const struct trunk_registry *reg, unsigned worker)
{
    const struct targets *t = trunk_registry_targets(reg);
    return atomic_load_explicit(&t->seen[worker], memory_order_relaxed) != targets_generation(reg);
}

void targets_turn_end(struct trunk_registry *reg, unsigned worker, uint64_t generation)
{
    atomic_store_explicit(&trunk_registry_targets(reg)->seen[worker], generation,
                          memory_order_release);
}

static int post(struct trunk_registry *reg, const struct target_post *what, uint32_t max)
{
    struct targets *t = trunk_registry_targets(reg);
    struct target_post *p;
    /* counted before it can be taken, or the count would be below zero for a moment: full for everybody */
    bool room = atomic_fetch_add_explicit(&t->n_posts, 1, memory_order_relaxed) < max;
    p = room ? malloc(sizeof(*p)) : NULL;
    if (!p) {
        atomic_fetch_sub_explicit(&t->n_posts, 1, memory_order_relaxed);
        return room ? -ENOMEM : TD_EFULL;
    }
    *p = *what;
    p->next = atomic_load_explicit(&t->posts, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&t->posts, &p->next, p, memory_order_release,
                                                  memory_order_relaxed)) {
    }
    if (t->on_post)
        t->on_post(t->on_post_arg);
    return 0;
}

int targets_register(struct trunk_registry *reg, uint32_t slot, const struct target_contact *c,
                     uint64_t expires_ms)
{
    return post(reg, &(struct target_post){.slot = slot, .contact = *c, .expires_ms = expires_ms},
                TARGET_POSTS_MAX);
}

int targets_restore(struct trunk_registry *reg, uint32_t slot, const struct target_contact *c,
                    uint64_t expires_ms)
{
    return post(reg, &(struct target_post){.slot = slot, .contact = *c, .expires_ms = expires_ms},
                UINT32_MAX);
}

int targets_unregister(struct trunk_registry *reg, uint32_t slot)
{
    return post(reg, &(struct target_post){.slot = slot, .all = true}, TARGET_POSTS_MAX);
}

/* ---- control thread ---- */

struct target_post *targets_take_posts(struct trunk_registry *reg)
{
    struct targets *t = trunk_registry_targets(reg);
    struct target_post *p = atomic_exchange_explicit(&t->posts, NULL, memory_order_acquire), *next,
                       *in_order = NULL;
    uint32_t n = 0;
    for (; p; p = next, n++) { /* the newest is first */
        next = p->next;
        p->next = in_order;
        in_order = p;
    }
    atomic_fetch_sub_explicit(&t->n_posts, n, memory_order_relaxed);
    return in_order;
}

void targets_on_post(struct trunk_registry *reg, void (*fn)(void *arg), void *arg)
{
    struct targets *t = trunk_registry_targets(reg);
    t->on_post = fn;
    t->on_post_arg = arg;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_sets(const struct target_set *a, const struct target_set *b)
{
    if (!a || !b || a->n != b->n)
        return a == b;
    for (uint32_t i = 0; i < a->n; i++) {
        const struct target *x = &a->v[i], *y = &b->v[i];
        if (!addr_eq(&x->addr, &y->addr) || x->proto != y->proto || x->listener != y->listener ||
            x->priority != y->priority || x->weight != y->weight || x->conn != y->conn ||
            !same_text(x->host, y->host) || x->uri_port != y->uri_port)
            return false;
    }
    return true;
}

/* Sorted by priority, equal ones as given; of two alike the better one. At most TARGETS_MAX are kept of any number. */
static unsigned set_choose(const struct target_record *v, unsigned n,
                           const struct target_record *out[TARGETS_MAX])
{
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned k = 0, at;
        while (k < kept && !(out[k]->proto == v[i].proto && addr_eq(&out[k]->addr, &v[i].addr)))
            k++;
        if (k < kept && out[k]->priority <= v[i].priority)
            continue;
        if (k < kept) { /* the one that is there is worse */
            memmove(&out[k], &out[k + 1], (kept - k - 1) * sizeof(*out));
            kept--;
        }
        for (at = kept; at > 0 && out[at - 1]->priority > v[i].priority; at--)
            continue;
        if (at == TARGETS_MAX)
            continue;
        if (kept == TARGETS_MAX)
            kept--;
        memmove(&out[at + 1], &out[at], (kept - at) * sizeof(*out));
        out[at] = &v[i];
        kept++;
    }
    return kept;
}

static struct target_health *health_of(const struct target_set *old, const struct target_record *r)
{
    const struct target *t = target_find(old, &r->addr, r->proto);
    return t ? t->health : calloc(1, sizeof(struct target_health));
}

/* One block: the targets, then their hosts. */
static struct target_set *set_new(const struct target_set *old, const struct target_record **v,
                                  unsigned n)
{
    size_t text = 0;
    for (unsigned i = 0; i < n; i++)
        text += v[i]->host ? strlen(v[i]->host) + 1 : 0;
    struct target_set *set = calloc(1, sizeof(*set) + n * sizeof(struct target) + text);
    if (!set)
        return NULL;
    char *host = (char *)&set->v[n];
    for (unsigned i = 0; i < n; i++) {
        struct target *t = &set->v[i];
        t->addr = v[i]->addr;
        t->proto = v[i]->proto;
        t->listener = v[i]->listener;
        t->priority = v[i]->priority;
        t->weight = v[i]->weight ? v[i]->weight : 1;
        t->conn = v[i]->conn;
        t->uri_port = v[i]->uri_port;
        t->health = health_of(old, v[i]);
        if (!t->health) {
            set_free(set); /* n counts those before this one */
            return NULL;
        }
        t->health->refs++;
        set->n++;
        if (v[i]->host) {
            size_t len = strlen(v[i]->host) + 1;
            t->host = memcpy(host, v[i]->host, len);
            host += len;
        }
    }
    return set;
}

int targets_publish(struct trunk_registry *reg, struct trunk_state *ts,
                    const struct target_record *v, unsigned n)
{
    struct targets *t = trunk_registry_targets(reg);
    const struct target_record *chosen[TARGETS_MAX + 1];
    struct target_set *old = atomic_load_explicit(&ts->targets, memory_order_relaxed), *set = NULL;
    unsigned kept = set_choose(v, n, chosen);
    if (kept > 0) {
        set = set_new(old, chosen, kept);
        if (!set)
            return -ENOMEM;
        set->serial = ++t->serial;
    }
    if (same_sets(old, set)) {
        set_free(set);
        return 0;
    }
    atomic_store_explicit(&ts->targets, set, memory_order_release);
    uint64_t generation = atomic_load_explicit(&t->generation, memory_order_relaxed) + 1;
    atomic_store_explicit(&t->generation, generation, memory_order_release);
    if (old) {
        old->retired = generation;
        old->next = t->retired;
        t->retired = old;
    }
    return 1;
}

unsigned targets_collect(struct trunk_registry *reg)
{
    struct targets *t = trunk_registry_targets(reg);
    uint64_t oldest = UINT64_MAX;
    unsigned left = 0;
    for (unsigned i = 0; i < CONF_WORKERS_MAX; i++) {
        uint64_t seen = atomic_load_explicit(&t->seen[i], memory_order_acquire);
        oldest = seen < oldest ? seen : oldest;
    }
    for (struct target_set **p = &t->retired; *p;) {
        struct target_set *s = *p;
        if (s->retired > oldest) {
            p = &s->next;
            left++;
            continue;
        }
        *p = s->next;
        set_free(s);
    }
    return left;
}
