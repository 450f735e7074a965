/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the requests of a trunk go: its addresses now, each with transport, priority, weight and health, as one immutable set.
 * The control thread publishes sets (lib/call/locate.c makes them of names and addresses); workers read them and never wait.
 * Must not know DNS, messages or calls.
 */
#ifndef ROUTE_TARGET_H
#define ROUTE_TARGET_H

#include <stdatomic.h>
#include "config/config.h"

/*
 * Lifetime. A set hangs on its trunk's state by one atomic pointer and is never changed. A worker may read it, and the health
 * records it names, until the end of its loop turn: there it calls targets_turn_end, which says "I have seen generation N, and hold
 * nothing older". A set that was replaced at generation N is freed when all workers have said so; a health record with the last
 * set that names it. What outlives a turn (a probe, a call) names a target by address and transport, or takes the new set's record
 * before that call.
 */

#define TARGETS_MAX 64 /* carriers have SRV sets of 64 records; the addresses of a trunk likewise */
/* 60 s: a carrier that asks for more is taken to be unwell, and probes and calls find out sooner [ms]. */
#define TARGET_BUSY_MAX_MS 60000U
/* 30 s: one call in so many waits for a dead target that nobody probes; the others find the next one at once [ms]. */
#define TARGET_SILENT_MS 30000U
/* 8: a PBX and its spare, each with a line or two; the oldest binding goes first. */
#define TARGET_BINDINGS_MAX 8
/* Messages of workers that wait for the control thread: 4,096 PBXs that register at the same moment. */
#define TARGET_POSTS_MAX 4096

/** Health of one address and transport of one trunk. Written by any worker, read by all. */
struct target_health {
    uint32_t refs; /* sets that name it; control thread only */
    _Atomic bool down;
    _Atomic uint32_t failures,
        successes; /* of probes, in a row; the probing may move to another worker */
    _Atomic uint64_t probes, probe_failures;
    _Atomic uint64_t changed_wall_ms; /* last change of state; 0: never */
    _Atomic uint64_t busy_until_ms;   /* 503 with Retry-After: not before [ms, monotonic]; 0: not */
    _Atomic uint64_t silent_until_ms; /* did not answer a call: tried behind the others */
    _Atomic uint64_t busy;            /* how often it said so */
};

struct target {
    struct addr addr; /* port never 0 */
    uint8_t proto;    /* enum proto */
    uint16_t
        listener; /* the only socket it may be reached from (registered); UINT16_MAX: any of the trunk's */
    uint64_t priority; /* lower first: that of the peer line << 32, then what DNS says */
    uint32_t weight;   /* share among equal priority, > 0 */
    uint64_t conn;     /* registered over a stream: that connection; 0: none */
    const char *host; /* the domain looked up: a TLS peer must show it (RFC 5922 §4); NULL: none */
    uint16_t uri_port; /* written behind host in a Request-URI; 0: none */
    struct target_health *health;
};

/** Sorted by priority. */
struct target_set {
    uint32_t n;
    uint32_t serial;         /* another one than any former set of the trunk had */
    uint64_t retired;        /* generation at which it was replaced; control thread only */
    struct target_set *next; /* retired; control thread only */
    struct target v[];
};

struct trunk_state;
struct trunk_registry;

/* ---- workers ---- */

/** The set now. @return borrowed until targets_turn_end; NULL: not located yet, or nothing left */
const struct target_set *targets_of(const struct trunk_state *ts);
/** The target with that address and transport. @return NULL: none */
const struct target *target_find(const struct target_set *set, const struct addr *addr,
                                 uint8_t proto);
/** May a call go there: up, and not asked to be left alone. now_ms: monotonic; 0: Retry-After does not count */
bool target_is_usable(const struct target *t, uint64_t now_ms);
/**
 * It answered 503 with Retry-After (RFC 3261 §21.5.4): no call goes there for so long, TARGET_BUSY_MAX_MS at most.
 * A shorter wish does not end a longer one.
 */
void target_busy(const struct target *t, uint64_t now_ms, uint32_t retry_after_s);
/** A call got no response from it, or no connection: until TARGET_SILENT_MS from now others are tried before it. */
void target_silent(const struct target *t, uint64_t now_ms);
bool target_is_silent(const struct target *t, uint64_t now_ms);
/**
 * Prober: one probe's outcome, with hysteresis: down after down_after failures in a row, up after up_after successes.
 * @return true if the state changed
 */
bool target_result(struct target_health *h, bool ok, const struct conf_options *opt,
                   uint64_t wall_ms);
/** Prober: it is probed no more (`options off`). What nobody asks counts as up, or it would stay down for ever. */
void target_unprobed(struct target_health *h, uint64_t wall_ms);

/** This worker reads sets from now on, or does so no more. */
void targets_reader(struct trunk_registry *reg, unsigned worker, bool on);
/** Has anything been published since this worker's last targets_turn_end? */
bool targets_changed(const struct trunk_registry *reg, unsigned worker);
/** Generation now; to be given to targets_turn_end when all that this worker keeps is of it or newer. */
uint64_t targets_generation(const struct trunk_registry *reg);
void targets_turn_end(struct trunk_registry *reg, unsigned worker, uint64_t generation);

/** A contact that a PBX has registered for its trunk (`peer registered`). */
struct target_contact {
    struct addr addr;  /* where it really came from, or what it asked for; port never 0 */
    uint8_t proto;     /* enum proto */
    uint16_t listener; /* the socket it came by; UINT16_MAX: any */
    uint16_t q;        /* 0..1000: preference of the contact (RFC 3261 §20.10); higher first */
    uint64_t conn;     /* streams: its connection; 0: none */
};

/**
 * Any thread: the trunk's PBX has registered this contact, again or for the first time; the control thread makes it a target
 * within a loop turn of its own and takes it away when it expires. Bindings are known by address and transport.
 *
 * @param slot        of the trunk's live state
 * @param expires_ms  0: the contact is removed now
 * @return 0; -ENOMEM, TD_EFULL: not taken, the REGISTER is to be answered 503 with Retry-After
 */
int targets_register(struct trunk_registry *reg, uint32_t slot, const struct target_contact *c,
                     uint64_t expires_ms);
/** Control thread, at start: the same for what was registered before; it takes them itself, so however many there are have room. */
int targets_restore(struct trunk_registry *reg, uint32_t slot, const struct target_contact *c,
                    uint64_t expires_ms);
/** Any thread: all contacts of the trunk are removed (`Contact: *`). @return as above */
int targets_unregister(struct trunk_registry *reg, uint32_t slot);

/* ---- control thread ---- */

/** What a set is made of. */
struct target_record {
    struct addr addr;
    uint8_t proto;
    uint16_t listener;
    uint64_t priority;
    uint32_t weight;
    uint64_t conn;
    const char *host; /* copied */
    uint16_t uri_port;
};

/**
 * Publish the targets of a trunk. Of two with the same address and transport the better one stays; beyond TARGETS_MAX the last by
 * priority are left out. Health goes over from the set before.
 * @param n  0: the trunk has none
 * @return 1 published; 0 it is as it was; -ENOMEM: the old one stays
 */
int targets_publish(struct trunk_registry *reg, struct trunk_state *ts,
                    const struct target_record *v, unsigned n);
/** Free what no worker can read any more. @return sets that still wait */
unsigned targets_collect(struct trunk_registry *reg);

/** One message of a worker. */
struct target_post {
    struct target_post *next;
    uint32_t slot;
    bool all; /* of targets_unregister */
    struct target_contact contact;
    uint64_t expires_ms;
};
/** What workers have posted, in order. @return owned: free each; NULL: nothing */
struct target_post *targets_take_posts(struct trunk_registry *reg);
/** Called by any thread behind each post: wake the control thread. Set before the workers start. */
void targets_on_post(struct trunk_registry *reg, void (*fn)(void *arg), void *arg);

/** For the registry. */
struct targets;
struct targets *targets_new(void);
void targets_free(struct targets *t);
/** End of a trunk's state: frees its set. */
void targets_drop(struct trunk_state *ts);

#endif
