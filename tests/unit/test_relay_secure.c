/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SRTP contexts: what they write and read is held against a second implementation (srtp_ref.h), which itself is held against the RFCs'
 * vectors; then all that can be wrong with a packet, and keys that change while packets are under way.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/secure.h"
#include "srtp_ref.h"

#define SSRC 0xcafebabeU

static unsigned unhex(const char *hex, uint8_t *out)
{
    unsigned n = 0;
    int hi = -1;

    for (; *hex; hex++) {
        int v = *hex >= '0' && *hex <= '9' ? *hex - '0' : (*hex | 32) - 'a' + 10;

        if (*hex == ' ')
            continue;
        if (hi < 0) {
            hi = v;
        } else {
            out[n++] = (uint8_t)(hi << 4 | v);
            hi = -1;
        }
    }
    return n;
}

static void check_hex(const uint8_t *p, unsigned len, const char *hex)
{
    uint8_t want[256];

    assert_int_equal(unhex(hex, want), len);
    assert_memory_equal(p, want, len);
}

/* ---- the reference itself -------------------------------------------------------------------------------------- */

static void reference_derives_keys_as_rfc_3711_b3(void **state)
{
    uint8_t master[30];
    struct ref_keys k;

    (void)state;
    unhex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6", master);
    ref_keys(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, master, false, &k);
    check_hex(k.key, 16, "C61E7A93744F39EE10734AFE3FF7A087");
    check_hex(k.salt, 14, "30CBBC08863D8C85D49DB34A9AE1");
    check_hex(k.auth, 20, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4");
}

static const char plain_7714[] =
    "8040f17b8041f8d35501a0b2 47616c6c696120657374206f6d6e69732064697669736120696e2070617274657320747265"
    "73";

static void reference_seals_as_rfc_7714_16(void **state)
{
    static const struct {
        uint8_t suite;
        const char *key, *sealed;
    } t[] = {
        {MEDIA_SUITE_AEAD_AES_128_GCM, "000102030405060708090a0b0c0d0e0f",
         "8040f17b8041f8d35501a0b2 f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
         "899d7f27beb16a9152cf765ee4390cce"},
        {MEDIA_SUITE_AEAD_AES_256_GCM,
         "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
         "8040f17b8041f8d35501a0b2 32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
         "7aa3db36dfffd6b0f9bb7878d7a76c13"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct ref_keys k = {0};
        uint8_t p[128];
        unsigned len = unhex(plain_7714, p);

        unhex(t[i].key, k.key);
        unhex("51756964 2070726f 2071756f", k.salt);
        len = ref_seal_rtp_keys(t[i].suite, &k, 0, p, len);
        check_hex(p, len, t[i].sealed);
    }
}

/* ---- rig ------------------------------------------------------------------------------------------------------- */

static struct media_crypto crypto_of(uint8_t suite, uint8_t seed)
{
    struct media_crypto c = {.rx_suite = suite, .tx_suite = suite};

    for (unsigned i = 0; i < secure_key_len(suite); i++) {
        c.rx_key[i] = (uint8_t)(seed + 3 * i);
        c.tx_key[i] = (uint8_t)(seed + 100 + 5 * i);
    }
    return c;
}

/* The other end of it. */
static struct media_crypto mirror(const struct media_crypto *c)
{
    struct media_crypto m = {.rx_suite = c->tx_suite, .tx_suite = c->rx_suite};

    memcpy(m.rx_key, c->tx_key, MEDIA_KEY_MAX);
    memcpy(m.tx_key, c->rx_key, MEDIA_KEY_MAX);
    return m;
}

static struct secure *make(const struct media_crypto *c)
{
    struct secure *s = NULL;

    assert_int_equal(secure_check(c), 0);
    assert_int_equal(secure_new(c, &s), 0);
    return s;
}

static uint32_t rtp(uint8_t *p, uint32_t ssrc, uint16_t seq, uint32_t payload)
{
    memset(p, 0, 12);
    p[0] = 0x80;
    p[2] = (uint8_t)(seq >> 8);
    p[3] = (uint8_t)seq;
    ref_put32(p + 4, seq * 160U);
    ref_put32(p + 8, ssrc);
    for (uint32_t i = 0; i < payload; i++)
        p[12 + i] = (uint8_t)(i + seq);
    return 12 + payload;
}

static uint32_t rtcp(uint8_t *p, uint32_t ssrc)
{
    memset(p, 0, 28);
    p[0] = 0x80;
    p[1] = 200;
    p[3] = 6;
    ref_put32(p + 4, ssrc);
    p[27] = 9;
    return 28;
}

static void each_suite(void (*fn)(uint8_t suite))
{
    for (uint8_t suite = 1; suite < MEDIA_SUITE_END; suite++)
        fn(suite);
}

/* ---- packets --------------------------------------------------------------------------------------------------- */

static void like_reference(uint8_t suite)
{
    struct media_crypto c = crypto_of(suite, 7);
    struct secure *s = make(&c);
    uint8_t a[512], b[512], plain[512];
    uint32_t len = rtp(plain, SSRC, 1000, 160), n = len;

    memcpy(a, plain, len);
    memcpy(b, plain, len);
    assert_int_equal(secure_seal(s, false, a, &n), 0);
    assert_int_equal(n, ref_seal_rtp(suite, c.tx_key, 0, b, len));
    assert_memory_equal(a, b, n);
    assert_true(n - len <= SECURE_GROWTH);

    memcpy(b, plain, len);
    n = ref_seal_rtp(suite, c.rx_key, 0, b, len);
    assert_int_equal(secure_open(s, false, b, &n, 0), 0);
    assert_int_equal(n, len);
    assert_memory_equal(b, plain, len);

    len = n = rtcp(plain, SSRC);
    memcpy(a, plain, len);
    memcpy(b, plain, len);
    assert_int_equal(secure_seal(s, true, a, &n), 0);
    assert_int_equal(n, ref_seal_rtcp(suite, c.tx_key, 1, b, len));
    assert_memory_equal(a, b, n);
    assert_true(n - len <= SECURE_GROWTH);
    memcpy(b, plain, len);
    n = ref_seal_rtcp(suite, c.rx_key, 77, b, len);
    assert_int_equal(secure_open(s, true, b, &n, 0), 0);
    assert_int_equal(n, len);
    assert_memory_equal(b, plain, len);
    secure_free(s);
}

static void packets_are_as_the_reference_has_them(void **state)
{
    (void)state;
    each_suite(like_reference);
}

static void tampered(uint8_t suite)
{
    struct media_crypto c = crypto_of(suite, 1);
    struct secure *s = make(&c);
    uint8_t good[512], p[512];

    for (int is_rtcp = 0; is_rtcp < 2; is_rtcp++) {
        uint32_t len = is_rtcp ? rtcp(good, SSRC) : rtp(good, SSRC, 5, 40);
        uint32_t n;

        len = is_rtcp ? ref_seal_rtcp(suite, c.rx_key, 3, good, len)
                      : ref_seal_rtp(suite, c.rx_key, 0, good, len);
        for (uint32_t i = 0; i < 8 * len; i++) {
            memcpy(p, good, len);
            p[i / 8] ^= (uint8_t)(1U << i % 8);
            n = len;
            assert_int_not_equal(secure_open(s, is_rtcp, p, &n, 0), 0);
        }
        for (uint32_t cut = 0; cut < len; cut++) {
            uint8_t *exact = malloc(cut ? cut : 1);

            memcpy(exact, good, cut);
            n = cut;
            assert_int_not_equal(secure_open(s, is_rtcp, exact, &n, 0), 0);
            free(exact);
        }
        memcpy(p, good, len);
        n = len;
        assert_int_equal(secure_open(s, is_rtcp, p, &n, 0), 0);
        memcpy(p, good, len);
        n = len;
        assert_int_equal(secure_open(s, is_rtcp, p, &n, 0), -EALREADY);
    }
    secure_free(s);
}

static void tampered_truncated_and_replayed_packets_are_refused(void **state)
{
    (void)state;
    each_suite(tampered);
}

static void wrong_key(uint8_t suite)
{
    struct media_crypto c = crypto_of(suite, 1), other = crypto_of(suite, 2);
    struct secure *s = make(&c);
    uint8_t p[512];
    uint32_t n = rtp(p, SSRC, 5, 40);

    n = ref_seal_rtp(suite, other.rx_key, 0, p, n);
    assert_int_equal(secure_open(s, false, p, &n, 0), -EBADMSG);
    n = rtp(p, SSRC, 6, 40); /* in clear */
    assert_int_equal(secure_open(s, false, p, &n, 0), -EBADMSG);
    secure_free(s);
}

static void wrong_keys_and_packets_in_clear_are_refused(void **state)
{
    (void)state;
    each_suite(wrong_key);
}

static void long_run(uint8_t suite)
{
    struct media_crypto c = crypto_of(suite, 9), m = mirror(&c);
    struct secure *us = make(&c), *them = make(&m);
    uint8_t p[512], b[512], plain[512];
    struct secure_place place;

    /* three times round the sequence numbers, every hundredth packet lost, every fiftieth late by one */
    for (uint32_t i = 60000; i < 60000 + 3 * 65536; i++) {
        uint32_t at = i % 50 == 0 ? i + 1 : i % 50 == 1 ? i - 1 : i;
        uint32_t len = rtp(plain, SSRC, (uint16_t)at, 20), n = len;

        memcpy(p, plain, len);
        assert_int_equal(secure_seal(us, false, p, &n), 0);
        if (i % 4096 == 7) {
            memcpy(b, plain, len);
            assert_int_equal(ref_seal_rtp(suite, c.tx_key, at >> 16, b, len), n);
            assert_memory_equal(p, b, n);
        }
        if (i % 100 == 33)
            continue;
        assert_int_equal(secure_open(them, false, p, &n, 0), 0);
        assert_int_equal(n, len);
        assert_memory_equal(p, plain, len);
    }
    secure_place_get(them, &place);
    assert_int_equal(place.has_rx, 1);
    assert_int_equal(place.rx_ssrc, SSRC);
    assert_int_equal(place.rx_roc, 3);
    assert_int_equal(place.has_tx, 0);
    secure_free(us);
    secure_free(them);
}

static void sequence_numbers_roll_over(void **state)
{
    (void)state;
    each_suite(long_run);
}

static void an_old_packet_is_refused_and_a_late_one_is_not(void **state)
{
    struct media_crypto c = crypto_of(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 9);
    struct secure *s = make(&c);
    static const struct {
        uint16_t seq;
        int err;
    } t[] = {{2000, 0},
             {2000 - SECURE_WINDOW + 1, 0},
             {2000 - SECURE_WINDOW - 1, -EALREADY},
             {1872, 0},
             {1872, -EALREADY},
             {2001, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        uint8_t p[512];
        uint32_t n = rtp(p, SSRC, t[i].seq, 20);

        n = ref_seal_rtp(c.rx_suite, c.rx_key, 0, p, n);
        assert_int_equal(secure_open(s, false, p, &n, 0), t[i].err);
    }
    secure_free(s);
}

static void a_packet_is_never_sealed_twice(void **state)
{
    struct media_crypto c = crypto_of(MEDIA_SUITE_AEAD_AES_128_GCM, 9);
    struct secure *s = make(&c);
    uint8_t p[512];
    uint32_t n = rtp(p, SSRC, 10, 20);

    (void)state;
    assert_int_equal(secure_seal(s, false, p, &n), 0);
    n = rtp(p, SSRC, 10, 21); /* another text under the same number would give both away */
    assert_int_equal(secure_seal(s, false, p, &n), -EALREADY);
    n = rtp(p, SSRC + 1, 10, 20);
    assert_int_equal(secure_seal(s, false, p, &n), 0);
    secure_free(s);
}

static void sources_change_and_are_bounded(void **state)
{
    struct media_crypto c = crypto_of(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32, 9), m = mirror(&c);
    struct secure *us = make(&c), *them = make(&m);
    uint8_t p[512];
    uint32_t n;

    (void)state;
    for (uint32_t i = 0; i < SECURE_SOURCES_MAX; i++) {
        n = rtp(p, 1000 + i, (uint16_t)(i * 997), 20);
        assert_int_equal(secure_seal(us, false, p, &n), 0);
        assert_int_equal(secure_open(them, false, p, &n, 0), 0);
    }
    n = rtp(p, 5, 1, 20);
    assert_int_equal(secure_seal(us, false, p, &n), -EBADMSG);
    n = rtp(p, 5, 1, 20);
    n = ref_seal_rtp(m.rx_suite, m.rx_key, 0, p, n);
    assert_int_equal(secure_open(them, false, p, &n, 0), -EBADMSG);
    n = rtp(p, 1000, 3, 20); /* those it knows go on */
    assert_int_equal(secure_seal(us, false, p, &n), 0);
    assert_int_equal(secure_open(them, false, p, &n, 0), 0);
    /* forged ones take no room */
    n = rtp(p, 77, 1, 20);
    assert_int_equal(secure_open(us, false, p, &n, 0), -EBADMSG);
    secure_free(us);
    secure_free(them);
}

static void without_a_key_nothing_passes(void **state)
{
    struct media_crypto c = crypto_of(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 9);
    struct secure *s;
    uint8_t p[512];
    uint32_t n = rtp(p, SSRC, 10, 20);

    (void)state;
    c.rx_suite = MEDIA_SUITE_NONE;
    memset(c.rx_key, 0, sizeof c.rx_key);
    s = make(&c);
    assert_int_equal(secure_open(s, false, p, &n, 0), -EBADMSG);
    assert_int_equal(secure_seal(s, false, p, &n), 0);
    secure_free(s);
    c = mirror(&c);
    s = make(&c);
    n = rtp(p, SSRC, 10, 20);
    assert_int_equal(secure_seal(s, false, p, &n), -EACCES);
    secure_free(s);
    secure_free(NULL);
}

/* ---- keys that change ------------------------------------------------------------------------------------------ */

static int open_one(struct secure *s, const struct media_crypto *c, uint16_t seq, uint32_t roc,
                    uint64_t now_ms)
{
    uint8_t p[512];
    uint32_t n = rtp(p, SSRC, seq, 60);
    int err;

    n = ref_seal_rtp(c->rx_suite, c->rx_key, roc, p, n);
    err = secure_open(s, false, p, &n, now_ms);
    if (err == 0) {
        uint8_t plain[512];

        assert_int_equal(n, rtp(plain, SSRC, seq, 60));
        assert_memory_equal(p, plain, n);
    }
    return err;
}

static void a_new_key_leaves_no_gap(void **state)
{
    (void)state;
    for (uint8_t suite = 1; suite < MEDIA_SUITE_END; suite++) {
        struct media_crypto a = crypto_of(suite, 9);
        struct media_crypto b = crypto_of((uint8_t)(suite % (MEDIA_SUITE_END - 1) + 1), 90);
        struct secure *s = make(&a), *next = make(&b);

        assert_int_equal(open_one(s, &a, 100, 0, 1000), 0);
        secure_follow(next, s, 1000);
        secure_free(s);
        assert_int_equal(open_one(next, &a, 101, 0, 1010), 0);
        assert_int_equal(open_one(next, &b, 103, 0, 1020), 0);
        assert_int_equal(open_one(next, &a, 102, 0, 1030), 0);
        assert_int_equal(open_one(next, &a, 101, 0, 1040), -EALREADY);
        assert_int_equal(open_one(next, &b, 103, 0, 1040), -EALREADY);
        assert_int_equal(open_one(next, &a, 104, 0, 1000 + SECURE_GRACE_MS), -EBADMSG);
        assert_int_equal(open_one(next, &b, 104, 0, 1000 + SECURE_GRACE_MS), 0);
        secure_free(next);
    }
}

static void a_key_that_stays_keeps_its_counters(void **state)
{
    struct media_crypto a = crypto_of(MEDIA_SUITE_AEAD_AES_256_GCM, 9), b = a, m = mirror(&a);
    struct secure *s = make(&a), *them = make(&m), *next;
    uint8_t p[512];
    uint32_t n;

    (void)state;
    for (uint32_t i = 65000; i < 66000; i++) {
        n = rtp(p, SSRC, (uint16_t)i, 20);
        assert_int_equal(secure_seal(s, false, p, &n), 0);
        assert_int_equal(secure_open(them, false, p, &n, 0), 0);
        assert_int_equal(open_one(s, &a, (uint16_t)i, i >> 16, 0), 0);
    }
    b.rx_key[0] ^= 1; /* the party's alone is new */
    next = make(&b);
    secure_follow(next, s, 5);
    secure_free(s);
    n = rtp(p, SSRC, 500, 20);
    assert_int_equal(secure_seal(next, false, p, &n), 0);
    assert_int_equal(secure_open(them, false, p, &n, 0), 0);
    assert_int_equal(open_one(next, &a, 500, 1, 6), 0);
    assert_int_equal(open_one(next, &b, 501, 0, 6), 0);
    secure_free(next);
    secure_free(them);
}

static void a_relay_that_takes_streams_up_again_knows_their_place(void **state)
{
    struct media_crypto a = crypto_of(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 9);
    struct secure *s = make(&a), *again = make(&a);
    struct secure_place place;
    uint8_t p[512], q[512];
    uint32_t n;

    (void)state;
    for (uint32_t i = 65000; i < 66000; i++) {
        n = rtp(p, SSRC, (uint16_t)i, 20);
        assert_int_equal(secure_seal(s, false, p, &n), 0);
        assert_int_equal(open_one(s, &a, (uint16_t)i, i >> 16, 0), 0);
    }
    secure_place_get(s, &place);
    secure_free(s);
    assert_int_equal(secure_place_set(again, &place), 0);
    assert_int_equal(open_one(again, &a, 700, 1, 0), 0);
    n = rtp(p, SSRC, 700, 20);
    memcpy(q, p, n);
    assert_int_equal(secure_seal(again, false, p, &n), 0);
    assert_int_equal(ref_seal_rtp(a.tx_suite, a.tx_key, 1, q, 32), n);
    assert_memory_equal(p, q, n);
    secure_free(again);
}

/* No index of SRTCP comes twice; what is refused before it is far enough is bounded in time. */
static void rtcp_goes_on_behind_what_a_former_relay_sealed(void **state)
{
    static const uint8_t suite[] = {MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
                                    MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32,
                                    MEDIA_SUITE_AEAD_AES_128_GCM, MEDIA_SUITE_AEAD_AES_256_GCM};
    static const uint32_t sealed[] = {5, 5000};

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct media_crypto a = crypto_of(suite[i / 2], 9);
        struct secure *s = make(&a), *again = make(&a);
        uint32_t n, len, index = sealed[i % 2] + SECURE_RTCP_AHEAD;
        struct secure_place place;
        uint8_t p[512], q[512];
        int refused = 0;

        for (uint32_t k = 0; k < sealed[i % 2]; k++) {
            n = rtcp(p, k % 2 ? SSRC : SSRC + 1); /* two sources */
            assert_int_equal(secure_seal(s, true, p, &n), 0);
        }
        secure_place_get(s, &place);
        assert_int_equal(place.tx_rtcp, sealed[i % 2]);
        secure_free(s);
        assert_int_equal(secure_place_set(again, &place), 0);
        for (uint32_t k = 1; k <= 3; k++) {
            n = len = rtcp(p, SSRC);
            while (secure_seal(again, true, p, &n) == -EALREADY) {
                n = len = rtcp(p, SSRC);
                assert_in_range(++refused, 1, 2);
            }
            rtcp(q, SSRC);
            assert_int_equal(ref_seal_rtcp(a.tx_suite, a.tx_key, index + k, q, len), n);
            assert_memory_equal(p, q, n);
        }
        assert_int_equal(refused, sealed[i % 2] == 5 ? 0 : 2);
        n = rtcp(p, SSRC + 1);
        refused = 0;
        while (secure_seal(again, true, p, &n) == -EALREADY) {
            n = rtcp(p, SSRC + 1);
            refused++;
        }
        assert_in_range(refused, 0, 2);
        len = rtcp(q, SSRC + 1);
        ref_seal_rtcp(a.tx_suite, a.tx_key, index + 1, q, len);
        assert_memory_equal(p, q, n);
        secure_place_get(again, &place);
        assert_int_equal(place.tx_rtcp, index + 4);
        secure_free(again);
    }
}

/* The journal is a moment old: meanwhile the numbers have rolled over, and what is not newer was sealed. */
static void a_place_from_before_the_roll_over_is_good(void **state)
{
    struct media_crypto a = crypto_of(MEDIA_SUITE_AEAD_AES_128_GCM, 9);
    struct secure *s = make(&a), *again = make(&a);
    struct secure_place place, later;
    uint8_t p[512], q[512];
    uint32_t n, len;

    (void)state;
    for (uint32_t i = 65500; i < 65530; i++) {
        n = rtp(p, SSRC, (uint16_t)i, 20);
        assert_int_equal(secure_seal(s, false, p, &n), 0);
        assert_int_equal(open_one(s, &a, (uint16_t)i, 0, 0), 0);
    }
    secure_place_get(s, &place);
    assert_int_equal(place.tx_seq, 65529);
    secure_free(s);
    assert_int_equal(secure_place_set(again, &place), 0);
    secure_place_get(again, &later);    /* killed twice in a moment */
    place.tx_rtcp += SECURE_RTCP_AHEAD; /* none sealed at the last look; some may have been since */
    assert_memory_equal(&later, &place, sizeof(place));
    for (uint32_t i = 65500; i < 65530; i++) {
        n = rtp(p, SSRC, (uint16_t)i, 20);
        assert_int_equal(secure_seal(again, false, p, &n), -EALREADY);
    }
    assert_int_equal(open_one(again, &a, 3, 1, 0), 0);
    n = len = rtp(p, SSRC, 3, 20);
    memcpy(q, p, n);
    assert_int_equal(secure_seal(again, false, p, &n), 0);
    assert_int_equal(ref_seal_rtp(a.tx_suite, a.tx_key, 1, q, len), n);
    assert_memory_equal(p, q, n);
    /* within the window of the new packet, and sealed by the former process; one that was on its way passes */
    n = rtp(p, SSRC, 65529, 20);
    assert_int_equal(secure_seal(again, false, p, &n), -EALREADY);
    n = rtp(p, SSRC, 65533, 20);
    assert_int_equal(secure_seal(again, false, p, &n), 0);
    for (uint32_t i = 4; i < 2000; i++) {
        n = rtp(p, SSRC, (uint16_t)i, 20);
        assert_int_equal(secure_seal(again, false, p, &n), 0);
    }
    n = rtp(p, SSRC, 65529, 20);
    assert_int_equal(secure_seal(again, false, p, &n), -EALREADY);
    secure_free(again);
}

static void keys_are_checked(void **state)
{
    struct media_crypto c = crypto_of(MEDIA_SUITE_AEAD_AES_128_GCM, 9);

    (void)state;
    assert_int_equal(secure_check(&c), 0);
    c.rx_key[28] = 1; /* longer than its suite has it */
    assert_int_equal(secure_check(&c), -EINVAL);
    c.rx_key[28] = 0;
    c.tx_suite = MEDIA_SUITE_END;
    assert_int_equal(secure_check(&c), -EINVAL);
    c.tx_suite = MEDIA_SUITE_NONE;
    assert_int_equal(secure_check(&c), -EINVAL);
    memset(c.tx_key, 0, sizeof c.tx_key);
    assert_int_equal(secure_check(&c), 0);
    c.pad = 1;
    assert_int_equal(secure_check(&c), -EINVAL);
}

static int setup(void **state)
{
    (void)state;
    return secure_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_derives_keys_as_rfc_3711_b3),
        cmocka_unit_test(reference_seals_as_rfc_7714_16),
        cmocka_unit_test(packets_are_as_the_reference_has_them),
        cmocka_unit_test(tampered_truncated_and_replayed_packets_are_refused),
        cmocka_unit_test(wrong_keys_and_packets_in_clear_are_refused),
        cmocka_unit_test(sequence_numbers_roll_over),
        cmocka_unit_test(an_old_packet_is_refused_and_a_late_one_is_not),
        cmocka_unit_test(a_packet_is_never_sealed_twice),
        cmocka_unit_test(sources_change_and_are_bounded),
        cmocka_unit_test(without_a_key_nothing_passes),
        cmocka_unit_test(a_new_key_leaves_no_gap),
        cmocka_unit_test(a_key_that_stays_keeps_its_counters),
        cmocka_unit_test(a_relay_that_takes_streams_up_again_knows_their_place),
        cmocka_unit_test(rtcp_goes_on_behind_what_a_former_relay_sealed),
        cmocka_unit_test(a_place_from_before_the_roll_over_is_good),
        cmocka_unit_test(keys_are_checked),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
