/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tests/bench/route is made of: the rivals of the rate table and the clock.
 * Nobody else includes it.
 */
#ifndef BENCH_ROUTE_H
#define BENCH_ROUTE_H

#include <stdint.h>
#include <time.h>
#include "tests/unit/lcr_rig.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define RIVAL_NONE UINT32_MAX

/** All keys of a table as a trie, a node an array of children: how most softswitches have it. */
struct trie {
    uint32_t (*node)[12]; /* by key_nibble; [0]: the value */
    uint32_t n, room;
};
/** keys sorted. The value of a key is its place. Out of memory ends the program. */
void trie_make(struct trie *t, const uint64_t *key, uint32_t n);
void trie_free(struct trie *t);
uint32_t trie_find(const struct trie *t, struct span number);
uint64_t trie_bytes(const struct trie *t);

/** The same as a sorted array: one binary search for the greatest key that is not behind the number, then up to the one that is its prefix. */
struct sorted {
    const uint64_t *key; /* borrowed */
    uint32_t *up;        /* the longest shorter prefix of each */
    uint32_t n;
};
void sorted_make(struct sorted *s, const uint64_t *key, uint32_t n);
void sorted_free(struct sorted *s);
uint32_t sorted_find(const struct sorted *s, struct span number);
uint64_t sorted_bytes(const struct sorted *s);

/** The deck written as CSV and read again. @param conf  filled; must outlive the deck. @return deck_free; NULL: told on stderr */
struct deck *parse_deck(const struct deck *d, struct conf_deck *conf, unsigned threads,
                        double *took_s);

/** Ticks now, with nothing before still under way and nothing after begun. */
static inline uint64_t ticks_now(void)
{
#if defined(__x86_64__)
    uint64_t t;
    _mm_lfence();
    t = __rdtsc();
    _mm_lfence();
    return t;
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
#endif
}

#endif
