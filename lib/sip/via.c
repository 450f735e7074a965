/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One Via member, split and checked.
 * Called by msg for the top Via of each message, by txn and tests for others.
 * Knows no message.
 */
#include <errno.h>
#include <string.h>
#include "sip/lex.h"
#include "sip/msg.h"

/* "SIP / 2.0 / UDP" with the blank that must follow. */
static const char *protocol(const char *p, const char *end, struct via *out)
{
    const char *q;

    for (int i = 0; i < 3; i++) {
        q = lex_skip(p, end, LEX_TOKEN);
        if (q == p) {
            return NULL;
        }
        out->transport = lex_span(p, q);
        p = lex_lws(q, end);
        if (i < 2) {
            if (p == end || *p != '/') {
                return NULL;
            }
            p = lex_lws(p + 1, end);
        }
    }
    return p > q ? p : NULL;
}

/* host [":" port], blanks allowed around the colon. */
static const char *sent_by(const char *p, const char *end, struct via *out)
{
    const char *q = p;
    uint32_t port;

    if (p < end && *p == '[') {
        q = memchr(p, ']', (size_t)(end - p));
        q = q ? q + 1 : p;
    } else {
        q = lex_skip(p, end, LEX_HOST);
    }
    out->host = lex_span(p, q);
    if (!uri_host_ok(out->host)) {
        return NULL;
    }
    p = lex_lws(q, end);
    if (p == end || *p != ':') {
        return p;
    }
    p = lex_lws(p + 1, end);
    q = lex_skip(p, end, LEX_DIGIT);
    if (span_u32(lex_span(p, q), 65535, &port) != 0) {
        return NULL;
    }
    out->port = (uint16_t)port;
    return lex_lws(q, end);
}

static int on_param(const struct lex_param *one, struct via *out)
{
    uint32_t v;

    if (LEX_IS(one->name, "branch")) {
        if (out->branch.len > 0 || !lex_all(one->value, LEX_TOKEN)) {
            return -EBADMSG;
        }
        out->branch = one->value;
    } else if (LEX_IS(one->name, "rport")) {
        if (one->value.len > 0 && span_u32(one->value, 65535, &v) != 0) {
            return -EBADMSG;
        }
        out->has_rport = true;
        out->rport = one->value.len > 0 ? (uint16_t)v : 0;
    } else if (LEX_IS(one->name, "received")) {
        out->received = one->value;
    } else if (LEX_IS(one->name, "maddr")) {
        out->maddr = one->value;
    }
    return 0;
}

int via_parse(struct span s, struct via *out)
{
    const char *p, *end;
    struct lex_param one;

    memset(out, 0, sizeof(*out));
    if (s.len == 0 || (s = lex_trim(s)).len == 0) {
        return -EBADMSG;
    }
    end = s.p + s.len;
    out->raw = s;
    p = protocol(s.p, end, out);
    p = p ? sent_by(p, end, out) : NULL;
    if (p == NULL) {
        return -EBADMSG;
    }
    out->params = lex_span(p, end);
    while (p < end) {
        p = lex_param(p, end, &one);
        if (p == NULL || on_param(&one, out) != 0) {
            return -EBADMSG;
        }
        p = lex_lws(p, end);
    }
    return 0;
}
