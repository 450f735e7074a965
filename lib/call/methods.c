/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In-dialog methods by policy: carried, answered, refused; their own headers as they cross; Allow.
 * Called by tu.c, pass.c and the legs. A method crosses only if both trunks have it in `pass`.
 */
#include "call/methods.h"

#include "call/headers.h"
#include "call/refer.h"

/* ---- policy ------------------------------------------------------------------------------------------------------ */

static bool is_passed(const struct leg *leg, uint32_t bit)
{
    const struct leg *other = leg_other(leg);

    return (leg->trunk.conf->pass & bit) && (!other || (other->trunk.conf->pass & bit));
}

static struct span event_of(const struct msg *m)
{
    struct span name, params;

    span_cut(msg_value(m, HDR_EVENT), ';', &name, &params);
    return span_trim(name);
}

static bool refuse_with(unsigned *status, unsigned with)
{
    *status = with;
    return true;
}

static bool info_refused(const struct leg *leg, const struct msg *m, unsigned *status)
{
    if (is_passed(leg, CONF_PASS_INFO))
        return false;
    /* RFC 6086 §4.2.2: who names a package is told that none is wanted. */
    return refuse_with(status, msg_hdr_named(m, SPAN("Info-Package"), 0) ? 469 : 405);
}

/* A NOTIFY of a REFER that crossed belongs to it, whatever `pass` says. Others have no subscription here (RFC 6665 §4.1.3). */
static bool notify_refused(const struct leg *leg, const struct msg *m, unsigned *status)
{
    const struct leg *other = leg_other(leg);

    if (span_is_empty(event_of(m)))
        return refuse_with(status, 489);
    if (is_passed(leg, CONF_PASS_NOTIFY))
        return false;
    if (span_case_eq(event_of(m), SPAN("refer")) && other &&
        (other->trunk.conf->refer == CONF_REFER_PASS || leg->refer_cseq_asked))
        return false;
    return refuse_with(status, 481);
}

static bool subscribe_refused(const struct leg *leg, const struct msg *m, unsigned *status)
{
    if (!is_passed(leg, CONF_PASS_NOTIFY))
        return refuse_with(status, 405);
    return span_is_empty(event_of(m)) ? refuse_with(status, 489) : false;
}

enum methods_way methods_of(const struct leg *leg, const struct msg *m, unsigned *status)
{
    switch (m->method) {
    case SIP_INVITE:
    case SIP_UPDATE:
    case SIP_PRACK: return METHODS_CARRY;
    case SIP_INFO: return info_refused(leg, m, status) ? METHODS_REFUSE : METHODS_CARRY;
    case SIP_NOTIFY: return notify_refused(leg, m, status) ? METHODS_REFUSE : METHODS_CARRY;
    case SIP_SUBSCRIBE: return subscribe_refused(leg, m, status) ? METHODS_REFUSE : METHODS_CARRY;
    case SIP_OPTIONS:
        return leg->state == LEG_UP && is_passed(leg, CONF_PASS_OPTIONS) ? METHODS_CARRY
                                                                         : METHODS_HERE;
    case SIP_MESSAGE:
        *status = 405;
        return is_passed(leg, CONF_PASS_MESSAGE) ? METHODS_CARRY : METHODS_REFUSE;
    case SIP_REFER:
        *status = refer_check(leg, m);
        if (*status)
            return METHODS_REFUSE;
        return leg->trunk.conf->refer == CONF_REFER_CONSUME && !refer_must_cross(leg, m)
                   ? METHODS_TAKE
                   : METHODS_CARRY;
    case SIP_UNKNOWN: *status = 501; return METHODS_REFUSE;
    default: *status = 405; return METHODS_REFUSE;
    }
}

void methods_allow(struct build *b, const struct leg *leg)
{
    build_span(b, SPAN("Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE"));
    if (is_passed(leg, CONF_PASS_INFO))
        build_span(b, SPAN(", INFO"));
    if (is_passed(leg, CONF_PASS_MESSAGE))
        build_span(b, SPAN(", MESSAGE"));
    if (is_passed(leg, CONF_PASS_NOTIFY))
        build_span(b, SPAN(", SUBSCRIBE"));
    if (is_passed(leg, CONF_PASS_NOTIFY) ||
        (leg_other(leg) && leg_other(leg)->trunk.conf->refer == CONF_REFER_PASS))
        build_span(b, SPAN(", NOTIFY"));
    if (leg->trunk.conf->refer != CONF_REFER_REJECT)
        build_span(b, SPAN(", REFER"));
    build_span(b, SPAN("\r\n"));
    if (leg->trunk.conf->refer != CONF_REFER_REJECT)
        build_hdr(b, SPAN("Supported"), SPAN("replaces")); /* RFC 3891 §6.2 */
}

void methods_refuse(const struct leg *leg, struct txn_server *st, unsigned status)
{
    struct build *b = txn_server_begin(st, status, SPAN_NONE, SPAN_NONE);

    stat_inc(leg->call->calls->stats, STAT_pass_refused);
    if (!b)
        return;
    if (status == 405 || status == 501)
        methods_allow(b, leg);
    if (status == 469)
        build_span(b, SPAN("Recv-Info:\r\n"));
    if (status == 489)
        build_hdr(b, SPAN("Allow-Events"), SPAN("refer"));
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(st);
}

void methods_ok(const struct leg *leg, struct txn_server *st)
{
    struct build *b = txn_server_begin(st, 200, SPAN_NONE, SPAN_NONE);

    if (!b)
        return;
    methods_allow(b, leg);
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(st);
}

/* ---- what crosses ------------------------------------------------------------------------------------------------ */

/* Tokens and numbers: nothing in them can name a host. */
static void copy_token(struct build *b, const struct msg *m, enum hdr_id id)
{
    struct span v = msg_value(m, id);

    if (!span_is_empty(v) && span_chr(v, '@') < 0)
        build_hdr(b, hdr_name(id), v);
}

static void copy_event(struct build *b, const struct msg *m, const struct leg *from)
{
    struct span v = msg_value(m, HDR_EVENT);

    if (span_case_eq(event_of(m), SPAN("refer")))
        refer_event(b, m, from);
    else if (!span_is_empty(v) && span_chr(v, '@') < 0)
        build_hdr(b, SPAN("Event"), v);
}

int methods_cross(struct build *b, const struct msg *m, const struct leg *from, struct leg *to)
{
    switch (m->method) {
    case SIP_NOTIFY:
        copy_event(b, m, from);
        copy_token(b, m, HDR_SUBSCRIPTION_STATE);
        return 0;
    case SIP_SUBSCRIBE:
        copy_event(b, m, from);
        copy_token(b, m, HDR_EXPIRES);
        copy_token(b, m, HDR_ACCEPT);
        return 0;
    case SIP_OPTIONS:
    case SIP_INFO: copy_token(b, m, HDR_ACCEPT); return 0;
    case SIP_REFER: return refer_cross(b, m, to);
    default: return 0;
    }
}

void methods_answer(struct build *b, const struct msg *m, enum sip_method method)
{
    const struct hdr *h;

    if (method == SIP_SUBSCRIBE)
        copy_token(b, m, HDR_EXPIRES);
    if (method == SIP_OPTIONS)
        copy_token(b, m, HDR_ACCEPT);
    if (method == SIP_REFER && (h = msg_hdr_named(m, SPAN("Refer-Sub"), 0)) &&
        span_case_eq(h->value, SPAN("false")))
        build_hdr(b, SPAN("Refer-Sub"), SPAN("false"));
}

void methods_body(const struct msg *m, struct span *type, struct span *body)
{
    struct span line, rest;

    *type = msg_value(m, HDR_CONTENT_TYPE);
    *body = m->body;
    if (!msg_body_is(m, SPAN("message/sipfrag")))
        return;
    /* RFC 3515 §2.4.5: the status line is the news, the rest tells of the other side. */
    span_cut(m->body, '\n', &line, &rest);
    *type = SPAN("message/sipfrag;version=2.0");
    *body = span_has_prefix(line, SPAN("SIP/2.0 ")) ? span_trim(line) : SPAN("SIP/2.0 100 Trying");
}
