/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OPTIONS both ways: answers, and one health probe per target of a trunk at the trunk's interval.
 * Called by tu.c and stack.c. The targets are those that calls use (route/target.h), and it follows their changes.
 */
#include "call/options.h"

#include "call/admit.h"
#include "call/headers.h"

#include <stdlib.h>

struct probe {
    struct probe *next; /* of the trunk */
    struct calls *calls;
    struct txn_client *ct; /* while one is on its way */
    struct timer timer;
    struct flow flow;
    struct trunk_state *trunk;
    struct target_health *health; /* of the trunk's set as this worker saw it last */
    struct conf_options opt;
    bool found; /* by probes_sync */
};

/** What this worker probes of each trunk, by slot. */
struct prober {
    uint32_t n;
    struct probed {
        uint32_t serial; /* of the set that the probes are of */
        struct probe *first;
    } slot[];
};

void options_answer(struct calls *cs, struct txn_server *st, bool barred)
{
    /* In a dialog it asks for the call, and that one stands. */
    bool is_away = (cs->draining || barred) && !txn_server_in_dialog(st);
    struct build *b = txn_server_begin(st, is_away ? 503 : 200, SPAN_NONE, SPAN_NONE);

    stat_inc(cs->stats, STAT_options_answered);
    if (!b)
        return;
    if (is_away)
        build_hdr(b, SPAN("Retry-After"), barred ? SPAN(ADMIT_BARRED_RETRY) : SPAN("5"));
    build_hdr(b, SPAN("Allow"), headers_allow);
    build_hdr(b, SPAN("Accept"), SPAN("application/sdp, multipart/mixed"));
    build_hdr(b, SPAN("Accept-Encoding"), SPAN("identity"));
    build_hdr(b, SPAN("Supported"), SPAN("100rel, 199, timer, norefersub"));
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(st);
}

/* Any answer is a sign of life but those that say "do not send": 503 (drained, RFC 3261 §21.5.4) and 408. */
static void probe_result(struct probe *p, unsigned status)
{
    bool ok = status != 0 && status != 408 && status != 503;

    stat_inc(p->calls->stats, ok ? STAT_options_ok : STAT_options_failed);
    if (!target_result(p->health, ok, &p->opt, p->calls->clock->wall_ms))
        return;
    char addr[ADDR_STRLEN];

    log_ev(LOG_WARN, "peer", "trunk=%s peer=%s transport=%s state=%s", p->trunk->name,
           addr_str(&p->flow.remote, addr), proto_name(p->flow.proto),
           atomic_load(&p->health->down) ? "down" : "up");
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
    if (atomic_load_explicit(&p->trunk->admin, memory_order_relaxed) != TRUNK_DOWN)
        probe_send(p);
    timer_set(t, p->opt.every_ms);
}

static void probe_free(struct probe *p)
{
    timer_del(&p->timer);
    if (p->ct)
        txn_client_detach(p->ct);
    free(p);
}

/* Spread over the interval, so that a thousand trunks are not asked in one moment. */
static void probe_start(struct probe *p, uint64_t hash)
{
    timer_set(&p->timer, 1 + hash % p->opt.every_ms);
}

static struct probe *probe_of(struct probed *list, const struct route_hop *hop)
{
    for (struct probe *p = list->first; p; p = p->next)
        if (p->flow.proto == hop->proto && addr_eq(&p->flow.remote, &hop->remote))
            return p;
    return NULL;
}

static void probe_keep(struct calls *cs, struct probed *list, uint32_t trunk,
                       const struct target *t)
{
    const struct conf_trunk *ct = &cs->view->conf->trunk.v[trunk];
    struct trunk_state *ts = route_trunk_state(cs->view->route, trunk);
    uint64_t hash = hash_u64(addr_hash(&t->addr) ^ ((uint64_t)ts->slot << 8) ^ t->proto);
    struct route_hop hop;
    struct probe *p;

    if (hash % cs->workers != cs->worker || route_target_hop(cs->view->route, trunk, t, &hop) < 0)
        return;
    p = probe_of(list, &hop);
    if (!p) {
        p = calloc(1, sizeof *p);
        if (!p)
            return;
        p->calls = cs;
        p->trunk = ts;
        p->next = list->first;
        list->first = p;
        timer_init(&p->timer, cs->timers, probe_on_timer, p);
    }
    p->found = true;
    p->flow = flow_to(&hop);
    p->health = t->health;
    if (p->opt.every_ms != ct->options.every_ms) {
        p->opt = ct->options;
        probe_start(p, hash / cs->workers);
    }
    p->opt = ct->options;
}

/* The probes of one trunk become those of its targets now; one whose target stays goes on as it is. */
static void probes_sync(struct calls *cs, struct probed *list, uint32_t trunk,
                        const struct target_set *set)
{
    bool wanted = trunk != CONF_NONE && cs->view->conf->trunk.v[trunk].options.every_ms;

    for (struct probe *p = list->first; p; p = p->next)
        p->found = false;
    for (uint32_t i = 0; wanted && set && i < set->n; i++)
        probe_keep(cs, list, trunk, &set->v[i]);
    for (struct probe **at = &list->first; *at;) {
        struct probe *p = *at;

        if (p->found) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        if (!wanted)
            target_unprobed(p->health, cs->clock->wall_ms);
        probe_free(p);
    }
    list->serial = set ? set->serial : 0;
}

bool options_grow(struct calls *cs)
{
    uint32_t n = cs->prober ? cs->prober->n : 0, want = route_slots(cs->view->route);
    struct prober *p;

    if (cs->prober && want <= n)
        return true;
    want = want > n ? want : n;
    p = realloc(cs->prober, sizeof *p + want * sizeof p->slot[0]);
    if (!p)
        return false;
    memset(&p->slot[n], 0, (want - n) * sizeof p->slot[0]);
    p->n = want;
    cs->prober = p;
    return true;
}

void options_stop(struct calls *cs)
{
    for (uint32_t i = 0; cs->prober && i < cs->prober->n; i++)
        for (struct probe *p = cs->prober->slot[i].first, *next; p; p = next) {
            next = p->next;
            probe_free(p);
        }
    free(cs->prober);
    cs->prober = NULL;
}

void options_sync(struct calls *cs, uint32_t slot, bool all)
{
    const struct trunk_state *ts = trunk_by_slot(cs->trunks, slot);
    const struct target_set *set = ts ? targets_of(ts) : NULL;
    struct probed *list;
    uint32_t trunk;

    if (!cs->prober || slot >= cs->prober->n)
        return;
    list = &cs->prober->slot[slot];
    if (!all && list->serial == (set ? set->serial : 0))
        return;
    if (route_trunk_of_slot(cs->view->route, slot, &trunk) < 0)
        trunk = CONF_NONE; /* gone from the configuration */
    probes_sync(cs, list, trunk, set);
}
