/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * INFO of application/dtmf-relay and application/dtmf against RFC 4733, and music on hold: what the relay is told beside the SDP.
 * One event is one digit: of a side that sends both, RTP counts from its first one on; until that is known, a digit of its INFO waits.
 */
#include "call/digits.h"

#include "call/methods.h"
#include "call/offer.h"
#include "call/offer_play.h"
#include "call/own.h"

#include <stdio.h>

#define RELAY_TYPE SPAN("application/dtmf-relay")
#define PLAIN_TYPE SPAN("application/dtmf")
/* A side that leaves Duration out; those of a key held down, and of a short press. RFC 4733 §2.5.2.3 gives 40 ms as the least. */
#define DURATION_MS     160U
#define DURATION_MIN_MS 40U
#define DURATION_MAX_MS 5000U
/* The same digit in RTP is known when its event ends: a while behind the INFO, which goes by other ways. */
#define HELD_MS 300U

static const char digit_names[] = "0123456789*#ABCD";
#define FLASH 16U

static enum conf_dtmf dtmf_of(const struct leg *leg)
{
    return leg->trunk.conf->dtmf;
}

static bool has_rtp(const struct leg *leg)
{
    return dtmf_of(leg) == CONF_DTMF_RFC4733 || dtmf_of(leg) == CONF_DTMF_BOTH;
}

static bool has_info(const struct leg *leg)
{
    return dtmf_of(leg) == CONF_DTMF_INFO || dtmf_of(leg) == CONF_DTMF_BOTH;
}

bool digits_turn(const struct leg *leg, const struct leg *other)
{
    return other && has_rtp(leg) && dtmf_of(other) == CONF_DTMF_INFO;
}

uint8_t digits_flags(const struct leg *leg, const struct leg *other)
{
    if (!other)
        return 0;
    if (digits_turn(leg, other))
        return MEDIA_EP_EVENTS | MEDIA_EP_ABSORB;
    /* to know that it sends them in RTP, too */
    return dtmf_of(leg) == CONF_DTMF_BOTH && has_rtp(other) ? MEDIA_EP_EVENTS : 0;
}

/* ---- RTP to INFO ---------------------------------------------------------------------------------------------------- */

struct digit {
    size_t cap;
    uint32_t duration_ms;
    uint8_t digit;
};

static void digit_put(struct own *o)
{
    struct digit *d = o->p.arg;

    blocks_put(o->ld->leg->call->calls->blocks, d, d->cap);
}

static int digit_compose(struct own *o, struct build *b, struct span *type, struct span *body)
{
    static _Thread_local char text[64];
    const struct digit *d = o->p.arg;
    int n;

    (void)b;
    if (d->digit == FLASH)
        n = snprintf(text, sizeof text, "Signal=hf\r\nDuration=%u\r\n", d->duration_ms);
    else
        n = snprintf(text, sizeof text, "Signal=%c\r\nDuration=%u\r\n", digit_names[d->digit],
                     d->duration_ms);
    *type = RELAY_TYPE;
    *body = (struct span){text, (size_t)n};
    return 0;
}

static void digit_done(struct own *o, const struct msg *m, unsigned status)
{
    (void)m;
    (void)status;
    digit_put(o);
}

static void send_info(struct leg *to, uint8_t digit, uint32_t duration_ms)
{
    struct calls *cs = to->call->calls;
    size_t cap;
    struct digit *d = blocks_get(cs->blocks, sizeof *d, &cap);
    struct own_param p = {.method = SIP_INFO,
                          .compose = digit_compose,
                          .done = digit_done,
                          .dropped = digit_put,
                          .arg = d};

    if (!d)
        return;
    *d = (struct digit){.cap = cap, .duration_ms = duration_ms, .digit = digit};
    if (own_start(to->main, &p, NULL) < 0)
        blocks_put(cs->blocks, d, cap);
    else
        stat_inc(cs->stats, STAT_dtmf_info_out);
}

/* ---- a digit that may come both ways ------------------------------------------------------------------------------ */

struct digit_held {
    size_t cap;
    struct timer *timer;
    uint32_t duration_ms;
    uint8_t digit;
    bool is_on, is_in; /* the in leg sent it */
};

static uint8_t side_of(const struct leg *leg)
{
    return leg->is_in ? 1 : 2;
}

/* The first line of audio that has both endpoints. */
static int audio_line(const struct call *c)
{
    for (unsigned i = 0; i < c->media.n; i++)
        if (!((c->media.off | c->media.opaque) & (1U << i)) &&
            addr_is_set(&c->media.local[2 * i]) && addr_is_set(&c->media.local[2 * i + 1]))
            return (int)i;
    return -1;
}

/* It came in INFO, and goes as the other side has its digits. */
static void turn(struct leg *leg, uint8_t digit, uint32_t duration_ms)
{
    struct leg *other = leg_other(leg);
    struct call *c = leg->call;
    int line = audio_line(c);

    if (!other || leg->state != LEG_UP || other->state != LEG_UP)
        return;
    if (!has_rtp(other)) {
        send_info(other, digit, duration_ms);
    } else if (line >= 0 && offer_has_relay(c)) {
        (void)offer_digit(c, other, (unsigned)line, digit, duration_ms);
        stat_inc(c->calls->stats, STAT_dtmf_info_in);
    }
}

/* It is over with the digit that waits. */
static void held_end(struct call *c, bool goes)
{
    struct digit_held *h = c->digit;
    struct leg *leg;

    if (!h || !h->is_on)
        return;
    h->is_on = false;
    timer_del(h->timer);
    leg = h->is_in ? c->in : c->out;
    if (goes && leg && c->state < CALL_ENDING)
        turn(leg, h->digit, h->duration_ms);
}

/* It came in INFO alone, and so will the next. */
static void held_on_timer(struct timer *t, void *arg)
{
    struct call *c = arg;

    (void)t;
    c->media.info_digits |= c->digit->is_in ? 1 : 2;
    held_end(c, true);
}

/* @return false: out of memory, it must go now */
static bool held_begin(struct leg *leg, uint8_t digit, uint32_t duration_ms)
{
    struct call *c = leg->call;
    struct calls *cs = c->calls;
    size_t cap;

    held_end(c, true);
    if (!c->digit) {
        struct timer *t = call_timer_new(cs, held_on_timer, c);

        c->digit = t ? blocks_get(cs->blocks, sizeof *c->digit, &cap) : NULL;
        if (!c->digit) {
            call_timer_free(cs, t);
            return false;
        }
        *c->digit = (struct digit_held){.cap = cap, .timer = t};
    }
    c->digit->digit = digit;
    c->digit->duration_ms = duration_ms;
    c->digit->is_in = leg->is_in;
    c->digit->is_on = true;
    timer_set(c->digit->timer, duration_ms + HELD_MS);
    return true;
}

void digits_free(struct call *c)
{
    if (!c->digit)
        return;
    call_timer_free(c->calls, c->digit->timer);
    explicit_bzero(c->digit, sizeof *c->digit);
    blocks_put(c->calls->blocks, c->digit, c->digit->cap);
    c->digit = NULL;
}

void digits_on_event(struct call *c, unsigned endpoint, uint8_t digit, uint32_t duration_ms)
{
    struct leg *leg = endpoint & 1 ? c->out : c->in;
    struct leg *other = leg ? leg_other(leg) : NULL;

    if (!leg || !other || digit > FLASH)
        return;
    c->media.rtp_digits |= side_of(leg);
    if (c->digit && c->digit->is_in == leg->is_in)
        held_end(c, c->digit->digit != digit);
    if (dtmf_of(other) == CONF_DTMF_INFO && has_rtp(leg) && other->state == LEG_UP)
        send_info(other, digit, duration_ms < DURATION_MIN_MS ? DURATION_MIN_MS : duration_ms);
}

/* ---- INFO to RTP ---------------------------------------------------------------------------------------------------- */

/* "5", "*", "hf", or the number of the event: "10", "16". @return -1: none */
static int digit_of(struct span s)
{
    uint32_t n;

    s = span_trim(s);
    if (s.len == 1) {
        for (int i = 0; digit_names[i]; i++)
            if (s.p[0] == digit_names[i] || (i >= 12 && s.p[0] == digit_names[i] + 32))
                return i;
        return -1;
    }
    if (span_case_eq(s, SPAN("hf")) || span_case_eq(s, SPAN("flash")))
        return (int)FLASH;
    return span_u32(s, FLASH, &n) == 0 ? (int)n : -1;
}

/* Signal=5 CRLF Duration=160 CRLF; of application/dtmf the digit alone, or the same. */
static int read_body(struct span body, uint32_t *duration_ms)
{
    struct span rest = body, line, name, value;
    int digit = -1;

    *duration_ms = DURATION_MS;
    while (!span_is_empty(rest)) {
        uint32_t ms;

        span_cut(rest, '\n', &line, &rest);
        if (!span_cut(line, '=', &name, &value)) {
            if (digit < 0)
                digit = digit_of(line);
        } else if (span_case_eq(span_trim(name), SPAN("Signal"))) {
            digit = digit_of(value);
        } else if (span_case_eq(span_trim(name), SPAN("Duration")) &&
                   span_u32(span_trim(value), 1000000, &ms) == 0) {
            *duration_ms = ms < DURATION_MIN_MS   ? DURATION_MIN_MS
                           : ms > DURATION_MAX_MS ? DURATION_MAX_MS
                                                  : ms;
        }
    }
    return digit;
}

bool digits_take_info(struct leg *leg, const struct msg *m, struct txn_server *st)
{
    struct leg *other = leg_other(leg);
    struct call *c = leg->call;
    bool is_both = dtmf_of(leg) == CONF_DTMF_BOTH;
    uint32_t duration_ms;
    int digit;

    if (m->method != SIP_INFO || !other || !has_info(leg) ||
        !(has_rtp(other) || (is_both && dtmf_of(other) == CONF_DTMF_INFO)) ||
        leg->state != LEG_UP || other->state != LEG_UP ||
        (!msg_body_is(m, RELAY_TYPE) && !msg_body_is(m, PLAIN_TYPE)))
        return false;
    digit = read_body(m->body, &duration_ms);
    if (digit < 0 || audio_line(c) < 0 || !offer_has_relay(c))
        return false;
    /* it has told the same in RTP, where it crosses by itself, or was turned when it came */
    if (!(c->media.rtp_digits & side_of(leg))) {
        bool may_be_double = is_both && !(c->media.info_digits & side_of(leg));

        if (!may_be_double || !held_begin(leg, (uint8_t)digit, duration_ms))
            turn(leg, (uint8_t)digit, duration_ms);
    }
    methods_ok(leg, st);
    return true;
}

/* ---- music ------------------------------------------------------------------------------------------------------------ */

bool music_for(const struct leg *leg)
{
    return leg->trunk.conf->hold_music.id != CONF_NONE;
}

/* The other one does not want to hear this one any more, and this one still listens. */
static bool is_held(const struct call *c, unsigned e)
{
    uint8_t own = c->media.dir[e], other = c->media.dir[e ^ 1];

    return c->media.armed && !(c->media.opaque & (1U << e / 2)) &&
           (other == SDP_SENDONLY || other == SDP_INACTIVE) &&
           (own == SDP_RECVONLY || own == SDP_SENDRECV) && addr_is_set(&c->media.remote[e]);
}

static void on_music(void *arg, const struct media_result *res)
{
    struct calls *cs = arg;

    if (res->status < 0)
        stat_inc(cs->stats, STAT_announce_failed);
}

void music_follow(struct call *c)
{
    for (unsigned e = 0; e < 2U * c->media.n; e++) {
        const struct leg *leg = e & 1 ? c->out : c->in;
        uint8_t bit = (uint8_t)(1U << e);
        bool want;

        if (!leg)
            continue;
        want = music_for(leg) && is_held(c, e);
        if (want && !(c->media.music & bit)) {
            struct offer_play p = {.sound = leg->trunk.conf->hold_music.name,
                                   .line = (uint8_t)(e / 2),
                                   .flags = MEDIA_PLAY_LOOP};

            c->media.music |= bit;
            stat_inc(c->calls->stats, STAT_hold_music);
            (void)offer_play(c, leg, &p, on_music, c->calls);
        } else if (!want && (c->media.music & bit)) {
            c->media.music &= (uint8_t)~bit;
            offer_stop(c, leg, e / 2);
        }
    }
}
