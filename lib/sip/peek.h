/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A first look at a datagram: what decides its worker and its fate before anything is spent on it.
 * The gate calls it for every datagram; pure, allocates nothing, knows no trunk and no transaction.
 */
#ifndef SIP_PEEK_H
#define SIP_PEEK_H

#include <stdbool.h>
#include <stdint.h>
#include "core/span.h"
#include "sip/method.h"

/* Request-URI users that make a call an emergency call. Borrowed from the snapshot. */
struct peek_table {
    const struct span *user;
    size_t n;
};

/*
 * Spans point into the datagram. Of a header that comes twice the first counts (msg_parse refuses such a message).
 * What is missing or broken is empty or zero and `complete` false: such a message matches nothing and msg_parse words the answer.
 */
struct peek {
    bool is_request;
    bool
        complete; /* Call-ID, From tag, CSeq and top Via are there and well-formed, version is SIP/2.0 */
    bool has_rport;         /* top Via asks for it (RFC 3581) */
    bool has_rph;           /* Resource-Priority is there */
    enum sip_method method; /* of a response: that of CSeq */
    enum sip_method cseq_method;
    enum sip_class cls;
    uint16_t status;   /* 0 for a request */
    uint16_t via_port; /* 0: none given */
    uint32_t cseq;
    struct span method_name;
    struct span ruri, ruri_user;
    struct span via_host, via_branch; /* IPv6 with brackets */
    struct span call_id, from_tag, to_tag;
    struct span cseq_method_name;
    struct span replaces; /* value of Replaces (RFC 3891) in an INVITE; empty: none */
    size_t head_len;      /* bytes of the start line with its end: where the headers begin */
    const char *why;      /* on -EBADMSG: for the log, static */
};

/**
 * Look at a datagram (RFC 3261 §7, §17.2.3; RFC 4475 forms: folds, compact names, any case, blanks around separators).
 *
 * @param buf        borrowed; out's spans point into it
 * @param emergency  may be NULL
 * @return 0; -EBADMSG not SIP or no usable top Via: nothing can be answered, drop and count (out->why says what)
 */
int peek_parse(const char *buf, size_t len, const struct peek_table *emergency, struct peek *out);

#endif
