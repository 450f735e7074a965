/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work in parts on several threads: whoever is free takes the next part from one counter.
 * Used off the workers only; knows nothing of the work.
 */
#include "core/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

struct job {
    parallel_fn fn;
    void *arg;
    unsigned parts;
    atomic_uint next;
};

static void *take_parts(void *arg)
{
    struct job *j = arg;
    unsigned part;

    while ((part = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed)) < j->parts)
        j->fn(j->arg, part);
    return NULL;
}

void parallel_run(parallel_fn fn, void *arg, unsigned parts, unsigned threads)
{
    struct job j = {.fn = fn, .arg = arg, .parts = parts, .next = 0};
    pthread_t helper[PARALLEL_THREADS_MAX];
    unsigned started = 0;
    sigset_t all, before;

    if (threads > parts)
        threads = parts;
    if (threads > PARALLEL_THREADS_MAX)
        threads = PARALLEL_THREADS_MAX;
    if (threads > 1) {
        /* signals are for the thread that waits for them; a new one takes the mask of its maker */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        while (started + 1 < threads && pthread_create(&helper[started], NULL, take_parts, &j) == 0)
            started++;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    take_parts(&j);
    for (unsigned i = 0; i < started; i++)
        pthread_join(helper[i], NULL); /* orders their writes before what follows */
}

unsigned parallel_threads(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

    if (n < 1)
        return 1;
    return n > (int)PARALLEL_THREADS_MAX ? PARALLEL_THREADS_MAX : (unsigned)n;
}
