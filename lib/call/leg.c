/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The leg machine's engine: one table lookup per event, one place where a state changes.
 * Transaction callbacks, bridge and timers come through here; what a cell does is in leg_in.c and leg_out.c.
 */
#include "call/model.h"
#include "call/own.h"
#include "call/refresh.h"
#include "call/transfer.h"

const char *leg_state_name(enum leg_state s)
{
    static const char *const name[LEG_STATES] = {
        [LEG_NEW] = "new",
        [LEG_TRYING] = "trying",
        [LEG_RINGING] = "ringing",
        [LEG_EARLY] = "early",
        [LEG_ANSWERED] = "answered",
        [LEG_UP] = "up",
        [LEG_CANCELLING] = "cancelling",
        [LEG_CLOSING] = "closing",
        [LEG_DEAD] = "dead",
    };

    return s < LEG_STATES ? name[s] : "?";
}

const char *leg_event_name(enum leg_event e)
{
    static const char *const name[LEG_EVENTS] = {
        [LEV_INVITE] = "invite",
        [LEV_PROGRESS] = "progress",
        [LEV_PROGRESS_SDP] = "progress-sdp",
        [LEV_ANSWER] = "answer",
        [LEV_REJECT] = "reject",
        [LEV_HANGUP] = "hangup",
        [LEV_ABANDON] = "abandon",
        [LEV_100] = "100",
        [LEV_18X] = "18x",
        [LEV_18X_SDP] = "18x-sdp",
        [LEV_2XX] = "2xx",
        [LEV_FINAL] = "final",
        [LEV_CANCEL] = "cancel",
        [LEV_ACK] = "ack",
        [LEV_BYE] = "bye",
        [LEV_BYE_DONE] = "bye-done",
        [LEV_TIMEOUT] = "timeout",
        [LEV_TXN_FAIL] = "txn-fail",
        [LEV_LOST] = "lost",
    };

    return e < LEG_EVENTS ? name[e] : "?";
}

static void leg_on_timer(struct timer *t, void *arg)
{
    struct leg *leg = arg;

    (void)t;
    leg_event(leg, LEV_TIMEOUT, &(struct leg_arg){0});
}

void leg_wait(struct leg *leg, uint64_t ms)
{
    if (ms) {
        if (!leg->timer.fn)
            timer_init(&leg->timer, leg->call->calls->timers, leg_on_timer, leg);
        timer_set(&leg->timer, ms);
    } else if (leg->timer.fn) {
        timer_del(&leg->timer);
    }
}

/* Entry timers. A state that is entered again (a second 18x) keeps the timer it has. */
static void leg_entry_timer(struct leg *leg, enum leg_state state)
{
    uint64_t ms = 0;

    switch (state) {
    case LEG_TRYING: ms = leg->is_in ? 0 : leg->trunk.conf->trying_timeout_ms; break;
    case LEG_RINGING:
    case LEG_EARLY:
        if (leg->state == LEG_RINGING || leg->state == LEG_EARLY)
            return;
        ms = leg->is_in ? LEG_RING_AGAIN_MS : leg->trunk.conf->ring_timeout_ms;
        break;
    case LEG_CANCELLING:
        /* The CANCEL may wait for a provisional that never comes, and the INVITE for its final answer: 64*T1 after the
         * CANCEL the transaction ends (RFC 3261 §9.1); this bounds a CANCEL that is never sent. */
        ms = 2 * TXN_64T1_MS;
        break;
    default: break;
    }
    leg_wait(leg, ms);
}

void leg_set_state(struct leg *leg, enum leg_state state)
{
    struct calls *cs = leg->call->calls;

    if (leg->state == LEG_DEAD)
        return;
    leg_entry_timer(leg, state);
    if (leg->state == state)
        return;
    if (log_level() >= LOG_DEBUG)
        log_ev(LOG_DEBUG, "leg", "call=%s side=%s attempt=%u from=%s to=%s", leg->call->uuid,
               leg->is_in ? "in" : "out", leg->attempt, leg_state_name(leg->state),
               leg_state_name(state));
    leg->state = (uint8_t)state;
    call_changed(leg->call);
    if (state == LEG_CLOSING || state == LEG_DEAD) {
        refresh_stop(leg);
        if (leg->transfer)
            transfer_leg_ends(leg);
        own_drop_leg(leg);
    }
    if (state == LEG_DEAD) {
        leg->ended_ms = cs->clock->mono_ms;
        stat_inc(cs->stats, STAT_legs_ended);
        call_leg_dead(leg);
    }
}

void leg_event(struct leg *leg, enum leg_event ev, const struct leg_arg *arg)
{
    const struct leg_cell *cell =
        leg->is_in ? &leg_in_table[leg->state][ev] : &leg_out_table[leg->state][ev];

    if (leg->transfer && transfer_event(leg, ev, arg))
        return;
    if (cell->kind == CELL_IMPOSSIBLE) {
        stat_inc(leg->call->calls->stats, STAT_legs_impossible);
        log_limited(LOG_DEBUG, "leg_impossible", "call=%s side=%s state=%s event=%s",
                    leg->call->uuid, leg->is_in ? "in" : "out", leg_state_name(leg->state),
                    leg_event_name(ev));
        return;
    }
    if (cell->next != LEG_STATES)
        leg_set_state(leg, cell->next);
    if (cell->action)
        cell->action(leg, arg);
}
