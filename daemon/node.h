/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process: everything that all workers share, and the control thread's work on it (drain, audit, asking workers; reload.c reloads).
 * tandemd.c makes it, admin commands act on it. No protocol logic.
 */
#ifndef DAEMON_NODE_H
#define DAEMON_NODE_H

#include <event2/event.h>
#include <jansson.h>
#include "call/locate.h"
#include "daemon/reload.h"
#include "daemon/resume.h"
#include "daemon/trunk_admin.h"
#include "daemon/worker.h"
#include "sip/dns_ares.h"

enum node_state { NODE_RUNNING, NODE_DRAINING, NODE_STOPPING };

struct audit {
    uint64_t runs, drift; /* drift: of the last run, 0 or a bug */
    uint64_t drift_total;
    uint64_t transactions, dialogs;
};

struct gather;

struct node {
    const char *conf_path;
    struct event_base *base;
    struct snapshots snapshots;
    struct trunk_registry *trunks;
    struct trunk_admins *admins;
    struct dispatch *dispatch;
    struct cdr_writer *cdr;
    struct stats stats;         /* the writer thread's */
    struct stats control_stats; /* ours */
    struct clock clock;         /* of the control thread's loop */
    struct timers *timers;
    struct dns_ares *dns;
    struct locate *locate;
    struct dips *dips;
    struct worker **worker;
    unsigned n_workers;
    uint8_t key[16];
    uint16_t id;
    uint32_t epoch;
    uint64_t generation, start_wall_ms, start_mono_ms;
    uint64_t reloads, reloads_failed;
    enum node_state state;
    struct audit audit;
    struct resumed resumed; /* at the start */
    struct bell bell;       /* rung when a gather is complete */
    struct event *bell_ev, *tick_ev;
    struct gather *gathers;
    struct reload *reload;
    uint64_t ticks, stop_tick;
    uint64_t watchdog_usec;
    bool workers_alive; /* the last round was answered by all */
    bool audit_running;
};

/** Make the node from a configuration (of snapshot_load, taken): state directory, key, snapshot, CDR writer, workers with their sockets. Errors are logged. @return 0 or -errno */
int node_init(struct node *n, const char *conf_path, struct snapshot_param *load);
/** Start the workers' threads. @return 0 or -errno */
int node_start(struct node *n);
void node_fini(struct node *n);

/* For reload.c, around the following of trunks: what holds before the snapshot; the snapshot itself. */
void node_before_publish(struct node *n, const struct snapshot *s);
void node_publish(struct node *n, struct snapshot *s);
/** The generation that every worker has reached. */
uint64_t node_oldest(const struct node *n);

/** No new calls; leave the loop when the last has ended. A second time: end all calls now. */
void node_drain(struct node *n);
/** Take new calls again (only while draining by command). */
void node_undrain(struct node *n);

/* A question to all workers and what they answered. */
struct gather {
    struct node *node;
    struct ask_group group;
    void (*done)(struct gather *g, void *arg);
    void *arg;
    void *question; /* read by the workers; lives until done */
    struct gather *next;
    json_t *result[CAC_WORKERS_MAX]; /* by worker; owned; NULL none */
    struct ask ask[CAC_WORKERS_MAX];
};

/**
 * Ask every worker: fn runs on each worker's thread and may set g->result[worker_id(w)]; done runs on the control thread
 * when all have answered, then the gather is freed with its results. fn finds the gather in ask->arg.
 * @param first_only  ask worker 0 alone
 * @return 0; -ENOMEM; TD_EFULL a worker does not answer
 */
int node_gather(struct node *n, void (*fn)(struct worker *w, struct ask *a), void *question,
                bool first_only, void (*done)(struct gather *g, void *arg), void *arg);

/** Calls alive and up over all workers. */
void node_calls(const struct node *n, uint64_t *alive, uint64_t *up);
/** Sum of a counter over all threads. */
uint64_t node_stat(const struct node *n, enum stat_id id);

#endif
