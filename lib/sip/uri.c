/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * URIs and name-addrs, split and checked.
 * Called by msg for each message and by call/ for headers only it looks into.
 * Knows no message; resolves nothing.
 */
#include <errno.h>
#include "core/addr.h"
#include "sip/hdr.h"
#include "sip/lex.h"
#include "sip/uri.h"

static bool is_hex(char c)
{
    return lex_is(c, LEX_DIGIT) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Whole span of the class, every '%' followed by two hex digits. */
static bool text_ok(struct span s, unsigned cls)
{
    const char *end = s.len ? s.p + s.len : s.p;

    for (const char *p = s.p; p < end; p++) {
        if (!lex_is(*p, cls)) {
            return false;
        }
        if (*p == '%' && (end - p < 3 || !is_hex(p[1]) || !is_hex(p[2]))) {
            return false;
        }
    }
    return true;
}

bool uri_host_ok(struct span host)
{
    struct addr a;

    if (host.len > 0 && host.p[0] == '[') {
        struct span in = {host.p + 1, host.len - 2};

        return host.len > 3 && host.p[host.len - 1] == ']' && span_chr(in, ':') >= 0 &&
               addr_parse_ip(in, &a) == 0;
    }
    /* 255: longest domain name, RFC 1035 §2.3.4 */
    return host.len <= 255 && lex_all(host, LEX_HOST);
}

/* host[:port] in all of s. */
static int host_port(struct span s, struct span *host, uint16_t *port)
{
    const char *p = s.p, *end = p + s.len, *q;
    uint32_t v;

    *port = 0;
    if (p < end && *p == '[') {
        q = memchr(p, ']', (size_t)(end - p));
        q = q ? q + 1 : p;
    } else {
        q = lex_skip(p, end, LEX_HOST);
    }
    *host = lex_span(p, q);
    if (!uri_host_ok(*host)) {
        return -EBADMSG;
    }
    if (q == end) {
        return 0;
    }
    if (*q != ':' || span_u32(lex_span(q + 1, end), 65535, &v) != 0) {
        return -EBADMSG;
    }
    *port = (uint16_t)v;
    return 0;
}

/* ";a=b;c" of a URI: no blanks, no empty member. */
static bool params_ok(struct span s)
{
    const char *p = s.p, *end = s.len ? p + s.len : p;

    while (p < end) {
        const char *q, *eq;

        if (*p != ';') {
            return false;
        }
        q = ++p;
        while (q < end && *q != ';') {
            q++;
        }
        eq = memchr(p, '=', (size_t)(q - p));
        if (!text_ok(lex_span(p, eq ? eq : q), LEX_PARAM) || p == (eq ? eq : q) ||
            (eq && !text_ok(lex_span(eq + 1, q), LEX_PARAM))) {
            return false;
        }
        p = q;
    }
    return true;
}

/* Cut the tail that begins at c off *s. */
static struct span cut_from(struct span *s, char c, bool keep)
{
    const char *p = s->len ? memchr(s->p, c, s->len) : NULL;
    struct span tail = SPAN_NONE;

    if (p) {
        tail = lex_span(keep ? p : p + 1, s->p + s->len);
        s->len = (size_t)(p - s->p);
    }
    return tail;
}

/* userinfo@host:port;params?headers */
static int sip_rest(struct span s, struct sip_uri *u)
{
    const char *at = memchr(s.p, '@', s.len);
    bool has_headers;

    if (at) {
        u->user = lex_span(s.p, at);
        u->password = cut_from(&u->user, ':', false);
        if (u->user.len == 0 || !text_ok(u->user, LEX_USER) || !text_ok(u->password, LEX_USER)) {
            return -EBADMSG;
        }
        s = lex_span(at + 1, s.p + s.len);
    }
    has_headers = s.len > 0 && memchr(s.p, '?', s.len);
    u->headers = cut_from(&s, '?', false);
    u->params = cut_from(&s, ';', true);
    if ((has_headers && u->headers.len == 0) || !text_ok(u->headers, LEX_HDR) ||
        !params_ok(u->params)) {
        return -EBADMSG;
    }
    return host_port(s, &u->host, &u->port);
}

/* RFC 3966: digits and visual separators, or a local number with its context. */
static int tel_rest(struct span s, struct sip_uri *u)
{
    u->user = s;
    u->params = cut_from(&u->user, ';', true);
    for (size_t i = 0; i < u->user.len; i++) {
        char c = u->user.p[i];

        if (!is_hex(c) && !strchr("+-.()*#", c)) {
            return -EBADMSG;
        }
    }
    return u->user.len > 0 && params_ok(u->params) ? 0 : -EBADMSG;
}

/* Of a scheme we do not read: visible characters, none that would end it in a header. */
static int other_rest(struct span s, struct sip_uri *u)
{
    u->user = s;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '<' || s.p[i] == '>' || s.p[i] == '"') {
            return -EBADMSG;
        }
    }
    return s.len > 0 ? 0 : -EBADMSG;
}

static enum uri_scheme scheme_of(struct span s)
{
    if (LEX_IS(s, "sip")) {
        return URI_SIP;
    }
    if (LEX_IS(s, "sips")) {
        return URI_SIPS;
    }
    if (LEX_IS(s, "tel")) {
        return URI_TEL;
    }
    return LEX_IS(s, "urn") ? URI_URN : URI_OTHER;
}

int uri_parse(struct span s, struct sip_uri *out)
{
    struct sip_uri u = {.raw = s};
    struct span rest = s;
    const char *p = s.p, *end;
    int rc;

    if (s.len == 0) {
        return -EBADMSG;
    }
    end = p + s.len;
    /* scheme: ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) */
    while (p < end && (lex_is(*p, LEX_ALPHA | LEX_DIGIT) || *p == '+' || *p == '-' || *p == '.')) {
        p++;
    }
    if (p == s.p || p == end || *p != ':' || !lex_is(*s.p, LEX_ALPHA)) {
        return -EBADMSG;
    }
    u.scheme_name = lex_span(s.p, p);
    u.scheme = scheme_of(u.scheme_name);
    rest = lex_span(p + 1, end);
    if (rest.len == 0) {
        return -EBADMSG;
    }
    switch (u.scheme) {
    case URI_SIP:
    case URI_SIPS: rc = sip_rest(rest, &u); break;
    case URI_TEL: rc = tel_rest(rest, &u); break;
    default: rc = other_rest(rest, &u); break;
    }
    if (rc == 0) {
        *out = u;
    }
    return rc;
}

/* Display name before '<': a quoted string or tokens and blanks (RFC 3261 §25.1). */
static bool display_ok(struct span s)
{
    const char *p = s.p, *end = p + s.len;

    if (s.len > 0 && *p == '"') {
        return lex_quoted(p, end) == end;
    }
    return lex_skip(p, end, LEX_TOKEN | LEX_LWS) == end;
}

/* Header parameters up to the end; the tag is the one everybody wants. */
static int addr_params(const char *p, const char *end, struct name_addr *out)
{
    struct lex_param one;

    p = lex_lws(p, end);
    out->params = lex_span(p, end);
    while (p < end) {
        p = lex_param(p, end, &one);
        if (p == NULL) {
            return -EBADMSG;
        }
        if (LEX_IS(one.name, "tag") && out->tag.len == 0) {
            if (!lex_all(one.value, LEX_TOKEN)) {
                return -EBADMSG;
            }
            out->tag = one.value;
        }
        p = lex_lws(p, end);
    }
    return 0;
}

int name_addr_parse(struct span s, struct name_addr *out)
{
    const char *p, *end, *q, *lt;
    int rc;

    memset(out, 0, sizeof(*out));
    if (s.len == 0 || (s = lex_trim(s)).len == 0) {
        return -EBADMSG;
    }
    out->raw = s;
    p = s.p;
    end = p + s.len;
    if (s.len == 1 && *p == '*') {
        out->is_star = true;
        out->uri = s;
        return 0;
    }
    q = *p == '"' ? lex_quoted(p, end) : p;
    if (q == NULL) {
        return -EBADMSG;
    }
    lt = memchr(q, '<', (size_t)(end - q));
    if (lt) {
        out->display = lex_trim(lex_span(p, lt));
        q = memchr(lt, '>', (size_t)(end - lt));
        if (q == NULL || !display_ok(out->display)) {
            return -EBADMSG;
        }
        out->uri = lex_span(lt + 1, q);
        q++;
    } else {
        q = memchr(p, ';', s.len);
        q = q ? q : end;
        out->uri = lex_trim(lex_span(p, q));
    }
    rc = addr_params(q, end, out);
    if (rc == 0) {
        rc = uri_parse(out->uri, &out->parsed);
    }
    /* RFC 3261 §20: a URI with "?" or "," must stand in <> */
    if (rc == 0 && lt == NULL &&
        (out->parsed.headers.len > 0 || memchr(out->uri.p, ',', out->uri.len))) {
        rc = -EBADMSG;
    }
    return rc;
}

bool uri_param(const struct sip_uri *u, struct span name, struct span *value)
{
    return hdr_param(u->params, name, value);
}

static unsigned hex_value(char c)
{
    return lex_is(c, LEX_DIGIT) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

int uri_user_plain(struct span user, char *buf, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < user.len; i++) {
        unsigned c = (unsigned char)user.p[i];

        if (n + 1 >= size) {
            return -ENOSPC;
        }
        if (c == '%') {
            if (user.len - i < 3 || !is_hex(user.p[i + 1]) || !is_hex(user.p[i + 2])) {
                return -EINVAL;
            }
            c = hex_value(user.p[i + 1]) << 4 | hex_value(user.p[i + 2]);
            i += 2;
        }
        if (c < ' ' || c == 0x7f) {
            return -EINVAL;
        }
        buf[n++] = (char)c;
    }
    if (size == 0) {
        return -ENOSPC;
    }
    buf[n] = '\0';
    return (int)n;
}
