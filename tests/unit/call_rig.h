/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker's stack without a network, and a call with both legs in it: for unit tests of lib/call.
 * Included by them; header-only, each test has its own copy.
 */
#ifndef TESTS_CALL_RIG_H
#define TESTS_CALL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "call/model.h"
#include "call/stack.h"
#include "core/clock.h"

#include <stdio.h>
#include <string.h>

static unsigned sent;

static inline int swallow(struct transport *t, const struct flow *f, const char *buf, size_t len)
{
    (void)t;
    (void)f;
    (void)buf;
    (void)len;
    sent++;
    return 0;
}

static inline struct span via(struct transport *t, const struct flow *f)
{
    (void)t;
    (void)f;
    return SPAN("SIP/2.0/UDP 198.51.100.10:5060");
}

struct rig {
    struct clock clock;
    struct timers *timers;
    struct ident_key *ident;
    struct stats stats;
    struct transport transport;
    struct conf conf;
    struct call_view view;
    struct trunk_registry *registry;
    struct route *route;
    struct stack *stack;
    struct calls *cs;
    struct arena arena;
    struct trunk_state trunk;
    struct msg invite, response;
};

static const char invite_text[] = "INVITE sip:+12025550187@198.51.100.10 SIP/2.0\r\n"
                                  "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKleg\r\n"
                                  "Max-Forwards: 70\r\n"
                                  "From: <sip:+12125550123@192.0.2.1>;tag=legtag\r\n"
                                  "To: <sip:+12025550187@198.51.100.10>\r\n"
                                  "Call-ID: leg-call\r\n"
                                  "CSeq: 1 INVITE\r\n"
                                  "Contact: <sip:alpha@192.0.2.1>\r\n"
                                  "Content-Length: 0\r\n\r\n";

static const char response_text[] = "SIP/2.0 200 OK\r\n"
                                    "Via: SIP/2.0/UDP 198.51.100.10:5060;branch=z9hG4bKours\r\n"
                                    "From: <sip:x@198.51.100.10>;tag=ours\r\n"
                                    "To: <sip:+12025550187@192.0.2.2>;tag=theirs\r\n"
                                    "Call-ID: ours\r\n"
                                    "CSeq: 1 INVITE\r\n"
                                    "Contact: <sip:bravo@192.0.2.2>\r\n"
                                    "Content-Length: 0\r\n\r\n";

static inline void rig_up(struct rig *r)
{
    static const uint8_t key[16] = "unit test key";
    struct stack_param p;
    struct msg_error err;
    const char *why;

    memset(r, 0, sizeof *r);
    clock_init_fake(&r->clock, 1000000, 1700000000000);
    r->timers = timers_new_fake(&r->clock);
    r->ident = ident_key_new(key, 1, 1, 0);
    r->transport = (struct transport){.send = swallow, .via = via};
    r->registry = trunk_registry_new();
    p = (struct stack_param){.clock = &r->clock,
                             .timers = r->timers,
                             .ident = r->ident,
                             .stats = &r->stats,
                             .transport = &r->transport,
                             .trunks = r->registry,
                             .node = 1,
                             .workers = 1};
    r->stack = stack_new(&p);
    assert_non_null(r->stack);
    r->cs = stack_calls(r->stack);
    atomic_init(&r->conf.refs, 1);
    r->route = route_new(&(struct route_param){.conf = &r->conf, .reg = r->registry}, &why);
    assert_non_null(r->route);
    r->view.conf = &r->conf;
    r->view.route = r->route;
    stack_snapshot(r->stack, &r->view);
    snprintf(r->trunk.name, sizeof r->trunk.name, "unit");
    arena_init(&r->arena, 16384, 0);
    assert_int_equal(msg_parse(&r->invite, &r->arena, invite_text, sizeof invite_text - 1, &err),
                     0);
    assert_int_equal(
        msg_parse(&r->response, &r->arena, response_text, sizeof response_text - 1, &err), 0);
}

static inline void rig_down(struct rig *r)
{
    stack_free(r->stack);
    route_free(r->route);
    trunk_registry_free(r->registry);
    ident_key_free(r->ident);
    timers_free(r->timers);
    arena_fini(&r->arena);
}

/* A call with both legs and their dialogs, no transactions: what each action must survive. */
static inline struct call *make_call(struct rig *r)
{
    struct flow f = {0};
    struct dialog_uac_param up = {.call_id = SPAN("ours"),
                                  .local = SPAN("<sip:x@198.51.100.10>"),
                                  .remote = SPAN("<sip:+12025550187@192.0.2.2>"),
                                  .target = SPAN("sip:+12025550187@192.0.2.2"),
                                  .contact = SPAN("<sip:198.51.100.10>"),
                                  .cseq = 1};
    struct call *c = call_new(r->cs);
    struct dialog *d;
    size_t cap;

    assert_non_null(c);
    c->setup = blocks_get(r->cs->blocks, sizeof *c->setup, &cap);
    assert_non_null(c->setup);
    memset(c->setup, 0, sizeof *c->setup);
    c->setup->cap = cap;
    assert_int_equal(addr_parse(SPAN("192.0.2.1:5060"), 0, &f.remote), 0);
    c->in = leg_new(c, true);
    c->in->trunk.state = &r->trunk;
    c->in->flow = f;
    c->in->offered = true;
    assert_int_equal(
        dialog_new_uas(r->cs->dialogs, &r->invite, &f, SPAN("<sip:198.51.100.10>"), &d), 0);
    c->in->main = ldlg_new(c->in, d);
    c->out = c->last_out = leg_new(c, false);
    c->out->trunk.state = &r->trunk;
    up.flow = c->out->flow = f;
    assert_int_equal(dialog_new_uac(r->cs->dialogs, &up, &d), 0);
    c->out->main = ldlg_new(c->out, d);
    return c;
}

static inline void quiet(enum log_level level, const char *line, void *arg)
{
    (void)level;
    (void)line;
    (void)arg;
}

#endif
