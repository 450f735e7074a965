/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line while the kernel forwards its stream: what is told before, and how what was counted is read.
 * fast.c calls it, on the packet thread that has the flow. It decides nothing and knows no endpoint.
 */
#ifndef RELAY_LANE_H
#define RELAY_LANE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/addr.h"
#include "relay/bpf/relay_maps.h"
#include "relay/fast.h"
#include "relay/rtp.h"

/* What a stream is in the kernel. */
struct lane_stream {
    const struct addr *from; /* its party: whoever else sends is dropped */
    const struct addr *to;   /* the peer's */
    const struct addr *by;   /* our port towards that */
    uint16_t hop;
    uint8_t dscp;
    uint8_t event_pt; /* 0xff: none */
    uint8_t flags;    /* LINE_MUX, LINE_MANY */
};

/** From now on the kernel forwards; stats go on in the line. clock_rate in kHz. */
void lane_promote(struct line *l, const struct lane_stream *s, const struct rtp_stats *stats,
                  uint8_t khz, uint32_t last_ms);
void lane_demote(struct line *l);
/** For the watchdog alone: two cache lines, which it may ask for beforehand. */
void lane_look(const struct line *l, struct fast_look *out);
void lane_prefetch(const struct line *l);
/** Counters now, of one packet or the next. */
void lane_read(const struct line *l, struct fast_mark *out);
/** Sequence and jitter as the kernel has counted them, with n packets more in the sequence. is_in: the line is or was LINE_FAST until now */
void lane_stats(const struct line *l, bool is_in, int32_t n, struct rtp_stats *s);

#endif
