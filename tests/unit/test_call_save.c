/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of calls (lib/call/snapshot.c): what is put down is taken up, and a damaged record takes up nothing.
 * What a restored call does on the wire is the replay cases' business.
 */
#include "call_rig.h"

#include "call/snapshot.h"

#include <stdlib.h>

static struct call *confirmed(struct rig *r)
{
    struct call *c = make_call(r);

    c->in->state = c->out->state = LEG_UP;
    c->state = CALL_UP;
    r->cs->up++;
    c->answered_ms = r->clock.mono_ms - 5000;
    c->answered_wall_ms = r->clock.wall_ms - 5000;
    c->in->answered_ms = c->out->answered_ms = c->answered_ms;
    snprintf(c->caller, sizeof c->caller, "+12125550123");
    snprintf(c->called, sizeof c->called, "2025550187");
    snprintf(c->normalised, sizeof c->normalised, "+12025550187");
    snprintf(c->out->sent, sizeof c->out->sent, "12025550187");
    c->cdr_seq = 4;
    c->generation = 9;
    c->klass = SIP_CLASS_PRIORITY;
    return c;
}

/* A registry is needed to find the trunk of a record by its name. */
static void rig_registry(struct rig *r)
{
    r->cs->trunks = trunk_registry_new();
    assert_non_null(r->cs->trunks);
}

/* Calls that stand give back what they hold there. */
static void rig_down_registry(struct rig *r)
{
    struct trunk_registry *reg = r->cs->trunks;

    rig_down(r);
    trunk_registry_free(reg);
}

static void a_call_is_put_down_and_taken_up(void **state)
{
    struct rig r;
    struct call *c;
    char buf[16384], uuid[CALL_UUID_LEN + 1];
    uint64_t id, answered_ms;
    int n;

    (void)state;
    rig_up(&r);
    rig_registry(&r);
    c = confirmed(&r);
    id = c->id;
    memcpy(uuid, c->uuid, sizeof uuid);
    n = call_save(c, buf, sizeof buf);
    assert_true(n > 0 && (size_t)n <= call_save_len(c));
    assert_int_equal(call_load(r.cs, buf, (size_t)n), -EEXIST);
    answered_ms = c->answered_ms;
    call_free(c);
    r.cs->up = 0;
    assert_int_equal(stack_dialogs(r.stack), 0);
    assert_int_equal(call_load(r.cs, buf, (size_t)n), -ENOENT);
    assert_int_equal(calls_count(r.cs), 0);
    assert_int_equal(call_load_names(r.cs->trunks, buf, (size_t)n), n);
    assert_int_equal(call_load(r.cs, buf, (size_t)n), n);
    assert_int_equal(calls_count(r.cs), 1);
    assert_int_equal(calls_up(r.cs), 1);
    assert_int_equal(stack_dialogs(r.stack), 2);
    c = container_of(htab_first(&r.cs->by_id, hash_u64(id)), struct call, node);
    assert_string_equal(c->uuid, uuid);
    assert_string_equal(c->normalised, "+12025550187");
    assert_string_equal(c->out->sent, "12025550187");
    assert_string_equal(c->in->trunk.state->name, "unit");
    assert_true(c->answered_ms == answered_ms);
    assert_int_equal(c->cdr_seq, 4);
    assert_int_equal(c->generation, 9);
    assert_int_equal(c->klass, SIP_CLASS_PRIORITY);
    assert_int_equal(c->in->state, LEG_UP);
    rig_down_registry(&r);
}

static void only_confirmed_calls_are_put_down(void **state)
{
    struct rig r;
    struct call *c;
    char buf[16384];

    (void)state;
    rig_up(&r);
    c = confirmed(&r);
    assert_int_equal(call_save(c, buf, call_save_len(c) - 1), -ENOSPC);
    for (unsigned s = 0; s < LEG_STATES; s++) {
        c->in->state = (uint8_t)s;
        assert_int_equal(call_save(c, buf, sizeof buf) > 0, s == LEG_UP);
        c->in->state = LEG_UP;
        c->out->state = (uint8_t)s;
        assert_int_equal(call_save(c, buf, sizeof buf) > 0, s == LEG_UP);
        c->out->state = LEG_UP;
    }
    c->media.state = CALL_MEDIA_CHANGING;
    assert_int_equal(call_save(c, buf, sizeof buf), -EAGAIN);
    rig_down(&r);
}

/* Each byte of a record spoilt, each length cut: refused or taken up whole, never half, never read beyond. */
static void a_damaged_record_never_leaves_half_a_call(void **state)
{
    struct rig r;
    struct call *c;
    char buf[16384];
    int n;

    (void)state;
    rig_up(&r);
    rig_registry(&r);
    c = confirmed(&r);
    n = call_save(c, buf, sizeof buf);
    assert_int_equal(call_load_names(r.cs->trunks, buf, (size_t)n), n);
    call_free(c);
    r.cs->up = 0;
    for (size_t len = 0; len < (size_t)n; len++) {
        char *exact = malloc(len ? len : 1); /* a sanitizer sees a byte read behind it */

        assert_non_null(exact);
        memcpy(exact, buf, len);
        assert_true(call_load_names(r.cs->trunks, exact, len) < 0);
        assert_true(call_load(r.cs, exact, len) < 0);
        assert_int_equal(calls_count(r.cs), 0);
        assert_int_equal(stack_dialogs(r.stack), 0);
        free(exact);
    }
    for (int at = 0; at < 16; at++) { /* magic, version, length, sequence */
        char *spoilt = malloc((size_t)n);

        assert_non_null(spoilt);
        memcpy(spoilt, buf, (size_t)n);
        spoilt[at] = (char)(spoilt[at] ^ 0x5a);
        if (at < 8)
            assert_int_equal(call_load(r.cs, spoilt, (size_t)n), -EINVAL);
        free(spoilt);
    }
    assert_int_equal(calls_count(r.cs), 0);
    rig_down_registry(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_put_down_and_taken_up),
        cmocka_unit_test(only_confirmed_calls_are_put_down),
        cmocka_unit_test(a_damaged_record_never_leaves_half_a_call),
    };

    log_set_sink(quiet, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
