/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of a client of the relay that wait for their answers: slots by number, in lists by age.
 * media.c alone uses it; it knows no connection and sends nothing.
 */
#ifndef MEDIA_PENDING_H
#define MEDIA_PENDING_H

#include "media/media.h"
#include <stdbool.h>
#include <stdint.h>

/* 20 bits: requests in flight at most; 700 calls a second make some ten */
#define PENDING_SLOT_BITS 20U
#define PENDING_SLOT_MASK ((1U << PENDING_SLOT_BITS) - 1)
#define PENDING_NONE      UINT32_MAX

struct pending {
    union {
        media_done_fn session;
        media_relay_fn relay;
        media_list_fn list;
    } done; /* NULL: nobody waits */
    void *arg;
    struct media_ref ref;
    uint64_t sent_ms;    /* 0: not sent */
    uint32_t prev, next; /* of the list it is in */
    uint16_t gen;
    uint16_t type; /* enum media_type; 0: the slot is free */
    bool is_adopt;
};

struct pending_list {
    uint32_t first, last; /* slots; PENDING_NONE: empty */
};

struct pendings {
    struct pending *slot;
    uint32_t n;
    struct pending_list free, waiting, failed; /* waiting: oldest first */
};

void pending_init(struct pendings *ps);
/** Nobody is called. */
void pending_fini(struct pendings *ps);
/**
 * A slot that is in no list yet.
 * @param request  its number, never 0 and not soon again; bit 31 is left to the caller
 * @return NULL: no memory, or as many as there can be
 */
struct pending *pending_new(struct pendings *ps, enum media_type type, uint32_t *request);
/** @return the slot of that request; PENDING_NONE: it has ended */
uint32_t pending_find(const struct pendings *ps, uint32_t request);
/** Put slot i behind the last of a list of ps. */
void pending_add(struct pendings *ps, struct pending_list *l, uint32_t i);
void pending_del(struct pendings *ps, struct pending_list *l, uint32_t i);
/** Ends a request of that list: its slot is free before its asker hears of it, who may ask again at once. */
void pending_end(struct pendings *ps, struct pending_list *l, uint32_t i, int status);

#endif
