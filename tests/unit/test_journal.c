/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journal of calls: what a process that was killed leaves, at any moment, the next one takes up whole or not at all.
 * That every change of a call gets into it is shown by the replay cases, whose restarts go through it.
 */
#include "call_rig.h"

#include "call/journal.h"
#include "call/snapshot.h"

#include <stdlib.h>
#include <unistd.h>

#define PAGE 1024U /* a slot of the file */

struct test {
    struct rig r;
    struct journal *j;
    struct call *c;
    char path[64], next[64];
    unsigned cdrs;
    struct cdr_event cdr;
    char uuid[CALL_UUID_LEN + 1];
};

static void on_cdr(const struct cdr_event *ev, void *arg)
{
    struct test *t = arg;

    if (ev->type != CDR_CALL)
        return;
    t->cdrs++;
    t->cdr = *ev;
    span_copy(ev->uuid, t->uuid, sizeof t->uuid);
}

static struct call *confirmed(struct rig *r)
{
    struct call *c = make_call(r);

    c->in->state = c->out->state = LEG_UP;
    c->state = CALL_UP;
    r->cs->up++;
    c->answered_ms = r->clock.mono_ms - 5000;
    c->answered_wall_ms = r->clock.wall_ms - 5000;
    return c;
}

static int setup(void **state)
{
    struct test *t = calloc(1, sizeof *t);

    snprintf(t->path, sizeof t->path, "/tmp/tandem-journal-%d.1", (int)getpid());
    snprintf(t->next, sizeof t->next, "/tmp/tandem-journal-%d.2", (int)getpid());
    (void)unlink(t->path);
    (void)unlink(t->next);
    rig_up(&t->r);
    t->r.cs->cdr = cdr_port_new_tap(on_cdr, t);
    assert_int_equal(journal_new(t->path, 1, &t->j), 0);
    calls_set_journal(t->r.cs, t->j);
    t->c = confirmed(&t->r);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct test *t = *state;
    struct cdr_port *cdr = t->r.cs->cdr;

    rig_down(&t->r);
    journal_free(t->j);
    cdr_port_free_tap(cdr);
    (void)unlink(t->path);
    (void)unlink(t->next);
    free(t);
    return 0;
}

/* The process is killed: its calls are gone, its file is there. */
static void killed(struct test *t)
{
    t->r.cs->journal = NULL;
    while (t->r.cs->by_id.count) {
        call_free(t->c);
        t->c = NULL;
    }
    t->r.cs->up = 0;
    journal_free(t->j);
    t->j = NULL;
}

struct fates {
    struct test *t;
    unsigned n[JOURNAL_LOST + 1];
};

static void on_entry(void *arg, const struct journal_entry *e)
{
    struct fates *f = arg;

    f->n[journal_take(f->t->r.cs, e)]++;
}

static void a_confirmed_call_outlives_the_process(void **state)
{
    struct test *t = *state;
    struct fates f = {.t = t};
    uint64_t id = t->c->id;

    call_changed(t->c);
    call_changed(t->c);
    journal_turn(t->r.cs);
    assert_int_equal(journal_calls(t->j), 1);
    assert_int_equal(stat_get(&t->r.stats, STAT_journal_written), 1); /* once a turn */
    assert_int_equal(journal_read(t->path, on_entry, &f), -EWOULDBLOCK);
    killed(t);
    assert_int_equal(journal_read(t->path, on_entry, &f), 1);
    assert_int_equal(f.n[JOURNAL_RESUMED], 1);
    assert_int_equal(stat_get(&t->r.stats, STAT_calls_resumed), 1);
    t->c = container_of(htab_first(&t->r.cs->by_id, hash_u64(id)), struct call, node);
    assert_int_equal(t->c->state, CALL_UP);
    assert_int_equal(journal_read(t->path, on_entry, &f), 1);
    assert_int_equal(f.n[JOURNAL_HERE], 1);
    /* what it has now goes into the next journal, and the old one can go */
    assert_int_equal(journal_new(t->next, 2, &t->j), 0);
    calls_set_journal(t->r.cs, t->j);
    call_changed(t->c);
    journal_turn(t->r.cs);
    assert_int_equal(journal_calls(t->j), 1);
    assert_int_equal(journal_remove(t->path), 0);
    assert_int_equal(access(t->path, F_OK), -1);
    assert_int_equal(journal_remove(t->next), -EWOULDBLOCK);
}

static void a_change_replaces_the_record_and_an_end_removes_it(void **state)
{
    struct test *t = *state;
    uint64_t bytes = journal_bytes(t->j);

    for (unsigned i = 0; i < 5000; i++) { /* more than there are slots: each gives its own back */
        call_changed(t->c);
        journal_turn(t->r.cs);
    }
    assert_int_equal(journal_calls(t->j), 1);
    assert_int_equal(journal_bytes(t->j), bytes);
    t->c->in->state = LEG_CLOSING; /* a change under way: what is there holds */
    call_changed(t->c);
    journal_turn(t->r.cs);
    assert_int_equal(journal_calls(t->j), 1);
    journal_erase(t->c);
    journal_erase(t->c);
    assert_int_equal(journal_calls(t->j), 0);
    assert_int_equal(stat_get(&t->r.stats, STAT_journal_failed), 0);
    killed(t);
    assert_int_equal(journal_read(t->path, on_entry, t), 0);
}

static void calls_that_are_not_confirmed_are_not_in_it(void **state)
{
    struct test *t = *state;

    t->c->state = CALL_SETUP;
    call_changed(t->c);
    journal_turn(t->r.cs);
    assert_int_equal(journal_calls(t->j), 0);
    t->c->state = CALL_UP;
    call_changed(t->c);
    call_free(t->c); /* with a change that was not written yet */
    t->r.cs->up = 0;
    journal_turn(t->r.cs);
    assert_int_equal(journal_calls(t->j), 0);
}

/* Killed between the 200 and its ACK: who answered will bill it, so there is a record of it. */
static void an_answered_call_without_its_ack_leaves_a_detail_record(void **state)
{
    struct test *t = *state;
    struct fates f = {.t = t};
    char uuid[CALL_UUID_LEN + 1];

    t->c->in->state = LEG_ANSWERED;
    call_changed(t->c);
    journal_turn(t->r.cs);
    assert_int_equal(journal_calls(t->j), 1);
    memcpy(uuid, t->c->uuid, sizeof uuid);
    killed(t);
    assert_int_equal(journal_read(t->path, on_entry, &f), 1);
    assert_int_equal(f.n[JOURNAL_ESTIMATED], 1);
    assert_int_equal(t->cdrs, 1);
    assert_true(t->cdr.estimated);
    assert_string_equal(t->uuid, uuid);
    assert_int_equal(t->cdr.end.wall_ms - t->cdr.answer.wall_ms, 5000);
    assert_int_equal(calls_count(t->r.cs), 0);
}

static void the_record_of_an_answered_call_is_replaced_by_its_ack(void **state)
{
    struct test *t = *state;
    struct fates f = {.t = t};
    uint64_t id = t->c->id;

    t->c->in->state = LEG_ANSWERED;
    call_changed(t->c);
    journal_turn(t->r.cs);
    t->c->in->state = LEG_UP;
    call_changed(t->c);
    journal_turn(t->r.cs);
    assert_int_equal(journal_calls(t->j), 1);
    killed(t);
    assert_int_equal(journal_read(t->path, on_entry, &f), 1);
    assert_int_equal(f.n[JOURNAL_RESUMED], 1);
    assert_int_equal(t->cdrs, 0);
    t->c = container_of(htab_first(&t->r.cs->by_id, hash_u64(id)), struct call, node);
}

static void of_two_records_the_newer_is_taken(void **state)
{
    struct test *t = *state;
    struct fates f = {.t = t};
    uint32_t before, one = 1;
    uint64_t id = t->c->id;
    FILE *file;

    call_changed(t->c);
    journal_turn(t->r.cs);
    before = t->c->slot;
    t->c->cdr_seq = 77;
    call_changed(t->c);
    journal_turn(t->r.cs);
    assert_int_not_equal(t->c->slot, before);
    killed(t);
    /* as if it had been killed between the new record and the end of the old one */
    file = fopen(t->path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)(before * PAGE), SEEK_SET), 0);
    assert_int_equal(fwrite(&one, sizeof one, 1, file), 1);
    fclose(file);
    assert_int_equal(journal_read(t->path, on_entry, &f), 2);
    assert_int_equal(f.n[JOURNAL_RESUMED], 1);
    assert_int_equal(f.n[JOURNAL_HERE], 1);
    t->c = container_of(htab_first(&t->r.cs->by_id, hash_u64(id)), struct call, node);
    assert_int_equal(t->c->cdr_seq, 77);
}

static void a_call_that_was_ending_is_ended(void **state)
{
    struct test *t = *state;
    struct fates f = {.t = t};

    call_changed(t->c);
    journal_turn(t->r.cs);
    journal_mark(t->c);
    killed(t);
    clock_advance(&t->r.clock, 3000);
    sent = 0;
    assert_int_equal(journal_read(t->path, on_entry, &f), 1);
    assert_int_equal(f.n[JOURNAL_RESUMED], 1);
    assert_int_equal(sent, 2); /* BYE to both */
    assert_int_equal(t->cdrs, 1);
    assert_false(t->cdr.estimated);
    assert_int_equal(t->cdr.end.wall_ms - t->cdr.answer.wall_ms, 5000); /* when it did end */
    assert_int_equal(calls_up(t->r.cs), 0);
}

/* Each word of the record spoilt: never half a call, and what can be read of it is in a detail record or counted. */
static void a_damaged_record_takes_up_nothing(void **state)
{
    struct test *t = *state;
    uint32_t at, len;
    uint64_t id = t->c->id;
    FILE *head;

    call_changed(t->c);
    journal_turn(t->r.cs);
    at = t->c->slot * PAGE;
    killed(t);
    head = fopen(t->path, "r");
    assert_int_equal(fseek(head, (long)at + 40, SEEK_SET), 0);
    assert_int_equal(fread(&len, sizeof len, 1, head), 1);
    fclose(head);
    for (unsigned i = 8; i < PAGE && i < 48 + len; i += 8) {
        struct fates f = {.t = t};
        FILE *file = fopen(t->path, "r+");
        char b;

        assert_non_null(file);
        if (i == 24 ||
            i == 16) { /* the call's number, the mark of its end: nothing to compare them with */
            fclose(file);
            continue;
        }
        assert_int_equal(fseek(file, (long)(at + i), SEEK_SET), 0);
        assert_int_equal(fread(&b, 1, 1, file), 1);
        b = (char)(b ^ 0x40);
        assert_int_equal(fseek(file, (long)(at + i), SEEK_SET), 0);
        assert_int_equal(fwrite(&b, 1, 1, file), 1);
        fclose(file);
        assert_int_equal(journal_read(t->path, on_entry, &f), 1);
        if (i != 8) /* its serial is only compared with others' */
            assert_int_equal(f.n[JOURNAL_LOST], 1);
        else
            call_free(container_of(htab_first(&t->r.cs->by_id, hash_u64(id)), struct call, node));
        file = fopen(t->path, "r+");
        b = (char)(b ^ 0x40);
        assert_int_equal(fseek(file, (long)(at + i), SEEK_SET), 0);
        assert_int_equal(fwrite(&b, 1, 1, file), 1);
        fclose(file);
    }
    assert_int_equal(calls_count(t->r.cs), 0);
}

static void a_record_of_another_version_leaves_a_detail_record(void **state)
{
    struct test *t = *state;
    struct call_brief *b = calloc(1, 16384);
    struct journal_entry e = {.rec = b, .ended_wall_ms = 0};
    char uuid[CALL_UUID_LEN + 1];

    e.len = (size_t)call_save(t->c, b, 16384);
    e.call = t->c->id;
    e.alive_wall_ms = t->r.clock.wall_ms + 60000;
    memcpy(uuid, t->c->uuid, sizeof uuid);
    b->version++;
    killed(t);
    assert_int_equal(journal_take(t->r.cs, &e), JOURNAL_ESTIMATED);
    assert_int_equal(t->cdrs, 1);
    assert_true(t->cdr.estimated);
    assert_string_equal(t->uuid, uuid);
    assert_int_equal(t->cdr.end.wall_ms - t->cdr.answer.wall_ms, 65000);
    assert_int_equal(calls_count(t->r.cs), 0);
    assert_int_equal(stat_get(&t->r.stats, STAT_calls_estimated), 1);
    memset(b, 0, sizeof *b);
    assert_int_equal(journal_take(t->r.cs, &e), JOURNAL_LOST);
    free(b);
}

static void a_file_of_something_else_is_left_alone(void **state)
{
    struct test *t = *state;
    struct journal *j;
    FILE *file = fopen(t->next, "w");

    for (unsigned i = 0; i < 4096; i++)
        fputc('x', file);
    fclose(file);
    assert_int_equal(journal_new(t->next, 2, &j), -EEXIST);
    assert_int_equal(journal_read(t->next, on_entry, t), -EPROTO);
    assert_int_equal(journal_remove(t->next), -EPROTO);
    assert_int_equal(access(t->next, F_OK), 0);
    file = fopen(t->next, "w"); /* killed before it was begun */
    fclose(file);
    assert_int_equal(journal_read(t->next, on_entry, t), 0);
    assert_int_equal(journal_remove(t->next), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_confirmed_call_outlives_the_process),
        T(a_change_replaces_the_record_and_an_end_removes_it),
        T(calls_that_are_not_confirmed_are_not_in_it),
        T(an_answered_call_without_its_ack_leaves_a_detail_record),
        T(the_record_of_an_answered_call_is_replaced_by_its_ack),
        T(of_two_records_the_newer_is_taken),
        T(a_call_that_was_ending_is_ended),
        T(a_damaged_record_takes_up_nothing),
        T(a_record_of_another_version_leaves_a_detail_record),
        T(a_file_of_something_else_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
