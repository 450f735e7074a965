/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Longest-prefix table: immutable, one open-addressed hash table for all lengths, longest length first.
 * route.c builds one per `route` section; the value is the caller's index. Knows only digits and numbers.
 */
#ifndef ROUTE_TABLE_H
#define ROUTE_TABLE_H

#include "core/span.h"

#define TABLE_PREFIX_MAX \
    31 /* CONF_DIGITS_MAX: 4 bits a character fill the 128-bit key with one nibble to spare */

struct table;

/** @param expected  number of prefixes that will be added; the table is sized once for them. NULL: out of memory */
struct table *table_new(size_t expected);
void table_free(struct table *t);

/**
 * Add a prefix: digits with an optional leading '+', or empty (matches everything).
 * @return 0; -EINVAL another character or too long; -EEXIST there already; TD_EFULL more than expected
 */
int table_add(struct table *t, struct span prefix, uint32_t value);

/**
 * The longest prefix of number that is in the table. Cost: one probe per distinct length, longest first; no allocation.
 * @param len  out, may be NULL: length of the prefix found
 * @return 0; -ENOENT
 */
int table_find(const struct table *t, struct span number, uint32_t *value, size_t *len);

size_t table_count(const struct table *t);

#endif
