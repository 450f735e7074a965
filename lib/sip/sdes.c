/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * a=crypto lines, read strictly and written in their plainest form: one key, no lifetime, no MKI, no session parameters.
 * call/crypto and the fuzz target call it; it chooses nothing.
 */
#include "sip/sdes.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned len;
} suites[SDES_END] = {
    [SDES_NONE] = {NULL, 0},
    [SDES_AES_CM_128_HMAC_SHA1_80] = {"AES_CM_128_HMAC_SHA1_80", 30},
    [SDES_AES_CM_128_HMAC_SHA1_32] = {"AES_CM_128_HMAC_SHA1_32", 30},
    [SDES_AEAD_AES_128_GCM] = {"AEAD_AES_128_GCM", 28},
    [SDES_AEAD_AES_256_GCM] = {"AEAD_AES_256_GCM", 44},
};

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const char *sdes_name(enum sdes_suite suite)
{
    return suite < SDES_END ? suites[suite].name : NULL;
}

enum sdes_suite sdes_suite_of(struct span name)
{
    for (unsigned i = 1; i < SDES_END; i++)
        if (span_case_eq(name, span_of(suites[i].name)))
            return (enum sdes_suite)i;
    return SDES_NONE;
}

unsigned sdes_key_len(enum sdes_suite suite)
{
    return suite < SDES_END ? suites[suite].len : 0;
}

static int decimal(struct span s, uint32_t max, uint32_t *out)
{
    uint32_t v = 0;

    if (s.len == 0 || s.len > 9)
        return -EINVAL;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -EINVAL;
        v = v * 10 + (uint32_t)(s.p[i] - '0');
    }
    if (v > max)
        return -EINVAL;
    *out = v;
    return 0;
}

/* Exactly len bytes; what is left over of the last digit must be zero, or two texts would be one key. */
static int decode64(struct span text, uint8_t *out, unsigned len)
{
    uint32_t bits = 0, n_bits = 0;
    unsigned n = 0;

    while (text.len > 0 && text.p[text.len - 1] == '=')
        text.len--;
    if (text.len != (len * 8 + 5) / 6)
        return -EINVAL;
    for (size_t i = 0; i < text.len; i++) {
        const char *d = text.p[i] ? strchr(digits64, text.p[i]) : NULL;

        if (!d)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)(d - digits64);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out[n++] = (uint8_t)(bits >> n_bits);
            bits &= (1U << n_bits) - 1;
        }
    }
    return bits == 0 && n == len ? 0 : -EINVAL;
}

/* "2^48" or a number. */
static int lifetime(struct span s)
{
    uint32_t v;

    if (span_has_prefix(s, SPAN("2^"))) {
        if (decimal((struct span){s.p + 2, s.len - 2}, 48, &v) < 0)
            return -EINVAL;
        return v >= SDES_LIFETIME_MIN ? 0 : -ENOTSUP;
    }
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return -EINVAL;
    if (s.len > 9)
        return s.len <= 15 ? 0 : -EINVAL; /* 2^48 has 15 digits */
    return decimal(s, UINT32_MAX, &v) == 0 && v >> SDES_LIFETIME_MIN ? 0 : -ENOTSUP;
}

static int key_params(struct span s, struct sdes_line *l)
{
    struct span key, more, life;
    int rc;

    if (s.len < 7 || !span_case_eq((struct span){s.p, 7}, SPAN("inline:")))
        return -EINVAL;
    s = (struct span){s.p + 7, s.len - 7};
    if (memchr(s.p, ';', s.len))
        return -ENOTSUP; /* several keys need an MKI */
    span_cut(s, '|', &key, &more);
    if (!span_is_empty(more)) {
        span_cut(more, '|', &life, &more);
        if (!span_is_empty(more) || memchr(life.p, ':', life.len))
            return -ENOTSUP; /* MKI */
        rc = lifetime(life);
        if (rc < 0)
            return rc;
    }
    return decode64(key, l->key, suites[l->suite].len);
}

/* Next word; false: none is left. */
static bool word(struct span *rest, struct span *out)
{
    while (rest->len > 0 && (rest->p[0] == ' ' || rest->p[0] == '\t'))
        *rest = (struct span){rest->p + 1, rest->len - 1};
    *out = (struct span){rest->p, 0};
    while (out->len < rest->len && rest->p[out->len] != ' ' && rest->p[out->len] != '\t')
        out->len++;
    *rest = (struct span){rest->p + out->len, rest->len - out->len};
    return out->len > 0;
}

int sdes_read(struct span line, struct sdes_line *out)
{
    struct sdes_line l = {0};
    struct span tag, suite, key, param;
    int rc;

    if (!span_has_prefix(line, SPAN("a=crypto:")))
        return -ENOENT;
    line = (struct span){line.p + 9, line.len - 9};
    if (!word(&line, &tag) || !word(&line, &suite) || !word(&line, &key) ||
        decimal(tag, SDES_TAG_MAX, &l.tag) < 0)
        return -EINVAL;
    l.suite = sdes_suite_of(suite);
    if (l.suite == SDES_NONE)
        return -ENOTSUP;
    rc = key_params(key, &l);
    /* the window is the receiver's own affair (§6.3.6); all others change packets, keys or what is sealed */
    while (rc == 0 && word(&line, &param))
        rc = span_has_prefix(param, SPAN("WSH=")) ? 0 : -ENOTSUP;
    if (rc == 0)
        *out = l;
    explicit_bzero(&l, sizeof l);
    return rc;
}

void sdes_write(struct build *b, const struct sdes_line *l)
{
    unsigned len = sdes_key_len(l->suite);

    build_span(b, SPAN("a=crypto:"));
    build_u64(b, l->tag);
    build_char(b, ' ');
    build_str(b, suites[l->suite].name);
    build_span(b, SPAN(" inline:"));
    for (unsigned i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)l->key[i] << 16 | (i + 1 < len ? (uint32_t)l->key[i + 1] << 8 : 0) |
                     (i + 2 < len ? l->key[i + 2] : 0);

        build_char(b, digits64[v >> 18]);
        build_char(b, digits64[v >> 12 & 63]);
        build_char(b, i + 1 < len ? digits64[v >> 6 & 63] : '=');
        build_char(b, i + 2 < len ? digits64[v & 63] : '=');
    }
    build_span(b, SPAN("\r\n"));
}
