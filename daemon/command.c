/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operator's commands: one table line and one function each; later ones are added here.
 * admin.c calls them on the control thread; what lives on a worker is asked for by node_gather, never touched.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/delay.h"
#include "core/err.h"
#include "core/log.h"
#include "daemon/admin.h"
#include "daemon/call_show.h"
#include "daemon/command_conn.h"
#include "daemon/command_diff.h"
#include "daemon/dips.h"
#include "daemon/command_explain.h"
#include "daemon/ctl_state.h"
#include "daemon/media_show.h"
#include "daemon/registrations.h"
#include "daemon/render.h"

/* Calls shown unless a number is given: a screenful or two; each worker stops walking there. */
#define CALLS_SHOWN 100
/* And the most that may be asked for: a worker makes 1,000 rows in 10 ms, and carries no SIP meanwhile. */
#define CALLS_SHOWN_MAX 1000

#define INT(v) ((json_int_t)(v))

static json_t *text_of(struct span s)
{
    json_t *j = json_stringn(s.p ? s.p : "", s.len);
    return j ? j : json_string("?"); /* not UTF-8 */
}

static json_t *time_of(uint64_t wall_ms)
{
    char buf[40] = "";
    time_t s = (time_t)(wall_ms / 1000);
    struct tm tm;
    if (wall_ms == 0 || !gmtime_r(&s, &tm))
        return json_string("");
    size_t n = strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(buf + n, sizeof(buf) - n, ".%03uZ", (unsigned)(wall_ms % 1000));
    return json_string(buf);
}

/* ---- help, status, stats ---- */

static void render_help(struct evbuffer *out, const json_t *body)
{
    size_t i;
    const json_t *row;
    json_array_foreach(body, i, row)
    {
        char use[64];
        snprintf(use, sizeof(use), "%s %s", json_string_value(json_object_get(row, "command")),
                 json_string_value(json_object_get(row, "args")));
        evbuffer_add_printf(out, "%-24s %s\n", use,
                            json_string_value(json_object_get(row, "help")));
    }
}

static void cmd_help(struct admin_req *r)
{
    json_t *list = json_array();
    for (const struct command *c = command_table; c->words; c++)
        json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "command", c->words, "args", c->args,
                                              "help", c->help));
    admin_answer(r, list, render_help);
}

static const char *state_name(enum node_state s)
{
    static const char *const name[] = {"running", "draining", "stopping"};
    return name[s];
}

static json_t *status_cdr(const struct node *n)
{
    struct cdr_status s;
    cdr_writer_status(n->cdr, &s);
    return json_pack("{s:I,s:I,s:I,s:I,s:b}", "written", INT(s.written), "backlog", INT(s.backlog),
                     "lost", INT(s.lost), "write_errors", INT(s.write_errors), "failing",
                     s.failing);
}

static json_t *status_workers(const struct node *n, bool *media_up)
{
    json_t *list = json_array();
    *media_up = true;
    for (unsigned i = 0; i < n->n_workers; i++) {
        uint64_t alive, up;
        worker_calls(n->worker[i], &alive, &up);
        bool media = worker_media_up(n->worker[i]);
        struct delay_view wait, turn;
        delay_read(worker_wait(n->worker[i]), &wait);
        delay_read(worker_turn(n->worker[i]), &turn);
        *media_up = *media_up && media;
        json_array_append_new(
            list,
            json_pack("{s:i,s:I,s:I,s:I,s:I,s:I,s:b,s:I,s:I,s:I,s:I}", "worker", (int)i, "calls",
                      INT(alive), "up", INT(up), "connections", INT(worker_conns(n->worker[i])),
                      "cpu_us", INT(worker_cpu_us(n->worker[i])), "generation",
                      INT(worker_generation(n->worker[i])), "media", media, "wait_p99_us",
                      INT(delay_quantile_us(&wait, 990)), "wait_max_us", INT(wait.max_us),
                      "turn_p99_us", INT(delay_quantile_us(&turn, 990)), "turn_max_us",
                      INT(turn.max_us)));
    }
    return list;
}

static void render_status(struct evbuffer *out, const json_t *body)
{
    static const struct render_column col[] = {{"worker", "WORKER", 0},
                                               {"calls", "CALLS", 0},
                                               {"up", "UP", 0},
                                               {"cpu_us", "CPU-US", 0},
                                               {"generation", "GEN", 0},
                                               {"media", "MEDIA", 0},
                                               {"connections", "CONNS", 0},
                                               {"wait_p99_us", "WAIT-P99-US", 0},
                                               {"wait_max_us", "MAX", 0},
                                               {"turn_p99_us", "TURN-P99-US", 0},
                                               {"turn_max_us", "MAX", 0},
                                               {NULL, NULL, 0}};
    json_t *head = json_copy((json_t *)(uintptr_t)body);
    json_object_del(head, "workers");
    render_object(out, head);
    json_decref(head);
    evbuffer_add_printf(out, "\n");
    render_table(out, json_object_get(body, "workers"), col);
}

static void cmd_status(struct admin_req *r)
{
    const struct node *n = admin_node(r);
    const struct conf *c = snapshots_current((struct snapshots *)(uintptr_t)&n->snapshots)->conf;
    uint64_t alive, up;
    bool media_up;
    node_calls(n, &alive, &up);
    json_t *workers = status_workers(n, &media_up);
    json_t *body = json_pack(
        "{s:s,s:s,s:i,s:s,s:o,s:I,s:I,s:I,s:I,s:I,s:s}", "node", c->global.node, "version",
        PACKAGE_VERSION, "pid", (int)getpid(), "state", state_name(n->state), "started",
        time_of(n->start_wall_ms), "generation", INT(n->generation), "reloads", INT(n->reloads),
        "reloads_failed", INT(n->reloads_failed), "calls", INT(alive), "calls_up", INT(up), "media",
        c->media.n == 0 ? "none"
        : media_up      ? "up"
                        : "down");
    json_object_set_new(body, "audit",
                        json_pack("{s:I,s:I,s:I,s:I,s:I}", "runs", INT(n->audit.runs), "drift",
                                  INT(n->audit.drift), "drift_total", INT(n->audit.drift_total),
                                  "transactions", INT(n->audit.transactions), "dialogs",
                                  INT(n->audit.dialogs)));
    json_object_set_new(body, "cdr", status_cdr(n));
    json_object_set_new(body, "workers", workers);
    admin_answer(r, body, render_status);
}

/* ---- delays ---- */

/* Steps that hold something, as [upper end in us, count]: two answers subtract to what came between them. */
static json_t *delay_rows(const struct delay *d, const char *what, int worker)
{
    struct delay_view v;
    json_t *steps = json_array();
    delay_read(d, &v);
    for (unsigned i = 0; i < DELAY_BUCKETS; i++)
        if (v.bucket[i])
            json_array_append_new(steps,
                                  json_pack("[I,I]", INT(delay_bucket_us(i)), INT(v.bucket[i])));
    return json_pack("{s:i,s:s,s:I,s:I,s:I,s:I,s:I,s:o}", "worker", worker, "what", what, "n",
                     INT(v.n), "p50_us", INT(delay_quantile_us(&v, 500)), "p99_us",
                     INT(delay_quantile_us(&v, 990)), "p999_us", INT(delay_quantile_us(&v, 999)),
                     "max_us", INT(v.max_us), "steps", steps);
}

static void render_delays(struct evbuffer *out, const json_t *body)
{
    static const struct render_column col[] = {{"worker", "WORKER", 0}, {"what", "WHAT", 0},
                                               {"n", "N", 0},           {"p50_us", "P50-US", 0},
                                               {"p99_us", "P99-US", 0}, {"p999_us", "P99.9-US", 0},
                                               {"max_us", "MAX-US", 0}, {NULL, NULL, 0}};
    render_table(out, body, col);
}

static void cmd_show_delays(struct admin_req *r)
{
    const struct node *n = admin_node(r);
    json_t *list = json_array();
    for (unsigned i = 0; i < n->n_workers; i++) {
        json_array_append_new(list, delay_rows(worker_wait(n->worker[i]), "wait", (int)i));
        json_array_append_new(list, delay_rows(worker_turn(n->worker[i]), "turn", (int)i));
        json_array_append_new(list, delay_rows(worker_adoption(n->worker[i]), "adopt", (int)i));
    }
    json_array_append_new(list, delay_rows(reload_delay(n->reload), "publish", -1));
    admin_answer(r, list, render_delays);
}

static void cmd_stats(struct admin_req *r)
{
    json_t *body = json_object();
    for (unsigned i = 0; i < STAT_COUNT; i++)
        json_object_set_new(body, stat_name((enum stat_id)i),
                            json_integer(INT(node_stat(admin_node(r), (enum stat_id)i))));
    admin_answer(r, body, render_object);
}

/* ---- calls ---- */

struct calls_question {
    struct admin_req *req;
    size_t max;
    char want[64]; /* UUID or number of one call; "" all */
};

struct calls_walk {
    const struct calls_question *q;
    json_t *rows;
    struct media_ref session; /* of the one call that is wanted */
    bool has_session;
};

static bool call_is_wanted(const struct call_info *c, const char *want)
{
    char id[24];
    snprintf(id, sizeof(id), "%llu", (unsigned long long)c->id);
    return want[0] == '\0' || strcmp(want, c->uuid) == 0 || strcmp(want, id) == 0;
}

/* What the leg has agreed on; nothing before that. */
static void add_media(json_t *row, const char *side, const struct call_media_info *m)
{
    char key[24];
    if (!m->codec)
        return;
    snprintf(key, sizeof(key), "%s_codec", side);
    json_object_set_new(row, key, json_string(m->codec));
    if (m->ptime_ms) {
        snprintf(key, sizeof(key), "%s_ptime_ms", side);
        json_object_set_new(row, key, json_integer((json_int_t)m->ptime_ms));
    }
    if (m->srtp) {
        snprintf(key, sizeof(key), "%s_srtp", side);
        json_object_set_new(row, key, json_string(m->srtp));
    }
    snprintf(key, sizeof(key), "%s_dtmf", side);
    json_object_set_new(row, key,
                        m->event_pt < 0 ? json_string("none agreed")
                                        : json_sprintf("telephone-event %d", m->event_pt));
}

static bool add_call(const struct call_info *c, void *arg)
{
    struct calls_walk *walk = arg;
    if (!call_is_wanted(c, walk->q->want))
        return true;
    json_t *row = json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:I,s:i,s:I}", "id", INT(c->id), "uuid",
                            c->uuid, "state", c->state, "in", c->in_trunk, "out", c->out_trunk,
                            "class", c->klass, "age_ms", INT(c->age_ms), "attempts",
                            (int)c->attempts, "generation", INT(c->generation));
    json_object_set_new(row, "caller", text_of(c->caller));
    json_object_set_new(row, "called", text_of(c->called));
    json_object_set_new(row, "sent", text_of(c->sent));
    json_object_set_new(row, "started", time_of(c->start_wall_ms));
    json_object_set_new(row, "answered", time_of(c->answer_wall_ms));
    json_object_set_new(row, "in_call_id", text_of(c->in_call_id));
    json_object_set_new(row, "out_call_id", text_of(c->out_call_id));
    json_object_set_new(row, "session_id", json_string(c->session_id));
    json_object_set_new(row, "media", json_string(c->path));
    add_media(row, "in", &c->in_media);
    add_media(row, "out", &c->out_media);
    json_array_append_new(walk->rows, row);
    walk->has_session = c->has_session;
    walk->session = c->session;
    return json_array_size(walk->rows) < walk->q->max;
}

static void calls_worker(struct worker *w, struct ask *a)
{
    struct gather *g = a->arg;
    struct calls_walk walk = {.q = g->question, .rows = json_array()};
    calls_each(stack_calls(worker_stack(w)), add_call, &walk);
    g->result[worker_id(w)] = walk.rows;
    if (walk.q->want[0] != '\0' && walk.has_session)
        call_show_streams(w, a, walk.session, json_array_get(walk.rows, 0));
}

static json_t *calls_join(struct gather *g, size_t max)
{
    json_t *all = json_array(), *row;
    size_t k;
    for (unsigned i = 0; i < g->node->n_workers; i++)
        json_array_foreach(g->result[i], k, row)
        {
            if (json_array_size(all) == max)
                return all;
            json_object_set_new(row, "worker", json_integer((json_int_t)i));
            json_array_append(all, row);
        }
    return all;
}

static void render_calls(struct evbuffer *out, const json_t *body)
{
    static const struct render_column col[] = {
        {"uuid", "CALL", 0},     {"state", "STATE", 0},    {"in", "IN", 16},
        {"out", "OUT", 16},      {"caller", "CALLER", 20}, {"called", "CALLED", 20},
        {"class", "CLASS", 0},   {"age_ms", "AGE-MS", 0},  {"attempts", "TRIES", 0},
        {"worker", "WORKER", 0}, {NULL, NULL, 0}};
    render_table(out, json_object_get(body, "calls"), col);
    evbuffer_add_printf(out, "%zu of %lld calls\n", json_array_size(json_object_get(body, "calls")),
                        (long long)json_integer_value(json_object_get(body, "total")));
}

static void calls_done(struct gather *g, void *arg)
{
    struct calls_question *q = arg;
    uint64_t alive, up;
    node_calls(g->node, &alive, &up);
    json_t *rows = calls_join(g, q->max);
    if (q->want[0] == '\0')
        admin_answer(q->req,
                     json_pack("{s:I,s:I,s:o}", "total", INT(alive), "up", INT(up), "calls", rows),
                     render_calls);
    else if (json_array_size(rows) > 0)
        admin_answer(q->req, json_incref(json_array_get(rows, 0)), render_object);
    else
        admin_error(q->req, "no such call");
    if (q->want[0] != '\0')
        json_decref(rows);
    free(q);
}

static void ask_workers(struct admin_req *r, void (*fn)(struct worker *w, struct ask *a),
                        struct calls_question *q, void (*done)(struct gather *g, void *arg))
{
    if (q && node_gather(admin_node(r), fn, q, false, done, q) == 0)
        return;
    admin_error(r, q ? "a worker does not answer" : "out of memory");
    free(q);
}

static struct calls_question *question_new(struct admin_req *r, size_t max, const char *want)
{
    struct calls_question *q = calloc(1, sizeof(*q));
    if (q) {
        q->req = r;
        q->max = max;
        snprintf(q->want, sizeof(q->want), "%s", want ? want : "");
    }
    return q;
}

static void cmd_show_calls(struct admin_req *r)
{
    uint32_t max = CALLS_SHOWN;
    if (admin_n_args(r) && span_u32(span_of(admin_arg(r, 0)), CALLS_SHOWN_MAX, &max) < 0) {
        admin_error(r, "show calls [N]: N is a number up to 1000");
        return;
    }
    ask_workers(r, calls_worker, question_new(r, max, NULL), calls_done);
}

static void cmd_show_call(struct admin_req *r)
{
    ask_workers(r, calls_worker, question_new(r, 1, admin_arg(r, 0)), calls_done);
}

static void hangup_worker(struct worker *w, struct ask *a)
{
    struct gather *g = a->arg;
    const struct calls_question *q = g->question;
    if (calls_hangup(stack_calls(worker_stack(w)), span_of(q->want)) == 0)
        g->result[worker_id(w)] = json_string(q->want);
}

static void hangup_done(struct gather *g, void *arg)
{
    struct calls_question *q = arg;
    bool found = false;
    for (unsigned i = 0; i < g->node->n_workers; i++)
        found = found || g->result[i];
    if (found)
        admin_answer(q->req, json_pack("{s:s}", "ended", q->want), render_object);
    else
        admin_error(q->req, "no such call");
    free(q);
}

static void cmd_hangup(struct admin_req *r)
{
    ask_workers(r, hangup_worker, question_new(r, 1, admin_arg(r, 0)), hangup_done);
}

/* ---- trunks ---- */

static json_t *gauge_row(const char *kind, const char *name, const char *dir,
                         const struct cac_gauge *g, const struct conf_limit *l)
{
    return json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "kind", kind, "name", name, "dir",
                     dir, "calls", INT(g->calls), "limit", INT(l->calls), "cps_limit", INT(l->cps),
                     "admitted", INT(g->admitted), "refused_calls", INT(g->refused_calls),
                     "refused_cps", INT(g->refused_cps));
}

static const char *target_state(const struct target *t, uint64_t now_ms)
{
    return target_is_usable(t, now_ms) ? "up" : target_is_usable(t, 0) ? "busy" : "down";
}

/* Per cent of the calls of its priority. */
static uint64_t target_share(const struct target_set *set, const struct target *t)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < set->n; i++)
        sum += set->v[i].priority == t->priority ? set->v[i].weight : 0;
    return sum ? ((uint64_t)t->weight * 100 + sum / 2) / sum : 0;
}

static json_t *peer_rows(const struct trunk_state *ts, uint64_t now_ms)
{
    const struct target_set *set = targets_of(ts);
    json_t *list = json_array();
    char buf[ADDR_STRLEN];
    for (uint32_t i = 0; set && i < set->n; i++) {
        const struct target *t = &set->v[i];
        const struct target_health *h = t->health;
        uint64_t busy = h->busy_until_ms > now_ms ? (h->busy_until_ms - now_ms + 999) / 1000 : 0;
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:I,s:I,s:I,s:s,s:I,s:I,s:I,s:o,s:s}", "peer",
                            addr_str(&t->addr, buf), "transport", proto_name(t->proto), "priority",
                            INT(t->priority >> 32), "srv_priority", INT(t->priority & UINT32_MAX),
                            "share", INT(target_share(set, t)), "state", target_state(t, now_ms),
                            "retry_after", INT(busy), "probes", INT(h->probes), "failures",
                            INT(h->probe_failures), "changed", time_of(h->changed_wall_ms), "name",
                            t->host ? t->host : "-"));
    }
    return list;
}

static void name_row(void *arg, const struct locate_name *n)
{
    static const char *const how[] = {[CONF_LOOKUP_HOST] = "a/aaaa",
                                      [CONF_LOOKUP_SRV] = "srv",
                                      [CONF_LOOKUP_SRV_NAME] = "srv-name",
                                      [CONF_LOOKUP_NAPTR] = "naptr"};
    json_array_append_new(arg,
                          json_pack("{s:s,s:s,s:s,s:I,s:I,s:I}", "name", n->name, "lookup",
                                    how[n->lookup], "state", n->state, "targets", INT(n->targets),
                                    "ttl", INT(n->next_s), "failures", INT(n->failures)));
}

static json_t *trunk_row(const struct node *n, const struct route *rt, uint32_t id)
{
    const struct conf_trunk *t = &route_conf(rt)->trunk.v[id];
    const struct trunk_state *ts = route_trunk_state(rt, id);
    unsigned up = 0;
    size_t i;
    json_t *peers = peer_rows(ts, n->clock.mono_ms), *names = json_array(), *p, *row;
    locate_each_name(n->locate, ts->slot, name_row, names);
    json_array_foreach(peers, i, p) up +=
        strcmp(json_string_value(json_object_get(p, "state")), "up") == 0;
    row = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "trunk", t->name, "state",
                    up                       ? "up"
                    : json_array_size(peers) ? "down"
                    : t->peer.n == 0         ? "no-peer"
                    : t->registrar.on        ? "unregistered"
                                             : "unlocated",
                    "calls_in", INT(ts->in.calls), "limit_in", INT(t->limit_in.calls), "calls_out",
                    INT(ts->out.calls), "limit_out", INT(t->limit_out.calls), "attempts_in",
                    INT(ts->attempts_in), "answered_in", INT(ts->answered_in), "attempts_out",
                    INT(ts->attempts_out), "answered_out", INT(ts->answered_out), "refused_in",
                    INT(ts->in.refused_calls + ts->in.refused_cps), "refused_out",
                    INT(ts->out.refused_calls + ts->out.refused_cps));
    ctl_state_of(row, ts, &t->breaker, n->clock.mono_ms);
    json_object_set_new(row, "peers", peers);
    json_object_set_new(row, "names", names);
    return row;
}

static void render_trunks(struct evbuffer *out, const json_t *body)
{
    static const struct render_column col[] = {
        {"trunk", "TRUNK", 32},         {"state", "STATE", 0},
        {"admin", "ADMIN", 0},          {"admin_since", "SINCE", 0},
        {"breaker", "BREAKER", 0},      {"calls_in", "IN", 0},
        {"limit_in", "MAX-IN", 0},      {"calls_out", "OUT", 0},
        {"limit_out", "MAX-OUT", 0},    {"attempts_in", "TRIED-IN", 0},
        {"answered_in", "ANS-IN", 0},   {"attempts_out", "TRIED-OUT", 0},
        {"answered_out", "ANS-OUT", 0}, {"refused_in", "REF-IN", 0},
        {"refused_out", "REF-OUT", 0},  {NULL, NULL, 0}};
    static const struct render_column peer[] = {
        {"peer", "  PEER", 0},          {"transport", "VIA", 0}, {"priority", "PRIO", 0},
        {"srv_priority", "SRV", 0},     {"share", "SHARE-%", 0}, {"state", "STATE", 0},
        {"retry_after", "RETRY-IN", 0}, {"probes", "PROBES", 0}, {"failures", "FAILED", 0},
        {"changed", "CHANGED", 0},      {"name", "NAME", 64},    {NULL, NULL, 0}};
    static const struct render_column name[] = {{"name", "  NAME", 64}, {"lookup", "LOOKUP", 0},
                                                {"state", "STATE", 0},  {"targets", "TARGETS", 0},
                                                {"ttl", "NEXT-IN", 0},  {"failures", "FAILED", 0},
                                                {NULL, NULL, 0}};
    size_t i;
    const json_t *row;
    render_table(out, body, col);
    json_array_foreach(body, i, row)
    {
        evbuffer_add_printf(out, "\n%s\n", json_string_value(json_object_get(row, "trunk")));
        render_table(out, json_object_get(row, "peers"), peer);
        if (json_array_size(json_object_get(row, "names")))
            render_table(out, json_object_get(row, "names"), name);
    }
}

static void cmd_show_trunks(struct admin_req *r)
{
    timers_tick(admin_node(r)->timers);
    const struct route *rt = snapshots_current(&admin_node(r)->snapshots)->route;
    json_t *list = json_array();
    for (uint32_t i = 0; i < route_conf(rt)->trunk.n; i++)
        json_array_append_new(list, trunk_row(admin_node(r), rt, i));
    admin_answer(r, list, render_trunks);
}

struct limits_walk {
    const struct conf *conf;
    json_t *rows;
};

static const struct conf_limit *limit_of(const struct conf *c, const char *kind, const char *name,
                                         bool in)
{
    if (strcmp(kind, "node") == 0)
        return &c->global.limit;
    for (uint32_t i = 0; strcmp(kind, "customer") == 0 && i < c->customer.n; i++)
        if (strcmp(c->customer.v[i].name, name) == 0)
            return in ? &c->customer.v[i].limit_in : &c->customer.v[i].limit_out;
    for (uint32_t i = 0; strcmp(kind, "group") == 0 && i < c->group.n; i++)
        if (strcmp(c->group.v[i].name, name) == 0)
            return in ? &c->group.v[i].limit_in : &c->group.v[i].limit_out;
    for (uint32_t i = 0; strcmp(kind, "trunk") == 0 && i < c->trunk.n; i++)
        if (strcmp(c->trunk.v[i].name, name) == 0)
            return in ? &c->trunk.v[i].limit_in : &c->trunk.v[i].limit_out;
    return NULL;
}

/* Names come from the registry, which has those of former generations too: they are shown while they hold calls. */
static void add_limit(void *arg, struct cac_gauge *g, const char *kind, const char *name,
                      const char *dir)
{
    struct limits_walk *walk = arg;
    struct conf_limit media = {0};
    const struct conf_limit *l = limit_of(walk->conf, kind, name, strcmp(dir, "in") == 0);
    for (uint32_t i = 0; strcmp(kind, "media") == 0 && i < walk->conf->media.n; i++)
        if (strcmp(walk->conf->media.v[i].name, name) == 0) {
            media.calls = walk->conf->media.v[i].calls;
            l = &media;
        }
    if (l || g->calls)
        json_array_append_new(walk->rows, gauge_row(kind, name, dir, g, l ? l : &media));
}

static void render_limits(struct evbuffer *out, const json_t *body)
{
    static const struct render_column col[] = {{"kind", "KIND", 0},
                                               {"name", "NAME", 32},
                                               {"dir", "DIR", 0},
                                               {"calls", "CALLS", 0},
                                               {"limit", "LIMIT", 0},
                                               {"cps_limit", "CPS", 0},
                                               {"admitted", "ADMITTED", 0},
                                               {"refused_calls", "FULL", 0},
                                               {"refused_cps", "TOO-FAST", 0},
                                               {NULL, NULL, 0}};
    render_table(out, body, col);
}

static void cmd_show_limits(struct admin_req *r)
{
    struct limits_walk walk = {.conf = snapshots_current(&admin_node(r)->snapshots)->conf,
                               .rows = json_array()};
    trunk_registry_each_gauge(admin_node(r)->trunks, add_limit, &walk);
    admin_answer(r, walk.rows, render_limits);
}

/* ---- reload, drain, log ---- */

static void render_message(struct evbuffer *out, const json_t *body)
{
    evbuffer_add_printf(out, "%s\n", json_string_value(json_object_get(body, "message")));
}

static void reload_answer(void *arg, const struct reload_result *res)
{
    struct admin_req *r = arg;
    if (res->err < 0)
        admin_error(r, res->text);
    else
        admin_answer(
            r, json_pack("{s:s,s:I}", "message", res->text, "generation", INT(res->generation)),
            render_message);
}

static void cmd_reload(struct admin_req *r)
{
    if (reload_ask(admin_node(r)->reload, reload_answer, r) < 0)
        admin_error(r, "out of memory");
}

static void cmd_resolve(struct admin_req *r)
{
    timers_tick(admin_node(r)->timers);
    admin_answer(r,
                 json_pack("{s:s,s:I}", "message", "asked again", "names",
                           INT(locate_refresh(admin_node(r)->locate))),
                 render_object);
}

static void cmd_drain(struct admin_req *r)
{
    struct node *n = admin_node(r);
    const char *arg = admin_arg(r, 0);
    uint64_t alive, up;
    if (arg && strcmp(arg, "off") == 0)
        node_undrain(n);
    else if (arg) {
        admin_error(r, "usage: drain [off]");
        return;
    } else if (n->state == NODE_RUNNING)
        node_drain(n);
    node_calls(n, &alive, &up);
    admin_answer(r, json_pack("{s:s,s:I}", "message", state_name(n->state), "calls", INT(alive)),
                 render_message);
}

static void cmd_log(struct admin_req *r)
{
    static const struct {
        const char *name;
        enum log_level level;
    } row[] = {{"error", LOG_ERROR}, {"warn", LOG_WARN}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        if (strcmp(admin_arg(r, 0), row[i].name) == 0) {
            log_set_level(row[i].level);
            admin_answer(r, json_pack("{s:s}", "message", row[i].name), render_message);
            return;
        }
    admin_error(r, "usage: log error|warn|info|debug");
}

const struct command command_table[] = {
    {"help", "", "these commands", 0, 0, cmd_help},
    {"status", "", "the node, its workers, audit and records", 0, 0, cmd_status},
    {"stats", "", "all counters", 0, 0, cmd_stats},
    {"show delays", "",
     "how long datagrams waited, how long turns of the loop took, what reloads cost a turn (CPU)",
     0, 0, cmd_show_delays},
    {"show calls", "[N]", "calls now, N of each worker at the most (100, up to 1000)", 0, 1,
     cmd_show_calls},
    {"show call", "ID", "one call, by number or UUID", 1, 1, cmd_show_call},
    {"show registrations", "", "ours with carriers, and those of PBXs", 0, 0, registrations_show},
    {"show lnp", "", "portability: what dips found, what their sources say", 0, 0, dips_show},
    {"show trunks", "", "trunks with load, answers and health of each peer", 0, 0, cmd_show_trunks},
    {"trunk", "NAME up|drain|down [end-calls]",
     "what may begin from and to a trunk; kept over reloads and restarts", 2, 3, cmd_trunk},
    {"group", "NAME up|drain|down [end-calls]", "the same for all members of a group", 2, 3,
     cmd_group},
    {"show breakers", "", "breakers of trunks: failures of attempts, when it tries again", 0, 0,
     cmd_show_breakers},
    {"show quality", "[TRUNK]", "ASR, NER, ACD and PDD of trunks, or of one trunk's destinations",
     0, 1, cmd_show_quality},
    {"show groups", "", "groups with their members and limits", 0, 0, cmd_show_groups},
    {"show limits", "", "calls and calls per second at each limit", 0, 0, cmd_show_limits},
    {"show relay", "", "the media relay: sessions, ports, packets", 0, 0, cmd_show_relay},
    {"show media", "", "media through the kernel: path, interfaces, streams there, why not", 0, 0,
     cmd_show_media},
    {"metrics", "", "counters of the switch and of the media relay, as Prometheus reads them", 0, 0,
     cmd_metrics},
    {"show connections", "[N]",
     "TCP and TLS connections, N of each worker at the most (100, up to 1000)", 0, 1,
     cmd_show_connections},
    {"show certificates", "", "certificates of ours and how many days they are valid", 0, 0,
     cmd_show_certificates},
    {"explain", "--from T --called N", "why a call would go where: see tandemctl(1)", 1,
     ADMIN_WORDS_MAX - 1, cmd_explain},
    {"hangup", "UUID", "end one call", 1, 1, cmd_hangup},
    {"diff", "[--at TIME] [--class C]", "what a reload would change: lines, first choices, costs",
     0, 4, cmd_diff},
    {"reload", "", "check the configuration and swap it in, or change nothing", 0, 0, cmd_reload},
    {"resolve", "", "ask the name servers for all peers' names again, now", 0, 0, cmd_resolve},
    {"drain", "[off]", "take no new calls and exit when the last has ended", 0, 1, cmd_drain},
    {"log", "LEVEL", "error, warn, info or debug", 1, 1, cmd_log},
    {NULL, NULL, NULL, 0, 0, NULL},
};
