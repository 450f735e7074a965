/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one step of the SIP stack costs, in ns: gate, stateless answer, retransmission, transactions, dialogs.
 * Run by hand ("microsip [ROUNDS] [STANDING]"); it sends nothing and measures CPU time of this thread only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <event2/event.h>
#include "core/clock.h"
#include "sip/dialog.h"
#include "sip/gate.h"
#include "sip/txn.h"

struct bench {
    struct clock clock;
    struct event_base *base;
    struct ident_key *ident;
    struct stats stats;
    struct blocks blocks;
    struct arena arena;
    struct transport transport;
    struct gate gate;
    struct txns *txns;
    struct dialogs *dialogs;
    struct flow flow;
    unsigned serial;
    unsigned answer; /* what the TU answers */
    char invite[2048], ack[1024], out[4096];
};

static struct bench b;

static int swallow(struct transport *t, const struct flow *f, const char *buf, size_t len)
{
    (void)t, (void)f, (void)buf, (void)len;
    return 0;
}

static struct span via(struct transport *t, const struct flow *f)
{
    (void)t, (void)f;
    return SPAN("SIP/2.0/UDP 192.0.2.1:5060");
}

static void on_end(void *user, struct txn_server *st, enum txn_end why)
{
    (void)user, (void)st, (void)why;
}

static void on_response(void *user, struct txn_client *ct, const struct msg *m,
                        const struct flow *f)
{
    (void)user, (void)ct, (void)m, (void)f;
}

static void on_client_end(void *user, struct txn_client *ct, enum txn_end why)
{
    (void)user, (void)ct, (void)why;
}

static const struct txn_server_cb server_cb = {on_end};
static const struct txn_client_cb client_cb = {.on_response = on_response, .on_end = on_client_end};

static void on_request(void *tu, struct txn_server *st, const struct msg *m, const struct flow *f)
{
    (void)tu, (void)m, (void)f;
    if (!st)
        return;
    txn_server_set_user(st, &server_cb, NULL);
    if (b.answer)
        txn_server_reply(st, b.answer, SPAN_NONE, SPAN_NONE);
}

static void on_cancel(void *tu, struct txn_server *invite, const struct msg *cancel)
{
    (void)tu, (void)invite, (void)cancel;
}

static void on_stray(void *tu, const struct msg *m, const struct flow *f)
{
    (void)tu, (void)m, (void)f;
}

static const struct tu_ops tu = {
    .on_request = on_request, .on_cancel = on_cancel, .on_stray_response = on_stray};

static void setup(void)
{
    static const uint8_t key[16] = "micro";
    struct timers *timers;

    clock_init(&b.clock);
    b.base = event_base_new();
    timers = timers_new(b.base, &b.clock);
    b.ident = ident_key_new(key, 1, 1, 0);
    blocks_init(&b.blocks);
    arena_init(&b.arena, 65536, 0);
    b.transport = (struct transport){.send = swallow, .via = via};
    gate_init(&b.gate, b.ident, &b.stats, 1, 0, 1);
    b.txns = txns_new(&(struct txns_param){.timers = timers,
                                           .transport = &b.transport,
                                           .ident = b.ident,
                                           .stats = &b.stats,
                                           .blocks = &b.blocks,
                                           .tu_ops = &tu});
    b.dialogs = dialogs_new(&(struct dialogs_param){.timers = timers,
                                                    .transport = &b.transport,
                                                    .ident = b.ident,
                                                    .stats = &b.stats,
                                                    .blocks = &b.blocks});
    addr_parse(SPAN("198.51.100.7:5060"), 0, &b.flow.remote);
    addr_parse(SPAN("192.0.2.1:5060"), 0, &b.flow.local);
    if (!b.txns || !b.dialogs)
        exit(1);
}

static void write_request(char *out, size_t size, const char *method, unsigned n)
{
    snprintf(out, size,
             "%s sip:4930123456@192.0.2.1:5060 SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK-524287-%u-0;rport\r\n"
             "From: \"Alice\" <sip:4940987654@198.51.100.7:5060>;tag=%utag\r\n"
             "To: <sip:4930123456@192.0.2.1:5060>\r\nCall-ID: %u-4711@198.51.100.7\r\n"
             "CSeq: 1 %s\r\nContact: <sip:alice@198.51.100.7:5060>\r\nMax-Forwards: 70\r\n"
             "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\nUser-Agent: bench\r\n"
             "Content-Length: 0\r\n\r\n",
             method, n, n, n, method);
}

static void next_request(void)
{
    b.serial++;
    write_request(b.invite, sizeof(b.invite), "INVITE", b.serial);
    write_request(b.ack, sizeof(b.ack), "ACK", b.serial);
}

static void recv_one(const char *buf)
{
    struct peek p;
    struct msg m;
    struct msg_error err;
    uint8_t worker;
    size_t len = strlen(buf);

    if (peek_parse(buf, len, NULL, &p) < 0 ||
        gate_decide(&b.gate, &p, GATE_SRC_KNOWN, GATE_LEVEL_OPEN, &worker) != GATE_HERE ||
        txn_absorb(b.txns, &p, &b.flow))
        return;
    if (msg_parse(&m, &b.arena, buf, len, &err) == 0)
        txn_recv(b.txns, &m, &b.flow);
    arena_reset(&b.arena);
}

static void gate_drop(void)
{
    struct peek p;
    uint8_t worker;

    peek_parse(b.invite, strlen(b.invite), NULL, &p);
    gate_decide(&b.gate, &p, GATE_SRC_DROP, GATE_LEVEL_OPEN, &worker);
}

static void gate_403(void)
{
    struct gate_reply_param r = {.buf = b.invite, .len = strlen(b.invite), .status = 403};
    struct flow f = b.flow;
    struct peek p;
    uint8_t worker;

    peek_parse(b.invite, r.len, NULL, &p);
    r.peek = &p;
    if (gate_decide(&b.gate, &p, GATE_SRC_403, GATE_LEVEL_OPEN, &worker) == GATE_403)
        gate_reply(&b.gate, &r, &f, b.out, sizeof(b.out));
}

static void retransmission(void)
{
    recv_one(b.invite);
}

static void compose_only(void)
{
    next_request();
}

static void parse_only(void)
{
    struct msg m;
    struct msg_error err;

    next_request();
    msg_parse(&m, &b.arena, b.invite, strlen(b.invite), &err);
    arena_reset(&b.arena);
}

static void invite_rejected(void)
{
    next_request();
    b.answer = 486;
    recv_one(b.invite);
    recv_one(b.ack);
}

static void invite_accepted(void)
{
    next_request();
    b.answer = 200;
    recv_one(b.invite);
}

static void client_started(void)
{
    struct txn_client *ct = txn_client_new(b.txns, SIP_OPTIONS, &b.flow, &client_cb, NULL);
    struct build *w = txn_client_begin(ct);

    build_request_line(w, SPAN("OPTIONS"), SPAN("sip:198.51.100.7"));
    txn_client_via(ct, w);
    build_span(w,
               SPAN("From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"));
    build_end(w, SPAN_NONE, SPAN_NONE);
    txn_client_start(ct);
}

static void dialog_made(void)
{
    const struct dialog_uac_param p = {.flow = b.flow,
                                       .call_id = SPAN("abcdefghijklmnopqrstuvwxyz"),
                                       .local = SPAN("<sip:4940987654@192.0.2.1>"),
                                       .remote = SPAN("<sip:4930123456@198.51.100.7>"),
                                       .target = SPAN("sip:4930123456@198.51.100.7:5060"),
                                       .contact = SPAN("<sip:192.0.2.1:5060>"),
                                       .cseq = 1};
    struct dialog *d;

    if (dialog_new_uac(b.dialogs, &p, &d) == 0)
        dialog_free(d);
}

static void measure(const char *what, void (*step)(void), unsigned rounds)
{
    struct timespec t0, t1;
    double ns;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t0);
    for (unsigned i = 0; i < rounds; i++)
        step();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t1);
    ns = (double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec);
    printf("%-44s %8.0f ns\n", what, ns / rounds);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 50000;
    unsigned standing = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;

    setup();
    b.answer = 200;
    for (unsigned i = 0; i < standing; i++)
        invite_accepted();
    next_request();
    measure("peek + gate, unknown source dropped", gate_drop, rounds);
    measure("peek + gate + stateless 403", gate_403, rounds);
    b.answer = 0;
    recv_one(b.invite);
    measure("INVITE retransmission absorbed, 100 again", retransmission, rounds);
    measure("(the test's own: writing INVITE and ACK)", compose_only, rounds);
    measure("(same, and msg_parse of the INVITE)", parse_only, rounds);
    measure("INVITE received, 100, 486, ACK", invite_rejected, rounds);
    measure("INVITE received, 100, 200", invite_accepted, rounds);
    measure("OPTIONS client transaction started", client_started, rounds);
    measure("dialog made and freed", dialog_made, rounds);
    printf("sizes: txn_server and txn_client at most 256, dialog %zu bytes\n",
           sizeof(struct dialog));
    return 0;
}
