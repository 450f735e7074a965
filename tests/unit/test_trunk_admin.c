/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of daemon/trunk_admin.c.
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
#include "core/log.h"
#include "daemon/trunk_admin.h"

#define DAY (24ULL * 3600 * 1000)
#define NOW (20000 * DAY)

static char dir[64];

static void quiet(enum log_level level, const char *line, void *arg)
{
    (void)level;
    (void)line;
    (void)arg;
}

static const char *in_dir(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static int setup(void **state)
{
    (void)state;
    log_set_sink(quiet, NULL);
    snprintf(dir, sizeof(dir), "/tmp/td-admin-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    unlink(in_dir("trunks.json"));
    unlink(in_dir("trunks.json.bad"));
    unlink(in_dir("trunks.json.new"));
    return rmdir(dir);
}

/* One life of the process. */
struct life {
    struct trunk_registry *reg;
    struct trunk_admins *ta;
    int loaded;
};

static struct life begin(uint64_t wall_ms)
{
    struct life l = {.reg = trunk_registry_new()};
    l.ta = trunk_admins_new(l.reg, dir);
    assert_non_null(l.ta);
    l.loaded = trunk_admins_load(l.ta, wall_ms);
    return l;
}

static void end(struct life *l)
{
    trunk_admins_free(l->ta);
    trunk_registry_free(l->reg);
}

static uint8_t admin_of(const struct life *l, const char *name)
{
    const struct trunk_state *ts = trunk_registry_find(l->reg, name);
    return ts ? ts->admin : 255;
}

static void write_file(const char *text)
{
    FILE *f = fopen(in_dir("trunks.json"), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void what_was_said_holds_after_a_restart(void **state)
{
    (void)state;
    struct life l = begin(NOW);
    assert_int_equal(l.loaded, 0);
    assert_int_equal(trunk_admins_set(l.ta, trunk_registry_get(l.reg, "alpha"), TRUNK_DRAIN, NOW),
                     0);
    assert_int_equal(
        trunk_admins_set(l.ta, trunk_registry_get(l.reg, "bravo"), TRUNK_DOWN, NOW + 1), 0);
    assert_int_equal(trunk_admins_save(l.ta, NULL, false, NOW + 1), 0);
    end(&l);
    l = begin(NOW + DAY);
    assert_int_equal(l.loaded, 2);
    assert_int_equal(admin_of(&l, "alpha"), TRUNK_DRAIN);
    assert_int_equal(admin_of(&l, "bravo"), TRUNK_DOWN);
    assert_true(trunk_registry_find(l.reg, "bravo")->admin_since_wall_ms == NOW + 1);
    assert_int_equal(
        trunk_admins_set(l.ta, trunk_registry_get(l.reg, "alpha"), TRUNK_UP, NOW + DAY), 0);
    assert_int_equal(trunk_admins_save(l.ta, NULL, false, NOW + DAY), 0);
    end(&l);
    l = begin(NOW + DAY);
    assert_int_equal(l.loaded, 1);
    assert_int_equal(admin_of(&l, "alpha"), 255); /* nobody has named it */
    end(&l);
}

static void said_again_it_holds_since_the_first_time(void **state)
{
    (void)state;
    struct life l = begin(NOW);
    struct trunk_state *ts = trunk_registry_get(l.reg, "alpha");
    assert_int_equal(trunk_admins_set(l.ta, ts, TRUNK_DRAIN, NOW), 0);
    assert_int_equal(trunk_admins_set(l.ta, ts, TRUNK_DRAIN, NOW + 5), 0);
    assert_true(ts->admin_since_wall_ms == NOW);
    end(&l);
}

static void a_trunk_that_is_gone_is_remembered_for_90_days(void **state)
{
    (void)state;
    struct life l = begin(NOW);
    (void)trunk_admins_set(l.ta, trunk_registry_get(l.reg, "alpha"), TRUNK_DOWN, NOW);
    assert_int_equal(trunk_admins_save(l.ta, NULL, false, NOW), 0);
    end(&l);
    l = begin(NOW + 90 * DAY);
    assert_int_equal(admin_of(&l, "alpha"), TRUNK_DOWN);
    end(&l);
    l = begin(NOW + 91 * DAY);
    assert_int_equal(l.loaded, 0);
    assert_int_equal(trunk_admins_save(l.ta, NULL, false, NOW + 91 * DAY), 0);
    end(&l);
    l = begin(NOW + DAY); /* it is out of the file, too */
    assert_int_equal(l.loaded, 0);
    end(&l);
}

static void a_broken_file_is_put_aside_and_all_trunks_are_up(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"version\":2,\"trunks\":{}}",
        "{\"version\":1,\"trunks\":[]}",
        ("{\"version\":1,\"trunks\":{\"alpha\":{\"state\":\"drain\",\"since\":1,\"seen\":1},"
         "\"bravo\":{\"state\":\"sideways\",\"since\":1,\"seen\":1}}}"),
        "{\"version\":1,\"trunks\":{\"alpha\":{\"state\":\"drain\",\"since\":\"x\",\"seen\":1}}}",
        "{\"version\":1,\"trunks\":{\"\":{\"state\":\"drain\",\"since\":1,\"seen\":1}}}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_file(bad[i]);
        struct life l = begin(NOW);
        assert_true(l.loaded < 0);
        assert_int_equal(admin_of(&l, "alpha"), 255);
        assert_int_equal(access(in_dir("trunks.json"), F_OK), -1);
        assert_int_equal(access(in_dir("trunks.json.bad"), F_OK), 0);
        assert_int_equal(
            trunk_admins_set(l.ta, trunk_registry_get(l.reg, "alpha"), TRUNK_DOWN, NOW), 0);
        assert_int_equal(trunk_admins_save(l.ta, NULL, false, NOW), 0);
        end(&l);
    }
}

static void what_cannot_be_written_holds_and_is_tried_again(void **state)
{
    (void)state;
    struct life l = begin(NOW);
    struct trunk_state *ts = trunk_registry_get(l.reg, "alpha");
    (void)trunk_admins_set(l.ta, ts, TRUNK_DOWN, NOW);
    assert_int_equal(mkdir(in_dir("trunks.json.new"), 0700), 0); /* in the way */
    assert_true(trunk_admins_save(l.ta, NULL, false, NOW) < 0);
    assert_int_equal(ts->admin, TRUNK_DOWN);
    assert_int_equal(rmdir(in_dir("trunks.json.new")), 0);
    assert_int_equal(trunk_admins_save(l.ta, NULL, false, NOW), 0);
    assert_int_equal(access(in_dir("trunks.json"), F_OK), 0);
    end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_said_holds_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(said_again_it_holds_since_the_first_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_trunk_that_is_gone_is_remembered_for_90_days, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_broken_file_is_put_aside_and_all_trunks_are_up, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_holds_and_is_tried_again, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
