/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS between two ends on loopback: who is believed to be whom, what is refused before a byte of SIP, and files that cannot be used.
 */
#include "conn_rig.h"
#include "tls_certs.h"
#include "sip/tls_priv.h"

static struct rig rig;
static char dir[] = "/tmp/test_tls.XXXXXX";
static char server_pem[64], client_pem[64], ca_pem[64];
static struct cert ca;
static struct conf conf;
static struct conf_listen listen_conf;
static struct conf_tls tls_conf;
static struct tls_set *set_a, *set_b;

/* The configuration of an end: its tls socket is number 3, behind three of UDP. */
static struct tls_set *set_of(const char *pem, enum conf_verify verify)
{
    static struct conf_addr udp[3];
    struct tls_set *set = NULL;
    char why[256];

    tls_conf = (struct conf_tls){.cert = pem, .ca = ca_pem, .verify = verify};
    listen_conf = (struct conf_listen){.name = "x"};
    listen_conf.udp.v = udp;
    listen_conf.udp.n = 3;
    listen_conf.tls.v = &tls_conf;
    listen_conf.tls.n = 1;
    conf.listen.v = &listen_conf;
    conf.listen.n = 1;
    if (tls_set_new(&conf, &set, why, sizeof(why)) < 0)
        fail_msg("%s", why);
    return set;
}

static int group_setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(server_pem, sizeof(server_pem), "%s/server.pem", dir);
    snprintf(client_pem, sizeof(client_pem), "%s/client.pem", dir);
    snprintf(ca_pem, sizeof(ca_pem), "%s/ca.pem", dir);
    ca = cert_new(NULL, "ca", NULL, 400);
    cert_write(&ca, ca_pem);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    cert_free(&ca);
    unlink(server_pem);
    unlink(client_pem);
    unlink(ca_pem);
    return rmdir(dir);
}

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    rig_listen(&rig.a, PROTO_TLS, 100, 4);
    rig_listen(&rig.b, PROTO_TLS, 100, 4);
    rig.a.name[0] = "b.example";
    rig.b.name[0] = "a.example";
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    tls_set_free(set_a);
    tls_set_free(set_b);
    set_a = set_b = NULL;
    return 0;
}

/* a calls b; b's certificate has this name and these alternative names. */
static void arm(const char *cn, const char *san, int days, enum conf_verify verify)
{
    cert_issue(&ca, "a.example", "DNS:a.example", 100, client_pem);
    cert_issue(&ca, cn, san, days, server_pem);
    set_a = set_of(client_pem, CONF_VERIFY_NONE);
    set_b = set_of(server_pem, verify);
    conns_tls(rig.a.conns, set_a);
    conns_tls(rig.b.conns, set_b);
}

static bool crosses(void)
{
    struct flow f = rig_flow(&rig.a, &rig.b, PROTO_TLS);

    assert_int_equal(rig_send(&rig.a, &f), 0);
    RIG_UNTIL(&rig, rig.b.got + rig.a.unsent > 0);
    return rig.b.got > 0;
}

static void a_message_crosses_when_names_fit(void **state)
{
    (void)state;
    arm("x", "DNS:other.example,DNS:B.Example", 100, CONF_VERIFY_REQUIRE);
    rig.b.answer = true;
    assert_true(crosses());
    RIG_UNTIL(&rig, rig.a.got == 1);
    assert_true(tls_cert_has(rig.b.flow.cert, "a.example"));
    assert_false(tls_cert_has(rig.b.flow.cert, "b.example"));
    assert_true(tls_cert_has(rig.a.flow.cert, "b.example"));
    assert_true(tls_cert_has(rig.a.flow.cert, "OTHER.example."));
    assert_false(tls_cert_has(0, "b.example"));
    assert_false(tls_cert_has(TLS_CERTS_MAX, "b.example"));
    assert_int_equal(stat_get(&rig.b.stats, STAT_tls_handshakes), 1);
}

static void every_trunk_may_have_a_certificate_of_its_own(void **state)
{
    struct cert c = cert_new(NULL, "first.example", "DNS:first.example", 9);
    uint32_t first = tls_cert_number(c.x), n = first;

    (void)state;
    assert_true(first > 0);
    for (unsigned i = 0; i < 1500; i++) { /* the same key: what counts is the certificate */
        ASN1_INTEGER_set(X509_get_serialNumber(c.x), 100000L + i);
        assert_true(X509_sign(c.x, c.key, EVP_sha256()) > 0);
        assert_int_equal(tls_cert_number(c.x), ++n);
        assert_int_equal(tls_cert_number(c.x), n);
    }
    assert_true(tls_cert_has(n, "first.example"));
    assert_true(tls_cert_has(first, "first.example"));
    assert_false(tls_cert_has(n + 1, "first.example"));
    cert_free(&c);
}

struct row {
    const char *cn, *san;
    int days;
    bool fits;
};

static void one_row(const struct row *r)
{
    arm(r->cn, r->san, r->days, CONF_VERIFY_NONE);
    if (crosses() != r->fits)
        fail_msg("CN %s, SAN %s, %d days", r->cn, r->san ? r->san : "none", r->days);
    if (!r->fits) {
        assert_int_equal(stat_get(&rig.a.stats, STAT_tls_failed), 1);
        assert_int_equal(rig.a.failed, 1);
        assert_int_equal(stat_get(&rig.b.stats, STAT_sip_rx), 0);
    }
}

static void names_are_checked_as_rfc_5922_says(void **state)
{
    static const struct row rows[] = {
        {"b.example", NULL, 100, true},              /* the common name, without others */
        {"b.example", "DNS:c.example", 100, false},  /* which others hide */
        {"x", "URI:sip:b.example", 100, true},       /* §7.1 */
        {"x", "URI:sip:user@b.example", 100, false}, /* a person, no domain */
        {"x", "URI:https://b.example", 100, false},  /* another scheme */
        {"x", "DNS:*.example", 100, false},          /* §7.2: no wildcards */
        {"x", "DNS:sub.b.example", 100, false},      /* whole names */
        {"x", "IP:192.0.2.7", 100, false},           /* */
        {"x", "DNS:b.example", -1, false},           /* expired */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (i > 0)
            setup(state);
        one_row(&rows[i]);
        if (i + 1 < sizeof(rows) / sizeof(rows[0]))
            teardown(state);
    }
}

static void a_peer_by_address_shows_its_address(void **state)
{
    (void)state;
    rig.a.name[0] = "127.0.0.1";
    arm("x", "IP:127.0.0.1", 100, CONF_VERIFY_NONE);
    assert_true(crosses());
}

static void another_authority_is_refused(void **state)
{
    struct cert other = cert_new(NULL, "b.example", "DNS:b.example", 100);

    (void)state;
    arm("x", "DNS:b.example", 100, CONF_VERIFY_NONE);
    cert_write(&other, server_pem);
    tls_set_free(set_b);
    set_b = set_of(server_pem, CONF_VERIFY_NONE);
    conns_tls(rig.b.conns, set_b);
    assert_false(crosses());
    cert_free(&other);
}

static void a_client_without_certificate_has_no_name_or_is_refused(void **state)
{
    (void)state;
    arm("x", "DNS:b.example", 100, CONF_VERIFY_NONE);
    assert_true(crosses());
    assert_int_equal(rig.b.flow.cert, 0); /* none was asked for */
}

static void a_stranger_has_no_name_whatever_it_shows(void **state)
{
    (void)state;
    arm("x", "DNS:b.example", 100, CONF_VERIFY_REQUEST);
    rig.b.source = CONN_STRANGER;
    assert_true(crosses());
    assert_int_equal(rig.b.flow.cert, 0); /* the table of names is the carriers' */
}

static unsigned visits(unsigned n)
{
    uint64_t before = stat_get(&rig.b.stats, STAT_conn_accepted);

    for (unsigned i = 0; i < n; i++) {
        int fd = rig_connect(&rig.b.local);

        rig_turns(&rig, 4);
        close(fd);
        RIG_UNTIL(&rig, conns_total(rig.b.conns) == 0);
    }
    return (unsigned)(stat_get(&rig.b.stats, STAT_conn_accepted) - before);
}

static void handshakes_of_strangers_are_few_a_second(void **state)
{
    (void)state;
    arm("x", "DNS:b.example", 100, CONF_VERIFY_NONE);
    rig.b.source = CONN_STRANGER;
    assert_int_equal(visits(CONN_STRANGER_TLS + 20), CONN_STRANGER_TLS);
    assert_int_equal(stat_get(&rig.b.stats, STAT_conn_refused_limit), 20);
    rig.b.source = CONN_KNOWN;
    assert_int_equal(visits(5), 5);
    rig.b.source = CONN_STRANGER;
    rig_wait(&rig, 1000);
    assert_int_equal(visits(5), 5);
}

static void a_client_of_another_authority_is_refused(void **state)
{
    struct cert other = cert_new(NULL, "a.example", "DNS:a.example", 100);
    struct flow f;

    (void)state;
    arm("x", "DNS:b.example", 100, CONF_VERIFY_REQUEST);
    cert_write(&other, client_pem);
    tls_set_free(set_a);
    set_a = set_of(client_pem, CONF_VERIFY_NONE);
    conns_tls(rig.a.conns, set_a);
    f = rig_flow(&rig.a, &rig.b, PROTO_TLS);
    assert_int_equal(rig_send(&rig.a, &f), 0);
    RIG_UNTIL(&rig, stat_get(&rig.b.stats, STAT_tls_failed) == 1);
    assert_int_equal(rig.b.got, 0);
    /* with TLS 1.3 we hear of it behind our end of the handshake: it is told as one that failed */
    RIG_UNTIL(&rig, stat_get(&rig.a.stats, STAT_tls_failed) == 1);
    cert_free(&other);
}

static void an_accepted_connection_carries_requests_only_to_whom_it_shows_to_be(void **state)
{
    struct flow back;

    (void)state;
    arm("x", "DNS:b.example", 100, CONF_VERIFY_REQUEST);
    assert_true(crosses());
    back = rig.b.flow;
    back.conn = 0;
    back.owner = 7;
    rig.b.name[0] = "a.example"; /* trunk 7's: the certificate has it */
    assert_int_equal(rig_send(&rig.b, &back), 0);
    RIG_UNTIL(&rig, rig.a.got == 1);
    assert_int_equal(stat_get(&rig.b.stats, STAT_conn_connects), 0);
    rig.b.name[0] = "c.example";
    (void)rig_send(&rig.b, &back);
    assert_int_equal(stat_get(&rig.b.stats, STAT_conn_connects), 1);
}

static void new_files_are_for_new_connections(void **state)
{
    struct flow f = rig_flow(&rig.a, &rig.b, PROTO_TLS);
    struct tls_set *old;
    uint32_t cert;

    (void)state;
    arm("x", "DNS:b.example", 100, CONF_VERIFY_NONE);
    rig.b.answer = true;
    assert_true(crosses());
    RIG_UNTIL(&rig, rig.a.got == 1);
    cert = rig.a.flow.cert;
    cert_issue(&ca, "x", "DNS:b.example", 200, server_pem);
    old = set_b;
    set_b = set_of(server_pem, CONF_VERIFY_NONE);
    conns_tls(rig.b.conns, set_b);
    tls_set_free(old);
    assert_int_equal(rig_send(&rig.a, &f), 0);
    RIG_UNTIL(&rig, rig.a.got == 2);
    assert_int_equal(rig.a.flow.cert, cert); /* the connection stands */
    rig_wait(&rig, 660000);
    assert_int_equal(conns_total(rig.a.conns), 0);
    assert_int_equal(rig_send(&rig.a, &f), 0);
    RIG_UNTIL(&rig, rig.a.got == 3);
    assert_true(rig.a.flow.cert != cert);
}

static void a_handshake_that_does_not_come_ends_in_time(void **state)
{
    int fd;

    (void)state;
    arm("x", "DNS:b.example", 100, CONF_VERIFY_NONE);
    fd = rig_connect(&rig.b.local);
    RIG_UNTIL(&rig, conns_total(rig.b.conns) == 1);
    rig_wait(&rig, CONN_HANDSHAKE_MS + 500);
    assert_int_equal(conns_total(rig.b.conns), 0);
    assert_int_equal(stat_get(&rig.b.stats, STAT_conn_closed_slow), 1);
    close(fd);
    fd = rig_connect(&rig.b.local);
    assert_int_equal(send(fd, RIG_MSG, 20, 0), 20);                /* SIP in the clear */
    RIG_UNTIL(&rig, stat_get(&rig.b.stats, STAT_tls_failed) == 2); /* the late one, and this */
    close(fd);
}

static void refuses(const char *pem, const char *ca_file, const char *want)
{
    struct tls_set *set = NULL;
    char why[256] = "";

    tls_conf = (struct conf_tls){.cert = pem, .ca = ca_file};
    assert_int_equal(tls_set_new(&conf, &set, why, sizeof(why)), -EINVAL);
    if (!strstr(why, want) || !strstr(why, dir))
        fail_msg("%s", why);
}

static void files_that_cannot_be_used_are_named_with_the_reason(void **state)
{
    char none[64];
    struct cert other = cert_new(NULL, "x", NULL, 10);
    struct tls_own own;
    FILE *f;

    (void)state;
    arm("x", "DNS:b.example", 40, CONF_VERIFY_NONE);
    assert_true(tls_set_own(set_b, 0, &own));
    assert_int_equal(own.listener, 3);
    assert_string_equal(own.file, server_pem);
    assert_in_range(tls_days_left(&own), 39, 40);
    assert_false(tls_set_own(set_b, 1, &own));
    snprintf(none, sizeof(none), "%s/none.pem", dir);
    refuses(none, ca_pem, "No such file");
    refuses(server_pem, none, "No such file");
    assert_int_equal(mkfifo(none, 0600), 0); /* opening it would never end */
    refuses(none, ca_pem, "not a regular file");
    refuses(server_pem, none, "not a regular file");
    unlink(none);
    f = fopen(server_pem, "w");
    assert_non_null(f);
    PEM_write_X509(f, other.x);
    PEM_write_PrivateKey(f, ca.key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    refuses(server_pem, ca_pem, "mismatch");
    f = fopen(server_pem, "w");
    assert_non_null(f);
    fputs("nothing\n", f);
    fclose(f);
    refuses(server_pem, ca_pem, "no PEM of that kind in it");
    cert_free(&other);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(every_trunk_may_have_a_certificate_of_its_own),
        T(a_message_crosses_when_names_fit),
        T(names_are_checked_as_rfc_5922_says),
        T(a_peer_by_address_shows_its_address),
        T(another_authority_is_refused),
        T(a_client_without_certificate_has_no_name_or_is_refused),
        T(a_stranger_has_no_name_whatever_it_shows),
        T(handshakes_of_strangers_are_few_a_second),
        T(a_client_of_another_authority_is_refused),
        T(an_accepted_connection_carries_requests_only_to_whom_it_shows_to_be),
        T(new_files_are_for_new_connections),
        T(a_handshake_that_does_not_come_ends_in_time),
        T(files_that_cannot_be_used_are_named_with_the_reason),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
