/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The formats of an m-line by name: what "0 8 101" and its rtpmap lines mean (RFC 8866 §6.6, RFC 3551 §6).
 * Answers of our own, codec policies and what the relay is told of an endpoint are made of them.
 */
#ifndef SIP_SDP_FORMAT_H
#define SIP_SDP_FORMAT_H

#include "sip/sdp.h"

/* 64: a line of formats longer than that is no audio offer; the rest is not looked at. */
#define SDP_FORMATS_MAX 64

struct sdp_format {
    struct span fmt;  /* as in the m-line */
    struct span name; /* "PCMA/8000"; the format itself where none is known */
};

struct sdp_formats {
    unsigned n;
    struct sdp_format v[SDP_FORMATS_MAX];
};

/** Those of an m-line, in its order; spans point into the body. */
void sdp_formats(const struct sdp_media *m, struct sdp_formats *out);
/** Place of the format of that name, "PCMA/8000/1" being "PCMA/8000". @return -1: none */
int sdp_format_find(const struct sdp_formats *f, struct span name);
/** Encoding name, "PCMA", and clock rate [Hz]; 0: none is said. */
uint32_t sdp_format_clock(struct span name, struct span *encoding);
/** Beside a voice, not one: telephone-event, CN, RED. */
bool sdp_format_is_aside(struct span name);
/** Payload type. @return -1: it is none */
int sdp_format_pt(struct span fmt);

/** Next line of a body, with (raw) and without its end. */
bool sdp_format_line(struct span *rest, struct span *raw, struct span *line);
/** The format that a rtpmap, fmtp or rtcp-fb line is about, and what it says. @return false: another line */
bool sdp_format_of_line(struct span line, struct span *fmt, struct span *value);

#endif
