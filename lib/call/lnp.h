/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers dips that are not in a worker's memory: LMDB environments and ENUM by DNS, with a cache that outlives both reload and outage.
 * One thread owns it (daemon/dips.c), since a look-up may wait for the disk. Knows no call.
 */
#ifndef CALL_LNP_H
#define CALL_LNP_H

#include "config/config.h"
#include "core/stats.h"
#include "core/timer.h"
#include "route/portability.h"
#include "sip/dns.h"

/* 4,096 questions to the name servers at once: 5,000 a second that are all answered after 0.8 s, when the last try is over. */
#define LNP_ASKED_MAX 4096
/* 2^20 numbers of 24 bytes: an hour of 300 new ones a second. Pages are taken as they are written. */
#define LNP_CACHE_SLOTS (1U << 20)
/* 30 ms: what is left of the default timeout of 80 ms is enough to hear a stale answer (RFC 8767 §5 has seconds for humans). */
#define LNP_STALE_AFTER_MS 30
/* One day: an older answer is not given while the servers are away (RFC 8767 §5: one to three). */
#define LNP_STALE_MAX_S 86400U

struct lnp;

/** A resolver for a section's servers; n 0: those of the system. */
struct lnp_resolvers {
    struct dns_ops *(*make)(void *arg, const struct addr *server, unsigned n); /* NULL: not now */
    void (*end)(void *arg, struct dns_ops *dns);
    void *arg;
};

struct lnp_param {
    struct timers *timers;          /* borrowed */
    const struct clock *clock;      /* borrowed */
    struct stats *stats;            /* of its thread; borrowed */
    struct lnp_resolvers resolvers; /* copied */
};

/** @return NULL out of memory */
struct lnp *lnp_new(const struct lnp_param *p);
/** All questions that are under way are answered PORT_FAILED first. NULL is allowed. */
void lnp_free(struct lnp *l);

/**
 * The sections of this configuration from now on. Those that stay as they were keep their cache, their environment and what is under way.
 * @param conf  borrowed during the call
 * @return 0; -ENOMEM: some sections answer nothing
 */
int lnp_configure(struct lnp *l, const struct conf *conf);

/** Exactly once for a question, perhaps before lnp_ask returns. */
typedef void (*lnp_fn)(void *arg, const struct port_answer *a);
/** Ask a section for a number with '+'. One that there is not, or not any more, fails. */
void lnp_ask(struct lnp *l, const char *section, struct span number, lnp_fn fn, void *arg);

/** For the operator. */
struct lnp_info {
    const char *name, *kind; /* "lmdb", "enum"; in memory: not here */
    const char *what;        /* folder, or name below which is asked */
    const char *state;       /* ok, or why not */
    uint64_t rows;           /* of the environment, or in the cache */
    uint64_t asked, hits, stale, failed;
    unsigned running;
};
void lnp_each(struct lnp *l, void (*fn)(void *arg, const struct lnp_info *i), void *arg);

#endif
