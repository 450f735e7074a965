/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: DNS responses of hostile servers. The first byte is the type asked for, the rest the message.
 * What is read must be bounded, and every name fit for a URI.
 */
#include <stdlib.h>
#include <string.h>

#include "sip/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type type[] = {DNS_A, DNS_AAAA, DNS_SRV, DNS_NAPTR};
    static struct dns_answer a;
    enum dns_type t;

    if (size < 1)
        return 0;
    t = type[data[0] & 3];
    if (dns_parse(data + 1, size - 1, "x.example", t, &a) != 0 && (a.status != DNS_FAILED || a.n))
        abort();
    if (a.n > DNS_RRS_MAX || (a.status != DNS_OK) != (a.n == 0))
        abort();
    for (unsigned i = 0; i < a.n; i++) {
        const struct dns_rr *rr = &a.rr[i];

        if ((t == DNS_A && rr->addr.family != 4) || (t == DNS_AAAA && rr->addr.family != 6))
            abort();
        if (strlen(rr->name) >= DNS_NAME_MAX || strpbrk(rr->name, "\r\n @;<>\""))
            abort();
    }
    return 0;
}
