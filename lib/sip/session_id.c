/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session-ID: text to bytes and back.
 * Called by txn_server.c and lib/call/session.c; knows no call.
 */
#include "sip/session_id.h"

#include <errno.h>

static const char null_text[] = "00000000000000000000000000000000";

static int uuid_parse(struct span s, struct session_uuid *out)
{
    struct session_uuid u;

    if (s.len != SESSION_UUID_LEN)
        return -EBADMSG;
    for (size_t i = 0; i < SESSION_UUID_LEN; i++) {
        char c = s.p[i];

        if (c < '0' || c > '9') {
            c = (char)(c | 0x20); /* §4.2 says lower case; who writes upper case means the same */
            if (c < 'a' || c > 'f')
                return -EBADMSG;
        }
        u.text[i] = c;
    }
    *out = u;
    return 0;
}

int session_id_parse(struct span value, struct session_uuid *local, struct session_uuid *remote)
{
    struct span first, params, other;
    struct session_uuid l, r = {""};

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
    return u->text[0] == '\0' || memcmp(u->text, null_text, SESSION_UUID_LEN) == 0;
}

struct span session_uuid_text(const struct session_uuid *u)
{
    return (struct span){u->text[0] ? u->text : null_text, SESSION_UUID_LEN};
}

void session_uuid_of(const uint8_t bytes[16], struct session_uuid *out)
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < 16; i++) {
        out->text[2 * i] = digit[bytes[i] >> 4];
        out->text[2 * i + 1] = digit[bytes[i] & 15];
    }
}

void session_id_write(struct build *b, const struct session_uuid *local,
                      const struct session_uuid *remote)
{
    /* In one piece: nearly every message has this line. */
    struct line {
        char name[12], local[SESSION_UUID_LEN], param[8], remote[SESSION_UUID_LEN], end[2];
    } line = {.name = "Session-ID: ", .param = ";remote=", .end = "\r\n"};

    memcpy(line.local, session_uuid_text(local).p, sizeof line.local);
    memcpy(line.remote, session_uuid_text(remote).p, sizeof line.remote);
    build_span(b, (struct span){(const char *)&line, sizeof line});
}
