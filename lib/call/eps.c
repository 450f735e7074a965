/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One block for all endpoints, for two of them or for as many as a call may have. It is wiped before it is given back.
 * crypto.c and lite.c call it.
 */
#include "call/eps.h"

#include <stdalign.h>
#include <string.h>

struct eps {
    size_t cap, each;
    unsigned n; /* endpoints */
    alignas(max_align_t) unsigned char v[];
};

static size_t bytes_of(size_t each, unsigned n)
{
    return sizeof(struct eps) + n * each;
}

void *eps_at(const struct eps *s, unsigned e)
{
    return s && e < s->n ? (void *)((uintptr_t)s->v + e * s->each) : NULL;
}

void eps_free(struct call *c, struct eps **s)
{
    size_t cap;

    if (!*s)
        return;
    cap = (*s)->cap;
    explicit_bzero(*s, bytes_of((*s)->each, (*s)->n));
    blocks_put(c->calls->blocks, *s, cap);
    *s = NULL;
}

void *eps_room(struct call *c, struct eps **s, size_t each, unsigned e)
{
    unsigned n = e < 2 ? 2 : 2 * OFFER_MEDIA_MAX;
    struct eps *grown;
    size_t cap;

    if (*s && e < (*s)->n)
        return eps_at(*s, e);
    grown = blocks_get(c->calls->blocks, bytes_of(each, n), &cap);
    if (!grown)
        return NULL;
    memset(grown, 0, bytes_of(each, n));
    if (*s) {
        memcpy(grown->v, (*s)->v, (*s)->n * each);
        eps_free(c, s);
    }
    grown->cap = cap;
    grown->each = each;
    grown->n = n;
    *s = grown;
    return eps_at(grown, e);
}
