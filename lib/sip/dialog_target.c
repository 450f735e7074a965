/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the requests of a dialog go: first route or remote target, their transport, and target refresh (RFC 3261 §12.2, RFC 6141).
 * dialog.c calls it; it sends nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include "sip/dialog_priv.h"

bool dialog_first_route(const struct dialog *d, struct span *rest, struct name_addr *route)
{
    struct span member;

    *rest = dialog_str(d, DIALOG_ROUTES);
    return hdr_list_next(rest, &member) && name_addr_parse(member, route) == 0;
}

/* What the URI says; without a word from it the transport stays what it is: a peer that speaks TCP need not say so in each Contact. */
static unsigned proto_of(const struct sip_uri *uri, unsigned now)
{
    struct span name;

    if (uri->scheme == URI_SIPS)
        return PROTO_TLS;
    if (!uri_param(uri, SPAN("transport"), &name))
        return now;
    for (unsigned p = 0; p < PROTO_N; p++)
        if (span_case_eq(name, span_of(proto_name(p))))
            return p;
    return now;
}

/* Another protocol or family leaves by another socket. @return -ENOTCONN we have none */
static int change_listener(struct dialog *d, unsigned proto, uint8_t family)
{
    struct transport *t = d->dialogs->p.transport;
    struct addr local = {0};
    int n = t->listener_for ? t->listener_for(t, &d->flow, proto, family, &local) : -ENOTCONN;

    if (n < 0)
        return n;
    d->flow.listener = (uint16_t)n;
    d->flow.proto = (uint8_t)proto;
    d->flow.local = local;
    d->flow.conn = 0;
    return 0;
}

/*
 * The address a request goes to (§12.2.1.1, §8.1.2), if it is written as numbers. A connection is kept as long as it leads to the same host:
 * the port of a peer that connected to us says nothing about where it listens.
 */
void dialog_follow_target(struct dialog *d)
{
    struct name_addr route;
    struct sip_uri uri;
    struct span rest;
    struct addr a;
    unsigned proto;

    if (d->is_pinned)
        return;
    if (dialog_first_route(d, &rest, &route))
        uri = route.parsed;
    else if (uri_parse(dialog_str(d, DIALOG_TARGET), &uri) < 0)
        return;
    if (addr_parse_ip(uri.host, &a) < 0)
        return;
    proto = proto_of(&uri, d->flow.proto);
    if (proto != d->flow.proto && change_listener(d, proto, a.family) < 0)
        proto = d->flow.proto; /* we do not speak it there: as before, and the peer may answer */
    if (a.family != d->flow.remote.family && change_listener(d, proto, a.family) < 0)
        return;
    if (!addr_ip_eq(&a, &d->flow.remote))
        d->flow.conn = 0;
    a.port = uri.port ? uri.port : flow_port(proto);
    d->flow.remote = a;
}

int dialog_set_target(struct dialog *d, struct span uri)
{
    struct span s[DIALOG_N_STRS];
    int err;

    if (span_eq(dialog_str(d, DIALOG_TARGET), uri))
        return 0;
    for (unsigned i = 0; i < DIALOG_N_STRS; i++)
        s[i] = dialog_str(d, i);
    s[DIALOG_TARGET] = uri;
    err = dialog_set_strs(d, s);
    if (err == 0)
        dialog_follow_target(d);
    return err;
}

int dialog_keep_target(struct dialog *d, const struct msg *m)
{
    struct span uri = m->contact[0].uri;

    dialog_drop_target(d);
    if (span_eq(dialog_str(d, DIALOG_TARGET), uri))
        return 0;
    d->next = malloc(sizeof(*d->next) + uri.len + 1); /* rare: a peer moves once, if ever */
    if (!d->next)
        return -ENOMEM;
    d->next->cseq = m->cseq;
    span_copy(uri, d->next->target, uri.len + 1);
    return 0;
}

void dialog_drop_target(struct dialog *d)
{
    free(d->next);
    d->next = NULL;
}

void dialog_answered(struct dialog *d, uint32_t cseq)
{
    if (!d->next || d->next->cseq != cseq)
        return;
    (void)dialog_set_target(d, span_of(d->next->target)); /* without memory the old one stays */
    dialog_drop_target(d);
}
