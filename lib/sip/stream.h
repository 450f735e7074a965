/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Framing of SIP on a byte stream: bytes in, whole messages and keep-alives out. Pure: no socket, no clock.
 * conn.c feeds it what a connection reads; it knows a start line and Content-Length, and no other header.
 */
#ifndef SIP_STREAM_H
#define SIP_STREAM_H

#include "core/span.h"
#include "sip/msg.h"
#include <stdbool.h>

/* A message with a longer header section gets 513: 200 lines of 160 bytes; real INVITEs have 1 to 4 KiB. */
#define STREAM_HEAD_MAX 32768
/* Of its first line: a Request-URI of 8 KiB is beyond every number plan; without this bound garbage would be kept up to the one above. */
#define STREAM_LINE_MAX 8192

/** Why a stream cannot be followed any further. The connection ends: where the next message begins is not known. */
enum stream_why {
    STREAM_OK,
    STREAM_NOT_SIP,    /* the first line is no start line of SIP */
    STREAM_NO_LENGTH,  /* Content-Length is obligatory on streams (RFC 3261 §18.3) */
    STREAM_BAD_LENGTH, /* no number, or given more than once */
    STREAM_LONG_HEAD,  /* STREAM_HEAD_MAX */
    STREAM_LONG_MSG,   /* MSG_BYTES_MAX */
    STREAM_NO_MEMORY,
    STREAM_WHY_N
};

enum stream_event {
    STREAM_MSG,  /* a whole message: start line to the last byte of its body */
    STREAM_PING, /* CRLF CRLF between messages: answer with one CRLF (RFC 5626 §4.4.1) */
    STREAM_PONG, /* CRLF that answers a ping of ours */
    STREAM_BAD, /* the end, see why; the text is the header section if that was whole, else empty */
};

struct stream {
    char *
        buf; /* owned: the beginning of a message whose rest has not come; NULL while there is none */
    size_t len, cap;
    size_t scanned;  /* the end of the header section is not before here */
    size_t head_len; /* of the message at hand, with its empty line; 0: not known yet */
    size_t need;     /* its length, once head_len is known */
    bool line_ok;    /* its first line has been seen and is SIP */
    uint8_t crlf;    /* bytes of a ping seen between messages: 0..3 */
    bool
        pong_due; /* we have sent a ping: a single CRLF answers it. Set by the owner, cleared here */
    enum stream_why why;
};

/**
 * @param msg  STREAM_MSG, STREAM_BAD: borrowed for this call, may be written to; else empty
 * @return false: stop, the rest of the bytes is not looked at (the owner has closed the connection)
 */
typedef bool (*stream_fn)(void *arg, enum stream_event ev, struct span msg);

void stream_init(struct stream *s);
void stream_fini(struct stream *s);

/**
 * Take bytes and tell what they complete, however they are cut (RFC 3261 §7.5, §18.3).
 *
 * After STREAM_BAD the stream takes nothing any more.
 *
 * @param buf  borrowed; messages that lie in it whole are told in place, without a copy
 * @return 0; -EBADMSG the stream is bad (s->why); -ECANCELED fn said stop
 */
int stream_feed(struct stream *s, char *buf, size_t len, stream_fn fn, void *arg);

/** Bytes of a message whose rest has not come yet: its sender must not take for ever. */
static inline bool stream_is_partial(const struct stream *s)
{
    return s->len > 0;
}

/** What a request that broke the stream is answered: 400, 513; 0: nothing (RFC 3261 §18.3, §21.5.7). */
unsigned stream_status(enum stream_why why);
/** For logs: static text. */
const char *stream_why_text(enum stream_why why);

#endif
