/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/target.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "core/err.h"
#include "route/trunk.h"

struct fixture {
    struct trunk_registry *reg;
    struct trunk_state *ts;
};

static int setup(void **state)
{
    static struct fixture f;
    f.reg = trunk_registry_new();
    f.ts = trunk_registry_get(f.reg, "alpha");
    *state = &f;
    return f.ts ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    trunk_registry_free(f->reg);
    return 0;
}

static struct target_record record(unsigned last, uint8_t proto, uint64_t priority)
{
    struct target_record r = {
        .addr = {.ip = {192, 0, 2, (uint8_t)last}, .port = (uint16_t)(5000 + last), .family = 4},
        .proto = proto,
        .listener = UINT16_MAX,
        .priority = priority,
        .weight = 10,
        .host = "alpha.example"};
    return r;
}

static void a_set_is_sorted_and_has_no_doubles(void **state)
{
    struct fixture *f = *state;
    struct target_record v[] = {record(3, PROTO_UDP, 30), record(1, PROTO_UDP, 20),
                                record(3, PROTO_UDP, 10), record(1, PROTO_TCP, 20),
                                record(1, PROTO_UDP, 40)};
    assert_int_equal(targets_publish(f->reg, f->ts, v, 5), 1);
    const struct target_set *set = targets_of(f->ts);
    assert_int_equal(set->n, 3);
    assert_int_equal(set->v[0].addr.ip[3], 3);
    assert_int_equal(set->v[0].priority, 10);
    assert_int_equal(set->v[1].proto, PROTO_UDP);
    assert_int_equal(set->v[2].proto, PROTO_TCP);
    assert_string_equal(set->v[2].host, "alpha.example");
    assert_ptr_equal(target_find(set, &v[1].addr, PROTO_TCP), &set->v[2]);
    assert_null(target_find(set, &v[1].addr, PROTO_TLS));
}

static void a_set_has_64_targets_and_the_worst_are_left_out(void **state)
{
    struct fixture *f = *state;
    struct target_record v[100];
    for (unsigned i = 0; i < 100; i++)
        v[i] = record(i, PROTO_UDP, 100 - i);
    assert_int_equal(targets_publish(f->reg, f->ts, v, 64), 1);
    assert_int_equal(targets_of(f->ts)->n, TARGETS_MAX);
    assert_int_equal(targets_publish(f->reg, f->ts, v, 100), 1);
    const struct target_set *set = targets_of(f->ts);
    assert_int_equal(set->n, TARGETS_MAX);
    for (unsigned i = 0; i < set->n; i++)
        assert_int_equal(set->v[i].addr.ip[3], 99 - i);
}

static void the_same_again_publishes_nothing(void **state)
{
    struct fixture *f = *state;
    struct target_record v[] = {record(1, PROTO_UDP, 1), record(2, PROTO_UDP, 1)};
    assert_int_equal(targets_publish(f->reg, f->ts, v, 2), 1);
    uint64_t generation = targets_generation(f->reg);
    const struct target_set *set = targets_of(f->ts);
    assert_int_equal(targets_publish(f->reg, f->ts, v, 2), 0);
    assert_ptr_equal(targets_of(f->ts), set);
    assert_int_equal(targets_generation(f->reg), generation);
    assert_int_equal(targets_publish(f->reg, f->ts, v, 0), 1);
    assert_null(targets_of(f->ts));
    assert_int_equal(targets_publish(f->reg, f->ts, v, 0), 0);
}

static void health_goes_with_address_and_transport(void **state)
{
    struct fixture *f = *state;
    struct target_record a[] = {record(1, PROTO_UDP, 1), record(2, PROTO_UDP, 1)};
    struct target_record b[] = {record(2, PROTO_UDP, 5), record(2, PROTO_TCP, 5),
                                record(3, PROTO_UDP, 5)};
    targets_publish(f->reg, f->ts, a, 2);
    targets_of(f->ts)->v[1].health->down = true;
    target_busy(&targets_of(f->ts)->v[0], 1000, 5);
    targets_publish(f->reg, f->ts, b, 3);
    const struct target_set *set = targets_of(f->ts);
    assert_false(target_is_usable(&set->v[0], 0));
    assert_true(target_is_usable(&set->v[1], 1));
    assert_true(target_is_usable(&set->v[2], 1));
    assert_int_equal(targets_collect(f->reg), 0);
    targets_publish(f->reg, f->ts, a, 2);
    assert_true(target_is_usable(&targets_of(f->ts)->v[0], 1)); /* it was forgotten meanwhile */
    assert_false(target_is_usable(&targets_of(f->ts)->v[1], 1));
}

static void retry_after_is_bounded_and_never_shortened(void **state)
{
    struct fixture *f = *state;
    struct target_record r = record(1, PROTO_UDP, 1);
    targets_publish(f->reg, f->ts, &r, 1);
    const struct target *t = &targets_of(f->ts)->v[0];
    target_busy(t, 1000, UINT32_MAX);
    assert_int_equal(t->health->busy_until_ms, 1000 + TARGET_BUSY_MAX_MS);
    target_busy(t, 1000, 1);
    assert_int_equal(t->health->busy_until_ms, 1000 + TARGET_BUSY_MAX_MS);
    assert_false(target_is_usable(t, 1000 + TARGET_BUSY_MAX_MS - 1));
    assert_true(target_is_usable(t, 1000 + TARGET_BUSY_MAX_MS));
    assert_int_equal(t->health->busy, 2);
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
    struct target_health h = {0};
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        assert_int_equal(target_result(&h, row[i].ok, &opt, 1000 + i), row[i].changed);
        assert_int_equal(h.down, row[i].down);
    }
    assert_int_equal(h.probes, 12);
    assert_int_equal(h.probe_failures, 7);
    assert_int_equal(h.changed_wall_ms, 1010);
}

static void a_set_is_freed_when_all_workers_have_seen_its_successor(void **state)
{
    struct fixture *f = *state;
    struct target_record a = record(1, PROTO_UDP, 1), b = record(2, PROTO_UDP, 1);
    targets_reader(f->reg, 0, true);
    targets_reader(f->reg, 7, true);
    targets_publish(f->reg, f->ts, &a, 1);
    targets_publish(f->reg, f->ts, &b, 1);
    assert_int_equal(targets_collect(f->reg), 1);
    assert_true(targets_changed(f->reg, 0));
    targets_turn_end(f->reg, 0, targets_generation(f->reg));
    assert_false(targets_changed(f->reg, 0));
    assert_int_equal(targets_collect(f->reg), 1);
    targets_turn_end(f->reg, 7, targets_generation(f->reg) - 1); /* it has seen a only */
    assert_int_equal(targets_collect(f->reg), 1);
    targets_reader(f->reg, 7, false);
    assert_int_equal(targets_collect(f->reg), 0);
    targets_reader(f->reg, 0, false);
}

static void posts_come_in_order(void **state)
{
    struct fixture *f = *state;
    struct target_contact c = {.addr = {.ip = {192, 0, 2, 1}, .port = 5060, .family = 4}};
    assert_int_equal(targets_register(f->reg, 3, &c, 1000), 0);
    assert_int_equal(targets_register(f->reg, 4, &c, 2000), 0);
    assert_int_equal(targets_unregister(f->reg, 3), 0);
    struct target_post *p = targets_take_posts(f->reg), *next;
    assert_int_equal(p->slot, 3);
    assert_int_equal(p->expires_ms, 1000);
    assert_int_equal(p->next->slot, 4);
    assert_true(p->next->next->all);
    assert_null(p->next->next->next);
    for (; p; p = next) {
        next = p->next;
        free(p);
    }
    assert_null(targets_take_posts(f->reg));
    for (unsigned i = 0; i < TARGET_POSTS_MAX; i++)
        assert_int_equal(targets_unregister(f->reg, i), 0);
    assert_int_equal(targets_unregister(f->reg, 0), TD_EFULL);
}

struct reader {
    struct fixture *f;
    unsigned worker;
    _Atomic bool stop;
    uint64_t sum;
};

static void *read_sets(void *arg)
{
    struct reader *r = arg;
    while (!atomic_load(&r->stop)) {
        const struct target_set *set = targets_of(r->f->ts);
        for (uint32_t i = 0; set && i < set->n; i++) {
            r->sum += set->v[i].weight + (uint64_t)set->v[i].host[0];
            atomic_fetch_add(&set->v[i].health->probes, 1);
        }
        targets_turn_end(r->f->reg, r->worker, targets_generation(r->f->reg));
    }
    return NULL;
}

/* For the thread and address sanitizers: three workers read while the control thread replaces and frees. */
static void workers_read_while_sets_are_replaced(void **state)
{
    struct fixture *f = *state;
    struct reader r[3] = {0};
    pthread_t t[3];
    unsigned published = 0;
    for (unsigned i = 0; i < 3; i++) {
        r[i].f = f;
        r[i].worker = i;
        targets_reader(f->reg, i, true);
        assert_int_equal(pthread_create(&t[i], NULL, read_sets, &r[i]), 0);
    }
    for (unsigned i = 0; i < 3000; i++) {
        struct target_record v[] = {record(i % 200, PROTO_UDP, 1), record(i % 7, PROTO_TCP, 2)};
        published += targets_publish(f->reg, f->ts, v, 2) == 1;
        (void)targets_collect(f->reg);
    }
    for (unsigned i = 0; i < 3; i++) {
        atomic_store(&r[i].stop, true);
        pthread_join(t[i], NULL);
        targets_reader(f->reg, i, false);
    }
    assert_int_equal(published, 3000);
    assert_int_equal(targets_collect(f->reg), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_set_is_sorted_and_has_no_doubles, setup, teardown),
        cmocka_unit_test_setup_teardown(a_set_has_64_targets_and_the_worst_are_left_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_same_again_publishes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(health_goes_with_address_and_transport, setup, teardown),
        cmocka_unit_test_setup_teardown(retry_after_is_bounded_and_never_shortened, setup,
                                        teardown),
        cmocka_unit_test(health_changes_only_after_enough_results_in_a_row),
        cmocka_unit_test_setup_teardown(a_set_is_freed_when_all_workers_have_seen_its_successor,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(posts_come_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(workers_read_while_sets_are_replaced, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
