/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/portability.c and lib/route/portdb.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/errors.h"
#include "route/portdb.h"

static char dir[64], path[128];
static struct conf_lnp lnp;
static struct conf conf;
static struct conf_errors errs;
static char messages[4096];
static const char *files[] = {"t"};

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/test_portability.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/numbers.csv", dir);
    lnp =
        (struct conf_lnp){.name = "lrn", .kind = CONF_LNP_CSV, .path = path, .path_loc = {0, 1, 1}};
    memset(&conf, 0, sizeof conf);
    conf.lnp.v = &lnp;
    conf.lnp.n = 1;
    conf.file.v = files;
    conf.file.n = 1;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const left[] = {"numbers.csv", "data.mdb", "lock.mdb"};

    (void)state;
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, left[i]);
        (void)unlink(path);
    }
    return rmdir(dir);
}

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* ok: what portability_new says; messages are in `messages`. */
static struct portability *load(bool *ok)
{
    struct portability *p;
    FILE *out = fmemopen(messages, sizeof messages, "w");

    errors_init(&errs);
    p = portability_new(&conf, &errs, ok);
    assert_non_null(p);
    assert_non_null(out);
    conf_print_errors(out, &errs);
    fclose(out);
    conf_errors_fini(&errs);
    return p;
}

static void a_table_says_ported_or_not(void **state)
{
    struct portability *p;
    struct port_answer a;
    bool ok;

    (void)state;
    write_file("number,lrn\n"
               "# North America\n"
               "+12125551234,+13105550000\n"
               "\n"
               " 442079460123 , 447700900000 \r\n"
               "+12125551235,\n"
               "+12125550001,+13105550001");
    p = load(&ok);
    assert_string_equal(messages, "");
    assert_true(ok);
    assert_int_equal(portability_rows(p, 0), 4);
    assert_int_equal(portability_find(p, 0, SPAN("+12125551234"), &a), 0);
    assert_int_equal(a.status, PORT_PORTED);
    assert_string_equal(a.rn, "+13105550000");
    assert_int_equal(portability_find(p, 0, SPAN("+442079460123"), &a), 0);
    assert_string_equal(a.rn, "+447700900000");
    assert_int_equal(portability_find(p, 0, SPAN("+12125550001"), &a), 0);
    assert_string_equal(a.rn, "+13105550001");
    static const char *const home[] = {"+12125551235",      "+12125551236", "+1",
                                       "+9999999999999999", "alice",        ""};
    for (size_t i = 0; i < sizeof home / sizeof home[0]; i++) {
        assert_int_equal(portability_find(p, 0, span_of(home[i]), &a), 0);
        assert_int_equal(a.status, PORT_HOME);
        assert_string_equal(a.rn, "");
    }
    assert_int_equal(portability_find(p, 1, SPAN("+12125551234"), &a), -ENOENT);
    portability_free(p);
}

static void every_row_of_a_large_table_is_found(void **state)
{
    struct portability *p;
    bool ok;
    FILE *f;

    (void)state;
    f = fopen(path, "w");
    assert_non_null(f);
    for (unsigned i = 0; i < 20000; i++) { /* not in order: 7919 and 20000 have no common factor */
        unsigned n = i * 7919 % 20000;

        fprintf(f, "+1212%07u,+1310%07u\n", n * 3, n);
    }
    assert_int_equal(fclose(f), 0);
    p = load(&ok);
    assert_true(ok);
    for (unsigned i = 0; i < 60000; i++) {
        char number[24], rn[24];
        struct port_answer a;

        snprintf(number, sizeof number, "+1212%07u", i);
        snprintf(rn, sizeof rn, "+1310%07u", i / 3);
        assert_int_equal(portability_find(p, 0, span_of(number), &a), 0);
        assert_int_equal(a.status, i % 3 ? PORT_HOME : PORT_PORTED);
        assert_string_equal(a.rn, i % 3 ? "" : rn);
    }
    portability_free(p);
}

static void a_bad_row_is_told_with_its_line(void **state)
{
    static const struct {
        const char *text, *say;
    } row[] = {
        {"+12125551234,+13105550000\n+1212555O234,+13105550000\n",
         "numbers.csv:2:1: error: '+1212555O234' is no number"},
        {"+12125551234,x\n", "numbers.csv:1:1: error: 'x' is no routing number"},
        {"+12125551234\n", "numbers.csv:1:1: error: a row is number,lrn: no comma"},
        {"+12,+13105550000\n", "'+12' is no number"},
        {"+1234567890123456,+13105550000\n", "'+1234567890123456' is no number"},
        {"+12125551234,+1\n#\n+12125551235,+13105550000\n", "'+1' is no routing number"},
        {"+12125551234,+13105550000\n+12125551235,\n12125551234,+13105550001\n",
         "numbers.csv:3:1: error: '12125551234' stands in line 1 too"},
        {"+12125551234,+13105550000\nnumber,lrn\n", "numbers.csv:2:1: error: 'number' is no"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        bool ok;

        write_file(row[i].text);
        portability_free(load(&ok));
        assert_false(ok);
        if (!strstr(messages, row[i].say))
            fail_msg("'%s' not in: %s", row[i].say, messages);
    }
}

static void of_a_thousand_bad_rows_twenty_are_told(void **state)
{
    bool ok;
    FILE *f;
    unsigned n = 0;

    (void)state;
    f = fopen(path, "w");
    assert_non_null(f);
    for (unsigned i = 0; i < 1000; i++)
        fputs("x\n", f);
    assert_int_equal(fclose(f), 0);
    portability_free(load(&ok));
    assert_false(ok);
    for (const char *s = messages; (s = strstr(s, "no comma")); s++)
        n++;
    assert_int_equal(n, 20);
    assert_non_null(strstr(messages, "1000 bad rows in all"));
}

static void a_file_that_is_not_there_is_an_error(void **state)
{
    bool ok;

    (void)state;
    (void)unlink(path);
    portability_free(load(&ok));
    assert_false(ok);
    assert_non_null(strstr(messages, "cannot be read: No such file or directory"));
}

static void what_is_no_file_is_refused_without_waiting(void **state)
{
    bool ok;

    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    portability_free(load(&ok));
    assert_false(ok);
    assert_non_null(strstr(messages, "cannot be read"));
}

/* ---- lmdb ---- */

static void put(const char *number, const char *rn)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val k = {strlen(number), (void *)(uintptr_t)number},
            v = {strlen(rn), (void *)(uintptr_t)rn};

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void an_environment_says_ported_or_not(void **state)
{
    static const struct {
        const char *number;
        enum port_status status;
        const char *rn;
    } row[] = {
        {"+12125551234", PORT_PORTED, "+13105550000"},
        {"+12125551235", PORT_HOME, ""},
        {"+12125551236", PORT_FAILED, ""},
        {"+12125551237", PORT_HOME, ""},
    };
    struct portdb *db;
    const char *why;

    (void)state;
    put("+12125551234", "+13105550000");
    put("+12125551235", "");
    put("+12125551236", "sip:nobody");
    assert_int_equal(portdb_check(dir, &why), 0);
    assert_int_equal(portdb_open(dir, &db, &why), 0);
    assert_int_equal(portdb_rows(db), 3);
    assert_true(portdb_is_at(db, dir));
    assert_false(portdb_is_at(db, "/nowhere"));
    for (unsigned twice = 0; twice < 2; twice++)
        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
            struct port_answer a;

            portdb_find(db, span_of(row[i].number), &a);
            assert_int_equal(a.status, row[i].status);
            assert_string_equal(a.rn, row[i].rn);
        }
    portdb_free(db);
}

/* In a process of its own: an environment is not to be open twice in one. 40,000 rows need 2 MiB, twice what it was made for. */
static void grow(void)
{
    pid_t pid = fork();
    int status = -1;

    assert_true(pid >= 0);
    if (pid == 0) {
        MDB_env *env;
        MDB_txn *txn;
        MDB_dbi dbi;
        bool ok = mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, 32U << 20) == 0 &&
                  mdb_env_open(env, dir, 0, 0600) == 0 && mdb_txn_begin(env, NULL, 0, &txn) == 0 &&
                  mdb_dbi_open(txn, NULL, 0, &dbi) == 0;

        for (unsigned i = 0; ok && i < 40000; i++) {
            char number[24];
            MDB_val k = {(size_t)snprintf(number, sizeof number, "+1212%07u", i), number},
                    v = {12, (void *)(uintptr_t) "+13105550000"};

            ok = mdb_put(txn, dbi, &k, &v, 0) == 0;
        }
        _exit(ok && mdb_txn_commit(txn) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void an_environment_that_has_grown_is_read(void **state)
{
    struct port_answer a;
    struct portdb *db;
    const char *why;

    (void)state;
    put("+12125551234", "+13105550000");
    assert_int_equal(portdb_open(dir, &db, &why), 0);
    grow();
    portdb_find(db, SPAN("+12120030000"), &a);
    assert_int_equal(a.status, PORT_PORTED);
    portdb_find(db, SPAN("+12125551234"), &a);
    assert_int_equal(a.status, PORT_PORTED);
    portdb_free(db);
}

static void what_is_no_environment_is_told(void **state)
{
    struct portdb *db;
    const char *why;
    bool ok;

    (void)state;
    assert_int_equal(portdb_open(dir, &db, &why), -ENOENT);
    assert_string_equal(why, "no file data.mdb in it");
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    write_file("this is no page of a data base at all");
    assert_int_equal(portdb_open(dir, &db, &why), -EBADMSG);
    assert_int_equal(portdb_check(dir, &why), -EBADMSG);
    assert_string_equal(why, "its data.mdb is not of LMDB 0.9");
    lnp.kind = CONF_LNP_LMDB;
    lnp.path = dir;
    portability_free(load(&ok));
    assert_false(ok);
    assert_non_null(strstr(messages, "its data.mdb is not of LMDB 0.9"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_table_says_ported_or_not),           T(every_row_of_a_large_table_is_found),
        T(a_bad_row_is_told_with_its_line),      T(of_a_thousand_bad_rows_twenty_are_told),
        T(a_file_that_is_not_there_is_an_error), T(what_is_no_file_is_refused_without_waiting),
        T(an_environment_says_ported_or_not),    T(an_environment_that_has_grown_is_read),
        T(what_is_no_environment_is_told),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
