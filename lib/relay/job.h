/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the control thread asks of a packet thread and what comes back: on the heap, handed over by a channel.
 * session.c and thread.c only.
 */
#ifndef RELAY_JOB_H
#define RELAY_JOB_H

#include <stdbool.h>
#include "relay/chan.h"
#include "relay/flow.h"

struct session;

enum job_type {
    JOB_OPS, /* down: apply; back if somebody waits for it, or something is then to be freed: endpoints, keys */
    JOB_QUERY, /* down and back with states */
    JOB_CLOSE, /* down and back with states; the packet thread knows the session no more */
    JOB_EVENT, /* up */
    JOB_HOP,   /* up: the way from a flow's port to an address is wanted; down: the answer */
    JOB_STOP,  /* down: end the thread; not freed by it */
};

/* OPS, QUERY, CLOSE: whom the answer goes to; the connection may have gone meanwhile. */
struct job_asker {
    uint64_t conn; /* serial of the connection; 0: nobody */
    uint32_t request;
    uint16_t type; /* of the request */
};

struct job_op {
    uint8_t
        kind; /* enum media_op_kind; ADD, REMOVE, REMOTE, SET, RELEARN, CONNECT, DISCONNECT, CRYPTO, ICE */
    struct endpoint *ep;
    struct endpoint *peer;
    union {
        struct media_ep want;
        struct media_dtmf dtmf;
    };
    void *
        thing; /* taken. ADD, SET: struct dtmf or NULL; PLAY: struct player; CRYPTO: struct secure, ICE: struct ice, and on
                    the way back what it replaced, to be freed */
};

struct job_hop {
    struct flow *flow;
    struct addr dst;
    uint16_t hop; /* down; HOP_NONE: there is no way */
};

union job_cell {
    struct job_op op;
    struct job_hop hop;
    struct media_ep_state state;
    struct media_event_msg event;
};

struct job {
    struct chan_item item; /* first */
    enum job_type type;
    bool is_stats; /* QUERY: for a STATS event */
    struct session *session;
    struct job_asker asker;
    unsigned n;                               /* OPS: operations; QUERY, CLOSE: states */
    struct endpoint *ep[MEDIA_ENDPOINTS_MAX]; /* QUERY, CLOSE: of the session */
    union job_cell cell[];
};

/** cells: room; zeroed. @return NULL out of memory */
struct job *job_new(enum job_type type, struct session *session, unsigned cells);

#endif
