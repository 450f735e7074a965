/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How mediactl adds counters up and prints them. mediactl.c and mediactl_print.c only.
 * It knows no session.
 */
#ifndef TESTS_NETNS_MEDIACTL_H
#define TESTS_NETNS_MEDIACTL_H

#include <stdio.h>
#include "media/media_proto.h"

/** Add n to sum; of what is no count, the highest. */
void ctl_sum(struct media_counters *sum, const struct media_counters *n);
void ctl_counters(const struct media_counters *n);
void ctl_endpoint(const struct media_ep_state *ep);
void ctl_relay(int status, const struct media_relay_reply *r);
void ctl_addr(FILE *f, const struct addr *a);
const char *ctl_event_name(unsigned type);

#endif
