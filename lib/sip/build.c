/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bounded writing of messages.
 * Called by txn, dialog, gate and call for everything that is sent.
 * Keeps no state beyond struct build.
 */
#include <errno.h>
#include <string.h>
#include "sip/build.h"
#include "sip/hdr.h"
#include "sip/lex.h"

/* Room for n bytes, or NULL with the overflow noted: from then on nothing is written. */
static char *room(struct build *b, size_t n)
{
    char *p;

    if (b->overflow || n > b->cap - b->len) {
        b->overflow = true;
        return NULL;
    }
    p = b->p + b->len;
    b->len += n;
    return p;
}

void build_span(struct build *b, struct span s)
{
    char *p = room(b, s.len);

    if (p && s.len > 0) {
        memcpy(p, s.p, s.len);
    }
}

void build_char(struct build *b, char c)
{
    char *p = room(b, 1);

    if (p) {
        *p = c;
    }
}

void build_str(struct build *b, const char *s)
{
    build_span(b, span_of(s));
}

void build_u64(struct build *b, uint64_t v)
{
    char buf[20]; /* digits of 2^64 - 1 */
    size_t n = sizeof(buf);

    do {
        buf[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    build_span(b, (struct span){buf + n, sizeof(buf) - n});
}

void build_host(struct build *b, const struct addr *a)
{
    char text[ADDR_STRLEN];

    addr_ip_str(a, text);
    if (a->family == 6) {
        build_char(b, '[');
        build_str(b, text);
        build_char(b, ']');
    } else {
        build_str(b, text);
    }
}

void build_host_port(struct build *b, const struct addr *a)
{
    build_host(b, a);
    if (a->port != 0) {
        build_char(b, ':');
        build_u64(b, a->port);
    }
}

void build_safe(struct build *b, struct span s)
{
    char *p = room(b, s.len);

    for (size_t i = 0; p && i < s.len; i++) {
        char c = s.p[i];

        p[i] = c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
    }
}

void build_hdr(struct build *b, struct span name, struct span value)
{
    build_span(b, name);
    build_span(b, SPAN(": "));
    build_safe(b, value);
    build_span(b, SPAN("\r\n"));
}

void build_hdr_u32(struct build *b, struct span name, uint32_t value)
{
    build_span(b, name);
    build_span(b, SPAN(": "));
    build_u64(b, value);
    build_span(b, SPAN("\r\n"));
}

/* A value out of a struct msg is one line already. */
static void hdr_line(struct build *b, struct span name, struct span value)
{
    build_span(b, name);
    build_span(b, SPAN(": "));
    build_span(b, value);
    build_span(b, SPAN("\r\n"));
}

void build_hdr_copy(struct build *b, const struct hdr *h)
{
    hdr_line(b, h->name, h->value);
}

void build_request_line(struct build *b, struct span method, struct span uri)
{
    build_safe(b, method);
    build_char(b, ' ');
    build_safe(b, uri);
    build_span(b, SPAN(" SIP/2.0\r\n"));
}

void build_status_line(struct build *b, uint16_t status, const char *reason)
{
    build_span(b, SPAN("SIP/2.0 "));
    build_u64(b, status);
    build_char(b, ' ');
    build_safe(b, span_of(reason ? reason : reason_phrase(status)));
    build_span(b, SPAN("\r\n"));
}

/* ---- answers ---- */

static bool is_source(struct span host, const struct addr *source)
{
    struct addr a;

    return addr_parse_ip(host, &a) == 0 && addr_ip_eq(&a, source);
}

static void build_param_ip(struct build *b, const char *name, const struct addr *a)
{
    char text[ADDR_STRLEN];

    build_str(b, name);
    build_str(b, addr_ip_str(a, text));
}

/*
 * The top Via: received if the sent-by is not the source or rport was asked for (RFC 3261 §18.2.1, RFC 3581 §4).
 * What it claims of these two itself is left out.
 */
static void top_via(struct build *b, struct span member, const struct addr *source)
{
    const char *p, *end = member.p + member.len;
    struct lex_param one;
    struct via v;

    if (via_parse(member, &v) != 0) {
        /* Refused as a bad Via: the answer finds its way by the source address */
        build_span(b, member);
        build_param_ip(b, ";received=", source);
        return;
    }
    p = v.params.p;
    build_span(b, lex_trim(lex_span(member.p, p)));
    while (p < end && (p = lex_param(p, end, &one)) != NULL) {
        if (LEX_IS(one.name, "received") || LEX_IS(one.name, "rport")) {
            continue;
        }
        build_char(b, ';');
        build_span(b, one.name);
        if (one.value.len > 0) {
            build_char(b, '=');
            build_span(b, one.value);
        }
    }
    if (v.has_rport || !is_source(v.host, source)) {
        build_param_ip(b, ";received=", source);
    }
    if (v.has_rport) {
        build_span(b, SPAN(";rport="));
        build_u64(b, source->port);
    }
}

void build_vias(struct build *b, const struct msg *req, const struct addr *source)
{
    for (unsigned i = req->first[HDR_VIA]; i > 0 && i <= req->n_hdrs; i++) {
        const struct hdr *h = &req->hdrs[i - 1];
        struct span rest = h->value, member;

        if (h->id != HDR_VIA) {
            continue;
        }
        if (i != req->first[HDR_VIA] || source == NULL || !hdr_list_next(&rest, &member)) {
            hdr_line(b, SPAN("Via"), h->value);
            continue;
        }
        build_span(b, SPAN("Via: "));
        top_via(b, member, source);
        if (rest.len > 0) {
            build_char(b, ',');
            build_span(b, rest);
        }
        build_span(b, SPAN("\r\n"));
    }
}

void build_to(struct build *b, const struct msg *req, struct span to_tag)
{
    if (req->first[HDR_TO] == 0) {
        return;
    }
    build_span(b, SPAN("To: "));
    build_span(b, msg_value(req, HDR_TO));
    if (to_tag.len > 0 && req->to.tag.len == 0) {
        build_span(b, SPAN(";tag="));
        build_span(b, to_tag);
    }
    build_span(b, SPAN("\r\n"));
}

static void copy_first(struct build *b, const struct msg *req, enum hdr_id id)
{
    if (req->first[id] != 0) {
        hdr_line(b, hdr_name(id), msg_value(req, id));
    }
}

static void copy_all(struct build *b, const struct msg *req, enum hdr_id id)
{
    for (unsigned i = req->first[id]; i > 0 && i <= req->n_hdrs; i++) {
        if (req->hdrs[i - 1].id == id) {
            hdr_line(b, hdr_name(id), req->hdrs[i - 1].value);
        }
    }
}

void build_response(struct build *b, const struct msg *req, const struct build_response *r)
{
    build_status_line(b, r->status, r->reason);
    build_vias(b, req, r->source);
    if (r->record_route) {
        copy_all(b, req, HDR_RECORD_ROUTE);
    }
    copy_first(b, req, HDR_FROM);
    build_to(b, req, r->to_tag);
    copy_first(b, req, HDR_CALL_ID);
    copy_first(b, req, HDR_CSEQ);
    if (r->status == 100) {
        /* RFC 3261 §8.2.6.1 */
        copy_first(b, req, HDR_TIMESTAMP);
    }
}

int build_end(struct build *b, struct span content_type, struct span body)
{
    if (body.len > 0) {
        build_hdr(b, SPAN("Content-Type"), content_type);
    }
    build_span(b, SPAN("Content-Length: "));
    build_u64(b, body.len);
    build_span(b, SPAN("\r\n\r\n"));
    build_span(b, body);
    return b->overflow ? -ENOSPC : 0;
}

/* ---- reason phrases ---- */

const char *reason_phrase(uint16_t status)
{
    switch (status) {
    case 100: return "Trying";
    case 180: return "Ringing";
    case 181: return "Call Is Being Forwarded";
    case 182: return "Queued";
    case 183: return "Session Progress";
    case 199: return "Early Dialog Terminated";
    case 200: return "OK";
    case 202: return "Accepted";
    case 204: return "No Notification";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Moved Temporarily";
    case 305: return "Use Proxy";
    case 380: return "Alternative Service";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 410: return "Gone";
    case 412: return "Conditional Request Failed";
    case 413: return "Request Entity Too Large";
    case 414: return "Request-URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Unsupported URI Scheme";
    case 417: return "Unknown Resource-Priority";
    case 420: return "Bad Extension";
    case 421: return "Extension Required";
    case 422: return "Session Interval Too Small";
    case 423: return "Interval Too Brief";
    case 424: return "Bad Location Information";
    case 425: return "Bad Alert Message";
    case 428: return "Use Identity Header";
    case 429: return "Provide Referrer Identity";
    case 430: return "Flow Failed";
    case 433: return "Anonymity Disallowed";
    case 436: return "Bad Identity Info";
    case 437: return "Unsupported Credential";
    case 438: return "Invalid Identity Header";
    case 439: return "First Hop Lacks Outbound Support";
    case 440: return "Max-Breadth Exceeded";
    case 469: return "Bad Info Package";
    case 470: return "Consent Needed";
    case 480: return "Temporarily Unavailable";
    case 481: return "Call/Transaction Does Not Exist";
    case 482: return "Loop Detected";
    case 483: return "Too Many Hops";
    case 484: return "Address Incomplete";
    case 485: return "Ambiguous";
    case 486: return "Busy Here";
    case 487: return "Request Terminated";
    case 488: return "Not Acceptable Here";
    case 489: return "Bad Event";
    case 491: return "Request Pending";
    case 493: return "Undecipherable";
    case 494: return "Security Agreement Required";
    case 500: return "Server Internal Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Server Time-out";
    case 505: return "Version Not Supported";
    case 513: return "Message Too Large";
    case 555: return "Push Notification Service Not Supported";
    case 580: return "Precondition Failure";
    case 600: return "Busy Everywhere";
    case 603: return "Decline";
    case 604: return "Does Not Exist Anywhere";
    case 606: return "Not Acceptable";
    case 607: return "Unwanted";
    case 608: return "Rejected";
    default: break;
    }
    switch (status / 100) {
    case 1: return "Progress";
    case 2: return "OK";
    case 3: return "Redirection";
    case 4: return "Request Failure";
    case 5: return "Server Failure";
    default: return "Global Failure";
    }
}
