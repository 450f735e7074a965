/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads single values of the configuration: numbers with units, addresses, DSCP, names, patterns.
 * The keyword handlers call it; it reports by return value and knows no section or message place.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config/config.h"
#include "core/addr.h"
#include "core/span.h"

/** `500ms 30s 5m 4h 30d`. @return 0; -EINVAL no number with a unit; -ERANGE beyond 49 days (32 bits of ms) */
int value_duration(struct span s, uint32_t *ms);

/** `100kB 64MB 2GB` (powers of 1,000). @return 0; -EINVAL; -ERANGE beyond 1 TB */
int value_size(struct span s, uint64_t *bytes);

/** A number with a fixed unit, as `800calls`. @return 0; -EINVAL; -ERANGE 0 or over max */
int value_count(struct span s, const char *unit, uint32_t max, uint32_t *out);

/** `0.0125`: an exact amount. @return 0; -EINVAL no digits with one point; -ERANGE above CONF_MONEY_MAX or more than 9 decimals */
int value_money(struct span s, int64_t *nano);

/** `lo-hi`, both 1..65535, lo < hi. @return 0 or -EINVAL */
int value_range(struct span s, uint16_t *lo, uint16_t *hi);

/** 0..63 or a name of RFC 2474, 2597, 3246 (be, cs0-7, af11-43, ef). @return 0 or -EINVAL */
int value_dscp(struct span s, uint8_t *dscp);

/** `10.0.0.1:5060`, `[2001:db8::1]:5060`; port 0 if none is written. @return 0 or -EINVAL */
int value_addr(struct span s, struct addr *out);

/** True for a name that DNS could know and that is no address: lets a message say so. */
bool value_is_dns_name(struct span s);

/** Letters, digits, `-`, `_`, `.`, 1 to CONF_NAME_MAX bytes. */
bool value_is_name(struct span s);

/** 1 to CONF_DIGITS_MAX digits; with `plus`, a `+` may stand first or alone. */
bool value_is_digits(struct span s, bool plus);

/** Offset of the first byte that does not belong to a result (digits, `+`, {*}, {N-}); s.len if all do. */
size_t value_result_check(struct span s);

/** True if every number that matches `b` matches `a`. */
bool pattern_covers(const struct conf_pattern *a, const struct conf_pattern *b);

/** True if some number matches, and all of them begin with literal positions enough for `skip`. */
bool pattern_has_length(const struct conf_pattern *pat, uint16_t skip);

#endif
