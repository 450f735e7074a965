/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts of libsrtp2 for one endpoint: one for each direction, each for SRTP and SRTCP of whatever source speaks.
 * flow.c opens and seals with it; keys come in one struct and go nowhere else: no log, no reply, no text.
 */
#include "relay/secure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

#define COPY_MAX 2048U /* IO_BUFFER; a longer packet is no packet of ours */
#define WIND_MAX \
    2048U /* indexes for one packet: some 2 ms, and four hours of a call's RTCP in two packets */
#define CM_TAG    10U /* of SRTCP, with either AES-CM suite; that of GCM is before the index */
#define RTCP_HEAD 8U

struct suite {
    unsigned key_len; /* with salt */
    void (*rtp)(srtp_crypto_policy_t *);
    void (*rtcp)(srtp_crypto_policy_t *);
};

/* RFC 4568 §6.2: the short tag is for RTP alone, RTCP keeps 80 bits. RFC 7714 §12, §14.2. */
static const struct suite suites[MEDIA_SUITE_END] = {
    [MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80] = {30, srtp_crypto_policy_set_rtp_default,
                                             srtp_crypto_policy_set_rtcp_default},
    [MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32] = {30, srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32,
                                             srtp_crypto_policy_set_rtcp_default},
    [MEDIA_SUITE_AEAD_AES_128_GCM] = {28, srtp_crypto_policy_set_aes_gcm_128_16_auth,
                                      srtp_crypto_policy_set_aes_gcm_128_16_auth},
    [MEDIA_SUITE_AEAD_AES_256_GCM] = {44, srtp_crypto_policy_set_aes_gcm_256_16_auth,
                                      srtp_crypto_policy_set_aes_gcm_256_16_auth},
};

/* Where a source is. */
struct place {
    uint32_t ssrc, roc;
    uint16_t seq;
};

/* One direction under one key. */
struct way {
    srtp_t srtp; /* NULL: no key */
    uint32_t last, rtp_ssrc;
    uint16_t rtp_seq; /* the newest of rtp_ssrc */
    bool has_last, has_rtp;
    bool is_placed; /* no packet yet since was */
    bool has_floor; /* nothing up to was.seq is sealed again */
    struct place was;
    unsigned n_sources;
    uint32_t rtcp_n; /* sealed */
    uint32_t
        rtcp_floor; /* a former process has sealed under indexes up to here; 0: there was none */
};

struct secure {
    struct way rx, tx, old_rx;
    uint64_t old_until_ms;
    struct media_crypto want; /* never changed: the control thread looks at it while packets pass */
};

int secure_init(void)
{
    static bool is_done; /* libsrtp2 refuses to begin twice */

    if (!is_done && srtp_init() != srtp_err_status_ok)
        return -ENOSYS;
    is_done = true;
    return 0;
}

unsigned secure_key_len(uint8_t suite)
{
    return suite < MEDIA_SUITE_END ? suites[suite].key_len : 0;
}

static bool key_ok(uint8_t suite, const uint8_t *key)
{
    unsigned any = 0;

    if (suite >= MEDIA_SUITE_END)
        return false;
    for (unsigned i = secure_key_len(suite); i < MEDIA_KEY_MAX; i++)
        any |= key[i];
    return any == 0;
}

int secure_check(const struct media_crypto *c)
{
    if (c->pad || c->pad2 || !key_ok(c->rx_suite, c->rx_key) || !key_ok(c->tx_suite, c->tx_key))
        return -EINVAL;
    return 0;
}

/* key is only read, whatever its type says. */
static srtp_policy_t policy_of(uint8_t suite, uint8_t *key, srtp_ssrc_type_t type, uint32_t ssrc)
{
    srtp_policy_t p = {
        .ssrc = {type, ssrc},
        .key = key,
        .window_size = SECURE_WINDOW,
    };

    suites[suite].rtp(&p.rtp);
    suites[suite].rtcp(&p.rtcp);
    return p;
}

static int status_errno(srtp_err_status_t st)
{
    return st == srtp_err_status_ok ? 0 : st == srtp_err_status_alloc_fail ? -ENOMEM : -ENOTSUP;
}

static int way_init(struct way *w, uint8_t suite, uint8_t *key, srtp_ssrc_type_t type)
{
    srtp_policy_t p;

    if (suite == MEDIA_SUITE_NONE)
        return 0;
    p = policy_of(suite, key, type, 0);
    return status_errno(srtp_create(&w->srtp, &p));
}

static void way_fini(struct way *w)
{
    if (w->srtp)
        srtp_dealloc(w->srtp); /* it wipes the keys it has derived */
    *w = (struct way){0};
}

int secure_new(const struct media_crypto *c, struct secure **out)
{
    struct secure *s = calloc(1, sizeof(*s));
    int err;

    if (!s)
        return -ENOMEM;
    s->want = *c;
    err = way_init(&s->rx, c->rx_suite, s->want.rx_key, ssrc_any_inbound);
    if (err == 0)
        err = way_init(&s->tx, c->tx_suite, s->want.tx_key, ssrc_any_outbound);
    if (err < 0)
        secure_free(s);
    else
        *out = s;
    return err;
}

const struct media_crypto *secure_keys(const struct secure *s)
{
    return &s->want;
}

void secure_free(struct secure *s)
{
    if (!s)
        return;
    way_fini(&s->rx);
    way_fini(&s->tx);
    way_fini(&s->old_rx);
    explicit_bzero(s, sizeof(*s));
    free(s);
}

static bool rx_same(const struct media_crypto *a, const struct media_crypto *b)
{
    return a->rx_suite == b->rx_suite && memcmp(a->rx_key, b->rx_key, MEDIA_KEY_MAX) == 0;
}

static bool tx_same(const struct media_crypto *a, const struct media_crypto *b)
{
    return a->tx_suite == b->tx_suite && memcmp(a->tx_key, b->tx_key, MEDIA_KEY_MAX) == 0;
}

static void swap(struct way *a, struct way *b)
{
    struct way w = *a;

    *a = *b;
    *b = w;
}

void secure_follow(struct secure *s, struct secure *old, uint64_t now_ms)
{
    if (tx_same(&s->want, &old->want))
        swap(&s->tx, &old->tx);
    if (rx_same(&s->want, &old->want)) {
        swap(&s->rx, &old->rx);
        swap(&s->old_rx, &old->old_rx);
        s->old_until_ms = old->old_until_ms;
    } else if (old->rx.srtp) {
        swap(&s->old_rx, &old->rx);
        s->old_until_ms = now_ms + SECURE_GRACE_MS;
    }
}

/* The source of a packet; false: too short to have one. */
static bool ssrc_of(bool is_rtcp, const uint8_t *data, uint32_t len, uint32_t *out)
{
    unsigned at = is_rtcp ? 4 : 8;
    uint32_t v;

    if (len < at + 4U)
        return false;
    memcpy(&v, data + at, sizeof(v));
    *out = ntohl(v);
    return true;
}

static bool is_known(const struct way *w, uint32_t ssrc)
{
    uint32_t roc;

    return (w->has_last && w->last == ssrc) ||
           srtp_get_stream_roc(w->srtp, ssrc, &roc) == srtp_err_status_ok;
}

/* RFC 3711 §3.3.1, appendix A: the roll-over of a packet by the newest that is known. @return false: before the stream began */
static bool guess_roc(const struct place *was, uint16_t seq, uint32_t *roc)
{
    *roc = was->roc;
    if (was->seq < 32768 && seq > was->seq + 32768) {
        *roc = was->roc - 1;
        return was->roc > 0;
    }
    if (was->seq >= 32768 && was->seq - 32768 > seq)
        *roc = was->roc + 1;
    return true;
}

static int16_t ahead(uint16_t a, uint16_t b)
{
    return (int16_t)(uint16_t)(a - b);
}

/*
 * A packet of the source that was taken up again. Its stream has no memory of what was sealed: twice under one index would give both
 * away. From SECURE_WINDOW packets on libsrtp2 refuses the old ones itself.
 */
static int way_place(struct way *w, bool is_tx, uint16_t seq)
{
    uint32_t roc;

    if (is_tx && w->has_floor && ahead(seq, w->was.seq) <= 0)
        return -EALREADY;
    if (!w->is_placed)
        return 0;
    if (!guess_roc(&w->was, seq, &roc))
        return -EALREADY;
    return status_errno(srtp_set_stream_roc(w->srtp, w->was.ssrc, roc));
}

static void way_at(struct way *w, uint32_t ssrc, uint16_t seq)
{
    if (w->was.ssrc == ssrc) {
        w->is_placed = false;
        if (ahead(seq, w->was.seq) > (int)SECURE_WINDOW)
            w->has_floor = false;
    }
    if (!w->has_rtp || w->rtp_ssrc != ssrc || ahead(seq, w->rtp_seq) > 0)
        w->rtp_seq = seq;
    w->rtp_ssrc = ssrc;
    w->has_rtp = true;
}

typedef srtp_err_status_t (*way_fn)(srtp_t, void *, int *);

static int way_run(struct way *w, way_fn fn, bool is_rtcp, uint8_t *data, uint32_t *len)
{
    int n = (int)*len;
    uint32_t ssrc;
    uint16_t seq;
    srtp_err_status_t st;
    bool known;
    int err;

    if (*len > COPY_MAX || !ssrc_of(is_rtcp, data, *len, &ssrc))
        return -EBADMSG;
    seq = (uint16_t)(data[2] << 8 | data[3]);
    if ((w->is_placed || w->has_floor) && !is_rtcp && ssrc == w->was.ssrc) {
        err = way_place(w, fn == srtp_protect, seq);
        if (err < 0)
            return err;
    }
    known = is_known(w, ssrc);
    if (!known && w->n_sources >= SECURE_SOURCES_MAX)
        return -EBADMSG;
    st = fn(w->srtp, data, &n);
    /* sealing counts a source even if it then refuses the packet: libsrtp2 has made its context */
    if (!known && is_known(w, ssrc))
        w->n_sources++;
    if (st == srtp_err_status_replay_fail || st == srtp_err_status_replay_old)
        return -EALREADY;
    if (st != srtp_err_status_ok || n < 0)
        return -EBADMSG;
    w->last = ssrc;
    w->has_last = true;
    if (!is_rtcp)
        way_at(w, ssrc, seq);
    *len = (uint32_t)n;
    return 0;
}

int secure_open(struct secure *s, bool is_rtcp, uint8_t *data, uint32_t *len, uint64_t now_ms)
{
    way_fn fn = is_rtcp ? srtp_unprotect_rtcp : srtp_unprotect;
    uint8_t copy[COPY_MAX];
    uint32_t was = *len;
    int err;

    if (!s->rx.srtp)
        return -EBADMSG;
    if (!s->old_rx.srtp || now_ms >= s->old_until_ms || was > COPY_MAX)
        return way_run(&s->rx, fn, is_rtcp, data, len);
    /* GCM has written into the packet before it knows that the key was wrong */
    memcpy(copy, data, was);
    err = way_run(&s->rx, fn, is_rtcp, data, len);
    if (err != -EBADMSG)
        return err;
    memcpy(data, copy, was);
    return way_run(&s->old_rx, fn, is_rtcp, data, len);
}

static uint32_t rtcp_index(uint8_t suite, const uint8_t *data, uint32_t len)
{
    unsigned tag =
        suite == MEDIA_SUITE_AEAD_AES_128_GCM || suite == MEDIA_SUITE_AEAD_AES_256_GCM ? 0 : CM_TAG;
    uint32_t v;

    memcpy(&v, data + len - tag - sizeof(v), sizeof(v));
    return ntohl(v) & 0x7fffffffU;
}

/* libsrtp2 lets nobody set the index of SRTCP: packets that go nowhere count it up. @return false: not there yet */
static bool wind(struct way *w, const uint8_t *data, uint32_t from)
{
    uint32_t left = w->rtcp_floor - from;

    for (uint32_t i = 0; i < left && i < WIND_MAX; i++) {
        uint8_t b[RTCP_HEAD + SRTP_MAX_TRAILER_LEN + 4] = {0x80, 201, 0, 1};
        int n = (int)RTCP_HEAD;

        memcpy(b + 4, data + 4, 4); /* the source */
        if (srtp_protect_rtcp(w->srtp, b, &n) != srtp_err_status_ok)
            return false;
    }
    return left <= WIND_MAX;
}

/* Twice under one index and key would give both packets away (RFC 3711 §9.1); a new context begins with 1. */
static int seal_rtcp(struct secure *s, uint8_t *data, uint32_t *len)
{
    struct way *w = &s->tx;
    uint8_t copy[COPY_MAX];
    uint32_t was = *len, index;
    int err;

    if (w->rtcp_floor && was <= COPY_MAX)
        memcpy(copy, data, was);
    err = way_run(w, srtp_protect_rtcp, true, data, len);
    if (err == 0 && w->rtcp_floor) {
        index = rtcp_index(s->want.tx_suite, data, *len);
        if (index <= w->rtcp_floor) {
            if (!wind(w, copy, index))
                return -EALREADY;
            memcpy(data, copy, was);
            *len = was;
            err = way_run(w, srtp_protect_rtcp, true, data, len);
        }
    }
    w->rtcp_n += err == 0;
    return err;
}

int secure_seal(struct secure *s, bool is_rtcp, uint8_t *data, uint32_t *len)
{
    if (!s->tx.srtp)
        return -EACCES;
    return is_rtcp ? seal_rtcp(s, data, len) : way_run(&s->tx, srtp_protect, false, data, len);
}

/* @return false: nothing is known */
static bool place_of(const struct way *w, struct place *p)
{
    if (w->is_placed && !w->has_rtp) {
        *p = w->was;
        return true;
    }
    p->ssrc = w->rtp_ssrc;
    p->seq = w->rtp_seq;
    return w->has_rtp && srtp_get_stream_roc(w->srtp, w->rtp_ssrc, &p->roc) == srtp_err_status_ok;
}

void secure_place_get(const struct secure *s, struct secure_place *out)
{
    struct place p;

    *out = (struct secure_place){0};
    if (place_of(&s->rx, &p)) {
        out->has_rx = 1;
        out->rx_ssrc = p.ssrc;
        out->rx_roc = p.roc;
        out->rx_seq = p.seq;
    }
    if (place_of(&s->tx, &p)) {
        out->has_tx = 1;
        out->tx_ssrc = p.ssrc;
        out->tx_roc = p.roc;
        out->tx_seq = p.seq;
    }
    out->tx_rtcp = s->tx.rtcp_n;
}

static int place_way(struct way *w, uint8_t suite, uint8_t *key, const struct place *was)
{
    srtp_policy_t p;
    int err;

    if (!w->srtp)
        return 0;
    p = policy_of(suite, key, ssrc_specific, was->ssrc);
    err = status_errno(srtp_add_stream(w->srtp, &p));
    if (err < 0)
        return err;
    w->n_sources++;
    w->was = *was;
    w->is_placed = w->has_floor = true;
    return 0;
}

int secure_place_set(struct secure *s, const struct secure_place *p)
{
    const struct place rx = {p->rx_ssrc, p->rx_roc, p->rx_seq};
    const struct place tx = {p->tx_ssrc, p->tx_roc, p->tx_seq};
    int err = 0;

    /* also when none had been sealed: the place is a second old */
    s->tx.rtcp_n = s->tx.rtcp_floor = p->tx_rtcp + SECURE_RTCP_AHEAD;
    if (p->has_rx)
        err = place_way(&s->rx, s->want.rx_suite, s->want.rx_key, &rx);
    if (err == 0 && p->has_tx)
        err = place_way(&s->tx, s->want.tx_suite, s->want.tx_key, &tx);
    return err;
}
