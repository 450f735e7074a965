/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks as a party with ICE sends them, written without lib/relay/stun.c: what that reads must be somebody else's.
 * The tests of ICE include it.
 */
#ifndef TESTS_UNIT_STUN_RIG_H
#define TESTS_UNIT_STUN_RIG_H

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define STUN_RIG_USE_CANDIDATE 0x0025

struct build_ask {
    const char *name, *pwd;
    uint16_t extra; /* an attribute without value; 0: none */
    bool is_controlled, without_integrity, without_fingerprint;
};

static inline uint32_t crc32_of(const uint8_t *p, uint32_t len)
{
    uint32_t c = 0xffffffffU;

    for (uint32_t i = 0; i < len; i++) {
        c ^= p[i];
        for (unsigned k = 0; k < 8; k++)
            c = c & 1 ? c >> 1 ^ 0xedb88320U : c >> 1;
    }
    return ~c;
}

static inline uint32_t put(uint8_t *p, uint32_t at, uint16_t type, const void *value, unsigned len)
{
    p[at] = (uint8_t)(type >> 8);
    p[at + 1] = (uint8_t)type;
    p[at + 2] = 0;
    p[at + 3] = (uint8_t)len;
    memset(p + at + 4, 0, (len + 3) & ~3U);
    if (len)
        memcpy(p + at + 4, value, len);
    return at + 4 + ((len + 3) & ~3U);
}

static inline uint32_t check_build(const struct build_ask *ask, uint8_t *p)
{
    static const uint8_t head[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t tie[8] = {1};
    uint32_t at = 20, crc;
    uint8_t mac[20], sum[4];
    unsigned n = sizeof(mac);

    memcpy(p, head, sizeof(head));
    if (ask->name)
        at = put(p, at, 0x0006, ask->name, (unsigned)strlen(ask->name));
    at = put(p, at, ask->is_controlled ? 0x8029 : 0x802a, tie, 8);
    if (ask->extra)
        at = put(p, at, ask->extra, NULL, 0);
    if (!ask->without_integrity) {
        p[3] = (uint8_t)(at + 24 - 20);
        HMAC(EVP_sha1(), ask->pwd, (int)strlen(ask->pwd), p, at, mac, &n);
        at = put(p, at, 0x0008, mac, 20);
    }
    if (!ask->without_fingerprint) {
        p[3] = (uint8_t)(at + 8 - 20);
        crc = crc32_of(p, at) ^ 0x5354554eU;
        for (unsigned i = 0; i < 4; i++)
            sum[i] = (uint8_t)(crc >> (24 - 8 * i));
        at = put(p, at, 0x8028, sum, 4);
    }
    p[3] = (uint8_t)(at - 20);
    return at;
}

#endif
