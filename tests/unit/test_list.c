/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/list.c, lib/route/textfile.c and lib/route/origin.c: files, their errors, lookups against a linear scan.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/errors.h"
#include "route/list.h"
#include "route/origin.h"
#include "route/textfile.h"

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/test_list.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

static const char *in_dir(const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", dir, name);
    return path;
}

static const char *written(const char *name, const char *text, char *path, size_t size)
{
    FILE *f = fopen(in_dir(name, path, size), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

static struct list *load(const char *text, size_t len, enum list_kind kind, char **messages)
{
    struct conf_errors errs;
    struct list *l;
    size_t size;
    FILE *out = open_memstream(messages, &size);

    errors_init(&errs);
    l = list_load_text("l.txt", (struct span){text, len}, kind, &errs);
    assert_true(l ? errs.errors == 0 : errs.errors > 0);
    conf_print_errors(out, &errs);
    fclose(out);
    conf_errors_fini(&errs);
    return l;
}

static struct list *good(const char *text, enum list_kind kind)
{
    char *messages;
    struct list *l = load(text, strlen(text), kind, &messages);

    if (!l)
        fail_msg("%s", messages);
    free(messages);
    return l;
}

static uint32_t line_of(const struct list *l, const char *number)
{
    uint32_t line = 0;

    return list_find(l, span_of(number), &line, NULL) ? line : 0;
}

static void a_list_of_prefixes(void **state)
{
    (void)state;
    struct list *l = good("# blocked\r\n"
                          "+37\r\n"
                          "\r\n"
                          "  +371 # Latvia\n"
                          "0900\n"
                          "+371234567890123",
                          LIST_PREFIXES);
    const char *what = NULL;

    assert_int_equal(list_count(l), 4);
    assert_int_equal(line_of(l, "+372"), 2);
    assert_int_equal(line_of(l, "+371"), 4);
    assert_int_equal(line_of(l, "+37199"), 4);
    assert_int_equal(line_of(l, "+371234567890123"), 6);
    assert_int_equal(line_of(l, "+3712345678901239999"), 6);
    assert_int_equal(line_of(l, "+371;ext=2"), 4);
    assert_int_equal(line_of(l, "09001"), 5);
    assert_int_equal(line_of(l, "900"), 0);
    assert_int_equal(line_of(l, "+3"), 0);
    assert_int_equal(line_of(l, ""), 0);
    assert_int_equal(line_of(l, "alice"), 0);
    assert_true(list_find(l, SPAN("+372"), NULL, &what));
    assert_string_equal(what, "");
    assert_true(list_bytes(l) > 4 * 12);
    list_free(l);
}

static void a_list_of_numbers_holds_whole_numbers_and_starred_prefixes(void **state)
{
    (void)state;
    struct list *l = good("+12125550100\n+1212555*\n+121255501234567\n", LIST_NUMBERS);

    assert_int_equal(line_of(l, "+12125550100"), 1);
    assert_int_equal(line_of(l, "+1212555010"), 2);
    assert_int_equal(line_of(l, "+121255501001"), 2);
    assert_int_equal(line_of(l, "+12125550100 "), 2);
    assert_int_equal(line_of(l, "+1212554"), 0);
    assert_int_equal(line_of(l, "+121255501234567"), 3);
    assert_int_equal(line_of(l, "+1212555012345678"), 2);
    list_free(l);

    l = good("+1*\n*\n", LIST_NUMBERS);
    assert_int_equal(line_of(l, "+1"), 1);
    assert_int_equal(line_of(l, "anonymous"), 2);
    list_free(l);

    l = good("# nobody yet\n", LIST_NUMBERS);
    assert_int_equal(list_count(l), 0);
    assert_int_equal(line_of(l, "+1"), 0);
    list_free(l);
    assert_false(list_find(NULL, SPAN("+1"), NULL, NULL));
}

static void a_number_longer_than_a_key_is_not_taken_for_its_beginning(void **state)
{
    (void)state;
    struct list *l = good("0123456789012345\n", LIST_NUMBERS);

    assert_int_equal(line_of(l, "0123456789012345"), 1);
    assert_int_equal(line_of(l, "01234567890123456"), 0);
    list_free(l);
}

static void states_give_their_text(void **state)
{
    (void)state;
    struct list *l = good("Prefix,State\n+1212, NY\n+1201 ,NJ\n+1212555,US-CT12\n", LIST_STATES);
    const char *what;

    assert_true(list_find(l, SPAN("+12125540000"), NULL, &what));
    assert_string_equal(what, "NY");
    assert_true(list_find(l, SPAN("+12125550000"), NULL, &what));
    assert_string_equal(what, "US-CT12");
    assert_true(list_find(l, SPAN("+12015550000"), NULL, &what));
    assert_string_equal(what, "NJ");
    assert_false(list_find(l, SPAN("+1300"), NULL, &what));
    list_free(l);
}

static void every_bad_row_is_named(void **state)
{
    (void)state;
    static const struct {
        enum list_kind kind;
        const char *text, *says;
        size_t len;
    } bad[] = {
        {LIST_PREFIXES, "+1\n+44\n +1\n", "l.txt:3:2: error: '+1' stands in line 1 already", 0},
        {LIST_PREFIXES, "+12O2\n", "l.txt:1:1: error: '+12O2' is no number (letter O?)", 0},
        {LIST_PREFIXES, "+1 202\n", "l.txt:1:1: error: '+1 202' is no number: digits", 0},
        {LIST_PREFIXES, "1+1\n", "l.txt:1:1: error: '1+1' is no number: '+' stands first only", 0},
        {LIST_PREFIXES, "+12345678901234567\n", "is longer than 16 characters", 0},
        {LIST_PREFIXES, "+1*\n", "'+1*' is no number", 0},
        {LIST_PREFIXES, "+1\0\n", "l.txt:1:1: error: '+1", 4},
        {LIST_PREFIXES, "\xff\xfe+\n", "is no number", 0},
        {LIST_NUMBERS, "+\n", "'+' is no number", 0},
        {LIST_NUMBERS, "+1**\n", "'+1**' is no number", 0},
        {LIST_NUMBERS, "+1*\n+1*\n", "l.txt:2:1: error: '+1*' stands in line 1 already", 0},
        {LIST_NUMBERS, "*\n*\n", "l.txt:2:1: error: '*' stands in line 1 already", 0},
        {LIST_STATES, "+1212\n", "l.txt:1:1: error: '+1212' has no state", 0},
        {LIST_STATES, "+1212,\n", "'+1212,' has no state", 0},
        {LIST_STATES, ",NY\n", "',NY' has no prefix", 0},
        {LIST_STATES, "+1212,New York\n", "l.txt:1:7: error: 'New York' is no state", 0},
        {LIST_STATES, "+1212,NY,2\n", "'NY,2' is no state", 0},
        {LIST_STATES, "+1212,NEWYORKC\n", "'NEWYORKC' is longer than 7", 0},
        {LIST_STATES, "+1212,NY\n+1212,NJ\n", "l.txt:2:1: error: '+1212' stands in line 1", 0},
        {LIST_STATES, "+1212,NY\nprefix,state\n", "l.txt:2:1: error: 'prefix' is no number", 0},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *messages;
        size_t len = bad[i].len ? bad[i].len : strlen(bad[i].text);

        assert_null(load(bad[i].text, len, bad[i].kind, &messages));
        if (!strstr(messages, bad[i].says))
            fail_msg("%zu: %s", i, messages);
        free(messages);
    }
}

static void all_errors_are_counted_and_a_hundred_kept(void **state)
{
    (void)state;
    char *text = malloc(250 * 4 + 1), *messages;

    for (int i = 0; i < 250; i++)
        memcpy(text + 4 * i, "+1x\n", 5);
    assert_null(load(text, 1000, LIST_PREFIXES, &messages));
    assert_non_null(strstr(messages, "l.txt:100:1:"));
    assert_null(strstr(messages, "l.txt:101:1:"));
    assert_non_null(strstr(messages, "and 150 more"));
    free(messages);
    free(text);
}

static void a_line_without_end_is_shown_cut(void **state)
{
    (void)state;
    size_t len = 1 << 20;
    char *text = malloc(len), *messages;

    memset(text, '1', len);
    assert_null(load(text, len, LIST_NUMBERS, &messages));
    assert_true(strlen(messages) < 1000);
    free(messages);
    free(text);
}

static void what_is_no_file_is_refused_without_waiting(void **state)
{
    (void)state;
    char path[128];
    struct textfile f;
    const char *why = NULL;

    assert_int_equal(textfile_read(in_dir("none", path, sizeof(path)), 100, &f, &why), -ENOENT);
    assert_string_equal(why, "No such file or directory");
    assert_int_equal(textfile_read(dir, 100, &f, &why), -EISDIR);
    assert_string_equal(why, "Is a directory");
    assert_int_equal(textfile_read("/dev/zero", 100, &f, &why), -EINVAL);
    assert_string_equal(why, "is no regular file");
    assert_int_equal(mkfifo(in_dir("fifo", path, sizeof(path)), 0600), 0);
    assert_int_equal(textfile_read(path, 100, &f, &why), -EINVAL);
    unlink(path);
    written("large", "12345", path, sizeof(path));
    assert_int_equal(textfile_read(path, 4, &f, &why), -EFBIG);
    assert_string_equal(why, "is too large");
    assert_int_equal(textfile_read(path, 5, &f, &why), 0);
    assert_int_equal(f.len, 5);
    textfile_free(&f);
    unlink(path);
}

/* /proc's files have no size, but text: a file that grows between fstat and read. */
static void a_file_that_grows_while_it_is_read_is_refused(void **state)
{
    (void)state;
    struct textfile f;
    const char *why;

    assert_int_equal(textfile_read("/proc/self/status", 1 << 20, &f, &why), -EAGAIN);
    assert_string_equal(why, "was changed while it was read");
}

static void a_file_that_cannot_be_read_is_an_error_where_it_is_named(void **state)
{
    (void)state;
    struct conf_errors errs;
    const char *file = "routes.conf";
    struct conf conf = {.file = {&file, 1}};
    char path[128];
    struct list *l;

    errors_init(&errs);
    in_dir("none", path, sizeof(path));
    l = list_load(&conf, path, (struct conf_loc){.line = 7, .col = 3}, LIST_PREFIXES, &errs);
    assert_null(l);
    assert_int_equal(errs.errors, 1);
    assert_string_equal(errs.v[0].file, "routes.conf");
    assert_int_equal(errs.v[0].line, 7);
    assert_non_null(strstr(errs.v[0].text, "/none: No such file"));
    written("p", "\xef\xbb\xbf+1\n", path, sizeof(path));
    l = list_load(&conf, path, (struct conf_loc){.line = 7, .col = 3}, LIST_PREFIXES, &errs);
    assert_int_equal(line_of(l, "+1202"), 1);
    list_free(l);
    unlink(path);
    conf_errors_fini(&errs);
}

static void a_list_of_a_line(void **state)
{
    (void)state;
    const char *prefix[] = {"+1", "0900", "+1", "x"}, *all[] = {""};
    struct list *l = list_of(prefix, 4);
    uint32_t line = 9;

    assert_int_equal(list_count(l), 2);
    assert_true(list_find(l, SPAN("+1202"), &line, NULL));
    assert_int_equal(line, 0);
    assert_false(list_find(l, SPAN("+44"), &line, NULL));
    list_free(l);
    l = list_of(all, 1);
    assert_true(list_find(l, SPAN("bob"), &line, NULL));
    list_free(l);
    l = list_of(NULL, 0);
    assert_int_equal(list_count(l), 0);
    list_free(l);
}

#define SCAN_ROWS 3000

/* 20,000 lookups against a scan of all rows. */
static void lookups_agree_with_a_linear_scan(void **state)
{
    (void)state;
    static char row[SCAN_ROWS][20];
    char *text, *messages;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    unsigned n = 0;
    struct list *l;

    srandom(7);
    while (n < SCAN_ROWS) {
        unsigned len = 1 + (unsigned)random() % 6, same = 0;

        row[n][0] = random() % 4 ? '+' : '1';
        for (unsigned i = 1; i <= len; i++)
            row[n][i] = (char)('0' + random() % 6);
        row[n][len + 1] = '\0';
        while (same < n && strcmp(row[same], row[n]) != 0)
            same++;
        if (same < n)
            continue;
        fprintf(out, "%s\n", row[n++]);
    }
    fclose(out);
    l = load(text, size, LIST_PREFIXES, &messages);
    assert_non_null(l);
    for (int i = 0; i < 20000; i++) {
        char number[20];
        uint32_t best = 0;
        size_t longest = 0;

        snprintf(number, sizeof(number), "%s%06ld", random() % 4 ? "+" : "1", random() % 555556);
        for (unsigned k = 0; k < n; k++) {
            if (strlen(row[k]) > longest && strncmp(number, row[k], strlen(row[k])) == 0) {
                longest = strlen(row[k]);
                best = k + 1;
            }
        }
        assert_int_equal(line_of(l, number), best);
    }
    list_free(l);
    free(messages);
    free(text);
}

static struct rate_class class_of(const struct origin *o, const char *caller, const char *called)
{
    return origin_class(o, span_of(caller), span_of(called));
}

static void a_call_has_its_zone_and_jurisdiction(void **state)
{
    (void)state;
    const char *eea[] = {"+43", "+49"}, *vienna[] = {"+431"}, *file = "t";
    struct conf_zone zone[] = {{.name = "eea", .caller = {eea, 2}},
                               {.name = "vienna", .caller = {vienna, 1}}};
    char path[128];
    struct conf conf = {.zone = {zone, 2}, .file = {&file, 1}};
    struct conf_errors errs;
    struct origin *o;
    struct rate_class rc;

    conf.global.states = written("s", "+1212,NY\n+1201,NJ\n+1646,NY\n", path, sizeof(path));
    errors_init(&errs);
    o = origin_new(&conf, &errs);
    assert_non_null(o);
    assert_int_equal(class_of(o, "+4312345", "+1212").zone, 1);
    assert_int_equal(class_of(o, "+4366412345", "+1212").zone, 0);
    assert_int_equal(class_of(o, "+12125550100", "+1212").zone, CONF_ZONES_MAX);
    assert_int_equal(class_of(o, "", "+1212").zone, CONF_ZONES_MAX);
    assert_int_equal(class_of(o, "anonymous", "+1212").zone, CONF_ZONES_MAX);
    assert_int_equal(class_of(o, "+12125550100", "+16465550100").jurisdiction, DECK_INTRA);
    assert_int_equal(class_of(o, "+12125550100", "+12015550100").jurisdiction, DECK_INTER);
    assert_int_equal(class_of(o, "", "+12015550100").jurisdiction, DECK_INDETERMINATE);
    assert_int_equal(class_of(o, "+4312345", "+12015550100").jurisdiction, DECK_INDETERMINATE);
    assert_int_equal(class_of(o, "+12125550100", "+44207").jurisdiction, DECK_INDETERMINATE);
    assert_string_equal(origin_state(o, SPAN("+16465550100")), "NY");
    origin_free(o);
    unlink(path);

    o = origin_new(&conf, &errs); /* the file of states is gone */
    assert_null(o);
    assert_int_equal(errs.errors, 1);
    conf = (struct conf){.file = {&file, 1}};
    o = origin_new(&conf, &errs);
    rc = class_of(o, "+12125550100", "+16465550100");
    assert_int_equal(rc.zone, CONF_ZONES_MAX);
    assert_int_equal(rc.jurisdiction, DECK_INDETERMINATE);
    origin_free(o);
    origin_free(NULL);
    conf_errors_fini(&errs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_prefixes),
        cmocka_unit_test(a_list_of_numbers_holds_whole_numbers_and_starred_prefixes),
        cmocka_unit_test(a_number_longer_than_a_key_is_not_taken_for_its_beginning),
        cmocka_unit_test(states_give_their_text),
        cmocka_unit_test(every_bad_row_is_named),
        cmocka_unit_test(all_errors_are_counted_and_a_hundred_kept),
        cmocka_unit_test(a_line_without_end_is_shown_cut),
        cmocka_unit_test(what_is_no_file_is_refused_without_waiting),
        cmocka_unit_test(a_file_that_grows_while_it_is_read_is_refused),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_error_where_it_is_named),
        cmocka_unit_test(a_list_of_a_line),
        cmocka_unit_test(lookups_agree_with_a_linear_scan),
        cmocka_unit_test(a_call_has_its_zone_and_jurisdiction),
    };

    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
