/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the control thread holds: connections, controllers, sessions, ledger, threads. Inner header of relay.c, conn.c, session.c.
 * Packet threads see none of it but the endpoints handed to them.
 */
#ifndef RELAY_STATE_H
#define RELAY_STATE_H

#include <event2/event.h>
#include <sys/queue.h>
#include "core/htab.h"
#include "relay/keep.h"
#include "relay/limits.h"
#include "relay/relay.h"
#include "relay/sounds.h"
#include "relay/thread.h"

struct controller;
struct hops;

#define CONN_FDS 128U /* descriptors of sounds in one packet; the kernel allows 253 */

/* One connection. */
struct conn {
    LIST_ENTRY(conn) link;
    struct relay *relay;
    struct controller *ctl; /* NULL before HELLO */
    struct event *ev_read, *ev_write;
    uint64_t serial; /* of all connections: what a job remembers of its asker */
    int fd;
    bool is_dead;
    int fds[CONN_FDS]; /* that came with the packet at hand */
    unsigned n_fds, next_fd;
    uint8_t *out; /* whole messages, back to back */
    size_t out_len, out_cap;
};

/* One worker of one process of a node: outlives its connection as long as it has sessions. */
struct controller {
    LIST_ENTRY(controller) link;
    char node[MEDIA_NAME_MAX];
    uint32_t worker, epoch;
    struct conn *conn; /* NULL: gone */
    uint64_t lost_ms;
    uint32_t n_sessions;
    uint32_t orphan_idle_ms, orphan_cap_ms;
};

struct session {
    struct htab_node node;
    uint64_t id;
    uint32_t index;
    struct controller *owner;
    struct thread *thread;
    _Atomic uint64_t seen_ms; /* last RTP of any endpoint; written by its packet thread */
    uint32_t stats_every_s;
    uint64_t stats_due_ms;
    bool is_closing; /* its packet thread has the CLOSE job */
    struct endpoint *ep[MEDIA_ENDPOINTS_MAX];
};

struct relay {
    struct relay_param p;
    struct event *ev_listen, *ev_bell, *ev_tick;
    struct bell bell; /* of the control thread */
    int listen_fd;
    unsigned n_threads;
    struct thread **thread;
    struct ports *ports;
    struct keep *keep;       /* NULL: sessions end with the process */
    const struct kept *left; /* of the session that is being taken up */
    unsigned n_left;
    struct hops *hops; /* NULL: without a path through the kernel */
    struct sounds sounds;
    struct limits limits;
    struct handover *handover; /* what the relay before this one has given; NULL: nothing */
    struct flow_totals before; /* what those had counted whom this one follows */
    char *heritage;            /* supervisor of the one before; NULL: there was none */
    uint64_t heir;             /* serial of the connection whose process asks for all; 0: none */
    uint32_t heir_request;
    bool is_draining;
    bool has_told_empty;
    bool is_serving;  /* the start has succeeded */
    bool has_settled; /* hops of a former process have been given up */
    uint64_t now_ms, started_ms, boot;
    uint64_t serial;
    unsigned n_conns, n_controllers;
    LIST_HEAD(, conn) conns;
    LIST_HEAD(, controller) controllers;

    struct htab by_id;
    struct session **slot;
    uint32_t *free_slot; /* stack */
    uint32_t n_slots, n_free, scan;
    uint64_t n_sessions, n_endpoints;
    uint64_t n_leaving; /* endpoints removed from their session, still with the packet thread */
    uint32_t n_sockets, sockets_limit;

    /* since the start */
    uint64_t sessions_max, opened, lost, resumed;
    uint64_t refused_ports, refused_descriptors, refused_memory, refused_draining;
    uint64_t ports_stolen, bad_messages, audits, drift;
    uint64_t audit_due_ms;
};

/* ---- conn.c ---- */
void conn_accept(struct relay *r);
/** A connection on fd (taken). @return NULL out of memory: fd is still the caller's */
struct conn *conn_new(struct relay *r, int fd);
/** A packet of a controller, 8-byte aligned. */
void conn_packet(struct conn *c, const void *p, size_t len);
/** Room in the connection's output for one message, header filled in, the rest zeroed. NULL: the connection is dead or dies of it. */
void *conn_message(struct conn *c, uint16_t type, size_t len);
/** Answer with a status alone. */
void conn_status(struct conn *c, const struct media_hdr *req, int status);
/** The answer to an OPEN or MODIFY that the packet thread has done: endpoints as they are now. */
void conn_done(struct conn *c, const struct job_asker *asker, const struct session *s);
/** The connection a job was asked on, or NULL. */
struct conn *conn_find(const struct relay *r, uint64_t serial);
/** Send what has gathered, close what is dead. */
void conns_flush(struct relay *r);
void conns_free(struct relay *r);
void controllers_sweep(struct relay *r);

/** One that is gone, or comes now. @return NULL out of memory, or too many */
struct controller *controller_get(struct relay *r, const char node[MEDIA_NAME_MAX], uint32_t worker,
                                  uint32_t epoch);

/* ---- resume.c ---- */
/** Before anybody connects: take up what a former process has left in the journal and in the kernel's lines. */
void relay_resume(struct relay *r);

/* ---- handover.c ---- */
/** A successor asks, on c. @return 0: handover_give() shall be called soon; -EPERM, -EPROTO, -EBUSY … */
int handover_asked(struct relay *r, struct conn *c, const struct media_takeover *m);
/** Everything to the successor: then on_given is called. If it comes to nothing, all goes on. */
void handover_give(struct relay *r);
/** At the start: everything of the one that runs, which waits for our word. @return 0; -errno, told in the log: the other goes on */
int handover_take(struct relay *r);
/** All that can fail is made. @return 0: we are the relay; -errno: the other is */
int handover_commit(struct relay *r);
/** Those of thread i, IO_THREAD_FDS; they are the caller's. @return NULL: none */
const int *handover_thread(struct relay *r, unsigned i);
/** Those of an endpoint of the session that is taken up; they are the caller's. @return false: it had none */
bool handover_sockets(struct relay *r, uint8_t number, int fd[2]);
/** Of an endpoint that the journal has; borrowed. @return NULL: none */
const struct media_crypto *handover_keys(const struct relay *r, const struct kept *left);
/** The packet threads run: say how long it took. */
void handover_done(struct relay *r);
/** Close what nobody took. */
void handover_free(struct relay *r);

/* ---- session.c ---- */
/** A session at the index that it had; sessions_resumed() when all are there. @return NULL: it could not be made */
struct session *session_resume(struct relay *r, struct controller *ctl, const struct kept *left,
                               unsigned n);
void sessions_resumed(struct relay *r);
int sessions_init(struct relay *r);
void sessions_fini(struct relay *r);
struct session *session_find(struct relay *r, uint64_t id, uint32_t index);
/** OPEN and MODIFY: the answer comes when the packet thread has done it, so that no port is named before it is open. @return 0 or the status */
int session_open(struct relay *r, struct controller *ctl, const struct media_session_ops *m,
                 const struct job_asker *asker);
int session_modify(struct relay *r, struct session *s, const struct media_session_ops *m,
                   const struct job_asker *asker);
/** QUERY and CLOSE: the answer comes as a job. asker NULL: nobody waits. @return 0 or -ENOMEM */
int session_ask(struct relay *r, struct session *s, enum job_type type,
                const struct job_asker *asker);
/** Ask the packet thread for the numbers of a STATS event. */
void session_stats(struct session *s);
/** Endpoints as the control thread knows them: local, remote as set, peer; no counters. @return how many */
unsigned session_states(const struct session *s, struct media_ep_state *out);
/** The packet thread is done with an OPS or CLOSE job: give back what it held. The job stays the caller's. */
void session_job_done(struct relay *r, struct job *j);

/* ---- relay.c ---- */
void relay_now(struct relay *r);
/** End of a callback: jobs go down, messages go out. */
void relay_turn(struct relay *r);
/** To the session's owner, if it is connected: the session is no more. */
void relay_tell_lost(struct session *s, enum media_lost reason);
/** What the packet threads have given back. */
void relay_jobs(struct relay *r);
/** All but the header and room for MEDIA_POOLS_MAX pools. */
void relay_report(struct relay *r, struct media_relay_reply *out);

#endif
