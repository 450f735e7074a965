/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compiles number patterns (`NXXNXXXXXX`, `011.`) and compares what they match.
 * Configuration loading calls it, and tests; matching a number is route's business.
 */
#include <string.h>

#include "config/value.h"
#include "core/err.h"

#define SET_DIGITS 0x3ffU
#define SET_Z      0x3feU /* 1-9 */
#define SET_N      0x3fcU /* 2-9 */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "[2-5]" or "[257]" at t; *used is its length. 0 = malformed. */
static uint16_t bracket(const char *t, size_t *used)
{
    unsigned set = 0;
    size_t i = 1;

    while (is_digit(t[i])) {
        char lo = t[i], hi = t[i];

        if (t[i + 1] == '-') {
            hi = t[i + 2];
            if (!is_digit(hi) || hi < lo)
                return 0;
            i += 2;
        }
        for (; lo <= hi; lo++)
            set |= 1U << (lo - '0');
        i++;
    }
    *used = i + 1;
    return t[i] == ']' ? (uint16_t)set : 0;
}

/* The set of one position at t; *used is its length, *why the fault if the set is empty. */
static uint16_t position(const char *t, bool first, size_t *used, const char **why)
{
    uint16_t set;

    *used = 1;
    if (is_digit(*t))
        return (uint16_t)(1U << (*t - '0'));
    switch (*t) {
    case 'X': return SET_DIGITS;
    case 'Z': return SET_Z;
    case 'N': return SET_N;
    case '+':
        *why = "'+' may only stand first in a pattern";
        return first ? 1U << CONF_SET_PLUS : 0;
    case '[':
        set = bracket(t, used);
        *why = "a set is written [2-5] or [257]";
        return set;
    case '.':
    case '*': *why = "'.' and '*' may only stand last in a pattern"; return 0;
    default: *why = "a pattern has digits, '+', X, Z, N, [2-5] and ends in '.' or '*'"; return 0;
    }
}

int conf_pattern_compile(const char *text, struct conf_pattern *pat, size_t *bad, const char **why)
{
    struct conf_pattern p = {.len = 0, .tail = CONF_TAIL_NONE};
    const char *fault = "a pattern may not be empty";
    size_t i = 0, used;
    int err = -EINVAL;

    if (!text[0])
        goto out;
    for (; text[i]; i += used) {
        if ((text[i] == '.' || text[i] == '*') && !text[i + 1]) {
            p.tail = text[i] == '.' ? CONF_TAIL_SOME : CONF_TAIL_ANY;
            break;
        }
        if (p.len >= CONF_DIGITS_MAX) {
            fault = "pattern has more than 31 positions";
            err = -E2BIG;
            goto out;
        }
        p.set[p.len] = position(text + i, i == 0, &used, &fault);
        if (!p.set[p.len])
            goto out;
        p.len++;
    }
    *pat = p;
    return 0;
out:
    if (bad)
        *bad = i;
    if (why)
        *why = fault;
    return err;
}

/* Characters that position i of a number matching p can have; 0 = the number has ended there. */
static uint16_t may_have(const struct conf_pattern *p, size_t i)
{
    if (i < p->len)
        return p->set[i];
    return p->tail == CONF_TAIL_NONE ? 0 : SET_DIGITS | 1U << CONF_SET_PLUS;
}

static size_t min_len(const struct conf_pattern *p)
{
    return (size_t)p->len + (p->tail == CONF_TAIL_SOME ? 1 : 0);
}

bool pattern_covers(const struct conf_pattern *a, const struct conf_pattern *b)
{
    size_t a_min = min_len(a), b_min = min_len(b);
    size_t i;

    if (b_min < a_min)
        return false;
    if (a->tail == CONF_TAIL_NONE && (b->tail != CONF_TAIL_NONE || b->len != a->len))
        return false;
    for (i = 0; i < a->len; i++) {
        if (may_have(b, i) & ~a->set[i])
            return false;
    }
    return true;
}

bool pattern_has_length(const struct conf_pattern *pat, uint16_t skip)
{
    return pat->tail != CONF_TAIL_NONE || pat->len > skip;
}
