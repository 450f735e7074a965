/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of a cdr section: rotation by time and size, full disks, torn and foreign files.
 * Run by make check; it sees lib/cdr, lib/config and lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cdr/sink.h"
#include "core/log.h"

#define HOUR 3600000u
/* 2023-11-14 22:13:20 UTC */
#define T0 UINT64_C(1700000000000)

static char dir[64];
static struct stats stats;
static struct sink_counts counts;
static struct clock now;
static char last_log[2100];
static const struct record_origin origin = {.node = "n", .worker = 0};

static void keep_log(enum log_level level, const char *line, void *arg)
{
    (void)level;
    (void)arg;
    snprintf(last_log, sizeof(last_log), "%s", line);
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/tandem-cdr-XXXXXX");
    stats = (struct stats){0};
    counts = (struct sink_counts){.stats = &stats};
    clock_init_fake(&now, 1000, T0);
    last_log[0] = '\0';
    log_set_sink(keep_log, NULL);
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    static const char *const name[] = {"a",           "a.1",  "a.2",         "a.3",
                                       "a.4",         "a.5",  "20231114-22", "20231114-23",
                                       "20231115-00", "full", "real",        "sub/a"};
    char path[128];

    (void)state;
    log_set_sink(NULL, NULL);
    for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, name[i]);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/sub", dir);
    rmdir(path);
    return rmdir(dir); /* fails if a test left a file of another name */
}

static struct sink *make(const char *pattern, uint32_t rotate_ms, uint64_t rotate_bytes,
                         enum conf_cdr_format format)
{
    char file[128];
    struct conf_cdr cdr = {.name = "main",
                           .file = file,
                           .rotate_ms = rotate_ms,
                           .rotate_bytes = rotate_bytes,
                           .format = format};

    snprintf(file, sizeof(file), "%s/%s", dir, pattern);
    struct sink *s = sink_new(&cdr, 10000, &counts);
    assert_non_null(s);
    return s;
}

static void put(struct sink *s, unsigned n)
{
    struct cdr_event ev = {.type = CDR_CALL, .uuid = SPAN("u")};

    for (unsigned i = 0; i < n; i++)
        sink_put(s, &origin, &ev);
}

static void put_and_turn(struct sink *s, unsigned n)
{
    put(s, n);
    sink_turn(s, &now);
}

/* Lines of a file, -1 if there is none. */
static int lines(const char *name)
{
    char path[128];
    int n = 0;
    FILE *f;
    int c;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "r");
    if (!f)
        return -1;
    while ((c = getc(f)) != EOF)
        n += c == '\n';
    fclose(f);
    return n;
}

static size_t record_len(void)
{
    struct record_buf b = {0};
    struct cdr_event ev = {.type = CDR_CALL, .uuid = SPAN("u")};
    size_t len;

    record_json(&b, &origin, &ev);
    len = b.len;
    record_buf_fini(&b);
    return len;
}

static void file_of_the_hour_changes_at_the_hour(void **state)
{
    struct sink *s = make("%Y%m%d-%H", HOUR, 0, CONF_CDR_JSON);

    (void)state;
    put_and_turn(s, 2);
    assert_int_equal(lines("20231114-22"), 2);
    clock_advance(&now, HOUR - 1000 * 60 * 14); /* 22:59:20 */
    put_and_turn(s, 1);
    assert_int_equal(lines("20231114-22"), 3);
    clock_advance(&now, 40000); /* 23:00:00 */
    sink_turn(s, &now);
    assert_int_equal(s->fd, -1); /* closed though nothing came */
    assert_int_equal(lines("20231114-23"), -1);
    put_and_turn(s, 1);
    assert_int_equal(lines("20231114-23"), 1);
    clock_advance(&now, HOUR);
    put_and_turn(s, 1);
    assert_int_equal(lines("20231115-00"), 1);
    sink_end(s, &now);
    assert_int_equal(atomic_load(&counts.written), 5);
    assert_int_equal(stat_get(&stats, STAT_cdr_written), 5);
}

static void same_name_in_the_next_period_gets_a_number(void **state)
{
    struct sink *s = make("a", HOUR, 0, CONF_CDR_JSON);

    (void)state;
    put_and_turn(s, 1);
    clock_advance(&now, HOUR);
    put_and_turn(s, 2);
    clock_advance(&now, HOUR);
    put_and_turn(s, 3);
    assert_int_equal(lines("a"), 1);
    assert_int_equal(lines("a.1"), 2);
    assert_int_equal(lines("a.2"), 3);
    sink_end(s, &now);
    s = make("a", HOUR, 0, CONF_CDR_JSON); /* started again: goes on where it was */
    put_and_turn(s, 1);
    assert_int_equal(lines("a.2"), 4);
    sink_end(s, &now);
}

static void large_file_is_followed_by_a_numbered_one(void **state)
{
    struct sink *s = make("a", 0, 3 * record_len(), CONF_CDR_JSON);

    (void)state;
    put_and_turn(s, 2);
    assert_int_equal(lines("a"), 2);
    put_and_turn(s, 5);
    assert_int_equal(lines("a"), 3);
    assert_int_equal(lines("a.1"), 3);
    assert_int_equal(lines("a.2"), 1);
    sink_end(s, &now);
    s = make("a", 0, 3 * record_len(), CONF_CDR_JSON);
    put_and_turn(s, 3);
    assert_int_equal(lines("a.2"), 3);
    assert_int_equal(lines("a.3"), 1);
    sink_end(s, &now);
}

static void record_larger_than_the_file_may_be_is_written_whole(void **state)
{
    struct sink *s = make("a", 0, 10, CONF_CDR_JSON);

    (void)state;
    put_and_turn(s, 2);
    assert_int_equal(lines("a"), 1);
    assert_int_equal(lines("a.1"), 1);
    sink_end(s, &now);
}

static void csv_file_begins_with_its_header_once(void **state)
{
    struct sink *s = make("a", HOUR, 0, CONF_CDR_CSV);
    char path[128];
    char head[8] = "";
    int fd;

    (void)state;
    put_and_turn(s, 2);
    put_and_turn(s, 1);
    assert_int_equal(lines("a"), 4);
    sink_end(s, &now);
    s = make("a", HOUR, 0, CONF_CDR_CSV);
    put_and_turn(s, 1);
    assert_int_equal(lines("a"), 5); /* no second header */
    sink_end(s, &now);
    snprintf(path, sizeof(path), "%s/a", dir);
    fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, head, 5), 5);
    close(fd);
    assert_string_equal(head, "type,");
    assert_int_equal(atomic_load(&counts.written), 4);
}

static void csv_file_with_other_columns_is_not_continued(void **state)
{
    struct sink *s = make("a", HOUR, 0, CONF_CDR_CSV);
    char path[128];
    int fd;

    (void)state;
    snprintf(path, sizeof(path), "%s/a", dir);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "type,old\ncall,1\n", 16), 16);
    close(fd);
    put_and_turn(s, 1);
    assert_int_equal(lines("a"), 2);
    assert_int_equal(lines("a.1"), 2);
    sink_end(s, &now);
}

static void half_a_record_left_by_a_crash_is_cut(void **state)
{
    struct sink *s = make("a", HOUR, 0, CONF_CDR_JSON);
    char path[128];
    struct stat st;
    int fd;

    (void)state;
    snprintf(path, sizeof(path), "%s/a", dir);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "{\"a\":1}\n{\"torn", 14), 14);
    close(fd);
    put_and_turn(s, 1);
    assert_non_null(strstr(last_log, "ev=cdr_torn"));
    assert_int_equal(lines("a"), 2);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 8 + record_len());
    sink_end(s, &now);
}

static void missing_directory_is_made_one_level_deep(void **state)
{
    struct sink *s = make("sub/a", HOUR, 0, CONF_CDR_JSON);

    (void)state;
    put_and_turn(s, 1);
    assert_int_equal(lines("sub/a"), 1);
    sink_end(s, &now);
    s = make("x/y/a", HOUR, 0, CONF_CDR_JSON);
    put_and_turn(s, 1);
    assert_true(s->is_failing);
    assert_non_null(strstr(last_log, "ev=cdr_disk"));
    sink_end(s, &now);
    assert_int_equal(atomic_load(&counts.lost), 1);
}

static void link_to(const char *target)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/a", dir);
    unlink(path);
    assert_int_equal(symlink(target, path), 0);
}

static void full_disk_keeps_records_and_tries_each_second(void **state)
{
    struct sink *s = make("a", HOUR, 0, CONF_CDR_CSV);

    (void)state;
    link_to("/dev/full");
    put_and_turn(s, 3);
    assert_true(s->is_failing);
    assert_non_null(strstr(last_log, "ev=cdr_disk "));
    assert_non_null(strstr(last_log, "No space left"));
    assert_int_equal(atomic_load(&counts.write_errors), 1);
    assert_int_equal(s->backlog_records, 3);
    last_log[0] = '\0';
    clock_advance(&now, 999);
    put_and_turn(s, 1); /* not yet */
    assert_int_equal(atomic_load(&counts.write_errors), 1);
    clock_advance(&now, 1);
    sink_turn(s, &now);
    assert_int_equal(atomic_load(&counts.write_errors), 2);
    assert_string_equal(last_log, ""); /* told once a minute */
    clock_advance(&now, 60000);
    sink_turn(s, &now);
    assert_non_null(strstr(last_log, "backlog=4"));
    link_to("real"); /* room again */
    clock_advance(&now, 1000);
    sink_turn(s, &now);
    assert_false(s->is_failing);
    assert_non_null(strstr(last_log, "ev=cdr_disk_ok"));
    assert_int_equal(lines("real"), 5);
    assert_int_equal(s->backlog_records, 0);
    assert_int_equal(stat_get(&stats, STAT_cdr_written), 4);
    assert_int_equal(stat_get(&stats, STAT_cdr_write_errors), 3);
    assert_int_equal(stat_get(&stats, STAT_cdr_lost), 0);
    sink_end(s, &now);
}

static void backlog_is_bounded_and_the_rest_is_counted_lost(void **state)
{
    struct sink *s = make("a", HOUR, 0, CONF_CDR_JSON);
    unsigned fit = (unsigned)(10000 / record_len());

    (void)state;
    link_to("/dev/full");
    put_and_turn(s, 100);
    assert_int_equal(s->backlog_records, fit);
    assert_int_equal(atomic_load(&counts.lost), 100 - fit);
    link_to("real");
    clock_advance(&now, 1000);
    put_and_turn(s, 1); /* full still: this one is lost, then the others are written */
    assert_int_equal(lines("real"), fit);
    put_and_turn(s, 1);
    assert_int_equal(lines("real"), fit + 1);
    assert_int_equal(stat_get(&stats, STAT_cdr_lost), 101 - fit);
    sink_end(s, &now);
}

static void disk_that_fills_within_a_record_leaves_whole_ones(void **state)
{
    struct sink *s = make("a", HOUR, 0, CONF_CDR_JSON);
    struct rlimit old;
    struct rlimit small;
    struct stat st;
    char path[128];

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){2 * record_len() + 17, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    put_and_turn(s, 5);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_true(s->is_failing);
    assert_int_equal(lines("a"), 2);
    assert_int_equal(s->backlog_records, 3);
    snprintf(path, sizeof(path), "%s/a", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(
        st.st_size, 2 * record_len()); /* cut at once: a reader never sees half a record for long */
    clock_advance(&now, 1000);
    sink_turn(s, &now);
    assert_int_equal(lines("a"), 5);
    assert_int_equal(atomic_load(&counts.written), 5);
    sink_end(s, &now);
}

static void what_a_dead_disk_never_took_is_told_at_the_end(void **state)
{
    struct sink *s = make("a", HOUR, 0, CONF_CDR_JSON);

    (void)state;
    link_to("/dev/full");
    put_and_turn(s, 2);
    sink_end(s, &now);
    assert_non_null(strstr(last_log, "ev=cdr_lost cdr=main records=2"));
    assert_int_equal(stat_get(&stats, STAT_cdr_lost), 2);
}

static void removed_file_is_made_again(void **state)
{
    struct sink *s = make("a", HOUR, 0, CONF_CDR_JSON);
    char path[128];

    (void)state;
    put_and_turn(s, 1);
    snprintf(path, sizeof(path), "%s/a", dir);
    unlink(path);
    clock_advance(&now, 1000);
    sink_turn(s, &now);
    put_and_turn(s, 1);
    assert_int_equal(lines("a"), 1);
    sink_end(s, &now);
}

static void change_of_any_setting_makes_another_sink(void **state)
{
    struct conf_cdr cdr = {
        .name = "m", .file = "f", .rotate_ms = 1, .rotate_bytes = 2, .interim_ms = 3};
    struct sink *s = sink_new(&cdr, 1000, &counts);
    struct conf_cdr other;

    (void)state;
    assert_true(sink_is_same(s, &cdr));
    other = cdr;
    other.name = "n";
    assert_false(sink_is_same(s, &other));
    other = cdr;
    other.file = "g";
    assert_false(sink_is_same(s, &other));
    other = cdr;
    other.rotate_ms++;
    assert_false(sink_is_same(s, &other));
    other = cdr;
    other.rotate_bytes++;
    assert_false(sink_is_same(s, &other));
    other = cdr;
    other.interim_ms++;
    assert_false(sink_is_same(s, &other));
    other = cdr;
    other.format = CONF_CDR_CSV;
    assert_false(sink_is_same(s, &other));
    sink_end(s, &now);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(file_of_the_hour_changes_at_the_hour),
        TEST(same_name_in_the_next_period_gets_a_number),
        TEST(large_file_is_followed_by_a_numbered_one),
        TEST(record_larger_than_the_file_may_be_is_written_whole),
        TEST(csv_file_begins_with_its_header_once),
        TEST(csv_file_with_other_columns_is_not_continued),
        TEST(half_a_record_left_by_a_crash_is_cut),
        TEST(missing_directory_is_made_one_level_deep),
        TEST(full_disk_keeps_records_and_tries_each_second),
        TEST(backlog_is_bounded_and_the_rest_is_counted_lost),
        TEST(disk_that_fills_within_a_record_leaves_whole_ones),
        TEST(what_a_dead_disk_never_took_is_told_at_the_end),
        TEST(removed_file_is_made_again),
        TEST(change_of_any_setting_makes_another_sink),
    };

    return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
