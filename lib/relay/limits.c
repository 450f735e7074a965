/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of the machine's settings is in the way of the relay: said once each, with what to set.
 * relay.c calls it at its start and when pools come. It changes nothing.
 */
#include "relay/limits.h"

#include <stdio.h>
#include "core/ephemeral.h"
#include "core/log.h"

/* What the unit gives; 4 descriptors a call where each port has a socket. */
#define DESCRIPTORS_UNIT 19900U

bool limits_is_own(uint16_t lo, uint16_t hi)
{
    struct ephemeral e;

    ephemeral_read(&e, "");
    return !ephemeral_may_take(&e, lo, hi);
}

static bool is_new(struct limits *l, const struct media_pool *m, uint16_t lo)
{
    uint32_t key = m->id ^ lo * 0x9E3779B1U;

    for (unsigned i = 0; i < l->n; i++) {
        if (l->said[i] == key)
            return false;
    }
    if (l->n < sizeof(l->said) / sizeof(l->said[0]))
        l->said[l->n++] = key;
    return true;
}

static void check_range(struct limits *l, const struct media_pool *m, uint16_t lo, uint16_t hi)
{
    struct ephemeral e;

    ephemeral_read(&e, "");
    if (hi == 0 || !ephemeral_may_take(&e, lo, hi) || !is_new(l, m, lo))
        return;
    log_ev(LOG_WARN, "media_ports_ephemeral",
           "pool=%.*s ports=%u-%u kernel=%u-%u hint=\"sysctl "
           "net.ipv4.ip_local_reserved_ports=%u-%u\"",
           (int)sizeof(m->name), m->name, lo, hi, e.lo, e.hi, lo, hi);
}

void limits_pool(struct limits *l, const struct media_pool *m)
{
    check_range(l, m, m->port_lo, m->port_hi);
    check_range(l, m, m->priority_lo, m->priority_hi);
}

static bool read_setting(const char *path, unsigned *out)
{
    FILE *f = fopen(path, "re");
    bool is_read = f && fscanf(f, "%u", out) == 1;

    if (f)
        fclose(f);
    return is_read;
}

void limits_start(uint32_t descriptors)
{
    unsigned n;

    if (descriptors < DESCRIPTORS_UNIT)
        log_ev(LOG_WARN, "media_descriptors",
               "limit=%u calls_by_sockets=%u hint=\"LimitNOFILE=20000\"", descriptors,
               descriptors / 4);
    if (read_setting("/proc/sys/net/core/rmem_max", &n) && n < LIMITS_RCVBUF)
        log_ev(LOG_WARN, "media_buffers", "rmem_max=%u hint=\"sysctl net.core.rmem_max=%u\"", n,
               LIMITS_RCVBUF);
    /* readable by root alone on some kernels: then tandemctl doctor says it */
    if (read_setting("/proc/sys/net/core/bpf_jit_enable", &n) && n == 0)
        log_ev(LOG_WARN, "media_jit", "bpf_jit_enable=0 hint=\"sysctl net.core.bpf_jit_enable=1\"");
}
