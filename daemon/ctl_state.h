/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands about the live state of trunks: what the operator says of them, breakers, quality, groups. For command.c's table.
 * Run on the control thread; they read atomics and ask the workers only to end calls.
 */
#ifndef DAEMON_CTL_STATE_H
#define DAEMON_CTL_STATE_H

#include "daemon/admin.h"

void cmd_trunk(struct admin_req *r);
void cmd_group(struct admin_req *r);
void cmd_show_breakers(struct admin_req *r);
void cmd_show_quality(struct admin_req *r);
void cmd_show_groups(struct admin_req *r);

/** What `show trunks` says of it: admin, admin_since, breaker. */
void ctl_state_of(json_t *row, const struct trunk_state *ts, const struct conf_breaker *conf,
                  uint64_t now_ms);

#endif
