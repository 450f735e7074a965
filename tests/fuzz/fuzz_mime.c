/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes may come as a multipart body: parts lie in it, in order and apart, and within the bounds.
 * The first line is the Content-Type. Run by .ci/run with the sanitizers.
 */
#include <stdlib.h>
#include "sip/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_in(struct span s, const char *from, const char *to)
{
    return s.len == 0 || (s.p >= from && s.p + s.len <= to);
}

static void check(const struct mime *m, struct span body)
{
    const char *from = body.p, *end = body.p + body.len;

    if (m->n > MIME_PARTS_MAX)
        abort();
    for (unsigned i = 0; i < m->n; i++) {
        const struct mime_part *p = &m->part[i];

        if (!is_in(p->head, from, end) || !is_in(p->body, from, end) ||
            !is_in(p->type, from, end) || !is_in(p->disposition, from, end) ||
            !is_in(p->id, from, end) || !is_in(p->encoding, from, end) || p->depth == 0 ||
            p->depth > MIME_DEPTH_MAX || p->head.len > MIME_HEAD_MAX)
            abort();
        if (p->body.len)
            from = p->body.p + p->body.len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mime m;
    struct span type, body;

    if (!span_cut((struct span){(const char *)data, size}, '\n', &type, &body))
        return 0;
    for (size_t i = 0; i < type.len; i++)
        if (type.p[i] == '\r' || type.p[i] == '\0')
            return 0; /* a header's value holds none */
    (void)mime_is_multipart(type);
    if (mime_parse(&m, type, body) == 0) {
        if (m.n == 0)
            abort();
        check(&m, body);
        (void)mime_find(&m, SPAN("application/sdp"));
    }
    return 0;
}
