/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared types of sipload: one UAC and one UAS in one thread.
 * Used by sipload.c and the load_*.c files beside it.
 * Must not know lib/: the generator is an independent witness.
 */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include "hist.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

/* RFC 3261 §17.1.1.1 base timers [ms] */
#define LOAD_T1   500
#define LOAD_T2   4000
#define LOAD_64T1 (64 * LOAD_T1)
/* 5000 = T4: how long a finished call still recognises its retransmissions [ms] */
#define LOAD_LINGER 5000
/* 35000: Timer F (32 s) and a little: no transaction outlives it [ms] */
#define LOAD_DRAIN 35000
/* 64 source ports: more than any test's trunk has */
#define LOAD_SOURCES_MAX 64
/* 600 s: ten times an overload run; later seconds are counted in the last one */
#define LOAD_SECONDS_MAX 600
/* 4 processes: controller, relay and two more */
#define LOAD_PIDS_MAX 4

/* ---- spans into a received message, borrowed ---- */
struct span {
    const char *p;
    size_t n;
};

enum load_method {
    LOAD_M_OTHER,
    LOAD_M_INVITE,
    LOAD_M_ACK,
    LOAD_M_BYE,
    LOAD_M_CANCEL,
    LOAD_M_OPTIONS,
};

/* 8: our peers add one Via or Record-Route each, chains are at most three long */
#define LOAD_LINES_MAX 8

struct load_msg {
    int code;                /* 0 for a request */
    enum load_method method; /* of the request, or of CSeq */
    uint32_t cseq;
    struct span ruri, branch, from, to, from_tag, to_tag, call_id, cseq_line, contact;
    struct span via[LOAD_LINES_MAX], rr[LOAD_LINES_MAX];
    unsigned vias, rrs;
};

/* ---- sockets with an output batch ---- */
#define LOAD_BATCH 64
#define LOAD_BUF   2048

struct load_sock {
    int fd;
    struct sockaddr_storage addr;
    char host[64]; /* bare address as it stands in SDP */
    char name[72]; /* address:port as it stands in Via and Contact */
    unsigned out;  /* messages waiting in the batch */
    struct mmsghdr *hdr;
    struct iovec *iov;
    struct sockaddr_storage *dst;
    char *buf;
};

/* ---- timers: one per call, hashed wheel of 1 ms slots ---- */
#define LOAD_WHEEL 32768

struct load_timer {
    struct load_timer *next;
    struct load_timer **pprev; /* NULL when not armed */
    uint64_t due;              /* [ms] */
    bool is_uas;
};

struct load_wheel {
    struct load_timer *slot[LOAD_WHEEL];
    uint64_t tick; /* last ms that was run */
};

/* ---- counters ---- */
enum load_odd { /* a message that a correct peer would not have sent */
                LOAD_ODD_PARSE,
                LOAD_ODD_NO_CALL,
                LOAD_ODD_DIALOG,
                LOAD_ODD_BRANCH,
                LOAD_ODD_STATE,
                LOAD_ODD_REPEAT,
                LOAD_ODD_METHOD,
                LOAD_ODD_CODE,
                LOAD_ODD_NUMBER,
                LOAD_ODD_MAX
};

struct load_calls { /* outcome of one class of calls, seen by the UAC */
    uint64_t started, answered, ended, failed, shed, live;
    uint64_t invite_timeout, ring_timeout, bye_timeout, ended_by_peer, unfinished;
    uint64_t code[700], bye_code[700];
    struct hist pdd, setup;
};

struct load_second { /* of the measured calls, emergency calls included: what happened in it */
    uint32_t started, answered, shed, failed, pdd_max_us;
};

struct load_stat {
    struct load_calls measured, standing, emergency;
    struct load_second second[LOAD_SECONDS_MAX];
    uint64_t odd[LOAD_ODD_MAX];
    uint64_t rtx_sent, rtx_received, options, send_errors;
    uint64_t uas_invites, uas_answered, uas_acked, uas_byes, uas_cancels, uas_no_ack, uas_bye_first;
    uint64_t msgs_in, msgs_out, flood_sent, flood_answers, flood_403;
    uint64_t lag_max; /* longest time between two loop turns [us] */
};

struct load_proc { /* one reading of /proc/PID */
    int pid;
    uint64_t cpu_us;   /* utime + stime */
    uint64_t sched_us; /* sum of schedstat over its tasks, finer */
    uint64_t rss_kb;
    unsigned fds, threads;
    bool ok;
};

/* ---- calls ---- */
enum uac_state {
    UAC_FREE,
    UAC_CALLING,
    UAC_PROCEEDING,
    UAC_CANCELLING,
    UAC_CONFIRMED,
    UAC_BYE_SENT,
    UAC_DONE_OK, /* lingers to judge retransmissions */
    UAC_DONE_FAIL,
};

struct uac_call {
    struct load_timer timer; /* first: the wheel hands back this address */
    uint32_t idx, gen, serial, interval;
    uint64_t t0_us, deadline;
    struct load_sock *sock;
    struct uac_call *free_next;
    uint8_t state;
    bool standing, emergency, resent, rang, bye_resent;
    char to_tag[128], contact[192], route[320];
};

enum uas_state {
    UAS_FREE,
    UAS_RINGING,
    UAS_ANSWERED, /* 200 is sent until the ACK */
    UAS_CONFIRMED,
    UAS_REJECTED, /* 487 sent */
    UAS_DONE,
};

struct uas_call {
    struct load_timer timer; /* first, as above */
    uint32_t idx, gen, interval, hash;
    uint64_t deadline;
    struct sockaddr_storage peer;
    struct uas_call *free_next, *hash_next;
    uint8_t state;
    bool resent;
    char *head; /* header lines of the answers to the INVITE; owned, freed when it is over */
    size_t head_len;
    char call_id[192], from_tag[128], branch[128];
};

/* Calls live in chunks that never move. */
#define LOAD_CHUNK  4096
#define LOAD_CHUNKS 256 /* 256 x 4096: a million calls */

struct load_opt {
    struct sockaddr_storage target, uac, uas, flood_src;
    char target_name[72];
    double rate, ramp, hold, ring, duration, flood_rate, then_rate, then_s;
    unsigned sources, standing, digits, emergency_every;
    bool sources_ip, step_search, shed_mode, trying, no_ringing, flood_options, quiet;
    const char *called, *caller, *json, *emergency;
    int pid[LOAD_PIDS_MAX];
    unsigned pids;
    int cpu;
};

struct load {
    struct load_opt opt;
    uint32_t run; /* random: messages of another run are not ours */
    uint32_t serial;
    uint64_t now_us, now; /* loop time, monotonic [us], [ms] */
    int epoll;
    struct load_sock uac[LOAD_SOURCES_MAX], uas, flood;
    bool is_flooding, is_stopping;
    uint64_t flood_next_us;
    uint64_t second_us; /* begin of the first of stat.second; 0: none is counted */
    struct load_wheel wheel;
    struct uac_call *uac_chunk[LOAD_CHUNKS], *uac_free;
    struct uas_call *uas_chunk[LOAD_CHUNKS], *uas_free, **uas_hash;
    uint32_t uac_calls, uas_calls; /* slots made so far */
    struct load_stat stat;
};

/* load_net.c */
int load_addr(const char *text, struct sockaddr_storage *out);
int load_sock_open(struct load *l, struct load_sock *s, const struct sockaddr_storage *at);
void load_addr_name(const struct sockaddr_storage *a, char *host, char *name);
void load_addr_step(struct sockaddr_storage *a, unsigned n, bool is_ip);
char *load_out(struct load *l, struct load_sock *s);
void load_out_done(struct load *l, struct load_sock *s, size_t len,
                   const struct sockaddr_storage *to);
void load_flush(struct load *l, struct load_sock *s);
uint64_t load_sock_drops(const struct load_sock *s);
/* Receive until the socket is empty; each datagram goes to its owner. */
void load_receive(struct load *l, struct load_sock *s);
void load_clock(struct load *l);

/* load_msg.c */
int load_parse(const char *buf, size_t len, struct load_msg *m);
bool span_is(struct span s, const char *text);
void span_copy(struct span s, char *out, size_t size);
struct span load_uri_user(struct span uri);

/* load_timer.c */
void load_timer_set(struct load *l, struct load_timer *t, uint64_t in_ms);
void load_timer_del(struct load_timer *t);
void load_timers_run(struct load *l);

/* load_uac.c */
int uac_start(struct load *l, bool standing);
void uac_receive(struct load *l, struct load_sock *s, const struct load_msg *m,
                 const struct sockaddr_storage *from);
void uac_timeout(struct load *l, struct uac_call *c);
void uac_bye(struct load *l, struct uac_call *c);
struct uac_call *uac_at(struct load *l, uint32_t idx);
void uac_abandon(struct load *l, bool standing_too);

/* load_uas.c */
int uas_init(struct load *l);
void uas_receive(struct load *l, const struct load_msg *m, const struct sockaddr_storage *from);
void uas_timeout(struct load *l, struct uas_call *c);
void uas_abandon(struct load *l);
void uas_answer_simple(struct load *l, struct load_sock *s, const struct load_msg *m, int code,
                       const struct sockaddr_storage *to);

/* load_stat.c */
struct load_calls *load_calls_of(struct load *l, const struct uac_call *c);
/* The second at hand for a call that is measured; others get one that nobody reads. */
struct load_second *load_second_of(struct load *l, const struct uac_call *c);
void load_odd(struct load *l, enum load_odd what);
uint64_t load_odd_total(const struct load_stat *s);
struct load_report {
    double seconds, offered;
    struct load_proc then[LOAD_PIDS_MAX + 1]; /* when the second rate begins */
    struct load_proc before[LOAD_PIDS_MAX + 1], after[LOAD_PIDS_MAX + 1]; /* last: ourselves */
    struct load_proc empty[LOAD_PIDS_MAX + 1]; /* before the standing calls */
    unsigned procs;
    uint64_t rx_drops;
};
void load_proc_read(int pid, struct load_proc *out);
void load_print(const struct load *l, const struct load_report *r);
int load_json(const struct load *l, const struct load_report *r, FILE *f);

#endif
