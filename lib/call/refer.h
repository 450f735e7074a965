/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * REFER inside a call (RFC 3515, 3892, 4488): by the trunk's policy refused, or carried with its addresses rewritten.
 * methods.c calls it; what is done here by `refer consume` is in transfer.h.
 */
#ifndef CALL_REFER_H
#define CALL_REFER_H

#include "call/model.h"

/** @return 0; the status to refuse with: 403 policy, 400 not one Refer-To, 416 its scheme, 603 what we do not do */
unsigned refer_check(const struct leg *leg, const struct msg *m);
/**
 * With `refer consume`: must it be carried across all the same? Its Replaces names a call of another worker, which cannot be joined to
 * one of this; the other party, if its trunk may transfer, comes to that worker by an INVITE of its own.
 */
bool refer_must_cross(const struct leg *leg, const struct msg *m);
/**
 * Refer-To, Referred-By, Refer-Sub as leg `to` gets them: numbers as its trunk wants them, hosts ours. Notes the CSeq for the NOTIFYs.
 * @return 0; -EINVAL an address cannot be read
 */
int refer_cross(struct build *b, const struct msg *m, struct leg *to);
/** Event of a NOTIFY of a leg: the id, which is the CSeq of the REFER there, becomes that of the side that asked. */
void refer_event(struct build *b, const struct msg *m, const struct leg *from);

#endif
