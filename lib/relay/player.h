/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a party hears instead of its peer: a sound, packet by packet, in a stream of the relay's own.
 * The control thread makes it, the party's packet thread has it from then on; it writes packets and sends none.
 */
#ifndef RELAY_PLAYER_H
#define RELAY_PLAYER_H

#include "relay/pace.h"
#include "relay/sounds.h"

#define SOUND_HZ        8000U
#define PLAYER_PTIME_MS 20U
#define PLAYER_BYTES \
    1472U /* of UDP in an Ethernet frame; a ptime that needs more is played with 20 ms */

struct endpoint;

struct player {
    struct pace pace; /* first */
    struct endpoint *ep;
    struct sound *sound; /* held */
    uint64_t due_ms;     /* of the next packet */
    uint64_t left;       /* samples until the limit; UINT64_MAX: none */
    uint64_t played;     /* samples */
    uint32_t at;         /* next sample */
    uint32_t ssrc, timestamp;
    uint16_t seq;
    uint8_t pt, codec, ptime_ms, flags; /* MEDIA_PLAY_* */
    bool is_on;
    bool is_first; /* marker */
};

/** Can the relay play to this endpoint? @return place in pt of what it would use; -EOPNOTSUPP no G.711 nor L16 of 8 kHz was agreed */
int player_pt(const struct media_ep *ep);
/**
 * @param sound  taken, also on error
 * @return 0; -EOPNOTSUPP; -ENOMEM
 */
int player_new(const struct media_play *what, const struct media_ep *ep, struct sound *sound,
               struct player **out);
/** Any thread; NULL is ignored. */
void player_free(struct player *p);
/** Go on in the stream that the party heard from old. */
void player_follow(struct player *p, const struct player *old, uint64_t now_ms);
/** First packet at once. */
void player_start(struct player *p, uint64_t now_ms);
/** The codec of the endpoint has changed. @return false: it cannot go on */
bool player_recode(struct player *p, const struct media_ep *ep);
/**
 * Write the next packet and set due_ms of the one behind it. After a stall the packets that were missed are left out.
 * @param out  PLAYER_BYTES
 * @return bytes; 0: it is at its end and off now
 */
uint32_t player_packet(struct player *p, uint64_t now_ms, uint8_t *out);
/** How long it has played. */
uint32_t player_ms(const struct player *p);

#endif
