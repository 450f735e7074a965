/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Client transactions: each cell of both tables, CANCEL, the ACK to a non-2xx, stray responses.
 */
#include "sip_fixture.h"

static struct txn_client *ct; /* the transaction under test */
static char branch[64];

static struct txn_client *start(enum sip_method method)
{
    struct flow f = fx_flow();
    struct build *b;

    ct = txn_client_new(fx.txns, method, &f, &fx_client_cb, &fx);
    assert_non_null(ct);
    assert_true(span_copy(txn_client_branch(ct), branch, sizeof(branch)) > 0);
    b = txn_client_begin(ct);
    build_request_line(b, sip_method_name(method), SPAN("sip:bob@198.51.100.7:5070"));
    txn_client_via(ct, b);
    build_str(b, "Max-Forwards: 70\r\nFrom: <sip:a@192.0.2.1>;tag=us\r\nTo: <sip:bob@x>\r\n"
                 "Call-ID: c1\r\nCSeq: 41 ");
    build_span(b, sip_method_name(method));
    build_str(b, "\r\nRoute: <sip:p1;lr>, <sip:p2;lr>\r\nContact: <sip:t@192.0.2.1>\r\n");
    build_end(b, SPAN("application/sdp"), SPAN("v=0\r\n"));
    assert_int_equal(txn_client_start(ct), 0);
    return ct;
}

static const char *response_to(const char *of_branch, unsigned status, const char *method)
{
    static char buf[4][1024];
    static unsigned turn;
    char *out = buf[turn++ & 3];

    snprintf(out, sizeof(buf[0]),
             "SIP/2.0 %u Text\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=%s;rport=5060\r\n"
             "From: <sip:a@192.0.2.1>;tag=us\r\nTo: <sip:bob@x>;tag=them\r\nCall-ID: c1\r\n"
             "CSeq: 41 %s\r\nContact: <sip:bob@198.51.100.7>\r\nContent-Length: 0\r\n\r\n",
             status, of_branch, method);
    return out;
}

static const char *response(unsigned status, const char *method)
{
    return response_to(branch, status, method);
}

/* ---- each cell ---- */

static const char *method_of(bool invite)
{
    return invite ? "INVITE" : "BYE";
}

static void bring_to(bool invite, unsigned state)
{
    start(invite ? SIP_INVITE : SIP_BYE);
    if (state == TXN_C_PROCEEDING)
        fx_recv(response(180, method_of(invite)));
    if (state == TXN_C_COMPLETED)
        fx_recv(response(486, method_of(invite)));
    if (state == TXN_C_ACCEPTED)
        fx_recv(response(200, method_of(invite)));
    assert_int_equal(ct->state, state);
}

static void give(bool invite, unsigned ev)
{
    static const unsigned status[] = {183, 202, 404};
    const struct txn_client_input nothing = {0};

    if (ev <= TXN_CE_FINAL)
        fx_recv_parsed(response(status[ev], method_of(invite)));
    else
        txn_client_step(ct, ev, &nothing);
}

static void visit(bool invite, unsigned state, unsigned ev)
{
    struct txn_cell cell = txn_client_cell(invite, state, ev);
    unsigned sent, ends, responses;
    uint64_t impossible = fx_stat(STAT_txn_impossible);

    bring_to(invite, state);
    sent = fx.n_sent;
    ends = fx.n_end;
    responses = fx.n_response;
    give(invite, ev);
    assert_int_equal(fx_stat(STAT_txn_impossible), impossible + (cell.kind == TXN_CELL_IMPOSSIBLE));
    if (cell.next == TXN_C_TERMINATED) {
        assert_int_equal(fx.n_end, ends + 1);
        assert_int_equal(txns_count(fx.txns).client, 0);
        return;
    }
    assert_int_equal(ct->state, cell.next);
    assert_int_equal(fx.n_end, ends);
    if (cell.kind != TXN_CELL_HANDLED) {
        assert_int_equal(fx.n_sent, sent);
        assert_int_equal(fx.n_response, responses);
    }
    txns_free(fx.txns); /* a CANCEL may stand beside it */
    fx.txns = txns_new(&(struct txns_param){.timers = fx.timers,
                                            .transport = &fx.transport,
                                            .ident = fx.ident,
                                            .stats = &fx.stats,
                                            .blocks = &fx.blocks,
                                            .tu_ops = &fx_tu});
}

static void each_cell_does_what_its_table_says(void **state)
{
    unsigned visited = 0;

    (void)state;
    for (unsigned invite = 0; invite < 2; invite++)
        for (unsigned s = 0; s < TXN_C_STATES; s++)
            for (unsigned e = 0; e < TXN_CE_EVENTS; e++) {
                if (invite || s != TXN_C_ACCEPTED) {
                    visit(invite, s, e);
                    visited++;
                } else {
                    assert_int_equal(txn_client_cell(invite, s, e).kind, TXN_CELL_IMPOSSIBLE);
                }
                fx_forget_sent();
            }
    assert_int_equal(visited, (4 + 3) * TXN_CE_EVENTS);
}

/*
 * As RFC 3261 figures 5 and 6 and RFC 6026 have it: '.' ignored, 'x' impossible, else the next state:
 * cAlling Proceeding Completed acceptEd terminated.
 */
static void tables_are_those_of_the_rfcs(void **state)
{
    /* columns: 1xx, 2xx, final, A or E, end, CANCEL, transport */
    static const char *const invite[TXN_C_STATES] = {"PECAtAt", "PECxtPx", "..Cxt.t", ".E.xt.x"};
    static const char *const other[TXN_C_STATES] = {"PCCAtxt", "PCCPtxt", "...xtxx", "xxxxxxx"};
    static const char letter[] = {'A', 'P', 'C', 'E', 't'};

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        for (unsigned s = 0; s < TXN_C_STATES; s++)
            for (unsigned e = 0; e < TXN_CE_EVENTS; e++) {
                struct txn_cell c = txn_client_cell(i, s, e);
                char got = letter[c.next];
                if (c.kind != TXN_CELL_HANDLED)
                    got = c.kind == TXN_CELL_IGNORED ? '.' : 'x';
                assert_int_equal(got, (i ? invite : other)[s][e]);
            }
}

/* ---- in words ---- */

static void invite_is_retransmitted_at_doubling_intervals_until_timer_b(void **state)
{
    (void)state;
    start(SIP_INVITE);
    fx_advance(TXN_64T1_MS - 1);
    assert_int_equal(fx.n_sent, 7); /* 0 0.5 1.5 3.5 7.5 15.5 31.5 s */
    for (unsigned i = 1; i < fx.n_sent; i++)
        assert_string_equal(fx.sent[i], fx.sent[0]);
    fx_advance(1);
    assert_int_equal(fx.n_end, 1);
    assert_int_equal(fx.last_end, TXN_END_TIMEOUT);
    assert_int_equal(txns_count(fx.txns).client, 0);
}

static void non_invite_is_retransmitted_at_t2_after_a_provisional(void **state)
{
    (void)state;
    start(SIP_OPTIONS);
    fx_advance(500);
    assert_int_equal(fx.n_sent, 2);
    fx_recv(response(100, "OPTIONS"));
    fx_advance(1000); /* the interval that was running */
    assert_int_equal(fx.n_sent, 3);
    fx_advance(3999);
    assert_int_equal(fx.n_sent, 3);
    fx_advance(1);
    assert_int_equal(fx.n_sent, 4);
    fx_advance(TXN_64T1_MS);
    assert_int_equal(fx.last_end, TXN_END_TIMEOUT);
}

static void non_invite_in_trying_caps_its_interval_at_t2(void **state)
{
    (void)state;
    start(SIP_BYE);
    fx_advance(TXN_64T1_MS - 1);
    assert_int_equal(fx.n_sent, 11); /* 0 0.5 1.5 3.5 7.5 11.5 15.5 19.5 23.5 27.5 31.5 s */
    fx_advance(1);
    assert_int_equal(fx.last_end, TXN_END_TIMEOUT);
}

static void provisional_stops_retransmission_and_ringing_may_last(void **state)
{
    (void)state;
    start(SIP_INVITE);
    fx_recv(response(180, "INVITE"));
    fx_advance(600000);
    assert_int_equal(fx.n_sent, 1);
    assert_int_equal(fx_stat(STAT_txn_impossible), 0); /* no timer runs */
    assert_int_equal(fx.n_response, 1);
    assert_int_equal(fx.n_end, 0);
}

static void trying_100_is_absorbed_and_stops_retransmission(void **state)
{
    (void)state;
    start(SIP_INVITE);
    assert_true(fx_recv(response(100, "INVITE")));
    fx_advance(5000);
    assert_int_equal(fx.n_sent, 1);
    assert_int_equal(fx.n_response, 0);
}

static void non_2xx_is_acknowledged_from_the_stored_invite(void **state)
{
    (void)state;
    start(SIP_INVITE);
    assert_false(fx_recv(response(486, "INVITE")));
    assert_int_equal(fx.n_response, 1);
    assert_int_equal(fx.n_sent, 2);
    fx_assert_last_starts("ACK sip:bob@198.51.100.7:5070 SIP/2.0\r\n");
    assert_string_equal(fx_header(fx.sent[1], "Via"), fx_header(fx.sent[0], "Via"));
    assert_string_equal(fx_header(fx.sent[1], "To"), "<sip:bob@x>;tag=them");
    assert_string_equal(fx_header(fx.sent[1], "CSeq"), "41 ACK");
    assert_string_equal(fx_header(fx.sent[1], "Route"), "<sip:p1;lr>, <sip:p2;lr>");
    assert_string_equal(fx_header(fx.sent[1], "Contact"), "");
    assert_string_equal(fx_header(fx.sent[1], "Content-Length"), "0");
    assert_true(fx_recv(response(486, "INVITE"))); /* again: the ACK again, unparsed */
    assert_int_equal(fx.n_sent, 3);
    assert_string_equal(fx.sent[2], fx.sent[1]);
    assert_int_equal(fx.n_response, 1);
    fx_advance(TXN_64T1_MS); /* D */
    assert_int_equal(fx.last_end, TXN_END_OK);
}

static void accepted_invite_frees_its_bytes_and_hears_further_2xx_until_timer_m(void **state)
{
    (void)state;
    start(SIP_INVITE);
    fx_recv(response(200, "INVITE"));
    for (unsigned i = 0; i < BLOCK_CLASSES; i++)
        assert_int_equal(fx.blocks.class_pool[i].used, 0);
    fx_recv(response(200, "INVITE"));
    assert_int_equal(fx.n_response, 2);
    assert_int_equal(fx.n_sent, 1); /* the ACK is the dialog's */
    fx_advance(TXN_64T1_MS);
    assert_int_equal(fx.last_end, TXN_END_OK);
    assert_int_equal(fx_recv_parsed(response(200, "INVITE")), -ENOENT);
    assert_int_equal(fx.n_stray, 1);
    assert_int_equal(fx_stat(STAT_sip_stray_response), 1);
}

static void final_response_to_non_invite_is_told_once(void **state)
{
    (void)state;
    start(SIP_BYE);
    fx_recv(response(200, "BYE"));
    assert_true(fx_recv(response(200, "BYE")));
    assert_int_equal(fx.n_response, 1);
    fx_advance(TXN_T4_MS - 1);
    assert_int_equal(fx.n_end, 0);
    fx_advance(1); /* K */
    assert_int_equal(fx.n_end, 1);
}

static void response_with_another_method_is_nobodys(void **state)
{
    (void)state;
    start(SIP_BYE);
    assert_true(fx_recv(response(200, "INFO")));
    assert_int_equal(fx.n_response, 0);
    assert_int_equal(fx_stat(STAT_sip_stray_response), 1);
}

static void forged_foreign_and_stale_branches_match_nothing(void **state)
{
    struct ident_key *old = ident_key_new(fx_key, 7, 99, 0);
    struct ident_key *other_worker = ident_key_new(fx_key, 7, 100, 1);
    char token[TXN_BRANCH_LEN + 1] = TXN_COOKIE;

    (void)state;
    start(SIP_BYE);
    fx_recv(response_to("z9hG4bKaaaaaaaaaaaaaaaaaaaaaaaaaa", 200, "BYE"));
    fx_recv(response_to("z9hG4bK", 200, "BYE"));
    ident_seal(old, IDENT_BRANCH, ct->node.hash, token + TXN_COOKIE_LEN);
    fx_recv(response_to(token, 200, "BYE"));
    ident_seal(other_worker, IDENT_BRANCH, ct->node.hash, token + TXN_COOKIE_LEN);
    fx_recv(response_to(token, 200, "BYE"));
    ident_seal(fx.ident, IDENT_TAG, ct->node.hash, token + TXN_COOKIE_LEN);
    fx_recv(response_to(token, 200, "BYE"));
    assert_int_equal(fx.n_response, 0);
    assert_int_equal(fx_stat(STAT_sip_stray_response), 5);
    ident_key_free(old);
    ident_key_free(other_worker);
}

static void cancel_waits_for_a_provisional_response(void **state)
{
    (void)state;
    start(SIP_INVITE);
    assert_int_equal(txn_client_cancel(ct, SPAN("Q.850;cause=16")), 0);
    assert_int_equal(fx.n_sent, 1);
    assert_int_equal(txn_client_cancel(ct, SPAN_NONE), -EALREADY);
    fx_recv(response(100, "INVITE"));
    assert_int_equal(fx.n_sent, 2);
    fx_assert_last_starts("CANCEL sip:bob@198.51.100.7:5070 SIP/2.0\r\n");
    assert_string_equal(fx_header(fx.sent[1], "Via"), fx_header(fx.sent[0], "Via"));
    assert_string_equal(fx_header(fx.sent[1], "To"), "<sip:bob@x>");
    assert_string_equal(fx_header(fx.sent[1], "CSeq"), "41 CANCEL");
    assert_string_equal(fx_header(fx.sent[1], "Route"), "<sip:p1;lr>, <sip:p2;lr>");
    assert_string_equal(fx_header(fx.sent[1], "Reason"), "Q.850;cause=16");
    assert_string_equal(fx_header(fx.sent[1], "Content-Type"), "");
}

static void cancel_response_goes_to_the_cancel_and_487_to_the_invite(void **state)
{
    (void)state;
    start(SIP_INVITE);
    fx_recv(response(180, "INVITE"));
    assert_int_equal(txn_client_cancel(ct, SPAN_NONE), 0);
    assert_int_equal(fx.n_sent, 2);
    assert_int_equal(txns_count(fx.txns).client, 2);
    assert_true(fx_recv(response(200, "CANCEL")));
    assert_int_equal(fx.n_response, 1);
    fx_recv(response(487, "INVITE"));
    assert_int_equal(fx.last_status, 487);
    fx_assert_last_starts("ACK ");
    fx_advance(TXN_64T1_MS);
    assert_int_equal(fx.n_end, 1);
    assert_int_equal(txns_count(fx.txns).client, 0);
}

static void cancelled_invite_without_a_final_response_ends_after_64_t1(void **state)
{
    (void)state;
    start(SIP_INVITE);
    fx_recv(response(180, "INVITE"));
    txn_client_cancel(ct, SPAN_NONE);
    fx_advance(TXN_64T1_MS);
    assert_int_equal(fx.n_end, 1);
    assert_int_equal(fx.last_end, TXN_END_TIMEOUT);
    assert_int_equal(txns_count(fx.txns).client, 0);
}

static void cancel_that_crosses_a_200_delivers_the_200(void **state)
{
    (void)state;
    start(SIP_INVITE);
    fx_recv(response(180, "INVITE"));
    txn_client_cancel(ct, SPAN_NONE);
    fx_recv(response(200, "INVITE"));
    assert_int_equal(fx.last_status, 200);
    assert_int_equal(txn_client_cancel(ct, SPAN_NONE), -EALREADY);
}

static void cancel_that_waits_is_dropped_by_a_final_response(void **state)
{
    (void)state;
    start(SIP_INVITE);
    txn_client_cancel(ct, SPAN("SIP;cause=200"));
    fx_recv(response(486, "INVITE"));
    assert_int_equal(fx.n_sent, 2);
    fx_assert_last_starts("ACK ");
}

static void only_an_invite_can_be_cancelled(void **state)
{
    (void)state;
    start(SIP_BYE);
    assert_int_equal(txn_client_cancel(ct, SPAN_NONE), -EINVAL);
}

static void start_on_a_dead_transport_fails_without_a_callback(void **state)
{
    struct flow f = fx_flow();

    (void)state;
    ct = txn_client_new(fx.txns, SIP_BYE, &f, &fx_client_cb, &fx);
    txn_client_begin(ct);
    fx.send_error = -ENOTCONN;
    assert_int_equal(txn_client_start(ct), -ENOTCONN);
    assert_int_equal(fx.n_end, 0);
    assert_int_equal(txns_count(fx.txns).client, 0);
}

static void message_that_does_not_fit_is_not_started(void **state)
{
    struct flow f = fx_flow();
    char *big = calloc(1, 70000);
    struct build *b;

    (void)state;
    ct = txn_client_new(fx.txns, SIP_BYE, &f, &fx_client_cb, &fx);
    b = txn_client_begin(ct);
    build_span(b, (struct span){big, 70000});
    assert_int_equal(txn_client_start(ct), -ENOSPC);
    assert_int_equal(fx.n_sent, 0);
    free(big);
}

static void transport_that_fails_later_ends_it(void **state)
{
    (void)state;
    start(SIP_INVITE);
    fx.send_error = -ENOTCONN;
    fx_advance(500);
    assert_int_equal(fx.n_end, 1);
    assert_int_equal(fx.last_end, TXN_END_TRANSPORT);
}

static void detached_transaction_runs_on_alone(void **state)
{
    (void)state;
    start(SIP_BYE);
    txn_client_detach(ct);
    fx_advance(500);
    assert_int_equal(fx.n_sent, 2);
    fx_recv(response(200, "BYE"));
    fx_advance(TXN_T4_MS);
    assert_int_equal(fx.n_response + fx.n_end, 0);
    assert_int_equal(txns_count(fx.txns).client, 0);
}

static void late_2xx_of_a_detached_invite_is_given_to_the_tu(void **state)
{
    (void)state;
    start(SIP_INVITE);
    fx_recv(response(180, "INVITE"));
    txn_client_detach(ct);
    fx_recv(response(200, "INVITE"));
    assert_int_equal(fx.n_stray, 1);
}

static void unstarted_ones_can_be_thrown_away(void **state)
{
    struct flow f = fx_flow();

    (void)state;
    ct = txn_client_new(fx.txns, SIP_INVITE, &f, &fx_client_cb, &fx);
    assert_int_equal(txn_client_cancel(ct, SPAN_NONE), -EINVAL);
    txn_client_abort(ct);
    assert_int_equal(txns_count(fx.txns).client, 0);
}

static void ten_thousand_live_transactions_are_found_directly(void **state)
{
    char first[64];

    (void)state;
    fx_forget_sent();
    start(SIP_BYE);
    memcpy(first, branch, sizeof(first));
    for (unsigned i = 0; i < 10000; i++) {
        start(SIP_BYE);
        fx_forget_sent();
    }
    fx_recv(response_to(first, 200, "BYE"));
    assert_int_equal(fx.n_response, 1);
    assert_int_equal(txns_count(fx.txns).client, 10001);
    assert_int_equal(htab_first(&fx.txns->client, ct->node.hash) == &ct->node, 1);
}

/* ---- streams ---- */

static void over_a_stream_an_invite_is_sent_once_and_timer_b_stays(void **state)
{
    (void)state;
    fx.proto = PROTO_TCP;
    start(SIP_INVITE);
    fx_advance(TXN_64T1_MS - 1);
    assert_int_equal(fx.n_sent, 1);
    assert_int_equal(fx.n_end, 0);
    fx_advance(1);
    assert_int_equal(fx.n_end, 1);
    assert_int_equal(fx.last_end, TXN_END_TIMEOUT);
}

static void over_a_stream_a_non_invite_is_sent_once_and_timer_f_stays(void **state)
{
    (void)state;
    fx.proto = PROTO_TLS;
    start(SIP_BYE);
    fx_advance(1000);
    fx_recv(response(100, "BYE"));
    fx_advance(TXN_64T1_MS - 1001);
    assert_int_equal(fx.n_sent, 1);
    assert_int_equal(fx.n_end, 0);
    fx_advance(1);
    assert_int_equal(fx.last_end, TXN_END_TIMEOUT);
}

static void over_a_stream_timers_d_and_k_are_zero_and_m_stays(void **state)
{
    (void)state;
    fx.proto = PROTO_TCP;
    start(SIP_INVITE);
    fx_recv(response(486, "INVITE"));
    fx_assert_last_starts("ACK ");
    fx_advance(0);
    assert_int_equal(fx.n_end, 1);
    assert_int_equal(fx.last_end, TXN_END_OK);
    start(SIP_BYE);
    fx_recv(response(200, "BYE"));
    fx_advance(0);
    assert_int_equal(fx.n_end, 2);
    start(SIP_INVITE);
    fx_recv(response(200, "INVITE"));
    fx_advance(TXN_64T1_MS - 1);
    assert_int_equal(fx.n_end, 2);
    fx_recv(response(200, "INVITE"));
    assert_int_equal(fx.n_response, 4);
    fx_advance(1);
    assert_int_equal(fx.n_end, 3);
}

static void unsent(const char *text)
{
    struct peek p;

    assert_int_equal(peek_parse(text, strlen(text), NULL, &p), 0);
    txn_unsent(fx.txns, &p);
}

static void undelivered_request_ends_its_transaction_with_transport(void **state)
{
    (void)state;
    fx.proto = PROTO_TCP;
    start(SIP_INVITE);
    unsent(fx_last_sent());
    assert_int_equal(fx.n_end, 1);
    assert_int_equal(fx.last_end, TXN_END_TRANSPORT);
    start(SIP_INFO);
    unsent(fx_last_sent());
    assert_int_equal(fx.n_end, 2);
    unsent(fx_last_sent()); /* nobody's any more */
    assert_int_equal(fx_stat(STAT_txn_unsent), 1);
}

static void undelivered_cancel_ends_alone_and_acks_and_responses_are_counted(void **state)
{
    (void)state;
    fx.proto = PROTO_TCP;
    start(SIP_INVITE);
    fx_recv(response(180, "INVITE"));
    assert_int_equal(txn_client_cancel(ct, SPAN_NONE), 0);
    fx_assert_last_starts("CANCEL ");
    unsent(fx_last_sent());
    assert_int_equal(txns_count(fx.txns).client, 1);
    assert_int_equal(fx.n_end, 0);
    unsent(fx.sent[0]); /* answered: it cannot have been lost */
    assert_int_equal(fx.n_end, 0);
    fx_recv(response(487, "INVITE"));
    unsent(fx_last_sent());
    unsent(response(200, "INVITE"));
    assert_int_equal(fx_stat(STAT_txn_unsent), 3);
}

/* ---- too large for a datagram (RFC 3261 §18.1.1) ---- */

static int tcp_result;

static int tcp_beside(struct transport *t, const struct flow *udp, struct flow *tcp)
{
    (void)t;
    *tcp = *udp;
    tcp->proto = PROTO_TCP;
    tcp->listener = 4;
    return tcp_result;
}

static void start_large(uint16_t above)
{
    struct flow f = fx_flow();
    char body[600];

    fx.transport.by_tcp = tcp_beside;
    f.tcp_above = above;
    ct = txn_client_new(fx.txns, SIP_INVITE, &f, &fx_client_cb, &fx);
    span_copy(txn_client_branch(ct), branch, sizeof(branch));
    build_request_line(txn_client_begin(ct), SPAN("INVITE"), SPAN("sip:bob@198.51.100.7:5070"));
    txn_client_via(ct, &fx.txns->build);
    build_str(&fx.txns->build, "From: <sip:a@192.0.2.1>;tag=us\r\nTo: <sip:bob@x>\r\n"
                               "Call-ID: c1\r\nCSeq: 41 INVITE\r\n");
    memset(body, 'x', sizeof(body));
    build_end(&fx.txns->build, SPAN("text/plain"), (struct span){body, sizeof(body)});
    assert_int_equal(txn_client_start(ct), 0);
}

static void large_request_goes_by_tcp_with_its_cancel_and_its_ack(void **state)
{
    (void)state;
    tcp_result = 0;
    start_large(600);
    assert_int_equal(fx.sent_flow[0].proto, PROTO_TCP);
    assert_int_equal(fx.sent_flow[0].listener, 4);
    assert_non_null(strstr(fx.sent[0], "\r\nVia: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK"));
    fx_advance(20000);
    assert_int_equal(fx.n_sent, 1);
    fx_recv(response(180, "INVITE"));
    txn_client_cancel(ct, SPAN_NONE);
    fx_assert_last_starts("CANCEL ");
    assert_int_equal(fx.sent_flow[1].proto, PROTO_TCP);
    assert_non_null(strstr(fx.sent[1], "\r\nVia: SIP/2.0/TCP "));
    fx_recv(response(487, "INVITE"));
    fx_assert_last_starts("ACK ");
    assert_int_equal(fx.sent_flow[2].proto, PROTO_TCP);
    assert_int_equal(fx_stat(STAT_txn_by_tcp), 1);
}

static void by_udp_it_goes_where_small_enough_or_where_there_is_no_tcp(void **state)
{
    (void)state;
    tcp_result = 0;
    start_large(0);
    assert_int_equal(fx.sent_flow[0].proto, PROTO_UDP);
    start_large(1300);
    assert_int_equal(fx.sent_flow[1].proto, PROTO_UDP);
    tcp_result = -ENOTCONN;
    start_large(600);
    assert_int_equal(fx.sent_flow[2].proto, PROTO_UDP);
    assert_non_null(strstr(fx.sent[2], "\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"));
}

/* The threshold is the first size that changes: one byte more than it says. */
static void threshold_is_the_largest_datagram(void **state)
{
    size_t len;

    (void)state;
    tcp_result = 0;
    start_large(0);
    len = strlen(fx.sent[0]);
    start_large((uint16_t)len);
    assert_int_equal(fx.sent_flow[1].proto, PROTO_UDP);
    start_large((uint16_t)(len - 1));
    assert_int_equal(fx.sent_flow[2].proto, PROTO_TCP);
}

static void large_request_falls_back_to_udp_with_all_its_timers(void **state)
{
    (void)state;
    tcp_result = 0;
    start_large(600);
    fx_advance(3000);
    unsent(fx.sent[0]);
    assert_int_equal(fx.n_end, 0);
    assert_int_equal(fx.n_sent, 2);
    assert_int_equal(fx.sent_flow[1].proto, PROTO_UDP);
    assert_non_null(strstr(fx.sent[1], "\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"));
    assert_int_equal(strlen(fx.sent[1]), strlen(fx.sent[0]));
    fx_advance(500); /* A */
    assert_int_equal(fx.n_sent, 3);
    assert_string_equal(fx.sent[2], fx.sent[1]);
    fx_advance(TXN_64T1_MS - 500); /* B */
    assert_int_equal(fx.last_end, TXN_END_TIMEOUT);
    assert_int_equal(fx_stat(STAT_txn_back_to_udp), 1);
}

static void after_a_response_tcp_stays(void **state)
{
    (void)state;
    tcp_result = 0;
    start_large(600);
    fx_recv(response(180, "INVITE"));
    unsent(fx.sent[0]);
    assert_int_equal(fx.n_sent, 1);
    assert_int_equal(fx_stat(STAT_txn_unsent), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

/* ---- challenges -------------------------------------------------------------------------------------------------- */

static struct {
    uint32_t cseq; /* what on_challenge says */
    unsigned challenges, sends, agains;
    struct txn_client *again;
} ch;

static void ch_on_send(void *tu, struct build *b, const struct flow *f)
{
    (void)tu;
    (void)b;
    assert_int_equal(f->listener, 3);
    ch.sends++;
}

static uint32_t ch_on_challenge(void *tu, struct txn_client *again, const struct wire *request,
                                const struct msg *m)
{
    struct build *b = txn_client_begin(again);

    (void)tu;
    ch.challenges++;
    assert_true(m->status == 401 || m->status == 407);
    assert_int_equal(txn_client_tries(again), ch.challenges);
    assert_non_null(memmem(request->bytes, request->len, "v=0\r\n", 5));
    build_request_line(b, txn_client_method(again) == SIP_INVITE ? SPAN("INVITE") : SPAN("BYE"),
                       SPAN("sip:bob@198.51.100.7:5070"));
    txn_client_via(again, b);
    build_str(b, "CSeq: 42 BYE\r\n");
    build_end(b, SPAN("application/sdp"), SPAN("v=0\r\n"));
    return ch.cseq;
}

static void ch_on_again(void *user, struct txn_client *old, struct txn_client *again, uint32_t cseq)
{
    (void)user;
    assert_ptr_equal(old, ct);
    assert_int_equal(cseq, ch.cseq);
    ch.again = again;
    ch.agains++;
    assert_true(span_copy(txn_client_branch(again), branch, sizeof(branch)) > 0);
    ct = again;
}

/* A stack whose user answers challenges, and a request in it. */
static void start_challenged(enum sip_method method, uint32_t cseq)
{
    static const struct tu_ops tu = {.on_request = fx_on_request,
                                     .on_cancel = fx_on_cancel,
                                     .on_stray_response = fx_on_stray,
                                     .on_send = ch_on_send,
                                     .on_challenge = ch_on_challenge};
    static struct txn_client_cb cb;

    cb = fx_client_cb;
    cb.on_again = ch_on_again;
    memset(&ch, 0, sizeof ch);
    ch.cseq = cseq;
    txns_free(fx.txns);
    fx.txns = txns_new(&(struct txns_param){.timers = fx.timers,
                                            .transport = &fx.transport,
                                            .ident = fx.ident,
                                            .stats = &fx.stats,
                                            .blocks = &fx.blocks,
                                            .tu_ops = &tu});
    start(method);
    ct->cb = &cb;
}

static void a_challenged_request_goes_on_in_another_transaction(void **state)
{
    static const enum sip_method method[] = {SIP_INVITE, SIP_BYE};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        unsigned told = fx.n_response;
        const char *name = i ? "BYE" : "INVITE";

        start_challenged(method[i], 42);
        fx_recv_parsed(response(i ? 407 : 401, name));
        assert_int_equal(ch.agains, 1);
        assert_int_equal(ch.sends, 2);
        assert_int_equal(fx.n_response, told);
        assert_int_equal(txns_count(fx.txns).client, 2); /* the old one takes repetitions */
        fx_recv_parsed(response(200, name));
        assert_int_equal(fx.n_response, told + 1);
        assert_int_equal(fx.last_status, 200);
    }
}

static void without_credentials_the_user_gets_the_401(void **state)
{
    (void)state;
    start_challenged(SIP_BYE, 0);
    fx_recv_parsed(response(401, "BYE"));
    assert_int_equal(ch.challenges, 1);
    assert_int_equal(ch.agains, 0);
    assert_int_equal(fx.last_status, 401);
    assert_int_equal(txns_count(fx.txns).client, 1);
}

static void a_peer_that_challenges_for_ever_is_told_as_401(void **state)
{
    (void)state;
    start_challenged(SIP_BYE, 42);
    for (unsigned i = 0; i < 4; i++)
        fx_recv_parsed(response(401, "BYE"));
    assert_int_equal(ch.agains, 3);
    assert_int_equal(fx.n_response, 1);
    assert_int_equal(fx.last_status, 401);
}

static void a_cancelled_invite_is_not_sent_again(void **state)
{
    (void)state;
    start_challenged(SIP_INVITE, 42);
    fx_recv(response(180, "INVITE"));
    assert_int_equal(txn_client_cancel(ct, SPAN_NONE), 0);
    fx_recv_parsed(response(401, "INVITE"));
    assert_int_equal(ch.challenges, 0);
    assert_int_equal(fx.last_status, 401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_cell_does_what_its_table_says),
        T(tables_are_those_of_the_rfcs),
        T(invite_is_retransmitted_at_doubling_intervals_until_timer_b),
        T(non_invite_is_retransmitted_at_t2_after_a_provisional),
        T(non_invite_in_trying_caps_its_interval_at_t2),
        T(provisional_stops_retransmission_and_ringing_may_last),
        T(trying_100_is_absorbed_and_stops_retransmission),
        T(non_2xx_is_acknowledged_from_the_stored_invite),
        T(accepted_invite_frees_its_bytes_and_hears_further_2xx_until_timer_m),
        T(final_response_to_non_invite_is_told_once),
        T(response_with_another_method_is_nobodys),
        T(forged_foreign_and_stale_branches_match_nothing),
        T(cancel_waits_for_a_provisional_response),
        T(cancel_response_goes_to_the_cancel_and_487_to_the_invite),
        T(cancelled_invite_without_a_final_response_ends_after_64_t1),
        T(cancel_that_crosses_a_200_delivers_the_200),
        T(cancel_that_waits_is_dropped_by_a_final_response),
        T(only_an_invite_can_be_cancelled),
        T(start_on_a_dead_transport_fails_without_a_callback),
        T(message_that_does_not_fit_is_not_started),
        T(transport_that_fails_later_ends_it),
        T(detached_transaction_runs_on_alone),
        T(late_2xx_of_a_detached_invite_is_given_to_the_tu),
        T(unstarted_ones_can_be_thrown_away),
        T(ten_thousand_live_transactions_are_found_directly),
        T(large_request_goes_by_tcp_with_its_cancel_and_its_ack),
        T(by_udp_it_goes_where_small_enough_or_where_there_is_no_tcp),
        T(threshold_is_the_largest_datagram),
        T(large_request_falls_back_to_udp_with_all_its_timers),
        T(after_a_response_tcp_stays),
        T(over_a_stream_an_invite_is_sent_once_and_timer_b_stays),
        T(over_a_stream_a_non_invite_is_sent_once_and_timer_f_stays),
        T(over_a_stream_timers_d_and_k_are_zero_and_m_stays),
        T(undelivered_request_ends_its_transaction_with_transport),
        T(undelivered_cancel_ends_alone_and_acks_and_responses_are_counted),
        cmocka_unit_test_setup_teardown(a_challenged_request_goes_on_in_another_transaction,
                                        fx_setup, fx_teardown),
        cmocka_unit_test_setup_teardown(without_credentials_the_user_gets_the_401, fx_setup,
                                        fx_teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_challenges_for_ever_is_told_as_401, fx_setup,
                                        fx_teardown),
        cmocka_unit_test_setup_teardown(a_cancelled_invite_is_not_sent_again, fx_setup,
                                        fx_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
