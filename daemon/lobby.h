/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where new requests wait while a worker has more to read than it can serve: messages of standing calls pass them, emergency calls come first.
 * The worker's loop puts and takes; it knows bytes, classes and times, no SIP.
 */
#ifndef DAEMON_LOBBY_H
#define DAEMON_LOBBY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/pool.h"
#include "sip/method.h"
#include "sip/transport.h"

/* 4,096 a lane: 100 ms of 40,000 new requests a second, four times what a core serves; 3 MiB. Older ones are shed anyway. */
#define LOBBY_SLOTS 4096U
/* The pace is measured over 20 ms: five of them are the 100 ms after which an ordinary request is stale. */
#define LOBBY_WINDOW_MS 20U
/* A lane that is never empty holds what is served in four windows: who comes in is served before 100 ms. */
#define LOBBY_WINDOWS 4U
/* At the least: the pace of a slow moment must not close the door. */
#define LOBBY_ROOM_MIN 128U

struct lobby;

/** One waiting request. */
struct lobby_item {
    size_t cap; /* of the block */
    size_t len;
    uint8_t lane;
    uint64_t born_wall_ms; /* when the kernel or another worker had it */
    struct flow flow;
    char buf[];
};

/** @return NULL out of memory */
struct lobby *lobby_new(void);
void lobby_free(struct lobby *l);

struct lobby_request {
    enum sip_class cls;
    bool
        follows; /* a CANCEL: its INVITE may be waiting here, and it must not overtake that for want of room */
    const char *buf; /* copied */
    size_t len;
    const struct flow *flow;
    uint64_t born_wall_ms;
};

/**
 * Let a request wait.
 * @return 0; TD_EFULL its lane has no room (one that follows: no slot): the caller refuses it now; -ENOMEM likewise
 */
int lobby_put(struct lobby *l, const struct lobby_request *r);

/** The next to be served: emergency, then priority, then the rest, each in order of coming. @return owned, for lobby_done; NULL none waits */
struct lobby_item *lobby_take(struct lobby *l);
/** Dealt with. served: it took a call's work, which makes the pace; false: it was refused for its age. */
void lobby_done(struct lobby *l, struct lobby_item *it, bool served);

/** Tell the time [ms, monotonic] once a turn: closes a window when it is over. */
void lobby_clock(struct lobby *l, uint64_t now_ms);

/** How many wait. */
size_t lobby_count(const struct lobby *l);

#endif
