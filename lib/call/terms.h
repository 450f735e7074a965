/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was agreed on each leg and m-line by the last offer and answer: payload types by codec, packet time, events, keys, ICE.
 * offer.c notes what parties say; the relay's endpoints, records and operators are told from here, and nobody reads SDP again.
 */
#ifndef CALL_TERMS_H
#define CALL_TERMS_H

#include "call/model.h"
#include "sip/sdp.h"

/* Of what its party said of the m-line last. */
#define TERMS_ON    1U   /* its port is not 0 */
#define TERMS_RTP   2U   /* a profile of RTP */
#define TERMS_AUDIO 4U   /* m=audio over RTP */
#define TERMS_VIDEO 8U   /* m=video */
#define TERMS_MUX   16U  /* a=rtcp-mux (RFC 5761): agreed if we say it too */
#define TERMS_SAVP  32U  /* a profile of SRTP */
#define TERMS_SDES  64U  /* a=crypto (RFC 4568) */
#define TERMS_DTLS  128U /* a=fingerprint (RFC 5763) */
#define TERMS_ICE   256U /* a=ice-ufrag (RFC 8839) */
#define TERMS_NO_PT 0xffU

/** A party's word on one m-line. */
struct term {
    struct media_pt pt[MEDIA_PTS_MAX];    /**< behind n_pts: media_event_clock() */
    uint16_t flags;                       /**< TERMS_ */
    uint16_t clock_10hz;                  /**< of its first voice; 0: not said */
    uint8_t n_pts, ptime_ms, maxptime_ms; /**< 0: not said; more than 255 ms is 255 */
    uint8_t clock_hz;                     /**< beside clock_10hz: 11,025 Hz is 1,102 and 5 */
};

/** An m-line of a leg as agreed. */
struct terms_line {
    uint16_t flags; /**< TERMS_ of its own party */
    uint8_t
        codec; /**< enum media_codec of the first voice; UNKNOWN: none is agreed, or one without a name here */
    uint8_t event_pt;    /**< of telephone-event; TERMS_NO_PT: not agreed */
    uint8_t ptime_ms;    /**< of the packets of its party; 0: not said */
    uint8_t maxptime_ms; /**< that its party takes; 0: not said */
    uint8_t n_pts;
    uint32_t clock_rate; /**< of a dynamic payload type [Hz]; 0: static, or not known */
    struct {
        uint8_t type, codec;
        uint32_t event_hz; /**< of a telephone-event: its clock, 0: not known; else 0 */
    } pt[MEDIA_PTS_MAX];   /**< both have them; first the one of packets to the party */
};

/** The party of this leg says so of line i; holds from terms_settle on. Out of memory: nothing is known. */
void terms_note(struct call *c, const struct leg *leg, const struct sdp *sdp, unsigned i);
/** The payload type of telephone-events of this clock (0: of any) that this leg's party said last. @return -1: none */
int terms_event_said(const struct call *c, const struct leg *leg, unsigned i, uint32_t hz);
/** The answer has come. @return bit per endpoint (call_media) whose terms differ from before */
unsigned terms_settle(struct call *c);
/** The offer was refused: what was agreed before holds. */
void terms_refuse(struct call *c);
/** This endpoint is another party's from now on. */
void terms_drop(struct call *c, unsigned e);
/** Give it all back. */
void terms_free(struct call *c);

/** What was agreed. False: nothing yet, or the line is off. */
bool terms_line(const struct call *c, const struct leg *leg, unsigned i, struct terms_line *out);
/** Payload types, packet time, clock and what follows from the kind of media. */
void terms_fill(const struct call *c, const struct leg *leg, unsigned i, struct media_ep *ep);
/** Codec of the first audio line of the leg, for records and operators: "PCMA", "T38"; NULL: none is known. */
const char *terms_codec(const struct call *c, const struct leg *leg);

/** For snapshot.c: all of them, by endpoint. What a record cannot say is taken for nothing known. */
void terms_save(const struct call *c, struct term to[2 * OFFER_MEDIA_MAX]);
void terms_load(struct call *c, const struct term from[2 * OFFER_MEDIA_MAX]);

/** By the name of rtpmap, "PCMA/8000". */
enum media_codec terms_codec_of(struct span name);
/** As rtpmap has it; "?" where there is none. */
const char *terms_codec_name(enum media_codec codec);

#endif
