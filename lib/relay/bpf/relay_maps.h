/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the programs in the kernel and the relay share: lines of flows, next hops, ranges of ports, counters. Sizes are asserted.
 * bpf/relay.bpf.c and lib/relay/kernel.c include it, after <linux/types.h>; it includes nothing, for both sides must see the same.
 *
 * One writer a field: `told` fields are the relay's, `counted` fields the program's while the line is LINE_FAST and the relay's
 * before and after that. Addresses and ports are in network byte order, everything else in the machine's.
 */
#ifndef RELAY_BPF_RELAY_MAPS_H
#define RELAY_BPF_RELAY_MAPS_H

/* Counted up with every change of what is below: a relay and pinned maps of different numbers have nothing to say to each other. */
#define MAPS_VERSION 2U

#define MAPS_DIR \
    "/run/tandem-bpf" /* pins; a bpffs of its own: systemd's /sys/fs/bpf is for root alone, and the relay is not root */
#define RANGES_MAX \
    64U /* addresses with media ports; power of 2, four times the 16 of a pool, at most half full */
#define RANGES_PROBES \
    8U /* places looked at for an address: the relay puts it in one of them or has none */
#define HOPS_MAX \
    65536U /* far addresses: 32,768 calls with two parties each, all at different ones; hop 0 is none; 2 MiB */
#define THREADS_MAX_BPF 64U     /* sockets of I/O threads, IPv4, and behind them IPv6 */
#define LINES_DEFAULT   131072U /* ports: 32,768 calls of two legs with RTP and RTCP each; 24 MiB */
#define LINES_MAX       2097152U /* 16 addresses with all of their ports, twice: 384 MiB */
#define CPUS_MAX        256U     /* of the counters; processors beyond share theirs */
#define SPEAKS_MS \
    60U /* a stream heard so lately is not replaced by another SSRC: three packets of 20 ms */
#define JUMP_AHEAD \
    3000U /* RFC 3550 A.1, MAX_DROPOUT: more is another stream, for the relay to judge */
#define JUMP_BACK 100U /* A.1, MAX_MISORDER */

enum line_state {
    LINE_OFF,   /* nobody's: not ours to take */
    LINE_STEER, /* to the relay's thread: sk_lookup */
    LINE_FAST,  /* forwarded here */
};

/* line.flags, told */
#define LINE_IN6  1U /* this party speaks IPv6 with us: lookup by the second cache line */
#define LINE_OUT6 2U /* the other party does */
#define LINE_CHECK \
    4U /* the source is known: whoever else sends here is dropped, also in LINE_STEER */
#define LINE_OPAQUE 8U   /* not RTP: no header to check, nothing but packets and bytes to count */
#define LINE_RTCP   16U  /* an RTCP port: never LINE_FAST */
#define LINE_MUX    32U  /* RTP and RTCP on one port (RFC 5761): RTCP goes to the relay */
#define LINE_MANY   64U  /* several SSRCs by right (video): no guard of the SSRC */
#define LINE_ICE    128U /* STUN goes to the relay, from whomever */

#define LINE_QUIET \
    0x80U /* in line.pt: the packet's first eight bytes of payload are alike, as G.711 has silence */

/*
 * One port of ours, by what comes in there. Three cache lines: an IPv4 packet of a stream touches the first alone, one of IPv6 the
 * second too, whatever is out of the ordinary the third.
 */
struct line {
    /* told */
    __u8 state;  /* enum line_state; written last when it is switched on, first when off */
    __u8 flags;  /* LINE_* */
    __u8 thread; /* of the relay, that has the flow */
    __u8 tos;    /* DSCP << 2, of what goes out */
    __u8 khz;    /* RTP clock [kHz] for jitter: 8, 16, 48, 90 */
    __u8
        event_pt; /* telephone-event (RFC 4733): counted here, forwarded by the relay; 0xff: none */
    __u8 pt;      /* counted: payload type of the last packet; LINE_QUIET */
    __u8
        cpu; /* counted: processor of the first packet since LINE_FAST (its low byte); told as LINE_NO_CPU */
    __u16 from_port;             /* where packets must come from */
    __u16 to_port;               /* where they go */
    __u16 by_port;               /* our port there: their new source */
    __u16 hop;                   /* index of struct hop; 0: none, to the relay */
    __u32 from_ip, to_ip, by_ip; /* where IPv4 */
    /* counted */
    __u32 packets;   /* RTP taken, valid; wraps, the relay reads it often */
    __u32 bytes;     /* of UDP payload; wraps */
    __u32 timestamp; /* of the last packet of its type */
    __u32 ssrc;
    __u32 max_ext;   /* highest extended sequence number (RFC 3550 A.1) */
    __u32 transit;   /* RTP timestamp units */
    __u32 jitter_16; /* 16 times the jitter (A.8) */
    __u32 last_ms;   /* CLOCK_MONOTONIC [ms], low 32 bits; of the last packet */
    __u16 seen_bits; /* bit n: max_ext - n has come */
    __u16
        jitter_top; /* jitter_max_16, at most 0xffff: what is not above it leaves the third line alone */

    /* second: told; where LINE_IN6, LINE_OUT6 */
    __u8 from_ip6[16], to_ip6[16], by_ip6[16];
    __u8 pad[16];

    /* third: counted */
    __u32 reordered, duplicates;
    __u32
        apart; /* packets outside the sequence from first_ext on: before it, or another SSRC by right */
    __u32 gaps; /* losses in a row counted once */
    __u32 jitter_max_16;
    __u32 strangers;    /* dropped: another source, also while LINE_STEER */
    __u32 invalid;      /* dropped: not RTP */
    __u32 ssrc_refused; /* dropped: a second SSRC while the first speaks */
    __u32 other_cpu;    /* packets on another processor than cpu: its counters may have lost some */
    __u32 to_user;   /* packets of it that went to the relay while LINE_FAST; events are counted */
    __u32 events;    /* of packets: telephone-events, which the relay forwards */
    __u32 unsent;    /* of packets: no room for the other header */
    __u32 first_ext; /* told at promotion: extended number from which max_ext counts */
    __u32 pad3[3];
};

#define LINE_NO_CPU 0xffU

/* Packets handed to the interface of the next hop since packets, events and unsent were 0. */
static inline __u32 line_sent(const struct line *l)
{
    return l->packets - l->events - l->unsent;
}

/*
 * The next hop of a far address, so that a change of route or neighbour is seen by all lines that go there. Half a cache line, never
 * across two.
 */
struct hop {
    __u32
        ifindex; /* of the device that XDP and AF_PACKET know: below a VLAN device; 0: not usable now */
    __u16 mtu;  /* of IP */
    __u16 vlan; /* TCI, network byte order, 0: untagged */
    __u8 dmac[6], smac[6];
    __u32 serial; /* odd while it is written */
    __u32 flags;  /* HOP_* */
    __u32 owner;  /* of the index: a number of the relay that gave it out; 0: nobody */
};

/* An address of ours and ports on it that are lines; an address may have several. In a table of RANGES_MAX, at range_slot() and behind. */
struct range {
    __u8 ip[16]; /* IPv4 in the first four, the rest 0 */
    __u8 family; /* 4, 6; 0: empty */
    __u8
        is_own; /* the kernel gives these ports to nobody else: what comes to a LINE_OFF is dropped */
    __u16 lo, hi; /* ports, machine's byte order */
    __u16 pad;
    __u32 base; /* its first line; see range_line() */
    __u32 pad2;
};

/* What became of packets, by processor and this index. Names are for operators. */
#define MAPS_WHY(X)                                                                        \
    X(FAST, "fast", "forwarded in the kernel")                                             \
    X(STEER, "to_relay", "of flows that the relay forwards")                               \
    X(FRAGMENT, "fragment", "IP fragments, to the IP stack")                               \
    X(OPTIONS, "ip_options", "IP options or extension headers, to the IP stack")           \
    X(RTCP, "rtcp", "RTCP on a port with RTP, to the relay")                               \
    X(EVENT, "dtmf", "telephone-events, to the relay")                                     \
    X(HOP, "no_hop", "no next hop known, to the relay")                                    \
    X(LONG, "too_long", "longer than the next hop takes, to the relay")                    \
    X(SSRC, "ssrc_change", "a new SSRC, to the relay")                                     \
    X(JUMP, "jump", "a sequence number far off, to the relay")                             \
    X(SUM, "no_checksum", "of IPv4 without UDP checksum, too long, to IPv6, to the relay") \
    X(STRANGER, "stranger", "dropped: from a source that may not send there")              \
    X(INVALID, "invalid", "dropped: not RTP, or its length or checksum wrong")             \
    X(SSRC_REFUSED, "ssrc_refused", "dropped: another SSRC while the stream speaks")       \
    X(CLOSED, "closed", "dropped: a media port that nobody uses")                          \
    X(REDIRECT, "redirect_failed", "dropped: the interface did not take it")

enum why {
#define MAPS_WHY_ENUM(id, name, text) WHY_##id,
    MAPS_WHY(MAPS_WHY_ENUM)
#undef MAPS_WHY_ENUM
        WHY_N
};

#define HOP_NONE 0U
#define HOP_NO_XDP \
    1U /* a device to which XDP cannot redirect (a bridge): TC and AF_PACKET can send there */

/* Of one processor, in an array of CPUS_MAX. */
struct why_counts {
    __u64 n[24]; /* enum why */
};

/* An interface that the programs are attached to: written by the set-up, in an array of IFS_MAX; ifindex 0: no more. */
#define IFS_MAX 16U /* MEDIA_IFS_MAX */
struct maps_if {
    __u32 ifindex;
    __u32 path; /* enum media_path: TC, XDP_GENERIC, XDP_NATIVE */
    char name[16];
};

/* Frames that an interface did not take from a redirect: a hash by ifindex. */
#define TXERR_MAX   64U
#define TXERR_NETNS 0U /* no ifindex: the inode of the relay's network namespace, told by it */

/* A map of one entry: who made the maps. */
struct maps_about {
    __u32 version; /* MAPS_VERSION */
    __u32 lines;   /* of the map */
    __u32 threads; /* sockets that sk_lookup may choose from */
    __u32 pad;
    __u64 boot; /* of the relay that owns the lines now; 0: none yet */
};

/*
 * The line of a port in [lo, hi]. Ports of RTP (lo, lo + 2, …) are together, and those of RTCP behind them, which no packet in the
 * kernel's path asks for: half the pages, and every set of a cache instead of each second.
 */
static inline __u32 range_line(const struct range *r, __u16 port)
{
    __u32 at = (__u32)port - r->lo;
    __u32 half = ((__u32)r->hi - r->lo + 2) / 2;

    return r->base + (at >> 1) + (at & 1 ? half : 0);
}

static inline __u32 range_slot4(__u32 ip)
{
    return (ip * 0x9E3779B1U) >> 26; /* 64 places */
}

static inline __u32 range_slot6(const __u32 ip[4])
{
    return range_slot4(ip[0] ^ ip[1] * 3U ^ ip[2] * 5U ^ ip[3] * 7U);
}

_Static_assert(sizeof(struct line) == 192, "three cache lines");
_Static_assert(__builtin_offsetof(struct line, from_ip6) == 64, "second cache line");
_Static_assert(__builtin_offsetof(struct line, reordered) == 128, "third cache line");
_Static_assert(sizeof(struct hop) == 32, "shared");
_Static_assert(sizeof(struct maps_if) == 24, "shared");
_Static_assert(WHY_N <= 24, "struct why_counts");
_Static_assert(sizeof(struct range) == 32, "shared");
_Static_assert(sizeof(struct maps_about) == 24, "shared");

#endif
