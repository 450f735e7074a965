/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sealed tokens (one AES-128 block in base32), their key file, random bytes and UUIDs.
 * The gate and everything that makes a tag, branch or Call-ID use it; it does not know what a serial stands for.
 */
#include "core/ident.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/err.h"
#include "core/log.h"

/*
 * The block, big-endian: node 16, epoch 32, worker 8, kind 8, serial 48, seal 16. The constant seal and the
 * kind (4 of 256) let 1 forged token in 4 million open; node and epoch have then to fit as well (2^-48).
 */
#define BLOCK_BYTES 16
#define SEAL        0x7d5au
#define SERIAL_MASK ((UINT64_C(1) << 48) - 1)

struct ident_key {
    EVP_CIPHER_CTX *encrypt;
    EVP_CIPHER_CTX *decrypt;
    uint64_t serial;
    uint32_t epoch;
    uint16_t node;
    uint8_t worker;
};

static EVP_CIPHER_CTX *cipher_new(const uint8_t key[16], int encrypt)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (!ctx)
        return NULL;
    if (EVP_CipherInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL, encrypt) != 1 ||
        EVP_CIPHER_CTX_set_padding(ctx, 0) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

struct ident_key *ident_key_new(const uint8_t key[16], uint16_t node, uint32_t epoch,
                                uint8_t worker)
{
    struct ident_key *k = calloc(1, sizeof(*k));

    if (!k)
        return NULL;
    k->node = node;
    k->epoch = epoch;
    k->worker = worker;
    k->encrypt = cipher_new(key, 1);
    k->decrypt = cipher_new(key, 0);
    if (!k->encrypt || !k->decrypt) {
        ident_key_free(k);
        return NULL;
    }
    return k;
}

void ident_key_free(struct ident_key *k)
{
    if (!k)
        return;
    EVP_CIPHER_CTX_free(k->encrypt);
    EVP_CIPHER_CTX_free(k->decrypt);
    free(k);
}

uint64_t ident_next_serial(struct ident_key *k)
{
    /* 48 bits: 2,800 years of 3,000 a second */
    k->serial = (k->serial + 1) & SERIAL_MASK;
    if (k->serial == 0)
        k->serial = 1;
    return k->serial;
}

static void put_be(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0; v >>= 8)
        p[i] = (uint8_t)v;
}

static uint64_t get_be(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

/* 128 bits in 26 characters of 5 bits; the last carries 3 bits and two zeros. */
static void base32_encode(const uint8_t in[BLOCK_BYTES], char out[IDENT_LEN])
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t at = 0;

    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        acc = acc << 8 | in[i];
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out[at++] = alphabet[acc >> bits & 31];
        }
    }
    out[at] = alphabet[acc << (5 - bits) & 31];
}

static int base32_digit(char c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    if (c >= 'A' && c <= 'Z') /* SIP tags and branches may come back in the other case */
        return c - 'A';
    if (c >= '2' && c <= '7')
        return c - '2' + 26;
    return -1;
}

static int base32_decode(const char in[IDENT_LEN], uint8_t out[BLOCK_BYTES])
{
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t at = 0;

    for (size_t i = 0; i < IDENT_LEN; i++) {
        int digit = base32_digit(in[i]);
        if (digit < 0)
            return -EINVAL;
        acc = acc << 5 | (uint32_t)digit;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out[at++] = (uint8_t)(acc >> bits);
        }
    }
    return (acc & 3) == 0 ? 0 : -EINVAL; /* one text per token */
}

void ident_seal(struct ident_key *k, enum ident_kind kind, uint64_t serial, char out[IDENT_LEN])
{
    uint8_t plain[BLOCK_BYTES];
    uint8_t sealed[BLOCK_BYTES];
    int n = 0;

    put_be(plain, k->node, 2);
    put_be(plain + 2, k->epoch, 4);
    plain[6] = k->worker;
    plain[7] = (uint8_t)kind;
    put_be(plain + 8, serial & SERIAL_MASK, 6);
    put_be(plain + 14, SEAL, 2);
    if (EVP_EncryptUpdate(k->encrypt, sealed, &n, plain, BLOCK_BYTES) != 1 || n != BLOCK_BYTES)
        abort(); /* one block with a key already set cannot fail; an unsealed token must never leave */
    base32_encode(sealed, out);
}

int ident_open(struct ident_key *k, struct span token, struct ident *out)
{
    uint8_t sealed[BLOCK_BYTES];
    uint8_t plain[BLOCK_BYTES];
    int n = 0;

    if (token.len != IDENT_LEN || base32_decode(token.p, sealed) < 0)
        return -EINVAL;
    if (EVP_DecryptUpdate(k->decrypt, plain, &n, sealed, BLOCK_BYTES) != 1 || n != BLOCK_BYTES)
        return -EINVAL;
    if (get_be(plain + 14, 2) != SEAL || plain[7] < IDENT_TAG || plain[7] > IDENT_SDP)
        return -EINVAL;
    *out = (struct ident){
        .node = (uint16_t)get_be(plain, 2),
        .epoch = (uint32_t)get_be(plain + 2, 4),
        .worker = plain[6],
        .kind = plain[7],
        .serial = get_be(plain + 8, 6),
    };
    return out->node == k->node && out->epoch == k->epoch ? 0 : TD_ESTALE;
}

static void random_fill(void *buf, size_t len)
{
    char *p = buf;

    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            log_ev(LOG_ERROR, "random_failed", "errno=%d", errno);
            abort();
        }
        p += n;
        len -= (size_t)n;
    }
}

void ident_random(void *buf, size_t len)
{
    /* a call needs 32 bytes in three pieces: 512 are one system call for 16 calls */
    static _Thread_local uint8_t store[512];
    static _Thread_local size_t left;

    if (len > sizeof(store)) {
        random_fill(buf, len);
        return;
    }
    if (left < len) {
        random_fill(store, sizeof(store));
        left = sizeof(store);
    }
    left -= len;
    memcpy(buf, store + left, len);
    memset(store + left, 0, len); /* what was given out is not kept */
}

/* @return 0; -ENOENT; -EINVAL not 16 bytes; -errno */
static int key_read(const char *path, uint8_t key[16])
{
    uint8_t buf[17];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = read(fd, buf, sizeof(buf));
    close(fd);
    if (n != 16)
        return -EINVAL;
    memcpy(key, buf, 16);
    return 0;
}

static int write_synced(const char *path, const uint8_t key[16])
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int err = 0;

    if (fd < 0)
        return -errno;
    if (write(fd, key, 16) != 16 || fsync(fd) < 0)
        err = errno ? -errno : -EIO;
    close(fd);
    return err;
}

/* The name itself must be on disk too. */
static void sync_dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char dir[4096] = ".";
    int fd;

    if (slash && span_copy((struct span){path, (size_t)(slash - path) + 1}, dir, sizeof(dir)) < 0)
        return;
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

int ident_key_load(const char *path, uint8_t key[16])
{
    uint8_t fresh[16];
    char tmp[4096];
    int err = key_read(path, key);

    if (err != -ENOENT)
        return err;
    if (snprintf(tmp, sizeof(tmp), "%s.%d", path, (int)getpid()) >= (int)sizeof(tmp))
        return -ENAMETOOLONG;
    ident_random(fresh, sizeof(fresh));
    err = write_synced(tmp, fresh);
    /* link, not rename: of two processes that start together the second must take the first one's key */
    if (err == 0 && link(tmp, path) < 0 && errno != EEXIST)
        err = -errno;
    unlink(tmp);
    if (err == 0)
        sync_dir_of(path);
    return err == 0 ? key_read(path, key) : err;
}

void ident_uuid(char out[37])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t b[16];
    char *p = out;

    ident_random(b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* version 4 */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80); /* variant of RFC 9562 §4.1 */
    for (unsigned i = 0; i < sizeof(b); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = hex[b[i] >> 4];
        *p++ = hex[b[i] & 15];
    }
    *p = '\0';
}
