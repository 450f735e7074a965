/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registrations both ways, as the node keeps and shows them: the file of what PBXs have registered, and `show registrations`.
 * The control thread only. What a registration is, lib/call knows.
 */
#ifndef DAEMON_REGISTRATIONS_H
#define DAEMON_REGISTRATIONS_H

#include "daemon/admin.h"
#include "daemon/node.h"

/** Take up what the last process left in STATE-DIR/registrations. Behind locate_configure. Whatever fails is logged. */
void registrations_load(struct node *n);
/** Write them if they have changed: at each tick, and at the end. */
void registrations_save(struct node *n);
/** Command: ours with carriers, and those of PBXs. */
void registrations_show(struct admin_req *r);

#endif
