/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a SIP server is (RFC 3263 §4): from a name to addresses with transport, priority and weight.
 * Pure logic over struct dns_ops. lib/call/locate.c runs it on the control thread; it knows no trunk and no socket.
 */
#ifndef SIP_RESOLVE_H
#define SIP_RESOLVE_H

#include "config/config.h"
#include "core/proto.h"
#include "sip/dns.h"

#define RESOLVE_TARGETS_MAX 64 /* TARGETS_MAX of route/target.h: what a trunk can use */
/* 8: NAPTR records that are followed; three services, for each a spare or two. */
#define RESOLVE_SRVS_MAX 8
/* 64: host names asked for in one lookup, two questions each: an SRV set of 64 different hosts. */
#define RESOLVE_HOSTS_MAX 64

struct resolve_target {
    struct addr addr;
    uint8_t proto;     /* enum proto */
    uint32_t priority; /* lower first: place of the NAPTR << 16, priority of the SRV */
    uint32_t weight;   /* > 0; an SRV's weight is shared by the addresses of its host */
};

enum resolve_status {
    RESOLVE_OK,     /* targets */
    RESOLVE_NONE,   /* DNS says that there are none */
    RESOLVE_FAILED, /* DNS does not say */
};

struct resolve_result {
    enum resolve_status status;
    bool stale;     /* something of it is out of date: ask again soon */
    uint32_t ttl_s; /* the smallest of all answers used, bounded by the cache */
    unsigned n;
    unsigned
        left_out; /* records not used: too many, odd, of transports that we have no socket for */
    struct resolve_target v[RESOLVE_TARGETS_MAX];
};

struct resolve_param {
    struct dns_ops *dns;     /* borrowed */
    const char *name;        /* copied */
    enum conf_lookup lookup; /* HOST, SRV, SRV_NAME, NAPTR */
    uint8_t proto;           /* enum proto; NAPTR: not meant */
    uint16_t port;           /* HOST only */
    uint8_t usable
        [PROTO_N]; /* families that we have a socket of that transport for: bit 0 IPv4, bit 1 IPv6 */
    void (*done)(void *arg, const struct resolve_result *r);
    void *arg;
};

struct resolve;

/**
 * Begin. done is called once, perhaps before this returns; *slot is set while it runs and NULL from just before done.
 * @return 0; -ENOMEM; -EINVAL a name that cannot be asked for: done is not called
 */
int resolve_start(const struct resolve_param *p, struct resolve **slot);
/** Stop: done will not be called. NULL is allowed. */
void resolve_cancel(struct resolve *r);

#endif
