/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A one-way channel between the control thread and a packet thread: a ring, and a list behind it for what the ring does not hold,
 * so that putting never fails and nothing that frees a port is ever lost. One producer, one consumer.
 */
#ifndef RELAY_CHAN_H
#define RELAY_CHAN_H

#include "core/work.h"

/* First member of what is sent. */
struct chan_item {
    struct chan_item *next;
};

struct chan {
    struct ring *ring;
    struct bell *bell;              /* of the consumer; borrowed, may serve several channels */
    struct chan_item *first, *last; /* producer's: not in the ring yet */
    bool is_dirty;                  /* put since the last flush */
};

/** @return 0 or -ENOMEM */
int chan_init(struct chan *c, size_t slots, struct bell *bell);
/** Items still inside are the caller's to take out first. */
void chan_fini(struct chan *c);
/** Producer: order is kept; seen by the consumer after chan_flush. */
void chan_put(struct chan *c, struct chan_item *item);
/** Producer, once a loop turn: move what waits and ring. @return true if something still waits for room */
bool chan_flush(struct chan *c);
/** Consumer. @return item or NULL */
struct chan_item *chan_get(struct chan *c);

#endif
