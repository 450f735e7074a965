/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reliable provisional responses (RFC 3262), each leg for itself: ours to callers with RSeq, repetition and queue; PRACK to carriers.
 * Legs, tu.c and the bridge call it; what crosses between the legs is decided by leg_in.c, offer.c and interwork.c.
 */
#ifndef CALL_REL100_H
#define CALL_REL100_H

#include "call/model.h"

/* 4: 181, 183, 180 and one to spare behind the one that waits; of a carrier that says more, the newest state is kept. */
#define REL100_QUEUE_MAX 4

/* ---- towards callers ---- */

/** What the caller's INVITE and its trunk agree on; into leg->rel100, rel100_must, hears_199. */
void rel100_learn(struct leg *in, const struct msg *invite);
/** Shall this 18x of the carrier go to the caller reliably? */
bool rel100_is_reliable(const struct ldlg *ld, const struct msg *m);
/** Another one waits for its PRACK (§3: one at a time): keep this one for later. @return true: kept, or given up and counted */
bool rel100_defer(struct ldlg *ld, const struct msg *m);
/** One waits for its PRACK. */
bool rel100_is_busy(const struct ldlg *ld);
/** One with SDP waits for its PRACK: no offer of ours before that (RFC 3311 §5.1), and no 2xx. */
bool rel100_owes_sdp(const struct ldlg *ld);
/** A 199 ends this dialog: nothing is repeated and nothing kept is told any more. */
void rel100_over(struct ldlg *ld);
/** Require and RSeq of the next one into b. @return the RSeq; 0 out of memory: it goes unreliably */
uint32_t rel100_headers(struct ldlg *ld, struct build *b);
/** It was sent by the INVITE's transaction: repeat it until its PRACK. */
void rel100_sent(struct ldlg *ld, uint32_t rseq, bool has_sdp);
/** The 2xx must wait for the PRACK of an 18x with SDP, or for an offer of the caller (§3, §5). @return true: it was kept */
bool rel100_defer_answer(struct leg *in, const struct leg_arg *arg);
/** A PRACK of the caller; answered here, at once or when its offer has been answered. */
void rel100_on_prack(struct ldlg *ld, struct txn_server *st, const struct msg *m);
/** What waited for a PRACK, or for the answer to an offer, may go on. */
void rel100_go_on(struct ldlg *ld);
/** The INVITE has its final answer: no more repetitions; late PRACKs are still matched (§3). */
void rel100_final(struct leg *in);
void rel100_free(struct ldlg *ld);

/* ---- towards carriers ---- */

/** True if this 18x came reliably and we have agreed to that. */
bool rel100_has_rseq(const struct leg *out, const struct msg *m);
/** In order and new (§4)? @return false: it is a repetition or out of order, nothing is done with it */
bool rel100_take(struct ldlg *ld, const struct msg *m);
/** PRACK for the 18x with this RSeq; body: the answer to its offer, or empty. */
void rel100_prack(struct ldlg *ld, uint32_t rseq, struct span body);
/** The PRACK that waits for an answer; body empty: there is none. */
void rel100_pay_prack(struct ldlg *ld, struct span body);

#endif
