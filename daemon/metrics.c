/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters and gauges of the switch in the text format of Prometheus.
 * media_show.c calls it for `tandemctl metrics`; names and help of counters are those of core/stats.h.
 */
#include "daemon/metrics.h"

#include "cdr/cdr.h"
#include "core/stats.h"
#include "daemon/node.h"
#include "daemon/worker.h"

static const struct gauge {
    const char *name, *help;
} gauge[] = {
    {"calls", "calls now, those being set up too"},
    {"calls_up", "answered calls now"},
    {"connections", "TCP and TLS connections now"},
    {"draining", "1: no new calls are taken"},
    {"generation", "of the configuration that new calls are made with"},
    {"started_seconds", "when the process began, seconds since 1970"},
    {"relay_up", "1: the media relay has answered"},
    {"cdr_backlog", "events and records that are in no file yet"},
    {"cdr_failing", "1: a CDR file cannot be written now"},
    {"drift", "differences that the last audit of the gauges found"},
};

static json_t *gauges(const struct node *n, bool relay)
{
    struct cdr_status cdr;
    uint64_t alive, up, conns = 0;

    node_calls(n, &alive, &up);
    cdr_writer_status(n->cdr, &cdr);
    for (unsigned i = 0; i < n->n_workers; i++)
        conns += worker_conns(n->worker[i]);
    return json_pack("{s:I,s:I,s:I,s:i,s:I,s:I,s:i,s:I,s:i,s:I}", "calls", (json_int_t)alive,
                     "calls_up", (json_int_t)up, "connections", (json_int_t)conns, "draining",
                     n->state != NODE_RUNNING, "generation", (json_int_t)n->generation,
                     "started_seconds", (json_int_t)(n->start_wall_ms / 1000), "relay_up", relay,
                     "cdr_backlog", (json_int_t)cdr.backlog, "cdr_failing", cdr.failing, "drift",
                     (json_int_t)n->audit.drift);
}

json_t *metrics_switch(const struct node *n, bool relay)
{
    json_t *counters = json_object();

    for (unsigned i = 0; i < STAT_COUNT; i++)
        json_object_set_new(counters, stat_name((enum stat_id)i),
                            json_integer((json_int_t)node_stat(n, (enum stat_id)i)));
    return json_pack("{s:o,s:o}", "gauges", gauges(n, relay), "counters", counters);
}

static void line(struct evbuffer *out, const char *name, const char *help, bool is_counter,
                 const json_t *v)
{
    const char *tail = is_counter ? "_total" : "";

    evbuffer_add_printf(out, "# HELP tandem_%s%s %s\n# TYPE tandem_%s%s %s\ntandem_%s%s %lld\n",
                        name, tail, help, name, tail, is_counter ? "counter" : "gauge", name, tail,
                        (long long)json_integer_value(v));
}

void metrics_render(struct evbuffer *out, const json_t *sw)
{
    const json_t *now = json_object_get(sw, "gauges"), *counters = json_object_get(sw, "counters");
    const json_t *v;

    for (size_t i = 0; i < sizeof(gauge) / sizeof(gauge[0]); i++)
        if ((v = json_object_get(now, gauge[i].name)))
            line(out, gauge[i].name, gauge[i].help, false, v);
    for (unsigned i = 0; i < STAT_COUNT; i++)
        if ((v = json_object_get(counters, stat_name((enum stat_id)i))))
            line(out, stat_name((enum stat_id)i), stat_help((enum stat_id)i), true, v);
}
