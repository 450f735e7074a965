/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SRTP a second time, by the letter of RFC 3711 and RFC 7714 and on OpenSSL alone: what secure.c and its libsrtp2 are held against.
 * Tests include it; slow and for one packet at a time. Keys are key || salt, as in SDP.
 */
#ifndef TESTS_UNIT_SRTP_REF_H
#define TESTS_UNIT_SRTP_REF_H

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "media/media_proto.h"

struct ref_keys {
    uint8_t key[32], salt[14], auth[20];
};

/* AES in counter mode over data, from this initial block (RFC 3711 §4.1.1). */
static inline void ref_ctr(const uint8_t *key, unsigned key_len, const uint8_t iv[16],
                           uint8_t *data, unsigned len)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n;

    EVP_EncryptInit_ex(c, key_len == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), NULL, key, iv);
    EVP_EncryptUpdate(c, data, &n, data, (int)len);
    EVP_CIPHER_CTX_free(c);
}

/* RFC 3711 §4.3.1, key derivation rate 0; a salt of 12 bytes counts as one of 14 with zeros behind (RFC 7714 §11). */
static inline void ref_derive(const uint8_t *master, unsigned key_len, unsigned salt_len,
                              uint8_t label, uint8_t *out, unsigned len)
{
    uint8_t iv[16] = {0};

    memcpy(iv, master + key_len, salt_len);
    iv[7] ^= label;
    memset(out, 0, len);
    ref_ctr(master, key_len, iv, out, len);
}

static inline bool ref_is_gcm(uint8_t suite)
{
    return suite >= MEDIA_SUITE_AEAD_AES_128_GCM;
}

static inline unsigned ref_key_len(uint8_t suite)
{
    return suite == MEDIA_SUITE_AEAD_AES_256_GCM ? 32 : 16;
}

static inline void ref_keys(uint8_t suite, const uint8_t *master, bool is_rtcp, struct ref_keys *k)
{
    unsigned key_len = ref_key_len(suite), salt_len = ref_is_gcm(suite) ? 12 : 14;
    uint8_t label = is_rtcp ? 3 : 0;

    ref_derive(master, key_len, salt_len, label, k->key, key_len);
    ref_derive(master, key_len, salt_len, (uint8_t)(label + 1), k->auth, sizeof k->auth);
    ref_derive(master, key_len, salt_len, (uint8_t)(label + 2), k->salt, salt_len);
}

static inline void ref_put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* The tag goes behind the text. */
static inline void ref_gcm(const uint8_t *key, unsigned key_len, const uint8_t iv[12],
                           const uint8_t *aad, unsigned aad_len, uint8_t *text, unsigned len)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n;

    EVP_EncryptInit_ex(c, key_len == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm(), NULL, key, iv);
    EVP_EncryptUpdate(c, NULL, &n, aad, (int)aad_len);
    EVP_EncryptUpdate(c, text, &n, text, (int)len);
    EVP_EncryptFinal_ex(c, text + n, &n);
    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, text + len);
    EVP_CIPHER_CTX_free(c);
}

static inline unsigned ref_tag(const uint8_t auth[20], const uint8_t *p, unsigned len, uint32_t roc,
                               bool has_roc, uint8_t *out, unsigned tag_len)
{
    uint8_t m[2100], mac[20];
    unsigned mac_len = sizeof mac;

    memcpy(m, p, len);
    if (has_roc) {
        ref_put32(m + len, roc);
        len += 4;
    }
    HMAC(EVP_sha1(), auth, 20, m, len, mac, &mac_len);
    memcpy(out, mac, tag_len);
    return tag_len;
}

/* A packet with a header of 12 bytes; session keys given. @return new length */
static inline unsigned ref_seal_rtp_keys(uint8_t suite, const struct ref_keys *k, uint32_t roc,
                                         uint8_t *p, unsigned len)
{
    uint8_t iv[16] = {0};

    if (ref_is_gcm(suite)) { /* RFC 7714 §8.1: 00 00 SSRC ROC SEQ, xor salt */
        memcpy(iv + 2, p + 8, 4);
        ref_put32(iv + 6, roc);
        memcpy(iv + 10, p + 2, 2);
        for (int i = 0; i < 12; i++)
            iv[i] ^= k->salt[i];
        ref_gcm(k->key, ref_key_len(suite), iv, p, 12, p + 12, len - 12);
        return len + 16;
    }
    memcpy(iv + 4, p + 8, 4);
    ref_put32(iv + 8, roc);
    memcpy(iv + 12, p + 2, 2);
    for (int i = 0; i < 14; i++)
        iv[i] ^= k->salt[i];
    ref_ctr(k->key, 16, iv, p + 12, len - 12);
    return len + ref_tag(k->auth, p, len, roc, true, p + len,
                         suite == MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32 ? 4 : 10);
}

static inline unsigned ref_seal_rtp(uint8_t suite, const uint8_t *master, uint32_t roc, uint8_t *p,
                                    unsigned len)
{
    struct ref_keys k;

    ref_keys(suite, master, false, &k);
    return ref_seal_rtp_keys(suite, &k, roc, p, len);
}

static inline unsigned ref_seal_rtcp(uint8_t suite, const uint8_t *master, uint32_t index,
                                     uint8_t *p, unsigned len)
{
    uint8_t iv[16] = {0}, aad[12];
    struct ref_keys k;

    ref_keys(suite, master, true, &k);
    if (ref_is_gcm(suite)) { /* RFC 7714 §9.1, §9.2 */
        memcpy(iv + 2, p + 4, 4);
        ref_put32(iv + 8, index);
        for (int i = 0; i < 12; i++)
            iv[i] ^= k.salt[i];
        memcpy(aad, p, 8);
        ref_put32(aad + 8, index | 0x80000000U);
        ref_gcm(k.key, ref_key_len(suite), iv, aad, 12, p + 8, len - 8);
        ref_put32(p + len + 16, index | 0x80000000U);
        return len + 20;
    }
    memcpy(iv + 4, p + 4, 4);
    ref_put32(iv + 10, index);
    for (int i = 0; i < 14; i++)
        iv[i] ^= k.salt[i];
    ref_ctr(k.key, 16, iv, p + 8, len - 8);
    ref_put32(p + len, index | 0x80000000U);
    len += 4;
    return len + ref_tag(k.auth, p, len, 0, false, p + len, 10);
}

#endif
