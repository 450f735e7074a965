/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OPTIONS: answered for whoever is a peer, and sent to the targets of trunks to know their health.
 * tu.c answers with it; follow.c has it follow snapshots and targets.
 */
#ifndef CALL_OPTIONS_H
#define CALL_OPTIONS_H

#include "call/model.h"

/**
 * 200 with what we can do; 503 outside a dialog while draining: a drained switch says so.
 * @param barred  to this source: its trunk is drained or down
 */
void options_answer(struct calls *cs, struct txn_server *st, bool barred);

/** Room for the slots of the view. @return false: no memory, trunks that are new are not probed: they count as up */
bool options_grow(struct calls *cs);
/**
 * Probe the targets of the trunk in that slot at its interval; all workers share them by a hash of trunk and target. A target that stays keeps its
 * probe. Afterwards nothing of an older target set of this trunk is held.
 * @param all  its options may have changed; else only its targets
 */
void options_sync(struct calls *cs, uint32_t slot, bool all);
void options_stop(struct calls *cs);

#endif
