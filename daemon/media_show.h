/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the media relay says of itself, for operators: `show relay`, `show media`, `metrics`.
 * command.c has them in its table; worker 0 asks the relay.
 */
#ifndef DAEMON_MEDIA_SHOW_H
#define DAEMON_MEDIA_SHOW_H

#include "daemon/admin.h"
#include "media/media_proto.h"

void cmd_show_relay(struct admin_req *r);
void cmd_show_media(struct admin_req *r);
void cmd_metrics(struct admin_req *r);

/** The path through the kernel: "path", "interfaces", "promoted", "share_pct", reasons by name. For tests, too. */
json_t *media_show_fast(const struct media_fast *f, uint64_t endpoints);
/** All that it says of itself: "pools", "media" with what is above, and its numbers. For tests, too. */
json_t *media_show_relay(const struct media_relay_reply *r);

#endif
