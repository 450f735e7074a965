/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offer/answer across the bridge (RFC 3264, RFC 6337): each side's body read, the other side's version of it written.
 * Legs, hunt and pass call it. SDP never leaves the controller; the relay's session is in offer_session.c.
 */
#include "call/offer.h"

#include "call/bypass.h"
#include "call/codecs.h"
#include "call/digits.h"
#include "call/digits_sdp.h"
#include "call/offer_priv.h"
#include "call/crypto.h"
#include "call/lite.h"
#include "call/terms.h"

int offer_check(struct span body, const char **why)
{
    struct sdp sdp;

    if (sdp_parse(&sdp, body, why) < 0)
        return -EINVAL;
    if (sdp.n_media == 0) {
        *why = "no media";
        return -EINVAL;
    }
    for (unsigned i = 0; i < sdp.n_media && i < OFFER_MEDIA_MAX; i++)
        if (sdp.media[i].port != 0 || sdp.media[i].bundle_only)
            return 0;
    *why = "all media off";
    return sdp.n_media ? -EINVAL : 0;
}

/* What this body says of its sender's endpoints waits here until the answer. */
static void offer_note(struct call *c, const struct leg *leg, const struct sdp *sdp, bool is_offer)
{
    for (unsigned i = 0; i < sdp->n_media && i < OFFER_MEDIA_MAX; i++) {
        unsigned e = offer_ep_of(leg, i);
        struct addr a;

        terms_note(c, leg, sdp, i);
        crypto_note(c, leg, sdp, i);
        lite_note(c, leg, sdp, i, is_offer);
        c->media.new_remote[e] = (struct addr){0};
        /* A line that is off sends nothing, and its party is not missed: audio while a fax runs beside it. */
        c->media.new_dir[e] = (uint8_t)(sdp->media[i].port ? sdp_dir(sdp, i) : SDP_INACTIVE);
        c->media.new_opaque &= (uint8_t) ~(1U << i);
        if (!span_has_prefix(sdp->media[i].proto, SPAN("RTP/")))
            c->media.new_opaque |= (uint8_t)(1U << i);
        if (leg->is_unheard || sdp_rtp_addr(sdp, i, &a) < 0 || offer_is_any(&a))
            continue;
        c->media.new_remote[e] = a;
        if (sdp_rtcp_addr(sdp, i, &a) == 0) {
            crypto_rtcp(leg, &sdp->media[i], &c->media.new_remote[e], &a);
            c->media.new_rtcp[e] = a;
        }
    }
}

/* Of several early dialogs the relay carries one: the out leg's main. The others' addresses wait until theirs answers. */
static bool offer_is_carried(const struct ldlg *a, const struct ldlg *b)
{
    const struct ldlg *out = a->leg->is_in ? b : a;

    return out == out->leg->main || out->place;
}

/*
 * A caller may have moved its media in the dialog of another fork, or of an attempt that failed: in this one its INVITE, or what it said
 * here, holds. Noted already is the INVITE alone: it crossed, and there has never been another dialog to move anything in.
 */
static bool offer_may_have_moved(const struct ldlg *ld)
{
    const struct leg *leg = ld->leg;

    const struct leg *out = leg->call->out;

    return leg->is_in && (ld->sdp || leg->branched || !out || !out->offered);
}

void offer_carry(struct ldlg *ld)
{
    struct span heard = offer_heard(ld);
    struct sdp sdp;

    if ((ld->uncarried || (offer_may_have_moved(ld) && !span_is_empty(heard))) &&
        sdp_parse(&sdp, heard, NULL) == 0)
        offer_note(ld->leg->call, ld->leg, &sdp, false);
    ld->uncarried = false;
}

/* Each side is told the other's address. */
static bool is_bypassed(const struct call *c)
{
    return bypass_is((enum bypass)c->media.bypass) ||
           (c->in->trunk.media_none && c->out && c->out->trunk.media_none);
}

/* A party on hold by `inactive` is to hear music of ours: it is offered sendonly, and the other side is not told. */
static enum sdp_dir offer_dir(const struct call *c, const struct leg *to, enum offer_kind kind,
                              const struct sdp *sdp, unsigned i)
{
    enum sdp_dir dir = sdp_dir(sdp, i);

    if (i >= OFFER_MEDIA_MAX || !span_eq(sdp->media[i].type, SPAN("audio")))
        return SDP_DIR_NONE;
    if (kind == OFFER_OFFER)
        return c->media.armed && dir == SDP_INACTIVE && music_for(to) ? SDP_SENDONLY : SDP_DIR_NONE;
    return dir == SDP_RECVONLY && c->media.new_dir[offer_ep_of(to, i)] == SDP_INACTIVE
               ? SDP_INACTIVE
               : SDP_DIR_NONE;
}

/* Our addresses in the version that leg `to` gets; without any (a session that is closed) the line is off. */
static void offer_edit(const struct call *c, const struct ldlg *to, enum offer_kind kind,
                       const struct sdp *sdp, struct sdp_edit *e)
{
    *e = (struct sdp_edit){.id = to->oa.o_id, .version = to->oa.o_version, .n_media = sdp->n_media};
    for (unsigned i = 0; i < sdp->n_media; i++) {
        struct sdp_media_edit *m = &e->media[i];

        if (sdp->media[i].port == 0) {
            m->off = true;
        } else if (offer_has_relay(c)) {
            if (i < OFFER_MEDIA_MAX)
                m->rtp = c->media.local[offer_ep_of(to->leg, i)];
            offer_show(c, to->leg, &m->rtp);
            m->dir = offer_dir(c, to->leg, kind, sdp, i);
        } else if (is_bypassed(c) && sdp_rtp_addr(sdp, i, &m->rtp) == 0) {
            m->direct = true;
        }
        if (!addr_is_set(&e->origin) && addr_is_set(&m->rtp))
            e->origin = m->rtp;
    }
    if (!addr_is_set(&e->origin)) {
        e->origin = to->leg->flow.local;
        offer_show(c, to->leg, &e->origin);
    }
    e->origin.port = 0;
}

/*
 * What a party says: for the relay, and until the call is answered for the other side, which may need it again: a 2xx that repeats an
 * early answer, an answer of ours to an offer that cannot cross. The INVITE's body is kept with it already.
 */
static void offer_listen(struct ldlg *from, const struct ldlg *to, const struct sdp *sdp,
                         enum offer_kind kind)
{
    struct call *c = from->leg->call;
    bool carried = offer_is_carried(from, to);
    struct span body = sdp->body;

    if (carried)
        offer_note(c, from->leg, sdp, kind == OFFER_OFFER);
    if (!carried || (c->setup && body.p != c->setup->body.p && c->out->state < LEG_ANSWERED)) {
        offer_keep(from, body);
        from->uncarried = !carried;
    }
}

/* The offer as the answering party was told it; all dialogs of a fork got the same. */
static struct span offer_as_told(const struct ldlg *to)
{
    const struct leg *other = to->peer ? to->peer->leg : leg_other(to->leg);
    struct span said = to->peer ? offer_said(to->peer) : SPAN_NONE;

    return span_is_empty(said) && other && other->main ? offer_said(other->main) : said;
}

/* What both trunks let through. */
static int offer_filter(const struct ldlg *to, enum offer_kind kind, const struct sdp *sdp,
                        struct sdp_edit *e, struct codecs_text *text)
{
    const struct leg *other = to->peer ? to->peer->leg : leg_other(to->leg);
    struct codecs_ask ask = {.from = other ? other->trunk.conf : NULL,
                             .to = to->leg->trunk.conf,
                             .sdp = sdp,
                             .is_offer = kind == OFFER_OFFER};
    struct sdp offer;

    if (!codecs_matter(ask.from, ask.to))
        return 0;
    if (!ask.is_offer && sdp_parse(&offer, offer_as_told(to), NULL) == 0)
        ask.offer = &offer;
    return codecs_edit(&ask, e, text);
}

/* Our version of it, for leg `to`: o= counted up if it says something new. */
static int offer_write(struct ldlg *to, enum offer_kind kind, const struct sdp *sdp,
                       struct span *out)
{
    struct call *c = to->leg->call;
    struct calls *cs = c->calls;
    struct codecs_text text;
    struct crypto_text keys;
    struct lite_text ice;
    struct digits_text digits;
    struct sdp_edit edit;
    const struct leg *other = to->peer ? to->peer->leg : leg_other(to->leg);
    bool is_offer = kind == OFFER_OFFER;
    struct build b;
    uint64_t hash = hash_bytes(sdp->body.p, sdp->body.len, to->oa.o_id);
    int rc;

    if (to->oa.sent_hash != hash) {
        to->oa.o_version++;
        to->oa.sent_hash = hash;
    }
    offer_edit(c, to, kind, sdp, &edit);
    rc = offer_filter(to, kind, sdp, &edit, &text);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < sdp->n_media && offer_has_relay(c); i++) {
        crypto_edit(to->leg, is_offer, &sdp->media[i], i, &edit.media[i], &keys);
        lite_edit(to->leg, is_offer, &sdp->media[i], i, &edit, &ice);
        digits_edit(to->leg, other, is_offer, &sdp->media[i], i, &edit.media[i], &digits);
    }
    build_init(&b, cs->scratch, CALL_SCRATCH);
    rc = sdp_rewrite(sdp, &edit, &b);
    explicit_bzero(&keys, sizeof keys);
    explicit_bzero(&ice, sizeof ice);
    explicit_bzero(&digits, sizeof digits); /* with their lines in it */
    if (rc == 0) {
        *out = build_text(&b);
        offer_kept_set(to, kind == OFFER_ANSWER ? &to->said : &to->asked, *out);
    }
    return rc;
}

int offer_tell(struct ldlg *to, enum offer_kind kind, struct span body, struct span *out)
{
    struct sdp sdp;

    return sdp_parse(&sdp, body, NULL) < 0 ? -EINVAL : offer_write(to, kind, &sdp, out);
}

/* What our offer to this party said: all dialogs of a fork got the same. */
static struct span offer_asked(const struct ldlg *from)
{
    const struct ldlg *ld = from->asked || from->said ? from : from->leg->main;
    const struct kept *k = !ld ? NULL : ld->asked ? ld->asked : ld->said;

    return offer_kept_text(k);
}

/* Its trunk's `srtp` holds for whatever passes the relay. */
static bool offer_is_unfit(const struct ldlg *from, const struct sdp *sdp, bool is_answer)
{
    const struct call *c = from->leg->call;
    const struct conf_trunk *t = from->leg->trunk.conf;
    const char *why = "no keys, or none that will do";

    if (!offer_has_relay(c))
        return false;
    if (crypto_check(t, sdp) == 0) {
        if (!is_answer || crypto_check_answer(t, sdp, offer_asked(from)) == 0)
            return false;
        stat_inc(c->calls->stats, STAT_answers_crypto_tag);
        why = "the answer takes a crypto line that was not offered";
    }
    stat_inc(c->calls->stats, STAT_calls_no_srtp);
    log_limited(LOG_WARN, "srtp_refused", "call=%s trunk=%s error=\"%s\"", c->uuid,
                from->leg->trunk.state->name, why);
    return true;
}

int offer_hear(struct ldlg *from, struct ldlg *to, struct span body)
{
    struct sdp sdp;

    if (sdp_parse(&sdp, body, NULL) < 0 || offer_is_unfit(from, &sdp, from->asked != NULL))
        return -EINVAL;
    offer_listen(from, to, &sdp, OFFER_ANSWER);
    offer_kept_settle(from);
    if (offer_is_carried(from, to))
        offer_apply(from->leg->call);
    return 0;
}

/* Who comes into another's place must not be told what that one knows: the same key would seal two streams (RFC 3711 §9.1). */
static void offer_renew(struct ldlg *to)
{
    for (unsigned i = 0; to->place && i < OFFER_MEDIA_MAX; i++)
        crypto_replace(to->leg->call, offer_ep_of(to->leg, i));
}

int offer_cross(struct ldlg *from, struct ldlg *to, enum offer_kind kind, struct span body,
                struct span *out)
{
    struct sdp sdp;

    if (sdp_parse(&sdp, body, NULL) < 0 || offer_is_unfit(from, &sdp, kind == OFFER_ANSWER))
        return -EINVAL;
    offer_listen(from, to, &sdp, kind);
    if (kind == OFFER_ANSWER) {
        from->oa.state = to->oa.state = OA_STABLE;
        offer_kept_settle(from);
        offer_renew(to);
        if (offer_is_carried(from, to))
            offer_apply(from->leg->call);
    } else {
        from->oa.state = OA_OFFER_IN;
        to->oa.state = OA_OFFER_OUT;
        offer_renew(to); /* an INVITE without an offer gets ours */
    }
    return offer_write(to, kind, &sdp, out);
}

int offer_retell(const struct ldlg *from, struct ldlg *to, struct span *out)
{
    struct sdp sdp;
    struct sdp_edit e = {.id = to->oa.o_id};
    struct crypto_text keys;
    struct lite_text ice;
    struct build b;
    int rc;

    if (!from->said)
        return -ENOENT;
    if (sdp_parse(&sdp, offer_said(from), NULL) < 0)
        return -EINVAL;
    to->oa.sent_hash = 0; /* no body of the old session is the same */
    e.version = ++to->oa.o_version;
    e.n_media = sdp.n_media;
    e.origin = to->leg->flow.local;
    for (unsigned i = 0; i < sdp.n_media; i++) {
        e.media[i].off = sdp_rtp_addr(&sdp, i, &e.media[i].rtp) < 0;
        e.media[i].direct = true; /* what must not cross was left out when it was said */
        if (!e.media[i].off)
            e.origin = e.media[i].rtp;
        if (!offer_has_relay(from->leg->call))
            continue;
        crypto_retell(from->leg, to->leg, &sdp.media[i], i, &e.media[i], &keys);
        lite_retell(from->leg, to->leg->trunk.conf, &sdp.media[i], i, &e, &ice);
    }
    e.origin.port = 0;
    build_init(&b, to->leg->call->calls->scratch, CALL_SCRATCH);
    rc = sdp_rewrite(&sdp, &e, &b);
    if (rc == 0) {
        *out = build_text(&b);
        offer_kept_set(to, &to->asked, *out);
    }
    return rc;
}

void offer_retold(struct ldlg *to, bool ok)
{
    if (!ok) {
        offer_kept_put(to, &to->asked);
        return;
    }
    offer_kept_settle(to);
    for (unsigned i = 0; i < OFFER_MEDIA_MAX; i++)
        crypto_take(to->leg->call, offer_ep_of(to->leg, i));
}

int offer_settle(struct ldlg *ld, struct span body)
{
    struct call *c = ld->leg->call;
    struct sdp sdp;

    if (sdp_parse(&sdp, body, NULL) < 0 || ld != ld->leg->main)
        return 0;
    if (offer_is_unfit(ld, &sdp, true))
        return -EACCES;
    offer_note(c, ld->leg, &sdp, false);
    offer_apply(c);
    return 0;
}

void offer_arm(struct call *c, bool apply)
{
    c->media.armed = true;
    if (apply)
        offer_apply(c);
}

void offer_refused(struct ldlg *from, struct ldlg *to)
{
    struct call *c = from->leg->call;

    from->oa.state = to->oa.state = OA_STABLE;
    offer_kept_put(from, &from->asked);
    offer_kept_put(to, &to->asked);
    if (!offer_is_carried(from, to))
        return;
    for (unsigned e = 0; e < 2 * OFFER_MEDIA_MAX; e++) {
        c->media.new_remote[e] = c->media.remote[e];
        c->media.new_rtcp[e] = c->media.rtcp[e];
        c->media.new_dir[e] = c->media.dir[e];
    }
    c->media.new_opaque = c->media.opaque;
    terms_refuse(c);
    crypto_refuse(c);
    lite_refuse(c);
}

bool offer_is_open(const struct ldlg *ld)
{
    return ld->oa.state == OA_OFFER_IN || ld->oa.state == OA_OFFER_OUT;
}
