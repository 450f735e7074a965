/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Early media of our own: the caller's offer is answered in a 183, the relay plays, and the call goes on or ends.
 * A real answer comes in another early dialog (RFC 3261 §12.1.2), as from another fork: ours is no promise for it.
 *
 *   refuse: (open a session) -> 183 with SDP -> PLAY -> PLAYED -> the final response
 *   ring:   183 with SDP -> PLAY, in a loop -> STOP at the callee's media or answer
 */
#include "call/announce.h"

#include "call/crypto.h"
#include "call/offer.h"
#include "call/offer_play.h"
#include "call/priority.h"
#include "call/rel100.h"
#include "sip/sdp_answer.h"

#include <stdio.h>

#define ANNOUNCE_TEXT_MAX 8192 /* as offers of the bridge */

struct announce {
    struct call *call;
    size_t cap;
    uint32_t request; /* PLAY, for media_forget */
    uint8_t line, pt, codec;
    bool has_answer; /* the caller has our answer, for line, pt, codec */
    bool rings, refuses;
    const char *sound; /* of the in leg's configuration, which it holds */
    struct cause cause;
    char phrase[128]; /* longer ones are cut: they are for people */
};

static struct announce *announce_of(struct call *c)
{
    struct announce *a = c->announce;
    size_t cap;

    if (a)
        return a;
    a = blocks_get(c->calls->blocks, sizeof *a, &cap);
    if (!a)
        return NULL;
    *a = (struct announce){.call = c, .cap = cap};
    c->announce = a;
    return a;
}

void announce_free(struct call *c)
{
    struct announce *a = c->announce;

    if (!a)
        return;
    c->announce = NULL;
    if (c->calls->media)
        media_forget(c->calls->media, a->request);
    blocks_put(c->calls->blocks, a, a->cap);
}

/* ---- may we, and with what ---------------------------------------------------------------------------------------- */

static bool may_speak(const struct call *c)
{
    const struct leg *in = c->in;

    return c->state == CALL_SETUP && in->invite_st && in->offered && c->setup &&
           !span_is_empty(c->setup->body) && !c->calls->dry && c->calls->media &&
           media_is_up(c->calls->media) && !in->trunk.media_none && !in->is_unheard &&
           !rel100_is_busy(in->main);
}

/* Keys in SDP are ours to answer; those of DTLS would come of a handshake that nobody does here. */
static bool is_rtp(struct span proto)
{
    return span_case_eq(proto, SPAN("RTP/AVP")) || span_case_eq(proto, SPAN("RTP/AVPF")) ||
           span_case_eq(proto, SPAN("RTP/SAVP")) || span_case_eq(proto, SPAN("RTP/SAVPF"));
}

/* The first line of audio that we have accepted, and what we speak in it. */
static bool speaks(struct announce *a, const struct sdp *answer)
{
    for (unsigned i = 0; i < answer->n_media && i < OFFER_MEDIA_MAX; i++) {
        struct span first, rest;
        uint32_t pt;

        if (answer->media[i].port == 0 || !span_eq(answer->media[i].type, SPAN("audio")))
            continue;
        if (!is_rtp(answer->media[i].proto))
            return false;
        span_cut(answer->media[i].fmt, ' ', &first, &rest);
        if (span_u32(first, 127, &pt) < 0 || (pt != 0 && pt != 8))
            return false;
        a->line = (uint8_t)i;
        a->pt = (uint8_t)pt;
        a->codec = pt == 0 ? MEDIA_CODEC_PCMU : MEDIA_CODEC_PCMA;
        return true;
    }
    return false;
}

/* Without keys that will do the line has port 0 in what the caller is told. */
static bool is_told(const struct announce *a, struct span body)
{
    struct sdp told;

    return sdp_parse(&told, body, NULL) == 0 && a->line < told.n_media &&
           told.media[a->line].port != 0;
}

/* Our answer to the caller's offer: G.711 of its choice, in its profile. */
static bool compose(struct announce *a, struct span *body)
{
    static const char *const codecs[] = {"pcma", "pcmu"};
    struct call *c = a->call;
    char ours[1024], text[ANNOUNCE_TEXT_MAX];
    struct sdp offer, said, answer;
    struct build b;

    build_init(&b, ours, sizeof ours);
    if (sdp_offer(codecs, 2, &b) < 0 || sdp_parse(&said, build_text(&b), NULL) < 0 ||
        sdp_parse(&offer, c->setup->body, NULL) < 0 ||
        crypto_check(c->in->trunk.conf, &offer) < 0) /* that it is refused for: no word in clear */
        return false;
    if (offer.n_media > 0 && is_rtp(offer.media[0].proto))
        said.media[0].proto = offer.media[0].proto;
    build_init(&b, text, sizeof text);
    if (sdp_answer(&offer, &said, &b) <= 0 || sdp_parse(&answer, build_text(&b), NULL) < 0 ||
        !speaks(a, &answer) || !addr_is_set(&c->media.local[2 * a->line]))
        return false;
    /* of a call that was refused before a carrier was tried nobody has read the keys */
    crypto_note(c, c->in, &offer, a->line);
    return offer_tell(c->in->main, OFFER_ANSWER, build_text(&b), body) == 0 && is_told(a, *body);
}

/* ---- play ------------------------------------------------------------------------------------------------------------ */

static void refuse_now(struct call *c);

static void on_play(void *arg, const struct media_result *res)
{
    struct call *c = arg;
    struct announce *a = c->announce;

    if (!a)
        return;
    a->request = 0;
    if (res->status == 0)
        return;
    stat_inc(c->calls->stats, STAT_announce_failed);
    log_limited(LOG_WARN, "announce_failed", "call=%s sound=%s error=\"%s\"", c->uuid, a->sound,
                err_str(res->status));
    if (a->refuses)
        refuse_now(c);
}

static bool play(struct announce *a, const char *sound, uint8_t flags)
{
    struct call *c = a->call;
    struct offer_play p = {
        .line = a->line, .pt = a->pt, .codec = a->codec, .sound = sound, .flags = flags};

    media_forget(c->calls->media, a->request);
    a->sound = sound;
    a->request = offer_play(c, c->in, &p, on_play, c);
    return a->request != 0;
}

/* The caller's early dialog with us. */
static bool answer_early(struct announce *a)
{
    struct call *c = a->call;
    struct span body;

    if (a->has_answer)
        return true;
    if (!compose(a, &body) || leg_in_early(c->in->main, 183, body) < 0)
        return false;
    a->has_answer = true;
    return true;
}

/* ---- ring ------------------------------------------------------------------------------------------------------------- */

bool announce_ring(struct leg *in, const struct msg *m)
{
    const struct conf_ringback *rb = &in->trunk.conf->ringback;
    struct call *c = in->call;
    struct announce *a = c->announce;

    if (rb->sound.id == CONF_NONE || (m->status != 180 && m->status != 183))
        return false;
    /* the answer of a reliable one is nowhere else: it must cross */
    if (!span_is_empty(m->body) && (!rb->always || rel100_has_rseq(c->out, m))) {
        announce_ring_end(c);
        return false;
    }
    if (a && a->rings)
        return true;
    if (c->committed || in->main->told || in->main->peer || c->media.state != CALL_MEDIA_OPEN ||
        !may_speak(c) || !(a = announce_of(c)))
        return false;
    if (!answer_early(a)) {
        stat_inc(c->calls->stats, STAT_announce_failed);
        return false;
    }
    a->rings = true;
    stat_inc(c->calls->stats, STAT_ringbacks);
    (void)play(a, rb->sound.name, MEDIA_PLAY_LOOP);
    return true;
}

void announce_ring_end(struct call *c)
{
    struct announce *a = c->announce;

    if (!a || !a->rings)
        return;
    a->rings = false;
    media_forget(c->calls->media, a->request);
    a->request = 0;
    offer_stop(c, c->in, a->line);
}

/* ---- refuse ----------------------------------------------------------------------------------------------------------- */

/* arg->cause may be of the block that goes with it. */
static void refuse_now(struct call *c)
{
    struct announce a = *c->announce;

    announce_free(c);
    leg_event(c->in, LEV_REJECT, &(struct leg_arg){.cause = &a.cause, .phrase = span_of(a.phrase)});
}

static void refuse_play(struct call *c)
{
    struct announce *a = c->announce;

    if (!answer_early(a) || !play(a, a->sound, MEDIA_PLAY_TELL)) {
        stat_inc(c->calls->stats, STAT_announce_failed);
        refuse_now(c);
        return;
    }
    c->announced = a->sound;
    if (c->in->state < LEG_EARLY)
        leg_set_state(c->in, LEG_EARLY);
    stat_inc(c->calls->stats, STAT_announcements);
}

/* The session that was asked for, or it could not be had. */
static void on_session(struct call *c, bool ok)
{
    if (!c->announce)
        return;
    if (ok) {
        refuse_play(c);
        return;
    }
    stat_inc(c->calls->stats, STAT_announce_failed);
    refuse_now(c);
}

static bool names(const struct conf_codes *codes, const struct cause *cause)
{
    uint16_t told = cause_told(cause);
    unsigned q = cause->q850 ? cause->q850 : cause_q850_of(cause->sip_code);
    unsigned i = told - CONF_CODE_MIN;

    if (q < 128 && (codes->q850[q / 64] >> (q % 64)) & 1)
        return true;
    if (told < CONF_CODE_MIN || told > CONF_CODE_MAX)
        return false;
    return ((codes->sip[i / 64] >> (i % 64)) & 1) || ((codes->klass >> (told / 100)) & 1);
}

static const char *sound_for(const struct leg *in, const struct cause *cause)
{
    const struct conf_trunk *t = in->trunk.conf;

    for (uint32_t i = 0; i < t->announce.n; i++)
        if (names(&t->announce.v[i].codes, cause))
            return t->announce.v[i].sound.name;
    return NULL;
}

bool announce_reject(struct call *c, const struct leg_arg *arg)
{
    const char *sound = arg->sound ? arg->sound : sound_for(c->in, arg->cause);
    struct announce *a = c->announce;

    /* who calls for help tries again at once, and must hear that at once */
    if (!sound || (a && a->refuses) || priority_is_exempt(c->klass) || !may_speak(c))
        return false;
    /* the carrier's own early media has an answer that is not ours: it has told its caller enough */
    if (c->committed || (c->media.state != CALL_MEDIA_NONE && c->media.state != CALL_MEDIA_OPEN) ||
        c->media.request || !(a = announce_of(c)))
        return false;
    a->refuses = true;
    a->rings = false;
    a->sound = sound;
    a->cause = *arg->cause;
    snprintf(a->phrase, sizeof a->phrase, "%.*s", SPAN_ARG(arg->phrase));
    for (struct ldlg *ld = c->in->dialogs; ld; ld = ld->next)
        ldlg_join(ld, NULL);
    c->out = NULL;
    if (c->media.state == CALL_MEDIA_OPEN) {
        refuse_play(c);
        return true;
    }
    if (offer_open_alone(c, on_session))
        return true;
    announce_free(c);
    return false;
}

void announce_on_played(struct call *c)
{
    if (c->announce && c->announce->refuses && c->state == CALL_SETUP)
        refuse_now(c);
}

void announce_on_down(struct call *c)
{
    announce_on_played(c);
}
