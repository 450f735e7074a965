/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command explain, for command.c's table: a call put through the running configuration with its live state.
 * Runs on the control thread; the workers notice nothing.
 */
#ifndef DAEMON_COMMAND_EXPLAIN_H
#define DAEMON_COMMAND_EXPLAIN_H

#include "daemon/admin.h"

void cmd_explain(struct admin_req *r);

#endif
