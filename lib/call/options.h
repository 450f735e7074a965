/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OPTIONS: answered for whoever is a peer, and sent to the peers of trunks to know their health.
 * tu.c answers with it; stack.c starts the probes of a snapshot.
 */
#ifndef CALL_OPTIONS_H
#define CALL_OPTIONS_H

#include "call/model.h"

/** 200 with what we can do; 503 outside a dialog while draining: a drained switch says so. */
void options_answer(struct calls *cs, struct txn_server *st);

/**
 * Probe the peers of the snapshot's trunks, each at its own interval, spread over the workers (peer i by worker i mod workers).
 * Called with each new snapshot; stops the probes of the last one.
 */
void options_start(struct calls *cs, unsigned workers);
void options_stop(struct calls *cs);

#endif
