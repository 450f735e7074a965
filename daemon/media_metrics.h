/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The media relay's numbers as Prometheus reads them: tandem_media_NAME, counters with _total.
 * media_show.c puts them behind the switch's own; nothing here asks anybody.
 */
#ifndef DAEMON_MEDIA_METRICS_H
#define DAEMON_MEDIA_METRICS_H

#include <event2/buffer.h>
#include <jansson.h>

/** body: what `show relay` answers. A number that is not in it has no line. */
void media_metrics_render(struct evbuffer *out, const json_t *body);

#endif
