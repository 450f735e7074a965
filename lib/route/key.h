/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prefixes and numbers as 64-bit keys: a nibble a character, first character highest, so that integer order is prefix order.
 * The tables of route (line, rate, list) use it; header only.
 */
#ifndef ROUTE_KEY_H
#define ROUTE_KEY_H

#include <errno.h>
#include <string.h>
#include "core/span.h"

#define KEY_DIGITS 16 /* CONF_PREFIX_DIGITS: '+' and E.164's fifteen */

/* 0 ends a key, so digits are 1..10; '+' is 11 and stands first only. */
static inline unsigned key_nibble(char c)
{
    return c >= '0' && c <= '9' ? (unsigned)(c - '0') + 1 : c == '+' ? 11 : 0;
}

/** Key of a whole prefix; the empty one is 0. @return 0; -EINVAL another character, or longer than KEY_DIGITS */
static inline int key_of_prefix(struct span s, uint64_t *key)
{
    uint64_t k = 0;
    if (s.len > KEY_DIGITS)
        return -EINVAL;
    for (size_t i = 0; i < s.len; i++) {
        unsigned n = key_nibble(s.p[i]);
        if (!n || (n == 11 && i > 0))
            return -EINVAL;
        k |= (uint64_t)n << (60 - 4 * i);
    }
    *key = k;
    return 0;
}

/*
 * Characters as nibbles: n of them, 1..8, from the highest byte of text on, the rest of it 0; the result fills 32 bits likewise.
 * @return false: one is no digit
 */
static inline bool key_eight(uint64_t text, unsigned n, uint64_t *out)
{
    uint64_t all = ~UINT64_C(0) << 8 * (8 - n), d;

    if ((text & UINT64_C(0xf0f0f0f0f0f0f0f0)) != (all & UINT64_C(0x3030303030303030)))
        return false;
    d = (text & UINT64_C(0x0f0f0f0f0f0f0f0f)) + (all & UINT64_C(0x0101010101010101));
    if ((d + UINT64_C(0x0505050505050505)) & UINT64_C(0xf0f0f0f0f0f0f0f0)) /* above ten */
        return false;
    d = (d | d >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    d = (d | d >> 8) & UINT64_C(0x0000ffff0000ffff);
    *out = (d | d >> 16) & UINT64_C(0xffffffff);
    return true;
}

static inline uint64_t key_load(const char *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof(x));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

/** Key of the longest part of a number that is digits with an optional leading '+'. @return its length, 0..KEY_DIGITS */
static inline unsigned key_of_number(struct span s, uint64_t *key)
{
    uint64_t k = 0, high, low;
    unsigned plus = s.len > 0 && s.p[0] == '+', i = 0;
    size_t n = s.len - plus; /* characters behind it */

    if (n > KEY_DIGITS - plus)
        n = KEY_DIGITS - plus;
    /* nearly all numbers: eight to sixteen digits and nothing else, as two loads that overlap */
    if (n > 8 && key_eight(key_load(s.p + plus), 8, &high) &&
        key_eight(key_load(s.p + plus + n - 8) << 8 * (16 - n), (unsigned)n - 8, &low)) {
        k = high << 32 | low;
        *key = plus ? UINT64_C(11) << 60 | k >> 4 : k;
        return (unsigned)n + plus;
    }
    for (; i < s.len && i < KEY_DIGITS; i++) {
        unsigned c = key_nibble(s.p[i]);
        if (!c || (c == 11 && i > 0))
            break;
        k |= (uint64_t)c << (60 - 4 * i);
    }
    *key = k;
    return i;
}

/** The first len characters. */
static inline uint64_t key_cut(uint64_t key, unsigned len)
{
    return len == 0 ? 0 : key & ~UINT64_C(0) << (64 - 4 * len);
}

static inline unsigned key_len(uint64_t key)
{
    return key ? KEY_DIGITS - (unsigned)__builtin_ctzll(key) / 4 : 0;
}

/** As text. @return out */
static inline const char *key_text(uint64_t key, char out[KEY_DIGITS + 1])
{
    unsigned i = 0;
    for (; i < KEY_DIGITS && key >> (60 - 4 * i) & 15; i++)
        out[i] = "?0123456789+???"[key >> (60 - 4 * i) & 15];
    out[i] = '\0';
    return out;
}

#endif
