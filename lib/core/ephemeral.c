/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which local ports the kernel may give to any program: its ephemeral range less the reserved ports.
 * The check of a configuration, the relay and tandemctl ask; it opens no socket.
 */
#include "core/ephemeral.h"

#include <stdio.h>

static FILE *open_setting(const char *root, const char *name)
{
    char path[256];
    int n = snprintf(path, sizeof(path), "%s/proc/sys/net/ipv4/%s", root, name);

    return n > 0 && (size_t)n < sizeof(path) ? fopen(path, "re") : NULL;
}

/* "8080,10000-32767" */
static void read_reserved(struct ephemeral *e, FILE *f)
{
    unsigned lo, hi;
    int c = ',';

    while (c == ',' && e->n_reserved < EPHEMERAL_RESERVED_MAX && fscanf(f, "%u", &lo) == 1) {
        hi = lo;
        c = fgetc(f);
        if (c == '-') {
            if (fscanf(f, "%u", &hi) != 1)
                return;
            c = fgetc(f);
        }
        if (lo > hi || hi > UINT16_MAX)
            return;
        e->reserved[e->n_reserved].lo = (uint16_t)lo;
        e->reserved[e->n_reserved].hi = (uint16_t)hi;
        e->n_reserved++;
    }
}

void ephemeral_read(struct ephemeral *e, const char *root)
{
    unsigned lo, hi;
    FILE *f;

    *e = (struct ephemeral){.lo = EPHEMERAL_LO, .hi = EPHEMERAL_HI};
    f = open_setting(root, "ip_local_port_range");
    if (f) {
        if (fscanf(f, "%u %u", &lo, &hi) == 2 && lo <= hi && hi <= UINT16_MAX) {
            e->lo = (uint16_t)lo;
            e->hi = (uint16_t)hi;
        }
        fclose(f);
    }
    f = open_setting(root, "ip_local_reserved_ports");
    if (f) {
        read_reserved(e, f);
        fclose(f);
    }
}

bool ephemeral_may_take(const struct ephemeral *e, uint16_t from, uint16_t to)
{
    uint32_t lo = from < e->lo ? e->lo : from;
    uint32_t hi = to > e->hi ? e->hi : to;
    uint32_t i = 0;

    while (lo <= hi && i < e->n_reserved) {
        if (e->reserved[i].lo <= lo && lo <= e->reserved[i].hi) {
            lo = e->reserved[i].hi + 1U;
            i = 0; /* they may be in any order */
        } else {
            i++;
        }
    }
    return lo <= hi;
}
