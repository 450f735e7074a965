/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A parsed SIP message: all that the layers above need, as spans and small numbers.
 * Made once per message by the worker, read by txn, dialog and call. Nobody outside msg.c sees the parser library.
 */
#ifndef SIP_MSG_H
#define SIP_MSG_H

#include <stdbool.h>
#include <stdint.h>
#include "core/arena.h"
#include "core/span.h"
#include "sip/hdr.h"
#include "sip/method.h"
#include "sip/uri.h"

#define MSG_BYTES_MAX 65535 /* a UDP datagram holds no more; streams are cut at the same size */
#define MSG_HDRS_MAX \
    256 /* an INVITE with 70 Vias, 70 Record-Routes and History-Info has under 200 lines */
#define MSG_VIAS_MAX     70 /* RFC 3261 §8.1.1.6: Max-Forwards begins at 70, more hops are a loop */
#define MSG_CONTACTS_MAX 16 /* 3xx lists of targets; a longer one is not hunted through anyway */
#define MSG_ROUTES_MAX   70 /* one per hop, as Vias */
#define MSG_MEMBERS_MAX  64 /* option tags walked per list: all registered ones are fewer */
#define MSG_CSEQ_MAX     0x7fffffffu /* RFC 3261 §8.1.1.5 */

struct via {
    struct span transport;       /* "UDP" as written */
    struct span host;            /* sent-by; IPv6 with brackets */
    struct span branch;          /* empty: RFC 2543 peer */
    struct span received, maddr; /* empty if absent */
    struct span params;          /* from the first ';' on */
    struct span raw;             /* this member alone, unfolded */
    uint16_t port;               /* 0: none given */
    uint16_t rport;              /* value; 0 if none */
    bool has_rport;              /* ";rport" with or without value */
};

struct msg_rack {
    uint32_t rseq, cseq;
    struct span method_name;
    enum sip_method method;
};

/* What stands around the SDP of a body. */
struct msg_wrap {
    struct span type; /* value of Content-Type of the whole */
    struct span before, after;
    bool has_sdp; /* false: `before` is the whole body, no SDP is in it */
};

/*
 * Everything points into the received buffer or the arena: borrowed, gone with the message. No span except hdr.raw and
 * body holds CR, LF or (outside an escaped pair of a quoted string) NUL: values can be written to another message as they are.
 */
struct msg {
    struct span buf; /* the message as received, without bytes behind Content-Length */
    bool is_request;
    uint16_t status;        /* 0 for a request */
    enum sip_method method; /* of a response: that of CSeq */
    enum sip_method cseq_method;
    struct span method_name; /* of a response: that of CSeq */
    struct span reason;
    struct span ruri;
    struct sip_uri uri; /* parsed ruri */

    struct via via;     /* the top one */
    unsigned via_count; /* members over all Via lines */
    struct name_addr from, to;
    unsigned n_contacts;
    struct span call_id;
    uint32_t cseq;
    int max_forwards;         /* -1: absent */
    struct span content_type; /* media type without parameters: "application/sdp"; empty if none */
    struct span body;
    uint32_t rseq; /* 0: absent (RFC 3262: never 0) */
    bool has_rack;
    struct msg_rack rack;

    const struct hdr *hdrs; /* all, in order */
    unsigned n_hdrs;
    uint16_t first[HDR_N]; /* index + 1 of the first of its kind; 0: none */

    const struct msg_wrap
        *wrap; /* set by call/bodies.c: body is the SDP alone; NULL: it is the whole body */
    struct name_addr contact[MSG_CONTACTS_MAX]; /* n_contacts of them; the first is zero if none */
};

/* What to answer to a message that cannot be accepted. */
struct msg_error {
    uint16_t status; /* 400, 416, 505…; 0: nothing can be answered (a response, an ACK, no Via) */
    const char *text; /* static, fit for the reason phrase and the log */
};

/**
 * Parse and check one message (RFC 3261 §7, §8.1.1, §18.3, §20; RFC 4475, RFC 5118).
 *
 * After -EBADMSG with a status, *m holds what build_response() needs as far as it could be read: Vias, From, To,
 * Call-ID and CSeq lines are in m->hdrs, so that the refusal can be written.
 *
 * @param a    for this message; reset by the caller after the message is done
 * @param buf  borrowed as long as *m
 * @param len  of the datagram
 * @return 0; -EBADMSG *err says how to answer; -ENOMEM arena full: 503 if a request
 */
int msg_parse(struct msg *m, struct arena *a, const char *buf, size_t len, struct msg_error *err);

/** The nth (from 0) header line of its kind, NULL if none. Folds are gone from ->value. */
const struct hdr *msg_hdr(const struct msg *m, enum hdr_id id, unsigned nth);

/** As msg_hdr by long name, for headers without a number. */
const struct hdr *msg_hdr_named(const struct msg *m, struct span name, unsigned nth);

/** Value of the first header of its kind; empty if none. */
static inline struct span msg_value(const struct msg *m, enum hdr_id id)
{
    return m->first[id] ? m->hdrs[m->first[id] - 1].value : SPAN_NONE;
}

/** True if token is a member of any such header: msg_has_option(m, HDR_REQUIRE, SPAN("100rel")). Any case. */
bool msg_has_option(const struct msg *m, enum hdr_id id, struct span token);

/**
 * Members of a list header over all its lines, in order.
 * @return how many there are; at most max are stored
 */
unsigned msg_list(const struct msg *m, enum hdr_id id, struct span *out, unsigned max);

/**
 * Record-Route members as a route set (RFC 3261 §12.1): with their <> and parameters.
 * @param reverse  true on the side that sent the request (UAC)
 * @return how many; -E2BIG more than max
 */
int msg_route_set(const struct msg *m, bool reverse, struct span *out, unsigned max);

/**
 * Split one Via member (unfolded).
 * @return 0; -EBADMSG
 */
int via_parse(struct span s, struct via *out);

/** True if the body is of this type ("application/sdp"), any case. */
bool msg_body_is(const struct msg *m, struct span type);

#endif
