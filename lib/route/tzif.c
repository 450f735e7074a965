/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TZif files: a table of transitions, and a POSIX TZ rule for the time behind the last one.
 * calendar.c calls it; must not know what a calendar is.
 */
#include "route/tzif.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "route/civil.h"
#include "route/textfile.h"

#define HEADER 44 /* RFC 9636 §3.1 */
/* RFC 9636 §3.2 asks for -25 h < offset < 26 h; every place on Earth is within. */
#define OFFSET_MIN (-89999)
#define OFFSET_MAX 93599
#define WALL_MAX   (INT64_C(1) << 40) /* 34,000 years: no sum overflows */

/* When clocks change in each year: `,M3.5.0/2`. */
struct rule {
    enum { RULE_MONTH, RULE_JULIAN, RULE_DAY } kind;
    int month, week, day; /* RULE_JULIAN: day 1..365 without 29 February; RULE_DAY: 0..365 */
    int32_t time_s;       /* local time of that day; may be on another day */
};

struct footer {
    bool given, has_dst;
    int32_t std, dst; /* seconds east */
    struct rule start, end;
};

struct tzif {
    int64_t *at;     /* transitions, ascending */
    int32_t *offset; /* from each on */
    uint32_t n;
    int32_t first; /* before the first */
    struct footer footer;
};

/* ---- the rule behind the table ---- */

/* The number at *p, at most max. @return it, -1: none, or too large */
static int number(const char **p, int max)
{
    int v = 0;

    if (**p < '0' || **p > '9')
        return -1;
    for (; **p >= '0' && **p <= '9'; (*p)++) {
        v = v * 10 + (**p - '0');
        if (v > max)
            return -1;
    }
    return v;
}

/* [+-]hh[:mm[:ss]] */
static int parse_time(const char **p, int max_hours, int32_t *out)
{
    int sign = **p == '-' ? -1 : 1, h, m = 0, s = 0;

    if (**p == '-' || **p == '+')
        (*p)++;
    h = number(p, max_hours);
    if (h >= 0 && **p == ':') {
        (*p)++;
        m = number(p, 59);
        if (m >= 0 && **p == ':') {
            (*p)++;
            s = number(p, 59);
        }
    }
    if (h < 0 || m < 0 || s < 0)
        return -EINVAL;
    *out = sign * (h * 3600 + m * 60 + s);
    return 0;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* CET, or <+0330>: passed over. */
static int skip_name(const char **p)
{
    const char *begin = *p;

    if (**p == '<') {
        while (**p && **p != '>')
            (*p)++;
        if (**p != '>')
            return -EINVAL;
        (*p)++;
        return 0;
    }
    while (is_letter(**p))
        (*p)++;
    return *p - begin >= 3 ? 0 : -EINVAL;
}

static int parse_rule(const char **p, struct rule *r)
{
    if (**p != ',')
        return -EINVAL;
    (*p)++;
    r->time_s = 2 * 3600;
    if (**p == 'M') {
        r->kind = RULE_MONTH;
        (*p)++;
        r->month = number(p, 12);
        if (r->month < 1 || *(*p)++ != '.')
            return -EINVAL;
        r->week = number(p, 5);
        if (r->week < 1 || *(*p)++ != '.')
            return -EINVAL;
        r->day = number(p, 6);
    } else if (**p == 'J') {
        r->kind = RULE_JULIAN;
        (*p)++;
        r->day = number(p, 365);
        if (r->day == 0)
            return -EINVAL;
    } else {
        r->kind = RULE_DAY;
        r->day = number(p, 365);
    }
    if (r->day < 0)
        return -EINVAL;
    if (**p != '/')
        return 0;
    (*p)++;
    return parse_time(p, 167, &r->time_s); /* RFC 9636 §3.3.1: -167..167 hours */
}

/* POSIX TZ: the offsets there count west of UTC. */
static int parse_footer(const char *p, struct footer *f)
{
    int32_t west;

    if (!*p)
        return 0; /* nothing is known: the last transition holds for ever */
    if (skip_name(&p) != 0 || parse_time(&p, 24, &west) != 0)
        return -EINVAL;
    f->std = -west;
    f->dst = f->std + 3600;
    f->given = true;
    if (!*p)
        return 0;
    f->has_dst = true;
    if (skip_name(&p) != 0)
        return -EINVAL;
    if (*p && *p != ',') {
        if (parse_time(&p, 24, &west) != 0)
            return -EINVAL;
        f->dst = -west;
    }
    if (parse_rule(&p, &f->start) != 0 || parse_rule(&p, &f->end) != 0)
        return -EINVAL;
    return *p ? -EINVAL : 0;
}

/* Days since 1970 of a rule in a year. */
static int64_t rule_day(const struct rule *r, int year)
{
    int64_t first;
    int weekday, day;

    if (r->kind == RULE_DAY)
        return civil_days(year, 1, 1) + r->day;
    if (r->kind == RULE_JULIAN) /* 60 is 1 March, always */
        return civil_days(year, 1, 1) + r->day - 1 + (r->day >= 60 && civil_is_leap(year));
    first = civil_days(year, r->month, 1);
    weekday = (civil_weekday(first) + 1) % 7; /* 0 Sunday, as POSIX counts */
    day = (r->day - weekday + 7) % 7 + 7 * (r->week - 1);
    while (day >= civil_days_in(year, r->month))
        day -= 7; /* week 5 is the last one */
    return first + day;
}

/*
 * Which of the changes of three years was the last one: a rule's time may lie a week beside its day, so that of the next year is
 * looked at, too. Where both fall on one moment, summer has begun: so a zone says that it always is.
 */
static int32_t footer_offset(const struct footer *f, int64_t wall_s)
{
    int64_t last = INT64_MIN, days = (wall_s + f->std) / 86400 - ((wall_s + f->std) % 86400 < 0);
    int year, month, day;
    int32_t offset = f->std;

    if (!f->has_dst)
        return f->std;
    civil_date(days, &year, &month, &day);
    for (int y = year - 1; y <= year + 1; y++) {
        int64_t end = rule_day(&f->end, y) * 86400 + f->end.time_s - f->dst;
        int64_t start = rule_day(&f->start, y) * 86400 + f->start.time_s - f->std;

        if (end <= wall_s && end > last) {
            last = end;
            offset = f->std;
        }
        if (start <= wall_s && start >= last) {
            last = start;
            offset = f->dst;
        }
    }
    return offset;
}

int32_t tzif_offset(const struct tzif *z, int64_t wall_s)
{
    uint32_t lo = 0, hi = z->n;

    if (wall_s > WALL_MAX || wall_s < -WALL_MAX)
        wall_s = wall_s < 0 ? -WALL_MAX : WALL_MAX;
    if (z->footer.given && (z->n == 0 || wall_s >= z->at[z->n - 1]))
        return footer_offset(&z->footer, wall_s);
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (z->at[mid] <= wall_s)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo == 0 ? z->first : z->offset[lo - 1];
}

/* ---- the file ---- */

struct block {
    const unsigned char *p; /* behind the header */
    uint32_t isut, isstd, leap, time, type, chars;
    unsigned time_bytes;
    size_t size;
};

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be_time(const unsigned char *p, unsigned bytes)
{
    if (bytes == 4)
        return (int32_t)be32(p);
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

/* @return 0; -EINVAL no header, or more than there is */
static int read_header(const unsigned char *p, size_t len, unsigned time_bytes, struct block *b)
{
    if (len < HEADER || memcmp(p, "TZif", 4) != 0)
        return -EINVAL;
    *b = (struct block){.p = p + HEADER, .time_bytes = time_bytes};
    b->isut = be32(p + 20);
    b->isstd = be32(p + 24);
    b->leap = be32(p + 28);
    b->time = be32(p + 32);
    b->type = be32(p + 36);
    b->chars = be32(p + 40);
    if (b->isut > len || b->isstd > len || b->leap > len || b->time > len || b->type > len ||
        b->chars > len) /* len is small: the sum below cannot overflow */
        return -EINVAL;
    b->size = (size_t)b->time * (time_bytes + 1) + (size_t)b->type * 6 + b->chars +
              (size_t)b->leap * (time_bytes + 4) + b->isstd + b->isut;
    return b->size > len - HEADER ? -EINVAL : 0;
}

static int read_block(const struct block *b, struct tzif *z)
{
    const unsigned char *type_of = b->p + (size_t)b->time * b->time_bytes,
                        *type = type_of + b->time;

    if (b->type == 0 || b->type > 256)
        return -EINVAL;
    for (uint32_t i = 0; i < b->type; i++) {
        int32_t offset = (int32_t)be32(type + (size_t)i * 6);

        if (offset < OFFSET_MIN || offset > OFFSET_MAX)
            return -EINVAL;
    }
    z->first = (int32_t)be32(type);
    z->at = calloc((size_t)b->time + 1, sizeof(*z->at));
    z->offset = calloc((size_t)b->time + 1, sizeof(*z->offset));
    if (!z->at || !z->offset)
        return -ENOMEM;
    for (uint32_t i = 0; i < b->time; i++) {
        z->at[i] = be_time(b->p + (size_t)i * b->time_bytes, b->time_bytes);
        if (type_of[i] >= b->type || (i > 0 && z->at[i] <= z->at[i - 1]))
            return -EINVAL;
        z->offset[i] = (int32_t)be32(type + (size_t)type_of[i] * 6);
    }
    z->n = b->time;
    return 0;
}

/* Between two newlines at the end of a file of version 2 and later. */
static int read_footer(const unsigned char *p, size_t len, struct tzif *z)
{
    char text[128];

    if (len < 2 || p[0] != '\n' || p[len - 1] != '\n' || len - 2 >= sizeof(text) ||
        memchr(p + 1, '\0', len - 2))
        return -EINVAL;
    memcpy(text, p + 1, len - 2);
    text[len - 2] = '\0';
    return parse_footer(text, &z->footer);
}

static int parse(const unsigned char *p, size_t len, struct tzif *z)
{
    struct block b;
    int err = read_header(p, len, 4, &b);
    bool long_form = !err && p[4] >= '2';

    if (!err && long_form) { /* the first block is for readers of version 1 */
        const unsigned char *second = b.p + b.size;

        err = read_header(second, len - (size_t)(second - p), 8, &b);
    }
    if (!err && b.leap > 0)
        return -ENOTSUP;
    if (!err)
        err = read_block(&b, z);
    if (!err && long_form)
        err = read_footer(b.p + b.size, len - (size_t)(b.p + b.size - p), z);
    return err;
}

struct tzif *tzif_parse(const void *p, size_t len, const char **why)
{
    struct tzif *z = calloc(1, sizeof(*z));
    int err = !z ? -ENOMEM : len > TZIF_FILE_MAX ? -EINVAL : parse(p, len, z);

    if (!err)
        return z;
    *why = err == -ENOMEM    ? "out of memory"
           : err == -ENOTSUP ? "counts leap seconds, clocks here do not"
                             : "is no time zone file (TZif)";
    tzif_free(z);
    return NULL;
}

bool tzif_is_name(const char *name)
{
    char before = '/';

    for (const char *c = name; *c; before = *c++) {
        bool letter = is_letter(*c) || (*c >= '0' && *c <= '9');

        if (!letter && (before == '/' || !strchr("/_+-", *c)))
            return false;
    }
    return before != '/' && strlen(name) <= TZIF_NAME_MAX;
}

struct tzif *tzif_load(const char *name, const char **why)
{
    char path[sizeof(TZIF_DIR) + TZIF_NAME_MAX + 2];
    struct textfile f;
    struct tzif *z;
    int err;

    if (strcmp(name, "UTC") == 0) {
        z = calloc(1, sizeof(*z));
        *why = "out of memory";
        return z;
    }
    if (!tzif_is_name(name)) {
        *why = "is no name of a time zone, as Europe/Vienna";
        return NULL;
    }
    snprintf(path, sizeof(path), "%s/%s", TZIF_DIR, name);
    err = textfile_read(path, TZIF_FILE_MAX, &f, why);
    if (err) {
        if (err == -ENOENT || err == -ENOTDIR || err == -EISDIR)
            *why = "is no time zone of " TZIF_DIR " (Debian's package tzdata)";
        return NULL;
    }
    z = tzif_parse(f.p, f.len, why);
    textfile_free(&f);
    return z;
}

void tzif_free(struct tzif *z)
{
    if (!z)
        return;
    free(z->at);
    free(z->offset);
    free(z);
}
