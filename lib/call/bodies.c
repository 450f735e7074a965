/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands beside SDP in a body is carried byte for byte; the SDP is taken out on the way in and another put in on the way out.
 * Called for messages with a body only; mime.c knows the syntax.
 */
#include "call/bodies.h"

#include "sip/mime.h"

#define TEXT(s)            \
    {                      \
        (s), sizeof(s) - 1 \
    }

#define SDP_TYPE SPAN("application/sdp")

/* Types whose meaning is the two ends' affair: carried, so that a part that must be understood may be one of them. */
static bool is_carried(struct span type)
{
    static const struct span known[] = {
        TEXT("application/sdp"),
        TEXT("application/isup"),
        TEXT("application/qsig"),
        TEXT("application/pidf+xml"),
        TEXT("application/resource-lists+xml"),
        TEXT("application/rlmi+xml"),
        TEXT("application/emergencycalldata.providerinfo+xml"),
        TEXT("application/emergencycalldata.serviceinfo+xml"),
        TEXT("application/emergencycalldata.deviceinfo+xml"),
        TEXT("application/emergencycalldata.subscriberinfo+xml"),
        TEXT("application/emergencycalldata.comment+xml"),
        TEXT("application/vnd.3gpp.ussd+xml"),
        TEXT("application/vnd.etsi.cug+xml"),
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (span_case_eq(type, known[i]))
            return true;
    return false;
}

/* A part that its sender wants understood and that nobody here or there may know: 415 (RFC 3261 §20.11). */
static bool is_refused(const struct mime *m)
{
    for (unsigned i = 0; i < m->n; i++)
        if (m->part[i].required && !is_carried(m->part[i].type))
            return true;
    return false;
}

static bool is_plain(const struct mime_part *p)
{
    return span_is_empty(p->encoding) || span_case_eq(p->encoding, SPAN("7bit")) ||
           span_case_eq(p->encoding, SPAN("8bit")) || span_case_eq(p->encoding, SPAN("binary"));
}

/* The head of the SDP part without a Content-Length, which would be that of the other side's. NULL: none there, or no memory */
static const char *without_length(struct arena *a, struct span before, struct span head,
                                  size_t *len)
{
    struct span rest = head;
    struct hdr h;
    char *copy;
    size_t n;

    /* `before` ends with the head and its empty line: hdr_next needs that line to stop */
    rest.len = (size_t)(before.p + before.len - head.p);
    while (hdr_next(&rest, &h) == 1) {
        size_t at, end = (size_t)(rest.p - before.p);

        if (h.id != HDR_CONTENT_LENGTH)
            continue;
        at = (size_t)(h.raw.p - before.p);
        n = before.len - (end - at);
        copy = arena_alloc(a, n);
        if (!copy)
            return NULL;
        memcpy(copy, before.p, at);
        memcpy(copy + at, before.p + end, before.len - end);
        *len = n;
        return copy;
    }
    return NULL;
}

static int open_multipart(struct arena *a, const struct msg *m, struct msg *out, struct msg_wrap *w)
{
    struct mime *mime = arena_alloc(a, sizeof *mime);
    const struct mime_part *sdp;
    const char *changed;
    size_t len;

    if (!mime || mime_parse(mime, msg_value(m, HDR_CONTENT_TYPE), m->body) < 0 || is_refused(mime))
        return -EBADMSG;
    sdp = mime_find(mime, SDP_TYPE);
    if (!sdp) {
        w->before = m->body;
        out->body = out->content_type = SPAN_NONE;
        return 0;
    }
    if (!is_plain(sdp) || span_is_empty(sdp->body))
        return -EBADMSG;
    w->has_sdp = true;
    w->before = (struct span){m->body.p, (size_t)(sdp->body.p - m->body.p)};
    w->after.p = sdp->body.p + sdp->body.len;
    w->after.len = m->body.len - w->before.len - sdp->body.len;
    out->body = sdp->body;
    out->content_type = SDP_TYPE;
    changed = span_is_empty(sdp->head) ? NULL : without_length(a, w->before, sdp->head, &len);
    if (changed)
        w->before = (struct span){changed, len};
    return 0;
}

/* Only these have a meaning for session bodies; INFO and others have bodies of their own. */
static bool has_session_body(const struct msg *m)
{
    enum sip_method method = m->is_request ? m->method : m->cseq_method;

    return method == SIP_INVITE || method == SIP_ACK || method == SIP_UPDATE || method == SIP_PRACK;
}

const struct msg *bodies_open(struct arena *a, const struct msg *m)
{
    struct msg *out;
    struct msg_wrap *w;

    if (span_is_empty(m->body) || msg_body_is(m, SDP_TYPE) || !has_session_body(m) ||
        msg_hdr(m, HDR_CONTENT_ENCODING, 0))
        return m;
    out = arena_alloc(a, sizeof *out);
    w = arena_zalloc(a, sizeof *w);
    if (!out || !w)
        return m;
    *out = *m;
    out->wrap = w;
    w->type = msg_value(m, HDR_CONTENT_TYPE);
    if (mime_is_multipart(m->content_type)) {
        if (open_multipart(a, m, out, w) == 0)
            return out;
    } else if (is_carried(m->content_type)) {
        w->before = m->body;
        out->body = out->content_type = SPAN_NONE;
        return out;
    }
    if (m->is_request)
        return m; /* 415 */
    /* A response cannot be refused: what is in it is not told. */
    *w = (struct msg_wrap){0};
    out->wrap = NULL;
    out->body = out->content_type = SPAN_NONE;
    return out;
}

void bodies_close(const struct leg *to, const struct msg_wrap *w, struct span *type,
                  struct span *body)
{
    size_t n;
    char *whole;

    if (!w || to->trunk.conf->bodies_sdp_only)
        return;
    if (!w->has_sdp) {
        if (span_is_empty(*body)) {
            *type = w->type;
            *body = w->before;
        }
        return;
    }
    if (span_is_empty(*body))
        return; /* the SDP was not told, nor what belongs to it */
    n = w->before.len + body->len + w->after.len;
    whole = arena_alloc(to->call->calls->arena, n);
    if (!whole)
        return; /* the SDP alone makes the call */
    memcpy(whole, w->before.p, w->before.len);
    memcpy(whole + w->before.len, body->p, body->len);
    if (w->after.len)
        memcpy(whole + w->before.len + body->len, w->after.p, w->after.len);
    *type = w->type;
    *body = (struct span){whole, n};
}
