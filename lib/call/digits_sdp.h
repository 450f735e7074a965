/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telephone-events in the SDP between a side that has digits in RTP and one that has them in INFO alone: offered and answered for the latter.
 * offer.c calls it for each line that it writes; what then becomes of digits is digits.c's affair.
 */
#ifndef CALL_DIGITS_SDP_H
#define CALL_DIGITS_SDP_H

#include "call/codecs.h"
#include "call/lite.h"
#include "call/model.h"
#include "sip/sdp.h"

/** Room for what struct sdp_edit points to: what is there already, and two lines. */
struct digits_text {
    char fmt[OFFER_MEDIA_MAX][CODECS_TEXT + 8];
    char attrs[OFFER_MEDIA_MAX][LITE_TEXT + 96];
};

/** Line i of a body for this leg, of that other one, after all else that adds to it. @param text  must live as long as m */
void digits_edit(const struct leg *to, const struct leg *from, bool is_offer,
                 const struct sdp_media *said, unsigned i, struct sdp_media_edit *m,
                 struct digits_text *text);

#endif
