/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Media around the relay, per pair of trunks: who asked for it, and what forbids it.
 * Called for each attempt; it changes nothing.
 */
#include "call/bypass.h"

#include "call/identity.h"
#include "sip/sdp.h"

#include <string.h>

static bool names(const struct leg *leg, const char *other)
{
    const struct conf_trunk *t = leg->trunk.conf;
    const struct conf *conf = leg->trunk.gen ? leg->trunk.gen->conf : NULL;

    for (uint32_t i = 0; i < t->bypass.n; i++) {
        const struct conf_target *b = &t->bypass.v[i];

        if (!b->is_group) {
            if (strcmp(b->ref.name, other) == 0)
                return true;
            continue;
        }
        if (!conf)
            continue;
        for (uint32_t m = 0; m < conf->group.v[b->ref.id].member.n; m++)
            if (strcmp(conf->group.v[b->ref.id].member.v[m].ref.name, other) == 0)
                return true;
    }
    return false;
}

/* The party of an offer, by the first line that is on. @return false: it names no address */
static bool family_of(struct span offer, uint8_t *family)
{
    struct sdp sdp;
    struct addr a;

    if (sdp_parse(&sdp, offer, NULL) < 0)
        return false;
    for (unsigned i = 0; i < sdp.n_media; i++) {
        static const uint8_t zero[16];

        if (sdp.media[i].port == 0)
            continue;
        if (sdp_rtp_addr(&sdp, i, &a) < 0 || memcmp(a.ip, zero, sizeof zero) == 0)
            return false;
        *family = a.family;
        return true;
    }
    return true;
}

/* What only the relay does for a trunk. */
static enum bypass service_of(const struct conf_trunk *in, const struct conf_trunk *out)
{
    if (in->srtp.mode != out->srtp.mode)
        return BYPASS_SRTP;
    if (in->dtmf != out->dtmf)
        return BYPASS_DTMF;
    if (in->announce.n || in->ringback.sound.id != CONF_NONE || in->hold_music.id != CONF_NONE ||
        out->hold_music.id != CONF_NONE)
        return BYPASS_SOUND;
    return BYPASS_YES;
}

enum bypass bypass_of(const struct leg *in, const struct leg *out, struct span offer)
{
    const struct setup *s = in->call->setup;
    uint8_t family = in->flow.remote.family;
    enum bypass service;

    if (in->trunk.media_none && out->trunk.media_none)
        return BYPASS_NONE;
    if (!names(in, out->trunk.state->name) && !names(out, in->trunk.state->name))
        return BYPASS_NOT;
    if (in->is_unheard)
        return BYPASS_MOVED;
    if (in->trunk.latch == MEDIA_LATCH_FOLLOW || out->trunk.latch == MEDIA_LATCH_FOLLOW)
        return BYPASS_LATCH;
    service = service_of(in->trunk.conf, out->trunk.conf);
    if (service != BYPASS_YES)
        return service;
    if (s && identity_needs_relay(s->hdr, s->n_hdrs))
        return BYPASS_PRIVACY;
    if (span_is_empty(offer) && out->trunk.conf->offer == CONF_OFFER_EARLY)
        return BYPASS_OFFER;
    if (!span_is_empty(offer) && !family_of(offer, &family))
        return BYPASS_NAME;
    return family == out->flow.remote.family ? BYPASS_YES : BYPASS_FAMILY;
}

const char *bypass_word(enum bypass b)
{
    static const char *const word[] = {
        [BYPASS_NOT] = "relay",
        [BYPASS_NONE] = "around: media none on both trunks",
        [BYPASS_YES] = "around: bypass",
        [BYPASS_LATCH] = "relay: latch follow",
        [BYPASS_FAMILY] = "relay: IPv4 on one side, IPv6 on the other",
        [BYPASS_NAME] = "relay: the offer has no address",
        [BYPASS_OFFER] = "relay: the offer is ours",
        [BYPASS_PRIVACY] = "relay: the caller asks for privacy of its session",
        [BYPASS_SRTP] = "relay: srtp is not the same on both sides",
        [BYPASS_DTMF] = "relay: dtmf is not the same on both sides",
        [BYPASS_SOUND] = "relay: ringback, announce or hold-music",
        [BYPASS_MOVED] = "relay: a transfer",
    };

    return b < BYPASS_END ? word[b] : "relay";
}
