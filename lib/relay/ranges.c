/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools into ranges of lines. conn.c and relay.c call it.
 * A pool of path sockets has none; what does not fit has none either, and per-port sockets serve it.
 */
#include "relay/ranges.h"

#include <string.h>
#include "core/log.h"
#include "relay/kernel.h"
#include "relay/limits.h"

static void set(struct kernel *k, const struct media_pool *m, uint16_t lo, uint16_t hi)
{
    bool is_own = limits_is_own(lo, hi);
    char text[ADDR_STRLEN];
    int err;

    for (unsigned i = 0; i < m->n_addrs; i++) {
        err = kernel_range_set(k, &m->addr[i], lo, hi, is_own);
        if (err < 0)
            log_limited(LOG_WARN, "media_lines",
                        "pool=%.*s addr=%s ports=%u-%u errno=%d path=sockets hint=--lines",
                        (int)sizeof(m->name), m->name, addr_ip_str(&m->addr[i], text), lo, hi,
                        -err);
    }
}

void ranges_pool(struct kernel *k, const struct media_pool *m)
{
    if (!k || m->flags & MEDIA_POOL_SOCKETS)
        return;
    set(k, m, m->port_lo, m->port_hi);
    if (m->priority_hi)
        set(k, m, m->priority_lo, m->priority_hi);
}

void ranges_sweep(struct kernel *k, const struct ports *p)
{
    if (!k)
        return;
    for (unsigned i = 0; i < RANGES_MAX; i++) {
        struct range *r = &k->ranges[i];
        struct addr ip = {.family = r->family};

        if (!r->family)
            continue;
        memcpy(ip.ip, r->ip, sizeof(ip.ip));
        if (!ports_has(p, &ip, 0, 65535))
            kernel_range_clear(k, &ip);
        else if (r->is_own && !ports_has(p, &ip, r->lo, r->hi))
            r->is_own = 0; /* somebody else may have them by now */
    }
}
