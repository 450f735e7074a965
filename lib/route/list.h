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
#define LIST_FILE_MAX \
    ((size_t)LIST_ROWS_MAX * 64) /* 256 MiB: a number and a comment of forty characters a row */
#define LIST_STATE_MAX 7         /* bytes of a state: "NY", "US-NY", "BW" */

enum list_kind {
    LIST_PREFIXES, /* one a line */
    LIST_NUMBERS,  /* one a line; whole numbers, with a trailing '*' a prefix */
    LIST_STATES,   /* CSV prefix,state: a state is at most LIST_STATE_MAX bytes, no blank in it */
};

struct list;

/**
 * Read a file. Empty lines and `# comments`, also behind a row, are passed over; so is a first line `prefix,state` of states. A byte
 * order mark and CR LF are nothing. Bad and double rows are errors with file:line:col in errs, of double ones with both lines.
 * A file without a row is an empty list.
 *
 * @param loc  where the configuration names it: for a file that cannot be read
 * @return owned, list_free; NULL: errs has an error
 */
struct list *list_load(const struct conf *conf, const char *path, struct conf_loc loc,
                       enum list_kind kind, struct conf_errors *errs);
/** The same from memory, for tests and fuzzing. @param name  shown in messages */
struct list *list_load_text(const char *name, struct span text, enum list_kind kind,
                            struct conf_errors *errs);
/** From `prefix P...` of a line; double ones count once, what is no prefix (lib/config refuses it) not at all. NULL: out of memory */
struct list *list_of(const char *const *prefix, uint32_t n);
void list_free(struct list *l);

/**
 * The entry of a number: the number itself, else its longest prefix. What is no number (a name) is in no list, unless `*` is.
 * One probe for each length of prefix in the list; no allocation.
 *
 * @param l     NULL: an empty one
 * @param line  out, may be NULL: of the file; 0 for list_of
 * @param what  out, may be NULL: the state, borrowed from the list; "" of other kinds. Both are set only if found
 * @return found
 */
bool list_find(const struct list *l, struct span number, uint32_t *line, const char **what);
uint32_t list_count(const struct list *l);
/** Memory it holds. */
size_t list_bytes(const struct list *l);

#endif
