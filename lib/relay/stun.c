/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding requests and their answers. HMAC over OpenSSL's compression function alone: its HMAC and EVP allocate for each message.
 * Everything read is bounded by the length that came; nothing is written before all of a message has been looked at.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA1_Update on a state of our own allocates nothing */
#include "relay/stun.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

#define COOKIE 0x2112a442U

enum {
    AT_USERNAME = 0x0006,
    AT_INTEGRITY = 0x0008,
    AT_ERROR = 0x0009,
    AT_UNKNOWN = 0x000a,
    AT_MAPPED = 0x0020,
    AT_USE_CANDIDATE = 0x0025,
    AT_FINGERPRINT = 0x8028,
    AT_CONTROLLED = 0x8029,
};

#define MAC_LEN         SHA_DIGEST_LENGTH
#define BLOCK_LEN       SHA_CBLOCK
#define INTEGRITY_LEN   (4U + MAC_LEN)
#define CRC_LEN         8U
#define FINGERPRINT_XOR 0x5354554eU

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

/* ---- sums -------------------------------------------------------------------------------------------------------- */

/* ITU-T V.42, four bits at a time: a message is 100 bytes long, and a table of 1 KiB would push others out of the cache */
static uint32_t crc(uint32_t c, const uint8_t *p, uint32_t len)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };

    for (uint32_t i = 0; i < len; i++) {
        c ^= p[i];
        c = c >> 4 ^ table[c & 15];
        c = c >> 4 ^ table[c & 15];
    }
    return c;
}

/* Of a message whose FINGERPRINT begins at `at`: its length counts as it stands (RFC 8489 §14.7). */
static uint32_t fingerprint(const uint8_t *p, uint32_t at)
{
    return ~crc(0xffffffffU, p, at) ^ FINGERPRINT_XOR;
}

static void state_get(const SHA_CTX *c, uint32_t out[5])
{
    out[0] = c->h0;
    out[1] = c->h1;
    out[2] = c->h2;
    out[3] = c->h3;
    out[4] = c->h4;
}

/* A hash that has taken one block. */
static void state_set(SHA_CTX *c, const uint32_t in[5])
{
    SHA1_Init(c);
    c->h0 = in[0];
    c->h1 = in[1];
    c->h2 = in[2];
    c->h3 = in[3];
    c->h4 = in[4];
    c->Nl = BLOCK_LEN * 8;
}

static void key_half(const uint8_t block[BLOCK_LEN], uint8_t pad, uint32_t out[5])
{
    uint8_t b[BLOCK_LEN];
    SHA_CTX c;

    for (unsigned i = 0; i < BLOCK_LEN; i++)
        b[i] = block[i] ^ pad;
    SHA1_Init(&c);
    SHA1_Update(&c, b, sizeof(b));
    state_get(&c, out);
    explicit_bzero(b, sizeof(b));
    explicit_bzero(&c, sizeof(c));
}

void stun_key_init(struct stun_key *k, const char *pwd)
{
    uint8_t block[BLOCK_LEN] = {0};
    size_t len = strlen(pwd);

    if (len > BLOCK_LEN)
        SHA1((const uint8_t *)pwd, len, block);
    else
        memcpy(block, pwd, len);
    key_half(block, 0x36, k->inner);
    key_half(block, 0x5c, k->outer);
    explicit_bzero(block, sizeof(block));
}

/* Of a message whose MESSAGE-INTEGRITY begins at `at`: as if it were the last attribute (RFC 8489 §14.5). */
static void mac(const struct stun_key *k, const uint8_t *p, uint32_t at, uint8_t out[MAC_LEN])
{
    uint8_t head[STUN_HEAD];
    SHA_CTX c;

    memcpy(head, p, sizeof(head));
    put16(head + 2, at + INTEGRITY_LEN - STUN_HEAD);
    state_set(&c, k->inner);
    SHA1_Update(&c, head, sizeof(head));
    SHA1_Update(&c, p + STUN_HEAD, at - STUN_HEAD);
    SHA1_Final(out, &c);
    state_set(&c, k->outer);
    SHA1_Update(&c, out, MAC_LEN);
    SHA1_Final(out, &c);
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */

bool stun_is(const uint8_t *p, uint32_t len)
{
    return len >= STUN_HEAD && p[0] < 4 && get32(p + 4) == COOKIE;
}

static bool is_known(uint16_t type)
{
    switch (type) {
    case 0x0001: /* MAPPED-ADDRESS */
    case AT_USERNAME:
    case AT_INTEGRITY:
    case AT_ERROR:
    case AT_UNKNOWN:
    case 0x0014: /* REALM */
    case 0x0015: /* NONCE */
    case 0x001c: /* MESSAGE-INTEGRITY-SHA256: ICE has the other (RFC 8445 §7.1) */
    case AT_MAPPED:
    case 0x0024: /* PRIORITY */
    case AT_USE_CANDIDATE: return true;
    default: return type >= 0x8000;
    }
}

/* An attribute before MESSAGE-INTEGRITY: what comes behind it is nobody's word. */
static int attribute(struct stun *s, uint16_t type, const uint8_t *value, uint16_t len)
{
    switch (type) {
    case AT_USERNAME:
        if (!s->username) {
            s->username = value;
            s->username_len = len;
        }
        return 0;
    case AT_USE_CANDIDATE: s->use_candidate = true; return len ? -EBADMSG : 0;
    case AT_CONTROLLED: s->is_controlled = true; return len == 8 ? 0 : -EBADMSG;
    default:
        if (!is_known(type) && s->n_unknown < STUN_UNKNOWN_MAX)
            s->unknown[s->n_unknown++] = type;
        return 0;
    }
}

int stun_read(const uint8_t *p, uint32_t len, struct stun *out)
{
    uint32_t at = STUN_HEAD;

    *out = (struct stun){0};
    if (!stun_is(p, len) || get16(p + 2) != len - STUN_HEAD || len % 4)
        return -EBADMSG;
    out->type = get16(p);
    out->id = p + 8;
    while (at < len) {
        uint16_t type, n;

        if (len - at < 4)
            return -EBADMSG;
        type = get16(p + at);
        n = get16(p + at + 2);
        if (n > len - at - 4)
            return -EBADMSG;
        if (type == AT_FINGERPRINT) {
            if (n != 4 || at + CRC_LEN != len || get32(p + at + 4) != fingerprint(p, at))
                return -EBADMSG;
        } else if (type == AT_INTEGRITY && !out->integrity_at) {
            if (n != MAC_LEN)
                return -EBADMSG;
            out->integrity_at = (uint16_t)at;
        } else if (!out->integrity_at && attribute(out, type, p + at + 4, n) < 0) {
            return -EBADMSG;
        }
        at += 4U + ((n + 3U) & ~3U); /* len is a multiple of 4, and so is at */
    }
    return 0;
}

bool stun_is_authentic(const struct stun *s, const uint8_t *p, const struct stun_key *k)
{
    uint8_t want[MAC_LEN];

    if (!s->integrity_at)
        return false;
    mac(k, p, s->integrity_at, want);
    return CRYPTO_memcmp(want, p + s->integrity_at + 4, MAC_LEN) == 0;
}

/* ---- out --------------------------------------------------------------------------------------------------------- */

static uint32_t put_head(uint8_t *p, uint32_t at, unsigned type, unsigned len)
{
    put16(p + at, type);
    put16(p + at + 2, len);
    return at + 4;
}

/* The address xor'ed with cookie and transaction, so that no box on the way "corrects" it. */
static uint32_t put_mapped(uint8_t *p, uint32_t at, const struct addr *a)
{
    unsigned n = a->family == 6 ? 16 : 4;

    at = put_head(p, at, AT_MAPPED, 4 + n);
    p[at] = 0;
    p[at + 1] = a->family == 6 ? 2 : 1;
    put16(p + at + 2, a->port ^ (COOKIE >> 16));
    for (unsigned i = 0; i < n; i++)
        p[at + 4 + i] = a->ip[i] ^ p[4 + i];
    return at + 4 + n;
}

/* Reasons are a multiple of four long: no padding. */
static const char *reason_of(uint16_t code)
{
    switch (code) {
    case 400: return "Bad request.";
    case 401: return "Unauthorized";
    case 420: return "Unknown attribute   ";
    default: return "Role conflict   ";
    }
}

static uint32_t put_error(uint8_t *p, uint32_t at, const struct stun_answer *a)
{
    const char *reason = reason_of(a->code);
    unsigned len = (unsigned)strlen(reason);
    unsigned n = a->to->n_unknown;

    at = put_head(p, at, AT_ERROR, 4 + len);
    put16(p + at, 0);
    p[at + 2] = (uint8_t)(a->code / 100);
    p[at + 3] = (uint8_t)(a->code % 100);
    memcpy(p + at + 4, reason, len);
    at += 4 + len;
    if (a->code != 420)
        return at;
    at = put_head(p, at, AT_UNKNOWN, 2 * n);
    for (unsigned i = 0; i < n; i++, at += 2)
        put16(p + at, a->to->unknown[i]);
    if (n % 2) {
        put16(p + at, 0);
        at += 2;
    }
    return at;
}

uint32_t stun_write(const struct stun_answer *a, uint8_t *out)
{
    uint32_t at = STUN_HEAD;

    put16(out, a->code ? STUN_ERROR : STUN_SUCCESS);
    put32(out + 4, COOKIE);
    memcpy(out + 8, a->to->id, 12);
    at = a->code ? put_error(out, at, a) : put_mapped(out, at, a->mapped);
    if (a->key) {
        mac(a->key, out, at, out + at + 4);
        at = put_head(out, at, AT_INTEGRITY, MAC_LEN) + MAC_LEN;
    }
    put16(out + 2, at + CRC_LEN - STUN_HEAD);
    put32(out + at + 4, fingerprint(out, at));
    return put_head(out, at, AT_FINGERPRINT, 4) + 4;
}
