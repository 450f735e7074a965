/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Header names, header lines and comma lists.
 * Called by peek, msg, build and gate.
 * Knows no header's grammar.
 */
#include <errno.h>
#include <string.h>
#include "sip/hdr.h"
#include "sip/lex.h"

#define HDR_NAME_MAX 29 /* P-Charging-Function-Addresses */

static const struct span hdr_names[HDR_N] = {
#define HDR_X(id, name, compact) [HDR_##id] = {name, sizeof(name) - 1},
    HDR_LIST(HDR_X)
#undef HDR_X
};

/* First header whose name has this length; 0: there is none. */
static const uint8_t hdr_by_len[HDR_NAME_MAX + 1] = {
    [2] = HDR_TO,
    [3] = HDR_VIA,
    [4] = HDR_CSEQ,
    [5] = HDR_ALLOW,
    [6] = HDR_ACCEPT,
    [7] = HDR_CALL_ID,
    [8] = HDR_IDENTITY,
    [9] = HDR_CALL_INFO,
    [10] = HDR_ALERT_INFO,
    [11] = HDR_GEOLOCATION,
    [12] = HDR_ALLOW_EVENTS,
    [13] = HDR_AUTHORIZATION,
    [14] = HDR_REJECT_CONTACT,
    [15] = HDR_ACCEPT_ENCODING,
    [16] = HDR_CONTENT_ENCODING,
    [17] = HDR_P_CHARGING_VECTOR,
    [18] = HDR_PROXY_AUTHENTICATE,
    [19] = HDR_AUTHENTICATION_INFO,
    [20] = HDR_P_PREFERRED_IDENTITY,
    [21] = HDR_P_ACCESS_NETWORK_INFO,
    [29] = HDR_P_CHARGING_FUNCTION_ADDRESSES,
};

struct span hdr_name(enum hdr_id id)
{
    return id < HDR_N ? hdr_names[id] : SPAN_NONE;
}

/* A compact form is one letter (RFC 3261 §7.3.3 and the registry). */
static enum hdr_id compact_id(char c)
{
    static const char letters[] = "tvfoimsyrkbcunjalxed";
    static const uint8_t ids[] = {
        HDR_TO,
        HDR_VIA,
        HDR_FROM,
        HDR_EVENT,
        HDR_CALL_ID,
        HDR_CONTACT,
        HDR_SUBJECT,
        HDR_IDENTITY,
        HDR_REFER_TO,
        HDR_SUPPORTED,
        HDR_REFERRED_BY,
        HDR_CONTENT_TYPE,
        HDR_ALLOW_EVENTS,
        HDR_IDENTITY_INFO,
        HDR_REJECT_CONTACT,
        HDR_ACCEPT_CONTACT,
        HDR_CONTENT_LENGTH,
        HDR_SESSION_EXPIRES,
        HDR_CONTENT_ENCODING,
        HDR_REQUEST_DISPOSITION,
    };
    const char *p = lex_is(c, LEX_ALPHA) ? strchr(letters, c | 0x20) : NULL;

    return p ? (enum hdr_id)ids[p - letters] : HDR_OTHER;
}

enum hdr_id hdr_id_of(struct span name)
{
    if (name.len <= 1) {
        return name.len == 1 ? compact_id(*name.p) : HDR_OTHER;
    }
    if (name.len > HDR_NAME_MAX || hdr_by_len[name.len] == 0) {
        return HDR_OTHER;
    }
    for (unsigned i = hdr_by_len[name.len]; i < HDR_N && hdr_names[i].len == name.len; i++) {
        const struct span *n = &hdr_names[i];

        if (((n->p[0] ^ name.p[0]) & 0xdf) == 0 &&
            (memcmp(n->p, name.p, name.len) == 0 || span_case_eq(*n, name))) {
            return (enum hdr_id)i;
        }
    }
    return HDR_OTHER;
}

/* Behind the line at p, folds included; *text_end is where its text stops. NULL: the text ends before the line does. */
static const char *line_end(const char *p, const char *end, const char **text_end)
{
    for (;;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));

        if (nl == NULL) {
            return NULL;
        }
        if (nl + 1 == end || (nl[1] != ' ' && nl[1] != '\t')) {
            *text_end = nl > p && nl[-1] == '\r' ? nl - 1 : nl;
            return nl + 1;
        }
        p = nl + 1;
    }
}

int hdr_next(struct span *rest, struct hdr *out)
{
    const char *p = rest->p, *end = p + rest->len, *stop, *next, *q;

    if (p < end && (*p == '\n' || (*p == '\r' && p + 1 < end && p[1] == '\n'))) {
        p += *p == '\r' ? 2 : 1;
        *rest = lex_span(p, end);
        return 0;
    }
    next = line_end(p, end, &stop);
    if (next == NULL) {
        *rest = lex_span(end, end);
        return -EBADMSG;
    }
    *rest = lex_span(next, end);
    out->raw = lex_span(p, stop);
    q = lex_skip(p, stop, LEX_TOKEN);
    out->name = lex_span(p, q);
    while (q < stop && (*q == ' ' || *q == '\t')) {
        q++;
    }
    if (out->name.len == 0 || q == stop || *q != ':') {
        return -EBADMSG;
    }
    out->id = hdr_id_of(out->name);
    out->value = lex_trim(lex_span(q + 1, stop));
    return 1;
}

/* Behind a comment "(…)", nested ones included; end if it never closes. */
static const char *skip_comment(const char *p, const char *end)
{
    int depth = 0;

    for (; p < end; p++) {
        if (*p == '\\') {
            p++;
        } else if (*p == '(') {
            depth++;
        } else if (*p == ')' && --depth == 0) {
            return p + 1;
        }
    }
    return end;
}

/* First comma of [p, end) that separates members, or end. */
static const char *member_end(const char *p, const char *end)
{
    if (!lex_find(p, end, ',')) { /* nearly always */
        return end;
    }
    while (p < end && *p != ',') {
        const char *q = NULL;

        if (*p == '"') {
            q = lex_quoted(p, end);
        } else if (*p == '<') {
            q = memchr(p, '>', (size_t)(end - p));
        } else if (*p == '(') {
            q = skip_comment(p, end);
        }
        p = q ? q : p + 1;
    }
    return p;
}

bool hdr_list_next(struct span *rest, struct span *item)
{
    const char *p = rest->p, *end;

    if (rest->len == 0) {
        return false;
    }
    end = p + rest->len;
    while (p < end) {
        const char *q = member_end(p, end);

        *item = lex_trim(lex_span(p, q));
        p = q < end ? q + 1 : end;
        if (item->len > 0) {
            *rest = lex_span(p, end);
            return true;
        }
    }
    *rest = lex_span(end, end);
    return false;
}

bool hdr_list_has(struct span list, struct span token)
{
    struct span item;

    while (hdr_list_next(&list, &item)) {
        if (span_case_eq(item, token)) {
            return true;
        }
    }
    return false;
}

bool hdr_param(struct span params, struct span name, struct span *value)
{
    const char *p = params.p, *end = params.len ? p + params.len : p;
    struct lex_param one;

    while ((p = lex_param(p, end, &one)) != NULL) {
        if (span_case_eq(one.name, name)) {
            if (value) {
                *value = one.value;
            }
            return true;
        }
    }
    return false;
}

uint16_t hdr_q(struct span params)
{
    unsigned q = 0, scale = 1000;
    struct span v;
    size_t i;

    if (!hdr_param(params, SPAN("q"), &v) || span_is_empty(v) || v.p[0] == '1')
        return 1000;
    i = v.p[0] == '0';
    if (i == v.len)
        return 0;
    if (v.p[i++] != '.')
        return 1000;
    for (; i < v.len; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return 1000;
        scale /= 10;
        q += (unsigned)(v.p[i] - '0') * scale;
    }
    return (uint16_t)q;
}
