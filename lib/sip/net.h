/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All sockets of one worker behind one transport: UDP, TCP and TLS, opened as the configuration says.
 * The worker makes one and reads through it; transactions send through it. It knows transports and addresses, not what a message says.
 */
#ifndef SIP_NET_H
#define SIP_NET_H

#include "config/config.h"
#include "sip/conn.h"
#include "sip/udp.h"

/* How long TCP to a place is not tried for large requests after it has failed: as long as a carrier takes to notice [ms]. */
#define NET_NO_TCP_MS 300000
/* Places remembered; a further one takes the place of another: it is tried once more, no harm. */
#define NET_NO_TCP_SLOTS 1024

struct net;

struct net_param {
    struct conns_param conns; /**< as given to conns_new, except failed, which is set here */
    /** Another worker has the flow's connection: give it this message, for net_send_here. @return 0; -errno: it cannot be sent */
    int (*cross)(void *arg, unsigned worker, const struct flow *f, const char *buf, size_t len);
};

/** @return NULL out of memory */
struct net *net_new(const struct net_param *p);
void net_free(struct net *n);

/**
 * Open every socket of the configuration's `listen` sections, numbered as conf_listener says. What fails is logged by name.
 * @param first  the first worker: looks whether somebody else has an address
 * @return 0; -errno
 */
int net_open(struct net *n, const struct conf *conf, bool first);
/** Another generation with the same sockets: limits of streams, certificates for new connections (borrowed, NULL none). */
void net_configure(struct net *n, const struct conf *conf, const struct tls_set *tls);

struct udp *net_udp(struct net *n);
struct conns *net_conns(struct net *n);
/** The vtable for transactions. */
struct transport *net_transport(struct net *n);

/** What another worker could not send because the connection is ours. An error comes back as unsent. */
void net_send_here(struct net *n, const struct flow *f, const char *buf, size_t len);

#endif
