/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The media pools of a configuration as messages to the relay.
 * media.c keeps the bytes and sends them on each connect; nothing here knows a connection.
 */
#ifndef MEDIA_MEDIA_POOLS_H
#define MEDIA_MEDIA_POOLS_H

#include <stddef.h>
#include "media/media.h"

/**
 * One POOL per pool and a POOLS_END, back to back; version, epoch and request are left to the sender.
 * @param out  owned by the caller, from malloc
 * @return 0; -EINVAL too many pools or addresses; -ENOMEM
 */
int media_pools_encode(const struct media_pool_conf *pool, unsigned n_pools, uint64_t generation,
                       uint8_t **out, size_t *len);

/** Into a fixed field: cut if need be, filled with NULs, terminated. NULL gives an empty one. */
void media_copy_name(char *to, size_t size, const char *from);

#endif
