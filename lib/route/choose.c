/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decision for one call, step by step: number, class, caller, lists, portability, rates, line, candidates.
 * Called by every worker for each call, by `explain` and by tests; allocates nothing. Must not know SIP messages.
 */
#include "route/choose.h"

/* @return false: the decision is made */
typedef bool (*step_fn)(struct choose *ch);

void choose_refuse(struct choose *ch, enum route_verdict verdict, uint16_t code, const char *reason)
{
    ch->d->verdict = verdict;
    ch->d->code = code;
    ch->d->reason = reason;
}

static const struct conf_numbers *numbers_of(const struct choose *ch, const struct conf_ref *ref)
{
    return ref->id == CONF_NONE || !ref->name ? NULL : &ch->conf->numbers.v[ref->id];
}

/* ---- numbers ---- */

/* What the rate tables will be asked for comes from memory while lists and lines are looked at. */
static void fetch_ahead(const struct choose *ch)
{
    const struct rate_set *set =
        ch->in->routes.id == CONF_NONE ? NULL : ch->rt->plan[ch->in->routes.id].set;
    if (set)
        lcr_prefetch(set->lcr, span_of(ch->d->routed));
    if (ch->in->sell_deck.id != CONF_NONE && ch->in->sell_deck.name)
        lcr_prefetch(ch->rt->sell[ch->in->sell_deck.id], span_of(ch->d->routed));
}

static bool step_number(struct choose *ch)
{
    struct route_decision *d = ch->d;
    char clean[NUMBER_MAX];
    const struct conf_rule *rule = NULL;
    int n = number_clean(ch->q->called, clean);
    if (n > 0) {
        n = number_translate(numbers_of(ch, &ch->in->numbers), span_of(clean), d->called, &rule);
        if (n == -ENOENT && ch->q->emergency) /* 112 is dialled everywhere, written in no plan */
            n = span_copy(span_of(clean), d->called, NUMBER_MAX);
        /* RFC 3966 §5.1.4: digits only. "+*1900..." would be on no list, and perhaps +1900... to a carrier */
        if (n > 0 && d->called[0] == '+' && !number_is_digits(span_of(d->called)))
            n = -EINVAL;
    }
    if (rule) {
        d->number_loc = rule->loc;
        if (rule->klass != CONF_CLASS_NONE && !ch->q->emergency) /* a call for help stays one */
            d->klass = rule->klass;
    }
    if (n < 0) {
        CHOOSE_NOTE(ch, ROUTE_STEP_NUMBER, &ch->in->loc, "%.*s: %s", (int)ch->q->called.len,
                    ch->q->called.len ? ch->q->called.p : "",
                    n == -ENOENT ? "no rule of `numbers` serves it" : "no number");
        choose_refuse(ch, ROUTE_BAD_NUMBER, 484, NULL);
        return false;
    }
    memcpy(d->routed, d->called, sizeof(d->routed));
    fetch_ahead(ch);
    CHOOSE_NOTE(ch, ROUTE_STEP_NUMBER, rule ? &rule->loc : NULL, "%s -> %s%s%s%s", clean, d->called,
                rule ? " (" : "", rule ? rule->text : "", rule ? ")" : "");
    return true;
}

static bool step_class(struct choose *ch)
{
    static const char *const name[] = {"ordinary", "emergency", "service"};
    ch->is_emergency = ch->d->klass == CONF_CLASS_EMERGENCY;
    CHOOSE_NOTE(ch, ROUTE_STEP_CLASS, ch->d->number_loc.line ? &ch->d->number_loc : NULL, "%s",
                name[ch->d->klass]);
    return true;
}

bool route_is_emergency(const struct route *rt, uint32_t trunk, struct span called)
{
    const struct conf_ref *ref = &rt->conf->trunk.v[trunk].numbers;
    const struct conf_rule *rule = NULL;
    char clean[NUMBER_MAX], out[NUMBER_MAX];
    return ref->id != CONF_NONE && ref->name && number_clean(called, clean) > 0 &&
           number_translate(&rt->conf->numbers.v[ref->id], span_of(clean), out, &rule) >= 0 &&
           rule && rule->klass == CONF_CLASS_EMERGENCY;
}

bool route_caller_is_own(const struct route *rt, uint32_t trunk, struct span number)
{
    const struct conf_trunk *t = &rt->conf->trunk.v[trunk];
    const struct conf_ref *ref = &t->numbers_caller;
    const struct conf_rule *rule;
    char clean[NUMBER_MAX], out[NUMBER_MAX];
    if (!t->caller.allow_file)
        return true;
    if (number_clean(number, clean) < 0)
        return false;
    if (ref->id == CONF_NONE || !ref->name ||
        number_translate(&rt->conf->numbers.v[ref->id], span_of(clean), out, &rule) < 0)
        memcpy(out, clean, sizeof(out));
    return list_find(rt->book->allow[trunk], span_of(out), NULL, NULL);
}

/* The calling number as this switch writes it; what no rule serves stays as it is, what is no number is none. */
static void normalise_caller(struct choose *ch)
{
    const struct conf_numbers *nums = numbers_of(ch, &ch->in->numbers_caller);
    char clean[NUMBER_MAX];
    const struct conf_rule *rule = NULL;
    struct route_decision *d = ch->d;
    if (number_clean(ch->q->caller, clean) < 0)
        return;
    if (number_translate(nums, span_of(clean), d->caller, &rule) < 0)
        memcpy(d->caller, clean, sizeof(d->caller));
    if (!number_is_digits(span_of(d->caller)))
        d->caller[0] = '\0';
    else
        CHOOSE_NOTE(ch, ROUTE_STEP_CALLER, rule ? &rule->loc : NULL, "%s -> %s", clean, d->caller);
}

/* Is it one of the trunk's own? */
static bool step_caller(struct choose *ch)
{
    const struct conf_caller *k = &ch->in->caller;
    struct route_decision *d = ch->d;
    uint32_t line = 0;
    normalise_caller(ch);
    if (!k->allow_file || ch->is_emergency)
        return true;
    if (d->caller[0] &&
        list_find(ch->rt->book->allow[ch->q->trunk], span_of(d->caller), &line, NULL)) {
        CHOOSE_NOTE(ch, ROUTE_STEP_CALLER, &k->allow_loc, "%s allowed, %s:%u", d->caller,
                    k->allow_file, line);
        return true;
    }
    if (!k->fallback) {
        CHOOSE_NOTE(ch, ROUTE_STEP_CALLER, &k->allow_loc, "%s is not in %s: refused",
                    d->caller[0] ? d->caller : "no number", k->allow_file);
        choose_refuse(ch, ROUTE_BAD_CALLER, 403, NULL);
        return false;
    }
    CHOOSE_NOTE(ch, ROUTE_STEP_CALLER, &k->loc, "%s is not in %s: %s in its place",
                d->caller[0] ? d->caller : "no number", k->allow_file, k->fallback);
    d->caller_replaced = span_copy(span_of(k->fallback), d->caller, NUMBER_MAX) > 0;
    return true;
}

/* ---- lists ---- */

static bool step_route(struct choose *ch)
{
    if (ch->in->routes.id == CONF_NONE) {
        CHOOSE_NOTE(ch, ROUTE_STEP_LINE, &ch->in->loc, "the trunk has no routes");
        choose_refuse(ch, ROUTE_NO_ROUTE, 404, NULL);
        return false;
    }
    ch->plan = &ch->rt->plan[ch->in->routes.id];
    return true;
}

/* The first line that lists its number decides. called: as dialled, or the routing number: it must not lead around a list. */
static bool is_unblocked(struct choose *ch, const char *called)
{
    const struct conf_route *r = ch->plan->conf;
    for (uint32_t i = 0; i < r->block.n; i++) {
        const struct conf_block *b = &r->block.v[i];
        const char *number = b->caller ? ch->d->caller : called;
        uint32_t line = 0;
        if (!number[0] || !list_find(ch->plan->block[i], span_of(number), &line, NULL))
            continue;
        if (b->file)
            CHOOSE_NOTE(ch, ROUTE_STEP_BLOCK, &b->loc, "%s %s, %s:%u", number,
                        b->allow ? "allowed" : "blocked", b->file, line);
        else
            CHOOSE_NOTE(ch, ROUTE_STEP_BLOCK, &b->loc, "%s %s", number,
                        b->allow ? "allowed" : "blocked");
        if (b->allow)
            return true;
        ch->d->line_loc = b->loc;
        choose_refuse(ch, ROUTE_REFUSED, b->cause, b->reason);
        return false;
    }
    if (r->block.n > 0)
        CHOOSE_NOTE(ch, ROUTE_STEP_BLOCK, NULL, "%s not listed", called);
    return true;
}

static bool step_block(struct choose *ch)
{
    return ch->is_emergency || is_unblocked(ch, ch->d->called);
}

/* ---- portability ---- */

/* A routing number as national networks write it goes through the trunk's plan like a called one. */
static bool take_routing_number(struct choose *ch)
{
    char clean[NUMBER_MAX];
    const struct conf_rule *rule;
    if (number_clean(ch->q->rn, clean) < 0 || !number_is_digits(span_of(clean)))
        return false;
    if (clean[0] == '+' || number_translate(numbers_of(ch, &ch->in->numbers), span_of(clean),
                                            ch->d->routed, &rule) < 0)
        memcpy(ch->d->routed, clean, sizeof(clean));
    return true;
}

static bool wants_dip(const struct choose *ch, const struct conf_dip *dip)
{
    const struct list *only = ch->rt->book->dip_only[dip->lnp.id];
    if (only ? list_find(only, span_of(ch->d->called), NULL, NULL) : ch->d->called[0] == '+')
        return true;
    CHOOSE_NOTE(ch, ROUTE_STEP_LNP, &dip->loc, "skipped: %s is outside of lnp %s", ch->d->called,
                dip->lnp.name);
    return false;
}

static bool ask_portability(struct choose *ch, const struct conf_dip *dip)
{
    CHOOSE_NOTE(ch, ROUTE_STEP_LNP, &dip->loc, "lnp %s is to be asked", dip->lnp.name);
    ch->d->lnp = dip->lnp.id;
    ch->d->lnp_timeout_ms = dip->timeout_ms;
    ch->d->line_loc = dip->loc;
    choose_refuse(ch, ROUTE_DIP, 503, NULL);
    return false;
}

static bool step_lnp(struct choose *ch)
{
    const struct conf_dip *dip = &ch->plan->conf->dip;
    bool has_dip = dip->lnp.id != CONF_NONE && dip->lnp.name;
    if (ch->is_emergency)
        return true;
    if (take_routing_number(ch)) {
        CHOOSE_NOTE(ch, ROUTE_STEP_LNP, has_dip ? &dip->loc : NULL, "%s is routed as %s",
                    ch->d->called, ch->d->routed);
        return is_unblocked(ch, ch->d->routed);
    }
    if (!has_dip)
        return true;
    switch (ch->q->dip) {
    case ROUTE_DIP_NOT: return !wants_dip(ch, dip) || ask_portability(ch, dip);
    case ROUTE_DIP_DONE:
        CHOOSE_NOTE(ch, ROUTE_STEP_LNP, &dip->loc, "%s is not ported", ch->d->called);
        return true;
    case ROUTE_DIP_FAILED: break;
    }
    CHOOSE_NOTE(ch, ROUTE_STEP_LNP, &dip->loc, "lnp %s did not answer: %s", dip->lnp.name,
                dip->reject ? "refused" : "routed as dialled");
    if (!dip->reject)
        return true;
    ch->d->line_loc = dip->loc;
    choose_refuse(ch, ROUTE_REFUSED, 503, NULL);
    return false;
}

/* ---- rates ---- */

static void tell_rates(const struct choose *ch)
{
    static const char *const name[] = {"", "inter", "intra", "indeterminate"};
    const struct route_decision *d = ch->d;
    char rate[24], key[KEY_DIGITS + 1];
    const char *zone =
        d->rates.zone < ch->conf->zone.n ? ch->conf->zone.v[d->rates.zone].name : "none";
    if (d->sell_deck == CONF_NONE)
        choose_note(ch, ROUTE_STEP_RATE, NULL, "%s, zone %s", name[d->rates.jurisdiction], zone);
    else if (d->sell_rate < 0)
        choose_note(ch, ROUTE_STEP_RATE, &ch->conf->deck.v[d->sell_deck].loc,
                    "%s, zone %s; sell deck %s has no rate for %s", name[d->rates.jurisdiction],
                    zone, ch->conf->deck.v[d->sell_deck].name, d->routed);
    else
        choose_note(ch, ROUTE_STEP_RATE, &ch->conf->deck.v[d->sell_deck].loc,
                    "%s, zone %s; sold by %s %s at %s %s/min", name[d->rates.jurisdiction], zone,
                    ch->conf->deck.v[d->sell_deck].name, key_text(d->sell_key, key),
                    ch->conf->deck.v[d->sell_deck].currency, route_money(d->sell_rate, rate));
}

static bool step_rates(struct choose *ch)
{
    struct route_decision *d = ch->d;
    struct lcr_row row;
    d->rates = origin_class(ch->rt->book->origin, span_of(d->caller), span_of(d->routed));
    if (ch->in->sell_deck.id != CONF_NONE && ch->in->sell_deck.name) {
        d->sell_deck = ch->in->sell_deck.id;
        if (lcr_find(ch->rt->sell[d->sell_deck], span_of(d->routed), d->rates, ch->q->wall_s,
                     UINT32_MAX, &row, 1) == 1) {
            d->sell_rate = row.rate;
            d->sell_cost = row.cost;
            d->sell_key = row.key;
            d->sell_terms = row.terms;
        }
    }
    if (ch->q->trace)
        tell_rates(ch);
    if (ch->q->wall_s < ch->rt->from_s)
        CHOOSE_NOTE(ch, ROUTE_STEP_RATE, NULL,
                    "what had ended when the decks were read is not kept: rows are those of then");
    return true;
}

/* ---- candidates ---- */

static void verdict_of(struct choose *ch)
{
    const struct route_decision *d = ch->d;
    if (d->n > 0)
        ch->d->verdict = ROUTE_OK;
    else if (d->dropped_down > 0)
        choose_refuse(ch, ROUTE_ALL_DOWN, 503, NULL);
    else if (d->dropped_offer > 0 || d->no_form == 0)
        choose_refuse(ch, ROUTE_NO_OFFER, 503, NULL);
    else
        choose_refuse(ch, ROUTE_BAD_NUMBER, 484, NULL);
}

static bool step_candidates(struct choose *ch)
{
    const struct conf_route_line *l = ch->line;
    if (l->via.n == 0 && l->lcr.n == 0) {
        ch->d->sound = l->announce.id;
        choose_refuse(ch, ROUTE_REFUSED, l->cause, l->reason);
        return false;
    }
    if (l->margin_given && ch->d->sell_rate < 0 && !ch->is_emergency) {
        CHOOSE_NOTE(ch, ROUTE_STEP_DROPPED, &l->loc,
                    "all of them: the line wants a margin, and the caller has no sell rate");
        choose_refuse(ch, ROUTE_NO_OFFER, 503, NULL);
        return false;
    }
    if (l->lcr.n > 0)
        choose_lcr(ch);
    choose_via(ch);
    choose_settle(ch);
    verdict_of(ch);
    return false;
}

static void tell_verdict(const struct choose *ch)
{
    static const char *const name[] = {
        [ROUTE_OK] = "routed",
        [ROUTE_REFUSED] = "refused by the route",
        [ROUTE_NO_ROUTE] = "no route",
        [ROUTE_BAD_NUMBER] = "no number that can be served",
        [ROUTE_ALL_DOWN] = "every trunk is down",
        [ROUTE_NO_OFFER] = "no offer within limits",
        [ROUTE_BAD_CALLER] = "calling number not allowed",
        [ROUTE_DIP] = "portability is asked first",
    };
    const struct route_decision *d = ch->d;
    if (d->verdict == ROUTE_OK || d->verdict == ROUTE_DIP)
        choose_note(ch, ROUTE_STEP_VERDICT, NULL, "%s", name[d->verdict]);
    else
        choose_note(ch, ROUTE_STEP_VERDICT, d->line_loc.line ? &d->line_loc : NULL,
                    "%s: %u%s%s%s%s", name[d->verdict], d->code, d->reason ? " " : "",
                    d->reason ? d->reason : "", d->sound == CONF_NONE ? "" : ", after sound ",
                    d->sound == CONF_NONE ? "" : ch->conf->sound.v[d->sound].name);
}

void route_decide(const struct route *rt, const struct route_query *q, struct route_decision *d)
{
    static const step_fn step[] = {step_number, step_class, step_caller, step_route,     step_block,
                                   step_lnp,    step_rates, choose_line, step_candidates};
    struct choose ch = {.rt = rt,
                        .conf = rt->conf,
                        .q = q,
                        .d = d,
                        .in = &rt->conf->trunk.v[q->trunk],
                        .rnd = q->rnd};
    memset(d, 0, offsetof(struct route_decision, candidate));
    d->sound = CONF_NONE;
    d->klass = q->emergency ? CONF_CLASS_EMERGENCY : CONF_CLASS_NONE;
    d->sell_deck = d->lnp = CONF_NONE;
    d->sell_rate = d->sell_cost = -1;
    for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++)
        if (!step[i](&ch))
            break;
    if (q->trace)
        tell_verdict(&ch);
}
