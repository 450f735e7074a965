/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose trunk is a datagram's source? An immutable index of all `accept` and `peer` addresses per listener.
 * Built by route.c off the workers, read by all of them; a lookup probes one hash per prefix length in use.
 * Must not know messages: match lines see source_facts.
 */
#include "route/source.h"

#include <errno.h>
#include <stdlib.h>
#include "core/htab.h"

/* One source of one trunk on one listen section. */
struct source_entry {
    struct htab_node node;
    struct addr_prefix net;
    uint32_t place, trunk; /* place_of() */
    uint32_t order;        /* place in the configuration: the first written wins */
};

/* One kind of key in use: family, prefix length, with or without port. */
struct source_shape {
    uint8_t family, bits;
    bool port;
};

/* 2 * (33 + 129) shapes at most: each length of each family, with and without port. */
#define SHAPES_MAX 324

struct source_index {
    const struct conf *conf;
    struct htab tab;
    struct source_entry *entry;
    uint32_t n, n_shapes;
    struct source_shape shape[SHAPES_MAX]; /* most specific first */
};

static void mask_addr(struct addr *a, unsigned bits)
{
    for (unsigned i = 0; i < sizeof(a->ip); i++) {
        unsigned keep = bits > i * 8 ? bits - i * 8 : 0;
        if (keep < 8)
            a->ip[i] = (uint8_t)(a->ip[i] & (0xff00U >> keep));
    }
}

/* Datagrams and streams of a listen are looked up apart: a stream comes from any port (RFC 3261 §18). */
static uint32_t place_of(const struct source_at *at)
{
    return at->listen << 1 | at->stream; /* 65,535 listens at most */
}

static uint64_t source_hash(const struct addr *net, uint8_t bits, uint32_t place)
{
    return hash_u64(addr_hash(net) ^ ((uint64_t)place << 16 | bits));
}

static int shape_order(const void *a, const void *b)
{
    const struct source_shape *x = a, *y = b;
    if (x->bits != y->bits)
        return y->bits - x->bits;
    return y->port - x->port;
}

static void shape_add(struct source_index *ix, const struct addr_prefix *net)
{
    struct source_shape s = {
        .family = net->net.family, .bits = net->bits, .port = net->net.port != 0};
    for (uint32_t i = 0; i < ix->n_shapes; i++)
        if (ix->shape[i].family == s.family && ix->shape[i].bits == s.bits &&
            ix->shape[i].port == s.port)
            return;
    ix->shape[ix->n_shapes++] = s;
}

static void entry_add(struct source_index *ix, uint32_t trunk, struct source_at at,
                      const struct addr_prefix *net)
{
    struct source_entry *e = &ix->entry[ix->n];
    e->net = *net;
    if (at.stream)
        e->net.net.port = 0;
    e->place = place_of(&at);
    e->trunk = trunk;
    e->order = ix->n++;
    shape_add(ix, &e->net);
    htab_add(&ix->tab, &e->node, source_hash(&e->net.net, e->net.bits, e->place));
}

struct source_index *source_index_new(const struct conf *conf)
{
    struct source_index *ix = calloc(1, sizeof(*ix));
    size_t total = 0;
    if (!ix)
        return NULL;
    ix->conf = conf;
    for (uint32_t t = 0; t < conf->trunk.n; t++)
        total += (size_t)conf->trunk.v[t].listen.n * conf->trunk.v[t].accept.n * 2;
    ix->entry = calloc(total ? total : 1, sizeof(*ix->entry));
    if (!ix->entry || htab_init(&ix->tab, total * 2) < 0) {
        source_index_free(ix);
        return NULL;
    }
    for (uint32_t t = 0; t < conf->trunk.n; t++) {
        const struct conf_trunk *tr = &conf->trunk.v[t];
        for (uint32_t l = 0; l < tr->listen.n; l++)
            for (uint32_t a = 0; a < tr->accept.n; a++)
                for (unsigned stream = 0; stream < 2; stream++)
                    entry_add(ix, t, (struct source_at){tr->listen.v[l].id, stream},
                              &tr->accept.v[a].net);
    }
    qsort(ix->shape, ix->n_shapes, sizeof(ix->shape[0]), shape_order);
    return ix;
}

void source_index_free(struct source_index *ix)
{
    if (!ix)
        return;
    htab_fini(&ix->tab);
    free(ix->entry);
    free(ix);
}

static bool entry_has(const struct source_entry *e, const struct addr *key, uint8_t bits,
                      uint32_t place)
{
    return e->place == place && e->net.bits == bits && addr_eq(&e->net.net, key);
}

/* The key that a source has under a shape. @return false: another family */
static bool shape_key(const struct source_shape *s, const struct addr *from, struct addr *key)
{
    if (s->family != from->family)
        return false;
    *key = *from;
    mask_addr(key, s->bits);
    if (!s->port)
        key->port = 0;
    return true;
}

bool source_is_known(const struct source_index *ix, struct source_at at, const struct addr *from)
{
    uint32_t place = place_of(&at);
    struct source_index *w =
        (struct source_index *)(uintptr_t)ix; /* htab_first takes no const: it only reads here */
    for (uint32_t i = 0; i < ix->n_shapes; i++) {
        struct addr key;
        if (!shape_key(&ix->shape[i], from, &key))
            continue;
        struct htab_node *n = htab_first(&w->tab, source_hash(&key, ix->shape[i].bits, place));
        for (; n; n = htab_next(n))
            if (entry_has(container_of(n, struct source_entry, node), &key, ix->shape[i].bits,
                          place))
                return true;
    }
    return false;
}

static bool match_one(const struct conf_match *m, const struct source_facts *f)
{
    struct span v = span_of(m->value);
    switch (m->kind) {
    case CONF_MATCH_TECH_PREFIX: return span_has_prefix(f->ruri_user, v);
    case CONF_MATCH_RURI_DOMAIN: return span_case_eq(f->ruri_host, v);
    case CONF_MATCH_TO_DOMAIN: return span_case_eq(f->to_host, v);
    case CONF_MATCH_FROM_DOMAIN: return span_case_eq(f->from_host, v);
    case CONF_MATCH_TGRP: return span_case_eq(f->tgrp, v);
    case CONF_MATCH_HEADER: return f->header && span_eq(f->header(f->arg, m->header), v);
    }
    return false;
}

static bool trunk_matches(const struct conf_trunk *t, const struct source_facts *f)
{
    if (f->login.len && t->login.user && !span_eq(f->login, span_of(t->login.user)))
        return false;
    if (t->match.n == 0)
        return true;
    for (uint32_t i = 0; i < t->match.n; i++)
        if (match_one(&t->match.v[i], f))
            return true;
    return false;
}

int source_identify(const struct source_index *ix, struct source_at at, const struct addr *from,
                    const struct source_facts *facts, uint32_t *trunk)
{
    uint32_t place = place_of(&at);
    struct source_index *w = (struct source_index *)(uintptr_t)ix;
    bool known = false;
    for (uint32_t i = 0; i < ix->n_shapes; i++) {
        struct addr key;
        const struct source_entry *best = NULL;
        if (!shape_key(&ix->shape[i], from, &key))
            continue;
        struct htab_node *n = htab_first(&w->tab, source_hash(&key, ix->shape[i].bits, place));
        for (; n; n = htab_next(n)) {
            struct source_entry *e = container_of(n, struct source_entry, node);
            if (!entry_has(e, &key, ix->shape[i].bits, place))
                continue;
            known = true;
            if ((!best || e->order < best->order) &&
                trunk_matches(&ix->conf->trunk.v[e->trunk], facts))
                best = e;
        }
        if (best) {
            *trunk = best->trunk;
            return 0;
        }
    }
    return known ? -EACCES : -ENOENT;
}
