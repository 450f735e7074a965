/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a rate table lies in memory: shared by lcr.c (looks up), lcr_build.c (puts together) and lcr_merge.c (merges decks).
 * Nobody else includes it.
 */
#ifndef ROUTE_LCR_PRIV_H
#define ROUTE_LCR_PRIV_H

#include "route/lcr.h"

/*
 * Eight bytes that say what an entry holds. The upper five bits of `a` are the kind; a kind up to KEY_DIGITS is a row itself, and the
 * length of its prefix: a = length | place in terms, b = line. So a row needs no key, and an entry of one candidate no list.
 */
struct lcr_ref {
    uint32_t a, b;
};
enum {
    LCR_NONE = 28,     /* nothing holds here */
    LCR_VERSIONS = 29, /* a: how many; b: place in pool of {from_s, ref} pairs, earliest first */
    LCR_ORDERS = 30,   /* a: rows; b: place of {place of orders}, then the rows */
    LCR_LIST = 31,     /* a: rows; b: place of the rows, cheapest first for every class */
};
#define LCR_KIND_SHIFT 27
#define LCR_LOW        ((1U << LCR_KIND_SHIFT) - 1) /* 134 million different terms: 25 GB of them */
#define LCR_B          0x7fffffffU
#define LCR_OVERFLOW \
    0x80000000U /* b of a bucket's first slot: keys of this bucket lie in the next one, too */

static inline unsigned lcr_kind(struct lcr_ref r)
{
    return r.a >> LCR_KIND_SHIFT;
}

static inline struct lcr_ref lcr_ref(unsigned kind, uint32_t low, uint32_t b)
{
    return (struct lcr_ref){kind << LCR_KIND_SHIFT | low, b};
}

#define LCR_ORDERS_MAX (3 * (CONF_ZONES_MAX + 1))

/* Key 0 (the empty prefix) is not in the hash table: there it is a free slot. */
struct lcr_slot {
    uint64_t key;
    struct lcr_ref ref;
};
#define LCR_BUCKET 4 /* slots: a cache line of 64 bytes, so a probe is one miss */

/*
 * What the first `digits` digits of a number say, one stage for numbers with '+', one for those without. It is small enough to stay in
 * a core's cache, and says exactly what lies below it, so that nearly every lookup has one line of memory to wait for.
 */
struct lcr_stage {
    uint32_t *
        word; /* bit d: a key of these and digit d; bit 10 + d: longer ones below it; 20 + i: some have i + 2 more. NULL: none */
    struct lcr_ref *best; /* of the longest key that these digits fill or exceed */
};
#define LCR_LONGER  10
#define LCR_LENGTHS 20

/*
 * A key of `pivot` digits says, in the bits below its last nibble, what lies under it. Of len characters: bit i, i < 16 - len: there are keys
 * of i + 1 digits more; bit 16 - len, the mark: it is no key itself, but was made for the longer ones; the ten bits above: which digits
 * they go on with.
 */
static inline uint64_t lcr_pivot_mark(unsigned len)
{
    return UINT64_C(1) << (KEY_DIGITS - len);
}
static inline uint64_t lcr_pivot_digit(unsigned len, uint64_t key)
{
    return lcr_pivot_mark(len) << (key >> (60 - 4 * len) & 15);
}
/** All of these are below it. */
static inline uint64_t lcr_pivot_span(unsigned len)
{
    return lcr_pivot_mark(len) << 11;
}
#define LCR_PIVOT_MAX 10 /* digits: with '+' 11, so that these bits and the next nibble lie apart */

/* What nearly all lookups need of terms, so small that some hundred of them stay in the cache. */
struct lcr_price {
    int64_t rate, cost; /* the plain ones; -1: none */
    uint32_t place;     /* of the deck in lcr_new's list */
    bool by_class;      /* there are others: look at the terms */
};

struct lcr {
    struct lcr_slot *slot; /* buckets * LCR_BUCKET, on a page of its own */
    uint64_t buckets;
    struct lcr_ref *pool;
    struct lcr_stage stage[2];
    unsigned digits, pivot;
    uint32_t lengths;    /* bit n: there are keys of n characters */
    struct lcr_ref root; /* of the empty prefix */

    struct deck_terms *terms; /* of all decks, one after another */
    struct lcr_price *price;  /* of terms */
    int64_t *cost;            /* of terms, for each column in use */
    uint8_t column[DECK_RATES], columns;
    uint8_t order_of[3]
                    [CONF_ZONES_MAX + 1]; /* rate class -> order; jurisdiction counted from INTER */
    struct rate_class class_of[LCR_ORDERS_MAX]; /* one for each order */
    uint8_t orders;
    uint32_t deck[CONF_DECKS_MAX];
    unsigned decks;
    uint32_t n_terms;
    uint64_t pool_len;
    struct lcr_stats stats;
};

static inline uint64_t lcr_hash(uint64_t key)
{
    key ^= key >> 32; /* digits stand in the upper half, where a product would leave them */
    key *= UINT64_C(0x9e3779b97f4a7c15);
    key ^= key >> 29;
    return key * UINT64_C(0xbf58476d1ce4e5b9);
}

static inline uint64_t lcr_bucket(const struct lcr *t, uint64_t key)
{
    return (uint64_t)((unsigned __int128)lcr_hash(key) * t->buckets >> 64);
}

/** Index of a key that has at least digits digits behind skip characters. */
static inline uint32_t lcr_index(uint64_t key, unsigned skip, unsigned digits)
{
    uint32_t at = 0;
    key <<= 4 * skip;
    for (unsigned i = 0; i < digits; i++, key <<= 4)
        at = at * 10 + (uint32_t)(key >> 60) - 1;
    return at;
}

/** The key of a slot or entry. @param below  what it says beside, if it has the pivot's length */
static inline uint64_t lcr_slot_key(const struct lcr *t, uint64_t raw, uint64_t *below)
{
    unsigned len = t->pivot + (raw >> 60 == 11);
    *below = 0;
    if (raw >> (64 - 4 * len) << 60 == 0 || raw >> (60 - 4 * len) & 15)
        return raw; /* shorter, longer */
    *below = raw & (lcr_pivot_span(len) - 1);
    return raw - *below;
}

/** A row's rate for a class. @return DECK_*; -1: it has none */
static inline int lcr_column(const struct deck_terms *t, struct rate_class rc)
{
    if (rc.zone < CONF_ZONES_MAX && t->rate[DECK_ZONE + rc.zone] >= 0)
        return DECK_ZONE + rc.zone;
    if (rc.jurisdiction < DECK_ZONE && t->rate[rc.jurisdiction] >= 0)
        return rc.jurisdiction;
    return t->rate[DECK_RATE] >= 0 ? DECK_RATE : -1;
}

/** Zeroed memory of whole pages, huge ones if the system has them, returned to it at once by lcr_unmap. NULL: none, or len 0 */
void *lcr_map(size_t len);
void lcr_unmap(void *p, size_t len);

/* ---- merging (lcr_merge.c) ----------------------------------------------------------------------------------- */

enum { LCR_ALWAYS, LCR_TIMED, LCR_OVER }; /* terms from from_s on */

/** What all parts of a build read. */
struct lcr_plan {
    const struct lcr *t; /* terms, columns and orders are there */
    struct deck *const *deck;
    uint32_t base[CONF_DECKS_MAX]; /* of a deck's terms in t->terms */
    uint8_t *life;                 /* of terms: LCR_* */
    int64_t from_s;
};

/** A range of keys: what came of it. */
struct lcr_part {
    const struct lcr_plan *plan;
    uint64_t from, to;      /* keys; to is exclusive, 0: no end */
    struct lcr_slot *entry; /* in order; mapped for `room` of them */
    size_t n, room, marked; /* marked: of the n, made for the lookup */
    size_t pivot;           /* place of the last entry of the pivot's length + 1; 0: none */
    uint32_t *brief;        /* places of entries that the stage holds */
    size_t n_brief, brief_room;
    struct lcr_ref *pool; /* places in it count from 0 */
    size_t n_pool, pool_room;
    uint64_t base; /* of its pool in the table's */
    uint64_t lists;
    uint32_t lengths;
    int err;
};

/** Merge the decks' rows of a part. part->err is 0 or -ENOMEM. */
void lcr_merge(struct lcr_part *part);

#endif
