/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Borrowed runs of bytes: comparison, trimming, cutting, numbers.
 * Every parser uses it; it must not know what the bytes mean.
 */
#include "core/span.h"

#include <errno.h>

static unsigned char lower(char c)
{
    unsigned char u = (unsigned char)c;

    /* not tolower(): the locale has no say in what a SIP token is */
    return (u >= 'A' && u <= 'Z') ? (unsigned char)(u | 0x20) : u;
}

bool span_case_eq(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    if (span_eq(a, b))
        return true; /* as nearly all are that are equal at all, and memcmp is quicker */
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    }
    return true;
}

bool span_has_prefix(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_eq((struct span){s.p, prefix.len}, prefix);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span s)
{
    while (s.len > 0 && is_space(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.p[s.len - 1]))
        s.len--;
    return s;
}

ptrdiff_t span_chr(struct span s, char c)
{
    const char *hit = s.len > 0 ? memchr(s.p, c, s.len) : NULL;

    return hit ? hit - s.p : -1;
}

bool span_cut(struct span s, char c, struct span *head, struct span *tail)
{
    ptrdiff_t at = span_chr(s, c);

    if (at < 0) {
        *head = s;
        *tail = SPAN_NONE;
        return false;
    }
    *head = (struct span){s.p, (size_t)at};
    *tail = (struct span){s.p + at + 1, s.len - (size_t)at - 1};
    return true;
}

int span_u64(struct span s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    bool over = false;

    if (s.len == 0)
        return -EINVAL;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -EINVAL;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        /* 19 digits always fit; go on to the end all the same: "99x" is no number rather than a large one */
        if (i >= 19 && (over || v > (UINT64_MAX - digit) / 10))
            over = true;
        else
            v = v * 10 + digit;
    }
    if (over || v > max)
        return -ERANGE;
    *out = v;
    return 0;
}

int span_u32(struct span s, uint32_t max, uint32_t *out)
{
    uint64_t v;
    int err = span_u64(s, max, &v);

    if (err == 0)
        *out = (uint32_t)v;
    return err;
}

int span_copy(struct span s, char *buf, size_t size)
{
    if (size <= s.len || s.len > INT32_MAX) {
        if (size > 0)
            buf[0] = '\0';
        return -ENOSPC;
    }
    if (s.len > 0)
        memcpy(buf, s.p, s.len);
    buf[s.len] = '\0';
    return (int)s.len;
}
