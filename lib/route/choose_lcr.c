/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `lcr` of a line: which offers of its decks stand, and in which order. Money is compared exactly: rate times exchange, in 128 bits.
 * Called by choose.c on every worker.
 */
#include "route/choose.h"

/* 50 of 100: a row without a quality is neither good nor bad. */
#define QUALITY_UNSAID 50

struct offer {
    const struct lcr_row *row;
    const struct conf_deck *deck;
    __int128 cost;                 /* nano squared of the base currency */
    __int128 key[CONF_ORDERS_MAX]; /* of the line's order; lower first */
    uint32_t trunk;
    struct quality_figures pair; /* live, of trunk and destination */
};

static __int128 exact_cost(const struct conf *c, int64_t rate, uint32_t deck)
{
    return (__int128)rate * c->deck.v[deck].exchange;
}

/* ---- what does not stand ---- */

static const char dearer_than_max[] = "dearer than max-cost";
static const char dearer_than_sold[] = "dearer than the sell rate less the margin";

/* With the amounts that were compared, in the base currency: the row's is that of its deck. */
static void tell_drop(const struct choose *ch, const struct offer *o, const char *why)
{
    struct route_candidate c;
    char cost[24], bound[24];
    choose_candidate(ch, o->trunk, o->row, &c);
    if (why == dearer_than_max)
        choose_note_candidate(ch, ROUTE_STEP_DROPPED, &c, "%s: %s of at most %s %s", why,
                              route_money(o->row->cost, cost),
                              route_money(ch->line->max_cost, bound), ch->conf->global.currency);
    else if (why == dearer_than_sold)
        choose_note_candidate(ch, ROUTE_STEP_DROPPED, &c, "%s: costs %s, sold at %s %s", why,
                              route_money(o->row->cost, cost), route_money(ch->d->sell_cost, bound),
                              ch->conf->global.currency);
    else
        choose_note_candidate(ch, ROUTE_STEP_DROPPED, &c, "%s", why);
}

static bool is_too_dear(const struct choose *ch, const struct offer *o)
{
    return ch->line->max_cost >= 0 && o->cost > (__int128)ch->line->max_cost * CONF_NANO;
}

/* What the caller pays must hold the cost and the margin. */
static bool is_below_margin(const struct choose *ch, const struct offer *o)
{
    const struct conf_route_line *l = ch->line;
    if (!l->margin_given)
        return false;
    __int128 sell = exact_cost(ch->conf, ch->d->sell_rate, ch->d->sell_deck);
    if (l->margin_ppm)
        return o->cost * 1000000 > sell * (1000000 - (__int128)l->margin_ppm);
    return o->cost + (__int128)l->margin * CONF_NANO > sell;
}

/* Figures of fewer calls than `sample` say nothing. @return NULL: good enough */
static const char *poor(const struct choose *ch, const struct quality_figures *f)
{
    const struct conf_quality *q = &ch->line->quality;
    if (q->min_asr && f->seizures >= q->sample && f->asr_ppm < q->min_asr * 10000U)
        return "its ASR there is below min-asr";
    if (q->min_acd_ms && f->ended >= q->sample && f->acd_ms < q->min_acd_ms)
        return "its ACD there is below min-acd";
    if (q->max_pdd_ms && f->seizures >= q->sample && f->pdd_ms > q->max_pdd_ms)
        return "its PDD there is above max-pdd";
    return NULL;
}

/* @return NULL: it stands */
static const char *refused(const struct choose *ch, const struct offer *o)
{
    if (ch->is_emergency)
        return NULL;
    if (is_too_dear(ch, o))
        return dearer_than_max;
    if (is_below_margin(ch, o))
        return dearer_than_sold;
    return choose_on_paper(ch) ? NULL : poor(ch, &o->pair);
}

/* ---- order ---- */

static bool is_live(enum conf_order k)
{
    return k == CONF_ORDER_ASR || k == CONF_ORDER_ACD || k == CONF_ORDER_PDD;
}

static bool needs_figures(const struct conf_route_line *l)
{
    for (uint32_t i = 0; i < l->order.n; i++)
        if (is_live(l->order.v[i]))
            return true;
    return l->quality.min_asr || l->quality.min_acd_ms || l->quality.max_pdd_ms;
}

/* In steps, so that a call more or less changes nothing. @return false: too few calls to say */
static bool live_key(enum conf_order k, const struct quality_figures *f, uint32_t sample,
                     __int128 *key)
{
    if ((k == CONF_ORDER_ACD ? f->ended : f->seizures) < (sample ? sample : 1))
        return false;
    switch (k) {
    case CONF_ORDER_ASR: *key = -(int64_t)(f->asr_ppm / 50000); return true;
    case CONF_ORDER_ACD: *key = -(int64_t)(f->acd_ms / 10000); return true;
    default: *key = f->pdd_ms / 500; return true;
    }
}

/*
 * Live figures are those of the destination, else of the whole trunk. Who has none counts as the best of those that have: it must get
 * calls to be judged.
 */
static void live_keys(const struct choose *ch, enum conf_order k, unsigned at, struct offer *v,
                      unsigned n)
{
    uint32_t sample = ch->line->quality.sample;
    __int128 best = 0;
    uint32_t known = 0;
    for (unsigned i = 0; i < n; i++) {
        struct quality_figures whole;
        bool is_known = live_key(k, &v[i].pair, sample, &v[i].key[at]);
        if (!is_known) {
            quality_get(ch->rt->quality, ch->rt->trunk[v[i].trunk].state->slot, 0, ch->q->now_ms,
                        &whole);
            is_known = live_key(k, &whole, sample, &v[i].key[at]);
        }
        if (!is_known)
            continue;
        if (!known || v[i].key[at] < best)
            best = v[i].key[at];
        known |= 1U << i;
    }
    for (unsigned i = 0; i < n; i++)
        if (!(known >> i & 1))
            v[i].key[at] = best;
}

static void set_keys(const struct choose *ch, enum conf_order k, unsigned at, struct offer *v,
                     unsigned n)
{
    if (is_live(k) && choose_on_paper(ch)) {
        for (unsigned i = 0; i < n; i++)
            v[i].key[at] = 0;
        return;
    }
    if (is_live(k)) {
        live_keys(ch, k, at, v, n);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        int16_t quality = v[i].row->terms->quality;
        v[i].key[at] = k == CONF_ORDER_COST      ? v[i].cost
                       : k == CONF_ORDER_QUALITY ? -(quality < 0 ? QUALITY_UNSAID : quality)
                                                 : v[i].deck->priority;
    }
}

static int offer_cmp(const struct offer *a, const struct offer *b, unsigned keys)
{
    for (unsigned k = 0; k < keys; k++)
        if (a->key[k] != b->key[k])
            return a->key[k] < b->key[k] ? -1 : 1;
    return 0;
}

/* Places in v, best first. Insertion: they come in order of cost, which mostly is the order asked for. */
static unsigned sort_offers(const struct choose *ch, struct offer *v, unsigned n, uint8_t *order)
{
    static const enum conf_order cost = CONF_ORDER_COST;
    const enum conf_order *by = ch->line->order.n ? ch->line->order.v : &cost;
    unsigned keys = ch->line->order.n ? ch->line->order.n : 1;
    for (unsigned k = 0; k < keys; k++)
        set_keys(ch, by[k], k, v, n);
    for (unsigned i = 0; i < n; i++) {
        unsigned at = i;
        for (; at > 0 && offer_cmp(&v[i], &v[order[at - 1]], keys) < 0; at--)
            order[at] = order[at - 1];
        order[at] = (uint8_t)i;
    }
    return keys;
}

/* Equal ones share by the weight of their decks. */
static void share_equals(struct choose *ch, const struct offer *v, unsigned n, uint8_t *order,
                         unsigned keys)
{
    for (unsigned from = 0, to; from < n; from = to) {
        uint32_t weight[CONF_DECKS_MAX];
        uint8_t drawn[CONF_DECKS_MAX], old[CONF_DECKS_MAX];
        to = from + 1;
        while (to < n && offer_cmp(&v[order[to]], &v[order[from]], keys) == 0)
            to++;
        if (to - from == 1)
            continue;
        for (unsigned i = from; i < to; i++) {
            weight[i - from] = v[order[i]].deck->weight;
            old[i - from] = order[i];
        }
        choose_draw(ch, weight, to - from, drawn);
        for (unsigned i = from; i < to; i++)
            order[i] = old[drawn[i - from]];
    }
}

/* ---- offers ---- */

static bool has_trunk(const struct offer *v, unsigned n, uint32_t trunk)
{
    for (unsigned i = 0; i < n; i++)
        if (v[i].trunk == trunk)
            return true;
    return false;
}

/* Of several decks of one trunk the cheapest counts: rows come in order of cost. */
static unsigned take_offers(struct choose *ch, const struct lcr_row *row, unsigned n,
                            struct offer *v)
{
    bool figures = needs_figures(ch->line) && !choose_on_paper(ch);
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++) {
        struct offer *o = &v[kept];
        const char *why;
        o->row = &row[i];
        o->deck = &ch->conf->deck.v[row[i].deck];
        o->trunk = o->deck->trunk.id;
        o->cost = exact_cost(ch->conf, row[i].rate, row[i].deck);
        if (figures)
            quality_get(ch->rt->quality, ch->rt->trunk[o->trunk].state->slot, row[i].key,
                        ch->q->now_ms, &o->pair);
        if (has_trunk(v, kept, o->trunk)) {
            why = "another deck of the trunk is cheaper";
        } else if (!(why = refused(ch, o))) {
            kept++;
            continue;
        } else {
            ch->d->dropped_offer++;
        }
        if (ch->q->trace)
            tell_drop(ch, o, why);
    }
    return kept;
}

/* For who watches: the decks that have nothing for this number. */
static void tell_missing(const struct choose *ch, const struct lcr_row *row, unsigned n)
{
    const struct conf_route_line *l = ch->line;
    for (uint32_t k = 0; k < l->lcr.n; k++) {
        const struct conf_deck *deck = &ch->conf->deck.v[l->lcr.v[k].id];
        struct route_candidate c;
        unsigned i = 0;
        while (i < n && row[i].deck != l->lcr.v[k].id)
            i++;
        if (i < n)
            continue;
        choose_candidate(ch, deck->trunk.id, NULL, &c);
        c.deck = l->lcr.v[k].id;
        choose_note_candidate(ch, ROUTE_STEP_DROPPED, &c, "ratedeck %s has no rate for %s",
                              deck->name, ch->d->routed);
    }
}

void choose_lcr(struct choose *ch)
{
    struct lcr_row row[CONF_DECKS_MAX];
    struct offer v[CONF_DECKS_MAX];
    uint8_t order[CONF_DECKS_MAX];
    unsigned n = lcr_find(ch->plan->set->lcr, span_of(ch->d->routed), ch->d->rates, ch->q->wall_s,
                          ch->plan->line[ch->line_id].mask, row, CONF_DECKS_MAX);
    if (ch->q->trace)
        tell_missing(ch, row, n);
    n = take_offers(ch, row, n, v);
    unsigned keys = sort_offers(ch, v, n, order);
    share_equals(ch, v, n, order, keys);
    for (unsigned i = 0; i < n; i++)
        choose_add(ch, v[order[i]].trunk, v[order[i]].row);
}
