/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bridge table against a second, independent statement of it: a cell that changes its kind must change here too.
 * What the cells do is run by test_leg.c and by the replay cases named cell_*.
 */
#include "call_rig.h"

/* Row: state of the other leg. Column: event. H handled, i ignored, - impossible. */
static const struct {
    enum leg_state other;
    const char
        *cells; /* progress, progress with SDP, answer, fail, cancel, ACK, request, BYE, lost */
} want[] = {
    {LEG_NEW, "----H-HHH"},        {LEG_TRYING, "HHHHH-HHH"},   {LEG_RINGING, "HHHHH-HHH"},
    {LEG_EARLY, "HHHHH-HHH"},      {LEG_ANSWERED, "iiHiHHHHH"}, {LEG_UP, "iiHiHiHHH"},
    {LEG_CANCELLING, "----i-HHH"}, {LEG_CLOSING, "iiHiiiHHH"},  {LEG_DEAD, "iiHHHiHHH"},
};

static void every_cell_is_of_its_kind(void **state)
{
    static const char kind[] = {
        [CELL_HANDLED] = 'H', [CELL_IGNORED] = 'i', [CELL_IMPOSSIBLE] = '-'};
    unsigned rows = 0;

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++, rows++) {
        assert_int_equal(strlen(want[i].cells), BR_EVENTS);
        for (unsigned e = 0; e < BR_EVENTS; e++)
            if (kind[bridge_cell(want[i].other, e)] != want[i].cells[e])
                fail_msg("cell %s/%s is '%c', not '%c'", leg_state_name(want[i].other),
                         bridge_event_name(e), kind[bridge_cell(want[i].other, e)],
                         want[i].cells[e]);
    }
    assert_int_equal(rows, LEG_STATES);
}

static void every_state_and_event_has_a_name(void **state)
{
    (void)state;
    for (unsigned s = 0; s < LEG_STATES; s++)
        assert_string_not_equal(leg_state_name(s), "?");
    for (unsigned e = 0; e < LEG_EVENTS; e++)
        assert_string_not_equal(leg_event_name(e), "?");
    for (unsigned e = 0; e < BR_EVENTS; e++)
        assert_string_not_equal(bridge_event_name(e), "?");
    assert_string_equal(leg_state_name(LEG_STATES), "?");
    assert_string_equal(leg_event_name(LEG_EVENTS), "?");
    assert_string_equal(bridge_event_name(BR_EVENTS), "?");
}

/* Each impossible cell of the in leg is one that only an out leg has, or one before or behind its time. */
static void an_in_leg_knows_no_answers_of_a_carrier(void **state)
{
    static const enum leg_event out_only[] = {LEV_ABANDON, LEV_100, LEV_18X,
                                              LEV_18X_SDP, LEV_2XX, LEV_FINAL};
    static const enum leg_event in_only[] = {LEV_PROGRESS, LEV_PROGRESS_SDP, LEV_ANSWER, LEV_REJECT,
                                             LEV_CANCEL};

    (void)state;
    for (unsigned s = 0; s < LEG_STATES; s++) {
        for (size_t i = 0; i < sizeof out_only / sizeof out_only[0]; i++)
            assert_int_equal(leg_in_table[s][out_only[i]].kind, CELL_IMPOSSIBLE);
        for (size_t i = 0; i < sizeof in_only / sizeof in_only[0]; i++)
            assert_int_equal(leg_out_table[s][in_only[i]].kind, CELL_IMPOSSIBLE);
    }
}

/* Nothing leads out of DEAD, and whoever hangs up a leg in any living state gets it to an end. */
static void dead_is_the_end_and_hangup_leads_there(void **state)
{
    (void)state;
    for (unsigned e = 0; e < LEG_EVENTS; e++) {
        assert_int_equal(leg_in_table[LEG_DEAD][e].next, LEG_STATES);
        assert_int_equal(leg_out_table[LEG_DEAD][e].next, LEG_STATES);
    }
    for (unsigned s = 0; s < LEG_DEAD; s++) {
        if (s != LEG_CANCELLING) /* an in leg never is */
            assert_int_not_equal(leg_in_table[s][LEV_HANGUP].kind, CELL_IMPOSSIBLE);
        assert_int_not_equal(leg_out_table[s][LEV_HANGUP].kind, CELL_IMPOSSIBLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_is_of_its_kind),
        cmocka_unit_test(every_state_and_event_has_a_name),
        cmocka_unit_test(an_in_leg_knows_no_answers_of_a_carrier),
        cmocka_unit_test(dead_is_the_end_and_hangup_leads_there),
    };

    log_set_sink(quiet, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
