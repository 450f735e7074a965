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
 * kind (5 of 256) let 1 forged token in 4 million open; node and epoch have then to fit as well (2^-48).
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
    /* the token opened last: gate, transaction and dialog ask for the same one */
    bool has_opened;
    char opened[IDENT_LEN];
    struct ident last;
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

/* Value + 1 of a character, 0 for none. SIP tags and branches may come back in the other case. */
static const uint8_t base32_digit[256] = {
    ['a'] = 1,  ['b'] = 2,  ['c'] = 3,  ['d'] = 4,  ['e'] = 5,  ['f'] = 6,  ['g'] = 7,  ['h'] = 8,
    ['i'] = 9,  ['j'] = 10, ['k'] = 11, ['l'] = 12, ['m'] = 13, ['n'] = 14, ['o'] = 15, ['p'] = 16,
    ['q'] = 17, ['r'] = 18, ['s'] = 19, ['t'] = 20, ['u'] = 21, ['v'] = 22, ['w'] = 23, ['x'] = 24,
    ['y'] = 25, ['z'] = 26, ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,
    ['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
    ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22,
    ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['2'] = 27, ['3'] = 28, ['4'] = 29, ['5'] = 30,
    ['6'] = 31, ['7'] = 32,
};

static int base32_decode(const char in[IDENT_LEN], uint8_t out[BLOCK_BYTES])
{
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t at = 0;

    for (size_t i = 0; i < IDENT_LEN; i++) {
        uint32_t digit = base32_digit[(uint8_t)in[i]];
        if (digit == 0)
            return -EINVAL;
        acc = acc << 5 | (digit - 1);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out[at++] = (uint8_t)(acc >> bits);
        }
    }
    return (acc & 3) == 0 ? 0 : -EINVAL; /* one text per token */
}

static void seal_block(struct ident_key *k, const struct ident *id, char out[IDENT_LEN])
{
    uint8_t plain[BLOCK_BYTES];
    uint8_t sealed[BLOCK_BYTES];
    int n = 0;

    put_be(plain, id->node, 2);
    put_be(plain + 2, id->epoch, 4);
    plain[6] = id->worker;
    plain[7] = id->kind;
    put_be(plain + 8, id->serial & SERIAL_MASK, 6);
    put_be(plain + 14, SEAL, 2);
    if (EVP_EncryptUpdate(k->encrypt, sealed, &n, plain, BLOCK_BYTES) != 1 || n != BLOCK_BYTES)
        abort(); /* one block with a key already set cannot fail; an unsealed token must never leave */
    base32_encode(sealed, out);
}

void ident_seal(struct ident_key *k, enum ident_kind kind, uint64_t serial, char out[IDENT_LEN])
{
    seal_block(k, &(struct ident){k->node, k->epoch, k->worker, (uint8_t)kind, serial}, out);
}

static int open_block(struct ident_key *k, const char token[IDENT_LEN], struct ident *out)
{
    uint8_t sealed[BLOCK_BYTES];
    uint8_t plain[BLOCK_BYTES];
    int n = 0;

    if (base32_decode(token, sealed) < 0)
        return -EINVAL;
    if (EVP_DecryptUpdate(k->decrypt, plain, &n, sealed, BLOCK_BYTES) != 1 || n != BLOCK_BYTES)
        return -EINVAL;
    if (get_be(plain + 14, 2) != SEAL || plain[7] < IDENT_TAG || plain[7] > IDENT_RIGHT)
        return -EINVAL;
    *out = (struct ident){
        .node = (uint16_t)get_be(plain, 2),
        .epoch = (uint32_t)get_be(plain + 2, 4),
        .worker = plain[6],
        .kind = plain[7],
        .serial = get_be(plain + 8, 6),
    };
    return 0;
}

int ident_open(struct ident_key *k, struct span token, struct ident *out)
{
    if (token.len != IDENT_LEN)
        return -EINVAL;
    if (!k->has_opened || memcmp(token.p, k->opened, IDENT_LEN) != 0) {
        k->has_opened = false;
        if (open_block(k, token.p, &k->last) < 0)
            return -EINVAL;
        memcpy(k->opened, token.p, IDENT_LEN);
        k->has_opened = true;
    }
    *out = k->last;
    return out->node == k->node && out->epoch == k->epoch ? 0 : TD_ESTALE;
}

int ident_turn(struct ident_key *k, struct span token, enum ident_kind from, enum ident_kind to,
               char out[IDENT_LEN])
{
    struct ident id;
    int rc = ident_open(k, token, &id);

    if ((rc < 0 && rc != TD_ESTALE) || id.kind != from)
        return -EINVAL;
    id.kind = (uint8_t)to;
    seal_block(k, &id, out);
    return 0;
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
