/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Next hops: for each far address that packets go to, interface, MACs, VLAN and MTU, found by rtnetlink and followed from then on.
 * The control thread calls it; what it knows is in the kernel's array of hops, by an index that stays while it is held, so that
 * the packet threads and the programs in the kernel see a new route or neighbour without being told. IP forwarding stays off.
 */
#ifndef RELAY_HOPS_H
#define RELAY_HOPS_H

#include <event2/event.h>
#include "relay/kernel.h"

struct hops;

/*
 * A test's netlink: it is told of each request and answers by hops_input(). NULL: the kernel's.
 */
struct hops_fake {
    void (*request)(void *arg, const uint8_t *msg, size_t len);
    void (*probe)(void *arg, const struct addr *neigh);
    void *arg;
};

/** @param base, kernel, fake  borrowed. @return 0, -ENOMEM, or why there is no rtnetlink */
int hops_new(struct event_base *base, struct kernel *kernel, const struct hops_fake *fake,
             struct hops **out);
/** Every hop becomes unusable. NULL is allowed. */
void hops_free(struct hops *h);

/**
 * Hold the next hop of what goes from src to dst. It is usable when its ifindex in the array is not 0: soon, as a rule, and as long
 * as there is a route and a neighbour that answers. Until then packets go by the IP stack, which also makes it find the neighbour.
 *
 * @param src     ours; ports are ignored
 * @param device  out of this one alone; empty or NULL: as routed
 * @param index   to give back by hops_put(); never HOP_NONE
 * @return 0; -ENOSPC HOPS_MAX far addresses already; -ENOMEM; -EINVAL addresses of two families
 */
int hops_get(struct hops *h, const struct addr *src, const struct addr *dst, const char *device,
             uint16_t *index);
/** Nobody else lives who could use them: hops of former relays are nobody's, and lines that go there have none. */
void hops_settle(struct hops *h);

/** Give it back; HOP_NONE is allowed. Kept for a while: the next call may go there. */
void hops_put(struct hops *h, uint16_t index);

struct hops_counts {
    uint32_t held;    /* far addresses */
    uint32_t dead;    /* of them, those without a usable next hop */
    uint64_t changes; /* of hops that were usable */
    uint64_t resyncs; /* notices lost, everything asked again */
};

void hops_count(const struct hops *h, struct hops_counts *out);

/** Netlink messages that have come; for tests. */
void hops_input(struct hops *h, const uint8_t *buf, size_t len);
/** What is done each half second; for tests. */
void hops_tick(struct hops *h, uint64_t now_ms);

#endif
