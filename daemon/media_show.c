/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the media relay says of itself, for operators: `show relay`, `show media`, `metrics`.
 * command.c has them in its table; worker 0 asks the relay, and the answer is put into words here.
 */
#include "daemon/media_show.h"

#include <linux/types.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/media_metrics.h"
#include "daemon/metrics.h"
#include "daemon/render.h"
#include "relay/bpf/relay_maps.h"

#define INT(v) ((json_int_t)(v))

/* ---- the relay's answer as JSON -------------------------------------------------------------------------------- */

static const char *const why_name[] = {
#define WHY_NAME(id, name, text) name,
    MAPS_WHY(WHY_NAME)
#undef WHY_NAME
};

static const char *const demote_name[] = {
#define DEMOTE_NAME(id, name) name,
    MEDIA_DEMOTE(DEMOTE_NAME)
#undef DEMOTE_NAME
};

static json_t *by_name(const char *const *name, const uint64_t *n, unsigned count)
{
    json_t *j = json_object();

    for (unsigned i = 0; i < count; i++)
        json_object_set_new(j, name[i], json_integer(INT(n[i])));
    return j;
}

json_t *media_show_fast(const struct media_fast *f, uint64_t endpoints)
{
    uint64_t demotions = 0;
    json_t *list = json_array(), *j;

    for (uint32_t i = 0; i < f->n_ifs && i < MEDIA_IFS_MAX; i++)
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:I}", "interface", f->interface[i].name, "path",
                                        media_path_name(f->interface[i].path), "redirect_errors",
                                        INT(f->interface[i].redirect_errors)));
    for (unsigned i = 0; i < MEDIA_DEMOTE_N; i++)
        demotions += f->demotions[i];
    j = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "path",
                  media_path_name(f->path), "reason", f->reason, "streams", INT(endpoints),
                  "promoted", INT(f->promoted), "share_pct",
                  INT(endpoints ? f->promoted * 100 / endpoints : 0), "promotions",
                  INT(f->promotions), "promotions_put_off", INT(f->promotions_put_off), "demotions",
                  INT(demotions), "lines", INT(f->lines), "lines_used", INT(f->lines_used), "hops",
                  INT(f->hops), "hops_dead", INT(f->hops_dead));
    json_object_set_new(j, "interfaces", list);
    json_object_set_new(j, "packets", by_name(why_name, f->why, WHY_N));
    json_object_set_new(j, "demoted_for", by_name(demote_name, f->demotions, MEDIA_DEMOTE_N));
    return j;
}

/* ---- relay ----------------------------------------------------------------------------------------------------- */

static json_t *relay_pools(const struct media_relay_reply *r)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < r->n_pools && i < MEDIA_POOLS_MAX; i++) {
        const struct media_pool_state *p = &r->pool[i];
        json_array_append_new(list, json_pack("{s:s,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:b}", "pool",
                                              p->name, "pairs", (int)p->pairs, "used", (int)p->used,
                                              "quarantine", (int)p->quarantine, "priority_pairs",
                                              (int)p->priority_pairs, "priority_used",
                                              (int)p->priority_used, "priority_quarantine",
                                              (int)p->priority_quarantine, "refused",
                                              (int)p->refused, "retired", (int)(p->retired != 0)));
    }
    return list;
}

json_t *media_show_relay(const struct media_relay_reply *r)
{
    json_t *j = json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:i,s:i,s:i,s:b}", "uptime_ms",
        INT(r->uptime_ms), "sessions", INT(r->sessions), "sessions_opened", INT(r->sessions_opened),
        "sessions_orphaned", INT(r->sessions_orphaned), "endpoints", INT(r->endpoints),
        "pairs_used", INT(r->pairs_used), "pairs_drift", INT(r->pairs_drift), "packets_in",
        INT(r->packets_in), "packets_out", INT(r->packets_out), "strangers", INT(r->strangers),
        "invalid", INT(r->invalid), "unsent", INT(r->unsent), "bytes_in", INT(r->bytes_in),
        "descriptors", (int)r->descriptors, "descriptors_limit", (int)r->descriptors_limit,
        "threads", (int)r->threads, "draining", (int)r->draining);

    json_object_set_new(j, "send_errors", json_integer(INT(r->send_errors)));
    json_object_set_new(j, "overflows", json_integer(INT(r->overflows)));
    json_object_set_new(j, "ice_answered", json_integer(INT(r->ice_answered)));
    json_object_set_new(j, "ice_refused", json_integer(INT(r->ice_refused)));
    json_object_set_new(j, "pools", relay_pools(r));
    json_object_set_new(j, "media", media_show_fast(&r->fast, r->endpoints));
    return j;
}

/* On worker 0's thread, when the relay has answered. */
static void relay_answered(void *arg, int status, const struct media_relay_reply *r)
{
    struct ask *a = arg;
    struct gather *g = a->arg;

    if (status == 0 && r)
        g->result[0] = media_show_relay(r);
    worker_ask_done(a);
}

static void relay_worker(struct worker *w, struct ask *a)
{
    struct media *m = worker_media(w);
    if (!m)
        return;
    a->deferred = true;
    media_query_relay(m, relay_answered, a);
}

static void render_relay(struct evbuffer *out, const json_t *body)
{
    static const struct render_column col[] = {{"pool", "POOL", 32},
                                               {"pairs", "PAIRS", 0},
                                               {"used", "USED", 0},
                                               {"quarantine", "QUARANTINE", 0},
                                               {"priority_used", "PRIO", 0},
                                               {"refused", "REFUSED", 0},
                                               {NULL, NULL, 0}};
    json_t *head = json_copy((json_t *)(uintptr_t)body);
    json_object_del(head, "pools");
    json_object_del(head, "media");
    render_object(out, head);
    json_decref(head);
    render_table(out, json_object_get(body, "pools"), col);
}

/* ---- media ----------------------------------------------------------------------------------------------------- */

/* Of the many counters those that have counted. */
static json_t *without_zeros(const json_t *all)
{
    json_t *j = json_object();
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)all, key, v)
    {
        if (json_integer_value(v))
            json_object_set(j, key, v);
    }
    return j;
}

static void render_media(struct evbuffer *out, const json_t *body)
{
    static const struct render_column col[] = {{"interface", "INTERFACE", 0},
                                               {"path", "PATH", 0},
                                               {"redirect_errors", "REFUSED", 0},
                                               {NULL, NULL, 0}};
    json_t *head = json_copy((json_t *)(uintptr_t)body);

    json_object_del(head, "interfaces");
    json_object_set_new(head, "packets", without_zeros(json_object_get(body, "packets")));
    json_object_set_new(head, "demoted_for", without_zeros(json_object_get(body, "demoted_for")));
    if (!json_string_length(json_object_get(head, "reason")))
        json_object_del(head, "reason");
    render_object(out, head);
    json_decref(head);
    render_table(out, json_object_get(body, "interfaces"), col);
}

/* ---- metrics --------------------------------------------------------------------------------------------------- */

static void render_metrics(struct evbuffer *out, const json_t *body)
{
    metrics_render(out, json_object_get(body, "switch"));
    if (json_object_get(body,
                        "media")) /* else the relay has not answered: tandem_relay_up says so */
        media_metrics_render(out, body);
}

/* ---- commands -------------------------------------------------------------------------------------------------- */

struct media_question {
    struct admin_req *req;
    const char *part; /* of the answer; NULL: all */
    void (*render)(struct evbuffer *out, const json_t *body);
};

/* The switch's own numbers, and the relay's if it has answered: a scrape must not fail because the relay is down. */
static void answer_metrics(struct admin_req *r, const json_t *relay)
{
    json_t *body = relay ? json_copy((json_t *)(uintptr_t)relay) : json_object();

    json_object_set_new(body, "switch", metrics_switch(admin_node(r), relay != NULL));
    admin_answer(r, body, render_metrics);
}

static void relay_done(struct gather *g, void *arg)
{
    struct media_question *q = arg;
    json_t *all = g->result[0];

    if (q->render == render_metrics)
        answer_metrics(q->req, all);
    else if (all)
        admin_answer(q->req, json_incref(q->part ? json_object_get(all, q->part) : all), q->render);
    else
        admin_error(q->req, "the media relay does not answer");
    free(q);
}

static void ask_relay(struct admin_req *r, const char *part,
                      void (*render)(struct evbuffer *out, const json_t *body))
{
    struct media_question *q = calloc(1, sizeof(*q));

    if (q) {
        *q = (struct media_question){.req = r, .part = part, .render = render};
        if (node_gather(admin_node(r), relay_worker, q, true, relay_done, q) == 0)
            return;
    }
    if (render == render_metrics)
        answer_metrics(r, NULL);
    else
        admin_error(r, q ? "worker 0 does not answer" : "out of memory");
    free(q);
}

void cmd_show_relay(struct admin_req *r)
{
    ask_relay(r, NULL, render_relay);
}

void cmd_show_media(struct admin_req *r)
{
    ask_relay(r, "media", render_media);
}

void cmd_metrics(struct admin_req *r)
{
    ask_relay(r, NULL, render_metrics);
}
