/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Live state of trunks, groups and customers, keyed by name: it outlives reloads, and calls refer to it by slot.
 * The builder and the control thread add names; workers read and update atomics. Knows nothing of messages.
 */
#ifndef ROUTE_TRUNK_H
#define ROUTE_TRUNK_H

#include "route/binding.h"
#include "route/breaker.h"
#include "route/cac.h"
#include "route/quality.h"
#include "route/target.h"

enum trunk_reg_state {
    TRUNK_REG_OFF, /* no `register`, or drained */
    TRUNK_REG_TRYING,
    TRUNK_REG_BOUND,
    TRUNK_REG_FAILED,
    TRUNK_REG_LEAVING,
};

/** Our registration with the trunk's carrier. Written by the worker that keeps it, read by all. */
struct trunk_reg {
    _Atomic uint8_t state;          /* enum trunk_reg_state */
    _Atomic uint16_t status;        /* of the last final answer; 0: none, or one is waited for */
    _Atomic uint64_t until_wall_ms; /* bound: it expires; failed: it is tried again; 0: neither */
    _Atomic uint64_t changed_wall_ms;
};

/** What the operator has said of a trunk; kept across reloads and restarts. */
enum trunk_admin {
    TRUNK_UP,
    TRUNK_DRAIN, /* no new calls from or to it; its OPTIONS get 503, it is probed on. Last resort of emergency calls */
    TRUNK_DOWN,  /* likewise, and it is not probed, and no resort of anything */
};

struct trunk_state {
    char name[CONF_NAME_MAX + 1];
    uint32_t slot;
    _Atomic uint8_t admin;                /* enum trunk_admin; written by the control thread */
    _Atomic uint64_t admin_since_wall_ms; /* 0: it never was anything but up */
    struct breaker breaker;
    struct trunk_reg reg;
    struct cac_gauge in, out;
    _Atomic uint64_t attempts_in, attempts_out, answered_in, answered_out, failed_in, failed_out;
    _Atomic(struct target_set *) targets; /* where its requests go now; see target.h */
};

/** Of a `group`. */
struct group_state {
    char name[CONF_NAME_MAX + 1];
    struct cac_gauge in, out; /* calls from and to its members, whichever way they came to them */
    _Atomic uint32_t next;    /* of round-robin: counts choices, not members */
};

struct customer_state {
    char name[CONF_NAME_MAX + 1];
    /* For records: the name until trunk_registry_account. Any thread may read it at any time: it is never freed before the registry. */
    _Atomic(const char *) account;
    struct cac_gauge in, out;
};

/** Calls that have media of one `media` section. */
struct media_state {
    char name[CONF_NAME_MAX + 1];
    struct cac_gauge calls;
};

/** All of a process. */
struct trunk_registry;

struct trunk_registry *trunk_registry_new(void);
void trunk_registry_free(struct trunk_registry *reg);

/** Builder or control thread, it may wait: the state of that name, made at first use. @return NULL out of memory or more than 65,535 names ever */
struct trunk_state *trunk_registry_get(struct trunk_registry *reg, const char *name);
/** Likewise for a customer. */
struct customer_state *trunk_registry_customer(struct trunk_registry *reg, const char *name);
/**
 * Likewise: the customer's account of the newest configuration. A former text is kept, for those who read it now:
 * a hundred bytes for each change of an account.
 * @return 0 or -ENOMEM: the old one stays
 */
int trunk_registry_account(struct trunk_registry *reg, struct customer_state *cs,
                           const char *account);
/** Likewise for a group. */
struct group_state *trunk_registry_group(struct trunk_registry *reg, const char *name);
/** Likewise for a media section. */
struct media_state *trunk_registry_media(struct trunk_registry *reg, const char *name);
/** Any thread: likewise, but only what is there: a walk over all names. @return NULL none of that name */
struct trunk_state *trunk_registry_find(const struct trunk_registry *reg, const char *name);
struct customer_state *trunk_registry_find_customer(const struct trunk_registry *reg,
                                                    const char *name);
struct group_state *trunk_registry_find_group(const struct trunk_registry *reg, const char *name);
struct media_state *trunk_registry_find_media(const struct trunk_registry *reg, const char *name);
/** The node's own gauge (`global limit`). */
struct cac_gauge *trunk_registry_node(struct trunk_registry *reg);
/**
 * Any thread: all gauges, for the auditor and the operator. kind: "node" (its name is empty), "trunk", "group", "customer" or "media"; dir: "in", "out",
 * "both".
 */
void trunk_registry_each_gauge(const struct trunk_registry *reg,
                               void (*fn)(void *arg, struct cac_gauge *g, const char *kind,
                                          const char *name, const char *dir),
                               void *arg);
/** Any thread: state by slot, or NULL. */
struct trunk_state *trunk_by_slot(const struct trunk_registry *reg, uint32_t slot);

/** What target.c keeps for all trunks. */
struct targets *trunk_registry_targets(const struct trunk_registry *reg);
/** ASR, ACD, PDD by slot and destination. */
struct quality *trunk_registry_quality(const struct trunk_registry *reg);
/** The word of an enum trunk_admin: "up", "drain", "down". */
const char *trunk_admin_name(unsigned admin);
/** What PBXs have registered. */
struct bindings *trunk_registry_bindings(const struct trunk_registry *reg);

#endif
