/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A side with INFO says nothing of telephone-events: the other one is told of them all the same, for the relay makes them and takes them.
 * offer.c calls it; it knows no dialog.
 */
#include "call/digits_sdp.h"

#include "call/digits.h"
#include "call/terms.h"
#include "sip/sdp_format.h"

#define EVENT_PT 101U /* what nearly all say */
#define CLOCK    8000U

/* Place of telephone-event. @return -1: none */
static int find(const struct sdp_formats *f)
{
    for (unsigned k = 0; k < f->n; k++)
        if (terms_codec_of(f->v[k].name) == MEDIA_CODEC_EVENT)
            return (int)k;
    return -1;
}

/* Clock of a voice [Hz]; 0: it is none, or does not say it. */
static uint32_t voice_clock(const struct sdp_format *f)
{
    struct span encoding;

    return sdp_format_is_aside(f->name) ? 0 : sdp_format_clock(f->name, &encoding);
}

static bool has_clock(const struct sdp_formats *f)
{
    for (unsigned k = 0; k < f->n; k++)
        if (voice_clock(&f->v[k]) == CLOCK)
            return true;
    return false;
}

/* Of what its party said of events, that with the clock of a voice of the answer (RFC 4733 §2.1). @return 0: none */
static unsigned said_pt(const struct leg *to, unsigned i, const struct sdp_formats *answer,
                        uint32_t *hz)
{
    for (unsigned k = 0; k < answer->n; k++) {
        int pt;

        *hz = voice_clock(&answer->v[k]);
        pt = *hz ? terms_event_said(to->call, to, i, *hz) : -1;
        if (pt > 0)
            return (unsigned)pt;
    }
    return 0;
}

/* @return a dynamic number that the line does not have; 0: none */
static unsigned free_pt(const struct sdp_formats *f)
{
    for (unsigned pt = EVENT_PT; pt < 128; pt++) {
        bool taken = false;

        for (unsigned k = 0; k < f->n; k++)
            taken = taken || sdp_format_pt(f->v[k].fmt) == (int)pt;
        if (!taken)
            return pt;
    }
    return 0;
}

/* An event type that a line is to have. */
struct event_line {
    unsigned pt;
    uint32_t hz;
};

static void add(struct sdp_media_edit *m, struct span fmt, const struct event_line *e,
                struct digits_text *text, unsigned i)
{
    struct build f, a;

    build_init(&f, text->fmt[i], sizeof text->fmt[i]);
    build_span(&f, fmt);
    build_char(&f, ' ');
    build_u64(&f, e->pt);
    build_init(&a, text->attrs[i], sizeof text->attrs[i]);
    build_span(&a, m->attrs);
    build_span(&a, SPAN("a=rtpmap:"));
    build_u64(&a, e->pt);
    build_span(&a, SPAN(" telephone-event/"));
    build_u64(&a, e->hz);
    build_span(&a, SPAN("\r\na=fmtp:"));
    build_u64(&a, e->pt);
    build_span(&a, SPAN(" 0-16\r\n"));
    if (f.overflow || a.overflow)
        return;
    m->fmt = build_text(&f);
    m->attrs = build_text(&a);
}

/* All of it that is in the line and no telephone-event. */
static void strip(struct sdp_media_edit *m, struct span fmt, const struct sdp_formats *all,
                  struct digits_text *text, unsigned i)
{
    struct span rest = fmt, one;
    struct build f;

    build_init(&f, text->fmt[i], sizeof text->fmt[i]);
    while (!span_is_empty(rest)) {
        bool is_event = false;

        span_cut(rest, ' ', &one, &rest);
        for (unsigned k = 0; k < all->n; k++)
            is_event = is_event || (span_eq(all->v[k].fmt, one) &&
                                    terms_codec_of(all->v[k].name) == MEDIA_CODEC_EVENT);
        if (span_is_empty(one) || is_event)
            continue;
        if (build_text(&f).len)
            build_char(&f, ' ');
        build_span(&f, one);
    }
    if (!f.overflow && build_text(&f).len)
        m->fmt = build_text(&f);
}

void digits_edit(const struct leg *to, const struct leg *from, bool is_offer,
                 const struct sdp_media *said, unsigned i, struct sdp_media_edit *m,
                 struct digits_text *text)
{
    struct span fmt = m->fmt.len ? m->fmt : said->fmt;
    struct event_line e = {.hz = CLOCK};
    struct sdp_formats all;
    int at;

    if (!from || i >= OFFER_MEDIA_MAX || m->off || m->direct || said->port == 0 ||
        !span_eq(said->type, SPAN("audio")) || !span_has_prefix(said->proto, SPAN("RTP/")) ||
        !(digits_turn(to, from) || digits_turn(from, to)))
        return;
    sdp_formats(said, &all);
    at = find(&all);
    if (digits_turn(from, to)) {
        /* an answer to who did not offer them, whom we offered them for */
        if (!is_offer && at >= 0 && terms_event_said(to->call, to, i, 0) < 0)
            strip(m, fmt, &all, text, i);
        return;
    }
    if (at >= 0 || !codecs_lets(to->trunk.conf, MEDIA_CODEC_EVENT))
        return;
    if (!is_offer)
        e.pt = said_pt(to, i, &all, &e.hz);
    else if (has_clock(&all))
        e.pt = free_pt(&all);
    if (e.pt)
        add(m, fmt, &e, text, i);
}
