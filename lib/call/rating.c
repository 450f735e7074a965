/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts of route and price: RATING_N of them one behind the other, each with its end, in one block.
 * Called at decision and attempt; what is told of a block never changes.
 */
#include "call/rating.h"

#include <stdio.h>

/* 600: a class, the name of a deck and a code, two currencies and five amounts, with room for twice that. */
#define RATING_BYTES 600

struct rating {
    size_t cap;
    uint16_t len; /* of text */
    char text[];
};

/* Texts on their way. */
struct draft {
    size_t len;
    char text[RATING_BYTES];
};

static void put(struct draft *d, const char *s)
{
    size_t n = strlen(s), room = sizeof d->text - d->len - RATING_N;

    if (n > room) /* each of those that follow needs its end */
        n = room;
    memcpy(d->text + d->len, s, n);
    d->text[d->len + n] = '\0';
    d->len += n + 1;
}

static struct rating *keep(struct blocks *b, const char *text, size_t len)
{
    size_t cap;
    struct rating *r = blocks_get(b, sizeof *r + len, &cap);

    if (!r)
        return NULL;
    r->cap = cap;
    r->len = (uint16_t)len;
    memcpy(r->text, text, len);
    return r;
}

/* "inter", "eea", "inter eea": what of it the configuration knows. */
static void put_class(struct draft *t, const struct conf *conf, struct rate_class rates)
{
    static const char *const name[] = {"", "inter", "intra", "indeterminate"};
    const char *j = conf->global.states && rates.jurisdiction < 4 ? name[rates.jurisdiction] : "";
    const char *zone = rates.zone < conf->zone.n ? conf->zone.v[rates.zone].name : "";
    char text[CONF_NAME_MAX + 20];

    snprintf(text, sizeof text, "%s%s%s", j, *j && *zone ? " " : "", zone);
    put(t, text);
}

static void put_money(struct draft *t, int64_t nano)
{
    char text[24];

    put(t, route_money(nano, text));
}

static void put_number(struct draft *t, uint32_t n)
{
    char text[12];

    snprintf(text, sizeof text, "%u", n);
    put(t, text);
}

static void put_terms(struct draft *t, uint32_t minimum, uint32_t increment, const char *code)
{
    put_number(t, minimum);
    put_number(t, increment);
    put(t, code);
}

static void put_key(struct draft *t, uint64_t key)
{
    char text[KEY_DIGITS + 1];

    put(t, key_text(key, text));
}

void rating_place(const struct conf *conf, const struct conf_loc *loc, char out[RATING_PLACE])
{
    const char *file = conf_loc_file(conf, loc);
    char line[12];
    size_t room = RATING_PLACE - 2 - (size_t)snprintf(line, sizeof line, "%u", loc->line);
    size_t len = strlen(file);

    snprintf(out, RATING_PLACE, "%s:%s", len > room ? file + len - room : file, line);
    if (!loc->line)
        out[0] = '\0';
}

struct rating *rating_of_call(struct blocks *b, const struct conf *conf,
                              const struct route_decision *d)
{
    struct draft t = {0};

    put_class(&t, conf, d->rates);
    if (d->sell_deck != CONF_NONE && d->sell_rate >= 0) {
        const struct conf_deck *k = &conf->deck.v[d->sell_deck];

        put(&t, k->name);
        put_key(&t, d->sell_key);
        put_money(&t, d->sell_rate);
        put(&t, k->currency);
        if (d->sell_terms)
            put_terms(&t, d->sell_terms->minimum, d->sell_terms->increment, d->sell_terms->code);
    }
    if (t.len == 1)
        return NULL; /* not even a class */
    return keep(b, t.text, t.len);
}

struct rating *rating_of_candidate(struct blocks *b, const struct conf *conf,
                                   const struct route_candidate *c)
{
    struct draft t = {0};
    const struct conf_deck *k;

    if (c->deck == CONF_NONE)
        return NULL;
    k = &conf->deck.v[c->deck];
    for (unsigned i = 0; i < RATING_DECK; i++)
        put(&t, ""); /* of the call */
    put(&t, k->name);
    put_key(&t, c->key);
    put_money(&t, c->rate);
    put(&t, k->currency);
    put_terms(&t, c->minimum, c->increment, c->code);
    put_money(&t, c->cost);
    put(&t, conf->global.currency);
    return keep(b, t.text, t.len);
}

void rating_free(struct blocks *b, struct rating *r)
{
    if (r)
        blocks_put(b, r, r->cap);
}

struct span rating_text(const struct rating *r, unsigned which)
{
    const char *p = r ? r->text : NULL, *end = r ? r->text + r->len : NULL;

    while (p < end && which-- > 0)
        p += strlen(p) + 1;
    return p < end ? span_of(p) : SPAN_NONE;
}

struct span rating_bytes(const struct rating *r)
{
    return r ? (struct span){r->text, r->len} : SPAN_NONE;
}

struct rating *rating_load(struct blocks *b, struct span bytes)
{
    if (span_is_empty(bytes) || bytes.len > RATING_BYTES || bytes.p[bytes.len - 1] != '\0')
        return NULL;
    return keep(b, bytes.p, bytes.len);
}
