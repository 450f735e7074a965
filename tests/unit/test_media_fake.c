/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The relay in memory behaves as the real one where calls can see it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "media/media_fake.h"

static struct media *m;

struct answer {
    int calls, status;
    unsigned n;
    struct media_ref ref;
    struct media_ep_state ep[2];
};

static int setup(void **state)
{
    (void)state;
    m = media_fake_new();
    return m ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    media_free(m);
    return 0;
}

static void on_done(void *arg, const struct media_result *res)
{
    struct answer *a = arg;

    a->calls++;
    a->status = res->status;
    a->n = res->n_eps;
    a->ref = res->ref;
    for (unsigned i = 0; i < res->n_eps && i < 2; i++)
        a->ep[i] = res->ep[i];
}

static struct answer open_call(uint64_t session, unsigned flags)
{
    struct media_op op[3] = {
        {.kind = MEDIA_OP_ADD, .ep = {.endpoint = 0, .family = 4}},
        {.kind = MEDIA_OP_ADD, .ep = {.endpoint = 1, .family = 6}},
        {.kind = MEDIA_OP_CONNECT, .ep = {.endpoint = 0}, .peer = 1},
    };
    struct media_open o = {
        .ref = {session, MEDIA_INDEX_NONE}, .flags = flags, .op = op, .n_ops = 3};
    struct answer a = {0};

    media_open(m, &o, on_done, &a);
    assert_int_equal(a.calls, 0);
    media_fake_run(m);
    assert_int_equal(a.calls, 1);
    return a;
}

static void a_session_has_ports_and_ends(void **state)
{
    struct answer a = open_call(5, 0), c = {0};

    (void)state;
    assert_int_equal(a.status, 0);
    assert_int_equal(a.n, 2);
    assert_int_equal(a.ep[0].local.port, 10000);
    assert_int_equal(a.ep[0].peer, 1);
    assert_int_equal(a.ep[1].local.family, 6);
    assert_int_equal(media_fake_sessions(m), 1);
    assert_int_equal(open_call(5, 0).status, -EEXIST);
    assert_int_equal(open_call(5, MEDIA_OPEN_ADOPT).ep[0].local.port, 10000);
    media_close(m, a.ref, on_done, &c);
    media_fake_run(m);
    assert_int_equal(c.status, 0);
    assert_int_equal(c.n, 2);
    assert_int_equal(media_fake_sessions(m), 0);
    assert_int_equal(media_fake_asked(m), 4);
    assert_int_equal(media_fake_request(m, 3)->type, MEDIA_CLOSE);
}

static void failures_come_as_told(void **state)
{
    struct answer a = {0};
    struct media_op op = {.kind = MEDIA_OP_ADD, .ep = {.family = 4}};
    struct media_open o = {.ref = {6, MEDIA_INDEX_NONE}, .op = &op, .n_ops = 1};

    (void)state;
    media_fake_fail(m, MEDIA_OPEN, 1, -EADDRNOTAVAIL);
    assert_int_equal(open_call(5, 0).status, -EADDRNOTAVAIL);
    assert_int_equal(open_call(5, 0).status, 0);
    media_fake_fail(m, MEDIA_OPEN, 1, -EINPROGRESS);
    media_open(m, &o, on_done, &a);
    assert_int_equal(media_fake_run(m), 0);
    media_fake_release(m, -ETIMEDOUT);
    assert_true(media_fake_pending(m));
    media_fake_run(m);
    assert_int_equal(a.status, -ETIMEDOUT);
    assert_int_equal(media_fake_sessions(m), 1);
}

static void a_modify_is_all_or_none(void **state)
{
    struct answer a = open_call(5, 0), b = {0};
    struct media_op op[2] = {{.kind = MEDIA_OP_REMOVE, .ep = {.endpoint = 0}},
                             {.kind = MEDIA_OP_REMOVE, .ep = {.endpoint = 7}}};

    (void)state;
    media_modify(m, a.ref, op, 2, on_done, &b);
    media_fake_run(m);
    assert_int_equal(b.status, -ENOENT);
    assert_non_null(media_fake_ep(m, 5, 0));
    media_modify(m, a.ref, op, 1, on_done, &b);
    media_fake_run(m);
    assert_int_equal(b.status, 0);
    assert_null(media_fake_ep(m, 5, 0));
    assert_int_equal(media_fake_peer(m, 5, 1), MEDIA_NO_PEER);
}

static int states[3], n_states;
static struct media_event last_event;

static void on_state(void *arg, bool up, bool fresh)
{
    (void)arg;
    states[n_states++] = up + fresh;
}

static void on_event(void *arg, const struct media_event *ev)
{
    (void)arg;
    last_event = *ev;
}

static void the_relay_goes_and_comes_back_fresh(void **state)
{
    struct media_handler h = {on_event, on_state, NULL};
    struct media_event ev = {.type = MEDIA_EV_INACTIVE, .ref = {5, 0}, .endpoint = 1};
    struct answer a = open_call(5, 0), b = {0};

    (void)state;
    n_states = 0;
    media_set_handler(m, &h);
    media_query(m, a.ref, on_done, &b);
    media_fake_set_up(m, false, true);
    assert_false(media_is_up(m));
    media_fake_run(m);
    assert_int_equal(b.status, -ENOTCONN);
    media_fake_set_up(m, true, true);
    media_fake_inject(m, &ev);
    media_fake_run(m);
    assert_int_equal(n_states, 2);
    assert_int_equal(states[0], 0);
    assert_int_equal(states[1], 2);
    assert_int_equal(last_event.endpoint, 1);
    assert_int_equal(media_fake_sessions(m), 0);
}

#define t(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        t(a_session_has_ports_and_ends),
        t(failures_come_as_told),
        t(a_modify_is_all_or_none),
        t(the_relay_goes_and_comes_back_fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
