/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sealed tokens: our tags, branches and Call-IDs carry {node, boot epoch, worker, kind, serial} enciphered, so that any worker
 * knows the owner of a message in ~0.1 µs and nobody outside can read or forge one. AES-128 on one block (OpenSSL EVP).
 */
#ifndef CORE_IDENT_H
#define CORE_IDENT_H

#include <stdbool.h>
#include <stdint.h>
#include "core/span.h"

#define IDENT_LEN 26 /* 128 bits in lower-case base32 (SIP tokens may be compared without case) */

enum ident_kind {
    IDENT_TAG = 1,
    IDENT_BRANCH = 2,
    IDENT_CALLID = 3,
    IDENT_SDP = 4,
    IDENT_NONCE = 5,
    IDENT_REPLACES =
        6, /* a tag of ours as another side may see it: to-tag of a Replaces that a REFER took across */
    IDENT_RIGHT = 7 /* its from-tag: seals who may replace what */
};

struct ident {
    uint16_t node;  /* hash of the node's name */
    uint32_t epoch; /* boot counter or start time of the process [s] */
    uint8_t worker;
    uint8_t kind;    /* enum ident_kind */
    uint64_t serial; /* 48 bits: what the owner looks up */
};

struct ident_key; /* one per worker: cipher contexts are not shared between threads */

/** key: 16 bytes, from the state directory. node and epoch are put into every token made with it. @return NULL on failure */
struct ident_key *ident_key_new(const uint8_t key[16], uint16_t node, uint32_t epoch,
                                uint8_t worker);
void ident_key_free(struct ident_key *k);
/** Next serial of this worker (starts at 1, 48 bits). */
uint64_t ident_next_serial(struct ident_key *k);
/** Write IDENT_LEN characters (not terminated) for {kind, serial} of this worker. */
void ident_seal(struct ident_key *k, enum ident_kind kind, uint64_t serial, char out[IDENT_LEN]);
/**
 * Open a token.
 * @return 0; -EINVAL not ours (length, alphabet or seal); TD_ESTALE ours but of another node or boot epoch (*out is set all the same)
 */
int ident_open(struct ident_key *k, struct span token, struct ident *out);

/**
 * The same token under another kind: who knows one cannot tell that the other means the same. Epoch, worker and serial stay.
 * @return 0; -EINVAL not ours, or not of kind `from`
 */
int ident_turn(struct ident_key *k, struct span token, enum ident_kind from, enum ident_kind to,
               char out[IDENT_LEN]);

/** Fill with random bytes from the kernel; aborts if it cannot (nothing works safely then). */
void ident_random(void *buf, size_t len);
/** Read the 16-byte key at path, or make it (0600, atomically, fsynced). @return 0 or -errno */
int ident_key_load(const char *path, uint8_t key[16]);
/** RFC 9562 version 4 UUID text. */
void ident_uuid(char out[37]);

#endif
