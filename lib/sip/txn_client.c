/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Client transactions: RFC 3261 §17.1 with RFC 6026 (Accepted, Timer M), CANCEL (§9.1), the ACK to a non-2xx (§17.1.1.3).
 * Legs and dialogs start them, txn.c finds them by the serial in the branch; it knows no call.
 *
 * INVITE (RFC 6026 figure 4; RFC 3261 figure 5)
 *                   | INVITE sent
 *                   v
 *               [Calling] <-- A / send again        B, transport error / TU --> (terminated)
 *       1xx / TU |  |   | 2xx / TU
 *                v  |   +----------------------+
 *      [Proceeding] |  2xx / TU                v
 *     300-699 |  |  +---------------------> [Accepted] <-- 2xx / TU      M --> (terminated)
 *        ACK  v  | 300-699 / ACK
 *        [Completed] <-- 300-699 / ACK again                             D --> (terminated)
 *
 * non-INVITE (RFC 3261 figure 6)
 *   [Trying] --1xx--> [Proceeding] --200-699 / TU--> [Completed] --K--> (terminated)
 *      E / send again     E (T2) / send again           F in the first two: timeout
 */
#include <errno.h>
#include "core/log.h"
#include "sip/mtu.h"
#include "sip/txn_priv.h"

typedef int (*client_action_fn)(struct txn_client *ct, const struct txn_client_input *in);

struct client_cell {
    client_action_fn action; /* NULL: impossible */
    unsigned next;
};

/* 3: a proxy's challenge, the server's behind it, and one stale nonce; more is a peer that will never have enough. */
#define TRIES_MAX 3

static int make_cancel(struct txn_client *ct);
static struct txn_client *new_with_serial(struct txns *t, enum sip_method method,
                                          const struct flow *flow, uint64_t serial);

/* ---- timers: see txn_server.c ---- */

static void run_end_timer(struct txn_client *ct, uint64_t ms)
{
    ct->elapsed_ms = TXN_64T1_MS;
    ct->interval_ms = 0;
    timer_set(&ct->timer, ms);
}

/* D and K: zero over a stream. */
static void run_absorb_timer(struct txn_client *ct, uint64_t ms)
{
    run_end_timer(ct, ct->is_stream ? 0 : ms);
}

static void run_resend_timer(struct txn_client *ct, unsigned interval)
{
    unsigned left = (unsigned)TXN_64T1_MS - ct->elapsed_ms;

    if (ct->is_stream)
        interval = left;
    ct->interval_ms = (uint16_t)(interval < left ? interval : left);
    timer_set(&ct->timer, ct->interval_ms);
}

static void on_timer(struct timer *timer, void *arg)
{
    struct txn_client *ct = arg;
    const struct txn_client_input nothing = {0};

    (void)timer;
    ct->elapsed_ms = (uint16_t)(ct->elapsed_ms + ct->interval_ms);
    txn_client_step(ct, ct->elapsed_ms >= TXN_64T1_MS ? TXN_CE_TIMER_END : TXN_CE_TIMER_RESEND,
                    &nothing);
}

/* ---- actions ---- */

static int ignore(struct txn_client *ct, const struct txn_client_input *in)
{
    (void)ct;
    (void)in;
    return 0;
}

static int deliver(struct txn_client *ct, const struct txn_client_input *in)
{
    struct txns_param *p = &ct->txns->p;

    if (!in->msg) {
        if (ct->cb && ct->cb->on_trying && ct->method == SIP_INVITE)
            ct->cb->on_trying(ct->user, ct);
        return 0;
    }
    if (ct->cb)
        ct->cb->on_response(ct->user, ct, in->msg, in->flow);
    else if (ct->method == SIP_INVITE && in->msg->status / 100 == 2)
        p->tu_ops->on_stray_response(p->tu, in->msg, in->flow); /* somebody must send ACK and BYE */
    return 0;
}

static void forget_request(struct txn_client *ct)
{
    struct blocks *b = ct->txns->p.blocks;

    wire_free(b, ct->sent);
    wire_free(b, ct->reason);
    wire_free(b, ct->udp);
    ct->sent = ct->reason = ct->udp = NULL;
}

/* First 1xx to an INVITE: A and B stop, ringing may last; a CANCEL that had to wait goes out (§9.1). */
static int proceed(struct txn_client *ct, const struct txn_client_input *in)
{
    timer_del(&ct->timer);
    wire_free(ct->txns->p.blocks, ct->udp);
    ct->udp = NULL;
    if (ct->wants_cancel)
        make_cancel(ct);
    return deliver(ct, in);
}

static int send_again(struct txn_client *ct)
{
    stat_inc(ct->txns->p.stats, STAT_txn_retransmit);
    return wire_send(ct->txns->p.transport, ct->sent);
}

static int resend_invite(struct txn_client *ct, const struct txn_client_input *in)
{
    (void)in;
    run_resend_timer(ct, ct->interval_ms * 2u);
    return send_again(ct);
}

static int resend_other(struct txn_client *ct, const struct txn_client_input *in)
{
    unsigned twice = ct->interval_ms * 2u;

    (void)in;
    run_resend_timer(ct, twice < TXN_T2_MS ? twice : TXN_T2_MS);
    return send_again(ct);
}

static int resend_slowly(struct txn_client *ct, const struct txn_client_input *in)
{
    (void)in;
    run_resend_timer(ct, TXN_T2_MS);
    return send_again(ct);
}

static int accept_2xx(struct txn_client *ct, const struct txn_client_input *in)
{
    forget_request(ct);
    run_end_timer(ct, TXN_64T1_MS); /* M */
    return deliver(ct, in);
}

/* Out of the transaction, but kept while the answer is told: a challenge needs it. */
static struct wire *take_request(struct txn_client *ct)
{
    struct wire *w = ct->sent;

    ct->sent = NULL;
    forget_request(ct);
    return w;
}

/* 401, 407: the same once more with credentials, as a transaction of its own (§22.2). @return false: tell the user */
static bool challenged(struct txn_client *ct, const struct msg *m, const struct wire *request)
{
    const struct txns_param *p = &ct->txns->p;
    const struct txn_client_cb *cb = ct->cb;
    void *user = ct->user;
    struct txn_client *again;
    uint32_t cseq;

    if (!m || (m->status != 401 && m->status != 407) || !cb || !cb->on_again ||
        !p->tu_ops->on_challenge || ct->tries >= TRIES_MAX || ct->wants_cancel || ct->is_cancelled)
        return false;
    again = new_with_serial(ct->txns, (enum sip_method)ct->method, &request->flow,
                            ident_next_serial(p->ident));
    if (!again)
        return false;
    again->tries = (uint8_t)(ct->tries + 1);
    cseq = p->tu_ops->on_challenge(p->tu, again, request, m);
    if (!cseq) {
        txn_client_free(again);
        return false;
    }
    again->cb = cb;
    again->user = user;
    if (txn_client_start(again) < 0)
        return false;
    txn_client_detach(ct);
    cb->on_again(user, ct, again, cseq);
    return true;
}

static int tell_final(struct txn_client *ct, const struct txn_client_input *in,
                      struct wire *request)
{
    struct blocks *blocks = ct->txns->p.blocks;

    if (!challenged(ct, in->msg, request))
        deliver(ct, in);
    wire_free(blocks, request);
    return 0;
}

static int finish_other(struct txn_client *ct, const struct txn_client_input *in)
{
    struct wire *request = take_request(ct);

    run_absorb_timer(ct, TXN_T4_MS); /* K */
    return tell_final(ct, in, request);
}

/*
 * From the stored INVITE: same Request-URI, top Via, From, Call-ID, CSeq number and Route (§9.1, §17.1.1.3); to: the To value to
 * use instead of the INVITE's.
 */
static void build_from_invite(struct build *b, const struct txn_client *ct, enum sip_method method,
                              struct span to)
{
    struct span rest = {ct->sent->bytes, ct->sent->len};
    struct span line, uri, value;
    struct hdr h;

    span_cut(rest, '\n', &line, &rest);
    span_cut(line, ' ', &value, &uri);
    span_cut(uri, ' ', &uri, &value);
    build_request_line(b, sip_method_name(method), uri);
    while (hdr_next(&rest, &h) == 1) {
        if (h.id == HDR_TO && !span_is_empty(to)) {
            build_hdr(b, SPAN("To"), to);
        } else if (h.id == HDR_CSEQ) {
            span_cut(h.value, ' ', &value, &line);
            build_str(b, "CSeq: ");
            build_span(b, value);
            build_char(b, ' ');
            build_span(b, sip_method_name(method));
            build_str(b, "\r\n");
        } else if (h.id == HDR_VIA || h.id == HDR_FROM || h.id == HDR_TO || h.id == HDR_CALL_ID ||
                   h.id == HDR_ROUTE || h.id == HDR_MAX_FORWARDS || h.id == HDR_SESSION_ID) {
            build_span(b, h.raw);
            build_str(b, "\r\n");
        }
    }
}

static struct build *begin(struct txns *t)
{
    build_init(&t->build, t->scratch, sizeof(t->scratch));
    return &t->build;
}

/* Replaces the INVITE by its ACK: all that Completed needs. */
static int reject(struct txn_client *ct, const struct txn_client_input *in)
{
    struct txns *t = ct->txns;
    struct build *b = begin(t);
    struct wire *ack = NULL, *request;
    int err = 0;

    build_from_invite(b, ct, SIP_ACK, in->msg ? msg_value(in->msg, HDR_TO) : SPAN_NONE);
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        ack = wire_new(t->p.blocks, &ct->sent->flow, b->p, b->len);
    request = take_request(ct);
    ct->sent = ack;
    run_absorb_timer(ct, TXN_64T1_MS); /* D */
    if (ack)
        err = wire_send(t->p.transport, ack);
    else
        stat_inc(t->p.stats, STAT_txn_no_room); /* the peer's Timer H ends it */
    tell_final(ct, in, request);
    return err;
}

static int ack_again(struct txn_client *ct, const struct txn_client_input *in)
{
    (void)in;
    return ct->sent ? send_again(ct) : 0;
}

static int remember_cancel(struct txn_client *ct, const struct txn_client_input *in)
{
    (void)in;
    ct->wants_cancel = true;
    return 0;
}

static int send_cancel(struct txn_client *ct, const struct txn_client_input *in)
{
    (void)in;
    make_cancel(ct);
    return 0;
}

static int finish(struct txn_client *ct, const struct txn_client_input *in)
{
    (void)in;
    ct->end = TXN_END_OK;
    return 0;
}

static int time_out(struct txn_client *ct, const struct txn_client_input *in)
{
    (void)in;
    stat_inc(ct->txns->p.stats, STAT_txn_timeout);
    ct->end = TXN_END_TIMEOUT;
    return 0;
}

static int fail(struct txn_client *ct, const struct txn_client_input *in)
{
    (void)in;
    stat_inc(ct->txns->p.stats, STAT_txn_transport_failed);
    ct->end = TXN_END_TRANSPORT;
    return 0;
}

/* ---- tables ---- */

#define NEVER   \
    {           \
        NULL, 0 \
    } /* impossible: counted, nothing happens */

static const struct client_cell invite_table[TXN_C_STATES][TXN_CE_EVENTS] = {
    [TXN_C_CALLING] =
        {
            [TXN_CE_1XX] = {proceed, TXN_C_PROCEEDING},
            [TXN_CE_2XX] = {accept_2xx, TXN_C_ACCEPTED},
            [TXN_CE_FINAL] = {reject, TXN_C_COMPLETED},
            [TXN_CE_TIMER_RESEND] = {resend_invite, TXN_C_CALLING},
            [TXN_CE_TIMER_END] = {time_out, TXN_C_TERMINATED},
            [TXN_CE_CANCEL] = {remember_cancel, TXN_C_CALLING},
            [TXN_CE_TRANSPORT] = {fail, TXN_C_TERMINATED},
        },
    [TXN_C_PROCEEDING] =
        {
            [TXN_CE_1XX] = {deliver, TXN_C_PROCEEDING},
            [TXN_CE_2XX] = {accept_2xx, TXN_C_ACCEPTED},
            [TXN_CE_FINAL] = {reject, TXN_C_COMPLETED},
            [TXN_CE_TIMER_RESEND] = NEVER,
            [TXN_CE_TIMER_END] = {time_out, TXN_C_TERMINATED}, /* runs only after a CANCEL */
            [TXN_CE_CANCEL] = {send_cancel, TXN_C_PROCEEDING},
            [TXN_CE_TRANSPORT] = NEVER,
        },
    [TXN_C_COMPLETED] =
        {
            [TXN_CE_1XX] = {ignore, TXN_C_COMPLETED},
            [TXN_CE_2XX] = {ignore, TXN_C_COMPLETED},
            [TXN_CE_FINAL] = {ack_again, TXN_C_COMPLETED},
            [TXN_CE_TIMER_RESEND] = NEVER,
            [TXN_CE_TIMER_END] = {finish, TXN_C_TERMINATED},
            [TXN_CE_CANCEL] = {ignore, TXN_C_COMPLETED},
            [TXN_CE_TRANSPORT] = {fail, TXN_C_TERMINATED},
        },
    [TXN_C_ACCEPTED] =
        {
            [TXN_CE_1XX] = {ignore, TXN_C_ACCEPTED},
            [TXN_CE_2XX] = {deliver, TXN_C_ACCEPTED},
            [TXN_CE_FINAL] = {ignore, TXN_C_ACCEPTED},
            [TXN_CE_TIMER_RESEND] = NEVER,
            [TXN_CE_TIMER_END] = {finish, TXN_C_TERMINATED},
            [TXN_CE_CANCEL] = {ignore, TXN_C_ACCEPTED},
            [TXN_CE_TRANSPORT] = NEVER,
        },
};

static const struct client_cell other_table[TXN_C_STATES][TXN_CE_EVENTS] = {
    [TXN_C_CALLING] =
        {
            [TXN_CE_1XX] = {deliver, TXN_C_PROCEEDING},
            [TXN_CE_2XX] = {finish_other, TXN_C_COMPLETED},
            [TXN_CE_FINAL] = {finish_other, TXN_C_COMPLETED},
            [TXN_CE_TIMER_RESEND] = {resend_other, TXN_C_CALLING},
            [TXN_CE_TIMER_END] = {time_out, TXN_C_TERMINATED},
            [TXN_CE_CANCEL] = NEVER,
            [TXN_CE_TRANSPORT] = {fail, TXN_C_TERMINATED},
        },
    [TXN_C_PROCEEDING] =
        {
            [TXN_CE_1XX] = {deliver, TXN_C_PROCEEDING},
            [TXN_CE_2XX] = {finish_other, TXN_C_COMPLETED},
            [TXN_CE_FINAL] = {finish_other, TXN_C_COMPLETED},
            [TXN_CE_TIMER_RESEND] = {resend_slowly, TXN_C_PROCEEDING},
            [TXN_CE_TIMER_END] = {time_out, TXN_C_TERMINATED},
            [TXN_CE_CANCEL] = NEVER,
            [TXN_CE_TRANSPORT] = {fail, TXN_C_TERMINATED},
        },
    [TXN_C_COMPLETED] =
        {
            [TXN_CE_1XX] = {ignore, TXN_C_COMPLETED},
            [TXN_CE_2XX] = {ignore, TXN_C_COMPLETED},
            [TXN_CE_FINAL] = {ignore, TXN_C_COMPLETED},
            [TXN_CE_TIMER_RESEND] = NEVER,
            [TXN_CE_TIMER_END] = {finish, TXN_C_TERMINATED},
            [TXN_CE_CANCEL] = NEVER,
            [TXN_CE_TRANSPORT] = NEVER,
        },
    [TXN_C_ACCEPTED] = {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER},
};

static const struct client_cell *cell_at(bool invite, unsigned state, unsigned ev)
{
    return invite ? &invite_table[state][ev] : &other_table[state][ev];
}

struct txn_cell txn_client_cell(bool invite, unsigned state, unsigned event)
{
    const struct client_cell *c = cell_at(invite, state, event);

    if (!c->action)
        return (struct txn_cell){TXN_CELL_IMPOSSIBLE, state};
    return (struct txn_cell){c->action == ignore ? TXN_CELL_IGNORED : TXN_CELL_HANDLED, c->next};
}

static void set_state(struct txn_client *ct, unsigned next)
{
    static const char *const name[] = {"calling", "proceeding", "completed", "accepted",
                                       "terminated"};

    if (log_level() >= LOG_DEBUG)
        log_ev(LOG_DEBUG, "txn_client", "txn=%p method=%.*s from=%s to=%s", (void *)ct,
               SPAN_ARG(sip_method_name(ct->method)), name[ct->state], name[next]);
    ct->state = (uint8_t)next;
}

/* State first, then the action: what the TU does in its callback (CANCEL in a 180) meets the new state. */
void txn_client_step(struct txn_client *ct, enum txn_client_event ev,
                     const struct txn_client_input *in)
{
    const struct client_cell *c = cell_at(ct->method == SIP_INVITE, ct->state, ev);
    int err;

    if (!c->action) {
        stat_inc(ct->txns->p.stats, STAT_txn_impossible);
        return;
    }
    if (c->next != ct->state)
        set_state(ct, c->next);
    err = c->action(ct, in);
    if (c->next == TXN_C_TERMINATED) {
        if (ct->cb)
            ct->cb->on_end(ct->user, ct, ct->end);
        txn_client_free(ct);
    } else if (err < 0) {
        txn_client_step(ct, TXN_CE_TRANSPORT, in);
    }
}

enum txn_client_event txn_client_event_of(unsigned status)
{
    if (status < 200)
        return TXN_CE_1XX;
    return status < 300 ? TXN_CE_2XX : TXN_CE_FINAL;
}

/* TCP has failed: the request as it was composed first, with all of UDP's timers (§18.1.1). */
static int send_by_udp(struct txn_client *ct)
{
    wire_free(ct->txns->p.blocks, ct->sent);
    ct->sent = ct->udp;
    ct->udp = NULL;
    ct->is_stream = false;
    ct->elapsed_ms = 0;
    stat_inc(ct->txns->p.stats, STAT_txn_back_to_udp);
    run_resend_timer(ct, TXN_T1_MS);
    return wire_send(ct->txns->p.transport, ct->sent);
}

bool txn_client_unsent(struct txn_client *ct)
{
    const struct txn_client_input nothing = {0};

    if (ct->state != TXN_C_CALLING)
        return false;
    if (!ct->udp || send_by_udp(ct) < 0)
        txn_client_step(ct, TXN_CE_TRANSPORT, &nothing);
    return true;
}

/* 100 says nothing to a TU that is no proxy; a CANCEL has no user; else what the table ignores or answers by itself. */
bool txn_client_can_absorb(const struct txn_client *ct, unsigned status)
{
    const struct client_cell *c =
        cell_at(ct->method == SIP_INVITE, ct->state, txn_client_event_of(status));

    if (status == 100 || ct->method == SIP_CANCEL)
        return true;
    return !c->action || c->action == ignore || c->action == ack_again;
}

/* ---- life ---- */

struct txn_client *txn_client_find(struct txns *t, uint64_t serial, enum sip_method method)
{
    struct htab_node *n = htab_first(&t->client, serial);

    for (; n; n = htab_next(n)) {
        struct txn_client *ct = container_of(n, struct txn_client, node);
        if (ct->method == (uint8_t)method)
            return ct;
    }
    return NULL;
}

static struct txn_client *new_with_serial(struct txns *t, enum sip_method method,
                                          const struct flow *flow, uint64_t serial)
{
    struct txn_client *ct = pool_get(&t->client_pool);

    if (!ct)
        goto full;
    ct->sent = wire_new(t->p.blocks, flow, "", 0); /* holds the flow until the start */
    if (!ct->sent)
        goto full;
    ct->txns = t;
    ct->method = (uint8_t)method;
    timer_init(&ct->timer, t->p.timers, on_timer, ct);
    htab_add(&t->client, &ct->node, serial);
    return ct;
full:
    stat_inc(t->p.stats, STAT_txn_no_room);
    pool_put(&t->client_pool, ct);
    return NULL;
}

struct txn_client *txn_client_new(struct txns *t, enum sip_method method, const struct flow *flow,
                                  const struct txn_client_cb *cb, void *user)
{
    struct txn_client *ct = new_with_serial(t, method, flow, ident_next_serial(t->p.ident));

    if (ct) {
        ct->cb = cb;
        ct->user = user;
    }
    return ct;
}

void txn_client_free(struct txn_client *ct)
{
    struct txns *t = ct->txns;

    forget_request(ct);
    timer_del(&ct->timer);
    htab_del(&t->client, &ct->node);
    pool_put(&t->client_pool, ct);
}

void txn_client_abort(struct txn_client *ct)
{
    txn_client_free(ct);
}

struct span txn_client_branch(const struct txn_client *ct)
{
    struct txns *t = ct->txns;

    memcpy(t->branch, TXN_COOKIE, TXN_COOKIE_LEN);
    ident_seal(t->p.ident, IDENT_BRANCH, ct->node.hash, t->branch + TXN_COOKIE_LEN);
    return (struct span){t->branch, TXN_BRANCH_LEN};
}

void txn_client_via(const struct txn_client *ct, struct build *b)
{
    struct transport *tr = ct->txns->p.transport;

    build_str(b, "Via: ");
    build_span(b, tr->via(tr, &ct->sent->flow));
    build_str(b, ";branch=");
    build_span(b, txn_client_branch(ct));
    build_str(b, ";rport\r\n");
}

struct build *txn_client_begin(struct txn_client *ct)
{
    return begin(ct->txns);
}

/* A request that is too large for a datagram goes by TCP; udp stays at hand. @return the other wire, sent; NULL: UDP it is */
static struct wire *send_by_tcp(struct txn_client *ct, const struct wire *udp)
{
    struct txns *t = ct->txns;
    struct wire *w;
    struct flow tcp;

    if (!mtu_by_tcp(t->p.transport, &t->build, &udp->flow, &tcp))
        return NULL;
    w = wire_new(t->p.blocks, &tcp, t->build.p, t->build.len);
    if (!w || wire_send(t->p.transport, w) < 0) {
        wire_free(t->p.blocks, w);
        return NULL;
    }
    stat_inc(t->p.stats, STAT_txn_by_tcp);
    return w;
}

int txn_client_start(struct txn_client *ct)
{
    struct txns *t = ct->txns;
    const struct tu_ops *ops = t->p.tu_ops;
    struct wire *w = NULL, *tcp = NULL;
    int err;

    if (ops->on_send && ct->method != SIP_CANCEL)
        ops->on_send(t->p.tu, &t->build, &ct->sent->flow);
    err = t->build.overflow ? -ENOSPC : 0;

    if (err == 0) {
        w = wire_new(t->p.blocks, &ct->sent->flow, t->build.p, t->build.len);
        tcp = w ? send_by_tcp(ct, w) : NULL;
        err = !w ? -ENOMEM : tcp ? 0 : wire_send(t->p.transport, w);
    }
    if (err < 0) {
        wire_free(t->p.blocks, w);
        txn_client_free(ct);
        return err;
    }
    wire_free(t->p.blocks, ct->sent);
    ct->sent = tcp ? tcp : w;
    ct->udp = tcp ? w : NULL;
    ct->is_started = true;
    ct->is_stream = proto_is_stream(ct->sent->flow.proto);
    stat_inc(t->p.stats, STAT_txn_client_new);
    run_resend_timer(
        ct, TXN_T1_MS); /* A or E, and at the end of their sum B or F; over a stream these alone */
    return 0;
}

/* A transaction of its own with the branch of the INVITE; the INVITE gets 64*T1 to end (§9.1). */
static int make_cancel(struct txn_client *ct)
{
    struct txns *t = ct->txns;
    struct txn_client *cancel = new_with_serial(t, SIP_CANCEL, &ct->sent->flow, ct->node.hash);
    struct build *b = begin(t);

    ct->wants_cancel = false;
    ct->is_cancelled = true;
    run_end_timer(ct, TXN_64T1_MS);
    if (!cancel)
        return -ENOMEM;
    build_from_invite(b, ct, SIP_CANCEL, SPAN_NONE);
    if (ct->reason)
        build_hdr(b, SPAN("Reason"), (struct span){ct->reason->bytes, ct->reason->len});
    wire_free(t->p.blocks, ct->reason);
    ct->reason = NULL;
    build_end(b, SPAN_NONE, SPAN_NONE);
    return txn_client_start(cancel);
}

int txn_client_cancel(struct txn_client *ct, struct span reason)
{
    const struct txn_client_input nothing = {0};

    if (ct->method != SIP_INVITE || !ct->is_started)
        return -EINVAL;
    if (ct->wants_cancel || ct->is_cancelled || ct->state >= TXN_C_COMPLETED)
        return -EALREADY;
    if (!span_is_empty(
            reason)) /* without it the CANCEL is as good: no error if it cannot be kept */
        ct->reason = wire_new(ct->txns->p.blocks, &ct->sent->flow, reason.p, reason.len);
    txn_client_step(ct, TXN_CE_CANCEL, &nothing);
    return 0;
}

void txn_client_detach(struct txn_client *ct)
{
    ct->cb = NULL;
    ct->user = NULL;
}

void *txn_client_user(const struct txn_client *ct)
{
    return ct->user;
}

enum sip_method txn_client_method(const struct txn_client *ct)
{
    return ct->method;
}

unsigned txn_client_tries(const struct txn_client *ct)
{
    return ct->tries;
}
