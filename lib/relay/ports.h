/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ledger of media ports: even/odd pairs per pool, address and range; who has none taken gets the one that rested longest.
 * The control thread's session table takes and gives back; it opens no socket and reads no clock.
 */
#ifndef RELAY_PORTS_H
#define RELAY_PORTS_H

#include <stdbool.h>
#include <stdint.h>
#include "core/addr.h"
#include "media/media_proto.h"

struct ports;
struct port_addr;

/* One pair, taken. By value in the endpoint that holds it. */
struct port_lease {
    struct port_addr *at; /* NULL: none */
    uint16_t pair;
    uint8_t range; /* 0 ordinary, 1 priority */
};

/** An empty ledger. @return NULL out of memory */
struct ports *ports_new(void);
/** All leases must be back or be forgotten. */
void ports_free(struct ports *p);

/**
 * Put a pool in, or change it: addresses that stay keep their pairs' states, those that go take no new leases and
 * vanish with their last one. An older generation than the ledger's is ignored.
 *
 * @param msg  checked by control_check; borrowed
 * @return 0; -EEXIST another name has this id; -ENOSPC too many pools; -ENOMEM (nothing changed)
 */
int ports_set_pool(struct ports *p, const struct media_pool *msg);
/** Pools that the generation did not name take no new leases. */
void ports_end_pools(struct ports *p, uint64_t generation);

/**
 * Take the pair that has rested longest; addresses of a pool take turns. O(addresses of the pool).
 *
 * @param has_priority  ordinary pairs first, then those kept for priority
 * @param now_ms        any monotonic clock; pairs in quarantine are not given
 * @return 0; -ENODEV pool, or family in it, unknown; -EADDRNOTAVAIL none free (counted)
 */
int ports_take(struct ports *p, uint32_t pool, uint8_t family, bool has_priority, uint64_t now_ms,
               struct port_lease *out);
/**
 * Take exactly this address and even port, in quarantine or not (it was the session's own before).
 * @return 0; -ENODEV not in the pool; -EADDRINUSE taken
 */
int ports_take_exact(struct ports *p, uint32_t pool, const struct addr *local, bool has_priority,
                     struct port_lease *out);
/**
 * Take a pair that a session of before has, and the pool has no more: the configuration changed while the call went on. It vanishes
 * with the lease.
 * @return 0; -ENODEV pool unknown, or no pair that any pool could have; -EADDRINUSE another pool has given it; -ENOMEM
 */
int ports_take_left(struct ports *p, uint32_t pool, const struct addr *local,
                    struct port_lease *out);
/** Give back; it rests for the pool's quarantine, or for rest_ms if that is not 0. */
void ports_give(struct ports *p, struct port_lease *lease, uint64_t now_ms, uint32_t rest_ms);

/** The RTP address of a lease; RTCP is the next port. */
struct addr ports_local(const struct port_lease *lease);
/** Its pool wants a socket for each port (`path sockets`), whatever else there is. */
bool ports_by_sockets(const struct port_lease *lease);
/** SO_BINDTODEVICE of its pool, or an empty string. Borrowed. */
const char *ports_device(const struct port_lease *lease);

/** Has any pool, or a lease of one that went, ports of this address between lo and hi? */
bool ports_has(const struct ports *p, const struct addr *ip, uint16_t lo, uint16_t hi);
/** Pairs taken now, over all pools: what the audit compares. O(1). */
uint64_t ports_used(const struct ports *p);
/** One line per pool for operators; max entries at most. Walks what is in quarantine. @return how many */
unsigned ports_report(const struct ports *p, uint64_t now_ms, struct media_pool_state *out,
                      unsigned max);

#endif
