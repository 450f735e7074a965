/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room for something of each endpoint of a call's session that few calls have: secrets of SRTP, of ICE.
 * crypto.c and lite.c keep theirs in it; it knows nothing of what is inside.
 */
#ifndef CALL_EPS_H
#define CALL_EPS_H

#include "call/model.h"

/** Element e; what it was grown to is zero. @return NULL: there is none, or no such state at all */
void *eps_at(const struct eps *s, unsigned e);
/**
 * The same, made if it is not there: room for one m-line, as nearly all calls have, or for all. Pointers to elements end.
 * @param each  bytes of an element, the same each time
 * @return NULL: out of memory
 */
void *eps_room(struct call *c, struct eps **s, size_t each, unsigned e);
/** Wipe and give back all. */
void eps_free(struct call *c, struct eps **s);

#endif
