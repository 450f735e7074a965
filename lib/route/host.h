/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose host is that: names and addresses of all trunks' peers, for redirections (RFC 3261 §8.1.3.4).
 * Built with a route, read by all workers. It resolves nothing: of names that were looked up it knows what the targets know.
 */
#ifndef ROUTE_HOST_H
#define ROUTE_HOST_H

#include "route/trunk.h"

struct host_index;

/** @param conf  borrowed, must outlive the index. @return NULL out of memory */
struct host_index *host_index_new(const struct conf *conf);
void host_index_free(struct host_index *h);

/**
 * The trunk that has a peer of that name or address; of several the preferred one, else the first.
 *
 * @param state   live state of a trunk by its id, for addresses that DNS gave
 * @param only    out: the address, port 0, when host is one; unset for a name
 * @return 0; -ENOENT nobody's
 */
int host_find(const struct host_index *h, struct span host, uint32_t prefer,
              struct trunk_state *(*state)(const void *arg, uint32_t trunk), const void *arg,
              uint32_t *trunk, struct addr *only);

#endif
