/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From one of our addresses and ports to its flow, for packets of all flows that come by one socket. O(1): two tables by number.
 * Of one packet thread; the steered form asks it for each packet.
 */
#ifndef RELAY_FLOW_MAP_H
#define RELAY_FLOW_MAP_H

#include <linux/types.h>
#include "relay/bpf/relay_maps.h"
#include "relay/flow.h"

#define FLOW_MAP_SLOTS (2U * RANGES_MAX)
#define FLOW_MAP_PAGE  256U

/* One address of ours: 256 ports a page, made when the first of them is used. */
struct flow_map_addr {
    uint8_t ip[16];
    uint8_t family; /* 0: free */
    struct flow **page[65536U / FLOW_MAP_PAGE];
};

struct flow_map {
    unsigned n;
    struct flow_map_addr *slot[FLOW_MAP_SLOTS]; /* open addressing */
};

/** f->local names it from now on. @return 0; -ENOMEM; -ENOSPC more than RANGES_MAX addresses */
int flow_map_add(struct flow_map *m, struct flow *f);
void flow_map_del(struct flow_map *m, const struct flow *f);
/** @return NULL: nobody's port */
struct flow *flow_map_find(const struct flow_map *m, const struct addr *local);
void flow_map_fini(struct flow_map *m);

#endif
