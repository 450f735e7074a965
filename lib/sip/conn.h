/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP and TLS connections of one worker: accepts and opens them, finds the one that a flow means, frames what comes, queues what goes.
 * net.c drives it for the worker; it knows addresses, bytes and limits, not what a message says.
 */
#ifndef SIP_CONN_H
#define SIP_CONN_H

#include "core/clock.h"
#include "core/stats.h"
#include "core/timer.h"
#include "sip/transport.h"
#include <event2/event.h>
#include <stdbool.h>

/* Connect, with the TLS handshake: below the default trying-timeout (3 s) after which the next carrier is tried; one lost SYN is repeated at 1 s. */
#define CONN_CONNECT_MS 2500
/* The handshake of one who connects to us: four round trips by satellite, four times over. */
#define CONN_HANDSHAKE_MS 10000
/* From a message's first byte to its last: 64 KiB in it are 52 kbit/s; 10 s are twenty times T1, the sender's own patience ends at 32 s. */
#define CONN_SLOW_MS 10000
/* What is still to be written when we close, and for the peer to end too: a retransmission of the kernel's and a satellite. */
#define CONN_DRAIN_MS 2000
/* For the answers to whole requests in front of what broke the stream: other workers have them. Fifty times a loaded worker's turn. */
#define CONN_OWED_MS 500
/* What is read and forgotten meanwhile: all that a peer can have sent ahead (16 of the largest messages); more is a flood. */
#define CONN_DRAIN_MAX (1U << 20)
/* A stranger's whole visit: a request, its 403. */
#define CONN_STRANGER_MS 4000
/* 50 TLS handshakes of strangers a second and worker, of all sources together: at 1 ms each a twentieth of a core, whoever floods. */
#define CONN_STRANGER_TLS 50
/*
 * A ping goes out on a connection of ours that has been still for so long (RFC 5626 §4.4.1 asks for 95 to 120 s): it keeps state in
 * firewalls and shows a dead peer before a call needs it. Health probes come more often; with them no ping is ever sent.
 */
#define CONN_PING_MS 95000
/* RFC 5626 §4.4.1: no pong in 10 s is a failed flow. Asked only of a peer that has answered a ping before: CRLF says nothing to others (RFC 3261 §7.5). */
#define CONN_PONG_MS 10000
/* Output that a peer does not read: 1,000 messages. More is a peer that stands still, and memory lost to it. */
#define CONN_OUT_MAX (1U << 20)
/* Connections of one known source, share of all workers together: a carrier's edge of 16 hosts behind one address has 64 each. */
#define CONN_PER_KNOWN 1024

struct conns;
struct tls_set;

/** What the configuration says of who connects. */
enum conn_source {
    CONN_KNOWN,
    CONN_STRANGER, /* `unknown 403`: one request, its answer, the end */
    CONN_REFUSE,   /* `unknown drop`: closed at once */
};

struct conns_param {
    struct event_base *base; /* borrowed, as the next three */
    struct timers *timers;
    struct clock *clock;
    struct stats *stats;
    uint8_t worker;  /* in the upper bits of each connection's number */
    uint8_t workers; /* each has its share of a listen's limits, rounded up */
    /** A whole message; buf is borrowed and may be written to. flow->conn names the connection. */
    void (*recv)(void *arg, char *buf, size_t len, const struct flow *flow);
    /** The head of a request behind which its stream could not be followed: answer it with status. The connection ends afterwards. */
    void (*broken)(void *arg, const char *buf, size_t len, const struct flow *flow,
                   unsigned status);
    /** A message that did not get out: never called from conns_send, only from conns_turn. */
    void (*unsent)(void *arg, const char *buf, size_t len, const struct flow *flow);
    /** A connection could not be opened; NULL: nobody asks. */
    void (*failed)(void *failed_arg, const struct flow *flow);
    void *failed_arg;
    enum conn_source (*source)(void *arg, uint16_t listener, const struct addr *remote);
    /** The names that the certificate of that owner's peer may have, n-th; NULL no more. Only TLS. */
    const char *(*name)(void *arg, uint32_t owner, unsigned nth);
    void *arg;
};

struct conn_listener {
    uint16_t id;   /* flow.listener; < 256 */
    uint8_t proto; /* PROTO_TCP or PROTO_TLS */
    struct addr bind;
    const char *device;   /* NULL: none */
    uint8_t dscp;         /* 0..63 */
    uint32_t idle_ms;     /* 0: never */
    uint32_t connections; /* accepted at once; strangers have a quarter of them at the most */
    uint32_t per_source;  /* of a stranger's address; a known one has CONN_PER_KNOWN */
};

/** @return NULL out of memory */
struct conns *conns_new(const struct conns_param *p);
/** Closes everything; nothing is told. */
void conns_free(struct conns *cs);
/** Listen. @return 0; -errno of socket, bind …; -EEXIST id in use */
int conns_open(struct conns *cs, const struct conn_listener *l);
/** Bound address (port filled in). @return 0; -ENOENT */
int conns_local(const struct conns *cs, uint16_t id, struct addr *out);
/** Nobody has this address yet, as udp_is_free. @return 0; -EADDRINUSE; -errno */
int conns_is_free(const struct conn_listener *l);
/** Other limits for a listener that is open (a reload); addresses stay. */
void conns_limits(struct conns *cs, const struct conn_listener *l);
/** Certificates of connections from now on; standing ones keep theirs. Borrowed until the next call or conns_free. */
void conns_tls(struct conns *cs, const struct tls_set *set);

/** Worker that has the connection of that number (flow.conn, not 0). */
static inline unsigned conn_worker(uint64_t conn)
{
    return (unsigned)(conn >> 56);
}

/**
 * Queue a message on the flow's connection; if that is gone, on one that stands to the same remote (same listener and transport, for TLS the same
 * owner too: RFC 5923 §5), else on a new one (RFC 3261 §18.1.1, §18.2.2). To an address that is nobody's (owner 0) a new one is opened only over
 * TCP and only if the source callback knows it: a stranger cannot make us connect.
 *
 * What a connection accepted is used for: the flow that names it, and what goes to the very address and port it came from. Its Via's sent-by is not
 * taken for its address (`alias`, RFC 5923 §5): the next request to that peer opens a connection of ours. That costs one connection a peer and
 * no request can be drawn to who is not asked for.
 *
 * @return 0: it leaves at the latest in the next turn of the loop, or comes back by unsent; -ENOTCONN no such listener, nobody's address, or
 *         the output is full (the connection is closed); -EAFNOSUPPORT; -errno of connect
 */
int conns_send(struct conns *cs, const struct flow *f, const char *buf, size_t len);

/** End of a loop turn: what could not be sent is told, what has ended is freed. */
void conns_turn(struct conns *cs);

/** Standing connections of a listener. */
uint32_t conns_count(const struct conns *cs, uint16_t listener);

/** Of all listeners. */
uint64_t conns_total(const struct conns *cs);

struct conn_info {
    struct flow flow;
    const char *state; /* static */
    bool outbound;
    uint64_t age_ms, still_ms; /* since it began; since the last byte came */
    size_t queued;             /* bytes not yet taken by the kernel */
    uint64_t rx, tx;           /* messages */
};
/** All connections, until fn returns false. */
void conns_each(struct conns *cs, bool (*fn)(void *arg, const struct conn_info *c), void *arg);

#endif
