/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rate deck in memory: one CSV file parsed, checked and sorted, each row with its exact terms and its line.
 * The builder (lcr.c, diff) makes and frees decks off the workers; nothing of a deck is read on the call path but through lcr.h.
 */
#ifndef ROUTE_DECK_H
#define ROUTE_DECK_H

#include "config/config.h"
#include "route/key.h"

/** Rate columns of a deck: the plain one, three jurisdictions, then zones by conf id. */
enum { DECK_RATE, DECK_INTER, DECK_INTRA, DECK_INDETERMINATE, DECK_ZONE };
#define DECK_RATES (DECK_ZONE + CONF_ZONES_MAX)

#define DECK_CODE_MAX 31

/** What a row says beside its prefix. Equal terms of a deck are kept once: a real deck has some hundred. */
struct deck_terms {
    int64_t rate
        [DECK_RATES]; /* nano of the deck's currency a minute; -1: no such column, or the cell is empty */
    int64_t effective, expires;  /* wall clock [s]; INT64_MIN / INT64_MAX: always / never */
    uint32_t minimum, increment; /* [s] */
    int16_t quality;             /* 0..100; -1: none */
    char code[DECK_CODE_MAX + 1];
};

struct deck_row {
    uint64_t key;   /* key.h */
    uint32_t terms; /* place in deck.terms */
    uint32_t line;  /* of the file */
};

/**
 * Rows of one prefix are its versions. At a moment t that one holds which has effective <= t < expires and, of those, the latest
 * effective: a later row supersedes an earlier one, and one that expires gives way to what was before it (a promotion in December).
 * Two rows of one prefix with the same effective are an error.
 */
struct deck {
    uint32_t id; /* place in conf.deck */
    const struct conf_deck *conf;
    struct deck_row *row; /* sorted by key, of one key by effective */
    uint32_t n;
    struct deck_terms *terms;
    uint32_t n_terms;
    uint32_t left_out_only,
        left_out_bad;         /* rows outside `only`; bad rows of a deck with `strict off` */
    uint32_t expired, future; /* rows, at the time of loading; they are among `row` */
    int64_t next_change;      /* first effective or expires after loading [s]; INT64_MAX: none */
};

#define DECK_FILE_MAX \
    ((size_t)CONF_ROWS_MAX * 128) /* 2 GiB: a row is some thirty bytes, with names a hundred */
#define DECK_LINE_MAX    4096     /* CONF_LINE_MAX */
#define DECK_SECONDS_MAX 86400    /* minimum and increment: a day */

/**
 * Read, parse and check one deck; in parallel parts. Messages (file:line:col, those of the first lines kept, all counted) go to errs: a
 * row that is not understood, a bad prefix, number, date, two rows of one prefix with the same effective (both lines named), a header
 * that is not as declared, no file, no row left. Expired rows are one warning a deck, bad rows of a deck with `strict off`
 * another, and so is a deck that has no row in force.
 *
 * @param conf     borrowed, must outlive the deck
 * @param id       place in conf.deck
 * @param now_s    wall clock [s]: what is expired
 * @param threads  to parse with, at most; 1 = here only
 * @return owned, deck_free; NULL: errs has at least one error
 */
struct deck *deck_load(const struct conf *conf, uint32_t id, int64_t now_s, unsigned threads,
                       struct conf_errors *errs);
/** The same from memory, for tests, benches and fuzzing. */
struct deck *deck_load_text(const struct conf *conf, uint32_t id, struct span text, int64_t now_s,
                            unsigned threads, struct conf_errors *errs);
void deck_free(struct deck *d);
/** Place of the first row whose key is not below `key`; d->n: there is none. */
uint32_t deck_first(const struct deck *d, uint64_t key);

/**
 * An exact decimal as money: digits with an optional point and at most nine behind it (zeros behind those do not count); no sign, no
 * exponent, no thousands.
 * @return 0; -EINVAL not a number; -ERANGE above CONF_MONEY_MAX or too exact
 */
int deck_money(struct span text, int64_t *nano);
/**
 * A moment as the columns `effective` and `expires` have it: 2026-12-01, or with T08:00 or T08:00:30 (a blank for the T), then nothing
 * (UTC), Z or +01:00.
 * @return 0; -EINVAL
 */
int deck_moment(struct span text, int64_t *wall_s);

/**
 * Can a route line of this prefix ever use the deck? A row above the prefix serves all of it; one below it serves, unless it lies under
 * a prefix that a longer line of the route takes.
 *
 * @param prefix  key.h; 0: every number
 * @param taken   keys below prefix, sorted; may be NULL when n is 0
 */
bool deck_serves(const struct deck *d, uint64_t prefix, const uint64_t *taken, unsigned n);
/** What a deck covers, as text: "+1 only", "+1 +44 +49", "8124 rows from +1 to +9989". @return out */
const char *deck_covers(const struct deck *d, char *out, size_t size);

/**
 * Check the lcr lines of a route against the decks they name: one that can never serve its line is an error at its name there.
 *
 * @param deck  by conf id; NULL where a deck could not be read (its errors are told already)
 */
void deck_check_route(const struct conf *conf, const struct conf_route *route,
                      struct deck *const *deck, struct conf_errors *errs);

#endif
