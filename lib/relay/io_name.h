/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses to and from the socket's form, inline for the packet path. The forms of io.h include it.
 * A sockaddr_in6 has room for either family.
 */
#ifndef RELAY_IO_NAME_H
#define RELAY_IO_NAME_H

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include "core/addr.h"

static inline void io_name_get(const struct sockaddr_in6 *name, struct addr *out)
{
    memset(out, 0, sizeof(*out));
    if (name->sin6_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)name;

        memcpy(out->ip, &in->sin_addr, 4);
        out->port = ntohs(in->sin_port);
        out->family = 4;
    } else {
        memcpy(out->ip, &name->sin6_addr, 16);
        out->port = ntohs(name->sin6_port);
        out->family = 6;
    }
}

static inline socklen_t io_name_set(struct sockaddr_in6 *out, const struct addr *a)
{
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)out;

    memset(out, 0, sizeof(*out));
    if (a->family == 6) {
        out->sin6_family = AF_INET6;
        out->sin6_port = htons(a->port);
        memcpy(&out->sin6_addr, a->ip, 16);
        return sizeof(*out);
    }
    in->sin_family = AF_INET;
    in->sin_port = htons(a->port);
    memcpy(&in->sin_addr, a->ip, 4);
    return sizeof(*in);
}

#endif
