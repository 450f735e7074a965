/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Causes: why a call or an attempt ended, how Q.850 and SIP map, and which of several causes a caller is told.
 * Every part of lib/call makes them; it knows no call and no message.
 */
#ifndef CALL_TREATMENT_H
#define CALL_TREATMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/span.h"

/** Who decided. */
enum cause_where {
    CAUSE_NOWHERE, /**< no cause yet */
    CAUSE_IN,      /**< the in leg's peer */
    CAUSE_OUT,     /**< the out leg's peer */
    CAUSE_HERE,    /**< the switch */
};

struct cause {
    uint16_t sip_code;  /**< 200 for an answered call that was hung up */
    uint8_t q850;       /**< 0: unknown */
    uint8_t where;      /**< enum cause_where */
    const char *reason; /**< static text: what happened, for CDR and log; never shown to a peer */
};

#define CAUSE_HERE_(code, q, text) ((struct cause){(code), (q), CAUSE_HERE, (text)})

/** Q.850 cause for a SIP status (RFC 3398 §8.2.6.1, Q.1912.5); 127 where nothing fits, 16 for 2xx. */
uint8_t cause_q850_of(unsigned status);
/** SIP status for a Q.850 cause (RFC 3398 §7.2.4.1); 480 where nothing fits. */
uint16_t cause_status_of(unsigned q850);

/**
 * The status the in leg is told for a cause of an out leg: 3xx is never followed (RFC 3261 §8.1.3.4 leaves that to the
 * UAC that was called) and 401/407 ask for credentials of ours, so both become 480 and 503's meaning "this server" stays ours.
 */
uint16_t cause_told(const struct cause *c);

/** The better of two causes to tell: one that says something of the called user beats one that says something of a carrier (RFC 3261 §16.7 step 6). */
bool cause_is_better(const struct cause *a, const struct cause *b);

/** Q.850 cause in a Reason header value (RFC 3326), or 0. */
uint8_t cause_from_reason(struct span value);
/** The SIP cause of such a value (RFC 3326 §2): a CANCEL that says 200 has rung elsewhere and was answered there. 0: none */
unsigned cause_sip_from_reason(struct span value);

/**
 * Write a Reason value, `Q.850;cause=16`, into buf. Only protocol and number: the text of the other side never crosses.
 * @return span over buf
 */
struct span cause_reason(const struct cause *c, char buf[32]);
/** The same with the SIP cause that the other side gave in front; its text is ours: theirs might name their hosts. sip 0: none */
struct span cause_reason_sip(const struct cause *c, unsigned sip, char buf[96]);

/** in, out, here or -. */
const char *cause_where_name(const struct cause *c);

#endif
