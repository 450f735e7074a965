/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Call detail records: workers hand over call events, one writer thread makes records of them and writes the files.
 * The call layer and the daemon use it; it must not know SIP messages, routes or calls, only the values in struct cdr_event.
 */
#ifndef CDR_CDR_H
#define CDR_CDR_H

#include <stdbool.h>
#include <stdint.h>
#include "config/config.h"
#include "core/addr.h"
#include "core/clock.h"
#include "core/span.h"
#include "core/stats.h"

/*
 * What is written: a record "attempt" when an out leg ends, "interim" while an answered call stands (every interim_ms
 * of the cdr section), "call" when the call ends. START and ANSWER are taken so that the call layer tells the whole
 * life of a call in one way; no file asks for them yet, and cdr_wants says so at the cost of one load.
 */
enum cdr_type { CDR_START, CDR_ANSWER, CDR_INTERIM, CDR_ATTEMPT, CDR_CALL };

enum cdr_release { CDR_RELEASE_NONE, CDR_RELEASE_IN, CDR_RELEASE_OUT, CDR_RELEASE_SWITCH };

/* A moment on both clocks: records show the wall clock, durations are differences of the monotonic one. */
struct cdr_time {
    uint64_t wall_ms; /* 0: it did not happen */
    uint64_t mono_ms;
};

/* What was received from one leg, over all of its streams. */
struct cdr_media {
    uint64_t packets;
    uint64_t bytes;
    uint64_t lost;
    uint64_t reordered;
    uint64_t strangers;      /* packets of others, dropped */
    uint32_t jitter_us;      /* RFC 3550 §6.4.1, the highest of its streams */
    uint64_t gaps;           /* losses in a row count once: lost / gaps is the mean burst */
    uint64_t kernel_packets; /* of packets, those that the kernel path forwarded */
    uint32_t ssrc_changes;
    uint32_t ssrc_refused; /* another SSRC while the stream spoke: dropped */
    uint32_t auth_failed;  /* SRTP: dropped */
    uint32_t dtmf;         /* telephone-events; which is nobody's business */
    uint32_t rtt_us;       /* between us and the party, highest of its streams; 0: not known */
    uint32_t remote_lost;  /* of what was sent to it, as it reported */
    uint32_t silent_ms;    /* packets with nothing to hear */
    uint32_t one_way_ms;   /* nothing came while the other party spoke */
    uint16_t mos_100, mos_min_100; /* 100 x MOS-CQE (G.107), lowest of its streams; 0: not known */
    uint16_t breaker;              /* RFC 8083: times it opened */
};

/*
 * One event of a call. All spans are borrowed for the time of cdr_put only; an empty one is an empty field.
 * "in" is the leg that called us, "out" the one we called: of an ATTEMPT its own, of a call the last or answered one.
 */
struct cdr_event {
    enum cdr_type type;
    uint32_t seq; /* 1, 2, … over all events of the call: {call, seq} orders and finds duplicates */
    uint64_t call;       /* the call's number within node and boot */
    uint64_t generation; /* of the configuration the call was set up with */
    struct span uuid;
    struct span callid_in; /* Call-ID header of each leg */
    struct span callid_out;
    struct span trunk_in;
    struct span trunk_out;
    struct addr peer_in; /* where signalling comes from and goes to */
    struct addr peer_out;
    struct span transport_in; /* UDP, TCP, TLS: by what */
    struct span transport_out;
    struct span customer_in; /* account of the trunk's customer */
    struct span customer_out;
    struct span caller_received; /* numbers: as they came, normalised, as sent to trunk_out */
    struct span caller_normalised;
    struct span caller_sent;
    struct span called_received;
    struct span called_normalised;
    struct span called_sent;
    struct span class_name; /* ordinary, emergency, … */
    struct span priority;   /* Resource-Priority, RFC 4412 */
    struct span reason;     /* text to code or q850 */
    struct span where;      /* which part of the switch said so, or the trunk */
    struct span rate_in;    /* rates and decks, as text, decimal */
    struct span rate_out;
    struct span deck_in;
    struct span deck_out;
    struct span announcement; /* that the caller heard before it was refused; empty: none */
    struct span lrn; /* the routing number that the call was routed on; empty: the called one */
    struct span
        dip; /* ported, not-ported, failed, timeout, abandoned; empty: portability was not asked */
    uint32_t dip_ms;        /* how long that took */
    struct span route;      /* file:line of the route line that decided */
    struct span rate_class; /* jurisdiction and origin zone, as far as they are configured */
    struct span prefix_in;  /* of the row of deck_in, deck_out */
    struct span prefix_out;
    struct span currency_in; /* of rate_in, rate_out: that of the deck */
    struct span currency_out;
    struct span cost_out;    /* rate_out in the node's currency, rounded */
    struct span currency;    /* of cost_out */
    struct span minimum_out; /* billed at least, and in steps of [s] */
    struct span increment_out;
    struct span code_out;                          /* the carrier's own name of the destination */
    struct span minimum_in, increment_in, code_in; /* of the row of deck_in */
    struct span codec_in, codec_out; /* agreed on each leg, PCMA; T38 of a fax; empty: not known */
    struct span session_id;          /* RFC 7989: caller's UUID;remote=callee's */
    struct cdr_time start;           /* INVITE received; of an ATTEMPT: sent */
    struct cdr_time progress;        /* first 18x */
    struct cdr_time answer;          /* 2xx */
    struct cdr_time end;             /* of an INTERIM: now */
    uint16_t code;                   /* final SIP status; 0: none yet */
    uint8_t q850;                    /* ITU-T Q.850 cause; 0: none */
    enum cdr_release release;
    uint16_t
        attempt; /* which attempt, 1, 2, …; of a call: the one answered or last tried, 0 none */
    uint16_t attempts; /* tried so far */
    struct cdr_media media_in;
    struct cdr_media media_out;
    bool estimated; /* the end was not seen: it was worked out after a restart */
    uint16_t
        again; /* 0; worker + 1 that a former process had it from: a file may have the record */
};

/** Longest string of an event that is kept; longer ones are cut (a Call-ID of 1 KiB is a defect of its maker). */
#define CDR_TEXT_MAX 1024

/**
 * Events that one worker may have waiting: 60 s of 1,000 calls a second, the time in which a hung disk is noticed.
 * At 75 % INTERIM events are refused, so that the rest is kept for what is billed; at 100 % all are.
 */
#define CDR_RING_EVENTS 65536

/** Bytes of records that wait for one file system: about 60,000 JSON records, a minute of 1,000 a second. */
#define CDR_BACKLOG_BYTES (64u << 20)

struct cdr_writer;
struct cdr_port; /* one worker's way to the writer */

struct cdr_writer_param {
    const char *node;     /* copied into each record; borrowed */
    unsigned workers;     /* ports; at least 1 */
    struct stats *stats;  /* the writer thread's own counters; borrowed, may be NULL */
    bool no_thread;       /* tests: nothing runs but cdr_writer_step */
    unsigned ring_events; /* 0: CDR_RING_EVENTS */
    size_t backlog_bytes; /* 0: CDR_BACKLOG_BYTES */
    void (*now)(struct clock *c,
                void *arg); /* tests own the time: fills both clocks; NULL: the system's */
    void *now_arg;
};

/**
 * Make the writer and its thread; it writes nowhere until cdr_writer_configure.
 * @return NULL out of memory, descriptors or threads (errno is set)
 */
struct cdr_writer *cdr_writer_new(const struct cdr_writer_param *p);

/**
 * Take a new list of files, at start and on each reload; any thread but the writer's. The list is copied. Files whose
 * section has not changed stay open; those of sections that have gone are written to the end and closed. Patterns are
 * read as UTC, and hours and days begin in UTC.
 * @return 0; -ENOMEM (the old list stays)
 */
int cdr_writer_configure(struct cdr_writer *w, const struct conf_cdr *cdr, size_t count);

/**
 * End: all events handed over are written, synced and the files closed. The workers must have stopped.
 * What a failing disk still refuses after one more try is counted lost and logged.
 */
void cdr_writer_free(struct cdr_writer *w);

/** Port of worker (0 … workers−1); owned by the writer. Each is used by one thread at a time. */
struct cdr_port *cdr_writer_port(struct cdr_writer *w, unsigned worker);

/**
 * Before the port is used: what it hands over lies in a mapped file from now on, until it is in its CDR files; so it outlives the process
 * (not a power cut).
 * @return 0; -EEXIST the file has something in it; -EWOULDBLOCK another process has it; -errno: events are kept in memory alone
 */
int cdr_port_keep(struct cdr_port *p, const char *path);
/**
 * Read such a file of a former process: events that may be in no CDR file yet, oldest first. Put them, with `again` as it is: a record
 * whose line a file of its section has is not written a second time. A damaged file gets a second name, PATH.damaged, and the rest is read.
 * @param worker  whose it was
 * @return how many; -EWOULDBLOCK its process lives; -EPROTO another layout; -errno; also if a damaged file got no second name: what could be
 * read of it was told, and it must not be removed
 */
int cdr_keep_read(const char *path, unsigned worker,
                  void (*fn)(void *arg, const struct cdr_event *ev), void *arg);
/** Remove it when they are put. @return 0; as cdr_keep_read */
int cdr_keep_remove(const char *path);

/** Tests: a port that calls fn with each event instead of writing it. */
struct cdr_port *cdr_port_new_tap(void (*fn)(const struct cdr_event *ev, void *arg), void *arg);
void cdr_port_free_tap(struct cdr_port *p);

/** True if some file takes events of this type: spares the caller the making of those that none does. */
bool cdr_wants(const struct cdr_port *p, enum cdr_type type);

/**
 * Hand over one event; copies it, makes no system call but for a sleeping writer's bell, never blocks.
 * A lost event is counted (cdr_lost in stats) and logged as an alarm; the call goes on.
 *
 * @param stats  the worker's own counters; may be NULL
 * @return 0; TD_EFULL or -ENOMEM: lost
 */
int cdr_put(struct cdr_port *p, struct stats *stats, const struct cdr_event *ev);

struct cdr_status {
    uint64_t written;      /* records in files, over all files */
    uint64_t write_errors; /* failed writes, syncs and opens */
    uint64_t lost;         /* events and records that will be in no file */
    uint64_t backlog;      /* events and records in memory now */
    bool failing;          /* a file cannot be written now */
};

/** For status and metrics; any thread. */
void cdr_writer_status(const struct cdr_writer *w, struct cdr_status *out);

/** Tests: one turn of the writer: take what is in the rings, write, rotate, retry what is due. */
void cdr_writer_step(struct cdr_writer *w);

#endif
