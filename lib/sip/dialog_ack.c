/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of an INVITE's three-way handshake: our 2xx until its ACK (RFC 3261 §13.3.1.4), our ACK to each of their 2xx (§13.2.2.4).
 * Legs call it; it must not know calls.
 */
#include <errno.h>
#include "sip/dialog_priv.h"
#include "sip/mtu.h"

/* ---- 2xx ---- */

static void run_timer(struct dialog_2xx *s, unsigned interval)
{
    unsigned left = (unsigned)TXN_64T1_MS - s->elapsed_ms;

    s->interval_ms = (uint16_t)(interval < left ? interval : left);
    timer_set(&s->timer, s->interval_ms);
}

static void on_timer(struct timer *timer, void *arg)
{
    struct dialog_2xx *s = arg;
    struct dialog *d = s->dialog;
    struct dialogs_param *p = &d->dialogs->p;
    unsigned twice = s->interval_ms * 2u;

    (void)timer;
    s->elapsed_ms = (uint16_t)(s->elapsed_ms + s->interval_ms);
    if (s->elapsed_ms >= TXN_64T1_MS) {
        dialog_2xx_stop(d);
        stat_inc(p->stats, STAT_dialog_no_ack);
        p->on_no_ack(p->tu, d);
        return;
    }
    stat_inc(p->stats, STAT_dialog_2xx_retransmit);
    wire_send(p->transport, s->wire); /* a refusal now ends like a lost ACK */
    run_timer(s, twice < TXN_T2_MS ? twice : TXN_T2_MS);
}

int dialog_2xx_start(struct dialog *d, struct txn_server *st, uint32_t cseq)
{
    struct dialogs *ds = d->dialogs;
    struct wire *w = txn_server_take_2xx(st);
    struct dialog_2xx *s;

    if (!w)
        return -EINVAL;
    dialog_2xx_stop(d); /* of an earlier INVITE: the peer has gone on without its ACK */
    s = pool_get(&ds->pool_2xx);
    if (!s) {
        wire_free(ds->p.blocks, w);
        return -ENOMEM;
    }
    s->dialog = d;
    s->wire = w;
    s->cseq = cseq;
    d->sent_2xx = s;
    timer_init(&s->timer, ds->p.timers, on_timer, s);
    run_timer(s, TXN_T1_MS);
    return 0;
}

bool dialog_2xx_acked(struct dialog *d, uint32_t cseq)
{
    if (!d->sent_2xx || d->sent_2xx->cseq != cseq)
        return false;
    dialog_2xx_stop(d);
    return true;
}

void dialog_2xx_stop(struct dialog *d)
{
    struct dialogs *ds = d->dialogs;
    struct dialog_2xx *s = d->sent_2xx;

    if (!s)
        return;
    d->sent_2xx = NULL;
    timer_del(&s->timer);
    wire_free(ds->p.blocks, s->wire);
    pool_put(&ds->pool_2xx, s);
}

/* ---- ACK ---- */

/* Same dialog state and serial, same bytes: so an ACK without a body need not be kept. */
static int compose_ack(struct dialog *d, struct build *b, struct span content_type,
                       struct span body)
{
    struct dialogs *ds = d->dialogs;
    const struct dialog_head h = {.cseq = d->ack_cseq};
    char token[IDENT_LEN];

    build_init(b, ds->scratch, sizeof(ds->scratch));
    dialog_build_request_line(b, d, SIP_ACK);
    ident_seal(ds->p.ident, IDENT_BRANCH, d->ack_serial, token);
    build_str(b, "Via: ");
    build_span(b, ds->p.transport->via(ds->p.transport, &d->flow));
    build_str(b, ";branch=z9hG4bK");
    build_span(b, (struct span){token, sizeof(token)});
    build_str(b, ";rport\r\n");
    dialog_build_headers(b, d, SIP_ACK, &h);
    return build_end(b, content_type, body);
}

/* By TCP if it is too large for UDP; should TCP fail, the peer's next 2xx asks again and by_tcp knows of the failure. */
static int send_ack(struct dialog *d, struct build *b)
{
    struct transport *t = d->dialogs->p.transport;
    struct flow f = d->flow;

    if (mtu_by_tcp(t, b, &d->flow, &f))
        stat_inc(d->dialogs->p.stats, STAT_txn_by_tcp);
    return t->send(t, &f, b->p, b->len);
}

int dialog_ack(struct dialog *d, uint32_t cseq, struct span content_type, struct span body)
{
    struct dialogs *ds = d->dialogs;
    struct build b;
    int err;

    wire_free(ds->p.blocks, d->ack);
    d->ack = NULL;
    d->ack_cseq = cseq;
    d->ack_serial = ident_next_serial(ds->p.ident);
    err = compose_ack(d, &b, content_type, body);
    if (err < 0)
        return err;
    if (!span_is_empty(body)) {
        d->ack = wire_new(ds->p.blocks, &d->flow, b.p, b.len);
        if (!d->ack)
            return -ENOMEM;
    }
    return send_ack(d, &b);
}

int dialog_ack_again(struct dialog *d, uint32_t cseq)
{
    struct dialogs *ds = d->dialogs;
    struct build b;
    int err;

    if (d->ack_serial == 0 || d->ack_cseq != cseq)
        return -ENOENT;
    stat_inc(ds->p.stats, STAT_dialog_ack_again);
    if (d->ack) {
        build_init(&b, ds->scratch, sizeof(ds->scratch));
        build_span(&b, (struct span){d->ack->bytes, d->ack->len});
        return send_ack(d, &b);
    }
    err = compose_ack(d, &b, SPAN_NONE, SPAN_NONE);
    return err < 0 ? err : send_ack(d, &b);
}
