/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous client of the media relay, one per worker: sessions are opened, changed and closed by messages, answers come as callbacks.
 * lib/call asks for sessions, the daemon makes the client; it knows neither calls nor SDP. media_fake.h is the same behind the seam.
 */
#ifndef MEDIA_MEDIA_H
#define MEDIA_MEDIA_H

#include "core/timer.h"
#include "media/media_proto.h"
#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

/* How the holder of a session names it. Kept by value in the call and in its saved record. */
struct media_ref {
    uint64_t session; /* from media_session_new() */
    uint32_t index;   /* from the reply to OPEN; MEDIA_INDEX_NONE before it */
};

/* What a session shall be. */
struct media_open {
    struct media_ref ref;
    unsigned flags;            /* MEDIA_OPEN_ADOPT to re-install */
    uint32_t stats_every_s;    /* 0 = no STATS events */
    const struct media_op *op; /* borrowed; MEDIA_OP_ADD and MEDIA_OP_CONNECT */
    unsigned n_ops;
};

/* The answer to one request; borrowed, for the time of the callback. */
struct media_result {
    int status; /* 0; -ETIMEDOUT, -ENOTCONN from the client; else the relay's, see media_open */
    struct media_ref ref;
    const struct media_ep_state *ep; /* OPEN, MODIFY, CLOSE, QUERY: all endpoints of the session */
    unsigned n_eps;
};

typedef void (*media_done_fn)(void *arg, const struct media_result *res);

struct media_event {
    enum media_type type; /* MEDIA_EV_* */
    struct media_ref ref;
    uint8_t endpoint;
    bool is_rtcp;                    /* LATCHED */
    struct addr addr;                /* LATCHED */
    enum media_lost lost;            /* LOST */
    uint8_t digit, kind;             /* DTMF, QUALITY: as struct media_event_msg */
    uint32_t value;                  /* DTMF, PLAYED, QUALITY: likewise */
    const struct media_ep_state *ep; /* STATS; borrowed */
    unsigned n_eps;
};

/* To whom events go: one per client. None of them is called from inside a media_* function. */
struct media_handler {
    void (*on_event)(void *arg, const struct media_event *ev);
    /**
     * The relay came or went. fresh: it has restarted and knows no session. On up every session that shall go on is to be
     * opened again with MEDIA_OPEN_ADOPT and its local addresses in ep.local: harmless if the relay still has it.
     */
    void (*on_state)(void *arg, bool up, bool fresh);
    void *arg;
};

struct media_client_counters {
    uint64_t requests, replies, events;
    uint64_t timeouts, failed; /* failed: replies with a status */
    uint64_t late;             /* replies after their timeout (an OPEN's session is closed again) */
    uint64_t connects, losses;
    uint64_t packets_out; /* system calls: requests / packets_out is the coalescing */
};

struct media;

/* The seam: media.c and media_fake.c. */
struct media_vt {
    uint32_t (*open)(struct media *, const struct media_open *, media_done_fn, void *);
    uint32_t (*modify)(struct media *, struct media_ref, const struct media_op *, unsigned n,
                       media_done_fn, void *);
    uint32_t (*close)(struct media *, struct media_ref, media_done_fn, void *);
    uint32_t (*query)(struct media *, struct media_ref, media_done_fn, void *);
    void (*forget)(struct media *, uint32_t request);
    uint64_t (*session_new)(struct media *);
    bool (*is_up)(const struct media *);
    void (*flush)(struct media *);
    void (*free)(struct media *);
};

struct media {
    const struct media_vt *vt;
    struct media_handler handler;
};

/** Who is told of events; may be set once the call layer exists. Copied. */
static inline void media_set_handler(struct media *m, const struct media_handler *h)
{
    m->handler = *h;
}

/** A session id that no other worker, nor this one after a restart, uses. */
static inline uint64_t media_session_new(struct media *m)
{
    return m->vt->session_new(m);
}

/**
 * Open a session with its endpoints: one message for both legs of an ordinary call, answered with each endpoint's local address (counters: CLOSE and QUERY only).
 *
 * done is called exactly once, later, never from inside this function; with NULL nobody is told.
 *
 * @return request for media_forget; 0 out of memory: nothing was asked and done is not called. The status that done gets: 0; -ENOTCONN at the next loop turn when the relay is gone;
 *         -ETIMEDOUT after 2 s; -EADDRNOTAVAIL no free port pair; -EADDRINUSE the wanted local port is taken; -ENODEV pool or family
 *         unknown; -EMFILE, -ENOMEM the relay is full; -ESHUTDOWN it drains; -EEXIST the session is there and ADOPT not given;
 *         -EINVAL a field is out of bounds. The call gets 503 for all of them.
 */
static inline uint32_t media_open(struct media *m, const struct media_open *open,
                                  media_done_fn done, void *arg)
{
    return m->vt->open(m, open, done, arg);
}

/**
 * Change endpoints: all operations or, with an error, none. The reply has all endpoints as set, without counters; packets that
 * come within microseconds of it may still go the old way.
 * Further statuses: -ENOENT session or endpoint unknown; -ENODATA sound unknown; -EOPNOTSUPP no codec that the relay can play; -EEXIST endpoint to be added is there; -EPERM session of another controller.
 * @return as media_open
 */
static inline uint32_t media_modify(struct media *m, struct media_ref ref,
                                    const struct media_op *op, unsigned n_ops, media_done_fn done,
                                    void *arg)
{
    return m->vt->modify(m, ref, op, n_ops, done, arg);
}

/**
 * End a session; the reply has the final counters. When the relay is gone the client remembers to close it on return.
 * @return as media_open
 */
static inline uint32_t media_close(struct media *m, struct media_ref ref, media_done_fn done,
                                   void *arg)
{
    return m->vt->close(m, ref, done, arg);
}

/** Counters and addresses now. @return as media_open */
static inline uint32_t media_query(struct media *m, struct media_ref ref, media_done_fn done,
                                   void *arg)
{
    return m->vt->query(m, ref, done, arg);
}

/** The asker is going: done of this request will not be called. 0 and requests that have ended are ignored. */
static inline void media_forget(struct media *m, uint32_t request)
{
    m->vt->forget(m, request);
}

/** True while a relay answers; new calls that need media get 503 otherwise. */
static inline bool media_is_up(const struct media *m)
{
    return m->vt->is_up(m);
}

/** Send what this loop turn has gathered. Without it, it goes at the end of the turn. */
static inline void media_flush(struct media *m)
{
    m->vt->flush(m);
}

/** End the client; who still waits is not called any more. NULL is ignored. */
static inline void media_free(struct media *m)
{
    if (m)
        m->vt->free(m);
}

/* ---- the real client: what the daemon needs ------------------------------------------------------------------- */

struct media_param {
    struct event_base *base; /* borrowed */
    struct timers *timers;   /* borrowed */
    const char *socket_path; /* copied */
    const char *node;        /* copied */
    uint32_t epoch;          /* of this process [s since 1970] */
    uint32_t worker;
    uint32_t orphan_idle_ms, orphan_cap_ms; /* 0 = defaults of media_proto.h */
};

/** Make the client and begin to connect; goes on trying each 0.1..2 s for ever. @return NULL out of memory */
struct media *media_new(const struct media_param *p);

/* A media section of the configuration. */
struct media_pool_conf {
    const char *name;
    const char *device; /* NULL = none */
    const struct addr *addr;
    unsigned n_addrs; /* 1..MEDIA_POOL_ADDRS */
    uint16_t port_lo, port_hi, priority_lo, priority_hi;
    uint32_t quarantine_ms; /* 0 = default */
    uint32_t flags;         /* MEDIA_POOL_* */
};

/**
 * The pools of a configuration: told to the relay now and on each connect. Every client of the process gives the same.
 * All is copied. generation must grow with each reload of the process; what a process of a younger epoch says is newer.
 * @return 0; -EINVAL too many pools or addresses; -ENOMEM
 */
int media_set_pools(struct media *m, const struct media_pool_conf *pool, unsigned n_pools,
                    uint64_t generation);

/* A sound section of the configuration. */
struct media_sound_conf {
    const char *name;
    int fd; /* as sound_seal of core/sound.h makes it; borrowed until the next media_set_sounds, or the end of the client */
    uint32_t samples;
};

/**
 * The sounds of a configuration, as media_set_pools: PLAY names them by media_pool_id(name).
 * @return 0; -EINVAL more than MEDIA_SOUNDS_MAX; -ENOMEM
 */
int media_set_sounds(struct media *m, const struct media_sound_conf *sound, unsigned n_sounds,
                     uint64_t generation);

typedef void (*media_relay_fn)(void *arg, int status, const struct media_relay_reply *r);

/** Ask for the relay's totals, pools and audit (operators). @return as media_open; r is NULL on a status */
uint32_t media_query_relay(struct media *m, media_relay_fn done, void *arg);

typedef void (*media_list_fn)(void *arg, int status, const struct media_list_reply *r);

/** Ask which sessions of this client the relay has, from the index given (0 first): for audits. @return as media_open */
uint32_t media_list_sessions(struct media *m, uint32_t from, media_list_fn done, void *arg);

/** Counters of the real client; borrowed. */
const struct media_client_counters *media_client_counters(const struct media *m);

#endif
