/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server location in the background: every peer of every trunk, by address, by name or registered, becomes targets (route/target.h).
 * Runs on the control thread (the replay harness plays it); workers read what it publishes and never wait for it.
 */
#ifndef CALL_LOCATE_H
#define CALL_LOCATE_H

#include "core/clock.h"
#include "core/stats.h"
#include "core/timer.h"
#include "route/route.h"
#include "sip/dns.h"

/* 64 lookups at once: a switch with thousands of names does not send thousands of questions in one moment. */
#define LOCATE_RUNNING_MAX 64
/* Again after 5 s, 10, 20, 40, then each minute, while the servers do not answer [ms]. */
#define LOCATE_RETRY_MIN_MS 5000U
#define LOCATE_RETRY_MAX_MS 60000U
/* 3: a zone that loses a name for a moment (a bad transfer, an empty reload) does not end a trunk; three answers in a row do. */
#define LOCATE_NONE_BELIEVED 3

struct locate;

struct locate_param {
    struct trunk_registry *reg; /* borrowed */
    struct timers *timers;      /* of the control thread; borrowed */
    const struct clock *clock;  /* likewise */
    struct stats *stats;        /* likewise */
    struct dns_ops *dns; /* borrowed; behind a cache of our own. NULL: names are never found */
    void (*on_change)(void *arg); /* targets were published: wake the workers */
    void *arg;
};

/** @return NULL out of memory */
struct locate *locate_new(const struct locate_param *p);
/** What is published stays with the registry. NULL is allowed. */
void locate_free(struct locate *l);

/**
 * Follow this configuration, at start; on reload the same in steps. Addresses are published before it returns; names that
 * were followed before keep what is known of them; new ones are asked for. A trunk for which there is no memory is logged and has no targets.
 * @param conf  borrowed during the call
 */
void locate_configure(struct locate *l, const struct conf *conf);

/** In steps: before the snapshot is published. @param conf  borrowed until locate_step says that all is done, or another locate_begin */
void locate_begin(struct locate *l, const struct conf *conf);
/** Follow so many trunks more. @return there are more */
bool locate_step(struct locate *l, uint32_t trunks);
/** When nobody routes by the snapshot before any more: trunks that are gone lose their targets. @return there are more */
bool locate_drop(struct locate *l, uint32_t trunks);

/** Take what workers have posted, and free sets that nobody reads any more. Called at every wake-up and tick. */
void locate_turn(struct locate *l);

/** Ask for all names again now; what is cached counts as out of date. @return how many names */
unsigned locate_refresh(struct locate *l);

/** One name of a trunk, for the operator. */
struct locate_name {
    const char *name;
    enum conf_lookup lookup;
    const char *state; /* "ok", "stale", "none", "failed", "asking" */
    uint32_t next_s;   /* until it is asked again */
    unsigned targets;
    uint64_t failures; /* lookups without an answer, since start */
};
/** Names of the trunk in that slot. */
void locate_each_name(const struct locate *l, uint32_t slot,
                      void (*fn)(void *arg, const struct locate_name *n), void *arg);

#endif
