/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Just enough reading of messages for the simulated peers; on purpose not the parser under test.
 * actor.c, leak.c and run.c use it.
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void copy(char *out, size_t size, const char *p, size_t len)
{
    if (len >= size)
        len = size - 1;
    memcpy(out, p, len);
    out[len] = '\0';
}

bool text_header(const char *msg, const char *name, unsigned nth, char *out, size_t size)
{
    size_t n = strlen(name);
    const char *p = strstr(msg, "\r\n");

    while (p && strncmp(p, "\r\n\r\n", 4) != 0) {
        const char *end = strstr(p + 2, "\r\n");

        p += 2;
        if (!end)
            return false;
        if (strncasecmp(p, name, n) == 0 && p[n] == ':' && nth-- == 0) {
            p += n + 1;
            while (*p == ' ')
                p++;
            copy(out, size, p, end > p ? (size_t)(end - p) : 0);
            return true;
        }
        p = end;
    }
    return false;
}

bool text_param(const char *value, const char *name, char *out, size_t size)
{
    char key[64];
    const char *p = value;
    size_t n = (size_t)snprintf(key, sizeof key, ";%s=", name);

    p = strcasestr(p, key);
    if (!p)
        return false;
    p += n;
    copy(out, size, p, strcspn(p, ";,> \t\r\n"));
    return true;
}

const char *text_body(const char *msg)
{
    const char *p = strstr(msg, "\r\n\r\n");

    return p ? p + 4 : "";
}

bool text_is_request(const char *msg)
{
    return strncmp(msg, "SIP/2.0 ", 8) != 0;
}

int text_status(const char *msg)
{
    return text_is_request(msg) ? 0 : (int)strtol(msg + 8, NULL, 10);
}

void text_method(const char *msg, char out[32])
{
    char cseq[80];
    const char *p = msg;

    if (!text_is_request(msg)) {
        if (!text_header(msg, "CSeq", 0, cseq, sizeof cseq) || !strchr(cseq, ' ')) {
            out[0] = '\0';
            return;
        }
        p = strchr(cseq, ' ') + 1;
    }
    copy(out, 32, p, strcspn(p, " \r\n"));
}

void text_ruri(const char *msg, char *out, size_t size)
{
    const char *p = strchr(msg, ' ');

    out[0] = '\0';
    if (p)
        copy(out, size, p + 1, strcspn(p + 1, " \r\n"));
}

void text_uri(const char *value, char *out, size_t size)
{
    const char *p = strchr(value, '<');

    if (p)
        copy(out, size, p + 1, strcspn(p + 1, ">"));
    else
        copy(out, size, value, strcspn(value, ";"));
}
