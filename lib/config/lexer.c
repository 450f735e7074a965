/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts configuration text into lines and values, each with its column.
 * load.c calls it; it knows neither keywords nor files.
 */
#include "config/lexer.h"

#include <string.h>

void lex_init(struct lexer *lx, struct span text)
{
    lx->p = text.p;
    lx->end = text.p + text.len;
    lx->no = 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Bytes that no terminal should be sent back: they would also hide what a line says. */
static bool is_control(char c)
{
    unsigned char u = (unsigned char)c;

    return (u < 0x20 && u != '\t') || u == 0x7f;
}

/* Take the next line without LF and CR. */
static bool next_raw(struct lexer *lx, struct span *raw)
{
    const char *nl;

    if (lx->p >= lx->end)
        return false;
    nl = memchr(lx->p, '\n', (size_t)(lx->end - lx->p));
    raw->p = lx->p;
    raw->len = (size_t)((nl ? nl : lx->end) - lx->p);
    lx->p = nl ? nl + 1 : lx->end;
    lx->no++;
    if (raw->len > 0 && raw->p[raw->len - 1] == '\r')
        raw->len--;
    return true;
}

static enum lex_result set_fault(struct lex_fault *f, size_t at, size_t width, const char *why)
{
    f->col = (uint16_t)(at + 1);
    f->width = (uint16_t)(width > 0 ? width : 1);
    f->why = why;
    return LEX_FAULT;
}

/* One value from raw.p[*at]; LEX_END is "value taken". */
static enum lex_result take_value(struct span raw, size_t *at, struct lex_token *t,
                                  struct lex_fault *f)
{
    size_t from = *at, i = from;
    const char *close;

    t->quoted = raw.p[i] == '"';
    if (t->quoted) {
        close = memchr(raw.p + i + 1, '"', raw.len - i - 1);
        if (!close)
            return set_fault(f, from, raw.len - from, "quote without its end on this line");
        t->s = (struct span){raw.p + i + 1, (size_t)(close - raw.p) - i - 1};
        i = (size_t)(close - raw.p) + 1;
        if (i < raw.len && !is_blank(raw.p[i]))
            return set_fault(f, i, 1, "a space must follow a closing quote");
    } else {
        while (i < raw.len && !is_blank(raw.p[i])) {
            if (raw.p[i] == '"')
                return set_fault(f, i, 1, "a quote may only begin a value");
            i++;
        }
        t->s = (struct span){raw.p + from, i - from};
    }
    t->col = (uint16_t)(from + 1);
    t->width = (uint16_t)(i - from);
    *at = i;
    return LEX_END;
}

static enum lex_result split(struct span raw, struct lex_line *line, struct lex_fault *f)
{
    size_t i;

    if (raw.len > CONF_LINE_MAX)
        return set_fault(f, CONF_LINE_MAX - 1, 1, "line is longer than 4096 bytes");
    for (i = 0; i < raw.len; i++) {
        if (is_control(raw.p[i]))
            return set_fault(f, i, 1, "control character");
    }
    line->n = 0;
    line->indented = raw.len > 0 && is_blank(raw.p[0]);
    for (i = 0;;) {
        while (i < raw.len && is_blank(raw.p[i]))
            i++;
        if (i >= raw.len || raw.p[i] == '#')
            return LEX_LINE;
        if (line->n >= CONF_VALUES_MAX)
            return set_fault(f, i, 1, "more than 128 values on one line");
        if (take_value(raw, &i, &line->tok[line->n], f) == LEX_FAULT)
            return LEX_FAULT;
        line->n++;
    }
}

enum lex_result lex_next(struct lexer *lx, struct lex_line *line, struct lex_fault *fault)
{
    struct span raw;
    enum lex_result r;

    while (next_raw(lx, &raw)) {
        r = split(raw, line, fault);
        line->no = lx->no;
        fault->no = lx->no;
        if (r == LEX_FAULT || line->n > 0)
            return r;
    }
    return LEX_END;
}

struct span lex_source_line(struct span text, uint32_t no)
{
    struct lexer lx;
    struct span raw = SPAN_NONE;

    lex_init(&lx, text);
    while (next_raw(&lx, &raw)) {
        if (lx.no == no)
            return (struct span){raw.p, raw.len > CONF_LINE_MAX ? CONF_LINE_MAX : raw.len};
    }
    return SPAN_NONE;
}
