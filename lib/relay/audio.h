/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Players and telephone-events on the packet path: what a party hears instead of its peer's packets, which of its own are taken out.
 * flow.c and thread.c call it, the latter for what the control thread asked; samples and RFC 4733 are player.c's and event.c's.
 */
#ifndef RELAY_AUDIO_H
#define RELAY_AUDIO_H

#include "relay/dtmf.h"
#include "relay/flow.h"
#include "relay/player.h"

/** The stream to this party, and the one from it, must pass through user space. */
static inline bool audio_needs_to_hear(const struct endpoint *e)
{
    return e->player && e->player->is_on;
}

static inline bool audio_is_busy(const struct endpoint *e)
{
    return audio_needs_to_hear(e) ||
           (e->dtmf && (e->dtmf->n_queue > 0 || dtmf_is_cutting(e->dtmf) || e->dtmf->rx_on));
}

/** An RTP packet of e's party, checked and counted. @return false: it does not go to the peer */
bool audio_input(struct flow_ctx *c, struct endpoint *e, struct io_packet *p,
                 const struct rtp_header *h);
/** An RTP packet on its way to e's party. @return false: that one hears something else */
bool audio_output(struct flow_ctx *c, struct endpoint *e, struct io_packet *p);

/** MEDIA_OP_PLAY. p is taken. */
void audio_play(struct flow_ctx *c, struct endpoint *e, struct player *p);
/** MEDIA_OP_STOP */
void audio_stop(struct flow_ctx *c, struct endpoint *e);
/** MEDIA_OP_DTMF */
void audio_dtmf(struct flow_ctx *c, struct endpoint *e, const struct media_dtmf *d);
/** The endpoint's options have changed. ev: for one that has none yet and may need it; taken; may be NULL. */
void audio_set(struct flow_ctx *c, struct endpoint *e, const struct media_ep *want,
               struct dtmf *ev);
/** It goes: nothing is due for it any more. */
void audio_gone(struct flow_ctx *c, struct endpoint *e);
/** Its memory. */
void audio_free(struct endpoint *e);
/** The payload type of telephone-events to an endpoint: of several the one with the clock of the voice. @return -1 none was agreed */
int audio_event_pt(const struct media_ep *ep);
/** Its clock [Hz]. */
uint32_t audio_event_clock(const struct media_ep *ep, uint8_t pt);

#endif
