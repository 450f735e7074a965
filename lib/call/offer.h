/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offers, answers and the relay: each side's SDP is read, its addresses told to the relay, and the other side's version written.
 * Legs, hunt and pass call it; it knows no SIP transaction.
 */
#ifndef CALL_OFFER_H
#define CALL_OFFER_H

#include "call/model.h"
#include "sip/sdp.h"

/* A body as long as may be, our addresses in it, and four lines of keys. */
#define CALL_SCRATCH (SDP_BYTES_MAX + 4096U)

#define OFFER_TYPE SPAN("application/sdp")

/** The endpoint of m-line m on this leg. */
static inline unsigned offer_ep_of(const struct leg *leg, unsigned m)
{
    return 2 * m + (leg->is_in ? 0 : 1);
}

/** What a body is (RFC 3264, RFC 6337 §2). */
enum offer_kind {
    OFFER_OFFER,
    OFFER_ANSWER,
};

/**
 * Can this offer be carried at all?
 * @param why  out: static text
 * @return 0; -EINVAL: 488
 */
int offer_check(struct span body, const char **why);

/**
 * Get the endpoints that an attempt needs; then leg_out_media_ready(out). At once if no relay is needed.
 * On failure the call is ended with 503.
 */
void offer_prepare(struct call *c, struct leg *out);

/**
 * Carry a body from one dialog to another: addresses replaced by ours of the other side, o= by that dialog's.
 * An answer makes the pair of bodies valid: the relay is told both parties' addresses.
 *
 * @param out  over a buffer of the worker, valid until the next call
 * @return 0; -EINVAL the body is broken; -ENOTSUP no codec is left of it; -ENOSPC it does not fit
 */
int offer_cross(struct ldlg *from, struct ldlg *to, enum offer_kind kind, struct span body,
                struct span *out);
/** A standing call's offer has m-lines that have no endpoints yet: a T.38 line beside the audio, video added (RFC 3264 §8.1). */
bool offer_must_grow(const struct call *c, struct span body);
/**
 * Ask the relay for them; a line that it has no ports for stays off, and goes out with port 0.
 * @param done  called later, never from here, unless the call ends first
 * @return 0; -EBUSY the session is being changed; -ENOMEM
 */
int offer_grow(struct call *c, struct span body, void (*done)(struct call *c));
/**
 * The call is answered: parties must send from now on.
 * @param apply  tell the relay now; false: a body that is about to cross does
 */
void offer_arm(struct call *c, bool apply);
/** The offer that went from one to the other was refused: what was agreed before holds. */
void offer_refused(struct ldlg *from, struct ldlg *to);
/**
 * This dialog answers the call (RFC 3261 §13.2.2.4): what it said while the relay carried another early dialog holds
 * from the next offer_arm or answer on.
 */
void offer_carry(struct ldlg *ld);
/** The SDP that this dialog was sent and that holds; empty: none is known. */
struct span offer_said(const struct ldlg *ld);
/** Take up what offer_said gave (call_load). */
void offer_set_said(struct ldlg *ld, struct span body);
/**
 * The answer to an offer that we made in this dialog alone (a refresh): the relay learns of a change, the other side does not.
 * @return 0; -EACCES its keys will not do, and what was agreed before holds
 */
int offer_settle(struct ldlg *ld, struct span body);
/**
 * Tell the party of `to` as an offer what the party of `from` was sent: a transfer joins it to that session. Addresses stay, o= is to's own.
 * @param out  over a buffer of the worker
 * @return 0; -ENOENT nothing is known; -EINVAL, -ENOSPC
 */
int offer_retell(const struct ldlg *from, struct ldlg *to, struct span *out);
/** Its answer has come (ok), or it was refused. */
void offer_retold(struct ldlg *to, bool ok);
/** A session of the relay carries this call's media: there are addresses of ours to tell. */
bool offer_has_relay(const struct call *c);
/** Keep what the party of this dialog said, for offer_heard and offer_carry. */
void offer_keep(struct ldlg *ld, struct span body);
/** Give it back. */
void offer_unkeep(struct ldlg *ld);
/** Give back that, and what was kept of what was sent. */
void offer_forget(struct ldlg *ld);
/** What it said last before the answer; of a caller that said nothing since, its INVITE's. Empty: nothing. */
struct span offer_heard(const struct ldlg *ld);
/**
 * A body of our own making for this dialog: addresses of ours, o= counted. The state of offer and answer is the caller's affair.
 * @return as offer_cross
 */
int offer_tell(struct ldlg *to, enum offer_kind kind, struct span body, struct span *out);
/** A body that does not cross: the relay alone is told where its party is. @return 0; -EINVAL */
int offer_hear(struct ldlg *from, struct ldlg *to, struct span body);
/** True if this dialog waits for an answer, given or taken. */
bool offer_is_open(const struct ldlg *ld);

/** Close the session; the end is reported with the relay's last counters, or at once without a session. */
void offer_close(struct call *c);
/** Put back a session that was taken up again (call_load) or that a new relay does not know. */
void offer_reinstall(struct call *c);

/** Events of the relay, arg is the struct calls. */
void offer_on_event(void *arg, const struct media_event *ev);
void offer_on_state(void *arg, bool up, bool fresh);

#endif
