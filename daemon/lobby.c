/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three lanes of waiting requests and the room that the present pace gives them.
 * Used by one worker's thread. A lane that runs empty is open to its full length; one that does not takes no more than is served in 80 ms.
 */
#include "daemon/lobby.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/err.h"

enum lane_id { LANE_EMERGENCY, LANE_PRIORITY, LANE_ORDINARY, LANES };

struct lane {
    unsigned head, n; /* of item[] */
    unsigned room;
    unsigned served; /* in this window */
    bool was_empty;  /* at some time in this window */
    struct lobby_item *item[LOBBY_SLOTS];
};

struct lobby {
    struct blocks blocks;
    size_t n;
    uint64_t window_ms; /* begin of this window */
    struct lane lane[LANES];
};

static enum lane_id lane_of(enum sip_class cls)
{
    return cls == SIP_CLASS_EMERGENCY  ? LANE_EMERGENCY
           : cls == SIP_CLASS_PRIORITY ? LANE_PRIORITY
                                       : LANE_ORDINARY;
}

struct lobby *lobby_new(void)
{
    struct lobby *l = calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    blocks_init(&l->blocks);
    for (unsigned i = 0; i < LANES; i++) {
        l->lane[i].room = LOBBY_SLOTS;
        l->lane[i].was_empty = true;
    }
    return l;
}

void lobby_free(struct lobby *l)
{
    struct lobby_item *it;
    if (!l)
        return;
    while ((it = lobby_take(l)))
        blocks_put(&l->blocks, it, it->cap);
    blocks_fini(&l->blocks, 1);
    free(l);
}

int lobby_put(struct lobby *l, const struct lobby_request *r)
{
    struct lane *lane = &l->lane[lane_of(r->cls)];
    struct lobby_item *it;
    size_t cap;
    if (lane->n >= (r->follows ? LOBBY_SLOTS : lane->room))
        return TD_EFULL;
    it = blocks_get(&l->blocks, sizeof(*it) + r->len, &cap);
    if (!it)
        return -ENOMEM;
    it->cap = cap;
    it->len = r->len;
    it->lane = (uint8_t)lane_of(r->cls);
    it->born_wall_ms = r->born_wall_ms;
    it->flow = *r->flow;
    memcpy(it->buf, r->buf, r->len);
    lane->item[(lane->head + lane->n) % LOBBY_SLOTS] = it;
    lane->n++;
    l->n++;
    return 0;
}

struct lobby_item *lobby_take(struct lobby *l)
{
    for (unsigned i = 0; i < LANES; i++) {
        struct lane *lane = &l->lane[i];
        struct lobby_item *it;
        if (lane->n == 0)
            continue;
        it = lane->item[lane->head];
        lane->head = (lane->head + 1) % LOBBY_SLOTS;
        lane->n--;
        lane->was_empty |= lane->n == 0;
        l->n--;
        return it;
    }
    return NULL;
}

void lobby_done(struct lobby *l, struct lobby_item *it, bool served)
{
    l->lane[it->lane].served += served;
    blocks_put(&l->blocks, it, it->cap);
}

static void lane_window(struct lane *lane)
{
    unsigned pace = lane->served * LOBBY_WINDOWS;
    if (lane->was_empty)
        lane->room = LOBBY_SLOTS;
    else
        lane->room = pace < LOBBY_ROOM_MIN ? LOBBY_ROOM_MIN
                     : pace > LOBBY_SLOTS  ? LOBBY_SLOTS
                                           : pace;
    lane->served = 0;
    lane->was_empty = lane->n == 0;
}

void lobby_clock(struct lobby *l, uint64_t now_ms)
{
    if (now_ms - l->window_ms < LOBBY_WINDOW_MS)
        return;
    l->window_ms = now_ms;
    /* emergency calls are never refused for the pace */
    for (unsigned i = LANE_PRIORITY; i < LANES; i++)
        lane_window(&l->lane[i]);
}

size_t lobby_count(const struct lobby *l)
{
    return l->n;
}
