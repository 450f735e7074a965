/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cells and values of a deck. Money and moments are exact: digits are counted, never a double.
 * deck_part.c and deck.c call it; must not know what a row is for.
 */
#include "route/deck_cell.h"

#include "route/civil.h"
#include "route/textfile.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct span trim(struct span s)
{
    while (s.len > 0 && is_blank(s.p[0]))
        s = (struct span){s.p + 1, s.len - 1};
    while (s.len > 0 && is_blank(s.p[s.len - 1]))
        s.len--;
    return s;
}

/* A quoted cell: *s begins at its quote, and is moved behind the separator or to the end. */
static int quoted(struct span *s, char separator, struct cell *out)
{
    const char *p = s->p + 1, *end = s->p + s->len;

    out->doubled = false;
    for (; p < end; p++) {
        if (*p != '"')
            continue;
        if (p + 1 == end || p[1] != '"')
            break;
        out->doubled = true;
        p++;
    }
    if (p >= end)
        return -EINVAL;
    out->text = trim((struct span){s->p + 1, (size_t)(p - s->p - 1)});
    for (p++; p < end && is_blank(*p) && *p != separator; p++)
        ;
    if (p < end && *p != separator)
        return -EINVAL;
    *s = (struct span){p, (size_t)(end - p)};
    return 0;
}

int cell_split(struct span line, char separator, struct cell *out, unsigned max, struct span *bad)
{
    struct span rest = line;
    unsigned n = 0;

    for (;;) {
        struct cell c = {.doubled = false};
        const char *p = rest.p, *end = rest.p + rest.len;

        while (p < end && is_blank(*p) && *p != separator)
            p++;
        if (p < end && *p == '"') {
            rest = (struct span){p, (size_t)(end - p)};
            if (quoted(&rest, separator, &c) != 0) {
                *bad = (struct span){p, 1};
                return -EINVAL;
            }
        } else {
            const char *to = memchr(p, separator, (size_t)(end - p));

            if (!to)
                to = end;
            c.text = trim((struct span){p, (size_t)(to - p)});
            rest = (struct span){to, (size_t)(end - to)};
        }
        if (n < max)
            out[n] = c;
        n++;
        if (rest.len == 0)
            return (int)n;
        rest =
            (struct span){rest.p + 1, rest.len - 1}; /* the separator; an empty cell may follow */
    }
}

/* ---- prefix ---- */

static const char *why_no_prefix(struct span s)
{
    bool letter_o = false;

    if (memchr(s.p, '.', s.len)) /* 44.0, 4.42E+11 */
        return "is no prefix (written as a number by a spreadsheet?)";
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (is_digit(c) || (c == '+' && i == 0))
            continue;
        if (is_blank(c))
            return "is no prefix: a blank in it";
        if (c == '-' || c == ';' || c == ',' || c == '/')
            return "is no prefix: one a row, no range and no list";
        if (c != 'O' && c != 'o')
            return "is no prefix: digits, with an optional leading '+'";
        letter_o = true;
    }
    return letter_o ? "is no prefix (letter O?)" : "is too long: 16 characters with the '+'";
}

const char *cell_prefix(struct span s, bool private_plan, uint64_t *key)
{
    uint64_t k = 0;
    unsigned at = 0;
    size_t i = 0;

    if (s.len == 0)
        return "is empty";
    if (!private_plan || s.p[0] == '+') {
        k = (uint64_t)11 << 60; /* '+': key.h */
        at = 1;
        i = s.p[0] == '+';
    }
    for (; i < s.len && at < KEY_DIGITS; i++, at++) {
        if (!is_digit(s.p[i]))
            return why_no_prefix(s);
        k |= (uint64_t)(s.p[i] - '0' + 1) << (60 - 4 * at);
    }
    if (i < s.len)
        return why_no_prefix(s);
    if (!private_plan && k >> 56 == 0xb1)
        return "is no E.164: no country begins with 0 (00 or 011 in front?)";
    *key = k;
    return NULL;
}

/* ---- money ---- */

static const char *why_no_money(struct span s)
{
    bool comma = memchr(s.p, ',', s.len), point = memchr(s.p, '.', s.len);
    unsigned o = 0, l = 0;

    if (s.p[0] == '-')
        return "is negative";
    if (s.p[0] == '+')
        return "is not a number (a sign?)";
    if (comma)
        return point ? "is not a number (thousands separated?)"
                     : "is not a number (comma for the decimal point?)";
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        o += c == 'O' || c == 'o';
        l += c == 'l' || c == 'I';
        if ((c == 'e' || c == 'E') && i > 0)
            return "is not a number (exponent?)";
        if (is_blank(c))
            return "is not a number (a blank in it?)";
        if (c == '$' || (unsigned char)c >= 0x80)
            return "is not a number (currency sign?)";
        if (!is_digit(c) && c != '.' && !o && !l)
            return "is not a number";
    }
    return o   ? "is not a number (letter O?)"
           : l ? "is not a number (letter l?)"
               : "is not a number";
}

const char *cell_money(struct span s, int64_t *nano)
{
    static const int64_t unit[] = {1000000000, 100000000, 10000000, 1000000, 100000,
                                   10000,      1000,      100,      10,      1};
    int64_t whole = 0, part = 0;
    unsigned places = 0;
    size_t i = 0;
    bool exact = true;

    for (; i < s.len && is_digit(s.p[i]); i++) {
        if (whole <= CONF_MONEY_MAX / CONF_NANO)
            whole = whole * 10 + (s.p[i] - '0');
    }
    if (i < s.len && s.p[i] == '.') {
        for (i++; i < s.len && is_digit(s.p[i]); i++) {
            if (places < 9) {
                part = part * 10 + (s.p[i] - '0');
                places++;
            } else if (s.p[i] != '0') {
                exact = false;
            }
        }
        if (s.p[i - 1] == '.') /* "5." */
            return why_no_money(s);
    }
    if (i < s.len || s.len == 0)
        return s.len == 0 ? "is not a number" : why_no_money(s);
    if (!exact)
        return "has more than nine digits behind the point";
    if (whole > CONF_MONEY_MAX / CONF_NANO ||
        whole * CONF_NANO + part * unit[places] > CONF_MONEY_MAX)
        return "is above 1000000 a minute";
    *nano = whole * CONF_NANO + part * unit[places];
    return NULL;
}

int deck_money(struct span text, int64_t *nano)
{
    const char *why = cell_money(text, nano);

    if (!why)
        return 0;
    return strncmp(why, "has", 3) == 0 || strncmp(why, "is above", 8) == 0 ? -ERANGE : -EINVAL;
}

/* ---- moment ---- */

/* n digits at s.p[at], within lo..hi; -1: they are not */
static int digits(struct span s, size_t at, unsigned n, int lo, int hi)
{
    int v = 0;

    if (at + n > s.len)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        if (!is_digit(s.p[at + i]))
            return -1;
        v = v * 10 + (s.p[at + i] - '0');
    }
    return v < lo || v > hi ? -1 : v;
}

/* The time behind a date, as seconds to add; at is behind the T. */
static int time_of(struct span s, size_t at, int64_t *add)
{
    int h = digits(s, at, 2, 0, 23), m = digits(s, at + 3, 2, 0, 59), sec = 0, zh, zm;

    if (h < 0 || m < 0 || s.p[at + 2] != ':')
        return -EINVAL;
    at += 5;
    if (at < s.len && s.p[at] == ':') {
        sec = digits(s, at + 1, 2, 0, 59);
        if (sec < 0)
            return -EINVAL;
        at += 3;
    }
    *add = h * 3600 + m * 60 + sec;
    if (at == s.len || (at + 1 == s.len && s.p[at] == 'Z'))
        return 0;
    zh = digits(s, at + 1, 2, 0, 15);
    zm = digits(s, at + 4, 2, 0, 59);
    if (at + 6 != s.len || (s.p[at] != '+' && s.p[at] != '-') || s.p[at + 3] != ':' || zh < 0 ||
        zm < 0)
        return -EINVAL;
    *add += (s.p[at] == '-' ? 1 : -1) * (zh * 3600 + zm * 60);
    return 0;
}

int deck_moment(struct span s, int64_t *wall_s)
{
    int y = digits(s, 0, 4, 1970, 9999), m = digits(s, 5, 2, 1, 12), d = digits(s, 8, 2, 1, 31);
    int64_t add = 0;

    if (y < 0 || m < 0 || d < 0 || s.p[4] != '-' || s.p[7] != '-' || d > civil_days_in(y, m))
        return -EINVAL;
    if (s.len > 10 && ((s.p[10] != 'T' && s.p[10] != ' ') || time_of(s, 11, &add) != 0))
        return -EINVAL;
    *wall_s = civil_days(y, m, d) * 86400 + add;
    return 0;
}

const char *cell_moment(struct span s, int64_t *wall_s)
{
    return deck_moment(s, wall_s) == 0 ? NULL : "is no date: 2026-12-01 or 2026-12-01T08:00";
}

/* ---- the rest ---- */

const char *cell_seconds(struct span s, uint32_t *out)
{
    int err = span_u32(s, DECK_SECONDS_MAX, out);

    if (err == -ERANGE)
        return "is more than a day (86400 s)";
    return err ? "is not a number of seconds" : NULL;
}

const char *cell_quality(struct span s, int16_t *out)
{
    uint32_t v;

    if (span_u32(s, 100, &v) != 0)
        return "is not a number of 0..100";
    *out = (int16_t)v;
    return NULL;
}

const char *cell_code(const struct cell *c, char out[DECK_CODE_MAX + 1])
{
    size_t n = 0, step;

    for (size_t i = 0; i < c->text.len; i += step) {
        const unsigned char *p = (const unsigned char *)c->text.p + i;

        step = textfile_utf8(p, c->text.len - i);
        if (step == 0)
            return "is not UTF-8";
        if (*p < 0x20 || *p == 0x7f)
            return "has a control character";
        if (n + step > DECK_CODE_MAX)
            return "is longer than 31 bytes (`-` in `columns` leaves the column out)";
        memcpy(out + n, p, step);
        n += step;
        if (*p == '"' && c->doubled)
            step++;
    }
    memset(out + n, 0, DECK_CODE_MAX + 1 - n);
    return NULL;
}
