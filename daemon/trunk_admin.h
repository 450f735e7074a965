/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the operator has said of trunks (up, drain, down), kept in STATE-DIR/trunks.json across reloads and restarts.
 * The control thread only. The states themselves are atomics of route/trunk.h, read by the workers.
 */
#ifndef DAEMON_TRUNK_ADMIN_H
#define DAEMON_TRUNK_ADMIN_H

#include "route/trunk.h"

/*
 * A trunk that is gone from the configuration is remembered for so long: one that is taken out for a season and comes back is as it was
 * left; what was decommissioned is forgotten.
 */
#define TRUNK_ADMIN_KEEP_MS (90ULL * 24 * 3600 * 1000)

struct trunk_admins;

/** @param dir  the state directory @return NULL out of memory */
struct trunk_admins *trunk_admins_new(struct trunk_registry *reg, const char *dir);
void trunk_admins_free(struct trunk_admins *ta);

/**
 * Take up the file of the last process, before there are workers. A file that is broken is logged, put aside as trunks.json.bad, and all
 * trunks are up.
 * @return how many are not up; -errno: the file could not be read, which is logged
 */
int trunk_admins_load(struct trunk_admins *ta, uint64_t wall_ms);

/** Say it: workers see it at once; trunk_admins_save has to write it. @return 0; -ENOMEM it holds until a restart */
int trunk_admins_set(struct trunk_admins *ta, struct trunk_state *ts, enum trunk_admin admin,
                     uint64_t wall_ms);

/**
 * Write the file if something was not written yet.
 * @param conf  its trunks were seen now; NULL: nobody was
 * @param all   also when only that has changed (once a day)
 */
int trunk_admins_save(struct trunk_admins *ta, const struct conf *conf, bool all, uint64_t wall_ms);

#endif
