/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loop time: real and moved by hand.
 * Run by make check; it sees lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <time.h>
#include "core/clock.h"

static void fake_clock_moves_only_by_hand(void **state)
{
    struct clock c;

    (void)state;
    clock_init_fake(&c, 1000, 1700000000000);
    clock_update(&c);
    assert_int_equal(c.mono_ms, 1000);
    clock_advance(&c, 32000);
    assert_int_equal(c.mono_ms, 33000);
    assert_int_equal(c.wall_ms, 1700000032000);
}

static void real_clock_reads_boot_time_and_wall_time(void **state)
{
    struct timespec boot;
    struct clock c;

    (void)state;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    clock_init(&c);
    uint64_t boot_ms = (uint64_t)boot.tv_sec * 1000 + (uint64_t)boot.tv_nsec / 1000000;
    assert_in_range(c.mono_ms, boot_ms, boot_ms + 5000);
    assert_in_range(c.wall_ms / 1000, (uint64_t)time(NULL) - 5, (uint64_t)time(NULL) + 5);
    uint64_t before = c.mono_ms;
    c.mono_ms = 0;
    clock_update(&c);
    assert_true(c.mono_ms >= before);
}

static void measuring_clock_never_goes_back(void **state)
{
    uint64_t last = clock_now_ns();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_now_ns();
        assert_true(now >= last);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fake_clock_moves_only_by_hand),
        cmocka_unit_test(real_clock_reads_boot_time_and_wall_time),
        cmocka_unit_test(measuring_clock_never_goes_back),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
