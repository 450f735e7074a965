/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate: owners by token and by hash, verdicts by source and load, stateless answers and their ACKs.
 */
#include "sip_fixture.h"
#include "sip/gate.h"

#define WORKERS 4

static struct gate gate;

static int setup(void **state)
{
    int err = fx_setup(state);

    gate_init(&gate, fx.ident, &fx.stats, 7, 0, WORKERS);
    return err;
}

static struct peek look(const char *msg)
{
    static const struct span users[] = {{"911", 3}};
    static const struct peek_table table = {users, 1};
    struct peek p;

    assert_int_equal(peek_parse(msg, strlen(msg), &table, &p), 0);
    return p;
}

static enum gate_verdict decide(const char *msg, enum gate_source src, enum gate_level level,
                                uint8_t *worker)
{
    struct peek p = look(msg);

    return gate_decide(&gate, &p, src, level, worker);
}

static const char *token(uint8_t worker, uint32_t epoch, uint16_t node, enum ident_kind kind)
{
    static char out[4][IDENT_LEN + 1];
    static unsigned turn;
    struct ident_key *k = ident_key_new(fx_key, node, epoch, worker);
    char *t = out[turn++ & 3];

    ident_seal(k, kind, 12345, t);
    ident_key_free(k);
    return t;
}

/* extra: further headers; user of the Request-URI */
static const char *request(const char *method, const char *user, const char *call_id,
                           const char *to_tag, const char *extra)
{
    static char buf[4][2048];
    static unsigned turn;
    char *out = buf[turn++ & 3];

    snprintf(out, sizeof(buf[0]),
             "%s sip:%s@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKa\r\n"
             "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>%s%s\r\nCall-ID: %s\r\nCSeq: 1 %s\r\n"
             "%sMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
             method, user, to_tag[0] ? ";tag=" : "", to_tag, call_id, method, extra);
    return out;
}

static const char *response(const char *branch)
{
    static char buf[1024];

    snprintf(buf, sizeof(buf),
             "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%s\r\n"
             "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
             "Content-Length: 0\r\n\r\n",
             branch);
    return buf;
}

/* A Call-ID that belongs to this worker (or to another one). */
static const char *call_id_of(uint8_t worker)
{
    static char id[32];
    bool ours;

    for (unsigned i = 0;; i++) {
        snprintf(id, sizeof(id), "call-%u", i);
        struct peek p = look(request("INVITE", "1", id, "", ""));
        if (gate_owner(&gate, &p, &ours) == worker)
            return id;
    }
}

static void calls_spread_over_the_workers_by_call_id(void **state)
{
    unsigned n[WORKERS] = {0};
    char id[32];
    bool ours;

    (void)state;
    for (unsigned i = 0; i < 4000; i++) {
        snprintf(id, sizeof(id), "%u@h", i);
        struct peek p = look(request("INVITE", "1", id, "", ""));
        n[gate_owner(&gate, &p, &ours)]++;
        assert_false(ours);
    }
    for (unsigned w = 0; w < WORKERS; w++)
        assert_in_range(n[w], 800, 1200);
}

static void all_of_a_call_before_its_dialog_meets_on_one_worker(void **state)
{
    uint8_t worker = 0;

    (void)state;
    for (uint8_t w = 1; w < WORKERS; w++) {
        const char *id = call_id_of(w);
        assert_int_equal(decide(request("INVITE", "1", id, "", ""), GATE_SRC_KNOWN, 0, &worker),
                         GATE_HAND);
        assert_int_equal(worker, w);
        assert_int_equal(decide(request("CANCEL", "1", id, "", ""), GATE_SRC_KNOWN, 0, &worker),
                         GATE_HAND);
        assert_int_equal(worker, w);
        assert_int_equal(decide(request("ACK", "1", id, "theirs", ""), GATE_SRC_KNOWN, 0, &worker),
                         GATE_HAND);
        assert_int_equal(worker, w);
    }
    assert_int_equal(fx_stat(STAT_gate_handed), 9);
    assert_int_equal(
        decide(request("INVITE", "1", call_id_of(0), "", ""), GATE_SRC_KNOWN, 0, &worker),
        GATE_HERE);
}

static void tokens_name_the_owner(void **state)
{
    const char *id;
    uint8_t worker = 0;

    (void)state;
    id = call_id_of(1);
    assert_int_equal(decide(request("BYE", "1", id, token(3, 100, 7, IDENT_TAG), ""),
                            GATE_SRC_KNOWN, 0, &worker),
                     GATE_HAND);
    assert_int_equal(worker, 3);
    assert_int_equal(decide(request("BYE", "1", id, token(0, 100, 7, IDENT_TAG), ""),
                            GATE_SRC_KNOWN, 0, &worker),
                     GATE_HERE);
    assert_int_equal(decide(response(token(2, 100, 7, IDENT_BRANCH)), GATE_SRC_KNOWN, 0, &worker),
                     GATE_HAND);
    assert_int_equal(worker, 2);
    /* a branch is no tag */
    assert_int_equal(decide(request("BYE", "1", id, token(3, 100, 7, IDENT_BRANCH), ""),
                            GATE_SRC_KNOWN, 0, &worker),
                     GATE_HAND);
    assert_int_equal(worker, 1);
}

static void tokens_of_an_earlier_boot_with_more_workers_are_mapped(void **state)
{
    uint8_t worker = 0;

    (void)state;
    assert_int_equal(decide(request("BYE", "1", "x", token(7, 99, 7, IDENT_TAG), ""),
                            GATE_SRC_KNOWN, 0, &worker),
                     GATE_HAND);
    assert_int_equal(worker, gate_owner_of(&gate, 7));
    assert_int_equal(worker, 3);
    for (unsigned w = 0; w < GATE_MAX_WORKERS; w++)
        assert_true(gate_owner_of(&gate, (uint8_t)w) < WORKERS);
}

/* An INVITE with this to-tag in its Replaces. */
static const char *replacing(const char *call_id, const char *to_tag)
{
    static char line[256];

    snprintf(line, sizeof(line), "Replaces: x@y;from-tag=a;to-tag=%s\r\n", to_tag);
    return request("INVITE", "1", call_id, "", line);
}

static void replaces_names_the_owner_of_an_invite(void **state)
{
    const char *id = call_id_of(1), *ours = token(3, 100, 7, IDENT_TAG);
    uint8_t worker = 0;

    (void)state;
    assert_int_equal(decide(replacing(id, ours), GATE_SRC_KNOWN, 0, &worker), GATE_HAND);
    assert_int_equal(worker, 3);
    assert_int_equal(
        decide(replacing(id, token(2, 100, 7, IDENT_REPLACES)), GATE_SRC_KNOWN, 0, &worker),
        GATE_HAND);
    assert_int_equal(worker, 2);
    assert_int_equal(decide(replacing(id, token(3, 100, 8, IDENT_TAG)), GATE_SRC_KNOWN, 0, &worker),
                     GATE_HAND);
    assert_int_equal(worker, 1); /* of another node */
    assert_int_equal(
        decide(replacing(id, token(3, 100, 7, IDENT_RIGHT)), GATE_SRC_KNOWN, 0, &worker),
        GATE_HAND);
    assert_int_equal(worker, 1);
    assert_int_equal(decide(replacing(id, "theirs"), GATE_SRC_KNOWN, 0, &worker), GATE_HAND);
    assert_int_equal(worker, 1);
}

static void replaces_opens_no_door_to_a_stranger(void **state)
{
    const char *msg = replacing(call_id_of(1), token(3, 100, 7, IDENT_TAG));
    uint8_t worker = 0;

    (void)state;
    assert_int_equal(decide(msg, GATE_SRC_DROP, 0, &worker), GATE_DROP);
    assert_int_equal(decide(msg, GATE_SRC_403, 0, &worker), GATE_403);
    assert_int_equal(decide(msg, GATE_SRC_KNOWN, GATE_LEVEL_ORDINARY, &worker), GATE_HAND);
}

static void a_cancel_follows_its_invite_with_replaces(void **state)
{
    const char *id = call_id_of(1);
    uint8_t worker = 0;
    char other[32];

    (void)state;
    for (int again = 0; again < 2; again++)
        assert_int_equal(
            decide(replacing(id, token(3, 100, 7, IDENT_TAG)), GATE_SRC_KNOWN, 0, &worker),
            GATE_HAND);
    assert_int_equal(decide(request("CANCEL", "1", id, "", ""), GATE_SRC_KNOWN, 0, &worker),
                     GATE_HAND);
    assert_int_equal(worker, 3);
    assert_int_equal(gate.next_mark, 1);
    for (unsigned i = 0; i < GATE_MARKS * 8; i++) { /* long ago */
        snprintf(other, sizeof(other), "other-%u", i);
        (void)decide(replacing(other, token(3, 100, 7, IDENT_TAG)), GATE_SRC_KNOWN, 0, &worker);
    }
    assert_int_equal(decide(request("CANCEL", "1", id, "", ""), GATE_SRC_KNOWN, 0, &worker),
                     GATE_HAND);
    assert_int_equal(worker, 1);
}

static void tokens_of_another_node_are_hashed(void **state)
{
    uint8_t worker = 0;

    (void)state;
    assert_int_equal(decide(request("BYE", "1", call_id_of(2), token(1, 100, 8, IDENT_TAG), ""),
                            GATE_SRC_KNOWN, 0, &worker),
                     GATE_HAND);
    assert_int_equal(worker, 2);
}

static void responses_that_are_not_ours_are_dropped_and_counted(void **state)
{
    uint8_t worker;

    (void)state;
    assert_int_equal(decide(response("abc"), GATE_SRC_KNOWN, 0, &worker), GATE_DROP);
    assert_int_equal(decide(response(token(0, 100, 8, IDENT_BRANCH)), GATE_SRC_KNOWN, 0, &worker),
                     GATE_DROP);
    assert_int_equal(fx_stat(STAT_sip_stray_response), 2);
}

static void unknown_sources_get_403_or_silence(void **state)
{
    uint8_t worker;
    const char *invite = request("INVITE", "1", "x", "", "");

    (void)state;
    assert_int_equal(decide(invite, GATE_SRC_403, 0, &worker), GATE_403);
    assert_int_equal(decide(invite, GATE_SRC_DROP, 0, &worker), GATE_DROP);
    assert_int_equal(decide(request("ACK", "1", "x", "", ""), GATE_SRC_403, 0, &worker), GATE_DROP);
    assert_int_equal(decide(response("abc"), GATE_SRC_403, 0, &worker), GATE_DROP);
    assert_int_equal(fx_stat(STAT_gate_403), 1);
    assert_int_equal(fx_stat(STAT_gate_dropped), 3);
}

static void unknown_source_with_our_token_is_served(void **state)
{
    uint8_t worker;

    (void)state;
    assert_int_equal(decide(request("BYE", "1", "x", token(0, 100, 7, IDENT_TAG), ""),
                            GATE_SRC_DROP, 0, &worker),
                     GATE_HERE);
    assert_int_equal(decide(response(token(0, 100, 7, IDENT_BRANCH)), GATE_SRC_DROP, 0, &worker),
                     GATE_HERE);
}

static void incomplete_messages_are_worded_by_the_parser_for_known_sources_only(void **state)
{
    static const char broken[] = "INVITE sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\n"
                                 "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n\r\n";
    uint8_t worker;

    (void)state;
    assert_int_equal(decide(broken, GATE_SRC_KNOWN, 0, &worker), GATE_HERE);
    assert_int_equal(decide(broken, GATE_SRC_403, 0, &worker), GATE_DROP);
}

static void load_sheds_one_class_after_the_other(void **state)
{
    const char *id = call_id_of(0);
    const struct {
        const char *method, *user, *tag, *extra;
        enum gate_level shed_from;
    } rows[] = {
        {"INVITE", "1", "", "", GATE_LEVEL_ORDINARY},
        {"OPTIONS", "1", "", "", GATE_LEVEL_ORDINARY},
        {"INVITE", "1", "", "Resource-Priority: ets.0\r\n", GATE_LEVEL_PRIORITY},
        {"INVITE", "911", "", "", GATE_LEVEL_ALL},
        {"INVITE", "1", token(0, 100, 7, IDENT_TAG), "", 99}, /* re-INVITE: never */
        {"BYE", "1", token(0, 100, 7, IDENT_TAG), "", 99},
        {"CANCEL", "1", "", "", 99},
        {"ACK", "1", "", "", 99},
    };
    uint8_t worker;

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (enum gate_level l = GATE_LEVEL_OPEN; l <= GATE_LEVEL_ALL; l++) {
            enum gate_verdict v =
                decide(request(rows[i].method, rows[i].user, id, rows[i].tag, rows[i].extra),
                       GATE_SRC_KNOWN, l, &worker);
            assert_int_equal(v, l >= rows[i].shed_from ? GATE_SHED : GATE_HERE);
        }
    assert_int_equal(fx_stat(STAT_gate_shed), 3 + 3 + 2 + 1);
}

static int reply(const char *msg, unsigned status, unsigned retry_after, struct flow *f, char *out,
                 size_t cap)
{
    struct peek p = look(msg);
    const struct gate_reply_param r = {msg, strlen(msg), &p, status, retry_after};
    int n;

    *f = fx_flow();
    n = gate_reply(&gate, &r, f, out, cap - 1);
    out[n > 0 ? n : 0] = '\0';
    return n;
}

static void stateless_answer_is_a_whole_response(void **state)
{
    const char *msg =
        "INVITE sip:x@y SIP/2.0\r\nv: SIP/2.0/UDP 10.0.0.1:5099 ;rport;branch=z9hG4bKa,\r\n"
        " SIP/2.0/UDP 10.0.0.2\r\nVia:SIP/2.0/TCP 10.0.0.3;branch=z9hG4bKb\r\nSubject: no\r\n"
        "f: \"A\" <sip:a@b>;tag=1\r\nt: <sip:c@d>\r\ni: abc@10.0.0.1\r\nCSeq: 77 INVITE\r\n"
        "Content-Length: 5\r\n\r\nhello";
    struct flow f;
    char out[2048], again[2048];

    (void)state;
    assert_true(reply(msg, 403, 0, &f, out, sizeof(out)) > 0);
    assert_int_equal(strncmp(out, "SIP/2.0 403 Forbidden\r\n", 23), 0);
    assert_non_null(strstr(out, "\r\nVia: SIP/2.0/UDP 10.0.0.1:5099 ;rport=5070;branch=z9hG4bKa"
                                ";received=198.51.100.7, SIP/2.0/UDP 10.0.0.2\r\n"));
    assert_non_null(strstr(out, "\r\nVia: SIP/2.0/TCP 10.0.0.3;branch=z9hG4bKb\r\n"));
    assert_string_equal(fx_header(out, "From"), "\"A\" <sip:a@b>;tag=1");
    assert_string_equal(fx_header(out, "Call-ID"), "abc@10.0.0.1");
    assert_string_equal(fx_header(out, "CSeq"), "77 INVITE");
    assert_string_equal(fx_header(out, "Subject"), "");
    assert_string_equal(fx_header(out, "Retry-After"), "");
    assert_int_equal(f.remote.port, 5070); /* rport */
    assert_non_null(strstr(out, "Content-Length: 0\r\n\r\n"));
    fx_parse(out);
    reply(msg, 403, 0, &f, again, sizeof(again));
    assert_string_equal(out, again); /* §8.2.7: the same tag each time */
}

static void stateless_503_says_when_to_come_back(void **state)
{
    struct flow f;
    char out[2048];

    (void)state;
    assert_true(reply(request("INVITE", "1", "x", "", ""), 503, 10, &f, out, sizeof(out)) > 0);
    assert_string_equal(fx_header(out, "Retry-After"), "10");
    assert_int_equal(f.remote.port, 5060); /* no rport: the sent-by port */
}

static void ack_to_a_stateless_answer_is_dropped(void **state)
{
    struct flow f;
    char out[2048], to[256], *tag;
    uint8_t worker;

    (void)state;
    reply(request("INVITE", "1", "x", "", ""), 503, 0, &f, out, sizeof(out));
    snprintf(to, sizeof(to), "%s", fx_header(out, "To"));
    tag = strstr(to, ";tag=");
    assert_non_null(tag);
    assert_int_equal(decide(request("ACK", "1", "x", tag + 5, ""), GATE_SRC_KNOWN, 0, &worker),
                     GATE_DROP);
    assert_int_equal(fx_stat(STAT_sip_absorbed), 1);
    assert_int_equal(decide(request("BYE", "1", "x", tag + 5, ""), GATE_SRC_KNOWN, 0, &worker),
                     GATE_HERE); /* gets its 481 */
    assert_int_equal(decide(request("ACK", "1", call_id_of(0), token(0, 100, 7, IDENT_TAG), ""),
                            GATE_SRC_KNOWN, 0, &worker),
                     GATE_HERE);
}

static void append(char *to, size_t size, const char *text)
{
    size_t at = strlen(to);

    snprintf(to + at, size - at, "%s", text);
}

static void what_cannot_be_answered_is_not(void **state)
{
    struct flow f;
    char out[2048], small[64];
    char many[8192] = "INVITE sip:x@y SIP/2.0\r\n";

    (void)state;
    assert_int_equal(reply(request("ACK", "1", "x", "", ""), 403, 0, &f, out, sizeof(out)),
                     -EBADMSG);
    assert_int_equal(reply(request("INVITE", "1", "x", "", ""), 403, 0, &f, small, sizeof(small)),
                     -ENOSPC);
    for (unsigned i = 0; i < 71; i++)
        append(many, sizeof(many), "Via: SIP/2.0/UDP h;branch=z9hG4bKa\r\n");
    append(many, sizeof(many),
           "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n");
    assert_int_equal(reply(many, 403, 0, &f, out, sizeof(out)), -EBADMSG);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fx_teardown)

static void tag_of_a_stateless_answer_lets_no_stranger_in(void **state)
{
    struct flow f;
    char out[2048], to[256], *tag;
    uint8_t worker;

    (void)state;
    reply(request("INVITE", "1", "x", "", ""), 403, 0, &f, out, sizeof(out));
    snprintf(to, sizeof(to), "%s", fx_header(out, "To"));
    tag = strstr(to, ";tag=");
    assert_non_null(tag);
    assert_int_equal(decide(request("INFO", "1", "x", tag + 5, ""), GATE_SRC_403, 0, &worker),
                     GATE_403);
    assert_int_equal(decide(request("BYE", "1", "x", tag + 5, ""), GATE_SRC_DROP, 0, &worker),
                     GATE_DROP);
    assert_int_equal(decide(request("ACK", "1", "x", tag + 5, ""), GATE_SRC_403, 0, &worker),
                     GATE_DROP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(calls_spread_over_the_workers_by_call_id),
        T(all_of_a_call_before_its_dialog_meets_on_one_worker),
        T(tokens_name_the_owner),
        T(tokens_of_an_earlier_boot_with_more_workers_are_mapped),
        T(replaces_names_the_owner_of_an_invite),
        T(replaces_opens_no_door_to_a_stranger),
        T(a_cancel_follows_its_invite_with_replaces),
        T(tokens_of_another_node_are_hashed),
        T(responses_that_are_not_ours_are_dropped_and_counted),
        T(unknown_sources_get_403_or_silence),
        T(unknown_source_with_our_token_is_served),
        T(incomplete_messages_are_worded_by_the_parser_for_known_sources_only),
        T(load_sheds_one_class_after_the_other),
        T(stateless_answer_is_a_whole_response),
        T(stateless_503_says_when_to_come_back),
        T(ack_to_a_stateless_answer_is_dropped),
        T(tag_of_a_stateless_answer_lets_no_stranger_in),
        T(what_cannot_be_answered_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
