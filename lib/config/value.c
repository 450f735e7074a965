/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads single values of the configuration: numbers with units, addresses, DSCP, names.
 * The keyword handlers call it; it reports by return value and knows no section or message place.
 */
#include "config/value.h"

#include <string.h>

#include "core/err.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Split "123abc" into its number and the rest. */
static int number_and_unit(struct span s, uint64_t max, uint64_t *num, struct span *unit)
{
    size_t n = 0;

    while (n < s.len && is_digit(s.p[n]))
        n++;
    *unit = (struct span){s.p + n, s.len - n};
    if (n == 0)
        return -EINVAL;
    return span_u64((struct span){s.p, n}, max, num);
}

struct unit {
    const char *name;
    uint64_t factor;
};

static int scaled(struct span s, const struct unit *units, uint64_t max, uint64_t *out)
{
    struct span unit;
    uint64_t num;
    int err = number_and_unit(s, max, &num, &unit);

    if (err == -EINVAL)
        return err;
    for (; units->name; units++) {
        if (!span_eq(unit, span_of(units->name)))
            continue;
        if (err || num > max / units->factor)
            return -ERANGE;
        *out = num * units->factor;
        return 0;
    }
    return -EINVAL;
}

int value_duration(struct span s, uint32_t *ms)
{
    static const struct unit units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
    uint64_t v;
    int err = scaled(s, units, UINT32_MAX, &v);

    if (!err)
        *ms = (uint32_t)v;
    return err;
}

int value_size(struct span s, uint64_t *bytes)
{
    static const struct unit units[] = {
        {"kB", 1000}, {"MB", 1000000}, {"GB", 1000000000}, {NULL, 0}};

    return scaled(s, units, 1000000000000U, bytes);
}

int value_count(struct span s, const char *unit, uint32_t max, uint32_t *out)
{
    struct span rest;
    uint64_t v;
    int err = number_and_unit(s, max, &v, &rest);

    if (err == -EINVAL || !span_eq(rest, span_of(unit)))
        return -EINVAL;
    if (err || v == 0)
        return -ERANGE;
    *out = (uint32_t)v;
    return 0;
}

int value_money(struct span s, int64_t *nano)
{
    struct span whole = s, part = SPAN_NONE;
    int64_t scale = CONF_NANO;
    uint64_t units, rest = 0;
    size_t i;
    int err;

    if (span_chr(s, '.') >= 0 && (!span_cut(s, '.', &whole, &part) || part.len == 0))
        return -EINVAL;
    for (i = 0; i < part.len; i++) {
        if (!is_digit(part.p[i]))
            return -EINVAL;
    }
    err = span_u64(whole, CONF_MONEY_MAX / CONF_NANO, &units);
    if (err)
        return err;
    while (part.len > 9 && part.p[part.len - 1] == '0')
        part.len--;
    if (part.len > 9)
        return -ERANGE;
    for (i = 0; i < part.len; i++) {
        scale /= 10;
        rest += (uint64_t)(part.p[i] - '0') * (uint64_t)scale;
    }
    if (units == CONF_MONEY_MAX / CONF_NANO && rest > 0)
        return -ERANGE;
    *nano = (int64_t)(units * CONF_NANO + rest);
    return 0;
}

int value_range(struct span s, uint16_t *lo, uint16_t *hi)
{
    struct span a, b;
    uint32_t l, h;

    if (!span_cut(s, '-', &a, &b) || span_u32(a, UINT16_MAX, &l) || span_u32(b, UINT16_MAX, &h) ||
        l == 0 || l >= h)
        return -EINVAL;
    *lo = (uint16_t)l;
    *hi = (uint16_t)h;
    return 0;
}

int value_dscp(struct span s, uint8_t *dscp)
{
    uint32_t v;

    if (span_u32(s, 63, &v) == 0) {
        *dscp = (uint8_t)v;
        return 0;
    }
    if (span_eq(s, SPAN("ef")) || span_eq(s, SPAN("be"))) {
        *dscp = s.p[0] == 'e' ? 46 : 0;
        return 0;
    }
    if (s.len == 3 && memcmp(s.p, "cs", 2) == 0 && s.p[2] >= '0' && s.p[2] <= '7') {
        *dscp = (uint8_t)((s.p[2] - '0') * 8);
        return 0;
    }
    if (s.len == 4 && memcmp(s.p, "af", 2) == 0 && s.p[2] >= '1' && s.p[2] <= '4' &&
        s.p[3] >= '1' && s.p[3] <= '3') {
        *dscp = (uint8_t)((s.p[2] - '0') * 8 + (s.p[3] - '0') * 2); /* RFC 2597 §6 */
        return 0;
    }
    return -EINVAL;
}

int value_addr(struct span s, struct addr *out)
{
    if (addr_parse(s, 0, out) == 0)
        return 0;
    return addr_parse_ip(s, out) == 0 ? 0 : -EINVAL;
}

bool value_is_dns_name(struct span s)
{
    bool letter = false;
    size_t i;

    for (i = 0; i < s.len && s.p[i] != ':'; i++) {
        char c = s.p[i];

        if (is_letter(c) || c == '_')
            letter = true;
        else if (!is_digit(c) && c != '-' && c != '.')
            return false;
    }
    return letter;
}

bool value_is_name(struct span s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && (i == 0 || !strchr("-_.", s.p[i])))
            return false;
    }
    return s.len > 0 && s.len <= CONF_NAME_MAX;
}

bool value_is_digits(struct span s, bool plus)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        if (!is_digit(s.p[i]) && !(plus && i == 0 && s.p[0] == '+'))
            return false;
    }
    return s.len > 0 && s.len <= CONF_DIGITS_MAX;
}

size_t value_result_check(struct span s)
{
    size_t i = 0, j;

    while (i < s.len) {
        if (is_digit(s.p[i]) || (s.p[i] == '+' && i == 0)) {
            i++;
            continue;
        }
        if (s.p[i] != '{')
            return i;
        if (s.len - i >= 3 && s.p[i + 1] == '*' && s.p[i + 2] == '}') {
            i += 3;
            continue;
        }
        for (j = i + 1; j < s.len && j < i + 3 && is_digit(s.p[j]); j++)
            ;
        if (j == i + 1 || j + 1 >= s.len || s.p[j] != '-' || s.p[j + 1] != '}')
            return i;
        i = j + 2;
    }
    return s.len;
}
