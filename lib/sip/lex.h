/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Character classes and the small steps every SIP scanner is made of.
 * Private to lib/sip; works on [p, end) and never reads beyond end.
 */
#ifndef SIP_LEX_H
#define SIP_LEX_H

#include <stdbool.h>
#include <stdint.h>
#include "core/span.h"
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* RFC 3261 §25.1. */
enum {
    LEX_LWS = 1 << 0,   /* SP HTAB, and CR LF: a fold is a blank */
    LEX_TOKEN = 1 << 1, /* token */
    LEX_HOST = 1 << 2,  /* hostname: alphanum "-" "." and "_", which carriers use */
    LEX_USER = 1 << 3,  /* user and password, "%" included */
    LEX_PARAM = 1 << 4, /* uri-parameter, "%" included */
    LEX_HDR = 1 << 5,   /* headers of a URI, with "&" "=" */
    LEX_DIGIT = 1 << 6,
    LEX_ALPHA = 1 << 7
};

extern const uint8_t lex_class[256];

static inline bool lex_is(char c, unsigned cls)
{
    return (lex_class[(unsigned char)c] & cls) != 0;
}

/** First byte of [p, end) that is not of the class. */
static inline const char *lex_skip(const char *p, const char *end, unsigned cls)
{
    while (p < end && lex_is(*p, cls)) {
        p++;
    }
    return p;
}

/**
 * First c in [p, end) or NULL. As memchr, but without the call: most runs here are shorter than the way there and back.
 */
static inline const char *lex_find(const char *p, const char *end, char c)
{
#if defined(__SSE2__)
    const __m128i want = _mm_set1_epi8(c);

    while (end - p >= 32) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i w = _mm_loadu_si128((const __m128i *)(const void *)(p + 16));
        unsigned hit = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, want)) |
                       (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(w, want)) << 16;

        if (hit) {
            return p + __builtin_ctz(hit);
        }
        p += 32;
    }
    if (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned hit = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, want));

        if (hit) {
            return p + __builtin_ctz(hit);
        }
        p += 16;
    }
#endif
    for (; p < end; p++) {
        if (*p == c) {
            return p;
        }
    }
    return NULL;
}

/** First ';', ',' or byte up to the blank in [p, end), else end: where an unquoted parameter value stops. */
static inline const char *lex_delim(const char *p, const char *end)
{
#if defined(__SSE2__)
    const __m128i semi = _mm_set1_epi8(';'), comma = _mm_set1_epi8(','), sp = _mm_set1_epi8(' ');

    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i is = _mm_or_si128(_mm_cmpeq_epi8(v, semi), _mm_cmpeq_epi8(v, comma));
        unsigned hit =
            (unsigned)_mm_movemask_epi8(_mm_or_si128(is, _mm_cmpeq_epi8(_mm_min_epu8(v, sp), v)));

        if (hit) {
            return p + __builtin_ctz(hit);
        }
        p += 16;
    }
#endif
    while (p < end && *p != ';' && *p != ',' && (unsigned char)*p > ' ') {
        p++;
    }
    return p;
}

static inline const char *lex_lws(const char *p, const char *end)
{
    return lex_skip(p, end, LEX_LWS);
}

static inline struct span lex_span(const char *p, const char *end)
{
    return (struct span){p, (size_t)(end - p)};
}

/** Without LWS at both ends. */
static inline struct span lex_trim(struct span s)
{
    const char *p = s.p, *end = s.len ? s.p + s.len : s.p;

    p = lex_skip(p, end, LEX_LWS);
    while (end > p && lex_is(end[-1], LEX_LWS)) {
        end--;
    }
    return lex_span(p, end);
}

/** Whole span of the class; false for an empty one. */
static inline bool lex_all(struct span s, unsigned cls)
{
    return s.len > 0 && lex_skip(s.p, s.p + s.len, cls) == s.p + s.len;
}

/** p is at the opening quote. @return behind the closing one; NULL: it never closes */
const char *lex_quoted(const char *p, const char *end);

struct lex_param {
    struct span name;
    struct span value; /* with quotes if quoted; empty for a flag */
};

/**
 * One ";name[=value]" with blanks where RFC 3261 allows them; p may be before the ';'.
 * @return behind it; NULL: not a parameter (also when nothing is left)
 */
const char *lex_param(const char *p, const char *end, struct lex_param *out);

/** Case-insensitive against a lower-case literal. */
static inline bool lex_lower_eq(struct span s, const char *lit, size_t n)
{
    if (s.len != n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        char c = s.p[i];

        if (c >= 'A' && c <= 'Z') {
            c = (char)(c | 0x20);
        }
        if (c != lit[i]) {
            return false;
        }
    }
    return true;
}
#define LEX_IS(s, lit) lex_lower_eq((s), (lit), sizeof(lit) - 1)

#endif
