/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Repeats a reliable provisional response with doubling intervals (RFC 3262 §3).
 * Called by call/rel100 and its own timer. It must not know what the response says.
 */
#include "sip/reliable.h"

#include "sip/txn_priv.h"

#include <errno.h>

static void wait_on(struct reliable *r, unsigned ms)
{
    unsigned left = TXN_64T1_MS - r->elapsed_ms;

    r->interval_ms = (uint16_t)(ms < left ? ms : left);
    timer_set(&r->timer, r->interval_ms);
}

static void on_timer(struct timer *t, void *arg)
{
    struct reliable *r = arg;

    (void)t;
    r->elapsed_ms = (uint16_t)(r->elapsed_ms + r->interval_ms);
    if (r->elapsed_ms >= TXN_64T1_MS) {
        stat_inc(r->txns->p.stats, STAT_rel100_no_prack);
        reliable_stop(r);
        r->on_timeout(r->arg);
        return;
    }
    /* Doubled without a ceiling, unlike a 2xx: it is a provisional, the caller is not waiting for it. */
    wait_on(r, 2U * r->interval_ms);
    stat_inc(r->txns->p.stats, STAT_rel100_retransmit);
    (void)wire_send(r->txns->p.transport, r->wire); /* a failure is a loss: the next one may pass */
}

void reliable_init(struct reliable *r, void (*on_timeout)(void *arg), void *arg)
{
    *r = (struct reliable){.on_timeout = on_timeout, .arg = arg};
}

int reliable_start(struct reliable *r, struct txn_server *st, uint32_t rseq)
{
    if (r->rseq)
        return -EBUSY;
    if (!st->last || !st->reply)
        return -EINVAL;
    r->wire = wire_new(st->txns->p.blocks, &st->last->flow, st->last->bytes, st->last->len);
    if (!r->wire)
        return -ENOMEM;
    r->txns = st->txns;
    r->rseq = rseq;
    r->elapsed_ms = 0;
    if (!r->timer.fn)
        timer_init(&r->timer, st->txns->p.timers, on_timer, r);
    wait_on(r, TXN_T1_MS);
    return 0;
}

bool reliable_acked(struct reliable *r, uint32_t rseq)
{
    if (!rseq || r->rseq != rseq)
        return false;
    reliable_stop(r);
    r->rseq = 0;
    return true;
}

void reliable_stop(struct reliable *r)
{
    if (r->timer.fn)
        timer_del(&r->timer);
    if (r->wire)
        wire_free(r->txns->p.blocks, r->wire);
    r->wire = NULL;
}

void reliable_fini(struct reliable *r)
{
    reliable_stop(r);
    r->rseq = 0;
}
