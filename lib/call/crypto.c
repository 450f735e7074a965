/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of both legs. Ours come of 32 random bytes per endpoint, one key for each suite that is offered; the party's are kept as it said them.
 * offer.c and offer_session.c call it; it knows neither dialogs nor the other leg.
 */
#include "call/crypto.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include "call/eps.h"
#include "call/offer.h"
#include "core/ident.h"
#include "sip/sdes.h"
#include "sip/sdp_format.h"

_Static_assert((int)SDES_AES_CM_128_HMAC_SHA1_80 == MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80 &&
                   (int)SDES_AES_CM_128_HMAC_SHA1_32 == MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32 &&
                   (int)SDES_AEAD_AES_128_GCM == MEDIA_SUITE_AEAD_AES_128_GCM &&
                   (int)SDES_AEAD_AES_256_GCM == MEDIA_SUITE_AEAD_AES_256_GCM &&
                   (int)SDES_END == MEDIA_SUITE_END && SDES_KEY_MAX == MEDIA_KEY_MAX,
               "suites have the same numbers everywhere");

const char crypto_reason[] = "SRTP of the offer and of its trunk do not fit";

/* Profiles: bits. */
#define PROFILE_F     1U /* feedback (RFC 4585) */
#define PROFILE_S     2U /* SRTP */
#define PROFILE_OTHER 4U /* no RTP, or keys by another way (DTLS): crosses as it is */

static const char *const profile_text[] = {"RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF"};

/* What a party said of a line, as far as it concerns us. */
struct word {
    uint8_t key[MEDIA_KEY_MAX];
    uint32_t tag;
    uint8_t suite; /* that we took; NONE: plain */
    uint8_t profile;
    uint8_t mux; /* and its trunk lets it */
    uint8_t pad;
};

/* Of an endpoint. */
struct crypto {
    uint8_t seed[32], fresh[32]; /* of a party that is asked to take this one's place */
    uint16_t gen[MEDIA_SUITE_END];
    uint8_t left; /* bit per suite: given up in this call, its key is not to be used again */
    bool has_seed, has_fresh, is_new;
    struct word now, next;
};

/* ---- state ------------------------------------------------------------------------------------------------------- */

static struct crypto *at(const struct call *c, unsigned e)
{
    return eps_at(c->media.crypto, e);
}

/* NULL: out of memory, the line stays plain or is refused. */
static struct crypto *room(struct call *c, unsigned e)
{
    return eps_room(c, &c->media.crypto, sizeof(struct crypto), e);
}

void crypto_free(struct call *c)
{
    eps_free(c, &c->media.crypto);
}

/* Our key for a suite: the same in each offer and answer as long as the endpoint is this party's and has not left the suite. */
static bool own_key(struct crypto *s, bool is_fresh, uint8_t suite, uint8_t key[MEDIA_KEY_MAX])
{
    const uint8_t what[3] = {suite, (uint8_t)(is_fresh ? 0 : s->gen[suite] >> 8),
                             (uint8_t)(is_fresh ? 0 : s->gen[suite])};
    unsigned len = sdes_key_len((enum sdes_suite)suite);
    uint8_t mac[64];
    unsigned mac_len = sizeof mac;

    if (!is_fresh && !s->has_seed)
        ident_random(s->seed, sizeof s->seed);
    s->has_seed = s->has_seed || !is_fresh;
    if (!HMAC(EVP_sha512(), is_fresh ? s->fresh : s->seed, sizeof s->seed, what, sizeof what, mac,
              &mac_len))
        return false;
    memset(key, 0, MEDIA_KEY_MAX);
    memcpy(key, mac, len);
    explicit_bzero(mac, sizeof mac);
    return true;
}

/* The suite is about to be used again: the relay has forgotten what it sealed under its key, and would begin it anew (RFC 3711 §9.1). */
static void renew(struct crypto *s, uint8_t suite)
{
    if (s->left & (1U << suite))
        s->gen[suite]++;
    s->left &= (uint8_t) ~(1U << suite);
}

/* ---- what a party says ------------------------------------------------------------------------------------------- */

static uint8_t profile_of(struct span proto)
{
    for (uint8_t i = 0; i < 4; i++)
        if (span_case_eq(proto, span_of(profile_text[i])))
            return i;
    return PROFILE_OTHER;
}

static unsigned rank(const struct conf_srtp *p, uint8_t suite)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->suite[i] == suite)
            return i;
    return UINT32_MAX;
}

/* The line that comes first in our order; an answer has one alone. @return false: none will do */
static bool choose(const struct conf_srtp *p, const struct sdp_media *m, struct sdes_line *out)
{
    struct span rest = m->lines, raw, line;
    unsigned best = UINT32_MAX;

    while (p->mode != CONF_SRTP_OFF && sdp_format_line(&rest, &raw, &line)) {
        struct sdes_line l;
        unsigned r;

        if (sdes_read(line, &l) < 0)
            continue;
        r = rank(p, (uint8_t)l.suite);
        if (r < best) {
            best = r;
            *out = l;
        }
        explicit_bzero(&l, sizeof l);
    }
    return best != UINT32_MAX;
}

static bool line_fits(const struct conf_srtp *p, const struct sdp_media *m)
{
    uint8_t profile = profile_of(m->proto);
    struct sdes_line l;
    bool has_key;

    if (m->port == 0 || profile == PROFILE_OTHER)
        return true;
    has_key = choose(p, m, &l);
    explicit_bzero(&l, sizeof l);
    return has_key || (!(profile & PROFILE_S) && p->mode != CONF_SRTP_REQUIRED);
}

int crypto_check(const struct conf_trunk *t, const struct sdp *sdp)
{
    for (unsigned i = 0; i < sdp->n_media && i < OFFER_MEDIA_MAX; i++)
        if (!line_fits(&t->srtp, &sdp->media[i]))
            return -EACCES;
    return 0;
}

static bool has_tag(const struct sdp_media *offer, const struct sdes_line *l)
{
    struct span rest = offer->lines, raw, line;
    bool found = false;

    while (!found && sdp_format_line(&rest, &raw, &line)) {
        struct sdes_line o;

        if (sdes_read(line, &o) < 0)
            continue;
        found = o.tag == l->tag && o.suite == l->suite;
        explicit_bzero(&o, sizeof o);
    }
    return found;
}

/* The one line of an answer is one of the offer, by tag and suite. */
static bool line_answers(const struct conf_srtp *p, const struct sdp_media *m,
                         const struct sdp_media *offer)
{
    struct span rest = m->lines, raw, line;
    struct sdes_line l;
    bool ok = true;

    if (m->port == 0 || offer->port == 0 || profile_of(m->proto) == PROFILE_OTHER)
        return true;
    while (ok && sdp_format_line(&rest, &raw, &line)) {
        if (!span_has_prefix(line, SPAN("a=crypto:")))
            continue;
        ok = sdes_read(line, &l) == 0 && rank(p, (uint8_t)l.suite) != UINT32_MAX &&
             has_tag(offer, &l);
        explicit_bzero(&l, sizeof l);
    }
    return ok;
}

int crypto_check_answer(const struct conf_trunk *t, const struct sdp *sdp, struct span told)
{
    struct sdp offer;

    if (t->srtp.mode == CONF_SRTP_OFF || span_is_empty(told) || sdp_parse(&offer, told, NULL) < 0)
        return 0;
    for (unsigned i = 0; i < sdp->n_media && i < offer.n_media && i < OFFER_MEDIA_MAX; i++)
        if (!line_answers(&t->srtp, &sdp->media[i], &offer.media[i]))
            return -EACCES;
    return 0;
}

bool crypto_fits(const struct conf_trunk *t, struct span body)
{
    struct sdp sdp;

    return span_is_empty(body) || sdp_parse(&sdp, body, NULL) < 0 || crypto_check(t, &sdp) == 0;
}

bool crypto_lets(const struct conf_trunk *t, struct span body)
{
    return t->media_none || t->bypass.n || crypto_fits(t, body);
}

void crypto_note(struct call *c, const struct leg *leg, const struct sdp *sdp, unsigned i)
{
    const struct conf_trunk *t = leg->trunk.conf;
    const struct sdp_media *m = &sdp->media[i];
    unsigned e = offer_ep_of(leg, i);
    struct word w = {.profile = profile_of(m->proto)};
    static const struct word nothing;
    struct crypto *s = at(c, e);
    struct sdes_line l;

    if (m->port == 0) {
        w.profile = 0;
    } else if (w.profile != PROFILE_OTHER) {
        w.mux = m->rtcp_mux && t->rtcp_mux != CONF_MUX_OFF;
        if (choose(&t->srtp, m, &l)) {
            w.suite = (uint8_t)l.suite;
            w.tag = l.tag;
            memcpy(w.key, l.key, sizeof w.key);
            explicit_bzero(&l, sizeof l);
        }
    }
    /* a plain call has no such state */
    if (!s && memcmp(&w, &nothing, sizeof w) != 0)
        s = room(c, e);
    if (s)
        s->next = w;
    explicit_bzero(&w, sizeof w);
}

void crypto_rtcp(const struct leg *leg, const struct sdp_media *m, const struct addr *rtp,
                 struct addr *rtcp)
{
    if (!m->rtcp_mux || profile_of(m->proto) == PROFILE_OTHER)
        return;
    if (leg->trunk.conf->rtcp_mux != CONF_MUX_OFF) {
        *rtcp = *rtp;
    } else if (!m->has_rtcp) { /* declined: it falls back to the port above (RFC 5761 §5.1.1) */
        *rtcp = *rtp;
        rtcp->port++;
    }
}

/* ---- what it is told --------------------------------------------------------------------------------------------- */

static void put_line(struct build *b, struct crypto *s, bool is_fresh, const struct word *w)
{
    struct sdes_line l = {.tag = w->tag, .suite = (enum sdes_suite)w->suite};

    if (!is_fresh)
        renew(s, w->suite);
    if (own_key(s, is_fresh, w->suite, l.key))
        sdes_write(b, &l);
    explicit_bzero(&l, sizeof l);
}

static void put_offer(struct crypto *s, bool is_fresh, const struct conf_srtp *p, struct build *b)
{
    for (unsigned k = 0; s && p->mode != CONF_SRTP_OFF && k < p->n; k++)
        put_line(b, s, is_fresh, &(struct word){.suite = p->suite[k], .tag = k + 1});
}

void crypto_edit(const struct leg *to, bool is_offer, const struct sdp_media *said, unsigned i,
                 struct sdp_media_edit *m, struct crypto_text *text)
{
    const struct conf_trunk *t = to->trunk.conf;
    struct call *c = to->call;
    unsigned e = offer_ep_of(to, i), profile = profile_of(said->proto);
    struct crypto *s = at(c, e);
    static const struct word nothing;
    const struct word *w = s ? &s->next : &nothing;
    struct build b;

    if (m->off || m->direct || i >= OFFER_MEDIA_MAX || profile == PROFILE_OTHER ||
        (!is_offer && w->profile == PROFILE_OTHER))
        return;
    build_init(&b, text->attrs[i], CRYPTO_TEXT);
    m->no_keys = true;
    if (is_offer) {
        /* RFC 8643 §3.1: what need not be SRTP is offered as RTP with keys beside it */
        profile &= PROFILE_F;
        if (t->srtp.mode == CONF_SRTP_REQUIRED)
            profile |= PROFILE_S;
        m->mux = t->rtcp_mux == CONF_MUX_OFFER || w->mux;
        if (t->srtp.mode != CONF_SRTP_OFF)
            s = room(c, e);
        put_offer(s, false, &t->srtp, &b);
    } else {
        profile = w->profile;
        m->mux = w->mux;
        if (w->suite)
            put_line(&b, s, false, w);
        else if (profile & PROFILE_S)
            m->off = true;
    }
    m->proto = span_of(profile_text[profile]);
    m->attrs = build_text(&b);
}

void crypto_retell(const struct leg *place, const struct leg *to, const struct sdp_media *said,
                   unsigned i, struct sdp_media_edit *m, struct crypto_text *text)
{
    const struct conf_trunk *t = to->trunk.conf;
    unsigned profile = profile_of(said->proto);
    struct crypto *s;
    struct build b;

    if (m->off || i >= OFFER_MEDIA_MAX || profile == PROFILE_OTHER)
        return;
    build_init(&b, text->attrs[i], CRYPTO_TEXT);
    s = t->srtp.mode == CONF_SRTP_OFF ? at(place->call, offer_ep_of(place, i))
                                      : room(place->call, offer_ep_of(place, i));
    if (s) {
        /* who is there keeps its key until the other has taken the place, and never learns of the new one */
        s->has_fresh = place != to;
        if (s->has_fresh)
            ident_random(s->fresh, sizeof s->fresh);
        put_offer(s, s->has_fresh, &t->srtp, &b);
    }
    profile = (profile & PROFILE_F) | (t->srtp.mode == CONF_SRTP_REQUIRED ? PROFILE_S : 0);
    m->no_keys = true;
    m->proto = span_of(profile_text[profile]);
    m->attrs = build_text(&b);
}

/* ---- what is agreed ---------------------------------------------------------------------------------------------- */

static bool is_other(const struct crypto *s)
{
    return s->is_new || s->now.suite != s->next.suite ||
           memcmp(s->now.key, s->next.key, sizeof s->now.key) != 0;
}

unsigned crypto_settle(struct call *c, unsigned *keys)
{
    unsigned mux = 0;
    struct crypto *s;

    *keys = 0;
    for (unsigned e = 0; (s = at(c, e)); e++) {
        struct word *now = &s->now;
        const struct word *next = &s->next;

        if (is_other(s))
            *keys |= 1U << e;
        if (now->suite != next->suite) {
            /* before the answer, each fork has its own of one offer */
            if (c->media.armed && now->suite)
                s->left |= (uint8_t)(1U << now->suite);
            renew(s, next->suite);
        }
        s->is_new = false;
        if (now->mux != next->mux)
            mux |= 1U << e;
        *now = *next;
    }
    return mux;
}

bool crypto_early(struct call *c, unsigned e, struct media_op *op)
{
    struct crypto *s = at(c, e);
    bool is_new;

    if (!s)
        return false;
    is_new = is_other(s);
    s->now = s->next;
    return is_new && crypto_op(c, e, op);
}

void crypto_refuse(struct call *c)
{
    struct crypto *s;

    for (unsigned e = 0; (s = at(c, e)); e++)
        s->next = s->now;
}

void crypto_take(struct call *c, unsigned e)
{
    struct crypto *s = at(c, e);

    if (!s || !s->has_fresh)
        return;
    memcpy(s->seed, s->fresh, sizeof s->seed);
    memset(s->gen, 0, sizeof s->gen);
    explicit_bzero(s->fresh, sizeof s->fresh);
    s->left = 0;
    s->has_seed = s->is_new = true;
    s->has_fresh = false;
}

void crypto_replace(struct call *c, unsigned e)
{
    struct crypto *s = at(c, e);

    if (!s)
        return;
    ident_random(s->fresh, sizeof s->fresh);
    s->has_fresh = true;
    crypto_take(c, e);
}

void crypto_drop(struct call *c, unsigned e)
{
    struct crypto *s = at(c, e);

    if (s)
        explicit_bzero(s, sizeof *s);
}

bool crypto_op(struct call *c, unsigned e, struct media_op *op)
{
    struct crypto *s = at(c, e);
    const struct word *now;

    if (!s)
        return false;
    now = &s->now;
    *op = (struct media_op){.kind = MEDIA_OP_CRYPTO, .crypto.endpoint = (uint8_t)e};
    if (now->suite == MEDIA_SUITE_NONE)
        return true;
    op->crypto.rx_suite = op->crypto.tx_suite = now->suite;
    memcpy(op->crypto.rx_key, now->key, MEDIA_KEY_MAX);
    return own_key(s, false, now->suite, op->crypto.tx_key);
}

bool crypto_mux(const struct call *c, unsigned e)
{
    const struct crypto *s = at(c, e);

    return s && s->now.mux;
}

const char *crypto_suite(const struct call *c, unsigned e)
{
    const struct crypto *s = at(c, e);

    return s ? sdes_name((enum sdes_suite)s->now.suite) : NULL;
}

/* ---- saved ------------------------------------------------------------------------------------------------------- */

void crypto_save(const struct call *c, struct crypto_saved to[2 * OFFER_MEDIA_MAX])
{
    const struct crypto *s;

    memset(to, 0, 2 * OFFER_MEDIA_MAX * sizeof to[0]);
    for (unsigned e = 0; (s = at(c, e)); e++) {
        const struct word *w = &s->now;

        memcpy(to[e].seed, s->seed, sizeof to[e].seed);
        memcpy(to[e].key, w->key, sizeof to[e].key);
        to[e].tag = w->tag;
        memcpy(to[e].gen, s->gen, sizeof s->gen);
        to[e].left = s->left;
        to[e].has_seed = s->has_seed;
        to[e].suite = w->suite;
        to[e].profile = w->profile;
        to[e].mux = w->mux;
    }
}

void crypto_load(struct call *c, const struct crypto_saved from[2 * OFFER_MEDIA_MAX])
{
    static const struct crypto_saved nothing;

    for (unsigned e = 0; e < 2 * OFFER_MEDIA_MAX; e++) {
        struct word *w;
        struct crypto *s;

        if (memcmp(&from[e], &nothing, sizeof nothing) == 0 || from[e].suite >= MEDIA_SUITE_END ||
            from[e].profile > PROFILE_OTHER)
            continue;
        s = room(c, e);
        if (!s)
            return;
        memcpy(s->seed, from[e].seed, sizeof s->seed);
        memcpy(s->gen, from[e].gen, sizeof s->gen);
        s->left = from[e].left;
        s->has_seed = from[e].has_seed;
        w = &s->now;
        memcpy(w->key, from[e].key, sizeof w->key);
        w->tag = from[e].tag;
        w->suite = from[e].suite;
        w->profile = from[e].profile;
        w->mux = from[e].mux;
        s->next = *w;
    }
}
