/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Longest-prefix table: immutable, one open-addressed hash table for all lengths, longest length first.
 * Built by route.c off the workers, read by all of them. Must not know what its values mean.
 */
#include "route/table.h"

#include <stdlib.h>
#include "core/err.h"

/* A prefix as number: 4 bits a character, so that its length is part of the key ('0' is 1, never 0). */
typedef unsigned __int128 table_key;

struct table {
    table_key *key; /* 0: free slot */
    uint32_t *value;
    size_t mask, count, expected;
    uint32_t lengths; /* bit n: prefixes of n characters exist */
    bool has_empty;
    uint32_t empty_value;
};

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0' + 1;
    return c == '+' ? 11 : 0;
}

static uint64_t mix(table_key k)
{
    /* Fibonacci hashing on both halves: keys come from configuration files, not from an attacker. */
    uint64_t h = (uint64_t)k * 0x9e3779b97f4a7c15ULL ^ (uint64_t)(k >> 64) * 0xc2b2ae3d27d4eb4fULL;
    return h ^ h >> 29;
}

struct table *table_new(size_t expected)
{
    struct table *t = calloc(1, sizeof(*t));
    size_t slots = 16;
    if (!t)
        return NULL;
    while (slots * 3 < expected * 5) /* load 0.6 at most: about 1.75 probes for a miss */
        slots *= 2;
    t->key = calloc(slots, sizeof(*t->key));
    t->value = calloc(slots, sizeof(*t->value));
    t->mask = slots - 1;
    t->expected = expected;
    if (!t->key || !t->value) {
        table_free(t);
        return NULL;
    }
    return t;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    free(t->key);
    free(t->value);
    free(t);
}

/* Slot of the key, or the free slot where it would stand. */
static size_t table_slot(const struct table *t, table_key k)
{
    size_t i = mix(k) & t->mask;
    while (t->key[i] && t->key[i] != k)
        i = (i + 1) & t->mask;
    return i;
}

int table_add(struct table *t, struct span prefix, uint32_t value)
{
    table_key k = 0;
    if (t->count == t->expected)
        return TD_EFULL;
    if (prefix.len > TABLE_PREFIX_MAX)
        return -EINVAL;
    for (size_t i = 0; i < prefix.len; i++) {
        int n = nibble(prefix.p[i]);
        if (!n || (n == 11 && i > 0))
            return -EINVAL;
        k = k << 4 | (unsigned)n;
    }
    if (prefix.len == 0) {
        if (t->has_empty)
            return -EEXIST;
        t->has_empty = true;
        t->empty_value = value;
    } else {
        size_t i = table_slot(t, k);
        if (t->key[i])
            return -EEXIST;
        t->key[i] = k;
        t->value[i] = value;
        t->lengths |= 1U << prefix.len;
    }
    t->count++;
    return 0;
}

int table_find(const struct table *t, struct span number, uint32_t *value, size_t *len)
{
    table_key full = 0;
    size_t n = 0;
    while (n < number.len && n < TABLE_PREFIX_MAX && nibble(number.p[n]))
        full = full << 4 | (unsigned)nibble(number.p[n++]);
    for (size_t l = n; l > 0; l--) {
        if (!(t->lengths >> l & 1U))
            continue;
        table_key k = full >> (4 * (n - l));
        size_t i = table_slot(t, k);
        if (t->key[i] != k)
            continue;
        *value = t->value[i];
        if (len)
            *len = l;
        return 0;
    }
    if (!t->has_empty)
        return -ENOENT;
    *value = t->empty_value;
    if (len)
        *len = 0;
    return 0;
}

size_t table_count(const struct table *t)
{
    return t->count;
}
