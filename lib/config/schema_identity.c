/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who calls and how numbers and headers are written: trust, identity, diversions, uri, tgrp, header and so on.
 * schema_trunk.c has them in its table; what the words do is the call layer's.
 */
#include <string.h>

#include "config/schema.h"

void kw_trust(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(bool, "yes", "no"); /* the field says untrusted */
}

void kw_uri(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(enum conf_uri, "sip", "phone", "tel");
}

void kw_number_params(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(bool, "keep", "drop");
}

void kw_bodies(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(bool, "all", "sdp");
}

void kw_diversions(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    uint32_t n = 0;

    if (!args_word(args, "off") && !parse_number(p, args_next(args), kw->lo, kw->hi, &n))
        return;
    memcpy(field, &n, sizeof(n));
}

/* ---- identity ---- */

static bool identity_part(struct parser *p, const struct keyword *kw, struct args *args,
                          struct conf_identity *id)
{
    static const char *const parts[] = {"pai", "privacy", "diversion", NULL};
    static const char *const pai[] = {"keep", "drop", "from", NULL};
    static const char *const privacy[] = {"honour", "ignore", NULL};
    static const char *const diversion[] = {"keep", "drop", "diversion", "history-info", NULL};
    static const char *const *const words[] = {pai, privacy, diversion};
    int part = parse_choice(p, args_next(args), parts), i;
    const struct lex_token *t;

    if (part < 0 || !(t = args_need(p, kw, args, "policy")))
        return false;
    i = parse_choice(p, t, words[part]);
    if (i < 0)
        return false;
    switch (part) {
    case 0: id->pai = (enum conf_pai)i; break;
    case 1: id->ignore_privacy = i == 1; break;
    default: id->diversion = (enum conf_diversion)i; break;
    }
    return true;
}

void kw_identity(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_identity id = {.pai = CONF_PAI_KEEP};

    while (args->i < args->n) {
        if (!identity_part(p, kw, args, &id))
            return;
    }
    memcpy(field, &id, sizeof(id));
}

/* ---- tgrp ---- */

/* RFC 4904 §5: a label is made of unreserved characters of a URI and a few more. */
static bool is_label(struct span s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            !memchr("-_.!~*'()/&+$", c, 13))
            return false;
    }
    return s.len > 0 && s.len <= CONF_NAME_MAX;
}

void kw_tgrp(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *label = args_next(args), *context = NULL;
    struct conf_trunk *t = p->obj;
    struct addr ip;

    (void)field;
    if (!is_label(label->s)) {
        parse_token_error(p, label, "'%.*s' is not a label of a trunk group (RFC 4904)",
                          SPAN_ARG(label->s));
        return;
    }
    if (args->i < args->n) {
        if (!args_word(args, "context")) {
            parse_token_error(p, &args->tok[args->i], "expected 'context', found '%.*s'",
                              SPAN_ARG(args->tok[args->i].s));
            return;
        }
        context = args_need(p, kw, args, "domain");
        if (!context)
            return;
        /* A domain, or the leading digits of a number (RFC 4904 §5). */
        if (!schema_is_host(context->s) && !value_is_digits(context->s, true) &&
            addr_parse_ip(context->s, &ip)) {
            parse_token_error(p, context, "'%.*s' is neither a domain nor leading digits",
                              SPAN_ARG(context->s));
            return;
        }
    }
    t->tgrp = parse_strdup(p, label->s);
    t->tgrp_context = context ? parse_strdup(p, context->s) : NULL;
}

/* ---- header ---- */

/* RFC 3261 §25.1: token. */
static bool is_token(struct span s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            !memchr("-.!%*_+`'~", c, 10))
            return false;
    }
    return s.len > 0 && s.len <= CONF_NAME_MAX;
}

/* A header's name; a pattern of names if `star`. NULL: reported. */
static const char *header_name(struct parser *p, const struct lex_token *t, bool star)
{
    struct span s = t->s;
    bool pattern = star && s.len > 0 && s.p[s.len - 1] == '*';

    if (pattern)
        s.len--;
    if (!(pattern && s.len == 0) && (!is_token(s) || memchr(s.p, '*', s.len))) {
        parse_token_error(p, t, "'%.*s' is not a header's name%s", SPAN_ARG(t->s),
                          star                      ? ", or the beginning of one and '*'"
                          : memchr(s.p, '*', s.len) ? ": only 'drop' and 'pass' take a '*'"
                                                    : "");
        return NULL;
    }
    if (!pattern && conf_header_is_reserved(s)) {
        parse_token_error(p, t, "'%.*s' is a header that SIP itself lives on: no rule changes it",
                          SPAN_ARG(t->s));
        return NULL;
    }
    return parse_strdup(p, t->s);
}

static bool is_placeholder(struct span s)
{
    static const char *const words[] = {"called", "caller", "billing", "node",
                                        "trunk",  "call",   "ruri",    NULL};
    uint32_t i;

    for (i = 0; words[i]; i++) {
        if (span_eq(s, span_of(words[i])))
            return true;
    }
    return false;
}

/* Text with {called} and so on in it. */
static bool header_value(struct parser *p, const struct lex_token *t)
{
    struct span s = t->s;
    size_t i, from;

    for (i = 0; i < s.len; i++) {
        if (s.p[i] != '{')
            continue;
        for (from = ++i; i < s.len && s.p[i] != '}'; i++)
            ;
        if (i < s.len && is_placeholder((struct span){s.p + from, i - from}))
            continue;
        parse_token_error(p, t,
                          "in a value '{' begins one of {called} {caller} {billing} {node} "
                          "{trunk} {call} {ruri}");
        return false;
    }
    if (s.len > 0)
        return true;
    parse_token_error(p, t, "value is empty");
    return false;
}

static bool header_rule(struct parser *p, const struct keyword *kw, struct args *args,
                        struct conf_header *h)
{
    static const char *const words[] = {"set", "add", "drop", "rename", "pass", NULL};
    int i = parse_choice(p, args_next(args), words);
    const struct lex_token *t;

    if (i < 0)
        return false;
    h->what = (enum conf_header_do)i;
    t = args_need(p, kw, args, "header");
    if (!t)
        return false;
    h->name = header_name(p, t, h->what == CONF_HEADER_DROP || h->what == CONF_HEADER_PASS);
    if (!h->name)
        return false;
    if (h->what == CONF_HEADER_DROP || h->what == CONF_HEADER_PASS)
        return true;
    t = args_need(p, kw, args, h->what == CONF_HEADER_RENAME ? "new name" : "value");
    if (!t)
        return false;
    if (h->what == CONF_HEADER_RENAME)
        h->value = header_name(p, t, false);
    else if (header_value(p, t))
        h->value = parse_strdup(p, t->s);
    return h->value != NULL;
}

void kw_header(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = &args->tok[args->i];
    struct conf_header h = {.out = strcmp(kw->sub, "out") == 0, .loc = parse_loc(p, t)};

    if (parse_list_view(field).n >= CONF_HEADERS_MAX) {
        parse_token_error(p, t, "more than %u header rules", CONF_HEADERS_MAX);
        return;
    }
    if (header_rule(p, kw, args, &h))
        *(struct conf_header *)parse_append(p, &p->conf->arena, field, sizeof(h)) = h;
}
