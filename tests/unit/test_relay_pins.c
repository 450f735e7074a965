/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names in the pin directory.
 * Run by make check; it needs no BPF.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "relay/pins.h"

static void names_are_read_as_they_are_written(void **state)
{
    static const struct {
        enum pin_kind kind;
        enum media_path path;
        const char *name;
    } table[] = {
        {PIN_XDP, MEDIA_PATH_XDP_NATIVE, "xdp_native_7"},
        {PIN_XDP, MEDIA_PATH_XDP_GENERIC, "xdp_generic_7"},
        {PIN_TC, MEDIA_PATH_TC, "tc_7"},
        {PIN_CLSACT, MEDIA_PATH_TC, "clsact_7"},
    };
    char name[PINS_NAME_MAX];
    struct pin p;

    (void)state;
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_string_equal(pins_name(table[i].kind, table[i].path, 7, name), table[i].name);
        pins_read(name, &p);
        assert_int_equal(p.kind, table[i].kind);
        assert_int_equal(p.path, table[i].path);
        assert_int_equal(p.ifindex, 7);
    }
    pins_read("steer", &p);
    assert_int_equal(p.kind, PIN_STEER);
}

static void anything_else_is_a_map(void **state)
{
    static const char *const names[] = {"lines", "tc_", "tc_x", "tc_7x", "xdp_native_99999999999"};
    struct pin p;

    (void)state;
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        pins_read(names[i], &p);
        assert_int_equal(p.kind, PIN_MAP);
        assert_string_equal(p.name, names[i]);
    }
}

static void interfaces_are_listed_and_those_gone_are_not(void **state)
{
    char dir[] = "/tmp/td-pins-XXXXXX", path[128], name[PINS_NAME_MAX];
    const uint32_t index[] = {if_nametoindex("lo"), 2000000000U};
    struct media_if got[2];
    struct pin pin[1];
    FILE *f;

    (void)state;
    assert_int_equal(pins_list("/nowhere/at/all", pin, 1), -ENOENT);
    assert_non_null(mkdtemp(dir));
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir,
                 pins_name(PIN_TC, MEDIA_PATH_TC, index[i], name));
        f = fopen(path, "w");
        assert_non_null(f);
        fclose(f);
    }
    assert_int_equal(pins_list(dir, pin, 1), -E2BIG);
    assert_int_equal(pins_interfaces(dir, got, 2), 1);
    assert_string_equal(got[0].name, "lo");
    assert_int_equal(got[0].path, MEDIA_PATH_TC);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir,
                 pins_name(PIN_TC, MEDIA_PATH_TC, index[i], name));
        unlink(path);
    }
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_as_they_are_written),
        cmocka_unit_test(anything_else_is_a_map),
        cmocka_unit_test(interfaces_are_listed_and_those_gone_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
