/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An index of the peers' hosts: one hash lookup for what the configuration names, a walk over the trunks with names for the rest.
 * Built by route.c with each snapshot. It knows no message.
 */
#include "route/host.h"

#include <errno.h>
#include <stdlib.h>
#include "core/htab.h"

struct entry {
    struct htab_node node;
    uint32_t trunk;
    const struct conf_peer *peer;
};

struct host_index {
    struct htab tab;
    struct entry *entry;
    uint32_t *named; /* trunks that have a peer by name or a registered one */
    uint32_t n_named;
};

/* "_sip._tcp.carrier.example" stands for carrier.example. */
static struct span domain_of(const char *host)
{
    struct span s = span_of(host), head, tail;
    while (s.len && s.p[0] == '_' && span_cut(s, '.', &head, &tail))
        s = tail;
    return s;
}

static uint64_t hash_name(struct span name)
{
    char low[256];
    size_t n = name.len < sizeof(low) ? name.len : sizeof(low);
    for (size_t i = 0; i < n; i++)
        low[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
    return hash_bytes(low, n, 0);
}

static uint64_t hash_ip(struct addr a)
{
    a.port = 0;
    return addr_hash(&a);
}

struct host_index *host_index_new(const struct conf *conf)
{
    struct host_index *h = calloc(1, sizeof(*h));
    size_t n = 0;
    for (uint32_t t = 0; t < conf->trunk.n; t++)
        n += conf->trunk.v[t].peer.n;
    if (!h || htab_init(&h->tab, n + 1) < 0) {
        free(h);
        return NULL;
    }
    h->entry = calloc(n + 1, sizeof(*h->entry));
    h->named = calloc(conf->trunk.n + 1, sizeof(*h->named));
    if (!h->entry || !h->named) {
        host_index_free(h);
        return NULL;
    }
    struct entry *e = h->entry;
    for (uint32_t t = conf->trunk.n; t-- > 0;) { /* the newest is found first */
        const struct conf_trunk *trunk = &conf->trunk.v[t];
        bool named = false;
        for (uint32_t p = 0; p < trunk->peer.n; p++, e++) {
            const struct conf_peer *peer = &trunk->peer.v[p];
            named = named || peer->lookup != CONF_LOOKUP_NONE;
            if (peer->lookup == CONF_LOOKUP_REGISTERED)
                continue;
            e->trunk = t;
            e->peer = peer;
            htab_add(&h->tab, &e->node,
                     peer->host ? hash_name(domain_of(peer->host)) : hash_ip(peer->addr));
        }
        if (named)
            h->named[h->n_named++] = t;
    }
    return h;
}

void host_index_free(struct host_index *h)
{
    if (!h)
        return;
    htab_fini(&h->tab);
    free(h->entry);
    free(h->named);
    free(h);
}

static bool entry_is(const struct entry *e, struct span host, const struct addr *addr)
{
    if (addr_is_set(addr))
        return !e->peer->host && addr_ip_eq(&e->peer->addr, addr);
    return e->peer->host && span_case_eq(domain_of(e->peer->host), host);
}

static bool has_address(const struct trunk_state *ts, const struct addr *addr)
{
    const struct target_set *set = targets_of(ts);
    for (uint32_t i = 0; set && i < set->n; i++)
        if (addr_ip_eq(&set->v[i].addr, addr))
            return true;
    return false;
}

int host_find(const struct host_index *h, struct span host, uint32_t prefer,
              struct trunk_state *(*state)(const void *arg, uint32_t trunk), const void *arg,
              uint32_t *trunk, struct addr *only)
{
    struct addr addr = {0};
    uint32_t found = CONF_NONE;
    if (addr_parse_ip(host, &addr) < 0)
        addr = (struct addr){0};
    uint64_t hash = addr_is_set(&addr) ? hash_ip(addr) : hash_name(host);
    struct htab *tab = (struct htab *)(uintptr_t)&h->tab; /* looking up changes nothing */
    for (struct htab_node *n = htab_first(tab, hash); n; n = htab_next(n)) {
        const struct entry *e = container_of(n, struct entry, node);
        if (entry_is(e, host, &addr) && (found == CONF_NONE || e->trunk == prefer))
            found = e->trunk;
    }
    for (uint32_t i = h->n_named; addr_is_set(&addr) && found != prefer && i-- > 0;)
        if ((found == CONF_NONE || h->named[i] == prefer) &&
            has_address(state(arg, h->named[i]), &addr))
            found = h->named[i];
    if (found == CONF_NONE)
        return -ENOENT;
    *trunk = found;
    *only = addr;
    return 0;
}
