/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names and records of ENUM, read strictly: a wrong routing number sends a call to the wrong network.
 * call/lnp.c calls it with what the resolver gave.
 */
#include "sip/enum.h"

#include <errno.h>
#include "sip/hdr.h"
#include "sip/tel.h"

int enum_domain(struct span number, const char *suffix, char out[DNS_NAME_MAX])
{
    size_t n = 0, len = strlen(suffix);

    if (!tel_is_global(number))
        return -EINVAL;
    if (2 * (number.len - 1) + len + 1 > DNS_NAME_MAX)
        return -ENAMETOOLONG;
    for (size_t i = number.len - 1; i > 0; i--) {
        out[n++] = number.p[i];
        out[n++] = '.';
    }
    memcpy(out + n, suffix, len + 1);
    return 0;
}

/* "E2U+pstn:tel", alone or among others: "E2U+sip+pstn:tel" (RFC 6116 §3.4.3.1). */
static bool is_pstn(const char *services)
{
    struct span rest = span_of(services), one;

    span_cut(rest, '+', &one, &rest);
    if (!span_case_eq(one, SPAN("E2U")))
        return false;
    while (!span_is_empty(rest)) {
        span_cut(rest, '+', &one, &rest);
        if (span_case_eq(one, SPAN("pstn:tel")) || span_case_eq(one, SPAN("pstn")))
            return true;
    }
    return false;
}

/* The URI that any number is replaced by: delimiter, expression, delimiter, URI, delimiter, perhaps i (RFC 3402 §3.2). */
static bool plain_replacement(const char *regexp, struct span *uri)
{
    struct span rest = span_of(regexp), expr;
    char delim;

    if (rest.len < 3)
        return false;
    delim = rest.p[0];
    if ((delim >= '0' && delim <= '9') || delim == '\\' || delim == 'i')
        return false;
    rest.p++;
    rest.len--;
    if (!span_cut(rest, delim, &expr, &rest) || !span_cut(rest, delim, uri, &rest))
        return false;
    if (!span_eq(expr, SPAN("^.*$")) && !span_eq(expr, SPAN("^(.*)$")))
        return false;
    if (!span_is_empty(rest) && !span_eq(rest, SPAN("i")))
        return false;
    return span_chr(*uri, '\\') < 0;
}

/* Digits of "+1-215-555-0000", '+' kept. @return length; -EINVAL */
static int digits(struct span s, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (c == '-' || c == '.' || c == '(' || c == ')')
            continue;
        if (!((c >= '0' && c <= '9') || (c == '+' && n == 0)) || n + 1 >= size)
            return -EINVAL;
        out[n++] = c;
    }
    out[n] = '\0';
    return n ? (int)n : -EINVAL;
}

/* RFC 4694 §4: global with '+', or local with its context, which must be a prefix here. */
static bool routing_number(struct span params, struct span rn, char *out, size_t size)
{
    char local[TEL_NUMBER_MAX], context[TEL_NUMBER_MAX];
    struct span ctx;
    int n = digits(rn, local, sizeof local), c;

    if (n < 0)
        return false;
    if (local[0] == '+')
        return tel_is_global(span_of(local)) && span_copy(span_of(local), out, size) > 0;
    if (!hdr_param(params, SPAN("rn-context"), &ctx))
        return false;
    c = digits(ctx, context, sizeof context);
    if (c < 0 || !tel_is_global(span_of(context)) || (size_t)(c + n) >= size)
        return false;
    memcpy(out, context, (size_t)c);
    memcpy(out + c, local, (size_t)n + 1);
    return true;
}

static enum enum_said read_one(const struct dns_rr *rr, struct span number, char *rn, size_t size)
{
    struct span uri, subscriber, params = SPAN_NONE, value;
    char plain[TEL_NUMBER_MAX];

    if (!rr->has_regexp || (strcmp(rr->flags, "u") != 0 && strcmp(rr->flags, "U") != 0) ||
        !is_pstn(rr->services) || !plain_replacement(rr->name, &uri) || uri.len < 5 ||
        !span_case_eq((struct span){uri.p, 4}, SPAN("tel:")))
        return ENUM_NOTHING;
    uri.p += 4;
    uri.len -= 4;
    if (span_cut(uri, ';', &subscriber, &params)) {
        params.p--; /* with its ';' */
        params.len++;
    }
    if (digits(subscriber, plain, sizeof plain) < 0 || !span_eq(span_of(plain), number))
        return ENUM_NOTHING; /* of another number */
    if (!hdr_param(params, SPAN("rn"), &value))
        return ENUM_HOME;
    return routing_number(params, value, rn, size) ? ENUM_PORTED : ENUM_NOTHING;
}

static bool is_before(const struct dns_rr *a, const struct dns_rr *b)
{
    return a->order != b->order ? a->order < b->order : a->preference < b->preference;
}

enum enum_said enum_read(const struct dns_answer *a, struct span number, char *rn, size_t size)
{
    bool done[DNS_RRS_MAX] = {false};

    if (a->status == DNS_NONE)
        return ENUM_HOME;
    for (unsigned round = 0; round < a->n; round++) {
        const struct dns_rr *best = NULL;
        enum enum_said said;

        for (unsigned i = 0; i < a->n; i++)
            if (!done[i] && (!best || is_before(&a->rr[i], best)))
                best = &a->rr[i];
        done[best - a->rr] = true;
        said = read_one(best, number, rn, size);
        if (said != ENUM_NOTHING)
            return said;
    }
    return ENUM_NOTHING;
}
