/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes may come in a datagram: msg_parse stays within them; what it accepts can be answered and the answer, one
 * line for each header, is itself accepted. What it accepts, peek has read the same way.
 * Run by .ci/run with the sanitizers.
 */
#include <stdlib.h>
#include "sip/build.h"
#include "sip/msg.h"
#include "sip/peek.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(const struct msg *m, uint16_t status)
{
    static char out[2 * MSG_BYTES_MAX];
    static const struct addr source = {.ip = {192, 0, 2, 1}, .port = 5060, .family = 4};
    struct build_response r = {
        .status = status, .to_tag = SPAN("t"), .source = &source, .record_route = true};
    struct build b;

    build_init(&b, out, sizeof(out));
    build_response(&b, m, &r);
    if (build_end(&b, SPAN_NONE, SPAN_NONE) != 0) {
        return;
    }
    for (size_t i = 0; i < b.len; i++) {
        if (out[i] == '\r' && (i + 1 == b.len || out[i + 1] != '\n')) {
            abort();
        }
        if (out[i] == '\n' && (i == 0 || out[i - 1] != '\r')) {
            abort();
        }
    }
}

static void same(struct span a, struct span b)
{
    if (!span_eq(a, b)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena arena;
    static struct msg m;
    struct msg_error err;
    struct peek p;
    int rc;

    if (arena.chunk_bytes == 0) {
        arena_init(&arena, 65536, 4 << 20);
    }
    arena_reset(&arena);
    rc = msg_parse(&m, &arena, (const char *)data, size, &err);
    if (rc == 0 && peek_parse((const char *)data, size, NULL, &p) != 0) {
        abort();
    }
    if (rc == 0) {
        same(p.via_branch, m.via.branch);
        same(p.from_tag, m.from.tag);
        same(p.to_tag, m.to.tag);
        same(p.call_id, m.call_id);
        if (p.cseq != m.cseq || p.method != m.method || p.is_request != m.is_request) {
            abort();
        }
        answer(&m, 200);
    } else if (err.status != 0) {
        answer(&m, err.status);
    }
    return 0;
}
