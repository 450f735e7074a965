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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_keeps_its_state_and_slot),
        cmocka_unit_test(a_name_is_found_without_being_made),
        cmocka_unit_test(an_account_that_is_read_outlives_its_successor),
        cmocka_unit_test(a_thousand_names_have_a_thousand_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
