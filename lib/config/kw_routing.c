/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values that the sections about routing share: prefixes, money, shares, files beside the configuration.
 * The schema files call it; it knows no particular section.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/schema.h"
#include "core/err.h"

bool parse_prefix(struct parser *p, const struct lex_token *t, const char **prefix)
{
    if (!value_is_digits(t->s, true)) {
        parse_token_error(p, t, "'%.*s' is not a prefix: digits, a '+' may stand first",
                          SPAN_ARG(t->s));
        return false;
    }
    if (t->s.len > CONF_PREFIX_DIGITS) {
        parse_token_error(p, t, "a prefix has at most %u characters: '+' and 15 digits",
                          CONF_PREFIX_DIGITS);
        return false;
    }
    *prefix = parse_strdup(p, t->s);
    return true;
}

void warn_prefix_within(struct parser *p, const struct lex_token *t, const char *const *prefix,
                        uint32_t n)
{
    uint32_t i;

    for (i = 0; i < n; i++) {
        struct span of = span_of(prefix[i]);

        if (span_has_prefix(t->s, of)) {
            parse_warn(p, parse_loc(p, t), t->width, "'%.*s' is within '%s' already",
                       SPAN_ARG(t->s), prefix[i]);
            return;
        }
        if (span_has_prefix(of, t->s)) {
            parse_warn(p, parse_loc(p, t), t->width, "'%.*s' holds '%s' already", SPAN_ARG(t->s),
                       prefix[i]);
            return;
        }
    }
}

void kw_prefixes(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CONF_LIST(const char *) list;
    const struct lex_token *t;
    const char *prefix;

    (void)kw;
    while ((t = args_next(args))) {
        if (!parse_prefix(p, t, &prefix))
            return;
        memcpy(&list, field, sizeof(list));
        warn_prefix_within(p, t, list.v, list.n);
        *(const char **)parse_append(p, &p->conf->arena, field, sizeof(prefix)) = prefix;
    }
}

bool parse_money(struct parser *p, const struct lex_token *t, int64_t *nano)
{
    int err = value_money(t->s, nano);

    if (err == -ERANGE)
        parse_token_error(p, t, "'%.*s' is above 1000000, or has more than 9 decimals",
                          SPAN_ARG(t->s));
    else if (err)
        parse_token_error(p, t, "'%.*s' is not an amount: digits with a point, as 0.0125",
                          SPAN_ARG(t->s));
    return !err;
}

bool parse_percent(struct parser *p, const struct lex_token *t, uint32_t lo, uint32_t hi,
                   uint32_t *pct)
{
    struct span digits = t->s;

    if (digits.len > 0 && digits.p[digits.len - 1] == '%') {
        digits.len--;
        if (span_u32(digits, hi, pct) == 0 && *pct >= lo)
            return true;
    }
    parse_token_error(p, t, "'%.*s' is not a percentage from %u%% to %u%%", SPAN_ARG(t->s), lo, hi);
    return false;
}

bool parse_ppm(struct parser *p, const struct lex_token *t, uint32_t max, uint32_t *ppm)
{
    struct span digits = t->s;
    int64_t nano;

    if (digits.len > 0 && digits.p[digits.len - 1] == '%') {
        digits.len--;
        /* 1 % is 10,000 ppm: four decimals are exact */
        if (value_money(digits, &nano) == 0 && nano % (CONF_NANO / 10000) == 0 &&
            nano / (CONF_NANO / 10000) <= max) {
            *ppm = (uint32_t)(nano / (CONF_NANO / 10000));
            return true;
        }
    }
    parse_token_error(p, t, "'%.*s' is not a percentage from 0%% to below 100%%", SPAN_ARG(t->s));
    return false;
}

/* Without the folder that a `../` at the head of rest leaves again: its length. */
static size_t leave_folder(const char *dir, size_t n)
{
    size_t at = n - 1; /* of the slash at its end */

    while (at > 0 && dir[at - 1] != '/')
        at--;
    if (at + 1 >= n || (n - at == 3 && strncmp(dir + at, "..", 2) == 0) ||
        (n - at == 2 && dir[at] == '.'))
        return n;
    return at;
}

/* `conf.d/trunks/` and `../../lists/x` are `lists/x`. */
static int join_short(char *buf, size_t size, const char *dir, size_t n, struct span rest)
{
    size_t left;

    while (rest.len > 2 && rest.p[0] == '.') {
        size_t head = rest.p[1] == '/' ? 2 : 3;

        if (head == 3 &&
            (strncmp(rest.p, "../", 3) != 0 || n == 0 || (left = leave_folder(dir, n)) == n))
            break;
        if (head == 3)
            n = left;
        rest = (struct span){rest.p + head, rest.len - head};
    }
    return snprintf(buf, size, "%.*s%.*s", (int)n, dir, SPAN_ARG(rest));
}

/* Behind a symbolic link `..` is another folder than it looks. One that is not there yet is told by its short name. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;
    int err = stat(a, &x), other = stat(b, &y);

    return err == other && (err || (x.st_dev == y.st_dev && x.st_ino == y.st_ino));
}

bool parse_path(struct parser *p, const struct lex_token *t, const char **path)
{
    const char *base = p->src.v[p->src.n - 1].name, *slash = strrchr(base, '/');
    size_t dir = slash && t->s.len > 0 && t->s.p[0] != '/' ? (size_t)(slash - base + 1) : 0;
    char buf[CONF_LINE_MAX * 2], shorter[CONF_LINE_MAX * 2];
    int n, m;

    if (t->s.len == 0) {
        parse_token_error(p, t, "value is empty");
        return false;
    }
    n = snprintf(buf, sizeof(buf), "%.*s%.*s", (int)dir, base, SPAN_ARG(t->s));
    if (n < 0 || (size_t)n >= sizeof(buf)) {
        parse_token_error(p, t, "path is too long");
        return false;
    }
    m = join_short(shorter, sizeof(shorter), base, dir, t->s);
    *path = m < n && is_same_file(buf, shorter) ? parse_strdup(p, (struct span){shorter, (size_t)m})
                                                : parse_strdup(p, (struct span){buf, (size_t)n});
    return true;
}

void kw_on_off(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(bool, "off", "on");
}

void kw_currency(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    (void)kw;
    parse_currency(p, args_next(args), field);
}

bool parse_currency(struct parser *p, const struct lex_token *t, char *code)
{
    size_t i;

    for (i = 0; i < t->s.len && t->s.p[i] >= 'A' && t->s.p[i] <= 'Z'; i++)
        ;
    if (t->s.len != CONF_CURRENCY - 1 || i < t->s.len) {
        parse_token_error(p, t,
                          "'%.*s' is not a currency: three capital letters of ISO 4217, as EUR",
                          SPAN_ARG(t->s));
        return false;
    }
    memcpy(code, t->s.p, t->s.len);
    code[t->s.len] = '\0';
    return true;
}
