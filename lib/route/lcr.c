/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rate tables: the lookup. Called by route.c for each call and by what explains and compares; the table is immutable.
 * Knows nothing of trunks and conditions.
 */
#include "route/lcr_priv.h"

#include <stdlib.h>

/*
 * The slot of a bucket whose key is key to key + span - 1, or, where the bucket overflowed, of the next ones. All four are compared before
 * anything is decided: which of them it is nobody can predict, and a wrong guess costs as much as half a line of memory.
 */
static inline const struct lcr_slot *probe(const struct lcr *t, uint64_t bucket, uint64_t key,
                                           uint64_t span)
{
    for (;;) {
        const struct lcr_slot *s = t->slot + bucket * LCR_BUCKET;
        unsigned hit = (s[0].key - key < span) | (unsigned)(s[1].key - key < span) << 1 |
                       (unsigned)(s[2].key - key < span) << 2 |
                       (unsigned)(s[3].key - key < span) << 3;
        if (hit)
            return s + __builtin_ctz(hit);
        if (!(s[0].ref.b & LCR_OVERFLOW))
            return NULL;
        if (++bucket == t->buckets)
            bucket = 0;
    }
}

static inline struct lcr_ref ref_of(const struct lcr_slot *s)
{
    return (struct lcr_ref){s->ref.a, s->ref.b & LCR_B};
}

/* All lengths of the set, a bit for each; longest first. Their lines are asked for together, so that they cost one wait. */
static bool probe_lengths(const struct lcr *t, uint64_t key, uint32_t lengths, struct lcr_ref *out)
{
    uint64_t bucket[KEY_DIGITS + 1];

    for (uint32_t m = lengths; m; m &= m - 1) {
        unsigned len = (unsigned)__builtin_ctz(m);
        bucket[len] = lcr_bucket(t, key_cut(key, len));
        __builtin_prefetch(t->slot + bucket[len] * LCR_BUCKET);
    }
    while (lengths) {
        unsigned len = 31 - (unsigned)__builtin_clz(lengths);
        const struct lcr_slot *s = probe(t, bucket[len], key_cut(key, len), 1);
        if (s) {
            *out = ref_of(s);
            return true;
        }
        lengths &= ~(1U << len);
    }
    return false;
}

/* The key of the pivot's length and what is longer. @return false: nothing of that length or more fits */
static bool probe_pivot(const struct lcr *t, uint64_t bucket, uint64_t number, unsigned len,
                        struct lcr_ref *out)
{
    unsigned pivot = t->pivot + (number >> 60 == 11);
    uint64_t key = key_cut(number, pivot), mark = lcr_pivot_mark(pivot), below;
    const struct lcr_slot *s = probe(t, bucket, key, lcr_pivot_span(pivot));

    if (!s)
        return false;
    below = s->key - key;
    if (below & (mark - 1) && len > pivot && below & lcr_pivot_digit(pivot, number)) {
        uint32_t lengths = (uint32_t)(below & (mark - 1)) << (pivot + 1) & ((2U << len) - 1);
        if (lengths && probe_lengths(t, number, lengths, out))
            return true;
    }
    *out = ref_of(s);
    return !(below & mark);
}

/* A number with more digits than the stage has. */
static struct lcr_ref entry_below(const struct lcr *t, const struct lcr_stage *stage, uint64_t key,
                                  unsigned len)
{
    unsigned plus = key >> 60 == 11, fixed = t->digits + plus, pivot = t->pivot + plus;
    uint64_t bucket = lcr_bucket(t, key_cut(key, pivot));
    uint32_t at, word, lengths;
    struct lcr_ref ref;

    __builtin_prefetch(t->slot +
                       bucket * LCR_BUCKET); /* most need it: do not wait for the stage to say so */
    at = lcr_index(key, plus, t->digits);
    word = stage->word[at];
    unsigned digit = (unsigned)(key >> (60 - 4 * fixed) & 15) - 1;
    lengths = (word >> digit & 1) << (fixed + 1);
    if (word >> (LCR_LONGER + digit) & 1)
        lengths |= word >> LCR_LENGTHS << (fixed + 2) & ((2U << len) - 1);
    uint32_t shorter = lengths & ((1U << pivot) - 1);
    for (uint32_t m = shorter; m; m &= m - 1)
        __builtin_prefetch(t->slot +
                           lcr_bucket(t, key_cut(key, (unsigned)__builtin_ctz(m))) * LCR_BUCKET);
    if (lengths >> pivot && probe_pivot(t, bucket, key, len, &ref))
        return ref;
    return shorter && probe_lengths(t, key, shorter, &ref) ? ref : stage->best[at];
}

static struct lcr_ref entry_of(const struct lcr *t, uint64_t key, unsigned len)
{
    unsigned plus = key >> 60 == 11, fixed = t->digits + plus;
    const struct lcr_stage *stage = &t->stage[plus];
    struct lcr_ref ref;

    if (!stage->word)
        return t->root;
    if (len > fixed)
        return entry_below(t, stage, key, len);
    if (len == fixed)
        return stage->best[lcr_index(key, plus, t->digits)];
    /* a short code: fewer digits than the stage counts */
    return probe_lengths(t, key, t->lengths & ((2U << len) - 2), &ref) ? ref : t->root;
}

/* The version that holds. */
static struct lcr_ref version_of(const struct lcr *t, struct lcr_ref ref, int64_t wall_s)
{
    const struct lcr_ref *v = t->pool + ref.b;
    uint32_t low = 0, high = ref.a & LCR_LOW; /* the first begins before all times */

    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        int64_t from_s = (int64_t)((uint64_t)v[2 * mid].a << 32 | v[2 * mid].b);
        if (from_s <= wall_s)
            low = mid;
        else
            high = mid;
    }
    return v[2 * low + 1];
}

struct query {
    const struct lcr *t;
    uint64_t key;
    struct rate_class rc;
    uint32_t mask;
};

static bool row_of(const struct query *q, struct lcr_ref ref, struct lcr_row *out)
{
    uint32_t at = ref.a & LCR_LOW;
    const struct lcr_price *price = &q->t->price[at];
    const struct deck_terms *terms = &q->t->terms[at];
    int64_t rate = price->rate, cost = price->cost;

    if (!(q->mask >> price->place & 1))
        return false;
    if (price->by_class) {
        int column = lcr_column(terms, q->rc);
        rate = column < 0 ? -1 : terms->rate[column];
        cost = column < 0 ? -1 : q->t->cost[(size_t)at * q->t->columns + q->t->column[column]];
    }
    if (rate < 0)
        return false;
    *out = (struct lcr_row){
        .deck = q->t->deck[price->place],
        .line = ref.b,
        .key = key_cut(q->key, lcr_kind(ref)),
        .rate = rate,
        .cost = cost,
        .terms = terms,
    };
    return true;
}

static unsigned order_of(const struct lcr *t, struct rate_class rc)
{
    unsigned j = rc.jurisdiction - DECK_INTER; /* DECK_RATE wraps: as indeterminate */
    if (j > DECK_INDETERMINATE - DECK_INTER)
        j = DECK_INDETERMINATE - DECK_INTER;
    return t->order_of[j][rc.zone < CONF_ZONES_MAX ? rc.zone : CONF_ZONES_MAX];
}

unsigned lcr_find(const struct lcr *t, struct span number, struct rate_class rc, int64_t wall_s,
                  uint32_t mask, struct lcr_row *out, unsigned max)
{
    struct query q = {.t = t, .rc = rc, .mask = mask};
    unsigned len = key_of_number(number, &q.key), found = 0;
    struct lcr_ref ref = entry_of(t, q.key, len);
    const uint8_t *order = NULL;

    if (max == 0)
        return 0;
    if (lcr_kind(ref) == LCR_VERSIONS)
        ref = version_of(t, ref, wall_s);
    if (lcr_kind(ref) <= KEY_DIGITS)
        return row_of(&q, ref, out);
    if (lcr_kind(ref) == LCR_NONE)
        return 0;
    const struct lcr_ref *row = t->pool + ref.b;
    uint32_t n = ref.a & LCR_LOW;
    __builtin_prefetch(row + n - 1); /* eight may lie on two lines */
    if (lcr_kind(ref) == LCR_ORDERS) {
        order = (const uint8_t *)(t->pool + row->a) + (size_t)n * order_of(t, rc);
        row++;
    }
    for (uint32_t i = 0; i < n && found < max; i++)
        found += row_of(&q, row[order ? order[i] : i], &out[found]);
    return found;
}

void lcr_prefetch(const struct lcr *t, struct span number)
{
    uint64_t key;
    unsigned len = key_of_number(number, &key), plus = key >> 60 == 11;
    const struct lcr_stage *stage = &t->stage[plus];

    if (!stage->word || len <= t->digits + plus)
        return;
    __builtin_prefetch(t->slot + lcr_bucket(t, key_cut(key, t->pivot + plus)) * LCR_BUCKET);
    uint32_t at = lcr_index(key, plus, t->digits);
    __builtin_prefetch(&stage->word[at]);
    __builtin_prefetch(&stage->best[at]);
}

uint32_t lcr_deck(const struct lcr *t, unsigned i)
{
    return i < t->decks ? t->deck[i] : CONF_NONE;
}

void lcr_stats(const struct lcr *t, struct lcr_stats *out)
{
    *out = t->stats;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int lcr_each_key(const struct lcr *t, bool (*fn)(void *arg, uint64_t key), void *arg)
{
    size_t n = 0, len = (t->stats.keys + 1) * sizeof(uint64_t);
    uint64_t *key, below;

    if (t->stats.keys == 0)
        return 0;
    key = lcr_map(len);
    if (!key)
        return -ENOMEM;
    if (lcr_kind(t->root) != LCR_NONE)
        key[n++] = 0;
    for (uint64_t i = 0; i < t->buckets * LCR_BUCKET; i++)
        if (t->slot[i].key) {
            key[n] = lcr_slot_key(t, t->slot[i].key, &below);
            n += !(below & lcr_pivot_mark(key_len(key[n])));
        }
    qsort(key, n, sizeof(*key), by_key);
    for (size_t i = 0; i < n && fn(arg, key[i]); i++)
        ;
    lcr_unmap(key, len);
    return 0;
}
