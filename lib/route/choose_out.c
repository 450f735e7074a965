/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last look at a trunk that a line wants: can it be used now, and has it a form for the number.
 * Called by choose_lcr.c and choose_via.c with trunks in the order wanted.
 */
#include "route/choose.h"

int route_send_number(const struct route *rt, uint32_t trunk, const char *called,
                      char out[NUMBER_MAX])
{
    const struct conf *c = rt->conf;
    const struct conf_trunk *t = &c->trunk.v[trunk];
    char tmp[NUMBER_MAX];
    const struct conf_rule *rule;
    int n = span_copy(span_of(called), out, NUMBER_MAX);
    for (uint32_t i = 0; i < t->send.n && n >= 0; i++) {
        memcpy(tmp, out, NUMBER_MAX);
        n = number_translate(&c->numbers.v[t->send.v[i].id], span_of(tmp), out, &rule);
    }
    return n < 0 ? -ENOENT : 0;
}

static bool has_target(const struct choose *ch, uint32_t trunk)
{
    const struct target_set *set = targets_of(ch->rt->trunk[trunk].state);
    for (uint32_t i = 0; set && i < set->n; i++)
        if (target_is_usable(&set->v[i], ch->q->now_ms))
            return true;
    return false;
}

static bool is_down_by_hand(const struct choose *ch, uint32_t trunk)
{
    return atomic_load_explicit(&ch->rt->trunk[trunk].state->admin, memory_order_relaxed) ==
           TRUNK_DOWN;
}

/* By the operator's word. @return NULL: it may be used */
static const char *withdrawn(const struct choose *ch, uint32_t trunk)
{
    const struct route_assume *a = ch->q->assume;
    if (is_down_by_hand(ch, trunk))
        return "taken down by the operator";
    if (atomic_load_explicit(&ch->rt->trunk[trunk].state->admin, memory_order_relaxed) != TRUNK_UP)
        return "drained by the operator";
    return a && a->drained && a->drained[trunk] ? "drained, as assumed" : NULL;
}

/* When the caller may come again, should nothing else be left. A trial call under way may end any moment. */
static void note_retry(struct choose *ch, uint64_t until)
{
    uint32_t s = until > ch->q->now_ms ? (uint32_t)((until - ch->q->now_ms + 999) / 1000) : 1;
    if (!ch->d->retry_after_s || s < ch->d->retry_after_s)
        ch->d->retry_after_s = s;
}

/* Until when the first of its targets that are up wants no calls (503 with Retry-After). @return 0: none is up */
static uint64_t busy_until(const struct choose *ch, uint32_t trunk)
{
    const struct target_set *set = targets_of(ch->rt->trunk[trunk].state);
    uint64_t first = 0, until;
    for (uint32_t i = 0; set && i < set->n; i++) {
        if (!target_is_usable(&set->v[i], 0))
            continue;
        until = atomic_load_explicit(&set->v[i].health->busy_until_ms, memory_order_relaxed);
        if (until && (first == 0 || until < first))
            first = until;
    }
    return first;
}

/* @return NULL: it can take a call; else why not */
static const char *unusable(struct choose *ch, uint32_t trunk)
{
    const struct route_assume *a = ch->q->assume;
    const struct conf_breaker *breaker = &ch->conf->trunk.v[trunk].breaker;
    if (a && a->down && a->down[trunk])
        return "down, as assumed";
    if (a && a->full && a->full[trunk] && !ch->is_emergency) /* no limit stops those */
        return "full, as assumed";
    if (!has_target(ch, trunk)) {
        uint64_t until = busy_until(ch, trunk);
        if (until == 0)
            return "down: none of its targets is up";
        note_retry(ch, until);
        return "busy: its targets have asked for a pause (Retry-After)";
    }
    if (breaker_look(&ch->rt->trunk[trunk].state->breaker, breaker, ch->q->now_ms) ==
        BREAKER_OPEN) {
        note_retry(ch, atomic_load_explicit(&ch->rt->trunk[trunk].state->breaker.open_until_ms,
                                            memory_order_relaxed));
        return "its breaker is open";
    }
    return withdrawn(ch, trunk);
}

static bool is_there(const struct route_decision *d, uint32_t trunk)
{
    for (uint32_t i = 0; i < d->n; i++)
        if (d->candidate[i].trunk == trunk)
            return true;
    return false;
}

void choose_candidate(const struct choose *ch, uint32_t trunk, const struct lcr_row *row,
                      struct route_candidate *c)
{
    c->trunk = trunk;
    c->slot = ch->rt->trunk[trunk].state->slot;
    c->called[0] = c->code[0] = '\0';
    if (row) {
        c->deck = row->deck;
        c->deck_line = row->line;
        c->key = row->key;
        c->rate = row->rate;
        c->cost = row->cost;
        c->minimum = row->terms->minimum;
        c->increment = row->terms->increment;
        memcpy(c->code, row->terms->code, sizeof(c->code));
        return;
    }
    c->deck = CONF_NONE;
    c->deck_line = c->minimum = c->increment = 0;
    c->rate = c->cost = -1;
    key_of_number(span_of(ch->d->routed), &c->key);
}

static void tell_cut(const struct choose *ch, uint32_t trunk, const struct lcr_row *row)
{
    struct route_candidate c;
    choose_candidate(ch, trunk, row, &c);
    choose_note_candidate(ch, ROUTE_STEP_DROPPED, &c, "%u others come before it: not tried",
                          ROUTE_CANDIDATES_MAX);
}

/* Its place in the table of candidates is its scratch: it counts only when d->n has passed it. */
void choose_add(struct choose *ch, uint32_t trunk, const struct lcr_row *row)
{
    struct route_decision *d = ch->d;
    struct route_candidate *c = &d->candidate[d->n];
    if (is_there(d, trunk))
        return;
    if (d->n == ROUTE_CANDIDATES_MAX) {
        if (ch->q->trace)
            tell_cut(ch, trunk, row);
        return;
    }
    choose_candidate(ch, trunk, row, c);
    if (ch->conf->trunk.v[trunk].peer.n == 0) {
        CHOOSE_NOTE_CANDIDATE(ch, ROUTE_STEP_DROPPED, c, "it has no peer");
        return;
    }
    if (choose_on_paper(ch)) {
        d->n++;
        return;
    }
    const char *why = unusable(ch, trunk);
    if (why && (!ch->is_emergency || is_down_by_hand(ch, trunk))) {
        d->dropped_down++;
        CHOOSE_NOTE_CANDIDATE(ch, ROUTE_STEP_DROPPED, c, "%s", why);
        return;
    }
    if (route_send_number(ch->rt, trunk, d->called, c->called) < 0) {
        d->no_form++;
        CHOOSE_NOTE_CANDIDATE(ch, ROUTE_STEP_DROPPED, c, "its `send` has no form for %s",
                              d->called);
        return;
    }
    if (why)
        ch->last_resort |= (uint16_t)(1U << d->n);
    d->n++;
}

/* A dead trunk costs an emergency call three seconds: first those that live. */
static void last_resort_last(struct choose *ch)
{
    struct route_candidate late[ROUTE_CANDIDATES_MAX];
    struct route_decision *d = ch->d;
    uint32_t n = 0, n_late = 0;
    for (uint32_t i = 0; i < d->n; i++) {
        if (ch->last_resort >> i & 1)
            late[n_late++] = d->candidate[i];
        else
            d->candidate[n++] = d->candidate[i];
    }
    memcpy(&d->candidate[n], late, n_late * sizeof(late[0]));
    ch->last_resort = (uint16_t)(((1U << n_late) - 1) << n);
}

static void tell(const struct choose *ch, uint32_t i)
{
    const struct route_candidate *c = &ch->d->candidate[i];
    const char *last = ch->last_resort >> i & 1 ? "; as last resort" : "";
    char rate[24], cost[24], prefix[KEY_DIGITS + 1];
    if (c->deck == CONF_NONE) {
        choose_note_candidate(ch, ROUTE_STEP_CANDIDATE, c, "via, sends %s%s", c->called, last);
        return;
    }
    const struct conf_deck *k = &ch->conf->deck.v[c->deck];
    choose_note_candidate(ch, ROUTE_STEP_CANDIDATE, c, "%s %s %s/min (%s %s), sends %s; %s:%u%s",
                          key_text(c->key, prefix), k->currency, route_money(c->rate, rate),
                          ch->conf->global.currency, route_money(c->cost, cost), c->called, k->file,
                          c->deck_line, last);
}

void choose_settle(struct choose *ch)
{
    if (ch->last_resort)
        last_resort_last(ch);
    for (uint32_t i = 0; ch->q->trace && i < ch->d->n; i++)
        tell(ch, i);
}
