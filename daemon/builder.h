/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The builder: one thread that only runs when nobody else wants the processor, for what takes seconds (a snapshot built, two compared) and for
 * freeing what is large. The control thread gives it jobs; it knows neither configurations nor workers.
 */
#ifndef DAEMON_BUILDER_H
#define DAEMON_BUILDER_H

#include "core/work.h"

/* Jobs that wait: a reload, a comparison, and what reloads of the last minutes left to be freed. */
#define BUILDER_JOBS 64

struct builder;

struct build_job {
    void (*run)(struct build_job *job); /* on the builder's thread */
    void (*done)(
        struct build_job *job); /* on the control thread, from builder_turn; frees the job */
};

/**
 * Start the thread: SCHED_IDLE, or nice 19 where that is refused. Threads that a job starts inherit it. It blocks all signals.
 * @param bell  rung when a job is done; borrowed, must outlive the builder
 * @return NULL: out of memory, or no thread to be had
 */
struct builder *builder_new(struct bell *bell);
/** Control thread: run this job behind those given before; it is the builder's until done. @return 0; TD_EFULL: later */
int builder_post(struct builder *b, struct build_job *job);
/** Control thread: how many jobs it would take now. */
unsigned builder_room(const struct builder *b);
/** Control thread: call done of all jobs that are through. Behind each bell. */
void builder_turn(struct builder *b);
/** Run what was posted, at normal priority now, then end the thread; done is called for each job, too. NULL is allowed. */
void builder_free(struct builder *b);

#endif
