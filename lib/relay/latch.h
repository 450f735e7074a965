/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may send to a socket and where its party is: the address of the SDP against the source that is seen (symmetric RTP, RFC 4961).
 * Pure: the packet thread calls it for each packet; RTP and RTCP have one each.
 */
#ifndef RELAY_LATCH_H
#define RELAY_LATCH_H

#include <stdbool.h>
#include <stdint.h>
#include "core/addr.h"
#include "media/media_proto.h"

/* After a change of the remote address packets of the old source are still on their way; they must not be learned again for this long. */
#define LATCH_OLD_MS 2000U

struct latch {
    struct addr sdp; /* where the SDP says; unset: not known */
    struct addr to;  /* where to send now; unset: nowhere */
    struct addr old; /* the source before the last change */
    uint64_t opened_ms;
    uint8_t policy; /* enum media_latch */
    bool is_open;   /* the learning window */
    bool is_learned;
    bool is_pinned; /* `to` was nominated by a check under our password (ICE): nobody else may */
};

enum latch_verdict {
    LATCH_PASS,
    LATCH_LEARNED,  /* pass; and `to` is new */
    LATCH_STRANGER, /* drop */
};

/** Begin with the window open. */
void latch_init(struct latch *l, uint8_t policy, const struct addr *sdp, uint64_t now_ms);
/** The SDP's address; the window re-opens if it is another than before. */
void latch_set_remote(struct latch *l, const struct addr *sdp, uint64_t now_ms);
/** Another policy from now on; the window stays as it is. */
void latch_set_policy(struct latch *l, uint8_t policy);
/** Re-open the window. */
void latch_relearn(struct latch *l, uint64_t now_ms);
/** Is there one source alone that would be let in now, and without a change of the latch? @return true and which */
bool latch_only(const struct latch *l, struct addr *out);
/** True if latch_check would drop a packet from there, whatever is in it. */
bool latch_is_stranger(const struct latch *l, const struct addr *from);
/** The party is there: it has proved it. @return true if `to` is new */
bool latch_pin(struct latch *l, const struct addr *from);
/** No more: what was nominated is the party until another is learned, by the policy. */
void latch_unpin(struct latch *l, uint64_t now_ms);
/** A valid packet came. */
enum latch_verdict latch_check(struct latch *l, const struct addr *from, uint64_t now_ms);

#endif
