/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's table of addresses and ports follows the pools. The control thread calls it when pools come and go.
 * What a line is for it does not know.
 */
#ifndef RELAY_RANGES_H
#define RELAY_RANGES_H

#include "media/media_proto.h"
#include "relay/ports.h"

struct kernel;

/** Lines for the ports of a pool; those without room are said once a minute and have sockets. kernel may be NULL. */
void ranges_pool(struct kernel *k, const struct media_pool *m);
/** Forget addresses that no pool has any more, and let go of ports that none has. */
void ranges_sweep(struct kernel *k, const struct ports *p);

#endif
