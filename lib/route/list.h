/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of numbers and prefixes from files: block and allow lists, caller numbers, states (prefix to text). Immutable once built.
 * route.c builds them off the workers; a lookup is a longest-prefix match.
 */
#ifndef ROUTE_LIST_H
#define ROUTE_LIST_H

#include "config/config.h"
#include "route/key.h"

#define LIST_ROWS_MAX \
    (1U << 22) /* 4 million: all numbers of a large national carrier's customers */

enum list_kind {
    LIST_PREFIXES, /* one a line */
    LIST_NUMBERS,  /* one a line; whole numbers, with a trailing '*' a prefix */
    LIST_STATES,   /* CSV prefix,state: a state is at most 7 bytes of text */
};

struct list;

/**
 * Read a file. Empty lines and `# comments` are passed over; bad and double rows are errors with file:line in errs.
 * @param loc  where the configuration names it: for a file that cannot be read
 * @return owned, list_free; NULL: errs has an error
 */
struct list *list_load(const struct conf *conf, const char *path, struct conf_loc loc,
                       enum list_kind kind, struct conf_errors *errs);
/** From `prefix P...` of a line. NULL: out of memory */
struct list *list_of(const char *const *prefix, uint32_t n);
void list_free(struct list *l);

/** @param line  out, may be NULL: of the file; 0 for list_of. @param what  out, may be NULL: the state; "" of other kinds. @return found */
bool list_find(const struct list *l, struct span number, uint32_t *line, const char **what);
uint32_t list_count(const struct list *l);

#endif
