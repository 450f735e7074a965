/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the relay counts of a standing call, as an operator reads it: one object for each leg and m-line.
 * The answer comes on the worker that asked.
 */
#include "daemon/call_show.h"

#include <stdlib.h>

#define INT(n) ((json_int_t)(n))

static const char *path_name(uint8_t path)
{
    static const char *const name[MEDIA_PATH_END] = {
        [MEDIA_PATH_SOCKETS] = "sockets",
        [MEDIA_PATH_STEERED] = "steered",
        [MEDIA_PATH_TC] = "tc",
        [MEDIA_PATH_XDP_GENERIC] = "xdp generic",
        [MEDIA_PATH_XDP_NATIVE] = "xdp native",
    };

    return path < MEDIA_PATH_END ? name[path] : "?";
}

static void put_addr(json_t *row, const char *key, const struct addr *a)
{
    char buf[ADDR_STRLEN];

    if (addr_is_set(a))
        json_object_set_new(row, key, json_string(addr_str(a, buf)));
}

static void put_count(json_t *row, const char *key, uint64_t n)
{
    json_object_set_new(row, key, json_integer(INT(n)));
}

/* What is seldom there is left out: a reader at night looks for what is odd. */
static void put_if(json_t *row, const char *key, uint64_t n)
{
    if (n)
        put_count(row, key, n);
}

static void put_mos(json_t *row, const char *key, unsigned mos_100)
{
    if (mos_100)
        json_object_set_new(row, key, json_sprintf("%u.%02u", mos_100 / 100, mos_100 % 100));
}

json_t *call_show_stream(const struct media_ep_state *ep)
{
    const struct media_counters *n = &ep->n;
    json_t *row = json_pack("{s:s,s:i,s:s}", "leg", ep->endpoint & 1 ? "out" : "in", "line",
                            ep->endpoint / 2, "path", path_name(n->path));

    if (!row)
        return NULL;
    put_addr(row, "local", &ep->local);
    put_addr(row, "remote", &ep->remote);
    json_object_set_new(row, "latched", json_boolean(ep->state & MEDIA_EP_LATCHED));
    put_count(row, "packets", n->packets);
    put_count(row, "kernel_packets", n->fast_packets);
    put_count(row, "lost", n->lost);
    put_count(row, "jitter_us", n->jitter_us);
    put_count(row, "silent_ms", n->silent_ms);
    put_count(row, "sent", n->sent_packets);
    put_mos(row, "mos", n->mos_100);
    put_mos(row, "mos_min", n->mos_min_100);
    put_if(row, "rtt_us", n->rtt_us);
    put_if(row, "remote_lost", n->remote_lost);
    put_if(row, "gaps", n->gaps);
    put_if(row, "reordered", n->reordered);
    put_if(row, "duplicates", n->duplicates);
    put_if(row, "strangers", n->strangers);
    put_if(row, "invalid", n->invalid);
    put_if(row, "rtcp_invalid", n->rtcp_invalid);
    put_if(row, "unsent", n->unsent);
    put_if(row, "ssrc_changes", n->ssrc_changes);
    put_if(row, "ssrc_refused", n->ssrc_refused);
    put_if(row, "auth_failed", n->auth_failed);
    put_if(row, "dtmf", n->events);
    put_if(row, "nothing_to_hear_ms", n->quiet_ms);
    put_if(row, "one_way_ms", n->one_way_ms);
    put_if(row, "breaker", n->breaker);
    put_if(row, "promotions", n->promotions);
    put_if(row, "demotions", n->demotions);
    return row;
}

struct asked {
    struct ask *ask;
    json_t *row;
};

static void on_answer(void *arg, const struct media_result *res)
{
    struct asked *q = arg;
    json_t *all = res->status == 0 ? json_array() : NULL;

    for (unsigned i = 0; all && i < res->n_eps; i++)
        json_array_append_new(all, call_show_stream(&res->ep[i]));
    if (all)
        json_object_set_new(q->row, "streams", all);
    worker_ask_done(q->ask);
    free(q);
}

void call_show_streams(struct worker *w, struct ask *a, struct media_ref ref, json_t *row)
{
    struct media *m = worker_media(w);
    struct asked *q = m && media_is_up(m) ? malloc(sizeof(*q)) : NULL;

    if (!q)
        return;
    *q = (struct asked){a, row};
    a->deferred = true;
    if (media_query(m, ref, on_answer, q))
        return;
    a->deferred = false;
    free(q);
}
