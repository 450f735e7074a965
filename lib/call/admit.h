/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Admission: at which gauges a call counts on its way in and out, taken all or none; leg and call hold them to their ends.
 * invite.c asks for the in leg, hunt.c for each attempt. It knows limits and the operator's word, not routing.
 */
#ifndef CALL_ADMIT_H
#define CALL_ADMIT_H

#include "call/model.h"

/* 30 s, in the 503 to a trunk that is drained or down: half of what we honour ourselves (TARGET_BUSY_MAX_MS), so a carrier is back in a minute. */
#define ADMIT_BARRED_RETRY "30"

/**
 * Count a new call at the node, its trunk, the trunk's media, customer and groups. On a refusal nothing is held.
 * @return 0; else seconds for Retry-After: a limit refuses it, and why says which (static text)
 */
unsigned admit_in(struct call *c, uint32_t trunk, const char **why);

/** Likewise an attempt, at its trunk's side. A refusal may make the call's Retry-After shorter. @return 0; TD_EFULL */
int admit_out(struct leg *out, uint32_t trunk);

/** Does the operator keep new calls from (or to) this trunk? Emergency calls pass one that is drained, none that is down. */
bool admit_is_barred(const struct trunk_state *ts, bool emergency);

/** This much later something may be different: the smallest is told in the Retry-After of a 503. */
void admit_retry(struct call *c, unsigned seconds);

/** The groups with a limit that a leg counts at. */
void admit_groups(struct leg *leg, const struct call_view *view, uint32_t trunk);
/** Hold again what a leg of that trunk holds: a call that is taken up again. */
void admit_again(struct leg *leg);

#endif
