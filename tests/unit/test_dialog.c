/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dialogs: both sides, forks, CSeq order, targets and routes, 2xx and ACK, records across a restart.
 */
#include "sip_fixture.h"

static struct dialog *d;
static char local_tag[64];

static void note_tag(void)
{
    assert_true(span_copy(dialog_str(d, DIALOG_LOCAL_TAG), local_tag, sizeof(local_tag)) > 0);
}

static void assert_str(const struct dialog *of, enum dialog_str which, const char *want)
{
    char got[1024];

    assert_true(span_copy(dialog_str(of, which), got, sizeof(got)) >= 0);
    assert_string_equal(got, want);
}

static void new_uas(void)
{
    struct flow f = fx_flow();
    const struct msg *m = fx_parse(fx_request("INVITE", "z9hG4bKa", 7, "INVITE"));

    assert_int_equal(dialog_new_uas(fx.dialogs, m, &f, SPAN("<sip:192.0.2.1:5060>"), &d), 0);
    note_tag();
    arena_reset(&fx.arena);
}

static void new_uac(void)
{
    const struct dialog_uac_param p = {
        .flow = fx_flow(),
        .call_id = SPAN("our-call"),
        .local = SPAN("<sip:alice@192.0.2.1>"),
        .remote = SPAN("<sip:bob@198.51.100.7>"),
        .target = SPAN("sip:bob@198.51.100.7:5070"),
        .contact = SPAN("<sip:192.0.2.1:5060>"),
        .cseq = 1,
    };

    assert_int_equal(dialog_new_uac(fx.dialogs, &p, &d), 0);
    note_tag();
}

/* A request of the peer in the dialog. */
static const struct msg *in_dialog(const char *method, unsigned cseq, const char *extra)
{
    static char buf[2048];
    bool uas = !d->is_uac;

    snprintf(buf, sizeof(buf),
             "%s sip:192.0.2.1:5060 SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKi%u\r\nMax-Forwards: 70\r\n"
             "From: <sip:x@198.51.100.7>;tag=%s\r\nTo: <sip:bob@192.0.2.1>;tag=%s\r\n"
             "Call-ID: %s\r\nCSeq: %u %s\r\n%sContent-Length: 0\r\n\r\n",
             method, cseq, uas ? "alice1" : "them", local_tag, uas ? "call-1" : "our-call", cseq,
             method, extra);
    return fx_parse(buf);
}

static const struct msg *response_to(unsigned status, const char *tag, const char *method,
                                     const char *extra)
{
    static char buf[2048];

    snprintf(buf, sizeof(buf),
             "SIP/2.0 %u Text\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx\r\n"
             "From: <sip:alice@192.0.2.1>;tag=%s\r\nTo: <sip:bob@198.51.100.7>%s%s\r\n"
             "Call-ID: our-call\r\nCSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
             status, local_tag, tag[0] ? ";tag=" : "", tag, method, extra);
    return fx_parse(buf);
}

#define CONTACT_1 "Contact: <sip:bob@198.51.100.20:5090>\r\n"
#define CONTACT_2 "Contact: <sip:bob@198.51.100.21;x=y>\r\n"
#define ROUTES                                 \
    "Record-Route: <sip:198.51.100.31;lr>\r\n" \
    "Record-Route: <sip:198.51.100.32;lr>,<sip:198.51.100.33:5099;lr>\r\n"

static const char *request_text(enum sip_method method)
{
    struct txn_client *ct = txn_client_new(fx.txns, method, &d->flow, &fx_client_cb, &fx);

    build_end(dialog_request(d, ct, -1), SPAN_NONE, SPAN_NONE);
    assert_int_equal(txn_client_start(ct), 0);
    return fx_last_sent();
}

/* ---- UAS ---- */

static void uas_takes_its_state_from_the_invite(void **state)
{
    (void)state;
    new_uas();
    assert_int_equal(d->state, DIALOG_EARLY);
    assert_str(d, DIALOG_CALL_ID, "call-1");
    assert_str(d, DIALOG_REMOTE_TAG, "alice1");
    assert_str(d, DIALOG_LOCAL, "<sip:bob@192.0.2.1>");
    assert_str(d, DIALOG_REMOTE, "\"Al\" <sip:alice@198.51.100.7>");
    assert_str(d, DIALOG_TARGET, "sip:alice@198.51.100.9:5080");
    assert_str(d, DIALOG_ROUTES, "<sip:198.51.100.7;lr>");
    assert_int_equal(d->remote_cseq, 7);
    assert_int_equal(d->flow.remote.port, 5060); /* the route's */
    dialog_free(d);
    assert_int_equal(dialogs_count(fx.dialogs), 0);
}

static void uas_without_a_contact_is_refused(void **state)
{
    struct flow f = fx_flow();
    char req[2048], *c;

    (void)state;
    snprintf(req, sizeof(req), "%s", fx_request("INVITE", "z9hG4bKa", 7, "INVITE"));
    c = strstr(req, "Contact");
    memcpy(c, "Subject", 7);
    assert_int_equal(dialog_new_uas(fx.dialogs, fx_parse(req), &f, SPAN("<sip:x>"), &d), -EBADMSG);
    assert_int_equal(dialogs_count(fx.dialogs), 0);
}

static void request_of_ours_is_composed_from_the_dialog(void **state)
{
    const char *bye;

    (void)state;
    new_uas();
    dialog_set_state(d, DIALOG_CONFIRMED);
    bye = request_text(SIP_BYE);
    fx_assert_last_starts("BYE sip:alice@198.51.100.9:5080 SIP/2.0\r\nVia: SIP/2.0/UDP "
                          "192.0.2.1:5060;branch=z9hG4bK");
    assert_string_equal(fx_header(bye, "Route"), "<sip:198.51.100.7;lr>");
    assert_non_null(strstr(fx_header(bye, "From"), local_tag));
    assert_string_equal(fx_header(bye, "To"), "\"Al\" <sip:alice@198.51.100.7>;tag=alice1");
    assert_string_equal(fx_header(bye, "Call-ID"), "call-1");
    assert_string_equal(fx_header(bye, "CSeq"), "1 BYE");
    assert_string_equal(fx_header(bye, "Max-Forwards"), "70");
    assert_string_equal(fx_header(bye, "Contact"), "");
    assert_string_equal(fx_header(request_text(SIP_UPDATE), "CSeq"), "2 UPDATE");
    assert_string_equal(fx_header(fx_last_sent(), "Contact"), "<sip:192.0.2.1:5060>");
    fx_parse(fx_last_sent()); /* and it is a message that our own parser takes */
}

static void request_is_found_by_tags_and_call_id_only(void **state)
{
    struct dialog *found;
    const struct msg *m;
    struct msg other;

    (void)state;
    new_uas();
    m = in_dialog("BYE", 8, "");
    assert_int_equal(dialog_find(fx.dialogs, m, &found), 0);
    assert_ptr_equal(found, d);
    other = *m;
    other.from.tag = SPAN("mallory");
    assert_int_equal(dialog_find(fx.dialogs, &other, &found), -ENOENT);
    other = *m;
    other.call_id = SPAN("call-2");
    assert_int_equal(dialog_find(fx.dialogs, &other, &found), -ENOENT);
    other = *m;
    other.to.tag = SPAN("aaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_int_equal(dialog_find(fx.dialogs, &other, &found), -ENOENT);
    other.to.tag = SPAN_NONE;
    assert_int_equal(dialog_find(fx.dialogs, &other, &found), -ENOENT);
}

static void lower_cseq_gets_500_and_ack_is_not_counted(void **state)
{
    (void)state;
    new_uas();
    assert_int_equal(dialog_on_request(d, in_dialog("ACK", 7, "")), 0);
    assert_int_equal(dialog_on_request(d, in_dialog("INFO", 10, "")), 0); /* gaps are allowed */
    assert_int_equal(dialog_on_request(d, in_dialog("INFO", 9, "")), 500);
    assert_int_equal(dialog_on_request(d, in_dialog("BYE", 10, "")), 500);
    assert_int_equal(d->remote_cseq, 10);
    assert_int_equal(dialog_on_request(d, in_dialog("BYE", 11, "")), 0);
    assert_int_equal(fx_stat(STAT_dialog_cseq_order), 2);
}

static void target_refresh_request_moves_the_target(void **state)
{
    (void)state;
    new_uas();
    assert_int_equal(dialog_on_request(d, in_dialog("INFO", 8, CONTACT_1)), 0);
    assert_str(d, DIALOG_TARGET, "sip:alice@198.51.100.9:5080"); /* INFO refreshes nothing */
    assert_int_equal(dialog_on_request(d, in_dialog("INVITE", 9, CONTACT_1)), 0);
    assert_str(d, DIALOG_TARGET, "sip:alice@198.51.100.9:5080"); /* not answered yet */
    dialog_answered(d, 9);
    assert_str(d, DIALOG_TARGET, "sip:bob@198.51.100.20:5090");
    assert_int_equal(dialog_on_request(d, in_dialog("UPDATE", 10, CONTACT_2)), 0);
    dialog_answered(d, 10);
    assert_str(d, DIALOG_TARGET, "sip:bob@198.51.100.21;x=y");
    assert_int_equal(dialog_on_request(d, in_dialog("REFER", 11, CONTACT_1)), 0);
    assert_str(d, DIALOG_TARGET, "sip:bob@198.51.100.20:5090");
    assert_str(d, DIALOG_ROUTES, "<sip:198.51.100.7;lr>"); /* routes never change (§12.2) */
    assert_str(d, DIALOG_REMOTE_TAG, "alice1");
}

/* RFC 6141 §4.2 */
static void target_of_a_refused_request_is_forgotten(void **state)
{
    (void)state;
    new_uas();
    assert_int_equal(dialog_on_request(d, in_dialog("INVITE", 9, CONTACT_1)), 0); /* 488 */
    assert_int_equal(dialog_on_request(d, in_dialog("INVITE", 10, CONTACT_2)), 0);
    dialog_answered(d, 9); /* late, and not the one that waits */
    assert_str(d, DIALOG_TARGET, "sip:alice@198.51.100.9:5080");
    assert_int_equal(
        dialog_on_request(d, in_dialog("UPDATE", 11, "Contact: <sip:alice@198.51.100.9:5080>\r\n")),
        0);
    dialog_answered(d, 10);
    assert_str(d, DIALOG_TARGET, "sip:alice@198.51.100.9:5080");
}

/* ---- streams ---- */

static int listener_by_number(struct transport *t, const struct flow *f, unsigned proto,
                              uint8_t family, struct addr *local)
{
    (void)t;
    (void)local;
    (void)f;
    return family == 4 && proto != PROTO_TLS ? (int)(10 + proto) : -ENOTCONN;
}

static void connection_is_kept_while_the_host_stays(void **state)
{
    (void)state;
    fx.proto = PROTO_TCP;
    new_uas(); /* route 198.51.100.7, which is where the connection is from */
    assert_int_equal(d->flow.conn, 77);
    assert_int_equal(d->flow.proto, PROTO_TCP);
    assert_int_equal(d->flow.remote.port, 5060);
    new_uac();
    assert_int_equal(dialog_on_response(d, response_to(200, "them", "INVITE", CONTACT_1)), 0);
    assert_int_equal(d->flow.conn, 0);
    assert_int_equal(d->flow.proto, PROTO_TCP); /* the Contact says nothing of it */
    assert_int_equal(d->flow.remote.port, 5090);
}

static void target_names_another_transport(void **state)
{
    (void)state;
    fx.transport.listener_for = listener_by_number;
    new_uac();
    dialog_on_response(
        d, response_to(180, "them", "INVITE", "Contact: <sip:bob@198.51.100.7;transport=TCP>\r\n"));
    assert_int_equal(d->flow.proto, PROTO_TCP);
    assert_int_equal(d->flow.listener, 11);
    assert_int_equal(d->flow.remote.port, 5060);
    dialog_on_response(
        d, response_to(200, "them", "INVITE", "Contact: <sip:bob@198.51.100.7;transport=tls>\r\n"));
    assert_int_equal(d->flow.proto, PROTO_TCP); /* we have no TLS there */
    dialog_on_response(
        d, response_to(200, "them", "UPDATE", "Contact: <sip:bob@198.51.100.7;transport=udp>\r\n"));
    assert_int_equal(d->flow.proto, PROTO_UDP);
    assert_int_equal(d->flow.listener, 10);
    dialog_on_response(d,
                       response_to(200, "them", "UPDATE", "Contact: <sip:bob@[2001:db8::1]>\r\n"));
    assert_int_equal(d->flow.remote.family, 4); /* no listener of that family */
}

static void connection_does_not_outlive_the_record(void **state)
{
    struct dialog *again;
    char buf[2048];
    int len;

    (void)state;
    fx.proto = PROTO_TLS;
    new_uas();
    d->flow.owner = 5;
    len = dialog_save(d, buf, sizeof(buf));
    assert_true(len > 0);
    dialog_free(d);
    assert_int_equal(dialog_load(fx.dialogs, buf, (size_t)len, &again), len);
    assert_int_equal(again->flow.conn, 0);
    assert_int_equal(again->flow.proto, PROTO_TLS);
    assert_int_equal(again->flow.owner, 5);
}

/* ---- a 2xx and an ACK too large for a datagram ---- */

static int tcp_beside(struct transport *t, const struct flow *udp, struct flow *tcp)
{
    (void)t;
    *tcp = *udp;
    tcp->proto = PROTO_TCP;
    return 0;
}

static void ack_with_a_large_body_goes_by_tcp(void **state)
{
    char body[400];

    (void)state;
    fx.transport.by_tcp = tcp_beside;
    new_uac();
    d->flow.tcp_above = 500;
    dialog_on_response(d, response_to(200, "them", "INVITE", CONTACT_1));
    assert_int_equal(dialog_ack(d, 1, SPAN_NONE, SPAN_NONE), 0);
    assert_int_equal(fx.sent_flow[0].proto, PROTO_UDP);
    memset(body, 'x', sizeof(body));
    assert_int_equal(dialog_ack(d, 1, SPAN("application/sdp"), (struct span){body, sizeof(body)}),
                     0);
    assert_int_equal(fx.sent_flow[1].proto, PROTO_TCP);
    assert_non_null(strstr(fx.sent[1], "\r\nVia: SIP/2.0/TCP 192.0.2.1:5060;branch="));
    assert_int_equal(dialog_ack_again(d, 1), 0);
    assert_string_equal(fx.sent[2], fx.sent[1]);
    fx.transport.by_tcp = NULL; /* TCP has failed */
    assert_int_equal(dialog_ack_again(d, 1), 0);
    assert_int_equal(fx.sent_flow[3].proto, PROTO_UDP);
    assert_non_null(strstr(fx.sent[3], "\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch="));
}

/* ---- UAC ---- */

static void uac_first_request_has_no_to_tag_and_the_given_cseq(void **state)
{
    const char *invite;

    (void)state;
    new_uac();
    invite = request_text(SIP_INVITE);
    fx_assert_last_starts("INVITE sip:bob@198.51.100.7:5070 SIP/2.0\r\n");
    assert_string_equal(fx_header(invite, "To"), "<sip:bob@198.51.100.7>");
    assert_string_equal(fx_header(invite, "CSeq"), "1 INVITE");
    assert_string_equal(fx_header(invite, "Route"), "");
}

static void uac_provisional_makes_it_early_and_2xx_recomputes_routes_and_target(void **state)
{
    (void)state;
    new_uac();
    assert_int_equal(dialog_on_response(d, response_to(180, "", "INVITE", "")), 0);
    assert_int_equal(d->state, DIALOG_INIT); /* no tag, no dialog */
    assert_int_equal(dialog_on_response(d, response_to(180, "them", "INVITE", CONTACT_1)), 0);
    assert_int_equal(d->state, DIALOG_EARLY);
    assert_str(d, DIALOG_TARGET, "sip:bob@198.51.100.20:5090");
    assert_int_equal(d->flow.remote.port, 5090);
    assert_int_equal(dialog_on_response(d, response_to(200, "them", "INVITE", CONTACT_2 ROUTES)),
                     0);
    assert_int_equal(d->state, DIALOG_CONFIRMED);
    assert_str(d, DIALOG_ROUTES,
               "<sip:198.51.100.33:5099;lr>, <sip:198.51.100.32;lr>, <sip:198.51.100.31;lr>");
    assert_str(d, DIALOG_TARGET, "sip:bob@198.51.100.21;x=y");
    assert_int_equal(d->flow.remote.port, 5099); /* first route */
    assert_int_equal(d->flow.remote.ip[3], 33);
}

static void pinned_flow_stays_where_the_owner_put_it(void **state)
{
    struct flow f = fx_flow();

    (void)state;
    new_uac();
    dialog_set_flow(d, &f);
    dialog_on_response(d, response_to(200, "them", "INVITE", CONTACT_1));
    assert_true(addr_eq(&d->flow.remote, &f.remote));
}

static void target_that_is_a_name_or_of_the_other_family_leaves_the_flow(void **state)
{
    struct flow f = fx_flow();

    (void)state;
    new_uac();
    dialog_on_response(
        d, response_to(180, "them", "INVITE", "Contact: <sip:bob@pbx.example.org>\r\n"));
    assert_true(addr_eq(&d->flow.remote, &f.remote));
    dialog_on_response(d,
                       response_to(200, "them", "INVITE", "Contact: <sip:bob@[2001:db8::1]>\r\n"));
    assert_true(addr_eq(&d->flow.remote, &f.remote));
}

static void two_xx_without_contact_is_told_and_confirms(void **state)
{
    (void)state;
    new_uac();
    assert_int_equal(dialog_on_response(d, response_to(200, "them", "INVITE", "")), -EBADMSG);
    assert_int_equal(d->state, DIALOG_CONFIRMED);
    assert_str(d, DIALOG_TARGET, "sip:bob@198.51.100.7:5070");
}

static void fork_makes_a_second_dialog_with_the_same_local_tag(void **state)
{
    struct dialog *fork, *found;

    (void)state;
    new_uac();
    request_text(SIP_INVITE);
    assert_int_equal(
        dialog_find_response(fx.dialogs, response_to(180, "one", "INVITE", CONTACT_1), &found), 0);
    assert_ptr_equal(found, d); /* the first tag takes it */
    dialog_on_response(d, response_to(180, "one", "INVITE", CONTACT_1));
    assert_int_equal(dialog_on_response(d, response_to(180, "two", "INVITE", CONTACT_2)), -ENOENT);
    assert_int_equal(
        dialog_find_response(fx.dialogs, response_to(180, "two", "INVITE", CONTACT_2), &found),
        -ENOENT);
    assert_int_equal(dialog_fork(d, response_to(180, "", "INVITE", ""), &fork), -EINVAL);
    assert_int_equal(dialog_fork(d, response_to(180, "two", "INVITE", CONTACT_2), &fork), 0);
    assert_int_equal(dialogs_count(fx.dialogs), 2);
    assert_int_equal(fork->state, DIALOG_EARLY);
    assert_str(fork, DIALOG_LOCAL_TAG, local_tag);
    assert_str(fork, DIALOG_TARGET, "sip:bob@198.51.100.21;x=y");
    assert_str(d, DIALOG_TARGET, "sip:bob@198.51.100.20:5090");
    assert_int_equal(fork->local_cseq, d->local_cseq);
    dialog_find_response(fx.dialogs, response_to(200, "two", "INVITE", CONTACT_2), &found);
    assert_ptr_equal(found, fork);
    dialog_find_response(fx.dialogs, response_to(200, "one", "INVITE", CONTACT_2), &found);
    assert_ptr_equal(found, d);
}

static void strict_router_gets_the_request_uri(void **state)
{
    (void)state;
    new_uac();
    dialog_on_response(
        d, response_to(200, "them", "INVITE", CONTACT_1 "Record-Route: <sip:p2;lr>, <sip:p1>\r\n"));
    request_text(SIP_BYE);
    fx_assert_last_starts("BYE sip:p1 SIP/2.0\r\n");
    assert_string_equal(fx_header(fx_last_sent(), "Route"),
                        "<sip:p2;lr>, <sip:bob@198.51.100.20:5090>");
}

static void first_request_of_the_peer_on_our_dialog_sets_its_cseq(void **state)
{
    (void)state;
    new_uac();
    dialog_on_response(d, response_to(200, "them", "INVITE", CONTACT_1));
    assert_int_equal(dialog_on_request(d, in_dialog("BYE", 0, "")), 0);
    assert_int_equal(dialog_on_request(d, in_dialog("BYE", 0, "")), 500);
}

/* ---- 2xx and ACK ---- */

static void answer_invite(void)
{
    fx_recv(fx_request("INVITE", "z9hG4bKa", 7, "INVITE"));
    new_uas();
    txn_server_reply(fx.st, 200, SPAN_NONE, dialog_str(d, DIALOG_LOCAL_TAG));
    assert_int_equal(dialog_2xx_start(d, fx.st, 7), 0);
}

static void our_2xx_is_retransmitted_until_the_ack(void **state)
{
    (void)state;
    answer_invite();
    assert_int_equal(dialog_2xx_start(d, fx.st, 7), -EINVAL);
    fx_advance(1500);
    assert_int_equal(fx.n_sent, 4); /* 100, 200, and at 0.5 and 1.5 s */
    assert_string_equal(fx.sent[3], fx.sent[1]);
    assert_false(dialog_2xx_acked(d, 6));
    assert_true(dialog_2xx_acked(d, 7));
    assert_false(dialog_2xx_acked(d, 7));
    fx_advance(60000);
    assert_int_equal(fx.n_sent, 4);
    assert_int_equal(fx.n_no_ack, 0);
}

static void our_2xx_without_an_ack_is_given_up_after_64_t1(void **state)
{
    (void)state;
    answer_invite();
    fx_advance(TXN_64T1_MS - 1);
    assert_int_equal(fx.n_no_ack, 0);
    assert_int_equal(fx.n_sent, 12); /* as Timer G */
    fx_advance(1);
    assert_int_equal(fx.n_no_ack, 1);
    fx_advance(60000);
    assert_int_equal(fx.n_sent, 12);
    assert_int_equal(fx_stat(STAT_dialog_no_ack), 1);
}

static void ack_to_a_2xx_has_its_own_branch_and_is_repeated_byte_for_byte(void **state)
{
    char via[256];

    (void)state;
    new_uac();
    request_text(SIP_INVITE);
    snprintf(via, sizeof(via), "%s", fx_header(fx_last_sent(), "Via"));
    dialog_on_response(d, response_to(200, "them", "INVITE", CONTACT_1 ROUTES));
    assert_int_equal(dialog_ack_again(d, 1), -ENOENT);
    assert_int_equal(dialog_ack(d, 1, SPAN_NONE, SPAN_NONE), 0);
    fx_assert_last_starts("ACK sip:bob@198.51.100.20:5090 SIP/2.0\r\n");
    assert_string_equal(fx_header(fx_last_sent(), "CSeq"), "1 ACK");
    assert_string_equal(fx_header(fx_last_sent(), "To"), "<sip:bob@198.51.100.7>;tag=them");
    assert_string_not_equal(fx_header(fx_last_sent(), "Via"), via);
    assert_null(d->ack); /* nothing is kept */
    assert_int_equal(dialog_ack_again(d, 1), 0);
    assert_string_equal(fx.sent[fx.n_sent - 1], fx.sent[fx.n_sent - 2]);
    assert_int_equal(dialog_ack_again(d, 2), -ENOENT);
    assert_int_equal(d->local_cseq, 1);
}

static void ack_with_a_body_is_kept_for_repetition(void **state)
{
    (void)state;
    new_uac();
    dialog_on_response(d, response_to(200, "them", "INVITE", CONTACT_1));
    dialog_ack(d, 1, SPAN("application/sdp"), SPAN("v=0\r\n"));
    assert_non_null(strstr(fx_last_sent(), "\r\n\r\nv=0\r\n"));
    assert_int_equal(dialog_ack_again(d, 1), 0);
    assert_string_equal(fx.sent[fx.n_sent - 1], fx.sent[fx.n_sent - 2]);
    dialog_ack(d, 2, SPAN_NONE, SPAN_NONE);
    assert_null(d->ack);
}

/* ---- records ---- */

static void saved_dialog_lives_on_in_another_process(void **state)
{
    char rec[2048];
    const struct msg *bye;
    struct ident_key *next = ident_key_new(fx_key, 7, 101, 1); /* next boot, other worker */
    struct dialog *found;
    int len;

    (void)state;
    new_uac();
    dialog_on_response(d, response_to(200, "them", "INVITE", CONTACT_1 ROUTES));
    dialog_ack(d, 1, SPAN_NONE, SPAN_NONE);
    bye = in_dialog("BYE", 5, "");
    len = dialog_save(d, rec, sizeof(rec));
    assert_int_equal(len, dialog_save_len(d));
    assert_int_equal(dialog_save(d, rec, (size_t)len - 1), -ENOSPC);
    dialogs_free(fx.dialogs);
    fx.dialogs = fx_dialogs_new(next);
    assert_int_equal(dialog_load(fx.dialogs, rec, sizeof(rec), &d), len);
    assert_int_equal(d->state, DIALOG_CONFIRMED);
    assert_str(d, DIALOG_TARGET, "sip:bob@198.51.100.20:5090");
    assert_int_equal(d->local_cseq, 0);
    assert_int_equal(dialog_find(fx.dialogs, bye, &found), 0);
    assert_ptr_equal(found, d);
    assert_int_equal(dialog_ack_again(d, 1), 0); /* a 2xx that crossed the restart */
    assert_int_equal(dialog_load(fx.dialogs, rec, sizeof(rec), &found), -EEXIST);
    dialogs_free(fx.dialogs);
    fx.dialogs = fx_dialogs_new(fx.ident);
    ident_key_free(next);
}

static void same_serial_of_another_boot_is_another_dialog(void **state)
{
    char rec[2048];
    struct ident_key *old = ident_key_new(fx_key, 7, 99, 0);
    struct dialogs *before = fx_dialogs_new(old), *now = fx.dialogs;
    struct dialog *mine, *found;

    (void)state;
    fx.dialogs = before;
    new_uas();
    assert_true(dialog_save(d, rec, sizeof(rec)) > 0);
    dialogs_free(before);
    ident_key_free(old);
    fx.dialogs = now;
    new_uas();
    mine = d;
    assert_true(dialog_load(fx.dialogs, rec, sizeof(rec), &d) > 0);
    assert_int_equal(mine->serial, d->serial); /* both counted from 1 */
    assert_int_equal(dialog_find(fx.dialogs, in_dialog("BYE", 9, ""), &found), 0);
    assert_ptr_equal(found, mine);
    note_tag();
    assert_int_equal(dialog_find(fx.dialogs, in_dialog("BYE", 9, ""), &found), 0);
    assert_ptr_equal(found, d);
}

static void damaged_records_are_refused(void **state)
{
    char rec[2048], bad[2048];
    struct dialog *out;
    int len;

    (void)state;
    new_uas();
    len = dialog_save(d, rec, sizeof(rec));
    dialog_free(d);
    for (int cut = 0; cut < len; cut += 7)
        assert_int_equal(dialog_load(fx.dialogs, rec, (size_t)cut, &out), -EINVAL);
    for (int i = 0; i < 12; i++) { /* magic, version, total */
        memcpy(bad, rec, (size_t)len);
        bad[i] ^= 0x40;
        assert_int_equal(dialog_load(fx.dialogs, bad, (size_t)len, &out), -EINVAL);
    }
    memcpy(bad, rec, (size_t)len);
    bad[len - 1] ^= 1; /* in a string: still a dialog */
    assert_int_equal(dialog_load(fx.dialogs, bad, (size_t)len, &out), len);
}

static void dialog_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct dialog) <= 192);
}

static void over_the_limit_no_dialog_is_made(void **state)
{
    struct flow f = fx_flow();
    const struct msg *m = fx_parse(fx_request("INVITE", "z9hG4bKa", 7, "INVITE"));
    struct dialogs *tight = dialogs_new(&(struct dialogs_param){.timers = fx.timers,
                                                                .transport = &fx.transport,
                                                                .ident = fx.ident,
                                                                .stats = &fx.stats,
                                                                .blocks = &fx.blocks,
                                                                .limit = 1});

    (void)state;
    assert_int_equal(dialog_new_uas(tight, m, &f, SPAN("<sip:x>"), &d), 0);
    assert_int_equal(dialog_new_uas(tight, m, &f, SPAN("<sip:x>"), &d), -ENOMEM);
    dialogs_free(tight);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(uas_takes_its_state_from_the_invite),
        T(uas_without_a_contact_is_refused),
        T(request_of_ours_is_composed_from_the_dialog),
        T(request_is_found_by_tags_and_call_id_only),
        T(lower_cseq_gets_500_and_ack_is_not_counted),
        T(target_refresh_request_moves_the_target),
        T(target_of_a_refused_request_is_forgotten),
        T(connection_is_kept_while_the_host_stays),
        T(target_names_another_transport),
        T(connection_does_not_outlive_the_record),
        T(ack_with_a_large_body_goes_by_tcp),
        T(uac_first_request_has_no_to_tag_and_the_given_cseq),
        T(uac_provisional_makes_it_early_and_2xx_recomputes_routes_and_target),
        T(pinned_flow_stays_where_the_owner_put_it),
        T(target_that_is_a_name_or_of_the_other_family_leaves_the_flow),
        T(two_xx_without_contact_is_told_and_confirms),
        T(fork_makes_a_second_dialog_with_the_same_local_tag),
        T(strict_router_gets_the_request_uri),
        T(first_request_of_the_peer_on_our_dialog_sets_its_cseq),
        T(our_2xx_is_retransmitted_until_the_ack),
        T(our_2xx_without_an_ack_is_given_up_after_64_t1),
        T(ack_to_a_2xx_has_its_own_branch_and_is_repeated_byte_for_byte),
        T(ack_with_a_body_is_kept_for_repetition),
        T(saved_dialog_lives_on_in_another_process),
        T(same_serial_of_another_boot_is_another_dialog),
        T(damaged_records_are_refused),
        T(dialog_is_small),
        T(over_the_limit_no_dialog_is_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
