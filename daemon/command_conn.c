/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `show connections` and `show certificates`.
 * Called through command.c's table on the control thread; the rows are made by the workers.
 */
#include "daemon/command_conn.h"

#include <stdlib.h>
#include <time.h>
#include "core/proto.h"
#include "daemon/render.h"
#include "sip/net.h"

#define INT(v) ((json_int_t)(v))
/* Of each worker: what a terminal shows; and what a script may ask for without holding the loop for more than a millisecond. */
#define SHOWN     100
#define SHOWN_MAX 1000

struct question {
    struct admin_req *req;
    uint32_t max;
};

struct walk {
    uint32_t left;
    unsigned worker;
    json_t *rows;
};

static bool add_conn(void *arg, const struct conn_info *c)
{
    struct walk *w = arg;
    char local[ADDR_STRLEN], remote[ADDR_STRLEN];
    json_array_append_new(
        w->rows, json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:i}", "proto",
                           proto_name(c->flow.proto), "dir", c->outbound ? "out" : "in", "state",
                           c->state, "local", addr_str(&c->flow.local, local), "remote",
                           addr_str(&c->flow.remote, remote), "age_ms", INT(c->age_ms), "still_ms",
                           INT(c->still_ms), "queued", INT(c->queued), "rx", INT(c->rx), "tx",
                           INT(c->tx), "worker", (int)w->worker));
    return --w->left > 0;
}

static json_t *listener_rows(struct worker *w)
{
    const struct conf *conf = worker_conf(w);
    json_t *rows = json_array();
    struct conf_socket s;
    char text[ADDR_STRLEN];
    for (uint16_t i = 0; conf_listener(conf, i, &s) == 0; i++)
        if (proto_is_stream(s.proto))
            json_array_append_new(
                rows, json_pack("{s:s,s:s,s:s,s:I}", "listen", conf->listen.v[s.listen].name,
                                "proto", proto_name(s.proto), "address", addr_str(&s.addr, text),
                                "connections", INT(conns_count(net_conns(worker_net(w)), i))));
    return rows;
}

static void ask(struct worker *w, struct ask *a)
{
    struct gather *g = a->arg;
    struct question *q = g->question;
    struct walk walk = {.left = q->max, .worker = worker_id(w), .rows = json_array()};
    if (q->max > 0)
        conns_each(net_conns(worker_net(w)), add_conn, &walk);
    g->result[worker_id(w)] =
        json_pack("{s:o,s:o}", "rows", walk.rows, "listeners", listener_rows(w));
}

/* The same listeners in each worker's order: sums. */
static json_t *join_listeners(const struct gather *g)
{
    json_t *sum = json_incref(json_object_get(g->result[0], "listeners")), *row;
    size_t k;
    for (unsigned i = 1; i < g->node->n_workers; i++)
        json_array_foreach(json_object_get(g->result[i], "listeners"), k, row)
        {
            json_t *to = json_array_get(sum, k);
            json_object_set_new(
                to, "connections",
                json_integer(json_integer_value(json_object_get(to, "connections")) +
                             json_integer_value(json_object_get(row, "connections"))));
        }
    return sum ? sum : json_array();
}

static void render_connections(struct evbuffer *out, const json_t *body)
{
    static const struct render_column listener[] = {{"listen", "LISTEN", 0},
                                                    {"proto", "PROTO", 0},
                                                    {"address", "ADDRESS", 0},
                                                    {"connections", "CONNECTIONS", 0},
                                                    {NULL, NULL, 0}};
    static const struct render_column conn[] = {{"proto", "PROTO", 0},
                                                {"dir", "DIR", 0},
                                                {"state", "STATE", 0},
                                                {"remote", "REMOTE", 0},
                                                {"local", "LOCAL", 0},
                                                {"age_ms", "AGE-MS", 0},
                                                {"still_ms", "STILL-MS", 0},
                                                {"queued", "QUEUED", 0},
                                                {"rx", "RX", 0},
                                                {"tx", "TX", 0},
                                                {"worker", "WORKER", 0},
                                                {NULL, NULL, 0}};
    render_table(out, json_object_get(body, "listeners"), listener);
    evbuffer_add_printf(out, "\n");
    render_table(out, json_object_get(body, "connections"), conn);
}

static void done(struct gather *g, void *arg)
{
    struct question *q = arg;
    json_t *all = json_array();
    for (unsigned i = 0; i < g->node->n_workers; i++)
        json_array_extend(all, json_object_get(g->result[i], "rows"));
    admin_answer(q->req, json_pack("{s:o,s:o}", "listeners", join_listeners(g), "connections", all),
                 render_connections);
    free(q);
}

void cmd_show_connections(struct admin_req *r)
{
    struct question *q;
    uint32_t max = SHOWN;
    if (admin_n_args(r) && span_u32(span_of(admin_arg(r, 0)), SHOWN_MAX, &max) < 0) {
        admin_error(r, "show connections [N]: N is a number up to 1000");
        return;
    }
    q = calloc(1, sizeof(*q));
    if (q)
        *q = (struct question){r, max};
    if (q && node_gather(admin_node(r), ask, q, false, done, q) == 0)
        return;
    admin_error(r, q ? "a worker does not answer" : "out of memory");
    free(q);
}

static void render_certificates(struct evbuffer *out, const json_t *body)
{
    static const struct render_column col[] = {{"listen", "LISTEN", 0},
                                               {"file", "FILE", 0},
                                               {"until", "UNTIL", 0},
                                               {"days", "DAYS", 0},
                                               {NULL, NULL, 0}};
    render_table(out, body, col);
}

void cmd_show_certificates(struct admin_req *r)
{
    const struct snapshot *s = snapshots_current(&admin_node(r)->snapshots);
    json_t *rows = json_array();
    struct tls_own own;
    for (unsigned i = 0; tls_set_own(s->tls, i, &own); i++) {
        time_t end = (time_t)own.not_after_s;
        struct tm tm;
        char text[32] = "";
        if (gmtime_r(&end, &tm))
            strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
        json_array_append_new(rows,
                              json_pack("{s:s,s:s,s:s,s:I}", "listen", own.listen, "file", own.file,
                                        "until", text, "days", INT(tls_days_left(&own))));
    }
    admin_answer(r, rows, render_certificates);
}
