/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A time zone from its TZif file (RFC 8536, RFC 9636): how many seconds east of UTC local time is at a moment.
 * calendar.c reads one for itself: libc's zones are one for all threads and take a lock. Immutable, pure arithmetic.
 */
#ifndef ROUTE_TZIF_H
#define ROUTE_TZIF_H

#include "core/span.h"

#define TZIF_DIR      "/usr/share/zoneinfo"
#define TZIF_FILE_MAX 65536U /* the largest zone has 4 KiB, with old-style copies of its rules */
#define TZIF_NAME_MAX 63

struct tzif;

/** Europe/Vienna, America/Argentina/Buenos_Aires, Etc/GMT+5: nothing that leads out of the folder. */
bool tzif_is_name(const char *name);
/**
 * Read a zone by its name, "Europe/Vienna". "UTC" needs no file.
 * @param why  out on failure: text for the operator, static or of strerror
 * @return owned, tzif_free; NULL: not a name, no such zone, a broken file, or out of memory
 */
struct tzif *tzif_load(const char *name, const char **why);
/** The same from memory, for tests and fuzzing. */
struct tzif *tzif_parse(const void *p, size_t len, const char **why);
void tzif_free(struct tzif *z);

/** Seconds east of UTC at a moment. */
int32_t tzif_offset(const struct tzif *z, int64_t wall_s);

#endif
