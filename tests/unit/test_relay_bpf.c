/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs of the media path by BPF_PROG_TEST_RUN: each verdict, each rewriting byte for byte, statistics beside rtp.c's, and
 * nothing redirected that is not the stream's. As root; elsewhere it is skipped and says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/pkt_cls.h>
#include <time.h>
#include "bpf_rig.h"
#include "relay/rtp.h"

#define IN_PORT  20000U /* ours, where the party sends */
#define OUT_PORT 30002U /* ours, from which its peer hears it */
#define PARTY    4711U
#define PEER     4713U
#define SSRC     0x12345678U
#define SEQ      1000U
#define HOP      5U
#define IFINDEX  1U

static struct rig rig;
static int xdp, tc;
static uint8_t payload[1600];

static const uint8_t party4[16] = {192, 0, 2, 10}, us4[16] = {192, 0, 2, 1},
                     us4_out[16] = {198, 51, 100, 1}, peer4[16] = {203, 0, 113, 77};
static const uint8_t party6[16] = {0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, [15] = 10},
                     us6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1},
                     us6_out[16] = {0x20, 1, 0xd, 0xb8, 0xff, [15] = 1},
                     peer6[16] = {0xfd, 0, 9, 8, 7, [14] = 0xff, [15] = 0xfe};
static const uint8_t party_mac[6] = {2, 0, 0, 0, 0, 1}, us_mac[6] = {2, 0, 0, 0, 0, 2},
                     hop_mac[6] = {4, 0xaa, 0xbb, 0xcc, 0xdd, 0xee},
                     out_mac[6] = {6, 0x11, 0x22, 0x33, 0x44, 0x55};

static uint32_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
}

static struct line *line_of(bool is_6)
{
    struct addr a = {.port = IN_PORT, .family = is_6 ? 6 : 4};

    memcpy(a.ip, is_6 ? us6 : us4, sizeof(a.ip));
    return kernel_line(rig.k, &a);
}

static void rtp_put(uint8_t *p, uint8_t type, uint16_t seq, uint32_t timestamp, uint32_t ssrc)
{
    p[0] = 0x80;
    p[1] = type;
    put16(p + 2, seq);
    put16(put16(p + 4, timestamp >> 16), timestamp & 0xffff);
    put16(put16(p + 8, ssrc >> 16), ssrc & 0xffff);
}

/* A packet of the stream as it comes in. */
static struct frame incoming(bool is_6, size_t len)
{
    struct frame f = {.is_6 = is_6,
                      .sport = PARTY,
                      .dport = IN_PORT,
                      .tos = 0x02, /* ECT(0) */
                      .ttl = 57,
                      .id = 0x1234,
                      .frag = 0x4000,
                      .payload = payload,
                      .len = len};

    memcpy(f.dmac, us_mac, 6);
    memcpy(f.smac, party_mac, 6);
    memcpy(f.src, is_6 ? party6 : party4, 16);
    memcpy(f.dst, is_6 ? us6 : us4, 16);
    rtp_put(payload, 8, SEQ + 1, 160, SSRC);
    return f;
}

/* and as it must go out */
static struct frame outgoing(const struct frame *in, bool is_out6, uint16_t vlan)
{
    struct frame f = *in;

    f.is_6 = is_out6;
    f.vlan = vlan;
    f.sport = OUT_PORT;
    f.dport = PEER;
    f.tos = 0xb8 | 0x02;
    f.ttl = 64;
    f.padding = 0;
    f.has_no_sum = in->has_no_sum && !is_out6;
    if (in->is_6 && !is_out6)
        f.id = 0;
    memcpy(f.dmac, hop_mac, 6);
    memcpy(f.smac, out_mac, 6);
    memcpy(f.src, is_out6 ? us6_out : us4_out, 16);
    memcpy(f.dst, is_out6 ? peer6 : peer4, 16);
    return f;
}

static void hop_set(uint16_t mtu, uint16_t vlan)
{
    struct hop h = {.ifindex = IFINDEX, .mtu = mtu, .vlan = htons(vlan)};

    memcpy(h.dmac, hop_mac, 6);
    memcpy(h.smac, out_mac, 6);
    kernel_hop_write(rig.k, HOP, &h);
}

/* A promoted stream whose last packet was SEQ. */
static struct line *promoted(bool is_6, bool is_out6)
{
    struct line *l = line_of(is_6);

    kernel_line_clear(l);
    l->flags = (uint8_t)((is_6 ? LINE_IN6 : 0) | (is_out6 ? LINE_OUT6 : 0) | LINE_CHECK);
    l->tos = 0xb8;
    l->khz = 8;
    l->event_pt = 101;
    l->pt = 8;
    l->cpu = LINE_NO_CPU;
    l->from_port = htons(PARTY);
    l->to_port = htons(PEER);
    l->by_port = htons(OUT_PORT);
    l->hop = HOP;
    memcpy(&l->from_ip, party4, 4);
    memcpy(&l->to_ip, peer4, 4);
    memcpy(&l->by_ip, us4_out, 4);
    memcpy(l->from_ip6, party6, 16);
    memcpy(l->to_ip6, peer6, 16);
    memcpy(l->by_ip6, us6_out, 16);
    l->ssrc = SSRC;
    l->max_ext = l->first_ext = 65536 + SEQ;
    l->seen_bits = 1;
    l->last_ms = now_ms();
    kernel_line_state(l, LINE_FAST);
    return l;
}

static int run(int prog, const struct frame *f)
{
    uint8_t in[RIG_FRAME], out[RIG_FRAME];
    size_t len;

    return rig_run(prog, in, frame_build(in, f), out, &len);
}

static uint64_t why(enum why w)
{
    uint64_t n[WHY_N];

    kernel_why(rig.k, n);
    return n[w];
}

/* The same in XDP's and in TC's words. */
static int pass_of(int prog)
{
    return prog == xdp ? XDP_PASS : TC_ACT_OK;
}

static int drop_of(int prog)
{
    return prog == xdp ? XDP_DROP : TC_ACT_SHOT;
}

static int send_of(int prog)
{
    return prog == xdp ? XDP_REDIRECT : TC_ACT_REDIRECT;
}

static int setup(void **state)
{
    struct addr a = {.family = 4}, b = {.family = 6};

    (void)state;
    memcpy(a.ip, us4, 16);
    memcpy(b.ip, us6, 16);
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(i * 7 + 3);
    hop_set(1500, 0);
    return kernel_range_set(rig.k, &a, IN_PORT, IN_PORT + 99, true) ||
           kernel_range_set(rig.k, &b, IN_PORT, IN_PORT + 99, true);
}

/* --- rewriting ---------------------------------------------------------------------------------------------------------- */

static void check_rewritten(int prog, const struct frame *in, bool is_out6, uint16_t vlan)
{
    uint8_t frame[RIG_FRAME], got[RIG_FRAME], want[RIG_FRAME];
    struct frame out = outgoing(in, is_out6, prog == tc ? 0 : vlan);
    struct line *l = promoted(in->is_6, is_out6);
    size_t got_len = 0, want_len = frame_build(want, &out);
    int r;

    hop_set(1500, vlan);
    r = rig_run(prog, frame, frame_build(frame, in), got, &got_len);
    if (r != send_of(prog) || got_len != want_len || memcmp(got, want, want_len) != 0)
        printf(
            "in6 %d out6 %d tag %d->%d len %zu padding %zu sum %d prog %s: %d, %zu of %zu bytes\n",
            in->is_6, is_out6, in->vlan, vlan, in->len, in->padding, !in->has_no_sum,
            prog == xdp ? "xdp" : "tc", r, got_len, want_len);
    assert_int_equal(r, send_of(prog));
    assert_int_equal(got_len, want_len);
    assert_memory_equal(got, want, want_len);
    assert_int_equal(l->packets, 1);
    assert_int_equal(line_sent(l), 1);
    assert_int_equal(l->bytes, in->len);
    assert_int_equal(l->max_ext, 65536 + SEQ + 1);
    assert_int_equal(l->pt, 8);
}

static void check_forms(int prog, bool is_6, bool is_out6, size_t len)
{
    static const uint16_t tags[] = {0, 0xa123};

    for (unsigned i = 0; i < 16; i++) {
        struct frame f = incoming(is_6, len);

        f.vlan = tags[i & 1];
        f.has_no_sum = (i & 4) != 0;
        f.padding = i & 8 ? 7 : 0;
        if ((is_6 && f.has_no_sum) || (prog == tc && f.vlan))
            continue;
        check_rewritten(prog, &f, is_out6, tags[i >> 1 & 1]);
    }
}

static void packets_go_out_as_they_should_byte_for_byte(void **state)
{
    static const size_t lens[] = {12, 13, 14, 15, 32, 172, 1199, 1420};

    (void)state;
    for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        for (unsigned families = 0; families < 4; families++) {
            check_forms(xdp, families & 1, families >> 1, lens[i]);
            check_forms(tc, families & 1, families >> 1, lens[i]);
        }
    }
}

static void a_checksum_that_comes_out_as_zero_is_written_as_ffff(void **state)
{
    (void)state;
    /* every value of two bytes: among them the one with which the sum is 0 */
    for (unsigned v = 0; v < 65536; v += 1) {
        struct frame f = incoming(false, 20), out;
        uint8_t want[RIG_FRAME];

        put16(payload + 14, v);
        out = outgoing(&f, false, 0);
        frame_build(want, &out);
        if (want[40] == 0xff && want[41] == 0xff) {
            check_rewritten(xdp, &f, false, 0);
            check_rewritten(tc, &f, false, 0);
            check_rewritten(xdp, &f, true, 0);
            return;
        }
    }
    fail();
}

/* --- verdicts ----------------------------------------------------------------------------------------------------------- */

static void each_program(void (*check)(int prog, bool is_6))
{
    check(xdp, false);
    check(xdp, true);
    check(tc, false);
    check(tc, true);
}

static void check_states(int prog, bool is_6)
{
    struct frame f = incoming(is_6, 172);
    struct line *l = promoted(is_6, is_6);
    uint64_t closed = why(WHY_CLOSED);

    kernel_line_state(l, LINE_STEER);
    assert_int_equal(run(prog, &f), pass_of(prog));
    kernel_line_state(l, LINE_OFF);
    assert_int_equal(run(prog, &f), drop_of(prog));
    assert_int_equal(why(WHY_CLOSED), closed + 1);
    f.dport = IN_PORT + 100;
    assert_int_equal(run(prog, &f), pass_of(prog));
    f.dport = IN_PORT;
    f.dst[3]++;
    f.dst[15]++;
    assert_int_equal(run(prog, &f), pass_of(prog));
    assert_int_equal(l->packets, 0);
}

static void a_line_that_is_not_fast_is_the_relays_and_a_closed_port_nobodys(void **state)
{
    (void)state;
    each_program(check_states);
}

static void check_strangers(int prog, bool is_6)
{
    struct line *l = promoted(is_6, is_6);
    uint64_t n = why(WHY_STRANGER);

    for (unsigned i = 0; i < 3; i++) {
        struct frame f = incoming(is_6, 172);

        if (i == 0)
            f.sport++;
        else
            f.src[is_6 ? 15 : 3]++;
        if (i == 2)
            kernel_line_state(l, LINE_STEER);
        assert_int_equal(run(prog, &f), drop_of(prog));
        assert_int_equal(l->strangers, i + 1);
    }
    assert_int_equal(why(WHY_STRANGER), n + 3);
    assert_int_equal(l->packets, 0);
    /* whoever may still send there is not known */
    l->flags &= (uint8_t)~LINE_CHECK;
    struct frame f = incoming(is_6, 172);
    f.sport++;
    assert_int_equal(run(prog, &f), pass_of(prog));
    assert_int_equal(l->strangers, 3);
}

static void strangers_are_dropped_and_counted(void **state)
{
    (void)state;
    each_program(check_strangers);
}

static void check_ssrc(int prog, bool is_6)
{
    struct frame f = incoming(is_6, 172);
    struct line *l = promoted(is_6, is_6);

    rtp_put(payload, 8, SEQ + 1, 160, SSRC + 1);
    assert_int_equal(run(prog, &f), drop_of(prog));
    assert_int_equal(l->ssrc_refused, 1);
    l->last_ms = now_ms() - SPEAKS_MS - 1;
    assert_int_equal(run(prog, &f), pass_of(prog));
    assert_int_equal(l->to_user, 1);
    assert_int_equal(l->packets, 0);
    l->last_ms = now_ms();
    l->flags |= LINE_MANY;
    assert_int_equal(run(prog, &f), send_of(prog));
    assert_int_equal(l->packets, 1);
    assert_int_equal(l->apart, 1);
    assert_int_equal(l->max_ext, 65536 + SEQ);
    assert_int_equal(l->ssrc, SSRC);
}

static void another_ssrc_is_refused_while_the_stream_speaks(void **state)
{
    (void)state;
    each_program(check_ssrc);
}

static void check_events(int prog, bool is_6)
{
    struct frame f = incoming(is_6, 16);
    struct line *l = promoted(is_6, is_6);

    rtp_put(payload, 0x80 | 101, SEQ + 1, 160, SSRC);
    assert_int_equal(run(prog, &f), pass_of(prog));
    assert_int_equal(l->packets, 1);
    assert_int_equal(l->events, 1);
    assert_int_equal(l->to_user, 1);
    assert_int_equal(line_sent(l), 0);
    assert_int_equal(l->max_ext, 65536 + SEQ + 1);
}

static void events_are_counted_and_left_to_the_relay(void **state)
{
    (void)state;
    each_program(check_events);
}

static void check_quiet(int prog, bool is_6)
{
    struct frame f = incoming(is_6, 172);
    struct line *l = promoted(is_6, is_6);
    uint8_t kept[8];

    memcpy(kept, payload + 12, 8);
    memset(payload + 12, 0xd5, 8);
    assert_int_equal(run(prog, &f), send_of(prog));
    assert_int_equal(l->pt, 8 | LINE_QUIET);
    payload[12 + 7] = 0xd4;
    rtp_put(payload, 8, SEQ + 2, 320, SSRC);
    assert_int_equal(run(prog, &f), send_of(prog));
    assert_int_equal(l->pt, 8);
    memcpy(payload + 12, kept, 8);
}

static void silence_is_seen_by_its_first_bytes(void **state)
{
    (void)state;
    each_program(check_quiet);
}

static void check_mux(int prog, bool is_6)
{
    struct frame f = incoming(is_6, 28);
    struct line *l = promoted(is_6, is_6);

    rtp_put(payload, 200, 6, 0, SSRC);
    assert_int_equal(run(prog, &f), drop_of(prog));
    assert_int_equal(l->invalid, 1);
    l->flags |= LINE_MUX;
    assert_int_equal(run(prog, &f), pass_of(prog));
    assert_int_equal(l->to_user, 1);
    payload[0] = 0; /* STUN */
    assert_int_equal(run(prog, &f), drop_of(prog));
    l->flags |= LINE_ICE;
    assert_int_equal(run(prog, &f), pass_of(prog));
    f.sport++;
    assert_int_equal(run(prog, &f), pass_of(prog));
    assert_int_equal(l->strangers, 0);
}

static void rtcp_and_stun_on_the_port_go_to_the_relay_where_agreed(void **state)
{
    (void)state;
    each_program(check_mux);
}

static void check_heads(int prog, bool is_6)
{
    struct frame f = incoming(is_6, 40);
    struct line *l = promoted(is_6, is_6);
    unsigned invalid = 0;

    payload[0] = 0x40;
    assert_int_equal(run(prog, &f), drop_of(prog));
    payload[0] = 0x88; /* 8 CSRCs: 44 bytes */
    assert_int_equal(run(prog, &f), drop_of(prog));
    payload[0] = 0x90;
    put16(payload + 14, 7); /* extension: 12 + 4 + 28 */
    assert_int_equal(run(prog, &f), drop_of(prog));
    f.len = 11;
    payload[0] = 0x80;
    assert_int_equal(run(prog, &f), drop_of(prog));
    assert_int_equal(l->invalid, invalid + 4);
    f.len = 44;
    payload[0] = 0x90;
    assert_int_equal(run(prog, &f), send_of(prog));
    payload[0] = 0x88;
    put16(payload + 2, SEQ + 2);
    assert_int_equal(run(prog, &f), send_of(prog));
    l->flags |= LINE_OPAQUE;
    f.len = 3;
    assert_int_equal(run(prog, &f), send_of(prog));
    assert_int_equal(l->packets, 3);
    assert_int_equal(l->bytes, 44 + 44 + 3);
    assert_int_equal(l->invalid, invalid + 4);
}

static void what_is_not_rtp_is_dropped_unless_the_line_is_opaque(void **state)
{
    (void)state;
    each_program(check_heads);
}

static void check_hops(int prog, bool is_6)
{
    struct frame f = incoming(is_6, 172);
    struct line *l = promoted(is_6, is_6);
    struct hop dead = {.ifindex = 0};
    uint64_t no_hop = why(WHY_HOP), too_long = why(WHY_LONG), jump = why(WHY_JUMP);

    kernel_hop_write(rig.k, HOP, &dead);
    assert_int_equal(run(prog, &f), pass_of(prog));
    hop_set(1500, 0);
    rig.k->hops[HOP].serial++; /* being written */
    assert_int_equal(run(prog, &f), pass_of(prog));
    l->hop = HOP_NONE;
    assert_int_equal(run(prog, &f), pass_of(prog));
    assert_int_equal(why(WHY_HOP), no_hop + 3);
    l->hop = HOP;
    hop_set((uint16_t)(172 + 8 + (is_6 ? 40 : 20) - 1), 0);
    assert_int_equal(run(prog, &f), pass_of(prog));
    assert_int_equal(why(WHY_LONG), too_long + 1);
    hop_set(1500, 0);
    rtp_put(payload, 8, SEQ + JUMP_AHEAD, 160, SSRC);
    assert_int_equal(run(prog, &f), pass_of(prog));
    assert_int_equal(why(WHY_JUMP), jump + 1);
    assert_int_equal(l->to_user, 5);
    assert_int_equal(l->packets, 0);
    rtp_put(payload, 8, SEQ + JUMP_AHEAD - 1, 160, SSRC);
    assert_int_equal(run(prog, &f), send_of(prog));
}

static void without_a_next_hop_or_too_long_it_goes_to_the_relay_uncounted(void **state)
{
    (void)state;
    each_program(check_hops);
}

static void check_odd(int prog, bool is_6)
{
    struct line *l = promoted(is_6, is_6);
    uint8_t in[RIG_FRAME], out[RIG_FRAME];
    struct frame f = incoming(is_6, 172);
    uint64_t fragments = why(WHY_FRAGMENT), options = why(WHY_OPTIONS);
    size_t n, len;
    uint8_t *ip = in + 14;

    n = frame_build(in, &f);
    if (is_6) {
        ip[6] = 44;
        assert_int_equal(rig_run(prog, in, n, out, &len), pass_of(prog));
        ip[6] = 0;
        assert_int_equal(rig_run(prog, in, n, out, &len), pass_of(prog));
        ip[6] = 58; /* ICMP is none of our business */
        assert_int_equal(rig_run(prog, in, n, out, &len), pass_of(prog));
    } else {
        ip[6] = 0x20;
        assert_int_equal(rig_run(prog, in, n, out, &len), pass_of(prog));
        ip[6] = 0x40;
        ip[0] = 0x46;
        assert_int_equal(rig_run(prog, in, n, out, &len), pass_of(prog));
        ip[0] = 0x45;
        ip[9] = 1;
        assert_int_equal(rig_run(prog, in, n, out, &len), pass_of(prog));
    }
    assert_int_equal(why(WHY_FRAGMENT), fragments + 1);
    assert_int_equal(why(WHY_OPTIONS), options + 1);
    n = frame_build(in, &f);
    in[0] = 1; /* multicast */
    assert_int_equal(rig_run(prog, in, n, out, &len), pass_of(prog));
    n = frame_build(in, &f);
    put16(ip + (is_6 ? 44 : 24), 179); /* UDP shorter than IP says */
    assert_int_equal(rig_run(prog, in, n, out, &len), pass_of(prog));
    put16(ip + (is_6 ? 44 : 24), 181);
    assert_int_equal(rig_run(prog, in, n, out, &len), drop_of(prog));
    assert_int_equal(l->invalid, 1);
    assert_int_equal(l->packets, 0);
    if (is_6) {
        f.has_no_sum = true;
        assert_int_equal(run(prog, &f), drop_of(prog));
    }
}

static void fragments_options_and_other_protocols_are_the_stacks(void **state)
{
    (void)state;
    each_program(check_odd);
}

static void check_cut(int prog, bool is_6)
{
    uint8_t in[RIG_FRAME], out[RIG_FRAME];
    struct frame f = incoming(is_6, 172);
    struct line *l = promoted(is_6, is_6);
    size_t n, len;

    f.vlan = prog == xdp ? 7 : 0;
    n = frame_build(in, &f);
    for (size_t cut = 14; cut < n; cut++) {
        int r = rig_run(prog, in, cut, out, &len);

        /* the kernel itself refuses some of those that have no whole header */
        if (r >= 0)
            assert_true(r == pass_of(prog) || r == drop_of(prog));
    }
    assert_int_equal(l->packets, 0);
    assert_int_equal(rig_run(prog, in, n, out, &len), send_of(prog));
}

static void a_frame_cut_anywhere_is_never_forwarded(void **state)
{
    (void)state;
    each_program(check_cut);
}

static void a_packet_on_another_processor_is_counted(void **state)
{
    struct frame f = incoming(false, 172);
    struct line *l = promoted(false, false);

    (void)state;
    assert_int_equal(run(xdp, &f), XDP_REDIRECT);
    assert_true(l->cpu != LINE_NO_CPU);
    assert_int_equal(l->other_cpu, 0);
    l->cpu = (uint8_t)(l->cpu + 100);
    put16(payload + 2, SEQ + 2);
    assert_int_equal(run(xdp, &f), XDP_REDIRECT);
    assert_int_equal(l->other_cpu, 1);
}

/* --- statistics --------------------------------------------------------------------------------------------------------- */

static uint32_t rnd_state = 0x2545F491;

static uint32_t rnd(uint32_t below)
{
    rnd_state ^= rnd_state << 13;
    rnd_state ^= rnd_state >> 17;
    rnd_state ^= rnd_state << 5;
    return rnd_state % below;
}

/* The program's clock cannot be set: what it read is taken from the line, and rtp.c is given the same. */
static void feed(struct rtp_stats *st, const struct line *l, uint16_t seq, uint32_t timestamp,
                 uint8_t pt)
{
    struct rtp_header h = {.timestamp = timestamp, .ssrc = SSRC, .seq = seq, .payload_type = pt};
    uint32_t units = l->transit + timestamp;

    rtp_stats_packet(st, &h, (uint64_t)units * 125000 + 50000);
}

static void check_same(const struct rtp_stats *st, const struct line *l)
{
    uint32_t expected = l->max_ext - l->first_ext + 1;
    uint32_t unique = 1 + l->packets - l->duplicates - l->apart; /* SEQ itself was the relay's */

    assert_int_equal(st->max_ext, l->max_ext);
    assert_int_equal(st->reordered, l->reordered);
    assert_int_equal(st->duplicates, l->duplicates);
    assert_int_equal(rtp_stats_lost(st), expected > unique ? expected - unique : 0);
    assert_int_equal(st->jitter_16, l->jitter_16);
    assert_int_equal(st->jitter_max_16, l->jitter_max_16);
}

static void statistics_are_those_of_the_relay(void **state)
{
    struct frame f = incoming(false, 172);
    struct line *l = promoted(false, false);
    struct rtp_stats st;
    uint32_t at = 65536 - 300, n = 0;

    (void)state;
    rtp_stats_init(&st, 8000);
    l->max_ext = l->first_ext = 65536 + at;
    l->transit = 0;
    l->timestamp = at * 160;
    rtp_stats_packet(
        &st,
        &(struct rtp_header){
            .timestamp = at * 160, .ssrc = SSRC, .seq = (uint16_t)at, .payload_type = 8},
        (uint64_t)at * 160 * 125000 + 50000);
    assert_int_equal(st.transit, 0);
    while (n < 10000) {
        uint32_t seq, timestamp;
        uint8_t pt = rnd(50) ? 8 : 13;

        switch (rnd(20)) {
        case 0: seq = at - rnd(14); break;      /* again, or late */
        case 1: seq = at += 2 + rnd(20); break; /* lost */
        default: seq = ++at; break;
        }
        timestamp = rnd(40) ? seq * 160 : l->timestamp;
        rtp_put(payload, pt, (uint16_t)seq, timestamp, SSRC);
        assert_int_equal(run(xdp, &f), XDP_REDIRECT);
        feed(&st, l, (uint16_t)seq, timestamp, pt);
        n++;
        check_same(&st, l);
    }
    assert_int_equal(l->packets, n);
    assert_true(l->reordered > 50 && l->duplicates > 50 && l->gaps > 50);
    assert_true(l->max_ext > 2 * 65536U); /* it has wrapped around */
}

/* --- whatever comes -------------------------------------------------------------------------------------------------------- */

/* Is it, as it stands, a packet of the stream? By another's reading of the RFCs than the program's. */
static bool is_of_stream(const uint8_t *p, size_t len, const struct frame *f)
{
    size_t at = 14, head = f->is_6 ? 40 : 20, total, need;
    struct frame untagged = *f;
    uint8_t want[RIG_FRAME];
    unsigned type;

    if (len < 18 || p[0] & 1)
        return false;
    if (p[12] == 0x81 && p[13] == 0)
        at = 18;
    type = (unsigned)p[at - 2] << 8 | p[at - 1];
    if (type != (f->is_6 ? 0x86dd : 0x0800) || len < at + head + 20)
        return false;
    untagged.vlan = 0;
    frame_build(want, &untagged);
    total =
        f->is_6 ? 40U + ((size_t)p[at + 4] << 8 | p[at + 5]) : ((size_t)p[at + 2] << 8 | p[at + 3]);
    if (total > len - at || total < head + 20 ||
        ((size_t)p[at + head + 4] << 8 | p[at + head + 5]) != total - head)
        return false;
    if (f->is_6) {
        if (p[at] >> 4 != 6 || p[at + 6] != 17 || memcmp(p + at + 8, f->src, 32) != 0 ||
            (!p[at + head + 6] && !p[at + head + 7]))
            return false;
    } else if (p[at] != 0x45 || p[at + 9] != 17 || p[at + 6] & 0x3f || p[at + 7] ||
               memcmp(p + at + 12, f->src, 4) != 0 || memcmp(p + at + 16, f->dst, 4) != 0) {
        return false;
    }
    p += at + head;
    if (memcmp(p, want + 14 + head, 4) != 0)
        return false;
    p += 8;
    need = 12U + 4U * (p[0] & 15U);
    if (p[0] & 0x10 && need + 4 <= total - head - 8)
        need += 4 + 4 * ((size_t)p[need + 2] << 8 | p[need + 3]);
    else if (p[0] & 0x10)
        return false;
    return p[0] >> 6 == 2 && !(p[1] >= 192 && p[1] <= 223) && need <= total - head - 8 &&
           memcmp(p + 8, want + 14 + head + 8 + 8, 4) == 0;
}

static void check_noise(int prog, bool is_6)
{
    uint8_t in[RIG_FRAME], out[RIG_FRAME];
    unsigned sent = 0;

    for (unsigned n = 0; n < 20000; n++) {
        struct frame f = incoming(is_6, 12 + rnd(60));
        size_t len, out_len;
        int r;

        promoted(is_6, rnd(2));
        f.padding = rnd(3) ? 0 : rnd(30);
        f.vlan = prog == xdp && rnd(4) == 0 ? (uint16_t)(1 + rnd(4000)) : 0;
        len = frame_build(in, &f);
        /* mostly in the headers */
        for (unsigned i = rnd(4); i > 0; i--)
            in[rnd(rnd(8) ? 76 : (uint32_t)len)] ^= (uint8_t)(1U << rnd(8));
        if (rnd(10) == 0)
            len = 14 + rnd((uint32_t)len - 14);
        r = rig_run(prog, in, len, out, &out_len);
        if (r != send_of(prog))
            continue;
        sent++;
        assert_true(is_of_stream(in, len, &f));
    }
    assert_true(sent > 2000);
}

static void of_frames_with_flipped_bits_only_the_streams_are_forwarded(void **state)
{
    (void)state;
    each_program(check_noise);
}

/* --- sockets and drivers ---------------------------------------------------------------------------------------------------- */

/* @return the cookie of the socket that was chosen; 0: none, the stack looks for itself */
static uint64_t steered(bool is_6, uint16_t port)
{
    struct bpf_sk_lookup in = {.family = is_6 ? 10 : 2,
                               .protocol = 17,
                               .remote_port = htons(PARTY),
                               .local_port = port},
                         out;
    LIBBPF_OPTS(bpf_test_run_opts, o, .ctx_in = &in, .ctx_size_in = sizeof(in), .ctx_out = &out,
                .ctx_size_out = sizeof(out), .repeat = 1);

    memcpy(is_6 ? in.remote_ip6 : &in.remote_ip4, is_6 ? party6 : party4, is_6 ? 16 : 4);
    memcpy(is_6 ? in.local_ip6 : &in.local_ip4, is_6 ? us6 : us4, is_6 ? 16 : 4);
    assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(rig.skel->progs.sk_steer), &o), 0);
    assert_int_equal(o.retval, SK_PASS);
    return out.cookie;
}

static int udp_socket(bool is_6, uint64_t *cookie)
{
    struct sockaddr_in6 a = {.sin6_family = is_6 ? AF_INET6 : AF_INET};
    int fd = socket(is_6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
    socklen_t len = sizeof(*cookie);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, is_6 ? sizeof(a) : sizeof(struct sockaddr_in)),
                     0);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &len), 0);
    return fd;
}

static void a_line_leads_to_the_socket_of_its_thread_and_family(void **state)
{
    (void)state;
    for (unsigned is_6 = 0; is_6 < 2; is_6++) {
        struct line *l = promoted(is_6, is_6);
        uint64_t cookie[2];
        int fd[2] = {udp_socket(is_6, &cookie[0]), udp_socket(is_6, &cookie[1])};
        uint64_t closed = why(WHY_CLOSED);

        l->thread = 3;
        assert_int_equal(steered(is_6, IN_PORT), 0);
        assert_int_equal(kernel_socket(rig.k, 3, is_6 ? 6 : 4, fd[0]), 0);
        assert_int_equal(kernel_socket(rig.k, 4, is_6 ? 6 : 4, fd[1]), 0);
        assert_int_equal(steered(is_6, IN_PORT), cookie[0]);
        kernel_line_state(l, LINE_STEER);
        l->thread = 4;
        assert_int_equal(steered(is_6, IN_PORT), cookie[1]);
        assert_int_equal(steered(is_6, IN_PORT + 100), 0);
        kernel_line_state(l, LINE_OFF);
        assert_int_equal(steered(is_6, IN_PORT), 0);
        assert_int_equal(why(WHY_CLOSED), closed + 1);
        close(fd[0]);
        close(fd[1]);
    }
}

static void frames_that_an_interface_does_not_take_are_counted(void **state)
{
    LIBBPF_OPTS(bpf_test_run_opts, o, .repeat = 8, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
    struct frame f = incoming(false, 172);
    struct bpf_link *link;
    uint8_t in[RIG_FRAME];

    (void)state;
    if (!rig.has_btf) {
        puts("SKIP: the kernel has no BTF: what drivers refuse is not seen");
        skip();
    }
    link = bpf_program__attach(rig.skel->progs.redirect_refused);
    assert_non_null(link);
    promoted(false, false);
    o.data_in = in;
    o.data_size_in = (uint32_t)frame_build(in, &f);
    if (bpf_prog_test_run_opts(xdp, &o) < 0) {
        bpf_link__destroy(link);
        puts("SKIP: the kernel runs no live frames");
        skip();
    }
    /* the first is redirected to lo, which takes none; the others are the same page with new headers */
    assert_true(kernel_tx_errors(rig.k, IFINDEX) >= 1);
    assert_true(why(WHY_REDIRECT) >= 1);
    bpf_link__destroy(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(packets_go_out_as_they_should_byte_for_byte, setup),
        cmocka_unit_test_setup(a_checksum_that_comes_out_as_zero_is_written_as_ffff, setup),
        cmocka_unit_test_setup(a_line_that_is_not_fast_is_the_relays_and_a_closed_port_nobodys,
                               setup),
        cmocka_unit_test_setup(strangers_are_dropped_and_counted, setup),
        cmocka_unit_test_setup(another_ssrc_is_refused_while_the_stream_speaks, setup),
        cmocka_unit_test_setup(events_are_counted_and_left_to_the_relay, setup),
        cmocka_unit_test_setup(silence_is_seen_by_its_first_bytes, setup),
        cmocka_unit_test_setup(rtcp_and_stun_on_the_port_go_to_the_relay_where_agreed, setup),
        cmocka_unit_test_setup(what_is_not_rtp_is_dropped_unless_the_line_is_opaque, setup),
        cmocka_unit_test_setup(without_a_next_hop_or_too_long_it_goes_to_the_relay_uncounted,
                               setup),
        cmocka_unit_test_setup(fragments_options_and_other_protocols_are_the_stacks, setup),
        cmocka_unit_test_setup(a_frame_cut_anywhere_is_never_forwarded, setup),
        cmocka_unit_test_setup(a_packet_on_another_processor_is_counted, setup),
        cmocka_unit_test_setup(statistics_are_those_of_the_relay, setup),
        cmocka_unit_test_setup(a_line_leads_to_the_socket_of_its_thread_and_family, setup),
        cmocka_unit_test_setup(frames_that_an_interface_does_not_take_are_counted, setup),
        cmocka_unit_test_setup(of_frames_with_flipped_bits_only_the_streams_are_forwarded, setup),
    };
    int r = rig_open(&rig);

    if (r != 0)
        return r;
    xdp = bpf_program__fd(rig.skel->progs.xdp_relay);
    tc = bpf_program__fd(rig.skel->progs.tc_relay);
    r = cmocka_run_group_tests(tests, NULL, NULL);
    rig_close(&rig);
    return r;
}
