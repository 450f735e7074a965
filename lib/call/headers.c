/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allow-list of headers that cross; those that hold addresses are written by identity.c and diverted.c.
 * Values come from msg.h: without CR, LF and NUL, so that they can be written as they are.
 */
#include "call/headers.h"

#include "call/diverted.h"
#include "call/header_rules.h"
#include "call/identity.h"
#include "call/methods.h"
#include "call/shown.h"

#define TEXT(s)            \
    {                      \
        (s), sizeof(s) - 1 \
    }

const struct span headers_allow = SPAN("INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO");

enum cross {
    CROSS_NO,
    CROSS_COPY,  /* value as it is: tokens only */
    CROSS_EXACT, /* the line as it was written: a signature covers it (RFC 8224) */
    CROSS_REF,   /* a reference: to a third party's server by http, to a part of the body by cid */
    CROSS_MIME,  /* with the body that it speaks of */
    CROSS_IDENTITY, /* identity.c */
    CROSS_DIVERTED, /* diverted.c */
    CROSS_DATE, /* with Identity only, which is bound to it (RFC 8224 §4.1): alone it tells a side's clock */
};

/* Everything else stays on its side, private headers of an IMS among it (TS 29.165). */
static const uint8_t cross_table[HDR_N] = {
    [HDR_PRIVACY] = CROSS_IDENTITY,              /* RFC 3323 */
    [HDR_P_ASSERTED_IDENTITY] = CROSS_IDENTITY,  /* RFC 3325 */
    [HDR_P_PREFERRED_IDENTITY] = CROSS_IDENTITY, /* RFC 3325 */
    [HDR_REMOTE_PARTY_ID] = CROSS_IDENTITY,
    [HDR_DIVERSION] = CROSS_DIVERTED,    /* RFC 5806 */
    [HDR_HISTORY_INFO] = CROSS_DIVERTED, /* RFC 7044 */
    [HDR_PRIORITY] = CROSS_COPY,
    [HDR_RESOURCE_PRIORITY] = CROSS_COPY, /* RFC 4412 */
    [HDR_USER_TO_USER] = CROSS_COPY,      /* RFC 7433 */
    [HDR_P_EARLY_MEDIA] = CROSS_COPY,     /* RFC 5009 */
    [HDR_GEOLOCATION] = CROSS_REF,        /* RFC 6442 */
    [HDR_IDENTITY] = CROSS_EXACT,         /* RFC 8224 */
    [HDR_DATE] = CROSS_DATE,
    [HDR_MIME_VERSION] = CROSS_MIME,
    [HDR_CONTENT_DISPOSITION] = CROSS_MIME,
};

static enum cross cross_of(const struct hdr *h)
{
    static const struct span copied[] = {
        TEXT("Geolocation-Routing"), TEXT("Info-Package"),
        TEXT("Recv-Info"),           TEXT("P-Charge-Info"), /* RFC 8496 */
        TEXT("Max-Breadth"), /* RFC 5393, RFC 7332: we try one target at a time */
    };

    if (h->id != HDR_OTHER)
        return cross_table[h->id];
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
        if (span_case_eq(h->name, copied[i]))
            return CROSS_COPY;
    return CROSS_NO;
}

bool headers_is_core(enum hdr_id id)
{
    switch (id) {
    case HDR_TO:
    case HDR_VIA:
    case HDR_CSEQ:
    case HDR_FROM:
    case HDR_ALLOW:
    case HDR_ROUTE:
    case HDR_CALL_ID:
    case HDR_CONTACT:
    case HDR_RECORD_ROUTE:
    case HDR_CONTENT_TYPE:
    case HDR_MAX_FORWARDS:
    case HDR_CONTENT_LENGTH: return true;
    default: return false;
    }
}

static void put_line(struct build *b, const struct hdr *h)
{
    build_span(b, h->id == HDR_OTHER ? h->name : hdr_name(h->id));
    build_span(b, SPAN(": "));
    build_span(b, h->value);
    build_span(b, SPAN("\r\n"));
}

/* As it was written; a folded line loses its folds, an operator's rename what was written. */
static void put_exact(struct build *b, const struct hdr *h)
{
    if (span_is_empty(h->raw) || span_chr(h->raw, '\n') >= 0 || span_chr(h->raw, '\r') >= 0) {
        build_span(b, h->name);
        build_span(b, SPAN(": "));
        build_span(b, h->value);
    } else {
        build_span(b, h->raw);
    }
    build_span(b, SPAN("\r\n"));
}

static void put_ref(struct build *b, const struct crossing *x, const struct hdr *h)
{
    struct span rest = h->value, item;

    while (hdr_list_next(&rest, &item)) {
        if (!span_has_prefix(item, SPAN("<http")) &&
            !(x->has_parts && span_has_prefix(item, SPAN("<cid:"))))
            continue;
        build_span(b, hdr_name(h->id));
        build_span(b, SPAN(": "));
        build_span(b, item);
        build_span(b, SPAN("\r\n"));
    }
}

/* Part of a body that is carried whole (RFC 2045 §4). */
static void put_mime(struct build *b, const struct crossing *x, const struct hdr *h)
{
    if (x->has_parts)
        put_line(b, h);
}

static bool has_identity(const struct crossing *x)
{
    for (unsigned i = 0; i < x->n; i++)
        if (x->hdrs[i].id == HDR_IDENTITY)
            return true;
    return false;
}

/* The number that a trunk may not show stands in these too: signed, or as whom to charge. */
static bool speaks_for_caller(const struct hdr *h)
{
    return h->id == HDR_IDENTITY ||
           (h->id == HDR_OTHER && span_case_eq(h->name, SPAN("P-Charge-Info")));
}

/* A trunk that asserts for callers who do not do so themselves, or a number of ours for somebody who is nobody. */
static bool makes_identity(const struct crossing *x)
{
    return x->from_raw.len &&
           ((x->screened & SHOWN_NOBODY) || x->from->identity.pai == CONF_PAI_FROM ||
            x->to->identity.pai == CONF_PAI_FROM);
}

void headers_write(struct build *b, struct crossing *x)
{
    bool identity = makes_identity(x), diverted = false;

    for (unsigned i = 0; i < x->n; i++) {
        const struct hdr *h = &x->hdrs[i];

        if (x->screened && speaks_for_caller(h))
            continue;
        switch (cross_of(h)) {
        case CROSS_COPY: put_line(b, h); break;
        case CROSS_EXACT: put_exact(b, h); break;
        case CROSS_REF: put_ref(b, x, h); break;
        case CROSS_MIME: put_mime(b, x, h); break;
        case CROSS_IDENTITY: identity = true; break;
        case CROSS_DIVERTED: diverted = true; break;
        case CROSS_DATE:
            if (has_identity(x))
                put_exact(b, h);
            break;
        case CROSS_NO:
            if (header_rules_pass(x->from, x->to, h))
                put_exact(b, h);
            break;
        }
    }
    if ((identity || diverted) && span_is_empty(x->host))
        x->host = headers_host(x->leg->call->calls, &x->leg->flow);
    if (identity)
        identity_write(b, x);
    if (diverted)
        diverted_write(b, x);
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

void headers_refuse(struct txn_server *st, unsigned status, struct span name, struct span value)
{
    struct build *b = txn_server_begin(st, status, SPAN_NONE, SPAN_NONE);

    if (!b)
        return;
    if (!span_is_empty(name))
        build_hdr(b, name, value);
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(st);
}

void headers_contact(struct build *b, const struct dialog *d)
{
    build_hdr(b, SPAN("Contact"), dialog_str(d, DIALOG_CONTACT));
}

static const struct conf *conf_of(const struct leg *leg)
{
    return leg && leg->trunk.gen ? leg->trunk.gen->conf : NULL;
}

void headers_of_setup(struct crossing *x, const struct setup *s, const struct leg *out)
{
    struct call *c = out->call;

    *x = (struct crossing){
        .hdrs = s->hdr,
        .n = s->n_hdrs,
        .from = c->in->trunk.conf,
        .to = out->trunk.conf,
        .from_conf = conf_of(c->in),
        .to_conf = conf_of(out),
        .instead = span_of(c->caller_normalised),
        .screened = s->screened,
        .leg = out,
        .from_raw = s->from,
        .called = span_of(out->sent),
        .has_parts = s->wrapped && !out->trunk.conf->bodies_sdp_only,
    };
}

/*
 * By the trunk's policy, whatever the caller can do. An offer in a reliable 18x wants its answer in our PRACK: without an offer of ours
 * and with a caller that can give none there, 100rel is not asked for unless it must be. Preconditions are the parties' own affair: their
 * lines cross in the SDP, so the caller's option does too (RFC 3312).
 */
static void headers_rel100(struct build *b, const struct leg *out)
{
    const struct leg *in = out->call->in;
    enum conf_rel100 policy = out->trunk.conf->rel100;
    bool must = policy == CONF_100REL_REQUIRED;
    bool may = must || (policy == CONF_100REL_SUPPORTED && (out->offered || in->rel100));

    if (must || in->precondition == 2) {
        build_span(b, SPAN("Require: "));
        build_span(b, must ? SPAN("100rel") : SPAN("precondition"));
        build_span(b, must && in->precondition == 2 ? SPAN(", precondition\r\n") : SPAN("\r\n"));
    }
    build_span(b, may ? SPAN("Supported: 100rel, 199") : SPAN("Supported: 199"));
    build_span(b, in->precondition ? SPAN(", precondition\r\n") : SPAN("\r\n"));
}

void headers_request(struct build *b, const struct setup *s, const struct leg *out)
{
    struct crossing x;

    methods_allow(b, out);
    headers_rel100(b, out);
    headers_of_setup(&x, s, out);
    headers_write(b, &x);
}

/* Of a trunk that is screened nobody is asserted but in its INVITE, where its number was looked at. */
#define MID_CALL (SHOWN_ASSERTED | SHOWN_OTHERS)

void headers_cross(struct build *b, const struct msg *m, const struct leg *to)
{
    const struct call *c = to->call;
    const struct leg *from = to->is_in ? (c->out ? c->out : c->last_out) : c->in;
    struct crossing x = {
        .hdrs = m->hdrs,
        .n = m->n_hdrs,
        .from = from ? from->trunk.conf : to->trunk.conf,
        .to = to->trunk.conf,
        .from_conf = conf_of(from),
        .to_conf = conf_of(to),
        .screened = from && from->trunk.conf->caller.allow_file ? MID_CALL : 0,
        .leg = to,
        .has_parts = m->wrap && !to->trunk.conf->bodies_sdp_only,
    };

    headers_write(b, &x);
}

void headers_response(struct build *b, const struct msg *m, const struct leg *to)
{
    headers_cross(b, m, to);
}
