/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replaces (RFC 3891): an INVITE whose party takes the place of a leg, and the Replaces of a Refer-To on its way across.
 * invite.c, pass.c, refer.c and transfer.c call it; it knows no routing: the party that stays is asked by a re-INVITE that crosses.
 */
#ifndef CALL_REPLACES_H
#define CALL_REPLACES_H

#include "call/model.h"

/** A value of Replaces. Spans point into it. */
struct replaces {
    struct span call_id, to_tag,
        from_tag; /**< to-tag is ours in what is sent to us (RFC 3891 §3) */
    bool early_only;
};

/** @return 0; -EBADMSG not in the form of RFC 3891 §6.1 */
int replaces_parse(struct span value, struct replaces *out);
/**
 * The value of Replaces among the headers of a Refer-To (RFC 3261 §19.1.1), unescaped into buf. Require: replaces is part of it.
 * @return 1; 2 with other headers beside it; 0 no headers at all; -ENOENT others only; -EINVAL two of them, empty, or too long
 */
int replaces_of_uri(const struct sip_uri *u, char *buf, size_t size, struct span *out);
/**
 * Write "?Replaces=…" of a Refer-To that crosses from one leg to the other. The value names a dialog that `from`'s party has with us;
 * the other one gets tokens of ours in the place of what it must not see: which dialog, and a seal over both trunks and the dialog's
 * Call-ID and tag. Only its trunk may use it, only for a dialog of `from`'s trunk, and only while this process runs; the worker that has
 * the dialog checks it.
 * @return 0; -EINVAL it names nothing of ours
 */
int replaces_cross(struct build *b, struct span value, const struct leg *from,
                   const struct leg *to);

/**
 * An INVITE in good form. Served is Replaces for a trunk that may transfer (`refer` other than reject) and for one that a REFER across has
 * given the right to; to others it is unknown (420 if required). Whose place may be had: a leg of the INVITE's trunk, of another one of the
 * same customer, and what the right is for. Answered: 400, 403, 481, 486, 488, 491, 503, 603; else the party that stays is asked, and its
 * answer is the INVITE's.
 * @return false: nothing of this, an INVITE like others
 */
bool replaces_invite(struct calls *cs, struct txn_server *st, const struct msg *m,
                     const struct flow *f, uint32_t trunk);
/** Its 2xx was sent in this dialog: it is the leg's from now on, the old one gets BYE. */
void replaces_done(struct ldlg *ld);
/** It came to nothing: the dialog made for it goes. */
void replaces_over(struct ldlg *ld);

#endif
