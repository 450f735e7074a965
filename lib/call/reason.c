/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reason headers, all lines of a message.
 * Called by leg_in.c and leg_out.c; pure.
 */
#include "call/reason.h"

#include "call/treatment.h"

struct reason reason_of(const struct msg *m)
{
    struct reason r = {0};

    for (unsigned i = 0; m && i < m->n_hdrs; i++) {
        const struct hdr *h = &m->hdrs[i];

        if (h->id != HDR_REASON)
            continue;
        if (!r.q850)
            r.q850 = cause_from_reason(h->value);
        if (!r.sip)
            r.sip = (uint16_t)cause_sip_from_reason(h->value);
    }
    if (!r.q850 && r.sip >= 300 && m->is_request)
        r.q850 = cause_q850_of(r.sip);
    return r;
}
