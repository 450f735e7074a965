/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * a=crypto lines: the RFC's own examples, what is passed over and why, and that what is written is read again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "sip/sdes.h"

#define K30 "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"

static void lines_are_read_or_passed_over(void **state)
{
    static const struct {
        const char *line;
        int rc;
        uint32_t tag;
        enum sdes_suite suite;
    } t[] = {
        /* RFC 4568 §4.1, §5.1.2, §10.2.1 */
        {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|2^20|1:4 FEC_ORDER=FEC_SRTP", -ENOTSUP,
         0, 0},
        {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|2^20", 0, 1,
         SDES_AES_CM_128_HMAC_SHA1_80},
        {"a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:" K30 "|2^48", 0, 1,
         SDES_AES_CM_128_HMAC_SHA1_32},
        {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|1066:4", -ENOTSUP, 0, 0},
        {"a=crypto:007 aes_cm_128_hmac_sha1_80 INLINE:" K30, 0, 7, SDES_AES_CM_128_HMAC_SHA1_80},
        {"a=crypto:2 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==", 0, 2,
         SDES_AEAD_AES_128_GCM},
        {"a=crypto:2 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw", 0, 2,
         SDES_AEAD_AES_128_GCM},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" K30 " WSH=128", 0, 3,
         SDES_AES_CM_128_HMAC_SHA1_80},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|1048576", 0, 3,
         SDES_AES_CM_128_HMAC_SHA1_80},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|281474976710656", 0, 3,
         SDES_AES_CM_128_HMAC_SHA1_80},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|1048575", -ENOTSUP, 0, 0},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|2^19", -ENOTSUP, 0, 0},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|2^49", -EINVAL, 0, 0},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" K30 " UNENCRYPTED_SRTP", -ENOTSUP, 0, 0},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" K30 " UNENCRYPTED_SRTCP", -ENOTSUP, 0, 0},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" K30 " WSH=64 UNAUTHENTICATED_SRTP", -ENOTSUP,
         0, 0},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" K30 " KDR=1", -ENOTSUP, 0, 0},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" K30 " -x", -ENOTSUP, 0, 0},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" K30 ";inline:" K30, -ENOTSUP, 0, 0},
        {"a=crypto:3 F8_128_HMAC_SHA1_80 inline:" K30, -ENOTSUP, 0, 0},
        {"a=crypto:3 AEAD_AES_256_GCM inline:" K30, -EINVAL, 0, 0},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" K30 "A", -EINVAL, 0, 0},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:!" K30, -EINVAL, 0, 0},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:", -EINVAL, 0, 0},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80 uri:" K30, -EINVAL, 0, 0},
        {"a=crypto:3 AES_CM_128_HMAC_SHA1_80", -EINVAL, 0, 0},
        {"a=crypto:x AES_CM_128_HMAC_SHA1_80 inline:" K30, -EINVAL, 0, 0},
        {"a=crypto:1234567890 AES_CM_128_HMAC_SHA1_80 inline:" K30, -EINVAL, 0, 0},
        {"a=crypto:", -EINVAL, 0, 0},
        {"a=cryptography:1", -ENOENT, 0, 0},
        {"a=sendrecv", -ENOENT, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        struct sdes_line l = {0};
        int rc = sdes_read(span_of(t[i].line), &l);

        if (rc != t[i].rc)
            fail_msg("%s: %d", t[i].line, rc);
        assert_int_equal(l.tag, t[i].tag);
        assert_int_equal(l.suite, t[i].suite);
    }
}

static void keys_are_decoded(void **state)
{
    struct sdes_line l;

    (void)state;
    assert_int_equal(sdes_read(SPAN("a=crypto:2 AEAD_AES_128_GCM inline:"
                                    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="),
                               &l),
                     0);
    for (unsigned i = 0; i < SDES_KEY_MAX; i++)
        assert_int_equal(l.key[i], i < 28 ? i : 0);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    for (unsigned suite = 1; suite < SDES_END; suite++) {
        struct sdes_line l = {.tag = 40 + suite, .suite = (enum sdes_suite)suite}, again;
        char room[256];
        struct build b;
        struct span text;

        for (unsigned i = 0; i < sdes_key_len(l.suite); i++)
            l.key[i] = (uint8_t)(251 * i + suite);
        build_init(&b, room, sizeof room);
        sdes_write(&b, &l);
        text = build_text(&b);
        assert_memory_equal(text.p + text.len - 2, "\r\n", 2);
        assert_int_equal(sdes_read((struct span){text.p, text.len - 2}, &again), 0);
        assert_memory_equal(&l, &again, sizeof l);
        assert_int_equal(sdes_suite_of(span_of(sdes_name(l.suite))), suite);
    }
    assert_null(sdes_name(SDES_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read_or_passed_over),
        cmocka_unit_test(keys_are_decoded),
        cmocka_unit_test(what_is_written_is_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
