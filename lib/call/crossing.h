/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What crosses from one trunk to another: the headers of a message, or those kept of the INVITE, and the two trunks' rules.
 * headers fills it; identity, diverted and header_rules read it.
 */
#ifndef CALL_CROSSING_H
#define CALL_CROSSING_H

#include "config/config.h"
#include "sip/build.h"
#include "sip/hdr.h"

struct leg;
struct msg;

struct crossing {
    const struct hdr *hdrs;
    unsigned n;
    const struct conf_trunk *from, *to;     /**< the trunk that sent it and the one that gets it */
    const struct conf *from_conf, *to_conf; /**< theirs, for translations; NULL: none */
    struct span instead; /**< of an INVITE: the number in place of what was screened; empty: none */
    uint8_t screened;    /**< SHOWN_ bits */
    struct span host;    /**< ours, as `to` knows us; empty: headers_write asks `leg` for it */
    const struct leg *leg; /**< that gets it; may be NULL if host is set */
    struct span from_raw;  /**< value of From, of a request that begins a call; empty: none */
    struct span called;    /**< number as sent, likewise */
    bool has_parts;        /**< body parts beside the SDP cross too */
};

/**
 * A message on its way into a leg: the trunk's `in` rules applied, Session-ID noted, the body seen as SDP and what is around it.
 * @return m itself, or a copy in the arena
 */
const struct msg *crossing_in(struct leg *leg, const struct msg *m);

#endif
