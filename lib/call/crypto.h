/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SRTP and RTCP-mux of each leg, independent of the other: what its party says, what it is told, what the relay gets (RFC 4568, RFC 5761, RFC 8643).
 * offer.c notes, writes and settles; offer_session.c hands keys to the relay. Keys are in no log, record or reply.
 */
#ifndef CALL_CRYPTO_H
#define CALL_CRYPTO_H

#include "call/model.h"
#include "sip/sdp.h"

/* Of a line: four suites of at most 112 bytes each. */
#define CRYPTO_TEXT 512U

/** Room for what struct sdp_edit points to. */
struct crypto_text {
    char attrs[OFFER_MEDIA_MAX][CRYPTO_TEXT];
};

/** Of a party that the relay is to forget nothing of (call_save). Secret. */
struct crypto_saved {
    uint8_t seed[32], key[48];
    uint32_t tag;
    uint8_t has_seed, suite, profile, mux;
    uint16_t gen[5];
    uint8_t left, pad;
};

#define CRYPTO_WARNING SPAN("399 tandem \"SRTP of this offer and of this trunk do not fit\"")
/** Of a cause: the refusal gets that warning. */
extern const char crypto_reason[];

/** Does the trunk's `srtp` let such a body of its party in? An unreadable one it does. @return 0; -EACCES */
int crypto_check(const struct conf_trunk *t, const struct sdp *sdp);
/**
 * Has each line of keys in this answer the tag and the suite of one that its party was offered (RFC 4568 §5.1.3)?
 * @param told  the offer as it was sent; empty: it is not known, all will do
 * @return 0; -EACCES
 */
int crypto_check_answer(const struct conf_trunk *t, const struct sdp *sdp, struct span told);
/** The same as crypto_check of a body. */
bool crypto_fits(const struct conf_trunk *t, struct span body);
/** The same of an INVITE's body, before anything is known of the other side: true where media may go around us, too. */
bool crypto_lets(const struct conf_trunk *t, struct span body);

/** The party of this leg says so of line i; holds from crypto_settle on. */
void crypto_note(struct call *c, const struct leg *leg, const struct sdp *sdp, unsigned i);
/** Where RTCP of line i goes to, once mux is agreed or declined: corrects what its SDP says. */
void crypto_rtcp(const struct leg *leg, const struct sdp_media *m, const struct addr *rtp,
                 struct addr *rtcp);
/** Profile, keys and mux of line i in a body for this leg. @param text  must live as long as m */
void crypto_edit(const struct leg *to, bool is_offer, const struct sdp_media *said, unsigned i,
                 struct sdp_media_edit *m, struct crypto_text *text);
/** Line i for a party that takes the place of another (a transfer): an offer by its own trunk's `srtp`, with new keys unless it is the same leg. */
void crypto_retell(const struct leg *place, const struct leg *to, const struct sdp_media *said,
                   unsigned i, struct sdp_media_edit *m, struct crypto_text *text);
/** It has taken the place: the keys that it was told hold from the next crypto_settle on. Nothing if none were. */
void crypto_take(struct call *c, unsigned e);
/** Another party has come to this endpoint by itself (Replaces) and is about to be answered, or to be told an offer: new keys from the next crypto_settle on. */
void crypto_replace(struct call *c, unsigned e);

/** The answer has come. @param keys  out: bit per endpoint whose keys differ from before. @return the same of mux */
unsigned crypto_settle(struct call *c, unsigned *keys);
/** An answer of ours, before any other party's, has told this endpoint's keys and mux. @return true: op is for the relay */
bool crypto_early(struct call *c, unsigned e, struct media_op *op);
/** The offer was refused: what was agreed before holds. */
void crypto_refuse(struct call *c);
/** This endpoint is another party's from now on: new keys. */
void crypto_drop(struct call *c, unsigned e);
/** Wipe and give back all. */
void crypto_free(struct call *c);

/** The relay's order for an endpoint. @return false: plain, and it was never anything else */
bool crypto_op(struct call *c, unsigned e, struct media_op *op);
/** Its RTCP shares the port of RTP. */
bool crypto_mux(const struct call *c, unsigned e);
/** Name of the suite agreed, as SDP has it; NULL: plain RTP. */
const char *crypto_suite(const struct call *c, unsigned e);

/** For snapshot.c. */
void crypto_save(const struct call *c, struct crypto_saved to[2 * OFFER_MEDIA_MAX]);
void crypto_load(struct call *c, const struct crypto_saved from[2 * OFFER_MEDIA_MAX]);

#endif
