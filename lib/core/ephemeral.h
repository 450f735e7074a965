/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which local ports the kernel may give to any program: its ephemeral range less the reserved ports.
 * The check of a configuration, the relay and tandemctl ask; it opens no socket.
 */
#ifndef CORE_EPHEMERAL_H
#define CORE_EPHEMERAL_H

#include <stdbool.h>
#include <stdint.h>

/* Ranges of net.ipv4.ip_local_reserved_ports: an operator writes a few; what is beyond counts as not reserved. */
#define EPHEMERAL_RESERVED_MAX 32U

struct ephemeral {
    uint16_t lo, hi;     /* net.ipv4.ip_local_port_range */
    uint32_t n_reserved; /* of reserved, in any order */
    struct {
        uint16_t lo, hi;
    } reserved[EPHEMERAL_RESERVED_MAX];
};

/* Linux, Documentation/networking/ip-sysctl.rst */
#define EPHEMERAL_LO 32768U
#define EPHEMERAL_HI 60999U

/**
 * Read the two settings of the network namespace; what cannot be read keeps the kernel's default.
 *
 * @param root  in front of "/proc/sys/…"; "" but in tests
 */
void ephemeral_read(struct ephemeral *e, const char *root);
/** The kernel may give at least one of the ports lo..hi to another program. */
bool ephemeral_may_take(const struct ephemeral *e, uint16_t lo, uint16_t hi);

#endif
