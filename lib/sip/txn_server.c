/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server transactions: RFC 3261 §17.2 with RFC 6026 (Accepted, Timer L) and RFC 4320.
 * txn.c matches and creates, the TU answers; it knows no call.
 *
 * INVITE (RFC 6026 figure 5; RFC 3261 figure 7)
 *                 | INVITE / 100 at once
 *                 v
 *           [Proceeding] <-- INVITE / last 1xx; TU 101-199 / send
 *    TU 300-699 |     | TU 2xx / send
 *               v     +--------------------> [Accepted] <-- INVITE / absorbed; ACK / to the TU
 *          [Completed] <-- INVITE, G / send again   | L
 *      ACK |     | H / no ACK                       v
 *          v     +--------------------------> (terminated)
 *      [Confirmed] <-- ACK, INVITE / absorbed       ^
 *          | I                                      |
 *          +----------------------------------------+
 *
 * non-INVITE (RFC 3261 figure 8)
 *   [Trying] --TU 1xx--> [Proceeding] --TU 200-699--> [Completed] --J--> (terminated)
 *      | TU 200-699                                      ^   request / send again in Proceeding and Completed
 *      +-------------------------------------------------+   64*T1 without an answer: gone silently (RFC 4320)
 */
#include <errno.h>
#include "core/log.h"
#include "sip/txn_priv.h"

/* Lengths of the parts of reply->bytes behind this head, in the order of the message. */
struct reply {
    uint32_t vias, record_routes, from_to, call_id_cseq;
    bool has_to_tag, has_session, joined;
    struct session_uuid session[2]; /* local, remote (RFC 7989) */
    char tag[IDENT_LEN];            /* ours, used when the TU gives none */
};

typedef int (*server_action_fn)(struct txn_server *st);

struct server_cell {
    server_action_fn action; /* NULL: impossible */
    unsigned next;
};

static struct reply *reply_of(const struct txn_server *st)
{
    return (struct reply *)(void *)st->reply->bytes;
}

/* ---- timers ---- */

static void run_end_timer(struct txn_server *st, uint64_t ms)
{
    st->elapsed_ms = TXN_64T1_MS;
    st->interval_ms = 0;
    timer_set(&st->timer, ms);
}

/*
 * I and J only absorb what UDP may bring twice: zero over a stream (RFC 3261 table 4). The state is passed through all the same and left by
 * the timer, in the next loop turn.
 */
static void run_absorb_timer(struct txn_server *st, uint64_t ms)
{
    run_end_timer(st, st->is_stream ? 0 : ms);
}

/*
 * Durations add up to 64*T1 exactly, so that all transactions share the same few timer queues. Over a stream nothing is sent again and what
 * is left of H alone runs.
 */
static void run_resend_timer(struct txn_server *st, uint16_t interval)
{
    uint16_t left = (uint16_t)(TXN_64T1_MS - st->elapsed_ms);

    if (st->is_stream)
        interval = left;
    st->interval_ms = interval < left ? interval : left;
    timer_set(&st->timer, st->interval_ms);
}

static void on_timer(struct timer *timer, void *arg)
{
    struct txn_server *st = arg;

    (void)timer;
    st->elapsed_ms = (uint16_t)(st->elapsed_ms + st->interval_ms);
    txn_server_step(st, st->elapsed_ms >= TXN_64T1_MS ? TXN_SE_TIMER_END : TXN_SE_TIMER_RESEND);
}

/* ---- actions: 0 or the transport's error ---- */

static int ignore(struct txn_server *st)
{
    (void)st;
    return 0;
}

static int late(struct txn_server *st)
{
    stat_inc(st->txns->p.stats, STAT_txn_late_response);
    return 0;
}

static int send_last(struct txn_server *st)
{
    return wire_send(st->txns->p.transport, st->last);
}

static int send_again(struct txn_server *st)
{
    if (!st->last) /* no 100 yet (late_100), or the dialog took the 2xx */
        return 0;
    stat_inc(st->txns->p.stats, STAT_txn_retransmit);
    return send_last(st);
}

static void forget_request(struct txn_server *st)
{
    wire_free(st->txns->p.blocks, st->reply);
    st->reply = NULL;
    if (st->is_merged)
        htab_del(&st->txns->merged, &st->merged);
    st->is_merged = false;
}

static int send_reject(struct txn_server *st)
{
    forget_request(st);
    st->elapsed_ms = 0;
    run_resend_timer(st, TXN_T1_MS); /* G and, at the end of its sum, H */
    return send_last(st);
}

static int send_accept(struct txn_server *st)
{
    wire_free(st->txns->p.blocks, st->reply);
    st->reply = NULL; /* it stays in the merged table: a fork that comes late must not ring again */
    run_end_timer(st, TXN_64T1_MS); /* L */
    return send_last(st);
}

static int send_final(struct txn_server *st)
{
    forget_request(st);
    run_absorb_timer(st, TXN_64T1_MS); /* J */
    return send_last(st);
}

static int resend_on_timer(struct txn_server *st)
{
    unsigned twice = st->interval_ms * 2u;

    run_resend_timer(st, (uint16_t)(twice < TXN_T2_MS ? twice : TXN_T2_MS));
    return send_again(st);
}

static int confirm(struct txn_server *st)
{
    wire_free(st->txns->p.blocks, st->last);
    st->last = NULL;
    run_absorb_timer(st, TXN_T4_MS); /* I */
    return 0;
}

static int finish(struct txn_server *st)
{
    st->end = TXN_END_OK;
    return 0;
}

static int expire(struct txn_server *st)
{
    stat_inc(st->txns->p.stats, STAT_txn_timeout);
    st->end = TXN_END_TIMEOUT;
    return 0;
}

static int give_up(struct txn_server *st)
{
    stat_inc(st->txns->p.stats, STAT_txn_no_ack);
    st->end = TXN_END_NO_ACK;
    return 0;
}

static int fail(struct txn_server *st)
{
    stat_inc(st->txns->p.stats, STAT_txn_transport_failed);
    st->end = TXN_END_TRANSPORT;
    return 0;
}

/* ---- tables ---- */

#define NEVER   \
    {           \
        NULL, 0 \
    } /* impossible: counted, nothing happens */

static const struct server_cell invite_table[TXN_S_STATES][TXN_SE_EVENTS] =
    {
        [TXN_S_TRYING] = {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER},
        [TXN_S_PROCEEDING] =
            {
                [TXN_SE_REQUEST] = {send_again, TXN_S_PROCEEDING},
                [TXN_SE_ACK] = NEVER, /* there was nothing to acknowledge */
                [TXN_SE_TX_1XX] = {send_last, TXN_S_PROCEEDING},
                [TXN_SE_TX_2XX] = {send_accept, TXN_S_ACCEPTED},
                [TXN_SE_TX_FINAL] = {send_reject, TXN_S_COMPLETED},
                [TXN_SE_TIMER_RESEND] = NEVER,
                [TXN_SE_TIMER_END] = NEVER, /* it waits for the TU as long as that rings */
                [TXN_SE_TRANSPORT] = {fail, TXN_S_TERMINATED},
            },
        [TXN_S_COMPLETED] =
            {
                [TXN_SE_REQUEST] = {send_again, TXN_S_COMPLETED},
                [TXN_SE_ACK] = {confirm, TXN_S_CONFIRMED},
                [TXN_SE_TX_1XX] = {late, TXN_S_COMPLETED},
                [TXN_SE_TX_2XX] = {late, TXN_S_COMPLETED},
                [TXN_SE_TX_FINAL] = {late, TXN_S_COMPLETED},
                [TXN_SE_TIMER_RESEND] = {resend_on_timer, TXN_S_COMPLETED},
                [TXN_SE_TIMER_END] = {give_up, TXN_S_TERMINATED},
                [TXN_SE_TRANSPORT] = {fail, TXN_S_TERMINATED},
            },
        [TXN_S_CONFIRMED] =
            {
                [TXN_SE_REQUEST] = {ignore, TXN_S_CONFIRMED},
                [TXN_SE_ACK] = {ignore, TXN_S_CONFIRMED},
                [TXN_SE_TX_1XX] = {late, TXN_S_CONFIRMED},
                [TXN_SE_TX_2XX] = {late, TXN_S_CONFIRMED},
                [TXN_SE_TX_FINAL] = {late, TXN_S_CONFIRMED},
                [TXN_SE_TIMER_RESEND] = NEVER,
                [TXN_SE_TIMER_END] = {finish, TXN_S_TERMINATED},
                [TXN_SE_TRANSPORT] = NEVER,
            },
        [TXN_S_ACCEPTED] =
            {
                [TXN_SE_REQUEST] = {ignore, TXN_S_ACCEPTED}, /* the dialog retransmits the 2xx */
                [TXN_SE_ACK] = {ignore, TXN_S_ACCEPTED},     /* txn_recv gave it to the TU */
                [TXN_SE_TX_1XX] = {late, TXN_S_ACCEPTED},
                [TXN_SE_TX_2XX] = {late, TXN_S_ACCEPTED},
                [TXN_SE_TX_FINAL] = {late, TXN_S_ACCEPTED},
                [TXN_SE_TIMER_RESEND] = NEVER,
                [TXN_SE_TIMER_END] = {finish, TXN_S_TERMINATED},
                [TXN_SE_TRANSPORT] = {ignore,
                                      TXN_S_ACCEPTED}, /* RFC 6026 §7.1: the TU sees no ACK */
            },
};

static const struct server_cell other_table[TXN_S_STATES][TXN_SE_EVENTS] = {
    [TXN_S_TRYING] =
        {
            [TXN_SE_REQUEST] = {ignore, TXN_S_TRYING},
            [TXN_SE_ACK] = NEVER,
            [TXN_SE_TX_1XX] = {send_last, TXN_S_PROCEEDING},
            [TXN_SE_TX_2XX] = {send_final, TXN_S_COMPLETED},
            [TXN_SE_TX_FINAL] = {send_final, TXN_S_COMPLETED},
            [TXN_SE_TIMER_RESEND] = NEVER,
            [TXN_SE_TIMER_END] = {expire, TXN_S_TERMINATED},
            [TXN_SE_TRANSPORT] = {fail, TXN_S_TERMINATED},
        },
    [TXN_S_PROCEEDING] =
        {
            [TXN_SE_REQUEST] = {send_again, TXN_S_PROCEEDING},
            [TXN_SE_ACK] = NEVER,
            [TXN_SE_TX_1XX] = {send_last, TXN_S_PROCEEDING},
            [TXN_SE_TX_2XX] = {send_final, TXN_S_COMPLETED},
            [TXN_SE_TX_FINAL] = {send_final, TXN_S_COMPLETED},
            [TXN_SE_TIMER_RESEND] = NEVER,
            [TXN_SE_TIMER_END] = {expire, TXN_S_TERMINATED},
            [TXN_SE_TRANSPORT] = {fail, TXN_S_TERMINATED},
        },
    [TXN_S_COMPLETED] =
        {
            [TXN_SE_REQUEST] = {send_again, TXN_S_COMPLETED},
            [TXN_SE_ACK] = NEVER,
            [TXN_SE_TX_1XX] = {late, TXN_S_COMPLETED},
            [TXN_SE_TX_2XX] = {late, TXN_S_COMPLETED},
            [TXN_SE_TX_FINAL] = {late, TXN_S_COMPLETED},
            [TXN_SE_TIMER_RESEND] = NEVER,
            [TXN_SE_TIMER_END] = {finish, TXN_S_TERMINATED},
            [TXN_SE_TRANSPORT] = {fail, TXN_S_TERMINATED},
        },
    [TXN_S_CONFIRMED] = {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER},
    [TXN_S_ACCEPTED] = {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER},
};

static const struct server_cell *cell_at(bool invite, unsigned state, unsigned ev)
{
    return invite ? &invite_table[state][ev] : &other_table[state][ev];
}

struct txn_cell txn_server_cell(bool invite, unsigned state, unsigned event)
{
    const struct server_cell *c = cell_at(invite, state, event);

    if (!c->action)
        return (struct txn_cell){TXN_CELL_IMPOSSIBLE, state};
    return (struct txn_cell){
        c->action == ignore || c->action == late ? TXN_CELL_IGNORED : TXN_CELL_HANDLED, c->next};
}

static void set_state(struct txn_server *st, unsigned next)
{
    static const char *const name[] = {"trying",    "proceeding", "completed",
                                       "confirmed", "accepted",   "terminated"};

    if (log_level() >= LOG_DEBUG)
        log_ev(LOG_DEBUG, "txn_server", "txn=%p method=%.*s from=%s to=%s", (void *)st,
               SPAN_ARG(sip_method_name(st->method)), name[st->state], name[next]);
    st->state = (uint8_t)next;
}

static void terminate(struct txn_server *st)
{
    forget_request(st); /* from here on it is final: what the user still sends is late */
    if (st->cb && st->cb->on_end)
        st->cb->on_end(st->user, st, st->end);
    txn_server_free(st);
}

/* @return 0; the transport's error, after which st is gone */
int txn_server_step(struct txn_server *st, enum txn_server_event ev)
{
    const struct server_cell *c = cell_at(st->method == SIP_INVITE, st->state, ev);
    int err;

    if (!c->action) {
        stat_inc(st->txns->p.stats, STAT_txn_impossible);
        return 0;
    }
    if (c->next != st->state)
        set_state(st, c->next);
    err = c->action(st);
    if (c->next == TXN_S_TERMINATED) {
        terminate(st);
        return 0;
    }
    if (err < 0)
        txn_server_step(st, TXN_SE_TRANSPORT);
    return err;
}

/* ---- composing ---- */

static void build_lines(struct build *b, const struct msg *m, enum hdr_id id)
{
    for (unsigned i = 0; i < m->n_hdrs; i++)
        if (m->hdrs[i].id == id)
            build_hdr_copy(b, &m->hdrs[i]);
}

/* What later responses need of the request, written once (§8.2.6.2). */
static struct wire *make_reply(struct txns *t, const struct msg *m, const struct flow *f)
{
    struct build *b = &t->build;
    struct reply head = {.has_to_tag = !span_is_empty(m->to.tag)};
    struct flow to = *f;
    uint32_t at;

    head.has_session = m->first[HDR_SESSION_ID] &&
                       session_id_parse(msg_value(m, HDR_SESSION_ID), &head.session[1], NULL) == 0;
    flow_of_response(&to, m->via.has_rport, m->via.port);
    build_init(b, t->scratch, sizeof(t->scratch));
    build_span(b, (struct span){(const char *)&head, sizeof(head)});
    at = (uint32_t)b->len;
    build_vias(b, m, &f->remote);
    head.vias = (uint32_t)b->len - at;
    at = (uint32_t)b->len;
    if (m->method == SIP_INVITE)
        build_lines(b, m, HDR_RECORD_ROUTE);
    head.record_routes = (uint32_t)b->len - at;
    at = (uint32_t)b->len;
    build_lines(b, m, HDR_FROM);
    build_str(b, "To: ");
    build_span(b, msg_value(m, HDR_TO));
    head.from_to = (uint32_t)b->len - at;
    at = (uint32_t)b->len;
    build_str(b, "\r\n");
    build_lines(b, m, HDR_CALL_ID);
    build_lines(b, m, HDR_CSEQ);
    head.call_id_cseq = (uint32_t)b->len - at;
    if (b->overflow)
        return NULL;
    if (!head.has_to_tag)
        ident_seal(t->p.ident, IDENT_TAG, ident_next_serial(t->p.ident), head.tag);
    memcpy(b->p, &head, sizeof(head));
    return wire_new(t->p.blocks, &to, b->p, b->len);
}

struct build *txn_server_begin(struct txn_server *st, unsigned status, struct span reason,
                               struct span to_tag)
{
    struct txns *t = st->txns;
    struct build *b = &t->build;
    const struct reply *r;
    const char *at;

    if (!st->reply) {
        stat_inc(t->p.stats, STAT_txn_late_response);
        return NULL;
    }
    r = reply_of(st);
    at = (const char *)(r + 1);
    t->build_status = status;
    build_init(b, t->scratch, sizeof(t->scratch));
    build_str(b, "SIP/2.0 ");
    build_u32(b, status);
    build_char(b, ' ');
    build_safe(b, span_is_empty(reason) ? span_of(reason_phrase((uint16_t)status)) : reason);
    build_str(b, "\r\n");
    build_span(b, (struct span){at, r->vias});
    at += r->vias;
    if (status > 100 && status < 300)
        build_span(b, (struct span){at, r->record_routes});
    at += r->record_routes;
    build_span(b, (struct span){at, r->from_to});
    at += r->from_to;
    if (!r->has_to_tag && status > 100) {
        build_str(b, ";tag=");
        build_span(b, span_is_empty(to_tag) ? (struct span){r->tag, IDENT_LEN} : to_tag);
    }
    build_span(b, (struct span){at, r->call_id_cseq});
    if (r->has_session)
        session_id_write(b, &r->session[0], &r->session[1]);
    return b;
}

void txn_server_set_session(struct txn_server *st, const struct session_uuid *local,
                            const struct session_uuid *remote)
{
    struct reply *r;

    if (!st->reply)
        return;
    r = reply_of(st);
    r->has_session = true;
    r->session[0] = *local;
    r->session[1] = *remote;
}

static enum txn_server_event event_of(unsigned status)
{
    if (status < 200)
        return TXN_SE_TX_1XX;
    return status < 300 ? TXN_SE_TX_2XX : TXN_SE_TX_FINAL;
}

/* RFC 4320 §4.1, §4.2: of provisionals a non-INVITE gets 100 only, and it never gets 408. */
static bool must_not_send(const struct txn_server *st, unsigned status)
{
    return st->method != SIP_INVITE && ((status > 100 && status < 200) || status == 408);
}

static bool is_too_long(struct txn_server *st, unsigned status)
{
    log_limited(LOG_ERROR, "response_too_long", "status=%u", status);
    if (status < 200)
        return true;
    txn_server_begin(st, 500, SPAN_NONE, SPAN_NONE);
    return build_end(&st->txns->build, SPAN_NONE, SPAN_NONE) < 0;
}

int txn_server_send(struct txn_server *st)
{
    struct txns *t = st->txns;
    unsigned status = t->build_status;
    struct wire *w;
    int err = 0;

    if (!st->reply)
        return -EALREADY;
    if (must_not_send(st, status)) {
        stat_inc(t->p.stats, STAT_txn_late_response);
        return 0; /* a 408 lets the transaction run into its own silence */
    }
    if (t->build.overflow) {
        err = -ENOSPC;
        if (is_too_long(st, status))
            return err;
        status = 500;
    }
    w = wire_new(t->p.blocks, &st->reply->flow, t->build.p, t->build.len);
    if (!w) {
        stat_inc(t->p.stats, STAT_txn_no_room);
        return -ENOMEM;
    }
    wire_free(t->p.blocks, st->last);
    st->last = w;
    txn_server_step(st, event_of(status));
    return err;
}

int txn_server_reply(struct txn_server *st, unsigned status, struct span reason, struct span to_tag)
{
    struct build *b = txn_server_begin(st, status, reason, to_tag);

    if (!b)
        return -EALREADY;
    build_end(b, SPAN_NONE, SPAN_NONE);
    return txn_server_send(st);
}

void txn_server_send_100(struct txn_server *st, const struct msg *m)
{
    struct build *b = txn_server_begin(st, 100, SPAN_NONE, SPAN_NONE);

    build_lines(b, m, HDR_TIMESTAMP); /* §8.2.6.1 */
    build_end(b, SPAN_NONE, SPAN_NONE);
    txn_server_send(st);
}

int txn_server_repeat(struct txn_server *st)
{
    if (!st->reply || !st->last)
        return -ENOENT;
    txn_server_step(st, TXN_SE_TX_1XX);
    return 0;
}

struct wire *txn_server_take_2xx(struct txn_server *st)
{
    struct wire *w = st->last;

    if (st->method != SIP_INVITE || st->state != TXN_S_ACCEPTED)
        return NULL;
    st->last = NULL;
    return w;
}

/* ---- life ---- */

struct txn_server *txn_server_find(struct txns *t, struct txn_key k)
{
    struct htab_node *n = htab_first(&t->server, k.hash);

    for (; n; n = htab_next(n)) {
        struct txn_server *st = container_of(n, struct txn_server, node);
        if (st->check == k.check)
            return st;
    }
    return NULL;
}

struct txn_server *txn_server_new(struct txns *t, const struct msg *m, const struct flow *f,
                                  struct txn_key k)
{
    struct txn_server *st = pool_get(&t->server_pool);

    if (!st)
        return NULL;
    st->txns = t;
    st->check = k.check;
    st->method = (uint8_t)m->method;
    st->is_stream = proto_is_stream(f->proto);
    st->reply = make_reply(t, m, f);
    if (!st->reply) {
        pool_put(&t->server_pool, st);
        return NULL;
    }
    timer_init(&st->timer, t->p.timers, on_timer, st);
    htab_add(&t->server, &st->node, k.hash);
    stat_inc(t->p.stats, STAT_txn_server_new);
    st->state = m->method == SIP_INVITE ? TXN_S_PROCEEDING : TXN_S_TRYING;
    if (m->method != SIP_INVITE)
        run_end_timer(st, TXN_64T1_MS);
    return st;
}

void txn_server_free(struct txn_server *st)
{
    struct txns *t = st->txns;

    forget_request(st);
    wire_free(t->p.blocks, st->last);
    timer_del(&st->timer);
    htab_del(&t->server, &st->node);
    if (t->fresh == st)
        t->fresh = NULL;
    pool_put(&t->server_pool, st);
}

bool txn_server_is_merged(struct txn_server *st, const struct msg *m)
{
    struct txns *t = st->txns;
    uint64_t h = hash_bytes(m->call_id.p, m->call_id.len, m->cseq);

    h = hash_bytes(m->method_name.p, m->method_name.len, h);
    h = hash_bytes(m->from.tag.p ? m->from.tag.p : "", m->from.tag.len, h);
    if (htab_first(&t->merged, h))
        return true;
    htab_add(&t->merged, &st->merged, h);
    st->is_merged = true;
    return false;
}

void txn_server_set_user(struct txn_server *st, const struct txn_server_cb *cb, void *user)
{
    st->cb = cb;
    st->user = user;
}

void *txn_server_user(const struct txn_server *st)
{
    return st->user;
}

void txn_server_detach(struct txn_server *st)
{
    st->cb = NULL;
    st->user = NULL;
    if (st->reply)
        txn_server_reply(st, 500, SPAN_NONE, SPAN_NONE);
}

enum sip_method txn_server_method(const struct txn_server *st)
{
    return st->method;
}

bool txn_server_is_final(const struct txn_server *st)
{
    return !st->reply;
}

bool txn_server_in_dialog(const struct txn_server *st)
{
    return st->reply && (reply_of(st)->has_to_tag || reply_of(st)->joined);
}

void txn_server_join(struct txn_server *st, struct span tag)
{
    struct reply *r;

    if (!st->reply || tag.len != IDENT_LEN)
        return;
    r = reply_of(st);
    memcpy(r->tag, tag.p, IDENT_LEN);
    r->joined = true;
}

void txn_server_set_owner(struct txn_server *st, uint32_t owner)
{
    if (st->reply)
        st->reply->flow.owner = owner;
}

const struct flow *txn_server_flow(const struct txn_server *st)
{
    return st->reply ? &st->reply->flow : NULL;
}
