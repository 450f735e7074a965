/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of offer share: what endpoints shall be, and kept bodies.
 * Only call/offer*.c include it.
 */
#ifndef CALL_OFFER_PRIV_H
#define CALL_OFFER_PRIV_H

#include "call/offer.h"

/** The endpoint of m-line m of a leg as it shall be; other: the leg whose pool it has when its own trunk has none; may be NULL. */
struct media_ep offer_ep(const struct call *c, const struct leg *leg, const struct leg *other,
                         unsigned m);
/** 0.0.0.0 or ::. */
bool offer_is_any(const struct addr *a);
/** Behind a 1:1 NAT the party is told the address it can reach; the port is the same. */
void offer_show(const struct call *c, const struct leg *leg, struct addr *a);
/** Tell the relay what has changed: addresses, and who is silent by agreement. */
void offer_apply(struct call *c);

/** Its text; NULL: empty. */
struct span offer_kept_text(const struct kept *k);
/** Give it back. */
void offer_kept_put(struct ldlg *ld, struct kept **k);
/** Keep this body there, in the place of what was. Empty: nothing. */
void offer_kept_set(struct ldlg *ld, struct kept **k, struct span body);
/** The offer that this dialog was sent has its answer. */
void offer_kept_settle(struct ldlg *ld);

#endif
