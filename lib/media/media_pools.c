/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Composes POOL and POOLS_END messages. media.c calls it when the configuration changes.
 * It opens no connection; whether ports and addresses make sense was checked with the configuration.
 */
#include "media/media_pools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void media_copy_name(char *to, size_t size, const char *from)
{
    size_t n = from ? strnlen(from, size - 1) : 0;

    memset(to, 0, size);
    memcpy(to, from ? from : "", n);
}

static void pool_message(struct media_pool *msg, const struct media_pool_conf *p)
{
    msg->hdr.type = MEDIA_POOL;
    msg->hdr.length = sizeof(*msg);
    msg->id = media_pool_id(p->name);
    msg->quarantine_ms = p->quarantine_ms;
    media_copy_name(msg->name, sizeof(msg->name), p->name);
    media_copy_name(msg->device, sizeof(msg->device), p->device);
    msg->port_lo = p->port_lo;
    msg->port_hi = p->port_hi;
    msg->priority_lo = p->priority_lo;
    msg->priority_hi = p->priority_hi;
    msg->n_addrs = p->n_addrs;
    msg->flags = p->flags;
    for (unsigned a = 0; a < p->n_addrs; a++) {
        msg->addr[a] = p->addr[a];
        msg->addr[a].port = 0;
    }
}

int media_pools_encode(const struct media_pool_conf *pool, unsigned n_pools, uint64_t generation,
                       uint8_t **out, size_t *len)
{
    struct media_pools_end *end;
    struct media_pool *msg;

    if (n_pools > MEDIA_POOLS_MAX)
        return -EINVAL;
    for (unsigned i = 0; i < n_pools; i++) {
        if (pool[i].n_addrs < 1 || pool[i].n_addrs > MEDIA_POOL_ADDRS)
            return -EINVAL;
    }
    *len = n_pools * sizeof(*msg) + sizeof(*end);
    msg = calloc(1, *len);
    if (!msg)
        return -ENOMEM;
    *out = (uint8_t *)msg;
    for (unsigned i = 0; i < n_pools; i++, msg++) {
        msg->generation = generation;
        pool_message(msg, &pool[i]);
    }
    end = (struct media_pools_end *)(void *)msg;
    end->hdr.type = MEDIA_POOLS_END;
    end->hdr.length = sizeof(*end);
    end->generation = generation;
    return 0;
}
