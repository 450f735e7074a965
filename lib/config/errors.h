/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Collects messages about a configuration with their source line, and guesses what was meant.
 * The other files of lib/config call it; the printed form is in config.h.
 */
#ifndef CONFIG_ERRORS_H
#define CONFIG_ERRORS_H

#include "config/config.h"
#include "core/span.h"

/** Where a message points. */
struct err_place {
    uint16_t file_id;
    const char *file;
    uint32_t line;
    uint32_t col;
    uint32_t width;
    struct span source;
    const char *meant; /* suggestion, copied; NULL = none */
};

/** Fresh, empty list. */
void errors_init(struct conf_errors *errs);

/** Add a message (copied), unless CONF_ERRORS_MAX are kept; it is counted in any case. */
void errors_add(struct conf_errors *errs, enum conf_severity sev, const struct err_place *at,
                const char *text);

/** Order by file as read, line, column. */
void errors_sort(struct conf_errors *errs);

/** The candidate nearest to a word so far. */
struct nearest {
    struct span word;
    const char *best; /* NULL = none within reach */
    unsigned distance;
};

/** Begin looking for words within two edits of `word` (one edit for words up to three bytes). */
void nearest_init(struct nearest *n, struct span word);

/** Consider a candidate; `candidate` must outlive n. */
void nearest_try(struct nearest *n, const char *candidate);

/** Edits (insert, delete, replace, swap of neighbours) from a to b; more than `max` is given as max + 1. */
unsigned edit_distance(struct span a, struct span b, unsigned max);

#endif
