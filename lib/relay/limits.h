/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of the machine's settings is in the way of the relay: said once each, with what to set.
 * relay.c calls it at its start and when pools come. It changes nothing.
 */
#ifndef RELAY_LIMITS_H
#define RELAY_LIMITS_H

#include <stdbool.h>
#include <stdint.h>
#include "media/media_proto.h"

/* One socket receives what thousands of calls send: 8 MiB hold a quarter of a second of 10,000 calls (20 ms, 700 bytes each with the kernel's overhead). */
#define LIMITS_RCVBUF (8U << 20)

/* What has been said. */
struct limits {
    unsigned n;
    uint32_t said[2 * MEDIA_POOLS_MAX]; /* ranges, by hash */
};

/** The kernel gives none of these ports to anybody else: struct range's is_own. Reads two files of /proc. */
bool limits_is_own(uint16_t lo, uint16_t hi);
/** Log a pool's ranges that are not the relay's own; each once. */
void limits_pool(struct limits *l, const struct media_pool *m);
/** Log what is too low: descriptors, socket buffers, the JIT. At start. @param descriptors  what RLIMIT_NOFILE leaves for media */
void limits_start(uint32_t descriptors);

#endif
