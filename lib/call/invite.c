/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a new INVITE to the first attempt: source, form, loop, class, admission, route; each refusal with its own code.
 * Called by tu.c; what hunting needs later is copied out of the message here.
 */
#include "call/invite.h"

#include "call/admit.h"
#include "call/announce.h"
#include "call/bodies.h"
#include "call/codecs.h"
#include "call/crypto.h"
#include "call/diverted.h"
#include "call/header_rules.h"
#include "call/headers.h"
#include "call/hunt.h"
#include "call/identity.h"
#include "call/login.h"
#include "call/offer.h"
#include "call/rel100.h"
#include "call/party.h"
#include "call/query.h"
#include "call/rating.h"
#include "call/refresh.h"
#include "call/register.h"
#include "call/replaces.h"
#include "call/session.h"
#include "call/shown.h"

#include <stdio.h>
#include "core/log.h"

static void answer(struct calls *cs, struct txn_server *st, unsigned status, struct span name,
                   struct span value)
{
    stat_inc(cs->stats, STAT_calls_refused);
    headers_refuse(st, status, name, value);
}

/* Why an INVITE became no call: it has no record, so a line of the log says it. */
struct refusal {
    unsigned status;
    const char *why; /* static text */
};

static bool refuse(struct calls *cs, struct txn_server *st, struct refusal *r, unsigned status,
                   const char *why)
{
    *r = (struct refusal){status, why};
    answer(cs, st, status, SPAN_NONE, SPAN_NONE);
    return true;
}

static void log_refused(const struct msg *m, const struct flow *f, const char *trunk,
                        const struct refusal *r)
{
    char peer[ADDR_STRLEN], caller[80], called[80], id[160];

    log_limited(LOG_WARN, "call_refused",
                "trunk=%s peer=%s transport=%s code=%u why=\"%s\" caller=%s called=%s callid=%s",
                trunk, addr_str(&f->remote, peer), proto_name(f->proto), r->status, r->why,
                log_quote(caller, sizeof caller, m->from.parsed.user),
                log_quote(called, sizeof called, m->uri.user),
                log_quote(id, sizeof id, m->call_id));
}

void invite_refuse_body(struct txn_server *st)
{
    struct build *b = txn_server_begin(st, 415, SPAN_NONE, SPAN_NONE);

    if (!b)
        return;
    build_hdr(b, SPAN("Accept"), SPAN("application/sdp, multipart/mixed"));
    build_hdr(b, SPAN("Accept-Encoding"), SPAN("identity"));
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(st);
}

/* 100rel and timer by the trunk's policy. */
static bool is_known_option(const struct conf_trunk *t, struct span tag)
{
    return (t->rel100 != CONF_100REL_OFF && span_case_eq(tag, SPAN("100rel"))) ||
           span_case_eq(tag, SPAN("replaces")) || /* replaces_invite has the last word */
           (t->timer.expires_ms && span_case_eq(tag, SPAN("timer"))) ||
           span_case_eq(tag, SPAN("norefersub")) || span_case_eq(tag, SPAN("precondition"));
}

/* RFC 3261 §8.2.2.3: all that we do not know, in one list. */
unsigned invite_refuse_options(struct txn_server *st, const struct msg *m,
                               const struct conf_trunk *t)
{
    static const enum hdr_id where[] = {HDR_REQUIRE, HDR_PROXY_REQUIRE};
    struct span tag[MSG_MEMBERS_MAX];
    char buf[1024];
    struct build list;
    struct build *b;

    build_init(&list, buf, sizeof buf);
    for (size_t i = 0; i < 2; i++) {
        unsigned n = msg_list(m, where[i], tag, MSG_MEMBERS_MAX);

        for (unsigned k = 0; k < n && k < MSG_MEMBERS_MAX; k++) {
            if (where[i] == HDR_REQUIRE && is_known_option(t, tag[k]))
                continue;
            if (list.len)
                build_span(&list, SPAN(", "));
            build_span(&list, tag[k]);
        }
    }
    if (list.len == 0)
        return 0;
    b = txn_server_begin(st, 420, SPAN_NONE, SPAN_NONE);
    if (!b)
        return 420;
    if (!list.overflow)
        build_hdr(b, SPAN("Unsupported"), build_text(&list));
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(st);
    return 420;
}

/* ---- whose is it ------------------------------------------------------------------------------------------------- */

static struct span facts_header(void *arg, const char *name)
{
    const struct msg *m = arg;
    struct span n = span_of(name);
    enum hdr_id id = hdr_id_of(n);
    const struct hdr *h = id == HDR_OTHER ? msg_hdr_named(m, n, 0) : msg_hdr(m, id, 0);

    return h ? h->value : SPAN_NONE;
}

/* The trunk group stands in the user part (RFC 4904 §4), with some peers among the URI's parameters. */
static bool tgrp_of(const struct sip_uri *u, struct span *tgrp)
{
    struct span number, params = SPAN_NONE;

    if (span_cut(u->user, ';', &number, &params)) {
        params.p--; /* with its ';' */
        params.len++;
        if (hdr_param(params, SPAN("tgrp"), tgrp))
            return true;
    }
    return uri_param(u, SPAN("tgrp"), tgrp);
}

/* A trunk that writes `tls-name` is taken only with a certificate that has one of these names (RFC 5922 §7.3). */
static bool has_shown_name(const struct calls *cs, const struct flow *f, uint32_t trunk)
{
    const struct conf_trunk *t = &cs->view->conf->trunk.v[trunk];
    struct transport *tr = cs->transport;
    char peer[ADDR_STRLEN];

    for (uint32_t i = 0; tr->peer_is && i < t->tls_name.n; i++)
        if (tr->peer_is(tr, f, t->tls_name.v[i]))
            return true;
    if (t->tls_name.n == 0)
        return true;
    stat_inc(cs->stats, STAT_tls_name_refused);
    log_limited(LOG_WARN, "tls_name",
                "trunk=%s peer=%s transport=%s msg=\"no certificate with its tls-name\"", t->name,
                addr_str(&f->remote, peer), proto_name(f->proto));
    return false;
}

static int identify(const struct calls *cs, const struct msg *m, const struct flow *f,
                    uint32_t *trunk)
{
    union {
        const struct msg *in;
        void *out;
    } arg = {m}; /* the callback reads only */
    struct source_facts facts = {
        .ruri_user = m->uri.user,
        .ruri_host = m->uri.host,
        .to_host = m->to.parsed.host,
        .from_host = m->from.parsed.host,
        .header = facts_header,
        .arg = arg.out,
    };
    int rc;

    if (!tgrp_of(&m->uri, &facts.tgrp) && m->n_contacts)
        (void)tgrp_of(&m->contact[0].parsed, &facts.tgrp);
    facts.login = login_user(m);
    if (span_is_empty(facts.login) && m->method == SIP_REGISTER)
        facts.login = m->to.parsed.user; /* most PBXs log in as the user whom they register */
    rc = route_identify(cs->view->route, f->listener, &f->remote, &facts, trunk);
    if (rc != -EACCES || span_is_empty(facts.login))
        return rc;
    facts.login = SPAN_NONE; /* nobody's name: whoever fits without one sends the challenge */
    return route_identify(cs->view->route, f->listener, &f->remote, &facts, trunk);
}

int invite_identify(const struct calls *cs, const struct msg *m, const struct flow *f,
                    uint32_t *trunk)
{
    int rc = identify(cs, m, f, trunk);

    return rc == 0 && !has_shown_name(cs, f, *trunk) ? -EACCES : rc;
}

bool invite_is_barred(const struct calls *cs, const struct msg *m, const struct flow *f)
{
    uint32_t trunk;

    return identify(cs, m, f, &trunk) == 0 &&
           admit_is_barred(route_trunk_state(cs->view->route, trunk), false);
}

/* A Via branch of ours below the top one: the request has been here (RFC 3261 §16.3 item 4). */
static bool is_loop(struct calls *cs, const struct msg *m)
{
    struct span item[MSG_VIAS_MAX];
    struct span cookie = SPAN("z9hG4bK");
    unsigned n;

    if (m->via_count < 2)
        return false;
    n = msg_list(m, HDR_VIA, item, MSG_VIAS_MAX);
    for (unsigned i = 1; i < n && i < MSG_VIAS_MAX; i++) {
        struct via v;
        struct ident id;

        if (via_parse(item[i], &v) < 0 || !span_has_prefix(v.branch, cookie))
            continue;
        v.branch.p += cookie.len;
        v.branch.len -= cookie.len;
        if (ident_open(cs->ident, v.branch, &id) == 0 && id.kind == IDENT_BRANCH)
            return true;
    }
    return false;
}

/* All our answers are SDP (RFC 3261 §20.1): of the ranges in Accept one must hold it; without the header it is meant. */
static bool accepts_sdp(const struct msg *m)
{
    struct span range[MSG_MEMBERS_MAX];
    unsigned n = msg_list(m, HDR_ACCEPT, range, MSG_MEMBERS_MAX);

    if (!msg_hdr(m, HDR_ACCEPT, 0))
        return true;
    for (unsigned i = 0; i < n && i < MSG_MEMBERS_MAX; i++) {
        struct span type, params;

        span_cut(range[i], ';', &type, &params);
        type = span_trim(type);
        if (span_case_eq(type, OFFER_TYPE) || span_case_eq(type, SPAN("application/*")) ||
            span_case_eq(type, SPAN("*/*")))
            return true;
    }
    return false;
}

/* What RFC 3261 §8.2 asks of every request, in its order. @return true: refused and answered */
static bool refused_by_form(struct calls *cs, struct txn_server *st, const struct msg *m,
                            const struct conf_trunk *t, struct refusal *r)
{
    const char *why;

    if (m->uri.scheme != URI_SIP && m->uri.scheme != URI_SIPS && m->uri.scheme != URI_TEL &&
        !(m->uri.scheme == URI_URN && priority_of(cs->view->conf, m) == SIP_CLASS_EMERGENCY))
        return refuse(cs, st, r, 416, "scheme of the Request-URI");
    if (m->max_forwards == 0)
        return refuse(cs, st, r, 483, "Max-Forwards is 0");
    if (is_loop(cs, m))
        return refuse(cs, st, r, 482, "loop: it has been here");
    if (invite_refuse_options(st, m, t)) {
        stat_inc(cs->stats, STAT_calls_refused);
        *r = (struct refusal){420, "requires an extension that this trunk does not have"};
        return true;
    }
    if (!span_is_empty(m->body) &&
        (!msg_body_is(m, OFFER_TYPE) || msg_hdr(m, HDR_CONTENT_ENCODING, 0))) {
        stat_inc(cs->stats, STAT_calls_refused);
        *r = (struct refusal){415, "type or encoding of the body"};
        invite_refuse_body(st);
        return true;
    }
    if (!accepts_sdp(m)) {
        *r = (struct refusal){406, "Accept has no application/sdp"};
        answer(cs, st, 406, SPAN("Accept"), OFFER_TYPE);
        return true;
    }
    if (!span_is_empty(m->body) && offer_check(m->body, &why) < 0) {
        char text[128];

        *r = (struct refusal){488, why};
        snprintf(text, sizeof text, "399 tandem \"%s\"", why);
        answer(cs, st, 488, SPAN("Warning"), span_of(text));
        return true;
    }
    if (!crypto_lets(t, m->body)) {
        *r = (struct refusal){488, "srtp"};
        stat_inc(cs->stats, STAT_calls_no_srtp);
        answer(cs, st, 488, SPAN("Warning"), CRYPTO_WARNING);
        return true;
    }
    if (codecs_check(t, NULL, m->body) < 0) {
        *r = (struct refusal){488, "codecs"};
        stat_inc(cs->stats, STAT_calls_no_codec);
        answer(cs, st, 488, SPAN("Warning"), CODECS_WARNING);
        return true;
    }
    return false;
}

/* Privacy that nobody here can give (RFC 3323 §5), and a call that has been handed on too often. @return true: refused and answered */
static bool refused_by_identity(struct calls *cs, struct txn_server *st, const struct msg *m,
                                const struct conf_trunk *t, struct refusal *r)
{
    if (!t->identity.ignore_privacy && identity_is_impossible(m->hdrs, m->n_hdrs))
        return refuse(cs, st, r, 500, "privacy that cannot be given is critical");
    if (t->diversions_max && (m->first[HDR_DIVERSION] || m->first[HDR_HISTORY_INFO]) &&
        diverted_count(m->hdrs, m->n_hdrs) > t->diversions_max) {
        stat_inc(cs->stats, STAT_calls_diverted_too_often);
        return refuse(cs, st, r, 482, "diverted too often");
    }
    return false;
}

static bool refused_by_interval(struct calls *cs, struct txn_server *st, const struct msg *m,
                                const struct conf_trunk *t, struct refusal *r)
{
    if (!refresh_check(t, m))
        return false;
    *r = (struct refusal){422, "session interval below min"};
    stat_inc(cs->stats, STAT_calls_refused);
    refresh_refuse(cs, st, t);
    return true;
}

/* To the contact that we registered for all numbers, the carrier tells the called one in To (SIPconnect's registration mode without RFC 6140). */
static const struct sip_uri *called_uri(const struct conf_trunk *t, const struct msg *m)
{
    if (!t->reg.domain || !span_eq(m->uri.user, span_of(register_user(t))) ||
        span_is_empty(m->to.parsed.user))
        return &m->uri;
    return &m->to.parsed;
}

/* By the message, or by what the trunk's plan says of its number. */
static bool is_for_help(const struct calls *cs, const struct msg *m, uint32_t trunk)
{
    char buf[NUMBER_MAX];
    const struct sip_uri *called = called_uri(&cs->view->conf->trunk.v[trunk], m);

    return priority_of(cs->view->conf, m) == SIP_CLASS_EMERGENCY ||
           route_is_emergency(cs->view->route, trunk, query_called(called, buf));
}

/* The whole node, or its trunk by the operator's word. */
static bool refused_by_drain(struct calls *cs, struct txn_server *st, const struct msg *m,
                             uint32_t trunk, struct refusal *r)
{
    const struct trunk_state *ts = route_trunk_state(cs->view->route, trunk);
    bool emergency;

    if (!cs->draining && !admit_is_barred(ts, false))
        return false;
    emergency = is_for_help(cs, m, trunk);
    if (admit_is_barred(ts, emergency)) {
        *r = (struct refusal){503, "the trunk is drained or down"};
        stat_inc(cs->stats, STAT_calls_barred);
        answer(cs, st, 503, SPAN("Retry-After"), SPAN(ADMIT_BARRED_RETRY));
        return true;
    }
    if (!cs->draining || emergency)
        return false;
    *r = (struct refusal){503, "draining"};
    answer(cs, st, 503, SPAN("Retry-After"), SPAN("5"));
    return true;
}

/* The INVITE as the trunk's rules leave it, its body seen as SDP and what is around it. */
static const struct msg *received(struct calls *cs, const struct msg *m, const struct conf_trunk *t)
{
    const struct conf *conf = cs->view->conf;
    const struct header_vars v = {
        .called = m->uri.user,
        .caller = m->from.parsed.user,
        .billing = t->customer.id != CONF_NONE ? span_of(conf->customer.v[t->customer.id].account)
                                               : m->from.parsed.user,
        .node = span_of(conf->global.node),
        .trunk = span_of(t->name),
        .ruri = m->ruri,
    };

    return bodies_open(cs->arena, header_rules_in(cs->arena, t, m, &v));
}

/* ---- the call ---------------------------------------------------------------------------------------------------- */

static void copy_text(char *dst, size_t size, struct span s)
{
    size_t n = s.len < size ? s.len : size - 1;

    memcpy(dst, s.p ? s.p : "", n);
    dst[n] = '\0';
}

static struct span setup_put(struct build *b, struct span s)
{
    size_t at = b->len;

    build_span(b, s);
    return (struct span){b->p + at, b->len - at};
}

/* Header lines that may cross. raw holds name and value, unless a fold was taken out of the value. */
static void setup_put_headers(struct setup *s, struct build *b, const struct msg *m)
{
    for (unsigned i = 0; i < m->n_hdrs; i++) {
        const struct hdr *h = &m->hdrs[i];
        struct hdr *copy = &s->hdr[s->n_hdrs];

        if (headers_is_core(h->id))
            continue;
        s->n_hdrs++;
        *copy = (struct hdr){.id = h->id};
        if (h->raw.len && h->value.p >= h->raw.p &&
            h->value.p + h->value.len <= h->raw.p + h->raw.len && h->name.p == h->raw.p) {
            copy->raw = setup_put(b, h->raw);
            copy->name = (struct span){copy->raw.p, h->name.len};
            copy->value = (struct span){copy->raw.p + (h->value.p - h->raw.p), h->value.len};
        } else {
            copy->name = setup_put(b, h->name);
            copy->value = setup_put(b, h->value);
        }
    }
}

static void setup_take(struct call *c, const struct route_decision *d)
{
    struct setup *s = c->setup;

    s->gen = gen_take(c->calls); /* NULL: records are without prices */
    memcpy(s->candidate, d->candidate, d->n * sizeof d->candidate[0]);
    s->n = (uint16_t)d->n;
    s->max_attempts = (uint16_t)d->max_attempts;
    s->deadline_ms = d->deadline_ms ? c->started_ms + d->deadline_ms : 0;
}

/* The setup block: room for candidates and header lines, then strings. */
static int setup_fill(const struct call *c, const struct msg *m, uint32_t room)
{
    struct setup *s = c->setup;
    struct build b;
    size_t at;

    build_init(&b, s->space, s->cap - sizeof *s);
    s->candidate =
        (struct route_candidate *)(void *)s->space; /* the block is aligned for any object */
    b.len = (room * sizeof *s->candidate + 7) & ~(size_t)7;
    s->hdr = (struct hdr *)(void *)(b.p + b.len);
    b.len += m->n_hdrs * sizeof *s->hdr;
    setup_put_headers(s, &b, m);
    s->from = setup_put(&b, m->from.raw);
    at = b.len;
    if (!c->in->trunk.conf->untrusted)
        party_params(&b, tel_params(&m->uri));
    s->number_params = (struct span){b.p + at, b.len - at};
    s->body = setup_put(&b, m->body);
    if (m->wrap) {
        s->wrapped = true;
        s->wrap = (struct msg_wrap){.type = setup_put(&b, m->wrap->type),
                                    .before = setup_put(&b, m->wrap->before),
                                    .after = setup_put(&b, m->wrap->after),
                                    .has_sdp = m->wrap->has_sdp};
    }
    return b.overflow ? -E2BIG : 0;
}

/* As setup_fill writes it. Lines that a rule put in are not of the message's own bytes. */
static size_t setup_need(const struct msg *m, uint32_t room)
{
    size_t need = sizeof(struct setup) + room * sizeof(struct route_candidate) + 8 +
                  m->n_hdrs * sizeof(struct hdr) + m->from.raw.len + m->ruri.len + m->body.len;

    for (unsigned i = 0; i < m->n_hdrs; i++) {
        const struct hdr *h = &m->hdrs[i];

        if (!headers_is_core(h->id))
            need +=
                h->raw.len > h->name.len + h->value.len ? h->raw.len : h->name.len + h->value.len;
    }
    if (m->wrap)
        need += m->wrap->type.len + m->wrap->before.len + m->wrap->after.len;
    return need;
}

/* room: for the candidates that setup_take will put in */
static int setup_new(struct call *c, const struct msg *m, uint32_t room)
{
    size_t cap, need = setup_need(m, room);
    struct setup *s;

    if (need > CALL_SETUP_MAX)
        return -E2BIG;
    s = blocks_get(c->calls->blocks, need, &cap);
    if (!s)
        return -ENOMEM;
    /* What follows is counted, and written before it is read: two thirds of the block's head. */
    memset(s, 0, offsetof(struct setup, failover.hop));
    s->cap = cap;
    c->setup = s;
    s->max_forwards = m->max_forwards;
    s->screened = (uint8_t)shown_screen(c, m);
    rel100_learn(c->in, m);
    c->in->offered = !span_is_empty(m->body);
    return setup_fill(c, m, room);
}

static int in_leg_begin(struct call *c, struct txn_server *st, const struct msg *m,
                        const struct flow *f, uint32_t trunk)
{
    struct calls *cs = c->calls;
    char contact[128];
    struct dialog *d;
    struct leg *in;
    int rc;

    c->in = in = leg_new(c, true);
    if (!in)
        return -ENOMEM;
    in->flow = *f;
    rc = leg_take_trunk(in, cs->view, trunk);
    if (rc < 0)
        return rc;
    leg_set_flow(in, f);
    if (st)
        txn_server_set_owner(st, in->flow.owner);
    in->invite_cseq = m->cseq;
    in->invite_st = st;
    if (st)
        txn_server_set_user(st, &calls_invite_cb, in);
    rc = dialog_new_uas(cs->dialogs, m, &in->flow, headers_our_contact(cs, f, contact), &d);
    if (rc < 0)
        return rc;
    in->main = ldlg_new(in, d);
    if (!in->main) {
        dialog_free(d);
        return -ENOMEM;
    }
    in->privacy = (uint8_t)identity_privacy(m->hdrs, m->n_hdrs);
    copy_text(c->priority, sizeof c->priority, msg_value(m, HDR_RESOURCE_PRIORITY));
    copy_text(c->caller, sizeof c->caller, m->from.parsed.user);
    copy_text(c->called, sizeof c->called, called_uri(in->trunk.conf, m)->user);
    return 0;
}

/* What its line has for the caller to hear. A decision made after a reload is not of the configuration that the leg holds. */
static const char *sound_of(const struct call *c, const struct route_decision *d)
{
    const struct gen *gen = c->in->trunk.gen;

    return d->sound != CONF_NONE && gen && gen->conf == c->calls->view->conf
               ? gen->conf->sound.v[d->sound].name
               : NULL;
}

/* The operator's own words, where a route line has some. */
static void reject_by_route(struct call *c, const struct route_decision *d)
{
    struct cause cause = {(uint16_t)d->code, cause_q850_of(d->code), CAUSE_HERE,
                          "refused by route"};

    struct leg_arg arg = {.cause = &cause,
                          .sound = sound_of(c, d),
                          .phrase = d->reason ? span_of(d->reason) : SPAN_NONE};

    if (!announce_reject(c, &arg))
        leg_event(c->in, LEV_REJECT, &arg);
}

static void reject(struct call *c, unsigned status, unsigned q850, const char *why)
{
    struct cause cause = {(uint16_t)status, (uint8_t)(q850 ? q850 : cause_q850_of(status)),
                          CAUSE_HERE, why};

    struct leg_arg arg = {.cause = &cause};

    if (!announce_reject(c, &arg))
        leg_event(c->in, LEV_REJECT, &arg);
}

/* What a decision says of the call. After the first one too: a call that waits for its dip is recorded when it is given up. */
static void take_decision(struct call *c, const struct route_decision *d)
{
    struct calls *cs = c->calls;

    copy_text(c->normalised, sizeof c->normalised, span_of(d->called));
    copy_text(c->caller_normalised, sizeof c->caller_normalised, span_of(d->caller));
    c->caller_replaced = d->caller_replaced;
    rating_free(cs->blocks, c->rating);
    c->rating = rating_of_call(cs->blocks, cs->view->conf, d);
    rating_place(cs->view->conf, &d->line_loc, c->route);
    c->klass = (uint8_t)priority_raise(c->klass, d->klass);
}

/* Before admission: a numbers rule may say that this is an emergency, which no limit refuses. */
static void decide(struct call *c, const struct msg *m, uint32_t trunk, struct query *qn,
                   struct route_decision *d)
{
    const struct calls *cs = c->calls;

    query_of(qn, c, m, called_uri(c->in->trunk.conf, m), trunk);
    if (cs->dry)
        cs->dry->decide(cs->dry->arg, &qn->q, d);
    else
        route_decide(cs->view->route, &qn->q, d);
    take_decision(c, d);
}

/* @return false: the call was refused */
static bool is_routed(struct call *c, const struct route_decision *d)
{
    switch (d->verdict) {
    case ROUTE_OK:
        if (d->routed[0] && strcmp(d->routed, d->called) != 0)
            copy_text(c->lrn, sizeof c->lrn, span_of(d->routed));
        return true;
    case ROUTE_REFUSED: reject_by_route(c, d); break;
    case ROUTE_NO_ROUTE: reject(c, d->code ? d->code : 404, 3, "no route"); break;
    case ROUTE_BAD_NUMBER: reject(c, d->code ? d->code : 484, 28, "number not served"); break;
    case ROUTE_BAD_CALLER: reject(c, 403, 21, "calling number not allowed"); break;
    case ROUTE_DIP:
    case ROUTE_NO_OFFER: reject(c, 503, 34, "no offer within limits"); break;
    case ROUTE_ALL_DOWN:
        c->retry_after_s = d->retry_after_s;
        reject(c, d->code ? d->code : 503, 38, "all trunks down");
        break;
    }
    return false;
}

static bool has_setup(struct call *c, const struct msg *m, uint32_t room)
{
    int rc = setup_new(c, m, room);

    if (rc < 0)
        reject(c, rc == -E2BIG ? 513 : 503, 47, "no room for the INVITE");
    return rc == 0;
}

static void go(struct call *c, const struct msg *m, const struct query *qn,
               struct route_decision *d)
{
    if (d->verdict == ROUTE_DIP && dip_begin(c, &qn->q, d))
        take_decision(c, d);
    if (dip_waits(c)) {
        (void)has_setup(c, m, ROUTE_CANDIDATES_MAX); /* refused: its end ends the wait */
        return;
    }
    /* an announcement answers the offer: it is kept for that, if it can be */
    if (d->verdict != ROUTE_OK && (c->in->trunk.conf->announce.n > 0 || sound_of(c, d)) &&
        !c->setup)
        (void)setup_new(c, m, 1);
    if (!is_routed(c, d) || (!c->setup && !has_setup(c, m, d->n)))
        return;
    setup_take(c, d);
    hunt_next(c);
}

void invite_dipped(struct call *c, const struct route_decision *d)
{
    if (!d) {
        reject(c, 503, 38, "its trunk has gone");
        return;
    }
    take_decision(c, d);
    if (!is_routed(c, d))
        return;
    setup_take(c, d);
    hunt_next(c);
}

static void begin(struct calls *cs, struct txn_server *st, const struct msg *m,
                  const struct flow *f, uint32_t trunk)
{
    struct call *c = call_new(cs);
    struct route_decision d;
    struct query qn;
    const char *why;
    unsigned retry;
    int rc;

    if (!c) {
        answer(cs, st, 503, SPAN("Retry-After"), SPAN("5"));
        return;
    }
    c->klass = (uint8_t)priority_of(cs->view->conf, m);
    rc = in_leg_begin(c, st, m, f, trunk);
    if (rc < 0) {
        if (c->in && c->in->main == NULL && c->in->invite_st) {
            c->in->invite_st = NULL;
            txn_server_set_user(st, NULL, NULL);
        }
        if (rc == -EBADMSG)
            answer(cs, st, 400, SPAN_NONE, SPAN_NONE);
        else
            answer(cs, st, 503, SPAN("Retry-After"), SPAN("5"));
        call_abort(c);
        return;
    }
    (void)refresh_asked(c->in, m); /* not refused: invite_new has looked */
    session_learn(c->in, m);
    session_answer(c->in, st);
    decide(c, m, trunk, &qn, &d);
    stat_inc(cs->stats, STAT_calls_started); /* from here on it has a record */
    retry = admit_in(c, trunk, &why);
    if (retry) {
        c->retry_after_s = retry;
        record_start(c);
        reject(c, 503, 34, why);
        return;
    }
    atomic_fetch_add_explicit(&c->in->trunk.state->attempts_in, 1, memory_order_relaxed);
    leg_event(c->in, LEV_INVITE, &(struct leg_arg){.msg = m});
    record_start(c);
    call_setup_timer(c, m);
    go(c, m, &qn, &d);
}

static void ward_takes_media(struct leg *ward, const struct leg *stays)
{
    struct leg_trunk *t = &ward->trunk;

    t->media = stays->trunk.media;
    t->pool = stays->trunk.pool;
    memcpy(t->advertise, stays->trunk.advertise, sizeof t->advertise);
    t->family_mask = stays->trunk.family_mask;
    t->latch = stays->trunk.latch;
    t->dscp_media = stays->trunk.dscp_media;
    t->media_none = stays->trunk.media_none;
    t->inactivity_ms = stays->trunk.inactivity_ms;
    ward->is_unheard = true;
}

int invite_ward(struct calls *cs, const struct msg *m, const struct invite_ward *w)
{
    struct call *c = call_new(cs);
    struct route_decision d;
    struct query qn;
    const char *why;
    int rc;

    if (!c)
        return -ENOMEM;
    c->klass = (uint8_t)priority_of(cs->view->conf, m);
    rc = in_leg_begin(c, NULL, m, &w->stays->flow, w->trunk);
    if (rc < 0) {
        call_abort(c);
        return rc;
    }
    c->in->endpoint = w->stays->endpoint; /* RFC 7989: it is that party whom the target talks to */
    decide(c, m, w->trunk, &qn, &d);
    stat_inc(cs->stats, STAT_calls_started);
    *w->ward = c->in;
    c->in->transfer = w->transfer;
    if (admit_in(c, w->trunk, &why)) {
        record_start(c);
        reject(c, 503, 34, why);
        return 0;
    }
    ward_takes_media(c->in, w->stays);
    leg_event(c->in, LEV_INVITE, &(struct leg_arg){.msg = m});
    record_start(c);
    call_setup_timer(c, m);
    go(c, m, &qn, &d);
    return 0;
}

void invite_new(struct calls *cs, struct txn_server *st, const struct msg *m, const struct flow *f)
{
    const struct conf_trunk *t;
    struct refusal r;
    uint32_t trunk;

    stat_inc(cs->stats, STAT_calls_offered);
    if (cs->dry && cs->dry->trunk != CONF_NONE) {
        trunk = cs->dry->trunk;
    } else if (invite_identify(cs, m, f, &trunk) < 0) {
        (void)refuse(cs, st, &r, 403, "no trunk fits it");
        log_refused(m, f, "-", &r);
        return;
    }
    t = &cs->view->conf->trunk.v[trunk];
    /* A call for help is not refused for want of a password: its source is a trunk's. */
    if (!cs->dry && priority_of(cs->view->conf, m) != SIP_CLASS_EMERGENCY &&
        login_refused(cs, st, m, f, trunk))
        return;
    m = received(cs, m, t);
    if (refused_by_form(cs, st, m, t, &r) || refused_by_identity(cs, st, m, t, &r) ||
        refused_by_interval(cs, st, m, t, &r)) {
        log_refused(m, f, t->name, &r);
        return;
    }
    if (replaces_invite(cs, st, m, f, trunk))
        return;
    if (refused_by_drain(cs, st, m, trunk, &r)) {
        log_refused(m, f, t->name, &r);
        return;
    }
    begin(cs, st, m, f, trunk);
}
