/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a case: lines, words, durations.
 * run.c walks the lines; what they mean is there.
 */
#include "replay.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "r");
    char *buf;
    size_t n;

    if (!f) {
        perror(path);
        return NULL;
    }
    buf = calloc(1, 1 << 20);
    n = buf ? fread(buf, 1, (1 << 20) - 1, f) : 0;
    if (buf)
        buf[n] = '\0';
    fclose(f);
    return buf;
}

struct script *script_load(const char *path)
{
    struct script *s = calloc(1, sizeof *s);
    unsigned number = 0;
    char *p;

    if (!s)
        return NULL;
    s->path = strdup(path);
    s->buf = read_all(path);
    s->line = calloc(8192, sizeof *s->line);
    if (!s->buf || !s->line || !s->path) {
        script_free(s);
        return NULL;
    }
    for (p = s->buf; *p && s->n < 8192;) {
        char *end = strchr(p, '\n'), *text = p;
        struct line *l = &s->line[s->n];

        if (end)
            *end = '\0';
        number++;
        while (*text == ' ' || *text == '\t')
            text++;
        l->indented = text != p;
        l->number = number;
        l->text = text;
        if ((*text && *text != '#') || l->indented)
            s->n++;
        p = end ? end + 1 : p + strlen(p);
    }
    return s;
}

void script_free(struct script *s)
{
    if (!s)
        return;
    free(s->path);
    free(s->buf);
    free(s->line);
    free(s);
}

unsigned script_words(char *text, char *word[WORDS_MAX])
{
    unsigned n = 0;
    char *in = text;

    while (*in && n < WORDS_MAX) {
        char *out;
        bool quoted = false;

        while (isspace((unsigned char)*in))
            in++;
        if (!*in || *in == '#')
            break;
        word[n++] = out = in;
        while (*in && (quoted || !isspace((unsigned char)*in))) {
            if (*in == '\\' && in[1] == '"') {
                *out++ = '"';
                in += 2;
            } else if (*in == '"') {
                quoted = !quoted;
                in++;
            } else {
                *out++ = *in++;
            }
        }
        if (*in)
            in++;
        *out = '\0';
    }
    return n;
}

int64_t script_duration(const char *text)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text || v < 0)
        return -1;
    if (strcmp(end, "ms") == 0)
        return (int64_t)v;
    if (strcmp(end, "s") == 0)
        return (int64_t)(v * 1000);
    if (strcmp(end, "m") == 0)
        return (int64_t)(v * 60000);
    if (strcmp(end, "h") == 0)
        return (int64_t)(v * 3600000);
    return -1;
}
