/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schema of the sections calendar, lnp and test: hours and holidays, where ported numbers are asked, what a check supposes and expects.
 * parse.c runs the tables; whether a time zone or a file exists is seen by route/, what a test says by call/explain.
 */
#include <stddef.h>
#include <string.h>

#include "config/schema.h"
#include "core/err.h"

/* ---- calendar ---- */

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int day_of(struct span s)
{
    int i;

    for (i = 0; i < 7; i++) {
        if (span_eq(s, span_of(day_names[i])))
            return i;
    }
    return -1;
}

/* `mon`, `mon-fri`, `sat-mon`, `daily`, `holidays`. @return their bits; 0: none of these */
static unsigned days_of(struct span s)
{
    struct span a, b;
    unsigned bits = 0;
    int from, to, i;

    if (span_eq(s, SPAN("holidays")))
        return 0x80;
    if (span_eq(s, SPAN("daily")))
        return 0x7f;
    if (!span_cut(s, '-', &a, &b))
        a = b = s;
    from = day_of(a);
    to = day_of(b);
    if (from < 0 || to < 0)
        return 0;
    for (i = from;; i = (i + 1) % 7) {
        bits |= 1U << i;
        if (i == to)
            return bits;
    }
}

/* "08:00" as minutes; 24:00 only as an end. */
static bool time_of_day(struct span s, uint32_t max, uint16_t *minutes)
{
    struct span a, b;
    uint32_t h, m;

    if (!span_cut(s, ':', &a, &b) || a.len != 2 || b.len != 2 || span_u32(a, 24, &h) ||
        span_u32(b, 59, &m) || h * 60 + m > max)
        return false;
    *minutes = (uint16_t)(h * 60 + m);
    return true;
}

static bool hours_of(struct span s, struct conf_hours *h)
{
    struct span a, b;

    return span_cut(s, '-', &a, &b) && time_of_day(a, 1439, &h->from) &&
           time_of_day(b, 1440, &h->to);
}

static bool add_hours(struct parser *p, const struct lex_token *t, unsigned days)
{
    struct conf_calendar *c = p->obj;
    struct conf_hours h = {.days = (uint8_t)days, .loc = parse_loc(p, t)};

    if (!hours_of(t->s, &h)) {
        parse_token_error(p, t, "'%.*s' is not a time, as 08:00-18:00", SPAN_ARG(t->s));
        return false;
    }
    if (c->open.n == CONF_HOURS_MAX) {
        parse_token_error(p, t, "more than %u spans of hours in calendar '%s'", CONF_HOURS_MAX,
                          c->name);
        return false;
    }
    *(struct conf_hours *)APPEND(p, c->open) = h;
    return true;
}

static void kw_open(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t;
    unsigned days = 0, more;

    (void)field;
    while (args->i < args->n && (more = days_of(args->tok[args->i].s))) {
        days |= more;
        args->i++;
    }
    if (!(t = args_need(p, kw, args, "time")))
        return;
    if (!days || (t->s.len > 0 && (t->s.p[0] < '0' || t->s.p[0] > '9'))) {
        parse_token_error(p, t, "'%.*s' is not a day: mon, mon-fri, daily or holidays",
                          SPAN_ARG(t->s));
        return;
    }
    do {
        if (!add_hours(p, t, days))
            return;
    } while ((t = args_next(args)));
}

/* "2026-12-25" or "12-25"; a day that the month has in some year. */
static bool date_of(struct span s, struct conf_date *d)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct span y = SPAN_NONE, rest = s, a, b;
    uint32_t year = 0, month, day;

    if (s.len == 10 &&
        (!span_cut(s, '-', &y, &rest) || y.len != 4 || span_u32(y, 9999, &year) || year < 1970))
        return false;
    if (rest.len != 5 || !span_cut(rest, '-', &a, &b) || a.len != 2 || b.len != 2 ||
        span_u32(a, 12, &month) || month == 0 || span_u32(b, days[month - 1], &day) || day == 0)
        return false;
    if (month == 2 && day == 29 && year && (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0)))
        return false;
    d->year = (uint16_t)year;
    d->month = (uint8_t)month;
    d->day = (uint8_t)day;
    return true;
}

static void kw_holiday(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_calendar *c = p->obj;
    const struct lex_token *t;

    (void)kw;
    (void)field;
    while ((t = args_next(args))) {
        struct conf_date d = {.loc = parse_loc(p, t)};

        if (!date_of(t->s, &d)) {
            parse_token_error(p, t, "'%.*s' is not a date: 2026-12-25, or 12-25 for every year",
                              SPAN_ARG(t->s));
            return;
        }
        if (c->holiday.n == CONF_HOLIDAYS_MAX) {
            parse_token_error(p, t, "more than %u holidays in calendar '%s'", CONF_HOLIDAYS_MAX,
                              c->name);
            return;
        }
        *(struct conf_date *)APPEND(p, c->holiday) = d;
    }
}

/* A name below /usr/share/zoneinfo and nothing above it. */
static bool is_zone_name(struct span s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (i > 0 && strchr("/_-+", c))))
            return false;
    }
    return s.len > 0 && s.len <= CONF_NAME_MAX && s.p[s.len - 1] != '/';
}

static void kw_timezone(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = args_next(args);
    struct conf_calendar *c = p->obj;

    (void)kw;
    (void)field;
    if (!is_zone_name(t->s)) {
        parse_token_error(p, t, "'%.*s' is not a time zone, as Europe/Berlin", SPAN_ARG(t->s));
        return;
    }
    c->timezone = parse_strdup(p, t->s);
    c->timezone_loc = parse_loc(p, t);
}

static void calendar_defaults(void *obj)
{
    ((struct conf_calendar *)obj)->timezone = "UTC";
}

static void close_calendar(struct parser *p, void *obj, bool clean)
{
    const struct conf_calendar *c = obj;

    if (clean && c->open.n == 0)
        parse_error(p, c->loc, strlen(c->name), "calendar '%s' is never open", c->name);
}

#define C(member) FIELD(struct conf_calendar, member)

static const struct keyword calendar_kw[] = {
    {"timezone", NULL, kw_timezone, C(timezone), 1, 1, 0, 0, 0, "timezone NAME",
     "of /usr/share/zoneinfo; default UTC"},
    {"open", NULL, kw_open, C(open), 2, CONF_VALUES_MAX, KW_REPEAT, 0, 0,
     "open DAY|DAY-DAY|daily|holidays... HH:MM-HH:MM...", "days and hours, by local time"},
    {"holiday", NULL, kw_holiday, C(holiday), 1, CONF_VALUES_MAX, KW_REPEAT, 0, 0,
     "holiday YYYY-MM-DD|MM-DD...", "days on which only open holidays counts"},
};

const struct section section_calendar = {
    .word = "calendar",
    .syntax = "calendar NAME",
    .help = "when something is open",
    .list_off = LIST(calendar),
    .size = sizeof(struct conf_calendar),
    .kw = calendar_kw,
    .n_kw = COUNT(calendar_kw),
    .defaults = calendar_defaults,
    .close = close_calendar,
};

/* ---- lnp ---- */

/* One place to ask: csv, lmdb or enum. */
static bool only_source(struct parser *p, const struct args *args)
{
    const struct conf_lnp *l = p->obj;

    if (!l->path && !l->suffix)
        return true;
    parse_token_error(p, &args->tok[0], "lnp '%s' has its source already: one of csv, lmdb, enum",
                      l->name);
    return false;
}

static void kw_lnp_path(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = args_next(args);
    struct conf_lnp *l = p->obj;

    (void)field;
    if (!only_source(p, args) || !parse_path(p, t, &l->path))
        return;
    l->kind = strcmp(kw->word, "csv") == 0 ? CONF_LNP_CSV : CONF_LNP_LMDB;
    l->path_loc = parse_loc(p, t);
}

static void kw_enum(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = args_next(args);
    struct conf_lnp *l = p->obj;

    (void)kw;
    (void)field;
    if (!only_source(p, args))
        return;
    if (!schema_is_host(t->s)) {
        parse_token_error(p, t, "'%.*s' is not a domain, as e164.arpa", SPAN_ARG(t->s));
        return;
    }
    l->kind = CONF_LNP_ENUM;
    l->suffix = parse_strdup(p, t->s);
    l->path_loc = parse_loc(p, t);
}

static void lnp_defaults(void *obj)
{
    ((struct conf_lnp *)obj)->cache_ms = HOUR;
}

static void close_lnp(struct parser *p, void *obj, bool clean)
{
    const struct conf_lnp *l = obj;

    if (!clean)
        return;
    if (!l->path && !l->suffix)
        parse_error(p, l->loc, strlen(l->name), "lnp '%s' has no source: csv, lmdb or enum",
                    l->name);
    else if (l->kind != CONF_LNP_ENUM && l->server.n > 0)
        parse_error(p, l->server.v[0].loc, 0, "'server' is of 'enum' only: a file is not asked");
}

#define N(member) FIELD(struct conf_lnp, member)

/* server: as `global dns`. cache: over a day a ported number would be sent to its old carrier for days. */
static const struct keyword lnp_kw[] = {
    {"csv", NULL, kw_lnp_path, N(path), 1, 1, 0, 0, 0, "csv PATH",
     "file number,lrn, held in memory"},
    {"lmdb", NULL, kw_lnp_path, N(path), 1, 1, 0, 0, 0, "lmdb DIRECTORY",
     "an LMDB environment: number to routing number"},
    {"enum", NULL, kw_enum, N(suffix), 1, 1, 0, 0, 0, "enum DOMAIN",
     "domain of NAPTR records (RFC 6116, 4769)"},
    {"server", NULL, kw_dns, N(server), 1, 8, 0, 0, 0, "server IP[:PORT]...",
     "name servers of enum"},
    {"only", NULL, kw_prefixes, N(only), 1, CONF_VALUES_MAX, KW_REPEAT, 0, 0, "only PREFIX...",
     "other numbers are not asked"},
    {"cache", NULL, kw_duration, N(cache_ms), 1, 1, KW_OFF, SECOND, 24 * HOUR, "cache DURATION|off",
     "how long answers of enum are kept at most"},
};

const struct section section_lnp = {
    .word = "lnp",
    .syntax = "lnp NAME",
    .help = "where routing numbers of ported numbers are asked",
    .list_off = LIST(lnp),
    .size = sizeof(struct conf_lnp),
    .kw = lnp_kw,
    .n_kw = COUNT(lnp_kw),
    .defaults = lnp_defaults,
    .close = close_lnp,
};

/* ---- test ---- */

static void kw_test_line(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_test *test = p->obj;
    struct conf_test_line *line = APPEND(p, test->line);
    const struct lex_token *t;

    (void)field;
    line->kind = (enum conf_test_kind)kw->lo;
    while ((t = args_next(args))) {
        struct conf_word *w = APPEND(p, line->words.word);

        w->text = parse_strdup(p, t->s);
        w->loc = parse_loc(p, t);
        w->width = t->width;
    }
}

static void close_test(struct parser *p, void *obj, bool clean)
{
    const struct conf_test *t = obj;
    uint32_t i;

    for (i = 0; i < t->line.n && t->line.v[i].kind != CONF_TEST_CALL; i++)
        ;
    if (clean && i == t->line.n)
        parse_error(p, t->loc, 0, "test has no call");
}

static const struct keyword test_kw[] = {
    {"assume", NULL, kw_test_line, 0, 0, 1, CONF_VALUES_MAX, KW_REPEAT, CONF_TEST_ASSUME, 0,
     "assume WORD...", "what is supposed: trunks down or full, the time"},
    {"call", NULL, kw_test_line, 0, 0, 1, CONF_VALUES_MAX, KW_REPEAT, CONF_TEST_CALL, 0,
     "call WORD...", "a call: from TRUNK [caller NUMBER] called NUMBER"},
    {"expect", NULL, kw_test_line, 0, 0, 1, CONF_VALUES_MAX, KW_REPEAT, CONF_TEST_EXPECT, 0,
     "expect WORD...", "what becomes of the call before it"},
};

const struct section section_test = {
    .word = "test",
    .syntax = "test \"NAME\"",
    .help = "calls and what is expected of them",
    .list_off = LIST(test),
    .size = sizeof(struct conf_test),
    .kw = test_kw,
    .n_kw = COUNT(test_kw),
    .free_name = true,
    .close = close_test,
};
