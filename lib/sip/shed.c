/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One place per hash, the latest stays: an answer that is now and then forgotten is no worse than none was kept.
 * Used by one worker's stack.
 */
#include "sip/shed.h"

#include <stdlib.h>
#include "core/htab.h"

struct slot {
    uint32_t mark; /* of the hash, other bits than its place */
    uint32_t at_ms;
};

struct shed {
    uint64_t last_ms; /* when one was refused; 0 never */
    struct slot slot[SHED_SLOTS];
};

struct shed *shed_new(void)
{
    return calloc(1, sizeof(struct shed));
}

void shed_free(struct shed *s)
{
    free(s);
}

static uint64_t key(const struct peek *p)
{
    /* with the method: a CANCEL has all else of its INVITE */
    uint64_t h = hash_bytes(p->call_id.p, p->call_id.len, (uint64_t)p->method << 32 | p->cseq);

    return span_is_empty(p->via_branch) ? h : hash_bytes(p->via_branch.p, p->via_branch.len, h);
}

void shed_add(struct shed *s, const struct peek *p, uint64_t now_ms)
{
    uint64_t h = key(p);

    s->slot[h % SHED_SLOTS] = (struct slot){(uint32_t)(h >> 32), (uint32_t)now_ms};
    s->last_ms = now_ms ? now_ms : 1;
}

bool shed_has(const struct shed *s, const struct peek *p, uint64_t now_ms)
{
    const struct slot *slot;
    uint64_t h;

    if (s->last_ms == 0 || now_ms - s->last_ms > SHED_KEPT_MS)
        return false;
    h = key(p);
    slot = &s->slot[h % SHED_SLOTS];
    return slot->mark == (uint32_t)(h >> 32) && (uint32_t)now_ms - slot->at_ms <= SHED_KEPT_MS;
}
