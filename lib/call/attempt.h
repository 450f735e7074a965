/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an attempt tells of its trunk: entered at the breaker when it begins, counted once by its final result, whatever way it ends.
 * hunt.c begins and fails it, call.c ends it otherwise. Addresses inside a trunk are failover.c's: only the last of them counts here.
 */
#ifndef CALL_ATTEMPT_H
#define CALL_ATTEMPT_H

#include "call/model.h"

/**
 * An attempt at this candidate is to be made. @return 0; -EACCES drained or down; -EBUSY its breaker is open; -ENOENT the trunk is gone.
 * Emergency calls pass an open breaker.
 */
int attempt_begin(struct call *c, const struct route_candidate *cand);
/** It could not be made after all, here: says nothing of the trunk, and is no seizure. */
void attempt_drop(struct call *c);
/** It failed for good; the leg has the cause. */
void attempt_failed(struct leg *out);
/** The carrier has answered. */
void attempt_answered(struct call *c);
/** The call ends while the attempt is under way (CANCEL, limits of ours), or has ended already: then nothing happens. */
void attempt_over(struct call *c);
/** An answered call ends: its duration. */
void attempt_ended(const struct call *c);

#endif
