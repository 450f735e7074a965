/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Comparing two configurations by what was written: statements are cut by the lexer, hashed, and matched section by section.
 * Called off the workers by whoever shows differences; it knows no keyword.
 */
#include "config/compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "config/lexer.h"
#include "core/htab.h"

struct statement {
    uint64_t hash; /* of its words */
    struct span keyword, text;
    struct conf_loc loc;
};

struct section {
    struct span kind, name;
    struct conf_loc loc;
    uint32_t first, n; /* statements */
};

struct outline {
    struct section *section;
    struct statement *statement;
    uint32_t n_sections, n_statements;
    uint32_t room_sections, room_statements;
};

/* ---- reading ---- */

static bool make_room(void *list, uint32_t n, uint32_t *room, size_t size)
{
    void **v = list, *more;
    if (n < *room)
        return true;
    *room = *room ? *room * 2 : 256;
    more = realloc(*v, *room * size);
    if (more)
        *v = more;
    return more != NULL;
}

static struct span written(const struct lex_line *l)
{
    const struct lex_token *a = &l->tok[0], *z = &l->tok[l->n - 1];
    const char *p = a->s.p - a->quoted;
    return (struct span){p, (size_t)(z->s.p + z->s.len + z->quoted - p)};
}

static uint64_t words_hash(const struct lex_line *l, uint32_t from)
{
    uint64_t h = 0;
    for (uint32_t i = from; i < l->n; i++)
        h = hash_u64(h ^ hash_span(l->tok[i].s));
    return h;
}

static int add_statement(struct outline *o, const struct lex_line *l, uint32_t from, uint16_t file)
{
    if (o->n_sections == 0)
        return 0;
    if (!make_room(&o->statement, o->n_statements, &o->room_statements, sizeof(*o->statement)))
        return -ENOMEM;
    o->statement[o->n_statements++] = (struct statement){.hash = words_hash(l, from),
                                                         .keyword = l->tok[0].s,
                                                         .text = written(l),
                                                         .loc = {file, l->tok[0].col, l->no}};
    o->section[o->n_sections - 1].n++;
    return 0;
}

/* What stands behind the name in the head of a section is a statement of it. */
static int add_section(struct outline *o, const struct lex_line *l, uint16_t file)
{
    if (!make_room(&o->section, o->n_sections, &o->room_sections, sizeof(*o->section)))
        return -ENOMEM;
    o->section[o->n_sections++] = (struct section){.kind = l->tok[0].s,
                                                   .name = l->n > 1 ? l->tok[1].s : SPAN_NONE,
                                                   .loc = {file, l->tok[0].col, l->no},
                                                   .first = o->n_statements};
    return l->n > 2 ? add_statement(o, l, 2, file) : 0;
}

static int span_cmp(struct span a, struct span b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : a.len < b.len ? -1 : a.len > b.len;
}

static int by_name(const void *a, const void *b)
{
    const struct section *x = a, *y = b;
    int c = span_cmp(x->kind, y->kind);
    return c ? c : span_cmp(x->name, y->name);
}

static int outline_read(struct outline *o, const struct conf *c)
{
    struct lex_line *l = malloc(sizeof(*l));
    struct lex_fault fault;
    struct lexer lx;
    int err = l ? 0 : -ENOMEM;
    for (uint32_t f = 0; f < c->text.n && !err; f++) {
        enum lex_result r;
        lex_init(&lx, c->text.v[f]);
        while (!err && (r = lex_next(&lx, l, &fault)) != LEX_END)
            if (r == LEX_LINE)
                err = l->indented ? add_statement(o, l, 0, (uint16_t)f)
                                  : add_section(o, l, (uint16_t)f);
    }
    free(l);
    if (o->n_sections > 0)
        qsort(o->section, o->n_sections, sizeof(*o->section), by_name);
    return err;
}

static void outline_fini(struct outline *o)
{
    free(o->section);
    free(o->statement);
}

/* ---- matching ---- */

struct matching {
    struct compare_line *line;
    const struct statement **v[2]; /* of the old and the new section, by hash */
    uint32_t room;
    void (*fn)(void *arg, const struct compare_section *s);
    void *arg;
};

static int by_hash(const void *a, const void *b)
{
    const struct statement *x = *(const struct statement *const *)a,
                           *y = *(const struct statement *const *)b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static int by_keyword(const void *a, const void *b)
{
    const struct compare_line *x = a, *y = b;
    int c = span_cmp(x->keyword, y->keyword);
    if (c)
        return c;
    if (x->added != y->added)
        return x->added ? 1 : -1;
    return x->loc.line < y->loc.line ? -1 : x->loc.line > y->loc.line;
}

static bool matching_room(struct matching *m, uint32_t n)
{
    if (n <= m->room)
        return true;
    free(m->line);
    free(m->v[0]);
    free(m->v[1]);
    m->line = malloc(n * sizeof(*m->line));
    m->v[0] = malloc(n * sizeof(struct statement *));
    m->v[1] = malloc(n * sizeof(struct statement *));
    m->room = n;
    return m->line && m->v[0] && m->v[1];
}

static void keep(struct compare_section *out, struct compare_line *line, const struct statement *s,
                 bool added)
{
    line[out->n++] = (struct compare_line){added, s->loc, s->keyword, s->text};
}

static bool same_order(const struct statement *a, const struct statement *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i].hash != b[i].hash)
            return false;
    return true;
}

/* @return 0, also when they are the same; -ENOMEM */
static int match(struct matching *m, const struct outline *old, const struct section *a,
                 const struct outline *now, const struct section *b)
{
    const struct statement *x = old->statement + a->first, *y = now->statement + b->first;
    struct compare_section out = {
        .what = COMPARE_CHANGED, .kind = b->kind, .name = b->name, .loc = b->loc};
    uint32_t i = 0, k = 0;
    if (a->n == b->n && same_order(x, y, a->n))
        return 0;
    if (!matching_room(m, a->n + b->n + 1))
        return -ENOMEM;
    for (uint32_t j = 0; j < a->n; j++)
        m->v[0][j] = &x[j];
    for (uint32_t j = 0; j < b->n; j++)
        m->v[1][j] = &y[j];
    qsort(m->v[0], a->n, sizeof(struct statement *), by_hash);
    qsort(m->v[1], b->n, sizeof(struct statement *), by_hash);
    while (i < a->n || k < b->n) {
        if (k == b->n || (i < a->n && m->v[0][i]->hash < m->v[1][k]->hash))
            keep(&out, m->line, m->v[0][i++], false);
        else if (i == a->n || m->v[0][i]->hash > m->v[1][k]->hash)
            keep(&out, m->line, m->v[1][k++], true);
        else
            i++, k++;
    }
    if (out.n > 0)
        qsort(m->line, out.n, sizeof(*m->line), by_keyword);
    out.line = m->line;
    out.reordered = out.n == 0;
    m->fn(m->arg, &out);
    return 0;
}

static void only_one(const struct matching *m, enum compare_what what, const struct section *s)
{
    struct compare_section out = {.what = what, .kind = s->kind, .name = s->name, .loc = s->loc};
    m->fn(m->arg, &out);
}

int conf_compare(const struct conf *old, const struct conf *now,
                 void (*fn)(void *arg, const struct compare_section *s), void *arg)
{
    struct outline a = {0}, b = {0};
    struct matching m = {.fn = fn, .arg = arg};
    uint32_t i = 0, k = 0;
    int err = outline_read(&a, old);
    if (!err)
        err = outline_read(&b, now);
    while (!err && (i < a.n_sections || k < b.n_sections)) {
        int c = i == a.n_sections   ? 1
                : k == b.n_sections ? -1
                                    : by_name(&a.section[i], &b.section[k]);
        if (c < 0)
            only_one(&m, COMPARE_REMOVED, &a.section[i++]);
        else if (c > 0)
            only_one(&m, COMPARE_ADDED, &b.section[k++]);
        else
            err = match(&m, &a, &a.section[i++], &b, &b.section[k++]);
    }
    free(m.line);
    free(m.v[0]);
    free(m.v[1]);
    outline_fini(&a);
    outline_fini(&b);
    return err;
}
