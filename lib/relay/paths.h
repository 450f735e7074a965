/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which path there is: what the report says of interfaces, lines and reasons.
 * relay.c calls it on the control thread. Streams and their promotion are fast.c's.
 */
#ifndef RELAY_PATHS_H
#define RELAY_PATHS_H

#include "media/media_proto.h"

struct relay;

/** Of flows that are not promoted: sockets or steered. */
enum media_path paths_base(const struct relay *r);
/** The best that a stream can have: an interface's, or the base. */
enum media_path paths_best(const struct relay *r);
/** Path, interfaces, lines, what became of packets, and why there is no more. */
void paths_report(const struct relay *r, struct media_fast *out);

#endif
