/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker's stack with nothing behind it: an INVITE put in goes the way of every INVITE, and what would have left is kept as text.
 * explain.c calls it. It opens nothing, logs nothing and waits for nothing; its time stands still.
 */
#include "call/explain_dry.h"

#include "call/model.h"
#include "core/clock.h"
#include "media/media_fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 200: 16 candidates of 8 targets, some of them several times by redirections; more would be a loop in the code. */
#define DRY_SENT_MAX 200

struct explain_dry {
    struct transport transport; /* first: the stack hands it back */
    struct clock clock;
    struct timers *timers;
    struct ident_key *ident;
    struct stats stats;
    struct media *media;
    struct cdr_port *cdr;
    struct trunk_registry *reg;
    struct route *route;
    struct call_view view;
    struct stack *stack;
    struct dry_result *out;
    struct dry_sent **last, *next_to_answer;
    unsigned n_sent;
    struct addr caller; /* answers go to the source of the INVITE */
    char via[96];
};

/* ---- what would have left ---------------------------------------------------------------------------------------- */

static void keep_answer(struct explain_dry *x, struct span text)
{
    struct span line, rest;
    uint32_t status = 0;

    span_cut(text, '\r', &line, &rest);
    if (line.len < 11 || span_u32((struct span){line.p + 8, 3}, 699, &status) < 0 || status < 200)
        return;
    x->out->status = status;
    snprintf(x->out->answer, sizeof x->out->answer, "%.*s", (int)(line.len - 8), line.p + 8);
}

/* Of the call that is being set up; those of runs before have ended. */
static bool take_path(const struct call_info *c, void *arg)
{
    struct dry_sent *s = arg;

    if (strcmp(c->state, "setup") != 0)
        return true;
    s->path = c->path;
    return false;
}

static int dry_send(struct transport *t, const struct flow *f, const char *buf, size_t len)
{
    struct explain_dry *x = (struct explain_dry *)(void *)t;
    struct dry_sent *s;

    if (!x->out)
        return 0;
    if (len > 12 && memcmp(buf, "SIP/2.0 ", 8) == 0) {
        if (addr_eq(&f->remote, &x->caller))
            keep_answer(x, (struct span){buf + 0, len});
        return 0;
    }
    if (len < 8 || memcmp(buf, "INVITE ", 7) != 0 || x->n_sent == DRY_SENT_MAX)
        return 0;
    s = calloc(1, sizeof *s);
    if (s)
        s->text = strndup(buf, len);
    if (!s || !s->text) {
        free(s);
        return -ENOTCONN;
    }
    s->slot = f->owner ? f->owner - 1 : UINT32_MAX;
    s->path = "relay";
    calls_each(stack_calls(x->stack), take_path, s);
    s->remote = f->remote;
    s->proto = f->proto;
    *x->last = s;
    x->last = &s->next;
    x->n_sent++;
    if (!x->next_to_answer)
        x->next_to_answer = s;
    return 0;
}

static struct span dry_via(struct transport *t, const struct flow *f)
{
    struct explain_dry *x = (struct explain_dry *)(void *)t;
    struct addr own = f->local;
    struct conf_socket k;
    char text[ADDR_STRLEN];

    if (conf_listener(x->view.conf, f->listener, &k) == 0) {
        const struct conf_realm *r =
            &x->view.conf->realm.v[x->view.conf->listen.v[k.listen].realm.id];

        own = k.addr;
        for (uint32_t i = 0; i < r->advertise.n; i++)
            if (r->advertise.v[i].addr.family == own.family) {
                own = r->advertise.v[i].addr;
                own.port = k.addr.port;
            }
    }
    snprintf(x->via, sizeof x->via, "SIP/2.0/%s %s", proto_name(f->proto), addr_str(&own, text));
    return span_of(x->via);
}

static void on_record(const struct cdr_event *ev, void *arg)
{
    struct explain_dry *x = arg;

    if (ev->type != CDR_CALL || !x->out)
        return;
    x->out->is_call = true;
    x->out->cause = ev->code;
    snprintf(x->out->why, sizeof x->out->why, "%.*s", SPAN_ARG(ev->reason));
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static void tell_media(struct explain_dry *x, const struct conf *conf)
{
    for (uint32_t i = 0; i < conf->media.n && i < 32;
         i++) /* as many as the fake relay has room for */
        for (uint32_t a = 0; a < conf->media.v[i].address.n && a < 1; a++) {
            struct addr first = conf->media.v[i].address.v[a].addr;

            first.port = conf->media.v[i].port_lo;
            media_fake_pool(x->media, i, &first);
        }
}

static int dry_wire(struct explain_dry *x)
{
    struct stack_param p = {.clock = &x->clock,
                            .timers = x->timers,
                            .ident = x->ident,
                            .stats = &x->stats,
                            .transport = &x->transport,
                            .media = x->media,
                            .cdr = x->cdr,
                            .trunks = x->reg,
                            .node = 1,
                            .no_probes = true,
                            .workers = 1};

    if (!x->timers || !x->ident || !x->media || !x->cdr || !x->route)
        return -ENOMEM;
    tell_media(x, x->view.conf);
    x->stack = stack_new(&p);
    if (!x->stack)
        return -ENOMEM;
    stack_snapshot(x->stack, &x->view);
    return 0;
}

struct explain_dry *explain_dry_new(const struct route *route, uint64_t now_ms, uint64_t wall_ms)
{
    static const uint8_t key[16] = "explained calls"; /* seals nothing that leaves */
    struct explain_dry *x = calloc(1, sizeof *x);

    if (!x)
        return NULL;
    x->transport = (struct transport){.send = dry_send, .via = dry_via};
    clock_init_fake(&x->clock, now_ms ? now_ms : 1, wall_ms);
    x->timers = timers_new_fake(&x->clock);
    x->ident = ident_key_new(key, 1, 1, 0);
    x->media = media_fake_new();
    x->cdr = cdr_port_new_tap(on_record, x);
    x->reg = trunk_registry_new();
    x->route = x->reg ? route_shadow(route, x->reg) : NULL;
    x->view = (struct call_view){.conf = route_conf(route), .route = x->route, .generation = 1};
    if (dry_wire(x) == 0)
        return x;
    explain_dry_free(x);
    return NULL;
}

void explain_dry_free(struct explain_dry *x)
{
    if (!x)
        return;
    log_mute(true);
    stack_free(x->stack);
    log_mute(false);
    if (x->media)
        media_free(x->media);
    cdr_port_free_tap(x->cdr);
    ident_key_free(x->ident);
    timers_free(x->timers);
    route_free(x->route);
    trunk_registry_free(x->reg);
    free(x);
}

struct route *explain_dry_route(struct explain_dry *x)
{
    return x->route;
}

struct trunk_registry *explain_dry_registry(struct explain_dry *x)
{
    return x->reg;
}

/* ---- a run ------------------------------------------------------------------------------------------------------- */

/* 503 to an INVITE of ours: Via, From, To with a tag, Call-ID and CSeq as they came (RFC 3261 §8.2.6.2). */
static void answer_503(struct explain_dry *x, const struct dry_sent *s)
{
    static const char *const copied[] = {"Via:", "From:", "Call-ID:", "CSeq:", "To:"};
    struct span text = span_of(s->text), line, rest = text;
    char buf[4096];
    struct build b;
    struct flow f = {.remote = s->remote, .proto = s->proto};
    struct stack_hand hand;

    build_init(&b, buf, sizeof buf);
    build_span(&b, SPAN("SIP/2.0 503 Service Unavailable\r\n"));
    while (rest.len) {
        span_cut(rest, '\n', &line, &rest);
        for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
            if (!span_has_prefix(line, span_of(copied[i])))
                continue;
            line = span_trim(line);
            build_span(&b, line);
            build_span(&b, i == 4 ? SPAN(";tag=dry\r\n") : SPAN("\r\n"));
        }
        if (line.len <= 1)
            break;
    }
    build_span(&b, SPAN("Content-Length: 0\r\n\r\n"));
    if (!b.overflow)
        (void)stack_datagram(x->stack, b.p, b.len, &f, 0, &hand);
}

static void settle(struct explain_dry *x)
{
    for (unsigned i = 0; i < DRY_SENT_MAX; i++) {
        while (media_fake_pending(x->media))
            (void)media_fake_run(x->media);
        stack_turn_end(x->stack);
        if (!x->next_to_answer)
            break;
        struct dry_sent *s = x->next_to_answer;

        x->next_to_answer = s->next;
        answer_503(x, s);
    }
}

void explain_dry_run(struct explain_dry *x, const struct explain_dry_by *by, struct span text,
                     const struct flow *flow, struct dry_result *out)
{
    struct calls_dry dry = {by->trunk, by->decide, by->arg};
    struct calls *cs = stack_calls(x->stack);
    struct stack_hand hand;

    memset(out, 0, sizeof *out);
    x->out = out;
    x->last = &out->sent;
    x->next_to_answer = NULL;
    x->n_sent = 0;
    x->caller = flow->remote;
    cs->dry = &dry;
    log_mute(true);
    (void)stack_datagram(x->stack, text.p, text.len, flow, 0, &hand);
    settle(x);
    log_mute(false);
    cs->dry = NULL;
    x->out = NULL;
}

void dry_result_fini(struct dry_result *r)
{
    for (struct dry_sent *s = r->sent, *next; s; s = next) {
        next = s->next;
        free(s->text);
        free(s);
    }
    r->sent = NULL;
}
