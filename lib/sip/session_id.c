/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session-ID: text to bytes and back.
 * Called by txn_server.c and lib/call/session.c; knows no call.
 */
#include "sip/session_id.h"

#include <errno.h>

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20); /* §4.2 says lower case; who writes upper case means the same */
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int uuid_parse(struct span s, struct session_uuid *out)
{
    struct session_uuid u;

    if (s.len != SESSION_UUID_LEN)
        return -EBADMSG;
    for (size_t i = 0; i < sizeof u.b; i++) {
        int hi = nibble(s.p[2 * i]), lo = nibble(s.p[2 * i + 1]);

        if (hi < 0 || lo < 0)
            return -EBADMSG;
        u.b[i] = (uint8_t)(hi << 4 | lo);
    }
    *out = u;
    return 0;
}

int session_id_parse(struct span value, struct session_uuid *local, struct session_uuid *remote)
{
    struct span first, params, other;
    struct session_uuid l, r = {{0}};

    if (span_cut(value, ';', &first, &params)) {
        params.p--; /* with its ';' */
        params.len++;
        if (hdr_param(params, SPAN("remote"), &other) && uuid_parse(other, &r) < 0)
            return -EBADMSG;
    }
    if (uuid_parse(span_trim(first), &l) < 0)
        return -EBADMSG;
    *local = l;
    if (remote)
        *remote = r;
    return 0;
}

bool session_uuid_is_null(const struct session_uuid *u)
{
    static const struct session_uuid null;

    return memcmp(u, &null, sizeof null) == 0;
}

void session_uuid_text(const struct session_uuid *u, char out[SESSION_UUID_LEN + 1])
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof u->b; i++) {
        out[2 * i] = digit[u->b[i] >> 4];
        out[2 * i + 1] = digit[u->b[i] & 15];
    }
    out[SESSION_UUID_LEN] = '\0';
}

void session_id_write(struct build *b, const struct session_uuid *local,
                      const struct session_uuid *remote)
{
    char text[SESSION_UUID_LEN + 1];

    build_span(b, SPAN("Session-ID: "));
    session_uuid_text(local, text);
    build_span(b, (struct span){text, SESSION_UUID_LEN});
    build_span(b, SPAN(";remote="));
    session_uuid_text(remote, text);
    build_span(b, (struct span){text, SESSION_UUID_LEN});
    build_span(b, SPAN("\r\n"));
}
