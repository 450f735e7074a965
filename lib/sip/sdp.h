/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session descriptions by the line: read what the relay must know, write the other leg's version of it.
 * call/offer and call/bridge use it; it keeps no offer/answer state and never touches what it does not understand.
 */
#ifndef SIP_SDP_H
#define SIP_SDP_H

#include <stdbool.h>
#include <stdint.h>
#include "core/addr.h"
#include "core/span.h"
#include "sip/build.h"

#define SDP_MEDIA_MAX 8     /* audio, video, T.38, MSRP, BFCP, slides, text and one to spare */
#define SDP_BYTES_MAX 32768 /* half a datagram: WebRTC offers with candidates stay under 10 kB */

enum sdp_dir {
    SDP_DIR_NONE, /* nothing was said */
    SDP_SENDRECV,
    SDP_SENDONLY,
    SDP_RECVONLY,
    SDP_INACTIVE
};

struct sdp_conn {
    bool given;
    struct span host; /* as written */
    struct addr addr; /* port 0; not set: a domain name (never resolved) */
};

struct sdp_media {
    struct span type, proto, fmt; /* "audio", "RTP/AVP", "0 8 101" */
    struct span lines;            /* from "m=" to the next m-line */
    uint16_t port;                /* 0: refused or switched off */
    uint16_t count;               /* of "49170/2"; 1 if not given */
    struct sdp_conn conn;         /* its own c= */
    bool has_rtcp;                /* a=rtcp (RFC 3605) */
    uint16_t rtcp_port;           /* of a=rtcp */
    struct sdp_conn rtcp;         /* its address if given */
    bool rtcp_mux;
    bool bundle_only;
    enum sdp_dir dir;               /* its own */
    uint32_t ptime_ms, maxptime_ms; /* 0: not given */
    struct span mid;
};

struct sdp {
    struct span body;
    struct span session; /* lines before the first m= */
    struct span o_user, o_id, o_host;
    uint64_t o_version;
    struct sdp_conn conn; /* session level */
    enum sdp_dir dir;     /* session level */
    unsigned n_media;
    struct sdp_media media[SDP_MEDIA_MAX];
};

/**
 * Read a body (RFC 8866, RFC 3605, RFC 5888 §9.2 for bundle-only). CRLF or LF; the last line may lack its end.
 *
 * @param out  spans point into body
 * @param why  may be NULL; static text for Warning and log
 * @return 0; -EINVAL broken (488); -E2BIG over SDP_BYTES_MAX or SDP_MEDIA_MAX
 */
int sdp_parse(struct sdp *out, struct span body, const char **why);

/** Where the peer wants RTP of an m-line. @return 0; -ENOENT port 0 or no such line; -EADDRNOTAVAIL a domain name */
int sdp_rtp_addr(const struct sdp *s, unsigned i, struct addr *out);
/** The same for RTCP: a=rtcp, RTP's port with rtcp-mux, else port + 1. */
int sdp_rtcp_addr(const struct sdp *s, unsigned i, struct addr *out);
/** Direction of an m-line: its own, the session's, sendrecv. The unspecified address makes it sendonly at most (RFC 3264 §8.4). */
enum sdp_dir sdp_dir(const struct sdp *s, unsigned i);
/** True if the peer does not want to receive on this m-line: sendonly, inactive, 0.0.0.0 or ::. */
bool sdp_is_hold(const struct sdp *s, unsigned i);
/** True if b is a later version of the same session as a (RFC 3264 §8: same o= but version one higher). */
bool sdp_is_next_version(const struct sdp *a, const struct sdp *b);
/** True if o= is the same, version too: an offer that changes nothing (RFC 3264 §8, RFC 4028 refreshes). */
bool sdp_is_same(const struct sdp *a, const struct sdp *b);

/* What replaces the peer's view of one m-line. All zero but rtp: as received, from our address. */
struct sdp_media_edit {
    bool off; /* write port 0 */
    bool mux; /* write a=rtcp-mux: theirs never crosses by itself */
    bool
        no_keys; /* a=crypto, key-mgmt, fingerprint, setup, tls-id are left out: ours are in attrs, or none are */
    bool no_ice; /* candidates, ice-* are left out, direct or not */
    bool
        direct; /* media goes around us: candidates, ice-*, rtcp-mux, a=rtcp and other addresses survive */
    struct addr rtp;                /* ours; not set: the m-line is written with port 0 */
    uint16_t rtcp_port;             /* 0 or rtp.port + 1: no a=rtcp is written */
    enum sdp_dir dir;               /* SDP_DIR_NONE: as received */
    uint32_t ptime_ms, maxptime_ms; /* instead of what was received; 0: as received */
    struct span proto; /* "RTP/SAVP" instead of the received profile; empty: as received */
    struct span
        fmt; /* "8 101": formats to write, in order; rtpmap, fmtp and rtcp-fb of others are left out; empty: as received */
    struct span attrs; /* lines added to the m-line, each with its CRLF */
};

struct sdp_edit {
    uint64_t id, version; /* of our o= on that leg */
    struct addr origin;   /* address for o= and the session's c= */
    struct span attrs;    /* lines added to the session's, each with its CRLF */
    unsigned n_media;     /* as in the struct sdp; further ones are written with port 0 */
    struct sdp_media_edit media[SDP_MEDIA_MAX];
};

/**
 * Write the other leg's version into b, nothing else of the message.
 *
 * o=, s=, c=, ports, a=rtcp are ours; i=, u=, e=, p= are kept out as topology, and so are candidates, ice-*,
 * rtcp-mux, BUNDLE, source-filter and alternative addresses, which would lead media around the relay, and any attribute with a host
 * of this body or an IPv4 address in it (rtpmap and fmtp excepted), all but an m-line's that is direct; those of the session survive
 * if every m-line is. A hold by 0.0.0.0 stays one.
 * Every other line survives byte for byte.
 *
 * @return 0; -ENOSPC b is full
 */
int sdp_rewrite(const struct sdp *s, const struct sdp_edit *e, struct build *b);

#endif
