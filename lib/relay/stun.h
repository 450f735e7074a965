/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * STUN messages as ICE has them (RFC 8489, RFC 8445 §7): a binding request read and verified, its answer written.
 * ice.c calls it; it knows neither sockets nor endpoints, and allocates nothing.
 */
#ifndef RELAY_STUN_H
#define RELAY_STUN_H

#include <stdbool.h>
#include <stdint.h>
#include "core/addr.h"

#define STUN_HEAD        20U
#define STUN_UNKNOWN_MAX 8U /* named in an answer; a request with more names the first */
/* Header, XOR-MAPPED-ADDRESS of IPv6 or an error with its reason and attributes, integrity, fingerprint; room to spare. */
#define STUN_ANSWER_MAX 128U

enum stun_type {
    STUN_REQUEST = 0x0001,
    STUN_INDICATION = 0x0011,
    STUN_SUCCESS = 0x0101,
    STUN_ERROR = 0x0111,
};

/** HMAC-SHA1 under one password: both halves begun, so that a message costs no key set-up. Secret. */
struct stun_key {
    uint32_t inner[5], outer[5];
};

/** A message as it came; pointers are into it. */
struct stun {
    uint16_t type;           /**< enum stun_type, or another method's */
    const uint8_t *id;       /**< of its transaction: 12 bytes */
    const uint8_t *username; /**< NULL: none */
    uint16_t username_len;
    uint16_t integrity_at; /**< where MESSAGE-INTEGRITY begins; 0: none */
    bool use_candidate;    /**< USE-CANDIDATE, under integrity */
    bool is_controlled;    /**< ICE-CONTROLLED, likewise */
    uint8_t n_unknown;
    uint16_t unknown[STUN_UNKNOWN_MAX]; /**< comprehension-required, not known here */
};

/** Neither RTP nor DTLS (RFC 7983 §7), with the magic cookie? */
bool stun_is(const uint8_t *p, uint32_t len);
/** Read a message; a FINGERPRINT in it is right. @return 0 or -EBADMSG */
int stun_read(const uint8_t *p, uint32_t len, struct stun *out);
void stun_key_init(struct stun_key *k, const char *pwd);
/** Is MESSAGE-INTEGRITY there and right? @param p  what stun_read has read */
bool stun_is_authentic(const struct stun *s, const uint8_t *p, const struct stun_key *k);

/** An answer to a request. */
struct stun_answer {
    const struct stun *to;
    uint16_t code;             /**< 0: success; 400, 401, 420, 487 */
    const struct addr *mapped; /**< of a success: where the request came from */
    const struct stun_key
        *key; /**< NULL: without integrity, as long as the sender is not known (RFC 8489 §9.1.3) */
};

/** @param out  STUN_ANSWER_MAX bytes. @return its length */
uint32_t stun_write(const struct stun_answer *a, uint8_t *out);

#endif
