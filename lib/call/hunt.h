/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hunting: from one candidate to the next, while the configuration allows it and nothing was promised to the caller.
 * invite.c begins it, the bridge reports failures; it knows no transaction.
 */
#ifndef CALL_HUNT_H
#define CALL_HUNT_H

#include "call/model.h"

/** Try the next candidate; without one the caller gets the best cause of the attempts. */
void hunt_next(struct call *c);

/** An attempt failed; its leg has the cause. */
void hunt_failed(struct leg *out, const struct leg_arg *arg);

#endif
