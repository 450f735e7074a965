/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What SDP may say to and from a trunk: codecs, ptime, maxptime, video; and with whom media goes around us: bypass.
 * Called by the parser for keywords of trunks and profiles.
 */
#include <string.h>

#include "config/schema.h"

/* In the order of enum conf_codec. */
const char *const conf_codec_word[] = {
    "pcmu", "pcma", "g722",   "g723", "g726", "g728",  "g729", "gsm",       "gsm-efr",
    "ilbc", "amr",  "amr-wb", "evs",  "opus", "speex", "l16",  "clearmode", "telephone-event",
    "cn",   NULL,
};

_Static_assert(COUNT(conf_codec_word) == CONF_CODECS + 1, "a word for each codec");

void kw_codecs(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_codecs list = {.loc = parse_loc(p, &args->tok[args->i])};
    const struct lex_token *t;

    (void)kw;
    while ((t = args_next(args))) {
        int i = parse_choice(p, t, conf_codec_word);

        if (i < 0)
            return;
        if (list.bits >> i & 1) {
            parse_token_error(p, t, "'%s' is written twice", conf_codec_word[i]);
            return;
        }
        list.bits |= 1U << i;
        list.order[list.n++] = (uint8_t)i;
    }
    memcpy(field, &list, sizeof(list));
}

void kw_packet_time(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    uint32_t n = 0;

    if (!args_word(args, "off") && !parse_number(p, args_next(args), kw->lo, kw->hi, &n))
        return;
    memcpy(field, &n, sizeof(n));
}

void kw_video(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(bool, "pass", "refuse");
}

void kw_bypass(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CONF_LIST(struct conf_target) list = {NULL, 0};
    const struct lex_token *t;
    struct conf_target one;

    (void)kw;
    while ((t = args_next(args))) {
        memset(&one, 0, sizeof(one));
        if (parse_ref(p, t, &one.ref))
            *(struct conf_target *)APPEND(p, list) = one;
    }
    memcpy(field, &list, sizeof(list));
}
