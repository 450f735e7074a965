/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of parties, from any form of URI into the one a trunk wants.
 * Called by whatever writes an address; knows no header and no call.
 */
#include "call/party.h"

#include "sip/hdr.h"

void party_read(struct party *p, const struct sip_uri *u)
{
    struct span rest;

    memset(p, 0, sizeof *p);
    span_cut(u->user, ';', &p->user, &rest);
    p->is_tel = u->scheme == URI_TEL;
    p->is_phone = uri_param(u, SPAN("user"), &rest) && span_case_eq(rest, SPAN("phone"));
    p->is_anonymous = span_case_eq(u->host, SPAN("anonymous.invalid"));
    if (tel_number(u, p->number, sizeof p->number) < 0)
        p->number[0] = '\0';
    else
        p->params = tel_params(u);
}

void party_of_number(struct party *p, struct span number, struct span params)
{
    memset(p, 0, sizeof *p);
    p->user = number;
    if (tel_is_number(number) && span_copy(number, p->number, sizeof p->number) > 0)
        p->params = params;
}

void party_params(struct build *b, struct span params)
{
    while (!span_is_empty(params)) {
        struct span one, name, value;

        span_cut(params, ';', &one, &params);
        span_cut(one, '=', &name, &value);
        if (!tel_param_crosses(name, value))
            continue;
        build_char(b, ';');
        build_span(b, one);
    }
}

/* Those of the number and those that f adds; true if there are any. */
static bool put_params(struct build *b, const struct party *p, const struct party_form *f)
{
    size_t at = b->len;

    if (!f->to->number_params_drop)
        party_params(b, p->params);
    build_span(b, f->extra);
    return b->len > at;
}

void party_write(struct build *b, const struct party *p, const struct party_form *f)
{
    enum conf_uri form = f->to->uri;
    bool is_number = p->number[0] != '\0';
    bool phone = p->is_phone || (is_number && form != CONF_URI_SIP);

    if (is_number && !f->is_sip &&
        (form == CONF_URI_TEL || (f->keeps_tel && form == CONF_URI_SIP && p->is_tel)) &&
        tel_is_global(span_of(p->number))) {
        build_span(b, SPAN("tel:"));
        build_str(b, p->number);
        (void)put_params(b, p, f);
        return;
    }
    build_span(b, SPAN("sip:"));
    if (is_number)
        build_str(b, p->number);
    else
        build_span(b, p->user);
    if (is_number && put_params(b, p, f))
        phone = true; /* only so are they parameters of a number (RFC 3261 §19.1.6) */
    if (is_number || !span_is_empty(p->user))
        build_char(b, '@');
    build_span(b, p->is_anonymous ? SPAN("anonymous.invalid") : f->host);
    if (phone)
        build_span(b, SPAN(";user=phone"));
}
