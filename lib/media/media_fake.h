/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A media relay that exists only in memory, behind the seam of media.h: for the replay harness, unit tests of lib/call, and explained calls.
 * It gives out ports, remembers what it was asked, fails as told and injects events; it opens no socket and reads no clock.
 */
#ifndef MEDIA_MEDIA_FAKE_H
#define MEDIA_MEDIA_FAKE_H

#include "media/media.h"

/* What was asked, in order. */
struct media_fake_request {
    enum media_type type; /* MEDIA_OPEN, MODIFY, CLOSE, QUERY */
    uint64_t session;
    uint32_t request;
    int status; /* answered with; -EINPROGRESS while not answered */
    unsigned flags;
    unsigned n_ops;
    struct media_op op[MEDIA_OPS_MAX];
};

/**
 * A fake relay that is up. It answers when media_fake_run is called (never inside a media_* function, as the real one).
 * Local addresses: `local` of the operation, else 203.0.113.9 / 2001:db8::9 with even ports from 10000 up.
 * @return NULL out of memory; free with media_free
 */
struct media *media_fake_new(void);

/** Local address for endpoints of a pool and family, instead of the default; addr's port is the first to be used. */
void media_fake_pool(struct media *m, uint32_t pool, const struct addr *addr);

/** The next n requests of this type are answered with status (a negative errno); -EINPROGRESS: never answered (until _release). */
void media_fake_fail(struct media *m, enum media_type type, unsigned n, int status);

/** Answer all requests that are waiting and deliver injected events. @return how many callbacks ran */
unsigned media_fake_run(struct media *m);

/** True while media_fake_run would do something. */
bool media_fake_pending(const struct media *m);

/** Requests held back by -EINPROGRESS are answered with status (0: as usual) by the next media_fake_run. */
void media_fake_release(struct media *m, int status);

/** Relay gone (all waiting requests end with -ENOTCONN, with lose_sessions all sessions are forgotten) or back. on_state is delivered by media_fake_run. */
void media_fake_set_up(struct media *m, bool up, bool lose_sessions);

/** Deliver this event by the next media_fake_run; ev->ep is not copied and must be NULL. */
void media_fake_inject(struct media *m, const struct media_event *ev);

/** Counters that an endpoint shows in replies from now on. @return 0, -ENOENT */
int media_fake_set_counters(struct media *m, uint64_t session, uint8_t endpoint,
                            const struct media_counters *n);

/** Sessions that exist now: 0 at the end of a test, or somebody leaks. */
unsigned media_fake_sessions(const struct media *m);

/** State of an endpoint (peer, direction in ep.direction as last asked). NULL if there is none. Borrowed until the next call. */
const struct media_ep *media_fake_ep(const struct media *m, uint64_t session, uint8_t endpoint);
/** Its keys; both suites NONE: plain. NULL if unknown. */
const struct media_crypto *media_fake_crypto(const struct media *m, uint64_t session,
                                             uint8_t endpoint);
/** Its ICE; is_on 0: none. NULL if unknown. */
const struct media_ice *media_fake_ice(const struct media *m, uint64_t session, uint8_t endpoint);
/** The sound that is played to it, media_pool_id(name); 0: none. */
uint32_t media_fake_sound(const struct media *m, uint64_t session, uint8_t endpoint);
/** Digits that were sent to it. @return how many, and the last one */
uint32_t media_fake_digits(const struct media *m, uint64_t session, uint8_t endpoint,
                           uint8_t *last);
/** Its peer, or MEDIA_NO_PEER. */
uint8_t media_fake_peer(const struct media *m, uint64_t session, uint8_t endpoint);

/** Requests so far, and the i-th (0 first; the last 1,024 are kept, older ones give NULL). */
unsigned media_fake_asked(const struct media *m);
const struct media_fake_request *media_fake_request(const struct media *m, unsigned i);

#endif
