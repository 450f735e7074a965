/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SDP security descriptions by the line (RFC 4568, RFC 7714 §14): "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:…".
 * call/crypto chooses among them; nothing here keeps a key.
 */
#ifndef SIP_SDES_H
#define SIP_SDES_H

#include <stdint.h>
#include "core/span.h"
#include "sip/build.h"

/* In the order of enum media_suite, which lib/sip does not see. */
enum sdes_suite {
    SDES_NONE,
    SDES_AES_CM_128_HMAC_SHA1_80,
    SDES_AES_CM_128_HMAC_SHA1_32,
    SDES_AEAD_AES_128_GCM,
    SDES_AEAD_AES_256_GCM,
    SDES_END
};

#define SDES_KEY_MAX 48U /* AES-256-GCM: 32 and a salt of 12 */
/* 9 digits are what a tag may have (§9.1); more m-line than these lines no party writes. */
#define SDES_TAG_MAX 999999999U
/* A key for fewer packets would end before the longest call does: 4 h of 20 ms packets are 720,000 (§6.1). */
#define SDES_LIFETIME_MIN 20U /* 2^20 */

struct sdes_line {
    uint32_t tag;
    enum sdes_suite suite;
    uint8_t key[SDES_KEY_MAX]; /* key || salt, zeros behind */
};

/** As SDP has it. NULL: none */
const char *sdes_name(enum sdes_suite suite);
/** @return SDES_NONE: no such suite, or one that we do not have */
enum sdes_suite sdes_suite_of(struct span name);
/** Bytes of key and salt. */
unsigned sdes_key_len(enum sdes_suite suite);
/**
 * Read an attribute line, "a=crypto:…".
 * @return 0; -ENOENT it is another line; -ENOTSUP a suite we do not have, an MKI, several keys, a short lifetime or a session parameter that would
 *         change what is sent: the line is to be passed over (§5.1.2, §6.3); -EINVAL it is broken, likewise
 */
int sdes_read(struct span line, struct sdes_line *out);
/** Write one, with its CRLF. */
void sdes_write(struct build *b, const struct sdes_line *l);

#endif
