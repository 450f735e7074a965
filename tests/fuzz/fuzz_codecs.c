/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any body under any codec policy: what is left of an offer is a subset that can be read again, and its own answer passes it.
 * Run by .ci/run with the seeds of tests/fuzz/corpus/codecs; the first three bytes are the policies.
 */
#include <stdlib.h>

#include "call/codecs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void policy(struct conf_trunk *t, uint8_t bits)
{
    static const struct conf_codecs some = {
        .bits = 1U << CONF_CODEC_PCMA | 1U << CONF_CODEC_OPUS | 1U << CONF_CODEC_EVENT,
        .n = 3,
        .order = {CONF_CODEC_OPUS, CONF_CODEC_PCMA, CONF_CODEC_EVENT}};

    t->codecs_allow = bits & 1 ? some : (struct conf_codecs){0};
    t->codecs_deny = bits & 2 ? some : (struct conf_codecs){0};
    t->codecs_order = bits & 4 ? some : (struct conf_codecs){0};
    t->ptime_ms = bits & 8 ? 30 : 0;
    t->maxptime_ms = bits & 16 ? 40 : 0;
    t->video_refuse = bits & 32;
}

static int write_one(const struct codecs_ask *ask, char *out, size_t room, struct sdp *again)
{
    static struct codecs_text text;
    struct sdp_edit e = {.id = 1, .version = 1, .n_media = ask->sdp->n_media};
    struct build b;

    e.origin = (struct addr){.ip = {192, 0, 2, 1}, .family = 4};
    for (unsigned i = 0; i < ask->sdp->n_media; i++) {
        e.media[i].rtp = e.origin;
        e.media[i].rtp.port = (uint16_t)(30000 + 2 * i);
    }
    if (codecs_edit(ask, &e, &text) < 0)
        return -1;
    build_init(&b, out, room);
    if (sdp_rewrite(ask->sdp, &e, &b) < 0)
        abort();
    if (b.len > SDP_BYTES_MAX)
        return -1;
    if (sdp_parse(again, build_text(&b), NULL) < 0 || again->n_media != ask->sdp->n_media)
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char offer[4 * SDP_BYTES_MAX], answer[4 * SDP_BYTES_MAX];
    static struct conf_trunk from, to;
    static struct sdp s, told, back;
    struct codecs_ask ask = {.from = &from, .to = &to, .sdp = &s, .is_offer = true};

    if (size < 3 || sdp_parse(&s, (struct span){(const char *)data + 3, size - 3}, NULL) < 0)
        return 0;
    policy(&from, data[0]);
    policy(&to, data[1]);
    if (write_one(&ask, offer, sizeof offer, &told) < 0)
        return 0;
    ask = (struct codecs_ask){.from = &to, .to = &from, .sdp = &told, .offer = &told};
    if (write_one(&ask, answer, sizeof answer, &back) < 0)
        abort(); /* its own echo */
    for (unsigned i = 0; i < told.n_media; i++)
        if (told.media[i].port && !span_eq(told.media[i].fmt, back.media[i].fmt))
            abort();
    return 0;
}
