/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transports that SIP runs over. config, sip and route name them; it is a number, nothing else.
 */
#ifndef CORE_PROTO_H
#define CORE_PROTO_H

#include <stdbool.h>

enum proto { PROTO_UDP, PROTO_TCP, PROTO_TLS, PROTO_N };

/** "UDP": as in a Via. */
static inline const char *proto_name(unsigned p)
{
    static const char *const name[PROTO_N] = {"UDP", "TCP", "TLS"};

    return name[p < PROTO_N ? p : PROTO_UDP];
}

/** No datagrams: what was written arrives or the connection fails. Timers A, E, G are not run (RFC 3261 §17). */
static inline bool proto_is_stream(unsigned p)
{
    return p != PROTO_UDP;
}

#endif
