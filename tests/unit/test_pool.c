/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools and byte blocks: reuse, limit, counts, size classes.
 * Run by make check; it sees lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "core/pool.h"

struct thing {
    uint64_t a[5];
};

static void object_given_back_comes_again_zeroed(void **state)
{
    struct pool p;
    struct thing *t;

    (void)state;
    pool_init(&p, "thing", sizeof(*t), 0);
    t = pool_get(&p);
    assert_non_null(t);
    memset(t, 0xff, sizeof(*t));
    pool_put(&p, t);
    t = pool_get(&p);
    for (int i = 0; i < 5; i++)
        assert_int_equal(t->a[i], 0);
    pool_put(&p, t);
    pool_put(&p, NULL);
    assert_int_equal(p.used, 0);
    assert_int_equal(p.high_water, 1);
    pool_fini(&p, 0);
}

static void objects_do_not_overlap_over_many_slabs(void **state)
{
    enum { N = 5000 };
    static struct thing *t[N];
    struct pool p;

    (void)state;
    pool_init(&p, "thing", sizeof(struct thing), 0);
    for (uint64_t i = 0; i < N; i++) {
        t[i] = pool_get(&p);
        assert_non_null(t[i]);
        assert_int_equal((uintptr_t)t[i] % 16, 0);
        for (int k = 0; k < 5; k++)
            t[i]->a[k] = i;
    }
    assert_int_equal(p.high_water, N);
    for (uint64_t i = 0; i < N; i++) {
        assert_int_equal(t[i]->a[0], i);
        assert_int_equal(t[i]->a[4], i);
        pool_put(&p, t[i]);
    }
    pool_fini(&p, 0);
}

static void limit_refuses_and_a_return_makes_room(void **state)
{
    struct pool p;
    void *x;

    (void)state;
    pool_init(&p, "thing", 1, 2);
    x = pool_get(&p);
    assert_non_null(pool_get(&p));
    assert_null(pool_get(&p));
    pool_put(&p, x);
    assert_non_null(pool_get(&p));
    assert_int_equal(p.high_water, 2);
    pool_fini(&p, 1); /* two are still out: force */
}

static void object_larger_than_a_slab_is_served(void **state)
{
    struct pool p;
    char *x;

    (void)state;
    pool_init(&p, "huge", 100000, 0);
    x = pool_get(&p);
    assert_non_null(x);
    memset(x, 1, 100000);
    pool_put(&p, x);
    pool_fini(&p, 0);
}

static void block_has_the_size_of_its_class(void **state)
{
    static const size_t row[][2] = {{1, 256},     {256, 256},   {257, 384},    {385, 512},
                                    {513, 768},   {769, 1024},  {1500, 1536},  {2048, 2048},
                                    {2049, 4096}, {4097, 4097}, {70000, 70000}};
    struct blocks b;

    (void)state;
    blocks_init(&b);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        size_t cap = 0;
        char *p = blocks_get(&b, row[i][0], &cap);
        assert_non_null(p);
        assert_int_equal(cap, row[i][1]);
        memset(p, 0xaa, cap);
        blocks_put(&b, p, cap);
    }
    assert_int_equal(b.big_used, 0);
    for (int i = 0; i < BLOCK_CLASSES; i++)
        assert_int_equal(b.class_pool[i].used, 0);
    assert_non_null(blocks_get(&b, 10, NULL));
    assert_int_equal(b.class_pool[0].used, 1);
    blocks_fini(&b, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(object_given_back_comes_again_zeroed),
        cmocka_unit_test(objects_do_not_overlap_over_many_slabs),
        cmocka_unit_test(limit_refuses_and_a_return_makes_room),
        cmocka_unit_test(object_larger_than_a_slab_is_served),
        cmocka_unit_test(block_has_the_size_of_its_class),
    };

    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
