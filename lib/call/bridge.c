/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bridge table: the state of the other leg and what happened on this one decide what is done.
 * Legs call it through bridge_event; it joins any two legs and knows neither messages nor media.
 *
 *   in ----BR_CANCEL, BR_ACK, BR_BYE, BR_REQUEST, BR_LOST----> out
 *   in <---BR_PROGRESS, BR_ANSWER, BR_FAIL, BR_BYE, BR_REQUEST, BR_LOST--- out
 */
#include "call/hunt.h"
#include "call/model.h"
#include "call/pass.h"
#include "call/transfer.h"
#include "call/rel100.h"

struct bridge_cell {
    uint8_t kind; /* enum cell_kind */
    void (*action)(struct leg *from, struct leg *other, const struct leg_arg *arg);
};

static void b_progress(struct leg *from, struct leg *other, const struct leg_arg *arg)
{
    (void)from;
    leg_event(other, LEV_PROGRESS, arg);
}

static void b_progress_sdp(struct leg *from, struct leg *other, const struct leg_arg *arg)
{
    (void)from;
    leg_event(other, LEV_PROGRESS_SDP, arg);
}

static void b_answer(struct leg *from, struct leg *other, const struct leg_arg *arg)
{
    (void)from;
    if (!rel100_defer_answer(other, arg))
        leg_event(other, LEV_ANSWER, arg);
}

/* An answer that nobody waits for any more (RFC 5407 §3.1.2, CANCEL and 200 crossing): take it and hang up at once. */
static void b_answer_unwanted(struct leg *from, struct leg *other, const struct leg_arg *arg)
{
    (void)other;
    leg_event(from, LEV_HANGUP, arg);
}

static void b_fail(struct leg *from, struct leg *other, const struct leg_arg *arg)
{
    (void)other;
    hunt_failed(from, arg);
}

/* The other leg is ended as its state asks: final answer, CANCEL or BYE. */
static void b_end(struct leg *from, struct leg *other, const struct leg_arg *arg)
{
    if (transfer_keeps(other))
        return; /* who asked for a transfer leaves before it is done */
    call_release(from->call, &from->cause);
    leg_event(other, LEV_HANGUP, arg);
}

/* Nothing is left to end on the other side. */
static void b_release(struct leg *from, struct leg *other, const struct leg_arg *arg)
{
    (void)other;
    (void)arg;
    call_release(from->call, &from->cause);
}

static void b_ack(struct leg *from, struct leg *other, const struct leg_arg *arg)
{
    (void)from;
    leg_event(other, LEV_ACK, arg);
}

static void b_pass(struct leg *from, struct leg *other, const struct leg_arg *arg)
{
    pass_request(from, other, arg);
}

/* Allowed before the answer: what belongs to the INVITE's own negotiation (RFC 3262, RFC 3311) and INFO. */
static void b_pass_early(struct leg *from, struct leg *other, const struct leg_arg *arg)
{
    pass_request_early(from, other, arg);
}

/* The other side has not finished its INVITE: RFC 3261 §14.2, RFC 5407 §3.2.3. */
static void b_pending(struct leg *from, struct leg *other, const struct leg_arg *arg)
{
    (void)other;
    pass_refuse(from->call, arg->st, 491);
}

static void b_gone(struct leg *from, struct leg *other, const struct leg_arg *arg)
{
    (void)other;
    pass_refuse(from->call, arg->st, 481);
}

#define H(fn)            \
    {                    \
        CELL_HANDLED, fn \
    }
#define IGN                \
    {                      \
        CELL_IGNORED, NULL \
    }
#define IMP                   \
    {                         \
        CELL_IMPOSSIBLE, NULL \
    }

/* Row: state of the other leg. Every cell is written out. */
static const struct bridge_cell bridge_table[LEG_STATES][BR_EVENTS] = {
    [LEG_NEW] =
        {
            [BR_PROGRESS] = IMP,
            [BR_PROGRESS_SDP] = IMP,
            [BR_ANSWER] = IMP,
            [BR_FAIL] = IMP,
            [BR_CANCEL] = H(b_end), /* the out leg waits for its media */
            [BR_ACK] = IMP,
            [BR_REQUEST] = H(
                b_pending), /* in's early dialog is of an attempt that failed, the next is being made */
            [BR_BYE] = H(b_end), /* BYE in an early dialog, same moment */
            [BR_LOST] = H(b_end),
        },
    [LEG_TRYING] =
        {
            [BR_PROGRESS] = H(b_progress),
            [BR_PROGRESS_SDP] = H(b_progress_sdp),
            [BR_ANSWER] = H(b_answer),
            [BR_FAIL] = H(b_fail),
            [BR_CANCEL] = H(b_end),
            [BR_ACK] = IMP,
            [BR_REQUEST] = H(b_pending),
            [BR_BYE] = H(b_end),
            [BR_LOST] = H(b_end),
        },
    [LEG_RINGING] =
        {
            [BR_PROGRESS] = H(b_progress),
            [BR_PROGRESS_SDP] = H(b_progress_sdp),
            [BR_ANSWER] = H(b_answer),
            [BR_FAIL] = H(b_fail),
            [BR_CANCEL] = H(b_end),
            [BR_ACK] = IMP,
            [BR_REQUEST] = H(b_pass_early),
            [BR_BYE] = H(b_end),
            [BR_LOST] = H(b_end),
        },
    [LEG_EARLY] =
        {
            [BR_PROGRESS] = H(b_progress),
            [BR_PROGRESS_SDP] = H(b_progress_sdp),
            [BR_ANSWER] = H(b_answer),
            [BR_FAIL] = H(b_fail),
            [BR_CANCEL] = H(b_end),
            [BR_ACK] = IMP,
            [BR_REQUEST] = H(b_pass_early),
            [BR_BYE] = H(b_end),
            [BR_LOST] = H(b_end),
        },
    [LEG_ANSWERED] =
        {
            [BR_PROGRESS] = IGN, /* 18x of a fork behind its 2xx */
            [BR_PROGRESS_SDP] = IGN,
            [BR_ANSWER] = H(b_answer_unwanted),
            [BR_FAIL] = IGN,
            [BR_CANCEL] = H(b_end),      /* out answered, in's 200 not yet sent */
            [BR_ACK] = H(b_ack),         /* its answer may be in it: delayed offer */
            [BR_REQUEST] = H(b_pending), /* RFC 5407 §3.2.3: before the ACK */
            [BR_BYE] = H(b_end),
            [BR_LOST] = H(b_end),
        },
    [LEG_UP] =
        {
            [BR_PROGRESS] = IGN,
            [BR_PROGRESS_SDP] = IGN,
            [BR_ANSWER] = H(b_answer_unwanted),
            [BR_FAIL] = IGN,
            [BR_CANCEL] = H(b_end),
            [BR_ACK] = IGN, /* ours went out with the 2xx */
            [BR_REQUEST] = H(b_pass),
            [BR_BYE] = H(b_end),
            [BR_LOST] = H(b_end),
        },
    [LEG_CANCELLING] =
        {
            [BR_PROGRESS] = IMP,
            [BR_PROGRESS_SDP] = IMP,
            [BR_ANSWER] = IMP,
            [BR_FAIL] = IMP,
            [BR_CANCEL] = IGN,
            [BR_ACK] = IMP,
            [BR_REQUEST] = H(b_gone),
            [BR_BYE] = H(b_release),
            [BR_LOST] = H(b_release),
        },
    [LEG_CLOSING] =
        {
            [BR_PROGRESS] = IGN,
            [BR_PROGRESS_SDP] = IGN,
            [BR_ANSWER] = H(b_answer_unwanted),
            [BR_FAIL] = IGN,
            [BR_CANCEL] = IGN,
            [BR_ACK] = IGN,
            [BR_REQUEST] = H(b_gone),
            [BR_BYE] = H(b_release),
            [BR_LOST] = H(b_release),
        },
    [LEG_DEAD] =
        {
            [BR_PROGRESS] = IGN,
            [BR_PROGRESS_SDP] = IGN,
            [BR_ANSWER] = H(b_answer_unwanted),
            [BR_FAIL] = H(b_release),
            [BR_CANCEL] = H(b_release),
            [BR_ACK] = IGN,
            [BR_REQUEST] = H(b_gone),
            [BR_BYE] = H(b_release),
            [BR_LOST] = H(b_release),
        },
};

enum cell_kind bridge_cell(enum leg_state other, enum bridge_event ev)
{
    return bridge_table[other][ev].kind;
}

const char *bridge_event_name(enum bridge_event ev)
{
    static const char *const name[BR_EVENTS] = {
        [BR_PROGRESS] = "progress", [BR_PROGRESS_SDP] = "progress-sdp",
        [BR_ANSWER] = "answer",     [BR_FAIL] = "fail",
        [BR_CANCEL] = "cancel",     [BR_ACK] = "ack",
        [BR_REQUEST] = "request",   [BR_BYE] = "bye",
        [BR_LOST] = "lost",
    };

    return ev < BR_EVENTS ? name[ev] : "?";
}

void bridge_event(struct leg *from, enum bridge_event ev, const struct leg_arg *arg)
{
    struct calls *cs = from->call->calls;
    struct leg *other = leg_other(from);
    /* No other leg: the call is between two attempts; then it is as if that leg were dead. */
    enum leg_state state = other ? other->state : LEG_DEAD;
    const struct bridge_cell *cell = &bridge_table[state][ev];

    if (log_level() >= LOG_DEBUG)
        log_ev(LOG_DEBUG, "bridge", "call=%s from=%s event=%s other=%s", from->call->uuid,
               from->is_in ? "in" : "out", bridge_event_name(ev), leg_state_name(state));
    if (cell->kind == CELL_IMPOSSIBLE)
        stat_inc(cs->stats, STAT_bridge_impossible);
    else if (cell->action)
        cell->action(from, other, arg);
}
