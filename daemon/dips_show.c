/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `show lnp`: what calls saw of each section, summed over the workers, beside what its source says.
 * command.c names it; it changes nothing.
 */
#include "call/stack.h"
#include "core/delay.h"
#include "daemon/admin.h"
#include "daemon/dips.h"
#include "daemon/node.h"
#include "daemon/render.h"

#define INT(v) ((json_int_t)(v))

static void add_tally(void *arg, const struct dip_view *v)
{
    json_t *all = arg, *steps = json_array(), *row;
    struct delay_view d;
    delay_read(v->delay, &d);
    for (unsigned i = 0; i < DELAY_BUCKETS; i++)
        if (d.bucket[i])
            json_array_append_new(steps, json_pack("[i,I]", (int)i, INT(d.bucket[i])));
    row = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "asked", INT(v->asked), "ported", INT(v->ported),
                    "not_ported", INT(v->home), "failed", INT(v->failed), "timeout",
                    INT(v->timeout), "late", INT(v->late));
    json_object_set_new(row, "steps", steps);
    json_object_set_new(all, v->section, row);
}

static void show_worker(struct worker *w, struct ask *a)
{
    struct gather *g = a->arg;
    json_t *all = json_object();
    dip_each(stack_calls(worker_stack(w)), add_tally, all);
    g->result[worker_id(w)] = all;
}

static void add_steps(struct delay_view *d, const json_t *steps)
{
    size_t i;
    const json_t *step;
    json_array_foreach(steps, i, step)
    {
        size_t at = (size_t)json_integer_value(json_array_get(step, 0));
        uint64_t n = (uint64_t)json_integer_value(json_array_get(step, 1));
        if (at < DELAY_BUCKETS)
            d->bucket[at] += n;
        d->n += n;
    }
}

/* What all workers saw of a section. */
static json_t *sum(const struct gather *g, const char *section)
{
    static const char *const key[] = {"asked", "ported", "not_ported", "failed", "timeout", "late"};
    struct delay_view d = {.max_us = UINT64_MAX};
    json_int_t v[sizeof(key) / sizeof(key[0])] = {0};
    json_t *row = json_object();
    for (unsigned w = 0; w < g->node->n_workers; w++) {
        const json_t *one = json_object_get(g->result[w], section);
        for (size_t k = 0; k < sizeof(key) / sizeof(key[0]); k++)
            v[k] += json_integer_value(json_object_get(one, key[k]));
        add_steps(&d, json_object_get(one, "steps"));
    }
    for (size_t k = 0; k < sizeof(key) / sizeof(key[0]); k++)
        json_object_set_new(row, key[k], json_integer(v[k]));
    json_object_set_new(row, "p50_us", json_integer(INT(delay_quantile_us(&d, 500))));
    json_object_set_new(row, "p99_us", json_integer(INT(delay_quantile_us(&d, 990))));
    return row;
}

static const json_t *source_of(const json_t *sources, const char *section)
{
    size_t i;
    const json_t *s;
    json_array_foreach(sources, i, s)
    {
        const char *name = json_string_value(json_object_get(s, "lnp"));
        if (name && strcmp(name, section) == 0)
            return s;
    }
    return NULL;
}

static void render(struct evbuffer *out, const json_t *body)
{
    static const struct render_column col[] = {{"lnp", "LNP", 32},
                                               {"kind", "KIND", 0},
                                               {"state", "STATE", 40},
                                               {"rows", "ROWS", 0},
                                               {"asked", "ASKED", 0},
                                               {"ported", "PORTED", 0},
                                               {"not_ported", "NOT", 0},
                                               {"failed", "FAILED", 0},
                                               {"timeout", "TIMEOUT", 0},
                                               {"late", "LATE", 0},
                                               {"cached", "CACHED", 0},
                                               {"stale", "STALE", 0},
                                               {"unanswered", "SILENT", 0},
                                               {"running", "RUNNING", 0},
                                               {"p50_us", "P50-US", 0},
                                               {"p99_us", "P99-US", 0},
                                               {NULL, NULL, 0}};
    render_table(out, body, col);
}

static void show_done(struct gather *g, void *arg)
{
    const struct snapshot *s = snapshots_current(&g->node->snapshots);
    json_t *list = json_array(), *sources = dips_state(g->node->dips);
    for (uint32_t i = 0; i < s->conf->lnp.n; i++) {
        const struct conf_lnp *l = &s->conf->lnp.v[i];
        json_t *row = sum(g, l->name);
        const json_t *source = source_of(sources, l->name);
        if (source)
            json_object_update(row, (json_t *)(uintptr_t)source);
        else
            json_object_update_new(row, json_pack("{s:s,s:s,s:s,s:s,s:I}", "lnp", l->name, "kind",
                                                  l->kind == CONF_LNP_CSV ? "csv" : "", "source",
                                                  l->path ? l->path : "", "state",
                                                  l->kind == CONF_LNP_CSV ? "ok" : "starting",
                                                  "rows", INT(route_port_rows(s->route, i))));
        json_array_append_new(list, row);
    }
    json_decref(sources);
    admin_answer(arg, list, render);
}

void dips_show(struct admin_req *r)
{
    if (node_gather(admin_node(r), show_worker, NULL, false, show_done, r) < 0)
        admin_error(r, "a worker does not answer");
}
