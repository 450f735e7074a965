/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wiring of one worker and the path of a datagram: peek, gate, absorb, parse, transaction.
 * The daemon's worker and the replay harness call it; it owns no socket, no clock and no thread.
 */
#include "call/stack.h"

#include "call/auth.h"
#include "call/follow.h"
#include "call/journal.h"
#include "call/login.h"
#include "call/model.h"
#include "call/offer.h"
#include "call/options.h"
#include "call/register.h"
#include "call/own.h"
#include "call/session.h"
#include "sip/gate.h"
#include "sip/shed.h"

#include <stdlib.h>

/* 256 KiB: a message of 64 KiB with its parsed form, four times over; beyond it the message is refused with 503. */
#define STACK_ARENA_MAX (256U << 10)
/* 1,024 buckets to begin with; the table grows with the calls. */
#define STACK_CALL_BUCKETS 1024

/* 32 s (64*T1) of 32,768 requests a second, four times what a core carries: a known peer gone mad costs 256 MiB, no more. */
#define STACK_TXNS_MAX (1U << 20)
/* The million calls that a configuration may allow (CONF_CALLS_MAX), two dialogs each. */
#define STACK_DIALOGS_MAX (1U << 21)

struct stack {
    struct calls calls;
    struct arena arena;
    struct blocks blocks;
    struct gate gate;
    struct shed *shed;
    struct transport *transport;
    struct peek_table emergency;
    struct span *emergency_users;
    uint8_t workers;
    bool let_wait;
    bool quiet; /* no health probes */
    char reply[GATE_REPLY_ROOM(MSG_BYTES_MAX)];
};

/*
 * Server transactions of a worker: 128 per call a second (four of a call for 32 s each) and 65,536 for the rest; without a limit of calls
 * a second 8,000 are taken for one, what a core carries. About 1 KiB each.
 */
#define STACK_TXNS      65536U
#define STACK_TXNS_CPS  128U
#define STACK_CPS_GUESS 8000U

static int stack_wire(struct stack *s, const struct stack_param *p)
{
    struct calls *cs = &s->calls;
    struct txns_param tp = {.timers = p->timers,
                            .transport = p->transport,
                            .ident = p->ident,
                            .stats = p->stats,
                            .blocks = &s->blocks,
                            .tu_ops = &calls_tu_ops,
                            .tu = cs,
                            .limit = STACK_TXNS_MAX};
    struct dialogs_param dp = {.timers = p->timers,
                               .transport = p->transport,
                               .ident = p->ident,
                               .stats = p->stats,
                               .blocks = &s->blocks,
                               .on_no_ack = calls_on_no_ack,
                               .on_compose = session_on_compose,
                               .tu = cs,
                               .limit = STACK_DIALOGS_MAX};

    cs->txns = txns_new(&tp);
    cs->dialogs = dialogs_new(&dp);
    cs->scratch = malloc(CALL_SCRATCH);
    cs->auths = auth_new();
    cs->logins = login_new();
    if (!cs->txns || !cs->dialogs || !cs->scratch || !cs->auths || !cs->logins)
        return -ENOMEM;
    return htab_init(&cs->by_id, STACK_CALL_BUCKETS);
}

struct stack *stack_new(const struct stack_param *p)
{
    struct stack *s = calloc(1, sizeof *s);
    struct calls *cs;

    if (!s)
        return NULL;
    cs = &s->calls;
    arena_init(&s->arena, 32U << 10, STACK_ARENA_MAX);
    blocks_init(&s->blocks);
    s->transport = p->transport;
    s->workers = p->workers;
    s->quiet = p->no_probes;
    gate_init(&s->gate, p->ident, p->stats, p->node, p->worker, p->workers);
    cs->clock = p->clock;
    cs->timers = p->timers;
    cs->ident = p->ident;
    cs->stats = p->stats;
    cs->blocks = &s->blocks;
    cs->transport = p->transport;
    cs->media = p->media;
    cs->cdr = p->cdr;
    cs->trunks = p->trunks;
    cs->dip_ops = p->dips;
    cs->arena = &s->arena;
    cs->worker = p->worker;
    cs->workers = p->workers ? p->workers : 1;
    pool_init(&cs->call_pool, "call", sizeof(struct call), 0);
    pool_init(&cs->leg_pool, "leg", sizeof(struct leg), 0);
    pool_init(&cs->ldlg_pool, "ldlg", sizeof(struct ldlg), 0);
    pool_init(&cs->pass_pool, "pass", sizeof(struct pass), 0);
    pool_init(&cs->own_pool, "own", sizeof(struct own), 0);
    pool_init(&cs->timer_pool, "timer", sizeof(struct timer), 0);
    dip_pool_init(&cs->dip_pool);
    s->shed = shed_new();
    if (!s->shed || stack_wire(s, p) < 0) {
        stack_free(s);
        return NULL;
    }
    if (cs->trunks)
        targets_reader(cs->trunks, cs->worker, true);
    if (cs->media)
        media_set_handler(cs->media, &(struct media_handler){offer_on_event, offer_on_state, cs});
    return s;
}

static bool first_call(struct htab_node *n, void *arg)
{
    *(struct call **)arg = container_of(n, struct call, node);
    return false;
}

void stack_free(struct stack *s)
{
    struct calls *cs;

    if (!s)
        return;
    cs = &s->calls;
    options_stop(cs);
    register_stop(cs);
    auth_free(cs->auths);
    login_free(cs->logins);
    cs->auths = NULL;
    cs->logins = NULL;
    cs->reap = NULL;
    cs->journal = NULL; /* what stands may be taken up by the next process */
    while (cs->by_id.count) {
        struct call *c = NULL;

        htab_each(&cs->by_id, first_call, &c);
        call_free(c);
    }
    cs->view = NULL;
    gen_sweep(cs);
    if (cs->txns)
        txns_free(cs->txns);
    if (cs->dialogs)
        dialogs_free(cs->dialogs);
    if (cs->trunks)
        targets_reader(cs->trunks, cs->worker, false);
    htab_fini(&cs->by_id);
    pool_fini(&cs->call_pool, 1);
    pool_fini(&cs->leg_pool, 1);
    pool_fini(&cs->ldlg_pool, 1);
    pool_fini(&cs->pass_pool, 1);
    pool_fini(&cs->own_pool, 1);
    pool_fini(&cs->timer_pool, 1);
    pool_fini(&cs->dip_pool, 1);
    dip_tallies_free(cs);
    blocks_fini(&s->blocks, 1);
    arena_fini(&s->arena);
    shed_free(s->shed);
    free(s->emergency_users);
    free(cs->scratch);
    free(s);
}

void stack_dip_answer(struct stack *s, const struct dip_answer *a)
{
    dip_answered(&s->calls, a);
}

void stack_snapshot(struct stack *s, const struct call_view *view)
{
    const struct conf_global *g = &view->conf->global;
    struct span *users = calloc(g->emergency.n ? g->emergency.n : 1, sizeof *users);

    s->calls.view = view;
    gen_sweep(&s->calls);
    txns_set_room(s->calls.txns, STACK_TXNS + (size_t)STACK_TXNS_CPS *
                                                  (g->limit.cps ? g->limit.cps : STACK_CPS_GUESS));
    for (uint32_t i = 0; users && i < g->emergency.n; i++)
        users[i] = span_of(g->emergency.v[i]);
    free(s->emergency_users);
    s->emergency_users =
        users; /* without memory none: the old ones are in the snapshot that goes */
    s->emergency = (struct peek_table){users, users ? g->emergency.n : 0};
    if (!s->quiet && s->calls.trunks)
        follow_view(&s->calls);
}

/* ---- a datagram -------------------------------------------------------------------------------------------------- */

static enum gate_source source_of(const struct stack *s, const struct flow *f)
{
    const struct route *rt = s->calls.view->route;

    if (route_source_is_known(rt, f->listener, &f->remote))
        return GATE_SRC_KNOWN;
    return route_unknown(rt, f->listener) == CONF_UNKNOWN_403 ? GATE_SRC_403 : GATE_SRC_DROP;
}

static void reply_raw(struct stack *s, const char *buf, size_t len, const struct peek *pk,
                      const struct flow *flow, unsigned status)
{
    struct gate_reply_param p = {buf, len, pk, status, status == 503 ? 1 : 0};
    struct flow f = *flow;
    int n = gate_reply(&s->gate, &p, &f, s->reply, sizeof s->reply);

    if (n > 0)
        (void)s->transport->send(s->transport, &f, s->reply, (size_t)n);
}

/* Refuse what the parser refused, without state. */
static void reply_error(struct stack *s, const struct msg *m, const struct msg_error *err,
                        const struct flow *flow)
{
    struct build b;
    struct flow f = *flow;
    struct build_response r = {.status = err->status, .reason = err->text, .source = &flow->remote};
    char tag[IDENT_LEN];

    if (err->status == 0)
        return;
    ident_seal(s->calls.ident, IDENT_TAG, 0, tag);
    r.to_tag = (struct span){tag, IDENT_LEN};
    build_init(&b, s->reply, sizeof s->reply);
    build_response(&b, m, &r);
    if (build_end(&b, SPAN_NONE, SPAN_NONE) < 0)
        return;
    flow_of_response(&f, m->via.has_rport, m->via.port);
    (void)s->transport->send(s->transport, &f, b.p, b.len);
}

static void parse_and_run(struct stack *s, const char *buf, size_t len, const struct flow *flow)
{
    struct msg m;
    struct msg_error err = {0};
    int rc = msg_parse(&m, &s->arena, buf, len, &err);

    if (rc == 0) {
        (void)txn_recv(s->calls.txns, &m, flow);
    } else {
        stat_inc(s->calls.stats, STAT_stack_bad_msg);
        reply_error(s, &m, &err, flow);
    }
    arena_reset(&s->arena);
}

/*
 * A token of ours lets a stranger through the gate, for the sake of dialogs whose trunk a reload removed. One that names no
 * dialog (an old call's, seen or replayed) is refused here, before it costs a transaction. @return true: refused
 */
static bool refuse_stranger(struct stack *s, const char *buf, size_t len, const struct peek *pk,
                            const struct flow *flow)
{
    struct dialog *d;
    enum gate_source src;

    if (!pk->is_request || span_is_empty(pk->to_tag))
        return false;
    src = source_of(s, flow);
    if (src == GATE_SRC_KNOWN ||
        dialog_find_tags(s->calls.dialogs, pk->to_tag, pk->from_tag, pk->call_id, &d) == 0)
        return false;
    if (gate_refuse(&s->gate, pk, src) == GATE_403)
        reply_raw(s, buf, len, pk, flow, 403);
    return true;
}

static void run(struct stack *s, const char *buf, size_t len, const struct peek *pk,
                const struct flow *flow)
{
    if (!txn_absorb(s->calls.txns, pk, flow) && !refuse_stranger(s, buf, len, pk, flow))
        parse_and_run(s, buf, len, flow);
}

static enum gate_level level_of(unsigned load)
{
    return load >= 100  ? GATE_LEVEL_ALL
           : load >= 90 ? GATE_LEVEL_PRIORITY
           : load >= 70 ? GATE_LEVEL_ORDINARY
                        : GATE_LEVEL_OPEN;
}

/* 503 without state; and again to each copy, whose caller has given up this attempt by the first (RFC 3261 §8.2.7). */
static void refuse_shed(struct stack *s, const char *buf, size_t len, const struct peek *pk,
                        const struct flow *flow)
{
    shed_add(s->shed, pk, s->calls.clock->mono_ms);
    reply_raw(s, buf, len, pk, flow, 503);
}

/* A load, whose it can be and whether it may wait. */
struct entry {
    unsigned load;
    bool is_handed;          /* another worker has found it to be this one's */
    struct stack_hand *hand; /* NULL: it is served now */
};

static enum stack_verdict enter(struct stack *s, const char *buf, size_t len,
                                const struct flow *flow, const struct entry *e)
{
    struct peek pk;
    uint8_t worker = 0;

    if (peek_parse(buf, len, &s->emergency, &pk) < 0) {
        stat_inc(s->calls.stats, STAT_stack_not_sip);
        return STACK_DROP;
    }
    switch (gate_decide(&s->gate, &pk, source_of(s, flow), level_of(e->load), &worker)) {
    case GATE_HERE: break;
    case GATE_HAND:
        if (e->is_handed || !e->hand)
            break; /* a change of snapshot between two workers: it is served where it is */
        *e->hand = (struct stack_hand){
            worker, pk.cls, !(pk.is_request && pk.method == SIP_INVITE && pk.to_tag.len == 0)};
        return STACK_HAND;
    case GATE_403: reply_raw(s, buf, len, &pk, flow, 403); return STACK_HERE;
    case GATE_SHED:
        if (!txn_absorb(s->calls.txns, &pk, flow))
            refuse_shed(s, buf, len, &pk, flow);
        return STACK_HERE;
    case GATE_DROP:
    default: return STACK_DROP;
    }
    if (pk.is_request && pk.complete && shed_has(s->shed, &pk, s->calls.clock->mono_ms)) {
        stat_inc(s->calls.stats, STAT_gate_shed);
        refuse_shed(s, buf, len, &pk, flow);
        return STACK_HERE;
    }
    if (e->hand && s->let_wait && gate_may_wait(&pk)) {
        if (txn_absorb(s->calls.txns, &pk, flow))
            return STACK_HERE;
        *e->hand = (struct stack_hand){s->calls.worker, pk.cls, pk.method == SIP_CANCEL};
        return STACK_WAIT;
    }
    run(s, buf, len, &pk, flow);
    return STACK_HERE;
}

void stack_let_wait(struct stack *s, bool on)
{
    s->let_wait = on;
}

enum stack_verdict stack_datagram(struct stack *s, const char *buf, size_t len,
                                  const struct flow *flow, unsigned load, struct stack_hand *hand)
{
    return enter(s, buf, len, flow, &(struct entry){load, false, hand});
}

enum stack_verdict stack_handed(struct stack *s, const char *buf, size_t len,
                                const struct flow *flow, unsigned load, struct stack_hand *hand)
{
    return enter(s, buf, len, flow, &(struct entry){load, true, hand});
}

void stack_unsent(struct stack *s, const char *buf, size_t len)
{
    struct peek pk;

    if (peek_parse(buf, len, &s->emergency, &pk) == 0)
        txn_unsent(s->calls.txns, &pk);
}

unsigned stack_sender(const struct stack *s, const char *buf, size_t len)
{
    struct peek pk;
    bool ours;

    if (peek_parse(buf, len, &s->emergency, &pk) < 0)
        return s->calls.worker;
    pk.is_request = false; /* the top Via is ours, as in a response to us */
    return gate_owner(&s->gate, &pk, &ours);
}

void stack_refuse(struct stack *s, const char *buf, size_t len, const struct flow *flow,
                  unsigned status)
{
    enum gate_source src = source_of(s, flow);
    struct peek pk;

    stat_inc(s->calls.stats, STAT_stack_bad_msg);
    if (peek_parse(buf, len, &s->emergency, &pk) < 0 || !pk.is_request)
        return;
    if (src == GATE_SRC_KNOWN)
        reply_raw(s, buf, len, &pk, flow, status);
    else if (gate_refuse(&s->gate, &pk, src) == GATE_403)
        reply_raw(s, buf, len, &pk, flow, 403);
}

void stack_turn_end(struct stack *s)
{
    journal_turn(&s->calls);
    calls_reap(&s->calls);
}

void stack_follow(struct stack *s)
{
    struct calls *cs = &s->calls;

    if (!cs->trunks)
        return;
    if (!s->quiet)
        follow_turn(cs);
    else if (targets_changed(cs->trunks, cs->worker))
        targets_turn_end(cs->trunks, cs->worker, targets_generation(cs->trunks));
}

bool stack_is_following(const struct stack *s)
{
    return follow_is_on(&s->calls);
}

struct calls *stack_calls(struct stack *s)
{
    return &s->calls;
}

uint64_t stack_transactions(const struct stack *s)
{
    struct txns_count n = txns_count(s->calls.txns);

    return n.server + n.client;
}

uint64_t stack_dialogs(const struct stack *s)
{
    return dialogs_count(s->calls.dialogs);
}
