/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Third pass of a load, decks and the lines that use them: what a deck cannot serve, what a line cannot do, calendars, zones.
 * check.c and check_route.c call it; rows of decks are route/'s to check.
 */
#include <stdio.h>
#include <string.h>

#include "config/parse.h"

/* ---- a deck by itself ---- */

static const struct conf_deck_column *find_column(const struct conf_deck *d, enum conf_column what)
{
    uint32_t i;

    for (i = 0; i < d->column.n; i++) {
        if (d->column.v[i].what == what)
            return &d->column.v[i];
    }
    return NULL;
}

static bool has_jurisdiction(const struct conf_deck *d)
{
    return find_column(d, CONF_COL_INTER) || find_column(d, CONF_COL_INTRA);
}

/* Calls of a class that the deck has no column for find no rate in it. */
static void check_classes(struct parser *p, const struct conf_deck *d)
{
    static const struct {
        enum conf_column what;
        const char *word;
    } classes[] = {{CONF_COL_INTER, "inter"},
                   {CONF_COL_INTRA, "intra"},
                   {CONF_COL_INDETERMINATE, "indeterminate"}};
    uint32_t i, missing = 0, last = 0;

    if (d->column.n == 0 || find_column(d, CONF_COL_RATE))
        return;
    for (i = 0; i < COUNT(classes); i++) {
        if (!find_column(d, classes[i].what)) {
            missing++;
            last = i;
        }
    }
    if (missing == COUNT(classes))
        parse_warn(p, d->loc, 0,
                   "ratedeck '%s' has no rate for callers of no zone: add a column 'rate'",
                   d->name);
    else if (missing > 0)
        parse_warn(p, d->loc, 0,
                   "ratedeck '%s' has no rate for calls of class '%s': add that column, or 'rate'",
                   d->name, classes[last].word);
}

static void check_deck(struct parser *p, const struct conf_deck *d)
{
    const struct conf_deck_column *c = find_column(d, CONF_COL_INTER);

    if (!c)
        c = find_column(d, CONF_COL_INTRA);
    if (c && !p->conf->global.states)
        parse_error(p, c->loc, 0,
                    "who calls from which state is not known: section global needs a line 'states "
                    "PATH'");
    if (!d->incomplete)
        check_classes(p, d);
}

/* ---- decks in a line ---- */

/* As many of the deck's `only` as a message has room for. */
static const char *only_text(const struct conf_deck *d, char *buf, size_t size)
{
    size_t len = 0;
    uint32_t i;

    buf[0] = '\0';
    for (i = 0; i < d->only.n; i++) {
        int n = snprintf(buf + len, size - len, "%s%s", len ? " " : "", d->only.v[i]);

        if (n < 0 || (size_t)n >= size - len) {
            snprintf(buf + len, size - len, " …");
            break;
        }
        len += (size_t)n;
    }
    return buf;
}

/* What of a prefix a deck's `only` lets through. */
enum part { PART_NONE, PART_SOME, PART_ALL };

static enum part part_of(const struct conf_deck *d, const char *prefix, const char **some)
{
    enum part part = d->only.n ? PART_NONE : PART_ALL;
    uint32_t i;

    for (i = 0; i < d->only.n; i++) {
        if (prefix_is_within(prefix, d->only.v[i]))
            return PART_ALL;
        if (part == PART_NONE && prefix_is_within(d->only.v[i], prefix)) {
            part = PART_SOME;
            *some = d->only.v[i];
        }
    }
    return part;
}

/* A deck that serves nothing of a line is found by its rows (route/deck.h): here one that serves a part of it. */
static void check_only(struct parser *p, const struct conf_route_line *l,
                       const struct conf_ref *ref)
{
    const struct conf_deck *d = &p->conf->deck.v[ref->id];
    const char *wide = NULL, *some = NULL, *prefix;
    bool serves = false;
    char text[128];
    uint32_t i;

    if (l->kind == CONF_ROUTE_EMERGENCY)
        return;
    for (i = 0; i < l->prefix.n + (l->kind == CONF_ROUTE_DEFAULT); i++) {
        prefix = l->kind == CONF_ROUTE_DEFAULT ? "" : l->prefix.v[i];
        switch (part_of(d, prefix, &some)) {
        case PART_ALL:
            serves = true;
            some = some ? some : prefix;
            break;
        case PART_SOME: serves = true; /* fall through */
        case PART_NONE: wide = wide ? wide : prefix; break;
        }
    }
    if (serves && wide)
        parse_error(p, ref->loc, 0,
                    "ratedeck '%s' covers only %s but is used under '%s%s'; name it in a line "
                    "'prefix %s lcr ...' of its own",
                    d->name, only_text(d, text, sizeof(text)),
                    l->kind == CONF_ROUTE_DEFAULT ? "default" : "prefix ", wide, some);
}

static void check_deck_in_line(struct parser *p, const struct conf_route_line *l,
                               const struct conf_ref *ref)
{
    const struct conf_deck *d = &p->conf->deck.v[ref->id];

    if (!d->trunk.name) {
        parse_error(p, ref->loc, 0,
                    "ratedeck '%s' has no trunk, so no call can be sent by it: it is a sell deck",
                    d->name);
        return;
    }
    check_callable(p, ref, d->trunk.id);
    check_only(p, l, ref);
}

static void check_order(struct parser *p, const struct conf_route_line *l)
{
    bool quality = false, priority = false;
    const struct conf_deck *first = &p->conf->deck.v[l->lcr.v[0].id], *d;
    uint32_t i;

    for (i = 0; i < l->lcr.n; i++) {
        d = &p->conf->deck.v[l->lcr.v[i].id];
        quality = quality || find_column(d, CONF_COL_QUALITY);
        priority = priority || d->priority != first->priority;
    }
    for (i = 0; i < l->order.n; i++) {
        if (l->order.v[i] == CONF_ORDER_QUALITY && !quality)
            parse_warn(p, l->order_loc, 0,
                       "order by quality sorts nothing: no deck of this line has a column "
                       "'quality'");
        if (l->order.v[i] == CONF_ORDER_PRIORITY && !priority && l->lcr.n > 1)
            parse_warn(p, l->order_loc, 0,
                       "order by priority sorts nothing: all decks of this line have priority %u",
                       first->priority);
    }
}

void check_line_decks(struct parser *p, const struct conf_route_line *l)
{
    bool all = true;
    uint32_t i, j;

    for (i = 0; i < l->lcr.n; i++) {
        const struct conf_ref *ref = &l->lcr.v[i];

        for (j = 0; j < i && strcmp(l->lcr.v[j].name, ref->name) != 0; j++)
            ;
        if (j < i)
            parse_error(p, ref->loc, 0, "'%s' is in this line already", ref->name);
        else if (ref->id != CONF_NONE)
            check_deck_in_line(p, l, ref);
        all = all && ref->id != CONF_NONE;
    }
    if (l->lcr.n > 0 && all)
        check_order(p, l);
}

/* ---- all decks of a route ---- */

static void check_deck_count(struct parser *p, const struct conf_route *r)
{
    uint32_t seen[CONF_DECKS_MAX], i, j, k, n = 0;

    for (i = 0; i < r->line.n; i++) {
        for (j = 0; j < r->line.v[i].lcr.n; j++) {
            const struct conf_ref *ref = &r->line.v[i].lcr.v[j];

            for (k = 0; k < n && seen[k] != ref->id; k++)
                ;
            if (ref->id == CONF_NONE || k < n)
                continue;
            if (n == CONF_DECKS_MAX) {
                parse_error(p, ref->loc, 0, "more than %u decks in the lines of route '%s'",
                            CONF_DECKS_MAX, r->name);
                return;
            }
            seen[n++] = ref->id;
        }
    }
}

/* Calls of that trunk come to the line. */
static bool may_come(const struct conf *c, uint32_t trunk, uint32_t route,
                     const struct conf_route_line *l)
{
    const struct conf_trunk *t = &c->trunk.v[trunk];
    uint32_t i;

    for (i = 0; i < l->cond.from.n; i++) {
        const struct conf_from *f = &l->cond.from.v[i];

        if (f->ref.id == (f->is_customer ? t->customer.id : trunk))
            break;
    }
    return t->routes.id == route && (l->cond.from.n == 0 || i < l->cond.from.n);
}

/* A margin is kept against what the caller pays: somebody's sell deck. */
static void check_margin(struct parser *p, uint32_t route, const struct conf_route_line *l)
{
    const struct conf *c = p->conf;
    uint32_t i, with = 0, without = 0, last = 0;

    for (i = 0; i < c->trunk.n; i++) {
        if (!may_come(c, i, route, l))
            continue;
        if (c->trunk.v[i].sell_deck.name) {
            with++;
        } else {
            without++;
            last = i;
        }
    }
    if (with == 0 && without > 0)
        parse_error(p, l->margin_loc, 0,
                    "'margin' has no price to compare with: no trunk whose calls come here has a "
                    "'sell-deck'");
    else if (without > 0)
        parse_warn(p, l->margin_loc, 0,
                   "calls from trunk '%s' find no carrier here: 'margin' needs a price, and it has "
                   "no 'sell-deck'",
                   c->trunk.v[last].name);
}

void check_route_decks(struct parser *p, uint32_t route)
{
    const struct conf_route *r = &p->conf->route.v[route];
    uint32_t i;

    check_deck_count(p, r);
    for (i = 0; i < r->line.n; i++) {
        if (r->line.v[i].margin_given)
            check_margin(p, route, &r->line.v[i]);
    }
}

/* ---- bounds of a hunt ---- */

/* Decks, and targets that are groups: more trunks are in no line. */
#define HUNT_MAX (CONF_DECKS_MAX + CONF_CANDIDATES_MAX * CONF_CANDIDATES_MAX)

struct hunt {
    uint32_t trunk[HUNT_MAX]; /* that a call may be sent to */
    uint32_t n;
    uint32_t slow; /* one whose trying-timeout is the longest */
};

static void add_candidate(const struct conf *c, struct hunt *h, uint32_t trunk)
{
    uint32_t i;

    for (i = 0; i < h->n && h->trunk[i] != trunk; i++)
        ;
    if (trunk == CONF_NONE || i < h->n || h->n == HUNT_MAX)
        return;
    if (h->n == 0 || c->trunk.v[trunk].trying_timeout_ms > c->trunk.v[h->slow].trying_timeout_ms)
        h->slow = trunk;
    h->trunk[h->n++] = trunk;
}

static void add_candidates(const struct conf *c, struct hunt *h, const struct conf_route_line *l)
{
    uint32_t i, j;

    for (i = 0; i < l->lcr.n; i++) {
        if (l->lcr.v[i].id != CONF_NONE)
            add_candidate(c, h, c->deck.v[l->lcr.v[i].id].trunk.id);
    }
    for (i = 0; i < l->via.n; i++) {
        const struct conf_target *t = &l->via.v[i];

        if (t->ref.id == CONF_NONE)
            continue;
        if (!t->is_group)
            add_candidate(c, h, t->ref.id);
        for (j = 0; t->is_group && j < c->group.v[t->ref.id].member.n; j++)
            add_candidate(c, h, c->group.v[t->ref.id].member.v[j].ref.id);
    }
}

void check_line_bounds(struct parser *p, const struct conf_route_line *l)
{
    const struct conf *c = p->conf;
    struct hunt h;
    char within[16], trying[16];

    if (l->max_attempts == 0 && l->deadline_ms == 0)
        return;
    h.n = h.slow = 0;
    add_candidates(c, &h, l);
    if (h.n == 0)
        return; /* reported */
    if (l->max_attempts > h.n)
        parse_warn(p, l->attempts_loc, 0, "max %u attempts: the line leads to %u trunk%s",
                   l->max_attempts, h.n, h.n == 1 ? "" : "s");
    if (l->deadline_ms && h.n > 1 && l->deadline_ms <= c->trunk.v[h.slow].trying_timeout_ms)
        parse_warn(
            p, l->deadline_loc, 0,
            "within %s is over before trunk '%s' has been silent for its trying-timeout of "
            "%s: nothing is tried after it",
            parse_duration_text(l->deadline_ms, within, sizeof(within)), c->trunk.v[h.slow].name,
            parse_duration_text(c->trunk.v[h.slow].trying_timeout_ms, trying, sizeof(trying)));
}

/* ---- calendars ---- */

#define DAY_MINUTES  1440U
#define WEEK_MINUTES (7 * DAY_MINUTES)

static uint32_t length_of(const struct conf_hours *h)
{
    return h->to > h->from ? (uint32_t)h->to - h->from : DAY_MINUTES - h->from + h->to;
}

/* Two spans of a week that goes round. */
static bool spans_meet(uint32_t a, uint32_t a_len, uint32_t b, uint32_t b_len)
{
    return (b + WEEK_MINUTES - a) % WEEK_MINUTES < a_len ||
           (a + WEEK_MINUTES - b) % WEEK_MINUTES < b_len;
}

static bool hours_meet(const struct conf_hours *a, const struct conf_hours *b)
{
    uint32_t i, j;

    if ((a->days & b->days & 0x80) && spans_meet(a->from, length_of(a), b->from, length_of(b)))
        return true;
    for (i = 0; i < 7; i++) {
        for (j = 0; j < 7; j++) {
            if ((a->days >> i & 1) && (b->days >> j & 1) &&
                spans_meet(i * DAY_MINUTES + a->from, length_of(a), j * DAY_MINUTES + b->from,
                           length_of(b)))
                return true;
        }
    }
    return false;
}

static void check_calendar(struct parser *p, const struct conf_calendar *c)
{
    unsigned days = 0;
    uint32_t i, j;

    for (i = 0; i < c->open.n; i++) {
        days |= c->open.v[i].days;
        for (j = 0; j < i && !hours_meet(&c->open.v[j], &c->open.v[i]); j++)
            ;
        if (j < i)
            parse_warn(p, c->open.v[i].loc, 0, "hours overlap those of line %u",
                       c->open.v[j].loc.line);
    }
    for (i = 1; i < c->holiday.n; i++) {
        const struct conf_date *d = &c->holiday.v[i];

        for (j = 0; j < i && (c->holiday.v[j].month != d->month || c->holiday.v[j].day != d->day ||
                              (c->holiday.v[j].year && c->holiday.v[j].year != d->year));
             j++)
            ;
        if (j < i)
            parse_warn(p, d->loc, 0, "this holiday is in line %u already",
                       c->holiday.v[j].loc.line);
    }
    if (days == 0x80 && c->holiday.n == 0)
        parse_error(p, c->loc, 0,
                    "calendar '%s' is never open: it has hours of holidays, and no "
                    "holiday",
                    c->name);
}

/* ---- all of them ---- */

void check_decks(struct parser *p)
{
    const struct conf *c = p->conf;
    bool states = false;
    uint32_t i;

    for (i = 0; i < c->deck.n; i++) {
        check_deck(p, &c->deck.v[i]);
        states = states || has_jurisdiction(&c->deck.v[i]);
    }
    if (c->global.states && !states)
        parse_warn(p, c->global.states_loc, 0,
                   "states are not used: no ratedeck has a column 'inter' or 'intra'");
    for (i = 0; i < c->calendar.n; i++)
        check_calendar(p, &c->calendar.v[i]);
    for (i = 0; i < c->trunk.n; i++) {
        const struct conf_ref *ref = &c->trunk.v[i].sell_deck;

        if (ref->id != CONF_NONE && c->deck.v[ref->id].trunk.name)
            parse_error(p, ref->loc, 0,
                        "ratedeck '%s' is what trunk '%s' takes: a sell deck has no trunk",
                        ref->name, c->deck.v[ref->id].trunk.name);
    }
}
