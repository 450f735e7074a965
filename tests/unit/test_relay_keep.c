/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The relay's journal: what a killed relay leaves, the next one goes on with, on the same ports and with what was counted.
 * A kill is a copy of the file while the relay lives: the file of one that ends well is empty, and gone.
 */
#include "relay_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "relay/keep.h"
#include "relay/kernel.h"

static struct rig rig;
static char journal[128], copy[160];

static void start(void)
{
    struct relay_param p = {
        .base = rig.base, .socket_path = rig.path, .threads = 2, .journal = journal};

    rig.relay = relay_new(&p);
    assert_non_null(rig.relay);
}

static int setup(void **state)
{
    (void)state;
    rig_init(&rig, rig_port(), 40);
    snprintf(journal, sizeof journal, "%s.sessions", rig.path);
    snprintf(copy, sizeof copy, "%s.copy", journal);
    relay_free(rig.relay);
    rig_until(&rig, rig.downs == 1);
    start();
    rig_until(&rig, rig.ups == 2);
    rig.fresh = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    (void)unlink(journal);
    (void)unlink(copy);
    return 0;
}

static void file_copy(const char *from, const char *to)
{
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    static char buf[65536];
    size_t n;

    assert_non_null(in);
    assert_non_null(out);
    while ((n = fread(buf, 1, sizeof buf, in)) > 0)
        assert_int_equal(fwrite(buf, 1, n, out), n);
    fclose(in);
    fclose(out);
}

/* The relay is killed now; what it does meanwhile never was. */
static void killed(void)
{
    int ups = rig.ups;

    file_copy(journal, copy);
    relay_free(rig.relay);
    assert_int_equal(access(journal, F_OK), -1);
    assert_int_equal(rename(copy, journal), 0);
    start();
    rig_until(&rig, rig.ups == ups + 1);
}

/* An operator starts a second one by hand: calls of the first must not notice. */
static void a_second_relay_leaves_the_lines_of_the_first_alone(void **state)
{
    struct kernel *k = kernel_new_memory(16);
    struct relay_param p = {.base = rig.base, .threads = 1, .journal = journal, .kernel = k};
    struct relay *second;

    (void)state;
    assert_non_null(k);
    k->lines[3].state = LINE_STEER;
    k->about->boot = 77;
    second = relay_new(&p);
    assert_non_null(second);
    assert_int_equal(relay_path(second), MEDIA_PATH_SOCKETS);
    assert_non_null(strstr(relay_no_kernel(second), "another"));
    assert_int_equal(k->lines[3].state, LINE_STEER);
    assert_int_equal(k->about->boot, 77);
    assert_int_equal(k->sock_fds[0], -1);
    relay_free(second);
    kernel_free(k);
}

/* A number that bent bytes have made; the controller's next word counts all the same. */
static void pools_that_were_left_are_older_than_any_that_comes(void **state)
{
    uint16_t next = (uint16_t)(rig_port() + 40);
    struct rig_answer a;

    (void)state;
    media_free(rig.media);
    rig.media = rig_client(&rig, UINT32_MAX, 1);
    rig_pools(rig.media, rig_port(), 20, UINT32_MAX);
    rig_until(&rig, rig.ups == 3);
    a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    rig_ask(&rig, MEDIA_CLOSE, a.ref, NULL, 0);
    media_free(rig.media);
    rig.media = rig_client(&rig, 1000, 1);
    rig_pools(rig.media, next, 20, 1);
    rig_until(&rig, rig.ups == 4);
    a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    assert_true(a.ep[0].local.port < next); /* it is older than what there is */
    killed();
    a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    assert_true(a.ep[0].local.port >= next);
    rig_ask(&rig, MEDIA_CLOSE, a.ref, NULL, 0);
}

/* Bytes anywhere behind the version: of pools, of endpoints, of what they were told. */
static void bend(unsigned *seed)
{
    FILE *f = fopen(copy, "r+");
    long size;

    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size = ftell(f);
    for (unsigned i = 0; i < 200; i++) {
        static const int with[] = {0, 1, 0x7f, 0xc0, 0xff};
        long at = 40 + rand_r(seed) % (i % 4 ? size - 40 : 1000);

        assert_int_equal(fseek(f, at, SEEK_SET), 0);
        assert_int_not_equal(fputc(with[rand_r(seed) % 5], f), EOF);
    }
    assert_int_equal(fclose(f), 0);
}

static void a_journal_that_is_bent_ends_nobody(void **state)
{
    unsigned seed = 7;

    (void)state;
    for (int i = 0; i < 4; i++)
        (void)rig_call(&rig, 4, 6, MEDIA_LATCH_LEARN_ONCE);
    for (int i = 0; i < 20; i++) {
        file_copy(journal, copy);
        relay_free(rig.relay);
        bend(&seed);
        assert_int_equal(rename(copy, journal), 0);
        start();
        assert_int_equal(relay_audit(rig.relay), 0);
        rig_until(&rig, rig.ups == 3 + i);
    }
}

static void sessions_go_on_with_ports_parties_and_counters(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 6, MEDIA_LATCH_LEARN_ONCE), q, b;
    struct party in, out, stranger;

    (void)state;
    b = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    party_init(&in, 4, 1);
    party_init(&out, 6, 2);
    party_init(&stranger, 4, 3);
    party_send(&in, &a.ep[0].local);
    rig_until(&rig, rig.n_events == 1);
    party_send(&out, &a.ep[1].local);
    party_expect(&in, &a.ep[0].local);
    for (int i = 0; i < 20; i++) {
        party_send(&in, &a.ep[0].local);
        party_expect(&out, &a.ep[1].local);
    }
    rig_until(&rig, rig.n_events == 2);
    /* a packet is counted behind its sending */
    assert_int_equal(rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0).ep[1].n.sent_packets, 20);
    killed();
    assert_int_equal(rig.fresh, 0); /* to the controller it is the same relay */
    assert_int_equal(relay_sessions(rig.relay), 2);
    assert_int_equal(relay_audit(rig.relay), 0);
    for (int i = 0; i < 10; i++) {
        party_send(&in, &a.ep[0].local);
        party_expect(&out, &a.ep[1].local);
        party_send(&out, &a.ep[1].local);
        party_expect(&in, &a.ep[0].local);
    }
    party_send(&stranger, &a.ep[0].local);
    party_send(&in, &a.ep[0].local);
    party_expect(&out, &a.ep[1].local);
    q = rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0);
    assert_int_equal(q.status, 0);
    assert_int_equal(q.ref.index, a.ref.index);
    assert_int_equal(q.ep[0].n.packets, 32);
    assert_int_equal(q.ep[1].n.sent_packets, 31);
    assert_int_equal(q.ep[0].n.lost, 0);
    assert_int_equal(q.ep[0].n.ssrc_changes, 0);
    assert_int_equal(q.ep[0].n.strangers, 1);
    assert_true(addr_eq(&q.ep[0].local, &a.ep[0].local));
    /* new ones get other ports; what is closed is closed */
    assert_int_equal(rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE).status, 0);
    assert_int_equal(relay_audit(rig.relay), 0);
    assert_int_equal(rig_ask(&rig, MEDIA_CLOSE, a.ref, NULL, 0).ep[0].n.packets, 32);
    assert_int_equal(rig_ask(&rig, MEDIA_CLOSE, b.ref, NULL, 0).status, 0);
    assert_int_equal(relay_sessions(rig.relay), 1);
    assert_int_equal(relay_audit(rig.relay), 0);
    close(in.fd);
    close(out.fd);
    close(stranger.fd);
}

static void sessions_go_on_with_ports_that_their_pool_has_no_more(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE), b;
    uint16_t next = (uint16_t)(rig_port() + 40);
    struct party in, out;

    (void)state;
    rig_pools(rig.media, next, 20, 2);
    b = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    assert_true(b.ep[0].local.port >= next);
    killed();
    assert_int_equal(relay_sessions(rig.relay), 2);
    assert_int_equal(relay_audit(rig.relay), 0);
    party_init(&in, 4, 1);
    party_init(&out, 4, 2);
    party_send(&in, &a.ep[0].local);
    rig_until(&rig, rig.n_events >= 1);
    party_send(&out, &a.ep[1].local);
    party_expect(&in, &a.ep[0].local);
    assert_int_equal(rig_ask(&rig, MEDIA_CLOSE, a.ref, NULL, 0).ep[0].n.packets, 1);
    assert_int_equal(rig_ask(&rig, MEDIA_CLOSE, b.ref, NULL, 0).status, 0);
    assert_int_equal(relay_audit(rig.relay), 0);
    close(in.fd);
    close(out.fd);
}

static void again_and_again(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);

    (void)state;
    for (int i = 0; i < 5; i++) {
        killed();
        assert_int_equal(relay_sessions(rig.relay), 1);
        assert_int_equal(relay_audit(rig.relay), 0);
    }
    assert_int_equal(rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0).ep[1].peer, 0);
    assert_int_equal(rig_ask(&rig, MEDIA_CLOSE, a.ref, NULL, 0).status, 0);
    killed();
    assert_int_equal(relay_sessions(rig.relay), 0);
}

/* As the relay does it, up to the middle of the second session; there it is killed. */
static void take_up_and_die(void *arg, const struct kept *left, unsigned n)
{
    static struct controller owner;
    static unsigned sessions;
    struct session s = {.id = left->session, .index = left->index, .owner = &owner};
    struct keep *k = arg;

    snprintf(owner.node, sizeof owner.node, "%s", left->node);
    owner.worker = left->worker;
    owner.epoch = left->epoch;
    for (unsigned i = 0; i < (sessions ? 1 : n); i++) {
        s.ep[i] = keep_new(k);
        memcpy(s.ep[i], left[i].ep, sizeof(*s.ep[i]));
        s.ep[i]->n.packets += 7; /* it has counted on */
    }
    keep_end(k, &s);
    if (sessions++)
        _exit(0);
}

static void killed_while_it_takes_sessions_up(void **state)
{
    struct rig_answer a[3];
    int ups = rig.ups, status;
    unsigned later = 0;
    pid_t pid;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        a[i] = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    file_copy(journal, copy);
    relay_free(rig.relay);
    assert_int_equal(rename(copy, journal), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        uint64_t boot = 1;
        struct keep *k = NULL;

        if (keep_open(journal, &boot, &k) == 0)
            keep_each(k, take_up_and_die, k);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    start();
    rig_until(&rig, rig.ups == ups + 1);
    assert_int_equal(relay_sessions(rig.relay), 3);
    assert_int_equal(relay_audit(rig.relay), 0);
    for (unsigned i = 0; i < 3; i++) {
        struct rig_answer q = rig_ask(&rig, MEDIA_QUERY, a[i].ref, NULL, 0);

        assert_int_equal(q.status, 0);
        assert_int_equal(q.n, 2);
        for (unsigned e = 0; e < 2; e++) {
            assert_true(addr_eq(&q.ep[e].local, &a[i].ep[e].local));
            later += q.ep[e].n.packets == 7;
        }
        assert_int_equal(rig_ask(&rig, MEDIA_CLOSE, a[i].ref, NULL, 0).status, 0);
    }
    assert_int_equal(later, 3); /* of the younger ones */
    killed();
    assert_int_equal(relay_sessions(rig.relay), 0);
}

static void what_nobody_claims_is_an_orphan(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);

    (void)state;
    assert_int_equal(a.status, 0);
    file_copy(journal, copy);
    media_free(rig.media);
    relay_free(rig.relay);
    assert_int_equal(rename(copy, journal), 0);
    start();
    assert_int_equal(relay_sessions(rig.relay), 1);
    rig.media = rig_client(&rig, 2000, 1); /* another process of that node */
    rig_until(&rig, relay_sessions(rig.relay) == 0);
    assert_int_equal(relay_audit(rig.relay), 0);
}

static void another_layout_is_refused_as_a_whole(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    uint64_t other = 1;
    FILE *f;

    (void)state;
    assert_int_equal(a.status, 0);
    file_copy(journal, copy);
    relay_free(rig.relay);
    f = fopen(copy, "r+");
    assert_int_equal(fseek(f, 8, SEEK_SET), 0);
    assert_int_equal(fwrite(&other, sizeof other, 1, f), 1);
    fclose(f);
    assert_int_equal(rename(copy, journal), 0);
    start();
    rig_until(&rig, rig.fresh == 1);
    assert_int_equal(relay_sessions(rig.relay), 0);
    assert_int_equal(rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE).status, 0);
    assert_int_equal(relay_audit(rig.relay), 0);
}

static void two_relays_never_write_the_same_one(void **state)
{
    uint64_t boot = 5;
    struct keep *k;

    (void)state;
    assert_int_equal(keep_open(journal, &boot, &k), -EWOULDBLOCK);
    assert_int_equal(boot, 5);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(sessions_go_on_with_ports_parties_and_counters),
        T(sessions_go_on_with_ports_that_their_pool_has_no_more),
        T(again_and_again),
        T(killed_while_it_takes_sessions_up),
        T(what_nobody_claims_is_an_orphan),
        T(another_layout_is_refused_as_a_whole),
        T(two_relays_never_write_the_same_one),
        T(pools_that_were_left_are_older_than_any_that_comes),
        T(a_second_relay_leaves_the_lines_of_the_first_alone),
        T(a_journal_that_is_bent_ends_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
