/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * REFER by policy: what is asked of us in good form, and its addresses on the way across.
 * The subscription that a REFER makes (RFC 3515 §2.4.4) lives at the ends; only its id is translated.
 */
#include "call/refer.h"

#include "call/headers.h"
#include "call/party.h"
#include "call/replaces.h"

/* 512: a Call-ID and two tags, each as long as anybody makes them. */
#define REFER_REPLACES_MAX 512

/* Of headers in Refer-To only a Replaces crosses that names a dialog of ours: without them, it would be another request. */
static unsigned headers_check(const struct leg *leg, const struct sip_uri *u)
{
    struct span value;
    struct replaces r;
    struct ident id;
    char buf[REFER_REPLACES_MAX];
    int rc = replaces_of_uri(u, buf, sizeof buf, &value);

    if (rc == 0)
        return 0;
    if (rc != 1 || replaces_parse(value, &r) < 0 ||
        ident_open(leg->call->calls->ident, r.to_tag, &id) == -EINVAL || id.kind != IDENT_TAG)
        return 603;
    return 0;
}

unsigned refer_check(const struct leg *leg, const struct msg *m)
{
    struct span value = msg_value(m, HDR_REFER_TO), method;
    struct name_addr na;

    if (leg->trunk.conf->refer == CONF_REFER_REJECT || leg->state != LEG_UP)
        return 403;
    /* RFC 3515 §2.4.2: exactly one. */
    if (span_is_empty(value) || msg_hdr(m, HDR_REFER_TO, 1) || name_addr_parse(value, &na) < 0)
        return 400;
    if (na.parsed.scheme != URI_SIP && na.parsed.scheme != URI_SIPS && na.parsed.scheme != URI_TEL)
        return 416;
    if (uri_param(&na.parsed, SPAN("method"), &method) && !span_case_eq(method, SPAN("INVITE")))
        return 603; /* calls are what we make */
    if (span_is_empty(na.parsed.user))
        return 603; /* a host of theirs that we would not route to */
    if (leg->trunk.conf->refer == CONF_REFER_PASS)
        return headers_check(leg, &na.parsed);
    return 0;
}

bool refer_must_cross(const struct leg *leg, const struct msg *m)
{
    const struct calls *cs = leg->call->calls;
    const struct leg *other = leg_other(leg);
    char buf[REFER_REPLACES_MAX];
    struct name_addr na;
    struct span value;
    struct replaces r;
    struct ident id;

    if (cs->workers < 2 || !other || other->trunk.conf->refer == CONF_REFER_REJECT ||
        name_addr_parse(msg_value(m, HDR_REFER_TO), &na) < 0 ||
        replaces_of_uri(&na.parsed, buf, sizeof buf, &value) != 1 || replaces_parse(value, &r) < 0)
        return false;
    return ident_open(cs->ident, r.to_tag, &id) != -EINVAL && id.kind == IDENT_TAG &&
           id.worker % cs->workers != cs->worker;
}

static int put_address(struct build *b, struct span name, struct span value, const struct leg *to)
{
    bool is_target = span_eq(name, SPAN("Refer-To"));
    struct span replaces = SPAN_NONE;
    char buf[REFER_REPLACES_MAX];
    struct name_addr na;
    struct party p;

    if (name_addr_parse(value, &na) < 0 || na.parsed.scheme == URI_OTHER ||
        na.parsed.scheme == URI_URN)
        return -EINVAL;
    if (is_target && replaces_of_uri(&na.parsed, buf, sizeof buf, &replaces) < 0)
        return -EINVAL;
    party_read(&p, &na.parsed);
    build_span(b, name);
    build_span(b, SPAN(": <"));
    party_write(b, &p,
                &(struct party_form){.to = to->trunk.conf,
                                     .host = headers_host(to->call->calls, &to->flow),
                                     .is_sip = !span_is_empty(replaces)});
    if (!span_is_empty(replaces) && replaces_cross(b, replaces, leg_other(to), to) < 0)
        return -EINVAL;
    build_span(b, SPAN(">\r\n"));
    return 0;
}

int refer_cross(struct build *b, const struct msg *m, struct leg *to)
{
    const struct hdr *sub = msg_hdr_named(m, SPAN("Refer-Sub"), 0);
    struct span by = msg_value(m, HDR_REFERRED_BY);

    if (put_address(b, SPAN("Refer-To"), msg_value(m, HDR_REFER_TO), to) < 0)
        return -EINVAL;
    if (!span_is_empty(by) && put_address(b, SPAN("Referred-By"), by, to) < 0)
        return -EINVAL;
    if (sub && span_case_eq(sub->value, SPAN("false")))
        build_hdr(b, SPAN("Refer-Sub"), SPAN("false"));
    if (msg_has_option(m, HDR_REQUIRE, SPAN("norefersub")))
        build_hdr(b, SPAN("Require"), SPAN("norefersub"));
    else if (msg_has_option(m, HDR_SUPPORTED, SPAN("norefersub")))
        build_hdr(b, SPAN("Supported"), SPAN("norefersub"));
    to->refer_cseq = to->main->d->local_cseq;
    to->refer_cseq_asked = m->cseq;
    return 0;
}

void refer_event(struct build *b, const struct msg *m, const struct leg *from)
{
    struct span name, params, id;
    uint32_t n;

    build_span(b, SPAN("Event: refer"));
    span_cut(msg_value(m, HDR_EVENT), ';', &name, &params);
    if (!span_is_empty(params)) {
        params.p--; /* with its ';' */
        params.len++;
        if (hdr_param(params, SPAN("id"), &id) && span_u32(id, UINT32_MAX, &n) == 0 &&
            n == from->refer_cseq) {
            build_span(b, SPAN(";id="));
            build_u32(b, from->refer_cseq_asked);
        }
    }
    build_span(b, SPAN("\r\n"));
}
