/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arena: alignment, limit, chunks kept over a reset, growth in place.
 * Run by make check; it sees lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "core/arena.h"

static void objects_are_aligned_and_apart(void **state)
{
    struct arena a;
    char *last = NULL;

    (void)state;
    arena_init(&a, 256, 0);
    for (size_t i = 0; i < 100; i++) {
        char *p = arena_alloc(&a, i);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_ptr_not_equal(p, last);
        memset(p, (int)i, i);
        last = p;
    }
    arena_fini(&a);
}

static void limit_is_a_bound_on_the_sum(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 64, 128);
    assert_non_null(arena_alloc(&a, 64));
    assert_non_null(arena_alloc(&a, 48));
    assert_null(arena_alloc(&a, 17));
    assert_non_null(arena_alloc(&a, 16));
    assert_null(arena_alloc(&a, 0));
    assert_null(arena_alloc(&a, SIZE_MAX));
    arena_reset(&a);
    assert_int_equal(a.used_bytes, 0);
    assert_non_null(arena_alloc(&a, 128));
    arena_fini(&a);
}

static void reset_hands_out_the_same_chunk_again(void **state)
{
    struct arena a;
    void *first;

    (void)state;
    arena_init(&a, 1024, 0);
    first = arena_alloc(&a, 10);
    arena_alloc(&a, 2000); /* larger than a chunk: one of its own */
    arena_reset(&a);
    assert_ptr_equal(arena_alloc(&a, 10), first);
    assert_non_null(arena_alloc(&a, 2000));
    arena_fini(&a);
}

static void reset_after_an_exceptional_message_keeps_one_chunk(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 64, 0);
    for (int i = 0; i < 4; i++)
        assert_non_null(arena_alloc(&a, 64));
    arena_reset(&a);
    assert_non_null(*(void **)(void *)a.first); /* 4 chunks are kept */
    for (int i = 0; i < 5; i++)
        assert_non_null(arena_alloc(&a, 64));
    arena_reset(&a);
    assert_null(*(void **)(void *)a.first); /* 5 are not */
    arena_fini(&a);
}

static void kept_chunk_too_small_is_passed_over(void **state)
{
    struct arena a;
    char *big;

    (void)state;
    arena_init(&a, 64, 0);
    arena_alloc(&a, 64);
    arena_alloc(&a, 64);
    arena_reset(&a);
    arena_alloc(&a, 64);
    big = arena_alloc(&a, 500);
    assert_non_null(big);
    memset(big, 1, 500);
    assert_non_null(arena_alloc(&a, 64));
    arena_fini(&a);
}

static void last_object_grows_in_place_others_are_copied(void **state)
{
    struct arena a;
    char *p;
    char *q;

    (void)state;
    arena_init(&a, 1024, 0);
    p = arena_strdup(&a, SPAN("hello"));
    q = arena_realloc(&a, p, 6, 100);
    assert_ptr_equal(p, q);
    assert_string_equal(q, "hello");
    arena_alloc(&a, 1);
    q = arena_realloc(&a, p, 100, 200);
    assert_ptr_not_equal(p, q);
    assert_string_equal(q, "hello");
    assert_ptr_equal(arena_realloc(&a, q, 200, 50), q);
    q = arena_realloc(&a, q, 200, 4000); /* does not fit the chunk */
    assert_string_equal(q, "hello");
    arena_fini(&a);
}

static void zalloc_zeroes_used_memory(void **state)
{
    struct arena a;
    unsigned char *p;

    (void)state;
    arena_init(&a, 1024, 0);
    memset(arena_alloc(&a, 64), 0xff, 64);
    arena_reset(&a);
    p = arena_zalloc(&a, 64);
    for (int i = 0; i < 64; i++)
        assert_int_equal(p[i], 0);
    assert_string_equal(arena_strdup(&a, SPAN_NONE), "");
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_aligned_and_apart),
        cmocka_unit_test(limit_is_a_bound_on_the_sum),
        cmocka_unit_test(reset_hands_out_the_same_chunk_again),
        cmocka_unit_test(reset_after_an_exceptional_message_keeps_one_chunk),
        cmocka_unit_test(kept_chunk_too_small_is_passed_over),
        cmocka_unit_test(last_object_grows_in_place_others_are_copied),
        cmocka_unit_test(zalloc_zeroes_used_memory),
    };

    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
