/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 3xx of a carrier by its trunk's `redirect`: followed to other peers, or told to the caller with contacts that name us.
 * hunt.c calls it; it sends nothing.
 */
#ifndef CALL_REDIRECT_H
#define CALL_REDIRECT_H

#include "call/model.h"

/**
 * Is this 300, 301 or 302 of the leg to be followed or passed? Not 305 and 380 (RFC 3261 §21.3.4, §21.3.5: a proxy to use, a service that
 * would do instead), and not once something was promised to the caller.
 */
bool redirect_is_one(const struct leg *out, const struct msg *m);

/**
 * Queue its contacts as candidates, the highest q first (RFC 3261 §8.1.3.4): those at a peer of a trunk, with their user part as the called
 * number. Left out, and counted: other hosts, contacts without a number, what was tried or is queued, and all beyond REDIRECTS_MAX.
 * @return true if there is one
 */
bool redirect_follow(struct leg *out, const struct msg *m);

/** Its contacts for the caller: user part and q are kept, the host is ours. @return the value of Contact in buf, empty: none */
struct span redirect_contacts(const struct leg *out, const struct msg *m, char *buf, size_t size);

#endif
