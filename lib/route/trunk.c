/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Live state of trunks, groups and customers, keyed by name: it outlives reloads, and calls refer to it by slot.
 * Names are added off the workers when a snapshot is built; states are never freed while the process lives.
 * Must not know messages, calls or routes.
 */
#include "route/trunk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "core/err.h"
#include "core/htab.h"

#define CHUNK      256U /* states an allocation: most switches have fewer trunks */
#define CHUNKS_MAX 256U /* 65,536 slots: CONF_OBJECTS_MAX and room for one renamed */

struct trunk_entry {
    struct htab_node node; /* by name */
    struct trunk_state ts;
};

enum named_kind { NAMED_CUSTOMER, NAMED_GROUP, NAMED_MEDIA };

/* A customer, a group or a media section: they are few, and found by name when a snapshot is built. */
struct named_entry {
    struct htab_node node;
    struct named_entry *next; /* all, for the end */
    enum named_kind kind;
    union {
        struct customer_state cs;
        struct group_state gs;
        struct media_state ms;
    };
};

struct account_text {
    struct account_text *next; /* all, for the end */
    char text[];
};

struct trunk_registry {
    pthread_mutex_t
        lock; /* of names being added: the builder and the control thread, never a call */
    struct htab trunks, named; /* under lock */
    _Atomic(struct trunk_entry **) chunk[CHUNKS_MAX];
    _Atomic uint32_t n;
    _Atomic(struct named_entry *) all_named;
    struct account_text *accounts;
    struct targets *targets;
    struct bindings *bindings;
    struct quality *quality;
    struct cac_gauge node;
};

struct trunk_registry *trunk_registry_new(void)
{
    struct trunk_registry *reg = calloc(1, sizeof(*reg));
    if (!reg)
        return NULL;
    pthread_mutex_init(&reg->lock, NULL);
    reg->targets = targets_new();
    reg->bindings = bindings_new();
    reg->quality = quality_new();
    if (!reg->targets || !reg->bindings || !reg->quality || htab_init(&reg->trunks, 64) < 0 ||
        htab_init(&reg->named, 64) < 0) {
        trunk_registry_free(reg);
        return NULL;
    }
    return reg;
}

void trunk_registry_free(struct trunk_registry *reg)
{
    if (!reg)
        return;
    for (uint32_t i = 0; i < reg->n; i++) {
        targets_drop(&reg->chunk[i / CHUNK][i % CHUNK]->ts);
        free(reg->chunk[i / CHUNK][i % CHUNK]);
    }
    targets_free(reg->targets);
    bindings_free(reg->bindings);
    quality_free(reg->quality);
    for (uint32_t i = 0; i < CHUNKS_MAX; i++)
        free(reg->chunk[i]);
    for (struct named_entry *e = reg->all_named, *next; e; e = next) {
        next = e->next;
        free(e);
    }
    for (struct account_text *a = reg->accounts, *next; a; a = next) {
        next = a->next;
        free(a);
    }
    htab_fini(&reg->trunks);
    htab_fini(&reg->named);
    pthread_mutex_destroy(&reg->lock);
    free(reg);
}

static struct trunk_entry *trunk_entry_new(struct trunk_registry *reg, struct span name)
{
    uint32_t slot = reg->n;
    struct trunk_entry **chunk, *e;
    if (slot == CHUNK * CHUNKS_MAX)
        return NULL;
    chunk = reg->chunk[slot / CHUNK];
    if (!chunk) {
        chunk = calloc(CHUNK, sizeof(struct trunk_entry *));
        if (!chunk)
            return NULL;
        atomic_store_explicit(&reg->chunk[slot / CHUNK], chunk, memory_order_release);
    }
    e = calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    span_copy(name, e->ts.name, sizeof(e->ts.name));
    e->ts.slot = slot;
    chunk[slot % CHUNK] = e;
    atomic_store_explicit(&reg->n, slot + 1, memory_order_release);
    htab_add(&reg->trunks, &e->node, hash_span(name));
    return e;
}

static struct trunk_entry *trunk_entry_get(struct trunk_registry *reg, struct span name)
{
    for (struct htab_node *n = htab_first(&reg->trunks, hash_span(name)); n; n = htab_next(n)) {
        struct trunk_entry *e = container_of(n, struct trunk_entry, node);
        if (span_eq(span_of(e->ts.name), name))
            return e;
    }
    return trunk_entry_new(reg, name);
}

struct trunk_state *trunk_registry_get(struct trunk_registry *reg, const char *name)
{
    pthread_mutex_lock(&reg->lock);
    struct trunk_entry *e = trunk_entry_get(reg, span_of(name));
    pthread_mutex_unlock(&reg->lock);
    return e ? &e->ts : NULL;
}

static const char *named_name(const struct named_entry *e)
{
    switch (e->kind) {
    case NAMED_MEDIA: return e->ms.name;
    case NAMED_GROUP: return e->gs.name;
    default: return e->cs.name;
    }
}

/* Under lock. */
static struct named_entry *named_entry_get(struct trunk_registry *reg, struct span key,
                                           enum named_kind kind)
{
    struct named_entry *e;
    for (struct htab_node *n = htab_first(&reg->named, hash_span(key)); n; n = htab_next(n)) {
        e = container_of(n, struct named_entry, node);
        if (e->kind == kind && span_eq(span_of(named_name(e)), key))
            return e;
    }
    e = calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    e->kind = kind;
    span_copy(key,
              kind == NAMED_MEDIA   ? e->ms.name
              : kind == NAMED_GROUP ? e->gs.name
                                    : e->cs.name,
              CONF_NAME_MAX + 1);
    if (kind == NAMED_CUSTOMER)
        atomic_store_explicit(&e->cs.account, e->cs.name, memory_order_relaxed);
    e->next = atomic_load_explicit(&reg->all_named, memory_order_relaxed);
    atomic_store_explicit(&reg->all_named, e, memory_order_release);
    htab_add(&reg->named, &e->node, hash_span(key));
    return e;
}

static struct named_entry *named_get(struct trunk_registry *reg, const char *name,
                                     enum named_kind kind)
{
    pthread_mutex_lock(&reg->lock);
    struct named_entry *e = named_entry_get(reg, span_of(name), kind);
    pthread_mutex_unlock(&reg->lock);
    return e;
}

struct customer_state *trunk_registry_customer(struct trunk_registry *reg, const char *name)
{
    struct named_entry *e = named_get(reg, name, NAMED_CUSTOMER);
    return e ? &e->cs : NULL;
}

struct media_state *trunk_registry_media(struct trunk_registry *reg, const char *name)
{
    struct named_entry *e = named_get(reg, name, NAMED_MEDIA);
    return e ? &e->ms : NULL;
}

struct group_state *trunk_registry_group(struct trunk_registry *reg, const char *name)
{
    struct named_entry *e = named_get(reg, name, NAMED_GROUP);
    return e ? &e->gs : NULL;
}

int trunk_registry_account(struct trunk_registry *reg, struct customer_state *cs,
                           const char *account)
{
    size_t size = strlen(account) + 1;
    struct account_text *a;
    if (strcmp(atomic_load_explicit(&cs->account, memory_order_relaxed), account) == 0)
        return 0;
    a = malloc(sizeof(*a) + size);
    if (!a)
        return -ENOMEM;
    memcpy(a->text, account, size);
    pthread_mutex_lock(&reg->lock);
    a->next = reg->accounts;
    reg->accounts = a;
    pthread_mutex_unlock(&reg->lock);
    atomic_store_explicit(&cs->account, a->text, memory_order_release);
    return 0;
}

struct cac_gauge *trunk_registry_node(struct trunk_registry *reg)
{
    return &reg->node;
}

void trunk_registry_each_gauge(const struct trunk_registry *reg,
                               void (*fn)(void *arg, struct cac_gauge *g, const char *kind,
                                          const char *name, const char *dir),
                               void *arg)
{
    struct trunk_state *ts;
    struct cac_gauge *node = &((struct trunk_registry *)(uintptr_t)reg)
                                  ->node; /* gauges are live, the registry is not changed */
    fn(arg, node, "node", "", "in");
    for (uint32_t i = 0; (ts = trunk_by_slot(reg, i)); i++) {
        fn(arg, &ts->in, "trunk", ts->name, "in");
        fn(arg, &ts->out, "trunk", ts->name, "out");
    }
    struct named_entry *e = atomic_load_explicit(&reg->all_named, memory_order_acquire);
    for (; e; e = e->next) {
        switch (e->kind) {
        case NAMED_MEDIA: fn(arg, &e->ms.calls, "media", e->ms.name, "both"); break;
        case NAMED_GROUP:
            fn(arg, &e->gs.in, "group", e->gs.name, "in");
            fn(arg, &e->gs.out, "group", e->gs.name, "out");
            break;
        case NAMED_CUSTOMER:
            fn(arg, &e->cs.in, "customer", e->cs.name, "in");
            fn(arg, &e->cs.out, "customer", e->cs.name, "out");
            break;
        }
    }
}

struct trunk_state *trunk_by_slot(const struct trunk_registry *reg, uint32_t slot)
{
    if (slot >= atomic_load_explicit(&reg->n, memory_order_acquire))
        return NULL;
    struct trunk_entry **chunk =
        atomic_load_explicit(&reg->chunk[slot / CHUNK], memory_order_acquire);
    return &chunk[slot % CHUNK]->ts;
}

struct trunk_state *trunk_registry_find(const struct trunk_registry *reg, const char *name)
{
    struct trunk_state *ts;
    for (uint32_t i = 0; (ts = trunk_by_slot(reg, i)); i++)
        if (strcmp(ts->name, name) == 0)
            return ts;
    return NULL;
}

static struct named_entry *named_find(const struct trunk_registry *reg, const char *name,
                                      enum named_kind kind)
{
    struct named_entry *e = atomic_load_explicit(&reg->all_named, memory_order_acquire);
    while (e && (e->kind != kind || strcmp(named_name(e), name) != 0))
        e = e->next;
    return e;
}

struct customer_state *trunk_registry_find_customer(const struct trunk_registry *reg,
                                                    const char *name)
{
    struct named_entry *e = named_find(reg, name, NAMED_CUSTOMER);
    return e ? &e->cs : NULL;
}

struct media_state *trunk_registry_find_media(const struct trunk_registry *reg, const char *name)
{
    struct named_entry *e = named_find(reg, name, NAMED_MEDIA);
    return e ? &e->ms : NULL;
}

struct group_state *trunk_registry_find_group(const struct trunk_registry *reg, const char *name)
{
    struct named_entry *e = named_find(reg, name, NAMED_GROUP);
    return e ? &e->gs : NULL;
}

struct quality *trunk_registry_quality(const struct trunk_registry *reg)
{
    return reg->quality;
}

const char *trunk_admin_name(unsigned admin)
{
    switch (admin) {
    case TRUNK_DRAIN: return "drain";
    case TRUNK_DOWN: return "down";
    default: return "up";
    }
}

struct bindings *trunk_registry_bindings(const struct trunk_registry *reg)
{
    return reg->bindings;
}

struct targets *trunk_registry_targets(const struct trunk_registry *reg)
{
    return reg->targets;
}
