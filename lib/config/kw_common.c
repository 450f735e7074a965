/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of a line taken one after another, and keyword handlers that several sections share.
 * The schema files call it; it knows no particular section.
 */
#include "config/parse.h"

#include <stdio.h>
#include <string.h>

#include "core/err.h"

const struct lex_token *args_next(struct args *a)
{
    return a->i < a->n ? &a->tok[a->i++] : NULL;
}

bool args_word(struct args *a, const char *word)
{
    if (a->i >= a->n || a->tok[a->i].quoted || !span_eq(a->tok[a->i].s, span_of(word)))
        return false;
    a->i++;
    return true;
}

const struct lex_token *args_need(struct parser *p, const struct keyword *kw, struct args *a,
                                  const char *what)
{
    const struct lex_token *last = &a->tok[a->n - 1];
    struct conf_loc end;

    if (a->i < a->n)
        return &a->tok[a->i++];
    end = parse_loc(p, last);
    end.col = (uint16_t)(last->col + last->width);
    parse_error(p, end, 1, "%s missing: %s", what, kw->syntax);
    return NULL;
}

void args_end(struct parser *p, struct args *a)
{
    if (a->i < a->n)
        parse_token_error(p, &a->tok[a->i], "nothing may follow here, found '%.*s'",
                          SPAN_ARG(a->tok[a->i].s));
    a->i = a->n;
}

bool parse_ref(struct parser *p, const struct lex_token *t, struct conf_ref *ref)
{
    if (!value_is_name(t->s)) {
        parse_token_error(p, t, "'%.*s' is not a name", SPAN_ARG(t->s));
        return false;
    }
    ref->name = parse_strdup(p, t->s);
    ref->loc = parse_loc(p, t);
    ref->id = CONF_NONE;
    return true;
}

const char *parse_duration_text(uint32_t ms, char *buf, size_t size)
{
    static const struct {
        uint32_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;

    while (ms % units[i].ms != 0)
        i++;
    snprintf(buf, size, "%u%s", ms / units[i].ms, units[i].unit);
    return buf;
}

bool parse_duration(struct parser *p, const struct keyword *kw, const struct lex_token *t,
                    uint32_t *ms)
{
    char lo[16], hi[16];
    int err;

    if ((kw->flags & KW_OFF) && span_eq(t->s, SPAN("off"))) {
        *ms = 0;
        return true;
    }
    err = value_duration(t->s, ms);
    if (!err && *ms >= kw->lo && *ms <= kw->hi)
        return true;
    if (err == -EINVAL)
        parse_token_error(p, t, "'%.*s' is not a duration: a number and ms, s, m, h or d, as 30s",
                          SPAN_ARG(t->s));
    else
        parse_token_error(p, t, "'%.*s' is outside %s to %s", SPAN_ARG(t->s),
                          parse_duration_text(kw->lo, lo, sizeof(lo)),
                          parse_duration_text(kw->hi, hi, sizeof(hi)));
    return false;
}

bool parse_number(struct parser *p, const struct lex_token *t, uint32_t lo, uint32_t hi,
                  uint32_t *out)
{
    int err = span_u32(t->s, hi, out);

    if (!err && *out >= lo)
        return true;
    parse_token_error(p, t, "'%.*s' is not a number from %u to %u", SPAN_ARG(t->s), lo, hi);
    return false;
}

int parse_choice(struct parser *p, const struct lex_token *t, const char *const *words)
{
    char choices[192] = "";
    struct nearest near;
    size_t len = 0;
    int i, n;

    nearest_init(&near, t->s);
    for (i = 0; words[i]; i++) {
        if (span_eq(t->s, span_of(words[i])))
            return i;
        nearest_try(&near, words[i]);
        n = snprintf(choices + len, sizeof(choices) - len, "%s%s", len ? ", " : "", words[i]);
        if (n > 0 && (size_t)n < sizeof(choices) - len)
            len += (size_t)n;
    }
    parse_error_meant(p, parse_loc(p, t), t->width, near.best, "'%.*s' is not one of: %s",
                      SPAN_ARG(t->s), choices);
    return -1;
}

void kw_string(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = args_next(args);
    const char *copy;

    (void)kw;
    if (t->s.len == 0) {
        parse_token_error(p, t, "value is empty");
        return;
    }
    copy = parse_strdup(p, t->s);
    memcpy(field, &copy, sizeof(copy));
}

void kw_path(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = &args->tok[args->i];

    /* A daemon has no working directory worth a name. */
    if (t->s.len == 0 || t->s.p[0] != '/') {
        parse_token_error(p, t, "a path begins with '/'");
        return;
    }
    kw_string(p, kw, field, args);
}

void kw_ref(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    (void)kw;
    parse_ref(p, args_next(args), field);
}

void kw_refs(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t;
    struct conf_ref ref;

    (void)kw;
    while ((t = args_next(args))) {
        if (parse_ref(p, t, &ref))
            *(struct conf_ref *)parse_append(p, &p->conf->arena, field, sizeof(ref)) = ref;
    }
}

void kw_ips(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t;
    struct conf_addr a;

    (void)kw;
    while ((t = args_next(args))) {
        memset(&a, 0, sizeof(a));
        if (addr_parse_ip(t->s, &a.addr)) {
            parse_token_error(p, t, "'%.*s' is not an IP address", SPAN_ARG(t->s));
            continue;
        }
        a.loc = parse_loc(p, t);
        *(struct conf_addr *)parse_append(p, &p->conf->arena, field, sizeof(a)) = a;
    }
}

void kw_duration(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    uint32_t ms;

    if (parse_duration(p, kw, args_next(args), &ms))
        memcpy(field, &ms, sizeof(ms));
}

void kw_number(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    uint32_t n;

    if (parse_number(p, args_next(args), kw->lo, kw->hi, &n))
        memcpy(field, &n, sizeof(n));
}

static void bad_limit(struct parser *p, const struct lex_token *t, int err)
{
    if (err == -ERANGE)
        parse_token_error(p, t, "'%.*s' is outside 1 to 1000000", SPAN_ARG(t->s));
    else
        parse_token_error(p, t, "'%.*s' is not a limit: write 800calls, 40cps or burst 8",
                          SPAN_ARG(t->s));
}

static bool same_twice(struct parser *p, const struct lex_token *t, uint32_t before)
{
    if (before != 0)
        parse_token_error(p, t, "second value of the same unit");
    return before != 0;
}

/* One value of a limit. @return false: reported */
static bool limit_value(struct parser *p, const struct lex_token *t, struct conf_limit *l)
{
    uint32_t v;
    int err = value_count(t->s, "calls", CONF_CALLS_MAX, &v);

    if (!err) {
        if (same_twice(p, t, l->calls))
            return false;
        l->calls = v;
        return true;
    }
    if (err == -EINVAL)
        err = value_count(t->s, "cps", CONF_CPS_MAX, &v);
    if (err) {
        bad_limit(p, t, err);
        return false;
    }
    if (same_twice(p, t, l->cps))
        return false;
    l->cps = v;
    return true;
}

void kw_limit(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_limit l = {.calls = 0}, *out = field;
    const struct lex_token *t, *burst = NULL;

    l.loc = parse_loc(p, &args->tok[args->i]);
    while (args->i < args->n) {
        if (args_word(args, "burst")) {
            burst = args_need(p, kw, args, "number of calls");
            if (!burst || !parse_number(p, burst, 1, CONF_CPS_MAX, &l.burst)) {
                return;
            }
            continue;
        }
        t = args_next(args);
        if (!limit_value(p, t, &l)) {
            return;
        }
    }
    if (burst && l.cps == 0) {
        parse_token_error(p, burst, "burst needs a rate, as 40cps");
        return;
    }
    if (l.cps != 0 && l.burst == 0)
        l.burst = l.cps; /* a second's worth: an even load is never cut by jitter */
    *out = l;
}

void kw_dscp(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = args_next(args);

    (void)kw;
    if (value_dscp(t->s, field))
        parse_token_error(p, t, "'%.*s' is not a DSCP: 0 to 63, ef, be, cs0-cs7 or af11-af43",
                          SPAN_ARG(t->s));
}
