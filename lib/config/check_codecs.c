/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Third pass of a load, what SDP may say: codec lists that leave no voice, orders of what is not allowed, packet times that contradict.
 * check_trunk.c calls it for each trunk, with what it inherits in place.
 */
#include <string.h>

#include "config/parse.h"

#define BIT(codec) (1U << (codec))
#define VOICES     (~(BIT(CONF_CODEC_EVENT) | BIT(CONF_CODEC_CN)))

/* `offer early` offers the list of `codec`: one of it must be let. */
static bool offers_nothing(const struct conf_trunk *t, uint32_t left)
{
    uint32_t i, k;

    for (i = 0; i < t->codec.n; i++)
        for (k = 0; k < CONF_CODECS; k++)
            if (strcmp(t->codec.v[i], conf_codec_word[k]) == 0 && (left & VOICES & BIT(k)))
                return false;
    return t->offer == CONF_OFFER_EARLY;
}

void check_codecs(struct parser *p, const struct conf_trunk *t)
{
    uint32_t left =
        (t->codecs_allow.n ? t->codecs_allow.bits : BIT(CONF_CODECS) - 1) & ~t->codecs_deny.bits;
    uint32_t i;

    if (!(left & VOICES)) {
        parse_error(p, t->codecs_allow.n ? t->codecs_allow.loc : t->codecs_deny.loc, 0,
                    "trunk '%s' has no codec left for a voice", t->name);
        return;
    }
    if (offers_nothing(t, left))
        parse_error(p, t->codecs_allow.n ? t->codecs_allow.loc : t->codecs_deny.loc, 0,
                    "trunk '%s' has 'offer early' and allows no codec of its 'codec'", t->name);
    /* What stands beside a voice needs not be allowed by name, see lib/call/codecs.c. */
    left |= ~VOICES & ~t->codecs_deny.bits;
    for (i = 0; i < t->codecs_order.n; i++) {
        uint8_t codec = t->codecs_order.order[i];

        if (!(left & BIT(codec)))
            parse_error(p, t->codecs_order.loc, 0,
                        "trunk '%s' orders '%s', which it does not allow", t->name,
                        conf_codec_word[codec]);
    }
    if (t->ptime_ms && t->maxptime_ms && t->ptime_ms > t->maxptime_ms)
        parse_error(p, t->loc, 0, "trunk '%s' has ptime %u above maxptime %u", t->name, t->ptime_ms,
                    t->maxptime_ms);
}
