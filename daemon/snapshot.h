/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One immutable configuration with all that is compiled from it, published to the workers and retired when each has moved on.
 * The builder makes and frees them, the control thread publishes; workers only read.
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
    struct media_sound_conf *sound; /* likewise; names and descriptors are the configuration's */
    unsigned n_sounds;
    struct snapshot *rest; /* takes conf when all else goes; owned */
    struct snapshot *next; /* retired before this one */
};

/** Where workers find the current snapshot. */
struct snapshots {
    _Atomic(struct snapshot *) current;
    struct snapshot *retired; /* newest first; control thread only */
    struct snapshot *rests;   /* of those that are gone: configurations that legs still read */
};

struct snapshot_param {
    struct conf *conf; /* taken, also on failure */
    struct trunk_registry *reg;
    struct conf_errors *errs; /* gets messages about files; NULL: the first is why */
    struct book *book;        /* what the check of conf has read, taken; NULL: read again */
    int64_t wall_s;           /* now: what is expired */
    unsigned threads;         /* to build with, at most; 0: 1 */
};

/**
 * Load a configuration with all that it names, for snapshot_new: sets conf, book, wall_s and threads of p.
 * @param errs  out: to be freed by conf_errors_fini in any case
 * @return 0; -EINVAL: errs has errors, and nothing is left in p
 */
int snapshot_load(const char *path, struct snapshot_param *p, struct conf_errors *errs);
/**
 * Compile a configuration; seconds for millions of rows. Any thread, one at a time.
 * @param why  out on failure: text
 * @return generation 0; NULL: why says it
 */
struct snapshot *snapshot_new(const struct snapshot_param *p, char *why, size_t size);
/** Any thread. NULL is allowed. */
void snapshot_free(struct snapshot *s);

/** Control thread: make s current, as that generation (larger than any before); the one before is retired. */
void snapshots_publish(struct snapshots *ss, struct snapshot *s, uint64_t generation);
/** Any thread. */
struct snapshot *snapshots_current(struct snapshots *ss);
/**
 * Control thread: take off what nobody can still read: a retired snapshot older than oldest_seen, or the configuration of one that has gone
 * before, when the last leg has let go of it (so no worker ever frees one). Free them in this order.
 * @return owned, snapshot_free; NULL: nothing
 */
struct snapshot *snapshots_collect(struct snapshots *ss, uint64_t oldest_seen);
/** Free all, the current one too. */
void snapshots_fini(struct snapshots *ss);

/**
 * What a reload cannot change: sockets, threads, node, directories.
 * @return true if next can replace now; false: why[] names the first difference
 */
bool snapshot_can_replace(const struct conf *now, const struct conf *next, char *why, size_t size);

#endif
