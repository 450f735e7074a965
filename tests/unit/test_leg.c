/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The leg tables and the bridge table: every cell is written out, and every cell is run once on a real call.
 * The stack is real, the transport swallows; what sequences of messages do is the replay cases' business.
 */
#include "call_rig.h"

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
    timer_init(&leg->timer, r.cs->timers, NULL,
               NULL); /* as the way into a state with a timer does */
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
