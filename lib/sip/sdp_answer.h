/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session descriptions of our own making: an offer from a list of codecs, an answer to one side's offer from what the other side has said.
 * call/interwork uses it where an offer and its answer do not simply cross; addresses are filled in by sdp_rewrite.
 */
#ifndef SIP_SDP_ANSWER_H
#define SIP_SDP_ANSWER_H

#include "sip/sdp.h"

/**
 * An audio offer with these codecs, in this order: pcmu, pcma, g729 (annexb=no), g722, gsm, opus, clearmode, telephone-event.
 * Static payload types as RFC 3551 has them. The address is the unspecified one: sdp_rewrite puts ours.
 *
 * @return 0; -EINVAL no codec of the list is known; -ENOSPC
 */
int sdp_offer(const char *const *codec, size_t n, struct build *b);

/**
 * An answer to offer from what its other side has said (RFC 3264 §6): one m-line for each of the offer's, codecs that both have, in the
 * order of the offer and with the payload types of said, since nobody renumbers packets; directions narrowed to what both allow.
 * An m-line without a counterpart, or without a codec in common, is refused.
 *
 * @param said  NULL: all is refused
 * @return m-lines accepted; -ENOSPC b is full
 */
int sdp_answer(const struct sdp *offer, const struct sdp *said, struct build *b);

/** True if whatever was said may be sent to who answered: as many codecs, lines and directions. False: who said it must be told. */
bool sdp_covers(const struct sdp *answer, const struct sdp *said);

#endif
