/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits are those of a controller's messages, and of the structs: a file that bad luck has bent must not end the relay at
 * each of its starts. keep.c calls it; counters are numbers, and any number will do.
 */
#include "relay/keep_check.h"

#include <string.h>
#include "relay/control.h"
#include "relay/flow.h"
#include "relay/keep.h"

#define DAY_MS 86400000U

/* One byte, 0 or 1: what else is in it the compiler may take for both. */
static bool bool_ok(const bool *b)
{
    uint8_t v;

    memcpy(&v, b, sizeof(v));
    return v <= 1;
}

static bool address_ok(const struct addr *a)
{
    return control_addr_ok(a) && (a->family == 0 || a->port != 0);
}

static bool latch_ok(const struct latch *l)
{
    return l->policy < MEDIA_LATCH_END && bool_ok(&l->is_open) && bool_ok(&l->is_learned) &&
           address_ok(&l->sdp) && address_ok(&l->to) && address_ok(&l->old);
}

static bool flow_ok(const struct flow *f)
{
    return address_ok(&f->local) && latch_ok(&f->latch);
}

/* The clock may not be the one that is wanted: the packet thread learns of that a moment later. */
static bool stats_ok(const struct rtp_stats *s)
{
    return (s->clock_rate == 0 || (s->clock_rate >= 1000 && s->clock_rate <= 1000000)) &&
           bool_ok(&s->has_started) && bool_ok(&s->has_transit);
}

static bool quality_ok(const struct quality *q)
{
    return bool_ok(&q->is_tripped) && bool_ok(&q->is_silent_told) && bool_ok(&q->is_one_way_told);
}

bool keep_check(const struct kept *left, const struct endpoint *e)
{
    struct media_ep want = e->want;

    want.endpoint = e->number;
    want.local = e->rtp.local;
    return left->session != 0 && left->node[0] && !left->node[MEDIA_NAME_MAX - 1] &&
           left->stats_every_s <= DAY_MS / 1000 && left->orphan_idle_ms <= DAY_MS &&
           left->orphan_cap_ms <= 7 * DAY_MS && e->number < MEDIA_ENDPOINTS_MAX &&
           addr_is_set(&want.local) && control_ep_ok(&want) && flow_ok(&e->rtp) &&
           flow_ok(&e->rtcp) && stats_ok(&e->stats) && quality_ok(&e->quality) &&
           bool_ok(&e->is_inactive);
}
