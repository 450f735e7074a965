/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The canonical layout of a configuration file. Works line by line on what the lexer sees, with the schema's keywords.
 * tandemctl fmt calls it; whether the configuration makes sense is not its question.
 */
#include "config/fmt.h"

#include <errno.h>
#include <string.h>

#include "config/errors.h"
#include "config/parse.h"

#define COLUMN_VALUE   18 /* fits all but three keywords, as the shipped files have always been */
#define COLUMN_COMMENT 44

struct fmt {
    FILE *out;
    const struct section *section; /* open; NULL: none or unknown */
    bool any, blank;               /* something was written; an empty line is due */
    bool attached; /* the last line was a comment in column 1: it belongs to the section below */
    struct lex_line line;
};

/* Takes the next line without its end. */
static bool take_line(struct span *text, struct span *raw)
{
    const char *nl;

    if (text->len == 0)
        return false;
    nl = memchr(text->p, '\n', text->len);
    *raw = (struct span){text->p, nl ? (size_t)(nl - text->p) : text->len};
    text->len -= raw->len + (nl ? 1 : 0);
    text->p += raw->len + (nl ? 1 : 0);
    while (raw->len > 0 && strchr(" \t\r", raw->p[raw->len - 1]))
        raw->len--;
    return true;
}

static struct span comment_of(struct span raw, const struct lex_line *l)
{
    const struct lex_token *last = l->n ? &l->tok[l->n - 1] : NULL;
    size_t i = last ? last->col - 1U + last->width : 0;

    while (i < raw.len && (raw.p[i] == ' ' || raw.p[i] == '\t'))
        i++;
    return (struct span){raw.p + i, raw.len - i};
}

static const struct section *section_named(struct span word)
{
    uint32_t i;

    for (i = 0; parse_sections[i]; i++)
        if (span_eq(word, span_of(parse_sections[i]->word)))
            return parse_sections[i];
    return NULL;
}

static bool is_prefix(struct span s)
{
    return s.len > 0 && (s.p[0] == '+' || (s.p[0] >= '0' && s.p[0] <= '9'));
}

/* How many words are the head of a statement: the keyword's, and of a route's line its prefixes. */
static uint32_t head_words(const struct fmt *f)
{
    const struct section *s = f->section;
    const struct lex_line *l = &f->line;
    uint32_t i, n = 1;

    for (i = 0; s && i < s->n_kw; i++) {
        if (s->kw[i].sub && l->n > 1 && span_eq(l->tok[0].s, span_of(s->kw[i].word)) &&
            span_eq(l->tok[1].s, span_of(s->kw[i].sub)))
            n = 2;
    }
    if (s == &section_route && span_eq(l->tok[0].s, SPAN("prefix")))
        while (n < l->n && is_prefix(l->tok[n].s))
            n++;
    return n;
}

static size_t pad(FILE *out, size_t at, size_t column)
{
    size_t n = at < column ? column - at : 1;

    fprintf(out, "%*s", (int)n, "");
    return at + n;
}

/* A value as it was written, quotes and all. */
static size_t put_token(FILE *out, struct span raw, const struct lex_token *t)
{
    fwrite(raw.p + t->col - 1, 1, t->width, out);
    return t->width;
}

static size_t put_words(struct fmt *f, struct span raw, bool indented)
{
    const struct lex_line *l = &f->line;
    uint32_t head = indented ? head_words(f) : l->n, i;
    size_t at = indented ? pad(f->out, 0, 2) : 0;

    for (i = 0; i < l->n; i++) {
        if (i == head)
            at = pad(f->out, at, COLUMN_VALUE);
        else if (i > 0)
            at = pad(f->out, at, at + 1);
        at += put_token(f->out, raw, &l->tok[i]);
    }
    return at;
}

static void put_comment(struct fmt *f, size_t at, struct span comment)
{
    if (comment.len == 0)
        return;
    if (at > 0)
        pad(f->out, at, at + 2 > COLUMN_COMMENT ? at + 2 : COLUMN_COMMENT);
    fwrite(comment.p, 1, comment.len, f->out);
}

/* Empty lines that were there, and the one before a section or before the comment that stands on it. */
static void put_blank(struct fmt *f, bool own)
{
    if (f->any && (f->blank || own))
        putc('\n', f->out);
    f->any = true;
    f->blank = false;
}

static void put_line(struct fmt *f, struct span raw)
{
    bool indented = raw.len > 0 && (raw.p[0] == ' ' || raw.p[0] == '\t');
    struct span comment = comment_of(raw, &f->line);
    size_t at = 0;

    if (f->line.n == 0 && comment.len == 0) {
        f->blank = true;
        f->attached = false;
        return;
    }
    if (f->line.n == 0) { /* column 1 ends the section above for the eye */
        put_blank(f, !indented && f->section && !f->attached);
        if (indented)
            pad(f->out, 0, 2);
        f->attached = !indented;
    } else {
        put_blank(f, !indented && !f->attached);
        if (!indented)
            f->section = section_named(f->line.tok[0].s);
        at = put_words(f, raw, indented);
        f->attached = false;
    }
    put_comment(f, at, comment);
    putc('\n', f->out);
}

/* What the lexer says of one line. @return 0, or -EINVAL: reported */
static int lex_one(struct fmt *f, const char *name, struct span raw, uint32_t no,
                   struct conf_errors *errs)
{
    struct lex_fault fault;
    struct lexer lx;
    enum lex_result r;

    lex_init(&lx, raw);
    r = lex_next(&lx, &f->line, &fault);
    if (r == LEX_END)
        f->line.n = 0;
    if (r != LEX_FAULT)
        return 0;
    if (raw.len > CONF_LINE_MAX)
        raw.len = CONF_LINE_MAX;
    conf_error_in_file(errs, CONF_ERROR, name, no, fault.col, fault.width, raw, "%s", fault.why);
    return -EINVAL;
}

int fmt_text(const char *name, struct span text, FILE *out, struct conf_errors *errs)
{
    struct fmt f = {.out = out};
    struct span raw;
    uint32_t no = 0;
    int err = 0;

    while (take_line(&text, &raw)) {
        if (lex_one(&f, name, raw, ++no, errs) < 0)
            err = -EINVAL;
        else
            put_line(&f, raw);
    }
    if (err == 0 && fflush(out) != 0)
        err = -EIO;
    return ferror(out) && err == 0 ? -EIO : err;
}
