/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flow's line in the kernel's table as long as user space forwards: steered to its thread, strangers dropped there.
 * Packet threads call it; which line is whose the control thread has said.
 */
#ifndef RELAY_LINES_H
#define RELAY_LINES_H

#include "relay/flow.h"

/** Packets for the flow's port come to this thread from now on. */
void lines_on(struct flow *f, unsigned thread);
/** They come no more; what the kernel counted is added to the endpoint's. */
void lines_off(struct flow *f);
/** After the latch may have changed: let the kernel drop strangers, or have it ask us again. Does nothing for a flow without a line. */
void lines_check(struct flow *f);
/** Its endpoint has ICE, or has it no more: STUN of anybody comes to the relay, or not. */
void lines_ice(struct flow *f);
/** Dropped in the kernel since lines_on. */
uint32_t lines_strangers(const struct flow *f);

#endif
