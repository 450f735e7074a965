/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session-ID of a call (RFC 7989): each leg knows the UUID of the endpoint behind it, each message says both.
 * An endpoint that has none gets one here, which it keeps for the call (§7).
 */
#ifndef CALL_SESSION_H
#define CALL_SESSION_H

#include "call/model.h"

/** "0123…;remote=4567…": of the caller, then of the callee; terminated. */
#define SESSION_TEXT_LEN (2 * SESSION_UUID_LEN + 8)

/** A message came on this leg: its sender's UUID is that of the leg's endpoint. */
void session_learn(struct leg *leg, const struct msg *m);
/** Responses of st, a transaction of this leg, speak for the endpoint behind the other one. st NULL: nothing. */
void session_answer(const struct leg *leg, struct txn_server *st);
/** For dialogs_param.on_compose: the line of a request of ours. */
void session_on_compose(void *tu, const struct dialog *d, struct build *b);
/** Both as text; false while none is known. */
bool session_text(const struct call *c, char out[SESSION_TEXT_LEN + 1]);

#endif
