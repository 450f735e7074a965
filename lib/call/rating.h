/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a call's records say of its route and its price, as text made when it was decided: a reload may take the decks away, a restart the
 * whole configuration, and the bill must still be right.
 * invite.c and hunt.c make them, record.c reads them, snapshot.c puts them down. Knows no money, only its text.
 */
#ifndef CALL_RATING_H
#define CALL_RATING_H

#include "core/pool.h"
#include "route/route.h"

/** Texts of a call: its rate class and what the ingress side pays. */
enum {
    RATING_CLASS,
    RATING_DECK,
    RATING_PREFIX,
    RATING_RATE,
    RATING_CURRENCY,
    RATING_MINIMUM,
    RATING_INCREMENT,
    RATING_CODE,
    RATING_IN_N
};
/** Of an out leg that a deck's row chose; the first ones as above, from RATING_DECK on. */
enum { RATING_COST = RATING_IN_N, RATING_BASE, RATING_N };

/** A block of texts. */
struct rating;

/*
 * 48: "/etc/tandem/conf.d/routes.conf:1200" and some more. Every call has one, so it stands in struct call, not in a block of 256 bytes; of a
 * longer path the end is kept.
 */
#define RATING_PLACE 48
/** Where the line that decided stands: "routes.conf:14"; "" none did. */
void rating_place(const struct conf *conf, const struct conf_loc *loc, char out[RATING_PLACE]);

/** Of a decision. @return owned, rating_free; NULL: nothing to say, or out of memory (the record has empty fields then) */
struct rating *rating_of_call(struct blocks *b, const struct conf *conf,
                              const struct route_decision *d);
/** Of a candidate. @param conf  that of its decision. @return as above; NULL also for a candidate without deck */
struct rating *rating_of_candidate(struct blocks *b, const struct conf *conf,
                                   const struct route_candidate *c);
void rating_free(struct blocks *b, struct rating *r);
/** One of its texts, empty for none. @param r  may be NULL */
struct span rating_text(const struct rating *r, unsigned which);

/** All of it as bytes, and back. @param r  may be NULL: empty */
struct span rating_bytes(const struct rating *r);
/** @return NULL: bytes are empty or no rating, or out of memory */
struct rating *rating_load(struct blocks *b, struct span bytes);

#endif
