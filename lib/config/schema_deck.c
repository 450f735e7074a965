/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schema of the sections zone and ratedeck: what a CSV file of rates is and how it is read.
 * parse.c runs the tables; the file itself is read by route/, not here.
 */
#include <stddef.h>
#include <string.h>

#include "config/schema.h"
#include "core/err.h"

/* ---- zone ---- */

/* A prefix is in one zone: whose else. */
static const struct conf_zone *zone_of(const struct conf *c, const char *prefix)
{
    uint32_t i, j;

    for (i = 0; i < c->zone.n; i++) {
        for (j = 0; j < c->zone.v[i].caller.n; j++) {
            if (strcmp(c->zone.v[i].caller.v[j], prefix) == 0)
                return &c->zone.v[i];
        }
    }
    return NULL;
}

static void kw_zone_caller(struct parser *p, const struct keyword *kw, void *field,
                           struct args *args)
{
    struct conf_zone *z = p->obj;
    const struct conf_zone *other;
    const struct lex_token *t;
    const char *prefix;

    (void)kw;
    (void)field;
    while ((t = args_next(args))) {
        if (!parse_prefix(p, t, &prefix))
            return;
        if ((other = zone_of(p->conf, prefix))) {
            parse_token_error(p, t, "prefix '%s' is in zone '%s' already", prefix, other->name);
            return;
        }
        *(const char **)APPEND(p, z->caller) = prefix;
    }
}

static void close_zone(struct parser *p, void *obj, bool clean)
{
    const struct conf_zone *z = obj;

    if (clean && z->caller.n == 0)
        parse_error(p, z->loc, strlen(z->name), "zone '%s' has no caller prefix", z->name);
    if (p->conf->zone.n == CONF_ZONES_MAX + 1)
        parse_error(p, z->loc, strlen(z->name), "more than %u zones", CONF_ZONES_MAX);
}

static const struct keyword zone_kw[] = {
    {"caller", NULL, kw_zone_caller, FIELD(struct conf_zone, caller), 1, CONF_VALUES_MAX, KW_REPEAT,
     0, 0, "caller PREFIX...", "prefixes of calling numbers; one is in one zone only"},
};

const struct section section_zone = {
    .word = "zone",
    .syntax = "zone NAME",
    .help = "where a caller is, for rates by origin",
    .list_off = LIST(zone),
    .size = sizeof(struct conf_zone),
    .kw = zone_kw,
    .n_kw = COUNT(zone_kw),
    .close = close_zone,
};

/* ---- columns ---- */

/* In the order of enum conf_column. */
static const char *const column_words[] = {
    "-",       "prefix",    "rate",      "inter",   "intra",   "indeterminate", "zone:NAME",
    "minimum", "increment", "effective", "expires", "quality", "code",          NULL,
};

static bool zone_column(struct parser *p, const struct lex_token *t, struct conf_deck_column *c)
{
    struct lex_token name = *t;

    name.s = (struct span){t->s.p + 5, t->s.len - 5};
    name.col = (uint16_t)(t->col + 5 + (t->quoted ? 1 : 0));
    name.width = (uint16_t)name.s.len;
    c->what = CONF_COL_ZONE;
    return parse_ref(p, &name, &c->zone);
}

static bool column_is_new(struct parser *p, const struct lex_token *t, const struct conf_deck *d,
                          const struct conf_deck_column *c)
{
    uint32_t i;

    for (i = 0; i < d->column.n && c->what != CONF_COL_SKIP; i++) {
        const struct conf_deck_column *o = &d->column.v[i];

        if (o->what != c->what ||
            (c->what == CONF_COL_ZONE && strcmp(o->zone.name, c->zone.name) != 0))
            continue;
        parse_token_error(p, t, "column '%.*s' is declared already", SPAN_ARG(t->s));
        return false;
    }
    return true;
}

static void kw_columns(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_deck *d = p->obj;
    const struct lex_token *t;
    int i;

    (void)kw;
    (void)field;
    while ((t = args_next(args))) {
        struct conf_deck_column c = {.zone.id = CONF_NONE, .loc = parse_loc(p, t)};

        if (span_has_prefix(t->s, SPAN("zone:"))) {
            if (!zone_column(p, t, &c))
                return;
        } else if ((i = parse_choice(p, t, column_words)) < 0) {
            return;
        } else if (i == CONF_COL_ZONE) {
            parse_token_error(p, t, "the name of a zone belongs behind 'zone:'");
            return;
        } else {
            c.what = (enum conf_column)i;
        }
        if (!column_is_new(p, t, d, &c))
            return;
        *(struct conf_deck_column *)APPEND(p, d->column) = c;
    }
}

/* ---- ratedeck ---- */

static void deck_header(struct parser *p, void *obj, struct args *args)
{
    static const struct keyword kw = {.syntax = "ratedeck NAME [trunk TRUNK]"};
    struct conf_deck *d = obj;
    const struct lex_token *t;

    if (args_word(args, "trunk") && (t = args_need(p, &kw, args, "trunk")))
        parse_ref(p, t, &d->trunk);
}

static void kw_deck_file(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = args_next(args);
    struct conf_deck *d = p->obj;

    (void)kw;
    (void)field;
    d->file_loc = parse_loc(p, t);
    parse_path(p, t, &d->file);
}

static void kw_deck_header(struct parser *p, const struct keyword *kw, void *field,
                           struct args *args)
{
    CHOICE(enum conf_deck_header, "auto", "yes", "no");
}

static void kw_strict(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(bool, "on", "off"); /* the field is `lax` */
}

static void kw_plan(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(bool, "e164", "private");
}

static void kw_separator(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    static const char *const words[] = {"comma", "semicolon", "tab", NULL};
    int i = parse_choice(p, args_next(args), words);

    (void)kw;
    if (i >= 0)
        memcpy(field, &",;\t"[i], 1);
}

static void kw_small(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    uint16_t v;
    uint32_t n;

    if (!parse_number(p, args_next(args), kw->lo, kw->hi, &n))
        return;
    v = (uint16_t)n;
    memcpy(field, &v, sizeof(v));
}

static void deck_defaults(void *obj)
{
    struct conf_deck *d = obj;

    d->trunk.id = CONF_NONE;
    d->separator = ',';
    d->priority = d->weight = 100;
    d->exchange = CONF_NANO;
}

static bool has_column(const struct conf_deck *d, enum conf_column from, enum conf_column to)
{
    uint32_t i;

    for (i = 0; i < d->column.n; i++) {
        if (d->column.v[i].what >= from && d->column.v[i].what <= to)
            return true;
    }
    return false;
}

/* Rows of `plan e164` have their '+'; what bounds them is compared with it. */
static void plus_before(struct parser *p, struct conf_deck *d)
{
    char buf[CONF_PREFIX_DIGITS + 2];
    uint32_t i;

    for (i = 0; i < d->only.n && !d->is_private; i++) {
        size_t len = strlen(d->only.v[i]);

        if (d->only.v[i][0] == '+' || len >= CONF_PREFIX_DIGITS)
            continue;
        buf[0] = '+';
        memcpy(buf + 1, d->only.v[i], len);
        d->only.v[i] = parse_strdup(p, (struct span){buf, len + 1});
    }
}

static void close_deck(struct parser *p, void *obj, bool clean)
{
    struct conf_deck *d = obj;
    const char *lacks = NULL;

    plus_before(p, d);
    d->incomplete = true;
    if (!clean)
        return;
    if (!d->file)
        lacks = "has no file";
    else if (d->column.n == 0)
        lacks = "declares no columns, as in: columns prefix rate minimum increment";
    else if (!has_column(d, CONF_COL_PREFIX, CONF_COL_PREFIX))
        lacks = "has no column 'prefix'";
    else if (!has_column(d, CONF_COL_RATE, CONF_COL_ZONE))
        lacks = "has no column with a rate: rate, inter, intra, indeterminate or zone:NAME";
    d->incomplete = lacks;
    if (lacks)
        parse_error(p, d->loc, 0, "ratedeck '%s' %s", d->name, lacks);
}

#define D(member) FIELD(struct conf_deck, member)

static const struct keyword deck_kw[] = {
    {"file", NULL, kw_deck_file, D(file), 1, 1, 0, 0, 0, "file PATH",
     "CSV; a relative path begins in the folder of this file"},
    {"columns", NULL, kw_columns, D(column), 1, CONF_COLUMNS_MAX, 0, 0, 0,
     "columns prefix|rate|inter|intra|indeterminate|zone:NAME|minimum|increment|effective|expires|"
     "quality|code|-...",
     "what stands in the file, in its order"},
    {"header", NULL, kw_deck_header, D(header), 1, 1, 0, 0, 0, "header auto|yes|no",
     "whether the first row names the columns"},
    {"separator", NULL, kw_separator, D(separator), 1, 1, 0, 0, 0, "separator comma|semicolon|tab",
     "what parts the columns"},
    {"strict", NULL, kw_strict, D(lax), 1, 1, 0, 0, 0, "strict on|off",
     "off: bad rows are left out and counted"},
    {"plan", NULL, kw_plan, D(is_private), 1, 1, 0, 0, 0, "plan e164|private",
     "e164: a missing + is put before a prefix"},
    {"only", NULL, kw_prefixes, D(only), 1, CONF_VALUES_MAX, KW_REPEAT, 0, 0, "only PREFIX...",
     "rows outside of these prefixes are left out"},
    {"currency", NULL, kw_currency, D(currency), 1, 1, 0, 0, 0, "currency CODE",
     "of its rates; default: that of global"},
    {"priority", NULL, kw_small, D(priority), 1, 1, 0, 1, UINT16_MAX, "priority N",
     "for order priority, lower first"},
    {"weight", NULL, kw_small, D(weight), 1, 1, 0, 1, UINT16_MAX, "weight N",
     "share among decks that an order leaves equal"},
};

const struct section section_ratedeck = {
    .word = "ratedeck",
    .syntax = "ratedeck NAME [trunk TRUNK]",
    .help = "rates by prefix, in a CSV file",
    .list_off = LIST(deck),
    .size = sizeof(struct conf_deck),
    .kw = deck_kw,
    .n_kw = COUNT(deck_kw),
    .defaults = deck_defaults,
    .header = deck_header,
    .close = close_deck,
};
