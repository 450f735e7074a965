/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands about TCP, TLS and certificates, for command.c's table.
 * Run on the control thread; they know the workers' nets only through questions.
 */
#ifndef DAEMON_COMMAND_CONN_H
#define DAEMON_COMMAND_CONN_H

#include "daemon/admin.h"

void cmd_show_connections(struct admin_req *r);
void cmd_show_certificates(struct admin_req *r);

#endif
