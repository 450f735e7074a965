/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work in parts on several threads: for what is built beside the workers (decks, rate tables), never on them.
 * The caller helps and waits; a thread inherits the caller's scheduling (SCHED_IDLE of the builder) and blocks all signals.
 */
#ifndef CORE_PARALLEL_H
#define CORE_PARALLEL_H

#define PARALLEL_THREADS_MAX 16U /* memory bandwidth is spent long before */

/** One part, 0..parts-1. Parts run in any order and at the same time: what they write must not overlap. */
typedef void (*parallel_fn)(void *arg, unsigned part);

/**
 * Run fn for each part and return when all are done; what they wrote is then visible to the caller. With fewer threads than
 * asked for (EAGAIN) the others do more: it never fails.
 *
 * @param threads  at most, the caller among them; 0 and 1: here only
 */
void parallel_run(parallel_fn fn, void *arg, unsigned parts, unsigned threads);

/** Processors that this process may use, 1..PARALLEL_THREADS_MAX. */
unsigned parallel_threads(void);

#endif
