/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/trunk.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include "core/err.h"
#include "route/trunk.h"

static void a_name_keeps_its_state_and_slot(void **state)
{
    (void)state;
    struct trunk_registry *reg = trunk_registry_new();
    struct trunk_state *a = trunk_registry_get(reg, "alpha"), *b = trunk_registry_get(reg, "bravo");
    assert_non_null(a);
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(trunk_registry_get(reg, "alpha"), a);
    assert_ptr_equal(trunk_by_slot(reg, b->slot), b);
    assert_null(trunk_by_slot(reg, 2));
    assert_ptr_equal(trunk_registry_customer(reg, "acme"), trunk_registry_customer(reg, "acme"));
    trunk_registry_free(reg);
}

static void a_name_is_found_without_being_made(void **state)
{
    (void)state;
    struct trunk_registry *reg = trunk_registry_new();
    assert_null(trunk_registry_find(reg, "same"));
    struct customer_state *cs = trunk_registry_customer(reg, "same");
    assert_null(trunk_registry_find_media(reg, "same"));
    struct media_state *ms = trunk_registry_media(reg, "same");
    assert_null(trunk_registry_find(reg, "same"));
    struct trunk_state *ts = trunk_registry_get(reg, "same");
    assert_ptr_equal(trunk_registry_find(reg, "same"), ts);
    assert_ptr_equal(trunk_registry_find_customer(reg, "same"), cs);
    assert_ptr_equal(trunk_registry_find_media(reg, "same"), ms);
    assert_null(trunk_registry_find_customer(reg, "other"));
    trunk_registry_free(reg);
}

static void an_account_that_is_read_outlives_its_successor(void **state)
{
    (void)state;
    struct trunk_registry *reg = trunk_registry_new();
    struct customer_state *acme = trunk_registry_customer(reg, "acme");
    assert_string_equal(acme->account, "acme");
    assert_int_equal(trunk_registry_account(reg, acme, "8831"), 0);
    const char *before = acme->account;
    assert_string_equal(before, "8831");
    assert_int_equal(trunk_registry_account(reg, acme, "8831"), 0);
    assert_ptr_equal(acme->account, before);
    assert_int_equal(trunk_registry_account(reg, acme, "8832"), 0);
    assert_string_equal(acme->account, "8832");
    assert_string_equal(before, "8831");
    trunk_registry_free(reg);
}

static void a_thousand_names_have_a_thousand_slots(void **state)
{
    (void)state;
    struct trunk_registry *reg = trunk_registry_new();
    for (uint32_t i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "t%u", i);
        assert_int_equal(trunk_registry_get(reg, name)->slot, i);
    }
    assert_string_equal(trunk_by_slot(reg, 777)->name, "t777");
    trunk_registry_free(reg);
}

static void health_changes_only_after_enough_results_in_a_row(void **state)
{
    (void)state;
    static const struct {
        bool ok, changed, down;
    } row[] = {
        {false, false, false}, {false, false, false}, {true, false, false}, {false, false, false},
        {false, false, false}, {false, true, true},   {false, false, true}, {true, false, true},
        {false, false, true},  {true, false, true},   {true, true, false},  {true, false, false},
    };
    struct conf_options opt = {.down_after = 3, .up_after = 2};
    struct trunk_peer p = {0};
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        assert_int_equal(trunk_peer_result(&p, row[i].ok, &opt, 1000 + i), row[i].changed);
        assert_int_equal(p.down, row[i].down);
    }
    assert_int_equal(p.probes, 12);
    assert_int_equal(p.probe_failures, 7);
    assert_int_equal(p.changed_wall_ms, 1010);
}

static void a_trunk_has_64_peer_records(void **state)
{
    (void)state;
    struct trunk_registry *reg = trunk_registry_new();
    struct trunk_state *ts = trunk_registry_get(reg, "alpha");
    struct addr a;
    assert_int_equal(addr_parse(SPAN("192.0.2.1:5060"), 0, &a), 0);
    for (int i = 0; i < TRUNK_PEERS_MAX; i++) {
        a.port = (uint16_t)(1000 + i);
        assert_int_equal(trunk_peer_get(ts, &a), i);
        assert_int_equal(trunk_peer_get(ts, &a), i);
    }
    a.port = 1;
    assert_int_equal(trunk_peer_get(ts, &a), TD_EFULL);
    trunk_registry_free(reg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_keeps_its_state_and_slot),
        cmocka_unit_test(a_name_is_found_without_being_made),
        cmocka_unit_test(an_account_that_is_read_outlives_its_successor),
        cmocka_unit_test(a_thousand_names_have_a_thousand_slots),
        cmocka_unit_test(health_changes_only_after_enough_results_in_a_row),
        cmocka_unit_test(a_trunk_has_64_peer_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
