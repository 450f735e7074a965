/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why would this call go there? One question, put through the live code, every decision told with its place in the configuration.
 * The control thread asks it of the running switch, tandemctl of files, testrun.c for `test` sections. Nothing is sent or counted.
 */
#ifndef CALL_EXPLAIN_H
#define CALL_EXPLAIN_H

#include <jansson.h>
#include "route/route.h"

#define EXPLAIN_DIVERSIONS_MAX 5
/* 1: what chance decides is the same each time; said in each answer. */
#define EXPLAIN_SEED 1U

/** A call to ask about. Texts are borrowed; NULL: not there. */
struct explain_ask {
    uint32_t trunk; /* whose call it is; CONF_NONE: who has the source */
    struct addr
        source;      /* where it comes from; unset: the first address of the trunk. Port 0: 5060 */
    uint32_t listen; /* `listen` section of a source; CONF_NONE: any that knows it */
    const char *called, *caller, *pai, *privacy;
    const char *diversion[EXPLAIN_DIVERSIONS_MAX]; /* newest first */
    unsigned n_diversions;
    const char *rn;              /* the INVITE bears npdi and rn, or npdi alone if empty */
    int64_t wall_s;              /* when */
    bool now;                    /* wall_s is now: said so */
    uint32_t seed;               /* of what is left to chance */
    bool *down, *full, *drained; /* by trunk id; owned; NULL: nothing supposed */
};

struct explain_param {
    const struct route *route;  /* borrowed */
    struct trunk_registry *reg; /* its live state: only read */
    uint64_t now_ms, wall_ms;   /* both clocks */
    bool draining;              /* the node takes no new calls: only said */
};

/** No call yet: trunk and listen CONF_NONE, the fixed seed. */
void explain_ask_init(struct explain_ask *ask, int64_t wall_s);
void explain_ask_fini(struct explain_ask *ask);

/** Which supposition: `assume down T`. @return the list's trunk marked; -ENOENT no such trunk; -EDOM full: it has no limit; -ENOMEM */
int explain_assume(const struct conf *conf, bool **list, const char *name);

/**
 * Ask.
 * @param why  out when NULL is returned: text for the operator
 * @return owned: what explain_text.h prints; NULL: the question makes no sense, or out of memory
 */
json_t *explain_run(const struct explain_param *p, const struct explain_ask *ask, char *why,
                    size_t size);

/**
 * For files without a daemon: all peers count as found and up. Names, which nobody looks up here, stand for themselves.
 * @return 0 or -ENOMEM
 */
int explain_locate(const struct route *route, struct trunk_registry *reg);

#endif
