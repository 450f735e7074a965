/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of daemon/state.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/state.h"

static char dir[64];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/td-state-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static const char *in_dir(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static int teardown(void **state)
{
    (void)state;
    unlink(in_dir("token.key"));
    unlink(in_dir("epoch"));
    return rmdir(dir);
}

static void the_key_stays_and_the_epoch_always_grows(void **state)
{
    (void)state;
    uint8_t a[16], b[16];
    uint32_t e1, e2, e3;
    assert_int_equal(state_open(dir, a, &e1), 0);
    assert_int_equal(state_open(dir, b, &e2), 0);
    assert_memory_equal(a, b, 16);
    assert_true(e2 > e1);
    FILE *f = fopen(in_dir("epoch"), "w");
    fprintf(f, "4000000000\n"); /* the clock was set back */
    fclose(f);
    assert_int_equal(state_open(dir, b, &e3), 0);
    assert_int_equal(e3, 4000000001U);
}

static void the_key_is_its_owners_alone(void **state)
{
    (void)state;
    uint8_t key[16];
    uint32_t epoch;
    struct stat st;
    assert_int_equal(state_open(dir, key, &epoch), 0);
    assert_int_equal(stat(in_dir("token.key"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_directory_that_cannot_be_is_an_error(void **state)
{
    (void)state;
    uint8_t key[16];
    uint32_t epoch = 5;
    assert_true(state_open("/proc/no/such", key, &epoch) < 0);
    assert_int_equal(epoch, 5);
}

/* Else what a former process has sealed is a stranger's, and BYE goes to any worker. */
static void a_node_has_the_same_number_in_every_process(void **state)
{
    (void)state;
    assert_int_equal(state_node("killtest"), 5359);
    assert_int_not_equal(state_node("sbc1"), state_node("sbc2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_key_stays_and_the_epoch_always_grows, setup, teardown),
        cmocka_unit_test_setup_teardown(the_key_is_its_owners_alone, setup, teardown),
        cmocka_unit_test(a_directory_that_cannot_be_is_an_error),
        cmocka_unit_test(a_node_has_the_same_number_in_every_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
