/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both parties' words on each m-line, and what they agree on.
 * offer.c notes and settles; offer_session.c, records and operators read. It changes nothing of a body.
 */
#include "call/terms.h"

#include "call/codecs.h"
#include "call/digits.h"
#include "call/offer.h"
#include "sip/sdp_format.h"

#include <string.h>

/* A block of the smallest class has room for two lines; few calls ever have more. */
#define TERMS_LINES 2U

/* Said and agreed, by endpoint. */
struct terms {
    size_t cap;
    uint8_t n;         /* endpoints */
    bool in_said_last; /* the in leg's party answered */
    struct {
        struct term now, next;
    } v[];
};

/* ---- codecs ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    enum media_codec codec;
} codec_names[] = {
    /* the first of each is its name */
    {"PCMU", MEDIA_CODEC_PCMU},
    {"PCMA", MEDIA_CODEC_PCMA},
    {"G722", MEDIA_CODEC_G722},
    {"G723", MEDIA_CODEC_G723},
    {"G726-32", MEDIA_CODEC_G726},
    {"G726-16", MEDIA_CODEC_G726},
    {"G726-24", MEDIA_CODEC_G726},
    {"G726-40", MEDIA_CODEC_G726},
    {"AAL2-G726-16", MEDIA_CODEC_G726},
    {"AAL2-G726-24", MEDIA_CODEC_G726},
    {"AAL2-G726-32", MEDIA_CODEC_G726},
    {"AAL2-G726-40", MEDIA_CODEC_G726},
    {"G728", MEDIA_CODEC_G728},
    {"G729", MEDIA_CODEC_G729},
    {"G729A", MEDIA_CODEC_G729}, /* in no registry, on many wires */
    {"G729AB", MEDIA_CODEC_G729},
    {"GSM", MEDIA_CODEC_GSM},
    {"GSM-EFR", MEDIA_CODEC_GSM_EFR},
    {"iLBC", MEDIA_CODEC_ILBC},
    {"AMR", MEDIA_CODEC_AMR},
    {"AMR-WB", MEDIA_CODEC_AMR_WB},
    {"EVS", MEDIA_CODEC_EVS},
    {"opus", MEDIA_CODEC_OPUS},
    {"speex", MEDIA_CODEC_SPEEX},
    {"L16", MEDIA_CODEC_L16},
    {"CLEARMODE", MEDIA_CODEC_CLEARMODE},
    {"CN", MEDIA_CODEC_CN},
    {"telephone-event", MEDIA_CODEC_EVENT},
};

enum media_codec terms_codec_of(struct span name)
{
    struct span encoding, rest;

    span_cut(name, '/', &encoding, &rest);
    for (size_t i = 0; i < sizeof codec_names / sizeof codec_names[0]; i++)
        if (span_case_eq(encoding, span_of(codec_names[i].name)))
            return codec_names[i].codec;
    return MEDIA_CODEC_UNKNOWN;
}

const char *terms_codec_name(enum media_codec codec)
{
    if (codec == MEDIA_CODEC_VIDEO)
        return "video";
    for (size_t i = 0; i < sizeof codec_names / sizeof codec_names[0]; i++)
        if (codec_names[i].codec == codec)
            return codec_names[i].name;
    return "?";
}

/* Not beside a voice, but one: or video. */
static bool is_voice(uint8_t codec)
{
    return codec != MEDIA_CODEC_CN && codec != MEDIA_CODEC_EVENT;
}

/* ---- what a party says ------------------------------------------------------------------------------------------- */

static uint8_t byte_of(uint32_t ms)
{
    return (uint8_t)(ms < UINT8_MAX ? ms : UINT8_MAX);
}

static uint16_t term_flags(const struct sdp *sdp, unsigned i)
{
    const struct sdp_media *m = &sdp->media[i];
    struct span rest = m->lines, raw, line;
    unsigned flags = TERMS_ON;

    if (span_has_prefix(m->proto, SPAN("RTP/")))
        flags |= TERMS_RTP;
    else if (span_has_prefix(m->proto, SPAN("UDP/TLS/RTP/")))
        flags |= TERMS_DTLS;
    if (flags & TERMS_RTP && span_eq(m->type, SPAN("audio")))
        flags |= TERMS_AUDIO;
    if (span_eq(m->type, SPAN("video")))
        flags |= TERMS_VIDEO;
    if (m->rtcp_mux)
        flags |= TERMS_MUX;
    if (span_has_prefix(m->proto, SPAN("RTP/SAVP")))
        flags |= TERMS_SAVP;
    while (sdp_format_line(&rest, &raw, &line)) {
        if (span_has_prefix(line, SPAN("a=crypto:")))
            flags |= TERMS_SDES;
        else if (span_has_prefix(line, SPAN("a=fingerprint:")))
            flags |= TERMS_DTLS;
        else if (span_has_prefix(line, SPAN("a=ice-ufrag:")))
            flags |= TERMS_ICE;
    }
    return (uint16_t)flags;
}

/* What the relay takes and the term has room for: another is as good as not said, and no reason to refuse a call. */
#define CLOCK_MIN 1000U
#define CLOCK_MAX (10U * UINT16_MAX)

static void term_clock(struct term *t, struct span name)
{
    struct span encoding;
    uint32_t hz = sdp_format_clock(name, &encoding);

    if (hz < CLOCK_MIN || hz > CLOCK_MAX)
        return;
    t->clock_10hz = (uint16_t)(hz / 10);
    t->clock_hz = (uint8_t)(hz % 10);
}

/* [Hz]; 0: not said */
static uint32_t voice_clock(const struct term *t)
{
    return t->clock_10hz * 10U + t->clock_hz;
}

/* Of a telephone-event; 0: it is none, or there was no room to note its clock: then it fits any, and is told nobody. */
static uint32_t event_clock(const struct term *t, uint8_t type, uint8_t codec)
{
    return codec == MEDIA_CODEC_EVENT ? media_event_clock_said(t->pt, t->n_pts, type) : 0;
}

static void term_events(struct term *t, const struct sdp_formats *f)
{
    struct span encoding;

    for (unsigned k = 0; k < f->n; k++) {
        int pt = sdp_format_pt(f->v[k].fmt);
        uint32_t hz;

        if (pt < 0 || terms_codec_of(f->v[k].name) != MEDIA_CODEC_EVENT)
            continue;
        hz = sdp_format_clock(f->v[k].name, &encoding);
        if (!event_clock(t, (uint8_t)pt, MEDIA_CODEC_EVENT))
            media_event_clock_set(t->pt, t->n_pts, (uint8_t)pt, hz);
    }
}

static void term_formats(struct term *t, const struct sdp_media *m)
{
    bool is_audio = t->flags & TERMS_AUDIO;
    struct sdp_formats f;

    sdp_formats(m, &f);
    for (unsigned k = 0; k < f.n && t->n_pts < MEDIA_PTS_MAX; k++) {
        int pt = sdp_format_pt(f.v[k].fmt);
        uint8_t codec = t->flags & TERMS_VIDEO ? MEDIA_CODEC_VIDEO : MEDIA_CODEC_UNKNOWN;

        if (pt < 0)
            continue;
        if (is_audio)
            codec = (uint8_t)terms_codec_of(f.v[k].name);
        if (!t->clock_10hz && is_voice(codec))
            term_clock(t, f.v[k].name);
        t->pt[t->n_pts].type = (uint8_t)pt;
        t->pt[t->n_pts++].codec = codec;
    }
    if (is_audio)
        term_events(t, &f);
}

static struct terms *terms_room(struct call *c, unsigned endpoints)
{
    struct blocks *b = c->calls->blocks;
    unsigned n = endpoints <= 2 * TERMS_LINES ? 2 * TERMS_LINES : 2 * OFFER_MEDIA_MAX;
    struct terms *t = c->media.terms, *grown;
    size_t cap;

    if (t && t->n >= n)
        return t;
    grown = blocks_get(b, sizeof *grown + n * sizeof grown->v[0], &cap);
    if (!grown)
        return NULL;
    memset(grown, 0, sizeof *grown + n * sizeof grown->v[0]);
    if (t) {
        memcpy(grown, t, sizeof *t + t->n * sizeof t->v[0]);
        blocks_put(b, t, t->cap);
    }
    grown->cap = cap;
    grown->n = (uint8_t)n;
    c->media.terms = grown;
    return grown;
}

void terms_note(struct call *c, const struct leg *leg, const struct sdp *sdp, unsigned i)
{
    unsigned e = offer_ep_of(leg, i);
    struct terms *all = terms_room(c, e + 1);
    struct term *t;

    if (!all)
        return;
    all->in_said_last = leg->is_in;
    t = &all->v[e].next;
    *t = (struct term){0};
    if (sdp->media[i].port == 0)
        return;
    t->flags = term_flags(sdp, i);
    t->ptime_ms = byte_of(sdp->media[i].ptime_ms);
    t->maxptime_ms = byte_of(sdp->media[i].maxptime_ms);
    if (t->flags & (TERMS_RTP | TERMS_DTLS))
        term_formats(t, &sdp->media[i]);
}

static int event_of(const struct term *t, uint32_t hz)
{
    int unsure = -1;

    for (unsigned k = 0; k < t->n_pts; k++) {
        uint32_t clock = event_clock(t, t->pt[k].type, MEDIA_CODEC_EVENT);

        if (t->pt[k].codec != MEDIA_CODEC_EVENT)
            continue;
        if (hz == 0 || clock == hz)
            return t->pt[k].type;
        if (clock == 0 && unsure < 0)
            unsure = t->pt[k].type;
    }
    return unsure;
}

int terms_event_said(const struct call *c, const struct leg *leg, unsigned i, uint32_t hz)
{
    const struct terms *t = c->media.terms;
    unsigned e = offer_ep_of(leg, i);

    return t && e < t->n ? event_of(&t->v[e].next, hz) : -1;
}

unsigned terms_settle(struct call *c)
{
    struct terms *t = c->media.terms;
    unsigned changed = 0;

    for (unsigned e = 0; t && e < t->n; e++) {
        if (memcmp(&t->v[e].now, &t->v[e].next, sizeof t->v[e].now) == 0)
            continue;
        t->v[e].now = t->v[e].next;
        changed |= 3U << (e & ~1U); /* both must agree on it */
    }
    return changed;
}

void terms_refuse(struct call *c)
{
    struct terms *t = c->media.terms;

    for (unsigned e = 0; t && e < t->n; e++)
        t->v[e].next = t->v[e].now;
}

void terms_drop(struct call *c, unsigned e)
{
    struct terms *t = c->media.terms;

    if (t && e < t->n)
        memset(&t->v[e], 0, sizeof t->v[e]);
}

void terms_free(struct call *c)
{
    if (c->media.terms)
        blocks_put(c->calls->blocks, c->media.terms, c->media.terms->cap);
    c->media.terms = NULL;
}

void terms_save(const struct call *c, struct term to[2 * OFFER_MEDIA_MAX])
{
    const struct terms *t = c->media.terms;

    for (unsigned e = 0; e < 2 * OFFER_MEDIA_MAX; e++)
        to[e] = t && e < t->n ? t->v[e].now : (struct term){0};
}

static bool is_sane(const struct term *t)
{
    if (t->n_pts > MEDIA_PTS_MAX)
        return false;
    for (unsigned i = 0; i < t->n_pts; i++)
        if (t->pt[i].type > 127 || t->pt[i].codec >= MEDIA_CODEC_END)
            return false;
    return t->flags & TERMS_ON;
}

void terms_load(struct call *c, const struct term from[2 * OFFER_MEDIA_MAX])
{
    for (unsigned e = 0; e < 2 * OFFER_MEDIA_MAX; e++) {
        struct terms *t = is_sane(&from[e]) ? terms_room(c, e + 1) : NULL;

        if (t)
            t->v[e].now = t->v[e].next = from[e];
    }
}

/* ---- what both say ----------------------------------------------------------------------------------------------- */

/* Its payload type for that one of the other: the same clock of events, then the same number, else the same codec. @return -1: it has none */
static int match(const struct term *t, uint8_t type, uint8_t codec, uint32_t event_hz)
{
    int found = -1;
    unsigned best = 0;

    for (unsigned i = 0; i < t->n_pts; i++) {
        bool is_same = t->pt[i].type == type;
        unsigned good = is_same ? 2 : 1;
        uint32_t hz;

        if (t->pt[i].codec != codec ||
            (!is_same && (codec == MEDIA_CODEC_UNKNOWN || codec == MEDIA_CODEC_VIDEO)))
            continue;
        hz = event_clock(t, t->pt[i].type, codec);
        if (hz == 0 || event_hz == 0)
            good += 2;
        else if (hz == event_hz)
            good += 4;
        if (good <= best)
            continue;
        best = good;
        found = t->pt[i].type;
    }
    return found;
}

/* A number of this party's; -1: it has none. hz: what the other says of an event's clock, if this one's could not be noted. */
static void add_pt(struct terms_line *l, const struct term *of, int type, uint8_t codec,
                   uint32_t hz)
{
    if (type < 0 || l->n_pts == MEDIA_PTS_MAX)
        return;
    for (unsigned i = 0; i < l->n_pts; i++)
        if (l->pt[i].type == type)
            return;
    l->pt[l->n_pts].type = (uint8_t)type;
    l->pt[l->n_pts].event_hz = event_clock(of, (uint8_t)type, codec);
    if (l->pt[l->n_pts].event_hz == 0)
        l->pt[l->n_pts].event_hz = hz;
    l->pt[l->n_pts++].codec = codec;
}

/* A codec that a policy took out was not agreed, whatever both have said. */
static bool is_let(const struct call *c, const struct term *t, uint8_t codec)
{
    return !(t->flags & TERMS_AUDIO) ||
           ((!c->in || codecs_lets(c->in->trunk.conf, (enum media_codec)codec)) &&
            (!c->out || codecs_lets(c->out->trunk.conf, (enum media_codec)codec)));
}

/* Formats in the order of the answer: numbers of our party, for packets to it, then those it may send. */
static void agree(const struct call *c, struct terms_line *l, const struct term *own,
                  const struct term *other, const struct term *answer)
{
    const struct term *offer = answer == own ? other : own;

    for (unsigned i = 0; i < answer->n_pts; i++) {
        uint8_t type = answer->pt[i].type, codec = answer->pt[i].codec;
        uint32_t hz = event_clock(answer, type, codec);

        if (is_let(c, answer, codec) && match(offer, type, codec, hz) >= 0)
            add_pt(l, own, match(own, type, codec, hz), codec, hz);
    }
    for (unsigned i = 0, n = l->n_pts; i < n; i++)
        add_pt(l, other, match(other, l->pt[i].type, l->pt[i].codec, l->pt[i].event_hz),
               l->pt[i].codec, l->pt[i].event_hz);
}

/* All of one party, who has them alone. */
static void add_events(struct terms_line *l, const struct term *own)
{
    for (unsigned i = 0; i < own->n_pts; i++)
        if (own->pt[i].codec == MEDIA_CODEC_EVENT)
            add_pt(l, own, own->pt[i].type, MEDIA_CODEC_EVENT, 0);
}

/* As the relay chooses: the one with the clock of the voice, which has one that nobody knows, too; else the first. */
static uint8_t choose_event(const struct terms_line *l)
{
    uint32_t voice = l->clock_rate ? l->clock_rate : 8000;
    uint8_t first = TERMS_NO_PT;

    for (unsigned i = 0; i < l->n_pts; i++) {
        if (l->pt[i].codec != MEDIA_CODEC_EVENT)
            continue;
        if (l->pt[i].event_hz == voice || l->pt[i].event_hz == 0)
            return l->pt[i].type;
        if (first == TERMS_NO_PT)
            first = l->pt[i].type;
    }
    return first;
}

static void choose(struct terms_line *l, const struct term *own)
{
    for (unsigned i = l->n_pts; i-- > 0;) {
        if (!is_voice(l->pt[i].codec))
            continue;
        l->codec = l->pt[i].codec;
        /* 96: the first number without a fixed clock (RFC 3551 §6) */
        l->clock_rate = l->pt[i].type >= 96 ? voice_clock(own) : 0;
    }
    l->event_pt = choose_event(l);
}

bool terms_line(const struct call *c, const struct leg *leg, unsigned i, struct terms_line *out)
{
    const struct terms *t = c->media.terms;
    unsigned e = leg ? offer_ep_of(leg, i) : 0;
    const struct term *own, *other;

    *out = (struct terms_line){.event_pt = TERMS_NO_PT};
    if (!leg || !t || e >= t->n)
        return false;
    own = &t->v[e].now;
    other = &t->v[e ^ 1].now;
    if (!(own->flags & TERMS_ON) || !(other->flags & TERMS_ON))
        return false;
    out->flags = own->flags;
    out->ptime_ms = other->ptime_ms ? other->ptime_ms : own->ptime_ms;
    if (leg->trunk.conf->ptime_ms)
        out->ptime_ms = byte_of(leg->trunk.conf->ptime_ms);
    out->maxptime_ms = own->maxptime_ms;
    agree(c, out, own, other, t->in_said_last == leg->is_in ? own : other);
    /* a side with INFO says nothing of them: its part was said for it (digits_edit) */
    if (digits_turn(leg, leg_other(leg)) && event_of(other, 0) < 0 &&
        codecs_lets(leg->trunk.conf, MEDIA_CODEC_EVENT))
        add_events(out, own);
    choose(out, own);
    return true;
}

void terms_fill(const struct call *c, const struct leg *leg, unsigned i, struct media_ep *ep)
{
    struct terms_line l;

    if (!terms_line(c, leg, i, &l))
        return;
    ep->ptime_ms = l.ptime_ms;
    ep->n_pts = l.n_pts;
    ep->clock_rate = l.clock_rate;
    memset(ep->pt, 0, sizeof ep->pt);
    for (unsigned k = 0; k < l.n_pts; k++) {
        ep->pt[k].type = l.pt[k].type;
        ep->pt[k].codec = l.pt[k].codec;
    }
    for (unsigned k = 0; k < l.n_pts; k++)
        if (l.pt[k].event_hz && l.pt[k].event_hz != (l.clock_rate ? l.clock_rate : 8000))
            media_event_clock_set(ep->pt, ep->n_pts, l.pt[k].type, l.pt[k].event_hz);
    if (l.flags & TERMS_RTP && !(l.flags & TERMS_AUDIO))
        ep->flags |= MEDIA_EP_MANY;
}

const char *terms_codec(const struct call *c, const struct leg *leg)
{
    struct terms_line l;

    for (unsigned i = 0; i < OFFER_MEDIA_MAX; i++) {
        if (!terms_line(c, leg, i, &l))
            continue;
        if (l.flags & TERMS_AUDIO && l.n_pts)
            return terms_codec_name(l.codec);
        if (!(l.flags & (TERMS_RTP | TERMS_VIDEO | TERMS_DTLS)))
            return "T38";
    }
    return NULL;
}
