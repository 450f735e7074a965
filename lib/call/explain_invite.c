/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The INVITE of a question, as a caller on that trunk would send it.
 * explain.c calls it; the text then goes through gate, parser and call layer like any other.
 */
#include "call/explain_priv.h"

#include <errno.h>
#include <stdio.h>
#include "sip/build.h"

/* ---- where from -------------------------------------------------------------------------------------------------- */

/* The first socket of a listen section, datagrams first. */
static int socket_of(const struct conf *conf, uint32_t listen, uint8_t family, unsigned *number,
                     struct conf_socket *out)
{
    struct conf_socket k;

    for (unsigned i = 0; conf_listener(conf, i, &k) == 0; i++)
        if (k.listen == listen && (!family || k.addr.family == family)) {
            *number = i;
            *out = k;
            return 0;
        }
    return -ENOENT;
}

/* A host of that network: of more than one address not the first, which is the network's own. */
static struct addr host_of(const struct addr_prefix *net)
{
    struct addr a = net->net;
    unsigned last = a.family == 6 ? 15 : 3;

    if (net->bits < (a.family == 6 ? 127 : 31))
        a.ip[last] |= 1;
    return a;
}

static int flow_of(struct explain *e, struct addr source, uint32_t listen, const char **why)
{
    struct conf_socket k;
    unsigned number;

    *why = "no socket of that listen has the source's address family";
    if (socket_of(e->conf, listen, source.family, &number, &k) < 0)
        return -EINVAL;
    if (!source.port)
        source.port = flow_port(k.proto);
    e->flow = (struct flow){
        .listener = (uint16_t)number, .local = k.addr, .remote = source, .proto = k.proto};
    return 0;
}

/* By trunk: its first source, on its first listen. */
static int flow_of_trunk(struct explain *e, const char **why)
{
    const struct conf_trunk *t = &e->conf->trunk.v[e->ask->trunk];
    struct addr source = e->ask->source;

    *why = "nobody calls from that trunk: it has neither accept nor peer";
    if (!addr_is_set(&source)) {
        if (t->accept.n == 0)
            return -EINVAL;
        source = host_of(&t->accept.v[0].net);
    }
    for (uint32_t l = 0; l < t->listen.n; l++)
        if (flow_of(e, source, t->listen.v[l].id, why) == 0)
            return 0;
    return -EINVAL;
}

/* By address alone: the first listen where somebody has that source. */
static int flow_of_source(struct explain *e, const char **why)
{
    const struct explain_ask *a = e->ask;
    const char *first = NULL;

    for (uint32_t l = 0; l < e->conf->listen.n; l++) {
        if (a->listen != CONF_NONE && a->listen != l)
            continue;
        if (flow_of(e, a->source, l, why) == 0 &&
            (a->listen == l ||
             route_source_is_known(e->p->route, e->flow.listener, &e->flow.remote)))
            return 0;
        first = "no trunk has that source";
    }
    if (first)
        *why = first;
    return -EINVAL;
}

/* ---- the text ---------------------------------------------------------------------------------------------------- */

/* A user part as it may stand in a URI: what may not is escaped (RFC 3261 §25.1). */
static void put_user(struct build *b, const char *user)
{
    static const char hex[] = "0123456789ABCDEF";

    for (const unsigned char *p = (const unsigned char *)user; *p; p++) {
        if (strchr("-_.!~*'()&=+$,;?/", *p) || (*p >= '0' && *p <= '9') ||
            ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z')) {
            build_char(b, (char)*p);
            continue;
        }
        build_char(b, '%');
        build_char(b, hex[*p >> 4]);
        build_char(b, hex[*p & 15]);
    }
}

static void put_uri(struct build *b, const char *user, const char *params, struct span host)
{
    build_span(b, SPAN("<sip:"));
    put_user(b, user);
    build_str(b, params);
    build_char(b, '@');
    build_span(b, host);
    build_char(b, '>');
}

static void put_line(struct build *b, const char *name, const char *user, struct span host,
                     const char *behind)
{
    build_str(b, name);
    build_span(b, SPAN(": "));
    put_uri(b, user, "", host);
    build_str(b, behind);
    build_span(b, SPAN("\r\n"));
}

static void put_identity(struct build *b, const struct explain_ask *a, struct span host)
{
    if (a->caller)
        put_line(b, "From", a->caller, host, ";tag=explain");
    else
        build_span(b,
                   SPAN("From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=explain\r\n"));
    if (a->pai)
        put_line(b, "P-Asserted-Identity", a->pai, host, "");
    for (unsigned i = 0; i < a->n_diversions; i++)
        put_line(b, "Diversion", a->diversion[i], host, ";reason=unconditional");
    if (a->privacy) {
        build_span(b, SPAN("Privacy: "));
        build_safe(b, span_of(a->privacy));
        build_span(b, SPAN("\r\n"));
    }
}

static void put_body(struct build *b, const struct addr *source)
{
    /* Every codec that a policy may name: what crosses is what both trunks let through. */
    static const char formats[] =
        "m=audio 40000 RTP/AVP 8 0 18 9 4 3 15 11 96 97 98 99 100 102 103 104 105 13 101\r\n"
        "a=rtpmap:96 AMR/8000\r\na=rtpmap:97 AMR-WB/16000\r\na=rtpmap:98 opus/48000/2\r\n"
        "a=rtpmap:99 iLBC/8000\r\na=rtpmap:100 EVS/16000\r\na=rtpmap:102 speex/8000\r\n"
        "a=rtpmap:103 GSM-EFR/8000\r\na=rtpmap:104 G726-32/8000\r\n"
        "a=rtpmap:105 CLEARMODE/8000\r\na=rtpmap:101 telephone-event/8000\r\n";
    char host[ADDR_STRLEN], sdp[sizeof formats + 200];
    const char *family = source->family == 6 ? "IP6" : "IP4";
    int n;

    addr_ip_str(source, host);
    n = snprintf(sdp, sizeof sdp,
                 "v=0\r\no=- 1 1 IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n"
                 "%s",
                 family, host, family, host, formats);
    build_span(b, SPAN("Content-Type: application/sdp\r\n"));
    build_hdr_u32(b, SPAN("Content-Length"), (uint32_t)n);
    build_span(b, SPAN("\r\n"));
    build_span(b, (struct span){sdp, (size_t)n});
}

int explain_invite_again(struct explain *e, unsigned nth)
{
    const struct explain_ask *a = e->ask;
    char source[ADDR_STRLEN], local[ADDR_STRLEN], number[24], params[96] = "";
    struct span host, here;
    struct build b;

    host = span_of(addr_str(&e->flow.remote, source));
    here = span_of(addr_str(&e->flow.local, local));
    snprintf(number, sizeof number, "%u", nth);
    if (a->rn)
        snprintf(params, sizeof params, a->rn[0] ? ";npdi;rn=%.60s" : ";npdi", a->rn);
    build_init(&b, e->text, sizeof e->text);
    build_span(&b, SPAN("INVITE sip:"));
    put_user(&b, a->called);
    build_str(&b, params);
    build_char(&b, '@');
    build_span(&b, here);
    build_span(&b, SPAN(" SIP/2.0\r\nVia: SIP/2.0/"));
    build_str(&b, proto_name(e->flow.proto));
    build_char(&b, ' ');
    build_span(&b, host);
    build_span(&b, SPAN(";branch=z9hG4bKexplain"));
    build_str(&b, number);
    build_span(&b, SPAN("\r\nMax-Forwards: 70\r\n"));
    put_identity(&b, a, host);
    put_line(&b, "To", a->called, here, "");
    build_span(&b, SPAN("Call-ID: explain-"));
    build_str(&b, number);
    build_span(&b, SPAN("\r\nCSeq: 1 INVITE\r\nContact: <sip:"));
    build_span(&b, host);
    build_span(&b, SPAN(">\r\n"));
    put_body(&b, &e->flow.remote);
    e->text_len = b.len;
    return b.overflow ? -E2BIG : 0;
}

static bool is_plain(const char *s)
{
    for (; s && *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    return true;
}

int explain_invite(struct explain *e, const char **why)
{
    const struct explain_ask *a = e->ask;
    bool plain = is_plain(a->called) && is_plain(a->caller) && is_plain(a->pai) &&
                 is_plain(a->privacy) && is_plain(a->rn);

    for (unsigned i = 0; i < a->n_diversions; i++)
        plain = plain && is_plain(a->diversion[i]);
    *why = "control characters are no number";
    if (!plain)
        return -EINVAL;
    *why = "the called number is missing";
    if (!a->called || !a->called[0])
        return -EINVAL;
    int rc = a->trunk != CONF_NONE ? flow_of_trunk(e, why) : flow_of_source(e, why);

    if (rc == 0 && explain_invite_again(e, 0) < 0) {
        *why = "the question is too long";
        rc = -E2BIG;
    }
    return rc;
}
