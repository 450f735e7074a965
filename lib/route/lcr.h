/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rate tables: all decks of a route merged into one immutable longest-prefix table whose entries hold the candidates in order of cost, for each
 * rate class. Built off the workers, read by all of them; a lookup allocates nothing.
 *
 * A key of the table is any prefix of any of its decks. Its entry has, of each deck, the row of the longest prefix that holds there and
 * then: what the carrier would bill. Rows with a time (effective, expires) make versions of the entry, chosen by the clock at the lookup.
 */
#ifndef ROUTE_LCR_H
#define ROUTE_LCR_H

#include "route/deck.h"

/**
 * Who calls whom, found once a call. Of a row counts the first that it has: the rate of the caller's zone, of the jurisdiction, the
 * plain one.
 */
struct rate_class {
    uint8_t jurisdiction; /* DECK_INTER, DECK_INTRA or DECK_INDETERMINATE */
    uint8_t zone;         /* conf id of the caller's zone; CONF_ZONES_MAX: in none */
};

/** One deck's answer for a number. */
struct lcr_row {
    uint32_t deck; /* conf id */
    uint32_t line; /* of its file */
    uint64_t key;  /* the row's prefix */
    int64_t rate;  /* nano of the deck's currency a minute, of the class asked for */
    int64_t
        cost; /* nano of the base currency, rounded to nearest, halves up: to show and record; order is by the exact product */
    const struct deck_terms *terms; /* borrowed from the table */
};

struct lcr;

struct lcr_stats {
    uint64_t rows, keys, lists; /* rows of decks; keys of the table; lists of several candidates */
    uint64_t bytes;             /* all in: table, lists, rows, terms */
    uint64_t build_ns;          /* wall time of the merge */
    int64_t next_change; /* when another version holds next, after from_s [s]; INT64_MAX: never */
};

/**
 * Merge decks into one table. Also with one deck only (sell decks).
 * @param deck     borrowed during the call: what the table needs is copied; each ->conf must outlive the call only
 * @param n        1..CONF_DECKS_MAX
 * @param from_s   wall clock [s]: what ended before is left out, and an earlier lookup is answered as one of then; INT64_MIN: all
 *                 versions. So a deck whose rows all began last month costs no more than one without dates
 * @param threads  at most
 * @return owned, lcr_free; NULL: out of memory
 */
struct lcr *lcr_new(struct deck *const *deck, unsigned n, int64_t from_s, unsigned threads);
void lcr_free(struct lcr *t);

/**
 * The candidates for a number, cheapest first (exact, in the base currency); equal ones in the order of `deck` of lcr_new. A deck
 * without a rate for the class (neither its column nor `rate`) gives none, nor does a shorter prefix of it.
 *
 * @param number  normalised; "+442079460123"
 * @param wall_s  which versions hold
 * @param mask    decks asked for, a bit for each place in lcr_new's `deck`; UINT32_MAX: all
 * @param out     at most max rows
 * @return how many
 */
unsigned lcr_find(const struct lcr *t, struct span number, struct rate_class rc, int64_t wall_s,
                  uint32_t mask, struct lcr_row *out, unsigned max);

/**
 * Ask for the memory that lcr_find will read for this number, without waiting: a line comes from afar in 100 to 150 ns, enough for a decision to
 * look at lists and lines meanwhile. Changes nothing; leaving it out changes nothing but time.
 */
void lcr_prefetch(const struct lcr *t, struct span number);

/** The conf id of the deck in place i of lcr_new's list; CONF_NONE beyond. */
uint32_t lcr_deck(const struct lcr *t, unsigned i);
void lcr_stats(const struct lcr *t, struct lcr_stats *out);
/** All keys in order, for diff and the operator: sorted for it, so not on a worker. fn false: stop. @return 0; -ENOMEM, fn not called */
int lcr_each_key(const struct lcr *t, bool (*fn)(void *arg, uint64_t key), void *arg);

#endif
