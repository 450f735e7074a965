/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schema of the section numbers: patterns and what becomes of the numbers that match.
 * parse.c runs the tables; what objects mean to each other is checked in link.c and check.c.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"
#include "core/err.h"

static const struct keyword rule_kw = {.word = "rule",
                                       .syntax = "PATTERN -> RESULT [class emergency|service]",
                                       .help = "what becomes of the numbers that fit the pattern"};

static void numbers_header(struct parser *p, void *obj, struct args *args)
{
    static const char *const words[] = {"out", "in", NULL};
    static const struct keyword kw = {.syntax = "numbers NAME [direction in|out]"};
    struct conf_numbers *n = obj;
    const struct lex_token *t;
    int i;

    if (!args_word(args, "direction"))
        return;
    t = args_need(p, &kw, args, "in or out");
    i = t ? parse_choice(p, t, words) : -1;
    n->out = i == 0;
}

static bool rule_pattern(struct parser *p, const struct lex_token *t, struct conf_rule *r)
{
    struct conf_loc loc = parse_loc(p, t);
    const char *why;
    size_t bad;

    r->text = parse_strdup(p, t->s);
    if (conf_pattern_compile(r->text, &r->pattern, &bad, &why) == 0)
        return true;
    loc.col = (uint16_t)(loc.col + bad + (t->quoted ? 1 : 0));
    parse_error(p, loc, 1, "%s", why);
    return false;
}

/* Literal characters up to the next '{'. */
static size_t literal_piece(struct parser *p, struct span s, struct conf_rule *r)
{
    ptrdiff_t brace = span_chr(s, '{');
    size_t len = brace < 0 ? s.len : (size_t)brace;
    struct conf_piece *piece = APPEND(p, r->piece);

    piece->text = parse_strdup(p, (struct span){s.p, len});
    piece->len = (uint16_t)len;
    return len;
}

/* "{*}" or "{2-}", known to be well formed. */
static size_t copy_piece(struct parser *p, struct span s, struct conf_rule *r)
{
    struct conf_piece *piece = APPEND(p, r->piece);
    size_t len = (size_t)span_chr(s, '}') + 1;
    uint32_t skip = 0;

    if (s.p[1] != '*')
        span_u32((struct span){s.p + 1, len - 3}, 99, &skip);
    piece->skip = (uint16_t)skip;
    return len;
}

static bool rule_result(struct parser *p, const struct lex_token *t, struct conf_rule *r)
{
    struct conf_loc loc = parse_loc(p, t);
    struct span s = span_eq(t->s, SPAN("keep")) ? SPAN("{*}") : t->s;
    size_t bad = value_result_check(s), i = 0;

    if (s.len == 0 || bad < s.len) {
        loc.col = (uint16_t)(loc.col + (s.len == 0 ? 0 : bad + (t->quoted ? 1 : 0)));
        parse_error(p, loc, 1,
                    "a result is 'keep', or made of digits, a leading '+', {*} and {N-}");
        return false;
    }
    while (i < s.len) {
        struct span rest = {s.p + i, s.len - i};

        i += rest.p[0] == '{' ? copy_piece(p, rest, r) : literal_piece(p, rest, r);
    }
    for (i = 0; i < r->piece.n; i++) {
        if (!r->piece.v[i].text && !pattern_has_length(&r->pattern, r->piece.v[i].skip)) {
            parse_token_error(p, t, "nothing is left of '%s' after its first %u", r->text,
                              r->piece.v[i].skip);
            return false;
        }
    }
    return true;
}

static void numbers_line(struct parser *p, void *obj, const struct lex_line *line)
{
    static const char *const classes[] = {"emergency", "service", NULL};
    struct args args = {.tok = line->tok, .n = line->n};
    struct conf_numbers *n = obj;
    struct conf_rule r = {.klass = CONF_CLASS_NONE};
    const struct lex_token *t = args_next(&args);
    int i;

    r.loc = parse_loc(p, t);
    if (n->rule.n >= CONF_RULES_MAX) {
        if (n->rule.n == CONF_RULES_MAX)
            parse_token_error(p, t, "more than %u rules in numbers '%s'", CONF_RULES_MAX, n->name);
        return;
    }
    if (!rule_pattern(p, t, &r) || !(t = args_need(p, &rule_kw, &args, "'->'")))
        return;
    if (!span_eq(t->s, SPAN("->"))) {
        parse_token_error(p, t, "expected '->', found '%.*s'", SPAN_ARG(t->s));
        return;
    }
    if (!(t = args_need(p, &rule_kw, &args, "result")) || !rule_result(p, t, &r))
        return;
    if (args_word(&args, "class")) {
        if (!(t = args_need(p, &rule_kw, &args, "class")) || (i = parse_choice(p, t, classes)) < 0)
            return;
        r.klass = i == 0 ? CONF_CLASS_EMERGENCY : CONF_CLASS_SERVICE;
    }
    *(struct conf_rule *)APPEND(p, n->rule) = r;
    args_end(p, &args);
}

static void close_numbers(struct parser *p, void *obj, bool clean)
{
    const struct conf_numbers *n = obj;
    uint32_t i, j;

    if (clean && n->rule.n == 0)
        parse_error(p, n->loc, strlen(n->name), "numbers '%s' has no rule", n->name);
    /* Quadratic: only for lists that somebody wrote by hand. 256 rules are 33 thousand comparisons. */
    if (n->rule.n > 256)
        return;
    for (i = 1; i < n->rule.n; i++) {
        for (j = 0; j < i && !pattern_covers(&n->rule.v[j].pattern, &n->rule.v[i].pattern); j++)
            ;
        if (j < i)
            parse_warn(p, n->rule.v[i].loc, strlen(n->rule.v[i].text),
                       "rule is never reached: '%s' in line %u takes all of its numbers",
                       n->rule.v[j].text, n->rule.v[j].loc.line);
    }
}

const struct section section_numbers = {
    .word = "numbers",
    .syntax = "numbers NAME [direction in|out]",
    .help = "translations of numbers, the first that fits",
    .list_off = LIST(numbers),
    .size = sizeof(struct conf_numbers),
    .header = numbers_header,
    .line = numbers_line,
    .line_kw = &rule_kw,
    .close = close_numbers,
};
