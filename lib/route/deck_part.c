/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of a part of a deck. Most rows of a deck say the same but for their prefix: what stands beside it is looked up as text first, and
 * understood once.
 * deck.c runs one thread a part; must not touch another part.
 */
#include "route/deck_part.h"

#include <stdlib.h>
#include <xxhash.h>

/* A row's text beside its prefix, with its terms. A slot is overwritten by the next text that falls on it. */
struct deck_seen {
    struct span head, tail;
    uint32_t terms;
};

#define SEEN_SLOTS \
    4096 /* 160 KiB: half of a core's second cache; real decks have some hundred rates */
#define SEEN_TRIES 8192 /* then a deck whose rows are all different is known: no more looking */

void deck_part_count(struct deck_part *p)
{
    uint32_t lines = 0;

    for (size_t i = 0; i < p->text.len; i++)
        lines += p->text.p[i] == '\n';
    if (p->text.len > 0 && p->text.p[p->text.len - 1] != '\n')
        lines++;
    p->lines = lines;
    p->has_quote = memchr(p->text.p, '"', p->text.len) != NULL;
    p->has_nul = memchr(p->text.p, '\0', p->text.len) != NULL;
}

void deck_part_fini(struct deck_part *p)
{
    free(p->terms);
    free(p->bad);
    free(p->slot);
    free(p->seen);
    p->terms = NULL;
    p->bad = NULL;
    p->slot = NULL;
    p->seen = NULL;
}

bool deck_form_takes(const struct deck_form *f, uint64_t key)
{
    for (unsigned i = 0; i < f->n_only; i++) {
        if (key_cut(key, key_len(f->only[i])) == f->only[i])
            return true;
    }
    return f->n_only == 0;
}

void deck_part_bad(struct deck_part *p, const struct deck_bad *bad)
{
    p->bad_all++;
    p->bad_rows += p->bad_last != bad->line + 1;
    p->bad_last = bad->line + 1;
    if (p->n_bad == DECK_BAD_MAX)
        return;
    if (!p->bad)
        p->bad = malloc(DECK_BAD_MAX * sizeof(*p->bad));
    if (p->bad)
        p->bad[p->n_bad++] = *bad;
    else
        p->no_memory = true;
}

/* ---- terms ---- */

/* A slot is the high half of the hash and, below it, the place + 1: other terms are rarely looked at to see that they differ. */
static uint32_t slot_of(const struct deck_part *p, const struct deck_terms *t, uint64_t hash)
{
    uint32_t i = (uint32_t)hash & (p->slots - 1), other;

    for (; (other = (uint32_t)p->slot[i]) != 0; i = (i + 1) & (p->slots - 1)) {
        if (p->slot[i] >> 32 == hash >> 32 && memcmp(&p->terms[other - 1], t, sizeof(*t)) == 0)
            break;
    }
    return i;
}

static bool grow_slots(struct deck_part *p)
{
    uint32_t slots = p->slots ? p->slots * 4 : 256;
    uint64_t *slot = calloc(slots, sizeof(*slot));

    if (!slot)
        return false;
    free(p->slot);
    p->slot = slot;
    p->slots = slots;
    for (uint32_t i = 0; i < p->n_terms; i++) {
        uint64_t hash = XXH3_64bits(&p->terms[i], sizeof(p->terms[i]));
        uint32_t at = (uint32_t)hash & (slots - 1);

        while (slot[at])
            at = (at + 1) & (slots - 1);
        slot[at] = hash >> 32 << 32 | (i + 1);
    }
    return true;
}

static bool grow_terms(struct deck_part *p)
{
    uint32_t cap = p->cap_terms ? p->cap_terms * 2 : 64;
    struct deck_terms *t = realloc(p->terms, cap * sizeof(*t));

    if (!t)
        return false;
    p->terms = t;
    p->cap_terms = cap;
    return true;
}

uint32_t deck_part_terms(struct deck_part *p, const struct deck_terms *t)
{
    uint64_t hash = XXH3_64bits(t, sizeof(*t));
    uint32_t i;

    if (p->n_terms * 2 >= p->slots && !grow_slots(p))
        goto no_memory;
    i = slot_of(p, t, hash);
    if (p->slot[i])
        return (uint32_t)p->slot[i] - 1;
    if (p->n_terms == p->cap_terms && !grow_terms(p))
        goto no_memory;
    p->terms[p->n_terms] = *t;
    p->slot[i] = hash >> 32 << 32 | ++p->n_terms;
    return p->n_terms - 1;
no_memory:
    p->no_memory = true;
    return UINT32_MAX;
}

/* ---- one row ---- */

struct row {
    struct deck_part *p;
    struct span source; /* the line without its end */
    uint32_t line;      /* of the part */
};

static void bad(const struct row *r, int column, struct span word, const char *why)
{
    struct deck_bad b = {
        .line = r->line, .column = column, .source = r->source, .word = word, .why = why};

    deck_part_bad(r->p, &b);
}

static int rate_place(const struct conf_deck_column *c)
{
    switch (c->what) {
    case CONF_COL_RATE: return DECK_RATE;
    case CONF_COL_INTER: return DECK_INTER;
    case CONF_COL_INTRA: return DECK_INTRA;
    case CONF_COL_INDETERMINATE: return DECK_INDETERMINATE;
    case CONF_COL_ZONE: return c->zone.id < CONF_ZONES_MAX ? DECK_ZONE + (int)c->zone.id : -1;
    default: return -1;
    }
}

/* One value into its place. @return NULL, or what is wrong */
static const char *take(const struct conf_deck_column *c, const struct cell *cell,
                        struct deck_terms *t)
{
    struct span s = cell->text;
    int place = rate_place(c);
    const char *why;

    if (s.len == 0)
        return NULL; /* as if there were no such column */
    if (place >= 0)
        return cell_money(s, &t->rate[place]);
    switch (c->what) {
    case CONF_COL_MINIMUM: return cell_seconds(s, &t->minimum);
    case CONF_COL_INCREMENT:
        why = cell_seconds(s, &t->increment);
        return why ? why : t->increment == 0 ? "is 0: billed in steps of at least 1 s" : NULL;
    case CONF_COL_EFFECTIVE: return cell_moment(s, &t->effective);
    case CONF_COL_EXPIRES: return cell_moment(s, &t->expires);
    case CONF_COL_QUALITY: return cell_quality(s, &t->quality);
    case CONF_COL_CODE: return cell_code(cell, t->code);
    default: return NULL;
    }
}

/* Every bad cell of the row is told. @return the row's terms can be used */
static bool take_all(const struct row *r, const struct cell *cell, struct deck_terms *t)
{
    const struct conf_deck *d = r->p->form->conf;
    uint32_t before = r->p->bad_all;
    bool priced = false;

    *t = (struct deck_terms){.effective = INT64_MIN, .expires = INT64_MAX, .increment = 1};
    t->quality = -1;
    for (unsigned i = 0; i < DECK_RATES; i++)
        t->rate[i] = -1;
    for (unsigned i = 0; i < d->column.n; i++) {
        const char *why = take(&d->column.v[i], &cell[i], t);

        if (why)
            bad(r, (int)i, cell[i].text, why);
    }
    if (r->p->bad_all > before)
        return false;
    for (unsigned i = 0; i < DECK_RATES; i++)
        priced |= t->rate[i] >= 0;
    if (!priced)
        bad(r, -1, r->source, "has no rate");
    else if (t->expires <= t->effective)
        bad(r, -1, r->source, "expires before it is effective");
    return r->p->bad_all == before;
}

static void add_row(const struct row *r, uint64_t key, uint32_t terms)
{
    if (terms != UINT32_MAX)
        r->p->row[r->p->n++] = (struct deck_row){.key = key, .terms = terms, .line = r->line};
}

static void wrong_columns(const struct row *r, int n)
{
    struct deck_bad b = {.line = r->line, .column = -1, .source = r->source, .word = r->source};

    b.found = (uint32_t)n;
    deck_part_bad(r->p, &b);
}

/* Any row, understood cell by cell. @return its terms; UINT32_MAX: it is bad, or not wanted */
static uint32_t read_row(const struct row *r)
{
    const struct deck_form *f = r->p->form;
    struct cell cell[CONF_COLUMNS_MAX];
    struct deck_terms t;
    struct span at = SPAN_NONE;
    const char *why;
    uint64_t key;
    uint32_t terms;
    int n;

    if (r->source.len > DECK_LINE_MAX) {
        bad(r, -1, r->source, "is longer than 4096 bytes");
        return UINT32_MAX;
    }
    if (r->p->has_nul && (at.p = memchr(r->source.p, '\0', r->source.len))) {
        bad(r, -1, (struct span){at.p, 1}, "has a NUL byte");
        return UINT32_MAX;
    }
    n = cell_split(r->source, f->separator, cell, CONF_COLUMNS_MAX, &at);
    if (n < 0) {
        bad(r, -1, at, "has a quote that does not end, or text behind one");
        return UINT32_MAX;
    }
    if (n == 1 && cell[0].text.len == 0)
        return UINT32_MAX; /* an empty line */
    if ((unsigned)n != f->columns) {
        wrong_columns(r, n);
        return UINT32_MAX;
    }
    why = cell_prefix(cell[f->prefix_at].text, f->conf->is_private, &key);
    if (why)
        bad(r, (int)f->prefix_at, cell[f->prefix_at].text, why);
    else if (!deck_form_takes(f, key)) {
        r->p->left_out_only++;
        return UINT32_MAX;
    }
    if (!take_all(r, cell, &t) || why)
        return UINT32_MAX;
    terms = deck_part_terms(r->p, &t);
    add_row(r, key, terms);
    return terms;
}

/* ---- the short way ---- */

/* The prefix and what stands around it. False: the row has not so many columns. */
static bool cut_prefix(const struct deck_form *f, struct span line, struct span *prefix,
                       struct deck_seen *s)
{
    const char *p = line.p, *end = line.p + line.len, *to;

    for (unsigned i = 0; i < f->prefix_at; i++) {
        p = memchr(p, f->separator, (size_t)(end - p));
        if (!p)
            return false;
        p++;
    }
    to = memchr(p, f->separator, (size_t)(end - p));
    if (!to)
        to = end;
    *prefix = (struct span){p, (size_t)(to - p)};
    s->head = (struct span){line.p, (size_t)(p - line.p)};
    s->tail = (struct span){to, (size_t)(end - to)};
    return true;
}

static struct deck_seen *seen_slot(const struct deck_part *p, const struct deck_seen *s)
{
    uint64_t h = XXH3_64bits(s->tail.p, s->tail.len);

    if (s->head.len)
        h ^= XXH3_64bits(s->head.p, s->head.len) * 3;
    return &p->seen[h & (SEEN_SLOTS - 1)];
}

/* A row whose text beside the prefix was read before; else as any. Nothing of it is quoted. */
static void read_short(const struct row *r)
{
    struct deck_part *p = r->p;
    struct deck_seen s, *have;
    struct span prefix;
    uint64_t key;

    if (!cut_prefix(p->form, r->source, &prefix, &s)) {
        (void)read_row(r);
        return;
    }
    have = seen_slot(p, &s);
    p->tries++;
    if (have->tail.p && span_eq(have->tail, s.tail) && span_eq(have->head, s.head) &&
        cell_prefix(prefix, p->form->conf->is_private, &key) == NULL) {
        p->hits++;
        if (deck_form_takes(p->form, key))
            add_row(r, key, have->terms);
        else
            p->left_out_only++;
        return;
    }
    s.terms = read_row(r);
    if (s.terms != UINT32_MAX)
        *have = s;
}

void deck_part_read(struct deck_part *p)
{
    const char *at = p->text.p, *end = at + p->text.len;
    struct row r = {.p = p};
    bool quick = !p->has_quote && !p->has_nul;

    if (quick)
        p->seen = calloc(SEEN_SLOTS, sizeof(*p->seen)); /* without it: the long way */
    for (; at < end && !p->no_memory; r.line++) {
        const char *to = memchr(at, '\n', (size_t)(end - at));

        if (!to)
            to = end;
        r.source = (struct span){at, (size_t)(to - at)};
        if (r.source.len > 0 && r.source.p[r.source.len - 1] == '\r')
            r.source.len--;
        if (p->seen && (p->tries < SEEN_TRIES || p->hits > p->tries / 4))
            read_short(&r);
        else
            (void)read_row(&r);
        at = to + 1;
    }
    free(p->seen);
    p->seen = NULL;
}
