/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registrar (RFC 3261 §10.3, SIPconnect 2.0 registration mode, RFC 6140): contacts of a trunk's PBX become its targets.
 * tu.c calls it for each REGISTER. The bindings are route/binding.h's, the targets route/target.h's.
 */
#ifndef CALL_REGISTRAR_H
#define CALL_REGISTRAR_H

#include "call/model.h"

/**
 * Serve a REGISTER. Whose it is, is told by source, `match` and the user that logs in (invite_identify).
 *
 * 405 no `registrar` on that trunk; 401 by login.h; 420 Require but gin; 400 what breaks §10.3 or does not fit into struct registered;
 * 403 more than 8 contacts; 423 shorter than the trunk's minimum; 500 a CSeq not higher than the one before of that Call-ID (§10.3 step 7);
 * 503 draining, or no room; 200 with all contacts there are.
 *
 * A contact is reached where it says if that is the address that the REGISTER came from; else, behind NAT or by a name, where it came
 * from: a PBX cannot register somebody else's address. Over a stream its connection is used while it stands.
 */
void registrar_request(struct calls *cs, struct txn_server *st, const struct msg *m,
                       const struct flow *f);

#endif
