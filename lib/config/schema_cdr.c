/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schema of the section cdr: keywords, bounds, defaults.
 * parse.c runs the tables; what objects mean to each other is checked in link.c and check.c.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"
#include "core/err.h"

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
     "file PATH [rotate DURATION|off] [size N]",
     "where records are written; %Y%m%d-%H as in strftime(3)"},
    {"format", NULL, kw_format, D(format), 1, 1, 0, 0, 0, "format json|csv",
     "json: an object a line; csv: a row a line"},
    {"interim", NULL, kw_duration, D(interim_ms), 1, 1, KW_OFF, 10000, 86400000U,
     "interim DURATION|off", "how often a call that goes on is recorded"},
};

const struct section section_cdr = {
    .word = "cdr",
    .syntax = "cdr NAME",
    .help = "a file of records",
    .list_off = LIST(cdr),
    .size = sizeof(struct conf_cdr),
    .kw = cdr_kw,
    .n_kw = COUNT(cdr_kw),
    .defaults = cdr_defaults,
    .close = close_cdr,
};
