/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes may come in a datagram: peek_parse must stay within them, and every span it gives must lie in them.
 * Run by .ci/run with the sanitizers.
 */
#include <stdlib.h>
#include "sip/peek.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span s, const char *buf, size_t size)
{
    if (s.len > 0 && (s.p < buf || s.p + s.len > buf + size)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct span users[] = {{"911", 3}, {"112", 3}};
    static const struct peek_table table = {users, 2};
    const char *buf = (const char *)data;
    struct peek p;

    if (peek_parse(buf, size, &table, &p) != 0) {
        return 0;
    }
    inside(p.ruri, buf, size);
    inside(p.ruri_user, buf, size);
    inside(p.method_name, buf, size);
    inside(p.via_host, buf, size);
    inside(p.via_branch, buf, size);
    inside(p.call_id, buf, size);
    inside(p.from_tag, buf, size);
    inside(p.to_tag, buf, size);
    if (p.head_len > size) {
        abort();
    }
    return 0;
}
