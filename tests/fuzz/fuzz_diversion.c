/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes may come as Diversion, History-Info or Session-ID, and as the number of a URI in them.
 * The first byte says which. Run by .ci/run with the sanitizers.
 */
#include <stdlib.h>
#include "sip/diversion.h"
#include "sip/session_id.h"
#include "sip/tel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct diversions *d)
{
    char buf[TEL_NUMBER_MAX];

    if (d->n > DIVERSIONS_MAX || d->total < d->n)
        abort();
    for (unsigned i = 0; i < d->n; i++) {
        int n = tel_number(&d->v[i].uri, buf, sizeof buf);

        if (d->v[i].counter == 0 || d->v[i].counter > DIVERSION_COUNTER_MAX)
            abort();
        if (n >= TEL_NUMBER_MAX || n == 0 || (n > 0 && buf[n] != '\0'))
            abort();
        (void)tel_params(&d->v[i].uri);
        (void)diversion_reason_name(d->v[i].reason);
        (void)diversion_privacy_name(d->v[i].privacy);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct diversions d;
    struct hdr h = {0};
    struct session_uuid a, b;

    if (size == 0)
        return 0;
    h.value = (struct span){(const char *)data + 1, size - 1};
    for (size_t i = 0; i < h.value.len; i++)
        if (h.value.p[i] == '\r' || h.value.p[i] == '\n' || h.value.p[i] == '\0')
            return 0; /* a header's value holds none */
    switch (data[0]) {
    case 'd':
        h.id = HDR_DIVERSION;
        diversion_read(&d, &h, 1);
        check(&d);
        break;
    case 'h':
        h.id = HDR_HISTORY_INFO;
        diversion_read_history(&d, &h, 1);
        check(&d);
        break;
    default: (void)session_id_parse(h.value, &a, &b);
    }
    return 0;
}
