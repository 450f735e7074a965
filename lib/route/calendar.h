/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is a calendar open at a moment? Local time of any zone, holidays, hours over midnight.
 * Built with the route, off the workers; asking is pure arithmetic: no libc time zone, no lock, no file.
 */
#ifndef ROUTE_CALENDAR_H
#define ROUTE_CALENDAR_H

#include "config/config.h"

struct calendar;

/**
 * @param conf,c  borrowed during the call
 * @return owned, calendar_free; NULL: the zone is not known or its file is broken, or out of memory (in errs)
 */
struct calendar *calendar_new(const struct conf *conf, const struct conf_calendar *c,
                              struct conf_errors *errs);
void calendar_free(struct calendar *c);

/**
 * Hours belong to the day on which they begin: `open fri 22:00-06:00` lasts until Saturday 06:00, also when that is a holiday, and does not
 * begin on a Friday that is one. What the clock passes over in spring is passed over; what it repeats in autumn is twice there.
 *
 * @param line  out, may be NULL: the `open` or `holiday` line that decided (line 0: none did, it is closed)
 */
bool calendar_is_open(const struct calendar *c, int64_t wall_s, struct conf_loc *line);
/** Local time as text "2026-12-01 08:30 Tue", for explain. @return out */
const char *calendar_local(const struct calendar *c, int64_t wall_s, char out[32]);

#endif
