/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An IP address with port, small and comparable; parse, print, prefix match.
 * Sockets, trunks, SDP and the relay use it; it opens nothing and resolves nothing.
 */
#ifndef CORE_ADDR_H
#define CORE_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "core/span.h"

struct addr {
    uint8_t ip[16]; /* network order; IPv4 in the first 4, rest 0 */
    uint16_t port;  /* host order */
    uint8_t family; /* 4, 6, or 0: none */
    uint8_t pad;    /* 0, so that memcmp and hashing work */
};

#define ADDR_STRLEN 54 /* "[" 45 "]:" 5 NUL */

static inline bool addr_is_set(const struct addr *a)
{
    return a->family != 0;
}

/** Address without port: "192.0.2.1", "2001:db8::1", "[2001:db8::1]". IPv4-mapped IPv6 becomes IPv4. @return 0 or -EINVAL */
int addr_parse_ip(struct span s, struct addr *out);
/** "192.0.2.1:5060", "[2001:db8::1]:5060"; without a port default_port is used. @return 0 or -EINVAL */
int addr_parse(struct span s, uint16_t default_port, struct addr *out);
/** Print "ip:port" / "[ip6]:port". @return buf */
const char *addr_str(const struct addr *a, char buf[ADDR_STRLEN]);
/** Print the IP alone, IPv6 without brackets. @return buf */
const char *addr_ip_str(const struct addr *a, char buf[ADDR_STRLEN]);
/** Same IP and port. */
bool addr_eq(const struct addr *a, const struct addr *b);
/** Same IP, port ignored. */
bool addr_ip_eq(const struct addr *a, const struct addr *b);
/** Hash of IP and port. */
uint64_t addr_hash(const struct addr *a);
/** To and from sockaddr. @return length for addr_to_sockaddr; 0 / -EAFNOSUPPORT for the other */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ss);
int addr_from_sockaddr(const struct sockaddr *sa, struct addr *out);

struct addr_prefix {
    struct addr net; /* port: 0 = any */
    uint8_t bits;
};
/** "203.0.113.16/28", "203.0.113.16/28:5060", "2001:db8::/32", a bare address = full length. @return 0 or -EINVAL (host bits set too) */
int addr_parse_prefix(struct span s, struct addr_prefix *out);
/** True if a lies in p (and p's port is 0 or a's). */
bool addr_in_prefix(const struct addr *a, const struct addr_prefix *p);

#endif
