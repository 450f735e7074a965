/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RTP of each call side: sends every 20 ms, judges what arrives, adds it up at the end.
 * Called by the main loop (time, packets) and probe_log.c (start, stop).
 * Must not know where the relay is but from the SDP: that is what it checks.
 */
#include "probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STREAM_MAGIC 0x54645072u

/* Behind the 12-byte RTP header; numbers in network order where the packet may be looked at. */
struct stream_tag {
    uint32_t magic, run, port, serial, key, seq;
    uint64_t sent_us;
    uint8_t side, pad[7];
};

static uint32_t stream_key(const char *text)
{
    uint32_t key = 0;

    /* the last digits: the switch may translate a prefix */
    for (size_t n = strlen(text), i = n > 7 ? n - 7 : 0; i < n; i++)
        if (text[i] >= '0' && text[i] <= '9')
            key = key * 10 + (uint32_t)(text[i] - '0');
    return key;
}

/*
 * A stream keeps its phase, so that none waits for another. Phases are dealt out evenly (7 and 20 have no common
 * divisor): SIPp starts calls on the beat, and all of them in one phase would be a burst that no carrier sends.
 */
static void stream_queue(struct probe *p, struct probe_port *s)
{
    struct probe_port **slot = &p->slot[s->serial * 7 % p->interval_ms];

    s->next = *slot;
    *slot = s;
    s->is_queued = true;
}

static void stream_end(struct probe *p, struct probe_port *s)
{
    if (s->is_ending)
        return;
    s->is_ending = true;
    s->end_us = p->now_us + PROBE_LINGER_US;
    s->end_next = NULL;
    *p->end_tail = s;
    p->end_tail = &s->end_next;
}

static struct sockaddr_storage rtcp_addr(const struct sockaddr_storage *rtp)
{
    struct sockaddr_storage a = *rtp;

    if (a.ss_family == AF_INET6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;

        v6->sin6_port = htons((uint16_t)(ntohs(v6->sin6_port) + 1));
    } else {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&a;

        v4->sin_port = htons((uint16_t)(ntohs(v4->sin_port) + 1));
    }
    return a;
}

void probe_start(struct probe *p, const struct probe_start *start)
{
    struct probe_port *s = start->port;

    if (s->is_active || s->is_queued) { /* the pool is too small for the calls that stand */
        p->reused++;
        return;
    }
    s->is_active = true;
    s->is_ending = false;
    s->side = (uint8_t)start->side;
    s->serial = ++p->serial;
    s->key = stream_key(start->key);
    s->seq = 0;
    s->ssrc = p->run ^ (s->serial * 2654435761u);
    s->remote = start->remote;
    s->remote_rtcp = rtcp_addr(&start->remote);
    s->stop_us = p->now_us + p->talk_us;
    s->next_sr_us = p->now_us + 500000; /* half of the least interval that §6.2 starts with */
    p->dir[s->side].streams++;
    if (++p->active > p->active_max)
        p->active_max = p->active;
    stream_queue(p, s);
}

void probe_stop(struct probe *p, struct probe_port *s)
{
    if (!s->is_active)
        return;
    if (s->is_queued) { /* the call ended before the talk time: loss of the last packet is its due */
        p->early_stops++;
        s->stop_us = p->now_us;
    }
    stream_end(p, s);
}

static void put16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
    put16(at, v >> 16);
    put16(at + 2, v);
}

static socklen_t addr_len(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static void send_rtp(struct probe *p, struct probe_port *s)
{
    uint8_t buf[12 + PROBE_PAYLOAD];
    struct stream_tag tag = {.magic = STREAM_MAGIC,
                             .run = p->run,
                             .port = s->idx,
                             .serial = s->serial,
                             .key = s->key,
                             .seq = s->seq,
                             .sent_us = p->now_us,
                             .side = s->side};

    memset(buf, 0xff, sizeof buf); /* silence in PCMU */
    buf[0] = 0x80;
    buf[1] = s->seq ? 0 : 0x80; /* marker on the first packet: RFC 3551 §4.1 */
    put16(buf + 2, (s->ssrc >> 8) + s->seq);
    put32(buf + 4, s->seq * 8 * p->interval_ms);
    put32(buf + 8, s->ssrc);
    memcpy(buf + 12, &tag, sizeof tag);
    s->seq++;
    if (sendto(s->rtp, buf, sizeof buf, 0, (struct sockaddr *)&s->remote, addr_len(&s->remote)) < 0)
        p->send_errors++;
    else
        p->dir[s->side].sent++;
}

/* RFC 3550 §6.4.1: a sender report without blocks. */
static void send_rtcp(struct probe *p, struct probe_port *s)
{
    uint8_t buf[28] = {0x80, 200, 0, 6};

    put32(buf + 4, s->ssrc);
    put32(buf + 8, (uint32_t)(p->now_us / 1000000));
    put32(buf + 16, s->seq * 8 * p->interval_ms);
    put32(buf + 20, s->seq);
    put32(buf + 24, s->seq * 8 * p->interval_ms);
    if (sendto(s->rtcp, buf, sizeof buf, 0, (struct sockaddr *)&s->remote_rtcp,
               addr_len(&s->remote_rtcp)) >= 0)
        p->dir[s->side].rtcp_sent++;
    s->next_sr_us += 2000000; /* oftener than §6.2 asks: calls are short here */
}

static void send_slot(struct probe *p, uint64_t tick)
{
    struct probe_port **at = &p->slot[tick % p->interval_ms];

    if (*at && p->now_us - tick * 1000 > p->late_max_us)
        p->late_max_us = p->now_us - tick * 1000;
    while (*at) {
        struct probe_port *s = *at;

        probe_clock(p);
        if (p->now_us >= s->stop_us) {
            *at = s->next;
            s->is_queued = false;
            continue;
        }
        send_rtp(p, s);
        if (p->now_us >= s->next_sr_us)
            send_rtcp(p, s);
        at = &s->next;
    }
}

void probe_send_due(struct probe *p)
{
    while (p->tick < p->now_us / 1000)
        send_slot(p, ++p->tick);
}

/* Sequence: a window of 64 tells doubles from late ones. */
static void rx_sequence(struct probe_rx *rx, uint32_t seq)
{
    uint32_t back;

    if (seq >= rx->next) {
        uint32_t step = seq - rx->next + 1;

        rx->window = step < 64 ? rx->window << step | 1 : 1;
        rx->next = seq + 1;
        return;
    }
    back = rx->next - 1 - seq;
    if (back < 64 && !(rx->window >> back & 1)) {
        rx->window |= UINT64_C(1) << back;
        rx->reordered++;
    } else {
        rx->dup++;
    }
}

static void rx_times(struct probe *p, struct probe_rx *rx, const struct stream_tag *tag)
{
    uint64_t gap = p->now_us - rx->last_us;
    uint64_t most = (uint64_t)PROBE_GAP * p->interval_ms * 1000;

    hist_add(&p->dir[tag->side].delay, p->now_us - tag->sent_us);
    if (rx->packets > 1 && tag->seq == rx->next) {
        if (gap > rx->gap_max_us)
            rx->gap_max_us = gap;
        if (gap > most) {
            if (tag->sent_us - rx->last_sent_us > most)
                rx->own_gaps++; /* the probe itself was held up */
            else
                rx->gaps++;
        }
    }
    rx->last_us = p->now_us;
    rx->last_sent_us = tag->sent_us;
}

static void rx_rtp(struct probe *p, struct probe_port *at, const uint8_t *buf, size_t len,
                   const struct sockaddr_storage *from)
{
    struct probe_rx *rx = &at->rx;
    struct stream_tag tag;

    if (len != 12 + PROBE_PAYLOAD) {
        rx->foreign++;
        return;
    }
    memcpy(&tag, buf + 12, sizeof tag);
    if (tag.magic != STREAM_MAGIC || tag.run != p->run || tag.side > PROBE_UAS) {
        rx->foreign++;
        return;
    }
    if (!rx->packets) {
        rx->first = *from;
        rx->peer_port = tag.port;
        rx->peer_serial = tag.serial;
        rx->peer_key = tag.key;
        rx->peer_side = tag.side;
    }
    if (tag.port != rx->peer_port || tag.serial != rx->peer_serial) {
        rx->foreign++; /* a second stream in one call: somebody else's voice */
        return;
    }
    rx->packets++;
    if (probe_addr_equal(from, &rx->first))
        rx->from_first++;
    rx_times(p, rx, &tag);
    rx_sequence(rx, tag.seq);
}

static void rx_rtcp(struct probe_port *at, const uint8_t *buf, size_t len,
                    const struct sockaddr_storage *from)
{
    if (len < 8 || buf[1] < 200 || buf[1] > 204) { /* RFC 5761 §4: the RTCP types */
        at->rx.foreign++;
        return;
    }
    if (!at->rx.rtcp++)
        at->rx.rtcp_from = *from;
    else if (!probe_addr_equal(from, &at->rx.rtcp_from))
        at->rx.rtcp_wrong++;
}

bool probe_receive(struct probe *p, struct probe_port *port, bool is_rtcp)
{
    struct sockaddr_storage from;
    uint8_t buf[1500];

    /* 16: more cannot be waiting but after a stall; then the others have their turn */
    for (int i = 0; i < 16; i++) {
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(is_rtcp ? port->rtcp : port->rtp, buf, sizeof buf, 0,
                             (struct sockaddr *)&from, &len);

        if (n < 0)
            return false;
        if (is_rtcp)
            rx_rtcp(port, buf, (size_t)n, &from);
        else
            rx_rtp(p, port, buf, (size_t)n, &from);
    }
    return true;
}

/* Is it the other side of this call that was heard? */
static bool stream_mixed(const struct probe *p, const struct probe_port *s)
{
    const struct probe_port *peer;

    if (s->rx.peer_side == s->side || s->rx.peer_port >= p->ports)
        return true;
    if (s->key && s->rx.peer_key && s->key != s->rx.peer_key)
        return true;
    peer = p->port[s->rx.peer_port];
    /* while the other one still counts, it must hear us */
    return peer->serial == s->rx.peer_serial && peer->is_active && peer->rx.packets &&
           peer->rx.peer_serial != s->serial;
}

static void stream_close(struct probe *p, struct probe_port *s)
{
    struct probe_rx *rx = &s->rx;
    struct probe_dir *d = &p->dir[!s->side]; /* what is heard here, the other side has sent */

    d->received += rx->packets - rx->dup;
    d->dup += rx->dup;
    d->reordered += rx->reordered;
    d->gaps += rx->gaps;
    d->own_gaps += rx->own_gaps;
    d->foreign += rx->foreign;
    d->rtcp_received += rx->rtcp;
    d->rtcp_wrong += rx->rtcp_wrong;
    if (!rx->packets) {
        d->silent++;
    } else {
        hist_add(&d->gap, rx->gap_max_us);
        d->mixed += stream_mixed(p, s);
        d->wrong_source += rx->packets - rx->from_first;
        if (!probe_addr_equal(&rx->first, &s->remote))
            d->wrong_source += rx->from_first;
    }
    if (rx->rtcp && !probe_addr_equal(&rx->rtcp_from, &s->remote_rtcp))
        d->rtcp_wrong += rx->rtcp - rx->rtcp_wrong;
    memset(rx, 0, sizeof *rx);
    s->is_active = s->is_ending = false;
    p->active--;
}

void probe_end_due(struct probe *p, bool all)
{
    while (p->end_head && (all || p->end_head->end_us <= p->now_us)) {
        struct probe_port *s = p->end_head;

        p->end_head = s->end_next;
        if (!p->end_head)
            p->end_tail = &p->end_head;
        /* it waits in the socket: it has come, the probe is late */
        while (probe_receive(p, s, false))
            ;
        stream_close(p, s);
    }
    if (!all)
        return;
    for (uint32_t i = 0; i < p->ports; i++) {
        if (p->port[i]->is_active)
            stream_close(p, p->port[i]);
        p->stray += p->port[i]->rx.packets;
    }
}
