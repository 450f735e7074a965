/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log lines: form, level, one line per event, quoting, rate limit, cut.
 * Run by make check; it sees lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/log.h"

static char lines[16][2100];
static unsigned line_count;

static void take(enum log_level level, const char *line, void *arg)
{
    (void)level;
    (void)arg;
    if (line_count < 16)
        snprintf(lines[line_count], sizeof(lines[0]), "%s", line);
    line_count++;
}

static int setup(void **state)
{
    (void)state;
    line_count = 0;
    log_set_level(LOG_INFO);
    log_set_sink(take, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    log_set_sink(NULL, NULL);
    return 0;
}

static void event_is_the_first_key(void **state)
{
    (void)state;
    log_ev(LOG_INFO, "call_end", "call=%s code=%d", "7f", 200);
    assert_string_equal(lines[0], "ev=call_end call=7f code=200");
    log_ev(LOG_INFO, "bare", "%s", "");
    assert_int_equal(line_count, 2);
}

static void level_below_the_urgency_asked_for_is_silent(void **state)
{
    (void)state;
    log_ev(LOG_DEBUG, "state", "a=%d", 1);
    assert_int_equal(line_count, 0);
    log_set_level(LOG_DEBUG);
    assert_int_equal(log_level(), LOG_DEBUG);
    log_ev(LOG_DEBUG, "state", "a=%d", 1);
    assert_int_equal(line_count, 1);
    log_set_level(LOG_ERROR);
    log_ev(LOG_WARN, "peer", "a=%d", 1);
    assert_int_equal(line_count, 1);
}

static void control_characters_cannot_make_a_second_line(void **state)
{
    (void)state;
    log_ev(LOG_INFO, "x", "v=%s", "a\nev=forged\r\x1b[1m");
    assert_string_equal(lines[0], "ev=x v=a?ev=forged??[1m");
}

static void long_line_is_cut(void **state)
{
    char *big = malloc(5000);

    (void)state;
    memset(big, 'a', 4999);
    big[4999] = '\0';
    log_ev(LOG_INFO, "x", "v=%s", big);
    assert_int_equal(strlen(lines[0]), 2000);
    free(big);
}

static void line_goes_to_stderr_in_one_write_with_its_journal_prefix(void **state)
{
    char got[128] = "";
    int pipe_fd[2];
    int saved = dup(STDERR_FILENO);
    ssize_t n;

    (void)state;
    log_set_sink(NULL, NULL);
    assert_int_equal(pipe(pipe_fd), 0);
    dup2(pipe_fd[1], STDERR_FILENO);
    log_set_journal(true);
    log_ev(LOG_WARN, "x", "a=%d", 1);
    log_set_journal(false);
    log_ev(LOG_WARN, "y", "a=%d", 2);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipe_fd[1]);
    n = read(pipe_fd[0], got, sizeof(got) - 1);
    close(pipe_fd[0]);
    assert_true(n > 0);
    assert_string_equal(got, "<4>ev=x a=1\nev=y a=2\n");
}

static void held_lines_go_out_together_and_a_warning_takes_them_along(void **state)
{
    char got[300];
    int pipe_fd[2];
    int saved = dup(STDERR_FILENO);
    ssize_t n[3];

    (void)state;
    log_set_sink(NULL, NULL);
    assert_int_equal(pipe(pipe_fd), 0);
    assert_int_equal(fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK), 0);
    dup2(pipe_fd[1], STDERR_FILENO);
    log_hold(true);
    log_ev(LOG_INFO, "a", "x=%d", 1);
    log_ev(LOG_INFO, "b", "x=%d", 2);
    n[0] = read(pipe_fd[0], got, sizeof(got)); /* nothing yet */
    log_ev(LOG_WARN, "c", "x=%d", 3);
    n[1] = read(pipe_fd[0], got, sizeof(got) - 1);
    log_ev(LOG_INFO, "d", "x=%d", 4);
    log_hold(false);
    n[2] = read(pipe_fd[0], got + 100, sizeof(got) - 101);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    assert_int_equal(n[0], -1);
    assert_int_equal(n[1], 27);
    assert_memory_equal(got, "ev=a x=1\nev=b x=2\nev=c x=3\n", 27);
    assert_int_equal(n[2], 9);
    assert_memory_equal(got + 100, "ev=d x=4\n", 9);
}

static void holding_never_keeps_more_than_a_pipe_takes_whole(void **state)
{
    char text[900], got[8192];
    int pipe_fd[2];
    int saved = dup(STDERR_FILENO);
    ssize_t n;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_set_sink(NULL, NULL);
    assert_int_equal(pipe(pipe_fd), 0);
    dup2(pipe_fd[1], STDERR_FILENO);
    log_hold(true);
    for (int i = 0; i < 5; i++) /* 5 lines of 908: the fifth passes 4,096 */
        log_ev(LOG_INFO, "long", "%s", text);
    n = read(pipe_fd[0], got, sizeof(got));
    log_hold(false);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    assert_int_equal(n, 4 * 908);
    assert_int_equal(got[n - 1], '\n');
}

static void values_are_quoted_when_they_must_be(void **state)
{
    static const struct {
        struct span in;
        const char *out;
    } row[] = {
        {SPAN("plain-1.2"), "plain-1.2"},
        {SPAN(""), "\"\""},
        {SPAN("two words"), "\"two words\""},
        {SPAN("a=b"), "\"a=b\""},
        {SPAN("say \"hi\""), "\"say \\\"hi\\\"\""},
        {SPAN("a\\b"), "\"a\\\\b\""},
        {SPAN("a\nb\tc\rd"), "\"a\\nb\\tc\\rd\""},
        {SPAN("\x01\x7f"), "\"\\x01\\x7f\""},
        {SPAN("zürich"), "zürich"},
    };
    char buf[64];

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        assert_string_equal(log_quote(buf, sizeof(buf), row[i].in), row[i].out);
}

static void quoted_value_never_passes_its_buffer(void **state)
{
    static const char text[] = "a \"quoted\" text\nof some length, \x01 and more";

    (void)state;
    for (size_t size = 1; size < 80; size++) {
        char *buf = malloc(size); /* exact size: the sanitizer sees one byte too many */
        const char *s = log_quote(buf, size, span_of(text));
        size_t len = strlen(s);
        assert_true(len < size);
        assert_true(len == 0 || (s[0] == '"' && s[len - 1] == '"'));
        free(buf);
    }
    char buf[12];
    assert_string_equal(log_quote(buf, sizeof(buf), SPAN("abcdefghijklmnop")), "\"abcdef…\"");
    assert_string_equal(log_quote(buf, sizeof(buf), SPAN("a bcdefgh")), "\"a bcdefgh\"");
}

static void site_over_its_budget_is_suppressed_and_told_later(void **state)
{
    struct log_rate r = {0};
    unsigned passed = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        passed += log_rate_ok(&r, 5);
    assert_in_range(passed, 5, 10); /* a second may end between */
    assert_true(r.suppressed > 0);
    r.window_s--; /* the next second */
    r.suppressed = 95;
    line_count = 0;
    assert_true(log_rate_ok(&r, 5));
    assert_string_equal(lines[0], "ev=log_suppressed lines=95");
    assert_int_equal(r.suppressed, 0);
}

static void full_pipe_costs_lines_and_no_time(void **state)
{
    static char buf[256 * 1024];
    int keep = dup(STDERR_FILENO);
    int fd[2];
    ssize_t n;

    (void)state;
    log_set_sink(NULL, NULL);
    log_set_journal(false);
    assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
    dup2(fd[1], STDERR_FILENO);
    fcntl(STDERR_FILENO, F_SETFL, 0); /* what a daemon is given waits */
    assert_int_equal(log_never_wait(), 0);
    alarm(20); /* a write that waits would wait for ever */
    for (int i = 0; i < 20000; i++)
        log_ev(LOG_INFO, "x", "i=%d text=0123456789", i);
    alarm(0);
    while (read(fd[0], buf, sizeof(buf)) > 0) {
    }
    log_ev(LOG_INFO, "after", "a=1");
    n = read(fd[0], buf, sizeof(buf) - 1);
    dup2(keep, STDERR_FILENO);
    assert_int_equal(log_never_wait(), 0);
    close(keep);
    close(fd[0]);
    close(fd[1]);
    assert_true(n > 0);
    buf[n] = '\0';
    assert_ptr_equal(strstr(buf, "ev=after a=1\nev=log_lost lines="), buf);
    assert_true(strtoul(strstr(buf, "lines=") + 6, NULL, 10) > 1000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(event_is_the_first_key),
        TEST(level_below_the_urgency_asked_for_is_silent),
        TEST(control_characters_cannot_make_a_second_line),
        TEST(long_line_is_cut),
        TEST(line_goes_to_stderr_in_one_write_with_its_journal_prefix),
        TEST(held_lines_go_out_together_and_a_warning_takes_them_along),
        TEST(holding_never_keeps_more_than_a_pipe_takes_whole),
        TEST(values_are_quoted_when_they_must_be),
        TEST(quoted_value_never_passes_its_buffer),
        TEST(site_over_its_budget_is_suppressed_and_told_later),
        TEST(full_pipe_costs_lines_and_no_time),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
