/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside one trunk: the order of its targets for an attempt, when the next one is tried, and what is learned about the one that failed.
 * hunt.c walks it; it makes no leg and sends nothing.
 */
#ifndef CALL_FAILOVER_H
#define CALL_FAILOVER_H

#include "call/model.h"

/**
 * Order the candidate's targets for this call: RFC 2782 within a priority, deterministic from call and attempt. A call of class
 * emergency has those behind that are busy or down.
 * @param only  the host that a redirection names: no other one is tried; NULL: all
 * @return 0; -EHOSTUNREACH nothing to send to; -ENOENT the trunk is gone
 */
int failover_begin(struct call *c, const struct route_candidate *cand, const struct addr *only);

/**
 * May the next target of the trunk be tried after this leg's failure (RFC 3263 §4.3): no response, a transport error, or 503, while the call
 * is set up and nothing was promised to the caller. `advance` and `stop` have no say: they are about carriers, not about one
 * carrier's addresses. The caller looks whether there is a next one.
 */
bool failover_may(const struct leg *out);

/** A final response to the leg, or NULL, which puts its target behind the others for a while: a 503 with Retry-After keeps others from that target (RFC 3261 §21.5.4). */
void failover_note(struct leg *out, const struct msg *m);

/** The new leg stands where the failed one stood: counted at the same limits, which are not asked again. */
void failover_limits_move(const struct failover *fo, struct leg *failed, struct leg *next);

/**
 * The host of a Request-URI to where the leg's flow goes: the domain that was looked up (RFC 3261 §8.1.1.1), with its port if port is wanted and the
 * configuration has one; else the address.
 */
void failover_write_host(const struct leg *out, struct build *b, bool port);

/** Seconds of a Retry-After value ("18000;duration=3600", "120 (I'm in a meeting)"). @return 0: none, or not a number */
uint32_t failover_retry_after(struct span value);

#endif
