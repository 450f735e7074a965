/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a relay says to its successor when it hands its sockets over: packets of descriptors, each with a tag.
 * handover.c calls it on the control socket. It knows no session and no thread, and never blocks without a deadline.
 */
#ifndef RELAY_HANDED_H
#define RELAY_HANDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "media/media_proto.h"

#define HANDED_MAX      250U /* descriptors of a packet: the kernel allows 253 */
#define HANDED_TEXT_MAX 160U /* a path of AF_UNIX is 107 long, a number 20 */
#define HANDED_COUNTS   12U

enum handed {
    HANDED_LISTEN,  /* the control socket */
    HANDED_JOURNAL, /* the locked file */
    HANDED_THREAD,  /* at: thread * IO_THREAD_FDS + number in its form */
    HANDED_RTP,     /* at: slot in the journal */
    HANDED_RTCP,
    HANDED_END,
};

/** Reply to MEDIA_TAKEOVER: what will come. The thread count and the I/O form are the successor's, too. */
struct handed_reply {
    struct media_hdr hdr;
    uint64_t boot;
    uint32_t threads;
    uint32_t n;      /* descriptors that follow */
    uint32_t n_keys; /* struct handed_keys behind them */
    uint32_t pad;
    uint64_t count[HANDED_COUNTS];    /* struct flow_totals of all threads, and of those before */
    char form[16];                    /* name of struct relay_io */
    char supervisor[HANDED_TEXT_MAX]; /* as struct relay_param has it */
};

/* Of an endpoint with SRTP: they are in no file. */
struct handed_keys {
    struct media_hdr hdr;
    uint32_t slot; /* in the journal */
    uint32_t pad;
    struct media_crypto crypto;
};

struct handed_tag {
    uint32_t what; /* enum handed */
    uint32_t at;
};

struct handed_packet {
    struct media_hdr hdr;
    uint32_t n; /* 1..HANDED_MAX */
    uint32_t pad;
    struct handed_tag tag[HANDED_MAX];
};

/* What is being sent. */
struct handed_out {
    int sock;             /* SOCK_SEQPACKET, non-blocking; borrowed */
    uint64_t deadline_ms; /* of CLOCK_MONOTONIC, as clock_now_ns has it */
    struct handed_packet p;
    int fd[HANDED_MAX];
};

void handed_start(struct handed_out *o, int sock, uint64_t deadline_ms);
/** One more, borrowed until it is sent: a full packet goes at once. @return 0; -ETIMEDOUT; -errno */
int handed_put(struct handed_out *o, enum handed what, uint32_t at, int fd);
/** What has gathered. @return 0; -ETIMEDOUT; -errno */
int handed_flush(struct handed_out *o);

/**
 * The next packet of descriptors.
 *
 * @param fd  out: p->n descriptors, close-on-exec, the caller's
 * @return 0; -EBADMSG not what it should be, nothing is left open; -ECONNRESET the other is gone; -ETIMEDOUT; -errno
 */
int handed_take(int sock, uint64_t deadline_ms, struct handed_packet *p, int fd[HANDED_MAX]);

/** One packet without descriptors. @return 0; -ETIMEDOUT; -errno */
int handed_say(int sock, uint64_t deadline_ms, const void *m, size_t len);
/** One packet of exactly len bytes of this type; a shorter one is a refusal. @return 0; status of the refusal; -EBADMSG; -ECONNRESET; -ETIMEDOUT; -errno */
int handed_hear(int sock, uint64_t deadline_ms, uint16_t type, void *m, size_t len);

#endif
