/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests inside a dialog that cross to the other leg, and their answers back: re-INVITE, UPDATE, INFO, PRACK.
 * The bridge starts them; they decide glare (RFC 3261 §14, RFC 3311 §5.2) and know nothing of leg states.
 */
#ifndef CALL_PASS_H
#define CALL_PASS_H

#include "call/model.h"

/** Carry arg->msg from one leg to the other, both answered. */
void pass_request(struct leg *from, struct leg *to, const struct leg_arg *arg);
/** The same before the answer: PRACK, UPDATE and INFO only. */
void pass_request_early(struct leg *from, struct leg *to, const struct leg_arg *arg);
/** Answer a request that cannot cross; 500 with Retry-After (RFC 3261 §14.2). */
void pass_refuse(struct call *c, struct txn_server *st, unsigned status);

/** The ACK of the asking side. @return false: it belongs to no request that crossed */
bool pass_ack(struct ldlg *ld, const struct msg *ack);
/** A CANCEL of a re-INVITE: the other side decides. */
void pass_cancel(struct pass *p);

/** A leg is ending: its open requests are answered 487 (RFC 3261 §15.1.2), those to it are given up. */
void pass_drop_leg(struct leg *leg);
/** A dialog of a leg goes to another call, which may end later or sooner: what crosses is answered 491 and given up at once. */
void pass_move_leg(struct leg *leg);
/** A dialog of a leg that goes on ends: the requests that cross in it are answered 487. */
void pass_drop_dialog(const struct ldlg *ld);
/** False if the body is SDP or may hold one: such a body must never cross as it is. */
bool pass_body_is_plain(const struct msg *m);
/** An INVITE crosses from or to this dialog, or its ACK is outstanding. */
bool pass_invite_pending(const struct ldlg *ld);
/** The call is freed. */
void pass_free_all(struct call *c);

#endif
