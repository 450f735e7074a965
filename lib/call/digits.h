/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Digits between a trunk that has them in RTP and one that has them in SIP INFO (`dtmf`), and music for those on hold (`hold-music`).
 * offer_session.c, offer_event.c and tu.c ask; digits are never part of a log line or a record.
 */
#ifndef CALL_DIGITS_H
#define CALL_DIGITS_H

#include "call/model.h"

/** This leg has digits in RTP and that one in INFO alone. */
bool digits_turn(const struct leg *leg, const struct leg *other);
/** MEDIA_EP_ flags of a leg's endpoints: who must be listened to, whose telephone-events do not cross. */
uint8_t digits_flags(const struct leg *leg, const struct leg *other);
/** MEDIA_EV_DTMF of this endpoint. */
void digits_on_event(struct call *c, unsigned endpoint, uint8_t digit, uint32_t duration_ms);
/** An INFO of this leg with a digit that the other side gets in RTP, or may have got by it already. @return true: it is answered here */
bool digits_take_info(struct leg *leg, const struct msg *m, struct txn_server *st);
/** Of a call that ends. */
void digits_free(struct call *c);
/** What was agreed has changed: who is held hears music, or not any more. */
void music_follow(struct call *c);
/** The offer to this leg says sendonly where the other one said inactive: there will be music. */
bool music_for(const struct leg *leg);

#endif
