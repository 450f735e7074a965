/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Joins players and events with the packet path. A packet thread's alone: nothing here is locked.
 * Digits are told to the controller and nobody else.
 */
#include "relay/audio.h"

#include <string.h>

#define NO_PT    0xffU /* no packet has it */
#define HEARD_MS 60U   /* two packets of 30 ms: who sent within it is sending */

static uint32_t ptime_of(const struct endpoint *e)
{
    return e->ptime_ms ? e->ptime_ms : PLAYER_PTIME_MS;
}

static struct dtmf *dtmf_of_rx(struct pace *p)
{
    return (struct dtmf *)(void *)p;
}

static struct dtmf *dtmf_of_tx(struct pace *p)
{
    return (struct dtmf *)(void *)((char *)p - offsetof(struct dtmf, tx_pace));
}

/* ---- what the party sends ---------------------------------------------------------------------------------------- */

static void told(struct flow_ctx *c, struct endpoint *e, const struct dtmf_digit *d)
{
    e->n.events++;
    if (e->flags & MEDIA_EP_EVENTS)
        c->on_digit(c, e, d->digit, d->duration_ms);
}

static void on_rx_silent(void *ctx, struct pace *p)
{
    struct dtmf *ev = dtmf_of_rx(p);
    struct dtmf_digit d;

    if (dtmf_in_silent(ev, &d))
        told(ctx, ev->ep, &d);
}

/* Offers and answers that cross as they are may have given the two directions different numbers. */
static bool is_event(const struct endpoint *e, uint8_t pt)
{
    if (pt == e->dtmf->pt || (e->peer && e->peer->dtmf && pt == e->peer->dtmf->pt))
        return true;
    for (unsigned i = 0; i < e->n_pts; i++) {
        if (e->pt[i].type == pt)
            return e->pt[i].codec == MEDIA_CODEC_EVENT;
    }
    return false;
}

static uint32_t payload_at(const struct io_packet *p)
{
    uint32_t at = 12 + (p->data[0] & 15U) * 4;

    if (p->data[0] & 0x10)
        at += 4 + (uint32_t)(p->data[at + 2] << 8 | p->data[at + 3]) * 4;
    return at;
}

bool audio_input(struct flow_ctx *c, struct endpoint *e, struct io_packet *p,
                 const struct rtp_header *h)
{
    struct dtmf *ev = e->dtmf;
    struct dtmf_digit d;
    uint32_t at;

    if (!ev)
        return true;
    if (!is_event(e, h->payload_type)) {
        if (dtmf_is_cutting(ev)) {
            uint16_t seq = dtmf_seq(ev, h);

            p->data[2] = (uint8_t)(seq >> 8);
            p->data[3] = (uint8_t)seq;
        }
        return true;
    }
    at = payload_at(p);
    dtmf_in_clock(ev, media_event_clock(e->pt, e->n_pts, e->stats.clock_rate, h->payload_type));
    if (dtmf_in(ev, h, p->data + at, p->len - at, &d))
        told(c, e, &d);
    if (ev->rx_on)
        pace_set(c->paces, &ev->rx_pace, c->now_ms + DTMF_SILENT_MS);
    else
        pace_del(c->paces, &ev->rx_pace);
    if (!(e->flags & MEDIA_EP_ABSORB))
        return true;
    dtmf_cut(ev, h);
    return false;
}

/* ---- what the party hears ---------------------------------------------------------------------------------------- */

static bool can_hear(const struct endpoint *e)
{
    return (e->direction & MEDIA_DIR_SEND) && addr_is_set(&e->rtp.latch.to);
}

/* Begin with the next digit, or go on with the one that is under way, when nothing passes that could bear it. */
static void own_next(struct flow_ctx *c, struct dtmf *ev)
{
    if (ev->n_queue == 0)
        return;
    if (ev->mode == DTMF_RIDE)
        pace_set(c->paces, &ev->tx_pace, c->now_ms + DTMF_RIDE_MS);
    else
        pace_set(c->paces, &ev->tx_pace, c->now_ms + ptime_of(ev->ep));
}

static bool is_heard(const struct flow_ctx *c, const struct endpoint *e)
{
    const struct endpoint *p = e->peer;

    return (e->player && e->player->is_on) || (p && p->seen_ms + HEARD_MS > c->now_ms &&
                                               p->n.packets > 0 && (p->direction & MEDIA_DIR_RECV));
}

static void on_tx_due(void *ctx, struct pace *p)
{
    struct flow_ctx *c = ctx;
    struct dtmf *ev = dtmf_of_tx(p);
    struct endpoint *e = ev->ep;
    struct io_packet *out;

    dtmf_out_silent(ev, c->now_ms);
    dtmf_begin(ev, is_heard(c, e), c->now_ms);
    if (ev->mode == DTMF_OWN && can_hear(e)) {
        out = flow_packet(c);
        out->len = dtmf_own(ev, out->data, ptime_of(e), c->now_ms);
        flow_put(c, out, &e->rtp, NULL);
    } else if (ev->mode == DTMF_OWN) {
        /* held: the time goes by all the same */
        uint8_t none[DTMF_BYTES];

        dtmf_own(ev, none, ptime_of(e), c->now_ms);
    }
    own_next(c, ev);
}

/* A packet that passes becomes one of the event. */
static void ride(struct flow_ctx *c, struct dtmf *ev, struct io_packet *p)
{
    uint8_t type = p->data[1] & 0x7f;
    uint32_t len;

    dtmf_begin(ev, true, c->now_ms);
    if (ev->mode != DTMF_RIDE || p->len < DTMF_BYTES)
        return;
    /* 96: the first number without a fixed clock (RFC 3551 §6) */
    ev->ride_clock =
        type >= 96 && ev->ep->stats.clock_rate ? ev->ep->stats.clock_rate : rtp_clock_rate(type);
    len = dtmf_out(ev, p->data, ptime_of(ev->ep), c->now_ms);
    if (len)
        p->len = len;
    own_next(c, ev);
}

bool audio_output(struct flow_ctx *c, struct endpoint *e, struct io_packet *p)
{
    if (e->player && e->player->is_on)
        return false;
    if (e->dtmf && e->dtmf->n_queue > 0)
        ride(c, e->dtmf, p);
    return true;
}

/* Its end, or what it was is no more. */
static void finish(struct flow_ctx *c, struct player *pl)
{
    pace_del(c->paces, &pl->pace);
    pl->is_on = false;
}

static void on_player_due(void *ctx, struct pace *pace)
{
    struct player *pl = (struct player *)(void *)pace;
    struct flow_ctx *c = ctx;
    struct endpoint *e = pl->ep;
    struct io_packet *p = flow_packet(c);

    p->len = player_packet(pl, c->now_ms, p->data);
    if (p->len == 0) {
        finish(c, pl);
        if (pl->flags & MEDIA_PLAY_TELL)
            c->on_played(c, e, player_ms(pl));
        return;
    }
    pace_set(c->paces, pace, pl->due_ms);
    if (!can_hear(e))
        return;
    if (e->dtmf && e->dtmf->n_queue > 0)
        ride(c, e->dtmf, p);
    flow_put(c, p, &e->rtp, NULL);
}

void audio_play(struct flow_ctx *c, struct endpoint *e, struct player *p)
{
    if (e->player) {
        finish(c, e->player);
        player_follow(p, e->player, c->now_ms);
        player_free(e->player);
    }
    e->player = p;
    p->ep = e;
    p->pace.fn = on_player_due;
    player_start(p, c->now_ms);
    pace_set(c->paces, &p->pace, c->now_ms);
}

void audio_stop(struct flow_ctx *c, struct endpoint *e)
{
    /* it stays for the sake of its stream: the next sound goes on in it */
    if (e->player)
        finish(c, e->player);
}

void audio_dtmf(struct flow_ctx *c, struct endpoint *e, const struct media_dtmf *d)
{
    struct dtmf_digit digit = {
        .digit = d->digit, .volume = d->volume, .duration_ms = d->duration_ms};

    if (!e->dtmf || !dtmf_push(e->dtmf, &digit)) {
        e->n.unsent++;
        total_add(&c->totals->unsent, 1);
        return;
    }
    if (e->dtmf->n_queue > 1)
        return;
    dtmf_begin(e->dtmf, is_heard(c, e), c->now_ms);
    own_next(c, e->dtmf);
}

void audio_set(struct flow_ctx *c, struct endpoint *e, const struct media_ep *want, struct dtmf *ev)
{
    int pt = audio_event_pt(want);

    if (!e->dtmf && ev) {
        e->dtmf = ev;
        ev->ep = e;
        ev->rx_pace.fn = on_rx_silent;
        ev->tx_pace.fn = on_tx_due;
    }
    if (e->dtmf) {
        e->dtmf->pt = pt < 0 ? NO_PT : (uint8_t)pt;
        dtmf_set_clock(e->dtmf, audio_event_clock(want, e->dtmf->pt));
    }
    if (e->player && e->player->is_on && !player_recode(e->player, want))
        finish(c, e->player);
}

void audio_gone(struct flow_ctx *c, struct endpoint *e)
{
    if (e->player)
        finish(c, e->player);
    if (e->dtmf) {
        pace_del(c->paces, &e->dtmf->rx_pace);
        pace_del(c->paces, &e->dtmf->tx_pace);
    }
}

void audio_free(struct endpoint *e)
{
    player_free(e->player);
    dtmf_free(e->dtmf);
    e->player = NULL;
    e->dtmf = NULL;
}

uint32_t audio_event_clock(const struct media_ep *ep, uint8_t pt)
{
    return media_event_clock(ep->pt, ep->n_pts, ep->clock_rate, pt);
}

int audio_event_pt(const struct media_ep *ep)
{
    uint32_t voice = ep->clock_rate ? ep->clock_rate : 8000;
    int first = -1;

    for (unsigned i = 0; i < ep->n_pts; i++) {
        if (ep->pt[i].codec != MEDIA_CODEC_EVENT)
            continue;
        /* one stream, one clock (RFC 4733 §2.1), where the party leaves a choice */
        if (audio_event_clock(ep, ep->pt[i].type) == voice)
            return ep->pt[i].type;
        if (first < 0)
            first = ep->pt[i].type;
    }
    return first;
}
