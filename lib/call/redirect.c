/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contacts of a 3xx: read, put in order of q, and made candidates or a Contact of ours.
 * Called by hunt.c when an attempt ends with 3xx.
 */
#include "call/redirect.h"

#include "call/headers.h"
#include "sip/hdr.h"
#include "sip/uri.h"

/* 16: contacts of one response that are looked at; carriers send one or two. */
#define CONTACTS_MAX 16

struct contact {
    char user[NUMBER_MAX];
    struct span host;
    uint16_t port;
    uint16_t q; /* 0..1000 */
    bool is_sips;
};

bool redirect_is_one(const struct leg *out, const struct msg *m)
{
    const struct call *c = out->call;

    return m->status >= 300 && m->status <= 302 && !c->committed && c->state == CALL_SETUP &&
           c->setup && out->trunk.conf->redirect != CONF_REDIRECT_REJECT;
}

/* The number as given; parameters of it are the redirecting carrier's. @return false: nothing that we could call */
static bool read_contact(struct span value, struct contact *out)
{
    struct name_addr na;
    struct span user, params;
    int n;

    if (name_addr_parse(value, &na) < 0 || na.is_star)
        return false;
    if (na.parsed.scheme != URI_SIP && na.parsed.scheme != URI_SIPS)
        return false;
    span_cut(na.parsed.user, ';', &user, &params);
    n = uri_user_plain(user, out->user, sizeof out->user);
    if (n <= 0)
        return false;
    for (int i = 0; i < n; i++)
        if (!strchr("+0123456789*#ABCDabcd-_.", out->user[i]))
            return false;
    out->host = na.parsed.host;
    out->port = na.parsed.port;
    out->q = hdr_q(na.params);
    out->is_sips = na.parsed.scheme == URI_SIPS;
    return true;
}

/* All of the response, the highest q first, equal ones as written. */
static unsigned read_contacts(struct calls *cs, const struct msg *m, struct contact v[CONTACTS_MAX])
{
    unsigned n = 0;

    for (size_t i = 0; i < m->n_hdrs; i++) {
        struct span rest = m->hdrs[i].value, one;
        struct contact ct;

        while (m->hdrs[i].id == HDR_CONTACT && hdr_list_next(&rest, &one)) {
            unsigned at;

            if (n == CONTACTS_MAX || !read_contact(one, &ct)) {
                stat_inc(cs->stats, STAT_redirect_left_out);
                continue;
            }
            for (at = n++; at > 0 && v[at - 1].q < ct.q; at--)
                v[at] = v[at - 1];
            v[at] = ct;
        }
    }
    return n;
}

static bool same_place(const struct addr *only, const struct addr *remote)
{
    return !addr_is_set(only) ||
           (addr_ip_eq(only, remote) && (only->port == 0 || only->port == remote->port));
}

/* Never back to where it was tried: that number over that trunk, at that host. */
static bool was_tried(const struct call *c, const struct redirect *rd)
{
    const struct setup *s = c->setup;

    for (const struct leg *leg = c->outs; leg; leg = leg->next)
        if (leg->attempt && leg->trunk.state->slot == rd->candidate.slot &&
            strcmp(leg->sent, rd->candidate.called) == 0 &&
            same_place(&rd->only, &leg->flow.remote))
            return true;
    for (unsigned i = 0; i < s->n_redirects; i++)
        if (s->redirect[i].candidate.slot == rd->candidate.slot &&
            strcmp(s->redirect[i].candidate.called, rd->candidate.called) == 0 &&
            memcmp(&s->redirect[i].only, &rd->only, sizeof rd->only) == 0)
            return true;
    return false;
}

/* RFC 3261 §26.2.2: sips means TLS. */
static bool has_tls_only(const struct conf_trunk *t)
{
    for (uint32_t i = 0; i < t->peer.n; i++)
        if (t->peer.v[i].transport != PROTO_TLS)
            return false;
    return t->peer.n > 0;
}

static bool queue_contact(struct leg *out, const struct contact *ct)
{
    struct call *c = out->call;
    const struct route *rt = c->calls->view->route;
    struct setup *s = c->setup;
    struct redirect rd = {.candidate = {.deck = CONF_NONE, .rate = -1, .cost = -1}};
    uint32_t prefer = CONF_NONE;

    (void)route_trunk_of_slot(rt, out->trunk.state->slot, &prefer);
    if (s->n_redirects == REDIRECTS_MAX ||
        route_find_host(rt, ct->host, prefer, &rd.candidate.trunk, &rd.only) < 0)
        return false;
    if (ct->is_sips && !has_tls_only(&c->calls->view->conf->trunk.v[rd.candidate.trunk]))
        return false;
    if (addr_is_set(&rd.only))
        rd.only.port = ct->port;
    rd.candidate.slot = route_trunk_state(rt, rd.candidate.trunk)->slot;
    /* What the contact says in E.164 is said as its trunk wants it; any other form is a carrier's own. */
    if (ct->user[0] != '+')
        memcpy(rd.candidate.called, ct->user, sizeof rd.candidate.called);
    else if (route_send_number(rt, rd.candidate.trunk, ct->user, rd.candidate.called) < 0)
        return false;
    if (was_tried(c, &rd))
        return false;
    s->redirect[s->n_redirects++] = rd;
    return true;
}

bool redirect_follow(struct leg *out, const struct msg *m)
{
    struct calls *cs = out->call->calls;
    struct contact v[CONTACTS_MAX];
    unsigned n = read_contacts(cs, m, v);
    bool any = false;

    for (unsigned i = 0; i < n; i++) {
        if (queue_contact(out, &v[i])) {
            any = true;
            stat_inc(cs->stats, STAT_redirect_followed);
        } else {
            stat_inc(cs->stats, STAT_redirect_left_out);
        }
    }
    return any;
}

struct span redirect_contacts(const struct leg *out, const struct msg *m, char *buf, size_t size)
{
    const struct call *c = out->call;
    struct contact v[CONTACTS_MAX];
    unsigned n = read_contacts(c->calls, m, v);
    char ours[128];
    struct span host = headers_our_contact(c->calls, &c->in->flow, ours);
    struct build b;

    if (host.len < 6)
        return SPAN_NONE;
    host = (struct span){host.p + 5, host.len - 5}; /* behind "<sip:" */
    build_init(&b, buf, size);
    for (unsigned i = 0; i < n; i++) {
        if (i)
            build_span(&b, SPAN(", "));
        build_span(&b, SPAN("<sip:"));
        build_str(&b, v[i].user);
        build_char(&b, '@');
        build_span(&b, host);
        if (v[i].q == 1000)
            continue;
        build_span(&b, SPAN(";q=0."));
        build_char(&b, (char)('0' + v[i].q / 100));
        build_char(&b, (char)('0' + v[i].q / 10 % 10));
        build_char(&b, (char)('0' + v[i].q % 10));
    }
    if (b.overflow || !n)
        return SPAN_NONE;
    stat_inc(c->calls->stats, STAT_redirect_passed);
    return build_text(&b);
}
