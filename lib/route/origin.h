/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who calls whom: the origin zone of a caller and the jurisdiction of a call, found once a call from the configuration's zones and states.
 * route.c builds one and asks it; immutable, read by all workers. Knows nothing of rates.
 */
#ifndef ROUTE_ORIGIN_H
#define ROUTE_ORIGIN_H

#include "route/lcr.h"

struct origin;

/**
 * From the `zone` sections and the file of `global states`.
 * @param conf  borrowed during the call
 * @return owned, origin_free; NULL: errs has an error
 */
struct origin *origin_new(const struct conf *conf, struct conf_errors *errs);
void origin_free(struct origin *o);

/**
 * The class of a call. Zone: that of the caller's longest prefix over all zones; no caller, or none of a zone: CONF_ZONES_MAX.
 * Jurisdiction: both numbers have a state: the same is DECK_INTRA, another DECK_INTER. One of them has none, is missing, or no states
 * are configured: DECK_INDETERMINATE.
 *
 * Two lookups for the caller, one for the called number; no allocation.
 *
 * @param caller          normalised; empty: missing or withheld
 * @param called_or_lrn   normalised; the location routing number where the called one is ported
 */
struct rate_class origin_class(const struct origin *o, struct span caller,
                               struct span called_or_lrn);
/** State of a number, for explain. @return borrowed; "" none */
const char *origin_state(const struct origin *o, struct span number);

#endif
