/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker's stack with nothing behind it: an INVITE put in goes the way of every INVITE, and what would have left is kept as text.
 * explain.c makes one for a question. Its trunks, gauges, clock, media and records are private: nothing of it is seen elsewhere.
 */
#ifndef CALL_EXPLAIN_DRY_H
#define CALL_EXPLAIN_DRY_H

#include "call/stack.h"
#include "core/addr.h"
#include "route/route.h"

struct explain_dry;

/** One INVITE that a carrier would have got. */
struct dry_sent {
    struct dry_sent *next;
    uint32_t slot; /* of the private registry */
    struct addr remote;
    uint8_t proto;
    char *text;       /* whole, NUL-terminated; owned */
    const char *path; /* how its media would go; static text */
};

/** What became of one run. */
struct dry_result {
    struct dry_sent *sent; /* in order */
    char answer[160];      /* status line of the final answer to the caller; empty: none */
    unsigned status;       /* of it */
    unsigned cause;        /* of the record: SIP status, and why */
    char why[96];
    bool is_call; /* there would be a record */
};

/**
 * @param route  whose tables are used; borrowed
 * @param now_ms, wall_ms  the time that it is, as long as it lives
 * @return NULL out of memory
 */
struct explain_dry *explain_dry_new(const struct route *route, uint64_t now_ms, uint64_t wall_ms);
void explain_dry_free(struct explain_dry *x);

/** Its own routing and live state, to be filled as the question wants it. */
struct route *explain_dry_route(struct explain_dry *x);
struct trunk_registry *explain_dry_registry(struct explain_dry *x);

/** Who decides in place of the table; see struct calls_dry. */
struct explain_dry_by {
    uint32_t trunk; /* whose the INVITE is; CONF_NONE: by its source */
    void (*decide)(void *arg, struct route_query *q, struct route_decision *d);
    void *arg;
};

/**
 * Put one INVITE through. Every carrier answers 503, so that the next one is tried.
 * @param text   the INVITE
 * @param flow   by which it came
 * @param out    what became of it, to be freed by dry_result_fini
 */
void explain_dry_run(struct explain_dry *x, const struct explain_dry_by *by, struct span text,
                     const struct flow *flow, struct dry_result *out);
void dry_result_fini(struct dry_result *r);

#endif
