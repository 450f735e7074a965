/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routing: an immutable index over one configuration, and the decision for one call: which trunks, in which order, with which number.
 * Built by the control thread, read by all workers. It is handed plain values, never a message.
 */
#ifndef ROUTE_ROUTE_H
#define ROUTE_ROUTE_H

#include "config/config.h"
#include "route/book.h"
#include "route/lcr.h"
#include "route/number.h"
#include "route/portability.h"
#include "route/source.h"
#include "route/trunk.h"

#define ROUTE_CANDIDATES_MAX \
    16 /* a caller hangs up long before a 16th carrier is tried: 16 x 3 s trying-timeout */

/*
 * 8: two sites of four servers. Each that does not answer costs the trying-timeout (3 s): after 24 s the caller has hung up.
 */
#define ROUTE_HOPS_MAX 8

struct route;

struct route_param {
    const struct conf *conf;    /* borrowed, must outlive the route */
    struct trunk_registry *reg; /* names are added to it; their targets come from call/locate.h */
    struct conf_errors
        *errs;         /* gets messages about decks, lists, zones; NULL: the first is all of *why */
    int64_t wall_s;    /* now: which rows are expired */
    bool past;         /* keep what has ended: for questions about earlier days, not for calls */
    unsigned threads;  /* to build with, at most; 0: 1 */
    struct book *book; /* out of route_check_files; route_new takes it (NULL then). See book.h */
};

/**
 * Build the index of a configuration: reads decks, lists and time zones. Takes seconds for millions of rows: off the workers.
 * @param why  out on failure: text for the operator, static, until the next call on this thread
 * @return NULL: out of memory, a peer that no socket of its trunk can reach, or errors in files
 */
struct route *route_new(struct route_param *p, const char **why);
/**
 * Only read and check what conf names: for conf_load_more, also when conf has other errors (references may be CONF_NONE).
 * @param arg  a struct route_param; conf, reg and errs in it are not looked at, book is set: owned by the caller until route_new
 */
void route_check_files(void *arg, const struct conf *conf, struct conf_errors *errs);
void route_free(struct route *rt);
/**
 * The same routing with live state of its own: for dry runs, which must count at nobody's gauges. What a shadow knows of health and load is put into
 * reg by its maker. Costs as much as there are trunks; decks and lists are shared.
 * @param rt  borrowed, must outlive the shadow
 * @return owned, route_free; NULL: out of memory
 */
struct route *route_shadow(const struct route *rt, struct trunk_registry *reg);

const struct conf *route_conf(const struct route *rt);
/** Live state of a trunk of this generation (id: place in conf.trunk). Never NULL. */
struct trunk_state *route_trunk_state(const struct route *rt, uint32_t trunk);
/** Trunk of this generation that has that live state. @return 0; -ENOENT the trunk is gone from the configuration */
int route_trunk_of_slot(const struct route *rt, uint32_t slot, uint32_t *trunk);
/** Slots of this generation's trunks are below that. */
uint32_t route_slots(const struct route *rt);
/** Calls at the media section of a trunk; NULL: it has none. */
struct media_state *route_media_state(const struct route *rt, uint32_t trunk);
/** The groups with a limit that a trunk is a member of, as conf ids, in their order. @return how many, at most CONF_TRUNK_GROUPS_MAX */
unsigned route_limited_groups(const struct route *rt, uint32_t trunk, const uint32_t **group);
/** Live state of a group of this generation (id: place in conf.group). Never NULL. */
struct group_state *route_group_state(const struct route *rt, uint32_t group);
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

/**
 * May this trunk show this calling number, by its `caller-allow`? As received: `numbers caller` is applied to it.
 * @return true also where the trunk has no such list
 */
bool route_caller_is_own(const struct route *rt, uint32_t trunk, struct span number);

/** Do this trunk's `numbers` say that the number, as received, is one for help? For who refuses before anything is decided. */
bool route_is_emergency(const struct route *rt, uint32_t trunk, struct span called);

/**
 * Ask a section whose table lies in memory: for a call that was told ROUTE_DIP.
 * @return 0 with *out; -ENOENT it has none: it is asked elsewhere
 */
int route_port_find(const struct route *rt, uint32_t lnp, struct span number,
                    struct port_answer *out);

/** Rows of that table; 0: it has none. */
uint32_t route_port_rows(const struct route *rt, uint32_t lnp);

/** Portability of the called number, as far as it is known. */
enum route_dip {
    ROUTE_DIP_NOT, /* not asked yet: a route with `lnp dip` wants it (ROUTE_DIP) unless the message says npdi */
    ROUTE_DIP_DONE, /* asked, or the message said npdi: rn is the answer, empty when the number is not ported */
    ROUTE_DIP_FAILED, /* asked, no answer in time */
};

/** What a test or `explain` supposes to be otherwise. All NULL / 0: nothing. */
struct route_assume {
    const bool *down, *full, *drained; /* by trunk id of this generation */
    /**
     * By the configuration alone (diff): every trunk is up, sends any number and has no figures, round-robin begins at the first, shares go by
     * weight: the heaviest first. Nothing live is looked at, and the same configuration always gives the same.
     */
    bool on_paper;
};

enum route_step {
    ROUTE_STEP_NUMBER,    /* called number normalised: by which rule */
    ROUTE_STEP_CALLER,    /* calling number translated, allowed, replaced or refused */
    ROUTE_STEP_CLASS,     /* emergency, service */
    ROUTE_STEP_LNP,       /* dipped, skipped and why, answer */
    ROUTE_STEP_BLOCK,     /* listed, allowed, not listed */
    ROUTE_STEP_RATE,      /* rate class, sell rate */
    ROUTE_STEP_LINE,      /* the line that serves the call */
    ROUTE_STEP_LINE_NOT,  /* a line of a prefix that fits, whose condition does not hold */
    ROUTE_STEP_CANDIDATE, /* kept, at this place */
    ROUTE_STEP_DROPPED,   /* and why */
    ROUTE_STEP_VERDICT,
};

struct route_candidate;

/** One decision, told as it is made. */
struct route_note {
    enum route_step step;
    struct conf_loc loc;                     /* line 0: none */
    const char *text;                        /* in words; valid during the call */
    uint32_t trunk;                          /* CONF_NONE: none */
    const struct route_candidate *candidate; /* of CANDIDATE and DROPPED; else NULL */
};

struct route_trace {
    void (*note)(void *arg, const struct route_note *n);
    void *arg;
};

struct route_query {
    uint32_t trunk;     /* ingress trunk, id of this generation */
    struct span called; /* user part of the Request-URI */
    struct span caller; /* who calls, by PAI or From, as received; empty: not told */
    struct span rn;     /* routing number, of the message or of the dip; empty: none */
    enum route_dip dip;
    bool emergency;  /* by the gate's class: trunks that are down or busy are candidates too */
    uint64_t now_ms; /* as struct route_hops_param */
    int64_t wall_s;  /* for calendars and versions of decks */
    uint32_t rnd;    /* for shares: the same one gives the same order */
    bool look_only;  /* explain, check: the counters of round-robin groups stay where they are */
    const struct route_assume *assume; /* NULL: none */
    const struct route_trace *trace;   /* NULL: none. The decision is the same with and without */
};

struct route_candidate {
    uint32_t trunk; /* id of this generation */
    uint32_t slot;  /* its live state, valid across generations */
    uint32_t deck;  /* conf id of the deck whose row chose it; CONF_NONE: by `via` */
    uint32_t deck_line;
    uint64_t key;       /* prefix of that row, or of the number: its destination for quality */
    int64_t rate, cost; /* as struct lcr_row; -1: no deck */
    uint32_t minimum, increment;  /* [s] */
    char code[DECK_CODE_MAX + 1]; /* the carrier's own, of that row; empty: none */
    char called[NUMBER_MAX];      /* as this trunk wants it */
};

enum route_verdict {
    ROUTE_OK,         /* at least one candidate */
    ROUTE_REFUSED,    /* a route line or a block line says so: code, reason */
    ROUTE_NO_ROUTE,   /* 404: no line fits, or the trunk has no routes */
    ROUTE_BAD_NUMBER, /* 484: empty, too long, or no `numbers` rule serves it */
    ROUTE_ALL_DOWN, /* 503: a line fits, every trunk of it is down, drained, or its breaker is open */
    ROUTE_NO_OFFER, /* 503: a line fits, no deck has a row within max-cost, margin and quality */
    ROUTE_BAD_CALLER, /* 403: the calling number is not one of this trunk's, and there is no default-caller */
    ROUTE_DIP, /* ask `lnp` first, then decide again with dip and rn */
};

struct route_decision {
    enum route_verdict verdict;
    uint16_t code;         /* what the caller gets when there is no candidate */
    const char *reason;    /* NULL: the standard phrase; borrowed from the snapshot */
    uint32_t sound;        /* of REFUSED: conf id of what the caller hears before it; CONF_NONE */
    enum conf_class klass; /* by the numbers rules, or EMERGENCY as asked */
    uint32_t max_attempts; /* 0: all candidates */
    uint32_t deadline_ms;  /* 0: none */
    uint32_t
        retry_after_s; /* of ALL_DOWN: a breaker lets a call through then, or the Retry-After of a target is over; 0: not known */
    uint32_t lnp;      /* of ROUTE_DIP: conf id; */
    uint32_t lnp_timeout_ms;
    uint32_t n, dropped_down, dropped_offer, no_form; /* no_form: `send` had none */
    struct conf_loc number_loc, line_loc;             /* rule and line that decided; line 0: none */
    struct rate_class rates;
    bool caller_replaced; /* caller[] is the trunk's default-caller */
    int64_t
        sell_rate; /* what the ingress side pays, nano of sell_deck's currency; -1: no sell deck or no row */
    int64_t sell_cost;  /* the same in the base currency */
    uint32_t sell_deck; /* conf id; CONF_NONE */
    uint64_t sell_key;
    const struct deck_terms *sell_terms; /* of that row; NULL: none. Borrowed from the route */
    char called[NUMBER_MAX];             /* normalised, as dialled */
    char caller[NUMBER_MAX];             /* normalised; empty: none, or no number */
    char routed[NUMBER_MAX]; /* the number that was routed on: called, or the routing number */
    struct route_candidate candidate[ROUTE_CANDIDATES_MAX];
};

/** Money for people and records: "0.0061", no trailing zeros; "" below 0 (there is none). @return out */
const char *route_money(int64_t nano, char out[24]);

/** Decide. Allocates nothing, never fails: what goes wrong is a verdict. The same for a call, `explain` and a test. */
void route_decide(const struct route *rt, const struct route_query *q, struct route_decision *d);

#endif
