/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of daemon/lobby.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include "core/err.h"
#include "daemon/lobby.h"

static const struct flow flow = {.listener = 3};

static int put(struct lobby *l, enum sip_class cls, char name)
{
    return lobby_put(l, &(struct lobby_request){cls, false, &name, 1, &flow, 1000});
}

/* Take one and say which. */
static char take(struct lobby *l, bool served)
{
    struct lobby_item *it = lobby_take(l);
    char name;
    if (!it)
        return '-';
    assert_int_equal(it->len, 1);
    assert_int_equal(it->born_wall_ms, 1000);
    assert_int_equal(it->flow.listener, 3);
    name = it->buf[0];
    lobby_done(l, it, served);
    return name;
}

static void emergency_is_first_and_each_lane_in_order(void **state)
{
    struct lobby *l = lobby_new();
    (void)state;
    assert_int_equal(put(l, SIP_CLASS_ORDINARY, 'a'), 0);
    assert_int_equal(put(l, SIP_CLASS_ORDINARY, 'b'), 0);
    assert_int_equal(put(l, SIP_CLASS_PRIORITY, 'p'), 0);
    assert_int_equal(put(l, SIP_CLASS_SERVICE, 's'), 0);
    assert_int_equal(put(l, SIP_CLASS_EMERGENCY, 'e'), 0);
    assert_int_equal(put(l, SIP_CLASS_EMERGENCY, 'f'), 0);
    assert_int_equal(lobby_count(l), 6);
    for (const char *want = "efpabs-"; *want; want++)
        assert_int_equal(take(l, true), *want);
    assert_int_equal(lobby_count(l), 0);
    lobby_free(l);
}

static void a_lane_has_an_end(void **state)
{
    struct lobby *l = lobby_new();
    (void)state;
    for (unsigned i = 0; i < LOBBY_SLOTS; i++)
        assert_int_equal(put(l, SIP_CLASS_ORDINARY, 'a'), 0);
    assert_int_equal(put(l, SIP_CLASS_ORDINARY, 'b'), TD_EFULL);
    assert_int_equal(put(l, SIP_CLASS_EMERGENCY, 'e'), 0); /* its lane is another */
    assert_int_equal(take(l, true), 'e');
    lobby_free(l); /* with what is in it: the sanitizers see a leak */
}

/* So many windows in which the lane is never empty and so many requests are served. */
static void windows(struct lobby *l, unsigned n, unsigned served, uint64_t *now)
{
    for (unsigned k = 0; k < n; k++) {
        for (unsigned i = 0; i < served; i++) {
            (void)put(l, SIP_CLASS_ORDINARY, 'a');
            assert_int_equal(take(l, true), 'a');
        }
        *now += LOBBY_WINDOW_MS;
        lobby_clock(l, *now);
    }
}

static unsigned room(struct lobby *l, enum sip_class cls)
{
    unsigned n = 0;
    while (put(l, cls, 'x') == 0)
        n++;
    return n;
}

static void who_is_always_behind_takes_no_more_than_it_serves_in_80_ms(void **state)
{
    struct lobby *l = lobby_new();
    uint64_t now = 1000;
    (void)state;
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(put(l, SIP_CLASS_ORDINARY, 'a'), 0);
    windows(l, 2, 150, &now); /* the first one began empty */
    assert_int_equal(room(l, SIP_CLASS_ORDINARY), 600 - 300);
    windows(l, 1, 10, &now);
    while (lobby_count(l) > 100)
        take(l, false); /* refused for their age: no pace */
    assert_int_equal(room(l, SIP_CLASS_ORDINARY), LOBBY_ROOM_MIN - 100);
    assert_int_equal(room(l, SIP_CLASS_EMERGENCY), LOBBY_SLOTS);
    lobby_free(l);
}

static void a_cancel_finds_room_behind_its_invite(void **state)
{
    struct lobby *l = lobby_new();
    uint64_t now = 1000;
    struct lobby_request r = {SIP_CLASS_ORDINARY, true, "c", 1, &flow, 1000};
    (void)state;
    assert_int_equal(put(l, SIP_CLASS_ORDINARY, 'a'), 0);
    windows(l, 2, 1, &now);
    (void)room(l, SIP_CLASS_ORDINARY);
    assert_int_equal(put(l, SIP_CLASS_ORDINARY, 'j'), TD_EFULL);
    assert_int_equal(lobby_put(l, &r), 0);
    while (lobby_count(l) > 1)
        take(l, false);
    assert_int_equal(take(l, true), 'c');
    lobby_free(l);
}

static void a_lane_that_ran_empty_is_open_to_its_end(void **state)
{
    struct lobby *l = lobby_new();
    uint64_t now = 1000;
    (void)state;
    assert_int_equal(put(l, SIP_CLASS_ORDINARY, 'a'), 0);
    windows(l, 3, 1, &now);
    assert_int_equal(take(l, true), 'a');
    now += LOBBY_WINDOW_MS;
    lobby_clock(l, now);
    assert_int_equal(room(l, SIP_CLASS_ORDINARY), LOBBY_SLOTS);
    lobby_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emergency_is_first_and_each_lane_in_order),
        cmocka_unit_test(a_lane_has_an_end),
        cmocka_unit_test(who_is_always_behind_takes_no_more_than_it_serves_in_80_ms),
        cmocka_unit_test(a_cancel_finds_room_behind_its_invite),
        cmocka_unit_test(a_lane_that_ran_empty_is_open_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
