/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file as memory: what one holder stored the next one finds, and two never hold it at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mapfile.h"

static char path[64];

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/tandem-mapfile-%d", (int)getpid());
    (void)unlink(path);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static void what_was_stored_is_there_for_the_next_holder(void **state)
{
    struct mapfile m;
    struct stat st;

    (void)state;
    assert_int_equal(mapfile_open(&m, path, 1U << 20), 0);
    assert_int_equal(m.len, 0);
    assert_int_equal(mapfile_grow(&m, 8192), 0);
    memcpy(m.p + 8000, "kept", 5);
    assert_int_equal(mapfile_grow(&m, 4096), 0); /* never shorter */
    assert_int_equal(m.len, 8192);
    assert_int_equal(mapfile_grow(&m, 65536), 0);
    assert_string_equal((char *)m.p + 8000, "kept");
    assert_int_equal(m.p[60000], 0);
    mapfile_close(&m);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(mapfile_open(&m, path, 1U << 20), 0);
    assert_int_equal(m.len, 65536);
    assert_string_equal((char *)m.p + 8000, "kept");
    mapfile_close(&m);
}

static void two_never_hold_it(void **state)
{
    struct mapfile a, b;

    (void)state;
    assert_int_equal(mapfile_open(&a, path, 4096), 0);
    assert_int_equal(mapfile_open(&b, path, 4096), -EWOULDBLOCK);
    assert_int_equal(b.fd, -1);
    mapfile_close(&a);
    assert_int_equal(mapfile_open(&b, path, 4096), 0);
    mapfile_close(&b);
}

static void it_does_not_grow_beyond_its_room(void **state)
{
    struct mapfile m;

    (void)state;
    assert_int_equal(mapfile_open(&m, path, 8192), 0);
    assert_int_equal(mapfile_grow(&m, 8193), -ENOSPC);
    assert_int_equal(mapfile_grow(&m, 8192), 0);
    mapfile_close(&m);
    assert_int_equal(mapfile_open(&m, path, 4096), -EFBIG);
    assert_int_equal(mapfile_open(&m, "/nonexistent/file", 4096), -ENOENT);
    mapfile_close(&m); /* of one that is not open: nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_stored_is_there_for_the_next_holder, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(two_never_hold_it, setup, teardown),
        cmocka_unit_test_setup_teardown(it_does_not_grow_beyond_its_room, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
