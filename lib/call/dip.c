/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wait for a dip: one timer, one question that is told apart by call and serial, and a second decision.
 * An answer that comes when nobody waits any more is counted and forgotten; no pointer of a call leaves its worker.
 */
#include "call/dip.h"

#include "call/invite.h"
#include "call/model.h"

#include <stdio.h>
#include <stdlib.h>
#include "core/delay.h"
#include "sip/build.h"
#include "sip/hdr.h"

struct dip_tally {
    struct dip_tally *next;
    uint64_t asked, ported, home, failed, timeout, late;
    struct delay delay;
    char section[CONF_NAME_MAX + 1];
};

struct dip {
    struct timer timer; /* set: the call waits */
    struct dip_tally *tally;
    uint64_t started_ns, started_ms;
    uint32_t serial;
    struct route_query q;
    char called[NUMBER_MAX], caller[NUMBER_MAX];
    char rn[KEY_DIGITS + 1];
};

/* ---- tallies ------------------------------------------------------------------------------------------------------- */

/* A configuration has a section or two. */
static struct dip_tally *tally_of(struct calls *cs, const char *section)
{
    struct dip_tally *t = cs->dip_tallies;

    while (t && strcmp(t->section, section) != 0)
        t = t->next;
    if (t)
        return t;
    t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    snprintf(t->section, sizeof t->section, "%s", section);
    t->next = cs->dip_tallies;
    cs->dip_tallies = t;
    return t;
}

static void tally_end(struct calls *cs, const struct dip *dip, enum dip_result result)
{
    static const enum stat_id stat[] = {[DIP_HOME] = STAT_dips_home,
                                        [DIP_PORTED] = STAT_dips_ported,
                                        [DIP_FAILED] = STAT_dips_failed,
                                        [DIP_TIMEOUT] = STAT_dips_timeout,
                                        [DIP_ABANDONED] = STAT_dips_abandoned};
    struct dip_tally *t = dip->tally;

    stat_inc(cs->stats, stat[result]);
    if (!t)
        return;
    t->ported += result == DIP_PORTED;
    t->home += result == DIP_HOME;
    t->failed += result == DIP_FAILED;
    t->timeout += result == DIP_TIMEOUT;
    delay_add(&t->delay, (clock_now_ns() - dip->started_ns) / 1000);
}

void dip_each(const struct calls *cs, void (*fn)(void *arg, const struct dip_view *v), void *arg)
{
    for (const struct dip_tally *t = cs->dip_tallies; t; t = t->next) {
        struct dip_view v = {t->section, t->asked,   t->ported, t->home,
                             t->failed,  t->timeout, t->late,   &t->delay};

        fn(arg, &v);
    }
}

void dip_tallies_free(struct calls *cs)
{
    while (cs->dip_tallies) {
        struct dip_tally *t = cs->dip_tallies;

        cs->dip_tallies = t->next;
        free(t);
    }
}

/* ---- the dip of a call --------------------------------------------------------------------------------------------- */

bool dip_waits(const struct call *c)
{
    return c->dip && c->dip->timer.fn && timer_is_pending(&c->dip->timer);
}

static void dip_stop(struct call *c)
{
    if (!dip_waits(c))
        return;
    timer_del(&c->dip->timer);
    c->calls->dips_waiting--;
}

static void dip_end(struct call *c, enum dip_result result)
{
    struct dip *dip = c->dip;

    dip_stop(c);
    c->dip_result = (uint8_t)result;
    c->dip_ms = (uint32_t)(c->calls->clock->mono_ms - dip->started_ms);
    tally_end(c->calls, dip, result);
}

static bool is_known(const struct call *c)
{
    return c->dip && (c->dip_result == DIP_HOME || c->dip_result == DIP_PORTED);
}

/* Again, by the configuration of now: a reload may have come. @return false: the trunk has gone with it */
static bool decide_again(struct call *c, struct route_decision *d)
{
    struct calls *cs = c->calls;
    struct dip *dip = c->dip;
    struct route_query *q = &dip->q;

    if (route_trunk_of_slot(cs->view->route, c->in->trunk.state->slot, &q->trunk) < 0)
        return false;
    q->dip = is_known(c) ? ROUTE_DIP_DONE : ROUTE_DIP_FAILED;
    q->rn = span_of(dip->rn);
    q->now_ms = cs->clock->mono_ms;
    q->wall_s = (int64_t)(cs->clock->wall_ms / 1000);
    if (cs->dry)
        cs->dry->decide(cs->dry->arg, q, d);
    else
        route_decide(cs->view->route, q, d);
    return true;
}

static void dip_over(struct call *c, enum dip_result result)
{
    struct route_decision d;

    dip_end(c, result);
    invite_dipped(c, decide_again(c, &d) ? &d : NULL);
}

static void on_timer(struct timer *t, void *arg)
{
    struct call *c = arg;

    (void)t;
    c->calls->dips_waiting--; /* the timer has run: dip_stop has nothing to do */
    dip_over(c, DIP_TIMEOUT);
}

static enum dip_result take(struct dip *dip, const struct port_answer *a)
{
    switch (a->status) {
    case PORT_HOME: return DIP_HOME;
    case PORT_PORTED: memcpy(dip->rn, a->rn, sizeof dip->rn); return DIP_PORTED;
    case PORT_FAILED: break;
    }
    return DIP_FAILED;
}

static void keep_query(struct dip *dip, const struct route_query *q)
{
    dip->q = *q;
    dip->q.trace = NULL;
    (void)span_copy(q->called, dip->called, sizeof dip->called);
    (void)span_copy(q->caller, dip->caller, sizeof dip->caller);
    dip->q.called = span_of(dip->called);
    dip->q.caller = span_of(dip->caller);
    dip->q.rn = SPAN_NONE;
}

/* @return 0: it waits; else nobody can be asked */
static int ask(struct call *c, const struct conf_lnp *lnp, const struct route_decision *d)
{
    struct calls *cs = c->calls;
    struct dip_question q = {c->id, c->dip->serial, lnp->name, d->called};
    int rc;

    if (!cs->dip_ops || cs->dips_waiting >= DIPS_MAX)
        return TD_EFULL;
    rc = cs->dip_ops->ask(cs->dip_ops, &q);
    if (rc < 0)
        return rc;
    cs->dips_waiting++;
    timer_init(&c->dip->timer, cs->timers, on_timer, c);
    timer_set(&c->dip->timer, d->lnp_timeout_ms ? d->lnp_timeout_ms : 1);
    return 0;
}

bool dip_begin(struct call *c, const struct route_query *q, struct route_decision *d)
{
    struct calls *cs = c->calls;
    const struct conf_lnp *lnp = &cs->view->conf->lnp.v[d->lnp];
    struct port_answer a = {PORT_FAILED, ""};
    struct dip *dip = c->dip = pool_get(&cs->dip_pool);

    if (!dip) { /* as good as no answer */
        struct route_query failed = *q;

        failed.dip = ROUTE_DIP_FAILED;
        stat_inc(cs->stats, STAT_dips_failed);
        route_decide(cs->view->route, &failed, d);
        return true;
    }
    keep_query(dip, q);
    dip->serial = ++cs->dip_serial;
    dip->started_ms = cs->clock->mono_ms;
    dip->started_ns = clock_now_ns();
    dip->tally = tally_of(cs, lnp->name);
    stat_inc(cs->stats, STAT_dips_asked);
    if (dip->tally)
        dip->tally->asked++;
    /* A dry run asks nobody who would have to be waited for: `--rn` is its answer. */
    if (route_port_find(cs->view->route, d->lnp, span_of(d->called), &a) < 0 && !cs->dry &&
        ask(c, lnp, d) == 0)
        return false;
    dip_end(c, take(dip, &a));
    (void)decide_again(c, d); /* the view is the same */
    return true;
}

void dip_abandon(struct call *c)
{
    if (dip_waits(c))
        dip_end(c, DIP_ABANDONED);
}

void dip_pool_init(struct pool *pool)
{
    pool_init(pool, "dip", sizeof(struct dip), 0); /* no more than calls */
}

void dip_free(struct call *c)
{
    if (!c->dip)
        return;
    dip_stop(c);
    pool_put(&c->calls->dip_pool, c->dip);
    c->dip = NULL;
}

void dip_answered(struct calls *cs, const struct dip_answer *a)
{
    struct htab_node *n = htab_first(&cs->by_id, hash_u64(a->call));

    while (n && container_of(n, struct call, node)->id != a->call)
        n = htab_next(n);
    if (n) {
        struct call *c = container_of(n, struct call, node);

        if (dip_waits(c) && c->dip->serial == a->serial) {
            dip_over(c, take(c->dip, &a->port));
            return;
        }
        if (c->dip && c->dip->serial == a->serial && c->dip->tally)
            c->dip->tally->late++;
    }
    stat_inc(cs->stats, STAT_dips_late);
}

/* ---- on the wire, in the record ------------------------------------------------------------------------------------ */

struct span dip_params(const struct call *c, struct span received, char *buf, size_t size)
{
    struct build b;

    if (!is_known(c))
        return received;
    build_init(&b, buf, size);
    build_span(&b, SPAN(";npdi"));
    if (c->dip->rn[0]) {
        build_span(&b, SPAN(";rn="));
        build_str(&b, c->dip->rn);
    }
    while (!span_is_empty(received)) {
        struct span one, name, value;

        span_cut(received, ';', &one, &received);
        span_cut(one, '=', &name, &value);
        if (span_is_empty(one) || span_case_eq(name, SPAN("npdi")) ||
            span_case_eq(name, SPAN("rn")) || span_case_eq(name, SPAN("rn-context")))
            continue;
        build_char(&b, ';');
        build_span(&b, one);
    }
    return b.overflow ? SPAN_NONE : build_text(&b);
}

struct span dip_word(const struct call *c)
{
    static const char *const word[] = {"",       "not-ported", "ported",
                                       "failed", "timeout",    "abandoned"};

    return span_of(word[c->dip_result]);
}
