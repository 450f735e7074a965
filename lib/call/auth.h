/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Digest as client (RFC 3261 §22.2, RFC 8760): what trunks with `auth` challenge is sent again with credentials, and what goes to them
 * afterwards has some at once. Wired into the transactions (struct tu_ops): legs, probes and registrations see no 401 that can be answered.
 */
#ifndef CALL_AUTH_H
#define CALL_AUTH_H

#include "call/model.h"

struct auths;

/** What this worker knows of trunks' challenges. @return NULL out of memory */
struct auths *auth_new(void);
/** Secrets are wiped. NULL is ignored. */
void auth_free(struct auths *as);

/** tu_ops.on_send: credentials for the trunk that the flow belongs to, if it has challenged this worker before. */
void auth_on_send(void *calls, struct build *b, const struct flow *f);
/**
 * tu_ops.on_challenge: once for each nonce; a second time if it was stale, or if the one refused had been kept from an earlier request.
 * The secret is that of the newest configuration; of a trunk that is gone from it, the one used last.
 */
uint32_t auth_on_challenge(void *calls, struct txn_client *again, const struct wire *request,
                           const struct msg *m);

#endif
