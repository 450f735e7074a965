/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single-producer single-consumer rings with an eventfd: how one worker hands a message to another and how records reach the writer thread.
 * Lock-free; a full ring refuses and the producer decides (shed by class, count).
 */
#ifndef CORE_WORK_H
#define CORE_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring; /* of pointers */

/** slots: rounded up to a power of two. @return NULL out of memory */
struct ring *ring_new(size_t slots);
void ring_free(struct ring *r);
/** Producer only. @return 0 or TD_EFULL (nothing was put) */
int ring_put(struct ring *r, void *item);
/** Consumer only. @return item or NULL when empty */
void *ring_get(struct ring *r);
/** Entries now (either side; approximate for the other). */
size_t ring_len(const struct ring *r);
/** Share of the ring in use, 0..100: classes stop at different levels. */
unsigned ring_fill_percent(const struct ring *r);

/** A doorbell: an eventfd that is rung only when the consumer may be asleep. */
struct bell {
    int fd;
    _Atomic int armed;
};
int bell_init(struct bell *b);
void bell_fini(struct bell *b);
/** Producer, after ring_put. One system call only if the consumer had armed it. */
void bell_ring(struct bell *b);
/** Consumer: about to sleep; afterwards it must look at its rings once more. */
void bell_arm(struct bell *b);
/** Consumer: woken; reads the eventfd. */
void bell_clear(struct bell *b);

#endif
