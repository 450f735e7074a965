/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the connection layer share: a connection, a listener, the tables.
 * Included by conn*.c only.
 */
#ifndef SIP_CONN_PRIV_H
#define SIP_CONN_PRIV_H

#include "core/htab.h"
#include "sip/conn.h"
#include "sip/stream.h"
#include "sip/tls.h"
#include <event2/bufferevent.h>

#define CONN_LISTENERS_MAX 256
/* Read from the kernel at a time: a whole message at the most, so that no peer holds the loop. */
#define CONN_READ_MAX 65536

enum conn_state {
    CONN_CONNECTING, /* connect or handshake under way */
    CONN_OPEN,
    CONN_CLOSING, /* what comes is not looked at any more; ends when all is written and the peer has ended */
    CONN_DEAD, /* in no table, freed by the end of the turn */
};

/* Why one ends. */
enum conn_why {
    CONN_WHY_PEER,    /* closed or reset by the peer */
    CONN_WHY_CONNECT, /* could not be opened */
    CONN_WHY_IDLE,
    CONN_WHY_SLOW,
    CONN_WHY_PONG,
    CONN_WHY_FULL,
    CONN_WHY_BROKEN,
    CONN_WHY_DONE, /* a stranger's, answered */
    CONN_WHY_N
};

/* A message on its way out; in order. */
struct conn_out {
    struct conn *conn; /* NULL: the connection has ended, unsent has been told */
    struct conn_out *next;
    size_t len;
    bool given; /* to the bufferevent, which frees it when the last byte is with the kernel */
    char bytes[];
};

/* Connections accepted from one address. */
struct conn_peer {
    struct htab_node node;
    struct addr addr; /* port 0 */
    uint32_t n;
};

struct conn_sock {
    struct conns *conns;
    struct conn_listener l;
    struct addr local;
    int fd;
    struct event *ev;
    struct timer pause; /* no descriptors left: accept again later */
    uint32_t n, n_in, n_strangers;
};

struct conn {
    struct htab_node by_id, by_remote;
    struct conns *conns;
    struct conn_sock *sock;
    struct conn_peer *peer; /* accepted only */
    struct flow flow;
    enum conn_state state;
    enum conn_why why;
    bool outbound, stranger;
    bool has_ponged;
    bool owes; /* CLOSING: workers that had requests of it may still answer them */
    bool said; /* CLOSING: all is written, the peer has been told the end */
    struct bufferevent *bev;
    struct tls_check check; /* TLS */
    struct stream in;
    struct conn_out *first, **last;
    size_t waiting; /* bytes of messages not given to the bufferevent */
    struct timer timer;
    uint64_t begun_ms, heard_ms, part_ms, ping_ms; /* part, ping: 0 none */
    uint64_t closing_ms;
    size_t forgotten; /* bytes that came after said */
    uint64_t rx, tx;
    struct conn *next_dead;
};

struct conns {
    struct conns_param p;
    struct htab by_id, by_remote, peers;
    struct conn_sock *sock[CONN_LISTENERS_MAX];
    struct conn *dead;
    uint64_t serial;
    uint64_t shaken_s; /* handshakes of strangers begun in this second */
    uint32_t shaken;
    const struct tls_set *tls;
    char read[CONN_READ_MAX];
};

/* ---- conn.c ---- */

enum conn_kind { CONN_OURS, CONN_ACCEPTED, CONN_ACCEPTED_STRANGER };
/* A connection over fd (taken, also on failure). remote and local set in *f. @return NULL out of memory or the handshake cannot begin */
struct conn *conn_new(struct conn_sock *s, int fd, const struct flow *f, enum conn_kind kind);
/* Out of all tables; unsent and free follow in conns_turn. */
void conn_end(struct conn *c, enum conn_why why);

/* ---- conn_listen.c ---- */

/* Options of every socket of a listener, accepted or ours. @return 0; -errno */
int conn_set_options(int fd, const struct conn_listener *l);
/* A connection of it has ended. */
void conn_sock_left(struct conn *c);
void conn_sock_free(struct conn_sock *s);

#endif
