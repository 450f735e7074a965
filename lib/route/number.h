/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers: cleaning a user part, matching patterns, translating.
 * route.c calls it; it sees plain text and the compiled rules of a `numbers` section, never a message.
 */
#ifndef ROUTE_NUMBER_H
#define ROUTE_NUMBER_H

#include "config/config.h"
#include "core/span.h"

/* 63: twice CONF_DIGITS_MAX, so that a technical prefix in front of any pattern's input always fits; a longer user is
 * no number of any plan and is answered 484. */
#define NUMBER_MAX 64 /* with the terminator */

/**
 * The number in a user part: parameters behind ';' cut (RFC 3261 §19.1.1, RFC 4694), visual separators
 * (RFC 3966 §5.1.1: - . ( )) left out when the rest is digits with an optional leading '+', or at least
 * seven digits and other keys of a phone; other users (alice) are copied as they are.
 *
 * @return length; -EINVAL empty, or an escape in what is no name; -E2BIG longer than NUMBER_MAX - 1
 */
int number_clean(struct span user, char out[NUMBER_MAX]);

/** True if text is digits with an optional leading '+'. */
bool number_is_digits(struct span text);

/** True if the whole of text matches. */
bool number_matches(const struct conf_pattern *pat, struct span text);

/**
 * Apply the first rule that matches (config.md rule 5).
 *
 * @param nums  NULL: the number stays as it is and *rule is NULL
 * @param out   may not overlap in
 * @param rule  out: the rule that matched; borrowed from the snapshot
 * @return length; -ENOENT no rule matches; -E2BIG the result does not fit; -EINVAL the result is empty
 */
int number_translate(const struct conf_numbers *nums, struct span in, char out[NUMBER_MAX],
                     const struct conf_rule **rule);

#endif
