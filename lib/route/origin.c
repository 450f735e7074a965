/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rate class of a call: one longest-prefix table over the prefixes of all zones, one list of states.
 * route.c builds and asks it. Must not know what a class costs.
 */
#include "route/origin.h"

#include <stdlib.h>

#include "route/list.h"
#include "route/table.h"

struct origin {
    struct table *zone; /* prefix to conf id; NULL: no zones */
    struct list *state; /* NULL: no states */
};

/* lib/config has refused bad and double prefixes with their place; here they would only leave the class open. */
static int add_zones(struct origin *o, const struct conf *conf)
{
    size_t n = 0;

    for (uint32_t i = 0; i < conf->zone.n; i++)
        n += conf->zone.v[i].caller.n;
    if (n == 0)
        return 0;
    o->zone = table_new(n);
    if (!o->zone)
        return -ENOMEM;
    for (uint32_t i = 0; i < conf->zone.n && i < CONF_ZONES_MAX; i++) {
        for (uint32_t k = 0; k < conf->zone.v[i].caller.n; k++)
            (void)table_add(o->zone, span_of(conf->zone.v[i].caller.v[k]), i);
    }
    return 0;
}

struct origin *origin_new(const struct conf *conf, struct conf_errors *errs)
{
    struct origin *o = calloc(1, sizeof(*o));

    if (!o || add_zones(o, conf) != 0) {
        conf_error_in_file(errs, CONF_ERROR, "zones", 0, 0, 0, SPAN_NONE, "out of memory");
        goto fail;
    }
    if (conf->global.states) {
        o->state = list_load(conf, conf->global.states, conf->global.states_loc, LIST_STATES, errs);
        if (!o->state)
            goto fail;
    }
    return o;
fail:
    origin_free(o);
    return NULL;
}

void origin_free(struct origin *o)
{
    if (!o)
        return;
    table_free(o->zone);
    list_free(o->state);
    free(o);
}

const char *origin_state(const struct origin *o, struct span number)
{
    const char *state = "";

    (void)list_find(o->state, number, NULL, &state);
    return state;
}

struct rate_class origin_class(const struct origin *o, struct span caller,
                               struct span called_or_lrn)
{
    struct rate_class rc = {.jurisdiction = DECK_INDETERMINATE, .zone = CONF_ZONES_MAX};
    const char *here, *there;
    uint32_t zone;

    if (caller.len > 0 && o->zone && table_find(o->zone, caller, &zone, NULL) == 0)
        rc.zone = (uint8_t)zone;
    if (!o->state)
        return rc;
    here = origin_state(o, caller);
    there = origin_state(o, called_or_lrn);
    if (*here && *there)
        rc.jurisdiction = strcmp(here, there) == 0 ? DECK_INTRA : DECK_INTER;
    return rc;
}
