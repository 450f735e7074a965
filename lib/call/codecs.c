/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Codec policies of two trunks on one body: what stays, in what order, with what packet times.
 * Called by offer.c, invite.c and hunt.c. It renumbers nothing and transcodes nothing.
 */
#include "call/codecs.h"

#include "call/terms.h"
#include "sip/sdp_format.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char codecs_reason[] = "no codec that both trunks allow";

/* Those that configurations name. */
static const uint8_t conf_of[MEDIA_CODEC_END] = {
    [MEDIA_CODEC_PCMU] = 1 + CONF_CODEC_PCMU,
    [MEDIA_CODEC_PCMA] = 1 + CONF_CODEC_PCMA,
    [MEDIA_CODEC_G722] = 1 + CONF_CODEC_G722,
    [MEDIA_CODEC_G723] = 1 + CONF_CODEC_G723,
    [MEDIA_CODEC_G726] = 1 + CONF_CODEC_G726,
    [MEDIA_CODEC_G728] = 1 + CONF_CODEC_G728,
    [MEDIA_CODEC_G729] = 1 + CONF_CODEC_G729,
    [MEDIA_CODEC_GSM] = 1 + CONF_CODEC_GSM,
    [MEDIA_CODEC_GSM_EFR] = 1 + CONF_CODEC_GSM_EFR,
    [MEDIA_CODEC_ILBC] = 1 + CONF_CODEC_ILBC,
    [MEDIA_CODEC_AMR] = 1 + CONF_CODEC_AMR,
    [MEDIA_CODEC_AMR_WB] = 1 + CONF_CODEC_AMR_WB,
    [MEDIA_CODEC_EVS] = 1 + CONF_CODEC_EVS,
    [MEDIA_CODEC_OPUS] = 1 + CONF_CODEC_OPUS,
    [MEDIA_CODEC_SPEEX] = 1 + CONF_CODEC_SPEEX,
    [MEDIA_CODEC_L16] = 1 + CONF_CODEC_L16,
    [MEDIA_CODEC_CLEARMODE] = 1 + CONF_CODEC_CLEARMODE,
    [MEDIA_CODEC_CN] = 1 + CONF_CODEC_CN,
    [MEDIA_CODEC_EVENT] = 1 + CONF_CODEC_EVENT,
};

static bool trunk_matters(const struct conf_trunk *t)
{
    return t && (t->codecs_allow.n || t->codecs_deny.n || t->codecs_order.n || t->ptime_ms ||
                 t->maxptime_ms || t->video_refuse);
}

bool codecs_matter(const struct conf_trunk *from, const struct conf_trunk *to)
{
    return trunk_matters(from) || trunk_matters(to);
}

bool codecs_refuse(const struct conf_trunk *from, const struct conf_trunk *to,
                   const struct sdp_media *m)
{
    return ((from && from->video_refuse) || (to && to->video_refuse)) &&
           span_eq(m->type, SPAN("video"));
}

/* ---- one format -------------------------------------------------------------------------------------------------- */

struct format {
    const struct sdp_format *f;
    uint32_t clock;
    uint8_t conf;  /* 1 + enum conf_codec; 0: it has no name in configurations */
    bool is_aside; /* beside a voice */
    bool stays;
};

bool codecs_lets(const struct conf_trunk *t, enum media_codec codec)
{
    uint32_t bit;

    if (!t)
        return true;
    if (!conf_of[codec])
        return !t->codecs_allow.n;
    bit = 1U << (conf_of[codec] - 1);
    if (t->codecs_deny.bits & bit)
        return false;
    return codec == MEDIA_CODEC_EVENT || codec == MEDIA_CODEC_CN || !t->codecs_allow.n ||
           (t->codecs_allow.bits & bit);
}

static bool was_offered(const struct codecs_ask *a, unsigned i, const struct sdp_formats *offered,
                        const struct format *f)
{
    return a->is_offer || !a->offer || i >= a->offer->n_media ||
           sdp_format_find(offered, f->f->name) >= 0;
}

/* Events and noise have the clock of a voice: those of one that has gone go with it (RFC 4733 §2.1). */
static bool has_voice(const struct format *v, unsigned n, uint32_t clock)
{
    for (unsigned k = 0; k < n; k++)
        if (v[k].stays && !v[k].is_aside && v[k].clock == clock)
            return true;
    return false;
}

/* What stays of a line. @return voices that do; *gone: how many formats do not */
static unsigned sift(const struct codecs_ask *a, unsigned i, struct format *v,
                     const struct sdp_formats *all, unsigned *gone)
{
    struct sdp_formats offered;
    unsigned voices = 0, lost = 0;

    offered.n = 0;
    if (!a->is_offer && a->offer && i < a->offer->n_media)
        sdp_formats(&a->offer->media[i], &offered);
    for (unsigned k = 0; k < all->n; k++) {
        enum media_codec codec;
        struct span encoding;

        v[k] = (struct format){.f = &all->v[k]};
        v[k].clock = sdp_format_clock(all->v[k].name, &encoding);
        codec = terms_codec_of(all->v[k].name);
        v[k].conf = conf_of[codec];
        v[k].is_aside = sdp_format_is_aside(all->v[k].name);
        v[k].stays = codecs_lets(a->from, codec) && codecs_lets(a->to, codec) &&
                     was_offered(a, i, &offered, &v[k]);
        voices += v[k].stays && !v[k].is_aside;
        lost += !v[k].stays && !v[k].is_aside;
        *gone += !v[k].stays;
    }
    for (unsigned k = 0; lost && k < all->n; k++)
        if (v[k].stays && v[k].is_aside && v[k].clock && !has_voice(v, all->n, v[k].clock)) {
            v[k].stays = false;
            ++*gone;
        }
    return voices;
}

/* ---- the line ---------------------------------------------------------------------------------------------------- */

static unsigned place_of(const struct conf_codecs *order, const struct format *f)
{
    if (f->is_aside)
        return CONF_CODECS + 1;
    for (unsigned i = 0; f->conf && i < order->n; i++)
        if (order->order[i] == f->conf - 1)
            return i;
    return CONF_CODECS;
}

static size_t put(char *text, size_t n, struct span fmt)
{
    int more = snprintf(text + n, CODECS_TEXT - n, "%s%.*s", n ? " " : "", SPAN_ARG(fmt));

    return more > 0 && n + (size_t)more < CODECS_TEXT ? n + (size_t)more : n;
}

/* By place, within one as they came. */
static struct span write_formats(const struct format *v, unsigned n,
                                 const struct conf_codecs *order, char *text)
{
    size_t len = 0;

    for (unsigned place = 0; place <= CONF_CODECS + 1; place++) {
        for (unsigned k = 0; k < n; k++)
            if (v[k].stays && (!order || place_of(order, &v[k]) == place))
                len = put(text, len, v[k].f->fmt);
        if (!order)
            break;
    }
    return (struct span){text, len};
}

static const struct conf_codecs *order_of(const struct codecs_ask *a)
{
    if (!a->is_offer)
        return NULL; /* the choice is the answerer's */
    if (a->to && a->to->codecs_order.n)
        return &a->to->codecs_order;
    return a->from && a->from->codecs_order.n ? &a->from->codecs_order : NULL;
}

static int edit_formats(const struct codecs_ask *a, unsigned i, struct sdp_media_edit *m,
                        char *text)
{
    const struct conf_codecs *order = order_of(a);
    struct format v[SDP_FORMATS_MAX];
    struct sdp_formats all;
    unsigned gone = 0, voices, had = 0;

    sdp_formats(&a->sdp->media[i], &all);
    voices = sift(a, i, v, &all, &gone);
    for (unsigned k = 0; k < all.n; k++)
        had += !v[k].is_aside;
    if (voices == 0 && had)
        return -ENOTSUP;
    if (gone || order)
        m->fmt = write_formats(v, all.n, order, text);
    return 0;
}

/* The shorter of what we and the other side take; ours is written where it is. */
static void edit_times(const struct conf_trunk *to, const struct sdp_media *m,
                       struct sdp_media_edit *e)
{
    uint32_t max = m->maxptime_ms;

    if (to->maxptime_ms && (!max || to->maxptime_ms < max))
        max = e->maxptime_ms = to->maxptime_ms;
    if (to->ptime_ms)
        e->ptime_ms = max && to->ptime_ms > max ? max : to->ptime_ms;
    else if (e->maxptime_ms && m->ptime_ms > max)
        e->ptime_ms = max;
}

int codecs_edit(const struct codecs_ask *a, struct sdp_edit *e, struct codecs_text *t)
{
    for (unsigned i = 0; i < a->sdp->n_media; i++) {
        const struct sdp_media *m = &a->sdp->media[i];
        int rc;

        if (m->port == 0)
            continue;
        if (codecs_refuse(a->from, a->to, m))
            e->media[i].off = true;
        if (!span_eq(m->type, SPAN("audio")) || !memmem(m->proto.p, m->proto.len, "RTP/", 4))
            continue;
        rc = edit_formats(a, i, &e->media[i], t->fmt[i]);
        if (rc < 0)
            return rc;
        if (a->to)
            edit_times(a->to, m, &e->media[i]);
    }
    return 0;
}

/* Nothing but what is refused: an offer of video alone. */
static bool is_all_off(const struct sdp *sdp, const struct sdp_edit *e)
{
    bool any = false;

    for (unsigned i = 0; i < sdp->n_media; i++) {
        if (sdp->media[i].port && !e->media[i].off)
            return false;
        any = any || e->media[i].off;
    }
    return any;
}

int codecs_check(const struct conf_trunk *from, const struct conf_trunk *to, struct span offer)
{
    struct codecs_ask ask = {.from = from, .to = to, .is_offer = true};
    struct codecs_text text;
    struct sdp_edit e;
    struct sdp sdp;
    int rc;

    if (!codecs_matter(from, to) || span_is_empty(offer) || sdp_parse(&sdp, offer, NULL) < 0)
        return 0;
    memset(&e, 0, sizeof e);
    ask.sdp = &sdp;
    rc = codecs_edit(&ask, &e, &text);
    return rc == 0 && is_all_off(&sdp, &e) ? -ENOTSUP : rc;
}
