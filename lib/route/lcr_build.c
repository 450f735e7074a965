/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rate tables: putting one together. Ranges of keys are merged in parallel (lcr_merge.c), then hashed in parallel into one table.
 * Called by the builder and tools, never by a worker. Knows nothing of how a lookup goes but the layout.
 */
#include "route/lcr_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "core/clock.h"
#include "core/parallel.h"

#define HUGE_PAGE ((size_t)2 << 20)

/* Keys of 100 slots. Fuller, and a second line is asked for more often: at 75 one bucket in five overflows, at 60 one in ten. */
#define FILL_PERCENT 60

/* Ranges a thread: so that the last one to end does not keep the others waiting. A range is worth a thread's start at some rows. */
#define PARTS_A_THREAD 8
#define PART_ROWS      4096
#define PARTS_MAX      (PARTS_A_THREAD * PARALLEL_THREADS_MAX)
#define SAMPLES        16 /* of a range: they say where to cut */

/* ---- memory -------------------------------------------------------------------------------------------------- */

static size_t mapped_len(size_t len)
{
    return (len + 4095) / 4096 * 4096; /* the last, broken huge page is left to small ones */
}

void *lcr_map(size_t len)
{
    size_t want = mapped_len(len);
    size_t slack = want >= HUGE_PAGE ? HUGE_PAGE : 0; /* kernels before 6.7 do not align */
    char *p, *start;

    if (len == 0)
        return NULL;
    p = mmap(NULL, want + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (slack == 0)
        return p;
    start = (char *)(((uintptr_t)p + slack - 1) & ~(uintptr_t)(slack - 1));
    if (start > p)
        munmap(p, (size_t)(start - p));
    if (p + slack > start)
        munmap(start + want, (size_t)(p + slack - start));
    madvise(start, want,
            MADV_HUGEPAGE); /* a wish: a lookup then waits for memory, not for page tables, too */
    return start;
}

void lcr_unmap(void *p, size_t len)
{
    if (p)
        munmap(p, mapped_len(len));
}

static size_t stage_size(unsigned digits)
{
    size_t n = 1;
    while (digits-- > 0)
        n *= 10;
    return n;
}

/* ---- terms, columns, orders ---------------------------------------------------------------------------------- */

static uint8_t life_of(const struct deck_terms *t, int64_t from_s)
{
    if (t->expires <= from_s || t->expires <= t->effective)
        return LCR_OVER;
    return t->effective <= from_s && t->expires == INT64_MAX ? LCR_ALWAYS : LCR_TIMED;
}

static void note_change(struct lcr *t, int64_t wall_s, int64_t from_s)
{
    if (wall_s > from_s && wall_s < t->stats.next_change)
        t->stats.next_change = wall_s;
}

/* To nearest, halves up. Only shown: what no 64 bits hold is as much as they do. */
static int64_t cost_of(int64_t rate, int64_t exchange)
{
    unsigned __int128 x = (unsigned __int128)(uint64_t)rate * (uint64_t)exchange;

    x = (x + CONF_NANO / 2) / CONF_NANO;
    return x > INT64_MAX ? INT64_MAX : (int64_t)x;
}

/* @return a set of the DECK_* columns in which any row has a rate */
static uint32_t terms_take(struct lcr *t, struct lcr_plan *plan)
{
    uint32_t used = 1U << DECK_RATE, at = 0;

    for (unsigned d = 0; d < t->decks; d++) {
        const struct deck *deck = plan->deck[d];
        plan->base[d] = at;
        for (uint32_t i = 0; i < deck->n_terms; i++, at++) {
            struct deck_terms *x = &t->terms[at];
            *x = deck->terms[i];
            t->price[at].place = d;
            for (unsigned c = DECK_RATE + 1; c < DECK_RATES; c++)
                if (x->rate[c] >= 0) {
                    used |= 1U << c;
                    t->price[at].by_class = true;
                }
            plan->life[at] = life_of(x, plan->from_s);
            if (plan->life[at] == LCR_TIMED) {
                note_change(t, x->effective, plan->from_s);
                note_change(t, x->expires, plan->from_s);
            }
        }
    }
    return used;
}

static uint8_t order_new(struct lcr *t, unsigned j, unsigned zone)
{
    t->class_of[t->orders] = (struct rate_class){(uint8_t)(DECK_INTER + j), (uint8_t)zone};
    return t->orders++;
}

/* Zones and jurisdictions that no deck tells apart share an order. */
static void orders_plan(struct lcr *t, uint32_t used)
{
    static const uint32_t any = 1U << DECK_INTER | 1U << DECK_INTRA | 1U << DECK_INDETERMINATE;

    for (unsigned c = 0; c < DECK_RATES; c++)
        if (used >> c & 1)
            t->column[c] = t->columns++;
    for (unsigned j = 0; j < 3; j++) {
        if (j > 0 && !(used & any)) {
            memcpy(t->order_of[j], t->order_of[0], sizeof(t->order_of[j]));
            continue;
        }
        t->order_of[j][CONF_ZONES_MAX] = order_new(t, j, CONF_ZONES_MAX);
        for (unsigned z = 0; z < CONF_ZONES_MAX; z++)
            t->order_of[j][z] =
                used >> (DECK_ZONE + z) & 1 ? order_new(t, j, z) : t->order_of[j][CONF_ZONES_MAX];
    }
}

static void costs_fill(struct lcr *t, const struct lcr_plan *plan)
{
    for (uint32_t i = 0; i < t->n_terms; i++) {
        struct lcr_price *price = &t->price[i];
        const int64_t *rate = t->terms[i].rate;
        int64_t *cost = t->cost + (size_t)i * t->columns;
        for (unsigned c = 0; c < DECK_RATES; c++)
            if (rate[c] >= 0)
                cost[t->column[c]] = cost_of(rate[c], plan->deck[price->place]->conf->exchange);
        price->rate = rate[DECK_RATE];
        price->cost = rate[DECK_RATE] < 0 ? -1 : cost[t->column[DECK_RATE]];
    }
}

/* @return 0; -ENOMEM */
static int terms_init(struct lcr *t, struct lcr_plan *plan)
{
    uint64_t n = 0;

    for (unsigned d = 0; d < t->decks; d++) {
        t->deck[d] = plan->deck[d]->id;
        t->stats.rows += plan->deck[d]->n;
        n += plan->deck[d]->n_terms;
    }
    if (n > LCR_LOW)
        return -ENOMEM;
    t->n_terms = (uint32_t)n;
    t->terms = lcr_map(n * sizeof(*t->terms));
    t->price = lcr_map(n * sizeof(*t->price));
    plan->life = calloc(n + 1, 1);
    if ((n && (!t->terms || !t->price)) || !plan->life)
        return -ENOMEM;
    orders_plan(t, terms_take(t, plan));
    t->cost = lcr_map(n * t->columns * sizeof(*t->cost));
    if (n && !t->cost)
        return -ENOMEM;
    costs_fill(t, plan);
    return 0;
}

/* ---- ranges -------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/*
 * Cut all keys into about equal ranges: samples of all decks, sorted. A cut has no more digits than the stage, so that each of the
 * stage's places belongs to one range.
 */
static unsigned parts_cut(const struct lcr_plan *plan, struct lcr_part *part, unsigned threads)
{
    const struct lcr *t = plan->t;
    uint64_t sample[PARTS_MAX * SAMPLES], step;
    unsigned n = 1, want = threads > 1 ? threads * PARTS_A_THREAD : 1, samples = 0;

    if (want > t->stats.rows / PART_ROWS)
        want = (unsigned)(t->stats.rows / PART_ROWS);
    part[0] = (struct lcr_part){.plan = plan};
    if (want < 2)
        return 1;
    step = t->stats.rows / (want * SAMPLES) + 1;
    for (unsigned d = 0; d < t->decks; d++)
        for (uint64_t i = step / 2; i < plan->deck[d]->n && samples < want * SAMPLES; i += step)
            sample[samples++] = plan->deck[d]->row[i].key;
    qsort(sample, samples, sizeof(sample[0]), by_key);
    for (unsigned i = SAMPLES; i < samples; i += SAMPLES) {
        uint64_t key = key_cut(sample[i], t->digits + (sample[i] >> 60 == 11));
        if (key <= part[n - 1].from)
            continue;
        part[n - 1].to = key;
        part[n++] = (struct lcr_part){.plan = plan, .from = key};
    }
    return n;
}

static void merge_part(void *arg, unsigned i)
{
    lcr_merge(&((struct lcr_part *)arg)[i]);
}

/* ---- the table ----------------------------------------------------------------------------------------------- */

struct fill {
    struct lcr *t;
    struct lcr_part *part;
};

/* Places in the part's pool become places in the table's. */
static struct lcr_ref moved(struct lcr *t, struct lcr_ref ref, uint64_t base)
{
    unsigned kind = lcr_kind(ref);

    if (kind != LCR_VERSIONS && kind != LCR_ORDERS && kind != LCR_LIST)
        return ref;
    ref.b += (uint32_t)base;
    struct lcr_ref *p = t->pool + ref.b;
    if (kind == LCR_ORDERS)
        p->a += (uint32_t)base;
    for (uint32_t i = 0; kind == LCR_VERSIONS && i < (ref.a & LCR_LOW); i++)
        p[2 * i + 1] = moved(t, p[2 * i + 1], base); /* one level: versions hold no versions */
    return ref;
}

/* Other threads put, too: a slot is taken by its key, the rest of it is read only when all are done. */
static void put(struct lcr *t, uint64_t bucket, struct lcr_slot entry)
{
    for (;;) {
        struct lcr_slot *s = t->slot + bucket * LCR_BUCKET;
        for (unsigned i = 0; i < LCR_BUCKET; i++) {
            uint64_t none = 0;
            if (__atomic_load_n(&s[i].key, __ATOMIC_RELAXED) == 0 &&
                __atomic_compare_exchange_n(&s[i].key, &none, entry.key, false, __ATOMIC_RELAXED,
                                            __ATOMIC_RELAXED)) {
                s[i].ref.a = entry.ref.a;
                __atomic_fetch_or(&s[i].ref.b, entry.ref.b, __ATOMIC_RELAXED);
                return;
            }
        }
        __atomic_fetch_or(&s[0].ref.b, LCR_OVERFLOW, __ATOMIC_RELAXED);
        if (++bucket == t->buckets)
            bucket = 0;
    }
}

/* What the stage says of a key that is longer than its digits. */
static void note_longer(struct lcr *t, uint64_t key)
{
    unsigned plus = key >> 60 == 11, fixed = t->digits + plus, len = key_len(key);
    unsigned digit = (unsigned)(key >> (60 - 4 * fixed) & 15) - 1;
    uint32_t *word;

    if (len <= fixed)
        return;
    word = &t->stage[plus].word[lcr_index(key, plus, t->digits)];
    if (len == fixed + 1)
        *word |= 1U << digit;
    else
        *word |= 1U << (LCR_LONGER + digit) | 1U << (LCR_LENGTHS + len - fixed - 2);
}

#define AHEAD 16 /* keys whose lines are under way: as many as a core has outstanding misses */

static void fill_part(void *arg, unsigned i)
{
    struct fill *f = arg;
    struct lcr *t = f->t;
    struct lcr_part *part = &f->part[i];
    uint64_t bucket[AHEAD], below;

    if (part->n_pool)
        memcpy(t->pool + part->base, part->pool, part->n_pool * sizeof(*part->pool));
    for (size_t at = 0; at < part->n; at += AHEAD) {
        size_t end = at + AHEAD < part->n ? at + AHEAD : part->n;
        for (size_t e = at; e < end; e++) {
            struct lcr_slot *s = &part->entry[e];
            s->ref = moved(t, s->ref, part->base);
            uint64_t key = lcr_slot_key(t, s->key, &below);
            note_longer(t, key);
            bucket[e - at] = lcr_bucket(t, key);
            __builtin_prefetch(t->slot + bucket[e - at] * LCR_BUCKET, 1);
        }
        for (size_t e = at; e < end; e++)
            if (part->entry[e].key)
                put(t, bucket[e - at], part->entry[e]);
            else
                t->root = part->entry[e].ref;
    }
}

/* A key of few digits stands for all places below it. Parents come first, so each place ends with its longest key. */
static void paint(struct lcr *t, const struct lcr_slot *s)
{
    unsigned plus = s->key >> 60 == 11, len = key_len(s->key);
    struct lcr_ref *best = t->stage[plus].best;
    size_t wide = stage_size(t->digits - (len - plus));
    size_t from = lcr_index(s->key, plus, len - plus) * wide;

    for (size_t i = 0; i < wide; i++)
        best[from + i] = s->ref;
}

static void paint_all(struct lcr *t, const struct lcr_part *part, unsigned parts)
{
    size_t n = stage_size(t->digits);

    for (unsigned plus = 0; plus < 2; plus++)
        for (size_t i = 0; t->stage[plus].best && i < n; i++)
            t->stage[plus].best[i] = t->root;
    for (unsigned p = 0; p < parts; p++)
        for (size_t i = 0; i < part[p].n_brief; i++)
            if (part[p].entry[part[p].brief[i]].key)
                paint(t, &part[p].entry[part[p].brief[i]]);
}

static int stage_init(struct lcr *t, unsigned plus)
{
    size_t n = stage_size(t->digits);

    t->stage[plus].word = lcr_map(n * sizeof(uint32_t));
    t->stage[plus].best = lcr_map(n * sizeof(struct lcr_ref));
    t->stats.bytes += mapped_len(n * sizeof(uint32_t)) + mapped_len(n * sizeof(struct lcr_ref));
    return t->stage[plus].word && t->stage[plus].best ? 0 : -ENOMEM;
}

/* Room for what the parts hold. */
static int table_init(struct lcr *t, struct lcr_part *part, unsigned parts)
{
    bool with[2] = {false, false};
    uint64_t slots = 0;

    for (unsigned i = 0; i < parts; i++) {
        if (part[i].err)
            return part[i].err;
        part[i].base = t->pool_len;
        t->pool_len += part[i].n_pool;
        t->stats.keys += part[i].n - part[i].marked;
        slots += part[i].n;
        t->stats.lists += part[i].lists;
        t->lengths |= part[i].lengths;
        /* in order: those without '+' come first, the empty prefix before all */
        size_t first = part[i].n && part[i].entry[0].key == 0;
        if (part[i].n > first) {
            with[part[i].entry[first].key >> 60 == 11] = true;
            with[part[i].entry[part[i].n - 1].key >> 60 == 11] = true;
        }
    }
    if (t->pool_len > LCR_B)
        return -ENOMEM;
    t->lengths &= ~1U;
    t->buckets = slots * 100 / (FILL_PERCENT * LCR_BUCKET) + 1;
    t->slot = lcr_map(t->buckets * LCR_BUCKET * sizeof(*t->slot));
    t->pool = lcr_map(t->pool_len * sizeof(*t->pool));
    if (!t->slot || (t->pool_len && !t->pool))
        return -ENOMEM;
    for (unsigned plus = 0; plus < 2; plus++)
        if (with[plus] && stage_init(t, plus) < 0)
            return -ENOMEM;
    return 0;
}

/* More digits say more, and take more of the cache: 10^5 words are 400 kB, below what a core has for itself; 10^6 would wait for memory. */
static unsigned digits_for(uint64_t rows)
{
    return rows < 20000 ? 3 : rows < 200000 ? 4 : 5;
}

/* The length that most keys have: what is that long is found at once. */
static unsigned pivot_for(const struct lcr_plan *plan)
{
    const struct lcr *t = plan->t;
    uint64_t step = t->stats.rows / 4096 + 1;
    unsigned n[KEY_DIGITS + 1] = {0}, best = t->digits + 2;

    for (unsigned d = 0; d < t->decks; d++)
        for (uint64_t i = step / 2; i < plan->deck[d]->n; i += step) {
            uint64_t key = plan->deck[d]->row[i].key;
            n[key_len(key) - (key >> 60 == 11)]++;
        }
    for (unsigned len = t->digits + 1; len <= LCR_PIVOT_MAX; len++)
        if (n[len] > n[best])
            best = len;
    return best;
}

static void parts_free(struct lcr_part *part, unsigned parts)
{
    for (unsigned i = 0; i < parts; i++) {
        lcr_unmap(part[i].entry, part[i].room * sizeof(*part[i].entry));
        free(part[i].brief);
        free(part[i].pool);
    }
    free(part);
}

static int build(struct lcr *t, struct lcr_plan *plan, struct lcr_part *part, unsigned threads)
{
    struct fill f = {t, part};
    unsigned parts;
    int ret = terms_init(t, plan);

    if (ret < 0)
        return ret;
    t->digits = digits_for(t->stats.rows);
    t->pivot = pivot_for(plan);
    parts = parts_cut(plan, part, threads);
    parallel_run(merge_part, part, parts, threads);
    ret = table_init(t, part, parts);
    if (ret < 0)
        return ret;
    parallel_run(fill_part, &f, parts, threads);
    paint_all(t, part, parts);
    return 0;
}

struct lcr *lcr_new(struct deck *const *deck, unsigned n, int64_t from_s, unsigned threads)
{
    uint64_t start = clock_now_ns();
    struct lcr_plan plan = {.deck = deck, .from_s = from_s};
    struct lcr_part *part = calloc(PARTS_MAX, sizeof(*part));
    struct lcr *t = calloc(1, sizeof(*t));
    int ret = -ENOMEM;

    assert(n >= 1 && n <= CONF_DECKS_MAX);
    if (t && part) {
        if (threads > PARALLEL_THREADS_MAX)
            threads = PARALLEL_THREADS_MAX;
        plan.t = t;
        t->decks = n;
        t->root = lcr_ref(LCR_NONE, 0, 0);
        t->stats.next_change = INT64_MAX;
        ret = build(t, &plan, part, threads);
    }
    if (part)
        parts_free(part, PARTS_MAX);
    free(plan.life);
    if (ret < 0) {
        lcr_free(t);
        return NULL;
    }
    t->stats.bytes += sizeof(*t) + mapped_len(t->buckets * LCR_BUCKET * sizeof(*t->slot)) +
                      mapped_len(t->pool_len * sizeof(*t->pool)) +
                      mapped_len(t->n_terms * sizeof(*t->terms)) +
                      mapped_len(t->n_terms * sizeof(*t->price)) +
                      mapped_len((size_t)t->n_terms * t->columns * sizeof(*t->cost));
    t->stats.build_ns = clock_now_ns() - start;
    return t;
}

void lcr_free(struct lcr *t)
{
    size_t n;

    if (!t)
        return;
    n = stage_size(t->digits);
    for (unsigned plus = 0; plus < 2; plus++) {
        lcr_unmap(t->stage[plus].word, n * sizeof(uint32_t));
        lcr_unmap(t->stage[plus].best, n * sizeof(struct lcr_ref));
    }
    lcr_unmap(t->slot, t->buckets * LCR_BUCKET * sizeof(*t->slot));
    lcr_unmap(t->pool, t->pool_len * sizeof(*t->pool));
    lcr_unmap(t->terms, t->n_terms * sizeof(*t->terms));
    lcr_unmap(t->price, t->n_terms * sizeof(*t->price));
    lcr_unmap(t->cost, (size_t)t->n_terms * t->columns * sizeof(*t->cost));
    free(t);
}
