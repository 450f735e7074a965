/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routing: an immutable index over one configuration, and the decision for one call: which trunks, in which order, with which number.
 * Built by the control thread, read by all workers. It is handed plain values, never a message.
 */
#ifndef ROUTE_ROUTE_H
#define ROUTE_ROUTE_H

#include "config/config.h"
#include "route/number.h"
#include "route/source.h"
#include "route/trunk.h"

#define ROUTE_CANDIDATES_MAX \
    16 /* a caller hangs up long before a 16th carrier is tried: 16 x 3 s trying-timeout */

/*
 * 8: two sites of four servers. Each that does not answer costs the trying-timeout (3 s): after 24 s the caller has hung up.
 */
#define ROUTE_HOPS_MAX 8

struct route;

/**
 * Build the index of a configuration.
 * @param conf  borrowed, must outlive the route
 * @param reg   names are added to it; their targets come from call/locate.h
 * @param why   out on failure: static text for the operator
 * @return NULL: out of memory, or a peer that no socket of its trunk can reach
 */
struct route *route_new(const struct conf *conf, struct trunk_registry *reg, const char **why);
void route_free(struct route *rt);

const struct conf *route_conf(const struct route *rt);
/** Live state of a trunk of this generation (id: place in conf.trunk). Never NULL. */
struct trunk_state *route_trunk_state(const struct route *rt, uint32_t trunk);
/** Trunk of this generation that has that live state. @return 0; -ENOENT the trunk is gone from the configuration */
int route_trunk_of_slot(const struct route *rt, uint32_t slot, uint32_t *trunk);
/** Calls at the media section of a trunk; NULL: it has none. */
struct media_state *route_media_state(const struct route *rt, uint32_t trunk);
/** Customer state of a trunk, or NULL. */
struct customer_state *route_customer_state(const struct route *rt, uint32_t trunk);

/**
 * Sockets are numbered over all `listen` sections and their sockets as conf_listener says (a reload may not change them).
 * @return the listen section of a socket; CONF_NONE out of range
 */
uint32_t route_listen_of(const struct route *rt, uint16_t listener);

bool route_source_is_known(const struct route *rt, uint16_t listener, const struct addr *from);
/** What an unknown source gets on this socket. */
enum conf_unknown route_unknown(const struct route *rt, uint16_t listener);
/** As source_identify. */
int route_identify(const struct route *rt, uint16_t listener, const struct addr *from,
                   const struct source_facts *facts, uint32_t *trunk);

/** Where one request to a trunk goes, and by which socket of ours. */
struct route_hop {
    struct addr remote, local;
    uint16_t listener;
    uint8_t proto; /* enum proto */
    uint32_t slot; /* of the trunk's live state */
    uint64_t conn; /* as struct target */
};

struct route_hops_param {
    uint32_t trunk;
    uint32_t rnd;    /* random number; tests give their own: the same one gives the same order */
    uint64_t now_ms; /* monotonic, for Retry-After; 0: it does not count */
    bool
        last_resort; /* emergency: behind the usable targets those that are busy, then those that are down */
};

/**
 * The targets of a trunk in the order in which a request tries them: by priority, among equals by weighted chance (RFC 2782).
 * Targets for which the trunk's listens have no socket are left out.
 * @return how many, at most max; 0: not located, all down or busy
 */
unsigned route_hops(const struct route *rt, const struct route_hops_param *p, struct route_hop *hop,
                    unsigned max);
/** The hop of one given target, up or not (health probes). @return 0; -EAFNOSUPPORT no socket of its transport and family */
int route_target_hop(const struct route *rt, uint32_t trunk, const struct target *t,
                     struct route_hop *hop);

/**
 * The trunk of a peer with that host, a name or an address: where a redirection leads (RFC 3261 §8.1.3.4).
 * @param prefer  this trunk if it is one of several
 * @param only    out: the address, port 0, when host is one; unset for a name: any of the trunk's targets
 * @return 0; -ENOENT nobody's
 */
int route_find_host(const struct route *rt, struct span host, uint32_t prefer, uint32_t *trunk,
                    struct addr *only);
/** The number as the trunk wants it: its `send` translations one after the other. @return 0; -ENOENT it has no form for this number */
int route_send_number(const struct route *rt, uint32_t trunk, const char *called,
                      char out[NUMBER_MAX]);

struct route_query {
    uint32_t trunk;     /* ingress trunk, id of this generation */
    struct span called; /* user part of the Request-URI */
    bool emergency;     /* by the gate's class: trunks that are down or busy are candidates too */
    uint64_t now_ms;    /* as struct route_hops_param */
};

struct route_candidate {
    uint32_t trunk;          /* id of this generation */
    uint32_t slot;           /* its live state, valid across generations */
    char called[NUMBER_MAX]; /* as this trunk wants it */
};

enum route_verdict {
    ROUTE_OK,         /* at least one candidate */
    ROUTE_REFUSED,    /* a route line says so: code, reason */
    ROUTE_NO_ROUTE,   /* 404: no line fits, or the trunk has no routes */
    ROUTE_BAD_NUMBER, /* 484: empty, too long, or no `numbers` rule serves it */
    ROUTE_ALL_DOWN,   /* 503: a line fits, every trunk of it is down */
};

struct route_decision {
    enum route_verdict verdict;
    uint16_t code;         /* what the caller gets when there is no candidate */
    const char *reason;    /* NULL: the standard phrase; borrowed from the snapshot */
    enum conf_class klass; /* by the numbers rules, or EMERGENCY as asked */
    uint32_t max_attempts; /* 0: all candidates */
    uint32_t n, dropped_down;
    struct conf_loc number_loc, line_loc; /* rule and line that decided; line 0: none */
    char called[NUMBER_MAX];              /* normalised */
    struct route_candidate candidate[ROUTE_CANDIDATES_MAX];
};

/** Decide. Allocates nothing, never fails: what goes wrong is a verdict. */
void route_decide(const struct route *rt, const struct route_query *q, struct route_decision *d);

#endif
