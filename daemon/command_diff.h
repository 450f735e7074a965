/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command diff, for command.c's table: what a reload would change. Built and compared by the builder; nothing is published.
 * Runs on the control thread; the workers notice nothing.
 */
#ifndef DAEMON_COMMAND_DIFF_H
#define DAEMON_COMMAND_DIFF_H

#include "daemon/admin.h"

void cmd_diff(struct admin_req *r);

#endif
