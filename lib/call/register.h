/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registration with carriers (RFC 3261 §10.2, SIPconnect 2.0 registration mode, RFC 6140): trunks with `register`.
 * follow.c tells it of each snapshot, call.c of drains. One worker keeps each registration; its state is shown by trunk_state.reg.
 */
#ifndef CALL_REGISTER_H
#define CALL_REGISTER_H

#include "call/model.h"

/** Room for the slots of the view. @return false: no memory, trunks that are new do not register */
bool register_grow(struct calls *cs);
/**
 * The trunk in that slot as the view has it: one that is new registers within a second; one that is gone, or has another `register` line,
 * unregisters (and registers anew); else it goes on as it is.
 */
void register_sync(struct calls *cs, uint32_t slot);
/** The user of the address of record and of our contact. */
const char *register_user(const struct conf_trunk *t);
/** The word about draining has changed: unregister all, so that carriers send nothing more; or register again. */
void register_drain(struct calls *cs);
/** How many unregister now; each is given up after five seconds. */
size_t register_leaving(const struct calls *cs);
/** Forget all, without a word to the carriers. */
void register_stop(struct calls *cs);

#endif
