/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/deck*.c: every kind of value and of nonsense, versions, headers, the order of messages, a million rows.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/errors.h"
#include "route/deck.h"

#define NOW INT64_C(1796083200) /* 2026-12-01 00:00 UTC */

/* ---- a deck without lib/config's parser ---- */

static struct conf_deck_column columns_of_five[] = {{.what = CONF_COL_PREFIX},
                                                    {.what = CONF_COL_RATE},
                                                    {.what = CONF_COL_MINIMUM},
                                                    {.what = CONF_COL_INCREMENT},
                                                    {.what = CONF_COL_EFFECTIVE}};
static const char *conf_file = "tandem.conf";

struct rig {
    struct conf conf;
    struct conf_deck dc;
    struct conf_deck_column column[CONF_COLUMNS_MAX];
    unsigned threads;
    char *messages;
    uint32_t errors, warnings;
};

static void rig_init(struct rig *g, const struct conf_deck_column *column, uint32_t n)
{
    *g = (struct rig){.dc = {.name = "alpha-az", .file = "alpha.csv"}, .threads = 2};
    memcpy(g->column, column, n * sizeof(*column));
    g->dc.separator = ',';
    g->dc.column.v = g->column;
    g->dc.column.n = n;
    g->conf.deck.v = &g->dc;
    g->conf.deck.n = 1;
    g->conf.file.v = &conf_file;
    g->conf.file.n = 1;
}

static struct deck *loaded(struct rig *g, const char *text, size_t len)
{
    struct conf_errors errs;
    struct deck *d;
    size_t size;
    FILE *out = open_memstream(&g->messages, &size);

    errors_init(&errs);
    d = deck_load_text(&g->conf, 0, (struct span){text, len}, NOW, g->threads, &errs);
    assert_true(d ? errs.errors == 0 : errs.errors > 0);
    g->errors = errs.errors;
    g->warnings = errs.warnings;
    conf_print_errors(out, &errs);
    fclose(out);
    conf_errors_fini(&errs);
    return d;
}

static struct deck *good(struct rig *g, const char *text)
{
    struct deck *d = loaded(g, text, strlen(text));

    if (!d)
        fail_msg("%s", g->messages);
    free(g->messages);
    return d;
}

static void refused_len(struct rig *g, const char *text, size_t len, const char *says)
{
    struct deck *d = loaded(g, text, len);

    if (d)
        fail_msg("taken: %s", text);
    if (!strstr(g->messages, says))
        fail_msg("not said: %s\nbut: %s", says, g->messages);
    free(g->messages);
}

static void refused(struct rig *g, const char *text, const char *says)
{
    refused_len(g, text, strlen(text), says);
}

static const char *key_at(const struct deck *d, uint32_t i)
{
    static char text[KEY_DIGITS + 1];

    return key_text(d->row[i].key, text);
}

static const struct deck_terms *terms_at(const struct deck *d, uint32_t i)
{
    return &d->terms[d->row[i].terms];
}

/* ---- rows ---- */

static void rows_are_sorted_and_terms_kept_once(void **state)
{
    (void)state;
    struct rig g;
    struct deck *d;

    rig_init(&g, columns_of_five, 5);
    d = good(&g, "4420,0.0061,1,1,\r\n"
                 "+1,0.002,6,6,2026-11-01\r\n"
                 " 442 , 0.0061 , 1 , 1 ,\r\n"
                 "\r\n"
                 "\"44\",\"0.0061\",1,1,\"\"");
    assert_int_equal(d->n, 4);
    assert_string_equal(key_at(d, 0), "+1");
    assert_string_equal(key_at(d, 1), "+44");
    assert_string_equal(key_at(d, 2), "+442");
    assert_string_equal(key_at(d, 3), "+4420");
    assert_int_equal(d->row[0].line, 2);
    assert_int_equal(d->row[1].line, 5);
    assert_int_equal(d->row[2].line, 3);
    assert_int_equal(d->row[3].line, 1);
    assert_int_equal(d->n_terms, 2);
    assert_int_equal(terms_at(d, 1)->rate[DECK_RATE], 6100000);
    assert_int_equal(terms_at(d, 1)->rate[DECK_INTER], -1);
    assert_int_equal(terms_at(d, 1)->effective, INT64_MIN);
    assert_int_equal(terms_at(d, 1)->expires, INT64_MAX);
    assert_int_equal(terms_at(d, 0)->minimum, 6);
    assert_int_equal(terms_at(d, 0)->increment, 6);
    assert_int_equal(terms_at(d, 0)->effective, NOW - 30 * 86400);
    assert_int_equal(terms_at(d, 0)->quality, -1);
    deck_free(d);
}

static void every_column_has_its_place(void **state)
{
    (void)state;
    static const struct conf_deck_column column[] = {
        {.what = CONF_COL_CODE},     {.what = CONF_COL_SKIP},    {.what = CONF_COL_INTER},
        {.what = CONF_COL_INTRA},    {.what = CONF_COL_PREFIX},  {.what = CONF_COL_INDETERMINATE},
        {.what = CONF_COL_ZONE},     {.what = CONF_COL_QUALITY}, {.what = CONF_COL_EXPIRES},
        {.what = CONF_COL_EFFECTIVE}};
    struct rig g;
    struct deck *d;

    rig_init(&g, column, 10);
    g.column[6].zone = (struct conf_ref){.name = "eea", .id = 3};
    g.dc.separator = ';';
    d = good(&g,
             "\"New \"\"York\"\"\";x,y;0.1;0.2;1212;0.3;0.4;87;2027-01-01;2026-12-01T08:00+01:00\n"
             "Z\xc3\xbcrich;;1;;1213;;;;;\n");
    assert_int_equal(d->n, 2);
    assert_string_equal(terms_at(d, 0)->code, "New \"York\"");
    assert_string_equal(terms_at(d, 1)->code, "Z\xc3\xbcrich");
    assert_int_equal(terms_at(d, 0)->rate[DECK_RATE], -1);
    assert_int_equal(terms_at(d, 0)->rate[DECK_INTER], 100000000);
    assert_int_equal(terms_at(d, 0)->rate[DECK_INTRA], 200000000);
    assert_int_equal(terms_at(d, 0)->rate[DECK_INDETERMINATE], 300000000);
    assert_int_equal(terms_at(d, 0)->rate[DECK_ZONE + 3], 400000000);
    assert_int_equal(terms_at(d, 0)->quality, 87);
    assert_int_equal(terms_at(d, 0)->effective, NOW + 7 * 3600);
    assert_int_equal(terms_at(d, 0)->expires, NOW + 31 * 86400);
    assert_int_equal(terms_at(d, 1)->rate[DECK_INTRA], -1);
    assert_int_equal(terms_at(d, 1)->increment, 1);
    deck_free(d);
}

static void tabs_may_separate(void **state)
{
    (void)state;
    struct rig g;
    struct deck *d;

    rig_init(&g, columns_of_five, 5);
    g.dc.separator = '\t';
    d = good(&g, "44\t0.01\t\t\t\n 45\t \"0.02\" \t1\t1\t2026-12-01\n");
    assert_int_equal(d->n, 2);
    assert_int_equal(terms_at(d, 0)->minimum, 0);
    assert_int_equal(terms_at(d, 1)->rate[DECK_RATE], 20000000);
    deck_free(d);
}

static void plan_private_leaves_prefixes_as_they_are(void **state)
{
    (void)state;
    struct rig g;
    struct deck *d;

    rig_init(&g, columns_of_five, 2);
    g.dc.is_private = true;
    d = good(&g, "0900,1\n+44,2\n0123456789012345,3\n");
    assert_string_equal(key_at(d, 0), "0123456789012345");
    assert_string_equal(key_at(d, 1), "0900");
    assert_string_equal(key_at(d, 2), "+44");
    deck_free(d);
    g.dc.is_private = false;
    d = good(&g, "+,0.5\n123456789012345,3\n");
    assert_string_equal(key_at(d, 0), "+");
    assert_string_equal(key_at(d, 1), "+123456789012345");
    deck_free(d);
}

static void rows_outside_only_are_left_out_unread(void **state)
{
    (void)state;
    struct rig g;
    const char *only[] = {"+1", "44"};
    struct deck *d;

    rig_init(&g, columns_of_five, 2);
    g.dc.only.v = only;
    g.dc.only.n = 2;
    d = good(&g, "1,0.1\n49,nonsense\n1212,0.1\n4420,0.1\n45,0.1\n4,0.1\n");
    assert_int_equal(d->n, 3);
    assert_int_equal(d->left_out_only, 3);
    deck_free(d);
    refused(&g, "49,0.1\n", "alpha.csv: error: no row is left: 1 outside `only`, 0 bad\n");
}

/* ---- money and moments ---- */

static void money_is_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int err;
        int64_t nano;
    } t[] = {
        {"0.0123", 0, 12300000},
        {"0", 0, 0},
        {"1", 0, 1000000000},
        {".5", 0, 500000000},
        {"0.000000001", 0, 1},
        {"0.1234567890000", 0, 123456789},
        {"1000000", 0, CONF_MONEY_MAX},
        {"000001.10", 0, 1100000000},
        {"0.1234567891", -ERANGE, 0},
        {"1000000.000000001", -ERANGE, 0},
        {"99999999999999999999999999", -ERANGE, 0},
        {"", -EINVAL, 0},
        {".", -EINVAL, 0},
        {"5.", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"+1", -EINVAL, 0},
        {"1e3", -EINVAL, 0},
        {"1.2.3", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"1 ", -EINVAL, 0},
        {"nan", -EINVAL, 0},
        {"inf", -EINVAL, 0},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        int64_t v = 0;

        if (deck_money(span_of(t[i].text), &v) != t[i].err || v != t[i].nano)
            fail_msg("%s: %lld", t[i].text, (long long)v);
    }
}

static void moments_agree_with_libc(void **state)
{
    (void)state;
    static const char *bad[] = {"",
                                "2026",
                                "2026-1-01",
                                "2026-13-01",
                                "2026-02-29",
                                "2100-02-29",
                                "01.12.2026",
                                "12/01/2026",
                                "2026-12-01T",
                                "2026-12-01T8:00",
                                "2026-12-01T08:60",
                                "2026-12-01T24:00",
                                "2026-12-01Z",
                                "2026-12-01T08:00+1",
                                "2026-12-01T08:00:00ZZ",
                                "0000-00-00",
                                "2026-12-01T08:00+01:0x",
                                "2026-12-01T08:00-",
                                "99999-01-01"};
    int64_t v;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (deck_moment(span_of(bad[i]), &v) == 0)
            fail_msg("%s", bad[i]);
    assert_int_equal(deck_moment(SPAN("2026-12-01"), &v), 0);
    assert_int_equal(v, NOW);
    assert_int_equal(deck_moment(SPAN("2026-12-01 08:00:30Z"), &v), 0);
    assert_int_equal(v, NOW + 8 * 3600 + 30);
    assert_int_equal(deck_moment(SPAN("2026-12-01T08:00-05:30"), &v), 0);
    assert_int_equal(v, NOW + 13 * 3600 + 1800);
    for (int64_t day = 0; day < 366 * 500; day += 17) {
        char text[32];
        time_t at = (time_t)(day * 86400);
        struct tm tm;

        strftime(text, sizeof(text), "%Y-%m-%d", gmtime_r(&at, &tm));
        assert_int_equal(deck_moment(span_of(text), &v), 0);
        assert_int_equal(v, at);
    }
}

/* ---- nonsense ---- */

static void every_nonsense_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *row, *says;
    } bad[] = {
        {"44,O.0123,1,1,", ":2:4: error: rate 'O.0123' is not a number (letter O?)\n"},
        {"44,0.l23,1,1,", ":2:4: error: rate '0.l23' is not a number (letter l?)\n"},
        {"44,\"0,0123\",1,1,", ":2:5: error: rate '0,0123' is not a number (comma for"},
        {"44,\"1,234.50\",1,1,", "rate '1,234.50' is not a number (thousands separated?)\n"},
        {"44,-0.01,1,1,", "rate '-0.01' is negative\n"},
        {"44,+0.01,1,1,", "rate '+0.01' is not a number (a sign?)\n"},
        {"44,1.2e-2,1,1,", "rate '1.2e-2' is not a number (exponent?)\n"},
        {"44,0. 01,1,1,", "rate '0. 01' is not a number (a blank in it?)\n"},
        {"44,$0.01,1,1,", "rate '$0.01' is not a number (currency sign?)\n"},
        {"44,\xe2\x82\xac"
         "0.01,1,1,",
         "is not a number (currency sign?)\n"},
        {"44,0.01.0,1,1,", "rate '0.01.0' is not a number\n"},
        {"44,free,1,1,", "rate 'free' is not a number\n"},
        {"44,0.0123456789,1,1,", "has more than nine digits behind the point\n"},
        {"44,1000001,1,1,", "rate '1000001' is above 1000000 a minute\n"},
        {"44,,1,1,", ":2:1: error: row has no rate\n"},
        {",0.01,1,1,", ":2:1: error: prefix is empty\n"},
        {"+44 20,0.01,1,1,", "prefix '+44 20' is no prefix: a blank in it\n"},
        {"44O,0.01,1,1,", ":2:1: error: prefix '44O' is no prefix (letter O?)\n"},
        {"4420-4429,0.01,1,1,", "is no prefix: one a row, no range and no list\n"},
        {"4.42E+11,0.01,1,1,", "is no prefix (written as a number by a spreadsheet?)\n"},
        {"44*,0.01,1,1,", "prefix '44*' is no prefix: digits"},
        {"4+4,0.01,1,1,", "prefix '4+4' is no prefix: digits"},
        {"0044,0.01,1,1,", "is no E.164: no country begins with 0"},
        {"1234567890123456,0.01,1,1,", "is too long: 16 characters with the '+'\n"},
        {"44,0.01,1.5,1,", ":2:9: error: minimum '1.5' is not a number of seconds\n"},
        {"44,0.01,1,60/60,", "increment '60/60' is not a number of seconds\n"},
        {"44,0.01,1,0,", "increment '0' is 0: billed in steps of at least 1 s\n"},
        {"44,0.01,86401,1,", "minimum '86401' is more than a day (86400 s)\n"},
        {"44,0.01,1,1,01.12.2026", ":2:13: error: effective '01.12.2026' is no date: 2026-12-01"},
        {"44,0.01,1,1,2026-02-30", "effective '2026-02-30' is no date"},
        {"44,0.01,1,1", ":2:1: error: row has 4 columns, declared are 5: prefix rate minimum"},
        {"44,0.01,1,1,,", "row has 6 columns, declared are 5: prefix"},
        {"44;0.01;1;1;",
         "row has 1 column, declared are 5: prefix rate minimum increment effective "
         "(separator ';'?)\n"},
        {"44,\"0.01,1,1,", ":2:4: error: row has a quote that does not end, or text behind one\n"},
        {"44,\"0.01\"x,1,1,", ":2:4: error: row has a quote that does not end"},
        {"44,0.01\r,1,1,", "rate '0.01?' is not a number\n"},
    };
    struct rig g;
    char text[256];

    rig_init(&g, columns_of_five, 5);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), "1,0.01,1,1,\n%s\n7,0.01,1,1,\n", bad[i].row);
        refused(&g, text, bad[i].says);
        assert_int_equal(g.errors, 1);
    }
}

static void codes_are_short_clean_utf8(void **state)
{
    (void)state;
    static const struct conf_deck_column column[] = {
        {.what = CONF_COL_PREFIX}, {.what = CONF_COL_RATE}, {.what = CONF_COL_CODE}};
    struct rig g;
    struct deck *d;

    rig_init(&g, column, 3);
    d = good(&g, "44,1,1234567890123456789012345678901\n");
    assert_string_equal(terms_at(d, 0)->code, "1234567890123456789012345678901");
    deck_free(d);
    refused(&g, "44,1,12345678901234567890123456789012\n", "is longer than 31 bytes");
    refused(&g, "44,1,Z\xfcrich\n", "alpha.csv:1:6: error: code 'Z?rich' is not UTF-8\n");
    refused(&g, "44,1,\xed\xa0\x80\n", "is not UTF-8");
    refused(&g, "44,1,\xc0\x80\n", "is not UTF-8");
    refused(&g, "44,1,a\tb\n", "has a control character");
    refused_len(&g, "44,1,a\0b\n", 9, ":1:7: error: row has a NUL byte\n");
    refused_len(&g, "4\0,1,a\n", 7, ":1:2: error: row has a NUL byte\n");
}

static void every_bad_cell_of_a_row_is_told(void **state)
{
    (void)state;
    struct rig g;

    rig_init(&g, columns_of_five, 5);
    refused(&g, "1,x,1,1,\n4x,y,0,0,z\n", ":2:10: error: effective 'z' is no date");
    assert_int_equal(g.errors, 5);
}

static void no_text_is_an_error(void **state)
{
    (void)state;
    struct rig g;

    rig_init(&g, columns_of_five, 2);
    refused(&g, "", "alpha.csv: error: has no rows\n");
    refused(&g, "\n\r\n  \n", "alpha.csv: error: has no rows\n");
    refused(&g, "prefix,rate\n", "alpha.csv: error: has no rows\n");
    refused(&g, "PK\x03\x04xxxx", "is a spreadsheet or an archive, not CSV\n");
    refused_len(&g,
                "\xff\xfe"
                "4\0",
                4, "is UTF-16");
    refused(&g, "\x1f\x8b\x08", "is compressed");
    g.dc.lax = true;
    refused(&g, "44,x\n", "no row is left: 0 outside `only`, 1 bad\n");
}

static void a_line_longer_than_any_row_is_told_by_its_beginning(void **state)
{
    (void)state;
    struct rig g;
    size_t len = 3 << 20;
    char *text = malloc(len);

    rig_init(&g, columns_of_five, 2);
    memset(text, '4', len);
    memcpy(text, "44,0.1\n", 7);
    assert_null(loaded(&g, text, len));
    assert_non_null(strstr(g.messages, "alpha.csv:2:1: error: row is longer than 4096 bytes\n"));
    assert_true(strlen(g.messages) < 400);
    free(g.messages);
    free(text);
}

static void strict_off_leaves_bad_rows_out_with_one_warning(void **state)
{
    (void)state;
    struct rig g;
    struct deck *d;

    rig_init(&g, columns_of_five, 2);
    g.dc.lax = true;
    d = loaded(&g, "1,0.1\n2,x\n3x,y\n4,0.1\n4,0.2\n5\n6,-1\n7,-1\n8,-1\n", 44);
    assert_non_null(d);
    assert_int_equal(d->n, 2);
    assert_int_equal(d->left_out_bad, 7);
    assert_int_equal(terms_at(d, 1)->rate[DECK_RATE], 100000000);
    assert_string_equal(
        g.messages, "alpha.csv:2:3: warning: rate 'x' is not a number; 7 bad rows are left out, "
                    "also line 3, 5, 6, 7 ...\n"
                    "    2 | 2,x\n"
                    "      |   ^\n");
    free(g.messages);
    deck_free(d);
    d = loaded(&g, "1,0.1\n2,x\n", 10);
    assert_non_null(strstr(g.messages, "is not a number; 1 bad row is left out\n"));
    free(g.messages);
    deck_free(d);
}

/* ---- header ---- */

static void a_header_is_known_by_its_name(void **state)
{
    (void)state;
    struct rig g;
    struct deck *d;

    rig_init(&g, columns_of_five, 2);
    d = good(&g, "\nDestination Code,Price\n44,0.1\n");
    assert_int_equal(d->n, 1);
    assert_int_equal(d->row[0].line, 3);
    deck_free(d);
    refused(&g, "44x,0.1\n45,0.1\n", ":1:1: error: prefix '44x' is no prefix");
    refused(&g, "rate,prefix\n0.1,44\n",
            ":1:1: error: the header names column 1 'rate', `columns` says prefix\n");
    refused(&g, "prefix,rate,minimum\n44,0.1,1\n",
            ":1:1: error: row has 3 columns, declared are 2");

    g.dc.header = CONF_HEADER_YES;
    d = good(&g, "Prefix, \"RATE\"\n44,0.1\n");
    deck_free(d);
    refused(&g, "Prefix,Price\n44,0.1\n",
            ":1:8: error: the header names column 2 'Price', `columns` says rate\n");
    refused(&g, "44,0.1\n45,0.1\n", "the header names column 1 '44'");

    g.dc.header = CONF_HEADER_NO;
    refused(&g, "prefix,rate\n44,0.1\n", ":1:1: error: prefix 'prefix' is no prefix");
}

static void a_header_need_not_name_what_is_not_looked_at(void **state)
{
    (void)state;
    static const struct conf_deck_column column[] = {{.what = CONF_COL_SKIP},
                                                     {.what = CONF_COL_PREFIX},
                                                     {.what = CONF_COL_ZONE},
                                                     {.what = CONF_COL_RATE}};
    struct rig g;
    struct deck *d;

    rig_init(&g, column, 4);
    g.column[2].zone = (struct conf_ref){.name = "eea", .id = 0};
    g.dc.header = CONF_HEADER_YES;
    d = good(&g, "Country,prefix,zone:EEA,rate\nUK,44,0.1,0.2\n");
    assert_int_equal(d->n, 1);
    deck_free(d);
    refused(&g, "Country,prefix,eea,rate\nUK,44,0.1,0.2\n", "`columns` says zone:eea\n");
}

/* ---- versions ---- */

static void versions_of_a_prefix_stand_in_order_of_their_beginning(void **state)
{
    (void)state;
    struct rig g;
    struct deck *d;

    rig_init(&g, columns_of_five, 5);
    d = good(&g, "44,0.03,1,1,2027-01-01\n"
                 "44,0.01,1,1,\n"
                 "1,0.01,1,1,\n"
                 "44,0.02,1,1,2026-06-01\n");
    assert_int_equal(d->n, 4);
    assert_int_equal(d->row[1].line, 2);
    assert_int_equal(d->row[2].line, 4);
    assert_int_equal(d->row[3].line, 1);
    assert_int_equal(d->future, 1);
    assert_int_equal(d->expired, 0);
    assert_int_equal(d->next_change, NOW + 31 * 86400);
    deck_free(d);
}

static void a_second_row_of_a_prefix_names_both_lines(void **state)
{
    (void)state;
    struct rig g;

    rig_init(&g, columns_of_five, 5);
    refused(&g, "44,0.03,1,1,\n1,0.03,1,1,\n +44 ,0.04,1,1,\n",
            "alpha.csv:3:2: error: prefix '+44' stands in line 1 already, effective at the same "
            "time\n    3 |  +44 ,0.04,1,1,\n      |  ^^^\n");
    refused(&g, "44,1,1,1,2026-12-01\n44,1,1,1,2026-12-01T01:00+01:00\n",
            "stands in line 1 already");
    rig_init(&g, columns_of_five, 2);
    refused(&g, "44,1\n44,1\n", "alpha.csv:2:1: error: prefix '44' stands in line 1 already\n");
}

static void expired_rows_are_one_warning(void **state)
{
    (void)state;
    static const struct conf_deck_column column[] = {
        {.what = CONF_COL_PREFIX}, {.what = CONF_COL_RATE}, {.what = CONF_COL_EXPIRES}};
    struct rig g;
    struct deck *d;
    const char *text = "44,1,\n49,1,2026-12-01\n43,1,2026-11-30\n1,1,2026-12-02\n";

    rig_init(&g, column, 3);
    d = loaded(&g, text, strlen(text));
    assert_int_equal(g.warnings, 1);
    assert_non_null(strstr(g.messages, "alpha.csv:2:1: warning: 2 of 4 rows are expired; this is "
                                       "the first\n    2 | 49,1,2026-12-01\n"));
    assert_int_equal(d->expired, 2);
    assert_int_equal(d->next_change, NOW + 86400);
    free(g.messages);
    deck_free(d);
    rig_init(&g, column, 3);
    g.column[1].what = CONF_COL_EFFECTIVE;
    g.column[3].what = CONF_COL_RATE;
    g.dc.column.n = 4;
    refused(&g, "44,2027-01-01,2026-12-31,1\n", "row expires before it is effective\n");
}

/* ---- files ---- */

static struct deck *from_file(struct rig *g, const char *path, char **messages)
{
    struct conf_errors errs;
    struct deck *d;
    size_t size;
    FILE *out = open_memstream(messages, &size);

    errors_init(&errs);
    g->dc.file = path;
    g->dc.file_loc = (struct conf_loc){.line = 12, .col = 7};
    d = deck_load(&g->conf, 0, NOW, 2, &errs);
    conf_print_errors(out, &errs);
    fclose(out);
    conf_errors_fini(&errs);
    return d;
}

static void a_file_that_is_none_is_an_error_where_it_is_named(void **state)
{
    (void)state;
    char dir[] = "/tmp/test_deck.XXXXXX", path[64], *messages;
    struct rig g;
    struct deck *d;
    FILE *f;

    assert_non_null(mkdtemp(dir));
    rig_init(&g, columns_of_five, 2);
    assert_null(from_file(&g, "/nowhere/a.csv", &messages));
    assert_non_null(strstr(messages, "tandem.conf:12:1: error: /nowhere/a.csv: No such file"));
    free(messages);
    assert_null(from_file(&g, dir, &messages));
    assert_non_null(strstr(messages, ": Is a directory"));
    free(messages);
    snprintf(path, sizeof(path), "%s/fifo", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_null(from_file(&g, path, &messages));
    assert_non_null(strstr(messages, ": is no regular file"));
    free(messages);
    unlink(path);
    snprintf(path, sizeof(path), "%s/sparse", dir);
    f = fopen(path, "w");
    assert_int_equal(ftruncate(fileno(f), INT64_C(5) << 30), 0);
    fclose(f);
    assert_null(from_file(&g, path, &messages));
    assert_non_null(strstr(messages, ": is too large"));
    free(messages);
    f = fopen(path, "w");
    fputs("\xef\xbb\xbf"
          "44,0.1\r\n",
          f);
    fclose(f);
    d = from_file(&g, path, &messages);
    assert_int_equal(d->n, 1);
    deck_free(d);
    free(messages);
    unlink(path);
    rmdir(dir);
}

/* ---- many rows ---- */

#define MILLION   1000000U
#define ROW_BYTES 40

/* Row i: a prefix of its own, six digits behind 1..9; not in order. */
static size_t many_rows(char *text, uint32_t n)
{
    size_t at = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t p = 1000000 + (uint32_t)((uint64_t)i * 7368787 % 8999993);

        at += (size_t)snprintf(text + at, ROW_BYTES, "%u,0.%04u,%u,1,2026-11-01\n", p, p % 700,
                               p % 3 * 30);
    }
    return at;
}

static void a_million_rows_are_read_and_sorted(void **state)
{
    (void)state;
    char *text = malloc((size_t)MILLION * ROW_BYTES);
    size_t len = many_rows(text, MILLION);
    struct rig g;
    struct deck *d[3];

    rig_init(&g, columns_of_five, 5);
    for (unsigned i = 0; i < 3; i++) {
        g.threads = i < 2 ? i + 1 : 7;
        d[i] = loaded(&g, text, len);
        assert_non_null(d[i]);
        free(g.messages);
        assert_int_equal(d[i]->n, MILLION);
        for (uint32_t k = 1; k < MILLION; k++) {
            if (d[i]->row[k - 1].key >= d[i]->row[k].key)
                fail_msg("row %u", k);
        }
        if (i > 0) {
            assert_int_equal(d[i]->n_terms, d[0]->n_terms);
            assert_memory_equal(d[i]->row, d[0]->row, MILLION * sizeof(*d[0]->row));
            assert_memory_equal(d[i]->terms, d[0]->terms, d[0]->n_terms * sizeof(*d[0]->terms));
        }
    }
    for (uint32_t k = 0; k < MILLION; k += 997) {
        const struct deck_row *r = &d[0]->row[k];
        uint32_t p = 1000000 + (uint32_t)((uint64_t)(r->line - 1) * 7368787 % 8999993);
        char want[16];

        snprintf(want, sizeof(want), "+%u", p);
        assert_string_equal(key_at(d[0], k), want);
        assert_int_equal(terms_at(d[0], k)->rate[DECK_RATE], p % 700 * 100000);
        assert_int_equal(terms_at(d[0], k)->minimum, p % 3 * 30);
    }
    for (unsigned i = 0; i < 3; i++)
        deck_free(d[i]);
    free(text);
}

/* The n-th line of text, from 1. */
static char *line_at(char *text, uint32_t n)
{
    while (--n)
        text = strchr(text, '\n') + 1;
    return text;
}

static void row_48213_of_a_million_is_named(void **state)
{
    (void)state;
    char *text = malloc((size_t)MILLION * ROW_BYTES), *row, want[200];
    size_t len = many_rows(text, MILLION);
    struct rig g;
    int cut;

    rig_init(&g, columns_of_five, 5);
    text[len] = '\0';
    row = line_at(text, 48213);
    row[8] = 'O';
    assert_null(loaded(&g, text, len));
    cut = (int)(strchr(row, '\n') - row);
    snprintf(want, sizeof(want),
             "alpha.csv:48213:9: error: rate '%.6s' is not a number (letter O?)\n"
             "48213 | %.*s\n      |         ^^^^^^\n",
             row + 8, cut, row);
    assert_string_equal(g.messages, want);
    free(g.messages);
    free(text);
}

static void the_first_errors_are_kept_in_order_of_lines(void **state)
{
    (void)state;
    uint32_t n = 200000, at = 0, last = 0;
    char *text = malloc((size_t)n * ROW_BYTES), *p;
    size_t len = many_rows(text, n);
    struct rig g;

    rig_init(&g, columns_of_five, 5);
    text[len] = '\0';
    p = text;
    for (uint32_t i = 1; i <= n; i++, p = strchr(p, '\n') + 1) {
        if (i % 10 == 0)
            p[8] = 'x'; /* 20,000 bad rates in all parts */
    }
    memcpy(line_at(text, 5), text, 7); /* and two rows of one prefix */
    memcpy(line_at(text, n - 1), text, 7);
    for (g.threads = 1; g.threads <= 4; g.threads++) {
        assert_null(loaded(&g, text, len));
        assert_int_equal(g.errors, n / 10 + 2);
        assert_non_null(strstr(g.messages, "and 19902 more\n"));
        p = g.messages;
        for (at = 0, last = 0; (p = strstr(p, "alpha.csv:")); at++) {
            uint32_t line = (uint32_t)strtoul(p + 10, NULL, 10);

            assert_int_equal(line, at == 0 ? 5 : at * 10);
            assert_true(line > last);
            last = line;
            p++;
        }
        assert_int_equal(at, 100);
        assert_non_null(
            strstr(g.messages, "alpha.csv:5:1: error: prefix '1000000' stands in line 1"));
        free(g.messages);
    }
    free(text);
}

static void double_rows_keep_the_first_lines(void **state)
{
    (void)state;
    uint32_t n = 100000;
    char *text = malloc((size_t)n * 2 * ROW_BYTES);
    size_t len = many_rows(text, n);
    struct rig g;

    rig_init(&g, columns_of_five, 5);
    memcpy(text + len, text, len);
    assert_null(loaded(&g, text, 2 * len));
    assert_int_equal(g.errors, n);
    assert_non_null(
        strstr(g.messages, "alpha.csv:100001:1: error: prefix '1000000' stands in line 1 "));
    assert_non_null(strstr(g.messages, "alpha.csv:100100:1: "));
    assert_null(strstr(g.messages, "alpha.csv:100101:1: "));
    free(g.messages);
    free(text);
}

static void rows_that_are_all_different_are_read_the_long_way(void **state)
{
    (void)state;
    uint32_t n = 30000;
    char *text = malloc((size_t)n * ROW_BYTES);
    size_t at = 0;
    struct rig g;
    struct deck *d;

    for (uint32_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, ROW_BYTES, "%u,0.%06u\n", 100000 + i, i);
    rig_init(&g, columns_of_five, 2);
    d = loaded(&g, text, at);
    free(g.messages);
    assert_int_equal(d->n_terms, n);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(terms_at(d, i)->rate[DECK_RATE], i * 1000);
    deck_free(d);
    free(text);
}

/* ---- decks and the lines that name them ---- */

static bool serves(const struct deck *d, const char *prefix, const char *const *taken, unsigned n)
{
    uint64_t key = 0, t[8];

    assert_int_equal(key_of_prefix(span_of(prefix), &key), 0);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(key_of_prefix(span_of(taken[i]), &t[i]), 0);
    return deck_serves(d, key, t, n);
}

static void a_deck_serves_what_it_has_above_or_below(void **state)
{
    (void)state;
    const char *one[] = {"+1"}, *two[] = {"+1202", "+44"};
    struct rig g;
    struct deck *d;
    char text[64];

    rig_init(&g, columns_of_five, 2);
    d = good(&g, "1,0.1\n1202,0.1\n1212,0.1\n");
    assert_true(serves(d, "+", NULL, 0));
    assert_true(serves(d, "+1", NULL, 0));
    assert_true(serves(d, "+1202555", NULL, 0));
    assert_true(serves(d, "", NULL, 0));
    assert_false(serves(d, "+4", NULL, 0));
    assert_false(serves(d, "0", NULL, 0));
    assert_false(serves(d, "+", one, 1));
    assert_true(serves(d, "+", two, 2));
    assert_string_equal(deck_covers(d, text, sizeof(text)), "+1 only");
    deck_free(d);
    d = good(&g, "1202,0.1\n44,0.1\n");
    assert_false(serves(d, "+", two, 2));
    assert_true(serves(d, "+", two, 1));
    assert_string_equal(deck_covers(d, text, sizeof(text)), "+1 +4");
    deck_free(d);
    d = good(&g, "999999999999999,0.1\n");
    assert_true(serves(d, "+", NULL, 0));
    assert_true(serves(d, "+999999999999999", NULL, 0));
    assert_string_equal(deck_covers(d, text, sizeof(text)), "+999999999999999 only");
    deck_free(d);
    d = good(&g, "1,1\n20,1\n30,1\n40,1\n998,1\n");
    assert_string_equal(deck_covers(d, text, sizeof(text)), "5 rows from +1 to +998");
    deck_free(d);
}

static void a_deck_that_cannot_serve_its_line_is_an_error_at_its_name(void **state)
{
    (void)state;
    const char *one[] = {"+1"}, *plus[] = {"+"};
    struct conf_ref ref = {.name = "charlie-us", .id = 0, .loc = {.line = 14, .col = 36}};
    struct conf_route_line line[2] = {{.kind = CONF_ROUTE_PREFIX, .prefix = {one, 1}},
                                      {.kind = CONF_ROUTE_PREFIX, .prefix = {plus, 1}}};
    struct conf_route route = {.name = "r", .line = {line, 2}};
    struct conf_errors errs;
    struct rig g;
    struct deck *d;

    line[0].cond.when.id = line[1].cond.when.id = CONF_NONE;
    line[1].lcr.v = &ref;
    line[1].lcr.n = 1;
    rig_init(&g, columns_of_five, 5);
    d = good(&g, "1,0.1,,,2026-12-05\n1202,0.1,,,2026-12-09\n");
    errors_init(&errs);
    deck_check_route(&g.conf, &route, &d, NOW, &errs);
    assert_int_equal(errs.errors, 1);
    assert_int_equal(errs.v[0].line, 14);
    assert_int_equal(errs.warnings, 1);
    assert_string_equal(errs.v[0].text,
                        "ratedeck 'charlie-us' covers +1 only and can never serve 'prefix +'");
    assert_string_equal(
        errs.v[1].text,
        "no row of ratedeck 'charlie-us' is in force: the first begins in 96 hours");
    conf_errors_fini(&errs);

    errors_init(&errs);
    line[0].cond.when.id = 0; /* at night only: by day +1 goes by the other line */
    deck_check_route(&g.conf, &route, &d, NOW + 5 * 86400, &errs);
    assert_int_equal(errs.errors + errs.warnings, 0);
    line[0].cond.when.id = CONF_NONE;
    line[1].kind = CONF_ROUTE_DEFAULT;
    deck_check_route(&g.conf, &route, &d, NOW, &errs);
    assert_string_equal(errs.v[0].text,
                        "ratedeck 'charlie-us' covers +1 only, all of it taken by prefix lines");
    conf_errors_fini(&errs);
    deck_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sorted_and_terms_kept_once),
        cmocka_unit_test(every_column_has_its_place),
        cmocka_unit_test(tabs_may_separate),
        cmocka_unit_test(plan_private_leaves_prefixes_as_they_are),
        cmocka_unit_test(rows_outside_only_are_left_out_unread),
        cmocka_unit_test(money_is_exact),
        cmocka_unit_test(moments_agree_with_libc),
        cmocka_unit_test(every_nonsense_is_told_with_its_place),
        cmocka_unit_test(codes_are_short_clean_utf8),
        cmocka_unit_test(every_bad_cell_of_a_row_is_told),
        cmocka_unit_test(no_text_is_an_error),
        cmocka_unit_test(a_line_longer_than_any_row_is_told_by_its_beginning),
        cmocka_unit_test(strict_off_leaves_bad_rows_out_with_one_warning),
        cmocka_unit_test(a_header_is_known_by_its_name),
        cmocka_unit_test(a_header_need_not_name_what_is_not_looked_at),
        cmocka_unit_test(versions_of_a_prefix_stand_in_order_of_their_beginning),
        cmocka_unit_test(a_second_row_of_a_prefix_names_both_lines),
        cmocka_unit_test(expired_rows_are_one_warning),
        cmocka_unit_test(a_file_that_is_none_is_an_error_where_it_is_named),
        cmocka_unit_test(a_million_rows_are_read_and_sorted),
        cmocka_unit_test(row_48213_of_a_million_is_named),
        cmocka_unit_test(the_first_errors_are_kept_in_order_of_lines),
        cmocka_unit_test(double_rows_keep_the_first_lines),
        cmocka_unit_test(rows_that_are_all_different_are_read_the_long_way),
        cmocka_unit_test(a_deck_serves_what_it_has_above_or_below),
        cmocka_unit_test(a_deck_that_cannot_serve_its_line_is_an_error_at_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
