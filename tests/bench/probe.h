/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared types of rtpprobe: ports, streams, counters.
 * Used by rtpprobe.c and the probe_*.c files beside it.
 * Must not know lib/: the probe is an independent witness.
 */
#ifndef TESTS_BENCH_PROBE_H
#define TESTS_BENCH_PROBE_H

#include "hist.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

/* 20 ms of G.711: RFC 3551 §4.5.14 */
#define PROBE_PTIME_MS 20
#define PROBE_PAYLOAD  160
/* 200 ms: five packets a second; a slot of streams for each millisecond */
#define PROBE_INTERVAL_MAX_MS 200
/* intervals (60 ms at 20 ms): two packets late in a row are heard */
#define PROBE_GAP 3
/* 300 ms: a packet sent just before the end has arrived by then, on loopback at any load */
#define PROBE_LINGER_US 300000
/* 8192 port pairs: 16,384 descriptors, of the 20,000 a process has */
#define PROBE_PORTS_MAX 8192
#define PROBE_LOGS_MAX  32
#define PROBE_POOLS_MAX 32

enum probe_side { PROBE_UAC, PROBE_UAS };

/* What a port has received since its last stream ended. */
struct probe_rx {
    struct sockaddr_storage first;     /* source of the first packet */
    struct sockaddr_storage rtcp_from; /* source of the first report */
    uint64_t packets, from_first, foreign, dup, reordered, gaps, own_gaps;
    uint64_t last_us, last_sent_us, gap_max_us;
    uint64_t window; /* bit n: packet next - 1 - n was received */
    uint32_t next;   /* sequence number that comes next */
    uint32_t peer_port, peer_serial, peer_key, lost;
    uint64_t rtcp, rtcp_wrong;
    uint8_t peer_side;
};

struct probe_port {
    int rtp, rtcp;
    uint32_t idx;
    struct sockaddr_storage addr;
    struct probe_rx rx;
    /* the stream of the call that holds the port */
    bool is_active, is_ending;
    uint8_t side;
    uint32_t serial, key, seq, ssrc;
    struct sockaddr_storage remote, remote_rtcp;
    uint64_t stop_us, next_sr_us, end_us;
    bool is_queued;
    struct probe_port *next; /* in its slot */
    struct probe_port *end_next;
};

struct probe_dir { /* one direction, by the side that sent */
    uint64_t streams, sent, received, dup, reordered, gaps, own_gaps, wrong_source, foreign, silent,
        mixed;
    uint64_t rtcp_sent, rtcp_received, rtcp_wrong;
    struct hist delay, gap;
};

struct probe_log {
    const char *path;
    int fd;
    char buf[4096];
    size_t len;
};

struct probe_pool {
    struct sockaddr_storage lo;
    unsigned pairs;
    uint32_t first; /* index of its first port */
};

struct probe {
    struct probe_port *port[PROBE_PORTS_MAX];
    uint32_t ports;
    struct probe_pool pool[PROBE_POOLS_MAX];
    unsigned pools;
    struct probe_log log[PROBE_LOGS_MAX];
    unsigned logs;
    struct probe_port
        *slot[PROBE_INTERVAL_MAX_MS];        /* streams that send, by the ms of their phase */
    uint64_t tick;                           /* last ms whose slot was sent [ms] */
    struct probe_port *end_head, **end_tail; /* streams that linger, by end time */
    struct probe_dir dir[2];
    uint64_t now_us, talk_us, early_stops, reused, bad_lines, send_errors, late_max_us, active;
    uint64_t stray, active_max;
    uint32_t run, serial, interval_ms;
    int epoll;
    const char *json;
    double max_time;
};

/* rtpprobe.c: sets now_us */
void probe_clock(struct probe *p);

/* probe_port.c: addresses and sockets */
int probe_addr(const char *host, const char *port, struct sockaddr_storage *out);
bool probe_addr_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
int probe_pool_add(struct probe *p, const char *text);
int probe_pool_open(struct probe *p, struct probe_pool *pool);
struct probe_port *probe_port_find(struct probe *p, const struct sockaddr_storage *at);

/* probe_log.c: what SIPp says */
void probe_logs_read(struct probe *p);

/* probe_stream.c */
struct probe_start {
    struct probe_port *port;
    enum probe_side side;
    struct sockaddr_storage remote;
    const char *key;
};
void probe_start(struct probe *p, const struct probe_start *s);
void probe_stop(struct probe *p, struct probe_port *port);
void probe_send_due(struct probe *p);
void probe_end_due(struct probe *p, bool all);
/* @return there may be more */
bool probe_receive(struct probe *p, struct probe_port *port, bool is_rtcp);

/* probe_report.c; true when nothing was lost, doubled, out of order, mixed up or sent from elsewhere */
bool probe_verdict(const struct probe *p);
void probe_print(const struct probe *p);
int probe_write_json(const struct probe *p);

#endif
