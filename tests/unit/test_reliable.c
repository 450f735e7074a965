/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reliable provisional responses: repetition, acknowledgement, the end without one (RFC 3262 §3).
 */
#include "sip_fixture.h"

#include "sip/reliable.h"

static struct reliable rel;
static unsigned timeouts;

static void on_timeout(void *arg)
{
    assert_ptr_equal(arg, &fx);
    timeouts++;
}

static struct txn_server *ring(void)
{
    char *req = strdup(fx_request("INVITE", "z9hG4bKa", 1, "INVITE"));

    fx.take = true;
    fx.answer = 0;
    fx_recv(req);
    free(req);
    assert_non_null(fx.st);
    assert_int_equal(txn_server_reply(fx.st, 180, SPAN_NONE, SPAN_NONE), 0);
    timeouts = 0;
    reliable_init(&rel, on_timeout, &fx);
    return fx.st;
}

static void it_is_sent_again_with_doubled_intervals(void **state)
{
    static const unsigned at[] = {500, 1000, 2000, 4000, 8000, 16000};

    (void)state;
    assert_int_equal(reliable_start(&rel, ring(), 7), 0);
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        unsigned before = fx.n_sent;

        fx_advance(at[i] - 1);
        assert_int_equal(fx.n_sent, before);
        fx_advance(1);
        assert_int_equal(fx.n_sent, before + 1);
        fx_assert_last_starts("SIP/2.0 180");
    }
    assert_int_equal(timeouts, 0);
    fx_advance(499);
    assert_int_equal(timeouts, 0);
    fx_advance(1);
    assert_int_equal(timeouts, 1);
    assert_int_equal(fx_stat(STAT_rel100_retransmit), 6);
    assert_int_equal(fx_stat(STAT_rel100_no_prack), 1);
    reliable_fini(&rel);
}

static void a_prack_stops_it_once(void **state)
{
    unsigned before;

    (void)state;
    assert_int_equal(reliable_start(&rel, ring(), 7), 0);
    assert_false(reliable_acked(&rel, 8));
    assert_false(reliable_acked(&rel, 0));
    before = fx.n_sent;
    assert_true(reliable_acked(&rel, 7));
    assert_false(reliable_acked(&rel, 7));
    fx_advance(64000);
    assert_int_equal(fx.n_sent, before);
    assert_int_equal(timeouts, 0);
    reliable_fini(&rel);
}

static void behind_the_final_answer_it_is_matched_and_not_repeated(void **state)
{
    unsigned before;

    (void)state;
    assert_int_equal(reliable_start(&rel, ring(), 7), 0);
    reliable_stop(&rel);
    before = fx.n_sent;
    fx_advance(64000);
    assert_int_equal(fx.n_sent, before);
    assert_true(reliable_acked(&rel, 7));
    reliable_fini(&rel);
}

static void one_at_a_time_and_only_of_a_provisional(void **state)
{
    struct txn_server *st;

    (void)state;
    st = ring();
    assert_int_equal(reliable_start(&rel, st, 7), 0);
    assert_int_equal(reliable_start(&rel, st, 8), -EBUSY);
    assert_true(reliable_acked(&rel, 7));
    assert_int_equal(txn_server_reply(st, 486, SPAN_NONE, SPAN_NONE), 0);
    assert_int_equal(reliable_start(&rel, st, 8), -EINVAL);
    reliable_fini(&rel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_sent_again_with_doubled_intervals, fx_setup,
                                        fx_teardown),
        cmocka_unit_test_setup_teardown(a_prack_stops_it_once, fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(behind_the_final_answer_it_is_matched_and_not_repeated,
                                        fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(one_at_a_time_and_only_of_a_provisional, fx_setup,
                                        fx_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
