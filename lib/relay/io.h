/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seam to the network: open a port pair, take a batch of packets, send some of them on. Per-port sockets are one way (io_udp.c).
 * The control thread opens and closes, a packet thread takes and sends; it knows neither sessions nor RTP.
 */
#ifndef RELAY_IO_H
#define RELAY_IO_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "core/addr.h"

#define IO_BATCH \
    16U /* a socket with more than 16 packets of 20 ms waiting is 0.3 s late; it is asked again */
#define IO_BUFFER 2048U /* an Ethernet frame; longer packets are dropped as invalid */

/* Buffers of one packet thread: received into and sent from, never copied. */
struct io_batch {
    unsigned n;
    uint32_t len[IO_BATCH]; /* IO_BUFFER + 1: was longer */
    struct addr from[IO_BATCH];
    uint8_t data[IO_BATCH][IO_BUFFER];
    /* io_udp.c's */
    struct mmsghdr in[IO_BATCH], out[IO_BATCH];
    struct iovec in_vec[IO_BATCH], out_vec[IO_BATCH];
    struct sockaddr_in6 name[IO_BATCH];
};

struct io_open {
    struct addr local;  /* RTP; RTCP is the next port */
    const char *device; /* empty: none */
    uint8_t dscp;
};

struct relay_io {
    /** Once per batch. */
    void (*init)(struct io_batch *b);
    /** Two descriptors, RTP and RTCP, non-blocking. @return 0 or -errno (-EADDRINUSE, -EADDRNOTAVAIL, -EMFILE, -ENODEV …) */
    int (*open)(const struct io_open *p, int fd[2]);
    void (*close)(const int fd[2]);
    /** DSCP of what is sent from now on. */
    void (*set_dscp)(const int fd[2], uint8_t family, uint8_t dscp);
    /** Take up to IO_BATCH packets. @return how many; fewer than IO_BATCH: the socket is empty */
    unsigned (*recv)(struct io_batch *b, int fd);
    /** Send packets pick[0..n-1] of the batch to one address. @return how many were taken by the kernel */
    unsigned (*send)(struct io_batch *b, int fd, const uint8_t *pick, unsigned n,
                     const struct addr *to);
};

extern const struct relay_io io_udp;

#endif
