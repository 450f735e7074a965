/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A packet thread: its sockets in one epoll set, its endpoints' inactivity in a wheel, jobs from the control thread between packets.
 * relay.c makes and stops them; a thread never waits for the control thread, nor for another one.
 */
#ifndef RELAY_THREAD_H
#define RELAY_THREAD_H

#include "relay/job.h"

struct thread;

struct thread_param {
    const struct relay_io *io;
    struct kernel *kernel; /* borrowed; or NULL */
    unsigned index;
    const int *
        handed; /* as struct io_thread_param; closed by the thread from thread_new on, also if that fails; or NULL */
    struct bell *up_bell; /* rung when something is to be taken by thread_take; borrowed */
};

/** Make a thread's state and its sockets; it does not run yet. @return 0 and the thread, owned; or -errno */
int thread_new(const struct thread_param *p, struct thread **out);
/** Do the jobs that wait for it, all of them, before it runs: the first packet finds its flow. */
void thread_prime(struct thread *t);
/** Its sockets, for a successor; it does not run. */
void thread_fds(const struct thread *t, int fd[IO_THREAD_FDS]);
/** Run it as a thread of its own, also again after thread_stop. @return 0 or -errno */
int thread_start(struct thread *t);
/** Let it do what it was asked and wait for its end; what came back can still be taken. */
void thread_stop(struct thread *t);
/** Stop and free. */
void thread_free(struct thread *t);

/** Control thread: hand a job down; seen after thread_flush. */
void thread_post(struct thread *t, struct job *job);
/** Control thread, once a turn. @return true if some wait for room: call again soon */
bool thread_flush(struct thread *t);
/** Control thread: what came back. @return job, now the caller's, or NULL */
struct job *thread_take(struct thread *t);
/** Any thread. */
const struct flow_totals *thread_totals(const struct thread *t);
const struct fast_totals *thread_fast_totals(const struct thread *t);

/** One turn: wait at most wait_ms for packets, forward, run due inactivity and jobs. For tests without a thread. */
void thread_step(struct thread *t, int wait_ms);

#endif
