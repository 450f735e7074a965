/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the PBXs of trunks have registered (RFC 3261 §10), as plain texts and addresses; where calls go then is route/target.h's.
 * Any worker changes it when a REGISTER comes, the control thread shows and saves it. Must not know SIP messages.
 */
#ifndef ROUTE_BINDING_H
#define ROUTE_BINDING_H

#include "core/span.h"
#include "route/target.h"

/* Lengths of what real PBXs send, doubled; longer ones are refused, since a registration must be told back as it was made. */
#define BINDING_URI_MAX     256
#define BINDING_PARAMS_MAX  256
#define BINDING_CALL_ID_MAX 200
#define BINDING_NAME_MAX    160

/** One contact of a trunk. Texts are terminated, without tabs and line ends. */
struct registered {
    char uri[BINDING_URI_MAX];       /* as registered, without <> */
    char params[BINDING_PARAMS_MAX]; /* of the Contact, each with its ';', without expires */
    char instance[BINDING_NAME_MAX]; /* +sip.instance and reg-id; empty: the URI is its name */
    char call_id[BINDING_CALL_ID_MAX];
    uint32_t cseq;
    struct target_contact at;
    uint64_t expires_wall_ms, since_wall_ms; /* since: of the first REGISTER of that name */
};

/** Those of one trunk, the one refreshed longest ago first. */
struct registered_set {
    uint32_t n;
    struct registered v[TARGET_BINDINGS_MAX];
};

struct bindings;
struct trunk_registry;

/** For the registry. */
struct bindings *bindings_new(void);
void bindings_free(struct bindings *b);

/**
 * Any thread: the contacts of the trunk in that slot, for this thread alone until bindings_end. A mutex: only REGISTER and the control
 * thread come here, never a call, and nobody does more between than move texts.
 * @return borrowed; NULL out of memory (bindings_end is not called then)
 */
struct registered_set *bindings_begin(struct bindings *b, uint32_t slot);
void bindings_end(struct bindings *b, bool changed);

/** Drop what has expired. @return how many */
uint32_t bindings_expire(struct registered_set *set, uint64_t wall_ms);

/** Control thread: has anything changed since the last save? */
bool bindings_are_dirty(struct bindings *b);
/**
 * Control thread: write all that has not expired to a file, atomically.
 * @return 0 or -errno: the old file stays, and they are dirty still
 */
int bindings_save(struct trunk_registry *reg, const char *path, uint64_t wall_ms);
/**
 * Control thread, once at start and behind locate_configure: read them back and make them targets. Connections are gone; what has expired
 * meanwhile is left out.
 * @return how many; -ENOENT no such file; -errno; -EBADMSG another version or damaged: what was read up to there counts
 */
int bindings_load(struct trunk_registry *reg, const char *path, uint64_t wall_ms);

#endif
