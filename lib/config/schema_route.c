/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schema of the sections numbers, route and cdr: keywords, bounds, defaults.
 * parse.c runs the tables; what objects mean to each other is checked in link.c and check.c.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"
#include "core/err.h"

#define FIELD(type, member) offsetof(type, member), sizeof(((type *)0)->member)
#define LIST(member)        offsetof(struct conf, member)

/* ---- numbers ---- */

static const struct keyword rule_kw = {.word = "rule", .syntax = "PATTERN -> RESULT [class NAME]"};

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
    .list_off = LIST(numbers),
    .size = sizeof(struct conf_numbers),
    .header = numbers_header,
    .line = numbers_line,
    .close = close_numbers,
};

/* ---- route ---- */

/* [via] T then T … [max N attempts]; the word `via` is taken already. */
static bool via(struct parser *p, const struct keyword *kw, struct args *args,
                struct conf_route_line *l)
{
    const struct lex_token *t;
    struct conf_target *target;
    struct conf_ref ref;
    uint8_t tier = 0;

    do {
        if (!(t = args_need(p, kw, args, "trunk or group")) || !parse_ref(p, t, &ref))
            return false;
        if (l->via.n >= CONF_CANDIDATES_MAX) {
            parse_token_error(p, t, "more than %u targets", CONF_CANDIDATES_MAX);
            return false;
        }
        target = APPEND(p, l->via);
        *target = (struct conf_target){.ref = ref, .weight = 100, .tier = tier++};
    } while (args_word(args, "then"));
    if (!args_word(args, "max"))
        return true;
    if (!(t = args_need(p, kw, args, "number")) ||
        !parse_number(p, t, 1, CONF_CANDIDATES_MAX, &l->max_attempts))
        return false;
    if (!(t = args_need(p, kw, args, "'attempts'")))
        return false;
    if (!span_eq(t->s, SPAN("attempts"))) {
        parse_token_error(p, t, "expected 'attempts', found '%.*s'", SPAN_ARG(t->s));
        return false;
    }
    return true;
}

static bool cause(struct parser *p, const struct keyword *kw, struct args *args,
                  struct conf_route_line *l)
{
    const struct lex_token *t = args_need(p, kw, args, "code");
    uint32_t code;

    if (!t || !parse_number(p, t, 400, CONF_CODE_MAX, &code))
        return false;
    l->cause = (uint16_t)code;
    if (args->i >= args->n)
        return true;
    t = args_next(args);
    if (!t->quoted || t->s.len == 0) {
        parse_token_error(p, t, "a reason phrase is written in quotes");
        return false;
    }
    l->reason = parse_strdup(p, t->s);
    return true;
}

/* What a line does. @return false: reported */
static bool action(struct parser *p, const struct keyword *kw, struct args *args,
                   struct conf_route_line *l)
{
    const struct lex_token *t;

    if (args_word(args, "via"))
        return via(p, kw, args, l);
    if (l->kind != CONF_ROUTE_EMERGENCY && args_word(args, "cause"))
        return cause(p, kw, args, l);
    t = args_need(p, kw, args, l->kind == CONF_ROUTE_EMERGENCY ? "'via'" : "'via' or 'cause'");
    if (!t)
        return false;
    if (span_eq(t->s, SPAN("lcr")) || span_eq(t->s, SPAN("announce")) || span_eq(t->s, SPAN("use")))
        parse_token_error(p, t, "'%.*s' is not served by this version", SPAN_ARG(t->s));
    else
        parse_token_error(p, t, "expected %s, found '%.*s'",
                          l->kind == CONF_ROUTE_EMERGENCY ? "'via'" : "'via' or 'cause'",
                          SPAN_ARG(t->s));
    return false;
}

static void store_line(struct parser *p, struct conf_route_line *l)
{
    struct conf_route *r = p->obj;

    *(struct conf_route_line *)APPEND(p, r->line) = *l;
}

static void kw_prefix(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_route_line l = {
        .kind = CONF_ROUTE_PREFIX, .max_cost = -1, .cond.when.id = CONF_NONE};
    const struct lex_token *t;
    const char *copy;

    (void)field;
    l.loc = parse_loc(p, &args->tok[0]);
    while (args->i < args->n) {
        t = &args->tok[args->i];
        if (span_eq(t->s, SPAN("via")) || span_eq(t->s, SPAN("cause")))
            break;
        if (!value_is_digits(t->s, true)) {
            if (l.prefix.n > 0)
                break; /* action() says what it expected */
            parse_token_error(p, t, "'%.*s' is not a prefix: digits, a '+' may stand first",
                              SPAN_ARG(t->s));
            return;
        }
        copy = parse_strdup(p, t->s);
        *(const char **)APPEND(p, l.prefix) = copy;
        args->i++;
    }
    if (l.prefix.n == 0) {
        parse_token_error(p, &args->tok[args->i], "a prefix must stand here: %s", kw->syntax);
        return;
    }
    if (action(p, kw, args, &l))
        store_line(p, &l);
}

static void kw_other_line(struct parser *p, const struct keyword *kw, void *field,
                          struct args *args)
{
    struct conf_route_line l = {
        .kind = CONF_ROUTE_DEFAULT, .max_cost = -1, .cond.when.id = CONF_NONE};

    (void)field;
    l.loc = parse_loc(p, &args->tok[0]);
    if (strcmp(kw->word, "emergency") == 0)
        l.kind = CONF_ROUTE_EMERGENCY;
    if (action(p, kw, args, &l))
        store_line(p, &l);
}

static void route_defaults(void *obj)
{
    struct conf_route *r = obj;

    r->dip.lnp.id = CONF_NONE;
    r->dip.timeout_ms = 80;
}

static void close_route(struct parser *p, void *obj, bool clean)
{
    const struct conf_route *r = obj;

    if (clean && r->line.n == 0)
        parse_error(p, r->loc, strlen(r->name), "route '%s' has no line", r->name);
}

#define VMAX CONF_VALUES_MAX

static const struct keyword route_kw[] = {
    {"prefix", NULL, kw_prefix, 0, 0, 2, VMAX, KW_REPEAT, 0, 0,
     "prefix P... via TARGET [then TARGET...] [max N attempts] | prefix P... cause CODE [\"TEXT\"]"},
    {"default", NULL, kw_other_line, 0, 0, 1, VMAX, 0, 0, 0,
     "default via TARGET [then TARGET...] [max N attempts] | default cause CODE [\"TEXT\"]"},
    {"emergency", NULL, kw_other_line, 0, 0, 1, VMAX, 0, 0, 0,
     "emergency via TARGET [then TARGET...] [max N attempts]"},
};

const struct section section_route = {
    .word = "route",
    .list_off = LIST(route),
    .size = sizeof(struct conf_route),
    .kw = route_kw,
    .n_kw = COUNT(route_kw),
    .defaults = route_defaults,
    .close = close_route,
};

/* ---- cdr ---- */

static bool rotate_size(struct parser *p, const struct keyword *kw, struct args *args,
                        uint64_t *bytes)
{
    const struct lex_token *t = args_need(p, kw, args, "size");

    if (!t)
        return false;
    /* 1 MB: smaller files are a flood of files; the queue alone may hold more. */
    if (value_size(t->s, bytes) == 0 && *bytes >= 1000000)
        return true;
    parse_token_error(p, t, "'%.*s' is not a size from 1MB to 1000GB", SPAN_ARG(t->s));
    return false;
}

/* strftime(3) conversions that a file name can have; all are fixed width or a name. */
static bool good_pattern(struct parser *p, const struct lex_token *t)
{
    struct conf_loc loc = parse_loc(p, t);
    size_t i;

    for (i = 0; i < t->s.len; i++) {
        if (t->s.p[i] != '%')
            continue;
        if (i + 1 < t->s.len && strchr("YmdHMSjs%", t->s.p[i + 1])) {
            i++;
            continue;
        }
        loc.col = (uint16_t)(loc.col + i + (t->quoted ? 1 : 0));
        parse_error(p, loc, 1, "only %%Y %%m %%d %%H %%M %%S %%j %%s and %%%% are known");
        return false;
    }
    return true;
}

static void kw_file(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_cdr *c = p->obj;
    const struct lex_token *t = &args->tok[args->i];
    uint32_t errors = p->errs->errors;

    kw_path(p, kw, field, args);
    if (p->errs->errors != errors || !good_pattern(p, t))
        return;
    while (args->i < args->n) {
        if (args_word(args, "rotate")) {
            if (!(t = args_need(p, kw, args, "duration")) ||
                !parse_duration(p, kw, t, &c->rotate_ms))
                return;
        } else if (args_word(args, "size")) {
            if (!rotate_size(p, kw, args, &c->rotate_bytes))
                return;
        } else {
            return; /* the caller reports what is left */
        }
    }
}

static void kw_format(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    static const char *const words[] = {"json", "csv", NULL};
    enum conf_cdr_format v;
    int i = parse_choice(p, args_next(args), words);

    (void)kw;
    if (i < 0)
        return;
    v = i == 0 ? CONF_CDR_JSON : CONF_CDR_CSV;
    memcpy(field, &v, sizeof(v));
}

static void cdr_defaults(void *obj)
{
    struct conf_cdr *c = obj;

    c->rotate_ms = 3600000;
    c->interim_ms = 1800000;
}

static void close_cdr(struct parser *p, void *obj, bool clean)
{
    const struct conf_cdr *c = obj;

    if (clean && !c->file)
        parse_error(p, c->loc, strlen(c->name), "cdr '%s' has no file", c->name);
}

#define D(member) FIELD(struct conf_cdr, member)

/* rotate: below a minute it floods the directory. interim: below 10 s it is a trace, not a record. */
static const struct keyword cdr_kw[] = {
    {"file", NULL, kw_file, D(file), 1, 5, KW_OFF, 60000, 7 * 86400000U,
     "file PATH [rotate DURATION|off] [size N]"},
    {"format", NULL, kw_format, D(format), 1, 1, 0, 0, 0, "format json|csv"},
    {"interim", NULL, kw_duration, D(interim_ms), 1, 1, KW_OFF, 10000, 86400000U,
     "interim DURATION|off"},
};

const struct section section_cdr = {
    .word = "cdr",
    .list_off = LIST(cdr),
    .size = sizeof(struct conf_cdr),
    .kw = cdr_kw,
    .n_kw = COUNT(cdr_kw),
    .defaults = cdr_defaults,
    .close = close_cdr,
};
