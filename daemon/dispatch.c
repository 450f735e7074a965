/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hand-over of messages between workers: one ring for each pair, a doorbell for each worker.
 * Called by the workers' loops only; it moves bytes and decides nothing but who is refused first when a ring fills.
 */
#include "daemon/dispatch.h"

#include <stdlib.h>
#include "core/clock.h"
#include "core/err.h"

struct handed {
    uint64_t given_ns;
    struct flow flow;
    struct dispatch_item item; /* its pointers lead here */
    char buf[];
};

struct dispatch {
    unsigned n;
    struct bell *bell;
    struct ring *ring[]; /* [from * n + to] */
};

struct dispatch *dispatch_new(unsigned n)
{
    struct dispatch *d = calloc(1, sizeof(*d) + sizeof(struct ring *) * n * n);
    if (!d)
        return NULL;
    d->n = n;
    d->bell = calloc(n, sizeof(*d->bell));
    for (unsigned i = 0; d->bell && i < n; i++)
        d->bell[i].fd = -1;
    for (unsigned i = 0; d->bell && i < n; i++)
        if (bell_init(&d->bell[i]) < 0)
            goto fail;
    for (unsigned i = 0; d->bell && i < n * n; i++) {
        if (i / n == i % n)
            continue;
        d->ring[i] = ring_new(DISPATCH_SLOTS);
        if (!d->ring[i])
            goto fail;
    }
    if (d->bell)
        return d;
fail:
    dispatch_free(d);
    return NULL;
}

void dispatch_free(struct dispatch *d)
{
    if (!d)
        return;
    for (unsigned i = 0; i < d->n * d->n; i++) {
        void *item;
        while (d->ring[i] && (item = ring_get(d->ring[i])))
            free(item);
        ring_free(d->ring[i]);
    }
    for (unsigned i = 0; d->bell && i < d->n; i++)
        if (d->bell[i].fd >= 0)
            bell_fini(&d->bell[i]);
    free(d->bell);
    free(d);
}

/* Fill at which a class is refused, percent. */
static unsigned refuse_at(enum sip_class cls, bool in_dialog)
{
    if (in_dialog || cls == SIP_CLASS_EMERGENCY)
        return 100;
    return cls == SIP_CLASS_PRIORITY ? 90 : 80;
}

int dispatch_give(struct dispatch *d, unsigned from, unsigned to, const struct dispatch_item *it)
{
    struct ring *r = d->ring[from * d->n + to];
    if (ring_fill_percent(r) >= refuse_at(it->cls, it->in_dialog))
        return TD_EFULL;
    struct handed *h = malloc(sizeof(*h) + it->len);
    if (!h)
        return -ENOMEM;
    h->given_ns = clock_now_ns();
    h->flow = *it->flow;
    h->item = *it;
    h->item.flow = &h->flow;
    h->item.buf = h->buf;
    memcpy(h->buf, it->buf, it->len);
    int err = ring_put(r, h);
    if (err < 0) {
        free(h);
        return err;
    }
    bell_ring(&d->bell[to]);
    return 0;
}

unsigned dispatch_take(struct dispatch *d, unsigned to, unsigned max, struct stats *stats,
                       dispatch_fn fn, void *arg)
{
    unsigned total = 0;
    for (unsigned from = 0; from < d->n; from++) {
        struct ring *r = d->ring[from * d->n + to];
        struct handed *h;
        for (unsigned i = 0; r && i < max && (h = ring_get(r)); i++) {
            stat_inc(stats, STAT_handover_in);
            uint64_t wait_us = (clock_now_ns() - h->given_ns) / 1000;
            stat_add(stats, STAT_handover_wait_us, wait_us);
            fn(arg, &h->item, wait_us);
            free(h);
            total++;
        }
    }
    return total;
}

struct bell *dispatch_bell(struct dispatch *d, unsigned worker)
{
    return &d->bell[worker];
}

bool dispatch_waiting(const struct dispatch *d, unsigned to)
{
    for (unsigned from = 0; from < d->n; from++)
        if (d->ring[from * d->n + to] && ring_len(d->ring[from * d->n + to]) > 0)
            return true;
    return false;
}

unsigned dispatch_fill_percent(const struct dispatch *d, unsigned to)
{
    unsigned most = 0;
    for (unsigned from = 0; from < d->n; from++) {
        const struct ring *r = d->ring[from * d->n + to];
        unsigned fill = r ? ring_fill_percent(r) : 0;
        if (fill > most)
            most = fill;
    }
    return most;
}
