/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One worker: a thread with its loop, sockets, SIP stack and media connection; it shares nothing but snapshot, trunk state and rings.
 * The control thread makes, asks and stops workers; everything inside one runs on its own thread.
 */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include "call/stack.h"
#include "cdr/cdr.h"
#include "core/stats.h"
#include "daemon/dips.h"
#include "daemon/dispatch.h"
#include "daemon/snapshot.h"

struct worker;
struct delay;
struct journal;

struct worker_param {
    unsigned id, n_workers;
    uint8_t key[16]; /* sealing key */
    uint16_t node;
    uint32_t epoch;
    struct snapshots *snapshots;
    struct trunk_registry *trunks;
    struct dispatch *dispatch;
    struct dips *dips;
    struct cdr_port *cdr;
};

/** Make a worker and open its sockets (errors are logged by name). @return NULL on failure */
struct worker *worker_new(const struct worker_param *p);
/** Before it runs: the journal of its calls, taken; NULL: none. */
void worker_set_journal(struct worker *w, struct journal *j);
/** Start its thread. @return 0 or -errno */
int worker_start(struct worker *w);
/** Ask it to leave its loop and join it. */
void worker_stop(struct worker *w);
void worker_free(struct worker *w);

/** Something the control thread wants done on a worker's thread. */
struct ask {
    void (*fn)(struct worker *w, struct ask *a);
    void *arg;
    struct ask_group *group;
    bool deferred; /* fn sets it when the answer comes later, with worker_ask_done */
};
/** Asks sent to several workers; the last one to finish rings the control thread. */
struct ask_group {
    _Atomic unsigned left;
    struct bell *bell;
};

/** Control thread: queue a question; it must live until its group is done. @return 0; TD_EFULL: the worker does not answer */
int worker_ask(struct worker *w, struct ask *a);

/** Worker's thread: a deferred ask is done. */
void worker_ask_done(struct ask *a);

/* On the worker's thread, for asks. */
struct stack *worker_stack(struct worker *w);
struct media *worker_media(struct worker *w);
struct net *worker_net(struct worker *w);
/** Of its current snapshot. */
const struct conf *worker_conf(const struct worker *w);
unsigned worker_id(const struct worker *w);
struct trunk_registry *worker_trunks(struct worker *w);

/* From any thread. */
const struct stats *worker_stats(const struct worker *w);
/** Generation of the snapshot this worker uses. */
uint64_t worker_generation(const struct worker *w);
/** Calls alive and calls up, as of its last loop turn. */
void worker_calls(const struct worker *w, uint64_t *alive, uint64_t *up);
/** TCP and TLS connections, as of its last loop turn. */
uint64_t worker_conns(const struct worker *w);
/** Relay state as of its last loop turn. */
bool worker_media_up(const struct worker *w);
/** CPU time of its thread [us]. */
uint64_t worker_cpu_us(const struct worker *w);
/** The delay of its loop: how long datagrams waited in the kernel until they were dealt with; how long its turns took. Any thread. */
const struct delay *worker_wait(const struct worker *w);
const struct delay *worker_turn(const struct worker *w);
/** CPU time that a turn spent on taking a new snapshot, of the turns that did. Any thread. */
const struct delay *worker_adoption(const struct worker *w);

#endif
