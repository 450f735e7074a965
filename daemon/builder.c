/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The builder: a thread for long work that must not cost a call anything.
 * The control thread posts jobs and takes them back by rings: behind a lock it might wait for a thread that nobody lets run.
 */
#include "daemon/builder.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "core/err.h"
#include "core/log.h"

#define NICE 19 /* the last one: a sixtieth of a share where SCHED_IDLE has a three-hundredth */

struct builder {
    pthread_t thread;
    struct ring *todo, *through;
    sem_t more; /* one for each job, one for the end */
    _Atomic bool stop;
    unsigned open; /* posted, done not called; control thread */
    struct bell *bell;
};

/* The priority of one thread: on Linux both calls are about the caller alone. */
static void be_idle(void)
{
    struct sched_param none = {0};
    if (pthread_setschedparam(pthread_self(), SCHED_IDLE, &none) == 0)
        return;
    if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICE) < 0)
        log_ev(LOG_WARN, "builder", "error=\"reloads are built at normal priority\"");
}

static void *builder_main(void *arg)
{
    struct builder *b = arg;
    struct build_job *job;
    (void)pthread_setname_np(pthread_self(), "builder");
    be_idle();
    for (;;) {
        while (sem_wait(&b->more) < 0 && errno == EINTR)
            ;
        if (!(job = ring_get(b->todo))) {
            if (atomic_load_explicit(&b->stop, memory_order_acquire))
                return NULL;
            continue;
        }
        job->run(job);
        (void)ring_put(b->through,
                       job); /* as many slots, and none is used twice before builder_turn */
        bell_ring(b->bell);
    }
}

static void builder_drop(struct builder *b)
{
    ring_free(b->todo);
    ring_free(b->through);
    sem_destroy(&b->more);
    free(b);
}

struct builder *builder_new(struct bell *bell)
{
    struct builder *b = calloc(1, sizeof(*b));
    sigset_t all, before;
    int err = ENOMEM;
    if (!b)
        return NULL;
    b->bell = bell;
    b->todo = ring_new(BUILDER_JOBS);
    b->through = ring_new(BUILDER_JOBS);
    sem_init(&b->more, 0, 0);
    if (b->todo && b->through) {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        err = pthread_create(&b->thread, NULL, builder_main, b);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (err == 0)
        return b;
    builder_drop(b);
    return NULL;
}

int builder_post(struct builder *b, struct build_job *job)
{
    if (b->open == BUILDER_JOBS || ring_put(b->todo, job) < 0)
        return TD_EFULL;
    b->open++;
    sem_post(&b->more);
    return 0;
}

unsigned builder_room(const struct builder *b)
{
    return BUILDER_JOBS - b->open;
}

void builder_turn(struct builder *b)
{
    struct build_job *job;
    while ((job = ring_get(b->through))) {
        b->open--;
        job->done(job);
    }
}

void builder_free(struct builder *b)
{
    struct sched_param none = {0};
    if (!b)
        return;
    /* Who ends the process waits for it: an idle thread might never get there. Where that is refused it takes longer. */
    (void)pthread_setschedparam(b->thread, SCHED_OTHER, &none);
    atomic_store_explicit(&b->stop, true, memory_order_release);
    sem_post(&b->more);
    pthread_join(b->thread, NULL);
    builder_turn(b);
    builder_drop(b);
}
