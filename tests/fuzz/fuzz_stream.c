/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes may come on a connection, cut anywhere: framing must stay within them, and what it tells must not depend on
 * where they were cut. Run by .ci/run with the sanitizers. The first four bytes choose the cuts.
 */
#include <stdlib.h>
#include <string.h>
#include "core/htab.h"
#include "sip/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
    unsigned n, msgs;
    uint64_t hash;
};

static bool on(void *arg, enum stream_event ev, struct span msg)
{
    struct told *t = arg;

    if ((ev == STREAM_MSG && (msg.len < 8 || msg.len > MSG_BYTES_MAX)) ||
        (ev != STREAM_MSG && ev != STREAM_BAD && msg.len > 0))
        abort();
    t->n++;
    t->msgs += ev == STREAM_MSG;
    t->hash = hash_bytes(msg.p ? msg.p : "", msg.len, t->hash + ev);
    return true;
}

/* From a copy of its own for each cut, so that reading beyond one is seen. */
static void feed(const uint8_t *data, size_t size, uint32_t seed, struct told *t)
{
    struct stream s;

    stream_init(&s);
    s.pong_due = seed & 1;
    while (size > 0) {
        size_t n = seed ? 1 + (seed >> 8) % 97 : size;
        char *part;

        if (seed && (seed >> 16) % 5 == 0)
            n = 1;
        n = n > size ? size : n;
        part = malloc(n);
        if (!part)
            abort();
        memcpy(part, data, n);
        if (stream_feed(&s, part, n, on, t) < 0 && s.why == STREAM_OK)
            abort();
        free(part);
        data += n;
        size -= n;
        seed = seed ? (seed * 1664525u + 1013904223u) | (seed & 1) : 0;
    }
    stream_fini(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told whole = {0}, cut = {0};
    uint32_t seed;

    if (size < 4)
        return 0;
    memcpy(&seed, data, 4);
    feed(data + 4, size - 4, 0, &whole);
    feed(data + 4, size - 4, (seed | 2) & ~1u, &cut);
    if (whole.n != cut.n || whole.hash != cut.hash)
        abort();
    feed(data + 4, size - 4, seed | 1, &cut);
    return 0;
}
