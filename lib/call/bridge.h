/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens on one leg does to the other: a table of the other leg's state and the event.
 * The legs report here and never speak to each other; it knows neither transactions nor SDP.
 */
#ifndef CALL_BRIDGE_H
#define CALL_BRIDGE_H

#include "call/leg.h"
#include "core/span.h"

/** What a leg tells its bridge. */
enum bridge_event {
    BR_PROGRESS,     /**< 18x without SDP */
    BR_PROGRESS_SDP, /**< 18x with SDP */
    BR_ANSWER,       /**< 2xx to the INVITE that made the leg */
    BR_FAIL,         /**< the attempt failed: final answer, timeout, no transport */
    BR_CANCEL,       /**< the caller gave up */
    BR_ACK,          /**< ACK for the 2xx has come */
    BR_REQUEST,      /**< another request inside the dialog */
    BR_BYE,          /**< the peer hung up */
    BR_LOST,         /**< the peer is dead, or we end the leg: leg->cause says why */
    BR_EVENTS
};

/** How a cell was reached; one table, every cell one of these. */
enum cell_kind {
    CELL_HANDLED,
    CELL_IGNORED,    /**< legal and without effect: races and repetitions */
    CELL_IMPOSSIBLE, /**< cannot be reached; counted, for the network is hostile */
};

struct msg;
struct ldlg;
struct txn_server;

/** What comes with an event; fields that do not apply are zero. */
struct leg_arg {
    const struct msg *msg; /**< borrowed for the call */
    struct ldlg *dlg;      /**< the dialog it came in */
    struct txn_server *st; /**< transaction of a request */
    unsigned status;       /**< of a response, or the one to send */
    const struct cause *cause;
    struct span
        contacts; /**< of a redirection that is told: value of Contact; borrowed for the call */
    const char *
        sound; /**< of a refusal: heard before it, whatever the trunk's announcements; of the in leg's configuration */
    struct span phrase; /**< of a refusal: instead of the status's own; borrowed for the call */
};

/** Report ev of leg from; runs the table's action on the other leg of its bridge. */
void bridge_event(struct leg *from, enum bridge_event ev, const struct leg_arg *arg);

/** For tests: the kind of a cell. */
enum cell_kind bridge_cell(enum leg_state other, enum bridge_event ev);
const char *bridge_event_name(enum bridge_event ev);

#endif
