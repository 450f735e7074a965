/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cells of a deck's rows: a line taken apart (RFC 4180), and each kind of value with what is wrong with it.
 * deck_part.c and deck.c call it; it must not know what a row is for.
 */
#ifndef ROUTE_DECK_CELL_H
#define ROUTE_DECK_CELL_H

#include "route/deck.h"

/** One cell, trimmed. */
struct cell {
    struct span text; /* without its quotes */
    bool doubled;     /* there are "" in it that stand for one */
};

/**
 * Take a line apart.
 * @param max  cells that out has room for; more are counted only
 * @param bad  out, on error: the place of the offending quote
 * @return cells, or -EINVAL: a quote that does not end on its line, or text behind it
 */
int cell_split(struct span line, char separator, struct cell *out, unsigned max, struct span *bad);

/*
 * Values. Each sets *out and returns NULL, or says what is wrong with the text: static, to follow "rate 'O.0123' ". An empty cell is the
 * caller's business.
 */
const char *cell_prefix(struct span s, bool private_plan, uint64_t *key);
const char *cell_money(struct span s, int64_t *nano);
const char *cell_moment(struct span s, int64_t *wall_s);
const char *cell_seconds(struct span s, uint32_t *out);
const char *cell_quality(struct span s, int16_t *out);
/** @param out  zero behind the text */
const char *cell_code(const struct cell *c, char out[DECK_CODE_MAX + 1]);

#endif
