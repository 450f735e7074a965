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
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define MEDIA_VERSION 1

#define MEDIA_PACKET_MAX 32768U /* well under net.core.wmem_default; about 100 ordinary OPENs */
#define MEDIA_ENDPOINTS_MAX \
    16U /* of a session: two legs with 8 m-lines each, as many as lib/sip takes */
#define MEDIA_OPS_MAX    32U  /* of a message: add and connect every endpoint */
#define MEDIA_POOLS_MAX  64U  /* media sections of a configuration; each has tables for its ports */
#define MEDIA_POOL_ADDRS 16U  /* addresses of a pool */
#define MEDIA_NAME_MAX   64U  /* names of nodes and pools, with their NUL; longer ones are cut */
#define MEDIA_DEVICE_MAX 16U  /* IFNAMSIZ */
#define MEDIA_LIST_MAX   512U /* sessions in one LIST reply */
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
    MEDIA_TYPE_END,  /* end of requests */

    MEDIA_REPLY = 0x100, /* added to the type of the request */

    MEDIA_EV_LATCHED = 0x200, /* an endpoint's party was found at addr */
    MEDIA_EV_INACTIVE,        /* no packet for inactivity_ms; once, until ACTIVE */
    MEDIA_EV_ACTIVE,          /* packets again after INACTIVE */
    MEDIA_EV_LOST,            /* the relay itself has ended the session */
    MEDIA_EV_STATS,           /* counters, each stats_every_s of the session */
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
#define MEDIA_EP_FLAGS    3U

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

/* One leg's side of one m-line, as the controller wants it. */
struct media_ep {
    uint32_t pool;    /* media_pool_id() of its name */
    uint8_t endpoint; /* the controller's number for it in this session, 0..MEDIA_ENDPOINTS_MAX-1 */
    uint8_t family;   /* 4 or 6 */
    uint8_t flags;    /* MEDIA_EP_* */
    uint8_t latch;    /* enum media_latch */
    uint8_t direction;      /* MEDIA_DIR_* */
    uint8_t dscp;           /* 0..63, of what is sent to this party */
    uint16_t pad;           /* 0 */
    uint32_t inactivity_ms; /* 0 = off; up to a day */
    uint32_t
        clock_rate; /* of the RTP timestamp [Hz], for jitter; 0 = by payload type (RFC 3551) or 8000 */
    struct addr local;  /* unset: any; set: exactly this address and even port (re-install) */
    struct addr remote; /* where the SDP says; unset while not known, or 0.0.0.0 */
    struct addr rtcp;   /* a=rtcp (RFC 3605); unset = remote with port + 1 */
};

enum media_op_kind {
    MEDIA_OP_ADD,    /* ep as described */
    MEDIA_OP_REMOVE, /* ep.endpoint: ports go into quarantine */
    MEDIA_OP_REMOTE, /* ep.remote, ep.rtcp; the learning window re-opens if they differ from what was set */
    MEDIA_OP_SET,        /* ep.direction, latch, dscp, inactivity_ms, clock_rate, MEDIA_EP_OPAQUE */
    MEDIA_OP_RELEARN,    /* ep.endpoint: re-open the learning window */
    MEDIA_OP_CONNECT,    /* ep.endpoint and peer exchange packets; each leaves the peer it had */
    MEDIA_OP_DISCONNECT, /* ep.endpoint and its peer: packets are taken, counted and dropped */
    MEDIA_OP_END,
};

struct media_op {
    uint8_t kind; /* enum media_op_kind */
    uint8_t peer; /* CONNECT: the other endpoint */
    uint8_t pad[6];
    struct media_ep ep;
};

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
    uint32_t silent_ms; /* since the last packet, or since it was made */
    uint32_t pad;
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

struct media_pool {
    struct media_hdr hdr;
    uint64_t generation;    /* of the configuration; an older one than the relay has is ignored */
    uint32_t id;            /* media_pool_id(name) */
    uint32_t quarantine_ms; /* 0 = MEDIA_QUARANTINE_MS; up to 10 min */
    char name[MEDIA_NAME_MAX];
    char device[MEDIA_DEVICE_MAX];     /* SO_BINDTODEVICE; empty = none */
    uint16_t port_lo, port_hi;         /* lo even, hi odd */
    uint16_t priority_lo, priority_hi; /* 0, 0 = none; no overlap with the others */
    uint32_t n_addrs;
    uint32_t pad;
    struct addr addr[MEDIA_POOL_ADDRS]; /* port 0 */
};

struct media_pools_end {
    struct media_hdr hdr;
    uint64_t generation;
};

/* OPEN (ADD and CONNECT only) and MODIFY. */
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
    uint8_t is_rtcp; /* LATCHED: of the RTCP port */
    uint16_t pad;
    struct addr addr; /* LATCHED: the party */
    uint32_t reason;  /* LOST: enum media_lost */
    uint32_t pad2;
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
    uint64_t refused_ports, refused_descriptors, refused_memory, refused_draining;
    uint64_t ports_stolen; /* of our range, held by another program */
    uint64_t bad_messages; /* that ended a connection */
    uint32_t descriptors, descriptors_limit;
    uint32_t controllers; /* connections now */
    uint32_t threads;
    uint32_t draining;
    uint32_t n_pools;
    struct media_pool_state pool[]; /* n_pools, at most MEDIA_POOLS_MAX */
};

static_assert(sizeof(struct addr) == 20, "wire");
static_assert(sizeof(struct media_hdr) == 32, "wire");
static_assert(sizeof(struct media_ep) == 80, "wire");
static_assert(sizeof(struct media_op) == 88, "wire");
static_assert(sizeof(struct media_counters) == 120, "wire");
static_assert(sizeof(struct media_ep_state) == 184, "wire");
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
static_assert(sizeof(struct media_relay_reply) == 256, "wire");

/** Id of a pool: 32-bit FNV-1a of its name, so that it means the same before and after a reload. The relay refuses two names with one id. */
static inline uint32_t media_pool_id(const char *name)
{
    uint32_t h = 2166136261U;

    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 16777619U;
    return h;
}

#endif
