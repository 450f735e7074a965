/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICE-lite of the relay: STUN by the vectors of RFC 5769, and what becomes of checks.
 * Pure: lib/relay/stun.c, ice.c and latch.c; no sockets, no clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "relay/ice.h"
#include "relay/latch.h"
#include "stun_rig.h"

#define PWD "VOkJxbRl1RmTxUk/WvJxBt"

/* RFC 5769 §2.1 */
static const uint8_t request[108] = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73,
    0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
    0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09,
    0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14,
    0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
    0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
};

/* §2.2 */
static const uint8_t response4[80] = {
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
    0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
    0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
};

/* §2.3 */
static const uint8_t response6[92] = {
    0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
    0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9, 0x00, 0x08, 0x00, 0x14,
    0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c, 0x82, 0x92, 0xc2, 0x75,
    0xbf, 0xe3, 0xed, 0x41, 0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c,
};

static struct addr addr_of(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(span_of(text), 0, &a), 0);
    return a;
}

static struct ice *lite(const char *remote_ufrag)
{
    struct media_ice want = {.is_on = 1, .ufrag = "ours", .pwd = PWD};
    struct ice *i;

    memcpy(want.remote_ufrag, remote_ufrag, strlen(remote_ufrag));
    assert_int_equal(ice_check(&want), 0);
    assert_int_equal(ice_new(&want, &i), 0);
    return i;
}

static uint8_t answer[STUN_ANSWER_MAX];
static uint32_t answer_len;
static struct addr from;

static enum ice_verdict give(struct ice *i, const uint8_t *p, uint32_t len, bool is_party,
                             uint64_t now_ms)
{
    const struct ice_packet packet = {p, len, &from, is_party};

    answer_len = 0;
    return ice_input(i, &packet, now_ms, answer, &answer_len);
}

static enum ice_verdict ask_ice(struct ice *i, const struct build_ask *ask, bool is_party)
{
    uint8_t p[256];
    uint32_t len = check_build(ask, p);

    return give(i, p, len, is_party, 1000);
}

/* 0: success */
static unsigned code(void)
{
    struct stun s;
    struct stun_key k;

    stun_key_init(&k, PWD);
    assert_int_equal(stun_read(answer, answer_len, &s), 0);
    if (s.type == STUN_SUCCESS)
        assert_true(stun_is_authentic(&s, answer, &k));
    return s.type == STUN_SUCCESS ? 0 : answer[26] * 100U + answer[27];
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void the_vectors_of_rfc_5769_are_read_and_authentic(void **state)
{
    static const struct {
        const uint8_t *p;
        uint32_t len;
        uint16_t type;
    } v[] = {{request, sizeof(request), STUN_REQUEST},
             {response4, sizeof(response4), STUN_SUCCESS},
             {response6, sizeof(response6), STUN_SUCCESS}};
    struct stun_key k, wrong;
    struct stun s;

    (void)state;
    stun_key_init(&k, PWD);
    stun_key_init(&wrong, "VOkJxbRl1RmTxUk/WvJxBT");
    for (unsigned i = 0; i < 3; i++) {
        assert_true(stun_is(v[i].p, v[i].len));
        assert_int_equal(stun_read(v[i].p, v[i].len, &s), 0);
        assert_int_equal(s.type, v[i].type);
        assert_true(stun_is_authentic(&s, v[i].p, &k));
        assert_false(stun_is_authentic(&s, v[i].p, &wrong));
    }
    assert_int_equal(stun_read(request, sizeof(request), &s), 0);
    assert_memory_equal(s.username, "evtj:h6vY", 9);
    assert_int_equal(s.username_len, 9);
    assert_true(s.is_controlled);
    assert_int_equal(s.n_unknown, 0);
}

static void mapped_addresses_are_written_as_in_the_vectors(void **state)
{
    struct addr four = addr_of("192.0.2.1:32853");
    struct addr six = addr_of("[2001:db8:1234:5678:11:2233:4455:6677]:32853");
    struct stun_key k;
    struct stun s;
    struct stun_answer a = {.to = &s, .mapped = &four, .key = &k};
    uint8_t out[STUN_ANSWER_MAX];

    (void)state;
    stun_key_init(&k, PWD);
    assert_int_equal(stun_read(request, sizeof(request), &s), 0);
    assert_int_equal(stun_write(&a, out), 20 + 12 + 24 + 8);
    assert_memory_equal(out + 20, response4 + 36, 12);
    a.mapped = &six;
    assert_int_equal(stun_write(&a, out), 20 + 24 + 24 + 8);
    assert_memory_equal(out + 20, response6 + 36, 24);
    assert_int_equal(stun_read(out, 76, &s), 0);
    assert_true(stun_is_authentic(&s, out, &k));
}

static void no_part_of_a_message_is_one(void **state)
{
    struct stun s;

    (void)state;
    for (uint32_t len = 0; len < sizeof(request); len++) {
        uint8_t *p = test_malloc(len + 1);

        memcpy(p, request, len);
        assert_true(stun_read(p, len, &s) < 0);
        /* and neither where the header says that it is all */
        if (len >= 20) {
            p[3] = (uint8_t)(len - 20);
            if (stun_read(p, len, &s) == 0)
                assert_true(len <= sizeof(request) - 8 && len % 4 == 0);
        }
        test_free(p);
    }
}

static void a_wrong_bit_is_noticed(void **state)
{
    struct stun_key k;

    (void)state;
    stun_key_init(&k, PWD);
    for (uint32_t i = 0; i < sizeof(request) * 8; i++) {
        uint8_t p[sizeof(request)];
        struct stun s;

        memcpy(p, request, sizeof(p));
        p[i / 8] ^= (uint8_t)(1U << i % 8);
        /* a fingerprint that has become another attribute is none, and none is needed */
        if (i / 8 < sizeof(request) - 8 || i / 8 > sizeof(request) - 7)
            assert_true(stun_read(p, sizeof(p), &s) < 0 || !stun_is_authentic(&s, p, &k));
    }
}

static void a_check_is_answered_with_its_source(void **state)
{
    struct ice *i = lite("them");

    (void)state;
    from = addr_of("192.0.2.7:4000");
    assert_int_equal(ask_ice(i, &(struct build_ask){.name = "ours:them", .pwd = PWD}, false),
                     ICE_ANSWER);
    assert_int_equal(code(), 0);
    assert_int_equal(
        ask_ice(i, &(struct build_ask){.name = "ours:them", .pwd = PWD, .extra = 0x25}, false),
        ICE_NOMINATED);
    assert_int_equal(code(), 0);
    assert_int_equal(
        ask_ice(i,
                &(struct build_ask){.name = "ours:them", .pwd = PWD, .without_fingerprint = true},
                false),
        ICE_ANSWER);
    ice_free(i);
}

static void before_the_answer_any_party_of_our_name_is_taken(void **state)
{
    struct ice *i = lite("");

    (void)state;
    assert_int_equal(ask_ice(i, &(struct build_ask){.name = "ours:who", .pwd = PWD}, false),
                     ICE_ANSWER);
    assert_int_equal(ask_ice(i, &(struct build_ask){.name = "our:who", .pwd = PWD}, false),
                     ICE_BAD);
    ice_free(i);
}

static void who_does_not_know_the_password_hears_nothing(void **state)
{
    static const struct {
        struct build_ask ask;
        unsigned code; /* that the party itself hears */
    } v[] = {
        {{.name = "ours:them", .pwd = "VOkJxbRl1RmTxUk/WvJxBT", .extra = 0x25}, 401},
        {{.name = "ours:that", .pwd = PWD}, 401},
        {{.name = "ours:themm", .pwd = PWD}, 401},
        {{.name = "them:ours", .pwd = PWD}, 401},
        {{.pwd = PWD}, 400},
        {{.name = "ours:them", .without_integrity = true, .extra = 0x25}, 400},
    };
    struct ice *i = lite("them");

    (void)state;
    for (unsigned k = 0; k < sizeof(v) / sizeof(v[0]); k++) {
        assert_int_equal(ask_ice(i, &v[k].ask, false), ICE_BAD);
        assert_int_equal(answer_len, 0);
        assert_int_equal(ask_ice(i, &v[k].ask, true), ICE_REFUSED);
        assert_int_equal(code(), v[k].code);
    }
    ice_free(i);
}

static void unknown_attributes_and_a_wrong_role_are_refused(void **state)
{
    struct ice *i = lite("them");

    (void)state;
    assert_int_equal(
        ask_ice(i, &(struct build_ask){.name = "ours:them", .pwd = PWD, .extra = 0x7ff1}, false),
        ICE_ANSWER);
    assert_int_equal(code(), 420);
    assert_memory_equal(answer + 48, "\x00\x0a\x00\x02\x7f\xf1\x00\x00", 8);
    assert_int_equal(
        ask_ice(i, &(struct build_ask){.name = "ours:them", .pwd = PWD, .extra = 0xfff1}, false),
        ICE_ANSWER);
    assert_int_equal(code(), 0);
    assert_int_equal(
        ask_ice(i,
                &(struct build_ask){
                    .name = "ours:them", .pwd = PWD, .extra = 0x25, .is_controlled = true},
                false),
        ICE_ANSWER);
    assert_int_equal(code(), 487);
    ice_free(i);
}

static void what_is_no_request_is_not_answered(void **state)
{
    static const uint8_t indication[20] = {0, 0x11, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    static const uint8_t allocate[20] = {0, 0x03, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    struct ice *i = lite("them");

    (void)state;
    assert_int_equal(give(i, indication, 20, true, 0), ICE_SILENT);
    assert_int_equal(give(i, allocate, 20, true, 0), ICE_BAD);
    assert_int_equal(give(i, response4, sizeof(response4), true, 0), ICE_BAD);
    assert_int_equal(answer_len, 0);
    ice_free(i);
}

static void a_flood_is_answered_so_often_and_no_more(void **state)
{
    struct ice *i = lite("them");
    uint8_t p[256], bad[256];
    uint32_t len = check_build(&(struct build_ask){.name = "ours:them", .pwd = PWD}, p);
    uint32_t bad_len = check_build(&(struct build_ask){.name = "else:them", .pwd = PWD}, bad);
    unsigned n = 0;

    (void)state;
    /* strangers without the name take nobody's place */
    for (unsigned k = 0; k < 10 * ICE_PER_SECOND; k++)
        assert_int_equal(give(i, bad, bad_len, false, 5000), ICE_BAD);
    for (unsigned k = 0; k < 10 * ICE_PER_SECOND; k++)
        n += give(i, p, len, false, 5000 + k / 100) == ICE_ANSWER;
    assert_int_equal(n, ICE_PER_SECOND);
    assert_int_equal(give(i, p, len, false, 6000), ICE_ANSWER);
    ice_free(i);
}

static void an_order_of_the_controller_is_checked(void **state)
{
    struct media_ice good = {.is_on = 1, .ufrag = "ours", .pwd = PWD, .remote_ufrag = "x"}, v;

    (void)state;
    assert_int_equal(ice_check(&good), 0);
    v = (struct media_ice){.endpoint = 3};
    assert_int_equal(ice_check(&v), 0);
    v.pwd[0] = 'x';
    assert_true(ice_check(&v) < 0);
#define BAD(change)                     \
    do {                                \
        v = good;                       \
        change;                         \
        assert_true(ice_check(&v) < 0); \
    } while (0)
    BAD(v.is_on = 2);
    BAD(v.pad = 1);
    BAD(v.pad2[1] = 1);
    BAD(v.pad3[7] = 1);
    BAD(v.ufrag[3] = 0);
    BAD(v.ufrag[2] = ':');
    BAD(memset(v.ufrag, 'a', sizeof(v.ufrag)));
    BAD(v.pwd[21] = 0);
    BAD(v.pwd[39] = 'x');
    BAD(v.remote_ufrag[0] = ' ');
    BAD(memset(v.remote_ufrag, 'a', sizeof(v.remote_ufrag)));
#undef BAD
}

static void other_credentials_are_a_restart(void **state)
{
    struct ice *a = lite("them"), *same = lite("them"), *b = lite("new1");

    (void)state;
    assert_false(ice_is_restart(same, a));
    assert_true(ice_is_restart(b, a));
    ice_free(a);
    ice_free(same);
    ice_free(b);
}

static void a_nominated_address_holds_against_all_others(void **state)
{
    static const uint8_t policies[] = {MEDIA_LATCH_LEARN_ONCE, MEDIA_LATCH_SDP_ONLY,
                                       MEDIA_LATCH_FOLLOW};
    struct addr sdp = addr_of("192.0.2.1:4000"), real = addr_of("198.51.100.9:5000"), only;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct latch l;

        latch_init(&l, policies[i], &sdp, 0);
        assert_true(latch_pin(&l, &real));
        assert_false(latch_pin(&l, &real));
        assert_int_equal(latch_check(&l, &real, 1), LATCH_PASS);
        assert_int_equal(latch_check(&l, &sdp, 1), LATCH_STRANGER);
        assert_true(latch_is_stranger(&l, &sdp));
        assert_false(latch_is_stranger(&l, &real));
        assert_true(latch_only(&l, &only) && addr_eq(&only, &real));
        latch_set_remote(&l, &(struct addr){.family = 4, .port = 9}, 2);
        latch_set_policy(&l, MEDIA_LATCH_SDP_ONLY);
        latch_relearn(&l, 2);
        assert_true(addr_eq(&l.to, &real));
        assert_int_equal(latch_check(&l, &real, 3), LATCH_PASS);
        latch_unpin(&l, 4);
        assert_true(addr_eq(&l.to, &real));
        assert_true(l.is_open);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_5769_are_read_and_authentic),
        cmocka_unit_test(mapped_addresses_are_written_as_in_the_vectors),
        cmocka_unit_test(no_part_of_a_message_is_one),
        cmocka_unit_test(a_wrong_bit_is_noticed),
        cmocka_unit_test(a_check_is_answered_with_its_source),
        cmocka_unit_test(before_the_answer_any_party_of_our_name_is_taken),
        cmocka_unit_test(who_does_not_know_the_password_hears_nothing),
        cmocka_unit_test(unknown_attributes_and_a_wrong_role_are_refused),
        cmocka_unit_test(what_is_no_request_is_not_answered),
        cmocka_unit_test(a_flood_is_answered_so_often_and_no_more),
        cmocka_unit_test(an_order_of_the_controller_is_checked),
        cmocka_unit_test(other_credentials_are_a_restart),
        cmocka_unit_test(a_nominated_address_holds_against_all_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
