/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registration with carriers (RFC 3261 §10.2, SIPconnect 2.0 registration mode, RFC 6140): trunks with `register`.
 * stack.c tells it of each snapshot, call.c of drains. One worker keeps each registration; its state is shown by trunk_state.reg.
 */
#ifndef CALL_REGISTER_H
#define CALL_REGISTER_H

#include "call/model.h"

/**
 * Follow the snapshot: trunks that are new register within a second; those that are gone, or have another `register` line, unregister
 * (and register anew); the others go on as they are.
 */
void register_follow(struct calls *cs);
/** The user of the address of record and of our contact. */
const char *register_user(const struct conf_trunk *t);
/** Draining: unregister all, so that carriers send nothing more. Off: register again. */
void register_drain(struct calls *cs, bool on);
/** How many unregister now; each is given up after five seconds. */
size_t register_leaving(const struct calls *cs);
/** Forget all, without a word to the carriers. */
void register_stop(struct calls *cs);

#endif
