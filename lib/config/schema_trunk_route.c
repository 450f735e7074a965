/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keywords of a trunk that belong to routing: its breaker, whose numbers it may show.
 * schema_trunk.c has them in its table; files are read by route/, not here.
 */
#include <string.h>

#include "config/schema.h"
#include "core/err.h"

/* Attempts in a window: its counters have 16 bits, see route/breaker.h. */
#define BREAKER_OF_MAX 60000

static const struct lex_token *need_word(struct parser *p, const struct keyword *kw,
                                         struct args *args, const char *word, const char *what)
{
    const struct lex_token *t = args_need(p, kw, args, what);

    if (!t || span_eq(t->s, span_of(word)))
        return t ? args_need(p, kw, args, "value") : NULL;
    parse_token_error(p, t, "expected %s, found '%.*s': %s", what, SPAN_ARG(t->s), kw->syntax);
    return NULL;
}

static bool breaker_values(struct parser *p, const struct keyword *kw, struct args *args,
                           struct conf_breaker *b)
{
    const struct lex_token *t;

    if (!(t = need_word(p, kw, args, "trip", "'trip'")) ||
        !parse_percent(p, t, 1, 100, &b->trip_pct))
        return false;
    if (!(t = need_word(p, kw, args, "of", "'of'")) ||
        !parse_number(p, t, 1, BREAKER_OF_MAX, &b->of))
        return false;
    if (!(t = need_word(p, kw, args, "in", "'in'")) || !parse_duration(p, kw, t, &b->window_ms))
        return false;
    b->retry_ms = b->window_ms;
    if (args->i >= args->n)
        return true;
    return (t = need_word(p, kw, args, "retry", "'retry'")) &&
           parse_duration(p, kw, t, &b->retry_ms);
}

void kw_breaker(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_breaker b = {.loc = parse_loc(p, &args->tok[0])};

    if (args_word(args, "off") || breaker_values(p, kw, args, &b))
        memcpy(field, &b, sizeof(b));
}

void kw_caller_allow(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_trunk *t = p->obj;

    (void)kw;
    (void)field;
    t->caller.allow_loc = parse_loc(p, &args->tok[args->i]);
    parse_path(p, args_next(args), &t->caller.allow_file);
}

void kw_default_caller(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *number = &args->tok[args->i];
    struct conf_trunk *t = p->obj;

    (void)field;
    if (!value_is_digits(number->s, true) || number->s.len < 2) {
        parse_token_error(p, number, "'%.*s' is not a number: digits, a '+' may stand first",
                          SPAN_ARG(number->s));
        return;
    }
    t->caller.loc = parse_loc(p, number);
    kw_string(p, kw, &t->caller.fallback, args);
}
