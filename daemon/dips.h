/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dip thread: it answers what workers ask about the portability of numbers, by LMDB and ENUM (call/lnp.h).
 * Questions and answers go by a ring each way for each worker; a worker never waits. The control thread makes, configures and ends it.
 */
#ifndef DAEMON_DIPS_H
#define DAEMON_DIPS_H

#include <jansson.h>
#include "call/dip.h"
#include "core/stats.h"

struct dips;
struct admin_req;

struct dips_param {
    unsigned workers;
    void (*wake)(void *arg, unsigned worker); /* dip thread: it has an answer */
    void *arg;
};

/** @return NULL out of memory, descriptors or threads */
struct dips *dips_new(const struct dips_param *p);
/** The workers must have stopped. NULL is allowed. */
void dips_free(struct dips *d);
/** Control thread: the sections of this configuration from now on; it is kept (conf_get) until they are taken. */
void dips_configure(struct dips *d, const struct conf *conf);

/** A worker's way to ask. */
struct dip_ops *dips_port(struct dips *d, unsigned worker);
/** That worker: give fn the answers that have come. */
void dips_take(struct dips *d, unsigned worker, void (*fn)(void *arg, const struct dip_answer *a),
               void *arg);
bool dips_waiting(const struct dips *d, unsigned worker);

const struct stats *dips_stats(const struct dips *d);
/** Any thread: its sections, as of a fifth of a second ago at the most. */
json_t *dips_state(struct dips *d);

/** `show lnp`: what calls saw of each section, and what its source says. */
void dips_show(struct admin_req *r);

#endif
