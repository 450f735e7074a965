/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICE of each leg, independent of the other, for trunks with `ice lite` (RFC 8839, RFC 8445 §2.5): what its party says, what it is told.
 * offer.c notes, writes and settles; offer_session.c tells the relay. Passwords are in no log, record or reply.
 */
#ifndef CALL_LITE_H
#define CALL_LITE_H

#include "call/model.h"
#include "sip/sdp.h"

/* Of a line: ufrag, pwd and two candidates of IPv6; and what crypto.c has put there. */
#define LITE_TEXT 1024U

/** Room for what struct sdp_edit points to. */
struct lite_text {
    char attrs[OFFER_MEDIA_MAX][LITE_TEXT];
};

/** Of a party that the relay is to forget nothing of (call_save). Secret. */
struct lite_saved {
    char ufrag[16], pwd[40], remote_ufrag[32];
    uint64_t remote;
    uint8_t state, pad[7];
};

/** The party of this leg says so of line i; holds from lite_settle on. @param is_offer  other credentials in it are a restart (RFC 8839 §4.4.1) */
void lite_note(struct call *c, const struct leg *leg, const struct sdp *sdp, unsigned i,
               bool is_offer);
/** Line i in a body for this leg, after crypto_edit. @param text  must live as long as e */
void lite_edit(const struct leg *to, bool is_offer, const struct sdp_media *said, unsigned i,
               struct sdp_edit *e, struct lite_text *text);
/** Line i for a party that takes the place of another (a transfer): an offer by its own trunk's `ice`. */
void lite_retell(const struct leg *place, const struct conf_trunk *t, const struct sdp_media *said,
                 unsigned i, struct sdp_edit *e, struct lite_text *text);

/** The answer has come. @return bit per endpoint that the relay is to be told of */
unsigned lite_settle(struct call *c);
/** The offer was refused: what was agreed before holds. */
void lite_refuse(struct call *c);
/** This endpoint is another party's from now on: new credentials. */
void lite_drop(struct call *c, unsigned e);
/** Wipe and give back all. */
void lite_free(struct call *c);
/** The relay's order for an endpoint. @return false: it has no ICE, and never had */
bool lite_op(const struct call *c, unsigned e, struct media_op *op);

/** For snapshot.c. */
void lite_save(const struct call *c, struct lite_saved to[2 * OFFER_MEDIA_MAX]);
void lite_load(struct call *c, const struct lite_saved from[2 * OFFER_MEDIA_MAX]);

#endif
