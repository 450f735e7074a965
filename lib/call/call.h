/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of one worker: the table, admission, limits, life and end of each; what the daemon and tandemctl see of a call.
 * The daemon's worker calls it through call/stack.h; it knows no thread, no socket and no file.
 */
#ifndef CALL_CALL_H
#define CALL_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/span.h"
#include "media/media.h"

struct call;
struct calls;
struct conf;
struct route;
struct cac_gauge;

/** The parts of one configuration generation that calls use. Immutable while it is in use. */
struct call_view {
    const struct conf *conf;
    const struct route *route; /**< numbers, route tables and trunk identification, compiled */
    uint64_t generation;
};

#define CALL_UUID_LEN 36

/** What a leg has agreed on, of its first audio line. */
struct call_media_info {
    const char *codec; /**< "PCMA"; "T38"; NULL: nothing yet */
    unsigned ptime_ms; /**< of its party's packets; 0: not said */
    int event_pt;      /**< of telephone-event; -1: not agreed */
    const char *srtp;  /**< suite, as SDP has it; NULL: plain RTP */
};

/** One line of `show calls`. Borrowed spans: valid during the callback. */
struct call_info {
    uint64_t id;
    const char *uuid;
    const char *state; /**< setup, early, up, ending */
    const char *in_trunk, *out_trunk;
    struct span caller, called, sent;
    const char *klass;
    uint64_t start_wall_ms;
    uint64_t answer_wall_ms; /**< 0: not answered */
    uint64_t age_ms;
    unsigned attempts;
    uint64_t generation;
    struct span in_call_id, out_call_id;
    char session_id[80]; /**< RFC 7989: caller's UUID;remote=callee's; empty: none */
    const char *path;    /**< "relay", or why not, or why in spite of `bypass` */
    struct call_media_info in_media, out_media;
    bool has_session; /**< the relay has a session of it: */
    struct media_ref session;
    bool settled; /**< confirmed, nothing on its way: a restart now would lose nothing */
};

/** Calls alive, those waiting for their last transaction included. */
size_t calls_count(const struct calls *cs);
/** Registrations that are being taken back: five seconds at most. */
size_t calls_leaving(const struct calls *cs);
/** Calls that have been answered and not ended. */
size_t calls_up(const struct calls *cs);
/** Walk all calls (control commands; not for the call path). Stops when fn returns false. */
void calls_each(struct calls *cs, bool (*fn)(const struct call_info *info, void *arg), void *arg);

/** No new calls from now on (503 with Retry-After), and registrations with carriers are taken back; standing calls go on. */
void calls_drain(struct calls *cs, bool on);
/** End the call with this UUID from here. @return 0 or -ENOENT */
int calls_hangup(struct calls *cs, struct span uuid);
/** End the calls from and to the trunk of that slot: the operator's `end-calls`. @return how many */
unsigned calls_end_trunk(struct calls *cs, uint32_t slot);
/** End all calls from here (second SIGTERM). */
void calls_hangup_all(struct calls *cs);

/** Free what ended in this turn: the single place where calls are freed. */
void calls_reap(struct calls *cs);

/**
 * Recount from the call table: add is called once for each gauge that a call holds. The auditor compares the sums with
 * cac_gauge.held[worker]; any difference is a bug.
 */
void calls_audit(struct calls *cs, void (*add)(void *arg, struct cac_gauge *g), void *arg);

#endif
