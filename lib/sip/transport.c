/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stored messages and the address of a response.
 * Transactions, dialogs and the gate call it; it knows no machine and no socket.
 */
#include "sip/transport.h"

#include <string.h>

uint16_t flow_port(unsigned proto)
{
    return proto == PROTO_TLS ? 5061 : 5060;
}

void flow_of_response(struct flow *f, bool has_rport, uint16_t via_port)
{
    if (!has_rport || proto_is_stream(f->proto))
        f->remote.port = via_port ? via_port : flow_port(f->proto);
}

struct wire *wire_new(struct blocks *b, const struct flow *f, const char *buf, size_t len)
{
    size_t cap = 0;
    struct wire *w = blocks_get(b, sizeof(*w) + len, &cap);

    if (!w)
        return NULL;
    w->cap = (uint32_t)cap;
    w->len = (uint32_t)len;
    w->flow = *f;
    memcpy(w->bytes, buf, len);
    return w;
}

void wire_free(struct blocks *b, struct wire *w)
{
    if (w)
        blocks_put(b, w, w->cap);
}

int wire_send(struct transport *t, const struct wire *w)
{
    return t->send(t, &w->flow, w->bytes, w->len);
}
