/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reloads, one after the other: the builder loads and compiles, the control thread publishes what is whole and retires what was.
 * Commands and signals ask for one; the workers see nothing but a new pointer.
 *
 *   idle --asked--> building --good--> locating --all trunks followed--> idle (published)
 *                      |                                              asked meanwhile: building again, once for all who asked
 *                      +-- bad: nothing has changed --> idle
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include <event2/event.h>
#include "daemon/snapshot.h"

struct build_job;
struct delay;
struct node;
struct reload;

struct reload_result {
    int err; /* 0; -EINVAL errors in the configuration; -EPERM something needs a restart; -ENOMEM */
    const char *text; /* messages, and one line that sums up; on success too */
    uint64_t generation;
};
/** Control thread, exactly once unless the process ends before. */
typedef void (*reload_fn)(void *arg, const struct reload_result *r);

/** @return NULL out of memory, or no thread */
struct reload *reload_new(struct node *n);
/** Ends the builder; who asked hears nothing more. NULL is allowed. */
void reload_free(struct reload *r);

/**
 * Load the configuration and publish it, or change nothing. A load that has begun does not count: the files may have changed since it read them.
 * @return 0; -ENOMEM: done is not called
 */
int reload_ask(struct reload *r, reload_fn done, void *arg);
/** At each bell of the builder, and at each tick: take what is built; hand what nobody reads any more to the builder. */
void reload_turn(struct reload *r);
/** CPU time of this thread that turns of it have spent on reloads [us]. */
const struct delay *reload_delay(const struct reload *r);
/** Give the builder another job, behind those it has. @return as builder_post */
int reload_post(struct reload *r, struct build_job *job);
/** The process ends: who waits for a job is gone. */
bool reload_is_closing(const struct reload *r);
#endif
