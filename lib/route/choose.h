/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One decision on its way: internal to lib/route.
 * choose.c walks the steps, choose_line.c finds the line, choose_lcr.c orders offers, choose_via.c shares, choose_out.c keeps what can be sent;
 * each tells q->trace what it did.
 */
#ifndef ROUTE_CHOOSE_H
#define ROUTE_CHOOSE_H

#include "route/index.h"

struct choose {
    const struct route *rt;
    const struct conf *conf;
    const struct route_query *q;
    struct route_decision *d;
    const struct conf_trunk *in;
    const struct plan *plan;
    const struct conf_route_line *line;
    uint32_t line_id;
    uint64_t rnd;         /* of the next draw */
    bool is_emergency;    /* by gate or rule */
    uint16_t last_resort; /* bit of a candidate: down, kept for an emergency call only */
};

static inline bool choose_on_paper(const struct choose *ch)
{
    return ch->q->assume && ch->q->assume->on_paper;
}

/* Nothing is written, and no argument looked at, for a call that nobody watches. */
#define CHOOSE_NOTE(ch, ...)              \
    do {                                  \
        if ((ch)->q->trace)               \
            choose_note(ch, __VA_ARGS__); \
    } while (0)

#define CHOOSE_NOTE_CANDIDATE(ch, ...)              \
    do {                                            \
        if ((ch)->q->trace)                         \
            choose_note_candidate(ch, __VA_ARGS__); \
    } while (0)

/* 320: two file names of the usual length, a prefix and a rate; longer texts are cut. */
#define CHOOSE_NOTE_MAX 320

void choose_note(const struct choose *ch, enum route_step step, const struct conf_loc *loc,
                 const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/** Of a candidate, kept or not: its trunk and what is known of its offer. */
void choose_note_candidate(const struct choose *ch, enum route_step step,
                           const struct route_candidate *c, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/** End without candidates. */
void choose_refuse(struct choose *ch, enum route_verdict verdict, uint16_t code,
                   const char *reason);

/** The line that serves d->routed: ch->line. @return false: none, refused */
bool choose_line(struct choose *ch);

/** All candidates of the line's decks, best first, each given to choose_add. */
void choose_lcr(struct choose *ch);
/** All trunks of the line's via, likewise. */
void choose_via(struct choose *ch);

/**
 * Take the trunk as next candidate, unless it is there already, cannot be used, or has no form for the number; the latter are counted and
 * told.
 */
void choose_add(struct choose *ch, uint32_t trunk, const struct lcr_row *row);
/** A candidate as far as its offer goes; called is empty. */
void choose_candidate(const struct choose *ch, uint32_t trunk, const struct lcr_row *row,
                      struct route_candidate *c);
/** Put what is kept as last resort behind the others, tell the candidates. */
void choose_settle(struct choose *ch);

/** The next random number of this decision. */
uint64_t choose_rnd(struct choose *ch);
/**
 * Places 0..n-1 in the order drawn by weight (RFC 2782): each next one by its share of what is left.
 * @param n  at most CONF_CANDIDATES_MAX
 */
void choose_draw(struct choose *ch, const uint32_t *weight, unsigned n, uint8_t *order);

#endif
