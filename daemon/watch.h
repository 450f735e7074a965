/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `watch on`: tells when a file of the running configuration has changed and has been left alone for a while.
 * reload.c makes the list with each snapshot and reloads when told; it knows nothing of either.
 */
#ifndef DAEMON_WATCH_H
#define DAEMON_WATCH_H

#include <event2/event.h>
#include "config/config.h"

/* Editors and git write many files in a second, and a copied deck grows for some: a reload begins when all has been quiet so long [ms]. */
#define WATCH_QUIET_MS 2000U

struct watch;
/** All files that a configuration was made of. */
struct watch_set;

/** Off the workers; milliseconds for thousands of files. @return owned, by watch_follow or watch_set_free; NULL out of memory */
struct watch_set *watch_set_new(const struct conf *conf);
void watch_set_free(struct watch_set *set);
/** Is it one of them, or would an `include` take it? path: as the configuration has it ("./" before a bare name) */
bool watch_set_has(const struct watch_set *set, const char *path);

/** @param changed  called on base's loop, once for each pause. @return NULL out of memory, or no inotify */
struct watch *watch_new(struct event_base *base, void (*changed)(void *arg), void *arg);
/** Watch these from now on. @param set  taken; NULL: nothing */
void watch_follow(struct watch *w, struct watch_set *set);
/** NULL is allowed. */
void watch_free(struct watch *w);

#endif
