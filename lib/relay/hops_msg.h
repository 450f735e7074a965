/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtnetlink's messages as far as next hops need them: what is asked, and answers and notices as plain structs.
 * hops.c uses it; pure: it owns no socket and remembers nothing.
 */
#ifndef RELAY_HOPS_MSG_H
#define RELAY_HOPS_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/addr.h"

#define HOPS_MSG_MAX 128U /* bytes of a request */

enum hops_msg_kind {
    HOPS_OTHER, /* of no interest */
    HOPS_LINK,
    HOPS_NEIGH,
    HOPS_ROUTE,
    HOPS_RULES, /* addresses, rules, nexthop objects: any route may be another now */
    HOPS_ERROR,
};

struct hops_link {
    uint32_t ifindex;
    uint32_t parent; /* of a VLAN device */
    uint32_t mtu;
    uint16_t vlan; /* id; 0: not an 802.1Q device */
    bool is_up, is_ethernet;
    bool is_other; /* a kind of device to which XDP cannot redirect */
    uint8_t mac[6];
};

struct hops_neigh {
    uint32_t ifindex;
    struct addr ip; /* port 0 */
    bool is_usable; /* it has an address that the kernel would send to */
    bool is_stale;  /* but nobody has asked it for a while */
    uint8_t mac[6];
};

struct hops_route {
    struct addr dst; /* port 0 */
    uint8_t bits;
    bool is_plain; /* unicast, out of one interface, without a tunnel */
    uint32_t oif;
    struct addr via; /* family 0: on the link */
    uint32_t mtu;    /* 0: the interface's */
};

struct hops_msg {
    enum hops_msg_kind kind;
    uint32_t seq;
    bool is_gone; /* RTM_DEL… */
    int error; /* ERROR: negative errno, 0 for an acknowledgement; neigh: of the request, where it was one of a neighbour */
    struct hops_link link;
    struct hops_neigh neigh;
    struct hops_route route;
};

/** Requests; each returns its length. device: ifindex or 0. */
size_t hops_msg_links(uint8_t *buf, uint32_t seq);
size_t hops_msg_neigh(uint8_t *buf, uint32_t seq, uint32_t ifindex, const struct addr *ip);
size_t hops_msg_route(uint8_t *buf, uint32_t seq, const struct addr *src, const struct addr *dst,
                      uint32_t device);

/**
 * Read one message of a buffer that a netlink socket gave.
 *
 * @param at  how far it has been read; moved behind the message
 * @return true: *out is one; false: nothing (whole) is left
 */
bool hops_msg_next(const uint8_t *buf, size_t len, size_t *at, struct hops_msg *out);

#endif
