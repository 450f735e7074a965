/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations for what a party hears from the switch itself. A refusal of them is nobody's end: the call goes on without.
 * It knows no SIP message.
 */
#include "call/offer_play.h"

#include "call/crypto.h"
#include "call/offer_priv.h"

#define DIGIT_VOLUME \
    10 /* -10 dBm0, as telephones send (RFC 4733 §2.3.3 names 0 to -36 as accepted) */

uint32_t offer_play(struct call *c, const struct leg *leg, const struct offer_play *p,
                    media_done_fn done, void *arg)
{
    uint8_t e = (uint8_t)offer_ep_of(leg, p->line);
    struct media_op op[3];
    unsigned n = 0;

    if (p->codec != MEDIA_CODEC_UNKNOWN) { /* the party has an answer of ours */
        n += crypto_early(c, e, &op[n]);
        op[n] = (struct media_op){.kind = MEDIA_OP_SET,
                                  .ep = offer_ep(c, leg, leg_other(leg), p->line)};
        op[n].ep.n_pts = 1;
        op[n].ep.pt[0].type = p->pt;
        op[n].ep.pt[0].codec = p->codec;
        op[n++].ep.inactivity_ms = 0;
    }
    op[n++] = (struct media_op){
        .kind = MEDIA_OP_PLAY,
        .play = {.sound = media_pool_id(p->sound), .endpoint = e, .flags = p->flags}};
    return media_modify(c->calls->media, c->media.ref, op, n, done, arg);
}

void offer_stop(struct call *c, const struct leg *leg, unsigned line)
{
    struct media_op op = {.kind = MEDIA_OP_STOP,
                          .play = {.endpoint = (uint8_t)offer_ep_of(leg, line)}};

    if (offer_has_relay(c))
        (void)media_modify(c->calls->media, c->media.ref, &op, 1, NULL, NULL);
}

uint32_t offer_digit(struct call *c, const struct leg *leg, unsigned line, uint8_t digit,
                     uint32_t duration_ms)
{
    struct media_op op = {.kind = MEDIA_OP_DTMF,
                          .dtmf = {.duration_ms = duration_ms,
                                   .endpoint = (uint8_t)offer_ep_of(leg, line),
                                   .digit = digit,
                                   .volume = DIGIT_VOLUME}};

    return media_modify(c->calls->media, c->media.ref, &op, 1, NULL, NULL);
}
