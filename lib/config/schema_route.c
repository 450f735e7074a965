/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schema of the section route: lines made of clauses, portability, block and allow lists.
 * parse.c runs the table; what lines mean to each other is checked in check_route.c.
 */
#include <stddef.h>
#include <string.h>

#include "config/schema.h"
#include "core/err.h"

#define VMAX CONF_VALUES_MAX

/* What a line does; a clause says with which of them it goes. */
enum { DOES_LCR = 1, DOES_VIA = 2, DOES_CAUSE = 4, DOES_ANY = 7 };

struct line_parser {
    struct parser *p;
    const struct keyword *kw;
    struct args *args;
    struct conf_route_line l;
    uint32_t seen;                /* clauses, bit = place in the table */
    const struct lex_token *word; /* of the clause in hand */
};

struct clause {
    const char *word;
    bool (*parse)(struct line_parser *lp); /* false: reported */
    unsigned goes_with;
    struct keyword kw; /* its syntax, for messages */
};

static const struct clause *find_clause(const struct lex_token *t);

/* A list of names or prefixes goes on until a clause begins; in quotes a word is a name. */
static const struct lex_token *next_of_list(struct line_parser *lp)
{
    struct args *a = lp->args;

    return a->i < a->n && !find_clause(&a->tok[a->i]) ? args_next(a) : NULL;
}

/* The first of a list, or an error. */
static const struct lex_token *need_of_list(struct line_parser *lp, const char *what)
{
    struct args *a = lp->args;
    const struct lex_token *t = next_of_list(lp);

    if (!t && a->i < a->n)
        parse_token_error(
            lp->p, &a->tok[a->i],
            "%s missing before '%.*s'; a name that is a word of the line stands in quotes", what,
            SPAN_ARG(a->tok[a->i].s));
    else if (!t)
        args_need(lp->p, lp->kw, a, what);
    return t;
}

/* ---- conditions ---- */

static bool is_prefix_like(struct span s)
{
    return s.len > 0 && (s.p[0] == '+' || (s.p[0] >= '0' && s.p[0] <= '9'));
}

static bool clause_when(struct line_parser *lp)
{
    const struct lex_token *t;

    lp->l.cond.when_closed = args_word(lp->args, "not");
    t = need_of_list(lp, "calendar");
    return t && parse_ref(lp->p, t, &lp->l.cond.when);
}

static bool clause_from(struct line_parser *lp)
{
    const struct lex_token *t = need_of_list(lp, "trunk or customer");

    for (; t; t = next_of_list(lp)) {
        struct conf_from *f = APPEND(lp->p, lp->l.cond.from);

        if (!parse_ref(lp->p, t, &f->ref))
            return false;
    }
    return lp->l.cond.from.n > 0;
}

static bool clause_caller(struct line_parser *lp)
{
    const struct lex_token *t = need_of_list(lp, "prefix");
    const char *prefix;

    for (; t; t = next_of_list(lp)) {
        if (lp->l.cond.caller.n > 0 && !is_prefix_like(t->s)) {
            lp->args->i--; /* a clause that is misspelt */
            return true;
        }
        if (!parse_prefix(lp->p, t, &prefix))
            return false;
        warn_prefix_within(lp->p, t, lp->l.cond.caller.v, lp->l.cond.caller.n);
        *(const char **)APPEND(lp->p, lp->l.cond.caller) = prefix;
    }
    return lp->l.cond.caller.n > 0;
}

/* ---- lcr and what sorts and drops its candidates ---- */

static bool clause_lcr(struct line_parser *lp)
{
    const struct lex_token *t = need_of_list(lp, "ratedeck");

    for (; t; t = next_of_list(lp)) {
        if (lp->l.lcr.n >= CONF_DECKS_MAX) {
            parse_token_error(lp->p, t, "more than %u decks", CONF_DECKS_MAX);
            return false;
        }
        if (!parse_ref(lp->p, t, APPEND(lp->p, lp->l.lcr)))
            return false;
    }
    return lp->l.lcr.n > 0;
}

static bool clause_order(struct line_parser *lp)
{
    static const char *const words[] = {"cost", "quality", "priority", "asr", "acd", "pdd", NULL};
    const struct lex_token *t = need_of_list(lp, "order");
    uint32_t i;
    int o;

    lp->l.order_loc = parse_loc(lp->p, lp->word);
    for (; t; t = next_of_list(lp)) {
        if ((o = parse_choice(lp->p, t, words)) < 0)
            return false;
        for (i = 0; i < lp->l.order.n; i++) {
            if (lp->l.order.v[i] == (enum conf_order)o) {
                parse_token_error(lp->p, t, "'%s' is in this order already", words[o]);
                return false;
            }
        }
        *(enum conf_order *)APPEND(lp->p, lp->l.order) = (enum conf_order)o;
    }
    return lp->l.order.n > 0;
}

static bool clause_max_cost(struct line_parser *lp)
{
    const struct lex_token *t = args_need(lp->p, lp->kw, lp->args, "price a minute");

    return t && parse_money(lp->p, t, &lp->l.max_cost);
}

static bool clause_margin(struct line_parser *lp)
{
    const struct lex_token *t = args_need(lp->p, lp->kw, lp->args, "price a minute or percentage");

    if (!t)
        return false;
    lp->l.margin_given = true;
    lp->l.margin_loc = parse_loc(lp->p, t);
    if (t->s.len > 0 && t->s.p[t->s.len - 1] == '%')
        /* below 100: what costs nothing is all that leaves a margin of 100 % */
        return parse_ppm(lp->p, t, 999999, &lp->l.margin_ppm);
    return parse_money(lp->p, t, &lp->l.margin);
}

static bool clause_min_asr(struct line_parser *lp)
{
    const struct lex_token *t = args_need(lp->p, lp->kw, lp->args, "percentage");
    uint32_t pct;

    if (!t || !parse_percent(lp->p, t, 1, 100, &pct))
        return false;
    lp->l.quality.min_asr = (uint8_t)pct;
    return true;
}

/* 1 s to 1 h: no destination's calls are longer in the mean. */
static bool clause_min_acd(struct line_parser *lp)
{
    static const struct keyword bounds = {.lo = SECOND, .hi = HOUR};
    const struct lex_token *t = args_need(lp->p, lp->kw, lp->args, "duration");

    return t && parse_duration(lp->p, &bounds, t, &lp->l.quality.min_acd_ms);
}

/* 100 ms is less than a round trip to a PSTN gateway and back; after a minute nobody waits. */
static bool clause_max_pdd(struct line_parser *lp)
{
    static const struct keyword bounds = {.lo = 100, .hi = MINUTE};
    const struct lex_token *t = args_need(lp->p, lp->kw, lp->args, "duration");

    return t && parse_duration(lp->p, &bounds, t, &lp->l.quality.max_pdd_ms);
}

/* A million calls to one destination within the window of the figures: no carrier sees them. */
static bool clause_sample(struct line_parser *lp)
{
    const struct lex_token *t = args_need(lp->p, lp->kw, lp->args, "number of calls");

    return t && parse_number(lp->p, t, 1, 1000000, &lp->l.quality.sample);
}

/* ---- via ---- */

enum share { SHARE_NONE, SHARE_WEIGHT, SHARE_PERCENT };

/* `70%` or `weight 70` behind a target; *share stays NONE if neither is there. */
static bool target_share(struct line_parser *lp, struct conf_target *target, enum share *share)
{
    struct args *a = lp->args;
    const struct lex_token *t;
    uint32_t n;

    *share = SHARE_NONE;
    if (args_word(a, "weight")) {
        if (!(t = args_need(lp->p, lp->kw, a, "weight")) ||
            !parse_number(lp->p, t, 1, UINT16_MAX, &n))
            return false;
        *share = SHARE_WEIGHT;
    } else if (a->i < a->n && a->tok[a->i].s.len > 0 &&
               a->tok[a->i].s.p[a->tok[a->i].s.len - 1] == '%') {
        if (!parse_percent(lp->p, args_next(a), 1, 100, &n))
            return false;
        *share = SHARE_PERCENT;
    } else {
        return true;
    }
    target->weight = (uint16_t)n;
    target->shared = true;
    return true;
}

/* The targets of a tier share it all in one way; percentages are all of it. */
static bool tier_is_whole(struct line_parser *lp, uint32_t first, const enum share *share)
{
    const struct conf_target *v = lp->l.via.v;
    uint32_t i, n = lp->l.via.n - first, sum = 0;

    for (i = 1; i < n; i++) {
        if (share[i] == share[0])
            continue;
        parse_error(
            lp->p, v[first + i].ref.loc, strlen(v[first + i].ref.name),
            share[i] == SHARE_NONE || share[0] == SHARE_NONE
                ? "either all targets of a tier have a share, or none; 'then' begins a new tier"
                : "a tier is shared by percentages or by weights, not by both");
        return false;
    }
    for (i = 0; i < n; i++)
        sum += v[first + i].weight;
    if (share[0] != SHARE_PERCENT || sum == 100)
        return true;
    parse_error(lp->p, v[first].ref.loc, strlen(v[first].ref.name),
                "percentages of a tier must add up to 100; these make %u", sum);
    return false;
}

static bool via_tier(struct line_parser *lp, uint8_t tier)
{
    const struct lex_token *t = need_of_list(lp, "trunk or group");
    enum share share[CONF_CANDIDATES_MAX];
    uint32_t first = lp->l.via.n, n = 0;
    struct conf_target *target;

    for (; t; t = next_of_list(lp)) {
        if (lp->l.via.n >= CONF_CANDIDATES_MAX) {
            parse_token_error(lp->p, t, "more than %u targets", CONF_CANDIDATES_MAX);
            return false;
        }
        target = APPEND(lp->p, lp->l.via);
        target->weight = 100;
        target->tier = tier;
        if (!parse_ref(lp->p, t, &target->ref) || !target_share(lp, target, &share[n++]))
            return false;
    }
    return n > 0 && tier_is_whole(lp, first, share);
}

static bool clause_via(struct line_parser *lp)
{
    uint8_t tier = 0;

    do {
        if (!via_tier(lp, tier++))
            return false;
    } while (args_word(lp->args, "then"));
    return true;
}

/* `lcr A B then C`: behind the candidates of the decks. */
static bool clause_then(struct line_parser *lp)
{
    if (lp->l.lcr.n > 0 && lp->l.via.n == 0)
        return clause_via(lp);
    parse_token_error(lp->p, lp->word,
                      "'then' stands behind the targets of 'via', or behind 'lcr'");
    return false;
}

/* ---- bounds of a hunt, refusal ---- */

static bool clause_max(struct line_parser *lp)
{
    const struct lex_token *t = args_need(lp->p, lp->kw, lp->args, "number");

    if (!t || !parse_number(lp->p, t, 1, CONF_CANDIDATES_MAX, &lp->l.max_attempts))
        return false;
    lp->l.attempts_loc = parse_loc(lp->p, t);
    if (args_word(lp->args, "attempts"))
        return true;
    if ((t = args_need(lp->p, lp->kw, lp->args, "'attempts'")))
        parse_token_error(lp->p, t, "expected 'attempts', found '%.*s'", SPAN_ARG(t->s));
    return false;
}

/* Below a second the first attempt has not even been acknowledged; setup-timeout ends at ten minutes. */
static bool clause_within(struct line_parser *lp)
{
    static const struct keyword bounds = {.lo = SECOND, .hi = 10 * MINUTE};
    const struct lex_token *t = args_need(lp->p, lp->kw, lp->args, "duration");

    if (!t || !parse_duration(lp->p, &bounds, t, &lp->l.deadline_ms))
        return false;
    lp->l.deadline_loc = parse_loc(lp->p, t);
    return true;
}

/* CODE ["TEXT"]; the word `cause` is taken already. */
static bool cause(struct parser *p, const struct keyword *kw, struct args *args, uint16_t *code,
                  const char **reason)
{
    const struct lex_token *t = args_need(p, kw, args, "code");
    uint32_t n;

    if (!t || !parse_number(p, t, 400, CONF_CODE_MAX, &n))
        return false;
    *code = (uint16_t)n;
    if (args->i >= args->n || (!args->tok[args->i].quoted && find_clause(&args->tok[args->i])))
        return true;
    t = args_next(args);
    if (!t->quoted || t->s.len == 0) {
        parse_token_error(p, t, "a reason phrase is written in quotes");
        return false;
    }
    *reason = parse_strdup(p, t->s);
    return true;
}

static bool clause_cause(struct line_parser *lp)
{
    return cause(lp->p, lp->kw, lp->args, &lp->l.cause, &lp->l.reason);
}

/* The sound before it. */
static bool clause_announce(struct line_parser *lp)
{
    const struct lex_token *t = args_need(lp->p, lp->kw, lp->args, "sound");

    return t && parse_ref(lp->p, t, &lp->l.announce);
}

/* ---- a line ---- */

#define CLAUSE(name, fn, goes, text, says)             \
    {                                                  \
        name, fn, goes,                                \
        {                                              \
            .word = name, .syntax = text, .help = says \
        }                                              \
    }

static const struct clause clauses[] = {
    CLAUSE("when", clause_when, DOES_ANY, "when [not] CALENDAR",
           "while a calendar is open, or is not"),
    CLAUSE("from", clause_from, DOES_ANY, "from TRUNK|CUSTOMER...",
           "calls of these trunks and customers"),
    CLAUSE("caller", clause_caller, DOES_ANY, "caller PREFIX...",
           "calls of callers with these prefixes"),
    CLAUSE("lcr", clause_lcr, DOES_ANY, "lcr DECK...", "trunks by their decks, cheapest first"),
    CLAUSE("via", clause_via, DOES_ANY, "via TARGET [N%|weight N]... [then TARGET...]",
           "trunks and groups, in order or by share"),
    CLAUSE("then", clause_then, DOES_ANY, "then TARGET...", "tried when those before are through"),
    CLAUSE("cause", clause_cause, DOES_ANY, "cause CODE [\"TEXT\"]", "a refusal"),
    CLAUSE("announce", clause_announce, DOES_CAUSE, "announce SOUND",
           "what the caller hears before the refusal"),
    CLAUSE("order", clause_order, DOES_LCR, "order cost|quality|priority|asr|acd|pdd...",
           "what candidates are sorted by"),
    CLAUSE("max-cost", clause_max_cost, DOES_LCR, "max-cost X",
           "dearer candidates are dropped; a minute, in the base currency"),
    CLAUSE("margin", clause_margin, DOES_LCR, "margin X|N%",
           "what the caller pays must be above the cost by so much"),
    CLAUSE("min-asr", clause_min_asr, DOES_LCR, "min-asr N%",
           "candidates with fewer calls answered are dropped"),
    CLAUSE("min-acd", clause_min_acd, DOES_LCR, "min-acd DURATION",
           "candidates with shorter calls are dropped"),
    CLAUSE("max-pdd", clause_max_pdd, DOES_LCR, "max-pdd DURATION",
           "candidates with a longer post-dial delay are dropped"),
    CLAUSE("sample", clause_sample, DOES_LCR, "sample N",
           "calls to judge by, before any is dropped"),
    CLAUSE("max", clause_max, DOES_LCR | DOES_VIA, "max N attempts", "attempts, and no more"),
    CLAUSE("within", clause_within, DOES_LCR | DOES_VIA, "within DURATION",
           "no attempt begins later than that"),
};

static const struct clause *find_clause(const struct lex_token *t)
{
    uint32_t i;

    for (i = 0; !t->quoted && i < COUNT(clauses); i++) {
        if (span_eq(t->s, span_of(clauses[i].word)))
            return &clauses[i];
    }
    return NULL;
}

const struct keyword *schema_clause(uint32_t n)
{
    return n < COUNT(clauses) ? &clauses[n].kw : NULL;
}

static void refuse_clause(struct line_parser *lp, const struct lex_token *t)
{
    struct nearest near;
    uint32_t i;

    if (span_eq(t->s, SPAN("use"))) {
        parse_token_error(lp->p, t, "'%.*s' is not served by this version", SPAN_ARG(t->s));
        return;
    }
    nearest_init(&near, t->s);
    for (i = 0; i < COUNT(clauses); i++)
        nearest_try(&near, clauses[i].word);
    if (lp->seen == 0)
        parse_error_meant(lp->p, parse_loc(lp->p, t), t->width, near.best,
                          "'%.*s' is neither %s'via', 'lcr' nor 'cause'", SPAN_ARG(t->s),
                          lp->l.kind == CONF_ROUTE_PREFIX ? "a prefix, " : "");
    else
        parse_error_meant(lp->p, parse_loc(lp->p, t), t->width, near.best,
                          "'%.*s' means nothing behind '%s'", SPAN_ARG(t->s), lp->kw->syntax);
}

static bool one_clause(struct line_parser *lp)
{
    const struct lex_token *t = args_next(lp->args);
    const struct clause *c = find_clause(t);
    uint32_t bit;

    if (!c) {
        refuse_clause(lp, t);
        return false;
    }
    bit = 1U << (c - clauses);
    if (lp->seen & bit) {
        parse_token_error(lp->p, t, "'%s' is in this line already", c->word);
        return false;
    }
    lp->seen |= bit;
    lp->word = t;
    lp->kw = &c->kw;
    return c->parse(lp);
}

/* Which clauses go with what the line does. */
static bool clauses_fit(struct line_parser *lp)
{
    const struct conf_route_line *l = &lp->l;
    unsigned does = l->cause ? DOES_CAUSE : (l->lcr.n ? DOES_LCR : 0U) | (l->via.n ? DOES_VIA : 0U);
    uint32_t i;

    if (!does) {
        parse_line_error(lp->p, lp->args, "what becomes of the call is missing: via, lcr or cause");
        return false;
    }
    if (l->cause && l->lcr.n + l->via.n > 0) {
        parse_error(lp->p, l->loc, 0,
                    "a line refuses a call with 'cause' or sends it on, not both");
        return false;
    }
    for (i = 0; i < COUNT(clauses); i++) {
        if (!(lp->seen >> i & 1) || (clauses[i].goes_with & does))
            continue;
        parse_error(lp->p, l->loc, 0,
                    clauses[i].goes_with == DOES_LCR
                        ? "'%s' needs 'lcr': only decks have candidates to sort and to drop"
                    : clauses[i].goes_with == DOES_CAUSE
                        ? "'%s' needs 'cause': the refusal behind it"
                        : "'%s' needs 'lcr' or 'via'",
                    clauses[i].word);
        return false;
    }
    return true;
}

/* A call for help is dropped for no price and no refusal. */
static bool fits_emergency(struct line_parser *lp)
{
    const struct conf_route_line *l = &lp->l;
    const char *word = l->cause           ? "cause"
                       : l->max_cost >= 0 ? "max-cost"
                       : l->margin_given  ? "margin"
                       : l->quality.min_asr || l->quality.min_acd_ms || l->quality.max_pdd_ms
                           ? "min-asr, min-acd or max-pdd"
                       : l->max_attempts || l->deadline_ms ? "max or within"
                                                           : NULL;

    if (l->kind != CONF_ROUTE_EMERGENCY || !word)
        return true;
    parse_error(lp->p, l->loc, 0, "an emergency line has no %s: it would drop calls for help",
                word);
    return false;
}

static void route_line(struct line_parser *lp)
{
    static const enum conf_order by_cost[] = {CONF_ORDER_COST};
    struct conf_route *r = lp->p->obj;
    struct conf_route_line *l = &lp->l;

    while (lp->args->i < lp->args->n) {
        if (!one_clause(lp))
            return;
    }
    if (!clauses_fit(lp) || !fits_emergency(lp))
        return;
    if (l->lcr.n > 0 && l->order.n == 0)
        *(enum conf_order *)APPEND(lp->p, l->order) = by_cost[0];
    *(struct conf_route_line *)APPEND(lp->p, r->line) = *l;
}

static void line_init(struct line_parser *lp, struct parser *p, const struct keyword *kw,
                      struct args *args)
{
    *lp = (struct line_parser){.p = p, .kw = kw, .args = args};
    lp->l.max_cost = -1;
    lp->l.cond.when.id = CONF_NONE;
    lp->l.announce.id = CONF_NONE;
    lp->l.quality.sample = 50;
    lp->l.loc = parse_loc(p, &args->tok[0]);
}

static void kw_prefix(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct line_parser lp;
    const char *prefix;

    (void)field;
    line_init(&lp, p, kw, args);
    lp.l.kind = CONF_ROUTE_PREFIX;
    while (args->i < args->n && is_prefix_like(args->tok[args->i].s)) {
        if (!parse_prefix(p, args_next(args), &prefix))
            return;
        *(const char **)APPEND(p, lp.l.prefix) = prefix;
    }
    if (lp.l.prefix.n == 0) {
        parse_token_error(p, &args->tok[args->i],
                          "'%.*s' is not a prefix: digits, a '+' may stand first",
                          SPAN_ARG(args->tok[args->i].s));
        return;
    }
    route_line(&lp);
}

static void kw_other_line(struct parser *p, const struct keyword *kw, void *field,
                          struct args *args)
{
    struct line_parser lp;

    (void)field;
    line_init(&lp, p, kw, args);
    lp.l.kind = strcmp(kw->word, "emergency") == 0 ? CONF_ROUTE_EMERGENCY : CONF_ROUTE_DEFAULT;
    route_line(&lp);
}

/* ---- lnp ---- */

/* Below 1 ms no answer comes back; above 5 s the caller hears nothing for too long (E.721: 5 s in the mean, toll). */
static void kw_dip(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    static const char *const words[] = {"route-on-dialled", "reject", NULL};
    struct conf_dip dip = {.timeout_ms = 80};
    const struct lex_token *t;
    int i;

    dip.loc = parse_loc(p, &args->tok[0]);
    if (!parse_ref(p, args_next(args), &dip.lnp))
        return;
    while (args->i < args->n) {
        if (args_word(args, "timeout")) {
            if (!(t = args_need(p, kw, args, "duration")) ||
                !parse_duration(p, kw, t, &dip.timeout_ms))
                return;
        } else if (args_word(args, "on-fail")) {
            if (!(t = args_need(p, kw, args, "route-on-dialled or reject")) ||
                (i = parse_choice(p, t, words)) < 0)
                return;
            dip.reject = i == 1;
        } else {
            return; /* the caller reports what is left */
        }
    }
    memcpy(field, &dip, sizeof(dip));
}

/* ---- block and allow ---- */

static bool block_prefixes(struct parser *p, struct args *args, struct conf_block *b)
{
    const struct lex_token *t;
    const char *prefix;

    while (args->i < args->n && !span_eq(args->tok[args->i].s, SPAN("cause"))) {
        t = args_next(args);
        if (!parse_prefix(p, t, &prefix))
            return false;
        warn_prefix_within(p, t, b->prefix.v, b->prefix.n);
        *(const char **)APPEND(p, b->prefix) = prefix;
    }
    if (b->prefix.n == 0)
        parse_line_error(p, args, "prefix missing");
    return b->prefix.n > 0;
}

static bool block_what(struct parser *p, const struct keyword *kw, struct args *args,
                       struct conf_block *b)
{
    static const char *const words[] = {"prefix", "prefix-file", NULL};
    const struct lex_token *t;
    int i;

    if (!(t = args_need(p, kw, args, "'prefix' or 'prefix-file'")) ||
        (i = parse_choice(p, t, words)) < 0)
        return false;
    if (i == 0)
        return block_prefixes(p, args, b);
    return (t = args_need(p, kw, args, "file")) && parse_path(p, t, &b->file);
}

static void kw_block(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_block b = {.cause = 403};
    struct conf_route *r = p->obj;

    (void)field;
    b.loc = parse_loc(p, &args->tok[0]);
    b.allow = strcmp(kw->word, "allow") == 0;
    b.caller = args_word(args, "caller");
    if (!block_what(p, kw, args, &b))
        return;
    if (args->i < args->n && b.allow) {
        parse_token_error(p, &args->tok[args->i],
                          "nothing may follow here: an allowed number gets no cause");
        return;
    }
    if (args_word(args, "cause") && !cause(p, kw, args, &b.cause, &b.reason))
        return;
    if (r->block.n >= CONF_BLOCKS_MAX) {
        parse_error(p, b.loc, 0, "more than %u block and allow lines in route '%s'",
                    CONF_BLOCKS_MAX, r->name);
        return;
    }
    *(struct conf_block *)APPEND(p, r->block) = b;
}

/* ---- the section ---- */

static void route_defaults(void *obj)
{
    struct conf_route *r = obj;

    r->dip.lnp.id = CONF_NONE;
    r->dip.timeout_ms = 80;
}

static void close_route(struct parser *p, void *obj, bool clean)
{
    struct conf_route *r = obj;

    r->incomplete = !clean;
    if (clean && r->line.n == 0)
        parse_error(p, r->loc, strlen(r->name), "route '%s' has no line", r->name);
}

#define CONDITIONS "[when [not] CALENDAR] [from TRUNK|CUSTOMER...] [caller PREFIX...]"
#define TARGETS    "TARGET [N%|weight N]... [then TARGET...]"
#define LCR                                                                                \
    "lcr DECK... [order cost|quality|priority|asr|acd|pdd...] [max-cost X] [margin X|N%] " \
    "[min-asr N%] [min-acd DURATION] [max-pdd DURATION] [sample N] [then TARGET...]"
#define HUNT    "[max N attempts] [within DURATION]"
#define REFUSAL "cause CODE [\"TEXT\"]"

static const struct keyword route_kw[] = {
    {"lnp", "dip", kw_dip, FIELD(struct conf_route, dip), 1, 5, 0, 1, 5 * SECOND,
     "lnp dip NAME [timeout DURATION] [on-fail route-on-dialled|reject]",
     "ported numbers are routed on their routing number"},
    {"block", NULL, kw_block, 0, 0, 2, VMAX, KW_REPEAT, 0, 0,
     "block [caller] prefix P...|prefix-file PATH [" REFUSAL "]",
     "calls to (or from) these numbers are refused"},
    {"allow", NULL, kw_block, 0, 0, 2, VMAX, KW_REPEAT, 0, 0,
     "allow [caller] prefix P...|prefix-file PATH", "an exception from the block lines behind it"},
    {"emergency", NULL, kw_other_line, 0, 0, 1, VMAX, 0, 0, 0,
     "emergency " CONDITIONS " via " TARGETS, "where calls for help go, before all prefixes"},
    {"prefix", NULL, kw_prefix, 0, 0, 2, VMAX, KW_REPEAT, 0, 0,
     "prefix P... " CONDITIONS " via " TARGETS " | " LCR " " HUNT " | " REFUSAL,
     "where calls to these numbers go; the longest prefix wins"},
    {"default", NULL, kw_other_line, 0, 0, 1, VMAX, 0, 0, 0,
     "default " CONDITIONS " via " TARGETS " | " LCR " " HUNT " | " REFUSAL,
     "where calls go that no prefix fits"},
};

const struct section section_route = {
    .word = "route",
    .syntax = "route NAME",
    .help = "where calls go, by prefix",
    .list_off = LIST(route),
    .size = sizeof(struct conf_route),
    .kw = route_kw,
    .n_kw = COUNT(route_kw),
    .defaults = route_defaults,
    .close = close_route,
};
