/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker's SIP stack without sockets: fake clock and timers, a transport that remembers, a TU that counts.
 * Included by the unit tests of transactions and dialogs; header-only, each test has its own copy.
 */
#ifndef TESTS_SIP_FIXTURE_H
#define TESTS_SIP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/clock.h"
#include "core/err.h"
#include "sip/dialog.h"
#include "sip/txn.h"
#include "sip/txn_priv.h"

#define FX_SENT_MAX 256

struct fx {
    struct clock clock;
    struct timers *timers;
    struct ident_key *ident;
    struct stats stats;
    struct blocks blocks;
    struct arena arena;
    struct transport transport;
    struct txns *txns;
    struct dialogs *dialogs;
    /* the transport */
    char *sent[FX_SENT_MAX];
    struct flow sent_flow[FX_SENT_MAX];
    unsigned n_sent;
    int send_error;
    uint8_t proto; /* of the flows that messages come on and requests are made with */
    /* the TU */
    unsigned n_request, n_ack, n_cancel, n_stray, n_response, n_end, n_no_ack;
    unsigned last_status;
    enum txn_end last_end;
    struct txn_server *st; /* last one given to the TU */
    bool take;             /* on_request keeps it */
    unsigned answer;       /* on_request answers it */
};

static struct fx fx;

static int fx_send(struct transport *t, const struct flow *f, const char *buf, size_t len)
{
    (void)t;
    if (fx.send_error)
        return fx.send_error;
    assert_true(fx.n_sent < FX_SENT_MAX);
    fx.sent[fx.n_sent] = strndup(buf, len);
    fx.sent_flow[fx.n_sent++] = *f;
    return 0;
}

static struct span fx_via(struct transport *t, const struct flow *f)
{
    (void)t;
    return f->proto == PROTO_TCP ? SPAN("SIP/2.0/TCP 192.0.2.1:5060")
                                 : SPAN("SIP/2.0/UDP 192.0.2.1:5060");
}

static void fx_server_end(void *user, struct txn_server *st, enum txn_end why)
{
    (void)st;
    assert_ptr_equal(user, &fx);
    fx.n_end++;
    fx.last_end = why;
    fx.st = NULL;
}

static void fx_response(void *user, struct txn_client *ct, const struct msg *m,
                        const struct flow *f)
{
    (void)ct;
    (void)f;
    assert_ptr_equal(user, &fx);
    fx.n_response++;
    fx.last_status = m->status;
}

static void fx_client_end(void *user, struct txn_client *ct, enum txn_end why)
{
    (void)ct;
    assert_ptr_equal(user, &fx);
    fx.n_end++;
    fx.last_end = why;
}

static const struct txn_server_cb fx_server_cb = {fx_server_end};
static const struct txn_client_cb fx_client_cb = {.on_response = fx_response,
                                                  .on_end = fx_client_end};

static void fx_on_request(void *tu, struct txn_server *st, const struct msg *m,
                          const struct flow *f)
{
    (void)tu;
    (void)f;
    if (!st) {
        assert_int_equal(m->method, SIP_ACK);
        fx.n_ack++;
        return;
    }
    fx.n_request++;
    fx.st = st;
    if (fx.take)
        txn_server_set_user(st, &fx_server_cb, &fx);
    if (fx.answer)
        txn_server_reply(st, fx.answer, SPAN_NONE, SPAN_NONE);
}

static void fx_on_cancel(void *tu, struct txn_server *invite, const struct msg *m)
{
    (void)tu;
    assert_int_equal(m->method, SIP_CANCEL);
    fx.n_cancel++;
    txn_server_reply(invite, 487, SPAN_NONE, SPAN_NONE);
}

static void fx_on_stray(void *tu, const struct msg *m, const struct flow *f)
{
    (void)tu;
    (void)f;
    fx.n_stray++;
    fx.last_status = m->status;
}

static void fx_on_no_ack(void *tu, struct dialog *d)
{
    (void)tu;
    (void)d;
    fx.n_no_ack++;
}

static const struct tu_ops fx_tu = {
    .on_request = fx_on_request, .on_cancel = fx_on_cancel, .on_stray_response = fx_on_stray};

static const uint8_t fx_key[16] = "0123456789abcde";

static inline struct flow fx_flow(void)
{
    struct flow f = {.listener = 3, .proto = fx.proto, .conn = fx.proto ? 77 : 0};

    assert_int_equal(addr_parse(SPAN("192.0.2.1:5060"), 0, &f.local), 0);
    assert_int_equal(addr_parse(SPAN("198.51.100.7:5070"), 0, &f.remote), 0);
    return f;
}

static inline struct dialogs *fx_dialogs_new(struct ident_key *ident)
{
    return dialogs_new(&(struct dialogs_param){.timers = fx.timers,
                                               .transport = &fx.transport,
                                               .ident = ident,
                                               .stats = &fx.stats,
                                               .blocks = &fx.blocks,
                                               .on_no_ack = fx_on_no_ack});
}

static inline int fx_setup(void **state)
{
    (void)state;
    memset(&fx, 0, sizeof(fx));
    clock_init_fake(&fx.clock, 1000000, 1700000000000);
    fx.timers = timers_new_fake(&fx.clock);
    fx.ident = ident_key_new(fx_key, 7, 100, 0);
    blocks_init(&fx.blocks);
    arena_init(&fx.arena, 65536, 0);
    fx.transport = (struct transport){.send = fx_send, .via = fx_via};
    fx.txns = txns_new(&(struct txns_param){.timers = fx.timers,
                                            .transport = &fx.transport,
                                            .ident = fx.ident,
                                            .stats = &fx.stats,
                                            .blocks = &fx.blocks,
                                            .tu_ops = &fx_tu});
    fx.dialogs = fx_dialogs_new(fx.ident);
    fx.take = true;
    return fx.txns && fx.dialogs ? 0 : -1;
}

static inline void fx_forget_sent(void)
{
    while (fx.n_sent > 0)
        free(fx.sent[--fx.n_sent]);
}

static inline int fx_teardown(void **state)
{
    (void)state;
    dialogs_free(fx.dialogs);
    txns_free(fx.txns);
    blocks_fini(&fx.blocks, 0); /* asserts that nothing was lost */
    assert_int_equal(timers_pending(fx.timers), 0);
    timers_free(fx.timers);
    ident_key_free(fx.ident);
    arena_fini(&fx.arena);
    fx_forget_sent();
    return 0;
}

/* Parsed, in the arena; buf must stay. */
static inline struct msg *fx_parse(const char *buf)
{
    struct msg *m = arena_zalloc(&fx.arena, sizeof(*m));
    struct msg_error err = {0};
    int rc = msg_parse(m, &fx.arena, buf, strlen(buf), &err);

    if (rc != 0)
        print_error("%s\n%s\n", err.text ? err.text : "?", buf);
    assert_int_equal(rc, 0);
    return m;
}

/* As the worker does it: absorb, else parse and receive. @return true if absorbed */
static inline bool fx_recv(const char *buf)
{
    struct flow f = fx_flow();
    struct peek p;
    char *copy = strdup(buf);
    bool absorbed;

    assert_int_equal(peek_parse(copy, strlen(copy), NULL, &p), 0);
    absorbed = txn_absorb(fx.txns, &p, &f);
    if (!absorbed)
        txn_recv(fx.txns, fx_parse(copy), &f);
    arena_reset(&fx.arena);
    free(copy);
    return absorbed;
}

/* Parsed and received, past txn_absorb. */
static inline int fx_recv_parsed(const char *buf)
{
    struct flow f = fx_flow();
    int err = txn_recv(fx.txns, fx_parse(buf), &f);

    arena_reset(&fx.arena);
    return err;
}

static inline void fx_advance(uint64_t ms)
{
    timers_run_until(fx.timers, fx.clock.mono_ms + ms);
}

static inline const char *fx_last_sent(void)
{
    assert_true(fx.n_sent > 0);
    return fx.sent[fx.n_sent - 1];
}

static inline void fx_assert_last_starts(const char *start)
{
    const char *sent = fx_last_sent();

    if (strncmp(sent, start, strlen(start)) != 0)
        print_error("want \"%s\", sent:\n%s\n", start, sent);
    assert_int_equal(strncmp(sent, start, strlen(start)), 0);
}

/* Value of a header line of a message, in static storage (two at a time). */
static inline const char *fx_header(const char *msg, const char *name)
{
    static char buf[2][2048];
    static unsigned turn;
    char want[64];
    const char *at, *end;
    char *out = buf[turn++ & 1];

    snprintf(want, sizeof(want), "\r\n%s: ", name);
    at = strstr(msg, want);
    if (!at)
        return "";
    at += strlen(want);
    end = strstr(at, "\r\n");
    assert_true(end && (size_t)(end - at) < sizeof(buf[0]));
    memcpy(out, at, (size_t)(end - at));
    out[end - at] = '\0';
    return out;
}

/* A request as a peer sends it. branch NULL: none (RFC 2543). */
static inline const char *fx_request(const char *method, const char *branch, unsigned cseq,
                                     const char *cseq_method)
{
    static char buf[4][2048];
    static unsigned turn;
    char *out = buf[turn++ & 3];

    snprintf(out, sizeof(buf[0]),
             "%s sip:bob@192.0.2.1 SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 198.51.100.7:5070%s%s\r\n"
             "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKinner\r\n"
             "Record-Route: <sip:198.51.100.7;lr>\r\n"
             "Max-Forwards: 70\r\n"
             "From: \"Al\" <sip:alice@198.51.100.7>;tag=alice1\r\n"
             "To: <sip:bob@192.0.2.1>\r\n"
             "Call-ID: call-1\r\n"
             "CSeq: %u %s\r\n"
             "Contact: <sip:alice@198.51.100.9:5080>\r\n"
             "Content-Length: 0\r\n\r\n",
             method, branch ? ";branch=" : "", branch ? branch : "", cseq, cseq_method);
    return out;
}

static inline uint64_t fx_stat(enum stat_id id)
{
    return stat_get(&fx.stats, id);
}

#endif
