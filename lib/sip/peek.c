/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A first look at a datagram.
 * Called by the gate for every datagram, hostile ones included.
 * Allocates nothing, knows no trunk and no transaction.
 */
#include <errno.h>
#include "sip/hdr.h"
#include "sip/lex.h"
#include "sip/peek.h"

/* What was seen so far, so that of a header that comes twice the first counts. */
enum { SEEN_VIA = 1, SEEN_FROM = 2, SEEN_TO = 4, SEEN_CALL_ID = 8, SEEN_CSEQ = 16, SEEN_ALL = 31 };

#define PEEK_USER_MAX  32  /* bytes of a number compared with the table: E.164 has 15 */
#define PEEK_LINES_MAX 320 /* more than msg_parse's 256 headers: beyond, no look is worth it */

static int bad(struct peek *out, const char *why)
{
    out->why = why;
    return -EBADMSG;
}

static bool version_ok(struct span v)
{
    return v.len == 7 && LEX_IS(((struct span){v.p, 4}), "sip/") && memcmp(v.p + 4, "2.0", 3) == 0;
}

static int status_line(struct span line, struct peek *out)
{
    const char *p = line.p + 7, *end = line.p + line.len;
    uint32_t status;

    if (line.len < 12 || !version_ok((struct span){line.p, 7}) || *p != ' ') {
        return bad(out, "status line");
    }
    if (span_u32((struct span){p + 1, 3}, 699, &status) != 0 || status < 100 ||
        (p + 4 < end && p[4] != ' ')) {
        return bad(out, "status code");
    }
    out->status = (uint16_t)status;
    out->complete = true;
    return 0;
}

/* User part of the Request-URI; tel: the number. */
static struct span ruri_user(struct span uri)
{
    const char *colon = memchr(uri.p, ':', uri.len), *end = uri.p + uri.len, *at, *p;
    struct span scheme, user;

    if (colon == NULL) {
        return SPAN_NONE;
    }
    scheme = lex_span(uri.p, colon);
    user = lex_span(colon + 1, end);
    if (LEX_IS(scheme, "tel")) {
        p = memchr(user.p, ';', user.len);
        return p ? lex_span(user.p, p) : user;
    }
    at = memchr(user.p, '@', user.len);
    if (at == NULL || !(LEX_IS(scheme, "sip") || LEX_IS(scheme, "sips"))) {
        return SPAN_NONE;
    }
    user = lex_span(user.p, at);
    p = memchr(user.p, ':', user.len);
    return p ? lex_span(user.p, p) : user;
}

static int request_line(struct span line, struct peek *out)
{
    const char *p = line.p, *end, *q;
    struct span version;

    line = lex_trim(line);
    end = line.p + line.len;
    q = lex_skip(p, end, LEX_TOKEN);
    if (q == p || q == end || *q != ' ') {
        return bad(out, "no method");
    }
    out->method_name = lex_span(p, q);
    p = end;
    while (p > q && p[-1] != ' ') {
        p--;
    }
    version = lex_span(p, end);
    if (version.len < 5 || !LEX_IS(((struct span){version.p, 4}), "sip/")) {
        return bad(out, "no SIP version");
    }
    out->ruri = lex_trim(lex_span(q, p));
    if (out->ruri.len == 0) {
        return bad(out, "no Request-URI");
    }
    out->is_request = true;
    out->method = sip_method_of(out->method_name);
    out->ruri_user = ruri_user(out->ruri);
    out->complete = version_ok(version);
    return 0;
}

/* Take ";branch=…;rport" of the top Via; what is broken behind the host leaves `complete` false. */
static void via_params(const char *p, const char *end, struct peek *out)
{
    struct lex_param one;

    for (;;) {
        p = lex_lws(p, end);
        if (p == end || *p == ',') {
            return;
        }
        p = lex_param(p, end, &one);
        if (p == NULL) {
            out->complete = false;
            return;
        }
        if (one.name.len == 6 && LEX_IS(one.name, "branch")) {
            out->via_branch = one.value;
        } else if (one.name.len == 5 && LEX_IS(one.name, "rport")) {
            out->has_rport = true;
        }
    }
}

/* "SIP / 2.0 / UDP" and the blank behind it. NULL: not so. */
static const char *via_protocol(const char *p, const char *end)
{
    for (int i = 0; i < 3; i++) {
        const char *q = lex_skip(p, end, LEX_TOKEN);

        if (q == p) {
            return NULL;
        }
        p = lex_lws(q, end);
        if (i < 2) {
            if (p == end || *p != '/') {
                return NULL;
            }
            p = lex_lws(p + 1, end);
        } else if (p == q) {
            return NULL;
        }
    }
    return p;
}

static void on_via(struct span v, struct peek *out)
{
    const char *end = v.p + v.len, *p = via_protocol(v.p, end), *q;
    uint32_t port;

    if (p == NULL || p == end) {
        return;
    }
    if (*p == '[') {
        q = memchr(p, ']', (size_t)(end - p));
        q = q ? q + 1 : p;
    } else {
        q = lex_skip(p, end, LEX_HOST);
    }
    out->via_host = lex_span(p, q);
    p = lex_lws(q, end);
    if (p < end && *p == ':') {
        p = lex_lws(p + 1, end);
        q = lex_skip(p, end, LEX_DIGIT);
        if (span_u32(lex_span(p, q), 65535, &port) != 0) {
            out->complete = false;
        } else {
            out->via_port = (uint16_t)port;
        }
        p = q;
    }
    via_params(p, end, out);
}

/* tag of From or To: behind '>' or, without <>, behind the first ';'. */
static struct span addr_tag(struct span v)
{
    const char *p = v.p, *end = p + v.len, *q;
    struct lex_param one;

    if (v.len > 0 && *p == '"') {
        p = lex_quoted(p, end);
        if (p == NULL) {
            return SPAN_NONE;
        }
    }
    q = memchr(p, '<', (size_t)(end - p));
    p = q ? memchr(q, '>', (size_t)(end - q)) : memchr(p, ';', (size_t)(end - p));
    if (p == NULL) {
        return SPAN_NONE;
    }
    p += q ? 1 : 0;
    while ((p = lex_param(p, end, &one)) != NULL) {
        if (one.name.len == 3 && LEX_IS(one.name, "tag")) {
            return lex_all(one.value, LEX_TOKEN) ? one.value : SPAN_NONE;
        }
    }
    return SPAN_NONE;
}

static void on_cseq(struct span v, struct peek *out)
{
    const char *end = v.p + v.len, *p = lex_skip(v.p, end, LEX_DIGIT), *q;

    q = lex_lws(p, end);
    out->cseq_method_name = lex_span(q, end);
    if (span_u32(lex_span(v.p, p), 0x7fffffffu, &out->cseq) != 0 || q == p ||
        !lex_all(out->cseq_method_name, LEX_TOKEN)) {
        out->cseq_method_name = SPAN_NONE;
        out->complete = false;
        return;
    }
    out->cseq_method = sip_method_of(out->cseq_method_name);
}

/* Of the few headers looked at: which one is at p? */
static unsigned wanted(struct span name)
{
    switch (name.len) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 7:
        switch (hdr_id_of(name)) {
        case HDR_VIA: return SEEN_VIA;
        case HDR_FROM: return SEEN_FROM;
        case HDR_TO: return SEEN_TO;
        case HDR_CALL_ID: return SEEN_CALL_ID;
        case HDR_CSEQ: return SEEN_CSEQ;
        default: return 0;
        }
    default: return 0;
    }
}

static void on_header(unsigned what, struct span v, struct peek *out)
{
    switch (what) {
    case SEEN_VIA: on_via(v, out); break;
    case SEEN_FROM: out->from_tag = addr_tag(v); break;
    case SEEN_TO: out->to_tag = addr_tag(v); break;
    case SEEN_CALL_ID:
        if (v.len > 0 && lex_skip(v.p, v.p + v.len, LEX_LWS) == v.p && !memchr(v.p, ' ', v.len)) {
            out->call_id = v;
        }
        break;
    default: on_cseq(v, out); break;
    }
}

/* First letters of the headers looked at: via from call-id/cseq to i(call-id) resource-priority. */
static bool may_matter(char c)
{
    static const uint32_t letters = 1u << ('v' - 'a') | 1u << ('f' - 'a') | 1u << ('c' - 'a') |
                                    1u << ('t' - 'a') | 1u << ('i' - 'a') | 1u << ('r' - 'a');
    unsigned n = (unsigned)((c | 0x20) - 'a');

    return n < 26 && (letters >> n & 1) != 0;
}

static unsigned look_at_line(const char *p, const char *end, unsigned seen, struct peek *out)
{
    const char *q = lex_skip(p, end, LEX_TOKEN);
    struct span name = lex_span(p, q);
    unsigned what;

    if (name.len == 17 && LEX_IS(name, "resource-priority")) {
        out->has_rph = true;
        return seen;
    }
    what = wanted(name);
    if (what == 0 || (seen & what) != 0) {
        return seen;
    }
    while (q < end && (*q == ' ' || *q == '\t')) {
        q++;
    }
    if (q == end || *q != ':') {
        return seen;
    }
    on_header(what, lex_trim(lex_span(q + 1, end)), out);
    return seen | what;
}

static unsigned headers(const char *p, const char *end, struct peek *out)
{
    unsigned seen = 0;

    for (int lines = 0; p < end && *p != '\r' && *p != '\n' && lines < PEEK_LINES_MAX; lines++) {
        const char *nl = p;

        do {
            nl = memchr(nl, '\n', (size_t)(end - nl));
            nl = nl ? nl + 1 : end;
        } while (nl < end && (*nl == ' ' || *nl == '\t'));
        if (may_matter(*p)) {
            seen = look_at_line(p, nl, seen, out);
        }
        /* A response carries no class: nothing behind these is of interest. */
        if (seen == SEEN_ALL && !out->is_request) {
            break;
        }
        p = nl;
    }
    return seen;
}

static bool is_emergency(const struct peek *p, const struct peek_table *t)
{
    struct span user = p->ruri_user;
    const char *semi;
    char buf[PEEK_USER_MAX];
    size_t n = 0;

    if (p->ruri.len >= 15 && LEX_IS(((struct span){p->ruri.p, 15}), "urn:service:sos")) {
        return p->ruri.len == 15 || p->ruri.p[15] == '.';
    }
    if (t == NULL || user.len == 0) {
        return false;
    }
    semi = memchr(user.p, ';', user.len);
    if (semi) {
        user = lex_span(user.p, semi);
    }
    /* "%39%31%31" is 911 too (RFC 3261 §19.1.4) */
    for (size_t i = 0; i < user.len && n < sizeof(buf); i++) {
        unsigned hi, lo;

        buf[n] = user.p[i];
        if (user.p[i] == '%' && user.len - i > 2) {
            hi = (unsigned char)user.p[i + 1], lo = (unsigned char)user.p[i + 2];
            if (hi == '3' && lo >= '0' && lo <= '9') {
                buf[n] = (char)lo;
                i += 2;
            }
        }
        n++;
    }
    for (size_t i = 0; i < t->n; i++) {
        if (t->user[i].len == n && memcmp(t->user[i].p, buf, n) == 0) {
            return true;
        }
    }
    return false;
}

static void finish(struct peek *out, const struct peek_table *emergency)
{
    if (!out->is_request) {
        out->method = out->cseq_method;
        out->method_name = out->cseq_method_name;
    } else if (is_emergency(out, emergency)) {
        out->cls = SIP_CLASS_EMERGENCY;
    } else if (out->has_rph) {
        out->cls = SIP_CLASS_PRIORITY;
    }
    if (out->call_id.len == 0 || out->from_tag.len == 0 || out->cseq_method_name.len == 0 ||
        (out->is_request && !span_eq(out->method_name, out->cseq_method_name))) {
        out->complete = false;
    }
}

int peek_parse(const char *buf, size_t len, const struct peek_table *emergency, struct peek *out)
{
    const char *p = buf, *end = buf + len, *nl;
    struct span line;
    int rc;

    memset(out, 0, sizeof(*out));
    /* RFC 3261 §7.5: line ends before the start line are ignored */
    while (p < end && (*p == '\r' || *p == '\n')) {
        p++;
    }
    nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    if (nl == NULL) {
        return bad(out, p == end ? "keep-alive" : "no line");
    }
    line = lex_span(p, nl > p && nl[-1] == '\r' ? nl - 1 : nl);
    out->head_len = (size_t)(nl + 1 - buf);
    if (line.len > 4 && LEX_IS(((struct span){p, 4}), "sip/")) {
        rc = status_line(line, out);
    } else {
        rc = request_line(line, out);
    }
    if (rc != 0) {
        return rc;
    }
    headers(nl + 1, end, out);
    if (out->via_host.len == 0) {
        return bad(out, "no top Via");
    }
    finish(out, emergency);
    return 0;
}
