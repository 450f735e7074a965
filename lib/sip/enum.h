/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ENUM as number portability needs it (RFC 6116, RFC 4769): the name under which a number stands, and what its NAPTR records say of it.
 * call/lnp.c asks by it. Pure: no sockets, no time.
 */
#ifndef SIP_ENUM_H
#define SIP_ENUM_H

#include "core/span.h"
#include "sip/dns.h"

/**
 * "+12155550123" below "e164.arpa" is "3.2.1.0.5.5.5.5.1.2.1.e164.arpa" (RFC 6116 §3.2).
 * @return 0; -EINVAL no number with '+'; -ENAMETOOLONG
 */
int enum_domain(struct span number, const char *suffix, char out[DNS_NAME_MAX]);

enum enum_said {
    ENUM_HOME,    /* npdi without rn: not ported; so is a number that has no records */
    ENUM_PORTED,  /* rn */
    ENUM_NOTHING, /* no record that can be used: another service, another number, a rule of rewriting that is not a plain one */
};

/**
 * What the records say: the first by order and preference that is E2U+pstn with a tel URI of this number. The rule must be one that
 * replaces any number ("!^.*$!tel:+1215...;npdi;rn=+1215...!"): others are not followed.
 * @param a   of DNS_OK or DNS_NONE
 * @param rn  out, of ENUM_PORTED: with '+', digits only; a local one with its rn-context before it
 */
enum enum_said enum_read(const struct dns_answer *a, struct span number, char *rn, size_t size);

#endif
