/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formats of an m-line: static names of RFC 3551 and what rtpmap says.
 * Called by sdp_answer and by call/; it keeps nothing and knows no codec's meaning.
 */
#include "sip/sdp_format.h"

#include <string.h>

/* RFC 3551 §6: names that need no rtpmap. */
static struct span static_name(struct span pt)
{
    static const struct {
        const char *pt, *name;
    } tab[] = {{"0", "PCMU/8000"},  {"3", "GSM/8000"},     {"4", "G723/8000"},  {"8", "PCMA/8000"},
               {"9", "G722/8000"},  {"10", "L16/44100/2"}, {"11", "L16/44100"}, {"13", "CN/8000"},
               {"15", "G728/8000"}, {"18", "G729/8000"}};

    for (size_t i = 0; pt.len && pt.len <= 2 && i < sizeof tab / sizeof tab[0]; i++)
        if (span_eq(pt, span_of(tab[i].pt)))
            return span_of(tab[i].name);
    return pt;
}

bool sdp_format_line(struct span *rest, struct span *raw, struct span *line)
{
    const char *nl;
    size_t len;

    if (rest->len == 0)
        return false;
    nl = memchr(rest->p, '\n', rest->len);
    len = nl ? (size_t)(nl - rest->p) + 1 : rest->len;
    *raw = (struct span){rest->p, len};
    *line = span_trim(*raw);
    rest->p += len;
    rest->len -= len;
    return true;
}

bool sdp_format_of_line(struct span line, struct span *fmt, struct span *value)
{
    static const struct span attrs[] = {{"a=rtpmap:", 9}, {"a=fmtp:", 7}, {"a=rtcp-fb:", 10}};
    struct span rest;

    for (size_t i = 0; i < sizeof attrs / sizeof attrs[0]; i++)
        if (span_has_prefix(line, attrs[i])) {
            rest = (struct span){line.p + attrs[i].len, line.len - attrs[i].len};
            span_cut(rest, ' ', fmt, value);
            *value = span_trim(*value);
            return true;
        }
    return false;
}

void sdp_formats(const struct sdp_media *m, struct sdp_formats *out)
{
    struct span rest = m->fmt, one, raw, line, fmt, value;

    out->n = 0;
    while (!span_is_empty(rest) && out->n < SDP_FORMATS_MAX) {
        span_cut(rest, ' ', &one, &rest);
        if (span_is_empty(one))
            continue;
        out->v[out->n++] = (struct sdp_format){one, static_name(one)};
    }
    rest = m->lines;
    while (sdp_format_line(&rest, &raw, &line)) {
        if (!span_has_prefix(line, SPAN("a=rtpmap:")) || !sdp_format_of_line(line, &fmt, &value))
            continue;
        for (unsigned i = 0; i < out->n; i++)
            if (span_eq(out->v[i].fmt, fmt))
                out->v[i].name = value;
    }
}

/* "PCMA/8000/1" is "PCMA/8000" (RFC 8866 §6.6). */
static struct span plain_name(struct span name)
{
    if (name.len > 2 && name.p[name.len - 2] == '/' && name.p[name.len - 1] == '1')
        name.len -= 2;
    return name;
}

int sdp_format_find(const struct sdp_formats *f, struct span name)
{
    for (unsigned i = 0; i < f->n; i++)
        if (span_case_eq(plain_name(f->v[i].name), plain_name(name)))
            return (int)i;
    return -1;
}

uint32_t sdp_format_clock(struct span name, struct span *encoding)
{
    struct span rest, rate;
    uint32_t hz;

    if (!span_cut(name, '/', encoding, &rest))
        return 0;
    span_cut(rest, '/', &rate, &rest);
    return span_u32(rate, UINT32_MAX, &hz) == 0 ? hz : 0;
}

bool sdp_format_is_aside(struct span name)
{
    struct span codec, rate;

    span_cut(name, '/', &codec, &rate);
    return span_case_eq(codec, SPAN("telephone-event")) || span_case_eq(codec, SPAN("CN")) ||
           span_case_eq(codec, SPAN("RED"));
}

int sdp_format_pt(struct span fmt)
{
    uint32_t pt;

    return span_u32(fmt, 127, &pt) == 0 ? (int)pt : -1;
}
