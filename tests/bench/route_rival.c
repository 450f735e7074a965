/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trie and a sorted array of the same prefixes, for tests/bench/route to measure beside the rate table.
 * They say which key fits and no more: no candidates, rates or versions.
 */
#include "tests/bench/route.h"

static void *grown(void *p, size_t n, size_t size)
{
    p = realloc(p, n * size);
    if (!p) {
        fprintf(stderr, "route: out of memory\n");
        exit(1);
    }
    return p;
}

static uint32_t trie_node(struct trie *t)
{
    if (t->n == t->room) {
        t->room = t->room ? t->room * 2 : 1024;
        t->node = grown(t->node, t->room, sizeof(*t->node));
    }
    memset(t->node[t->n], 0, sizeof(*t->node));
    t->node[t->n][0] = RIVAL_NONE;
    return t->n++;
}

void trie_make(struct trie *t, const uint64_t *key, uint32_t n)
{
    *t = (struct trie){0};
    trie_node(t);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = 0;
        for (uint64_t k = key[i]; k; k <<= 4) {
            unsigned c = (unsigned)(k >> 60);
            if (!t->node[at][c]) {
                uint32_t child = trie_node(t); /* may move them all */
                t->node[at][c] = child;
            }
            at = t->node[at][c];
        }
        t->node[at][0] = i;
    }
    t->node = grown(t->node, t->n, sizeof(*t->node));
    t->room = t->n;
}

void trie_free(struct trie *t)
{
    free(t->node);
}

uint32_t trie_find(const struct trie *t, struct span number)
{
    uint32_t at = 0, found = t->node[0][0];

    for (size_t i = 0; i < number.len; i++) {
        unsigned c = key_nibble(number.p[i]);
        if (c == 0 || (at = t->node[at][c]) == 0)
            break;
        if (t->node[at][0] != RIVAL_NONE)
            found = t->node[at][0];
    }
    return found;
}

uint64_t trie_bytes(const struct trie *t)
{
    return (uint64_t)t->n * sizeof(*t->node);
}

static bool is_prefix(uint64_t key, uint64_t number)
{
    return key_cut(number, key_len(key)) == key;
}

void sorted_make(struct sorted *s, const uint64_t *key, uint32_t n)
{
    *s = (struct sorted){.key = key, .n = n, .up = grown(NULL, n ? n : 1, sizeof(uint32_t))};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t up = i ? i - 1 : RIVAL_NONE;
        while (up != RIVAL_NONE && !is_prefix(key[up], key[i]))
            up = s->up[up];
        s->up[i] = up;
    }
}

void sorted_free(struct sorted *s)
{
    free(s->up);
}

uint32_t sorted_find(const struct sorted *s, struct span number)
{
    uint32_t low = 0, high = s->n, at;
    uint64_t key;

    key_of_number(number, &key);
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (s->key[mid] <= key)
            low = mid + 1;
        else
            high = mid;
    }
    for (at = low ? low - 1 : RIVAL_NONE; at != RIVAL_NONE && !is_prefix(s->key[at], key);)
        at = s->up[at];
    return at;
}

uint64_t sorted_bytes(const struct sorted *s)
{
    return (uint64_t)s->n * (sizeof(*s->key) + sizeof(*s->up));
}
