/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams in the kernel path: which may go there, when they enter and leave it, and how their counters stay one row of numbers.
 * flow.c and thread.c call it, on the packet thread that has the endpoint. It knows BPF only as lines and hops in shared memory.
 *
 * A stream is what an endpoint's party sends to the peer's. It begins in user space; after a few packets that were checked and
 * forwarded its line becomes LINE_FAST, and while that is so the program in the kernel is the one that counts. A look at each
 * of them every 200 ms at most compares in with out and asks whether all is well; what was counted is taken over less often.
 */
#ifndef RELAY_FAST_H
#define RELAY_FAST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include "media/media_proto.h"
#include "relay/rtp.h"

struct endpoint;
struct flow;
struct flow_ctx;
struct io_packet;
struct kernel;
struct line;

/* A sender that begins with packets of two sources or starts over is at that within its first packets. */
#define FAST_CLEAN 2U
/* Of one stream: a promotion in so many ms. What goes to and fro costs more than what stays. */
#define FAST_REST_MS 1000U
/* After the watchdog: doubled each time, at most so much, and forgotten after as long without. */
#define FAST_BACK_MAX_MS 60000U
/*
 * learn-once, and the party is not where its SDP says: that address may still speak up and take the place of who was first
 * (latch.h). A party does so with its first packets.
 */
#define FAST_NAT_MS    3000U
#define FAST_SILENT_MS 5000U /* then who comes next is looked at in user space again */
#define FAST_LOOK_MS \
    120U /* in which all that are in are looked at once; the thread sleeps 50 ms at most */
/*
 * What was counted is taken over: that touches ten cache lines of a stream. The thread's tour does it for each endpoint and its peer
 * once a second; what was done so lately is not done again.
 */
#define FAST_FRESH_MS 500U
/* Something was refused: for so long lines are read in a look, twice as often. Two looks tell whether it is all of a stream. */
#define FAST_REFUSED_MS 240U
#define FAST_PASSED_BY \
    3U /* packets in user space between two looks: one or two were on their way */
#define FAST_SETTLE_MS 100U /* after a promotion packets may still be in a socket */
/* Of a thread: a million calls an hour have 300 a second; a storm of them shall not hold up packets and jobs. */
#define FAST_PER_SECOND 20000U
/* A thread whose sockets never run empty is overloaded: then the promotion is what helps. */
#define FAST_WAIT_MS 1000U
#define FAST_HOP_MS  1000U /* a way that is not there is asked for again */
#define FAST_IFS     16U

TAILQ_HEAD(fast_list, endpoint);

enum fast_state {
    FAST_OUT,
    FAST_QUEUED, /* may go in, when the sockets are empty */
    FAST_IN,
};

/* What has been taken over from a line's counters, which wrap and are never set back. */
struct fast_mark {
    uint32_t packets, bytes, reordered, duplicates, apart, gaps;
    uint32_t invalid, ssrc_refused, other_cpu, events, unsent;
};

/* What the watchdog compares from one look to the next. */
struct fast_look {
    uint32_t packets, unsent, other_cpu;
};

/* Of an endpoint; what a look needs is together. */
struct fast {
    TAILQ_ENTRY(endpoint) link; /* QUEUED */
    const struct line *line;    /* IN: the endpoint's */
    uint64_t since_ms;          /* QUEUED or IN */
    uint64_t folded_ms;
    struct fast_look looked; /* IN: at the last look */
    uint16_t hop;            /* IN */
    uint16_t odd;     /* its packets in user space, though it is IN, since the kernel had one */
    uint8_t state;    /* enum fast_state */
    uint32_t seat;    /* IN: which */
    uint8_t clean;    /* packets forwarded since the last change, up to FAST_CLEAN */
    uint32_t ifindex; /* IN: of the interface that it is counted at */
    uint32_t back_ms;
    uint64_t not_before_ms;
    uint32_t event_bytes; /* seen in user space, and not yet in the line's counters as taken over */
    struct fast_mark mark;
};

/* Of a packet thread, written by it, read by the control thread. */
struct fast_totals {
    _Atomic uint64_t promoted, promotions, put_off;
    _Atomic uint64_t demotions[MEDIA_DEMOTE_N];
};

/*
 * What a look needs of a stream that is in, side by side: endpoints lie far apart, and eight looks a second at 40,000 of them took a
 * tenth of a processor.
 */
struct fast_seat {
    struct endpoint *e;
    uint32_t ifindex; /* that it is counted at */
    uint16_t hop;
    uint8_t is_odd; /* packets of it came to user space */
    uint8_t pad;
};

/* Of a packet thread. */
struct fast_thread {
    const struct kernel *kernel; /* NULL: no kernel path */
    uint8_t path;                /* enum media_path of those that are in */
    bool has_told_cpu;
    uint32_t n_in, n_queued;
    uint32_t n_seats, at;   /* room; the next look */
    struct fast_seat *seat; /* n_in of them */
    struct fast_list queued;
    uint64_t look_ms, rate_ms, errors_ms;
    uint64_t refused; /* frames, all threads', at the last look */
    uint64_t refused_ms;
    uint64_t forwarded; /* by the kernel, all threads', when interfaces were looked at last */
    uint32_t n_rate;
    struct fast_totals totals;
    struct {
        uint32_t ifindex; /* 0: free */
        uint32_t n_in;    /* of this thread, by way of it */
        uint64_t errors;
        bool is_bad;
    } interface[FAST_IFS];
    /** Ask the control thread for the hop from a flow's port to hop_dst; the answer is fast_hop_is(). @return false: not now */
    bool (*ask_hop)(struct flow_ctx *, struct flow *);
};

/** kernel: borrowed; NULL: there is no such path. */
void fast_init(struct fast_thread *t, const struct kernel *kernel);
/** Free what it holds. */
void fast_fini(struct fast_thread *t);

/** Before the controller's operation: e and its peer leave the kernel path. */
void fast_change(struct flow_ctx *c, struct endpoint *e, enum media_op_kind kind);
/** e was made by a former process: if it was in, its counters are taken over, and it may go in again when it has been seen. */
void fast_resume(struct flow_ctx *c, struct endpoint *e);
/** e's party was found elsewhere: what is sent to it must follow. */
void fast_moved(struct flow_ctx *c, struct endpoint *e);
void fast_demote(struct flow_ctx *c, struct endpoint *e, enum media_demote why);

/** A valid RTP packet of an endpoint that is IN came to user space. @return true: it has been counted; false: e is OUT now, count it as ever */
bool fast_input(struct flow_ctx *c, struct endpoint *e, const struct io_packet *p,
                const struct rtp_header *h);
/** One of e's RTP packets was sent on in user space. */
void fast_forwarded(struct flow_ctx *c, struct endpoint *e);
/** Take over what the kernel has counted, so that e's counters are those of now. */
void fast_fold(struct flow_ctx *c, struct endpoint *e);
/** The same once in a while: not when it was done within FAST_FRESH_MS. */
void fast_fold_due(struct flow_ctx *c, struct endpoint *e);
/** Once a second: fast_fold_due(), and a stream that has been silent for FAST_SILENT_MS is demoted. */
void fast_tour(struct flow_ctx *c, struct endpoint *e);
/** Promote what is queued. is_empty: no packet waits in a socket of the thread. */
void fast_promote(struct flow_ctx *c, bool is_empty);
/** Once a turn: look at a share of those that are in. */
void fast_watch(struct flow_ctx *c);
/** A packet went out by a flow's port: ask for its next hop if that is not known yet. Nothing without a line. */
void fast_hop_want(struct flow_ctx *c, struct flow *f);
/** The control thread's answer; HOP_NONE: there is none. */
void fast_hop_is(struct flow_ctx *c, struct flow *f, const struct addr *dst, uint16_t hop);

#endif
