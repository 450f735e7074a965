/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * At the start: sessions of a process that was killed are made again from the journal, on their ports, with what they had counted;
 * their lines in the kernel forward all the while. relay.c calls it, before anybody can connect.
 */
#include <stdlib.h>
#include "core/log.h"
#include "relay/kernel.h"
#include "relay/ranges.h"
#include "relay/state.h"

static void on_pool(void *arg, const struct media_pool *m)
{
    struct relay *r = arg;

    limits_pool(&r->limits, m);
    ranges_pool(r->p.kernel, m);
}

/* Its controller is gone until it says HELLO: the rules of orphans hold from now on. */
static void on_session(void *arg, const struct kept *left, unsigned n)
{
    struct relay *r = arg;
    struct controller *ctl = controller_get(r, left->node, left->worker, left->epoch);

    if (!ctl)
        return;
    if (left->orphan_idle_ms && left->orphan_cap_ms) {
        ctl->orphan_idle_ms = left->orphan_idle_ms;
        ctl->orphan_cap_ms = left->orphan_cap_ms;
    }
    if (session_resume(r, ctl, left, n))
        r->resumed++;
}

static void mark(const struct kernel *k, const struct flow *f, bool *is_used)
{
    if (f->line)
        is_used[f->line - k->lines] = true;
}

/* Lines of sessions that are no more: nothing must be forwarded, nor steered, by them. */
static uint32_t lines_clear(struct relay *r)
{
    struct kernel *k = r->p.kernel;
    bool *is_used = k ? calloc(k->n_lines, sizeof(*is_used)) : NULL;
    uint32_t n = 0;

    if (!is_used)
        return 0;
    for (uint32_t i = 0; i < r->n_slots; i++) {
        for (unsigned e = 0; r->slot[i] && e < MEDIA_ENDPOINTS_MAX; e++) {
            if (!r->slot[i]->ep[e])
                continue;
            mark(k, &r->slot[i]->ep[e]->rtp, is_used);
            mark(k, &r->slot[i]->ep[e]->rtcp, is_used);
        }
    }
    for (uint32_t i = 0; i < k->n_lines; i++) {
        if (is_used[i] || __atomic_load_n(&k->lines[i].state, __ATOMIC_RELAXED) == LINE_OFF)
            continue;
        kernel_line_clear(&k->lines[i]);
        n++;
    }
    free(is_used);
    return n;
}

void relay_resume(struct relay *r)
{
    uint32_t spoilt = 0, cleared;

    if (r->keep) {
        keep_pools_back(r->keep, r->ports, on_pool, r);
        spoilt = keep_each(r->keep, on_session, r);
        sessions_resumed(r);
    }
    cleared = lines_clear(r);
    for (unsigned i = 0; i < r->n_threads; i++)
        (void)thread_flush(r->thread[i]); /* what does not fit goes with the next ticks */
    if (r->resumed || spoilt || cleared)
        log_ev(LOG_INFO, "media_resumed", "sessions=%llu endpoints=%llu spoilt=%u lines_cleared=%u",
               (unsigned long long)r->resumed, (unsigned long long)r->n_endpoints, spoilt, cleared);
}
