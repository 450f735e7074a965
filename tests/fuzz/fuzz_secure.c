/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets of a party gone mad, opened and sealed under each suite: nothing reads or writes beyond a packet and its tail.
 * The first byte says which suite, RTP or RTCP, whether keys change on the way; a half of the packets is sealed first and then bent.
 */
#include <stdlib.h>
#include <string.h>
#include "relay/secure.h"

#define TAIL 160U /* IO_TAILROOM */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct secure *context(uint8_t suite, uint8_t seed)
{
    struct media_crypto c = {.rx_suite = suite, .tx_suite = suite};
    struct secure *s;

    memset(c.rx_key, seed, secure_key_len(suite));
    memset(c.tx_key, seed, secure_key_len(suite));
    if (secure_new(&c, &s) < 0)
        abort();
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct secure *s, *next;
    uint8_t *p;
    uint32_t len, was;
    bool is_rtcp;

    if (size < 2 || size > 2048 || secure_init() < 0)
        return 0;
    is_rtcp = data[0] & 4;
    s = context((uint8_t)(1 + data[0] % 4), 1);
    if (data[0] & 8) {
        next = context((uint8_t)(1 + data[0] / 64), data[0] & 16 ? 1 : 2);
        secure_follow(next, s, 0);
        secure_free(s);
        s = next;
    }
    was = len = (uint32_t)(size - 2);
    p = malloc(len + TAIL);
    if (!p)
        abort();
    memcpy(p, data + 2, len);
    if (data[0] & 32 && secure_seal(s, is_rtcp, p, &len) == 0) {
        if (len < was || len > was + SECURE_GROWTH)
            abort();
        if (data[1])
            p[data[1] % len] ^= data[1];
    }
    was = len;
    if (secure_open(s, is_rtcp, p, &len, data[0] & 16 ? 10 : 100000) == 0 && len > was)
        abort();
    free(p);
    secure_free(s);
    return 0;
}
