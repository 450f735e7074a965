/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a datagram to a struct msg: lines split here, fields checked here and once more by osipparser2.
 * Called by the worker once per message that the gate let through.
 * Knows no transaction; the only file that names the parser library.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>
#include "core/sanitize.h"
#include "sip/lex.h"
#include "sip/msg.h"

/* Builds that look for faults ask the second parser about everything, and stop where plain text is not as plain as thought. */
#ifdef SANITIZE_ADDRESS
#define CHECK_PLAIN true
#else
#define CHECK_PLAIN false
#endif

#define MSG_OSIP_MAX \
    4096 /* longest field given to osip: it copies parts of it to fixed places of its own making */

/* Headers that may come once (RFC 3261 §20 and the RFCs of the extensions); a second one is an attack on whoever reads the other. */
static const bool msg_singleton[HDR_N] = {
    [HDR_TO] = true,
    [HDR_FROM] = true,
    [HDR_CALL_ID] = true,
    [HDR_CSEQ] = true,
    [HDR_MAX_FORWARDS] = true,
    [HDR_CONTENT_LENGTH] = true,
    [HDR_CONTENT_TYPE] = true,
    [HDR_CONTENT_DISPOSITION] = true,
    [HDR_RSEQ] = true,
    [HDR_RACK] = true,
    [HDR_EXPIRES] = true,
    [HDR_SESSION_EXPIRES] = true,
    [HDR_MIN_SE] = true,
    [HDR_EVENT] = true,
    [HDR_REFER_TO] = true,
    [HDR_REFERRED_BY] = true,
    [HDR_REPLACES] = true,
    [HDR_TARGET_DIALOG] = true,
    [HDR_SUBSCRIPTION_STATE] = true,
    [HDR_RETRY_AFTER] = true,
    [HDR_TIMESTAMP] = true,
};

/* ---- osipparser2 in the arena ---- */

static _Thread_local struct arena *osip_arena; /* of the message being parsed */
static _Thread_local bool osip_starved;        /* osip says "bad" where it means "no room" */

/* osip reallocates without saying the old size: keep it in front. */
struct osip_block {
    size_t bytes;
    size_t align; /* the arena's 16 bytes */
};

static void *osip_in_arena(size_t bytes)
{
    struct osip_block *b = osip_arena ? arena_alloc(osip_arena, sizeof(*b) + bytes) : NULL;

    if (b == NULL) {
        osip_starved = true;
        return NULL;
    }
    b->bytes = bytes;
    return b + 1;
}

static void *osip_regrow(void *old, size_t bytes)
{
    struct osip_block *b = old;
    void *p = osip_in_arena(bytes);

    if (p && b) {
        b--;
        memcpy(p, old, b->bytes < bytes ? b->bytes : bytes);
    }
    return p;
}

static void osip_no_free(void *p)
{
    (void)p;
}

static void osip_setup(void)
{
    osip_set_allocators(osip_in_arena, osip_regrow, osip_no_free);
    parser_init();
}

static pthread_once_t osip_once = PTHREAD_ONCE_INIT;

/* Terminated copy for osip; NULL: too long for it or no room. */
static char *osip_text(struct arena *a, struct span s)
{
    char *text = s.len <= MSG_OSIP_MAX ? arena_strdup(a, s) : NULL;

    osip_starved = osip_starved || (text == NULL && s.len <= MSG_OSIP_MAX);
    return text;
}

/*
 * A second opinion on a sip URI: two parsers must agree on where the host is, or someone is fooling one of them. It is
 * asked for sip and sips only. Of what uri_parse lets through it refuses an empty password and a port behind a row of
 * zeros, which nobody sends.
 */
static bool osip_uri_agrees(struct arena *a, const struct sip_uri *u)
{
    osip_uri_t *o = NULL;
    char *text;
    struct span host = u->host;

    if (u->scheme != URI_SIP && u->scheme != URI_SIPS) {
        return true;
    }
    text = osip_text(a, u->raw);
    if (text == NULL || osip_uri_init(&o) != 0 || osip_uri_parse(o, text) != 0 || !o->host) {
        return false;
    }
    if (host.p[0] == '[') {
        host = (struct span){host.p + 1, host.len - 2};
    }
    return span_case_eq(span_of(o->host), host);
}

static bool osip_via_agrees(struct arena *a, const struct via *v)
{
    osip_via_t *o = NULL;
    char *text = osip_text(a, v->raw);
    struct span host = v->host;

    for (char *p = text; p && *p; p++) {
        if (*p == '\t') {
            *p = ' '; /* osip knows one blank only */
        }
    }
    if (text == NULL || osip_via_init(&o) != 0 || osip_via_parse(o, text) != 0 || !o->host) {
        return false;
    }
    if (host.p[0] == '[') {
        host = (struct span){host.p + 1, host.len - 2};
    }
    return span_case_eq(span_of(o->host), host);
}

/* Nothing but letters, digits, "-._" and these two. */
static bool is_plain(struct span s, char also, char or_also)
{
    const char *p = s.p, *end = s.len ? p + s.len : p;

    while (p < end && (lex_is(*p, LEX_HOST) || *p == also || *p == or_also)) {
        p++;
    }
    return p == end;
}

/* No more than ":65535": osip is asked about zeros in front. */
static bool port_is_plain(const struct sip_uri *u)
{
    const char *end = u->params.len > 0 ? u->params.p : u->raw.p + u->raw.len;

    return u->host.len == 0 || end - (u->host.p + u->host.len) <= 6;
}

/* "sip:+user@host:port;a=b" without escape, quote, password, header or bracket can be read in one way only. */
static bool uri_is_plain(const struct sip_uri *u)
{
    if (u->raw.len > MSG_OSIP_MAX || u->headers.len > 0 || !port_is_plain(u) ||
        (u->user.len > 0 && u->user.p[u->user.len] != '@')) {
        return false;
    }
    return is_plain(u->user, '+', '+') && is_plain(u->host, '.', '.') &&
           is_plain(u->params, ';', '=');
}

/* Such text needs no second opinion, which is a third of the parsing. */
static bool uri_agrees(struct arena *a, const struct sip_uri *u)
{
    bool plain = uri_is_plain(u);

    assert(!plain || !CHECK_PLAIN || osip_uri_agrees(a, u) || osip_starved);
    return plain || osip_uri_agrees(a, u);
}

/* "SIP/2.0/UDP host:port;branch=x;rport" likewise. */
static bool via_is_plain(const struct via *v)
{
    const char *p = v->host.p + v->host.len;

    if (p < v->params.p && *p == ':') {
        p = lex_skip(p + 1, v->params.p, LEX_DIGIT);
    }
    return p == v->params.p && v->raw.len <= MSG_OSIP_MAX && v->host.p[-1] == ' ' &&
           is_plain(lex_span(v->raw.p, v->host.p - 1), '/', '/') && is_plain(v->host, '.', '.') &&
           is_plain(v->params, ';', '=');
}

static bool via_agrees(struct arena *a, const struct via *v)
{
    bool plain = via_is_plain(v);

    assert(!plain || !CHECK_PLAIN || osip_via_agrees(a, v) || osip_starved);
    return plain || osip_via_agrees(a, v);
}

/* ---- refusals ---- */

/* The first finding is the answer; later ones are its consequences. */
static void refuse(struct msg_error *err, uint16_t status, const char *text)
{
    if (err->text == NULL) {
        err->status = status;
        err->text = text;
    }
}

/* ---- start line ---- */

static bool version_ok(struct span v)
{
    return v.len == 7 && LEX_IS(((struct span){v.p, 4}), "sip/") && memcmp(v.p + 4, "2.0", 3) == 0;
}

/* Bytes of a reason phrase: UTF-8 and all printable ones, no control characters (RFC 3261 §25.1). */
static bool reason_ok(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static void status_line(struct msg *m, struct span line, struct msg_error *err)
{
    uint32_t status = 0;

    /* "SIP/2.0 200 " is 12 bytes; a missing last blank is common and harmless */
    if (line.len < 11 || !version_ok((struct span){line.p, 7}) || line.p[7] != ' ') {
        refuse(err, 0, "Bad Status Line");
        return;
    }
    if (span_u32((struct span){line.p + 8, 3}, 699, &status) != 0 || status < 100 ||
        (line.len > 11 && line.p[11] != ' ')) {
        refuse(err, 0, "Bad Status Code");
        return;
    }
    m->status = (uint16_t)status;
    if (line.len > 12) {
        m->reason = (struct span){line.p + 12, line.len - 12};
    }
    if (!reason_ok(m->reason)) {
        refuse(err, 0, "Bad Reason Phrase");
    }
}

/* One blank between the parts, none around (RFC 3261 §7.1; RFC 4475 §3.1.2.8 to .10). */
static void request_line(struct msg *m, struct span line, struct msg_error *err)
{
    const char *p = line.p, *end = p + line.len, *q = lex_skip(p, end, LEX_TOKEN), *v;

    m->is_request = true;
    m->method_name = lex_span(p, q);
    m->method = sip_method_of(m->method_name);
    if (q == p || q == end || *q != ' ') {
        refuse(err, 400, "Bad Request Line");
        return;
    }
    p = q + 1;
    v = memchr(p, ' ', (size_t)(end - p));
    if (v == NULL) {
        refuse(err, 400, "Bad Request Line");
        return;
    }
    m->ruri = lex_span(p, v);
    /* The version first: of another one nothing else can be said. */
    if (end - v > 5 && LEX_IS(((struct span){v + 1, 4}), "sip/") &&
        !memchr(v + 1, ' ', (size_t)(end - v - 1)) && !version_ok(lex_span(v + 1, end))) {
        refuse(err, 505, "Version Not Supported");
    } else if (!version_ok(lex_span(v + 1, end)) || m->ruri.len == 0) {
        refuse(err, 400, "Bad Request Line");
    }
}

static void check_ruri(struct msg *m, struct arena *a, struct msg_error *err)
{
    if (uri_parse(m->ruri, &m->uri) != 0) {
        refuse(err, 400, "Bad Request-URI");
    } else if (m->uri.scheme == URI_OTHER) {
        refuse(err, 416, "Unsupported URI Scheme");
    } else if (m->uri.headers.len > 0) {
        /* RFC 3261 §19.1.1: not allowed in a Request-URI */
        refuse(err, 400, "Headers in Request-URI");
    } else if (!uri_agrees(a, &m->uri)) {
        refuse(err, 400, "Bad Request-URI");
    }
}

/* ---- header lines ---- */

/* "a CRLF SP b" becomes "a b" (RFC 3261 §7.3.1). 0 or -ENOMEM; -EBADMSG a CR that begins no line end. */
static int unfold(struct arena *a, struct span *v)
{
    const char *p = v->p, *end = p + v->len;
    char *to, *out;

    if (v->len == 0 || (!memchr(p, '\n', v->len) && !memchr(p, '\r', v->len))) {
        return 0;
    }
    to = out = arena_alloc(a, v->len);
    if (out == NULL) {
        return -ENOMEM;
    }
    while (p < end) {
        if (*p == '\r' && (p + 1 == end || p[1] != '\n')) {
            return -EBADMSG;
        }
        if (*p == '\r' || *p == '\n') {
            p = lex_lws(p, end);
            *to++ = ' ';
        } else {
            *to++ = *p++;
        }
    }
    *v = lex_span(out, to);
    return 0;
}

/* NUL may stand in a header as an escaped pair of a quoted string only (RFC 4475 §3.1.1.2). */
static bool nul_ok(struct span s)
{
    const char *p = s.p, *end = p + s.len;

    while (p < end) {
        if (*p == '\0') {
            return false;
        }
        if (*p == '"') {
            p = lex_quoted(p, end);
            if (p == NULL) {
                return false;
            }
        } else {
            p++;
        }
    }
    return true;
}

/* Quoted strings of s hold no bare NUL. */
static bool nul_escaped(struct span s)
{
    if (!memchr(s.p, '\0', s.len)) {
        return true;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '\0' && (i == 0 || s.p[i - 1] != '\\')) {
            return false;
        }
    }
    return nul_ok(s);
}

static struct hdr *grow(struct arena *a, struct hdr *h, unsigned *cap)
{
    unsigned want = *cap ? *cap * 2 : 32; /* an INVITE has about 20 */
    struct hdr *n = arena_realloc(a, h, *cap * sizeof(*h), want * sizeof(*h));

    if (n) {
        *cap = want;
    }
    return n;
}

/* Split all header lines; what is left of *rest is the body. 0, -ENOMEM or, without an end, -EBADMSG. */
static int split(struct msg *m, struct arena *a, struct span *rest, struct msg_error *err)
{
    struct hdr *h = NULL;
    unsigned n = 0, cap = 0;
    int rc;

    for (;;) {
        if (n == cap) {
            if (cap == MSG_HDRS_MAX) {
                struct hdr more;

                if (hdr_next(rest, &more) != 0) {
                    refuse(err, 400, "Too Many Headers");
                    rest->len = 0;
                }
                break;
            }
            h = grow(a, h, &cap);
            if (h == NULL) {
                return -ENOMEM;
            }
            m->hdrs = h;
        }
        rc = hdr_next(rest, &h[n]);
        if (rc == 0) {
            break;
        }
        if (rc < 0) {
            refuse(err, 400, rest->len ? "Bad Header Line" : "No Empty Line");
            if (rest->len == 0) {
                break;
            }
            continue;
        }
        n++;
    }
    m->n_hdrs = n;
    return 0;
}

/* Unfold the values, note the first of each kind, refuse a second one where there may be one. */
static int index_headers(struct msg *m, struct arena *a, bool nul, struct msg_error *err)
{
    struct hdr *h = (struct hdr *)(uintptr_t)m->hdrs; /* ours until msg_parse returns */

    for (unsigned i = 0; i < m->n_hdrs; i++) {
        int rc = unfold(a, &h[i].value);

        if (rc == -ENOMEM) {
            return rc;
        }
        if (rc != 0 || (nul && !nul_escaped(h[i].raw))) {
            refuse(err, 400, "Control Character in Header");
            h[i].value = SPAN_NONE;
        }
        if (m->first[h[i].id] == 0) {
            m->first[h[i].id] = (uint16_t)(i + 1);
        } else if (msg_singleton[h[i].id]) {
            refuse(err, 400, "Duplicate Header");
        }
    }
    return 0;
}

/* ---- fields ---- */

static void check_vias(struct msg *m, struct arena *a, struct msg_error *err)
{
    struct span rest, item;

    for (unsigned i = m->first[HDR_VIA]; i > 0 && i <= m->n_hdrs; i++) {
        if (m->hdrs[i - 1].id != HDR_VIA) {
            continue;
        }
        rest = m->hdrs[i - 1].value;
        /* An empty first member would let two readers differ on which is the top one */
        if (rest.len == 0 || *rest.p == ',') {
            refuse(err, 400, "Bad Via");
        }
        while (hdr_list_next(&rest, &item)) {
            if (m->via_count++ == 0 && (via_parse(item, &m->via) != 0 || !via_agrees(a, &m->via))) {
                refuse(err, 400, "Bad Via");
            }
        }
    }
    if (m->via_count == 0) {
        refuse(err, 0, "No Via");
        err->status = 0;
    } else if (m->via_count > MSG_VIAS_MAX) {
        refuse(err, 400, "Too Many Vias");
    }
}

static void check_addr(struct msg *m, struct arena *a, enum hdr_id id, struct name_addr *out,
                       struct msg_error *err)
{
    if (m->first[id] == 0) {
        refuse(err, 400, id == HDR_FROM ? "No From" : "No To");
    } else if (name_addr_parse(msg_value(m, id), out) != 0 || out->is_star ||
               !uri_agrees(a, &out->parsed)) {
        refuse(err, 400, id == HDR_FROM ? "Bad From" : "Bad To");
    }
}

static void check_contacts(struct msg *m, struct arena *a, struct msg_error *err)
{
    struct span rest, item;

    for (unsigned i = m->first[HDR_CONTACT]; i > 0 && i <= m->n_hdrs; i++) {
        if (m->hdrs[i - 1].id != HDR_CONTACT) {
            continue;
        }
        rest = m->hdrs[i - 1].value;
        while (hdr_list_next(&rest, &item)) {
            struct name_addr *c = &m->contact[m->n_contacts];

            if (m->n_contacts == MSG_CONTACTS_MAX) {
                refuse(err, 400, "Too Many Contacts");
                return;
            }
            if (name_addr_parse(item, c) != 0 || (c->is_star && m->method != SIP_REGISTER) ||
                !(c->is_star || uri_agrees(a, &c->parsed))) {
                refuse(err, 400, "Bad Contact");
                return;
            }
            m->n_contacts++;
        }
    }
}

/* word ["@" word]: no blanks, nothing outside ASCII (RFC 3261 §25.1). */
static void check_call_id(struct msg *m, struct msg_error *err)
{
    struct span v = msg_value(m, HDR_CALL_ID);
    bool ok = v.len > 0;

    for (size_t i = 0; i < v.len; i++) {
        ok = ok && v.p[i] > ' ' && v.p[i] < 0x7f;
    }
    if (!ok) {
        refuse(err, 400, m->first[HDR_CALL_ID] ? "Bad Call-ID" : "No Call-ID");
        return;
    }
    m->call_id = v;
}

static void check_cseq(struct msg *m, struct msg_error *err)
{
    struct span v = msg_value(m, HDR_CSEQ), name;
    const char *p = v.p, *end = v.len ? p + v.len : p, *q = lex_skip(p, end, LEX_DIGIT);

    if (m->first[HDR_CSEQ] == 0) {
        refuse(err, 400, "No CSeq");
        return;
    }
    p = lex_lws(q, end);
    name = lex_span(p, end);
    if (v.len == 0 || p == q || !lex_all(name, LEX_TOKEN) ||
        span_u32(lex_span(v.p, q), MSG_CSEQ_MAX, &m->cseq) != 0) {
        refuse(err, 400, "Bad CSeq");
        return;
    }
    m->cseq_method = sip_method_of(name);
    if (!m->is_request) {
        m->method_name = name;
        m->method = m->cseq_method;
    } else if (!span_eq(name, m->method_name)) {
        refuse(err, 400, "CSeq Method Mismatch");
    }
}

static void check_max_forwards(struct msg *m, struct msg_error *err)
{
    uint32_t v;

    m->max_forwards = -1;
    if (m->first[HDR_MAX_FORWARDS] == 0) {
        return;
    }
    if (span_u32(msg_value(m, HDR_MAX_FORWARDS), 255, &v) != 0) {
        refuse(err, 400, "Bad Max-Forwards");
        return;
    }
    m->max_forwards = (int)v;
}

/* RFC 3262 §7.1, §7.2 */
static void check_rel(struct msg *m, struct msg_error *err)
{
    struct span v;
    const char *p, *end, *q;

    if (m->first[HDR_RSEQ] != 0 &&
        (span_u32(msg_value(m, HDR_RSEQ), UINT32_MAX, &m->rseq) != 0 || m->rseq == 0)) {
        refuse(err, 400, "Bad RSeq");
    }
    v = msg_value(m, HDR_RACK);
    if (m->first[HDR_RACK] == 0) {
        return;
    }
    p = v.p;
    end = v.len ? p + v.len : p;
    q = lex_skip(p, end, LEX_DIGIT);
    if (span_u32(lex_span(p, q), UINT32_MAX, &m->rack.rseq) == 0) {
        p = lex_lws(q, end);
        q = lex_skip(p, end, LEX_DIGIT);
        if (span_u32(lex_span(p, q), MSG_CSEQ_MAX, &m->rack.cseq) == 0) {
            p = lex_lws(q, end);
            m->rack.method_name = lex_span(p, end);
            m->has_rack = p > q && lex_all(m->rack.method_name, LEX_TOKEN);
        }
    }
    if (!m->has_rack) {
        refuse(err, 400, "Bad RAck");
    }
    m->rack.method = sip_method_of(m->rack.method_name);
}

/* type "/" subtype *(";" parameter) */
static void check_content_type(struct msg *m, struct msg_error *err)
{
    struct span v = msg_value(m, HDR_CONTENT_TYPE);
    const char *end, *p;

    if (m->first[HDR_CONTENT_TYPE] == 0) {
        return;
    }
    if (v.len > 0) {
        end = v.p + v.len;
        p = lex_skip(v.p, end, LEX_TOKEN);
        if (p > v.p && p < end && *p == '/') {
            const char *sub = p + 1;

            p = lex_skip(sub, end, LEX_TOKEN);
            m->content_type = lex_span(v.p, p);
            p = p > sub ? lex_lws(p, end) : sub;
            if (p > sub && (p == end || *p == ';')) {
                return;
            }
        }
    }
    m->content_type = SPAN_NONE;
    refuse(err, 400, "Bad Content-Type");
}

/* RFC 3261 §18.3: bytes behind the length are not ours; too few are an error. */
static void check_body(struct msg *m, struct span rest, struct msg_error *err)
{
    uint32_t len;

    m->body = rest;
    if (m->first[HDR_CONTENT_LENGTH] != 0) {
        if (span_u32(msg_value(m, HDR_CONTENT_LENGTH), MSG_BYTES_MAX, &len) != 0 ||
            len > rest.len) {
            refuse(err, 400, "Bad Content-Length");
            return;
        }
        m->body.len = len;
    } else if (m->first[HDR_CONTENT_TYPE] == 0) {
        m->body.len = 0; /* stray line ends behind a message that has no body */
    }
    m->buf.len = (size_t)(m->body.p + m->body.len - m->buf.p);
    if (m->body.len > 0 && m->first[HDR_CONTENT_TYPE] == 0) {
        refuse(err, 400, "No Content-Type");
    }
}

static void check_fields(struct msg *m, struct arena *a, struct msg_error *err)
{
    check_vias(m, a, err);
    check_addr(m, a, HDR_FROM, &m->from, err);
    check_addr(m, a, HDR_TO, &m->to, err);
    check_call_id(m, err);
    check_cseq(m, err);
    check_contacts(m, a, err);
    check_max_forwards(m, err);
    check_rel(m, err);
    check_content_type(m, err);
    if (m->is_request) {
        check_ruri(m, a, err);
    }
}

/* Start line off *rest. false: there is none. */
static bool start_line(struct msg *m, struct span *rest, struct msg_error *err)
{
    const char *p = rest->p, *end = p + rest->len, *nl;
    struct span line;

    while (p < end && (*p == '\r' || *p == '\n')) {
        p++;
    }
    nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    if (nl == NULL) {
        refuse(err, 0, "No Start Line");
        return false;
    }
    m->buf = lex_span(p, end);
    line = lex_span(p, nl > p && nl[-1] == '\r' ? nl - 1 : nl);
    *rest = lex_span(nl + 1, end);
    if (line.len > 4 && LEX_IS(((struct span){p, 4}), "sip/")) {
        status_line(m, line, err);
    } else {
        request_line(m, line, err);
    }
    return true;
}

int msg_parse(struct msg *m, struct arena *a, const char *buf, size_t len, struct msg_error *err)
{
    struct span rest = {buf, len};
    const char *head;
    bool nul;
    int rc;

    memset(m, 0, offsetof(struct msg, contact));
    memset(&m->contact[0], 0, sizeof(m->contact[0]));
    *err = (struct msg_error){0, NULL};
    m->max_forwards = -1;
    pthread_once(&osip_once, osip_setup);
    if (len == 0 || len > MSG_BYTES_MAX || !start_line(m, &rest, err)) {
        refuse(err, 0, "Bad Length");
        return -EBADMSG;
    }
    head = rest.p;
    rc = split(m, a, &rest, err);
    if (rc != 0) {
        return rc;
    }
    nul = memchr(m->buf.p, '\0', (size_t)(rest.p - m->buf.p)) != NULL;
    if (nul && memchr(m->buf.p, '\0', (size_t)(head - m->buf.p))) {
        refuse(err, 400, "Control Character in Start Line");
    }
    rc = index_headers(m, a, nul, err);
    if (rc != 0) {
        return rc;
    }
    osip_arena = a;
    osip_starved = false;
    check_fields(m, a, err);
    osip_arena = NULL;
    if (osip_starved) {
        return -ENOMEM;
    }
    check_body(m, rest, err);
    if (err->text == NULL) {
        return 0;
    }
    /* A response is never answered, nor is an ACK (RFC 3261 §17.1.1.3) */
    if (!m->is_request || m->method == SIP_ACK) {
        err->status = 0;
    }
    return -EBADMSG;
}
