/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a packet thread has to do something by itself to the millisecond: the next packet of a player or of an event.
 * A wheel of one turn; setting, deleting and running cost the same however many there are. It knows not what is done.
 */
#ifndef RELAY_PACE_H
#define RELAY_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define PACE_SLOTS 512U /* of 1 ms: packet times and waits for late packets are shorter */

struct pace {
    LIST_ENTRY(pace) link;
    uint64_t due_ms;
    bool is_set;
    void (*fn)(void *ctx, struct pace *p); /* p is not set then, and may be set again */
};

struct paces {
    uint64_t now_ms; /* looked at last */
    unsigned n;
    LIST_HEAD(pace_slot, pace) slot[PACE_SLOTS];
};

void paces_init(struct paces *ps, uint64_t now_ms);
/** Call fn at due_ms, or as soon as it can be when that is over; at most PACE_SLOTS - 1 ms from now. */
void pace_set(struct paces *ps, struct pace *p, uint64_t due_ms);
void pace_del(struct paces *ps, struct pace *p);
/** Run what is due. ctx goes to the functions. */
void paces_run(struct paces *ps, uint64_t now_ms, void *ctx);
/** How long nothing is due [ms], at most max. */
int paces_wait(const struct paces *ps, uint64_t now_ms, int max);

#endif
