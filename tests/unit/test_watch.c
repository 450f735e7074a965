/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of daemon/watch.c: which files count, and that a pause makes one word of many changes.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/clock.h"
#include "daemon/watch.h"

static char dir[] = "/tmp/test-watch-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void drop(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    (void)unlink(path);
}

static struct conf *load(void)
{
    struct conf_errors errs;
    char path[128];
    struct conf *c;

    put("tandem.conf", "global\n  limit 100calls\n  include *.inc\n  watch on\n");
    put("realm.inc", "realm r\n  address 192.0.2.1\nlisten l\n  realm r\n  udp 192.0.2.1:5060\n");
    snprintf(path, sizeof(path), "%s/tandem.conf", dir);
    c = conf_load(path, NULL, &errs);
    if (!c)
        conf_print_errors(stderr, &errs);
    conf_errors_fini(&errs);
    assert_non_null(c);
    return c;
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
    (void)state;
    drop("tandem.conf");
    drop("realm.inc");
    drop("new.inc");
    drop("notes.txt");
    return rmdir(dir);
}

static bool has(const struct watch_set *s, const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return watch_set_has(s, path);
}

static void files_and_what_an_include_would_take_count(void **state)
{
    struct conf *c = load();
    struct watch_set *s = watch_set_new(c);

    (void)state;
    assert_true(c->global.watch);
    assert_true(has(s, "tandem.conf"));
    assert_true(has(s, "realm.inc"));
    assert_true(has(s, "not-there-yet.inc"));
    assert_false(has(s, "notes.txt"));
    assert_false(has(s, ".realm.inc.swp"));
    assert_false(has(s, ".hidden.inc"));
    watch_set_free(s);
    conf_free(c);
}

static void told(void *arg)
{
    ++*(unsigned *)arg;
}

/* Turn the loop until it was told, or for so long. */
static void turn(struct event_base *base, const unsigned *count, unsigned want, uint64_t ms)
{
    static const struct timeval nap = {0, 20000};
    uint64_t until = clock_now_ns() + ms * 1000000U;

    while (*count < want && clock_now_ns() < until) {
        event_base_loopexit(base, &nap);
        event_base_loop(base, EVLOOP_ONCE);
    }
}

static void many_changes_are_told_once_and_others_not_at_all(void **state)
{
    struct event_base *base = event_base_new();
    struct conf *c = load();
    unsigned count = 0;
    struct watch *w = watch_new(base, told, &count);

    (void)state;
    assert_non_null(w);
    watch_follow(w, watch_set_new(c));
    for (unsigned i = 0; i < 20; i++) {
        put("realm.inc", "# new\n");
        put("new.inc", "# one more\n");
    }
    turn(base, &count, 1, 60000);
    assert_int_equal(count, 1);
    put("notes.txt", "of no account");
    turn(base, &count, 2, WATCH_QUIET_MS + 500);
    assert_int_equal(count, 1);
    drop("new.inc");
    turn(base, &count, 2, 60000);
    assert_int_equal(count, 2);
    watch_follow(w, NULL);
    put("realm.inc", "# again\n");
    turn(base, &count, 3, WATCH_QUIET_MS + 500);
    assert_int_equal(count, 2);
    watch_free(w);
    conf_free(c);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_what_an_include_would_take_count),
        cmocka_unit_test(many_changes_are_told_once_and_others_not_at_all),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
