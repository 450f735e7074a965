/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Putting confirmed calls down into pointer-free records and taking them up again, after a restart or elsewhere.
 * The journal and the replay harness use it; a record holds no secret of the relay and no configuration but what the call took by value.
 */
#ifndef CALL_SNAPSHOT_H
#define CALL_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;
struct calls;
struct trunk_registry;

/** Counted up when the layout changes; a record of another version is refused, not guessed at. */
#define CALL_RECORD_VERSION 8

/** Of a record that is a brief alone: the call was answered and not confirmed yet, nobody can take it up. */
#define CALL_RECORD_BRIEF 0

#define CALL_RECORD_MAGIC 0x4c434454U /* "TDCL" */

/**
 * What a record begins with, in every version: enough for a detail record of a call whose own cannot be read any more, because an upgrade
 * has changed its layout. Never changed but for new fields in pad.
 */
struct call_brief {
    uint32_t magic, version;
    uint32_t length; /* whole record */
    uint32_t cdr_seq;
    uint64_t id;
    uint64_t session; /* at the relay; 0: none */
    uint32_t index;
    uint8_t klass;
    uint8_t worker; /* where it began: its tokens name it */
    uint8_t pad[2];
    uint64_t started_wall_ms, answered_wall_ms, saved_wall_ms;
    char uuid[40];
    char caller[64], called[64], normalised[64];
    char trunk[2][64], account[2][64]; /* in, out */
    uint8_t pad2[176];
};

/** Confirmed, and no change of its media under way: call_save will do. */
bool call_is_saveable(const struct call *c);
/** Bytes call_save needs. */
size_t call_save_len(const struct call *c);
/**
 * Put down a confirmed call: both legs up. Deadlines are kept as what remains, moments as wall time.
 * Requests that are crossing are not part of it: their senders retransmit or are answered 481.
 * @param buf  aligned to 8
 * @return bytes written; -EAGAIN not confirmed, or its relay session is being changed; -ENOSPC
 */
int call_save(const struct call *c, void *buf, size_t cap);
/** Put down its brief alone, for a detail record; buf as above. @return bytes written; -EAGAIN it has not been answered; -ENOSPC */
int call_save_brief(const struct call *c, void *buf, size_t cap);
/**
 * Control thread, before call_load: the live state of the trunks, customers and media sections that a record names.
 * The configuration may not have them any more, the call has.
 * @return bytes read; -EINVAL damaged or of another version; -ENOMEM
 */
int call_load_names(struct trunk_registry *reg, const void *buf, size_t len);
/**
 * Take up a call: its gauges are taken again, its timers run, the relay is told to adopt its session.
 * @return bytes read; -EINVAL damaged or of another version; -EEXIST the call is here; -ENOENT its trunk
 *         was never heard of (call_load_names); -ENOMEM
 */
int call_load(struct calls *cs, const void *buf, size_t len);

/** The head of a record of any version, checked; NULL: it is none. Borrowed from buf, which is aligned. */
const struct call_brief *call_brief_read(const void *buf, size_t len);

/** All confirmed calls of a worker in one buffer, owned by the caller (free). @return how many; -ENOMEM */
int calls_save_all(struct calls *cs, void **buf, size_t *len);
/** call_load_names for all of them. @return 0; the error of the first that could not be read */
int calls_load_names(struct trunk_registry *reg, const void *buf, size_t len);
/** @return how many; the error of the first that could not be taken up */
int calls_load_all(struct calls *cs, const void *buf, size_t len);

#endif
