/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the relay says of sessions by itself: a party that is silent, a session that is lost, a relay that is back.
 * The media client of the worker calls it; the session itself is in offer_session.c.
 */
#include "call/offer.h"

#include "call/announce.h"
#include "call/digits.h"

static struct call *call_of_session(struct calls *cs, uint64_t session)
{
    uint64_t hash = hash_u64(session);

    for (struct htab_node *n = htab_first(&cs->by_id, hash); n; n = htab_next(n)) {
        struct call *c = container_of(n, struct call, node);

        if (c->id == session)
            return c;
    }
    return NULL;
}

/* The call goes on: who is not heard knows it best. What is told is for those who look for the reason. */
static void on_quality(struct call *c, const struct media_event *ev)
{
    static const struct {
        enum stat_id stat;
        const char *name;
    } what[MEDIA_Q_END] = {
        [MEDIA_Q_SILENCE] = {STAT_media_silence, "silence"},
        [MEDIA_Q_SOUND] = {STAT_COUNT, "sound"},
        [MEDIA_Q_ONE_WAY] = {STAT_media_one_way, "one-way"},
        [MEDIA_Q_BOTH_WAYS] = {STAT_COUNT, "both-ways"},
        [MEDIA_Q_BREAKER] = {STAT_media_breaker, "breaker"},
    };
    const struct leg *leg = ev->endpoint & 1 ? c->out : c->in;

    if (ev->kind >= MEDIA_Q_END || !leg)
        return;
    if (what[ev->kind].stat != STAT_COUNT)
        stat_inc(c->calls->stats, what[ev->kind].stat);
    log_limited(LOG_WARN, "media_quality", "call=%s trunk=%s leg=%s event=%s value=%u", c->uuid,
                leg->trunk.state->name, leg->is_in ? "in" : "out", what[ev->kind].name, ev->value);
}

void offer_on_event(void *arg, const struct media_event *ev)
{
    struct calls *cs = arg;
    struct call *c = call_of_session(cs, ev->ref.session);

    if (!c || c->state >= CALL_ENDING)
        return;
    switch (ev->type) {
    case MEDIA_EV_INACTIVE:
        if (c->media.silent & (1U << ev->endpoint))
            return;
        stat_inc(cs->stats, STAT_calls_media_inactive);
        call_kill(c, &CAUSE_HERE_(408, 102, "media inactive"));
        break;
    case MEDIA_EV_LOST:
        stat_inc(cs->stats, STAT_calls_media_lost);
        call_kill(c, &CAUSE_HERE_(503, 41, "media session lost"));
        break;
    case MEDIA_EV_QUALITY: on_quality(c, ev); break;
    case MEDIA_EV_DTMF: digits_on_event(c, ev->endpoint, ev->digit, ev->value); break;
    case MEDIA_EV_PLAYED: announce_on_played(c); break;
    default: break;
    }
}

static bool reinstall_one(struct htab_node *n, void *arg)
{
    (void)arg;
    offer_reinstall(container_of(n, struct call, node));
    return true;
}

/* What a caller was told before its refusal is not heard any more. */
static bool hush_one(struct htab_node *n, void *arg)
{
    (void)arg;
    announce_on_down(container_of(n, struct call, node));
    return true;
}

void offer_on_state(void *arg, bool up, bool fresh)
{
    struct calls *cs = arg;

    (void)fresh;
    htab_each(&cs->by_id, up ? reinstall_one : hush_one, NULL);
}
