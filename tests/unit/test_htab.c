/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hash table: found while growing, order of duplicates, deletion on a walk; the seeded hash.
 * Run by make check; it sees lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "core/htab.h"

struct item {
    uint64_t key;
    struct htab_node node;
};

static struct item *find(struct htab *t, uint64_t key, uint64_t hash)
{
    for (struct htab_node *n = htab_first(t, hash); n; n = htab_next(n)) {
        struct item *it = container_of(n, struct item, node);
        if (it->key == key)
            return it;
    }
    return NULL;
}

static void everything_is_found_at_every_moment_of_growth(void **state)
{
    enum { N = 3000 };
    struct item *it = calloc(N, sizeof(*it));
    struct htab t;

    (void)state;
    assert_int_equal(htab_init(&t, 0), 0);
    for (uint64_t i = 0; i < N; i++) {
        it[i].key = i;
        htab_add(&t, &it[i].node, hash_u64(i));
        assert_ptr_equal(find(&t, i, hash_u64(i)), &it[i]);
        assert_ptr_equal(find(&t, i / 2, hash_u64(i / 2)), &it[i / 2]);
        assert_null(find(&t, i + 1, hash_u64(i + 1)));
    }
    for (uint64_t i = 0; i < N; i++)
        assert_ptr_equal(find(&t, i, hash_u64(i)), &it[i]);
    assert_int_equal(t.count, N);
    assert_true(t.mask + 1 >= N / 2); /* it did grow */
    htab_fini(&t);
    free(it);
}

static void deletion_while_growing_loses_nobody_else(void **state)
{
    enum { N = 2000 };
    struct item *it = calloc(N, sizeof(*it));
    struct htab t;

    (void)state;
    htab_init(&t, 16);
    for (uint64_t i = 0; i < N; i++) {
        it[i].key = i;
        htab_add(&t, &it[i].node, hash_u64(i));
        if (i % 3 == 2)
            htab_del(&t, &it[i - 1].node);
    }
    for (uint64_t i = 0; i < N; i++) {
        bool deleted = i % 3 == 1 && i + 1 < N;
        assert_int_equal(find(&t, i, hash_u64(i)) == NULL, deleted);
    }
    htab_fini(&t);
    free(it);
}

static void newest_of_equal_hashes_comes_first_also_after_growth(void **state)
{
    struct item same[3] = {{.key = 1}, {.key = 2}, {.key = 3}};
    struct item other[200];
    struct htab t;

    (void)state;
    htab_init(&t, 16);
    for (int i = 0; i < 3; i++)
        htab_add(&t, &same[i].node, 42);
    for (uint64_t i = 0; i < 200; i++) {
        htab_add(&t, &other[i].node, i * 64 + 1000);
        struct htab_node *n = htab_first(&t, 42);
        for (int k = 3; k-- > 0; n = htab_next(n))
            assert_ptr_equal(n, &same[k].node);
        assert_null(n);
    }
    htab_fini(&t);
}

static bool delete_odd(struct htab_node *n, void *arg)
{
    struct item *it = container_of(n, struct item, node);

    if (it->key % 2)
        htab_del(arg, n);
    return true;
}

static bool count_ten(struct htab_node *n, void *arg)
{
    (void)n;
    return ++*(int *)arg < 10;
}

static void walk_sees_all_and_may_delete_what_it_sees(void **state)
{
    enum { N = 333 };
    static struct item it[N];
    struct htab t;
    int seen = 0;

    (void)state;
    htab_init(&t, 16);
    for (uint64_t i = 0; i < N; i++) {
        it[i].key = i;
        htab_add(&t, &it[i].node, hash_u64(i));
    }
    htab_each(&t, delete_odd, &t);
    assert_int_equal(t.count, (N + 1) / 2);
    for (uint64_t i = 0; i < N; i++)
        assert_int_equal(find(&t, i, hash_u64(i)) != NULL, i % 2 == 0);
    htab_each(&t, count_ten, &seen);
    assert_int_equal(seen, 10);
    htab_fini(&t);
}

static void no_insert_moves_more_than_a_few_chains(void **state)
{
    enum { N = 1 << 12 };
    struct item *it = calloc(N + 2, sizeof(*it));
    struct htab t;

    (void)state;
    htab_init(&t, N);
    for (uint64_t i = 0; i < N; i++)
        htab_add(&t, &it[i].node, i);
    assert_null(t.old_bucket);
    htab_add(&t, &it[N].node, N);
    assert_non_null(t.old_bucket); /* growing, and far from over */
    assert_in_range(t.moved, 1, 8);
    htab_fini(&t);
    free(it);
}

static void hash_depends_on_bytes_and_seed(void **state)
{
    (void)state;
    assert_int_equal(hash_span(SPAN("abc")), hash_bytes("abc", 3, 0));
    assert_int_not_equal(hash_span(SPAN("abc")), hash_span(SPAN("abd")));
    assert_int_not_equal(hash_bytes("abc", 3, 0), hash_bytes("abc", 3, 1));
    assert_int_not_equal(hash_u64(1), hash_u64(2));
    hash_span(SPAN_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_found_at_every_moment_of_growth),
        cmocka_unit_test(deletion_while_growing_loses_nobody_else),
        cmocka_unit_test(newest_of_equal_hashes_comes_first_also_after_growth),
        cmocka_unit_test(walk_sees_all_and_may_delete_what_it_sees),
        cmocka_unit_test(no_insert_moves_more_than_a_few_chains),
        cmocka_unit_test(hash_depends_on_bytes_and_seed),
    };

    return cmocka_run_group_tests_name("htab", tests, NULL, NULL);
}
