/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who calls, and who may know it: P-Asserted-Identity, P-Preferred-Identity, Privacy and trust of both trunks (RFC 3323, 3325, 5876).
 * headers writes with it, hunt makes our From with it; decided anew for each attempt, because trust is a trunk's.
 */
#ifndef CALL_IDENTITY_H
#define CALL_IDENTITY_H

#include "call/crossing.h"

/** Words of Privacy. */
enum {
    PRIVACY_HEADER = 1,
    PRIVACY_SESSION = 2,
    PRIVACY_USER = 4,
    PRIVACY_NONE = 8,
    PRIVACY_CRITICAL = 16,
    PRIVACY_ID = 32,      /**< RFC 3325 */
    PRIVACY_HISTORY = 64, /**< RFC 7044 */
    PRIVACY_OTHER = 128,  /**< a word we do not know */
};

/** The words of all Privacy lines. */
unsigned identity_privacy(const struct hdr *h, unsigned n);
/** The line that asks for these (not PRIVACY_OTHER); nothing for none. */
void identity_write_privacy(struct build *b, unsigned bits);

/** Privacy asks `critical` for what a B2BUA cannot do (RFC 3323 §5): 500. */
bool identity_is_impossible(const struct hdr *h, unsigned n);
/** It asks `critical` for a session through a relay, and these two trunks have none. */
bool identity_needs_relay(const struct hdr *h, unsigned n);

/** True if From towards x->to is to be anonymous@anonymous.invalid. */
bool identity_hides_from(const struct crossing *x);
/** The lines P-Asserted-Identity, Remote-Party-ID and Privacy as x->to gets them. */
void identity_write(struct build *b, const struct crossing *x);
/** True if what is diverted or listed here is not to be shown to x->to (RFC 7044 §10.1.2). */
bool identity_hides_history(const struct crossing *x);

#endif
