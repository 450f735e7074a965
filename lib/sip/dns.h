/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNS as server location needs it: four record types, one answer, and the seam behind which a resolver stands.
 * resolve.c asks through it; dns_cache.c and dns_ares.c (and tests) stand behind it. Control thread only.
 */
#ifndef SIP_DNS_H
#define SIP_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"

#define DNS_NAME_MAX 256 /* RFC 1035 §2.3.4: 255 bytes on the wire are at most 254 as text */
/* 64: SRV sets of carriers; the rest of a larger answer is left out, counted. */
#define DNS_RRS_MAX 64
/* 256: of an answer no more records are looked at, whatever it holds: 64 wanted, a chain of aliases, signatures of each. */
#define DNS_LOOKED_AT_MAX 256
/* 16: resolvers give up following aliases between 8 and 16; a loop ends here too. */
#define DNS_CNAMES_MAX 16

enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_SRV = 33, DNS_NAPTR = 35 };

enum dns_status {
    DNS_OK,     /* records */
    DNS_NONE,   /* the name or the type does not exist: an answer too, with its own time to live */
    DNS_FAILED, /* no answer: timeout, SERVFAIL, REFUSED, something that cannot be read */
};

struct dns_rr {
    struct addr addr;                /* A, AAAA; port 0 */
    uint16_t priority, weight, port; /* SRV */
    uint16_t order, preference;      /* NAPTR */
    char flags[4];                   /* NAPTR; longer ones are no flags we know: empty string */
    char services[32];               /* likewise */
    bool
        has_regexp; /* NAPTR: name is its regexp (RFC 3403 §4.1: there is never a replacement beside it) */
    char name[DNS_NAME_MAX]; /* SRV target, NAPTR replacement; "" is the root: "." */
};

struct dns_answer {
    enum dns_status status;
    bool stale; /* from the cache, out of date: the servers do not answer */
    uint32_t
        ttl_s; /* the smallest of what was used; of DNS_NONE: how long that holds; of DNS_FAILED: 0 */
    unsigned n;
    unsigned
        skipped; /* records left out: too many, malformed, or with bytes that no host name has */
    struct dns_rr rr[DNS_RRS_MAX];
};

typedef void (*dns_fn)(void *arg, const struct dns_answer *a);

/** A resolver. */
struct dns_ops {
    /**
     * Ask. fn is called exactly once, perhaps before this returns, unless dns_cancel comes first.
     * @param name  copied
     * @return 0; negative errno: nothing was asked, fn will not be called
     */
    int (*query)(struct dns_ops *d, const char *name, enum dns_type type, dns_fn fn, void *arg);
    /** No fn for this arg any more. */
    void (*cancel)(struct dns_ops *d, void *arg);
};

/** "A", "SRV", … */
const char *dns_type_name(enum dns_type type);

/**
 * Read a response to one question. Follows aliases inside it; takes only records that belong to the name asked.
 *
 * @param out  always set; DNS_FAILED where the response cannot be read
 * @return 0; -EBADMSG not a response, to another question, truncated, or malformed before its records
 */
int dns_parse(const uint8_t *msg, size_t len, const char *name, enum dns_type type,
              struct dns_answer *out);

/** Letters, digits, '-', '_', dots; labels 1 to 63, 253 in all: what we ask for and accept as a target. */
bool dns_name_is_sane(const char *name);

#endif
