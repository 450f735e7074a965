/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why would this call go there? Puts one INVITE through the live code: once as it is, then once for each carrier.
 * Called on the control thread, by tandemctl, and by testrun.c. The decision is the live one; all else happens in a dry run.
 */
#include "call/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "call/codecs.h"
#include "call/explain_priv.h"
#include "route/lcr.h"

/* ---- the question ------------------------------------------------------------------------------------------------ */

void explain_ask_init(struct explain_ask *ask, int64_t wall_s)
{
    *ask = (struct explain_ask){
        .trunk = CONF_NONE, .listen = CONF_NONE, .seed = EXPLAIN_SEED, .wall_s = wall_s};
}

void explain_ask_fini(struct explain_ask *ask)
{
    free(ask->down);
    free(ask->full);
    free(ask->drained);
    ask->down = ask->full = ask->drained = NULL;
}

int explain_assume(const struct conf *conf, bool **list, const char *name)
{
    const struct conf_trunk *t = conf_find_trunk(conf, name);

    if (!t)
        return -ENOENT;
    if (!*list)
        *list = calloc(conf->trunk.n + 1, sizeof **list);
    if (!*list)
        return -ENOMEM;
    (*list)[t - conf->trunk.v] = true;
    return 0;
}

/* ---- the decision ------------------------------------------------------------------------------------------------ */

static const char *const step_name[] = {
    [ROUTE_STEP_NUMBER] = "number",       [ROUTE_STEP_CALLER] = "caller",
    [ROUTE_STEP_CLASS] = "class",         [ROUTE_STEP_LNP] = "lnp",
    [ROUTE_STEP_BLOCK] = "block",         [ROUTE_STEP_RATE] = "rate",
    [ROUTE_STEP_LINE] = "route",          [ROUTE_STEP_LINE_NOT] = "not",
    [ROUTE_STEP_CANDIDATE] = "candidate", [ROUTE_STEP_DROPPED] = "dropped",
    [ROUTE_STEP_VERDICT] = "verdict"};

static void on_note(void *arg, const struct route_note *n)
{
    struct explain *e = arg;
    json_t *o = json_object();

    json_object_set_new(o, "step",
                        json_string((size_t)n->step < sizeof step_name / sizeof step_name[0]
                                        ? step_name[n->step]
                                        : "?"));
    json_object_set_new(o, "text", explain_text(span_of(n->text)));
    if (n->trunk != CONF_NONE)
        json_object_set_new(o, "trunk", explain_text(span_of(e->conf->trunk.v[n->trunk].name)));
    explain_put_loc(o, e->conf, &n->loc);
    if (n->candidate)
        explain_put_offer(o, e, n->candidate);
    json_array_append_new(n->step == ROUTE_STEP_DROPPED ? e->dropped : e->steps, o);
}

static void decide_live(struct explain *e, struct route_query *q, struct route_decision *d)
{
    e->trunk = q->trunk;
    q->look_only = true;
    q->wall_s = e->ask->wall_s;
    q->now_ms = e->p->now_ms;
    q->rnd = e->ask->seed;
    q->assume = &e->assume;
    q->trace = &e->trace;
    route_decide(e->p->route, q, d);
    q->trace = NULL;
    q->assume = NULL;
}

/* Only this carrier, however many may be tried. */
static void narrow(const struct explain *e, struct route_decision *d)
{
    d->candidate[0] = e->d.candidate[e->only];
    d->n = 1;
    d->max_attempts = 0;
    d->deadline_ms = 0;
}

/* The live table decides, once, and once more behind a dip; the dry run then goes on with its own trunks. */
static void on_decide(void *arg, struct route_query *q, struct route_decision *d)
{
    struct explain *e = arg;
    bool again = q->dip != ROUTE_DIP_NOT && e->before.verdict == ROUTE_DIP;

    if (!e->is_asked) {
        decide_live(e, q, &e->before);
        e->is_asked = true;
        e->d = e->before;
        e->is_decided = e->before.verdict != ROUTE_DIP;
    } else if (again && !e->is_decided) {
        (void)json_array_clear(e->steps); /* they are told again, with what the dip has said */
        (void)json_array_clear(e->dropped);
        decide_live(e, q, &e->d);
        e->is_decided = true;
    }
    explain_mirror(e, e->trunk, true);
    *d = again ? e->d : e->before;
    if (d->verdict == ROUTE_OK && e->only >= 0)
        narrow(e, d);
    for (uint32_t i = 0; i < d->n; i++) {
        explain_mirror(e, d->candidate[i].trunk, false);
        d->candidate[i].slot =
            route_trunk_state(explain_dry_route(e->dry), d->candidate[i].trunk)->slot;
    }
}

static void run(struct explain *e, int only, bool is_free, struct dry_result *r)
{
    struct explain_dry_by by = {
        .trunk = e->is_asked ? e->trunk : e->ask->trunk, .decide = on_decide, .arg = e};

    e->only = only;
    e->is_free = is_free;
    if (e->is_asked)
        (void)explain_mirror_word(e); /* it is asked before the decision */
    explain_dry_run(e->dry, &by, (struct span){e->text, e->text_len}, &e->flow, r);
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static bool was_sent(const struct explain *e, const struct dry_result *r, uint32_t trunk)
{
    uint32_t slot = route_trunk_state(explain_dry_route(e->dry), trunk)->slot;

    for (const struct dry_sent *s = r->sent; s; s = s->next)
        if (s->slot == slot)
            return true;
    return false;
}

static bool limits_are_full(const json_t *limits)
{
    const json_t *l;
    size_t i;

    json_array_foreach(limits, i, l) if (json_is_true(json_object_get(l, "full"))) return true;
    return false;
}

#define BARRED "the trunk it comes from is drained or down"

/* What it would get; all: of the run with all of them. A carrier that is not reached there is asked about by itself. */
static json_t *candidate_of(struct explain *e, uint32_t i, const struct dry_result *all)
{
    const struct route_candidate *c = &e->d.candidate[i];
    json_t *o = json_object(), *limits;
    struct dry_result alone;

    json_object_set_new(o, "place", json_integer(i + 1));
    explain_put_offer(o, e, c);
    json_object_set_new(o, "called", explain_text(span_of(c->called)));
    json_object_set_new(
        o, "codec_policy",
        json_boolean(codecs_matter(&e->conf->trunk.v[e->trunk], &e->conf->trunk.v[c->trunk])));
    if (was_sent(e, all, c->trunk)) {
        json_object_set_new(o, "tried", json_true());
        json_object_set_new(o, "requests", explain_requests(e, all, c->trunk));
    } else {
        (void)explain_invite_again(e, 2 + 2 * i);
        run(e, (int)i, false, &alone);
        json_object_set_new(o, "tried", json_false());
        if (!alone.sent) {
            json_object_set_new(o, "why", json_string(e->is_barred ? BARRED : alone.why));
            dry_result_fini(&alone);
        } else {
            json_object_set_new(o, "why",
                                json_string(e->d.max_attempts && i >= e->d.max_attempts
                                                ? "beyond max attempts"
                                                : "not reached if the one before answers 503"));
            dry_result_fini(&alone);
        }
        (void)explain_invite_again(e, 3 + 2 * i);
        run(e, (int)i, true, &alone);
        json_object_set_new(o, "requests", explain_requests(e, &alone, c->trunk));
        dry_result_fini(&alone);
    }
    e->is_free = false;
    explain_mirror(e, c->trunk, false);
    limits = explain_limits(e, c->trunk, false);
    json_object_set_new(o, "full", json_boolean(limits_are_full(limits)));
    json_object_set_new(o, "limits", limits);
    json_object_set_new(o, "targets", explain_targets(e, c->trunk));
    return o;
}

static json_t *answer_of(struct explain *e, const struct dry_result *r)
{
    json_t *o = explain_answer(e), *list = json_array(), *limits;
    bool refused = e->is_decided && !r->sent;

    e->is_free = false;
    explain_mirror(e, e->trunk, true);
    limits = explain_limits(e, e->trunk, true);
    json_object_set_new(o, "admitted",
                        json_boolean(!e->is_barred && (!refused || e->d.verdict != ROUTE_OK ||
                                                       strncmp(r->why, "limit reached", 13) != 0)));
    json_object_set_new(o, "limits", limits);
    json_object_set_new(o, "steps", json_incref(e->steps));
    if (!r->sent && r->status)
        json_object_set_new(o, "refused",
                            json_pack("{s:i,s:s,s:s}", "code", (int)r->status, "status", r->answer,
                                      "why",
                                      e->is_barred ? BARRED
                                      : r->is_call ? r->why
                                                   : ""));
    for (uint32_t i = 0; e->is_decided && i < e->d.n; i++)
        json_array_append_new(list, candidate_of(e, i, r));
    json_object_set_new(o, "candidates", list);
    json_object_set_new(o, "dropped", json_incref(e->dropped));
    return o;
}

/* The first run has said where it would go; whether it is let in at all is asked before that, so it is put again. */
static void ask_at_the_door(struct explain *e, struct dry_result *all)
{
    struct dry_result again;

    if (!e->is_asked || !explain_mirror_word(e) || explain_invite_again(e, 1) < 0)
        return;
    run(e, -1, false, &again);
    e->is_barred = !again.is_call;
    dry_result_fini(e->is_barred ? all : &again);
    if (e->is_barred)
        *all = again;
}

static json_t *ask(struct explain *e, char *why, size_t size)
{
    struct dry_result all;
    json_t *o = NULL;

    run(e, -1, false, &all);
    ask_at_the_door(e, &all);
    if (!e->is_asked && e->ask->trunk == CONF_NONE)
        snprintf(why, size, "%s%s",
                 all.status && all.status != 403 ? "refused before it is routed: "
                                                 : "no trunk takes it by source and match: ",
                 all.answer[0] ? all.answer : "dropped in silence");
    else
        o = answer_of(e, &all);
    dry_result_fini(&all);
    return o;
}

json_t *explain_run(const struct explain_param *p, const struct explain_ask *a, char *why,
                    size_t size)
{
    struct explain *e = calloc(1, sizeof *e);
    const char *text = "out of memory";
    json_t *o = NULL;

    snprintf(why, size, "out of memory");
    if (!e)
        return NULL;
    e->p = p;
    e->ask = a;
    e->conf = route_conf(p->route);
    e->trunk = a->trunk;
    e->assume = (struct route_assume){.down = a->down, .full = a->full, .drained = a->drained};
    e->trace = (struct route_trace){on_note, e};
    e->steps = json_array();
    e->dropped = json_array();
    e->dry = explain_dry_new(p->route, p->now_ms, p->wall_ms);
    if (e->dry && explain_invite(e, &text) < 0)
        snprintf(why, size, "%s", text);
    else if (e->dry)
        o = ask(e, why, size);
    explain_dry_free(e->dry);
    json_decref(e->steps);
    json_decref(e->dropped);
    free(e);
    return o;
}
