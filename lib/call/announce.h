/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a caller hears from us before the answer: ring-back while the callee rings without media, an announcement before a refusal (RFC 3960).
 * leg_in.c, hunt.c and invite.c ask; the answer to the caller's offer is ours, in an early dialog of its own.
 */
#ifndef CALL_ANNOUNCE_H
#define CALL_ANNOUNCE_H

#include "call/model.h"

struct announce;

/**
 * The caller is to be refused: by its trunk's `announce` it hears why, then arg happens.
 * @return true: it is under way, arg has been copied; false: refuse at once
 */
bool announce_reject(struct call *c, const struct leg_arg *arg);
/** An 18x of the carrier: by `ringback` of the caller's trunk it hears a tone instead. @return true: the 18x does not cross */
bool announce_ring(struct leg *in, const struct msg *m);
/** It hears the other side from now on. */
void announce_ring_end(struct call *c);
/** MEDIA_EV_PLAYED */
void announce_on_played(struct call *c);
/** The relay is away: nothing plays. */
void announce_on_down(struct call *c);
/** The call ends. */
void announce_free(struct call *c);

#endif
