/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generations of the configuration that legs still read: what a leg's trunk was when it began holds to the leg's end, whatever a reload says.
 * Legs take one with their trunk; counted on the worker alone, so that no call touches a shared line.
 */
#ifndef CALL_GEN_H
#define CALL_GEN_H

#include <stdint.h>

struct calls;
struct conf;

/** A configuration in use by legs of this worker. */
struct gen {
    struct gen *next;
    const struct conf *conf; /* one reference of conf_get */
    unsigned legs;
};

/**
 * The generation of the worker's current view, with one leg more.
 * @return NULL out of memory
 */
struct gen *gen_take(struct calls *cs);
/** One leg less; the last one of an old generation gives its configuration back. NULL is ignored. */
void gen_give(struct calls *cs, struct gen *g);
/** The worker has another view (stack_snapshot), or ends: give back what no leg holds. */
void gen_sweep(struct calls *cs);

#endif
