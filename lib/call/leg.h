/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A leg: one party's side of a call, from its INVITE to its end; states, events, and the one way to change them.
 * bridge.c, hunt.c and the transaction callbacks drive it. A leg does not know what the other leg does.
 */
#ifndef CALL_LEG_H
#define CALL_LEG_H

#include <stdbool.h>
#include <stdint.h>

/*
 *                 in leg                                    out leg
 *
 *   NEW --INVITE--> TRYING                    NEW --SEND--> TRYING --100--> (same)
 *          18x |      | 18x+SDP                      18x |     | 18x+SDP
 *              v      v                                  v     v
 *          RINGING-->EARLY                           RINGING-->EARLY
 *              |      |                                  |     |
 *              +--2xx-+---> ANSWERED --ACK--> UP         +-2xx-+--> ANSWERED --ACK--> UP
 *              |                    \         |          |                \          |
 *        final / CANCEL              BYE or HANGUP    HANGUP/timeout        BYE or HANGUP
 *              v                              v          v                           v
 *            DEAD <------------------- CLOSING       CANCELLING --final--> DEAD <- CLOSING
 */
enum leg_state {
    LEG_NEW,        /**< made; no message of its INVITE has been sent */
    LEG_TRYING,     /**< INVITE sent or received, no 18x */
    LEG_RINGING,    /**< 18x without SDP */
    LEG_EARLY,      /**< 18x with SDP */
    LEG_ANSWERED,   /**< 2xx; its ACK is outstanding */
    LEG_UP,         /**< 2xx and ACK */
    LEG_CANCELLING, /**< out: CANCEL sent, the INVITE's final answer outstanding */
    LEG_CLOSING,    /**< BYE sent, its answer outstanding */
    LEG_DEAD,       /**< over; freed with its call */
    LEG_STATES
};

enum leg_event {
    /* what we do to the leg */
    LEV_INVITE,       /**< in: INVITE admitted. out: send it */
    LEV_PROGRESS,     /**< in: send 18x */
    LEV_PROGRESS_SDP, /**< in: send 18x with SDP */
    LEV_ANSWER,       /**< in: send 2xx */
    LEV_REJECT,       /**< in: send a final answer >= 300 */
    LEV_HANGUP,       /**< end it, whatever that takes in this state */
    LEV_ABANDON,      /**< out: give this attempt up, another follows */
    /* what its peer does */
    LEV_100,      /**< out */
    LEV_18X,      /**< out */
    LEV_18X_SDP,  /**< out */
    LEV_2XX,      /**< out: first or again, or of another dialog of a fork */
    LEV_FINAL,    /**< out: 3xx to 6xx */
    LEV_CANCEL,   /**< in */
    LEV_ACK,      /**< in: ACK for our 2xx. out: our ACK is sent */
    LEV_BYE,      /**< either */
    LEV_BYE_DONE, /**< our BYE was answered or timed out */
    /* what time does */
    LEV_TIMEOUT,  /**< the timer of this state */
    LEV_TXN_FAIL, /**< out: Timer B or no transport. in: Timer H (no ACK), no transport */
    LEV_LOST,     /**< dead peer: 408/481 in the dialog, media gone, duration over */
    LEG_EVENTS
};

struct leg;
struct leg_arg;

/** One step of the leg's machine. */
void leg_event(struct leg *leg, enum leg_event ev, const struct leg_arg *arg);

/** LEV_TIMEOUT in ms from now, in place of what was waited for; 0: nothing is waited for. */
void leg_wait(struct leg *leg, uint64_t ms);

/** The one place where a leg's state changes: logs, counts, sets the entry timer. */
void leg_set_state(struct leg *leg, enum leg_state state);

const char *leg_state_name(enum leg_state s);
const char *leg_event_name(enum leg_event e);

/** What a cell does; action NULL with LEG_STATES as next is an ignored cell. */
struct leg_cell {
    uint8_t kind; /**< enum cell_kind */
    uint8_t next; /**< state entered before the action runs; LEG_STATES: stays */
    void (*action)(struct leg *leg, const struct leg_arg *arg);
};

extern const struct leg_cell leg_in_table[LEG_STATES][LEG_EVENTS];
extern const struct leg_cell leg_out_table[LEG_STATES][LEG_EVENTS];

#endif
