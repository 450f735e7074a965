/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An endpoint as the packet path has it: two ports, who may send, where it goes, what was counted; and the steps of a packet.
 * Made by the control thread (session.c), then touched by its packet thread alone until that hands it back.
 */
#ifndef RELAY_FLOW_H
#define RELAY_FLOW_H

#include <stdatomic.h>
#include <sys/queue.h>
#include "media/media_proto.h"
#include "relay/fast.h"
#include "relay/io.h"
#include "relay/latch.h"
#include "relay/ports.h"
#include "relay/quality.h"
#include "relay/rtp.h"
#include "relay/secure.h"

struct dtmf;
struct endpoint;
struct ice;
struct paces;
struct player;
struct session;

/*
 * The 200 and the order to connect travel at the same time: a party that speaks within a millisecond of hearing the answer
 * would lose its first packet. The newest RTP packet that has nowhere to go yet is kept, for two packet times; an older one is
 * early media of nobody's interest.
 */
#define FLOW_HOLD_MS    40U
#define FLOW_HOLD_BYTES 256U /* G.711 of 30 ms; a longer packet is not kept */

/*
 * Packets a second that one endpoint passes on, RTP and RTCP: high above video of 4K. Two parties that name our own ports to us, each the
 * other leg's, would have one packet go round for ever at the speed of a processor; in the second that is full, it dies.
 */
#define FLOW_RATE 10000U

/* One port. */
struct flow {
    struct endpoint *ep;
    int fd; /* per-port form; else -1 */
    bool is_rtcp;
    struct addr local; /* of ours: where packets come in, and their source when they go out */
    struct latch latch;
    /* steered */
    struct line *line;     /* in the kernel's table; NULL: it has a descriptor */
    bool is_line_narrow;   /* its LINE_CHECK is set */
    uint32_t ifindex;      /* of its pool's device, 0: by the route */
    struct addr hop_dst;   /* where hop leads to */
    uint16_t hop;          /* HOP_NONE: not known */
    uint64_t hop_again_ms; /* not asked for before */
};

struct endpoint {
    /* the packet thread's */
    struct flow rtp, rtcp;
    struct session *session;
    _Atomic uint64_t
        *session_seen_ms;  /* the control thread looks at it when the controller is gone */
    struct endpoint *peer; /* NULL: nobody */
    uint8_t number;
    uint8_t direction;
    uint8_t dscp;
    uint8_t flags; /* MEDIA_EP_* */
    uint8_t ptime_ms;
    uint8_t n_pts;
    struct media_pt pt[MEDIA_PTS_MAX];
    struct player *player; /* NULL: nothing was ever played to the party; see audio.h */
    struct dtmf *dtmf;     /* NULL: no telephone-events agreed */
    bool is_opaque;
    bool is_inactive;          /* told so */
    struct secure *secure;     /* NULL: RTP in clear */
    struct secure_place place; /* of it, at the last look: for a relay that takes it up again */
    struct ice *ice;           /* NULL: STUN is nobody's business */
    uint32_t inactivity_ms;
    uint64_t seen_ms; /* last RTP packet, or when made or resumed */
    uint64_t due_ms;  /* when the wheel looks at it */
    LIST_ENTRY(endpoint) wheel;
    bool is_on_wheel;
    uint64_t
        told_ms; /* last LATCHED event: with `follow` two senders could make one for each packet */
    struct rtp_stats stats;
    struct quality quality;
    LIST_ENTRY(endpoint) tour;
    bool is_silent; /* the last RTP packet had nothing to hear */
    struct fast fast;
    struct media_counters n; /* those that are simply counted */
    uint64_t rate_ms;        /* when the second began in which rate_n packets came */
    uint32_t rate_n;
    uint64_t held_ms; /* when the packet in held came; 0: none */
    uint32_t held_len;
    uint8_t held[FLOW_HOLD_BYTES];

    /* the control thread's */
    struct media_ep want; /* as last asked for */
    struct port_lease lease;
    uint8_t ctl_peer;     /* number, or MEDIA_NO_PEER */
    bool has_dtmf;        /* the packet thread has one, or has it in a job */
    bool is_resumed;      /* made by a former process: its lines in the kernel go on as they are */
    uint16_t held_hop[2]; /* of rtp and rtcp; HOP_NONE: none */
};

/* Of one packet thread; written by it, read by the control thread. */
struct flow_totals {
    _Atomic uint64_t packets_in, bytes_in, packets_out, bytes_out;
    _Atomic uint64_t strangers, invalid, unsent, send_errors, events_lost;
    _Atomic uint64_t overflows; /* lost by the threads' sockets for want of room */
    _Atomic uint64_t ice_answered, ice_refused;
};

static inline void total_add(_Atomic uint64_t *v, uint64_t n)
{
    atomic_store_explicit(v, atomic_load_explicit(v, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* What the packet path needs of its thread. */
struct flow_ctx {
    const struct relay_io *io;
    struct io_thread *io_thread;
    struct flow_totals *totals;
    uint64_t now_ms; /* of this turn */
    uint64_t now_ns; /* of this batch */
    struct fast_thread fast;
    /** An endpoint's party was found (is_rtcp: its RTCP), or it is active again. */
    void (*on_latched)(struct flow_ctx *, struct flow *);
    void (*on_active)(struct flow_ctx *, struct endpoint *);
    /** The party has sent a digit; what was played to it is at its end. */
    void (*on_digit)(struct flow_ctx *, struct endpoint *, uint8_t digit, uint32_t duration_ms);
    void (*on_played)(struct flow_ctx *, struct endpoint *, uint32_t played_ms);
    struct paces *paces;
    /** Something to tell of its quality. */
    void (*on_quality)(struct flow_ctx *, struct endpoint *, const struct quality_event *);
    /* flow.c's: on their way out until flow_flush */
    unsigned n_out;
    struct io_out out[IO_BATCH];
    struct io_batch own; /* buffers of packets that did not come in */
};

/** Every packet of a batch through its steps: checked, counted and sent on. */
void flow_input(struct flow_ctx *c, struct io_batch *b);
/** To the peer, if there is one to hear it. */
void flow_forward(struct flow_ctx *c, struct io_packet *p);
/** An empty packet of the relay's own: fill in data, len and kind, and put it before asking for the next. Never NULL */
struct io_packet *flow_packet(struct flow_ctx *c);
/** Out by a flow's port, with the others at the next flush. dst NULL: to its party, which must be known; else it is borrowed until then */
void flow_put(struct flow_ctx *c, struct io_packet *p, struct flow *to, const struct addr *dst);
/** Once a second for each endpoint: its quality. */
void flow_look(struct flow_ctx *c, struct endpoint *e);
/** What a payload type is by agreement, or by its number (RFC 3551 §6). */
uint8_t flow_codec(const struct endpoint *e, uint8_t payload_type);
/** Send what was put, and count it. */
void flow_flush(struct flow_ctx *c);

/** Operations of the control thread; each concerns the packet path's fields only. */
void flow_set_remote(struct endpoint *e, const struct media_ep *want, uint64_t now_ms);
void flow_set_options(struct endpoint *e, const struct media_ep *want, uint64_t now_ms);
void flow_relearn(struct endpoint *e, uint64_t now_ms);
void flow_connect(struct endpoint *a, struct endpoint *b);
/** After a change: send what e or its peer holds, if it has somewhere to go now. */
void flow_release(struct flow_ctx *c, struct endpoint *e);
void flow_disconnect(struct endpoint *a);
/** The RTCP address: as told, or the port above the RTP address (RFC 3550 §11), or with RTCP on its port that (RFC 5761 §5.1.1). */
struct addr flow_rtcp_remote(const struct media_ep *want);
/** Addresses and counters now. */
void flow_state(const struct flow_ctx *c, const struct endpoint *e, struct media_ep_state *out);

#endif
