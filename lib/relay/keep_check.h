/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether what a killed relay left of an endpoint can be what a relay wrote.
 * keep.c asks before anybody goes on with it; a file is believed as little as a controller.
 */
#ifndef RELAY_KEEP_CHECK_H
#define RELAY_KEEP_CHECK_H

#include <stdbool.h>

struct endpoint;
struct kept;

/** Nothing in it that the packet path, or the control thread, would stumble over. left->ep is not looked at. */
bool keep_check(const struct kept *left, const struct endpoint *e);

#endif
