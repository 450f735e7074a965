/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session timers of legs (RFC 4028): each leg has its own with its peer, whatever the other leg agreed to.
 * invite.c, the legs and pass.c tell it what goes by; it asks for refreshes with own.h and ends a leg whose peer no longer answers.
 */
#ifndef CALL_REFRESH_H
#define CALL_REFRESH_H

#include "call/model.h"

/** Supported, Session-Expires, Min-SE of an INVITE or UPDATE of ours in this leg; nothing if the trunk has `session-timer off`. */
void refresh_offer(struct build *b, struct leg *leg);
/**
 * An INVITE or UPDATE of the peer: what our 2xx will say is kept until refresh_answer.
 * @return 0; 422: to be refused with refresh_refuse
 */
unsigned refresh_asked(struct leg *leg, const struct msg *m);
/** The same before there is a leg. */
unsigned refresh_check(const struct conf_trunk *t, const struct msg *m);
/** 422 with Min-SE of this trunk. */
void refresh_refuse(struct calls *cs, struct txn_server *st, const struct conf_trunk *t);
/** Our 2xx to what refresh_asked saw: its headers are written, the timer runs. */
void refresh_answer(struct build *b, struct leg *leg);
/** The peer's 2xx to an INVITE or UPDATE of ours with refresh_offer: the timer runs, or stops. */
void refresh_answered(struct leg *leg, const struct msg *m);
/** A 422 to a request of ours. @return true: ask again, refresh_offer asks for enough now */
bool refresh_raise(struct leg *leg, const struct msg *m);
/**
 * An UPDATE that only refreshes this leg's session is answered here: the other leg has its own timer (RFC 4028 §9).
 * @return true: answered
 */
bool refresh_take(struct leg *leg, const struct leg *other, const struct leg_arg *arg);

/** What is left of the running time [ms], for call_save; 0: none runs. */
uint64_t refresh_left_ms(const struct leg *leg);
/** call_load: leg->refresh is as it was, the timer runs for what is left. */
void refresh_resume(struct leg *leg, uint64_t left_ms);
void refresh_stop(struct leg *leg);

#endif
