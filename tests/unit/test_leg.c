/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The leg tables and the bridge table: every cell is written out, and every cell is run once on a real call.
 * The stack is real, the transport swallows; what sequences of messages do is the replay cases' business.
 */
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

static int swallow(struct transport *t, const struct flow *f, const char *buf, size_t len)
{
    (void)t;
    (void)f;
    (void)buf;
    (void)len;
    sent++;
    return 0;
}

static struct span via(struct transport *t, const struct flow *f)
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

static void rig_up(struct rig *r)
{
    static const uint8_t key[16] = "unit test key";
    struct stack_param p;
    struct msg_error err;

    memset(r, 0, sizeof *r);
    clock_init_fake(&r->clock, 1000000, 1700000000000);
    r->timers = timers_new_fake(&r->clock);
    r->ident = ident_key_new(key, 1, 1, 0);
    r->transport = (struct transport){swallow, via};
    p = (struct stack_param){.clock = &r->clock,
                             .timers = r->timers,
                             .ident = r->ident,
                             .stats = &r->stats,
                             .transport = &r->transport,
                             .node = 1,
                             .workers = 1};
    r->stack = stack_new(&p);
    assert_non_null(r->stack);
    r->cs = stack_calls(r->stack);
    r->view.conf = &r->conf;
    stack_snapshot(r->stack, &r->view);
    snprintf(r->trunk.name, sizeof r->trunk.name, "unit");
    arena_init(&r->arena, 16384, 0);
    assert_int_equal(msg_parse(&r->invite, &r->arena, invite_text, sizeof invite_text - 1, &err),
                     0);
    assert_int_equal(
        msg_parse(&r->response, &r->arena, response_text, sizeof response_text - 1, &err), 0);
}

static void rig_down(struct rig *r)
{
    stack_free(r->stack);
    ident_key_free(r->ident);
    timers_free(r->timers);
    arena_fini(&r->arena);
}

/* A call with both legs and their dialogs, no transactions: what each action must survive. */
static struct call *make_call(struct rig *r)
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

static void every_cell_is_written_out(void **state)
{
    (void)state;
    for (unsigned s = 0; s < LEG_STATES; s++)
        for (unsigned e = 0; e < LEG_EVENTS; e++)
            for (int in = 0; in < 2; in++) {
                const struct leg_cell *c = in ? &leg_in_table[s][e] : &leg_out_table[s][e];

                /* A forgotten cell is all zero: handled, to LEG_NEW, without an action. Nothing returns to LEG_NEW. */
                if (c->kind == CELL_HANDLED)
                    assert_int_not_equal(c->next, LEG_NEW);
                else
                    assert_int_equal(c->next, LEG_STATES);
                if (c->kind != CELL_HANDLED)
                    assert_null(c->action);
            }
}

static void run_cell(bool in, enum leg_state s, enum leg_event e)
{
    const struct leg_cell *cell = in ? &leg_in_table[s][e] : &leg_out_table[s][e];
    const struct cause cause = {480, 18, CAUSE_OUT, "unit"};
    struct leg_arg arg = {.status = 200, .cause = &cause};
    struct rig r;
    struct call *c;
    struct leg *leg;
    uint64_t impossible;

    rig_up(&r);
    c = make_call(&r);
    leg = in ? c->in : c->out;
    leg->state = (uint8_t)s;
    if (s >= LEG_ANSWERED)
        c->state = CALL_UP, r.cs->up = 1;
    arg.msg = in ? &r.invite : &r.response;
    arg.dlg = in ? (e == LEV_PROGRESS || e == LEV_PROGRESS_SDP || e == LEV_ANSWER ? c->out->main
                                                                                  : c->in->main)
                 : c->out->main;
    impossible = stat_get(&r.stats, STAT_legs_impossible);
    sent = 0;
    leg_event(leg, e, &arg);
    if (cell->kind == CELL_IMPOSSIBLE)
        assert_int_equal(stat_get(&r.stats, STAT_legs_impossible), impossible + 1);
    if (cell->kind != CELL_HANDLED) {
        assert_int_equal(leg->state, s);
        assert_int_equal(sent, 0);
    } else if (cell->next != LEG_STATES) {
        assert_int_not_equal(leg->state, s == cell->next ? (int)LEG_NEW : (int)s);
    }
    rig_down(&r);
}

static void every_cell_of_the_in_leg_runs(void **state)
{
    (void)state;
    for (unsigned s = 0; s < LEG_STATES; s++)
        for (unsigned e = 0; e < LEG_EVENTS; e++)
            run_cell(true, s, e);
}

static void every_cell_of_the_out_leg_runs(void **state)
{
    (void)state;
    for (unsigned s = 0; s < LEG_STATES; s++)
        for (unsigned e = 0; e < LEG_EVENTS; e++)
            run_cell(false, s, e);
}

/* A dead leg stays dead and its call is freed once, at the end of the turn. */
static void a_call_of_two_dead_legs_is_freed_by_reap(void **state)
{
    const struct cause cause = {200, 16, CAUSE_IN, "bye"};
    struct rig r;
    struct call *c;

    (void)state;
    rig_up(&r);
    c = make_call(&r);
    call_release(c, &cause);
    leg_set_state(c->in, LEG_DEAD);
    assert_int_equal(calls_count(r.cs), 1);
    leg_set_state(c->out, LEG_DEAD);
    leg_set_state(c->out, LEG_UP);
    assert_int_equal(c->out->state, LEG_DEAD);
    assert_int_equal(calls_count(r.cs), 1);
    calls_reap(r.cs);
    assert_int_equal(calls_count(r.cs), 0);
    assert_int_equal(stack_dialogs(r.stack), 0);
    rig_down(&r);
}

/* The bridge: an event for a leg that is alone is as if the other were dead. */
static void every_cell_of_the_bridge_runs(void **state)
{
    (void)state;
    for (unsigned s = 0; s < LEG_STATES; s++)
        for (unsigned e = 0; e < BR_EVENTS; e++) {
            bool from_in = e == BR_CANCEL || e == BR_ACK;
            struct leg_arg arg = {.status = 200};
            struct rig r;
            struct call *c;
            uint64_t before;

            if (e == BR_REQUEST)
                continue; /* needs a transaction: replay cases */
            rig_up(&r);
            c = make_call(&r);
            (from_in ? c->out : c->in)->state = (uint8_t)s;
            (from_in ? c->in : c->out)->state = LEG_UP;
            arg.msg = from_in ? &r.invite : &r.response;
            arg.dlg = from_in ? c->in->main : c->out->main;
            before = stat_get(&r.stats, STAT_bridge_impossible);
            bridge_event(from_in ? c->in : c->out, e, &arg);
            assert_int_equal(stat_get(&r.stats, STAT_bridge_impossible) - before,
                             bridge_cell(s, e) == CELL_IMPOSSIBLE);
            rig_down(&r);
        }
}

static void quiet(enum log_level level, const char *line, void *arg)
{
    (void)level;
    (void)line;
    (void)arg;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_is_written_out),
        cmocka_unit_test(every_cell_of_the_in_leg_runs),
        cmocka_unit_test(every_cell_of_the_out_leg_runs),
        cmocka_unit_test(a_call_of_two_dead_legs_is_freed_by_reap),
        cmocka_unit_test(every_cell_of_the_bridge_runs),
    };

    log_set_sink(quiet, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
