/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * URIs and name-addrs of any bytes: what is accepted consists of parts of the input, and says the same when it is read again.
 * Run by .ci/run with the sanitizers.
 */
#include <stdlib.h>
#include "core/addr.h"
#include "sip/hdr.h"
#include "sip/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span part, struct span whole)
{
    if (part.len && (part.p < whole.p || part.p + part.len > whole.p + whole.len))
        abort();
}

static void look(const struct sip_uri *u, struct span whole)
{
    char plain[256];
    struct span value;

    inside(u->user, whole);
    inside(u->password, whole);
    inside(u->host, whole);
    inside(u->params, whole);
    inside(u->headers, whole);
    if (u->host.len && !uri_host_ok(u->host))
        abort();
    if (uri_user_plain(u->user, plain, sizeof plain) > (int)sizeof plain)
        abort();
    if (uri_param(u, SPAN("user"), &value))
        inside(value, whole);
    (void)uri_param(u, SPAN("transport"), NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = {(const char *)data, size};
    struct sip_uri u, again;
    struct name_addr na;
    struct span value;

    if (uri_parse(in, &u) == 0) {
        look(&u, in);
        if (uri_parse(u.raw, &again) != 0 || again.scheme != u.scheme || again.port != u.port ||
            !span_eq(again.host, u.host) || !span_eq(again.user, u.user))
            abort();
    }
    if (name_addr_parse(in, &na) == 0 && !na.is_star) {
        inside(na.display, in);
        inside(na.uri, in);
        inside(na.tag, in);
        look(&na.parsed, in);
        if (hdr_param(na.params, SPAN("tag"), &value) != (na.tag.len > 0) && na.tag.len > 0)
            abort();
    }
    return 0;
}
