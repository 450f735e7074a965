/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does the media of this pair of legs go around the relay? By `bypass` of either trunk, unless something needs the relay.
 * offer_session.c asks for each attempt, explain for each candidate.
 */
#ifndef CALL_BYPASS_H
#define CALL_BYPASS_H

#include "call/model.h"

enum bypass {
    BYPASS_NOT,  /**< nobody asked for it: the relay */
    BYPASS_NONE, /**< around us: `media none` on both trunks, there is no relay for them */
    BYPASS_YES,  /**< around us: `bypass` */
    /* `bypass` is written, and the relay is used because */
    BYPASS_LATCH,   /**< a trunk has `latch follow`: its party is where its packets come from */
    BYPASS_FAMILY,  /**< IPv4 here, IPv6 there */
    BYPASS_NAME,    /**< the offer has a name, or 0.0.0.0, in the place of an address */
    BYPASS_OFFER,   /**< the INVITE to the carrier bears an offer of ours, the caller made none */
    BYPASS_PRIVACY, /**< the caller wants its addresses hidden (RFC 3323 §5.2) */
    BYPASS_SRTP,    /**< keys end here: the trunks have not the same `srtp` */
    BYPASS_DTMF,    /**< digits change their form between them */
    BYPASS_SOUND,   /**< something may have to be played: `ringback`, `announce`, `hold-music` */
    BYPASS_MOVED,   /**< a transfer: what the party says was said of another call */
    BYPASS_END
};

/** offer: of the caller; empty: none yet. */
enum bypass bypass_of(const struct leg *in, const struct leg *out, struct span offer);
/** Around us, that is. */
static inline bool bypass_is(enum bypass b)
{
    return b == BYPASS_NONE || b == BYPASS_YES;
}
/** For operators: "the relay: `latch follow`". */
const char *bypass_word(enum bypass b);

#endif
