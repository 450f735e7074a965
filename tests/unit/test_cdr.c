/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer: copies of events, full rings, reload, end, two producers on the real thread.
 * Run by make check; it sees lib/cdr, lib/config and lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cdr/cdr.h"
#include "core/err.h"
#include "core/log.h"

static char dir[64];
static char path_a[96];
static char path_b[96];
static struct stats writer_stats;

static void no_log(enum log_level level, const char *line, void *arg)
{
    (void)level;
    (void)line;
    (void)arg;
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/tandem-cdrw-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path_a, sizeof(path_a), "%s/a", dir);
    snprintf(path_b, sizeof(path_b), "%s/b", dir);
    writer_stats = (struct stats){0};
    log_set_sink(no_log, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    log_set_sink(NULL, NULL);
    unlink(path_a);
    unlink(path_b);
    return rmdir(dir);
}

static void fake_now(struct clock *c, void *arg)
{
    *c = *(struct clock *)arg;
}

static struct clock fake = {.mono_ms = 1000, .wall_ms = 1700000000000, .fake = 1};

static struct cdr_writer *stepped(unsigned ring_events)
{
    struct cdr_writer_param p = {.node = "n",
                                 .workers = 2,
                                 .stats = &writer_stats,
                                 .no_thread = true,
                                 .ring_events = ring_events,
                                 .now = fake_now,
                                 .now_arg = &fake};
    struct cdr_writer *w = cdr_writer_new(&p);

    assert_non_null(w);
    return w;
}

static struct conf_cdr section(const char *name, const char *path)
{
    return (struct conf_cdr){
        .name = name, .file = path, .rotate_ms = 3600000, .interim_ms = 1800000};
}

static struct cdr_event event(enum cdr_type type, uint32_t seq)
{
    return (struct cdr_event){.type = type, .seq = seq, .call = 1, .uuid = SPAN("u")};
}

/* The records of a file, in order. */
static json_t *records(const char *path)
{
    json_t *all = json_array();
    char *line = NULL;
    size_t cap = 0;
    FILE *f = fopen(path, "r");

    while (f && getline(&line, &cap, f) > 0) {
        json_t *one = json_loads(line, 0, NULL);
        assert_non_null(one);
        json_array_append_new(all, one);
    }
    if (f)
        fclose(f);
    free(line);
    return all;
}

static size_t record_count(const char *path)
{
    json_t *all = records(path);
    size_t n = json_array_size(all);

    json_decref(all);
    return n;
}

static void event_is_copied_and_written_to_every_file(void **state)
{
    struct cdr_writer *w = stepped(16);
    struct conf_cdr cdr[2] = {section("a", path_a), section("b", path_b)};
    char trunk[8] = "acme";
    struct cdr_event ev = event(CDR_CALL, 7);
    json_t *all;

    (void)state;
    assert_int_equal(cdr_writer_configure(w, cdr, 2), 0);
    cdr_writer_step(w);
    ev.trunk_in = span_of(trunk);
    assert_int_equal(cdr_put(cdr_writer_port(w, 1), NULL, &ev), 0);
    memcpy(trunk, "XXXX", 4); /* the call has gone on */
    cdr_writer_step(w);
    all = records(path_a);
    assert_int_equal(json_array_size(all), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(all, 0), "trunk_in")),
                        "acme");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(all, 0), "worker")), 1);
    json_decref(all);
    assert_int_equal(record_count(path_b), 1);
    assert_int_equal(stat_get(&writer_stats, STAT_cdr_written), 2);
    assert_null(cdr_writer_port(w, 2));
    cdr_writer_free(w);
}

static void event_put_before_the_first_turn_is_not_lost(void **state)
{
    struct cdr_writer *w = stepped(16);
    struct conf_cdr cdr = section("a", path_a);
    struct cdr_event ev = event(CDR_CALL, 1);

    (void)state;
    cdr_writer_configure(w, &cdr, 1);
    cdr_put(cdr_writer_port(w, 0), NULL, &ev);
    cdr_writer_step(w);
    cdr_writer_step(w);
    assert_int_equal(record_count(path_a), 1);
    cdr_writer_free(w);
}

static void only_what_is_asked_for_is_written(void **state)
{
    struct cdr_writer *w = stepped(16);
    struct conf_cdr cdr[2] = {section("a", path_a), section("b", path_b)};
    struct cdr_status st;

    (void)state;
    cdr[1].interim_ms = 0;
    cdr_writer_configure(w, cdr, 2);
    cdr_writer_step(w);
    for (int type = CDR_START; type <= CDR_CALL; type++) {
        struct cdr_event ev = event((enum cdr_type)type, (uint32_t)type + 1);
        assert_int_equal(cdr_wants(cdr_writer_port(w, 0), ev.type), type >= CDR_INTERIM);
        assert_int_equal(cdr_put(cdr_writer_port(w, 0), NULL, &ev), 0);
    }
    cdr_writer_status(w, &st);
    assert_int_equal(st.backlog, 3);
    cdr_writer_step(w);
    assert_int_equal(record_count(path_a), 3); /* interim, attempt, call */
    assert_int_equal(record_count(path_b), 2); /* no interim */
    cdr_writer_free(w);
}

static void full_ring_loses_and_counts_but_keeps_room_for_ends(void **state)
{
    struct cdr_writer *w = stepped(16);
    struct cdr_port *port = cdr_writer_port(w, 0);
    struct conf_cdr cdr = section("a", path_a);
    struct cdr_event end = event(CDR_CALL, 1);
    struct cdr_event interim = event(CDR_INTERIM, 1);
    struct stats worker = {0};
    struct cdr_status st;

    (void)state;
    cdr_writer_configure(w, &cdr, 1);
    cdr_writer_step(w);
    for (int i = 0; i < 12; i++)
        assert_int_equal(cdr_put(port, &worker, &interim), 0);
    assert_int_equal(cdr_put(port, &worker, &interim), TD_EFULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(cdr_put(port, &worker, &end), 0);
    assert_int_equal(cdr_put(port, &worker, &end), TD_EFULL);
    assert_int_equal(stat_get(&worker, STAT_cdr_lost), 2);
    cdr_writer_status(w, &st);
    assert_int_equal(st.lost, 2);
    assert_int_equal(st.backlog, 16);
    cdr_writer_step(w);
    assert_int_equal(cdr_put(port, &worker, &end), 0);
    cdr_writer_free(w);
    assert_int_equal(record_count(path_a), 17);
}

static void long_texts_are_kept_to_their_bound(void **state)
{
    struct cdr_writer *w = stepped(16);
    struct conf_cdr cdr = section("a", path_a);
    struct cdr_event ev = event(CDR_CALL, 1);
    char *text = malloc(5000);
    json_t *all;

    (void)state;
    memset(text, 'x', 5000);
    cdr_writer_configure(w, &cdr, 1);
    cdr_writer_step(w);
    ev.callid_in = (struct span){text, 1000};
    ev.callid_out = (struct span){text, 5000};
    for (int i = 0; i < 3; i++)
        assert_int_equal(cdr_put(cdr_writer_port(w, 0), NULL, &ev), 0);
    free(text);
    cdr_writer_step(w);
    all = records(path_a);
    assert_int_equal(json_array_size(all), 3);
    assert_int_equal(json_string_length(json_object_get(json_array_get(all, 2), "callid_in")),
                     1000);
    assert_int_equal(json_string_length(json_object_get(json_array_get(all, 2), "callid_out")),
                     CDR_TEXT_MAX);
    json_decref(all);
    cdr_writer_free(w);
}

static void reload_moves_to_the_new_files_and_keeps_the_same_ones_open(void **state)
{
    struct cdr_writer *w = stepped(16);
    struct cdr_port *port = cdr_writer_port(w, 0);
    struct conf_cdr old[2] = {section("a", path_a), section("b", path_b)};
    struct conf_cdr new[1] = {section("b", path_b)};
    struct cdr_event ev = event(CDR_CALL, 1);

    (void)state;
    cdr_writer_configure(w, old, 2);
    cdr_writer_step(w);
    cdr_put(port, NULL, &ev);
    cdr_writer_configure(w, old, 2);
    cdr_writer_configure(w, new, 1); /* two reloads between two turns */
    cdr_writer_step(w);              /* the event was put before: it is in the old files */
    cdr_put(port, NULL, &ev);
    cdr_writer_step(w);
    assert_int_equal(record_count(path_a), 1);
    assert_int_equal(record_count(path_b), 2);
    cdr_writer_configure(w, NULL, 0);
    cdr_writer_step(w);
    assert_int_equal(cdr_put(port, NULL, &ev), 0); /* nobody wants it */
    cdr_writer_step(w);
    assert_int_equal(record_count(path_b), 2);
    cdr_writer_free(w);
}

static void section_that_has_gone_still_gets_its_backlog_written(void **state)
{
    struct cdr_writer *w = stepped(16);
    struct conf_cdr a = section("a", path_a);
    struct conf_cdr b = section("b", path_b);
    struct cdr_event ev = event(CDR_CALL, 1);
    struct cdr_status st;

    (void)state;
    assert_int_equal(symlink("/dev/full", path_a), 0);
    cdr_writer_configure(w, &a, 1);
    cdr_writer_step(w);
    cdr_put(cdr_writer_port(w, 0), NULL, &ev);
    cdr_writer_step(w);
    cdr_writer_status(w, &st);
    assert_true(st.failing);
    assert_int_equal(st.backlog, 1);
    cdr_writer_configure(w, &b, 1);
    cdr_writer_step(w);
    cdr_put(cdr_writer_port(w, 0), NULL, &ev);
    unlink(path_a);
    clock_advance(&fake, 1000);
    cdr_writer_step(w);
    assert_int_equal(record_count(path_a), 1);
    assert_int_equal(record_count(path_b), 1);
    cdr_writer_status(w, &st);
    assert_false(st.failing);
    assert_int_equal(st.backlog, 0);
    assert_int_equal(st.lost, 0);
    cdr_writer_free(w);
}

static void everything_put_is_in_the_file_after_the_end(void **state)
{
    struct cdr_writer *w = stepped(64);
    struct conf_cdr cdr = section("a", path_a);

    (void)state;
    cdr_writer_configure(w, &cdr, 1);
    for (uint32_t i = 1; i <= 60; i++) {
        struct cdr_event ev = event(CDR_CALL, i);
        assert_int_equal(cdr_put(cdr_writer_port(w, i % 2), NULL, &ev), 0);
    }
    cdr_writer_free(w); /* not one turn was made */
    assert_int_equal(record_count(path_a), 60);
}

static void count_tap(const struct cdr_event *ev, void *arg)
{
    assert_int_equal(ev->seq, 5);
    ++*(int *)arg;
}

static void tap_sees_every_event_and_writes_none(void **state)
{
    int seen = 0;
    struct cdr_port *port = cdr_port_new_tap(count_tap, &seen);
    struct cdr_event ev = event(CDR_START, 5);

    (void)state;
    assert_true(cdr_wants(port, CDR_START));
    assert_int_equal(cdr_put(port, NULL, &ev), 0);
    assert_int_equal(seen, 1);
    cdr_port_free_tap(port);
}

enum { EACH = 20000 };

struct producer {
    struct cdr_port *port;
    struct stats stats;
    pthread_t thread;
};

static void *produce(void *arg)
{
    struct producer *p = arg;
    char uuid[16];

    for (uint32_t i = 1; i <= EACH; i++) {
        struct cdr_event ev = event(CDR_CALL, i);
        snprintf(uuid, sizeof(uuid), "u%u", i);
        ev.uuid = span_of(uuid);
        cdr_put(p->port, &p->stats, &ev);
    }
    return NULL;
}

static void two_workers_lose_nothing_and_keep_their_order_over_reloads(void **state)
{
    struct cdr_writer_param param = {.node = "n", .workers = 2, .stats = &writer_stats};
    struct cdr_writer *w = cdr_writer_new(&param);
    struct conf_cdr cdr[2] = {section("a", path_a), section("b", path_b)};
    struct producer p[2] = {{.port = cdr_writer_port(w, 0)}, {.port = cdr_writer_port(w, 1)}};
    json_int_t last[2] = {0, 0};
    struct cdr_status st;
    json_t *all;

    (void)state;
    cdr_writer_configure(w, cdr, 1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&p[i].thread, NULL, produce, &p[i]), 0);
    for (int i = 0; i < 50; i++) {
        cdr_writer_configure(w, cdr, 1 + (unsigned)i % 2); /* section a stays as it is */
        cdr_writer_status(w, &st);
        usleep(1000);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(p[i].thread, NULL);
    cdr_writer_free(w);
    all = records(path_a);
    assert_int_equal(json_array_size(all), 2 * EACH);
    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *r = json_array_get(all, i);
        json_int_t worker = json_integer_value(json_object_get(r, "worker"));
        json_int_t seq = json_integer_value(json_object_get(r, "seq"));
        char uuid[16];
        snprintf(uuid, sizeof(uuid), "u%u", (unsigned)seq);
        assert_string_equal(json_string_value(json_object_get(r, "uuid")), uuid);
        assert_int_equal(seq, last[worker] + 1);
        last[worker] = seq;
    }
    json_decref(all);
    assert_int_equal(stat_get(&p[0].stats, STAT_cdr_lost) + stat_get(&p[1].stats, STAT_cdr_lost),
                     0);
}

static void idle_writer_is_woken_by_one_event(void **state)
{
    struct cdr_writer_param param = {.node = "n", .workers = 1};
    struct cdr_writer *w = cdr_writer_new(&param);
    struct conf_cdr cdr = section("a", path_a);
    struct cdr_event ev = event(CDR_CALL, 1);
    struct cdr_status st = {0};

    (void)state;
    cdr_writer_configure(w, &cdr, 1);
    cdr_put(cdr_writer_port(w, 0), NULL, &ev);
    for (int i = 0; i < 5000 && st.written == 0; i++) {
        usleep(1000);
        cdr_writer_status(w, &st);
    }
    assert_int_equal(st.written, 1);
    cdr_writer_free(w);
}

/* ---- a process that is killed ---------------------------------------------------------------------------------- */

static char kept[96], left[96];

/* What a killed process leaves: its file at this moment, without its lock. */
static void killed_now(void)
{
    char buf[8192];
    size_t n;
    FILE *in = fopen(kept, "r"), *out = fopen(left, "w");

    assert_non_null(in);
    assert_non_null(out);
    while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
        assert_int_equal(fwrite(buf, 1, n, out), n);
    fclose(in);
    fclose(out);
}

static struct cdr_writer *keeping(const struct conf_cdr *cdr, size_t n)
{
    struct cdr_writer *w = stepped(64);

    snprintf(kept, sizeof(kept), "%s/kept", dir);
    snprintf(left, sizeof(left), "%s/left", dir);
    cdr_writer_configure(w, cdr, n);
    cdr_writer_step(w);
    assert_int_equal(cdr_port_keep(cdr_writer_port(w, 1), kept), 0);
    return w;
}

static void put_again(void *arg, const struct cdr_event *ev)
{
    assert_int_equal(cdr_put(arg, NULL, ev), 0);
}

/* The next process. @return how many events there were */
static int restart(const struct conf_cdr *cdr, size_t n)
{
    struct cdr_writer *w = stepped(64);
    int got;

    cdr_writer_configure(w, cdr, n);
    cdr_writer_step(w);
    got = cdr_keep_read(left, 1, put_again, cdr_writer_port(w, 0));
    assert_int_equal(cdr_keep_remove(left), 0);
    cdr_writer_step(w);
    cdr_writer_free(w);
    return got;
}

static void end_keeping(struct cdr_writer *w)
{
    cdr_writer_free(w);
    assert_int_equal(cdr_keep_remove(kept), 0);
}

static void what_was_queued_at_a_kill_is_written_by_the_next_process(void **state)
{
    struct conf_cdr cdr = section("a", path_a);
    struct cdr_writer *w = keeping(&cdr, 1);
    struct cdr_event ev = event(CDR_CALL, 7);
    json_t *all;

    (void)state;
    cdr_put(cdr_writer_port(w, 1), NULL, &ev);
    killed_now();
    assert_int_equal(restart(&cdr, 1), 1);
    all = records(path_a);
    assert_int_equal(json_array_size(all), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(all, 0), "uuid")), "u");
    /* the worker that had the call, not the one that puts it again */
    assert_int_equal(json_integer_value(json_object_get(json_array_get(all, 0), "worker")), 1);
    json_decref(all);
    end_keeping(w);
}

static void what_is_in_its_file_is_not_kept(void **state)
{
    struct conf_cdr cdr = section("a", path_a);
    struct cdr_writer *w = keeping(&cdr, 1);

    (void)state;
    for (uint32_t i = 1; i <= 1000; i++) { /* several segments */
        struct cdr_event ev = event(CDR_CALL, i);
        cdr_put(cdr_writer_port(w, 1), NULL, &ev);
        if (i % 50 == 0)
            cdr_writer_step(w);
    }
    killed_now();
    assert_int_equal(restart(&cdr, 1), 0);
    assert_int_equal(record_count(path_a), 1000);
    end_keeping(w);
}

static void all_of_a_long_queue_come_again_in_order(void **state)
{
    struct conf_cdr cdr = section("a", path_a);
    struct cdr_writer *w;
    struct cdr_event ev;

    (void)state;
    w = keeping(&cdr, 1);
    for (uint32_t i = 1; i <= 60; i++) {
        ev = event(CDR_CALL, i);
        ev.called_sent = (struct span){dir, 3 + i % 7};
        cdr_put(cdr_writer_port(w, 1), NULL, &ev);
        if (i == 20)
            cdr_writer_step(w);
    }
    killed_now();
    assert_int_equal(restart(&cdr, 1), 40);
    assert_int_equal(record_count(path_a), 60);
    end_keeping(w); /* the one killed goes on here: it has 40 of its own to write */
    assert_int_equal(record_count(path_a), 100);
}

static void a_record_that_was_written_and_not_yet_let_go_is_not_written_twice(void **state)
{
    struct conf_cdr cdr = section("a", path_a);
    struct cdr_writer *w = keeping(&cdr, 1);
    struct cdr_event ev = event(CDR_CALL, 1);

    (void)state;
    cdr_put(cdr_writer_port(w, 1), NULL, &ev);
    ev.seq = 2;
    cdr_put(cdr_writer_port(w, 1), NULL, &ev);
    killed_now();
    cdr_writer_step(w); /* written: the kill came before that was noted */
    assert_int_equal(record_count(path_a), 2);
    assert_int_equal(restart(&cdr, 1), 2);
    assert_int_equal(record_count(path_a), 2);
    end_keeping(w);
}

static void a_record_of_the_hour_before_is_found(void **state)
{
    const uint64_t wall = fake.wall_ms;
    char pattern[96];
    struct conf_cdr cdr = section("a", pattern);
    struct cdr_writer *w;
    struct cdr_event ev = event(CDR_CALL, 1);

    (void)state;
    snprintf(pattern, sizeof(pattern), "%s/%%H", dir);
    ev.end.wall_ms = fake.wall_ms;
    w = keeping(&cdr, 1);
    cdr_put(cdr_writer_port(w, 1), NULL, &ev);
    killed_now();
    cdr_writer_step(w);
    fake.wall_ms += 2 * 3600000;
    assert_int_equal(restart(&cdr, 1), 1);
    snprintf(pattern, sizeof(pattern), "%s/22", dir); /* stepped at 22:13 */
    assert_int_equal(record_count(pattern), 1);
    assert_int_equal(unlink(pattern), 0);
    snprintf(pattern, sizeof(pattern), "%s/00", dir);
    assert_int_not_equal(access(pattern, F_OK), 0);
    fake.wall_ms = wall;
    end_keeping(w);
}

static void a_record_that_one_of_two_files_has_is_written_to_the_other(void **state)
{
    struct conf_cdr broken[2] = {section("a", path_a), section("b", "/dev/full")};
    struct conf_cdr mended[2] = {section("a", path_a), section("b", path_b)};
    struct cdr_writer *w = keeping(broken, 2);
    struct cdr_event ev = event(CDR_CALL, 1);

    (void)state;
    cdr_put(cdr_writer_port(w, 1), NULL, &ev);
    cdr_writer_step(w);
    killed_now();
    assert_int_equal(record_count(path_a), 1);
    assert_int_equal(restart(mended, 2), 1);
    assert_int_equal(record_count(path_a), 1);
    assert_int_equal(record_count(path_b), 1);
    end_keeping(w);
}

/* Somebody may want to look at it; it is not read again. */
static void aside_remove(void)
{
    char aside[sizeof(left) + 16];

    snprintf(aside, sizeof(aside), "%s.damaged", left);
    assert_int_equal(unlink(aside), 0);
}

static void wrong_bytes_in_what_was_kept_are_no_records(void **state)
{
    struct conf_cdr cdr = section("a", path_a);
    struct cdr_writer *w = keeping(&cdr, 1);
    struct cdr_event ev = event(CDR_CALL, 1);
    FILE *f;

    (void)state;
    cdr_put(cdr_writer_port(w, 1), NULL, &ev);
    killed_now();
    f = fopen(left, "r+");
    assert_non_null(f);
    fseek(f, 4096 + 24, SEEK_SET); /* behind the number: the event and where its texts are */
    for (int i = 0; i < 1024; i++)
        fputc(0x7f, f);
    fclose(f);
    assert_int_equal(restart(&cdr, 1), 1);
    assert_int_equal(record_count(path_a), 0);
    aside_remove();
    end_keeping(w);
}

/* Bytes of the file that was left, from an offset behind its head. */
static void spoil(long at, const void *bytes, size_t n)
{
    FILE *f = fopen(left, "r+");

    assert_non_null(f);
    fseek(f, 4096 + at, SEEK_SET);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void a_chain_that_breaks_off_says_so_and_gives_what_is_before(void **state)
{
    struct conf_cdr cdr = section("a", path_a);
    struct cdr_writer *w = keeping(&cdr, 1);
    struct cdr_event ev = event(CDR_CALL, 1);
    uint32_t bytes, wrong = 12345;
    FILE *f;

    (void)state;
    for (ev.seq = 1; ev.seq <= 3; ev.seq++)
        cdr_put(cdr_writer_port(w, 1), NULL, &ev);
    killed_now();
    f = fopen(left, "r");
    assert_non_null(f);
    fseek(f, 4096 + 16, SEEK_SET); /* the first block's length */
    assert_int_equal(fread(&bytes, sizeof(bytes), 1, f), 1);
    fclose(f);
    spoil(24 + (long)bytes + 16, &wrong, sizeof(wrong)); /* the second's */
    assert_int_equal(restart(&cdr, 1), 1);
    assert_int_equal(record_count(path_a), 1);
    aside_remove();
    end_keeping(w);
}

static void a_damaged_file_that_gets_no_second_name_stays(void **state)
{
    struct conf_cdr cdr = section("a", path_a);
    struct cdr_writer *w = keeping(&cdr, 1);
    struct cdr_event ev = event(CDR_CALL, 1);
    uint32_t wrong = 12345;
    char path[512], name[251];

    (void)state;
    cdr_put(cdr_writer_port(w, 1), NULL, &ev);
    killed_now();
    spoil(16, &wrong, sizeof(wrong));
    /* 255 bytes are the longest name, and ".damaged" is too much */
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(rename(left, path), 0);
    assert_int_equal(cdr_keep_read(path, 1, put_again, cdr_writer_port(w, 0)), -ENAMETOOLONG);
    assert_int_equal(unlink(path), 0);
    end_keeping(w);
}

static void what_another_version_left_waits_for_it(void **state)
{
    struct conf_cdr cdr = section("a", path_a);
    struct cdr_writer *w = keeping(&cdr, 1);
    struct cdr_event ev = event(CDR_CALL, 1);
    uint32_t other = 99, ours;
    FILE *f;

    (void)state;
    cdr_put(cdr_writer_port(w, 1), NULL, &ev);
    killed_now();
    f = fopen(left, "r");
    assert_non_null(f);
    fseek(f, 4, SEEK_SET);
    assert_int_equal(fread(&ours, sizeof(ours), 1, f), 1);
    fclose(f);
    spoil(4 - 4096, &other, sizeof(other));
    assert_int_equal(cdr_keep_read(left, 1, put_again, cdr_writer_port(w, 0)), -EPROTO);
    assert_int_equal(cdr_keep_remove(left), -EPROTO);
    /* that version has been started again */
    spoil(4 - 4096, &ours, sizeof(ours));
    assert_int_equal(restart(&cdr, 1), 1);
    assert_int_equal(record_count(path_a), 1);
    end_keeping(w);
}

static void a_file_that_was_cut_gives_what_is_left(void **state)
{
    struct conf_cdr cdr = section("a", path_a);
    struct cdr_writer *w = keeping(&cdr, 1);
    struct cdr_event ev = event(CDR_CALL, 1);

    (void)state;
    for (ev.seq = 1; ev.seq <= 9; ev.seq++)
        cdr_put(cdr_writer_port(w, 1), NULL, &ev);
    killed_now();
    assert_int_equal(truncate(left, 4096 + 4000), 0);
    assert_int_equal(restart(&cdr, 1), 3);
    assert_int_equal(record_count(path_a), 3);
    aside_remove();
    end_keeping(w);
}

static void a_flag_that_is_neither_yes_nor_no_is_no_record(void **state)
{
    struct conf_cdr cdr = section("a", path_a);
    struct cdr_writer *w = keeping(&cdr, 1);
    struct cdr_event ev = event(CDR_CALL, 1);
    uint8_t wrong = 0x55;

    (void)state;
    cdr_put(cdr_writer_port(w, 1), NULL, &ev);
    killed_now();
    spoil(24 + 16 + (long)offsetof(struct cdr_event, estimated), &wrong, sizeof(wrong));
    (void)restart(&cdr, 1);
    assert_int_equal(record_count(path_a), 0);
    aside_remove();
    end_keeping(w);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(event_is_copied_and_written_to_every_file),
        TEST(event_put_before_the_first_turn_is_not_lost),
        TEST(only_what_is_asked_for_is_written),
        TEST(full_ring_loses_and_counts_but_keeps_room_for_ends),
        TEST(long_texts_are_kept_to_their_bound),
        TEST(reload_moves_to_the_new_files_and_keeps_the_same_ones_open),
        TEST(section_that_has_gone_still_gets_its_backlog_written),
        TEST(everything_put_is_in_the_file_after_the_end),
        TEST(tap_sees_every_event_and_writes_none),
        TEST(two_workers_lose_nothing_and_keep_their_order_over_reloads),
        TEST(idle_writer_is_woken_by_one_event),
        TEST(what_was_queued_at_a_kill_is_written_by_the_next_process),
        TEST(what_is_in_its_file_is_not_kept),
        TEST(all_of_a_long_queue_come_again_in_order),
        TEST(a_record_that_was_written_and_not_yet_let_go_is_not_written_twice),
        TEST(a_record_of_the_hour_before_is_found),
        TEST(a_record_that_one_of_two_files_has_is_written_to_the_other),
        TEST(wrong_bytes_in_what_was_kept_are_no_records),
        TEST(a_chain_that_breaks_off_says_so_and_gives_what_is_before),
        TEST(a_file_that_was_cut_gives_what_is_left),
        TEST(what_another_version_left_waits_for_it),
        TEST(a_damaged_file_that_gets_no_second_name_stays),
        TEST(a_flag_that_is_neither_yes_nor_no_is_no_record),
    };

    return cmocka_run_group_tests_name("cdr", tests, NULL, NULL);
}
