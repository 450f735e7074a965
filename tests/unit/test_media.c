/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client of the relay against a real one, and against one that answers late, wrongly or never.
 */
#include "core/ipc.h"
#include "relay_rig.h"

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig, rig_port(), 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    return 0;
}

/* The relay drops all connections, as if the controller's had broken. */
static void break_connections(void)
{
    struct conn *c;

    LIST_FOREACH(c, &rig.relay->conns, link)
    c->is_dead = true;
    relay_turn(rig.relay);
}

static void the_requests_of_a_turn_go_in_one_packet(void **state)
{
    const struct media_client_counters *n = media_client_counters(rig.media);
    struct media_op op = rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE);
    struct rig_answer a[10] = {{0}};
    uint64_t before = n->packets_out;

    (void)state;
    for (int i = 0; i < 10; i++) {
        struct media_open o = {.ref = rig_ref(&rig), .op = &op, .n_ops = 1};

        assert_int_not_equal(media_open(rig.media, &o, rig_done, &a[i]), 0);
        assert_int_equal(a[i].calls, 0);
    }
    rig_until(&rig, a[9].calls == 1);
    assert_int_equal(n->packets_out - before, 1);
    for (int i = 0; i < 10; i++)
        assert_int_equal(a[i].status, 0);
}

static void more_than_a_packet_holds_goes_in_several(void **state)
{
    struct media_op op[MEDIA_ENDPOINTS_MAX];
    struct rig_answer a[40] = {{0}};

    (void)state;
    for (uint8_t k = 0; k < MEDIA_ENDPOINTS_MAX; k++)
        op[k] = rig_add(k, 4, MEDIA_LATCH_LEARN_ONCE);
    for (int i = 0; i < 40; i++) {
        struct media_open o = {.ref = rig_ref(&rig), .op = op, .n_ops = MEDIA_ENDPOINTS_MAX};

        media_open(rig.media, &o, rig_done, &a[i]);
    }
    rig_until(&rig, a[0].calls == 1 && a[39].calls == 1); /* a refusal needs no packet thread */
    assert_int_equal(a[0].status, 0);
    assert_int_equal(a[0].n, MEDIA_ENDPOINTS_MAX);
    assert_int_equal(a[39].status, -EADDRNOTAVAIL);
    assert_int_equal(relay_audit(rig.relay), 0);
}

static void one_who_forgets_is_not_called(void **state)
{
    struct media_op op = rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE);
    struct media_open o = {.ref = rig_ref(&rig), .op = &op, .n_ops = 1};
    struct rig_answer a = {0}, b = {0};

    (void)state;
    media_forget(rig.media, media_open(rig.media, &o, rig_done, &a));
    media_query(rig.media, o.ref, rig_done, &b);
    rig_until(&rig, b.calls == 1);
    assert_int_equal(a.calls, 0);
    media_forget(rig.media, 0);
}

static void out_of_bounds_is_refused_and_harms_nobody(void **state)
{
    struct media_op op = rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE);

    (void)state;
    op.ep.dscp = 64;
    assert_int_equal(rig_ask(&rig, MEDIA_OPEN, rig_ref(&rig), &op, 1).status, -EINVAL);
    op.ep.dscp = 46;
    assert_int_equal(rig_ask(&rig, MEDIA_OPEN, rig_ref(&rig), &op, 1).status, 0);
    op.ep.pool = 1;
    assert_int_equal(rig_ask(&rig, MEDIA_OPEN, rig_ref(&rig), &op, 1).status, -ENODEV);
}

static void a_callback_sees_the_time_at_which_it_runs(void **state)
{
    struct media_op op = rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE);
    struct media_open o = {.ref = rig_ref(&rig), .op = &op, .n_ops = 1};
    struct rig_answer a = {0};

    (void)state;
    media_open(rig.media, &o, rig_done, &a);
    rig.clock.mono_ms = 1; /* the loop slept; an end noted as that would be billed wrongly */
    for (int i = 0; i < 1000 && a.calls == 0; i++)
        event_base_loop(rig.base, EVLOOP_ONCE);
    assert_int_equal(a.calls, 1);
    assert_int_not_equal(rig.clock.mono_ms, 1);
}

static int n_listed;

static void on_list(void *arg, int status, const struct media_list_reply *r)
{
    assert_int_equal(status, 0);
    assert_int_equal(r->next, MEDIA_INDEX_NONE);
    n_listed = (int)r->n;
    *(int *)arg = 1;
}

static void sessions_of_this_client_are_listed(void **state)
{
    int done = 0;

    (void)state;
    for (int i = 0; i < 3; i++)
        rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    media_list_sessions(rig.media, 0, on_list, &done);
    rig_until(&rig, done);
    assert_int_equal(n_listed, 3);
}

static void a_lost_connection_fails_what_waits_and_comes_back(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE), b = {0};

    (void)state;
    break_connections();
    rig_until(&rig, rig.downs == 1);
    assert_false(media_is_up(rig.media));
    media_query(rig.media, a.ref, rig_done, &b);
    assert_int_equal(b.calls, 0);
    rig_until(&rig, b.calls == 1);
    assert_int_equal(b.status, -ENOTCONN);
    rig_until(&rig, rig.ups == 2);
    assert_int_equal(rig.fresh, 1); /* the first time only: it is the same relay */
    assert_int_equal(rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0).status, 0);
}

static void a_close_while_it_is_away_is_done_on_return(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE), b = {0};

    (void)state;
    break_connections();
    rig_until(&rig, rig.downs == 1);
    media_close(rig.media, a.ref, rig_done, &b);
    rig_until(&rig, b.calls == 1);
    assert_int_equal(b.status, -ENOTCONN);
    assert_int_equal(relay_sessions(rig.relay), 1);
    rig_until(&rig, relay_sessions(rig.relay) == 0);
}

/* ---- a relay that is played by the test ------------------------------------------------------------------------ */

static int listen_fd, peer_fd;
static struct event *beat; /* so that the loop never waits for ever */
static _Alignas(8) uint8_t packet[MEDIA_PACKET_MAX];

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static int fake_setup(void **state)
{
    struct timeval tv = {0, 10000};

    (void)state;
    memset(&rig, 0, sizeof(rig));
    snprintf(rig.path, sizeof(rig.path), "/tmp/td-media-%d.sock", (int)getpid());
    log_set_level(LOG_ERROR);
    rig.base = event_base_new();
    clock_init(&rig.clock);
    rig.timers = timers_new(rig.base, &rig.clock);
    listen_fd = ipc_listen(rig.path, SOCK_SEQPACKET, 0660, (gid_t)-1);
    assert_true(listen_fd >= 0);
    beat = event_new(rig.base, -1, EV_PERSIST, on_beat, NULL);
    event_add(beat, &tv);
    rig.media = rig_client(&rig, 1, 1);
    return 0;
}

static int fake_teardown(void **state)
{
    (void)state;
    media_free(rig.media);
    event_free(beat);
    timers_free(rig.timers);
    event_base_free(rig.base);
    close(peer_fd);
    close(listen_fd);
    unlink(rig.path);
    return 0;
}

/* The next packet from the client: its first message. */
static struct media_hdr next_message(void)
{
    ssize_t n = -1;

    rig_until(&rig, (n = recv(peer_fd, packet, sizeof(packet), MSG_DONTWAIT), n > 0));
    return *(struct media_hdr *)(void *)packet;
}

static void say(const void *msg, size_t len)
{
    assert_int_equal(send(peer_fd, msg, len, MSG_NOSIGNAL), len);
}

static void welcome(void)
{
    struct media_hello_reply r = {.boot = 77};

    rig_until(&rig, (peer_fd = ipc_accept(listen_fd), peer_fd >= 0));
    r.hdr = next_message();
    assert_int_equal(r.hdr.type, MEDIA_HELLO);
    r.hdr.type |= MEDIA_REPLY;
    r.hdr.length = sizeof(r);
    say(&r, sizeof(r));
    rig_until(&rig, (media_is_up(rig.media)));
}

static void a_relay_that_hangs_is_given_up_after_two_seconds(void **state)
{
    struct media_op op = rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE);
    struct media_open o = {.ref = rig_ref(&rig), .op = &op, .n_ops = 1};
    uint64_t start = clock_now_ns();
    struct rig_answer a = {0};

    (void)state;
    welcome();
    media_open(rig.media, &o, rig_done, &a);
    rig_until(&rig, a.calls == 1);
    assert_int_equal(a.status, -ETIMEDOUT);
    assert_in_range((clock_now_ns() - start) / 1000000U, 1900, 4000);
    rig_until(&rig, rig.downs == 1);
    assert_int_equal(media_client_counters(rig.media)->timeouts, 1);
}

static void a_session_opened_too_late_is_closed_again(void **state)
{
    struct media_op op = rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE);
    struct media_open o = {.ref = rig_ref(&rig), .op = &op, .n_ops = 1};
    struct media_session_state late = {.n = 0};
    struct media_event_msg ev = {.endpoint = 0};
    uint64_t start = clock_now_ns();
    struct rig_answer a = {0};

    (void)state;
    welcome();
    media_open(rig.media, &o, rig_done, &a);
    late.hdr = next_message();
    assert_int_equal(late.hdr.type, MEDIA_OPEN);
    /* it lives: it says something else meanwhile */
    ev.hdr = late.hdr;
    ev.hdr.type = MEDIA_EV_ACTIVE;
    ev.hdr.length = sizeof(ev);
    rig_until(&rig, clock_now_ns() - start > 1000000000U);
    say(&ev, sizeof(ev));
    rig_until(&rig, a.calls == 1);
    assert_int_equal(a.status, -ETIMEDOUT);
    late.hdr.type |= MEDIA_REPLY;
    late.hdr.length = sizeof(late);
    late.hdr.index = 5;
    say(&late, sizeof(late));
    assert_int_equal(next_message().type, MEDIA_CLOSE);
    assert_int_equal(((struct media_hdr *)(void *)packet)->session, o.ref.session);
    assert_int_equal(((struct media_hdr *)(void *)packet)->index, 5);
    assert_int_equal(a.calls, 1);
}

/* All that has come: is there a CLOSE of this session? */
static bool close_has_come(uint64_t session)
{
    ssize_t n;

    while ((n = recv(peer_fd, packet, sizeof(packet), MSG_DONTWAIT)) > 0)
        for (ssize_t off = 0; off < n;) {
            const struct media_hdr *h = (const struct media_hdr *)(void *)(packet + off);

            if (h->type == MEDIA_CLOSE && h->session == session)
                return true;
            off += (ssize_t)h->length;
        }
    return false;
}

static void a_close_without_room_is_done_when_there_is_some(void **state)
{
    struct media_op op[MEDIA_OPS_MAX];
    struct media_open o = {.op = op, .n_ops = MEDIA_OPS_MAX};
    size_t len = sizeof(struct media_session_ops) + sizeof(op);
    struct rig_answer a = {0};

    (void)state;
    welcome();
    for (unsigned i = 0; i < MEDIA_OPS_MAX; i++)
        op[i] = rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE);
    /* 4 MiB may wait; what is left behind the last large one is filled with small ones */
    for (size_t i = 0; i < ((size_t)4 << 20) / len; i++) {
        o.ref = rig_ref(&rig);
        media_open(rig.media, &o, NULL, NULL);
    }
    for (size_t i = 0; i < len / sizeof(struct media_hdr); i++)
        media_query(rig.media, o.ref, NULL, NULL);
    media_close(rig.media, o.ref, rig_done, &a);
    rig_until(&rig, close_has_come(o.ref.session));
    assert_int_equal(a.status, -ENOTCONN);
    assert_int_equal(rig.downs, 0);
}

static void nonsense_ends_the_connection(void **state)
{
    static const uint8_t nonsense[40] = {1, 2, 3};

    (void)state;
    welcome();
    say(nonsense, sizeof(nonsense));
    rig_until(&rig, rig.downs == 1);
}

static void a_reply_whose_numbers_disagree_ends_the_connection(void **state)
{
    struct media_session_state r = {.n = 3}; /* and none follows */
    struct rig_answer a = {0};

    (void)state;
    welcome();
    media_query(rig.media, (struct media_ref){9, 9}, rig_done, &a);
    r.hdr = next_message();
    r.hdr.type |= MEDIA_REPLY;
    r.hdr.length = sizeof(r);
    say(&r, sizeof(r));
    rig_until(&rig, rig.downs == 1);
}

#define t(f)  cmocka_unit_test_setup_teardown(f, setup, teardown)
#define tf(f) cmocka_unit_test_setup_teardown(f, fake_setup, fake_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        t(the_requests_of_a_turn_go_in_one_packet),
        t(more_than_a_packet_holds_goes_in_several),
        t(one_who_forgets_is_not_called),
        t(a_callback_sees_the_time_at_which_it_runs),
        t(out_of_bounds_is_refused_and_harms_nobody),
        t(sessions_of_this_client_are_listed),
        t(a_lost_connection_fails_what_waits_and_comes_back),
        t(a_close_while_it_is_away_is_done_on_return),
        tf(a_relay_that_hangs_is_given_up_after_two_seconds),
        tf(a_session_opened_too_late_is_closed_again),
        tf(a_close_without_room_is_done_when_there_is_some),
        tf(nonsense_ends_the_connection),
        tf(a_reply_whose_numbers_disagree_ends_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
