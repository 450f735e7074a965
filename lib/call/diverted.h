/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Diversion and History-Info across: as they are, dropped, or one made of the other (RFC 5806, 7044, 7544), by the trunk's policy.
 * headers calls it; the limit on diversions is asked for by invite.
 */
#ifndef CALL_DIVERTED_H
#define CALL_DIVERTED_H

#include "call/crossing.h"

/** How often the call was diverted, as its headers say; of two that differ the larger. */
unsigned diverted_count(const struct hdr *h, unsigned n);

/** The lines as x->to gets them. */
void diverted_write(struct build *b, const struct crossing *x);

#endif
