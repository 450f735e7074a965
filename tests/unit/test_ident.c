/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sealed tokens, their key file, UUIDs.
 * Run by make check; it sees lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/err.h"
#include "core/ident.h"

static const uint8_t key[16] = "0123456789abcde";

static void token_opens_to_what_was_sealed_in_either_case(void **state)
{
    struct ident_key *k = ident_key_new(key, 0xbeef, 0x12345678, 7);
    char token[IDENT_LEN];
    struct ident id;

    (void)state;
    ident_seal(k, IDENT_CALLID, 0xa1b2c3d4e5f6, token);
    for (int upper = 0; upper < 2; upper++) {
        assert_int_equal(ident_open(k, (struct span){token, IDENT_LEN}, &id), 0);
        assert_int_equal(id.node, 0xbeef);
        assert_int_equal(id.epoch, 0x12345678);
        assert_int_equal(id.worker, 7);
        assert_int_equal(id.kind, IDENT_CALLID);
        assert_int_equal(id.serial, 0xa1b2c3d4e5f6);
        for (int i = 0; i < IDENT_LEN; i++)
            token[i] = (char)toupper(token[i]);
    }
    ident_key_free(k);
}

static void changed_or_foreign_text_does_not_open(void **state)
{
    struct ident_key *k = ident_key_new(key, 1, 2, 3);
    struct ident_key *other = ident_key_new((const uint8_t *)"another key 1234", 1, 2, 3);
    char token[IDENT_LEN];
    struct ident id;

    (void)state;
    ident_seal(k, IDENT_TAG, 99, token);
    for (int i = 0; i < IDENT_LEN; i++) {
        char changed[IDENT_LEN];
        memcpy(changed, token, IDENT_LEN);
        changed[i] = changed[i] == 'b' ? 'c' : 'b';
        assert_int_not_equal(ident_open(k, (struct span){changed, IDENT_LEN}, &id), 0);
        changed[i] = '-';
        assert_int_equal(ident_open(k, (struct span){changed, IDENT_LEN}, &id), -EINVAL);
    }
    assert_int_not_equal(ident_open(other, (struct span){token, IDENT_LEN}, &id), 0);
    assert_int_equal(ident_open(k, (struct span){token, IDENT_LEN - 1}, &id), -EINVAL);
    assert_int_equal(ident_open(k, SPAN_NONE, &id), -EINVAL);
    ident_key_free(k);
    ident_key_free(other);
}

static void token_opened_before_hides_no_other(void **state)
{
    struct ident_key *k = ident_key_new(key, 1, 2, 3);
    char zero[IDENT_LEN] = {0}, a[IDENT_LEN], b[IDENT_LEN];
    struct ident id;

    (void)state;
    assert_int_equal(ident_open(k, (struct span){zero, IDENT_LEN}, &id), -EINVAL);
    ident_seal(k, IDENT_TAG, 1, a);
    ident_seal(k, IDENT_BRANCH, 2, b);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ident_open(k, (struct span){a, IDENT_LEN}, &id), 0);
        assert_int_equal(id.serial, 1);
        assert_int_equal(ident_open(k, (struct span){a, IDENT_LEN}, &id), 0);
        assert_int_equal(id.kind, IDENT_TAG);
        if (i == 1)
            assert_int_equal(ident_open(k, (struct span){zero, IDENT_LEN}, &id), -EINVAL);
        assert_int_equal(ident_open(k, (struct span){b, IDENT_LEN}, &id), 0);
        assert_int_equal(id.serial, 2);
        assert_int_equal(id.kind, IDENT_BRANCH);
    }
    ident_key_free(k);
}

static void token_of_an_earlier_boot_is_stale_and_still_read(void **state)
{
    struct ident_key *before = ident_key_new(key, 1, 100, 3);
    struct ident_key *after = ident_key_new(key, 1, 101, 0);
    char token[IDENT_LEN];
    struct ident id = {0};

    (void)state;
    ident_seal(before, IDENT_BRANCH, 5, token);
    assert_int_equal(ident_open(after, (struct span){token, IDENT_LEN}, &id), TD_ESTALE);
    assert_int_equal(id.epoch, 100);
    assert_int_equal(id.worker, 3);
    assert_int_equal(id.serial, 5);
    ident_key_free(before);
    ident_key_free(after);
}

static void token_turned_to_another_kind_and_back_is_the_same(void **state)
{
    static const uint8_t secret[16] = {1};
    struct ident_key *k = ident_key_new(secret, 7, 100, 3),
                     *later = ident_key_new(secret, 7, 200, 0);
    char tag[IDENT_LEN], turned[IDENT_LEN], back[IDENT_LEN];
    const struct span t = {tag, IDENT_LEN}, u = {turned, IDENT_LEN};
    struct ident id;

    (void)state;
    ident_seal(k, IDENT_TAG, 77, tag);
    assert_int_equal(ident_turn(later, t, IDENT_TAG, IDENT_REPLACES, turned), 0);
    assert_memory_not_equal(tag, turned, IDENT_LEN);
    assert_int_equal(ident_open(k, u, &id), 0);
    assert_int_equal(id.kind, IDENT_REPLACES);
    assert_int_equal(id.worker, 3);
    assert_int_equal(id.serial, 77);
    assert_int_equal(ident_turn(k, u, IDENT_TAG, IDENT_REPLACES, back), -EINVAL);
    assert_int_equal(ident_turn(k, u, IDENT_REPLACES, IDENT_TAG, back), 0);
    assert_memory_equal(tag, back, IDENT_LEN);
    ident_key_free(k);
    ident_key_free(later);
}

static void serials_count_from_one_and_tokens_differ(void **state)
{
    struct ident_key *k = ident_key_new(key, 1, 2, 3);
    char a[IDENT_LEN];
    char b[IDENT_LEN];
    unsigned same = 0;

    (void)state;
    assert_int_equal(ident_next_serial(k), 1);
    assert_int_equal(ident_next_serial(k), 2);
    ident_seal(k, IDENT_TAG, 1, a);
    ident_seal(k, IDENT_TAG, 2, b);
    for (int i = 0; i < IDENT_LEN; i++)
        same += a[i] == b[i];
    assert_true(same < 10); /* neighbours look unrelated */
    ident_key_free(k);
}

static void key_file_is_made_once_and_read_ever_after(void **state)
{
    char dir[] = "/tmp/tandem-ident-XXXXXX";
    char path[64];
    uint8_t a[16] = {0};
    uint8_t b[16] = {1};
    struct stat st;
    int fd;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/token.key", dir);
    assert_int_equal(ident_key_load(path, a), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_nlink, 1); /* the temporary name has gone */
    assert_int_equal(ident_key_load(path, b), 0);
    assert_memory_equal(a, b, 16);
    fd = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, "short", 5), 5);
    close(fd);
    assert_int_equal(ident_key_load(path, b), -EINVAL);
    unlink(path);
    rmdir(dir);
    assert_int_equal(ident_key_load(path, b), -ENOENT);
}

static void uuid_has_version_four_form(void **state)
{
    char a[37];
    char b[37];

    (void)state;
    ident_uuid(a);
    ident_uuid(b);
    assert_int_equal(strlen(a), 36);
    assert_string_not_equal(a, b);
    assert_int_equal(a[8], '-');
    assert_int_equal(a[13], '-');
    assert_int_equal(a[14], '4');
    assert_int_equal(a[18], '-');
    assert_non_null(strchr("89ab", a[19]));
    assert_int_equal(a[23], '-');
}

static void every_error_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(err_str(0), "success");
    assert_string_equal(err_str(TD_EFULL), "full");
    assert_string_equal(err_str(-ENOENT), "No such file or directory");
    assert_string_equal(err_str(-99999), "unknown error");
    assert_string_equal(err_str(5), "unknown error");
    assert_non_null(err_str(INT32_MIN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_opens_to_what_was_sealed_in_either_case),
        cmocka_unit_test(changed_or_foreign_text_does_not_open),
        cmocka_unit_test(token_opened_before_hides_no_other),
        cmocka_unit_test(token_of_an_earlier_boot_is_stale_and_still_read),
        cmocka_unit_test(token_turned_to_another_kind_and_back_is_the_same),
        cmocka_unit_test(serials_count_from_one_and_tokens_differ),
        cmocka_unit_test(key_file_is_made_once_and_read_ever_after),
        cmocka_unit_test(uuid_has_version_four_form),
        cmocka_unit_test(every_error_has_a_text),
    };

    return cmocka_run_group_tests_name("ident", tests, NULL, NULL);
}
