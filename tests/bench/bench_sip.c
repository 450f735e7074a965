/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one message costs: peek, parse, an answer, an SDP rewrite, in nanoseconds.
 * Run by hand: bench_sip [rounds [name]]; the best of twenty runs of CPU time counts, so that a neighbour's load does not.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/arena.h"
#include "sip/build.h"
#include "sip/msg.h"
#include "sip/peek.h"
#include "sip/sdp.h"

#define SDP_BODY                                                                                  \
    "v=0\r\no=root 1821 1821 IN IP4 198.51.100.7\r\ns=call\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n" \
    "m=audio 17340 RTP/AVP 8 0 18 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"        \
    "a=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\na=rtpmap:101 telephone-event/8000\r\n"       \
    "a=fmtp:101 0-16\r\na=ptime:20\r\na=maxptime:150\r\na=sendrecv\r\n"

/* As a carrier sends it: 1.2 kB with identity, timers and a route. */
static const char invite_head[] =
    "INVITE sip:+4930123456789@192.0.2.10:5060;user=phone SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK-524287-1---b1a2c3d4e5f60718;rport\r\n"
    "Via: SIP/2.0/UDP 10.1.2.3:5080;branch=z9hG4bK776asdhds;received=10.1.2.4\r\n"
    "Record-Route: <sip:198.51.100.7;lr;ftag=as58f4201b>\r\n"
    "Max-Forwards: 69\r\n"
    "Contact: <sip:+442079460001@198.51.100.7:5060;transport=udp>\r\n"
    "To: <sip:+4930123456789@192.0.2.10;user=phone>\r\n"
    "From: \"Alice Example\" <sip:+442079460001@198.51.100.7;user=phone>;tag=as58f4201b\r\n"
    "Call-ID: 313435363738393031323334353637@198.51.100.7\r\n"
    "CSeq: 102 INVITE\r\n"
    "User-Agent: Carrier Gateway 7.2.1\r\n"
    "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, UPDATE, PRACK\r\n"
    "Supported: replaces, timer, 100rel\r\n"
    "Session-Expires: 1800;refresher=uac\r\n"
    "Min-SE: 90\r\n"
    "P-Asserted-Identity: \"Alice Example\" <sip:+442079460001@carrier.example>\r\n"
    "Privacy: none\r\n"
    "Content-Type: application/sdp\r\n";

static char invite[4096];
static size_t invite_len;
static struct arena arena;
static struct msg msg;
static struct sdp sdp;
static volatile size_t sink;

static void do_peek(void)
{
    static const struct span users[] = {{"911", 3}, {"112", 3}};
    static const struct peek_table table = {users, 2};
    struct peek p;

    peek_parse(invite, invite_len, &table, &p);
    sink += p.call_id.len;
}

static void do_parse(void)
{
    struct msg_error err;

    arena_reset(&arena);
    if (msg_parse(&msg, &arena, invite, invite_len, &err) != 0) {
        fprintf(stderr, "refused: %s\n", err.text);
        exit(1);
    }
    sink += msg.n_hdrs;
}

static void do_response(void)
{
    static const struct addr source = {.ip = {198, 51, 100, 7}, .port = 5060, .family = 4};
    static char out[4096];
    struct build_response r = {.status = 486, .to_tag = SPAN("d2f1c0ffee"), .source = &source};
    struct build b;

    build_init(&b, out, sizeof(out));
    build_response(&b, &msg, &r);
    sink += (size_t)build_end(&b, SPAN_NONE, SPAN_NONE) + b.len;
}

static void do_sdp_parse(void)
{
    sink += (size_t)sdp_parse(&sdp, msg.body, NULL);
}

static void do_rewrite(void)
{
    static char out[4096];
    struct sdp_edit e = {.id = 4711, .version = 1, .n_media = 1};
    struct build b;

    e.origin = (struct addr){.ip = {192, 0, 2, 10}, .family = 4};
    e.media[0].rtp = e.origin;
    e.media[0].rtp.port = 30000;
    build_init(&b, out, sizeof(out));
    sink += (size_t)sdp_rewrite(&sdp, &e, &b) + b.len;
}

static double once_ns(void (*f)(void), long rounds)
{
    struct timespec a, b;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    for (long i = 0; i < rounds; i++) {
        f();
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / (double)rounds;
}

static const char *only; /* second argument: one of the names */

static void measure(const char *what, void (*f)(void), long rounds)
{
    double best = 1e18;

    if (only && strncmp(only, what, strlen(only)) != 0) {
        return;
    }
    for (int i = 0; i < 20; i++) {
        double ns = once_ns(f, rounds);

        best = ns < best ? ns : best;
    }
    printf("%-24s %8.0f ns\n", what, best);
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 100000;
    int n = snprintf(invite, sizeof(invite), "%sContent-Length: %zu\r\n\r\n%s", invite_head,
                     sizeof(SDP_BODY) - 1, SDP_BODY);

    only = argc > 2 ? argv[2] : NULL;
    invite_len = (size_t)n;
    arena_init(&arena, 65536, 1 << 20);
    printf("INVITE of %zu bytes, %ld rounds, best of 20\n", invite_len, rounds);
    do_parse();
    measure("peek", do_peek, rounds);
    measure("parse", do_parse, rounds);
    measure("response", do_response, rounds);
    do_sdp_parse();
    measure("sdp_parse", do_sdp_parse, rounds);
    measure("sdp_rewrite", do_rewrite, rounds);
    arena_fini(&arena);
    return 0;
}
