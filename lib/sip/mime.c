/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multipart bodies split into parts, within bounds of count, depth and size.
 * Called by lib/call/bodies.c on text from the wire; knows no message.
 */
#include "sip/mime.h"

#include <errno.h>
#include "sip/hdr.h"
#include "sip/lex.h"

bool mime_is_multipart(struct span type)
{
    struct span head = {type.p, type.len < 10 ? type.len : 10};

    return span_case_eq(head, SPAN("multipart/"));
}

/* Quotes removed; an escaped pair in a boundary is nobody's: RFC 2046 has none of those characters in it. */
static int boundary_of(struct span content_type, struct span *out)
{
    struct span type, params;

    if (!span_cut(content_type, ';', &type, &params))
        return -EBADMSG;
    params.p--; /* with its ';' */
    params.len++;
    if (!hdr_param(params, SPAN("boundary"), out))
        return -EBADMSG;
    if (out->len >= 2 && out->p[0] == '"') {
        out->p++;
        out->len -= 2;
    }
    return out->len > 0 && out->len <= MIME_BOUNDARY_MAX && span_chr(*out, '\\') < 0 ? 0 : -EBADMSG;
}

struct line {
    struct span text; /* without its end */
    const char *next;
};

static bool line_next(const char *p, const char *end, struct line *out)
{
    const char *nl;

    if (p >= end)
        return false;
    nl = memchr(p, '\n', (size_t)(end - p));
    out->next = nl ? nl + 1 : end;
    out->text = lex_span(p, nl ? nl : end);
    if (out->text.len > 0 && nl && out->text.p[out->text.len - 1] == '\r')
        out->text.len--;
    return true;
}

enum delimiter { DELIMITER_NONE, DELIMITER_PART, DELIMITER_CLOSE };

/* "--boundary", then "--" if it is the last; blanks may follow (RFC 2046 §5.1.1). */
static enum delimiter delimiter_of(struct span line, struct span boundary)
{
    struct span rest;
    enum delimiter d = DELIMITER_PART;

    if (line.len < boundary.len + 2 || line.p[0] != '-' || line.p[1] != '-' ||
        memcmp(line.p + 2, boundary.p, boundary.len) != 0)
        return DELIMITER_NONE;
    rest = lex_span(line.p + 2 + boundary.len, line.p + line.len);
    if (rest.len >= 2 && rest.p[0] == '-' && rest.p[1] == '-') {
        d = DELIMITER_CLOSE;
        rest = lex_span(rest.p + 2, line.p + line.len);
    }
    for (size_t i = 0; i < rest.len; i++)
        if (rest.p[i] != ' ' && rest.p[i] != '\t')
            return DELIMITER_NONE;
    return d;
}

static struct span type_only(struct span value)
{
    struct span type, rest;

    span_cut(value, ';', &type, &rest);
    return span_trim(type);
}

static void head_line(struct mime_part *p, const struct hdr *h, struct span *full_type)
{
    if (h->id == HDR_CONTENT_TYPE) {
        *full_type = h->value;
        p->type = type_only(h->value);
    } else if (h->id == HDR_CONTENT_DISPOSITION) {
        ptrdiff_t at = span_chr(h->value, ';');
        struct span handling;

        p->disposition = type_only(h->value);
        if (at >= 0 && hdr_param((struct span){h->value.p + at, h->value.len - (size_t)at},
                                 SPAN("handling"), &handling)) {
            p->required = span_case_eq(handling, SPAN("required"));
            p->optional = span_case_eq(handling, SPAN("optional"));
        }
    } else if (span_case_eq(h->name, SPAN("Content-ID"))) {
        p->id = h->value;
        if (p->id.len >= 2 && p->id.p[0] == '<' && p->id.p[p->id.len - 1] == '>')
            p->id = (struct span){p->id.p + 1, p->id.len - 2};
    } else if (span_case_eq(h->name, SPAN("Content-Transfer-Encoding"))) {
        p->encoding = h->value;
    }
}

/* Head and body of the text between two boundaries. */
static int part_split(struct span text, struct mime_part *p, struct span *full_type)
{
    struct span rest = text;
    struct hdr h;
    int rc;

    *full_type = SPAN_NONE;
    for (;;) {
        const char *at = rest.p;

        rc = hdr_next(&rest, &h);
        if (rc < 0)
            return -EBADMSG;
        if ((size_t)(rest.p - text.p) > MIME_HEAD_MAX)
            return -E2BIG;
        if (rc == 0) {
            p->head = lex_span(text.p, at);
            p->body = rest;
            return 0;
        }
        head_line(p, &h, full_type);
    }
}

static int parse_level(struct mime *m, struct span content_type, struct span body, unsigned depth);

/* The line end before a boundary belongs to it. */
static void cut_line_end(struct span *s)
{
    if (s->len > 0 && s->p[s->len - 1] == '\n')
        s->len--;
    if (s->len > 0 && s->p[s->len - 1] == '\r')
        s->len--;
}

static int part_add(struct mime *m, const char *from, const char *to, unsigned depth)
{
    struct mime_part p = {.depth = (uint8_t)depth};
    struct span full_type;
    int rc = part_split(lex_span(from, to), &p, &full_type);

    if (rc < 0)
        return rc;
    cut_line_end(&p.body);
    if (mime_is_multipart(p.type))
        return parse_level(m, full_type, p.body, depth + 1);
    if (m->n == MIME_PARTS_MAX)
        return -E2BIG;
    m->part[m->n++] = p;
    return 0;
}

static int parse_level(struct mime *m, struct span content_type, struct span body, unsigned depth)
{
    const char *p = body.p, *end = body.len ? body.p + body.len : body.p, *part = NULL;
    struct span boundary;
    struct line line;
    int rc;

    if (depth > MIME_DEPTH_MAX)
        return -E2BIG;
    if (boundary_of(content_type, &boundary) < 0)
        return -EBADMSG;
    for (; line_next(p, end, &line); p = line.next) {
        enum delimiter d = delimiter_of(line.text, boundary);

        if (d == DELIMITER_NONE)
            continue;
        if (part) {
            rc = part_add(m, part, p, depth);
            if (rc < 0)
                return rc;
        }
        if (d == DELIMITER_CLOSE)
            return part ? 0 : -EBADMSG;
        part = line.next;
    }
    return -EBADMSG; /* cut off */
}

int mime_parse(struct mime *m, struct span content_type, struct span body)
{
    m->n = 0;
    return parse_level(m, content_type, body, 1);
}

const struct mime_part *mime_find(const struct mime *m, struct span type)
{
    for (unsigned i = 0; i < m->n; i++)
        if (span_case_eq(m->part[i].type, type))
            return &m->part[i];
    return NULL;
}
