/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How calls of a trunk are spoken: 100rel, session-timer, offer, codec, redirect, refer, pass.
 * schema_trunk.c has them in its table; what the words do is the call layer's.
 */
#include <string.h>

#include "config/schema.h"

void kw_rel100(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(enum conf_rel100, "supported", "off", "required");
}

void kw_offer(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(enum conf_offer, "keep", "early", "delayed");
}

void kw_redirect(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(enum conf_redirect, "reject", "follow", "pass");
}

void kw_refer(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    CHOICE(enum conf_refer, "reject", "pass", "consume");
}

/* ---- session-timer ---- */

static bool timer_option(struct parser *p, const struct keyword *kw, struct args *args,
                         struct conf_session_timer *timer)
{
    static const char *const words[] = {"min", "refresher", NULL};
    static const char *const who[] = {"any", "us", "them", NULL};
    int i = parse_choice(p, args_next(args), words);
    const struct lex_token *t;

    if (i < 0 || !(t = args_need(p, kw, args, i == 0 ? "duration" : "refresher")))
        return false;
    if (i == 0) {
        if (!parse_duration(p, kw, t, &timer->min_ms))
            return false;
        if (timer->min_ms <= timer->expires_ms)
            return true;
        parse_token_error(p, t, "min is longer than the interval itself");
        return false;
    }
    i = parse_choice(p, t, who);
    if (i >= 0)
        timer->refresher = (enum conf_refresher)i;
    return i >= 0;
}

void kw_session_timer(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_session_timer timer = {.min_ms = kw->lo};

    if (!args_word(args, "off")) {
        if (!parse_duration(p, kw, args_next(args), &timer.expires_ms))
            return;
        while (args->i < args->n) {
            if (!timer_option(p, kw, args, &timer))
                return;
        }
    }
    memcpy(field, &timer, sizeof(timer));
}

/* ---- codec ---- */

void kw_codec(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    /* Those with a payload type of RFC 3551, and telephone-event (RFC 4733). */
    static const char *const words[] = {"pcmu", "pcma", "g729", "telephone-event", NULL};
    CONF_LIST(const char *) codec = {NULL, 0};
    const struct lex_token *t, *first = &args->tok[args->i];
    uint32_t seen = 0;
    int i;

    (void)kw;
    while ((t = args_next(args))) {
        i = parse_choice(p, t, words);
        if (i < 0)
            return;
        if (seen >> i & 1) {
            parse_token_error(p, t, "'%s' is written twice", words[i]);
            return;
        }
        seen |= 1U << i;
        *(const char **)APPEND(p, codec) = words[i];
    }
    if (seen == 1U << 3) {
        parse_token_error(p, first, "telephone-event needs a codec for the voice beside it");
        return;
    }
    memcpy(field, &codec, sizeof(codec));
}

/* ---- pass ---- */

void kw_pass(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    static const char *const words[] = {"INFO", "MESSAGE", "NOTIFY", "OPTIONS", NULL};
    const struct lex_token *t;
    uint32_t pass = 0;
    int i;

    (void)kw;
    if (!args_word(args, "none")) {
        while ((t = args_next(args))) {
            i = parse_choice(p, t, words);
            if (i < 0)
                return;
            pass |= 1U << i; /* the order of the CONF_PASS_ bits */
        }
    }
    memcpy(field, &pass, sizeof(pass));
}
