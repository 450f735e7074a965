/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seam to the network: open a port pair, take packets of many flows, send packets of many flows. io_udp.c: a socket for each port.
 * The control thread opens and closes, a packet thread takes and sends; a form of it knows neither sessions nor RTP.
 */
#ifndef RELAY_IO_H
#define RELAY_IO_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/addr.h"

#define IO_BATCH \
    64U /* packets on their way through the relay at once: their buffers stay in the cache */
#define IO_BUFFER   2048U /* an Ethernet frame; longer packets are dropped as invalid */
#define IO_HEADROOM 96U   /* Ethernet, 802.1Q, IPv6, UDP: 66; and whatever aligns them */
#define IO_TAILROOM 160U  /* SRTP: MKI and tag, SRTCP's index, as SRTP_MAX_TRAILER_LEN has it */
#define IO_ROOM     (IO_HEADROOM + IO_BUFFER + IO_TAILROOM)

struct flow;
struct flow_totals;
struct kernel;

enum io_kind {
    IO_RTP,
    IO_RTCP,
    IO_OTHER, /* STUN: no counter of RTP or RTCP has it */
};

/* A packet in its buffer of IO_ROOM: received into, changed and sent from, never copied. */
struct io_packet {
    uint8_t *room;     /* its buffer */
    uint8_t *data;     /* UDP payload: at least IO_HEADROOM before it, IO_TAILROOM behind it */
    uint32_t len;      /* IO_BUFFER + 1: was longer */
    uint8_t kind;      /* enum io_kind */
    struct flow *flow; /* came in there; NULL: the relay's own */
    struct addr from;
};

struct io_batch {
    unsigned n;
    uint8_t *rooms;
    struct io_packet packet[IO_BATCH];
};

/* One packet to send: out of to's port. */
struct io_out {
    struct io_packet *packet;
    struct flow *from; /* whose packet it was; NULL: the relay's own */
    struct flow *to;
    const struct addr *dst;
    bool is_sent; /* out: taken by the kernel */
};

struct io_open {
    struct addr local;  /* RTP; RTCP is the next port */
    const char *device; /* empty: none */
    uint8_t dscp;
    bool is_steered; /* its packets come by the thread's socket */
};

struct io_thread_param {
    unsigned index;
    int epoll; /* of the thread: the form puts its sockets there, with what recv shall get in data.ptr, never NULL */
    struct flow_totals *totals;
    struct kernel *kernel; /* io_steer: borrowed */
    const int *
        handed; /* IO_THREAD_FDS of a relay before this one, taken from when all is well; NULL: opened */
};

#define IO_THREAD_FDS 5U /* of a thread of any form */

struct io_thread; /* a form's state of one packet thread */

struct relay_io {
    const char *name;

    /* control thread */
    /** Two descriptors, RTP and RTCP, non-blocking; -1 where the form has none. @return 0 or -errno (-EADDRINUSE, -EADDRNOTAVAIL, -EMFILE, -ENODEV …) */
    int (*open)(const struct io_open *p, int fd[2]);
    void (*close)(const int fd[2]);
    /** DSCP of what is sent from now on. */
    void (*set_dscp)(const int fd[2], uint8_t family, uint8_t dscp);
    /** Before the thread runs, with the capabilities of the start. @return 0 and its state, owned; or -errno */
    int (*thread_new)(const struct io_thread_param *p, struct io_thread **out);
    void (*thread_free)(struct io_thread *t);
    /** Its sockets, borrowed, -1 where there is none, in an order that another version keeps: for a successor. While the thread does not run. */
    void (*thread_fds)(const struct io_thread *t, int fd[IO_THREAD_FDS]);

    /* its packet thread */
    /** From now on packets of this flow may come, or come no more. */
    void (*add)(struct io_thread *t, struct flow *f);
    void (*del)(struct io_thread *t, struct flow *f);
    /** Something is readable: put packets behind those of the batch, as many as fit or fewer; what is left is told of again. */
    void (*recv)(struct io_thread *t, void *ready, struct io_batch *b);
    /** Send in this order as far as one flow goes; sets is_sent. */
    void (*send)(struct io_thread *t, struct io_out *out, unsigned n);
};

extern const struct relay_io io_udp;   /* a socket for each port */
extern const struct relay_io io_steer; /* one for each thread and family */

/** Give the batch its buffers. @return 0 or -ENOMEM */
int io_batch_init(struct io_batch *b);
void io_batch_fini(struct io_batch *b);

static inline void io_packet_clear(struct io_packet *p)
{
    p->data = p->room + IO_HEADROOM;
    p->len = 0;
    p->kind = IO_RTP;
    p->flow = NULL;
}

/** The next free packet of a batch that is not full, empty, its data at its place. */
static inline struct io_packet *io_batch_next(struct io_batch *b)
{
    io_packet_clear(&b->packet[b->n]);
    return &b->packet[b->n];
}

#endif
