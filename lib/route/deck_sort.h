/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of a deck in order of their keys: parts sorted by radix, then merged in pairs; rows of one key keep their order.
 * deck.c calls it; it knows keys only.
 */
#ifndef ROUTE_DECK_SORT_H
#define ROUTE_DECK_SORT_H

#include "route/deck.h"

/** Sort by key, stable. @param other  room for n rows. @return row or other: where they are now */
struct deck_row *deck_sort(struct deck_row *row, struct deck_row *other, uint32_t n);

struct deck_run {
    struct deck_row *row; /* sorted */
    uint32_t n;
};

/**
 * Merge sorted runs, stable, in parallel.
 *
 * @param run    n_run > 0 of them, in order; changed
 * @param to     room for all rows; no run lies in it
 * @param other  the same; runs may lie in it, it is written over
 * @return to or other: where all rows stand now, from its start
 */
struct deck_row *deck_merge(struct deck_run *run, unsigned n_run, struct deck_row *to,
                            struct deck_row *other, unsigned threads);

#endif
