/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening hours by local time.
 * route.c builds and asks them. Must not know what is open.
 */
#include "route/calendar.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/errors.h"
#include "route/civil.h"
#include "route/tzif.h"

#define HOLIDAY_BIT 7 /* of conf_hours.days */

struct calendar {
    struct tzif *zone;
    struct conf_hours *open;
    struct conf_date *holiday;
    uint32_t n_open, n_holiday;
};

/* A day with its local date. */
struct day {
    int64_t number; /* since 1970 */
    int year, month, day;
    const struct conf_date *holiday; /* NULL: none */
};

static void *copy_of(const void *p, size_t size)
{
    void *copy = malloc(size + 1); /* never nothing */

    if (copy && size)
        memcpy(copy, p, size);
    return copy;
}

/* The zone of the same folder whose name is nearest. @return out, "" none */
static const char *meant(const char *name, char *out, size_t size)
{
    const char *slash = strrchr(name, '/');
    int head = slash ? (int)(slash + 1 - name) : 0;
    char folder[sizeof(TZIF_DIR) + TZIF_NAME_MAX + 2];
    struct dirent *e;
    struct nearest n;
    const char *why;
    DIR *dir;

    *out = '\0';
    snprintf(folder, sizeof(folder), "%s/%.*s", TZIF_DIR, head, name);
    dir = tzif_is_name(name) ? opendir(folder) : NULL;
    nearest_init(&n, span_of(name + head));
    while (dir && (e = readdir(dir))) {
        struct nearest before = n;
        struct tzif *z;
        char zone[TZIF_NAME_MAX + 1];

        n.best = NULL;
        nearest_try(&n, e->d_name);
        if (!n.best)
            continue;
        /* there are tables and folders, too */
        z = snprintf(zone, sizeof(zone), "%.*s%s", head, name, n.best) < (int)sizeof(zone)
                ? tzif_load(zone, &why)
                : NULL;
        if (z)
            snprintf(out, size, "; did you mean '%s'?", zone);
        else
            n = before;
        tzif_free(z);
    }
    if (dir)
        closedir(dir);
    return out;
}

struct calendar *calendar_new(const struct conf *conf, const struct conf_calendar *c,
                              struct conf_errors *errs)
{
    struct calendar *cal = calloc(1, sizeof(*cal));
    char text[TZIF_NAME_MAX + 32];
    const char *why = "out of memory", *name = c->timezone ? c->timezone : "UTC";

    if (!cal)
        goto fail;
    cal->open = copy_of(c->open.v, c->open.n * sizeof(*c->open.v));
    cal->holiday = copy_of(c->holiday.v, c->holiday.n * sizeof(*c->holiday.v));
    if (!cal->open || !cal->holiday)
        goto fail;
    cal->n_open = c->open.n;
    cal->n_holiday = c->holiday.n;
    cal->zone = tzif_load(name, &why);
    if (cal->zone)
        return cal;
fail:
    conf_error_at(errs, CONF_ERROR, conf, c->timezone ? c->timezone_loc : c->loc, 0, "'%s' %s%s",
                  name, why, meant(name, text, sizeof(text)));
    calendar_free(cal);
    return NULL;
}

void calendar_free(struct calendar *c)
{
    if (!c)
        return;
    tzif_free(c->zone);
    free(c->open);
    free(c->holiday);
    free(c);
}

/* Local time: the day and the second in it. */
static int64_t local_day(const struct calendar *c, int64_t wall_s, int *second)
{
    int64_t local = wall_s + tzif_offset(c->zone, wall_s), day = local / 86400;

    if (local % 86400 < 0)
        day--;
    *second = (int)(local - day * 86400);
    return day;
}

static struct day day_of(const struct calendar *c, int64_t number)
{
    struct day d = {.number = number, .holiday = NULL};

    civil_date(number, &d.year, &d.month, &d.day);
    for (uint32_t i = 0; i < c->n_holiday && !d.holiday; i++) {
        const struct conf_date *h = &c->holiday[i];

        if (h->month == d.month && h->day == d.day && (h->year == 0 || h->year == d.year))
            d.holiday = h;
    }
    return d;
}

static bool begins_on(const struct conf_hours *h, const struct day *d)
{
    unsigned bit = d->holiday ? HOLIDAY_BIT : (unsigned)civil_weekday(d->number);

    return h->days >> bit & 1;
}

bool calendar_is_open(const struct calendar *c, int64_t wall_s, struct conf_loc *line)
{
    int second;
    struct day today = day_of(c, local_day(c, wall_s, &second)),
               yesterday = day_of(c, today.number - 1);
    int minute = second / 60;

    for (uint32_t i = 0; i < c->n_open; i++) {
        const struct conf_hours *h = &c->open[i];
        bool over = h->to <= h->from; /* midnight */

        if ((begins_on(h, &today) && minute >= h->from && (over || minute < h->to)) ||
            (over && begins_on(h, &yesterday) && minute < h->to)) {
            if (line)
                *line = h->loc;
            return true;
        }
    }
    if (line)
        *line = today.holiday ? today.holiday->loc : (struct conf_loc){.line = 0};
    return false;
}

const char *calendar_local(const struct calendar *c, int64_t wall_s, char out[32])
{
    static const char *const name[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    int second, year, month, day;
    int64_t number = local_day(c, wall_s, &second);

    civil_date(number, &year, &month, &day);
    snprintf(out, 32, "%04d-%02d-%02d %02d:%02d %s", year, month, day, second / 3600,
             second / 60 % 60, name[civil_weekday(number)]);
    return out;
}
