/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP sockets of one worker: batched receive and send, IPv4 and IPv6, one socket per listener shared among workers by SO_REUSEPORT.
 * The worker's loop reads and flushes; it knows addresses and bytes, not SIP.
 */
#ifndef SIP_UDP_H
#define SIP_UDP_H

#include "core/stats.h"
#include "sip/transport.h"
#include <stdbool.h>

#define UDP_BATCH     64 /* datagrams a system call: more gains nothing measurable, less costs calls */
#define UDP_DGRAM_MAX 65535 /* bytes of a datagram; SIP allows all (RFC 3261 §18.1.1) */

struct udp;

struct udp_listener {
    uint16_t id;           /* flow.listener; < 256 */
    struct addr bind;      /* port 0: any (tests) */
    const char *device;    /* realm's interface or VRF (SO_BINDTODEVICE); NULL: none */
    struct span advertise; /* host[:port] for Via; empty: the local address of the flow */
    uint8_t dscp;          /* 0..63 */
    int rcvbuf_bytes; /* 0: 16 MiB, a second of 20,000 datagrams; less if the kernel gives less */
};

struct udp_dgram {
    char *data; /* borrowed for the callback; may be written to */
    size_t len;
    struct flow flow;
    uint64_t rx_wall_ns; /* kernel's receive time (CLOCK_REALTIME); 0 unknown */
};
typedef void (*udp_recv_fn)(void *arg, const struct udp_dgram *d);

/** @return NULL out of memory */
struct udp *udp_new(struct stats *stats);
/** Closes all sockets; what is queued is lost. */
void udp_free(struct udp *u);
/**
 * Nobody has this address yet, asked before the first worker opens it: SO_REUSEPORT, which the workers share it by, would let a second
 * process of the same user take half of the messages unseen. @return 0; -EADDRINUSE; -errno
 */
int udp_is_free(const struct udp_listener *l);
/** Open a listener's socket for this worker. @return 0; -errno of socket, bind …; -EEXIST id in use */
int udp_open(struct udp *u, const struct udp_listener *l);
void udp_close(struct udp *u, uint16_t id);
/** Descriptor to wait on (owned by u); -1 no such listener. */
int udp_fd(const struct udp *u, uint16_t id);
/** Bound address (port filled in). @return 0; -ENOENT */
int udp_local(const struct udp *u, uint16_t id, struct addr *out);

/**
 * Read until the socket is empty or max datagrams came; fn is called for each. Truncated and empty ones are counted and left out.
 * @return datagrams read (max: there may be more); -errno
 */
int udp_recv(struct udp *u, uint16_t id, unsigned max, udp_recv_fn fn, void *arg);

/**
 * Send all that is queued, one sendmmsg per socket and batch.
 * @return datagrams still queued because a socket is full: flush again within some ms
 */
size_t udp_flush(struct udp *u);

/** The vtable for transactions: send queues a copy. */
struct transport *udp_transport(struct udp *u);

#endif
