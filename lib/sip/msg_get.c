/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions about a parsed message.
 * Called by txn, dialog and call.
 * Reads struct msg, changes nothing.
 */
#include <errno.h>
#include "sip/msg.h"

const struct hdr *msg_hdr(const struct msg *m, enum hdr_id id, unsigned nth)
{
    for (unsigned i = m->first[id]; i > 0 && i <= m->n_hdrs; i++) {
        if (m->hdrs[i - 1].id == id && nth-- == 0) {
            return &m->hdrs[i - 1];
        }
    }
    return NULL;
}

const struct hdr *msg_hdr_named(const struct msg *m, struct span name, unsigned nth)
{
    enum hdr_id id = hdr_id_of(name);

    if (id != HDR_OTHER) {
        return msg_hdr(m, id, nth);
    }
    for (unsigned i = 0; i < m->n_hdrs; i++) {
        if (m->hdrs[i].id == HDR_OTHER && span_case_eq(m->hdrs[i].name, name) && nth-- == 0) {
            return &m->hdrs[i];
        }
    }
    return NULL;
}

bool msg_has_option(const struct msg *m, enum hdr_id id, struct span token)
{
    for (unsigned i = m->first[id]; i > 0 && i <= m->n_hdrs; i++) {
        if (m->hdrs[i - 1].id == id && hdr_list_has(m->hdrs[i - 1].value, token)) {
            return true;
        }
    }
    return false;
}

unsigned msg_list(const struct msg *m, enum hdr_id id, struct span *out, unsigned max)
{
    struct span rest, item;
    unsigned n = 0;

    for (unsigned i = m->first[id]; i > 0 && i <= m->n_hdrs; i++) {
        if (m->hdrs[i - 1].id != id) {
            continue;
        }
        rest = m->hdrs[i - 1].value;
        while (hdr_list_next(&rest, &item)) {
            if (n < max) {
                out[n] = item;
            }
            n++;
        }
    }
    return n;
}

int msg_route_set(const struct msg *m, bool reverse, struct span *out, unsigned max)
{
    unsigned n = msg_list(m, HDR_RECORD_ROUTE, out, max);

    if (n > max) {
        return -E2BIG;
    }
    for (unsigned i = 0; reverse && i < n / 2; i++) {
        struct span t = out[i];

        out[i] = out[n - 1 - i];
        out[n - 1 - i] = t;
    }
    return (int)n;
}

bool msg_body_is(const struct msg *m, struct span type)
{
    return m->body.len > 0 && span_case_eq(m->content_type, type);
}
