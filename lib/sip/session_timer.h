/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session timers (RFC 4028), the arithmetic alone: what a request asks, what an answer says, who refreshes, when, and when it is over.
 * call/refresh.c keeps one for each leg; it knows no dialog, no timer and no clock. All times are in seconds.
 */
#ifndef SIP_SESSION_TIMER_H
#define SIP_SESSION_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include "sip/msg.h"

/* RFC 4028 §5: the smallest interval, and what Min-SE means where it is absent. */
#define SESSION_MIN_S 90U
/* A day: RFC 4028 has no limit; a longer interval detects nothing within a call's life (max-duration is 4 h). */
#define SESSION_MAX_S 86400U

/** What we want of a peer. */
struct session_policy {
    uint32_t expires_s; /**< 0: no session timers with it */
    uint32_t min_s;
    enum session_who { SESSION_ANY, SESSION_US, SESSION_THEM } who;
};

/** The timer of one dialog. */
struct session_timer {
    uint32_t interval_s; /**< 0: none runs */
    uint32_t min_s;      /**< largest Min-SE that the peer has named (422, requests); 0: none */
    bool us;             /**< we refresh */
    bool peer;           /**< the peer supports session timers */
};

/** What a message says of session timers. */
struct session_words {
    uint32_t expires_s;  /**< 0: no Session-Expires, or one that cannot be read */
    uint32_t min_s;      /**< 0: no Min-SE */
    bool is_uac, is_uas; /**< refresher */
    bool supported;      /**< timer in Supported or Require */
};

/** Read Session-Expires, Min-SE, Supported and Require of a message. Values beyond SESSION_MAX_S are cut. */
void session_words(const struct msg *m, struct session_words *w);

/**
 * A request of the peer (INVITE, UPDATE): what our 2xx will say (RFC 4028 §9).
 * @param t  in: as it was; out: as it will be with our 2xx
 * @return 0; 422: refuse with Min-SE p->min_s, t is unchanged
 */
unsigned session_asked(const struct session_policy *p, const struct session_words *w,
                       struct session_timer *t);

/** The value that a request of ours asks for: the policy's, raised to what the peer wants at least; 0: none. */
uint32_t session_ask(const struct session_policy *p, const struct session_timer *t);

/**
 * The 2xx to a request of ours that asked for asked_s (RFC 4028 §7.2).
 * Without Session-Expires there is no timer, unless the policy is that we refresh: then we do it alone.
 */
void session_answered(const struct session_policy *p, const struct session_words *w,
                      uint32_t asked_s, struct session_timer *t);

/** A 422 (RFC 4028 §7.4). @return true: asking again with session_ask() makes sense; false: it names no higher minimum */
bool session_too_small(const struct session_words *w, uint32_t asked_s, struct session_timer *t);

/** The refresher asks again after half of the interval (RFC 4028 §7.2). */
uint32_t session_refresh_s(const struct session_timer *t);
/** Who waits in vain sends BYE min(32 s, a third) before the end (RFC 4028 §10). */
uint32_t session_expire_s(const struct session_timer *t);

#endif
