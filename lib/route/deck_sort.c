/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sorting of rows: least significant byte first over those bytes of the keys that differ, then rounds of merges.
 * deck.c calls it; must not know what a row says.
 */
#include "route/deck_sort.h"

#include "core/parallel.h"

#define BYTES 8

static bool in_order(const struct deck_row *row, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        if (row[i - 1].key > row[i].key)
            return false;
    }
    return true;
}

static void count_bytes(const struct deck_row *row, uint32_t n, uint32_t count[BYTES][256])
{
    memset(count, 0, BYTES * sizeof(count[0]));
    for (uint32_t i = 0; i < n; i++) {
        for (unsigned b = 0; b < BYTES; b++)
            count[b][row[i].key >> (8 * b) & 255]++;
    }
}

struct deck_row *deck_sort(struct deck_row *row, struct deck_row *other, uint32_t n)
{
    uint32_t count[BYTES][256];

    if (n < 2 || in_order(row, n))
        return row;
    count_bytes(row, n, count);
    for (unsigned b = 0; b < BYTES; b++) {
        uint32_t at = 0, *c = count[b];
        struct deck_row *t = row;

        if (c[row[0].key >> (8 * b) & 255] == n)
            continue; /* the same in all */
        for (unsigned v = 0; v < 256; v++) {
            uint32_t k = c[v];

            c[v] = at;
            at += k;
        }
        for (uint32_t i = 0; i < n; i++)
            other[c[row[i].key >> (8 * b) & 255]++] = row[i];
        row = other;
        other = t;
    }
    return row;
}

/* ---- merging ---- */

struct merge {
    struct deck_run *run;
    struct deck_row *to; /* the pair i of runs begins at to + rows before it */
    unsigned n_run;
};

static void merge_pair(void *arg, unsigned pair)
{
    struct merge *m = arg;
    const struct deck_run *x = &m->run[2 * pair], *y = x + 1;
    const struct deck_row *p = x->row, *p_end = p + x->n, *q, *q_end;
    struct deck_row *to = m->to;

    for (unsigned i = 0; i < 2 * pair; i++)
        to += m->run[i].n;
    q = 2 * pair + 1 < m->n_run ? y->row : NULL;
    q_end = q ? q + y->n : NULL;
    while (p < p_end && q < q_end) {
        bool second = q->key < p->key;

        *to++ = second ? *q : *p;
        q += second;
        p += !second;
    }
    if (p < p_end)
        memcpy(to, p, (size_t)(p_end - p) * sizeof(*p));
    else if (q < q_end)
        memcpy(to, q, (size_t)(q_end - q) * sizeof(*q));
}

struct deck_row *deck_merge(struct deck_run *run, unsigned n_run, struct deck_row *to,
                            struct deck_row *other, unsigned threads)
{
    for (;;) {
        struct merge m = {.run = run, .to = to, .n_run = n_run};
        struct deck_row *at = to;
        unsigned pairs = (n_run + 1) / 2;

        parallel_run(merge_pair, &m, pairs, threads);
        for (unsigned i = 0; i < pairs; i++) {
            uint32_t n = run[2 * i].n + (2 * i + 1 < n_run ? run[2 * i + 1].n : 0);

            run[i] = (struct deck_run){.row = at, .n = n};
            at += n;
        }
        if (pairs == 1)
            return to;
        n_run = pairs;
        at = to;
        to = other;
        other = at;
    }
}
