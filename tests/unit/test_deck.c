/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/deck*.c: every kind of value and of nonsense, headers, versions, files.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "deck_rig.h"

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

static void a_deck_without_a_row_in_force_is_a_warning_where_it_is_named(void **state)
{
    (void)state;
    struct rig g;
    struct deck *d;
    const char *future = "44,1,,,2026-12-05\n49,1,,,2026-12-09\n", *past = "44,1,2026-11-01\n";

    rig_init(&g, columns_of_five, 5);
    g.dc.file_loc = (struct conf_loc){.line = 12, .col = 7};
    d = loaded(&g, future, strlen(future));
    assert_non_null(strstr(g.messages,
                           "tandem.conf:12:1: warning: no row of ratedeck 'alpha-az' is "
                           "in force: the first begins at 2026-12-05T00:00:00Z\n"));
    assert_int_equal(g.warnings, 1);
    free(g.messages);
    deck_free(d);
    g.column[2].what = CONF_COL_EXPIRES;
    g.dc.column.n = 3;
    d = loaded(&g, past, strlen(past));
    assert_non_null(strstr(g.messages, "warning: every row of ratedeck 'alpha-az' is expired\n"));
    assert_int_equal(g.warnings, 2);
    free(g.messages);
    deck_free(d);
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
        cmocka_unit_test(a_deck_without_a_row_in_force_is_a_warning_where_it_is_named),
        cmocka_unit_test(a_file_that_is_none_is_an_error_where_it_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
