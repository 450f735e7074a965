/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers: cleaning a user part, matching patterns, translating.
 * Called by route.c for each call and each candidate; allocates nothing.
 * Must not know of trunks, messages or calls.
 */
#include "route/number.h"

#include <errno.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_separator(char c)
{
    return c == '-' || c == '.' || c == '(' || c == ')';
}

bool number_is_digits(struct span text)
{
    size_t i = text.len > 0 && text.p[0] == '+';
    if (i == text.len)
        return false;
    for (; i < text.len; i++)
        if (!is_digit(text.p[i]))
            return false;
    return true;
}

/* From so many digits on, keypad letters among separators are no name: "1-900-555-1212A" is dialled like the number without them. */
#define PHONE_DIGITS_MIN 7

/* A global or local number in the wide sense: digits and separators, or so many digits that other keys of a phone make no name of it. */
static bool is_dialled(struct span s)
{
    size_t digits = 0, keys = 0;
    for (size_t i = s.len > 0 && s.p[0] == '+'; i < s.len; i++) {
        if (is_digit(s.p[i]))
            digits++;
        else if (s.p[i] && strchr("*#ABCDabcd", s.p[i]))
            keys++;
        else if (!is_separator(s.p[i]))
            return false;
    }
    return digits > 0 && (keys == 0 || digits >= PHONE_DIGITS_MIN);
}

/* An escape that is left hides what no number has: a name may have one, what begins as a number may not. */
static bool is_disguised(struct span s)
{
    return memchr(s.p, '%', s.len) &&
           (is_digit(s.p[0]) || is_separator(s.p[0]) || s.p[0] == '+' || s.p[0] == '%');
}

int number_clean(struct span user, char out[NUMBER_MAX])
{
    struct span head, tail;
    size_t n = 0;

    span_cut(user, ';', &head, &tail);
    if (head.len == 0 || is_disguised(head))
        return -EINVAL;
    bool strip = is_dialled(head);
    for (size_t i = 0; i < head.len; i++) {
        if (strip && is_separator(head.p[i]))
            continue;
        if (n == NUMBER_MAX - 1)
            return -E2BIG;
        out[n++] = head.p[i];
    }
    out[n] = '\0';
    return (int)n;
}

static bool in_set(uint16_t set, char c)
{
    if (is_digit(c))
        return (unsigned)set >> (c - '0') & 1U;
    return c == '+' && ((unsigned)set >> CONF_SET_PLUS & 1U);
}

bool number_matches(const struct conf_pattern *pat, struct span text)
{
    if (text.len < pat->len)
        return false;
    for (size_t i = 0; i < pat->len; i++)
        if (!in_set(pat->set[i], text.p[i]))
            return false;
    switch ((enum conf_tail)pat->tail) {
    case CONF_TAIL_NONE: return text.len == pat->len;
    case CONF_TAIL_SOME: return text.len > pat->len;
    case CONF_TAIL_ANY: return true;
    }
    return false;
}

static int number_build(const struct conf_rule *rule, struct span in, char out[NUMBER_MAX])
{
    size_t n = 0;
    for (uint32_t i = 0; i < rule->piece.n; i++) {
        const struct conf_piece *pc = &rule->piece.v[i];
        struct span add = {pc->text, pc->len};
        if (!pc->text) {
            size_t skip = pc->skip < in.len ? pc->skip : in.len;
            add = (struct span){in.p + skip, in.len - skip};
        }
        if (add.len > NUMBER_MAX - 1 - n)
            return -E2BIG;
        memcpy(out + n, add.p, add.len);
        n += add.len;
    }
    out[n] = '\0';
    return n ? (int)n : -EINVAL;
}

int number_translate(const struct conf_numbers *nums, struct span in, char out[NUMBER_MAX],
                     const struct conf_rule **rule)
{
    *rule = NULL;
    if (!nums)
        return span_copy(in, out, NUMBER_MAX) < 0 ? -E2BIG : (int)in.len;
    for (uint32_t i = 0; i < nums->rule.n; i++) {
        const struct conf_rule *r = &nums->rule.v[i];
        if (!number_matches(&r->pattern, in))
            continue;
        *rule = r;
        return number_build(r, in, out);
    }
    return -ENOENT;
}
