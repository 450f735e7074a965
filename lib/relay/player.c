/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Samples into RTP packets (RFC 3550, RFC 3551), each at its time. thread.c asks for them when they are due.
 * The stream is the relay's own, with its own SSRC: what the peer sends meanwhile, and after it, is untouched.
 */
#include "relay/player.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/g711.h"
#include "core/ident.h"

#define LATE_MS 100U /* a packet later than that is left out: a jitter buffer would drop it, too */

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}

int player_pt(const struct media_ep *ep)
{
    for (int i = 0; i < ep->n_pts; i++) {
        switch (ep->pt[i].codec) {
        case MEDIA_CODEC_PCMU:
        case MEDIA_CODEC_PCMA: return i;
        case MEDIA_CODEC_L16:
            if (ep->clock_rate == SOUND_HZ)
                return i;
            break;
        default: break;
        }
    }
    return -EOPNOTSUPP;
}

bool player_recode(struct player *p, const struct media_ep *ep)
{
    int i = player_pt(ep);

    if (i < 0)
        return false;
    p->pt = ep->pt[i].type;
    p->codec = ep->pt[i].codec;
    p->ptime_ms = ep->ptime_ms;
    if (p->ptime_ms == 0 || 12 + 2 * p->ptime_ms * (SOUND_HZ / 1000) > PLAYER_BYTES)
        p->ptime_ms = PLAYER_PTIME_MS;
    return true;
}

int player_new(const struct media_play *what, const struct media_ep *ep, struct sound *sound,
               struct player **out)
{
    struct player *p = NULL;
    int err = player_pt(ep);

    if (err < 0)
        goto fail;
    err = -ENOMEM;
    p = calloc(1, sizeof(*p));
    if (!p)
        goto fail;
    player_recode(p, ep);
    p->sound = sound;
    p->flags = what->flags;
    p->left = what->limit_ms ? (uint64_t)what->limit_ms * SOUND_HZ / 1000 : UINT64_MAX;
    ident_random(&p->ssrc, sizeof(p->ssrc));
    ident_random(&p->timestamp, sizeof(p->timestamp));
    ident_random(&p->seq, sizeof(p->seq));
    *out = p;
    return 0;

fail:
    sound_put(sound);
    return err;
}

void player_free(struct player *p)
{
    if (!p)
        return;
    sound_put(p->sound);
    free(p);
}

void player_follow(struct player *p, const struct player *old, uint64_t now_ms)
{
    p->ssrc = old->ssrc;
    p->seq = old->seq;
    p->timestamp = old->timestamp;
    /* the silence between them has its place in the timestamps */
    if (now_ms > old->due_ms)
        p->timestamp += (uint32_t)((now_ms - old->due_ms) * SOUND_HZ / 1000);
}

void player_start(struct player *p, uint64_t now_ms)
{
    p->is_on = p->is_first = true;
    p->due_ms = now_ms;
}

/* Take n samples, silence behind the end. */
static void take(struct player *p, int16_t *pcm, uint32_t n)
{
    uint32_t done = 0;

    if (n > p->left)
        memset(pcm, 0, n * sizeof(*pcm));
    if (n > p->left)
        n = (uint32_t)p->left;
    while (done < n) {
        uint32_t part = p->sound->samples - p->at;

        if (part > n - done)
            part = n - done;
        memcpy(pcm + done, p->sound->pcm + p->at, part * sizeof(*pcm));
        done += part;
        p->at += part;
        if (p->at == p->sound->samples) {
            if (!(p->flags & MEDIA_PLAY_LOOP))
                break;
            p->at = 0;
        }
    }
    if (done < n)
        memset(pcm + done, 0, (n - done) * sizeof(*pcm));
    p->played += done;
    if (p->left != UINT64_MAX)
        p->left -= n;
}

static bool is_over(const struct player *p)
{
    return p->left == 0 || p->at == p->sound->samples;
}

static uint32_t encode(const struct player *p, const int16_t *pcm, uint32_t n, uint8_t *out)
{
    switch (p->codec) {
    case MEDIA_CODEC_PCMU: g711_encode_ulaw(out, pcm, n); return n;
    case MEDIA_CODEC_PCMA: g711_encode_alaw(out, pcm, n); return n;
    default:
        for (uint32_t i = 0; i < n; i++)
            put16(out + 2 * i, (uint16_t)pcm[i]);
        return 2 * n;
    }
}

/* The thread was away: the packets of that time are not sent in a burst. */
static void skip(struct player *p, uint64_t now_ms)
{
    int16_t pcm[255 * SOUND_HZ / 1000];
    uint32_t n = p->ptime_ms * (SOUND_HZ / 1000);

    while (now_ms > p->due_ms + LATE_MS && !is_over(p)) {
        take(p, pcm, n);
        p->timestamp += n;
        p->due_ms += p->ptime_ms;
        p->is_first = true;
    }
}

uint32_t player_packet(struct player *p, uint64_t now_ms, uint8_t *out)
{
    int16_t pcm[255 * SOUND_HZ / 1000];
    uint32_t n = p->ptime_ms * (SOUND_HZ / 1000);
    uint32_t len;

    skip(p, now_ms);
    if (is_over(p)) {
        p->is_on = false;
        return 0;
    }
    take(p, pcm, n);
    out[0] = 0x80;
    out[1] = (uint8_t)((p->is_first ? 0x80 : 0) | p->pt);
    put16(out + 2, p->seq);
    put32(out + 4, p->timestamp);
    put32(out + 8, p->ssrc);
    len = 12 + encode(p, pcm, n, out + 12);
    p->is_first = false;
    p->seq++;
    p->timestamp += n;
    p->due_ms += p->ptime_ms;
    return len;
}

uint32_t player_ms(const struct player *p)
{
    return (uint32_t)(p->played * 1000 / SOUND_HZ);
}
