/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ported numbers in memory: the `csv` tables of the `lnp` sections of one configuration. Immutable once built.
 * Built off the workers; a look-up reads memory only, so a call may do it itself. Knows no call and no other source of answers.
 */
#ifndef ROUTE_PORTABILITY_H
#define ROUTE_PORTABILITY_H

#include "config/config.h"
#include "route/key.h"

/* 16 million rows of 16 bytes: three times the ported numbers of a large European country; North America's belong into LMDB. */
#define PORTABILITY_ROWS_MAX (1U << 24)

struct portability;

/**
 * Read the tables, and look whether the environments of `lmdb` sections are there. Rows are `number,lrn`, both digits with an optional '+' (which is meant where it lacks); an empty lrn says that the number
 * is not ported. Empty lines, `# comments` and a first row of names are passed over; bad and double rows are errors with file and line.
 * @param errs  gets the messages; NULL: they are not wanted
 * @param ok    out: false if a table could not be read or has bad rows
 * @return owned; NULL: out of memory
 */
struct portability *portability_new(const struct conf *conf, struct conf_errors *errs, bool *ok);
void portability_free(struct portability *p);

/** What a source of answers says of a number. */
enum port_status {
    PORT_HOME,   /* not ported */
    PORT_PORTED, /* rn has its routing number */
    PORT_FAILED, /* no answer, or one that cannot be read */
};

struct port_answer {
    enum port_status status;
    char rn[KEY_DIGITS + 1]; /* with '+'; "" unless ported */
};

/** @return 0; -ENOENT this section has no table in memory */
int portability_find(const struct portability *p, uint32_t lnp, struct span number,
                     struct port_answer *out);
/** Rows of the table of a section; 0: it has none. */
uint32_t portability_rows(const struct portability *p, uint32_t lnp);

/**
 * The key of a number or routing number as data has it: digits, '+' in front or meant.
 * @return 0; -EINVAL another character, fewer than 3 digits or more than E.164's 15
 */
int portability_key(struct span text, uint64_t *key);

#endif
