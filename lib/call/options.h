/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OPTIONS: answered for whoever is a peer, and sent to the targets of trunks to know their health.
 * tu.c answers with it; stack.c has it follow snapshots and targets.
 */
#ifndef CALL_OPTIONS_H
#define CALL_OPTIONS_H

#include "call/model.h"

/** 200 with what we can do; 503 outside a dialog while draining: a drained switch says so. */
void options_answer(struct calls *cs, struct txn_server *st);

/**
 * Probe the targets of the snapshot's trunks, each at its trunk's interval, spread over the workers by a hash of trunk and target.
 * Called with each new snapshot (all: every trunk's options may have changed) and whenever targets have (only those trunks').
 * A target that stays keeps its probe. Afterwards nothing of an older target set is held.
 */
void options_follow(struct calls *cs, bool all);
void options_stop(struct calls *cs);

#endif
