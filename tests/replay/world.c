/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making the world of a case, and what happens in it by itself: messages sent, records written, time passing.
 * run.c calls it; it knows no command.
 */
#include "world.h"

#include "call/journal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void world_fail(struct world *w, const char *fmt, ...)
{
    va_list ap;

    w->failed = true;
    fprintf(stdout, "  # %s:%u: ", w->script->path, w->line ? w->line->number : 0);
    va_start(ap, fmt);
    vfprintf(stdout, fmt, ap);
    va_end(ap);
    fputc('\n', stdout);
}

void world_dump(const char *dir, const char *who, const char *msg)
{
    fprintf(stdout, "    %s %s\n", dir, who);
    for (const char *p = msg; *p;) {
        size_t n = strcspn(p, "\r\n");

        fprintf(stdout, "    | %.*s\n", (int)n, p);
        p += n;
        if (*p == '\r')
            p++;
        if (*p == '\n')
            p++;
    }
}

/* ---- the world --------------------------------------------------------------------------------------------------- */

/* Whose address is it: the trunk's name, a trunk's that is gone, else the address. */
const char *world_side(const struct world *w, const struct addr *remote, char buf[ADDR_STRLEN])
{
    for (unsigned i = 0; i < w->actors.n; i++)
        if (addr_ip_eq(&w->actors.v[i]->addr, remote))
            return w->actors.v[i]->trunk;
    for (uint32_t i = 0; i < w->conf->trunk.n; i++)
        for (uint32_t k = 0; k < w->conf->trunk.v[i].peer.n; k++)
            if (addr_ip_eq(&w->conf->trunk.v[i].peer.v[k].addr, remote))
                return w->conf->trunk.v[i].name;
    for (uint32_t i = 0; w->route && i < w->conf->trunk.n; i++) {
        const struct target_set *set = targets_of(route_trunk_state(w->route, i));

        for (uint32_t k = 0; set && k < set->n; k++)
            if (addr_ip_eq(&set->v[k].addr, remote))
                return w->conf->trunk.v[i].name;
    }
    return addr_ip_str(remote, buf);
}

/* The next message goes out with a header of the message that caused it: the leak must be seen. */
static void pierce(struct world *w, const char *side, const char *msg)
{
    char value[512], text[TEXT_MAX + 1024];
    const char *line = strstr(msg, "\r\n");

    if (!line || text_status(msg) == 100)
        return;
    if (strcmp(w->pierce, "body") == 0)
        snprintf(text, sizeof text, "%s%s", msg, text_body(w->received));
    else if (text_header(w->received, w->pierce, 0, value, sizeof value))
        snprintf(text, sizeof text, "%.*s\r\n%s: %s%s", (int)(line - msg), msg, w->pierce, value,
                 line);
    else
        world_fail(w, "pierce: no %s was received", w->pierce);
    if (!w->failed && !leak_check(&w->leak, side, text, stdout))
        world_fail(w, "%s was let through to %s and the leak check is silent", w->pierce, side);
    w->pierce[0] = '\0';
}

static void on_sent(void *arg, const struct sent *m)
{
    struct world *w = arg;
    char buf[ADDR_STRLEN];
    const char *side = world_side(w, &m->flow.remote, buf);

    if (w->opt->verbose)
        world_dump("<-", side, m->text);
    if (w->pierce[0])
        pierce(w, side, m->text);
    if (!w->opt->no_leak && !w->no_leak && leak_check(&w->leak, side, m->text, stdout))
        world_fail(w, "topology leaks to %s", side);
    leak_learn(&w->leak, side, m->text);
}

static void keep_text(struct record *r, unsigned i, struct span *s)
{
    snprintf(r->text[i], sizeof r->text[i], "%.*s", SPAN_ARG(*s));
    *s = span_of(r->text[i]);
}

struct span *event_text(struct cdr_event *ev, unsigned i, const char **name)
{
    static const struct {
        const char *name;
        size_t at;
    } t[EVENT_TEXTS] = {
        {"route", offsetof(struct cdr_event, route)},
        {"rate_class", offsetof(struct cdr_event, rate_class)},
        {"deck_in", offsetof(struct cdr_event, deck_in)},
        {"prefix_in", offsetof(struct cdr_event, prefix_in)},
        {"rate_in", offsetof(struct cdr_event, rate_in)},
        {"currency_in", offsetof(struct cdr_event, currency_in)},
        {"minimum_in", offsetof(struct cdr_event, minimum_in)},
        {"deck_out", offsetof(struct cdr_event, deck_out)},
        {"prefix_out", offsetof(struct cdr_event, prefix_out)},
        {"rate_out", offsetof(struct cdr_event, rate_out)},
        {"currency_out", offsetof(struct cdr_event, currency_out)},
        {"cost_out", offsetof(struct cdr_event, cost_out)},
        {"code_out", offsetof(struct cdr_event, code_out)},
        {"codec_in", offsetof(struct cdr_event, codec_in)},
        {"codec_out", offsetof(struct cdr_event, codec_out)},
    };

    if (name)
        *name = t[i].name;
    return (struct span *)(void *)((char *)ev + t[i].at);
}

static void on_cdr(const struct cdr_event *ev, void *arg)
{
    struct world *w = arg;
    struct record *r;

    if (w->opt->verbose)
        fprintf(stdout, "    cdr type=%d code=%u q850=%u release=%d reason=%.*s\n", ev->type,
                ev->code, ev->q850, ev->release, SPAN_ARG(ev->reason));
    if ((ev->type != CDR_ATTEMPT && ev->type != CDR_CALL && ev->type != CDR_INTERIM) ||
        w->n_records == CDRS_MAX)
        return;
    r = &w->record[w->n_records++];
    r->ev = *ev;
    keep_text(r, 0, &r->ev.trunk_in);
    keep_text(r, 1, &r->ev.trunk_out);
    keep_text(r, 2, &r->ev.reason);
    keep_text(r, 3, &r->ev.where);
    keep_text(r, 4, &r->ev.called_received);
    keep_text(r, 5, &r->ev.called_normalised);
    keep_text(r, 6, &r->ev.called_sent);
    keep_text(r, 7, &r->ev.class_name);
    keep_text(r, 8, &r->ev.caller_received);
    keep_text(r, 9, &r->ev.customer_in);
    keep_text(r, 10, &r->ev.session_id);
    keep_text(r, 11, &r->ev.priority);
    keep_text(r, 12, &r->ev.lrn);
    keep_text(r, 13, &r->ev.dip);
    keep_text(r, 14, &r->ev.caller_sent);
    keep_text(r, 15, &r->ev.caller_normalised);
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        keep_text(r, 16 + i, event_text(&r->ev, i, NULL));
}

static void follow(struct world *w)
{
    do
        stack_follow(w->stack);
    while (stack_is_following(w->stack));
}

void world_snapshot(struct world *w)
{
    stack_snapshot(w->stack, &w->view);
    follow(w);
}

static int world_journal(struct world *w)
{
    int err;

    snprintf(w->journal_path, sizeof w->journal_path, "/tmp/tandem-replay-%d.%u", (int)getpid(),
             w->epoch);
    err = journal_new(w->journal_path, w->epoch, &w->journal);
    if (err == 0)
        calls_set_journal(stack_calls(w->stack), w->journal);
    return err;
}

int world_stack(struct world *w)
{
    static const uint8_t key[16] = "replay test key";
    struct stack_param p;

    w->ident = ident_key_new(key, 1, ++w->epoch, w->worker);
    p = (struct stack_param){
        .clock = &w->clock,
        .timers = w->timers,
        .ident = w->ident,
        .stats = &w->stats,
        .transport = &w->net.transport,
        .media = w->media,
        .cdr = w->cdr,
        .trunks = w->trunks,
        .dips = &w->dip.ops,
        .node = 1,
        .worker = w->worker,
        .workers = w->workers,
    };
    w->stack = w->ident ? stack_new(&p) : NULL;
    if (!w->stack)
        return -ENOMEM;
    world_snapshot(w);
    return world_journal(w);
}

int world_conf(struct world *w, const char *name, const char *text)
{
    static const struct conf_env env = {.relay_nofile = CONF_NOFILE_DEFAULT,
                                        .ephemeral = {.lo = EPHEMERAL_LO, .hi = EPHEMERAL_HI},
                                        .secrets_are_names = true};
    struct conf_errors errs;
    struct conf *conf = conf_load_text(name, text, strlen(text), &env, &errs);
    const char *why = "";
    struct route *route;

    if (!conf) {
        conf_print_errors(stdout, &errs);
        conf_errors_fini(&errs);
        return -EINVAL;
    }
    conf_errors_fini(&errs);
    errs = (struct conf_errors){0};
    route = route_new(&(struct route_param){.conf = conf,
                                            .reg = w->trunks,
                                            .errs = &errs,
                                            .wall_s = (int64_t)(w->clock.wall_ms / 1000)},
                      &why);
    if (!route)
        conf_print_errors(stdout, &errs);
    conf_errors_fini(&errs);
    if (!route) {
        conf_free(conf);
        return -EINVAL;
    }
    locate_configure(w->locate, conf);
    w->old_conf = w->conf;
    w->old_route = w->route;
    w->conf = conf;
    w->route = route;
    w->view = (struct call_view){conf, route, w->view.generation + 1};
    conf->generation = w->view.generation;
    w->n_local = 0;
    while (w->n_local < 32 && conf_listener(conf, w->n_local, &w->local[w->n_local]) == 0) {
        char host[ADDR_STRLEN];

        leak_own(&w->leak, addr_ip_str(&w->local[w->n_local++].addr, host));
    }
    w->net.local = w->local;
    w->net.n_local = w->n_local;
    return 0;
}

int world_init(struct world *w)
{
    clock_init_fake(&w->clock, 1000000, 1700000000000);
    w->started_ms = w->clock.mono_ms;
    w->timers = timers_new_fake(&w->clock);
    net_init(&w->net);
    w->net.watch = on_sent;
    w->net.arg = w;
    w->media = media_fake_new();
    w->cdr = cdr_port_new_tap(on_cdr, w);
    w->trunks = trunk_registry_new();
    fake_dns_init(&w->dns);
    fake_dip_init(&w->dip);
    w->locate = w->trunks && w->timers ? locate_new(&(struct locate_param){.reg = w->trunks,
                                                                           .timers = w->timers,
                                                                           .clock = &w->clock,
                                                                           .stats = &w->stats,
                                                                           .dns = &w->dns.ops})
                                       : NULL;
    w->workers = 1;
    w->epoch = 100;
    leak_init(&w->leak);
    world_set(w, "by", w->opt->tcp ? ";transport=tcp" : "");
    world_set(w, "proto", w->opt->tcp ? "tcp" : "udp");
    world_set(w, "PROTO", w->opt->tcp ? "TCP" : "UDP");
    leak_own(&w->leak, "203.0.113.9");
    leak_own(&w->leak, "2001:db8::9");
    return w->timers && w->media && w->cdr && w->locate ? 0 : -ENOMEM;
}

void world_fini(struct world *w)
{
    stack_free(w->stack);
    journal_free(w->journal);
    (void)unlink(w->journal_path);
    locate_free(w->locate);
    fake_dns_fini(&w->dns);
    ident_key_free(w->ident);
    net_clear(&w->net);
    if (w->media)
        media_free(w->media);
    cdr_port_free_tap(w->cdr);
    route_free(w->route);
    route_free(w->old_route);
    conf_free(w->conf);
    conf_free(w->old_conf);
    trunk_registry_free(w->trunks);
    timers_free(w->timers);
    actors_free(&w->actors);
    leak_fini(&w->leak);
}

/* @return false: no answer is due */
static bool world_dip(struct world *w)
{
    struct dip_answer a;

    if (!w->stack || !fake_dip_take(&w->dip, &a))
        return false;
    stack_dip_answer(w->stack, &a);
    return true;
}

/* All that happens without time passing. */
void world_settle(struct world *w)
{
    do {
        for (unsigned i = 0; i < 100 && media_fake_pending(w->media); i++)
            (void)media_fake_run(w->media);
    } while (stream_return(w) || world_dip(w));
    if (w->locate)
        locate_turn(w->locate);
    if (w->stack) {
        stack_turn_end(w->stack);
        follow(w);
    }
    if (w->locate)
        locate_turn(w->locate); /* frees what the stack has let go of */
}

void world_advance(struct world *w, uint64_t ms)
{
    uint64_t until = w->clock.mono_ms + ms;

    world_settle(w);
    while (timers_next_due(w->timers) <= until) {
        (void)timers_run_until(w->timers, timers_next_due(w->timers));
        world_settle(w);
    }
    (void)timers_run_until(w->timers, until);
    world_settle(w);
}

/* The first socket of the peer's transport and family. */
static uint16_t listener_for(const struct world *w, const struct actor *a)
{
    for (unsigned i = 0; i < w->n_local; i++)
        if (w->local[i].addr.family == a->addr.family && w->local[i].proto == a->proto)
            return (uint16_t)i;
    return 0;
}

void world_deliver_bytes(struct world *w, const struct actor *a, const char *buf, size_t len)
{
    struct stack_hand hand;
    uint16_t l = listener_for(w, a);
    struct flow f = {
        .listener = l, .local = w->local[l].addr, .remote = a->addr, .proto = a->proto};
    char *copy =
        malloc(len ? len : 1); /* exactly as long: a sanitizer sees any byte read behind it */

    if (!copy)
        abort();
    memcpy(copy, buf, len);
    if (proto_is_stream(a->proto))
        f.conn = net_accept(&w->net, a->proto, &a->addr, &f.remote);
    if (w->opt->verbose)
        world_dump("->", a->name, buf);
    leak_learn(&w->leak, a->trunk, buf);
    snprintf(w->received, sizeof w->received, "%s", buf);
    switch (stack_datagram(w->stack, copy, len, &f, w->load, &hand)) {
    case STACK_HAND:
        w->handed++;
        (void)stack_handed(w->stack, copy, len, &f, 0, NULL); /* one stack plays all workers */
        break;
    case STACK_WAIT:
        if (w->n_waiting == sizeof w->waiting / sizeof w->waiting[0])
            abort();
        w->waiting[w->n_waiting].msg = copy;
        w->waiting[w->n_waiting].len = len;
        w->waiting[w->n_waiting++].flow = f;
        copy = NULL;
        break;
    default: break;
    }
    free(copy);
    world_settle(w);
}

void world_deliver(struct world *w, const struct actor *a, const char *msg)
{
    world_deliver_bytes(w, a, msg, strlen(msg));
}

void world_wait(struct world *w, bool on)
{
    stack_let_wait(w->stack, on);
    for (unsigned i = 0; i < w->n_waiting; i++) {
        (void)stack_handed(w->stack, w->waiting[i].msg, w->waiting[i].len, &w->waiting[i].flow,
                           w->load, NULL);
        free(w->waiting[i].msg);
        world_settle(w);
    }
    w->n_waiting = 0;
}
