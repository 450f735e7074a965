/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What both trunks of a call let through in SDP: codecs and their order, packet times, video.
 * offer.c asks for each body that it writes; INVITEs and hunting ask before anything is sent. It knows no dialog.
 */
#ifndef CALL_CODECS_H
#define CALL_CODECS_H

#include "config/config.h"
#include "media/media_proto.h"
#include "sip/sdp.h"

/* 305: Incompatible media format; 304: media type not available (RFC 3261 §20.43). */
#define CODECS_WARNING SPAN("305 tandem \"no codec of the offer is allowed\"")
/** Reason of such a refusal; compared by its address. */
extern const char codecs_reason[];

/* Formats of a line: as many as sdp_format.h reads, of three digits. */
#define CODECS_TEXT 256U

/** Room for what struct sdp_edit points to. */
struct codecs_text {
    char fmt[SDP_MEDIA_MAX][CODECS_TEXT];
};

/** A body on its way. */
struct codecs_ask {
    const struct conf_trunk *from, *to; /**< to NULL: not known yet */
    const struct sdp *sdp;
    const struct sdp *
        offer; /**< of an answer: the offer as its party was told it; NULL: unknown, or it is an offer */
    bool is_offer;
};

/** True if one of them says anything of codecs, packet times or video; else nothing below needs to be called. */
bool codecs_matter(const struct conf_trunk *from, const struct conf_trunk *to);
/**
 * Into the edits of m-lines: formats, ptime, maxptime, off.
 * @return 0; -ENOTSUP: an audio line has no voice left
 */
int codecs_edit(const struct codecs_ask *a, struct sdp_edit *e, struct codecs_text *t);
/** Does this trunk let the codec cross? NULL lets all. */
bool codecs_lets(const struct conf_trunk *t, enum media_codec codec);
/** Would this offer pass? An unreadable one does, others refuse it. @return 0; -ENOTSUP */
int codecs_check(const struct conf_trunk *from, const struct conf_trunk *to, struct span offer);
/** Video that one of them refuses: the line is off on the other side. */
bool codecs_refuse(const struct conf_trunk *from, const struct conf_trunk *to,
                   const struct sdp_media *m);

#endif
