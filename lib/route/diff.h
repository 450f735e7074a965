/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What another configuration would change in routing: for each route the prefixes whose first choice is another one, and what that costs.
 * `tandemctl diff` and the daemon's builder ask it, never a worker: millions of prefixes take a second. Knows no text and no JSON.
 */
#ifndef ROUTE_DIFF_H
#define ROUTE_DIFF_H

#include "route/route.h"

/* As many as an operator reads of each route. */
#define DIFF_TOP 10U
/* Sell decks of one route that are held against its costs: more price lists for one route than that are a second route. */
#define DIFF_SELL 8U

struct diff_param {
    const struct route *old, *now; /* borrowed, with their configurations, until diff_free */
    int64_t wall_s;                /* calendars and versions of decks as of then */
    struct rate_class rates;       /* of the caller; jurisdictions of decks that have some */
    unsigned threads;
};

/** Where a number goes first. */
struct diff_choice {
    uint32_t trunk; /* id in its own configuration; CONF_NONE: nowhere */
    uint32_t deck;  /* likewise; CONF_NONE: by `via` */
    uint16_t code;  /* what the caller gets when trunk is none; 0: no line serves the prefix */
    int64_t rate;   /* nano of the deck's currency; -1: none */
    int64_t cost;   /* nano of the base currency; -1: none */
};

struct diff_prefix {
    uint64_t key;
    struct diff_choice old, now;
};

struct diff_trunk {
    const char *name;
    uint64_t won, lost; /* first choices */
};

/** One `route`; of one that only one side has, all its prefixes are gained or lost. */
struct diff_route {
    const char *name;
    bool is_new, is_gone;
    uint64_t prefixes;        /* keys of both sides that any line serves */
    uint64_t moved;           /* another trunk comes first */
    uint64_t dearer, cheaper; /* the first choice costs more, less; whether it is the same or not */
    uint64_t gained, lost;    /* had no carrier, or has none now */
    uint64_t priced;          /* have a cost on both sides; the averages are over them */
    int64_t cost_old, cost_now; /* average [nano of the base currency a minute] */
    uint64_t below_old,
        below_now; /* a sell deck of the route's trunks is below the cost of the first choice */
    struct diff_prefix
        top[DIFF_TOP]; /* moved, gained, lost or repriced; the largest changes of cost first */
    unsigned n_top;
    struct diff_trunk *trunk; /* that won or lost any; most of both first */
    uint32_t n_trunks;
};

struct diff {
    struct diff_route *route; /* as the new configuration has them, then those that are gone */
    uint32_t n;
    uint64_t prefixes; /* looked at */
    int64_t
        next_change; /* of the new one: when after wall_s a row of a deck begins or ends [s]; INT64_MAX: never */
};

/**
 * Compare. Health, limits and live figures do not count (route_assume.on_paper); lines with `from` or `caller` hold for nobody; block lists and
 * portability come before all that and are not asked.
 * @return 0: *out is owned, diff_free; -ENOMEM
 */
int route_diff(const struct diff_param *p, struct diff **out);
void diff_free(struct diff *d);

#endif
