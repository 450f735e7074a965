/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of our own inside a dialog of a leg: refreshes, transfers, PRACK, UPDATE, NOTIFY; glare and its waiting times are handled here.
 * refresh.c, transfer.c and whoever must ask one side alone use it; it does not know what a request means, nor the other leg.
 */
#ifndef CALL_OWN_H
#define CALL_OWN_H

#include "call/model.h"

/* 8 a leg: refresh, transfer, a PRACK for each of several 18x; more would be a loop of ours. */
#define OWN_MAX 8

struct own;

/** What a request of our own is; copied by own_start. */
struct own_param {
    uint8_t method; /**< enum sip_method; not ACK, CANCEL, BYE */
    /** It bears an offer: waits while another one is open in the dialog, and closes it to others until its answer. */
    bool offers;
    /**
     * Write headers behind those of dialog_request (Contact is there for INVITE and UPDATE), and name type and body; they start empty.
     * Called again for each repetition (491, 500). @return 0; below 0: it is not sent, done gets status 500
     */
    int (*compose)(struct own *o, struct build *b, struct span *type, struct span *body);
    /**
     * Its final answer; m NULL: none came (status 408: no answer, 503: could not be sent, 500: compose failed). The request is gone
     * after return. 491 and 500 with Retry-After come here only when repeated in vain. Not called when the dialog or leg ends first: dropped is.
     */
    void (*done)(struct own *o, const struct msg *m, unsigned status);
    /** May be NULL. Its dialog ends or own_drop was called: done will not come. */
    void (*dropped)(struct own *o);
    void *arg;
};

struct own {
    struct own *next; /**< of the leg, newest first */
    struct ldlg *ld;
    struct txn_client *ct; /**< NULL: waits for its turn */
    struct timer timer;    /**< its turn, or the limit of an INVITE */
    struct own_param p;
    uint32_t cseq; /**< of the last time it was sent */
    uint8_t tries; /**< times it was sent */
    bool expired;  /**< an INVITE that got no final answer: cancelled */
};

/**
 * Ask for a request in this dialog: sent at once, or as soon as no INVITE transaction (INVITE) or open offer (p->offers) stands in the way.
 * A final answer 408, 481 or none ends the leg (LEV_LOST) behind done, where the method belongs to the call itself (RFC 5057 §5).
 *
 * @param out  may be NULL; the request, owned by its leg, valid until done or dropped
 * @return 0, even where done has been called already; -ENOSPC too many; -ENOMEM
 */
int own_start(struct ldlg *ld, const struct own_param *p, struct own **out);
/**
 * Give one up; dropped is called. An INVITE is cancelled; if its 2xx was quicker, the peer is asked once more for the session that holds.
 */
void own_drop(struct own *o);
/** A dialog, or the whole leg, ends. */
void own_drop_dialog(const struct ldlg *ld);
void own_drop_leg(struct leg *leg);
/** The leg is freed: nothing is said, neither on the wire nor to who asked. */
void own_free_leg(struct leg *leg);
/** An INVITE of ours is under way in this dialog: theirs is glare (RFC 3261 §14.2). */
bool own_invite_pending(const struct ldlg *ld);
/** Any request of this method in this dialog, sent or waiting. */
bool own_has(const struct ldlg *ld, enum sip_method method);

#endif
