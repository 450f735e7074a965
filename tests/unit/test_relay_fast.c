/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams in the kernel path: who may, when they enter and leave, and that no packet is counted twice or not at all.
 * The kernel is played by the test, which writes lines as the program does; packets come by a form of io that sends nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "relay/fast.h"
#include "relay/flow.h"
#include "relay/kernel.h"
#include "relay/lane.h"
#include "relay/lines.h"
#include "core/log.h"

#define PORT 20000
#define HOP  5

struct rig {
    struct flow_ctx c;
    struct flow_totals totals;
    struct kernel *kernel;
    struct endpoint a, b;
    _Atomic uint64_t seen_ms;
    struct io_batch in;
    unsigned n_sent, n_asked, n_active;
    uint16_t seq;
    uint32_t ssrc;
};

static struct rig *of(struct flow_ctx *c)
{
    return (struct rig *)(void *)c; /* c is first */
}

static void io_send(struct io_thread *t, struct io_out *out, unsigned n)
{
    (void)t;
    for (unsigned i = 0; i < n; i++)
        out[i].is_sent = true;
}

static const struct relay_io io_test = {.name = "test", .send = io_send};

static void on_latched(struct flow_ctx *c, struct flow *f)
{
    (void)c;
    (void)f;
}

static void on_active(struct flow_ctx *c, struct endpoint *e)
{
    (void)e;
    of(c)->n_active++;
}

static bool ask_hop(struct flow_ctx *c, struct flow *f)
{
    (void)f;
    of(c)->n_asked++;
    return true;
}

static struct addr addr_at(const char *ip, uint16_t port)
{
    struct addr a;

    assert_int_equal(addr_parse_ip(span_of(ip), &a), 0);
    a.port = port;
    return a;
}

static void endpoint_make(struct rig *g, struct endpoint *e, const char *local, uint16_t port,
                          const char *party)
{
    struct media_ep want = {.direction = MEDIA_DIR_BOTH, .latch = MEDIA_LATCH_SDP_ONLY, .n_pts = 1};

    want.remote = addr_at(party, 4000);
    want.pt[0].type = 101;
    want.pt[0].codec = MEDIA_CODEC_EVENT;
    e->rtp.ep = e->rtcp.ep = e;
    e->rtcp.is_rtcp = true;
    e->session_seen_ms = &g->seen_ms;
    e->rtp.local = e->rtcp.local = addr_at(local, port);
    e->rtcp.local.port++;
    latch_init(&e->rtp.latch, want.latch, &want.remote, g->c.now_ms);
    want.rtcp = flow_rtcp_remote(&want);
    latch_init(&e->rtcp.latch, want.latch, &want.rtcp, g->c.now_ms);
    rtp_stats_init(&e->stats, 0);
    flow_set_options(e, &want, g->c.now_ms);
}

static void lines_start(struct rig *g, struct endpoint *e)
{
    e->rtp.line = kernel_line(g->kernel, &e->rtp.local);
    e->rtcp.line = kernel_line(g->kernel, &e->rtcp.local);
    lines_on(&e->rtp, 0);
    lines_on(&e->rtcp, 0);
}

static int setup(void **state)
{
    struct rig *g = calloc(1, sizeof(*g));
    struct addr ip4 = addr_at("127.0.0.1", 0), ip6 = addr_at("::1", 0);
    struct hop hop = {.ifindex = 7, .mtu = 1500};

    log_set_level(LOG_ERROR);
    assert_non_null(g);
    g->c.io = &io_test;
    g->c.totals = &g->totals;
    g->c.on_latched = on_latched;
    g->c.on_active = on_active;
    g->c.now_ms = 100000;
    g->ssrc = 0x1234;
    g->kernel = kernel_new_memory(1024);
    assert_non_null(g->kernel);
    fast_init(&g->c.fast, g->kernel);
    g->c.fast.ask_hop = ask_hop;
    g->c.fast.path = MEDIA_PATH_XDP_NATIVE;
    assert_int_equal(kernel_range_set(g->kernel, &ip4, PORT, PORT + 99, false), 0);
    assert_int_equal(kernel_range_set(g->kernel, &ip6, PORT, PORT + 99, false), 0);
    kernel_hop_write(g->kernel, HOP, &hop);
    assert_int_equal(io_batch_init(&g->in), 0);
    assert_int_equal(io_batch_init(&g->c.own), 0);
    endpoint_make(g, &g->a, "127.0.0.1", PORT, "192.0.2.1");
    endpoint_make(g, &g->b, "::1", PORT + 2, "2001:db8::1");
    g->b.number = 1;
    lines_start(g, &g->a);
    lines_start(g, &g->b);
    flow_connect(&g->a, &g->b);
    *state = g;
    return 0;
}

static int teardown(void **state)
{
    struct rig *g = *state;

    fast_change(&g->c, &g->a, MEDIA_OP_SET);
    fast_fini(&g->c.fast);
    kernel_free(g->kernel);
    io_batch_fini(&g->in);
    io_batch_fini(&g->c.own);
    free(g);
    return 0;
}

/* A packet of a's party, or of whoever from is; pt 0, the next number. */
static void packet(struct rig *g, uint8_t pt, const struct addr *from)
{
    struct io_packet *p = io_batch_next(&g->in);

    g->in.n++;
    memset(p->data, 0, 172);
    p->data[0] = 0x80;
    p->data[1] = pt;
    p->data[2] = (uint8_t)(++g->seq >> 8);
    p->data[3] = (uint8_t)g->seq;
    p->data[6] = (uint8_t)(g->seq * 160U >> 8);
    p->data[7] = (uint8_t)(g->seq * 160U);
    p->data[10] = (uint8_t)(g->ssrc >> 8);
    p->data[11] = (uint8_t)g->ssrc;
    p->len = 172;
    p->flow = &g->a.rtp;
    p->from = from ? *from : g->a.rtp.latch.sdp;
    flow_input(&g->c, &g->in);
}

static void speak(struct rig *g, unsigned n)
{
    while (n-- > 0) {
        g->c.now_ms += 20;
        packet(g, 0, NULL);
        if (g->n_asked && g->b.rtp.hop == HOP_NONE)
            fast_hop_is(&g->c, &g->b.rtp, &g->b.rtp.hop_dst, HOP);
        fast_promote(&g->c, true);
    }
}

/* What the program does with n packets of 172 bytes, the numbers behind the last. */
static void kernel_takes(struct rig *g, unsigned n)
{
    struct line *l = g->a.rtp.line;

    assert_int_equal(l->state, LINE_FAST);
    for (unsigned i = 0; i < n; i++) {
        g->c.now_ms += 20;
        g->seq++;
        l->packets++;
        l->bytes += 172;
        l->max_ext++;
        l->seen_bits = (uint16_t)(l->seen_bits << 1 | 1);
        l->last_ms = (uint32_t)g->c.now_ms;
    }
}

/* What the program says when a frame cannot go. */
static void refused(struct rig *g, uint32_t n)
{
    g->a.rtp.line->unsent += n;
    ((struct why_counts *)(uintptr_t)g->kernel->why)->n[WHY_REDIRECT] += n;
}

static void promoted(struct rig *g)
{
    speak(g, FAST_CLEAN + 2);
    assert_int_equal(g->a.fast.state, FAST_IN);
    assert_int_equal(g->a.rtp.line->state, LINE_FAST);
}

static uint64_t demotions(struct rig *g, enum media_demote why)
{
    return atomic_load(&g->c.fast.totals.demotions[why]);
}

static void a_stream_is_promoted_after_clean_packets(void **state)
{
    struct rig *g = *state;
    const struct line *l = g->a.rtp.line;

    assert_int_equal(l->state, LINE_STEER);
    assert_true(l->flags & LINE_CHECK); /* sdp-only: nobody else has business there */
    speak(g, FAST_CLEAN);
    assert_int_equal(g->a.fast.state, FAST_OUT);
    speak(g, 1);
    assert_int_equal(l->state, LINE_FAST);
    assert_int_equal(l->hop, HOP);
    assert_int_equal(l->flags & (LINE_IN6 | LINE_OUT6), LINE_OUT6);
    assert_int_equal(l->to_port, htons(4000));
    assert_int_equal(l->by_port, htons(PORT + 2));
    assert_int_equal(l->from_port, htons(4000));
    assert_memory_equal(&l->from_ip, g->a.rtp.latch.to.ip, 4);
    assert_memory_equal(l->to_ip6, g->b.rtp.latch.to.ip, 16);
    assert_memory_equal(l->by_ip6, g->b.rtp.local.ip, 16);
    assert_int_equal(l->event_pt, 101);
    assert_int_equal(l->khz, 8);
    assert_int_equal(l->ssrc, g->ssrc);
    assert_int_equal(l->max_ext & 0xffff, g->seq);
    assert_int_equal(g->b.rtp.line->state, LINE_STEER); /* the other way has not spoken */
    assert_int_equal(atomic_load(&g->c.fast.totals.promoted), 1);
    assert_int_equal(g->n_asked, 1);
}

static void without_a_program_on_an_interface_it_stays(void **state)
{
    struct rig *g = *state;

    g->c.fast.path = 0;
    speak(g, 50);
    assert_int_equal(g->a.fast.state, FAST_OUT);
    assert_int_equal(g->a.rtp.line->state, LINE_STEER);
    assert_int_equal(g->n_asked, 1); /* its frames need the hop all the same */
}

static void it_waits_for_empty_sockets_but_not_for_ever(void **state)
{
    struct rig *g = *state;

    for (unsigned i = 0; i < 10; i++) {
        g->c.now_ms += 20;
        packet(g, 0, NULL);
        fast_hop_is(&g->c, &g->b.rtp, &g->b.rtp.hop_dst, HOP);
        fast_promote(&g->c, false);
    }
    assert_int_equal(g->a.fast.state, FAST_QUEUED);
    g->c.now_ms += FAST_WAIT_MS;
    fast_promote(&g->c, false);
    assert_int_equal(g->a.fast.state, FAST_IN);
}

static void counters_are_one_row_of_numbers(void **state)
{
    struct rig *g = *state;
    struct media_ep_state s;

    promoted(g);
    kernel_takes(g, 1000);
    fast_fold(&g->c, &g->a);
    flow_state(&g->c, &g->a, &s);
    assert_int_equal(s.n.packets, 1004);
    assert_int_equal(s.n.bytes, 1004 * 172);
    assert_int_equal(s.n.fast_packets, 1000);
    assert_int_equal(s.n.lost, 0);
    assert_int_equal(s.n.path, MEDIA_PATH_XDP_NATIVE);
    assert_int_equal(s.n.silent_ms, 0);
    assert_int_equal(g->b.n.sent_packets, 1004);
    assert_int_equal(g->b.n.sent_bytes, 1004 * 172);
    fast_change(&g->c, &g->a, MEDIA_OP_SET);
    assert_int_equal(g->a.rtp.line->state, LINE_STEER);
    g->seq += 3; /* three are lost */
    speak(g, 2);
    flow_state(&g->c, &g->a, &s);
    assert_int_equal(s.n.packets, 1006);
    assert_int_equal(s.n.lost, 3);
    assert_int_equal(s.n.ssrc_changes, 0);
    assert_int_equal(s.n.promotions, 1);
    assert_int_equal(s.n.demotions, 1);
    assert_int_equal(g->b.n.sent_packets, 1006);
}

static void a_line_wraps(void **state)
{
    struct rig *g = *state;

    g->a.rtp.line->bytes = UINT32_MAX - 500;
    g->a.rtp.line->packets = UINT32_MAX - 3;
    lane_read(g->a.rtp.line, &g->a.fast.mark);
    promoted(g);
    kernel_takes(g, 10);
    fast_fold(&g->c, &g->a);
    assert_int_equal(g->a.n.packets, 14);
    assert_int_equal(g->a.n.bytes, 14 * 172);
}

/* Its maps were made anew while no relay was there: the line begins at 0, the endpoint goes on. */
static void a_line_that_was_made_anew_begins_at_nothing(void **state)
{
    struct rig *g = *state;

    promoted(g);
    kernel_takes(g, 1000);
    fast_change(&g->c, &g->a, MEDIA_OP_SET);
    kernel_line_clear(g->a.rtp.line);
    g->a.is_resumed = true;
    lines_on(&g->a.rtp, 0);
    g->a.is_resumed = false;
    fast_fold(&g->c, &g->a);
    assert_int_equal(g->a.n.packets, 1004);
    assert_int_equal(g->a.n.bytes, 1004 * 172);
    assert_int_equal(g->b.n.sent_packets, 1004);
}

/* The program counts a packet first and then what it was; a look may come between the two. */
static void a_look_between_two_counters_loses_neither(void **state)
{
    struct rig *g = *state;
    uint64_t unique;

    promoted(g);
    fast_fold(&g->c, &g->a);
    unique = g->a.stats.unique;
    g->a.rtp.line->packets++;
    fast_fold(&g->c, &g->a);
    g->a.rtp.line->duplicates++;
    fast_fold(&g->c, &g->a);
    assert_int_equal(g->a.stats.duplicates, 1);
    assert_int_equal(g->a.stats.unique, unique);
}

static void streams_are_counted_at_the_interface_that_they_go_by_now(void **state)
{
    struct rig *g = *state;
    struct hop other = {.ifindex = 9, .mtu = 1500};

    promoted(g);
    assert_int_equal(g->c.fast.interface[0].ifindex, 7);
    assert_int_equal(g->c.fast.interface[0].n_in, 1);
    kernel_hop_write(g->kernel, HOP, &other);
    kernel_takes(g, 10);
    fast_watch(&g->c);
    assert_int_equal(g->c.fast.interface[0].n_in, 0);
    assert_int_equal(g->c.fast.interface[1].ifindex, 9);
    assert_int_equal(g->c.fast.interface[1].n_in, 1);
    kernel_hop_write(g->kernel, HOP, &(struct hop){.mtu = 1500});
    fast_change(&g->c, &g->a, MEDIA_OP_SET);
    assert_int_equal(g->c.fast.interface[1].n_in, 0);
}

static void one_more_counted_after_the_demotion_is_not_lost(void **state)
{
    struct rig *g = *state;
    struct media_ep_state s;

    promoted(g);
    kernel_takes(g, 5);
    fast_change(&g->c, &g->a, MEDIA_OP_SET);
    /* a processor was just at it */
    g->a.rtp.line->packets++;
    g->a.rtp.line->bytes += 172;
    g->a.rtp.line->max_ext++;
    g->seq++;
    speak(g, 2);
    fast_fold(&g->c, &g->a);
    flow_state(&g->c, &g->a, &s);
    assert_int_equal(s.n.packets, 4 + 5 + 1 + 2);
    assert_int_equal(s.n.lost, 0);
    assert_int_equal(s.n.duplicates, 0);
}

static void late_packets_of_the_socket_are_forwarded_and_counted(void **state)
{
    struct rig *g = *state;
    struct media_ep_state s;

    promoted(g);
    packet(g, 0, NULL); /* it had come before the line was switched */
    g->a.rtp.line->max_ext++;
    kernel_takes(g, 5);
    g->a.rtp.line->max_ext = 65536U + g->seq; /* the program has seen a gap of one */
    fast_fold(&g->c, &g->a);
    flow_state(&g->c, &g->a, &s);
    assert_int_equal(s.n.packets, 10);
    assert_int_equal(s.n.lost, 0);
    assert_int_equal(g->b.n.sent_packets, 10);
    assert_int_equal(g->a.fast.state, FAST_IN);
}

static void events_are_counted_once(void **state)
{
    struct rig *g = *state;

    promoted(g);
    kernel_takes(g, 1);
    g->a.rtp.line->events++;
    g->seq--;
    packet(g, 101, NULL);
    fast_fold(&g->c, &g->a);
    assert_int_equal(g->a.fast.state, FAST_IN);
    assert_int_equal(g->a.n.packets, 5);
    assert_int_equal(g->b.n.sent_packets, 5);
    assert_int_equal(g->b.n.sent_bytes, 5 * 172);
    assert_int_equal(g->totals.packets_in, 5);
    assert_int_equal(g->totals.bytes_in, 5 * 172);
    assert_int_equal(g->totals.packets_out, 5);
    assert_int_equal(g->totals.bytes_out, 5 * 172);
}

/* The relay's counters only rise: what has come twice is left out when it is taken over from the line. */
static void events_before_a_fold_take_nothing_back(void **state)
{
    struct rig *g = *state;
    uint64_t before;

    promoted(g);
    before = g->totals.bytes_in;
    kernel_takes(g, 1);
    g->a.rtp.line->events++;
    g->seq--;
    packet(g, 101, NULL);
    assert_true(g->totals.bytes_in >= before);
    assert_true(g->b.n.sent_bytes >= 4 * 172);
    fast_fold(&g->c, &g->a);
    fast_fold(&g->c, &g->a);
    assert_int_equal(g->totals.bytes_in, before + 172);
    assert_int_equal(g->b.n.sent_bytes, 5 * 172);
}

/* ---- who may not --------------------------------------------------------------------------------------------------- */

static void make_follow(struct rig *g)
{
    g->a.rtp.latch.policy = MEDIA_LATCH_FOLLOW;
}

static void make_opaque(struct rig *g)
{
    g->a.is_opaque = true;
}

static void make_peer_slow(struct rig *g)
{
    g->b.flags |= MEDIA_EP_SLOW;
}

static void make_held(struct rig *g)
{
    g->b.direction = MEDIA_DIR_RECV;
}

static void make_alone(struct rig *g)
{
    flow_disconnect(&g->a);
}

static void make_unknown(struct rig *g)
{
    memset(&g->b.rtp.latch.to, 0, sizeof(g->b.rtp.latch.to));
}

static void make_odd_clock(struct rig *g)
{
    g->a.stats.clock_rate = 44100;
}

static void make_two_events(struct rig *g)
{
    g->a.pt[1] = g->a.pt[0];
    g->a.pt[1].type = 102;
    g->a.n_pts = 2;
    g->a.flags |= MEDIA_EP_EVENTS;
}

static void make_no_hop(struct rig *g)
{
    struct hop none = {0};

    kernel_hop_write(g->kernel, HOP, &none);
}

static void make_bridge(struct rig *g)
{
    struct hop hop = g->kernel->hops[HOP];

    hop.flags = HOP_NO_XDP;
    kernel_hop_write(g->kernel, HOP, &hop);
    g->c.fast.path = MEDIA_PATH_XDP_NATIVE;
}

static void who_may_not_stays_in_user_space(void **state)
{
    static void (*const make[])(struct rig *) = {
        make_follow,  make_opaque,    make_peer_slow,  make_held,   make_alone,
        make_unknown, make_odd_clock, make_two_events, make_no_hop, make_bridge,
    };

    for (unsigned i = 0; i < sizeof(make) / sizeof(make[0]); i++) {
        struct rig *g = *state;

        make[i](g);
        speak(g, 20);
        assert_int_equal(g->a.fast.state, FAST_OUT);
        assert_int_equal(g->a.rtp.line->state, LINE_STEER);
        teardown(state);
        setup(state);
    }
}

static void behind_a_nat_the_address_of_the_sdp_has_its_chance(void **state)
{
    struct rig *g = *state;
    struct addr nat = addr_at("198.51.100.7", 999);
    struct addr other = addr_at("198.51.100.8", 999);

    latch_set_policy(&g->a.rtp.latch, MEDIA_LATCH_LEARN_ONCE);
    lines_check(&g->a.rtp);
    assert_false(g->a.rtp.line->flags & LINE_CHECK);
    for (unsigned i = 0; i < 20; i++) {
        g->c.now_ms += 20;
        packet(g, 0, &nat);
        fast_hop_is(&g->c, &g->b.rtp, &g->b.rtp.hop_dst, HOP);
        fast_promote(&g->c, true);
    }
    assert_int_equal(g->a.fast.state, FAST_OUT);
    g->c.now_ms += FAST_NAT_MS;
    packet(g, 0, &nat);
    fast_promote(&g->c, true);
    assert_int_equal(g->a.fast.state, FAST_IN);
    assert_true(g->a.rtp.line->flags & LINE_CHECK);
    assert_int_equal(g->a.rtp.line->from_port, htons(999));
    packet(g, 0, &other);
    assert_int_equal(g->a.n.strangers, 1);
}

/* ---- out again ----------------------------------------------------------------------------------------------------- */

static void the_watchdog_looks_at_each_within_200_ms(void **state)
{
    struct rig *g = *state;

    promoted(g);
    fast_watch(&g->c);
    make_no_hop(g);
    for (unsigned ms = 0; ms < 200; ms += 50) {
        g->c.now_ms += 50;
        fast_watch(&g->c);
    }
    assert_int_equal(g->a.fast.state, FAST_OUT);
    assert_int_equal(demotions(g, MEDIA_DEMOTE_HOP), 1);
    assert_int_equal(atomic_load(&g->c.fast.totals.promoted), 0);
}

static void what_the_kernel_cannot_send_is_demoted(void **state)
{
    struct rig *g = *state;

    promoted(g);
    fast_watch(&g->c);
    kernel_takes(g, 5);
    refused(g, 5);
    for (unsigned ms = 0; ms < 200; ms += 50) {
        fast_watch(&g->c);
        g->c.now_ms += 50;
    }
    assert_int_equal(demotions(g, MEDIA_DEMOTE_STALLED), 1);
    assert_int_equal(g->a.n.unsent, 5);
    assert_int_equal(g->b.n.sent_packets, 4);
}

/* Lines are not read while nothing is refused: then the first look only takes the measure. */
static void one_of_many_that_is_refused_is_not_demoted_but_all_within_200_ms(void **state)
{
    struct rig *g = *state;

    promoted(g);
    for (unsigned i = 0; i < 100; i++) {
        kernel_takes(g, 1);
        fast_watch(&g->c);
    }
    kernel_takes(g, 5);
    refused(g, 1);
    for (unsigned i = 0; i < 20; i++) {
        fast_watch(&g->c);
        kernel_takes(g, 1);
    }
    assert_int_equal(g->a.fast.state, FAST_IN);
    for (unsigned i = 0; i < 10 && g->a.fast.state == FAST_IN; i++) {
        kernel_takes(g, 1); /* 20 ms */
        refused(g, 1);
        fast_watch(&g->c);
    }
    assert_int_equal(demotions(g, MEDIA_DEMOTE_STALLED), 1);
}

static void what_passes_by_is_demoted(void **state)
{
    struct rig *g = *state;

    promoted(g);
    g->c.now_ms += FAST_SETTLE_MS;
    for (unsigned i = 0; i < FAST_PASSED_BY; i++)
        packet(g, 0, NULL);
    assert_int_equal(demotions(g, MEDIA_DEMOTE_PASSED_BY), 1);
    assert_int_equal(g->b.n.sent_packets, 4 + FAST_PASSED_BY);
    assert_int_equal(g->a.n.packets, 4 + FAST_PASSED_BY);
}

static void a_silent_stream_is_demoted_and_may_come_back(void **state)
{
    struct rig *g = *state;

    promoted(g);
    g->c.now_ms += FAST_SILENT_MS;
    fast_tour(&g->c, &g->a);
    assert_int_equal(demotions(g, MEDIA_DEMOTE_SILENT), 1);
    assert_true(g->a.rtp.line->flags & LINE_CHECK);
    promoted(g);
}

static void a_promoted_stream_is_not_silent(void **state)
{
    struct rig *g = *state;

    promoted(g);
    g->a.is_inactive = true;
    kernel_takes(g, 1000);
    fast_tour(&g->c, &g->a);
    assert_int_equal(g->a.seen_ms, g->c.now_ms);
    assert_int_equal(atomic_load(&g->seen_ms), g->c.now_ms);
    assert_int_equal(g->n_active, 1);
    assert_int_equal(g->a.fast.state, FAST_IN);
}

static void another_ssrc_is_refused_while_the_stream_speaks(void **state)
{
    struct rig *g = *state;

    speak(g, 2);
    g->ssrc = 0x9999;
    g->c.now_ms += SPEAKS_MS - 1;
    packet(g, 0, NULL);
    assert_int_equal(g->a.n.ssrc_refused, 1);
    assert_int_equal(g->a.n.packets, 2);
    g->c.now_ms += 1;
    packet(g, 0, NULL);
    assert_int_equal(g->a.n.ssrc_refused, 1);
    assert_int_equal(g->a.stats.ssrc_changes, 1);
    g->a.flags |= MEDIA_EP_MANY;
    g->ssrc = 0x1234;
    packet(g, 0, NULL);
    assert_int_equal(g->a.n.ssrc_refused, 1);
}

static void a_new_ssrc_demotes(void **state)
{
    struct rig *g = *state;

    promoted(g);
    kernel_takes(g, 10);
    g->ssrc = 0x9999;
    packet(g, 0, NULL);
    assert_int_equal(g->a.n.ssrc_refused, 1);
    assert_int_equal(g->a.fast.state, FAST_IN);
    g->c.now_ms += SPEAKS_MS;
    packet(g, 0, NULL);
    assert_int_equal(demotions(g, MEDIA_DEMOTE_SSRC), 1);
    assert_int_equal(g->a.stats.ssrc_changes, 1);
    assert_int_equal(g->a.n.packets, 15);
    assert_int_equal(g->b.n.sent_packets, 15);
}

static void what_was_bad_comes_back_later_each_time(void **state)
{
    struct rig *g = *state;
    uint32_t back = FAST_REST_MS;

    for (unsigned i = 0; i < 8; i++) {
        promoted(g);
        fast_demote(&g->c, &g->a, MEDIA_DEMOTE_STALLED);
        assert_int_equal(g->a.fast.back_ms, back);
        back = back * 2 < FAST_BACK_MAX_MS ? back * 2 : FAST_BACK_MAX_MS;
        g->c.now_ms = g->a.fast.not_before_ms - 200;
        speak(g, 5);
        assert_int_equal(g->a.fast.state, FAST_OUT);
        g->c.now_ms += 200;
    }
    assert_int_equal(back, FAST_BACK_MAX_MS);
}

static void a_change_may_come_at_any_time_but_not_promote_twice_a_second(void **state)
{
    struct rig *g = *state;

    promoted(g);
    fast_change(&g->c, &g->a, MEDIA_OP_SET);
    speak(g, 20);
    assert_int_equal(g->a.fast.state, FAST_OUT);
    g->c.now_ms += FAST_REST_MS;
    promoted(g);
    assert_int_equal(g->a.n.promotions, 2);
}

static void what_the_kernel_dropped_is_told(void **state)
{
    struct rig *g = *state;
    struct media_ep_state s;

    g->a.rtp.line->invalid = 3;
    g->a.rtp.line->ssrc_refused = 1;
    fast_fold(&g->c, &g->a);
    fast_fold(&g->c, &g->a);
    flow_state(&g->c, &g->a, &s);
    assert_int_equal(s.n.invalid, 3);
    assert_int_equal(s.n.ssrc_refused, 1);
    assert_int_equal(atomic_load(&g->totals.invalid), 3);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_stream_is_promoted_after_clean_packets),
        T(without_a_program_on_an_interface_it_stays),
        T(it_waits_for_empty_sockets_but_not_for_ever),
        T(counters_are_one_row_of_numbers),
        T(a_line_wraps),
        T(a_line_that_was_made_anew_begins_at_nothing),
        T(a_look_between_two_counters_loses_neither),
        T(streams_are_counted_at_the_interface_that_they_go_by_now),
        T(one_more_counted_after_the_demotion_is_not_lost),
        T(late_packets_of_the_socket_are_forwarded_and_counted),
        T(events_are_counted_once),
        T(events_before_a_fold_take_nothing_back),
        T(who_may_not_stays_in_user_space),
        T(behind_a_nat_the_address_of_the_sdp_has_its_chance),
        T(the_watchdog_looks_at_each_within_200_ms),
        T(what_the_kernel_cannot_send_is_demoted),
        T(one_of_many_that_is_refused_is_not_demoted_but_all_within_200_ms),
        T(what_passes_by_is_demoted),
        T(a_silent_stream_is_demoted_and_may_come_back),
        T(a_promoted_stream_is_not_silent),
        T(another_ssrc_is_refused_while_the_stream_speaks),
        T(a_new_ssrc_demotes),
        T(what_was_bad_comes_back_later_each_time),
        T(a_change_may_come_at_any_time_but_not_promote_twice_a_second),
        T(what_the_kernel_dropped_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
