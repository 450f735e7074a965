/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call that waits for the portability of its number: asked after 100 Trying and before the first carrier, bounded by a timer.
 * invite.c begins it and is told how it ended; who answers stands behind struct dip_ops. Nothing here blocks.
 */
#ifndef CALL_DIP_H
#define CALL_DIP_H

#include "route/portability.h"
#include "route/route.h"

struct call;
struct calls;
struct pool;
struct delay;

/* 1,024 calls of a worker: 80 ms of 12,800 a second. More at once fail at once: their source is slower than they come. */
#define DIPS_MAX 1024

/** What a worker asks; spans and texts are borrowed during the call. */
struct dip_question {
    uint64_t call;
    uint32_t serial;
    const char *section; /* by name: a reload may come before the answer */
    const char *number;
};

/** What it hears, by stack_dip_answer: once for each question that was taken, late or not. */
struct dip_answer {
    uint64_t call;
    uint32_t serial;
    struct port_answer port;
};

/** Who answers: the daemon's dip thread or a test. */
struct dip_ops {
    /** @return 0; TD_EFULL: too many under way, nothing was asked */
    int (*ask)(struct dip_ops *ops, const struct dip_question *q);
};

enum dip_result { DIP_NONE, DIP_HOME, DIP_PORTED, DIP_FAILED, DIP_TIMEOUT, DIP_ABANDONED };

/**
 * The decision said ROUTE_DIP: ask. A table in memory answers at once, and *d is decided again; else the call waits (dip_waits) and
 * invite_dipped is called with the second decision. Without anybody to ask *d is decided as of a failed dip.
 * @param q  the query of the first decision; copied
 * @return true: *d is another one; false: the call waits
 */
bool dip_begin(struct call *c, const struct route_query *q, struct route_decision *d);
bool dip_waits(const struct call *c);
/** The call ends: nothing more is waited for. What was found stays for the record. */
void dip_abandon(struct call *c);
/** With what else the set-up needed. */
void dip_free(struct call *c);
/** For stack.c: of the worker's dips. */
void dip_pool_init(struct pool *pool);

/** An answer has come, perhaps for a call that has gone on or is gone. */
void dip_answered(struct calls *cs, const struct dip_answer *a);

/**
 * Parameters of the called number as the out INVITE bears them (RFC 4694): those received, and what a dip found in place of theirs.
 * @return of buf; received itself where there was no dip
 */
struct span dip_params(const struct call *c, struct span received, char *buf, size_t size);

/** For the record: "", "ported", "not-ported", "failed", "timeout", "abandoned". */
struct span dip_word(const struct call *c);

/** What the calls of this worker saw of one section. */
struct dip_tally;
struct dip_view {
    const char *section;
    uint64_t asked, ported, home, failed, timeout, late;
    const struct delay *delay;
};
void dip_each(const struct calls *cs, void (*fn)(void *arg, const struct dip_view *v), void *arg);
void dip_tallies_free(struct calls *cs);

#endif
