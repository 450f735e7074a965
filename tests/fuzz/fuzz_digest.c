/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes may come as a challenge or as credentials: what is accepted can be answered, and the answer is read again.
 * Run by .ci/run with the sanitizers.
 */
#include <stdlib.h>
#include "sip/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Spans of a struct msg hold no CR, LF or NUL: neither does what is given here. */
static bool is_value(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
            return false;
    return true;
}

static void answer(const struct digest_challenge *c)
{
    static char buf[16 * DIGEST_TEXT_MAX];
    struct digest_answer a = {.in = {.user = SPAN("u"),
                                     .realm = c->realm,
                                     .secret = SPAN("s"),
                                     .method = SPAN("INVITE"),
                                     .uri = SPAN("sip:x"),
                                     .nonce = c->nonce,
                                     .algo = (enum digest_algo)c->algo},
                              .opaque = c->opaque,
                              .algo_given = c->algo_given};
    struct digest_credentials back;
    struct span name, value;
    struct build b;

    if (c->qop) {
        a.in.nc = SPAN("00000001");
        a.in.cnonce = SPAN("c");
    }
    build_init(&b, buf, sizeof buf);
    if (digest_write(&b, SPAN("Authorization"), &a) != 0 || b.overflow)
        abort();
    (void)span_cut(build_text(&b), ':', &name, &value);
    if (digest_credentials_parse(span_trim(value), &back) != 0 || !span_eq(back.nonce, c->nonce) ||
        !span_eq(back.realm, c->realm) || back.qop != c->qop)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct digest_credentials cr;
    struct digest_challenge ch;
    struct span value;

    if (size == 0)
        return 0;
    value = (struct span){(const char *)data + 1, size - 1};
    if (!is_value(value))
        return 0;
    if (data[0] == 'c') {
        if (digest_challenge_parse(value, &ch) == 0)
            answer(&ch);
    } else if (digest_credentials_parse(value, &cr) == 0) {
        (void)digest_text_is(cr.user, SPAN("bob"));
        (void)digest_equal(cr.response, SPAN("0123456789abcdef0123456789abcdef"));
    }
    return 0;
}
