/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that are too large for a datagram: the decision and the other Via.
 * txn_client.c and dialog_ack.c call it; it keeps no state.
 */
#include "sip/mtu.h"

#include <string.h>

/* "SIP/2.0/UDP host:port" of the top Via, which is the first header of all that we compose. */
static bool sent_by(const struct build *b, struct span *out)
{
    struct span text = build_text(b), line, rest, name;

    span_cut(text, '\n', &line, &rest);
    span_cut(rest, '\n', &line, &rest);
    if (!span_has_prefix(line, SPAN("Via: ")))
        return false;
    span_cut(line, ' ', &name, &line);
    span_cut(line, ';', out, &rest);
    return rest.len > 0;
}

bool mtu_by_tcp(struct transport *t, struct build *b, const struct flow *flow, struct flow *tcp)
{
    struct span old, via;
    struct flow f;
    size_t at;

    if (flow->proto != PROTO_UDP || flow->tcp_above == 0 || b->len <= flow->tcp_above ||
        b->overflow || !t->by_tcp || !sent_by(b, &old) || t->by_tcp(t, flow, &f) < 0)
        return false;
    via = t->via(t, &f);
    if (b->len - old.len + via.len > b->cap)
        return false;
    at = (size_t)(old.p - b->p);
    memmove(b->p + at + via.len, old.p + old.len, b->len - at - old.len);
    memcpy(b->p + at, via.p, via.len);
    b->len = b->len - old.len + via.len;
    *tcp = f;
    return true;
}
