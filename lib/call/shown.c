/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translations and screening of the numbers that stand for people.
 * A number that no rule serves is shown as it is: a call does not fail for its caller's number.
 */
#include "call/shown.h"

#include "call/model.h"

static void translate(const struct conf *conf, const struct conf_ref *ref, uint32_t n,
                      char number[NUMBER_MAX])
{
    const struct conf_rule *rule;
    char out[NUMBER_MAX];

    for (uint32_t i = 0; conf && i < n; i++)
        if (ref[i].id != CONF_NONE && ref[i].id < conf->numbers.n &&
            number_translate(&conf->numbers.v[ref[i].id], span_of(number), out, &rule) > 0 &&
            tel_is_number(span_of(out)))
            memcpy(number, out, sizeof out);
}

_Static_assert(NUMBER_MAX == TEL_NUMBER_MAX, "a party's number is translated in place");

void shown_caller(const struct crossing *x, struct party *p)
{
    if (!p->number[0])
        return;
    translate(x->from_conf, &x->from->numbers_caller, 1, p->number);
    translate(x->to_conf, x->to->send_caller.v, x->to->send_caller.n, p->number);
}

void shown_redirecting(const struct crossing *x, struct party *p)
{
    if (!p->number[0])
        return;
    translate(x->from_conf, &x->from->numbers_redirecting, 1, p->number);
    translate(x->to_conf, x->to->send_redirecting.v, x->to->send_redirecting.n, p->number);
}

bool shown_instead(const struct crossing *x, struct party *p)
{
    if (span_is_empty(x->instead))
        return false;
    party_of_number(p, x->instead, SPAN_NONE);
    if (p->number[0])
        translate(x->to_conf, x->to->send_caller.v, x->to->send_caller.n, p->number);
    return true;
}

struct span shown_number(const struct call *c, const struct leg *out, char *buf)
{
    const struct conf_trunk *t = out->trunk.conf, *in = c->in->trunk.conf;

    if (!c->caller_normalised[0] ||
        (!in->caller.allow_file && in->numbers_caller.id == CONF_NONE && t->send_caller.n == 0))
        return span_of(c->caller);
    memcpy(buf, c->caller_normalised, NUMBER_MAX);
    translate(out->trunk.gen ? out->trunk.gen->conf : NULL, t->send_caller.v, t->send_caller.n,
              buf);
    return span_of(buf);
}

bool shown_is_nobody(const struct party *p)
{
    return p->is_anonymous || span_is_empty(p->user) || span_case_eq(p->user, SPAN("anonymous")) ||
           span_case_eq(p->user, SPAN("unavailable")) || span_case_eq(p->user, SPAN("restricted"));
}

/* ---- screening ----------------------------------------------------------------------------------------------------- */

static bool is_own(const struct call *c, uint32_t trunk, const struct sip_uri *u)
{
    struct party p;

    party_read(&p, u);
    return p.number[0] && route_caller_is_own(c->calls->view->route, trunk, span_of(p.number));
}

static bool all_own(const struct call *c, uint32_t trunk, struct span list)
{
    struct span item;
    struct name_addr na;

    while (hdr_list_next(&list, &item))
        if (name_addr_parse(item, &na) == 0 && !is_own(c, trunk, &na.parsed))
            return false;
    return true;
}

unsigned shown_screen(const struct call *c, const struct msg *m)
{
    struct party from;
    unsigned bits = 0;
    uint32_t trunk;

    if (!c->in->trunk.conf->caller.allow_file || c->klass == SIP_CLASS_EMERGENCY ||
        route_trunk_of_slot(c->calls->view->route, c->in->trunk.state->slot, &trunk) < 0)
        return 0;
    party_read(&from, &m->from.parsed);
    if (shown_is_nobody(&from))
        bits |= c->caller_replaced ? SHOWN_ASSERTED | SHOWN_NOBODY : 0U;
    else if (!is_own(c, trunk, &m->from.parsed))
        bits |= SHOWN_FROM;
    for (unsigned i = 0; i < m->n_hdrs; i++) {
        const struct hdr *h = &m->hdrs[i];

        if ((h->id == HDR_P_ASSERTED_IDENTITY || h->id == HDR_P_PREFERRED_IDENTITY) &&
            !all_own(c, trunk, h->value))
            bits |= SHOWN_ASSERTED;
        if (h->id == HDR_REMOTE_PARTY_ID && !all_own(c, trunk, h->value))
            bits |= SHOWN_OTHERS;
    }
    return bits ? bits | SHOWN_OTHERS : 0;
}
