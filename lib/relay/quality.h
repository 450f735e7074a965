/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How good a stream is: score of each ten seconds, round trip and the party's own reports, silence, one-way audio, RFC 8083.
 * The packet thread calls it for RTCP packets and once a second for each endpoint, never for an RTP packet.
 */
#ifndef RELAY_QUALITY_H
#define RELAY_QUALITY_H

#include <stdbool.h>
#include <stdint.h>
#include "media/media_proto.h"
#include "relay/rtcp.h"

#define QUALITY_INTERVAL_MS 10000U /* of a score: what a listener remembers as one bad moment */
#define QUALITY_SILENT_MS \
    10000U /* of digital silence until it is told: no speaker pauses that long without any noise */
#define QUALITY_ONE_WAY_MS \
    5000U /* without a packet while the other side speaks: five RTCP-less seconds of a dead path */
#define QUALITY_REPORTS     3U  /* RFC 8083 §4.1, §4.2: CB_INTERVAL of reports in a row */
#define QUALITY_LOSS_FACTOR 10U /* §4.3: sending more than ten times what TCP would */

/* Of one endpoint; zeroed. */
struct quality {
    /* at the last score */
    uint64_t packets, lost, gaps;
    uint64_t scored_ms;
    uint32_t mos_sum, mos_n; /* of the intervals: the call's score is their mean */
    uint16_t mos_100, mos_min_100;

    /* the party's reports on what we send to it */
    uint32_t rtt_us, rtt_max_us, remote_lost, remote_jitter_us;
    uint32_t sr_ntp;        /* of the last SR that went to it */
    uint64_t sr_ns;         /* when */
    uint64_t report_ms;     /* when its last report came; 0: none ever */
    uint64_t report_gap_ms; /* between the last two */
    uint64_t report_sent;   /* packets sent to it by then */
    uint32_t report_ext;
    uint8_t stuck, congested; /* reports in a row */
    bool is_tripped;
    uint16_t breaker;

    uint64_t silent_since_ms, one_way_since_ms; /* 0: not */
    bool is_silent_told, is_one_way_told;
    uint32_t quiet_ms, one_way_ms;
    uint64_t looked_ms;
    uint64_t sent;          /* to it, at the last look */
    uint64_t heard_packets; /* from it, at the last look */
};

/* The stream at this moment: what quality_look is told. */
struct quality_now {
    uint64_t now_ms;
    uint64_t packets, lost, gaps; /* from the party */
    uint64_t sent;                /* to it */
    uint32_t jitter_us;
    uint8_t codec, ptime_ms;
    bool is_silent; /* its last packet had nothing to hear */
    bool may_speak; /* by agreement it sends, and its peer hears it */
    bool peer_speaks;
    bool is_own; /* it hears a stream of the relay's own: its reports are on that one */
    bool watch;  /* tell of silence and one-way audio */
};

/* What is to be told. */
struct quality_event {
    uint8_t kind; /* enum media_quality */
    uint32_t value;
};
#define QUALITY_EVENTS_MAX 4U

/** Once a second. @return how many events were put into out */
unsigned quality_look(struct quality *q, const struct quality_now *now,
                      struct quality_event out[QUALITY_EVENTS_MAX]);
/** An SR of the peer was sent on to this party: its answer tells the round trip. */
void quality_sr_sent(struct quality *q, const struct rtcp_info *sr, uint64_t now_ns);

/* A compound packet of the party, with what it may report on. */
struct quality_report {
    const struct rtcp_info *info;
    uint32_t ssrc, clock_rate; /* of the stream that it is sent; clock [Hz] */
    uint64_t sent;             /* packets of it */
    uint64_t now_ns;
};
/** The party's RTCP came. A report on another stream than ours is not believed. @return events, as quality_look */
unsigned quality_reported(struct quality *q, const struct quality_report *r,
                          struct quality_event out[QUALITY_EVENTS_MAX]);
/** Its part of the counters. */
void quality_counters(const struct quality *q, struct media_counters *out);
/** Nothing to hear: is_even, its first bytes are alike, and the codec is one that writes silence so; or comfort noise. */
bool quality_is_quiet(bool is_even, uint8_t codec);
/** Nothing to hear in this RTP payload: eight bytes alike, as G.711 writes silence; comfort noise (RFC 3389). */
bool quality_is_silence(const uint8_t *payload, uint32_t len, uint8_t codec);

#endif
