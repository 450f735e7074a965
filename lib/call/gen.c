/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting of the configurations that legs hold, per worker. A handful is alive: one for each reload that a standing call has seen.
 */
#include "call/gen.h"

#include "call/model.h"

#include <stdlib.h>

struct gen *gen_take(struct calls *cs)
{
    struct gen *g = cs->gens;

    if (!g || g->conf != cs->view->conf) { /* the newest is the first */
        g = calloc(1, sizeof *g);
        if (!g)
            return NULL;
        g->conf = conf_get(cs->view->conf);
        g->next = cs->gens;
        cs->gens = g;
    }
    g->legs++;
    return g;
}

void gen_give(struct calls *cs, struct gen *g)
{
    if (!g || --g->legs > 0)
        return;
    if (!cs->view || g->conf != cs->view->conf)
        gen_sweep(cs);
}

void gen_sweep(struct calls *cs)
{
    struct gen **pp = &cs->gens;

    while (*pp) {
        struct gen *g = *pp;

        if (g->legs > 0) {
            pp = &g->next;
            continue;
        }
        *pp = g->next;
        conf_free(g->conf);
        free(g);
    }
}
