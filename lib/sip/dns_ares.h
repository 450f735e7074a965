/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * c-ares on a libevent loop, behind struct dns_ops. The control thread has one; it knows no SIP.
 */
#ifndef SIP_DNS_ARES_H
#define SIP_DNS_ARES_H

#include <event2/event.h>

#include "core/timer.h"
#include "sip/dns.h"

struct dns_ares;

/** How long a server is waited for, and how often all of them are asked. */
struct dns_pace {
    int timeout_ms, tries;
};

/**
 * @param base     borrowed
 * @param timers   of the same loop: ticked before answers are given; borrowed
 * @param server   name servers (port 0: 53); n 0: those of resolv.conf
 * @return NULL with errno set
 */
struct dns_ares *dns_ares_new(struct event_base *base, struct timers *timers,
                              const struct addr *server, unsigned n);
/** The same for who cannot wait; pace is copied. */
struct dns_ares *dns_ares_new_paced(struct event_base *base, struct timers *timers,
                                    const struct addr *server, unsigned n,
                                    const struct dns_pace *pace);
/** All that is under way is forgotten: no fn is called. NULL is allowed. */
void dns_ares_free(struct dns_ares *d);
/** Other servers, from now on (a reload); questions under way have failed. @return 0; -ENOMEM: the old ones stay */
int dns_ares_servers(struct dns_ares *d, const struct addr *server, unsigned n);
struct dns_ops *dns_ares_ops(struct dns_ares *d);

#endif
