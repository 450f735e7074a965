/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a relay and its successor say to each other: descriptors with their tags, refusals, the other's end, deadlines.
 * Run by make check; it starts no relay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/clock.h"
#include "relay/handed.h"

#define SOON 2000U

static int ends[2];

static uint64_t in_ms(uint32_t ms)
{
    return clock_now_ns() / 1000000U + ms;
}

static unsigned open_now(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static int setup(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
}

static int teardown(void **state)
{
    (void)state;
    close(ends[0]);
    if (ends[1] >= 0)
        close(ends[1]);
    return 0;
}

static void six_hundred_descriptors_come_in_their_order_with_their_tags(void **state)
{
    struct handed_out o;
    struct handed_packet p;
    int fd[HANDED_MAX];
    unsigned n = 0, packets = 0, before = open_now();

    (void)state;
    handed_start(&o, ends[0], in_ms(SOON));
    for (uint32_t i = 0; i < 600; i++)
        assert_int_equal(handed_put(&o, i % 2 ? HANDED_RTCP : HANDED_RTP, i / 2, ends[0]), 0);
    assert_int_equal(handed_flush(&o), 0);
    assert_int_equal(handed_flush(&o), 0); /* nothing is left: nothing is sent */
    while (n < 600) {
        assert_int_equal(handed_take(ends[1], in_ms(SOON), &p, fd), 0);
        packets++;
        for (uint32_t i = 0; i < p.n; i++, n++) {
            assert_int_equal(p.tag[i].what, n % 2 ? HANDED_RTCP : HANDED_RTP);
            assert_int_equal(p.tag[i].at, n / 2);
            assert_true(fcntl(fd[i], F_GETFD) & FD_CLOEXEC);
            close(fd[i]);
        }
    }
    assert_int_equal(packets, 3);
    assert_int_equal(open_now(), before);
}

/* A packet with one descriptor and what is said of it. */
static void send_packet(const struct handed_packet *p, size_t len)
{
    union {
        struct cmsghdr align;
        char b[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec vec = {.iov_base = (void *)(uintptr_t)p, .iov_len = len};
    struct msghdr m = {.msg_iov = &vec,
                       .msg_iovlen = 1,
                       .msg_control = control.b,
                       .msg_controllen = sizeof(control.b)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);

    *h = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(h), &ends[0], sizeof(int));
    assert_int_equal(sendmsg(ends[0], &m, 0), (ssize_t)len);
}

static void a_packet_that_does_not_fit_is_refused_and_leaves_nothing_open(void **state)
{
    static const struct {
        uint16_t version, type;
        uint32_t length, n, what;
        size_t len;
    } table[] = {
        {MEDIA_VERSION + 1, MEDIA_TAKEOVER | MEDIA_REPLY, 48, 1, HANDED_RTP, 48},
        {MEDIA_VERSION, MEDIA_HELLO, 48, 1, HANDED_RTP, 48},
        {MEDIA_VERSION, MEDIA_TAKEOVER | MEDIA_REPLY, 40, 1, HANDED_RTP, 48},
        {MEDIA_VERSION, MEDIA_TAKEOVER | MEDIA_REPLY, 48, 2, HANDED_RTP, 48},
        {MEDIA_VERSION, MEDIA_TAKEOVER | MEDIA_REPLY, 56, 2, HANDED_RTP, 56},
        {MEDIA_VERSION, MEDIA_TAKEOVER | MEDIA_REPLY, 40, 0, HANDED_RTP, 40},
        {MEDIA_VERSION, MEDIA_TAKEOVER | MEDIA_REPLY, 48, UINT32_MAX, HANDED_RTP, 48},
        {MEDIA_VERSION, MEDIA_TAKEOVER | MEDIA_REPLY, 48, 1, HANDED_END, 48},
        {MEDIA_VERSION, MEDIA_TAKEOVER | MEDIA_REPLY, 8, 1, HANDED_RTP, 8},
    };
    unsigned before = open_now();

    (void)state;
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct handed_packet p = {
            .hdr = {.version = table[i].version, .type = table[i].type, .length = table[i].length},
            .n = table[i].n,
            .tag = {{table[i].what, 0}}};
        int fd[HANDED_MAX];

        send_packet(&p, table[i].len);
        assert_int_equal(handed_take(ends[1], in_ms(SOON), &p, fd), -EBADMSG);
        assert_int_equal(open_now(), before);
    }
}

static void the_end_of_the_other_and_the_deadline_are_told(void **state)
{
    struct handed_packet p;
    struct media_hdr h;
    struct handed_out o;
    int fd[HANDED_MAX];

    (void)state;
    assert_int_equal(handed_take(ends[0], in_ms(20), &p, fd), -ETIMEDOUT);
    assert_int_equal(handed_hear(ends[0], in_ms(0), MEDIA_TAKEOVER, &h, sizeof(h)), -ETIMEDOUT);
    close(ends[1]);
    ends[1] = -1;
    assert_int_equal(handed_take(ends[0], in_ms(SOON), &p, fd), -ECONNRESET);
    handed_start(&o, ends[0], in_ms(SOON));
    assert_int_equal(handed_put(&o, HANDED_LISTEN, 0, ends[0]), 0);
    assert_int_equal(handed_flush(&o), -EPIPE);
}

static void one_who_does_not_read_is_not_waited_for_longer_than_the_deadline(void **state)
{
    struct handed_out o;
    int err = 0;

    (void)state;
    handed_start(&o, ends[0], in_ms(50));
    for (uint32_t i = 0; i < 1000000 && err == 0; i++)
        err = handed_put(&o, HANDED_RTP, i, ends[0]);
    assert_true(err == -ETIMEDOUT || err == -ETOOMANYREFS);
}

static void a_refusal_is_its_status_and_a_word_of_another_length_is_none(void **state)
{
    struct media_hdr no = {.version = MEDIA_VERSION,
                           .type = MEDIA_TAKEOVER | MEDIA_REPLY,
                           .length = sizeof(no),
                           .status = -EPROTO};
    struct handed_reply m;

    (void)state;
    assert_int_equal(handed_say(ends[0], in_ms(SOON), &no, sizeof(no)), 0);
    assert_int_equal(handed_hear(ends[1], in_ms(SOON), no.type, &m, sizeof(m)), -EPROTO);
    no.status = 0;
    assert_int_equal(handed_say(ends[0], in_ms(SOON), &no, sizeof(no)), 0);
    assert_int_equal(handed_hear(ends[1], in_ms(SOON), no.type, &m, sizeof(m)), -EBADMSG);
    assert_int_equal(handed_say(ends[0], in_ms(SOON), &no, sizeof(no)), 0);
    assert_int_equal(handed_hear(ends[1], in_ms(SOON), no.type, &m, sizeof(no)), 0);
    assert_int_equal(handed_say(ends[0], in_ms(SOON), &no, sizeof(no)), 0);
    assert_int_equal(handed_hear(ends[1], in_ms(SOON), MEDIA_TAKEOVER, &m, sizeof(no)), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(six_hundred_descriptors_come_in_their_order_with_their_tags,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_packet_that_does_not_fit_is_refused_and_leaves_nothing_open, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_of_the_other_and_the_deadline_are_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            one_who_does_not_read_is_not_waited_for_longer_than_the_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_refusal_is_its_status_and_a_word_of_another_length_is_none, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
