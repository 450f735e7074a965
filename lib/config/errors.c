/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Collects messages about a configuration with their source line, and guesses what was meant.
 * The other files of lib/config call it; it must not know what a message is about.
 */
#include "config/errors.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/lexer.h"

/* 100 messages with their source lines of at most 4 KiB, names and texts: well below 1 MiB. */
#define ERRORS_ARENA_MAX   ((size_t)1 << 20)
#define ERRORS_ARENA_CHUNK 4096

void errors_init(struct conf_errors *errs)
{
    memset(errs, 0, sizeof(*errs));
    arena_init(&errs->arena, ERRORS_ARENA_CHUNK, ERRORS_ARENA_MAX);
}

void conf_errors_fini(struct conf_errors *errs)
{
    arena_fini(&errs->arena);
    memset(errs, 0, sizeof(*errs));
}

static const char *keep(struct conf_errors *errs, struct span s)
{
    const char *copy = arena_strdup(&errs->arena, s);

    return copy ? copy : "";
}

/* The line as a C string: a NUL in it may not end it, the columns behind count. */
static const char *keep_source(struct conf_errors *errs, struct span s)
{
    char *copy = arena_strdup(&errs->arena, s);
    size_t i;

    if (!copy)
        return "";
    for (i = 0; i < s.len; i++) {
        if (copy[i] == '\0')
            copy[i] = '?';
    }
    return copy;
}

void errors_add(struct conf_errors *errs, enum conf_severity sev, const struct err_place *at,
                const char *text)
{
    struct conf_error *e;

    if (sev == CONF_ERROR)
        errs->errors++;
    else
        errs->warnings++;
    if (!errs->v)
        errs->v = arena_alloc(&errs->arena, CONF_ERRORS_MAX * sizeof(*errs->v));
    if (!errs->v || errs->n >= CONF_ERRORS_MAX)
        return;
    e = &errs->v[errs->n++];
    *e = (struct conf_error){.severity = sev, .line = at->line, .file_id = at->file_id};
    e->file = keep(errs, span_of(at->file));
    e->text = keep(errs, span_of(text));
    e->source = keep_source(errs, at->source);
    e->meant = at->meant ? keep(errs, span_of(at->meant)) : NULL;
    e->col = at->col > at->source.len + 1 ? (uint32_t)at->source.len + 1 : at->col;
    if (e->col == 0)
        e->col = 1;
    e->width = at->width > 0 ? at->width : 1;
    if (e->col - 1 + e->width > at->source.len)
        e->width = e->col <= at->source.len ? (uint32_t)at->source.len - e->col + 1 : 1;
}

void conf_error_in_file(struct conf_errors *errs, enum conf_severity sev, const char *file,
                        uint32_t line, uint32_t col, uint32_t width, struct span source,
                        const char *fmt, ...)
{
    /* Behind all files of the configuration, in the order of reading: sorting keeps each file's messages together. */
    struct err_place at = {.file_id = UINT16_MAX,
                           .file = file,
                           .line = line,
                           .col = col,
                           .width = width,
                           .source = source};
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    errors_add(errs, sev, &at, text);
}

/* Line `no` of a file, into buf. It may have changed since it was read: then the message shows what stands there now. */
static struct span line_of_file(const char *path, uint32_t no, char *buf, size_t size)
{
    FILE *f = fopen(path, "re");
    size_t len = 0;
    uint32_t at = 1;
    int c;

    while (f && at <= no && (c = fgetc(f)) != EOF) {
        if (at == no && c != '\n' && len < size)
            buf[len++] = (char)c;
        at += c == '\n';
    }
    if (f)
        fclose(f);
    return (struct span){buf, len};
}

/* What files say of a place follows from what is wrong with it already. Not looked for when the list is full. */
static bool has_error_at(const struct conf_errors *errs, const struct err_place *at)
{
    uint32_t i;

    for (i = 0; i < errs->n && errs->n < CONF_ERRORS_MAX && at->line > 0 && at->col > 0; i++) {
        const struct conf_error *e = &errs->v[i];

        if (e->severity == CONF_ERROR && e->line == at->line && e->col == at->col &&
            strcmp(e->file, at->file) == 0)
            return true;
    }
    return false;
}

static void error_at(struct conf_errors *errs, enum conf_severity sev, const struct conf *conf,
                     const struct err_place *place, const char *text)
{
    char line[CONF_LINE_MAX];
    struct err_place at = *place;

    at.file = conf_loc_file(conf, &(struct conf_loc){.file = at.file_id, .line = at.line});
    if (sev == CONF_ERROR && has_error_at(errs, &at))
        return;
    at.source = line_of_file(at.file, at.line, line, sizeof(line));
    if (!place->width)
        while (at.col > 0 && at.col + at.width <= at.source.len &&
               !strchr(" \t#", at.source.p[at.col - 1 + at.width]))
            at.width++;
    errors_add(errs, sev, &at, text);
}

void conf_error_at(struct conf_errors *errs, enum conf_severity sev, const struct conf *conf,
                   struct conf_loc loc, uint32_t width, const char *fmt, ...)
{
    struct err_place at = {.file_id = loc.file, .line = loc.line, .col = loc.col, .width = width};
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    error_at(errs, sev, conf, &at, text);
}

void conf_error_meant(struct conf_errors *errs, const struct conf *conf, struct conf_loc loc,
                      const char *meant, const char *fmt, ...)
{
    struct err_place at = {.file_id = loc.file, .line = loc.line, .col = loc.col, .meant = meant};
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    error_at(errs, CONF_ERROR, conf, &at, text);
}

static int by_place(const void *va, const void *vb)
{
    const struct conf_error *a = va, *b = vb;

    if (a->file_id != b->file_id)
        return a->file_id < b->file_id ? -1 : 1;
    if (a->file_id == UINT16_MAX && strcmp(a->file, b->file) != 0)
        return strcmp(a->file, b->file);
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->col != b->col)
        return a->col < b->col ? -1 : 1;
    return strcmp(a->text, b->text); /* qsort is not stable; the output must be */
}

void errors_sort(struct conf_errors *errs)
{
    if (errs->n > 1)
        qsort(errs->v, errs->n, sizeof(*errs->v), by_place);
}

/* A byte as it may go to a terminal. */
static char printable(char c)
{
    unsigned char u = (unsigned char)c;

    return u < 0x20 || u == 0x7f ? (c == '\t' ? ' ' : '?') : c;
}

/* UTF-8 continuation bytes take no column of their own. */
static bool takes_column(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

static void print_marks(FILE *out, const struct conf_error *e)
{
    size_t len = strlen(e->source), i;

    fputs("      | ", out);
    for (i = 0; i < e->col - 1; i++) {
        if (takes_column(e->source[i]))
            fputc(' ', out);
    }
    for (i = e->col - 1; i < e->col - 1 + e->width; i++) {
        if (i >= len || takes_column(e->source[i]))
            fputc('^', out);
    }
    fputc('\n', out);
}

static void print_one(FILE *out, const struct conf_error *e)
{
    const char *word = e->severity == CONF_ERROR ? "error" : "warning";
    size_t i;

    if (e->line == 0) {
        fprintf(out, "%s: %s: %s\n", e->file, word, e->text);
        return;
    }
    fprintf(out, "%s:%u:%u: %s: %s", e->file, e->line, e->col, word, e->text);
    if (e->meant)
        fprintf(out, "; did you mean '%s'?", e->meant);
    fprintf(out, "\n%5u | ", e->line);
    for (i = 0; e->source[i]; i++)
        fputc(printable(e->source[i]), out);
    fputc('\n', out);
    print_marks(out, e);
}

void conf_print_errors(FILE *out, const struct conf_errors *errs)
{
    uint32_t i, all = errs->errors + errs->warnings;

    for (i = 0; i < errs->n; i++)
        print_one(out, &errs->v[i]);
    if (all > errs->n)
        fprintf(out, "and %u more\n", all - errs->n);
}

/* ---- what was meant ---- */

#define NEAREST_LEN_MAX 64 /* longer words are no keywords or names */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;

    return m < c ? m : c;
}

unsigned edit_distance(struct span a, struct span b, unsigned max)
{
    unsigned row[3][NEAREST_LEN_MAX + 1], *prev2 = row[0], *prev = row[1], *cur = row[2], *t;
    size_t i, j;

    if (a.len > NEAREST_LEN_MAX || b.len > NEAREST_LEN_MAX || a.len > b.len + max ||
        b.len > a.len + max)
        return max + 1;
    for (j = 0; j <= b.len; j++)
        prev[j] = (unsigned)j;
    for (i = 1; i <= a.len; i++) {
        cur[0] = (unsigned)i;
        for (j = 1; j <= b.len; j++) {
            unsigned cost = a.p[i - 1] != b.p[j - 1];

            cur[j] = min3(prev[j] + 1, cur[j - 1] + 1, prev[j - 1] + cost);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                prev2[j - 2] + 1 < cur[j])
                cur[j] = prev2[j - 2] + 1;
        }
        t = prev2;
        prev2 = prev;
        prev = cur;
        cur = t;
    }
    return prev[b.len] > max ? max + 1 : prev[b.len];
}

void nearest_init(struct nearest *n, struct span word)
{
    n->word = word;
    n->best = NULL;
    n->distance = word.len <= 3 ? 2 : 3; /* a candidate must be nearer than this */
}

void nearest_try(struct nearest *n, const char *candidate)
{
    unsigned d = edit_distance(n->word, span_of(candidate), n->distance - 1);

    if (span_case_eq(n->word, span_of(candidate)) && !span_eq(n->word, span_of(candidate))) {
        n->distance = 1; /* nothing is nearer: only the case is wrong */
        n->best = candidate;
        return;
    }
    if (d > 0 && d < n->distance && d < n->word.len) {
        n->distance = d;
        n->best = candidate;
    }
}
