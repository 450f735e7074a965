/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes messages straight into the send buffer, bounded: what does not fit sets a flag and is never sent.
 * txn, dialog, gate and call compose with it; it keeps no state and knows no transaction.
 */
#ifndef SIP_BUILD_H
#define SIP_BUILD_H

#include <stdbool.h>
#include <stdint.h>
#include "core/addr.h"
#include "core/span.h"
#include "sip/msg.h"

struct build {
    char *p;
    size_t len, cap;
    bool overflow; /* once set nothing more is written; build_end says -ENOSPC */
};

/** Begin at the start of buf (borrowed). */
static inline void build_init(struct build *b, char *buf, size_t cap)
{
    *b = (struct build){buf, 0, cap, false};
}

/** What was written so far. */
static inline struct span build_text(const struct build *b)
{
    return (struct span){b->p, b->len};
}

/** Bytes as they are; the caller knows that they are safe (own text, spans of a struct msg, a body). */
void build_span(struct build *b, struct span s);
void build_char(struct build *b, char c);
/** A terminated string of our own. */
void build_str(struct build *b, const char *s);
/** Decimal. */
void build_u64(struct build *b, uint64_t v);
static inline void build_u32(struct build *b, uint32_t v)
{
    build_u64(b, v);
}
/** IP for a URI, Via or host: IPv6 in brackets. build_host_port adds ":port" unless it is 0. */
void build_host(struct build *b, const struct addr *a);
void build_host_port(struct build *b, const struct addr *a);
/** Text of foreign origin: CR, LF and NUL become blanks, so that it cannot end the header. */
void build_safe(struct build *b, struct span s);

/** "Name: value" with its line end; value goes through build_safe. */
void build_hdr(struct build *b, struct span name, struct span value);
void build_hdr_u32(struct build *b, struct span name, uint32_t value);
/** A received header line under its own name, unfolded. */
void build_hdr_copy(struct build *b, const struct hdr *h);

/** "METHOD uri SIP/2.0" */
void build_request_line(struct build *b, struct span method, struct span uri);
/** "SIP/2.0 486 Busy Here"; reason NULL: the default one. */
void build_status_line(struct build *b, uint16_t status, const char *reason);

struct build_response {
    uint16_t status;
    const char *reason; /* NULL: reason_phrase(status) */
    struct span to_tag; /* added to To unless it has one; empty: none is added */
    const struct addr *
        source; /* where the request came from, for received and rport; NULL: Via copied as it is */
    bool record_route; /* copy Record-Route (dialog-forming answers, RFC 3261 §12.1.1) */
};

/**
 * Start line, Vias, From, To, Call-ID, CSeq, Timestamp of a 100, Record-Route if asked (RFC 3261 §8.2.6.2, §18.2.1; RFC 3581 §4).
 * The caller adds Contact and so on, then build_end. Also after a msg_parse that failed with a status.
 */
void build_response(struct build *b, const struct msg *req, const struct build_response *r);

/** All Via lines of a request as its answer carries them. source as in build_response. */
void build_vias(struct build *b, const struct msg *req, const struct addr *source);

/** The To line of an answer: with to_tag unless it is empty or To has a tag already. */
void build_to(struct build *b, const struct msg *req, struct span to_tag);

/**
 * Content-Type (unless the body is empty), Content-Length, the empty line and the body.
 * @return 0; -ENOSPC something did not fit: do not send
 */
int build_end(struct build *b, struct span content_type, struct span body);

/** Default reason phrase of a status (IANA); that of its class if unknown. Static. */
const char *reason_phrase(uint16_t status);

#endif
