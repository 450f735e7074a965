/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch's own numbers as Prometheus reads them: all counters of core/stats.h, and what stands now.
 * media_show.c puts them before the relay's; nothing here asks anybody.
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include <event2/buffer.h>
#include <jansson.h>
#include <stdbool.h>

struct node;

/** {"gauges": {name: number}, "counters": {name: number}}; owned by the caller. relay: it has answered. */
json_t *metrics_switch(const struct node *n, bool relay);
/** As text, with help and type of each. */
void metrics_render(struct evbuffer *out, const json_t *sw);

#endif
