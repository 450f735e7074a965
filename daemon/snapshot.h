/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One immutable configuration with all that is compiled from it, published to the workers and retired when each has moved on.
 * The control thread builds, publishes and frees; workers only read.
 */
#ifndef DAEMON_SNAPSHOT_H
#define DAEMON_SNAPSHOT_H

#include <stdatomic.h>
#include "call/call.h"
#include "media/media.h"
#include "route/route.h"
#include "sip/tls.h"

struct snapshot {
    struct conf *conf;   /* owned */
    struct route *route; /* owned */
    struct tls_set *tls; /* owned */
    struct call_view view;
    struct media_pool_conf *pool; /* as the media client takes them; addresses in pool_addr */
    struct addr *pool_addr;
    unsigned n_pools;
    struct snapshot *next; /* retired before this one */
};

/** Where workers find the current snapshot. */
struct snapshots {
    _Atomic(struct snapshot *) current;
    struct snapshot *retired; /* newest first; control thread only */
};

/**
 * Compile a configuration.
 * @param conf        taken, also on failure
 * @param generation  of this snapshot; larger than any before
 * @param why         out on failure: text, static until the next call
 * @return NULL: *why says it
 */
struct snapshot *snapshot_new(struct conf *conf, struct trunk_registry *reg, uint64_t generation,
                              const char **why);
void snapshot_free(struct snapshot *s);

/** Control thread: make s current; the one before is retired. */
void snapshots_publish(struct snapshots *ss, struct snapshot *s);
/** Any thread. */
struct snapshot *snapshots_current(struct snapshots *ss);
/** Control thread: free what no worker can still read: all retired ones older than oldest_seen. */
void snapshots_collect(struct snapshots *ss, uint64_t oldest_seen);
/** Free all, the current one too. */
void snapshots_fini(struct snapshots *ss);

/**
 * What a reload cannot change: sockets, threads, node, directories.
 * @return true if next can replace now; false: why[] names the first difference
 */
bool snapshot_can_replace(const struct conf *now, const struct conf *next, char *why, size_t size);

#endif
