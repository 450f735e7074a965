/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control channel between tandemd and tandem-media: fixed-size structs on a SOCK_SEQPACKET socket, host byte order.
 * media.c writes them, lib/relay checks every field of them; neither side's pointers, nor SIP or SDP, ever appear here.
 *
 * One packet carries one or more whole messages, each a multiple of 8 bytes long and at most MEDIA_PACKET_MAX together: a wake-up
 * of the other side costs 10-30 us, more than all the rest, so a loop turn's messages go in one packet and so do their replies.
 * A message that names a wrong version, length or type ends the connection; a wrong value in a request gets -EINVAL.
 */
#ifndef MEDIA_MEDIA_PROTO_H
#define MEDIA_MEDIA_PROTO_H

#include "core/addr.h"
#include "core/htab.h"
#include <assert.h>

#include <stddef.h>
#include <stdint.h>

#define MEDIA_VERSION 2

#define MEDIA_PACKET_MAX 32768U /* well under net.core.wmem_default; about 100 ordinary OPENs */
#define MEDIA_ENDPOINTS_MAX \
    16U /* of a session: two legs with 8 m-lines each, as many as lib/sip takes */
#define MEDIA_OPS_MAX \
    64U /* of a message: add every endpoint, give it keys, ICE and a player, connect it */
#define MEDIA_POOLS_MAX  64U  /* media sections of a configuration; each has tables for its ports */
#define MEDIA_POOL_ADDRS 16U  /* addresses of a pool */
#define MEDIA_NAME_MAX   64U  /* names of nodes and pools, with their NUL; longer ones are cut */
#define MEDIA_DEVICE_MAX 16U  /* IFNAMSIZ */
#define MEDIA_LIST_MAX   512U /* sessions in one LIST reply */
#define MEDIA_PTS_MAX    8U   /* payload types of an endpoint: carriers agree on three or four */
#define MEDIA_SOUNDS_MAX 1024U /* announcements and tones: ten languages of a hundred */
#define MEDIA_KEY_MAX    48U   /* AES-256-GCM: 32 bytes and a salt of 12 */
#define MEDIA_IFS_MAX    16U   /* interfaces in a RELAY reply */
#define MEDIA_INDEX_NONE UINT32_MAX
#define MEDIA_NO_PEER    0xffU

/* A session whose controller is gone lives on while it has media; then for these times. The controller may ask for others. */
#define MEDIA_ORPHAN_IDLE_MS 60000U /* without RTP: the default of media-inactivity */
#define MEDIA_ORPHAN_CAP_MS \
    14400000U /* 4 h, the default of max-duration: with RTP (both parties forgot to hang up) */
#define MEDIA_QUARANTINE_MS \
    5000U /* a port pair rests before it is used again: late packets of the last call */

enum media_type {
    MEDIA_HELLO = 1, /* first on each connection; everything else before it ends the connection */
    MEDIA_POOL,      /* one media pool; the same again changes nothing */
    MEDIA_POOLS_END, /* pools of an older generation take no new sessions */
    MEDIA_OPEN,      /* make a session, or take over one that is there */
    MEDIA_MODIFY,    /* operations on its endpoints, all or none */
    MEDIA_CLOSE,     /* end it; the reply has the final counters */
    MEDIA_QUERY,     /* counters and addresses of one session */
    MEDIA_LIST,      /* ids of the sessions this controller owns */
    MEDIA_RELAY,     /* the relay itself: totals, pools, audit */
    MEDIA_SOUND, /* samples that PLAY names; the packet bears one descriptor for each such message, in their order */
    MEDIA_SOUNDS_END, /* sounds of an older generation are forgotten when nobody hears them any more */
    MEDIA_TAKEOVER, /* of a relay to the one that runs: give me all that you have, and end; instead of HELLO */
    MEDIA_TYPE_END, /* end of requests */

    MEDIA_REPLY = 0x100, /* added to the type of the request */

    MEDIA_EV_LATCHED = 0x200, /* an endpoint's party was found at addr */
    MEDIA_EV_INACTIVE,        /* no packet for inactivity_ms; once, until ACTIVE */
    MEDIA_EV_ACTIVE,          /* packets again after INACTIVE */
    MEDIA_EV_LOST,            /* the relay itself has ended the session */
    MEDIA_EV_STATS,           /* counters, each stats_every_s of the session */
    MEDIA_EV_DTMF,    /* the party has sent a telephone-event (RFC 4733): once, at its end */
    MEDIA_EV_PLAYED,  /* what was played to the party is at its end */
    MEDIA_EV_QUALITY, /* value of enum media_quality in kind */
    MEDIA_EV_END,
};

/* Where packets of an endpoint may come from, and so where they are sent to. */
enum media_latch {
    MEDIA_LATCH_LEARN_ONCE, /* the source of the first packet after the start or after a change of the remote address */
    MEDIA_LATCH_SDP_ONLY, /* the address of the SDP, nothing else */
    MEDIA_LATCH_FOLLOW,   /* whoever sent last */
    MEDIA_LATCH_END,
};

/* Direction, seen by the relay. */
#define MEDIA_DIR_RECV 1U /* take packets from this party (and pass them to its peer) */
#define MEDIA_DIR_SEND 2U /* send the peer's packets to this party */
#define MEDIA_DIR_BOTH 3U

#define MEDIA_EP_PRIORITY 1U /* may use the priority ports too */
#define MEDIA_EP_OPAQUE   2U /* not RTP (UDPTL, unknown): no check, no loss and jitter */
#define MEDIA_EP_MUX      4U /* RTCP of this party comes and goes on its RTP port (RFC 5761) */
#define MEDIA_EP_MANY \
    8U /* several SSRCs by right (video with repair streams): no guard of the SSRC */
#define MEDIA_EP_EVENTS 16U /* tell of its telephone-events */
#define MEDIA_EP_ABSORB 32U /* its telephone-events do not go to the peer: that one gets INFO */
#define MEDIA_EP_SLOW   64U /* never into the kernel path */
#define MEDIA_EP_WATCH \
    128U /* answered, and it shall speak: watch for silence and one-way audio, and tell */
#define MEDIA_EP_FLAGS 255U

/* What a payload type is: clock, E-model parameters, whether the relay can play into it. */
enum media_codec {
    MEDIA_CODEC_UNKNOWN,
    MEDIA_CODEC_PCMU,
    MEDIA_CODEC_PCMA,
    MEDIA_CODEC_G722,
    MEDIA_CODEC_G723,
    MEDIA_CODEC_G726,
    MEDIA_CODEC_G728,
    MEDIA_CODEC_G729,
    MEDIA_CODEC_GSM,
    MEDIA_CODEC_GSM_EFR,
    MEDIA_CODEC_ILBC,
    MEDIA_CODEC_AMR,
    MEDIA_CODEC_AMR_WB,
    MEDIA_CODEC_EVS,
    MEDIA_CODEC_OPUS,
    MEDIA_CODEC_SPEEX,
    MEDIA_CODEC_L16,
    MEDIA_CODEC_CLEARMODE,
    MEDIA_CODEC_CN,    /* RFC 3389 */
    MEDIA_CODEC_EVENT, /* RFC 4733 telephone-event */
    MEDIA_CODEC_VIDEO, /* any */
    MEDIA_CODEC_END,
};

/* RFC 4568 §6.2, RFC 7714 §14.2; the names are those of SDP. */
enum media_suite {
    MEDIA_SUITE_NONE,
    MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
    MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32,
    MEDIA_SUITE_AEAD_AES_128_GCM,
    MEDIA_SUITE_AEAD_AES_256_GCM,
    MEDIA_SUITE_END,
};

/* MEDIA_EV_QUALITY: of what comes from the party, unless said otherwise. */
enum media_quality {
    MEDIA_Q_SILENCE,   /* packets, but nothing to hear for value ms */
    MEDIA_Q_SOUND,     /* again; value: how long it was silent [ms] */
    MEDIA_Q_ONE_WAY,   /* nothing comes from the party while its peer speaks to it, for value ms */
    MEDIA_Q_BOTH_WAYS, /* again */
    MEDIA_Q_BREAKER, /* RFC 8083: what we send to the party does not arrive; value: 1 RTCP timeout, 2 media timeout, 3 congestion */
    MEDIA_Q_END,
};

#define MEDIA_OPEN_ADOPT \
    1U /* the session may exist: take it over and make it as described, local ports kept */

/* First in every message. */
struct media_hdr {
    uint16_t version; /* MEDIA_VERSION */
    uint16_t type;    /* enum media_type, requests; | MEDIA_REPLY */
    uint32_t length;  /* whole message with this header; a multiple of 8 */
    uint32_t epoch;   /* of the controller: start time of its process [s] */
    uint32_t request; /* chosen by the client, never 0, echoed; 0 in events */
    uint64_t
        session; /* chosen by the controller, unique over its restarts, never 0; 0 where there is none */
    uint32_t index; /* the relay's place of the session, or MEDIA_INDEX_NONE when not known */
    int32_t status; /* replies: 0 or -errno */
};

struct media_pt {
    uint8_t type;  /* 0..127 */
    uint8_t codec; /* enum media_codec */
};

/* One leg's side of one m-line, as the controller wants it. */
struct media_ep {
    uint32_t pool;    /* media_pool_id() of its name */
    uint8_t endpoint; /* the controller's number for it in this session, 0..MEDIA_ENDPOINTS_MAX-1 */
    uint8_t family;   /* 4 or 6 */
    uint8_t flags;    /* MEDIA_EP_* */
    uint8_t latch;    /* enum media_latch */
    uint8_t direction;      /* MEDIA_DIR_* */
    uint8_t dscp;           /* 0..63, of what is sent to this party */
    uint8_t ptime_ms;       /* of its packets, as agreed; 0 = 20 */
    uint8_t n_pts;          /* of pt */
    uint32_t inactivity_ms; /* 0 = off; up to a day */
    uint32_t
        clock_rate; /* of the RTP timestamp [Hz], for jitter; 0 = by payload type (RFC 3551) or 8000 */
    struct addr local;  /* unset: any; set: exactly this address and even port (re-install) */
    struct addr remote; /* where the SDP says; unset while not known, or 0.0.0.0 */
    struct addr
        rtcp; /* a=rtcp (RFC 3605); unset = remote with port + 1, with MEDIA_EP_MUX remote */
    struct media_pt pt
        [MEDIA_PTS_MAX]; /* what was agreed for packets from and to this party; the first is the one to play; behind the last: media_event_clock() */
};

/* SRTP of one endpoint (SDES, RFC 4568): how to read what its party sends, how to write what is sent to it. */
struct media_crypto {
    uint32_t pad; /* 0 */
    uint8_t endpoint;
    uint8_t rx_suite, tx_suite; /* enum media_suite; both NONE: plain RTP from now on */
    uint8_t pad2;               /* 0 */
    uint8_t rx_key[MEDIA_KEY_MAX],
        tx_key
            [MEDIA_KEY_MAX]; /* master key and salt, the rest 0; the same again keeps its counters */
};

/* ICE-lite of one endpoint (RFC 8445 §2.5): answers checks, and takes the party from where a good one came. */
struct media_ice {
    uint32_t pad; /* 0 */
    uint8_t endpoint;
    uint8_t is_on;
    uint8_t pad2[2];
    char ufrag[16], pwd[40]; /* ours, with their NUL */
    char remote_ufrag[32];   /* the party's; empty: any */
    uint8_t pad3[8];
};

#define MEDIA_PLAY_LOOP  1U /* for ever, until STOP or limit_ms */
#define MEDIA_PLAY_TELL  2U /* MEDIA_EV_PLAYED at its end */
#define MEDIA_PLAY_FLAGS 3U

/* What the party hears instead of its peer. */
struct media_play {
    uint32_t sound; /* id */
    uint8_t endpoint;
    uint8_t flags;
    uint8_t pad[2];
    uint32_t limit_ms; /* 0: to its end, with LOOP for ever */
    uint8_t pad2[92];
};

/* A telephone-event to the party (RFC 4733), in the stream that it hears. */
struct media_dtmf {
    uint32_t duration_ms; /* 40..5000 */
    uint8_t endpoint;
    uint8_t digit;  /* 0..9, 10 *, 11 #, 12..15 A..D, 16 flash */
    uint8_t volume; /* 0..63 [-dBm0] */
    uint8_t pad[97];
};

enum media_op_kind {
    MEDIA_OP_ADD,    /* ep as described */
    MEDIA_OP_REMOVE, /* ep.endpoint: ports go into quarantine */
    MEDIA_OP_REMOTE, /* ep.remote, ep.rtcp; the learning window re-opens if they differ from what was set */
    MEDIA_OP_SET, /* ep.direction, latch, dscp, inactivity_ms, clock_rate, pt, ptime_ms, flags but PRIORITY */
    MEDIA_OP_RELEARN,    /* ep.endpoint: re-open the learning window */
    MEDIA_OP_CONNECT,    /* ep.endpoint and peer exchange packets; each leaves the peer it had */
    MEDIA_OP_DISCONNECT, /* ep.endpoint and its peer: packets are taken, counted and dropped */
    MEDIA_OP_CRYPTO,     /* crypto */
    MEDIA_OP_ICE,        /* ice */
    MEDIA_OP_PLAY,       /* play; what was played before stops */
    MEDIA_OP_STOP,       /* play.endpoint: hears its peer again */
    MEDIA_OP_DTMF,       /* dtmf */
    MEDIA_OP_END,
};

struct media_op {
    uint8_t kind; /* enum media_op_kind */
    uint8_t peer; /* CONNECT: the other endpoint */
    uint8_t pad[6];
    union { /* endpoint is at the same place in all of them */
        struct media_ep ep;
        struct media_crypto crypto;
        struct media_ice ice;
        struct media_play play;
        struct media_dtmf dtmf;
    };
};

enum media_path {
    MEDIA_PATH_SOCKETS, /* a socket for each port */
    MEDIA_PATH_STEERED, /* one socket for each thread, packets out by the interface */
    MEDIA_PATH_TC,      /* the kernel, clsact */
    MEDIA_PATH_XDP_GENERIC,
    MEDIA_PATH_XDP_NATIVE,
    MEDIA_PATH_END,
};

/** "sockets", "steered", "tc", "xdp_generic", "xdp_native": in logs, records, metrics. */
static inline const char *media_path_name(uint32_t path)
{
    static const char *const name[] = {"sockets", "steered", "tc", "xdp_generic", "xdp_native"};

    return path < MEDIA_PATH_END ? name[path] : "unknown";
}

/* What an endpoint received and sent since it was made. Loss and jitter are of what its party sent us (RFC 3550 A.3, A.8). */
struct media_counters {
    uint64_t packets;      /* RTP taken from the party (not strangers', not invalid) */
    uint64_t bytes;        /* of UDP payload */
    uint64_t sent_packets; /* RTP sent to the party */
    uint64_t sent_bytes;
    uint64_t lost;       /* expected - received, never negative */
    uint64_t reordered;  /* came after a later one */
    uint64_t duplicates; /* not in lost, not in reordered; passed on */
    uint64_t strangers;  /* from a source that may not send here: dropped */
    uint64_t invalid;    /* not RTP: dropped */
    uint64_t unsent;     /* no peer, no address, held, or no room in the socket: dropped */
    uint64_t rtcp_packets;
    uint64_t rtcp_sent;
    uint32_t jitter_us;     /* at the end */
    uint32_t jitter_max_us; /* highest */
    uint32_t ssrc;          /* last */
    uint32_t ssrc_changes;
    uint32_t silent_ms;    /* since the last packet, or since it was made */
    uint32_t gaps;         /* losses in a row count once: lost / gaps is the mean burst */
    uint64_t fast_packets; /* of packets, those that the kernel path forwarded */
    uint32_t promotions, demotions;
    uint32_t ssrc_refused; /* another SSRC while the stream speaks: dropped */
    uint32_t auth_failed;  /* SRTP: tag wrong or replayed, dropped */
    uint32_t events;       /* telephone-events */
    uint32_t rtcp_invalid; /* compound RTCP whose lengths do not fit: dropped */
    uint32_t rtt_us;       /* last, between us and the party (RFC 3550 §6.4.1); 0: not known */
    uint32_t rtt_max_us;
    uint32_t remote_lost;      /* of what we sent, as the party reports it */
    uint32_t remote_jitter_us; /* likewise, highest */
    uint32_t quiet_ms;         /* packets, but nothing to hear: in all */
    uint32_t one_way_ms;       /* nothing came while its peer spoke to it: in all */
    uint16_t mos_100;          /* 100 x MOS-CQE (G.107) of what came from the party; 0: not known */
    uint16_t mos_min_100;      /* lowest of its 10 s */
    uint16_t breaker;          /* RFC 8083: times it opened */
    uint8_t path;              /* enum media_path, now */
    uint8_t codec;             /* enum media_codec of the last packet */
};

#define MEDIA_EP_LATCHED      1U
#define MEDIA_EP_RTCP_LATCHED 2U
#define MEDIA_EP_INACTIVE     4U

/* An endpoint as it is. */
struct media_ep_state {
    uint8_t endpoint;
    uint8_t peer;         /* or MEDIA_NO_PEER */
    uint8_t state;        /* MEDIA_EP_LATCHED… */
    uint8_t payload_type; /* of the last RTP packet; 0xff = none yet */
    struct addr local;    /* RTP; RTCP is the next port */
    struct addr remote;   /* where RTP is sent to now: learned or of the SDP */
    struct addr rtcp;
    struct media_counters n;
};

struct media_hello {
    struct media_hdr hdr;
    char node[MEDIA_NAME_MAX];
    uint32_t
        worker; /* of the controller: the same epoch, node and worker again keeps its sessions */
    uint32_t orphan_idle_ms; /* 0 = MEDIA_ORPHAN_IDLE_MS; 1 s .. 1 day */
    uint32_t orphan_cap_ms;  /* 0 = MEDIA_ORPHAN_CAP_MS; 1 s .. 7 days */
    uint32_t pad;
};

struct media_hello_reply {
    struct media_hdr hdr;
    uint64_t boot;     /* drawn at the relay's start: another value means that it knows nothing */
    uint32_t sessions; /* this controller's, still there */
    uint32_t draining; /* 1: takes no new sessions */
};

#define MEDIA_POOL_SOCKETS 1U /* a socket for each port, whatever the kernel could do */
#define MEDIA_POOL_FLAGS   1U

struct media_pool {
    struct media_hdr hdr;
    uint64_t
        generation; /* of the configuration, the epoch above it; an older one than the relay has is ignored */
    uint32_t id;            /* media_pool_id(name) */
    uint32_t quarantine_ms; /* 0 = MEDIA_QUARANTINE_MS; up to 10 min */
    char name[MEDIA_NAME_MAX];
    char device[MEDIA_DEVICE_MAX];     /* SO_BINDTODEVICE; empty = none */
    uint16_t port_lo, port_hi;         /* lo even, hi odd */
    uint16_t priority_lo, priority_hi; /* 0, 0 = none; no overlap with the others */
    uint32_t n_addrs;
    uint32_t flags;                     /* MEDIA_POOL_* */
    struct addr addr[MEDIA_POOL_ADDRS]; /* port 0 */
};

struct media_pools_end {
    struct media_hdr hdr;
    uint64_t generation;
};

/* Samples to play: the descriptor is a sealed memfd of 16 bit samples, 8 kHz, one channel, at most MEDIA_SOUND_BYTES. */
#define MEDIA_SOUND_BYTES (16U << 20) /* 17 min: longer than any message that a caller hears out */
struct media_sound {
    struct media_hdr hdr;
    uint64_t generation;
    uint32_t id;      /* media_pool_id() of its name */
    uint32_t samples; /* in the descriptor */
};

struct media_sounds_end {
    struct media_hdr hdr;
    uint64_t generation;
};

enum media_takeover_step {
    MEDIA_TAKEOVER_BEGIN, /* the reply, and all descriptors: lib/relay/handed.h */
    MEDIA_TAKEOVER_READY, /* the successor has made all that can fail; the reply, of status 0: it is the relay from now on */
};

struct media_takeover {
    struct media_hdr hdr;
    uint64_t layout; /* of the journal that it can read */
    uint32_t step;   /* enum media_takeover_step */
    uint32_t pad;
};

/* OPEN (ADD, CONNECT, CRYPTO, ICE and PLAY only) and MODIFY. The reply comes when it is done: the ports that it names are open. */
struct media_session_ops {
    struct media_hdr hdr;
    uint32_t flags;         /* OPEN: MEDIA_OPEN_* */
    uint32_t stats_every_s; /* OPEN: 0 = no STATS events; 1..86400 */
    uint32_t n_ops;         /* 1..MEDIA_OPS_MAX */
    uint32_t pad;
    struct media_op op[]; /* n_ops */
};

/* CLOSE, QUERY, RELAY and the replies without content: a header alone. */

/* Reply to OPEN, MODIFY, CLOSE, QUERY; STATS event. On an error n is 0. */
struct media_session_state {
    struct media_hdr hdr;
    uint32_t n;
    uint32_t pad;
    struct media_ep_state ep[]; /* n, at most MEDIA_ENDPOINTS_MAX */
};

struct media_list {
    struct media_hdr hdr;
    uint32_t from; /* first index to look at */
    uint32_t pad;
};

struct media_list_reply {
    struct media_hdr hdr;
    uint32_t next; /* go on from here, or MEDIA_INDEX_NONE */
    uint32_t n;
    struct {
        uint64_t session;
        uint32_t index;
        uint32_t pad;
    } entry[]; /* n, at most MEDIA_LIST_MAX */
};

/* The events but STATS. */
struct media_event_msg {
    struct media_hdr hdr;
    uint8_t endpoint;
    uint8_t is_rtcp;  /* LATCHED: of the RTCP port */
    uint8_t digit;    /* DTMF: as struct media_dtmf */
    uint8_t kind;     /* QUALITY: enum media_quality */
    struct addr addr; /* LATCHED: the party */
    uint32_t reason;  /* LOST: enum media_lost */
    uint32_t
        value; /* DTMF: duration [ms]; QUALITY: see enum media_quality; PLAYED: how long [ms] */
};

enum media_lost {
    MEDIA_LOST_ORPHAN, /* its controller was gone too long */
    MEDIA_LOST_STOP,   /* the relay stops */
    MEDIA_LOST_TAKEN,  /* another controller has taken it over */
};

struct media_pool_state {
    char name[MEDIA_NAME_MAX];
    uint32_t pairs, used, quarantine; /* of ordinary ports; free = pairs - used - quarantine */
    uint32_t priority_pairs, priority_used, priority_quarantine;
    uint32_t retired; /* 1: not in the newest configuration */
    uint32_t refused; /* endpoints refused for want of a port */
};

/* Why a stream left the kernel path. Names are for operators. */
#define MEDIA_DEMOTE(X)                                                                     \
    X(CHANGE,                                                                               \
      "change") /* the controller changed something: hold, re-INVITE, keys, another peer */ \
    X(STALLED, "stalled")     /* in went up, out did not */                                 \
    X(PASSED_BY, "passed_by") /* its packets came to user space although it was promoted */ \
    X(REDIRECT, "redirect")   /* the interface drops what is redirected to it */            \
    X(HOP, "hop")             /* no route, no neighbour, interface down */                  \
    X(SSRC, "ssrc")                                                                         \
    X(EVENT, "dtmf")                                                                        \
    X(CPU, "cpu")       /* its packets come on several processors */                        \
    X(SILENT, "silent") /* nothing for a while: who comes next is looked at again */        \
    X(PLAY, "play")                                                                         \
    X(RESTART, "restart")

enum media_demote {
#define MEDIA_DEMOTE_ENUM(id, name) MEDIA_DEMOTE_##id,
    MEDIA_DEMOTE(MEDIA_DEMOTE_ENUM)
#undef MEDIA_DEMOTE_ENUM
        MEDIA_DEMOTE_N
};

#define MEDIA_WHY_MAX \
    24U /* counters of the programs in the kernel: enum why of lib/relay/bpf/relay_maps.h */

/* One interface of the kernel path. */
struct media_if {
    char name[MEDIA_DEVICE_MAX];
    uint32_t ifindex;
    uint32_t path; /* enum media_path */
    uint64_t redirect_errors;
};

/* The path through the kernel: in the RELAY reply. */
struct media_fast {
    uint64_t promoted;                                      /* streams now */
    uint64_t promotions, demotions[16], promotions_put_off; /* put off: over the rate */
    uint64_t why[MEDIA_WHY_MAX];
    uint32_t path; /* enum media_path of flows that are not promoted */
    uint32_t lines, lines_used;
    uint32_t n_ifs;
    uint32_t hops, hops_dead; /* neighbours in use, and those that do not answer */
    char reason[128];         /* why there is none, or what is missing; empty: all is well */
    struct media_if interface[MEDIA_IFS_MAX];
};

/* Reply to RELAY: the whole relay, since its start where nothing else is said. */
struct media_relay_reply {
    struct media_hdr hdr;
    uint64_t boot;
    uint64_t uptime_ms;
    uint64_t sessions;     /* now */
    uint64_t sessions_max; /* highest */
    uint64_t sessions_opened;
    uint64_t sessions_orphaned; /* now: controller gone */
    uint64_t sessions_lost;     /* ended by the relay itself */
    uint64_t endpoints;         /* now */
    uint64_t pairs_used;        /* of the ledger, now */
    uint64_t pairs_drift;       /* audit: |pairs_used - Σ endpoints of sessions|, 0 or a bug */
    uint64_t audits;            /* made */
    uint64_t packets_in, bytes_in, packets_out, bytes_out; /* RTP and RTCP */
    uint64_t strangers, invalid, unsent, send_errors;
    uint64_t overflows; /* lost by the sockets of the threads for want of room (steered) */
    uint64_t ice_answered,
        ice_refused; /* checks of parties; refused: broken, not theirs, too many */
    uint64_t refused_ports, refused_descriptors, refused_memory, refused_draining;
    uint64_t ports_stolen; /* of our range, held by another program */
    uint64_t bad_messages; /* that ended a connection */
    uint32_t descriptors, descriptors_limit;
    uint32_t controllers; /* connections now */
    uint32_t threads;
    uint32_t draining;
    uint32_t n_pools;
    struct media_fast fast;
    struct media_pool_state pool[]; /* n_pools, at most MEDIA_POOLS_MAX */
};

static_assert(sizeof(struct addr) == 20, "wire");
static_assert(sizeof(struct media_hdr) == 32, "wire");
static_assert(sizeof(struct media_ep) == 96, "wire");
static_assert(sizeof(struct media_op) == 112, "wire");
static_assert(sizeof(struct media_crypto) == 104 && sizeof(struct media_ice) == 104, "wire");
static_assert(sizeof(struct media_play) == 104 && sizeof(struct media_dtmf) == 104, "wire");
static_assert(sizeof(struct media_sound) == 48, "wire");
static_assert(sizeof(struct media_takeover) == 48, "wire");
static_assert(MEDIA_DEMOTE_N <= 16, "demotions of struct media_fast");
static_assert(sizeof(struct media_counters) == 184, "wire");
static_assert(sizeof(struct media_ep_state) == 248, "wire");
static_assert(sizeof(struct media_hello) == 112, "wire");
static_assert(sizeof(struct media_hello_reply) == 48, "wire");
static_assert(sizeof(struct media_pool) == 464, "wire");
static_assert(sizeof(struct media_pools_end) == 40, "wire");
static_assert(sizeof(struct media_session_ops) == 48, "wire");
static_assert(sizeof(struct media_session_state) == 40, "wire");
static_assert(sizeof(struct media_list) == 40, "wire");
static_assert(sizeof(struct media_list_reply) == 40, "wire");
static_assert(sizeof(struct media_event_msg) == 64, "wire");
static_assert(sizeof(struct media_pool_state) == 96, "wire");
static_assert(sizeof(struct media_relay_reply) == 1288, "wire");

/** What media_event_clock_set() has said of this type; 0: nothing. */
static inline uint32_t media_event_clock_said(const struct media_pt pt[MEDIA_PTS_MAX],
                                              unsigned n_pts, uint8_t type)
{
    for (unsigned i = n_pts; i < MEDIA_PTS_MAX; i++) {
        if (pt[i].codec && pt[i].type == type)
            return pt[i].codec * 1000U;
    }
    return 0;
}

/**
 * Clock of a telephone-event: its rtpmap's (RFC 4733 §2.1), also beside a voice of another (opus/48000).
 * Where they differ its type stands again behind the last of n_pts, with kHz in the place of a codec: whoever knows nothing of that
 * does not look there, and has the clock of the voice as before. Where all MEDIA_PTS_MAX are taken there is no room for it.
 * @param clock_rate  of the voice [Hz]; 0: 8,000
 */
static inline uint32_t media_event_clock(const struct media_pt pt[MEDIA_PTS_MAX], unsigned n_pts,
                                         uint32_t clock_rate, uint8_t type)
{
    uint32_t said = media_event_clock_said(pt, n_pts, type);

    if (said)
        return said;
    return clock_rate ? clock_rate : 8000;
}

/** Say it; what is no whole kHz cannot be said. */
static inline void media_event_clock_set(struct media_pt pt[MEDIA_PTS_MAX], unsigned n_pts,
                                         uint8_t type, uint32_t hz)
{
    if (hz == 0 || hz % 1000 || hz > 255000)
        return;
    for (unsigned i = n_pts; i < MEDIA_PTS_MAX; i++) {
        if (pt[i].codec)
            continue;
        pt[i] = (struct media_pt){.type = type, .codec = (uint8_t)(hz / 1000)};
        return;
    }
}

/** Id of a pool: 32-bit FNV-1a of its name, so that it means the same before and after a reload. The relay refuses two names with one id. */
static inline uint32_t media_pool_id(const char *name)
{
    return hash_fnv32(name);
}

#endif
