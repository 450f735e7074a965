/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Character classes and the small steps every SIP scanner is made of.
 * Private to lib/sip.
 * Knows no header.
 */
#include "sip/lex.h"

/*
 * One byte per character, LEX_* bits. "#" is let into user parts though RFC 3261 wants it escaped: gateways send it in
 * dialled numbers.
 */
const uint8_t lex_class[256] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x3a, 0x00, 0x08, 0x38, 0x3a, 0x38, 0x3a, 0x38, 0x38, 0x3a, 0x3a, 0x08, 0x3e, 0x3e, 0x38,
    0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0x30, 0x08, 0x00, 0x28, 0x00, 0x28,
    0x00, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe,
    0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0x30, 0x00, 0x30, 0x00, 0x3e,
    0x02, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe,
    0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0xbe, 0x00, 0x00, 0x00, 0x3a, 0x00,
};

const char *lex_quoted(const char *p, const char *end)
{
    const char *q = lex_find(p + 1, end, '"');

    if (q == NULL || !lex_find(p + 1, q, '\\')) {
        return q ? q + 1 : NULL;
    }
    for (p++; p < end; p++) {
        if (*p == '"') {
            return p + 1;
        }
        if (*p == '\\') {
            p++;
        }
    }
    return NULL;
}

/* Value of a parameter: quoted string, or token, host and bracketed IPv6 (also without brackets: RFC 5118 §4.5). */
static const char *param_value(const char *p, const char *end, struct span *value)
{
    const char *q = p;

    if (p < end && *p == '"') {
        q = lex_quoted(p, end);
        if (q == NULL) {
            return NULL;
        }
    } else {
        while (q < end && (lex_is(*q, LEX_TOKEN | LEX_PARAM) || *q == '=' || *q == '@')) {
            q++;
        }
        if (q == p) {
            return NULL;
        }
    }
    *value = lex_span(p, q);
    return q;
}

const char *lex_param(const char *p, const char *end, struct lex_param *out)
{
    const char *q;

    p = lex_lws(p, end);
    if (p == end || *p != ';') {
        return NULL;
    }
    p = lex_lws(p + 1, end);
    q = lex_skip(p, end, LEX_TOKEN);
    if (q == p) {
        return NULL;
    }
    out->name = lex_span(p, q);
    out->value = SPAN_NONE;
    p = lex_lws(q, end);
    if (p < end && *p == '=') {
        return param_value(lex_lws(p + 1, end), end, &out->value);
    }
    return q;
}
