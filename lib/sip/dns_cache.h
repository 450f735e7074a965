/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A cache between who asks and a resolver: answers by their time to live, negative ones too, stale ones when no server answers.
 * Stands behind struct dns_ops on both sides. Control thread only.
 */
#ifndef SIP_DNS_CACHE_H
#define SIP_DNS_CACHE_H

#include "core/clock.h"
#include "core/stats.h"
#include "sip/dns.h"

/* 5 s: a time to live of 0 must not make us ask without pause. */
#define DNS_TTL_MIN_S 5
/* 1 h: a carrier that moves is found the same hour, whatever its zone says. */
#define DNS_TTL_MAX_S 3600
/* 5 min: a name that is new in the zone is found that soon (RFC 2308 §5 allows hours). */
#define DNS_NEGATIVE_MAX_S 300
/* 30 s: how long a stale answer is given before the servers are asked again (RFC 8767 §5). */
#define DNS_STALE_TTL_S 30
/* 16,384 answers of about 300 bytes: four a name, a switch of thousands of trunks. The one stored first goes first. */
#define DNS_CACHE_MAX 16384

struct dns_cache;

/** @param up  borrowed; @param stats  the control thread's; may be NULL. @return NULL out of memory */
struct dns_cache *dns_cache_new(struct dns_ops *up, const struct clock *clock, struct stats *stats);
/** Forget the answers and all that is under way: no fn is called. */
void dns_cache_free(struct dns_cache *c);
struct dns_ops *dns_cache_ops(struct dns_cache *c);
/** What is known is out of date from now on: the servers are asked, it is served if they do not answer. */
void dns_cache_expire(struct dns_cache *c);

#endif
