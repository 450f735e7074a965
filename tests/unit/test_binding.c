/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registered contacts: kept by trunk, expired, saved and read back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "route/trunk.h"

#define NOW UINT64_C(1700000000000)

static struct trunk_registry *reg;
static char path[64];

static int setup(void **state)
{
    (void)state;
    reg = trunk_registry_new();
    assert_non_null(trunk_registry_get(reg, "other"));
    assert_non_null(trunk_registry_get(reg, "pbx"));
    snprintf(path, sizeof path, "/tmp/test_binding.%d", (int)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    trunk_registry_free(reg);
    unlink(path);
    return 0;
}

static struct registered one(const char *uri, uint64_t expires)
{
    struct registered r = {.cseq = 7,
                           .expires_wall_ms = expires,
                           .since_wall_ms = NOW - 5,
                           .at = {.proto = PROTO_TCP, .listener = 3, .q = 700, .conn = 99}};

    snprintf(r.uri, sizeof r.uri, "%s", uri);
    snprintf(r.params, sizeof r.params, ";+sip.instance=\"<urn:uuid:1>\"");
    snprintf(r.instance, sizeof r.instance, "<urn:uuid:1>/1");
    snprintf(r.call_id, sizeof r.call_id, "a b@c");
    assert_int_equal(addr_parse(SPAN("192.0.2.9:5070"), 0, &r.at.addr), 0);
    return r;
}

static void put(const char *trunk, const char *uri, uint64_t expires)
{
    struct bindings *b = trunk_registry_bindings(reg);
    struct registered_set *set = bindings_begin(b, trunk_registry_find(reg, trunk)->slot);

    set->v[set->n++] = one(uri, expires);
    bindings_end(b, true);
}

static void drop_posts(void)
{
    struct target_post *p = targets_take_posts(reg), *next;

    for (; p; p = next) {
        next = p->next;
        free(p);
    }
}

static void what_has_expired_goes(void **state)
{
    struct registered_set set = {.n = 3};

    (void)state;
    set.v[0] = one("sip:a", NOW);
    set.v[1] = one("sip:b", NOW + 1);
    set.v[2] = one("sip:c", NOW - 1);
    assert_int_equal(bindings_expire(&set, NOW), 2);
    assert_int_equal(set.n, 1);
    assert_string_equal(set.v[0].uri, "sip:b");
}

static void they_are_read_back_as_they_were_saved(void **state)
{
    struct registered want = one("sip:pbx@192.0.2.9:5070;transport=tcp", NOW + 60000);
    struct bindings *b = trunk_registry_bindings(reg);
    struct registered_set *set;
    struct target_post *p;

    (void)state;
    assert_false(bindings_are_dirty(b));
    put("pbx", want.uri, NOW + 60000);
    put("pbx", "sip:gone", NOW);
    assert_true(bindings_are_dirty(b));
    assert_int_equal(bindings_save(reg, path, NOW), 0);
    assert_false(bindings_are_dirty(b));

    trunk_registry_free(reg);
    reg = trunk_registry_new();
    assert_non_null(trunk_registry_get(reg, "pbx"));
    b = trunk_registry_bindings(reg);
    assert_int_equal(bindings_load(reg, path, NOW + 1000), 1);
    set = bindings_begin(b, trunk_registry_find(reg, "pbx")->slot);
    assert_int_equal(set->n, 1);
    want.at.listener = UINT16_MAX;
    want.at.conn = 0;
    assert_memory_equal(&set->v[0], &want, sizeof want);
    bindings_end(b, false);
    p = targets_take_posts(reg);
    assert_non_null(p);
    assert_int_equal(p->expires_ms, 59000);
    assert_true(addr_eq(&p->contact.addr, &want.at.addr));
    assert_null(p->next);
    free(p);
}

static void a_trunk_that_is_gone_and_a_time_that_is_over_are_left_out(void **state)
{
    (void)state;
    put("pbx", "sip:a", NOW + 1000);
    put("other", "sip:b", NOW + 9000);
    assert_int_equal(bindings_save(reg, path, NOW), 0);
    trunk_registry_free(reg);
    reg = trunk_registry_new();
    assert_non_null(trunk_registry_get(reg, "pbx"));
    assert_int_equal(bindings_load(reg, path, NOW + 1000), 0);
    drop_posts();
}

static void more_than_workers_may_post_at_once_are_read_back(void **state)
{
    const unsigned trunks = TARGET_POSTS_MAX / TARGET_BINDINGS_MAX + 10;
    char name[32];

    (void)state;
    for (unsigned t = 0; t < trunks; t++) {
        snprintf(name, sizeof name, "pbx%u", t);
        assert_non_null(trunk_registry_get(reg, name));
        for (unsigned i = 0; i < TARGET_BINDINGS_MAX; i++)
            put(name, "sip:a", NOW + 60000);
    }
    assert_int_equal(bindings_save(reg, path, NOW), 0);
    trunk_registry_free(reg);
    reg = trunk_registry_new();
    for (unsigned t = 0; t < trunks; t++) {
        snprintf(name, sizeof name, "pbx%u", t);
        assert_non_null(trunk_registry_get(reg, name));
    }
    assert_int_equal(bindings_load(reg, path, NOW), trunks * TARGET_BINDINGS_MAX);
    drop_posts();
}

static void damaged_files_are_told(void **state)
{
    static const char *const text[] = {
        "",
        "tandem-bindings 2\n",
        "tandem-bindings 1\npbx\tUDP\n",
        "tandem-bindings 1\npbx\tXYZ\t192.0.2.9:1\t0\t1\t9\t9\tc\tu\t\t\n",
        "tandem-bindings 1\npbx\tUDP\t192.0.2.9\t0\t1\t9\t9\tc\tu\t\t\n",
        "tandem-bindings 1\npbx\tUDP\t192.0.2.9:1\t0\t1\t9\t9\tc\tu\t\t",
    };

    (void)state;
    assert_int_equal(bindings_load(reg, path, NOW), -ENOENT);
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        FILE *f = fopen(path, "w");

        assert_non_null(f);
        fputs(text[i], f);
        fclose(f);
        assert_int_equal(bindings_load(reg, path, NOW), -EBADMSG);
    }
    assert_int_equal(bindings_save(reg, "/nonexistent/x", NOW), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_has_expired_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(they_are_read_back_as_they_were_saved, setup, teardown),
        cmocka_unit_test_setup_teardown(a_trunk_that_is_gone_and_a_time_that_is_over_are_left_out,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(more_than_workers_may_post_at_once_are_read_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(damaged_files_are_told, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
