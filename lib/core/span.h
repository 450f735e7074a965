/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A borrowed run of bytes: pointer and length, never terminated, never owned.
 * Everybody uses it for text received from the wire or from a file; it knows nothing of its source.
 */
#ifndef CORE_SPAN_H
#define CORE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *p;
    size_t len;
};

/* A span over a string literal, for tables and comparisons. */
#define SPAN(lit) ((struct span){(lit), sizeof(lit) - 1})
#define SPAN_NONE ((struct span){NULL, 0})
/* For printf("%.*s", SPAN_ARG(s)). */
#define SPAN_ARG(s) (int)(s).len, (s).p

/** Span over a terminated string; NULL gives an empty span. */
static inline struct span span_of(const char *s)
{
    return (struct span){s, s ? strlen(s) : 0};
}

static inline bool span_is_empty(struct span s)
{
    return s.len == 0;
}

/** Byte-exact comparison. */
static inline bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/** ASCII case-insensitive comparison (header names, tokens: RFC 3261 §7.3.1). */
bool span_case_eq(struct span a, struct span b);

/** True if s starts with prefix, byte-exact. */
bool span_has_prefix(struct span s, struct span prefix);

/** s without leading and trailing SP, HTAB, CR, LF. */
struct span span_trim(struct span s);

/** Position of c in s, or -1. */
ptrdiff_t span_chr(struct span s, char c);

/**
 * Split s at the first c: *head is before it, *tail behind it.
 * @return true if c was found; false: *head = s, *tail empty.
 */
bool span_cut(struct span s, char c, struct span *head, struct span *tail);

/**
 * Decimal digits only, whole span.
 * @return 0; -EINVAL empty or another character; -ERANGE over max
 */
int span_u64(struct span s, uint64_t max, uint64_t *out);

/** As span_u64 for 32 bits. */
int span_u32(struct span s, uint32_t max, uint32_t *out);

/**
 * Copy into buf and terminate.
 * @return length; -ENOSPC if size is not larger than s.len (buf is then an empty string)
 */
int span_copy(struct span s, char *buf, size_t size);

#endif
