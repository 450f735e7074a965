/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/calendar.c, lib/route/tzif.c and lib/route/civil.h: known moments, libc's opinion, hours, broken files.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "config/errors.h"
#include "route/calendar.h"
#include "route/civil.h"
#include "route/deck.h"
#include "route/tzif.h"

static int64_t utc(const char *text)
{
    int64_t v;

    assert_int_equal(deck_moment(span_of(text), &v), 0);
    return v;
}

static struct tzif *zone(const char *name)
{
    const char *why = "";
    struct tzif *z = tzif_load(name, &why);

    if (!z)
        fail_msg("%s %s", name, why);
    return z;
}

static void clocks_change_at_known_moments(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *utc; /* the first second of the new offset */
        int32_t before, after;  /* minutes */
    } t[] = {
        {"Europe/Vienna", "2026-03-29T01:00", 60, 120},
        {"Europe/Vienna", "2026-10-25T01:00", 120, 60},
        {"Europe/Vienna", "2087-03-30T01:00", 60, 120}, /* behind every table */
        {"America/New_York", "2026-03-08T07:00", -300, -240},
        {"America/New_York", "2026-11-01T06:00", -240, -300},
        {"America/New_York", "2006-04-02T07:00", -300, -240}, /* the rule of then */
        {"Asia/Kolkata", "2026-03-29T01:00", 330, 330},
        {"Australia/Lord_Howe", "2026-04-04T15:00", 660, 630}, /* half an hour, southern */
        {"Australia/Lord_Howe", "2026-10-03T15:30", 630, 660},
        {"Africa/Casablanca", "2026-02-15T02:00", 60, 0}, /* Ramadan */
        {"Africa/Casablanca", "2026-03-22T02:00", 0, 60},
        {"Europe/Dublin", "2060-03-28T01:00", 0, 60}, /* its winter is the exception */
        {"America/Sao_Paulo", "2019-02-17T02:00", -120, -180},
        {"Pacific/Apia", "2011-12-30T10:00", -600, 840}, /* a day was left out */
        {"Asia/Kathmandu", "1985-12-31T18:30", 330, 345},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct tzif *z = zone(t[i].zone);
        int64_t at = utc(t[i].utc);

        if (tzif_offset(z, at - 1) != t[i].before * 60 || tzif_offset(z, at) != t[i].after * 60)
            fail_msg("%s %s: %d, %d", t[i].zone, t[i].utc, tzif_offset(z, at - 1) / 60,
                     tzif_offset(z, at) / 60);
        tzif_free(z);
    }
}

static uint64_t rnd(uint64_t *s)
{
    *s = *s * 6364136223846793005U + 1442695040888963407U;
    return *s >> 20;
}

static void local_time_is_what_libc_says(void **state)
{
    (void)state;
    static const char *const name[] = {
        "Europe/Vienna",       "Europe/London",
        "Europe/Dublin",       "America/New_York",
        "America/St_Johns",    "America/Sao_Paulo",
        "America/Santiago",    "Asia/Kolkata",
        "Asia/Tehran",         "Asia/Gaza",
        "Asia/Tokyo",          "Asia/Kathmandu",
        "Australia/Lord_Howe", "Australia/Sydney",
        "Africa/Casablanca",   "Africa/Cairo",
        "Pacific/Auckland",    "Pacific/Chatham",
        "Pacific/Apia",        "Pacific/Kiritimati",
        "Antarctica/Troll",    "Antarctica/Macquarie",
        "Etc/GMT+12",          "America/Argentina/Buenos_Aires",
        "America/Nuuk",        "UTC",
    };
    uint64_t seed = 4711;

    for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        struct tzif *z = zone(name[i]);

        setenv("TZ", name[i], 1);
        tzset();
        for (unsigned k = 0; k < 20000; k++) {
            /* 1970 to 2250; a quarter of it near full hours, where changes are */
            int64_t at = (int64_t)(rnd(&seed) % (INT64_C(280) * 365 * 86400));
            time_t t;
            struct tm tm;

            if (k % 4 == 0)
                at = at / 1800 * 1800 - (int64_t)(k / 4 % 2);
            t = (time_t)at;
            localtime_r(&t, &tm);
            if (tzif_offset(z, at) != (int32_t)tm.tm_gmtoff)
                fail_msg("%s at %lld: %d, libc %ld", name[i], (long long)at, tzif_offset(z, at),
                         tm.tm_gmtoff);
        }
        tzif_free(z);
    }
    unsetenv("TZ");
    tzset();
}

static void dates_agree_with_libc(void **state)
{
    (void)state;
    for (int64_t day = -200000; day < 800000; day += 61) {
        time_t t = (time_t)(day * 86400);
        int y, m, d;
        struct tm tm;

        gmtime_r(&t, &tm);
        civil_date(day, &y, &m, &d);
        assert_int_equal(y, tm.tm_year + 1900);
        assert_int_equal(m, tm.tm_mon + 1);
        assert_int_equal(d, tm.tm_mday);
        assert_int_equal(civil_days(y, m, d), day);
        assert_int_equal((civil_weekday(day) + 1) % 7, tm.tm_wday);
    }
}

static void a_zone_is_a_name_below_one_folder(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "/etc/passwd",
        "../../../etc/passwd",
        "Europe/../Europe/Vienna",
        "Europe/",
        "Europe//Vienna",
        "Europe",
        "./UTC",
        "Europe/Viena",
        "Europe/Vienna/x",
        "zone.tab",
        "tzdata.zi",
        "Mars/Olympus Mons",
        ":Europe/Vienna",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "right/Europe/Vienna",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *why = NULL;

        if (tzif_load(bad[i], &why))
            fail_msg("%s", bad[i]);
        assert_non_null(why);
    }
}

/* ---- files made here ---- */

static void put32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (24 - 8 * i));
}

/* A file of version 2: one transition in each block, the given footer. */
static size_t make_file(unsigned char *p, const char *footer)
{
    size_t at = 0;

    memset(p, 0, 512);
    for (unsigned version = 1; version <= 2; version++) {
        unsigned bytes = 4 * version;

        memcpy(p + at, "TZif2", 5);
        put32(p + at + 32, 1);
        put32(p + at + 36, 2);
        put32(p + at + 40, 4);
        at += 44;
        put32(p + at + bytes - 4, 1000);
        at += bytes;
        p[at++] = 1; /* its type */
        put32(p + at + 6, 7200);
        at += 12;
        memcpy(p + at, "ABC", 4);
        at += 4;
    }
    at += (size_t)snprintf((char *)p + at, 256, "\n%s\n", footer);
    return at;
}

static struct tzif *made(const char *footer)
{
    unsigned char p[512];
    size_t n = make_file(p, footer);
    const char *why = "";
    struct tzif *z = tzif_parse(p, n, &why);

    if (z) {
        assert_int_equal(tzif_offset(z, 999), 0);
        assert_int_equal(tzif_offset(z, INT64_MIN), 0);
        (void)tzif_offset(z, INT64_MAX);
    }
    return z;
}

static void rules_of_every_kind_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *footer, *utc;
        int32_t before, after; /* minutes */
    } t[] = {
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2100-03-28T01:00", 60, 120},
        {"XXX0YYY,J60/0,J300/0", "2028-03-01T00:00", 0, 60}, /* 1 March, also in a leap year */
        {"XXX0YYY,J60/0,J300/0", "2027-03-01T00:00", 0, 60},
        {"XXX0YYY,59/0,300/0", "2028-02-29T00:00", 0, 60}, /* day 59 from 0 */
        {"XXX0YYY,59/0,300/0", "2027-03-01T00:00", 0, 60},
        {"<+0330>-3:30<+0430>,J79/24,J263/24", "2027-03-20T20:30", 210, 270},
        {"EST5EDT,M3.2.0/-48,M11.1.0/50", "2027-03-12T05:00", -300, -240},
        {"EST5EDT,M3.2.0/-48,M11.1.0/50", "2027-11-09T06:00", -240, -300},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2027-03-28T01:00", 0, 60},
        {"XXX3EDT4,0/0,J365/23", "2027-01-01T03:00", -240, -240}, /* always summer */
        {"AAA12BBB,M1.1.1/0,M1.1.1/1", "2027-01-04T12:00", -660, -660},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct tzif *z = made(t[i].footer);
        int64_t at = utc(t[i].utc);

        if (!z)
            fail_msg("%s", t[i].footer);
        if (tzif_offset(z, at - 1) != t[i].before * 60 || tzif_offset(z, at) != t[i].after * 60)
            fail_msg("%s %s: %d, %d", t[i].footer, t[i].utc, tzif_offset(z, at - 1) / 60,
                     tzif_offset(z, at) / 60);
        tzif_free(z);
    }
}

static void broken_rules_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"C",
                                      "CE-1",
                                      "CET",
                                      "CET-25",
                                      "CET-1x",
                                      "<CET-1",
                                      "CET-1CEST",
                                      "CET-1CEST,",
                                      "CET-1CEST,M3.5",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M13.5.0,M10.5.0",
                                      "CET-1CEST,M3.6.0,M10.5.0",
                                      "CET-1CEST,M3.5.7,M10.5.0",
                                      "CET-1CEST,J0,J5",
                                      "CET-1CEST,366,5",
                                      "CET-1CEST,M3.5.0/168,M10.5.0",
                                      "CET-1CEST,M3.5.0/,M10.5.0",
                                      "CET-1CEST,M3.5.0,M10.5.0x",
                                      "CET-99999999999999999999"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (made(bad[i]))
            fail_msg("%s", bad[i]);
    }
}

static void every_cut_of_a_file_is_refused(void **state)
{
    (void)state;
    unsigned char p[512];
    size_t n = make_file(p, "CET-1");
    const char *why = "";
    struct tzif *z;

    for (size_t i = 0; i < n; i++) {
        unsigned char *part = malloc(i + 1); /* its end is seen by the sanitizer */

        memcpy(part, p, i);
        assert_null(tzif_parse(part, i, &why));
        free(part);
    }
    p[4] = '\0'; /* version 1: the first block counts, no footer */
    z = tzif_parse(p, 44 + 4 + 1 + 12 + 4, &why);
    assert_non_null(z);
    assert_int_equal(tzif_offset(z, 1000), 7200);
    assert_int_equal(tzif_offset(z, 1 << 30), 7200);
    tzif_free(z);
    put32(p + 28, 1);
    assert_null(tzif_parse(p, n, &why));
    assert_string_equal(why, "counts leap seconds, clocks here do not");
    make_file(p, "CET-1");
    put32(p + 32, UINT32_MAX);
    assert_null(tzif_parse(p, n, &why));
}

/* ---- hours ---- */

#define DAYS(from, to) (uint8_t)((1U << ((to) + 1)) - (1U << (from)))
#define AT(h, m)       (uint16_t)((h)*60 + (m))

static struct calendar *calendar(const char *tz, const struct conf_hours *open, uint32_t n_open,
                                 const struct conf_date *holiday, uint32_t n_holiday)
{
    struct conf conf = {.generation = 0};
    struct conf_calendar c = {.name = "c", .timezone = tz};
    struct conf_errors errs;
    struct calendar *cal;

    c.open.v = (struct conf_hours *)open;
    c.open.n = n_open;
    c.holiday.v = (struct conf_date *)holiday;
    c.holiday.n = n_holiday;
    errors_init(&errs);
    cal = calendar_new(&conf, &c, &errs);
    assert_true(cal ? errs.errors == 0 : errs.errors == 1);
    conf_errors_fini(&errs);
    return cal;
}

static uint32_t decided(const struct calendar *c, const char *at, bool open)
{
    struct conf_loc line = {.line = 99};

    if (calendar_is_open(c, utc(at), &line) != open)
        fail_msg("%s", at);
    assert_int_equal(calendar_is_open(c, utc(at), NULL), open);
    return line.line;
}

static void hours_follow_local_time(void **state)
{
    (void)state;
    const struct conf_hours open[] = {
        {.days = DAYS(0, 4), .from = AT(8, 0), .to = AT(18, 0), .loc = {.line = 1}},
        {.days = DAYS(5, 5), .from = AT(9, 30), .to = AT(12, 0), .loc = {.line = 2}}};
    struct calendar *c = calendar("Europe/Vienna", open, 2, NULL, 0);
    char text[32];

    assert_int_equal(decided(c, "2026-12-01T07:00", true), 1); /* Tuesday, 08:00 there */
    assert_int_equal(decided(c, "2026-12-01T06:59:59", false), 0);
    assert_int_equal(decided(c, "2026-12-01T16:59:59", true), 1);
    assert_int_equal(decided(c, "2026-12-01T17:00", false), 0);
    assert_int_equal(decided(c, "2026-06-01T06:00", true), 1); /* summer time */
    assert_int_equal(decided(c, "2026-12-05T08:30", true), 2); /* Saturday */
    assert_int_equal(decided(c, "2026-12-06T08:30", false), 0);
    assert_string_equal(calendar_local(c, utc("2026-12-01T07:30:59"), text),
                        "2026-12-01 08:30 Tue");
    assert_string_equal(calendar_local(c, utc("2026-12-31T23:00:00"), text),
                        "2027-01-01 00:00 Fri");
    calendar_free(c);
}

static void hours_over_midnight_belong_to_the_day_they_begin(void **state)
{
    (void)state;
    const struct conf_hours open[] = {
        {.days = DAYS(4, 4), .from = AT(22, 0), .to = AT(6, 0), .loc = {.line = 1}},
        {.days = DAYS(6, 6), .from = AT(0, 0), .to = AT(24, 0), .loc = {.line = 2}},
        {.days = DAYS(1, 1), .from = AT(8, 0), .to = AT(8, 0), .loc = {.line = 3}}};
    struct calendar *c = calendar(NULL, open, 3, NULL, 0);

    decided(c, "2026-12-04T21:59", false);
    assert_int_equal(decided(c, "2026-12-04T22:00", true), 1);
    assert_int_equal(decided(c, "2026-12-05T05:59:59", true), 1);
    decided(c, "2026-12-05T06:00", false);
    decided(c, "2026-12-04T05:00", false);
    assert_int_equal(decided(c, "2026-12-06T00:00", true), 2);
    assert_int_equal(decided(c, "2026-12-06T23:59:59", true), 2);
    decided(c, "2026-12-07T00:00", false);
    assert_int_equal(decided(c, "2026-12-08T08:00", true), 3); /* a whole day from eight */
    assert_int_equal(decided(c, "2026-12-09T07:59", true), 3);
    decided(c, "2026-12-09T08:00", false);
    calendar_free(c);
}

static void on_a_holiday_only_its_own_hours_count(void **state)
{
    (void)state;
    const struct conf_hours open[] = {
        {.days = DAYS(0, 6), .from = AT(8, 0), .to = AT(18, 0), .loc = {.line = 1}},
        {.days = 0x80, .from = AT(10, 0), .to = AT(11, 0), .loc = {.line = 2}},
        {.days = DAYS(3, 4), .from = AT(23, 0), .to = AT(2, 0), .loc = {.line = 3}}};
    const struct conf_date holiday[] = {{.year = 0, .month = 12, .day = 25, .loc = {.line = 7}},
                                        {.year = 2026, .month = 4, .day = 6, .loc = {.line = 8}}};
    struct calendar *c = calendar("UTC", open, 3, holiday, 2);

    assert_int_equal(decided(c, "2026-12-25T09:00", false), 7); /* a Friday */
    assert_int_equal(decided(c, "2027-12-25T10:30", true), 2);
    assert_int_equal(decided(c, "2026-04-06T12:00", false), 8);
    assert_int_equal(decided(c, "2027-04-06T12:00", true), 1);
    assert_int_equal(decided(c, "2026-12-25T01:00", true), 3); /* it began on Thursday */
    assert_int_equal(decided(c, "2026-12-25T23:30", false), 7);
    assert_int_equal(decided(c, "2026-12-26T01:00", false), 0);
    calendar_free(c);
}

static void a_zone_written_wrong_has_a_neighbour(void **state)
{
    (void)state;
    static const char *const name[][2] = {
        {"Europe/Viena", "'Europe/Viena' is no time zone of /usr/share/zoneinfo (Debian's package "
                         "tzdata); did you mean 'Europe/Vienna'?"},
        {"america/new_york", "'america/new_york' is no time zone of /usr/share/zoneinfo (Debian's "
                             "package tzdata)"},
        {"Europe/vienna",
         "'Europe/vienna' is no time zone of /usr/share/zoneinfo (Debian's package "
         "tzdata); did you mean 'Europe/Vienna'?"},
        {"../x", "'../x' is no name of a time zone, as Europe/Vienna"}};
    struct conf conf = {.generation = 0};
    struct conf_calendar c = {.name = "c"};

    for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        struct conf_errors errs;

        errors_init(&errs);
        c.timezone = name[i][0];
        assert_null(calendar_new(&conf, &c, &errs));
        assert_string_equal(errs.v[0].text, name[i][1]);
        conf_errors_fini(&errs);
    }
}

static void what_the_clock_leaves_out_or_repeats(void **state)
{
    (void)state;
    const struct conf_hours open[] = {
        {.days = DAYS(0, 6), .from = AT(2, 0), .to = AT(2, 30), .loc = {.line = 1}}};
    struct calendar *c = calendar("Europe/Vienna", open, 1, NULL, 0);

    decided(c, "2026-03-29T00:59:59", false); /* 01:59:59, then 03:00 */
    decided(c, "2026-03-29T01:00", false);
    assert_int_equal(decided(c, "2026-10-25T00:15", true), 1); /* 02:15 */
    decided(c, "2026-10-25T00:45", false);
    assert_int_equal(decided(c, "2026-10-25T01:15", true), 1); /* 02:15 again */
    decided(c, "2026-10-25T01:30", false);
    calendar_free(c);
    assert_null(calendar("Europe/Viena", open, 1, NULL, 0));
    c = calendar("UTC", NULL, 0, NULL, 0);
    assert_int_equal(decided(c, "2026-10-25T01:30", false), 0);
    calendar_free(c);
    calendar_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_change_at_known_moments),
        cmocka_unit_test(local_time_is_what_libc_says),
        cmocka_unit_test(dates_agree_with_libc),
        cmocka_unit_test(a_zone_is_a_name_below_one_folder),
        cmocka_unit_test(rules_of_every_kind_are_read),
        cmocka_unit_test(broken_rules_are_refused),
        cmocka_unit_test(every_cut_of_a_file_is_refused),
        cmocka_unit_test(hours_follow_local_time),
        cmocka_unit_test(hours_over_midnight_belong_to_the_day_they_begin),
        cmocka_unit_test(on_a_holiday_only_its_own_hours_count),
        cmocka_unit_test(what_the_clock_leaves_out_or_repeats),
        cmocka_unit_test(a_zone_written_wrong_has_a_neighbour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
