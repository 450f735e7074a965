/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a configuration is compiled to for routing: internal to lib/route.
 * route.c, plan.c and book.c make it, choose*.c read it on every worker; nothing in it changes.
 */
#ifndef ROUTE_INDEX_H
#define ROUTE_INDEX_H

#include "route/calendar.h"
#include "route/list.h"
#include "route/origin.h"
#include "route/route.h"

/** What a load has read (book.h). */
struct book {
    const struct conf *conf;
    struct deck **deck; /* by conf id; NULL: it had errors, or has been merged */
    struct calendar **calendar;
    struct origin *origin;
    struct portability *ports;
    struct list **allow;    /* caller-allow by trunk; NULL: none. Those of one file are one */
    struct list **block;    /* of all routes, one after the other */
    uint32_t *block_of;     /* by route: where its first one stands in `block` */
    struct list **dip_only; /* by lnp; NULL: all */
    struct list **owned;    /* every list, once */
    uint32_t n_owned, n_decks, n_calendars; /* conf may be gone when the book is freed */
    bool is_good;                           /* no errors */
};

/** Decks that some routes ask together. */
struct rate_set {
    uint32_t deck[CONF_DECKS_MAX]; /* conf ids; place = bit of a mask */
    unsigned n;
    struct lcr *lcr;
};

/** The lines of one prefix, top-down: places in plan.order. */
struct plan_slot {
    uint32_t first, n;
};

struct plan_line {
    struct list *caller; /* of its condition; NULL: any */
    uint32_t mask;       /* of its decks in the set */
};

/** One `route` section. */
struct plan {
    const struct conf_route *conf;
    struct table *table; /* prefix to place in slot; the default is the empty prefix */
    struct plan_slot *slot;
    uint32_t *order;
    struct plan_line *line;
    uint32_t emergency; /* its line; CONF_NONE: none */
    const struct rate_set *set;
    struct list *const *block; /* by block line; borrowed from the book */
};

struct route_trunk {
    struct trunk_state *state;
    struct customer_state *customer;
    struct media_state *media;
    uint32_t group[CONF_TRUNK_GROUPS_MAX]; /* those with a limit */
    uint8_t n_groups;
    struct egress {
        uint16_t listener; /* UINT16_MAX: no socket */
        struct addr local;
    } egress[PROTO_N][2]; /* by transport; IPv4, IPv6 */
};

struct route {
    const struct conf *conf;
    struct source_index *sources;
    struct host_index *hosts;
    struct route_trunk *trunk;
    struct book *book;
    struct plan *plan; /* by route section */
    struct rate_set *set;
    unsigned n_sets;
    int64_t from_s;             /* wall clock: versions of decks that ended before are not kept */
    struct lcr **sell;          /* by deck; NULL: nobody's sell deck */
    struct group_state **group; /* by group */
    const struct quality *quality;
    struct conf_socket *socket; /* by number */
    uint32_t n_sockets;
    uint32_t *trunk_of_slot; /* CONF_NONE: not in this generation */
    uint32_t n_slots;
    bool is_shadow; /* all but trunks and groups is another route's */
};

/**
 * Make rt->plan, rt->set and rt->sell of rt->conf and rt->book, whose decks end here.
 * @param now_s  wall clock: rows that ended before are left out
 * @return 0; -ENOMEM
 */
int plan_build(struct route *rt, int64_t now_s, unsigned threads);
void plan_free(struct route *rt);

#endif
