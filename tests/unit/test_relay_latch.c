/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Latching: three policies against first packets, strangers, changes of the SDP and late packets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include "relay/latch.h"

static const struct addr none;

static struct addr at(const char *s)
{
    struct addr a;

    assert_int_equal(addr_parse(span_of(s), 0, &a), 0);
    return a;
}

#define SDP  at("192.0.2.1:4000")
#define SDP2 at("192.0.2.2:4000")
#define NAT  at("198.51.100.7:9000")
#define NAT2 at("198.51.100.7:9002")
#define EVIL at("203.0.113.66:6666")

static void check(struct latch *l, struct addr from, uint64_t now, enum latch_verdict want)
{
    assert_int_equal(latch_is_stranger(l, &from), want == LATCH_STRANGER);
    assert_int_equal(latch_check(l, &from, now), want);
}

static void sends_to(const struct latch *l, struct addr want)
{
    assert_true(addr_eq(&l->to, &want));
}

static void set(struct latch *l, struct addr sdp, uint64_t now)
{
    latch_set_remote(l, &sdp, now);
}

static void begin(struct latch *l, enum media_latch policy, struct addr sdp)
{
    latch_init(l, (uint8_t)policy, &sdp, 0);
}

static void sdp_only_takes_the_sdp_address_and_nothing_else(void **state)
{
    struct latch l;

    (void)state;
    begin(&l, MEDIA_LATCH_SDP_ONLY, none);
    check(&l, EVIL, 0, LATCH_STRANGER);
    set(&l, SDP, 0);
    sends_to(&l, SDP);
    check(&l, EVIL, 0, LATCH_STRANGER);
    check(&l, SDP, 0, LATCH_LEARNED);
    check(&l, SDP, 0, LATCH_PASS);
    set(&l, SDP2, 0);
    check(&l, SDP, 0, LATCH_STRANGER);
    check(&l, SDP2, 0, LATCH_LEARNED);
}

static void learn_once_takes_the_first_source_and_no_second(void **state)
{
    struct latch l;

    (void)state;
    begin(&l, MEDIA_LATCH_LEARN_ONCE, SDP);
    sends_to(&l, SDP);
    check(&l, NAT, 0, LATCH_LEARNED);
    sends_to(&l, NAT);
    check(&l, NAT, 1, LATCH_PASS);
    check(&l, EVIL, 2, LATCH_STRANGER);
    check(&l, NAT2, 2, LATCH_STRANGER);
    sends_to(&l, NAT);
}

static void whoever_sprayed_the_port_first_gives_way_to_the_sdp_address(void **state)
{
    struct latch l;

    (void)state;
    begin(&l, MEDIA_LATCH_LEARN_ONCE, SDP);
    check(&l, EVIL, 0, LATCH_LEARNED);
    check(&l, SDP, 20, LATCH_LEARNED);
    sends_to(&l, SDP);
    check(&l, EVIL, 21, LATCH_STRANGER);
    check(&l, SDP, 40, LATCH_PASS);
}

static void the_same_sdp_again_does_not_reopen_the_window(void **state)
{
    struct latch l;

    (void)state;
    begin(&l, MEDIA_LATCH_LEARN_ONCE, SDP);
    check(&l, NAT, 0, LATCH_LEARNED);
    set(&l, SDP, 100);
    check(&l, EVIL, 101, LATCH_STRANGER);
}

static void another_sdp_reopens_it_but_late_packets_of_the_old_source_do_not_close_it(void **state)
{
    struct latch l;

    (void)state;
    begin(&l, MEDIA_LATCH_LEARN_ONCE, SDP);
    check(&l, SDP, 0, LATCH_LEARNED);
    set(&l, SDP2, 100);
    sends_to(&l, SDP2);
    check(&l, SDP, 101, LATCH_PASS); /* still on its way */
    sends_to(&l, SDP2);
    check(&l, SDP2, 120, LATCH_LEARNED);
    check(&l, SDP, 121, LATCH_STRANGER);
}

static void a_party_behind_nat_is_kept_where_it_was_until_it_is_heard_elsewhere(void **state)
{
    struct latch l;

    (void)state;
    begin(&l, MEDIA_LATCH_LEARN_ONCE, SDP);
    check(&l, NAT, 0, LATCH_LEARNED);
    set(&l, SDP2, 100);
    sends_to(&l, NAT);
    check(&l, NAT, 101, LATCH_PASS);
    check(&l, NAT2, 102, LATCH_LEARNED);
    sends_to(&l, NAT2);
    check(&l, NAT, 103, LATCH_STRANGER);
}

static void an_old_source_that_goes_on_is_learned_again(void **state)
{
    struct latch l;

    (void)state;
    begin(&l, MEDIA_LATCH_LEARN_ONCE, SDP);
    check(&l, NAT, 0, LATCH_LEARNED);
    set(&l, SDP2, 100);
    check(&l, NAT, 100 + LATCH_OLD_MS - 1, LATCH_PASS);
    check(&l, NAT, 100 + LATCH_OLD_MS, LATCH_LEARNED);
    check(&l, EVIL, 100 + LATCH_OLD_MS + 1, LATCH_STRANGER);
}

static void what_is_learned_before_the_sdp_is_learned_anew_with_it(void **state)
{
    struct latch l;

    (void)state;
    begin(&l, MEDIA_LATCH_LEARN_ONCE, none);
    sends_to(&l, none);
    check(&l, EVIL, 0, LATCH_LEARNED);
    set(&l, SDP, 10);
    sends_to(&l, SDP);
    check(&l, SDP, 11, LATCH_LEARNED);
    check(&l, EVIL, 12, LATCH_STRANGER);
    /* and if it was the right one, nothing happens */
    begin(&l, MEDIA_LATCH_LEARN_ONCE, none);
    check(&l, SDP, 0, LATCH_LEARNED);
    set(&l, SDP, 10);
    check(&l, SDP, 11, LATCH_PASS);
    check(&l, EVIL, 12, LATCH_STRANGER);
}

static void follow_goes_wherever_the_last_packet_came_from(void **state)
{
    struct latch l;

    (void)state;
    begin(&l, MEDIA_LATCH_FOLLOW, SDP);
    check(&l, NAT, 0, LATCH_LEARNED);
    check(&l, NAT, 1, LATCH_PASS);
    check(&l, NAT2, 2, LATCH_LEARNED);
    sends_to(&l, NAT2);
}

static void relearn_opens_the_window_once(void **state)
{
    struct latch l;

    (void)state;
    begin(&l, MEDIA_LATCH_LEARN_ONCE, SDP);
    check(&l, NAT, 0, LATCH_LEARNED);
    latch_relearn(&l, 5);
    check(&l, NAT2, 6, LATCH_LEARNED);
    check(&l, NAT, 7, LATCH_STRANGER);
    /* told again although it is where it was: no news */
    latch_relearn(&l, 8);
    check(&l, NAT2, 9, LATCH_PASS);
    check(&l, NAT, 9, LATCH_STRANGER);
}

static void sdp_only_from_now_on_goes_back_to_the_sdp(void **state)
{
    struct latch l;

    (void)state;
    begin(&l, MEDIA_LATCH_LEARN_ONCE, SDP);
    check(&l, NAT, 0, LATCH_LEARNED);
    latch_set_policy(&l, MEDIA_LATCH_SDP_ONLY);
    sends_to(&l, SDP);
    check(&l, NAT, 1, LATCH_STRANGER);
    check(&l, SDP, 2, LATCH_LEARNED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sdp_only_takes_the_sdp_address_and_nothing_else),
        cmocka_unit_test(learn_once_takes_the_first_source_and_no_second),
        cmocka_unit_test(whoever_sprayed_the_port_first_gives_way_to_the_sdp_address),
        cmocka_unit_test(the_same_sdp_again_does_not_reopen_the_window),
        cmocka_unit_test(another_sdp_reopens_it_but_late_packets_of_the_old_source_do_not_close_it),
        cmocka_unit_test(a_party_behind_nat_is_kept_where_it_was_until_it_is_heard_elsewhere),
        cmocka_unit_test(an_old_source_that_goes_on_is_learned_again),
        cmocka_unit_test(what_is_learned_before_the_sdp_is_learned_anew_with_it),
        cmocka_unit_test(follow_goes_wherever_the_last_packet_came_from),
        cmocka_unit_test(relearn_opens_the_window_once),
        cmocka_unit_test(sdp_only_from_now_on_goes_back_to_the_sdp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
