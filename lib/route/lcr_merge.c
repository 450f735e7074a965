/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rate tables: merging sorted decks in one pass over a range of keys. Called by lcr_build.c, on several threads at a time.
 * Of each deck a stack of the prefixes that are open at the current key says what the key inherits. Knows nothing of the hash table.
 */
#include "route/lcr_priv.h"

#include <stdlib.h>
#include <string.h>

/* Rows of one key of one deck. */
struct run {
    uint64_t key, mask;
    uint32_t from, to; /* in deck.row */
    uint32_t settled;  /* the row that holds whatever the time; OPEN: look at the clock */
    uint8_t len;
};
#define OPEN UINT32_MAX

/* A deck in the merge. */
struct cursor {
    const struct deck_row *row;
    uint32_t at, end;
    uint32_t base;
    unsigned n;
    struct run open[KEY_DIGITS + 1]; /* the current key's prefixes, shortest first */
};

/* Orders of a list in all classes repeat a lot: those met lately are found again here. */
#define SEEN 4096

struct merge {
    struct lcr_part *part;
    const struct lcr_plan *plan;
    const struct lcr *t;
    unsigned decks, digits;
    struct cursor deck[CONF_DECKS_MAX];
    uint32_t seen[SEEN]; /* place in pool + 1 */
    uint8_t seen_n[SEEN];
    int64_t *moment; /* when versions begin */
    size_t n_moment, moment_room;
};

/* ---- room ---------------------------------------------------------------------------------------------------- */

/* An array with room for one more; on -ENOMEM it stays as it was. */
static int more(void **array, size_t *room, size_t n, size_t size)
{
    size_t want = *room ? *room * 2 : 64;
    void *p;

    if (n <= *room)
        return 0;
    while (want < n)
        want *= 2;
    p = realloc(*array, want * size);
    if (!p)
        return -ENOMEM;
    *array = p;
    *room = want;
    return 0;
}

/* n places of the pool. @return NULL: part->err is set */
static struct lcr_ref *pool_add(struct lcr_part *part, size_t n)
{
    struct lcr_ref *p;

    if (part->n_pool + n > LCR_B) /* 16 GB */
        part->err = -ENOMEM;
    else if (more((void **)&part->pool, &part->pool_room, part->n_pool + n, sizeof(*part->pool)) <
             0)
        part->err = -ENOMEM;
    if (part->err)
        return NULL;
    p = part->pool + part->n_pool;
    part->n_pool += n;
    return p;
}

/* ---- what holds ---------------------------------------------------------------------------------------------- */

static uint8_t life_of(const struct merge *m, const struct cursor *c, uint32_t row)
{
    return m->plan->life[c->base + c->row[row].terms];
}

static const struct deck_terms *terms_of(const struct merge *m, const struct cursor *c,
                                         uint32_t row)
{
    return &m->t->terms[c->base + c->row[row].terms];
}

/* The rows of c->row[from].key. @return false: all of them are over */
static bool run_of(const struct merge *m, const struct cursor *c, uint32_t from, uint32_t end,
                   struct run *out)
{
    uint64_t key = c->row[from].key;
    uint32_t to = from + 1;
    bool holds;

    while (to < end && c->row[to].key == key)
        to++;
    out->from = from;
    out->to = to;
    out->key = key;
    out->len = (uint8_t)key_len(key);
    out->mask = key_cut(~UINT64_C(0), out->len);
    /* the latest that is not over decides: sorted by effective */
    uint32_t last = to;
    while (last > from && life_of(m, c, last - 1) == LCR_OVER)
        last--;
    holds = last > from;
    out->settled = holds && life_of(m, c, last - 1) == LCR_ALWAYS ? last - 1 : OPEN;
    return holds;
}

/* The deck's row at a moment. @return OPEN: none */
static uint32_t row_at(const struct merge *m, const struct cursor *c, int64_t wall_s, unsigned *len)
{
    for (unsigned i = c->n; i-- > 0;) {
        const struct run *r = &c->open[i];
        *len = r->len;
        if (r->settled != OPEN)
            return r->settled;
        for (uint32_t at = r->to; at-- > r->from;) {
            const struct deck_terms *t = terms_of(m, c, at);
            if (t->effective <= wall_s && wall_s < t->expires)
                return at;
        }
    }
    return OPEN;
}

/* ---- order --------------------------------------------------------------------------------------------------- */

struct ranked {
    unsigned __int128 cost; /* exact: rate times exchange; the largest: no rate */
    struct lcr_ref row;
    uint8_t at;
};
#define NO_COST (~(unsigned __int128)0)

static unsigned __int128 cost_of(const struct lcr_plan *plan, struct lcr_ref row,
                                 struct rate_class rc)
{
    uint32_t at = row.a & LCR_LOW;
    const struct deck_terms *t = &plan->t->terms[at];
    int column = lcr_column(t, rc);

    if (column < 0)
        return NO_COST;
    return (unsigned __int128)(uint64_t)t->rate[column] *
           (uint64_t)plan->deck[plan->t->price[at].place]->conf->exchange;
}

/* Few of them, and nearly sorted often: by insertion, which is stable, so equals stay in the order of the decks. */
static void rank(struct ranked *r, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        struct ranked x = r[i];
        unsigned j = i;
        for (; j > 0 && r[j - 1].cost > x.cost; j--)
            r[j] = r[j - 1];
        r[j] = x;
    }
}

/* An order for each class, n bytes each. @return place in the part's pool, and UINT32_MAX: part->err */
static uint32_t orders_of(struct merge *m, const struct lcr_ref *row, unsigned n)
{
    uint8_t order[LCR_ORDERS_MAX * CONF_DECKS_MAX + 8] = {0};
    struct ranked r[CONF_DECKS_MAX];
    size_t len = (size_t)m->t->orders * n, places = (len + 7) / 8;
    uint64_t hash = n;

    for (unsigned k = 0; k < m->t->orders; k++) {
        for (unsigned i = 0; i < n; i++)
            r[i] = (struct ranked){
                .cost = cost_of(m->plan, row[i], m->t->class_of[k]),
                .at = (uint8_t)i,
            };
        rank(r, n);
        for (unsigned i = 0; i < n; i++)
            order[(size_t)k * n + i] = r[i].at;
    }
    for (size_t i = 0; i < places; i++) {
        uint64_t word;
        memcpy(&word, order + 8 * i, 8);
        hash = lcr_hash(hash ^ word);
    }
    unsigned slot = (unsigned)(hash >> 52) % SEEN;
    uint32_t *seen = &m->seen[slot];
    if (*seen && m->seen_n[slot] == n &&
        memcmp(m->part->pool + *seen - 1, order, places * sizeof(struct lcr_ref)) == 0)
        return *seen - 1;
    struct lcr_ref *p = pool_add(m->part, places);
    if (!p)
        return UINT32_MAX;
    memcpy(p, order, places * sizeof(*p));
    *seen = (uint32_t)(p - m->part->pool) + 1;
    m->seen_n[slot] = (uint8_t)n;
    return *seen - 1;
}

static struct lcr_ref list_by_class(struct merge *m, const struct lcr_ref *row, unsigned n)
{
    uint32_t orders = orders_of(m, row, n);
    struct lcr_ref *p = orders == UINT32_MAX ? NULL : pool_add(m->part, n + 1);

    if (!p)
        return lcr_ref(LCR_NONE, 0, 0);
    p[0] = (struct lcr_ref){orders, 0};
    memcpy(p + 1, row, n * sizeof(*p));
    m->part->lists++;
    return lcr_ref(LCR_ORDERS, n, (uint32_t)(p - m->part->pool));
}

/* What an entry of these rows, one of a deck at most, in the order of the decks, is. */
static struct lcr_ref list_of(struct merge *m, struct lcr_ref *row, unsigned n)
{
    static const struct rate_class plain = {DECK_INDETERMINATE, CONF_ZONES_MAX};
    struct ranked r[CONF_DECKS_MAX];
    unsigned kept = 0;
    bool by_class = false;

    for (unsigned i = 0; i < n; i++)
        by_class |= m->t->price[row[i].a & LCR_LOW].by_class;
    if (n > 1 && by_class)
        return list_by_class(m, row, n);
    for (unsigned i = 0; i < n; i++) {
        r[kept] = (struct ranked){.row = row[i], .cost = cost_of(m->plan, row[i], plain)};
        kept += r[kept].cost != NO_COST || by_class;
    }
    if (kept < 2)
        return kept ? r[0].row : lcr_ref(LCR_NONE, 0, 0);
    rank(r, kept);
    struct lcr_ref *p = pool_add(m->part, kept);
    if (!p)
        return lcr_ref(LCR_NONE, 0, 0);
    for (unsigned i = 0; i < kept; i++)
        p[i] = r[i].row;
    m->part->lists++;
    return lcr_ref(LCR_LIST, kept, (uint32_t)(p - m->part->pool));
}

/* ---- versions ------------------------------------------------------------------------------------------------ */

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void add_moment(struct merge *m, int64_t wall_s)
{
    if (wall_s <= m->plan->from_s || wall_s == INT64_MAX)
        return;
    if (more((void **)&m->moment, &m->moment_room, m->n_moment + 1, sizeof(*m->moment)) < 0)
        m->part->err = -ENOMEM;
    else
        m->moment[m->n_moment++] = wall_s;
}

/* All moments at which something begins or ends to hold for the current key, in order, each once; the first is "before all". */
static void moments_of(struct merge *m)
{
    size_t n = 1;

    m->n_moment = 0;
    for (unsigned d = 0; d < m->decks; d++) {
        const struct cursor *c = &m->deck[d];
        for (unsigned i = c->n; i-- > 0 && c->open[i].settled == OPEN;)
            for (uint32_t at = c->open[i].from; at < c->open[i].to; at++) {
                add_moment(m, terms_of(m, c, at)->effective);
                add_moment(m, terms_of(m, c, at)->expires);
            }
    }
    if (m->n_moment == 0)
        return;
    qsort(m->moment, m->n_moment, sizeof(*m->moment), by_time);
    for (size_t i = 1; i < m->n_moment; i++)
        if (m->moment[i] != m->moment[n - 1])
            m->moment[n++] = m->moment[i];
    m->n_moment = n;
}

static unsigned rows_at(const struct merge *m, int64_t wall_s, struct lcr_ref *out)
{
    unsigned n = 0, len = 0;

    for (unsigned d = 0; d < m->decks; d++) {
        const struct cursor *c = &m->deck[d];
        uint32_t row = row_at(m, c, wall_s, &len);
        if (row != OPEN)
            out[n++] = lcr_ref(len, c->base + c->row[row].terms, c->row[row].line);
    }
    return n;
}

static struct lcr_ref versions_of(struct merge *m)
{
    struct lcr_ref row[CONF_DECKS_MAX], old[CONF_DECKS_MAX];
    unsigned n, n_old = UINT32_MAX;
    uint32_t count = 0, place = 0;

    moments_of(m);
    if (m->part->err || !pool_add(m->part, 2 * (m->n_moment + 1)))
        return lcr_ref(LCR_NONE, 0, 0);
    place = (uint32_t)(m->part->n_pool - 2 * (m->n_moment + 1));
    for (size_t i = 0; i <= m->n_moment; i++) {
        int64_t wall_s = i == 0 ? m->plan->from_s : m->moment[i - 1];
        uint64_t from = (uint64_t)(i == 0 ? INT64_MIN : wall_s);
        n = rows_at(m, wall_s, row);
        if (n == n_old && memcmp(row, old, n * sizeof(*row)) == 0)
            continue; /* what began or ended is behind a longer prefix, or a later row of this one */
        memcpy(old, row, n * sizeof(*row));
        n_old = n;
        struct lcr_ref ref = list_of(m, row, n); /* may move the pool */
        m->part->pool[place + 2 * count] = (struct lcr_ref){(uint32_t)(from >> 32), (uint32_t)from};
        m->part->pool[place + 2 * count + 1] = ref;
        count++;
    }
    if (count == 1)
        return m->part->pool[place + 1];
    return lcr_ref(LCR_VERSIONS, count, place);
}

/* ---- the pass ------------------------------------------------------------------------------------------------ */

static struct lcr_ref entry_of(struct merge *m)
{
    struct lcr_ref row[CONF_DECKS_MAX];
    unsigned n = 0;

    for (unsigned d = 0; d < m->decks; d++) {
        const struct cursor *c = &m->deck[d];
        if (c->n == 0)
            continue;
        const struct run *r = &c->open[c->n - 1];
        if (r->settled == OPEN)
            return versions_of(m);
        row[n++] = lcr_ref(r->len, c->base + c->row[r->settled].terms, c->row[r->settled].line);
    }
    return list_of(m, row, n);
}

/* The entry of the pivot's length above a longer key: made if there is none, so that it tells of this one. */
static void mark_pivot(struct lcr_part *part, uint64_t key, unsigned pivot, unsigned deeper)
{
    uint64_t above = key_cut(key, pivot), mark = lcr_pivot_mark(pivot);

    if (part->pivot == 0 || part->entry[part->pivot - 1].key - above >= lcr_pivot_span(pivot)) {
        part->entry[part->n++] = (struct lcr_slot){above | mark, lcr_ref(LCR_NONE, 0, 0)};
        part->pivot = part->n;
        part->marked++;
    }
    part->entry[part->pivot - 1].key |= UINT64_C(1) << (deeper - 1) | lcr_pivot_digit(pivot, key);
}

static void add_entry(struct merge *m, uint64_t key)
{
    struct lcr_part *part = m->part;
    unsigned len = key_len(key), plus = key >> 60 == 11, pivot = m->t->pivot + plus;

    if (len > pivot)
        mark_pivot(part, key, pivot, len - pivot);
    part->entry[part->n] = (struct lcr_slot){key, entry_of(m)};
    part->lengths |= 1U << len;
    if (len <= m->digits + plus) {
        if (more((void **)&part->brief, &part->brief_room, part->n_brief + 1,
                 sizeof(*part->brief)) < 0)
            part->err = -ENOMEM;
        else
            part->brief[part->n_brief++] = (uint32_t)part->n;
    }
    part->n++;
    if (len == pivot)
        part->pivot = part->n;
}

/* The deck's rows of the part, and the prefixes of its first key that lie before it. */
static void cursor_init(struct merge *m, struct cursor *c, const struct deck *d, uint32_t base)
{
    uint64_t from = m->part->from;

    c->row = d->row;
    c->base = base;
    c->at = deck_first(d, from);
    c->end = m->part->to ? deck_first(d, m->part->to) : d->n;
    for (unsigned len = 0; len < key_len(from); len++) {
        uint64_t key = key_cut(from, len);
        uint32_t at = deck_first(d, key);
        if (at < d->n && d->row[at].key == key && run_of(m, c, at, d->n, &c->open[c->n]))
            c->n++;
    }
}

/* Take the rows of key, close what it is not under. @return the deck has such rows, and they count */
static bool cursor_step(const struct merge *m, struct cursor *c, uint64_t key)
{
    while (c->n > 0 && (key & c->open[c->n - 1].mask) != c->open[c->n - 1].key)
        c->n--;
    if (c->at == c->end || c->row[c->at].key != key)
        return false;
    bool holds = run_of(m, c, c->at, c->end, &c->open[c->n]);
    c->at = c->open[c->n].to;
    c->n += holds;
    return holds;
}

void lcr_merge(struct lcr_part *part)
{
    struct merge *m = calloc(1, sizeof(*m));
    size_t rows = 0;

    if (!m) {
        part->err = -ENOMEM;
        return;
    }
    m->part = part;
    m->plan = part->plan;
    m->t = part->plan->t;
    m->decks = m->t->decks;
    m->digits = m->t->digits;
    for (unsigned d = 0; d < m->decks; d++) {
        cursor_init(m, &m->deck[d], m->plan->deck[d], m->plan->base[d]);
        rows += m->deck[d].end - m->deck[d].at;
    }
    part->room = 2 * rows; /* each key may need a mark above it */
    part->entry = rows ? lcr_map(part->room * sizeof(*part->entry)) : NULL;
    if (rows && !part->entry)
        part->err = -ENOMEM;
    while (!part->err) {
        uint64_t key = UINT64_MAX; /* no key: its nibbles would be 15 */
        bool any = false;
        for (unsigned d = 0; d < m->decks; d++) {
            const struct cursor *c = &m->deck[d];
            if (c->at < c->end && c->row[c->at].key < key)
                key = c->row[c->at].key;
        }
        if (key == UINT64_MAX)
            break;
        for (unsigned d = 0; d < m->decks; d++)
            any |= cursor_step(m, &m->deck[d], key);
        if (any)
            add_entry(m, key);
    }
    free(m->moment);
    free(m);
}
