/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OPTIONS both ways: answers, and one health probe per peer at its trunk's interval.
 * Called by tu.c and stack.c; the hysteresis is in route/trunk.c.
 */
#include "call/options.h"

#include "call/headers.h"

#include <stdlib.h>

struct probe {
    struct probe *next;
    struct calls *calls;
    struct txn_client *ct; /* while one is on its way */
    struct timer timer;
    struct flow flow;
    struct trunk_state *trunk;
    struct trunk_peer *peer;
    struct conf_options opt;
};

void options_answer(struct calls *cs, struct txn_server *st)
{
    /* In a dialog it asks for the call, and that one stands. */
    bool is_away = cs->draining && !txn_server_in_dialog(st);
    struct build *b = txn_server_begin(st, is_away ? 503 : 200, SPAN_NONE, SPAN_NONE);

    stat_inc(cs->stats, STAT_options_answered);
    if (!b)
        return;
    build_hdr(b, SPAN("Allow"), headers_allow);
    build_hdr(b, SPAN("Accept"), SPAN("application/sdp"));
    build_hdr(b, SPAN("Supported"), SPAN("100rel"));
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(st);
}

/* Any answer is a sign of life but those that say "do not send": 503 (drained, RFC 3261 §21.5.4) and 408. */
static void probe_result(struct probe *p, unsigned status)
{
    bool ok = status != 0 && status != 408 && status != 503;

    stat_inc(p->calls->stats, ok ? STAT_options_ok : STAT_options_failed);
    if (!trunk_peer_result(p->peer, ok, &p->opt, p->calls->clock->wall_ms))
        return;
    char addr[ADDR_STRLEN];

    log_ev(LOG_WARN, "peer", "trunk=%s peer=%s state=%s", p->trunk->name,
           addr_str(&p->flow.remote, addr), atomic_load(&p->peer->down) ? "down" : "up");
}

static void probe_on_response(void *user, struct txn_client *ct, const struct msg *m,
                              const struct flow *f)
{
    struct probe *p = user;

    (void)f;
    if (m->status < 200)
        return;
    txn_client_detach(ct);
    p->ct = NULL;
    probe_result(p, m->status);
}

static void probe_on_end(void *user, struct txn_client *ct, enum txn_end why)
{
    struct probe *p = user;

    (void)ct;
    (void)why;
    p->ct = NULL;
    probe_result(p, 0);
}

static void probe_on_again(void *user, struct txn_client *ct, struct txn_client *again,
                           uint32_t cseq)
{
    struct probe *p = user;

    (void)ct;
    (void)cseq;
    p->ct = again;
}

static const struct txn_client_cb probe_cb = {
    .on_response = probe_on_response, .on_end = probe_on_end, .on_again = probe_on_again};

static int probe_compose(struct probe *p, struct txn_client *ct)
{
    struct calls *cs = p->calls;
    struct span host = headers_host(cs, &p->flow);
    char tag[IDENT_LEN], call_id[IDENT_LEN];
    struct build *b = txn_client_begin(ct);

    ident_seal(cs->ident, IDENT_TAG, ident_next_serial(cs->ident), tag);
    ident_seal(cs->ident, IDENT_CALLID, ident_next_serial(cs->ident), call_id);
    build_span(b, SPAN("OPTIONS sip:"));
    build_host_port(b, &p->flow.remote);
    build_span(b, SPAN(" SIP/2.0\r\n"));
    txn_client_via(ct, b);
    build_span(b, SPAN("Max-Forwards: 70\r\nFrom: <sip:ping@"));
    build_span(b, host);
    build_span(b, SPAN(">;tag="));
    build_span(b, (struct span){tag, IDENT_LEN});
    build_span(b, SPAN("\r\nTo: <sip:"));
    build_host(b, &p->flow.remote);
    build_span(b, SPAN(">\r\nCall-ID: "));
    build_span(b, (struct span){call_id, IDENT_LEN});
    build_span(b, SPAN("\r\nCSeq: 1 OPTIONS\r\nAccept: application/sdp\r\n"));
    return build_end(b, SPAN_NONE, SPAN_NONE);
}

static void probe_send(struct probe *p)
{
    struct txn_client *ct = txn_client_new(p->calls->txns, SIP_OPTIONS, &p->flow, &probe_cb, p);

    if (!ct)
        return;
    if (probe_compose(p, ct) < 0) {
        txn_client_abort(ct);
        return;
    }
    if (txn_client_start(ct) < 0) {
        probe_result(p, 0);
        return;
    }
    p->ct = ct;
    stat_inc(p->calls->stats, STAT_options_sent);
}

static void probe_on_timer(struct timer *t, void *arg)
{
    struct probe *p = arg;

    if (p->ct) { /* no answer within the interval */
        txn_client_detach(p->ct);
        p->ct = NULL;
        probe_result(p, 0);
    }
    probe_send(p);
    timer_set(t, p->opt.every_ms);
}

static void probe_add(struct calls *cs, uint32_t trunk, uint32_t peer)
{
    const struct conf_trunk *t = &cs->view->conf->trunk.v[trunk];
    struct route_hop hop;
    struct probe *p;

    if (route_peer_hop(cs->view->route, trunk, peer, &hop) < 0)
        return;
    p = calloc(1, sizeof *p);
    if (!p)
        return;
    p->calls = cs;
    p->flow = flow_to(&hop);
    p->trunk = route_trunk_state(cs->view->route, trunk);
    p->peer = &p->trunk->peer[hop.state];
    p->opt = t->options;
    p->next = cs->probes;
    cs->probes = p;
    timer_init(&p->timer, cs->timers, probe_on_timer, p);
    /* Spread over the interval, so that a thousand trunks are not asked in one moment. */
    timer_set(&p->timer, 1 + hash_u64(((uint64_t)trunk << 32) | peer) % t->options.every_ms);
}

void options_stop(struct calls *cs)
{
    while (cs->probes) {
        struct probe *p = cs->probes;

        cs->probes = p->next;
        timer_del(&p->timer);
        if (p->ct)
            txn_client_detach(p->ct);
        free(p);
    }
}

void options_start(struct calls *cs, unsigned workers)
{
    const struct conf *conf = cs->view->conf;
    unsigned i = 0;

    options_stop(cs);
    for (uint32_t t = 0; t < conf->trunk.n; t++)
        for (uint32_t k = 0; k < conf->trunk.v[t].peer.n; k++, i++)
            if (conf->trunk.v[t].options.every_ms && i % workers == cs->worker)
                probe_add(cs, t, k);
}
