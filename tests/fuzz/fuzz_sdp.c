/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes may come as a body: what sdp_parse accepts is rewritten, and the result is accepted with as many m-lines.
 * Run by .ci/run with the sanitizers.
 */
#include <stdlib.h>
#include "sip/sdes.h"
#include "sip/sdp_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char out[4 * SDP_BYTES_MAX];
    static struct sdp s, again;
    struct sdp_edit e = {.id = 1, .version = 1, .n_media = SDP_MEDIA_MAX};
    struct build b;
    struct addr a;
    struct span rest, raw, line;
    struct sdes_line key;

    if (sdp_parse(&s, (struct span){(const char *)data, size}, NULL) != 0) {
        return 0;
    }
    e.origin = (struct addr){.ip = {192, 0, 2, 1}, .family = 4};
    for (unsigned i = 0; i < s.n_media; i++) {
        (void)sdp_rtp_addr(&s, i, &a);
        (void)sdp_rtcp_addr(&s, i, &a);
        (void)sdp_is_hold(&s, i);
        for (rest = s.media[i].lines; sdp_format_line(&rest, &raw, &line);)
            (void)sdes_read(line, &key);
        e.media[i].rtp = e.origin;
        e.media[i].rtp.port = (uint16_t)(30000 + 2 * i);
        e.media[i].dir = (enum sdp_dir)(size % 5);
        e.media[i].mux = size & 8;
        e.media[i].no_keys = size & 16;
        e.media[i].direct = size & 32;
        e.media[i].ptime_ms = size & 64 ? 20 : 0;
        e.media[i].fmt = size & 128 ? SPAN("8 0") : SPAN_NONE;
    }
    build_init(&b, out, sizeof(out));
    if (sdp_rewrite(&s, &e, &b) != 0) {
        abort();
    }
    if (b.len <= SDP_BYTES_MAX && (sdp_parse(&again, build_text(&b), NULL) != 0 ||
                                   again.n_media != s.n_media || again.o_version != 1)) {
        abort();
    }
    return 0;
}
