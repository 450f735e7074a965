/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telephone numbers of URIs, reduced to what routing compares.
 * Called by lib/call for each INVITE and for identities; knows no numbering plan.
 */
#include "sip/tel.h"

#include <errno.h>
#include "sip/hdr.h"
#include "sip/lex.h"

#define TEXT(s)            \
    {                      \
        (s), sizeof(s) - 1 \
    }

bool tel_is_number(struct span s)
{
    size_t i = s.len > 0 && s.p[0] == '+' ? 1 : 0;

    if (i == s.len)
        return false;
    for (; i < s.len; i++)
        if (!lex_is(s.p[i], LEX_DIGIT))
            return false;
    return true;
}

bool tel_is_global(struct span s)
{
    return s.len > 1 && s.p[0] == '+' && tel_is_number(s);
}

struct span tel_params(const struct sip_uri *u)
{
    ptrdiff_t at;

    if (u->scheme == URI_TEL)
        return u->params;
    at = span_chr(u->user, ';');
    return at < 0 ? SPAN_NONE : (struct span){u->user.p + at, u->user.len - (size_t)at};
}

/* Digits and the letters of a keypad; separators are dropped. -EINVAL: another character */
static int digits_of(const char *in, size_t n, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        if (lex_is(in[i], LEX_DIGIT) || strchr("+*#ABCDabcd", in[i]))
            out[len++] = in[i];
        else if (!strchr("-.()", in[i]))
            return -EINVAL;
    }
    out[len] = '\0';
    return len ? (int)len : -EINVAL;
}

/* "5550123;phone-context=+1202" is +12025550123. A domain as context says whose number it is, not which. */
static int put_context(const struct sip_uri *u, char *buf, size_t size, int len)
{
    char prefix[TEL_NUMBER_MAX];
    struct span context;
    int n;

    if (buf[0] == '+' || !hdr_param(tel_params(u), SPAN("phone-context"), &context) ||
        context.len == 0 || context.len >= sizeof prefix || context.p[0] != '+')
        return len;
    n = digits_of(context.p, context.len, prefix);
    if (n < 0 || !tel_is_global((struct span){prefix, (size_t)n}))
        return len;
    if ((size_t)(n + len) >= size)
        return -ENOSPC;
    memmove(buf + n, buf, (size_t)len + 1);
    memcpy(buf, prefix, (size_t)n);
    return n + len;
}

int tel_number(const struct sip_uri *u, char *buf, size_t size)
{
    char plain[2 * TEL_NUMBER_MAX];
    struct span user, rest;
    bool separated;
    int n;

    span_cut(u->user, ';', &user, &rest);
    n = uri_user_plain(user, plain, sizeof plain);
    if (n <= 0)
        return n < 0 ? n : -EINVAL;
    if ((size_t)n >= size)
        return -ENOSPC;
    separated = strpbrk(plain, "-.()") != NULL;
    n = digits_of(plain, (size_t)n, buf);
    if (n < 0)
        return n;
    /* "a.b" may be somebody's name: without word that it is a number, letters and separators are not mixed */
    if (separated && u->scheme != URI_TEL && !tel_is_number((struct span){buf, (size_t)n}) &&
        !(uri_param(u, SPAN("user"), &rest) && span_case_eq(rest, SPAN("phone"))))
        return -EINVAL;
    return put_context(u, buf, size, n);
}

bool tel_param_crosses(struct span name, struct span value)
{
    static const struct span plain[] = {
        TEXT("npdi"), TEXT("rn"),  TEXT("cic"), TEXT("enumdi"),        TEXT("isub"),
        TEXT("ext"),  TEXT("cpc"), TEXT("oli"), TEXT("isub-encoding"),
    };

    if (span_case_eq(name, SPAN("rn-context")) || span_case_eq(name, SPAN("cic-context")))
        return value.len > 1 && value.p[0] == '+' && span_chr(value, '@') < 0 &&
               tel_is_number((struct span){value.p + 1, value.len - 1});
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (span_case_eq(name, plain[i]))
            return span_chr(value, '@') < 0;
    return false;
}
