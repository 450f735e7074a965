/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decks made up from a seed, numbers to look up in them, and a second opinion on what a rate table must answer.
 * For tests/unit/test_lcr.c and tests/bench/route.c; shares no code with lib/route/lcr*.c.
 */
#ifndef UNIT_LCR_RIG_H
#define UNIT_LCR_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "route/lcr.h"

#define RIG_NUMBER 20 /* bytes of a number with its end */

struct rig_rng {
    uint64_t s;
};

static inline uint64_t rig_next(struct rig_rng *r)
{
    uint64_t z = r->s += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint32_t rig_below(struct rig_rng *r, uint32_t n)
{
    return (uint32_t)((rig_next(r) >> 32) * n >> 32);
}

enum rig_shape {
    RIG_AZ,      /* as carriers write them: country codes, NPA-NXX, breakouts of 3 to 10 digits */
    RIG_UNIFORM, /* random digits, lengths 4 to 9: nothing nests but by chance */
    RIG_DENSE, /* few digits, all lengths, with and without '+', the empty prefix: everything nests */
};

/* How to make decks. */
struct rig_param {
    enum rig_shape shape;
    uint32_t rows; /* of each deck, about */
    unsigned decks;
    uint64_t seed;
    unsigned terms;          /* different ones of a deck */
    unsigned timed_percent;  /* terms with effective or expires */
    bool jurisdiction, zone; /* columns, beside the plain one */
    unsigned no_rate_percent;
};

struct rig {
    struct rig_param param;
    struct deck *deck[CONF_DECKS_MAX];
    struct conf_deck conf[CONF_DECKS_MAX];
    unsigned n;
};

/* ---- prefixes ------------------------------------------------------------------------------------------------ */

/* All that are in use, but those of +1, as of 2026. */
static const char *const rig_country[] = {
    "7",   "20",  "27",  "30",  "31",  "32",  "33",  "34",  "36",  "39",  "40",  "41",  "43",
    "44",  "45",  "46",  "47",  "48",  "49",  "51",  "52",  "53",  "54",  "55",  "56",  "57",
    "58",  "60",  "61",  "62",  "63",  "64",  "65",  "66",  "81",  "82",  "84",  "86",  "90",
    "91",  "92",  "93",  "94",  "95",  "98",  "211", "212", "213", "216", "218", "220", "221",
    "222", "223", "224", "225", "226", "227", "228", "229", "230", "231", "232", "233", "234",
    "235", "236", "237", "238", "239", "240", "241", "242", "243", "244", "245", "246", "247",
    "248", "249", "250", "251", "252", "253", "254", "255", "256", "257", "258", "260", "261",
    "262", "263", "264", "265", "266", "267", "268", "269", "290", "291", "297", "298", "299",
    "350", "351", "352", "353", "354", "355", "356", "357", "358", "359", "370", "371", "372",
    "373", "374", "375", "376", "377", "378", "380", "381", "382", "383", "385", "386", "387",
    "389", "420", "421", "423", "500", "501", "502", "503", "504", "505", "506", "507", "508",
    "509", "590", "591", "592", "593", "594", "595", "596", "597", "598", "599", "670", "672",
    "673", "674", "675", "676", "677", "678", "679", "680", "681", "682", "683", "685", "686",
    "687", "688", "689", "690", "691", "692", "800", "808", "850", "852", "853", "855", "856",
    "870", "878", "880", "881", "882", "883", "886", "888", "960", "961", "962", "963", "964",
    "965", "966", "967", "968", "970", "971", "972", "973", "974", "975", "976", "977", "979",
    "992", "993", "994", "995", "996", "998",
};
#define RIG_COUNTRIES (sizeof(rig_country) / sizeof(rig_country[0]))

static inline uint64_t rig_key(const char *text)
{
    uint64_t k = 0;
    for (unsigned i = 0; i < 16 && text[i]; i++)
        k |= (uint64_t)(text[i] == '+' ? 11 : text[i] - '0' + 1) << (60 - 4 * i);
    return k;
}

static inline void rig_digits(struct rig_rng *r, char *at, unsigned n, unsigned base)
{
    for (unsigned i = 0; i < n; i++)
        at[i] = (char)('0' + rig_below(r, base));
    at[n] = '\0';
}

/* Digits of a prefix, counted without the '+': 3 in a hundred have 3 … 10 at most; the mode is 7. */
static const uint8_t rig_az_length[20] = {3, 4, 5, 5, 5, 6, 6, 6, 6, 7,
                                          7, 7, 7, 7, 8, 8, 8, 9, 9, 10};

static inline uint64_t rig_prefix(struct rig_rng *r, const struct rig_param *p)
{
    char text[RIG_NUMBER] = "+";

    if (p->shape == RIG_DENSE) {
        bool plus = rig_below(r, 2);
        rig_digits(r, text + plus, rig_below(r, rig_below(r, 4) ? 8 : 16), 3);
        return rig_key(text[plus] || plus ? text : "");
    }
    if (p->shape == RIG_UNIFORM) {
        rig_digits(r, text + 1, 4 + rig_below(r, 6), 10);
        return rig_key(text);
    }
    if (rig_below(r, 100) < 40) { /* NPA-NXX; of great decks with a digit of the thousands' block */
        snprintf(text, sizeof(text), "+1%03u%03u", 200 + rig_below(r, 780),
                 200 + rig_below(r, 800));
        if (p->rows > 1000000 || rig_below(r, 20) == 0)
            rig_digits(r, text + strlen(text), 1, 10);
        return rig_key(text);
    }
    /* few countries have most of the breakouts */
    uint32_t c = rig_below(r, RIG_COUNTRIES);
    c = rig_below(r, c + 1);
    unsigned cc = (unsigned)strlen(rig_country[c]), len = rig_az_length[rig_below(r, 20)];
    memcpy(text + 1, rig_country[c], cc);
    rig_digits(r, text + 1 + cc, len > cc ? len - cc : 0, 10);
    return rig_key(text);
}

static inline int rig_by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Sorted, each once. */
static inline uint32_t rig_world(const struct rig_param *p, uint32_t want, uint64_t **out)
{
    struct rig_rng r = {p->seed};
    uint64_t *key = calloc(want + RIG_COUNTRIES + 1, sizeof(*key));
    uint32_t n = 0, kept = 1, tries = 0;

    if (!key)
        abort();
    while (n < want && tries++ < 8) {
        for (uint32_t i = n; i < want; i++)
            key[i] = rig_prefix(&r, p);
        qsort(key, want, sizeof(*key), rig_by_key);
        kept = 1;
        for (uint32_t i = 1; i < want; i++)
            if (key[i] != key[kept - 1])
                key[kept++] = key[i];
        n = kept;
    }
    *out = key;
    return n;
}

/* ---- decks --------------------------------------------------------------------------------------------------- */

#define RIG_NOW   INT64_C(1800000000)
#define RIG_ZONES 3

static inline void rig_terms(struct rig_rng *r, const struct rig_param *p, struct deck_terms *t)
{
    memset(t, 0, sizeof(*t));
    for (unsigned i = 0; i < DECK_RATES; i++)
        t->rate[i] = -1;
    if (rig_below(r, 100) >= p->no_rate_percent)
        t->rate[DECK_RATE] = (int64_t)(1 + rig_below(r, 400)) * 100000; /* equal ones happen */
    for (unsigned i = DECK_INTER; p->jurisdiction && i <= DECK_INDETERMINATE; i++)
        if (rig_below(r, 4))
            t->rate[i] = (int64_t)(1 + rig_below(r, 300)) * 100000;
    for (unsigned i = 0; p->zone && i < RIG_ZONES; i++)
        if (rig_below(r, 4) == 0)
            t->rate[DECK_ZONE + 2 * i] = (int64_t)(1 + rig_below(r, 300)) * 100000;
    t->effective = INT64_MIN;
    t->expires = INT64_MAX;
    if (rig_below(r, 100) < p->timed_percent) {
        if (rig_below(r, 4))
            t->effective = RIG_NOW + 86400 * ((int64_t)rig_below(r, 9) - 4);
        if (rig_below(r, 3) == 0)
            t->expires = RIG_NOW + 86400 * ((int64_t)rig_below(r, 9) - 3) + 3600;
    }
    t->increment = 1;
    t->quality = -1;
}

static inline int rig_by_row(const void *a, const void *b)
{
    const struct deck_row *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : 0;
}

/* Of one key by effective: by insertion, they are few. */
static inline void rig_sort_runs(struct deck *d)
{
    for (uint32_t i = 1; i < d->n; i++) {
        struct deck_row x = d->row[i];
        uint32_t j = i;
        for (; j > 0 && d->row[j - 1].key == x.key &&
               d->terms[d->row[j - 1].terms].effective > d->terms[x.terms].effective;
             j--)
            d->row[j] = d->row[j - 1];
        d->row[j] = x;
    }
}

static inline struct deck *rig_deck(struct rig *rig, unsigned id, const uint64_t *world, uint32_t n)
{
    static const int64_t exchange[] = {1000000000, 1084000000, 1271234567, 92345678, 1000000000};
    const struct rig_param *p = &rig->param;
    struct rig_rng r = {p->seed * 31 + id + 1};
    struct deck *d = calloc(1, sizeof(*d));

    if (!d)
        abort();
    rig->conf[id].exchange = exchange[id % 5];
    rig->conf[id].name = "made-up";
    d->id = 100 + id;
    d->conf = &rig->conf[id];
    d->n_terms = p->terms;
    d->terms = calloc(p->terms, sizeof(*d->terms));
    d->row = calloc((size_t)n * 2, sizeof(*d->row));
    if (!d->terms || !d->row)
        abort();
    for (unsigned i = 0; i < p->terms; i++)
        rig_terms(&r, p, &d->terms[i]);
    for (uint32_t i = 0; i < n; i++) {
        if (rig_below(&r, n) >= p->rows)
            continue;
        /* neighbours cost the same, as breakouts of one network do */
        uint32_t terms = rig_below(&r, 4) ? (i / 16 * 7 + id) % p->terms : rig_below(&r, p->terms);
        d->row[d->n] = (struct deck_row){world[i], terms, d->n + 2};
        d->n++;
        if (p->timed_percent && rig_below(&r, 4) == 0) {
            uint32_t other = rig_below(&r, p->terms);
            if (d->terms[other].effective != d->terms[terms].effective) {
                d->row[d->n] = (struct deck_row){world[i], other, d->n + 2};
                d->n++;
            }
        }
    }
    rig_sort_runs(d);
    return d;
}

/* Decks over one world: of n keys that any of them has, each has about two thirds. */
static inline void rig_make(struct rig *rig, const struct rig_param *p)
{
    uint64_t *world;
    uint32_t n = rig_world(p, p->decks > 1 ? p->rows + p->rows / 2 : p->rows, &world);

    *rig = (struct rig){.param = *p, .n = p->decks};
    for (unsigned i = 0; i < p->decks; i++)
        rig->deck[i] = rig_deck(rig, i, world, n);
    free(world);
}

static inline void rig_free(struct rig *rig)
{
    for (unsigned i = 0; i < rig->n; i++) {
        free(rig->deck[i]->row);
        free(rig->deck[i]->terms);
        free(rig->deck[i]);
    }
    rig->n = 0;
}

/* ---- numbers ------------------------------------------------------------------------------------------------- */

/* A prefix of any deck with digits behind it, as many as a number of 8 to 15 digits; now and then cut short or from nowhere. */
static inline void rig_number(struct rig_rng *r, const struct rig *rig, char out[RIG_NUMBER])
{
    const struct deck *d = rig->deck[rig_below(r, rig->n)];
    unsigned base = rig->param.shape == RIG_DENSE ? 3 : 10, kind = rig_below(r, 20);
    unsigned n;

    if (kind == 0 || d->n == 0) {
        out[0] = '+';
        rig_digits(r, out + 1, 1 + rig_below(r, 15), base);
        return;
    }
    key_text(d->row[rig_below(r, d->n)].key, out);
    n = (unsigned)strlen(out);
    if (kind == 1) {
        out[rig_below(r, n + 1)] = '\0';
        return;
    }
    rig_digits(r, out + n, (n < 8 ? 8 - n : 0) + rig_below(r, 19 - (n < 8 ? 8 : n)), base);
}

/* ---- the second opinion -------------------------------------------------------------------------------------- */

static inline int64_t rig_rate(const struct deck_terms *t, struct rate_class rc, int *column)
{
    int try[3] = {rc.zone < CONF_ZONES_MAX ? DECK_ZONE + rc.zone : -1, rc.jurisdiction, DECK_RATE};
    for (int i = 0; i < 3; i++)
        if (try[i] >= 0 && t->rate[try[i]] != -1) {
            *column = try[i];
            return t->rate[try[i]];
        }
    return -1;
}

/* The row of d that holds of those with exactly this key: the latest. */
static inline const struct deck_row *rig_hold(const struct deck *d, uint32_t at, uint64_t key,
                                              int64_t wall_s)
{
    const struct deck_row *found = NULL;
    for (; at < d->n && d->row[at].key == key; at++) {
        const struct deck_terms *t = &d->terms[d->row[at].terms];
        if (t->effective <= wall_s && t->expires > wall_s)
            found = &d->row[at];
    }
    return found;
}

/* Binary search, one length after another. */
static inline const struct deck_row *rig_search(const struct deck *d, const char *number,
                                                int64_t wall_s)
{
    char text[17];
    size_t len = strlen(number);

    for (size_t n = len < 16 ? len : 16;; n--) {
        memcpy(text, number, n);
        text[n] = '\0';
        uint64_t key = rig_key(text);
        uint32_t low = 0, high = d->n;
        while (low < high) {
            uint32_t mid = (low + high) / 2;
            if (d->row[mid].key < key)
                low = mid + 1;
            else
                high = mid;
        }
        const struct deck_row *row = rig_hold(d, low, key, wall_s);
        if (row || n == 0)
            return row;
    }
}

/* Every row's text. */
static inline const struct deck_row *rig_scan(const struct deck *d, const char *number,
                                              int64_t wall_s)
{
    const struct deck_row *best = NULL;
    size_t best_len = 0;

    for (uint32_t i = 0; i < d->n; i++) {
        char text[KEY_DIGITS + 1];
        size_t len = strlen(key_text(d->row[i].key, text));
        const struct deck_terms *t = &d->terms[d->row[i].terms];
        if (strncmp(number, text, len) != 0 || t->effective > wall_s || t->expires <= wall_s)
            continue;
        if (!best || len > best_len ||
            (len == best_len && t->effective > d->terms[best->terms].effective)) {
            best = &d->row[i];
            best_len = len;
        }
    }
    return best;
}

typedef const struct deck_row *(*rig_find_fn)(const struct deck *d, const char *number,
                                              int64_t wall_s);

/* What lcr_find should say; terms point into the decks. */
static inline unsigned rig_expect(const struct rig *rig, rig_find_fn find, const char *number,
                                  struct rate_class rc, int64_t wall_s, uint32_t mask,
                                  struct lcr_row *out)
{
    unsigned __int128 exact[CONF_DECKS_MAX];
    unsigned n = 0;

    for (unsigned i = 0; i < rig->n; i++) {
        const struct deck *d = rig->deck[i];
        const struct deck_row *row = mask >> i & 1 ? find(d, number, wall_s) : NULL;
        int column = 0;
        int64_t rate = row ? rig_rate(&d->terms[row->terms], rc, &column) : -1;
        if (rate < 0)
            continue;
        unsigned __int128 x = (unsigned __int128)rate * (unsigned __int128)d->conf->exchange;
        unsigned at = n++;
        for (; at > 0 && exact[at - 1] > x; at--) {
            exact[at] = exact[at - 1];
            out[at] = out[at - 1];
        }
        exact[at] = x;
        out[at] = (struct lcr_row){
            .deck = d->id,
            .line = row->line,
            .key = row->key,
            .rate = rate,
            .cost = (int64_t)((x * 2 + 1000000000) / 2000000000),
            .terms = &d->terms[row->terms],
        };
    }
    return n;
}

static inline bool rig_same(const struct lcr_row *a, unsigned n, const struct lcr_row *b,
                            unsigned m)
{
    if (n != m)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (a[i].deck != b[i].deck || a[i].line != b[i].line || a[i].key != b[i].key ||
            a[i].rate != b[i].rate || a[i].cost != b[i].cost ||
            memcmp(a[i].terms, b[i].terms, sizeof(*a[i].terms)) != 0)
            return false;
    return true;
}

/* @return how many of the lookups differ; the first is printed */
static inline unsigned long rig_compare(const struct rig *rig, const struct lcr *t,
                                        rig_find_fn find, unsigned long lookups, uint64_t seed)
{
    struct rig_rng r = {seed};
    unsigned long wrong = 0;

    for (unsigned long i = 0; i < lookups; i++) {
        char number[RIG_NUMBER];
        struct lcr_row got[CONF_DECKS_MAX], want[CONF_DECKS_MAX];
        struct rate_class rc = {(uint8_t)(DECK_INTER + rig_below(&r, 3)),
                                (uint8_t)rig_below(&r, CONF_ZONES_MAX + 1)};
        int64_t wall_s = RIG_NOW + (int64_t)rig_below(&r, 12 * 86400) - 6 * 86400;
        uint32_t mask = rig_below(&r, 4) ? UINT32_MAX : (uint32_t)rig_next(&r);
        rig_number(&r, rig, number);
        unsigned n = lcr_find(t, (struct span){number, strlen(number)}, rc, wall_s, mask, got,
                              CONF_DECKS_MAX);
        unsigned m = rig_expect(rig, find, number, rc, wall_s, mask, want);
        if (rig_same(got, n, want, m))
            continue;
        if (wrong++ == 0)
            fprintf(stderr, "%s at %lld, class %u/%u: %u candidates, not %u\n", number,
                    (long long)(wall_s - RIG_NOW), rc.jurisdiction, rc.zone, n, m);
    }
    return wrong;
}

#endif
