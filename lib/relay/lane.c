/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes and reads lines while the kernel forwards. fast.c calls it.
 * The program in the kernel reads while this writes: what belongs together is written before the state or flag that makes it count.
 */
#include "relay/lane.h"

#include <arpa/inet.h>
#include <string.h>

#define WINDOW 64U /* of rtp.c's seen_bits; a line's has 16 */

static void set_state(struct line *l, uint8_t state)
{
    __atomic_store_n(&l->state, state, __ATOMIC_SEQ_CST);
}

static void set_flags(struct line *l, uint8_t flags)
{
    __atomic_store_n(&l->flags, flags, __ATOMIC_SEQ_CST);
}

static uint32_t get(const uint32_t *field)
{
    return __atomic_load_n(field, __ATOMIC_RELAXED);
}

static void write_way(struct line *l, const struct lane_stream *s)
{
    l->from_port = htons(s->from->port);
    if (s->from->family == 6)
        memcpy(l->from_ip6, s->from->ip, 16);
    else
        memcpy(&l->from_ip, s->from->ip, 4);
    l->to_port = htons(s->to->port);
    l->by_port = htons(s->by->port);
    if (s->to->family == 6) {
        memcpy(l->to_ip6, s->to->ip, 16);
        memcpy(l->by_ip6, s->by->ip, 16);
    } else {
        memcpy(&l->to_ip, s->to->ip, 4);
        memcpy(&l->by_ip, s->by->ip, 4);
    }
    l->hop = s->hop;
    l->tos = (uint8_t)(s->dscp << 2);
    l->event_pt = s->event_pt;
}

static void write_stats(struct line *l, const struct rtp_stats *s)
{
    l->ssrc = s->ssrc;
    l->max_ext = s->max_ext;
    l->first_ext = s->first_ext;
    l->seen_bits = (uint16_t)s->seen_bits;
    l->transit = s->transit;
    l->timestamp = s->last_timestamp;
    l->jitter_16 = s->jitter_16;
    l->jitter_max_16 = s->jitter_max_16;
    l->jitter_top = s->jitter_max_16 > 0xffff ? 0xffff : (uint16_t)s->jitter_max_16;
    l->pt = s->payload_type;
    l->cpu = LINE_NO_CPU;
}

void lane_promote(struct line *l, const struct lane_stream *s, const struct rtp_stats *stats,
                  uint8_t khz, uint32_t last_ms)
{
    /* in between anybody may come: the relay looks, too */
    set_flags(l, (uint8_t)(l->flags & ~LINE_CHECK));
    write_way(l, s);
    write_stats(l, stats);
    l->khz = khz;
    l->last_ms = last_ms;
    set_flags(l, (uint8_t)((l->flags & (LINE_IN6 | LINE_ICE)) | LINE_CHECK | s->flags |
                           (s->to->family == 6 ? LINE_OUT6 : 0)));
    set_state(l, LINE_FAST);
}

void lane_demote(struct line *l)
{
    set_state(l, LINE_STEER);
}

void lane_look(const struct line *l, struct fast_look *out)
{
    out->packets = get(&l->packets);
    out->unsent = get(&l->unsent);
    out->other_cpu = get(&l->other_cpu);
}

void lane_prefetch(const struct line *l)
{
    __builtin_prefetch(&l->packets);
    __builtin_prefetch(&l->unsent);
}

void lane_read(const struct line *l, struct fast_mark *out)
{
    out->packets = get(&l->packets);
    out->bytes = get(&l->bytes);
    out->reordered = get(&l->reordered);
    out->duplicates = get(&l->duplicates);
    out->apart = get(&l->apart);
    out->gaps = get(&l->gaps);
    out->invalid = get(&l->invalid);
    out->ssrc_refused = get(&l->ssrc_refused);
    out->other_cpu = get(&l->other_cpu);
    out->events = get(&l->events);
    out->unsent = get(&l->unsent);
}

void lane_stats(const struct line *l, bool is_in, int32_t n, struct rtp_stats *s)
{
    uint32_t max_ext = get(&l->max_ext);
    uint32_t ahead = max_ext - s->max_ext;

    s->unique += (uint64_t)n;
    if (ahead > UINT32_MAX / 2)
        ahead = 0; /* user space has counted on, and one more was counted in the kernel */
    if (ahead) {
        s->max_ext = max_ext;
        s->seen_bits = ahead < WINDOW ? s->seen_bits << ahead : 0;
    }
    if (!is_in)
        return;
    s->seen_bits |= __atomic_load_n(&l->seen_bits, __ATOMIC_RELAXED);
    s->transit = get(&l->transit);
    s->last_timestamp = get(&l->timestamp);
    s->jitter_16 = get(&l->jitter_16);
    s->jitter_max_16 = get(&l->jitter_max_16);
    s->payload_type = l->pt & 0x7f;
}
