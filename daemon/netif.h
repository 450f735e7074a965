/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces of this network namespace, by rtnetlink and ethtool: what they are, which is below a VLAN, which has an address.
 * media_setup.c and doctor.c ask; it changes nothing and needs no privilege.
 */
#ifndef DAEMON_NETIF_H
#define DAEMON_NETIF_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/addr.h"

/* A carrier's switch has a few ports and a VLAN for each carrier. */
#define NETIF_MAX 1024U

enum netif_xdp { NETIF_XDP_NONE, NETIF_XDP_NATIVE, NETIF_XDP_GENERIC, NETIF_XDP_OFFLOAD };

struct netif {
    char name[IF_NAMESIZE];
    char kind[16]; /* "vlan", "bond", "veth"…; empty: a device of the machine's, or lo */
    uint32_t ifindex;
    uint32_t parent; /* VLAN: the device below; 0: none, or in another namespace */
    uint32_t mtu;
    bool is_up, is_loopback;
    enum netif_xdp xdp; /* something is attached; several: the driver's */
    uint32_t xdp_prog;  /* its id */
};

struct netifs {
    unsigned n;
    struct netif *v;
};

/** All of them. netifs_fini in any case. @return 0 or negative errno */
int netifs_read(struct netifs *out);
void netifs_fini(struct netifs *s);
const struct netif *netifs_find(const struct netifs *s, uint32_t ifindex);
const struct netif *netifs_named(const struct netifs *s, const char *name);
/** The device that a frame really comes in by: below all VLANs. @return NULL in another namespace */
const struct netif *netifs_below(const struct netifs *s, const struct netif *i);
/** Parse one answer of RTM_GETLINK, several messages. @return how many were added; negative errno. For tests, too */
int netifs_parse(struct netifs *s, const void *buf, size_t len, bool *is_end);

/** Who has the address. @return ifindex; 0: nobody */
uint32_t netif_of_address(const struct addr *a);

/* What ethtool says; 0 and false where the driver does not. */
struct netif_driver {
    char driver[32], version[32],
        bus[32];                       /* bus: what its lines in /proc/interrupts are named after */
    uint32_t rx_queues, rx_queues_max; /* that receive */
    uint32_t combined;
    uint32_t ring_rx, ring_rx_max;
    uint32_t rss_queues; /* distinct queues in the indirection table; 0: no RSS */
    bool has_gro, has_lro, has_rxvlan;
};

/** By ioctl. @return 0 or negative errno: no such device */
int netif_driver_read(const char *name, struct netif_driver *out);

#endif
