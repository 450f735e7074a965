/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allow-list of headers that cross, and the replacing of hosts in those that hold addresses.
 * Values come from msg.h: without CR, LF and NUL, so that they can be written as they are.
 */
#include "call/headers.h"

const struct span headers_allow = SPAN("INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO");

enum cross {
    CROSS_NO,
    CROSS_COPY, /* value as it is: tokens only */
    CROSS_ADDR, /* list of addresses: hosts replaced */
    CROSS_REF,  /* a reference: only to a third party's server by http */
};

/* Everything else stays on its side. */
static const uint8_t cross_table[HDR_N] = {
    [HDR_PRIVACY] = CROSS_COPY,             /* RFC 3323 */
    [HDR_P_ASSERTED_IDENTITY] = CROSS_ADDR, /* RFC 3325 */
    [HDR_DIVERSION] = CROSS_ADDR,           /* RFC 5806 */
    [HDR_REMOTE_PARTY_ID] = CROSS_ADDR,
    [HDR_PRIORITY] = CROSS_COPY,
    [HDR_RESOURCE_PRIORITY] = CROSS_COPY, /* RFC 4412 */
    [HDR_USER_TO_USER] = CROSS_COPY,      /* RFC 7433 */
    [HDR_P_EARLY_MEDIA] = CROSS_COPY,     /* RFC 5009 */
    [HDR_GEOLOCATION] = CROSS_REF,        /* RFC 6442 */
};

static enum cross cross_of(const struct hdr *h)
{
    if (h->id != HDR_OTHER)
        return cross_table[h->id];
    if (span_case_eq(h->name, SPAN("Geolocation-Routing")) ||
        span_case_eq(h->name, SPAN("Info-Package")) || span_case_eq(h->name, SPAN("Recv-Info")))
        return CROSS_COPY;
    return CROSS_NO;
}

/* Without the byte that stands for our host. */
static void put_clean(struct build *b, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] != HEADERS_HOST)
            build_char(b, s.p[i]);
}

/* A parameter crosses if its value cannot name a host. */
static void put_params(struct build *b, struct span params)
{
    while (!span_is_empty(params)) {
        struct span one, key, val;

        span_cut(params, ';', &one, &params);
        one = span_trim(one);
        if (span_is_empty(one))
            continue;
        span_cut(one, '=', &key, &val);
        if (span_chr(one, '.') >= 0 || span_chr(one, '@') >= 0 || span_chr(one, ':') >= 0 ||
            span_chr(one, '"') >= 0 || span_case_eq(key, SPAN("tag")))
            continue;
        build_char(b, ';');
        put_clean(b, one);
    }
}

static bool is_anonymous(const struct sip_uri *u)
{
    return span_case_eq(u->host, SPAN("anonymous.invalid"));
}

/* One address; false if it cannot cross. */
static bool put_addr(struct build *b, struct span item)
{
    struct name_addr na;
    struct span value;

    if (name_addr_parse(item, &na) < 0)
        return false;
    if (na.parsed.scheme != URI_SIP && na.parsed.scheme != URI_SIPS && na.parsed.scheme != URI_TEL)
        return false;
    if (!span_is_empty(na.display)) {
        put_clean(b, na.display);
        build_char(b, ' ');
    }
    build_char(b, '<');
    if (na.parsed.scheme == URI_TEL) {
        build_span(b, SPAN("tel:"));
        put_clean(b, na.parsed.user);
    } else {
        build_span(b, SPAN("sip:"));
        if (!span_is_empty(na.parsed.user)) {
            put_clean(b, na.parsed.user);
            build_char(b, '@');
        }
        if (is_anonymous(&na.parsed))
            build_span(b, na.parsed.host);
        else
            build_char(b, HEADERS_HOST);
        if (uri_param(&na.parsed, SPAN("user"), &value) && span_case_eq(value, SPAN("phone")))
            build_span(b, SPAN(";user=phone"));
    }
    build_char(b, '>');
    put_params(b, na.params);
    return true;
}

static void put_addrs(struct build *b, const struct hdr *h)
{
    struct span rest = h->value, item;

    while (hdr_list_next(&rest, &item)) {
        size_t start = b->len;

        build_span(b, hdr_name(h->id));
        build_span(b, SPAN(": "));
        if (put_addr(b, item))
            build_span(b, SPAN("\r\n"));
        else if (!b->overflow)
            b->len = start;
    }
}

static void put_line(struct build *b, const struct hdr *h)
{
    build_span(b, h->id == HDR_OTHER ? h->name : hdr_name(h->id));
    build_span(b, SPAN(": "));
    put_clean(b, h->value);
    build_span(b, SPAN("\r\n"));
}

void headers_collect(struct build *b, const struct msg *m)
{
    for (unsigned i = 0; i < m->n_hdrs; i++) {
        const struct hdr *h = &m->hdrs[i];

        switch (cross_of(h)) {
        case CROSS_COPY: put_line(b, h); break;
        case CROSS_ADDR: put_addrs(b, h); break;
        case CROSS_REF:
            if (span_has_prefix(h->value, SPAN("<http")))
                put_line(b, h);
            break;
        case CROSS_NO: break;
        }
    }
}

void headers_write(struct build *b, struct span lines, struct span host)
{
    while (!span_is_empty(lines)) {
        ptrdiff_t at = span_chr(lines, HEADERS_HOST);

        if (at < 0) {
            build_span(b, lines);
            return;
        }
        build_span(b, (struct span){lines.p, (size_t)at});
        build_span(b, host);
        lines.p += at + 1;
        lines.len -= (size_t)at + 1;
    }
}

struct span headers_host(const struct calls *cs, const struct flow *f)
{
    struct span via = cs->transport->via(cs->transport, f);
    struct span proto, host;
    ptrdiff_t colon = -1;

    span_cut(via, ' ', &proto, &host);
    for (size_t i = 0; i < host.len; i++) {
        if (host.p[i] == ']')
            colon = -1;
        else if (host.p[i] == ':')
            colon = (ptrdiff_t)i;
    }
    if (colon > 0)
        host.len = (size_t)colon;
    return host;
}

void headers_transport(struct build *b, const struct flow *f)
{
    static const char *const param[PROTO_N] = {"", ";transport=tcp", ";transport=tls"};

    build_str(b, param[f->proto < PROTO_N ? f->proto : PROTO_UDP]);
}

struct span headers_our_contact(const struct calls *cs, const struct flow *f, char buf[128])
{
    struct span via = cs->transport->via(cs->transport, f);
    struct span proto, host;
    struct build b;

    span_cut(via, ' ', &proto, &host);
    build_init(&b, buf, 128);
    build_span(&b, SPAN("<sip:"));
    build_span(&b, host);
    headers_transport(&b, f);
    build_char(&b, '>');
    return build_text(&b);
}

void headers_contact(struct build *b, const struct dialog *d)
{
    build_hdr(b, SPAN("Contact"), dialog_str(d, DIALOG_CONTACT));
}

void headers_from(struct build *b, struct span display, struct span user, struct span host)
{
    if (!span_is_empty(display)) {
        build_safe(b, display);
        build_char(b, ' ');
    }
    build_span(b, SPAN("<sip:"));
    if (!span_is_empty(user)) {
        build_span(b, user);
        build_char(b, '@');
    }
    build_span(b, host);
    build_char(b, '>');
}

void headers_request(struct build *b, const struct setup *s, const struct leg *out)
{
    build_hdr(b, SPAN("Allow"), headers_allow);
    if (s->rel100_required)
        build_hdr(b, SPAN("Require"), SPAN("100rel"));
    if (s->rel100_supported || s->rel100_required)
        build_hdr(b, SPAN("Supported"), SPAN("100rel"));
    headers_write(b, s->headers, headers_host(out->call->calls, &out->flow));
}

void headers_cross(struct build *b, const struct msg *m, const struct leg *to)
{
    char buf[4096];
    struct build lines;

    build_init(&lines, buf, sizeof buf);
    headers_collect(&lines, m);
    if (!lines.overflow)
        headers_write(b, build_text(&lines), headers_host(to->call->calls, &to->flow));
}

void headers_response(struct build *b, const struct msg *m, const struct leg *to)
{
    headers_cross(b, m, to);
}
