/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telephone numbers in URIs (RFC 3966, RFC 3261 §19.1.6): the digits without ornament, and the parameters that belong to them.
 * call/ reads called and calling numbers with it; it knows no message and translates nothing.
 */
#ifndef SIP_TEL_H
#define SIP_TEL_H

#include "sip/uri.h"

#define TEL_NUMBER_MAX 64 /* with its end: twice E.164 and a prefix, as the routing core takes it */

/**
 * The number of a sip, sips or tel URI: escapes decoded (§19.1.4), visual separators removed (RFC 3966 §5.1.1), a phone-context
 * that is a global prefix put before a local number (§5.1.5). Parameters of the number are not part of it.
 *
 * @return its length in buf, terminated; -EINVAL the user is no number; -ENOSPC
 */
int tel_number(const struct sip_uri *u, char *buf, size_t size);

/** The parameters of the number, from the first ';' on: of a sip URI those in its user part, of a tel URI all. */
struct span tel_params(const struct sip_uri *u);

/** Digits only, one '+' in front allowed; at least one digit. */
bool tel_is_number(struct span s);
/** A number with '+' (RFC 3966 §5.1.4). */
bool tel_is_global(struct span s);

/**
 * True if this parameter says something about the number and may cross to another network: rn, cic, npdi, enumdi and their
 * contexts (RFC 4694), isub, ext (RFC 3966), cpc, oli. A context that is a domain stays: it names a network.
 */
bool tel_param_crosses(struct span name, struct span value);

#endif
