/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Digest authentication: the examples of the RFCs, what is read and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "sip/digest.h"

static struct digest_input mufasa(enum digest_algo algo)
{
    return (struct digest_input){
        .user = SPAN("Mufasa"),
        .realm = SPAN("http-auth@example.org"),
        .secret = SPAN("Circle of Life"),
        .method = SPAN("GET"),
        .uri = SPAN("/dir/index.html"),
        .nonce = SPAN("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"),
        .cnonce = SPAN("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
        .nc = SPAN("00000001"),
        .algo = algo,
    };
}

static void example_of_rfc_2617_comes_out(void **state)
{
    struct digest_input in = mufasa(DIGEST_MD5);
    char out[DIGEST_HEX_MAX];

    (void)state;
    in.realm = SPAN("testrealm@host.com");
    in.secret = SPAN("Circle Of Life");
    in.nonce = SPAN("dcd98b7102dd2f0e8b11d0f600bfb0c093");
    in.cnonce = SPAN("0a4f113b");
    assert_int_equal(digest_response(&in, out), 0);
    assert_string_equal(out, "6629fae49393a05397450978507c4ef1");
}

static void an_unquoted_value_with_a_backslash_is_refused(void **state)
{
    struct digest_challenge c;

    (void)state;
    assert_int_equal(
        digest_challenge_parse(SPAN("Digest realm=\"a\", nonce=\"n\", opaque=a\\"), &c),
        -EBADMSG); /* said again it would be opaque="a\", which has no end */
    assert_int_equal(digest_challenge_parse(SPAN("Digest realm=\"a\", nonce=n+/=="), &c), 0);
}

static void what_is_not_there_is_no_digest(void **state)
{
    struct digest_credentials c;

    (void)state;
    assert_int_equal(digest_credentials_parse(SPAN_NONE, &c), -ENOTSUP);
}

static void example_of_rfc_2069_without_qop_comes_out(void **state)
{
    struct digest_input in = mufasa(DIGEST_MD5);
    char out[DIGEST_HEX_MAX];

    (void)state;
    in.realm = SPAN("testrealm@host.com");
    in.secret = SPAN("CircleOfLife");
    in.nonce = SPAN("dcd98b7102dd2f0e8b11d0f600bfb0c093");
    in.cnonce = in.nc = SPAN_NONE;
    assert_int_equal(digest_response(&in, out), 0);
    assert_string_equal(out, "1949323746fe6a43ef61f9606e7febea"); /* erratum 749 */
}

static void examples_of_rfc_7616_come_out(void **state)
{
    struct digest_input in = mufasa(DIGEST_MD5);
    char out[DIGEST_HEX_MAX];

    (void)state;
    assert_int_equal(digest_response(&in, out), 0);
    assert_string_equal(out, "8ca523f5e9506fed4657c9700eebdbec");
    in.algo = DIGEST_SHA256;
    assert_int_equal(digest_response(&in, out), 0);
    assert_string_equal(out, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

static void session_variants_hash_nonce_and_cnonce_into_the_secret(void **state)
{
    char plain[DIGEST_HEX_MAX], sess[DIGEST_HEX_MAX];
    struct digest_input in = mufasa(DIGEST_MD5);

    (void)state;
    assert_int_equal(digest_response(&in, plain), 0);
    in.algo = DIGEST_MD5_SESS;
    assert_int_equal(digest_response(&in, sess), 0);
    assert_string_equal(sess, "e783283f46242139c486a698fec7211d");
    in.algo = DIGEST_SHA256_SESS;
    assert_int_equal(digest_response(&in, sess), 0);
    assert_string_equal(sess, "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7");
    in.algo = DIGEST_SHA512_256;
    assert_int_equal(digest_response(&in, sess), 0);
    assert_string_equal(sess, "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0");
}

static void a_challenge_is_read(void **state)
{
    struct digest_challenge c;

    (void)state;
    assert_int_equal(
        digest_challenge_parse(SPAN("Digest realm=\"a \\\"b\\\", c\", domain=\"sip:x\", "
                                    "nonce=\"84a4cc6f\", opaque=\"\", stale=TRUE , "
                                    "algorithm = sha-256,qop=\"auth,auth-int\""),
                               &c),
        0);
    assert_true(digest_text_is(c.realm, SPAN("a \"b\", c")));
    assert_true(span_eq(c.nonce, SPAN("84a4cc6f")));
    assert_non_null(c.opaque.p);
    assert_int_equal(c.opaque.len, 0);
    assert_int_equal(c.algo, DIGEST_SHA256);
    assert_true(c.algo_given && c.qop && c.stale);
    assert_int_equal(digest_challenge_parse(SPAN("digest nonce=abc,realm=\"x\""), &c), 0);
    assert_int_equal(c.algo, DIGEST_MD5);
    assert_true(!c.algo_given && !c.qop && !c.stale && !c.opaque.p);
}

static void what_is_no_challenge_of_ours_is_refused(void **state)
{
    static const struct {
        const char *text;
        int rc;
    } row[] = {
        {"", -ENOTSUP},
        {"Basic realm=\"x\"", -ENOTSUP},
        {"Digest", -EBADMSG},
        {"Digest realm=\"x\"", -EBADMSG},
        {"Digest nonce=\"x\"", -EBADMSG},
        {"Digest realm=\"x\", nonce=\"\"", -EBADMSG},
        {"Digest realm=\"x\", nonce=\"y", -EBADMSG},
        {"Digest realm=\"x\" nonce=\"y\"", -EBADMSG},
        {"Digest realm=\"x\", nonce=\"y\", nonce=\"z\"", -EBADMSG},
        {"Digest realm=\"x\", =y, nonce=\"y\"", -EBADMSG},
        {"Digest realm=\"x\", nonce=\"y\", algorithm=AKAv1-MD5", -ENOTSUP},
        {"Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\"", -ENOTSUP},
        {"Digest realm=\"x\", nonce=\"y\", algorithm=MD5-sess", -ENOTSUP},
    };
    struct digest_challenge c;

    (void)state;
    assert_int_equal(digest_challenge_parse(SPAN_NONE, &c), -ENOTSUP);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        if (digest_challenge_parse(span_of(row[i].text), &c) != row[i].rc)
            fail_msg("%s", row[i].text);
}

static void too_long_a_text_is_refused(void **state)
{
    char buf[DIGEST_TEXT_MAX + 64];
    struct digest_challenge c;
    int n = 0;

    (void)state;
    memset(buf, 'n', sizeof buf);
    memcpy(buf, "Digest realm=\"x\",nonce=\"", 24);
    buf[24 + DIGEST_TEXT_MAX] = '"';
    n = 25 + DIGEST_TEXT_MAX;
    assert_int_equal(digest_challenge_parse((struct span){buf, (size_t)n}, &c), 0);
    buf[24 + DIGEST_TEXT_MAX] = 'n';
    buf[25 + DIGEST_TEXT_MAX] = '"';
    assert_int_equal(digest_challenge_parse((struct span){buf, (size_t)n + 1}, &c), -EBADMSG);
}

static void credentials_are_read(void **state)
{
    struct digest_credentials c;

    (void)state;
    assert_int_equal(
        digest_credentials_parse(
            SPAN("Digest username=\"bob\", realm=\"x\", nonce=\"n\", uri=\"sip:a,b@c\", "
                 "response=\"0123\", cnonce=\"c\", nc=0000000a, qop=auth, algorithm=MD5"),
            &c),
        0);
    assert_true(span_eq(c.uri, SPAN("sip:a,b@c")));
    assert_true(c.qop);
    assert_int_equal(c.nc_value, 10);
    assert_int_equal(digest_credentials_parse(SPAN("Digest username=\"bob\", realm=\"x\", "
                                                   "nonce=\"n\", uri=\"sip:c\", response=\"01\""),
                                              &c),
                     0);
    assert_false(c.qop);
}

static void bad_credentials_are_refused(void **state)
{
    static const struct {
        const char *text;
        int rc;
    } row[] = {
        {"username=\"b\", realm=\"x\", nonce=\"n\", uri=\"u\"", -EBADMSG},
        {"realm=\"x\", nonce=\"n\", uri=\"u\", response=\"0\"", -EBADMSG},
        {"username=\"b\", realm=\"x\", nonce=\"n\", uri=\"u\", response=\"0\", qop=auth", -EBADMSG},
        {"username=\"b\", realm=\"x\", nonce=\"n\", uri=\"u\", response=\"0\", qop=auth, cnonce=\"c\", nc=1",
         -EBADMSG},
        {"username=\"b\", realm=\"x\", nonce=\"n\", uri=\"u\", response=\"0\", qop=auth, cnonce=\"c\", nc=0000000g",
         -EBADMSG},
        {"username=\"b\", realm=\"x\", nonce=\"n\", uri=\"u\", response=\"0\", qop=auth-int, cnonce=\"c\", nc=00000001",
         -ENOTSUP},
        {"username=\"b\", realm=\"x\", nonce=\"n\", uri=\"u\", response=\"0\", userhash=true",
         -ENOTSUP},
        {"username=\"b\", realm=\"x\", nonce=\"n\", uri=\"u\", response=\"0\", algorithm=MD4",
         -ENOTSUP},
        {"username=\"b\", username=\"c\", realm=\"x\", nonce=\"n\", uri=\"u\", response=\"0\"",
         -EBADMSG},
    };
    struct digest_credentials c;
    char buf[256];

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        snprintf(buf, sizeof buf, "Digest %s", row[i].text);
        if (digest_credentials_parse(span_of(buf), &c) != row[i].rc)
            fail_msg("%s", row[i].text);
    }
}

static void what_is_written_is_read_again(void **state)
{
    struct digest_answer a = {
        .in = mufasa(DIGEST_SHA256), .opaque = SPAN("op"), .algo_given = true};
    struct digest_credentials c;
    char buf[1024], response[DIGEST_HEX_MAX];
    struct span name, value;
    struct build b;

    (void)state;
    a.in.user = SPAN("Mu\"fa\\sa");
    build_init(&b, buf, sizeof buf);
    assert_int_equal(digest_write(&b, SPAN("Authorization"), &a), 0);
    assert_false(b.overflow);
    assert_true(span_cut(span_trim(build_text(&b)), ':', &name, &value));
    assert_true(span_eq(name, SPAN("Authorization")));
    assert_int_equal(digest_credentials_parse(value, &c), 0);
    assert_true(digest_text_is(c.user, a.in.user));
    assert_int_equal(c.algo, DIGEST_SHA256);
    assert_int_equal(digest_response(&a.in, response), 0);
    assert_true(digest_equal(c.response, span_of(response)));
    assert_null(memmem(buf, b.len, "Circle of Life", 14));
}

static void a_challenge_that_is_written_is_read_again(void **state)
{
    struct digest_challenge c;
    struct span name, value;
    char buf[512];
    struct build b;

    (void)state;
    build_init(&b, buf, sizeof buf);
    digest_write_challenge(&b, SPAN("WWW-Authenticate"), SPAN("a\"b"), SPAN("nonce"), DIGEST_SHA256,
                           true);
    assert_true(span_cut(span_trim(build_text(&b)), ':', &name, &value));
    assert_int_equal(digest_challenge_parse(value, &c), 0);
    assert_true(digest_text_is(c.realm, SPAN("a\"b")));
    assert_true(c.qop && c.stale && c.algo == DIGEST_SHA256);
}

static void responses_are_compared_whole_and_in_any_case(void **state)
{
    (void)state;
    assert_true(digest_equal(SPAN("00aBcD"), SPAN("00abcd")));
    assert_false(digest_equal(SPAN("00abce"), SPAN("00abcd")));
    assert_false(digest_equal(SPAN("00abc"), SPAN("00abcd")));
    assert_false(digest_equal(SPAN_NONE, SPAN("00abcd")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(example_of_rfc_2617_comes_out),
        cmocka_unit_test(example_of_rfc_2069_without_qop_comes_out),
        cmocka_unit_test(examples_of_rfc_7616_come_out),
        cmocka_unit_test(an_unquoted_value_with_a_backslash_is_refused),
        cmocka_unit_test(what_is_not_there_is_no_digest),
        cmocka_unit_test(session_variants_hash_nonce_and_cnonce_into_the_secret),
        cmocka_unit_test(a_challenge_is_read),
        cmocka_unit_test(what_is_no_challenge_of_ours_is_refused),
        cmocka_unit_test(too_long_a_text_is_refused),
        cmocka_unit_test(credentials_are_read),
        cmocka_unit_test(bad_credentials_are_refused),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_challenge_that_is_written_is_read_again),
        cmocka_unit_test(responses_are_compared_whole_and_in_any_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
