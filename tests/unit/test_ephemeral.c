/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports that the kernel may give away: range less reserved ones.
 * Run by make check; it sees lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/ephemeral.h"

static char root[] = "/tmp/td-ephemeral-XXXXXX";

static void write_setting(const char *name, const char *text)
{
    static const char *const dirs[] = {"/proc", "/proc/sys", "/proc/sys/net", "/proc/sys/net/ipv4"};
    char path[256];
    FILE *f;

    for (unsigned i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s%s", root, dirs[i]);
        mkdir(path, 0700);
    }
    snprintf(path, sizeof(path), "%s%s/%s", root, dirs[3], name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
    static const char *const names[] = {"/proc/sys/net/ipv4/ip_local_port_range",
                                        "/proc/sys/net/ipv4/ip_local_reserved_ports"};
    static const char *const dirs[] = {"/proc/sys/net/ipv4", "/proc/sys/net", "/proc/sys", "/proc",
                                       ""};
    char path[256];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s%s", root, names[i]);
        unlink(path);
    }
    for (unsigned i = 0; i < 5; i++) {
        snprintf(path, sizeof(path), "%s%s", root, dirs[i]);
        rmdir(path);
    }
    return 0;
}

static void what_cannot_be_read_is_the_default(void **state)
{
    struct ephemeral e;

    (void)state;
    ephemeral_read(&e, "/nowhere");
    assert_int_equal(e.lo, 32768);
    assert_int_equal(e.hi, 60999);
    assert_int_equal(e.n_reserved, 0);
    assert_false(ephemeral_may_take(&e, 10000, 32767));
    assert_true(ephemeral_may_take(&e, 10000, 32768));
    assert_true(ephemeral_may_take(&e, 60999, 65535));
    assert_false(ephemeral_may_take(&e, 61000, 65535));
}

static void reserved_pieces_in_any_order_cover_a_range(void **state)
{
    struct ephemeral e;

    (void)state;
    write_setting("ip_local_port_range", "1024\t65535\n");
    write_setting("ip_local_reserved_ports", "30000-40000,8080,10000-29999,65535\n");
    ephemeral_read(&e, root);
    assert_int_equal(e.n_reserved, 4);
    assert_false(ephemeral_may_take(&e, 10000, 40000));
    assert_true(ephemeral_may_take(&e, 9998, 40000));
    assert_true(ephemeral_may_take(&e, 10000, 40001));
    assert_false(ephemeral_may_take(&e, 8080, 8080));
    assert_false(ephemeral_may_take(&e, 65535, 65535));
}

static void garbage_reserves_nothing_more(void **state)
{
    struct ephemeral e;

    (void)state;
    write_setting("ip_local_port_range", "9 x");
    write_setting("ip_local_reserved_ports", "10-20,30-5,40-50");
    ephemeral_read(&e, root);
    assert_int_equal(e.lo, 32768);
    assert_int_equal(e.n_reserved, 1);
    write_setting("ip_local_reserved_ports", "\n");
    ephemeral_read(&e, root);
    assert_int_equal(e.n_reserved, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_read_is_the_default),
        cmocka_unit_test(reserved_pieces_in_any_order_cover_a_range),
        cmocka_unit_test(garbage_reserves_nothing_more),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
