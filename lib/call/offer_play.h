/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The relay plays to a party of a call, or sends it digits: operations on its endpoint beside what offers and answers say.
 * announce.c, music.c and dtmf.c ask; what a party shall hear they know.
 */
#ifndef CALL_OFFER_PLAY_H
#define CALL_OFFER_PLAY_H

#include "call/model.h"

struct offer_play {
    const char *sound;
    uint8_t line, flags; /* MEDIA_PLAY_* */
    uint8_t pt, codec;   /* instead of what was agreed; codec UNKNOWN: what was agreed */
};

/** @return request, as media_modify */
uint32_t offer_play(struct call *c, const struct leg *leg, const struct offer_play *p,
                    media_done_fn done, void *arg);
/** The party hears its peer again. */
void offer_stop(struct call *c, const struct leg *leg, unsigned line);
/** A digit in RTP. @return request */
uint32_t offer_digit(struct call *c, const struct leg *leg, unsigned line, uint8_t digit,
                     uint32_t duration_ms);
/**
 * A session with the caller's endpoints and nobody else's.
 * @param done  called later, unless the call ends first
 */
bool offer_open_alone(struct call *c, void (*done)(struct call *c, bool ok));

#endif
