/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a call leaves behind: events to the CDR writer and the two log lines at its start and end.
 * Called at the moments of a call's life; nothing here changes a call but its sequence number.
 */
#include "call/headers.h"
#include "call/journal.h"
#include "call/model.h"
#include "call/rating.h"
#include "call/session.h"
#include "call/shown.h"
#include "call/snapshot.h"
#include "call/terms.h"

static struct cdr_time at(const struct call *c, uint64_t mono_ms)
{
    const struct clock *k = c->calls->clock;

    if (!mono_ms)
        return (struct cdr_time){0};
    return (struct cdr_time){k->wall_ms - (k->mono_ms - mono_ms), mono_ms};
}

static struct span leg_call_id(const struct leg *leg)
{
    return leg && leg->main ? dialog_str(leg->main->d, DIALOG_CALL_ID) : SPAN_NONE;
}

static enum cdr_release release_side(const struct cause *cause)
{
    switch (cause->where) {
    case CAUSE_IN: return CDR_RELEASE_IN;
    case CAUSE_OUT: return CDR_RELEASE_OUT;
    case CAUSE_HERE: return CDR_RELEASE_SWITCH;
    default: return CDR_RELEASE_NONE;
    }
}

static struct span customer_of(const struct leg *leg)
{
    return leg ? span_of(leg->trunk.account) : SPAN_NONE;
}

/* What was agreed last; of an attempt that is not the call's any more nothing is known. */
static struct span codec_of(const struct leg *leg)
{
    const char *name =
        leg == leg->call->in || leg == leg->call->out ? terms_codec(leg->call, leg) : NULL;

    return name ? span_of(name) : SPAN_NONE;
}

static void fill_out(struct cdr_event *ev, const struct leg *out, char *shown)
{
    if (!out)
        return;
    ev->callid_out = leg_call_id(out);
    ev->trunk_out = span_of(out->trunk.state->name);
    ev->peer_out = out->flow.remote;
    ev->transport_out = span_of(proto_name(out->flow.proto));
    ev->customer_out = customer_of(out);
    ev->called_sent = span_of(out->sent);
    ev->caller_sent = shown_number(out->call, out, shown);
    ev->deck_out = rating_text(out->rating, RATING_DECK);
    ev->prefix_out = rating_text(out->rating, RATING_PREFIX);
    ev->rate_out = rating_text(out->rating, RATING_RATE);
    ev->currency_out = rating_text(out->rating, RATING_CURRENCY);
    ev->cost_out = rating_text(out->rating, RATING_COST);
    ev->currency = rating_text(out->rating, RATING_BASE);
    ev->minimum_out = rating_text(out->rating, RATING_MINIMUM);
    ev->increment_out = rating_text(out->rating, RATING_INCREMENT);
    ev->code_out = rating_text(out->rating, RATING_CODE);
    ev->codec_out = codec_of(out);
    ev->attempt = out->attempt;
}

/* session: where the text of both UUIDs may stand while the event is made */
static void fill(struct cdr_event *ev, struct call *c, enum cdr_type type, char *session)
{
    *ev = (struct cdr_event){
        .type = type,
        .seq = ++c->cdr_seq,
        .call = c->id,
        .generation = c->generation,
        .uuid = span_of(c->uuid),
        .callid_in = leg_call_id(c->in),
        .trunk_in = span_of(c->in->trunk.state->name),
        .peer_in = c->in->flow.remote,
        .transport_in = span_of(proto_name(c->in->flow.proto)),
        .customer_in = customer_of(c->in),
        .caller_received = span_of(c->caller),
        .caller_normalised = span_of(c->caller_normalised),
        .called_received = span_of(c->called),
        .called_normalised = span_of(c->normalised),
        .class_name = span_of(priority_name(c->klass)),
        .priority = span_of(c->priority),
        .announcement = c->announced ? span_of(c->announced) : SPAN_NONE,
        .lrn = span_of(c->lrn),
        .dip = dip_word(c),
        .dip_ms = c->dip_ms,
        .route = span_of(c->route),
        .rate_class = rating_text(c->rating, RATING_CLASS),
        .deck_in = rating_text(c->rating, RATING_DECK),
        .prefix_in = rating_text(c->rating, RATING_PREFIX),
        .rate_in = rating_text(c->rating, RATING_RATE),
        .currency_in = rating_text(c->rating, RATING_CURRENCY),
        .minimum_in = rating_text(c->rating, RATING_MINIMUM),
        .increment_in = rating_text(c->rating, RATING_INCREMENT),
        .code_in = rating_text(c->rating, RATING_CODE),
        .codec_in = codec_of(c->in),
        .start = at(c, c->started_ms),
        .progress = at(c, c->progress_ms),
        .answer = at(c, c->answered_ms),
        .attempts = c->attempts,
    };
    if (session_text(c, session))
        ev->session_id = span_of(session);
}

/* An event that no file takes is not made; it is numbered all the same. */
static bool is_wanted(struct call *c, enum cdr_type type)
{
    if (c->calls->cdr && cdr_wants(c->calls->cdr, type))
        return true;
    c->cdr_seq++;
    return false;
}

static void put(struct call *c, const struct cdr_event *ev)
{
    if (c->calls->cdr)
        (void)cdr_put(c->calls->cdr, c->calls->stats, ev);
}

static void put_cause(struct cdr_event *ev, const struct cause *cause)
{
    ev->code = cause->sip_code;
    ev->q850 = cause->q850 ? cause->q850 : cause_q850_of(cause->sip_code);
    ev->release = release_side(cause);
    ev->reason = span_of(cause->reason);
    ev->where = span_of(cause_where_name(cause));
}

void record_start(struct call *c)
{
    struct cdr_event ev;
    char session[SESSION_TEXT_LEN + 1];
    char caller[NUMBER_MAX * 2], called[NUMBER_MAX * 2];

    if (is_wanted(c, CDR_START)) {
        fill(&ev, c, CDR_START, session);
        put(c, &ev);
    }
    if (log_level() >= LOG_INFO)
        log_ev(LOG_INFO, "call_start", "call=%s in=%s caller=%s called=%s class=%s gen=%llu",
               c->uuid, c->in->trunk.state->name,
               log_quote(caller, sizeof caller, span_of(c->caller)),
               log_quote(called, sizeof called, span_of(c->called)), priority_name(c->klass),
               (unsigned long long)c->generation);
}

void record_answer(struct call *c)
{
    struct cdr_event ev;
    char session[SESSION_TEXT_LEN + 1], shown[NUMBER_MAX];

    if (!is_wanted(c, CDR_ANSWER))
        return;
    fill(&ev, c, CDR_ANSWER, session);
    fill_out(&ev, c->out, shown);
    put(c, &ev);
}

void record_interim(struct call *c)
{
    struct cdr_event ev;
    char session[SESSION_TEXT_LEN + 1], shown[NUMBER_MAX];

    if (!is_wanted(c, CDR_INTERIM))
        return;
    fill(&ev, c, CDR_INTERIM, session);
    fill_out(&ev, c->out, shown);
    ev.end = at(c, c->calls->clock->mono_ms);
    put(c, &ev);
}

void record_attempt(struct call *c, struct leg *out)
{
    struct cdr_event ev;
    char session[SESSION_TEXT_LEN + 1], shown[NUMBER_MAX];

    if (out->reported)
        return;
    out->reported = true;
    fill(&ev, c, CDR_ATTEMPT, session);
    fill_out(&ev, out, shown);
    ev.start = at(c, out->started_ms);
    ev.progress = at(c, out->progress_ms);
    ev.answer = at(c, out->answered_ms);
    ev.end = at(c, c->calls->clock->mono_ms);
    put_cause(&ev, out->cause.where != CAUSE_NOWHERE ? &out->cause : &c->cause);
    put(c, &ev);
}

void record_late_answer(struct call *c, struct leg *out)
{
    record_attempt(c, out);
    out->reported = false;
    out->answered_ms = c->calls->clock->mono_ms;
    out->cause = (struct cause){200, 16, CAUSE_HERE, "answered after CANCEL"};
    record_attempt(c, out);
}

static void add_media(struct cdr_media *sum, const struct media_counters *n)
{
    sum->packets += n->packets;
    sum->bytes += n->bytes;
    sum->lost += n->lost;
    sum->reordered += n->reordered;
    sum->strangers += n->strangers;
    sum->gaps += n->gaps;
    sum->kernel_packets += n->fast_packets;
    sum->ssrc_changes += n->ssrc_changes;
    sum->ssrc_refused += n->ssrc_refused;
    sum->auth_failed += n->auth_failed;
    sum->dtmf += n->events;
    sum->remote_lost += n->remote_lost;
    sum->silent_ms += n->quiet_ms;
    sum->one_way_ms += n->one_way_ms;
    sum->breaker = (uint16_t)(sum->breaker + n->breaker);
    if (n->jitter_max_us > sum->jitter_us)
        sum->jitter_us = n->jitter_max_us;
    if (n->rtt_max_us > sum->rtt_us)
        sum->rtt_us = n->rtt_max_us;
    if (n->mos_100 && (!sum->mos_100 || n->mos_100 < sum->mos_100))
        sum->mos_100 = n->mos_100;
    if (n->mos_min_100 && (!sum->mos_min_100 || n->mos_min_100 < sum->mos_min_100))
        sum->mos_min_100 = n->mos_min_100;
}

/* What both directions of a call came to, for the metrics: classes of G.107 annex B. */
static void count_quality(struct call *c, const struct cdr_media *m)
{
    struct stats *stats = c->calls->stats;

    if (m->mos_100 >= 403)
        stat_inc(stats, STAT_mos_good);
    else if (m->mos_100 >= 360)
        stat_inc(stats, STAT_mos_fair);
    else if (m->mos_100 >= 310)
        stat_inc(stats, STAT_mos_poor);
    else if (m->mos_100)
        stat_inc(stats, STAT_mos_bad);
}

void record_end(struct call *c, const struct media_ep_state *eps, unsigned n_eps)
{
    struct cdr_event ev;
    char session[SESSION_TEXT_LEN + 1], shown[NUMBER_MAX];
    uint64_t billed = c->answered_ms ? c->ended_ms - c->answered_ms : 0;

    if (c->end_reported)
        return;
    c->end_reported = true;
    if (c->out)
        record_attempt(c, c->out);
    fill(&ev, c, CDR_CALL, session);
    fill_out(&ev, c->out ? c->out : c->last_out, shown);
    ev.end = at(c, c->ended_ms);
    put_cause(&ev, &c->cause);
    for (unsigned i = 0; i < n_eps; i++)
        add_media(eps[i].endpoint & 1 ? &ev.media_out : &ev.media_in, &eps[i].n);
    count_quality(c, &ev.media_in);
    count_quality(c, &ev.media_out);
    put(c, &ev);
    journal_erase(c);
    if (log_level() >= LOG_INFO)
        log_ev(
            LOG_INFO, "call_end",
            "call=%s in=%s out=%s code=%u q850=%u release=%s attempts=%u dur_ms=%llu reason=\"%s\"",
            c->uuid, c->in->trunk.state->name, ev.trunk_out.len ? ev.trunk_out.p : "-", ev.code,
            ev.q850, cause_where_name(&c->cause), c->attempts, (unsigned long long)billed,
            c->cause.reason ? c->cause.reason : "");
}

/* Durations are differences: the wall clock does for both, the process that had the other one is gone. */
static struct cdr_time then(uint64_t wall_ms)
{
    return (struct cdr_time){wall_ms, wall_ms};
}

void record_estimated(struct calls *cs, const struct call_brief *b, uint64_t end_wall_ms)
{
    const struct cdr_event ev = {
        .type = CDR_CALL,
        .seq = b->cdr_seq + 1,
        .call = b->id,
        .uuid = span_of(b->uuid),
        .trunk_in = span_of(b->trunk[0]),
        .trunk_out = span_of(b->trunk[1]),
        .customer_in = span_of(b->account[0]),
        .customer_out = span_of(b->account[1]),
        .caller_received = span_of(b->caller),
        .called_received = span_of(b->called),
        .called_normalised = span_of(b->normalised),
        .class_name = span_of(priority_name(b->klass)),
        .start = then(b->started_wall_ms),
        .answer = then(b->answered_wall_ms),
        .end = then(end_wall_ms),
        .code = 200,
        .q850 = 41,
        .release = CDR_RELEASE_SWITCH,
        .reason = SPAN("not taken up after a restart"),
        .where = SPAN("switch"),
        .estimated = true,
    };

    if (cs->cdr)
        (void)cdr_put(cs->cdr, cs->stats, &ev);
}
