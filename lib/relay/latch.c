/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The three latching policies. Called for every packet by the packet threads.
 * It knows neither sockets nor RTP: a packet reaches it when it is valid.
 */
#include "relay/latch.h"

#include <string.h>

void latch_init(struct latch *l, uint8_t policy, const struct addr *sdp, uint64_t now_ms)
{
    memset(l, 0, sizeof(*l));
    l->policy = policy;
    l->sdp = *sdp;
    l->to = *sdp;
    l->is_open = true;
    l->opened_ms = now_ms;
}

void latch_set_remote(struct latch *l, const struct addr *sdp, uint64_t now_ms)
{
    bool was_known = addr_is_set(&l->sdp);
    bool was_direct = addr_eq(&l->sdp, &l->to);

    if (addr_eq(&l->sdp, sdp))
        return;
    l->sdp = *sdp;
    if (l->is_pinned)
        return;
    if (l->is_learned && addr_eq(&l->to, sdp))
        return;
    l->is_open = true;
    l->opened_ms = now_ms;
    memset(&l->old, 0, sizeof(l->old));
    if (l->is_learned && was_known)
        l->old = l->to;
    /* A party behind a NAT: its SDP says nothing of where it is, the old source is the better guess until it is heard. */
    if (!l->is_learned || !was_known || was_direct || l->policy == MEDIA_LATCH_SDP_ONLY)
        l->to = *sdp;
    l->is_learned = false;
}

void latch_set_policy(struct latch *l, uint8_t policy)
{
    if (l->policy == policy)
        return;
    l->policy = policy;
    if (!l->is_pinned && policy == MEDIA_LATCH_SDP_ONLY && !addr_eq(&l->to, &l->sdp)) {
        l->to = l->sdp;
        l->is_learned = false;
    }
}

void latch_relearn(struct latch *l, uint64_t now_ms)
{
    if (l->is_pinned)
        return;
    l->is_open = true;
    l->opened_ms = now_ms;
    memset(&l->old, 0, sizeof(l->old));
}

bool latch_only(const struct latch *l, struct addr *out)
{
    *out = l->to;
    if (l->is_pinned)
        return true;
    switch (l->policy) {
    case MEDIA_LATCH_SDP_ONLY: return addr_is_set(&l->sdp) && addr_eq(&l->sdp, &l->to);
    case MEDIA_LATCH_FOLLOW: return false;
    default:
        /* the SDP's own address may always take over */
        return !l->is_open && l->is_learned && (!addr_is_set(&l->sdp) || addr_eq(&l->sdp, &l->to));
    }
}

static enum latch_verdict learn(struct latch *l, const struct addr *from)
{
    bool is_new = !l->is_learned || !addr_eq(&l->to, from);

    l->to = *from;
    l->is_learned = true;
    l->is_open = false;
    return is_new ? LATCH_LEARNED : LATCH_PASS;
}

bool latch_is_stranger(const struct latch *l, const struct addr *from)
{
    if (l->is_pinned)
        return !addr_eq(&l->to, from);
    if (l->policy == MEDIA_LATCH_FOLLOW || (l->policy != MEDIA_LATCH_SDP_ONLY && l->is_open))
        return false;
    return !(l->is_learned && !l->is_open && addr_eq(&l->to, from)) &&
           !(addr_is_set(&l->sdp) && addr_eq(&l->sdp, from));
}

bool latch_pin(struct latch *l, const struct addr *from)
{
    l->is_pinned = true;
    return learn(l, from) == LATCH_LEARNED;
}

void latch_unpin(struct latch *l, uint64_t now_ms)
{
    if (!l->is_pinned)
        return;
    l->is_pinned = false;
    latch_relearn(l, now_ms);
}

enum latch_verdict latch_check(struct latch *l, const struct addr *from, uint64_t now_ms)
{
    bool is_known = l->is_learned && addr_eq(&l->to, from);

    if (is_known && !l->is_open)
        return LATCH_PASS;
    if (l->is_pinned)
        return LATCH_STRANGER;
    switch (l->policy) {
    case MEDIA_LATCH_SDP_ONLY:
        return addr_is_set(&l->sdp) && addr_eq(&l->sdp, from) ? learn(l, from) : LATCH_STRANGER;
    case MEDIA_LATCH_FOLLOW: return learn(l, from);
    default:
        /* Whoever sprayed the port first does not keep it from the party that is where its SDP says. */
        if (!l->is_open)
            return addr_is_set(&l->sdp) && addr_eq(&l->sdp, from) ? learn(l, from) : LATCH_STRANGER;
        if (addr_is_set(&l->old) && addr_eq(&l->old, from) && now_ms - l->opened_ms < LATCH_OLD_MS)
            return LATCH_PASS;
        return learn(l, from);
    }
}
