/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads numbers out of an INVITE for routing. Nothing is translated here.
 * Called by invite.c before admission.
 */
#include "call/query.h"

#include "call/priority.h"
#include "sip/hdr.h"

/* Digits without escapes and separators (RFC 3966 §5.1.1); anything but a number stays as it was received. */
static struct span number_of(const struct sip_uri *u, char buf[NUMBER_MAX])
{
    int n = tel_number(u, buf, NUMBER_MAX);

    return n > 0 ? (struct span){buf, (size_t)n} : u->user;
}

/* The first identity of the line that is a number. */
static bool asserted_of(struct span line, char buf[NUMBER_MAX], struct span *out)
{
    struct span item;
    struct name_addr na;
    int n;

    while (hdr_list_next(&line, &item)) {
        if (name_addr_parse(item, &na) < 0)
            continue;
        n = tel_number(&na.parsed, buf, NUMBER_MAX);
        if (n > 0) {
            *out = (struct span){buf, (size_t)n};
            return true;
        }
    }
    return false;
}

static struct span caller_of(const struct conf_trunk *t, const struct msg *m, char buf[NUMBER_MAX])
{
    struct span number;

    for (unsigned i = 0; i < m->n_hdrs && !t->untrusted; i++)
        if (m->hdrs[i].id == HDR_P_ASSERTED_IDENTITY && asserted_of(m->hdrs[i].value, buf, &number))
            return number;
    return number_of(&m->from.parsed, buf);
}

/* rn and npdi of the called number (RFC 4694). A local rn gets the prefix that its context is (§5.1.1). */
static void read_portability(struct query *out, const struct sip_uri *called)
{
    struct span params = tel_params(called), rn, context;
    size_t n = 0;

    out->q.dip = hdr_param(params, SPAN("npdi"), NULL) ? ROUTE_DIP_DONE : ROUTE_DIP_NOT;
    if (!hdr_param(params, SPAN("rn"), &rn) || span_is_empty(rn))
        return;
    if (rn.p[0] != '+' && hdr_param(params, SPAN("rn-context"), &context) &&
        context.len < sizeof out->rn && tel_is_global(context)) {
        memcpy(out->rn, context.p, context.len);
        n = context.len;
    }
    if (n + rn.len >= sizeof out->rn)
        return;
    memcpy(out->rn + n, rn.p, rn.len);
    out->q.rn = (struct span){out->rn, n + rn.len};
}

struct span query_called(const struct sip_uri *u, char *buf)
{
    return number_of(u, buf);
}

void query_of(struct query *out, const struct call *c, const struct msg *m,
              const struct sip_uri *called, uint32_t trunk)
{
    const struct clock *k = c->calls->clock;
    struct sip_uri bare;

    out->q = (struct route_query){
        .trunk = trunk,
        .emergency = c->klass == SIP_CLASS_EMERGENCY,
        .now_ms = k->mono_ms,
        .wall_s = (int64_t)(k->wall_ms / 1000),
        .rnd = (uint32_t)hash_u64(c->id),
    };
    /* What made it a call for help is what is called: with its phone-context it would be another number, past all lists. */
    bare = out->q.emergency ? priority_bare(called) : *called;
    out->q.called = number_of(&bare, out->called);
    out->q.caller = caller_of(c->in->trunk.conf, m, out->caller);
    /* Whose identities are not believed does not say either where a number lives, and so what it costs. */
    if (!c->in->trunk.conf->untrusted)
        read_portability(out, called);
}
