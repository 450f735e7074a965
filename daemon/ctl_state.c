/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operator's hand on trunks, and what is known of them while calls run.
 * command.c names these commands. It decides nothing: route_decide and the call layer read what is said here.
 */
#include "daemon/ctl_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "config/errors.h"
#include "core/err.h"
#include "core/timer.h"
#include "daemon/render.h"

#define INT(v) ((json_int_t)(v))
/* Destinations shown of a trunk, those with the most seizures: several screens. */
#define QUALITY_SHOWN 1000

static json_t *time_of(uint64_t wall_ms)
{
    char buf[40];
    time_t s = (time_t)(wall_ms / 1000);
    struct tm tm;
    if (wall_ms == 0 || !gmtime_r(&s, &tm) ||
        !strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm))
        return json_string("-");
    return json_string(buf);
}

static const struct route *route_now(struct admin_req *r)
{
    return snapshots_current(&admin_node(r)->snapshots)->route;
}

/* ---- trunk, group ------------------------------------------------------------------------------------------------ */

struct order {
    struct admin_req *req;
    enum trunk_admin admin;
    bool end_calls;
    int kept; /* 0, or why the file could not be written */
    char name[CONF_NAME_MAX + 1];
    unsigned n;
    uint32_t slot[CONF_CANDIDATES_MAX];
};

static void render_order(struct evbuffer *out, const json_t *body)
{
    const json_t *warning = json_object_get(body, "warning");
    const json_t *ended = json_object_get(body, "ended");
    evbuffer_add_printf(out, "%s is %s", json_string_value(json_object_get(body, "name")),
                        json_string_value(json_object_get(body, "state")));
    if (ended)
        evbuffer_add_printf(out, ", calls ended: %lld", (long long)json_integer_value(ended));
    else
        evbuffer_add_printf(out, ", calls standing: %lld",
                            (long long)json_integer_value(json_object_get(body, "calls")));
    evbuffer_add_printf(out, "\n");
    if (warning)
        evbuffer_add_printf(out, "warning: %s\n", json_string_value(warning));
}

static void order_answer(struct order *o, json_int_t ended)
{
    json_t *body = json_pack("{s:s,s:s}", "name", o->name, "state", trunk_admin_name(o->admin));
    const struct trunk_state *ts;
    uint64_t calls = 0;
    for (unsigned i = 0; i < o->n; i++)
        if ((ts = trunk_by_slot(admin_node(o->req)->trunks, o->slot[i])))
            calls += (uint64_t)ts->in.calls + ts->out.calls;
    json_object_set_new(body, "calls", json_integer(INT(calls)));
    if (ended >= 0)
        json_object_set_new(body, "ended", json_integer(ended));
    if (o->kept < 0) {
        char text[160];
        snprintf(text, sizeof(text), "not kept over a restart: trunks.json: %s", err_str(o->kept));
        json_object_set_new(body, "warning", json_string(text));
    }
    admin_answer(o->req, body, render_order);
    free(o);
}

static void end_on_worker(struct worker *w, struct ask *a)
{
    struct gather *g = a->arg;
    const struct order *o = g->question;
    json_int_t n = 0;
    for (unsigned i = 0; i < o->n; i++)
        n += calls_end_trunk(stack_calls(worker_stack(w)), o->slot[i]);
    g->result[worker_id(w)] = json_integer(n);
}

static void end_done(struct gather *g, void *arg)
{
    json_int_t n = 0;
    for (unsigned i = 0; i < g->node->n_workers; i++)
        n += json_integer_value(g->result[i]);
    order_answer(arg, n);
}

static int order_read(struct admin_req *r, struct order *o)
{
    const char *word = admin_arg(r, 1);
    uint8_t a = TRUNK_UP;
    while (a <= TRUNK_DOWN && strcmp(word, trunk_admin_name(a)) != 0)
        a++;
    if (a > TRUNK_DOWN || (admin_n_args(r) > 2 && strcmp(admin_arg(r, 2), "end-calls") != 0) ||
        (admin_n_args(r) > 2 && a == TRUNK_UP))
        return -EINVAL;
    o->req = r;
    o->admin = (enum trunk_admin)a;
    o->end_calls = admin_n_args(r) > 2;
    snprintf(o->name, sizeof(o->name), "%s", admin_arg(r, 0));
    return 0;
}

/* Said to the workers first, then written, then calls are ended: none can begin in between. */
static void order_run(struct order *o)
{
    struct node *n = admin_node(o->req);
    struct clock now;
    clock_init(&now);
    for (unsigned i = 0; i < o->n; i++) {
        struct trunk_state *ts = trunk_by_slot(n->trunks, o->slot[i]);
        int rc = trunk_admins_set(n->admins, ts, o->admin, now.wall_ms);
        o->kept = rc < 0 ? rc : o->kept;
    }
    int rc =
        trunk_admins_save(n->admins, snapshots_current(&n->snapshots)->conf, false, now.wall_ms);
    o->kept = rc < 0 ? rc : o->kept;
    if (!o->end_calls)
        order_answer(o, -1);
    else if (node_gather(n, end_on_worker, o, false, end_done, o) < 0) {
        admin_error(o->req, "the state holds, but calls were not ended: a worker does not answer");
        free(o);
    }
}

static void refuse(struct order *o, struct admin_req *r, const char *text)
{
    admin_error(r, text);
    free(o);
}

/* "no trunk of that name; did you mean 'charlie'?" */
static void refuse_name(struct order *o, struct admin_req *r, bool group)
{
    const struct conf *c = snapshots_current(&admin_node(r)->snapshots)->conf;
    struct nearest near;
    char text[160];
    nearest_init(&near, span_of(admin_arg(r, 0)));
    for (uint32_t i = 0; !group && i < c->trunk.n; i++)
        nearest_try(&near, c->trunk.v[i].name);
    for (uint32_t i = 0; group && i < c->group.n; i++)
        nearest_try(&near, c->group.v[i].name);
    snprintf(text, sizeof(text), "no %s of that name%s%s%s", group ? "group" : "trunk",
             near.best ? "; did you mean '" : "", near.best ? near.best : "",
             near.best ? "'?" : "");
    refuse(o, r, text);
}

void cmd_trunk(struct admin_req *r)
{
    struct order *o = calloc(1, sizeof(*o));
    const struct trunk_state *ts = trunk_registry_find(admin_node(r)->trunks, admin_arg(r, 0));
    if (!o || order_read(r, o) < 0) {
        refuse(o, r, o ? "usage: trunk NAME up|drain|down [end-calls]" : "out of memory");
        return;
    }
    if (!ts) {
        refuse_name(o, r, false);
        return;
    }
    o->slot[o->n++] = ts->slot;
    order_run(o);
}

void cmd_group(struct admin_req *r)
{
    const struct route *rt = route_now(r);
    const struct conf *c = route_conf(rt);
    struct order *o = calloc(1, sizeof(*o));
    uint32_t id = 0;
    if (!o || order_read(r, o) < 0) {
        refuse(o, r, o ? "usage: group NAME up|drain|down [end-calls]" : "out of memory");
        return;
    }
    while (id < c->group.n && strcmp(c->group.v[id].name, o->name) != 0)
        id++;
    if (id == c->group.n) {
        refuse_name(o, r, true);
        return;
    }
    for (uint32_t i = 0; i < c->group.v[id].member.n && o->n < CONF_CANDIDATES_MAX; i++)
        o->slot[o->n++] = route_trunk_state(rt, c->group.v[id].member.v[i].ref.id)->slot;
    order_run(o);
}

/* ---- breakers ---------------------------------------------------------------------------------------------------- */

static const char *breaker_word(const struct breaker *b, const struct conf_breaker *conf,
                                uint64_t now_ms)
{
    static const char *const name[] = {"closed", "open", "half-open"};
    if (conf->trip_pct == 0)
        return "off";
    if (b->open_until_ms && now_ms >= b->open_until_ms)
        return name[BREAKER_HALF_OPEN]; /* also while the trial is under way */
    return name[breaker_look(b, conf, now_ms)];
}

void ctl_state_of(json_t *row, const struct trunk_state *ts, const struct conf_breaker *conf,
                  uint64_t now_ms)
{
    json_object_set_new(row, "admin", json_string(trunk_admin_name(ts->admin)));
    json_object_set_new(row, "admin_since", time_of(ts->admin_since_wall_ms));
    json_object_set_new(row, "breaker", json_string(breaker_word(&ts->breaker, conf, now_ms)));
}

static json_t *breaker_row(const struct conf_trunk *t, const struct trunk_state *ts,
                           uint64_t now_ms)
{
    const struct breaker *b = &ts->breaker;
    uint32_t failures, attempts;
    uint64_t until = b->open_until_ms;
    breaker_count(b, &t->breaker, now_ms, &failures, &attempts);
    return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "trunk", t->name, "state",
                     breaker_word(b, &t->breaker, now_ms), "failures", INT(failures), "attempts",
                     INT(attempts), "trip_percent", INT(t->breaker.trip_pct), "of",
                     INT(t->breaker.of), "window_s", INT(t->breaker.window_ms / 1000), "retry_in_s",
                     INT(until > now_ms ? (until - now_ms + 999) / 1000 : 0), "trips",
                     INT(b->trips), "changed", time_of(b->changed_wall_ms));
}

static void render_breakers(struct evbuffer *out, const json_t *body)
{
    static const struct render_column col[] = {{"trunk", "TRUNK", 32},
                                               {"state", "STATE", 0},
                                               {"failures", "FAILED", 0},
                                               {"attempts", "ATTEMPTS", 0},
                                               {"trip_percent", "TRIP-%", 0},
                                               {"of", "OF", 0},
                                               {"window_s", "IN-S", 0},
                                               {"retry_in_s", "RETRY-IN", 0},
                                               {"trips", "TRIPS", 0},
                                               {"changed", "CHANGED", 0},
                                               {NULL, NULL, 0}};
    render_table(out, body, col);
}

void cmd_show_breakers(struct admin_req *r)
{
    struct node *n = admin_node(r);
    const struct route *rt = route_now(r);
    json_t *list = json_array();
    timers_tick(n->timers);
    for (uint32_t i = 0; i < route_conf(rt)->trunk.n; i++) {
        const struct conf_trunk *t = &route_conf(rt)->trunk.v[i];
        if (t->breaker.trip_pct)
            json_array_append_new(list, breaker_row(t, route_trunk_state(rt, i), n->clock.mono_ms));
    }
    admin_answer(r, list, render_breakers);
}

/* ---- quality ----------------------------------------------------------------------------------------------------- */

/* "33.3", and "-" of nothing. */
static json_t *percent(uint32_t ppm, uint32_t of)
{
    char text[16];
    snprintf(text, sizeof(text), "%u.%u", ppm / 10000, ppm / 1000 % 10);
    return json_string(of ? text : "-");
}

static json_t *quality_row(const char *trunk, const char *destination,
                           const struct quality_figures *f)
{
    return json_pack("{s:s,s:s,s:I,s:I,s:o,s:I,s:o,s:I,s:I,s:I,s:I}", "trunk", trunk, "destination",
                     destination, "seizures", INT(f->seizures), "answers", INT(f->answers), "asr",
                     percent(f->asr_ppm, f->seizures), "asr_ppm", INT(f->asr_ppm), "ner",
                     percent(f->ner_ppm, f->seizures), "ner_ppm", INT(f->ner_ppm), "ended",
                     INT(f->ended), "acd_ms", INT(f->acd_ms), "pdd_ms", INT(f->pdd_ms));
}

static void render_quality(struct evbuffer *out, const json_t *body)
{
    static const struct render_column col[] = {
        {"trunk", "TRUNK", 32},    {"destination", "DESTINATION", 0},
        {"seizures", "SEIZED", 0}, {"answers", "ANSWERED", 0},
        {"asr", "ASR-%", 0},       {"ner", "NER-%", 0},
        {"ended", "ENDED", 0},     {"acd_ms", "ACD-MS", 0},
        {"pdd_ms", "PDD-MS", 0},   {NULL, NULL, 0}};
    render_table(out, body, col);
}

struct pair {
    uint64_t key;
    struct quality_figures f;
};

struct pairs {
    uint32_t slot;
    size_t n, cap;
    struct pair *v;
};

static bool add_pair(void *arg, uint32_t slot, uint64_t key, const struct quality_figures *f)
{
    struct pairs *p = arg;
    if (slot != p->slot)
        return true;
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 256;
        struct pair *v = realloc(p->v, cap * sizeof(*v));
        if (!v)
            return false;
        p->v = v;
        p->cap = cap;
    }
    p->v[p->n++] = (struct pair){key, *f};
    return true;
}

static int by_seizures(const void *va, const void *vb)
{
    const struct pair *a = va, *b = vb;
    if (a->f.seizures != b->f.seizures)
        return a->f.seizures > b->f.seizures ? -1 : 1;
    return a->key < b->key ? -1 : a->key > b->key;
}

static void add_destinations(json_t *list, const struct quality *q, const struct trunk_state *ts,
                             uint64_t now_ms)
{
    struct pairs p = {.slot = ts->slot};
    char text[KEY_DIGITS + 1];
    quality_each(q, now_ms, add_pair, &p);
    if (p.n)
        qsort(p.v, p.n, sizeof(*p.v), by_seizures);
    for (size_t i = 0; i < p.n && i < QUALITY_SHOWN; i++)
        json_array_append_new(list, quality_row(ts->name, key_text(p.v[i].key, text), &p.v[i].f));
    free(p.v);
}

void cmd_show_quality(struct admin_req *r)
{
    struct node *n = admin_node(r);
    const struct quality *q = trunk_registry_quality(n->trunks);
    const char *name = admin_arg(r, 0);
    const struct trunk_state *ts;
    struct quality_figures f;
    json_t *list = json_array();
    if (name && !trunk_registry_find(n->trunks, name)) {
        json_decref(list);
        refuse_name(NULL, r, false);
        return;
    }
    timers_tick(n->timers);
    for (uint32_t i = 0; (ts = trunk_by_slot(n->trunks, i)); i++) {
        quality_get(q, i, 0, n->clock.mono_ms, &f);
        if (name ? strcmp(ts->name, name) != 0 : f.seizures + f.ended == 0)
            continue;
        json_array_append_new(list, quality_row(ts->name, "all", &f));
        if (name)
            add_destinations(list, q, ts, n->clock.mono_ms);
    }
    admin_answer(r, list, render_quality);
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static json_t *group_row(const struct route *rt, uint32_t id, uint64_t now_ms)
{
    static const char *const order[] = {[CONF_GROUP_FAILOVER] = "failover",
                                        [CONF_GROUP_ROUND_ROBIN] = "round-robin",
                                        [CONF_GROUP_WEIGHTED] = "weighted",
                                        [CONF_GROUP_LEAST_USED] = "least-used"};
    const struct conf *c = route_conf(rt);
    const struct conf_group *g = &c->group.v[id];
    const struct group_state *gs = route_group_state(rt, id);
    uint64_t in = 0, out = 0;
    json_t *members = json_array(), *row;
    for (uint32_t i = 0; i < g->member.n; i++) {
        const struct conf_trunk *t = &c->trunk.v[g->member.v[i].ref.id];
        const struct trunk_state *ts = route_trunk_state(rt, g->member.v[i].ref.id);
        in += ts->in.calls;
        out += ts->out.calls;
        row = json_pack("{s:s,s:i,s:I,s:I,s:I}", "trunk", t->name, "weight",
                        (int)g->member.v[i].weight, "calls_in", INT(ts->in.calls), "calls_out",
                        INT(ts->out.calls), "limit_out", INT(t->limit_out.calls));
        ctl_state_of(row, ts, &t->breaker, now_ms);
        json_array_append_new(members, row);
    }
    row = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "group", g->name, "order",
                    order[g->order], "calls_in", INT(in), "limit_in", INT(g->limit_in.calls),
                    "cps_in", INT(g->limit_in.cps), "calls_out", INT(out), "limit_out",
                    INT(g->limit_out.calls), "cps_out", INT(g->limit_out.cps), "refused_in",
                    INT(gs->in.refused_calls + gs->in.refused_cps), "refused_out",
                    INT(gs->out.refused_calls + gs->out.refused_cps));
    json_object_set_new(row, "members", members);
    return row;
}

static void render_groups(struct evbuffer *out, const json_t *body)
{
    static const struct render_column col[] = {{"group", "GROUP", 32},
                                               {"order", "ORDER", 0},
                                               {"calls_in", "IN", 0},
                                               {"limit_in", "MAX-IN", 0},
                                               {"cps_in", "CPS-IN", 0},
                                               {"calls_out", "OUT", 0},
                                               {"limit_out", "MAX-OUT", 0},
                                               {"cps_out", "CPS-OUT", 0},
                                               {"refused_in", "REF-IN", 0},
                                               {"refused_out", "REF-OUT", 0},
                                               {NULL, NULL, 0}};
    static const struct render_column member[] = {
        {"trunk", "  MEMBER", 32},   {"weight", "WEIGHT", 0}, {"admin", "ADMIN", 0},
        {"breaker", "BREAKER", 0},   {"calls_in", "IN", 0},   {"calls_out", "OUT", 0},
        {"limit_out", "MAX-OUT", 0}, {NULL, NULL, 0}};
    size_t i;
    const json_t *row;
    render_table(out, body, col);
    json_array_foreach(body, i, row)
    {
        evbuffer_add_printf(out, "\n%s\n", json_string_value(json_object_get(row, "group")));
        render_table(out, json_object_get(row, "members"), member);
    }
}

void cmd_show_groups(struct admin_req *r)
{
    struct node *n = admin_node(r);
    const struct route *rt = route_now(r);
    json_t *list = json_array();
    timers_tick(n->timers);
    for (uint32_t i = 0; i < route_conf(rt)->group.n; i++)
        json_array_append_new(list, group_row(rt, i, n->clock.mono_ms));
    admin_answer(r, list, render_groups);
}
