/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which requests were refused without state a moment ago, so that a copy of one that was under way meanwhile begins no call.
 * call/stack tells and asks it around the gate; it knows no load, no class and no answer.
 */
#ifndef SIP_SHED_H
#define SIP_SHED_H

#include <stdbool.h>
#include <stdint.h>
#include "sip/peek.h"

/*
 * Copies leave at 0.5, 1.5 and 3.5 s (T1 doubling), until the refusal arrives: those sent before it are here by then, or are waiting in a
 * socket. T2 covers the first three [ms].
 */
#define SHED_KEPT_MS 4000U
/*
 * 131,072: at four times what a core serves 36,000 a second are refused, and of those of the last 1.5 s two thirds are still known.
 * 1 MiB a worker, untouched until one is refused.
 */
#define SHED_SLOTS (1U << 17)

struct shed;

/** @return NULL out of memory */
struct shed *shed_new(void);
void shed_free(struct shed *s);

/**
 * This request was refused. A later one may take its place in the table.
 * @param now_ms  monotonic
 */
void shed_add(struct shed *s, const struct peek *p, uint64_t now_ms);

/** The same request (top Via's branch, Call-ID, CSeq) was refused in the last SHED_KEPT_MS (RFC 3261 §8.2.7). Costs nothing while none was. */
bool shed_has(const struct shed *s, const struct peek *p, uint64_t now_ms);

#endif
