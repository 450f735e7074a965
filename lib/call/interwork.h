/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which body goes to which side and when, where the two sides do not speak alike: one with reliable 18x, the other without (RFC 3262);
 * one with its offer in the INVITE, the other with it in the answer (`offer early`, `offer delayed`).
 * Legs and rel100 call it; offer.c carries the bodies, and where both sides speak alike they simply cross.
 */
#ifndef CALL_INTERWORK_H
#define CALL_INTERWORK_H

#include "call/model.h"

/**
 * The body of the INVITE to this carrier: the caller's offer, one of our own, or none; sets out->offered.
 * @return 0; -EINVAL, -ENOSPC: the attempt cannot be made
 */
int interwork_invite(struct leg *out, struct span *body);
/**
 * The body of a carrier's 18x as the caller is told it; its PRACK is sent, or owed until the caller answers.
 * @param in        dialog of the caller, joined with the carrier's
 * @param reliable  it will be sent reliably
 */
void interwork_18x(struct ldlg *in, const struct msg *m, bool reliable, struct span *body);
/**
 * The body of a carrier's 2xx as the caller is told it.
 * @return 0; -EINVAL there is none that would do: 488
 */
int interwork_2xx(struct ldlg *in, const struct msg *m, struct span *body);
/** The answer that the ACK to the carrier's 2xx must bear although the caller has none to give: matched, or a refusal. */
void interwork_ack_body(struct leg *out, struct span *body);
/** The answer to an offer that comes to nothing, for the ACK before a BYE: every line off. Empty if the offer cannot be read. */
void interwork_refuse(struct ldlg *ld, struct span offer, struct span *body);
/** The caller has answered our offer, by PRACK or ACK; empty: it has not. */
void interwork_answered(struct ldlg *in, struct span body);
/** The caller's ACK to our 2xx: it may hold the answer to an offer of ours; what was kept of both sides is given back. */
void interwork_acked(struct ldlg *in, struct span body);
/** A PRACK of the caller bears a new offer: it goes on as UPDATE where the carrier takes one, else it is answered here. @return true: answered, now or later */
bool interwork_prack_offer(struct ldlg *in, struct txn_server *st, const struct msg *m);
/** Answer an offer of the party of this dialog with what holds on the other side. @return 0; -EINVAL, -ENOSPC */
int interwork_answer_here(struct ldlg *ld, struct span offer, struct span *body);
/** 200 with that answer, or without if there is none. */
void interwork_reply_here(struct ldlg *ld, struct txn_server *st, struct span offer);

#endif
