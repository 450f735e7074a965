/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SRTP, RTCP-mux and ICE of a trunk.
 * Called by the parser for keywords of trunks and profiles.
 */
#include <string.h>

#include "config/schema.h"

/* In the order of enum media_suite, which lib/config does not see; lib/call/crypto.c asserts it by name. */
const char *const conf_srtp_word[] = {
    "-",
    "AES_CM_128_HMAC_SHA1_80",
    "AES_CM_128_HMAC_SHA1_32",
    "AEAD_AES_128_GCM",
    "AEAD_AES_256_GCM",
    NULL,
};

_Static_assert(COUNT(conf_srtp_word) == CONF_SRTP_SUITES + 2, "a word for each suite");

/* The short tag is 1 forgery in 2^32: only where it is asked for. */
static const struct conf_srtp defaults = {.n = 3, .suite = {4, 3, 1}};

void kw_srtp(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    static const char *const modes[] = {"off", "optional", "required", NULL};
    struct conf_srtp v = {.loc = parse_loc(p, &args->tok[args->i])};
    const struct lex_token *t = args_next(args);
    int mode = parse_choice(p, t, modes);
    unsigned seen = 0;

    (void)kw;
    if (mode < 0)
        return;
    v.mode = (uint8_t)mode;
    while ((t = args_next(args))) {
        int i = parse_choice(p, t, conf_srtp_word + 1);

        if (i < 0)
            return;
        if (v.mode == CONF_SRTP_OFF) {
            parse_token_error(p, t, "'srtp off' has no suites");
            return;
        }
        if (seen >> i & 1) {
            parse_token_error(p, t, "'%s' is written twice", conf_srtp_word[i + 1]);
            return;
        }
        seen |= 1U << i;
        v.suite[v.n++] = (uint8_t)(i + 1);
    }
    if (v.mode != CONF_SRTP_OFF && v.n == 0) {
        v.n = defaults.n;
        memcpy(v.suite, defaults.suite, sizeof(v.suite));
    }
    memcpy(field, &v, sizeof(v));
}

void kw_ice(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(enum conf_ice, "strip", "lite");
}

void kw_mux(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(enum conf_mux, "accept", "off", "offer");
}
