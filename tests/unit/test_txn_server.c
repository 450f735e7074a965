/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server transactions: each cell of both tables, then what the RFCs promise in words.
 */
#include "sip_fixture.h"

#define INVITE fx_request("INVITE", "z9hG4bKa", 1, "INVITE")
#define ACK    fx_request("ACK", "z9hG4bKa", 1, "ACK")
#define BYE    fx_request("BYE", "z9hG4bKb", 2, "BYE")
#define CANCEL fx_request("CANCEL", "z9hG4bKa", 1, "CANCEL")

/* ---- each cell ---- */

/* Bring a fresh transaction to a state by messages and answers. */
static struct txn_server *bring_to(bool invite, unsigned state)
{
    static unsigned serial;
    char branch[32], *req;

    snprintf(branch, sizeof(branch), "z9hG4bKcell%u", serial++);
    req = strdup(invite ? fx_request("INVITE", branch, serial, "INVITE")
                        : fx_request("INFO", branch, serial, "INFO"));
    fx.answer = 0;
    fx_recv(req);
    struct txn_server *st = fx.st;
    assert_non_null(st);
    if (state == TXN_S_PROCEEDING && !invite)
        txn_server_reply(st, 100, SPAN_NONE, SPAN_NONE);
    if (state == TXN_S_COMPLETED || state == TXN_S_CONFIRMED)
        txn_server_reply(st, 486, SPAN_NONE, SPAN_NONE);
    if (state == TXN_S_ACCEPTED)
        txn_server_reply(st, 200, SPAN_NONE, SPAN_NONE);
    if (state == TXN_S_CONFIRMED)
        txn_server_step(st, TXN_SE_ACK);
    assert_int_equal(st->state, state);
    free(req);
    return st;
}

static bool is_reachable(bool invite, unsigned state)
{
    return invite ? state != TXN_S_TRYING : state <= TXN_S_COMPLETED;
}

static void give(struct txn_server *st, unsigned ev)
{
    if (ev == TXN_SE_TX_1XX)
        txn_server_reply(st, st->method == SIP_INVITE ? 180 : 100, SPAN_NONE, SPAN_NONE);
    else if (ev == TXN_SE_TX_2XX)
        txn_server_reply(st, 200, SPAN_NONE, SPAN_NONE);
    else if (ev == TXN_SE_TX_FINAL)
        txn_server_reply(st, 404, SPAN_NONE, SPAN_NONE);
    else
        txn_server_step(st, ev);
}

static void visit(bool invite, unsigned state, unsigned ev)
{
    struct txn_cell cell = txn_server_cell(invite, state, ev);
    struct txn_server *st = bring_to(invite, state);
    unsigned sent = fx.n_sent, ends = fx.n_end;
    uint64_t impossible = fx_stat(STAT_txn_impossible);
    bool is_send_event = ev >= TXN_SE_TX_1XX && ev <= TXN_SE_TX_FINAL;

    give(st, ev);
    if (cell.next == TXN_S_TERMINATED) {
        assert_int_equal(fx.n_end, ends + 1);
        assert_int_equal(txns_count(fx.txns).server, 0);
        return;
    }
    assert_int_equal(st->state, cell.next);
    assert_int_equal(fx.n_end, ends);
    if (cell.kind == TXN_CELL_IMPOSSIBLE && !(is_send_event && !st->reply))
        assert_int_equal(fx_stat(STAT_txn_impossible), impossible + 1);
    else
        assert_int_equal(fx_stat(STAT_txn_impossible), impossible);
    if (cell.kind != TXN_CELL_HANDLED)
        assert_int_equal(fx.n_sent, sent);
    txn_server_free(st);
}

static void each_cell_does_what_its_table_says(void **state)
{
    unsigned visited = 0;

    (void)state;
    for (unsigned invite = 0; invite < 2; invite++)
        for (unsigned s = 0; s < TXN_S_STATES; s++)
            for (unsigned e = 0; e < TXN_SE_EVENTS; e++) {
                if (is_reachable(invite, s)) {
                    visit(invite, s, e);
                    visited++;
                } else {
                    assert_int_equal(txn_server_cell(invite, s, e).kind, TXN_CELL_IMPOSSIBLE);
                }
                fx_forget_sent();
            }
    assert_int_equal(visited, (4 + 3) * TXN_SE_EVENTS);
}

/* The table itself, as RFC 3261 figures 7 and 8 and RFC 6026 have it: '.' ignored, 'x' impossible, else the next state:
 * Trying Proceeding Completed conFirmed Accepted terminated. */
static void tables_are_those_of_the_rfcs(void **state)
{
    /* columns: request, ACK, 1xx, 2xx, final, G, end, transport */
    static const char *const invite[TXN_S_STATES] = {"xxxxxxxx", "PxPACxxt", "CF...Ctt", ".....xtx",
                                                     ".....xt."};
    static const char *const other[TXN_S_STATES] = {".xPCCxtt", "PxPCCxtt", "Cx...xtt", "xxxxxxxx",
                                                    "xxxxxxxx"};
    static const char letter[] = {'T', 'P', 'C', 'F', 'A', 't'};

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        for (unsigned s = 0; s < TXN_S_STATES; s++)
            for (unsigned e = 0; e < TXN_SE_EVENTS; e++) {
                struct txn_cell c = txn_server_cell(i, s, e);
                char got = letter[c.next];
                if (c.kind != TXN_CELL_HANDLED)
                    got = c.kind == TXN_CELL_IGNORED ? '.' : 'x';
                assert_int_equal(got, (i ? invite : other)[s][e]);
            }
}

/* ---- in words ---- */

static void invite_gets_100_at_once_without_a_tag(void **state)
{
    (void)state;
    fx_recv(INVITE);
    assert_int_equal(fx.n_sent, 1);
    fx_assert_last_starts("SIP/2.0 100 Trying\r\n");
    assert_string_equal(fx_header(fx_last_sent(), "To"), "<sip:bob@192.0.2.1>");
    assert_null(strstr(fx_last_sent(), "Record-Route"));
    assert_string_equal(fx_header(fx_last_sent(), "CSeq"), "1 INVITE");
    assert_non_null(strstr(fx_last_sent(), "z9hG4bKinner"));
}

static void dialog_forming_answers_carry_record_route_and_the_given_tag(void **state)
{
    (void)state;
    fx_recv(INVITE);
    txn_server_reply(fx.st, 180, SPAN("Ringing"), SPAN("leg"));
    assert_string_equal(fx_header(fx_last_sent(), "To"), "<sip:bob@192.0.2.1>;tag=leg");
    assert_string_equal(fx_header(fx_last_sent(), "Record-Route"), "<sip:198.51.100.7;lr>");
    txn_server_reply(fx.st, 486, SPAN_NONE, SPAN("leg"));
    fx_assert_last_starts("SIP/2.0 486 Busy Here\r\n");
    assert_null(strstr(fx_last_sent(), "Record-Route"));
}

static void answers_without_a_given_tag_agree_on_one(void **state)
{
    char tag[128];

    (void)state;
    fx_recv(INVITE);
    txn_server_reply(fx.st, 183, SPAN_NONE, SPAN_NONE);
    snprintf(tag, sizeof(tag), "%s", fx_header(fx_last_sent(), "To"));
    assert_non_null(strstr(tag, ";tag="));
    txn_server_reply(fx.st, 404, SPAN_NONE, SPAN_NONE);
    assert_string_equal(fx_header(fx_last_sent(), "To"), tag);
}

static void answer_goes_to_the_sent_by_port_and_with_rport_to_the_source(void **state)
{
    char req[2048];

    (void)state;
    fx_recv(
        "OPTIONS sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP h.example.org:5099;branch=z9hG4bK1\r\n"
        "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
        "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
    txn_server_reply(fx.st, 200, SPAN_NONE, SPAN_NONE);
    assert_int_equal(fx.sent_flow[0].remote.port, 5099);
    assert_non_null(strstr(fx_header(fx_last_sent(), "Via"), "received=198.51.100.7"));
    snprintf(req, sizeof(req), "%s", fx_request("OPTIONS", "z9hG4bK2;rport", 1, "OPTIONS"));
    fx_recv(req);
    txn_server_reply(fx.st, 200, SPAN_NONE, SPAN_NONE);
    assert_int_equal(fx.sent_flow[1].remote.port, 5070);
    assert_non_null(strstr(fx_header(fx_last_sent(), "Via"), "rport=5070"));
}

static void retransmitted_invite_gets_the_same_bytes_unparsed(void **state)
{
    (void)state;
    fx_recv(INVITE);
    txn_server_reply(fx.st, 180, SPAN_NONE, SPAN("leg"));
    assert_true(fx_recv(INVITE));
    assert_int_equal(fx.n_sent, 3);
    assert_string_equal(fx.sent[2], fx.sent[1]);
    assert_int_equal(fx.n_request, 1);
    assert_int_equal(fx_stat(STAT_sip_absorbed), 1);
}

static void reject_is_retransmitted_until_the_ack(void **state)
{
    (void)state;
    fx_recv(INVITE);
    txn_server_reply(fx.st, 486, SPAN_NONE, SPAN_NONE);
    fx_advance(499);
    assert_int_equal(fx.n_sent, 2);
    fx_advance(1); /* G at T1 */
    assert_int_equal(fx.n_sent, 3);
    fx_advance(1000); /* 2*T1 */
    assert_int_equal(fx.n_sent, 4);
    assert_true(fx_recv(ACK));
    fx_advance(TXN_T4_MS - 1);
    assert_int_equal(fx.n_sent, 4);
    assert_int_equal(txns_count(fx.txns).server, 1);
    assert_true(fx_recv(ACK)); /* absorbed in Confirmed */
    fx_advance(1);             /* I */
    assert_int_equal(txns_count(fx.txns).server, 0);
    assert_int_equal(fx.n_ack, 0);
    assert_int_equal(fx.last_end, TXN_END_OK);
}

static void reject_without_ack_ends_at_timer_h(void **state)
{
    (void)state;
    fx_recv(INVITE);
    txn_server_reply(fx.st, 486, SPAN_NONE, SPAN_NONE);
    fx_advance(TXN_64T1_MS - 1);
    /* 100, 486, G at 0.5 1.5 3.5 7.5 11.5 15.5 19.5 23.5 27.5 31.5 s */
    assert_int_equal(fx.n_sent, 12);
    assert_int_equal(fx.n_end, 0);
    fx_advance(1);
    assert_int_equal(fx.n_end, 1);
    assert_int_equal(fx.last_end, TXN_END_NO_ACK);
    assert_int_equal(fx_stat(STAT_txn_no_ack), 1);
}

static void invite_retransmitted_after_200_is_absorbed(void **state)
{
    (void)state;
    fx_recv(INVITE);
    txn_server_reply(fx.st, 200, SPAN_NONE, SPAN_NONE);
    assert_true(fx_recv(INVITE));
    assert_int_equal(fx.n_sent, 2);
    assert_false(fx_recv(ACK)); /* same branch, against the rules: still the TU's */
    assert_int_equal(fx.n_ack, 1);
    fx_advance(TXN_64T1_MS); /* L */
    assert_int_equal(fx.n_end, 1);
    assert_int_equal(fx.last_end, TXN_END_OK);
}

static void ack_to_2xx_with_its_own_branch_goes_to_the_tu(void **state)
{
    (void)state;
    assert_false(fx_recv(fx_request("ACK", "z9hG4bKother", 1, "ACK")));
    assert_int_equal(fx.n_ack, 1);
    assert_int_equal(txns_count(fx.txns).server, 0);
}

static void dialog_takes_the_2xx_and_the_transaction_keeps_nothing(void **state)
{
    struct wire *w;

    (void)state;
    fx_recv(INVITE);
    assert_null(txn_server_take_2xx(fx.st));
    txn_server_reply(fx.st, 200, SPAN_NONE, SPAN_NONE);
    w = txn_server_take_2xx(fx.st);
    assert_non_null(w);
    assert_int_equal(w->len, strlen(fx_last_sent()));
    assert_memory_equal(w->bytes, fx_last_sent(), w->len);
    assert_null(txn_server_take_2xx(fx.st));
    wire_free(&fx.blocks, w);
    for (unsigned i = 0; i < BLOCK_CLASSES; i++)
        assert_int_equal(fx.blocks.class_pool[i].used, 0);
}

static void cancel_is_answered_200_and_the_invite_487(void **state)
{
    (void)state;
    fx_recv(INVITE);
    fx_recv(fx_request("CANCEL", "z9hG4bKa", 1, "CANCEL"));
    assert_int_equal(fx.n_cancel, 1);
    assert_int_equal(fx.n_sent, 3);
    assert_int_equal(strncmp(fx.sent[1], "SIP/2.0 200 ", 12), 0);
    assert_string_equal(fx_header(fx.sent[1], "CSeq"), "1 CANCEL");
    assert_int_equal(strncmp(fx.sent[2], "SIP/2.0 487 ", 12), 0);
    assert_string_equal(fx_header(fx.sent[2], "CSeq"), "1 INVITE");
    assert_true(fx_recv(fx_request("CANCEL", "z9hG4bKa", 1, "CANCEL")));
    assert_int_equal(fx.n_cancel, 1);
}

static void cancel_after_the_final_response_changes_nothing(void **state)
{
    (void)state;
    fx_recv(INVITE);
    txn_server_reply(fx.st, 200, SPAN_NONE, SPAN_NONE);
    fx_recv(fx_request("CANCEL", "z9hG4bKa", 1, "CANCEL"));
    fx_assert_last_starts("SIP/2.0 200 ");
    assert_int_equal(fx.n_cancel, 0);
}

static void cancel_without_its_invite_gets_481(void **state)
{
    (void)state;
    fx_recv(fx_request("CANCEL", "z9hG4bKnone", 1, "CANCEL"));
    fx_assert_last_starts("SIP/2.0 481 ");
    assert_int_equal(fx.n_request, 0);
    assert_int_equal(fx_stat(STAT_txn_cancel_unmatched), 1);
}

static void same_branch_with_another_method_or_sent_by_is_another_transaction(void **state)
{
    char req[2048], *host;

    (void)state;
    fx_recv(fx_request("INFO", "z9hG4bKb", 2, "INFO"));
    fx_recv(fx_request("MESSAGE", "z9hG4bKb", 2, "MESSAGE"));
    assert_int_equal(fx.n_request, 2);
    snprintf(req, sizeof(req), "%s", fx_request("INFO", "z9hG4bKb", 3, "INFO"));
    host = strstr(req, "198.51.100.7:5070");
    memcpy(host, "198.51.100.8", 12);
    fx_recv(req);
    assert_int_equal(fx.n_request, 3);
}

static void methods_without_a_number_are_told_apart(void **state)
{
    (void)state;
    fx_recv(fx_request("FOO", "z9hG4bKm", 2, "FOO"));
    fx_recv(fx_request("BAR", "z9hG4bKm", 2, "BAR"));
    assert_true(fx_recv(fx_request("FOO", "z9hG4bKm", 2, "FOO")));
    assert_int_equal(fx.n_request, 2);
}

static void rfc2543_request_without_branch_is_matched_by_its_fields(void **state)
{
    (void)state;
    fx_recv(fx_request("INVITE", NULL, 1, "INVITE"));
    txn_server_reply(fx.st, 404, SPAN_NONE, SPAN_NONE);
    assert_true(fx_recv(fx_request("INVITE", NULL, 1, "INVITE")));
    assert_false(fx_recv(fx_request("INVITE", NULL, 3, "INVITE"))); /* another CSeq */
    txn_server_detach(fx.st);
    assert_true(fx_recv(fx_request("ACK", "1", 1, "ACK")) == false); /* another Via: no match */
    assert_true(fx_recv(fx_request("ACK", NULL, 1, "ACK")));
    fx_advance(TXN_T4_MS);
    assert_int_equal(txns_count(fx.txns).server, 1);
    fx_recv(fx_request("INVITE", NULL, 2, "INVITE"));
    assert_int_equal(fx.n_request, 3);
    fx_recv(fx_request("CANCEL", NULL, 2, "CANCEL"));
    assert_int_equal(fx.n_cancel, 1);
}

static void merged_request_gets_482(void **state)
{
    (void)state;
    fx_recv(INVITE);
    fx_recv(fx_request("INVITE", "z9hG4bKfork", 1, "INVITE"));
    fx_assert_last_starts("SIP/2.0 482 ");
    assert_int_equal(fx.n_request, 1);
    assert_int_equal(fx_stat(STAT_txn_merged), 1);
}

static void serial_fork_after_our_reject_is_a_new_try(void **state)
{
    (void)state;
    fx_recv(INVITE);
    txn_server_reply(fx.st, 503, SPAN_NONE, SPAN_NONE);
    fx_recv(fx_request("INVITE", "z9hG4bKfork", 1, "INVITE"));
    assert_int_equal(fx.n_request, 2);
}

static void non_invite_never_gets_408_nor_18x(void **state)
{
    (void)state;
    fx_recv(BYE);
    assert_int_equal(fx.n_sent, 0);
    txn_server_reply(fx.st, 180, SPAN_NONE, SPAN_NONE);
    txn_server_reply(fx.st, 408, SPAN_NONE, SPAN_NONE);
    assert_int_equal(fx.n_sent, 0);
    fx_advance(TXN_64T1_MS); /* nobody waits for the answer any more */
    assert_int_equal(fx.n_end, 1);
    assert_int_equal(fx.last_end, TXN_END_TIMEOUT);
    assert_int_equal(txns_count(fx.txns).server, 0);
}

static void final_response_to_non_invite_is_kept_for_timer_j(void **state)
{
    (void)state;
    fx_recv(BYE);
    txn_server_reply(fx.st, 200, SPAN_NONE, SPAN_NONE);
    fx_advance(TXN_64T1_MS - 1);
    assert_true(fx_recv(BYE));
    assert_int_equal(fx.n_sent, 2);
    assert_string_equal(fx.sent[0], fx.sent[1]);
    fx_advance(1);
    assert_int_equal(txns_count(fx.txns).server, 0);
}

static void second_final_response_is_refused(void **state)
{
    (void)state;
    fx_recv(INVITE);
    txn_server_reply(fx.st, 486, SPAN_NONE, SPAN_NONE);
    assert_int_equal(txn_server_reply(fx.st, 200, SPAN_NONE, SPAN_NONE), -EALREADY);
    assert_int_equal(fx.n_sent, 2);
    assert_int_equal(fx_stat(STAT_txn_late_response), 1);
}

static void request_that_nobody_takes_is_answered_500(void **state)
{
    (void)state;
    fx.take = false;
    fx_recv(INVITE);
    fx_assert_last_starts("SIP/2.0 500 ");
}

static void detached_transaction_answers_500_and_calls_nobody(void **state)
{
    (void)state;
    fx_recv(INVITE);
    txn_server_detach(fx.st);
    fx_assert_last_starts("SIP/2.0 500 ");
    fx_advance(TXN_64T1_MS);
    assert_int_equal(fx.n_end, 0);
    assert_int_equal(txns_count(fx.txns).server, 0);
}

static void transport_failure_ends_it_and_tells(void **state)
{
    (void)state;
    fx_recv(INVITE);
    fx.send_error = -ENOTCONN;
    txn_server_reply(fx.st, 486, SPAN_NONE, SPAN_NONE);
    assert_int_equal(fx.n_end, 1);
    assert_int_equal(fx.last_end, TXN_END_TRANSPORT);
    assert_int_equal(txns_count(fx.txns).server, 0);
    fx_recv(fx_request("INVITE", "z9hG4bKx", 9,
                       "INVITE")); /* the 100 is refused: the TU never sees it */
    assert_int_equal(fx.n_request, 1);
    assert_int_equal(txns_count(fx.txns).server, 0);
}

static void response_that_does_not_fit_becomes_500(void **state)
{
    char *big = malloc(70000);

    (void)state;
    memset(big, 'x', 70000);
    fx_recv(INVITE);
    struct build *b = txn_server_begin(fx.st, 200, SPAN_NONE, SPAN_NONE);
    build_end(b, SPAN("text/plain"), (struct span){big, 70000});
    assert_int_equal(txn_server_send(fx.st), -ENOSPC);
    fx_assert_last_starts("SIP/2.0 500 ");
    free(big);
}

static void over_the_limit_a_request_gets_503_without_a_transaction(void **state)
{
    (void)state;
    fx.txns->server_pool.limit = 1;
    fx_recv(BYE);
    assert_int_equal(fx_recv_parsed(fx_request("INFO", "z9hG4bKc", 3, "INFO")), -ENOMEM);
    fx_assert_last_starts("SIP/2.0 503 ");
    assert_int_equal(fx_stat(STAT_txn_no_room), 1);
}

static void without_room_nothing_begins_but_all_can_end(void **state)
{
    (void)state;
    txns_set_room(fx.txns, 1);
    fx_recv(INVITE);
    assert_int_equal(fx_recv_parsed(fx_request("OPTIONS", "z9hG4bKnew", 9, "OPTIONS")), -ENOMEM);
    fx_assert_last_starts("SIP/2.0 503 ");
    assert_int_equal(fx_stat(STAT_txn_no_room), 1);
    assert_int_equal(fx_recv_parsed(CANCEL), 0);
    assert_int_equal(txns_count(fx.txns).server, 2);
}

static void transaction_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct txn_server) <= 256);
    assert_true(sizeof(struct txn_client) <= 256);
}

/* ---- streams ---- */

static void over_a_stream_a_reject_is_sent_once_and_timer_h_stays(void **state)
{
    (void)state;
    fx.proto = PROTO_TCP;
    fx_recv(INVITE);
    txn_server_reply(fx.st, 486, SPAN_NONE, SPAN_NONE);
    fx_forget_sent();
    fx_advance(TXN_64T1_MS - 1);
    assert_int_equal(fx.n_sent, 0);
    assert_int_equal(fx.n_end, 0);
    fx_advance(1);
    assert_int_equal(fx.last_end, TXN_END_NO_ACK);
}

static void over_a_stream_timers_i_and_j_are_zero_and_l_stays(void **state)
{
    (void)state;
    fx.proto = PROTO_TLS;
    fx_recv(INVITE);
    txn_server_reply(fx.st, 486, SPAN_NONE, SPAN_NONE);
    fx_recv(ACK);
    assert_int_equal(fx.n_end, 0);
    fx_advance(0);
    assert_int_equal(fx.n_end, 1);
    fx_recv(BYE);
    txn_server_reply(fx.st, 200, SPAN_NONE, SPAN_NONE);
    fx_advance(0);
    assert_int_equal(fx.n_end, 2);
    fx_recv(fx_request("INVITE", "z9hG4bKc", 3, "INVITE"));
    txn_server_reply(fx.st, 200, SPAN_NONE, SPAN_NONE);
    fx_advance(TXN_64T1_MS - 1);
    assert_int_equal(txns_count(fx.txns).server, 1);
    fx_advance(1);
    assert_int_equal(txns_count(fx.txns).server, 0);
}

static void answer_goes_by_the_connection_of_its_request_else_to_the_sent_by_port(void **state)
{
    char req[2048];

    (void)state;
    fx.proto = PROTO_TCP;
    snprintf(req, sizeof(req), "%s", fx_request("OPTIONS", "z9hG4bK2;rport", 1, "OPTIONS"));
    memcpy(strstr(req, ":5070"), ":5099", 5);
    fx_recv(req);
    txn_server_reply(fx.st, 200, SPAN_NONE, SPAN_NONE);
    assert_int_equal(fx.sent_flow[0].conn, 77);
    assert_int_equal(fx.sent_flow[0].proto, PROTO_TCP);
    assert_int_equal(fx.sent_flow[0].remote.port, 5099);
    fx.proto = PROTO_TLS;
    fx_recv("OPTIONS sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TLS h.example.org;branch=z9hG4bK1\r\n"
            "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
    txn_server_reply(fx.st, 200, SPAN_NONE, SPAN_NONE);
    assert_int_equal(fx.sent_flow[1].remote.port, 5061);
}

static void answer_knows_whose_request_it_was(void **state)
{
    (void)state;
    fx.proto = PROTO_TLS;
    fx_recv(INVITE);
    txn_server_set_owner(fx.st, 9);
    txn_server_reply(fx.st, 200, SPAN_NONE, SPAN_NONE);
    assert_int_equal(fx.sent_flow[fx.n_sent - 1].owner, 9);
    txn_server_set_owner(fx.st, 8); /* too late, and harmless */
}

#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_cell_does_what_its_table_says),
        T(tables_are_those_of_the_rfcs),
        T(invite_gets_100_at_once_without_a_tag),
        T(dialog_forming_answers_carry_record_route_and_the_given_tag),
        T(answers_without_a_given_tag_agree_on_one),
        T(answer_goes_to_the_sent_by_port_and_with_rport_to_the_source),
        T(retransmitted_invite_gets_the_same_bytes_unparsed),
        T(reject_is_retransmitted_until_the_ack),
        T(reject_without_ack_ends_at_timer_h),
        T(invite_retransmitted_after_200_is_absorbed),
        T(ack_to_2xx_with_its_own_branch_goes_to_the_tu),
        T(dialog_takes_the_2xx_and_the_transaction_keeps_nothing),
        T(cancel_is_answered_200_and_the_invite_487),
        T(cancel_after_the_final_response_changes_nothing),
        T(cancel_without_its_invite_gets_481),
        T(same_branch_with_another_method_or_sent_by_is_another_transaction),
        T(methods_without_a_number_are_told_apart),
        T(rfc2543_request_without_branch_is_matched_by_its_fields),
        T(merged_request_gets_482),
        T(serial_fork_after_our_reject_is_a_new_try),
        T(non_invite_never_gets_408_nor_18x),
        T(final_response_to_non_invite_is_kept_for_timer_j),
        T(second_final_response_is_refused),
        T(request_that_nobody_takes_is_answered_500),
        T(detached_transaction_answers_500_and_calls_nobody),
        T(transport_failure_ends_it_and_tells),
        T(response_that_does_not_fit_becomes_500),
        T(without_room_nothing_begins_but_all_can_end),
        T(over_the_limit_a_request_gets_503_without_a_transaction),
        T(transaction_is_small),
        T(answer_knows_whose_request_it_was),
        T(over_a_stream_a_reject_is_sent_once_and_timer_h_stays),
        T(over_a_stream_timers_i_and_j_are_zero_and_l_stays),
        T(answer_goes_by_the_connection_of_its_request_else_to_the_sent_by_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
