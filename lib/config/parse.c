/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the statements of a text through the schema: sections, keywords, numbers of values.
 * load.c calls it for each file; it knows no keyword, only the tables.
 */
#include "config/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct section *const parse_sections[] = {
    &section_global,  &section_realm, &section_listen,   &section_media,
    &section_profile, &section_trunk, &section_group,    &section_customer,
    &section_numbers, &section_zone,  &section_ratedeck, &section_calendar,
    &section_lnp,     &section_sound, &section_route,    &section_cdr,
    &section_test,    NULL,
};

/* Sections that the language has and this version does not serve. */
static const char *const not_served[] = {
    "emergency", "priority", "mrf", "appserver", "stir", "fraud", "cluster", NULL,
};

/* Keywords, likewise, by section. Taking them in silence would be a promise. */
struct unserved {
    const char *section;
    const char *word;
};

static const struct unserved kw_not_served[] = {
    {"global", "trace"}, {"trunk", "hide-topology"}, {"trunk", "stir"}, {"cdr", "fields"},
    {NULL, NULL},
};

/* ---- memory ---- */

void *parse_zalloc(struct parser *p, struct arena *a, size_t bytes)
{
    void *m = arena_zalloc(a, bytes);

    if (!m)
        longjmp(p->oom, 1);
    return m;
}

const char *parse_strdup(struct parser *p, struct span s)
{
    char *copy = arena_strdup(&p->conf->arena, s);

    if (!copy)
        longjmp(p->oom, 1);
    return copy;
}

struct list_view parse_list_view(const void *list)
{
    struct list_view l;

    /* CONF_LIST is a pointer and a count, whatever it points to: read it as bytes. */
    memcpy(&l.v, list, sizeof(l.v));
    memcpy(&l.n, (const char *)list + sizeof(l.v), sizeof(l.n));
    return l;
}

void *parse_append(struct parser *p, struct arena *a, void *list, size_t size)
{
    struct list_view l = parse_list_view(list);

    /* Room doubles at 2, 4, 8, …: the count alone tells when. */
    if (l.n == 0 || (l.n >= 2 && (l.n & (l.n - 1)) == 0)) {
        size_t room = l.n == 0 ? 2 : (size_t)l.n * 2;

        l.v = l.n ? arena_realloc(a, l.v, l.n * size, room * size) : arena_alloc(a, room * size);
        if (!l.v)
            longjmp(p->oom, 1);
        memcpy(list, &l.v, sizeof(l.v));
    }
    memset(l.v + l.n * size, 0, size);
    l.n++;
    memcpy((char *)list + sizeof(l.v), &l.n, sizeof(l.n));
    return l.v + (l.n - 1) * size;
}

/* ---- messages ---- */

static void vreport(struct parser *p, enum conf_severity sev, const struct err_place *at,
                    const char *fmt, va_list ap)
{
    char
        text[512]; /* names are cut at 63 bytes by the callers' rules; longer values are cut here */

    vsnprintf(text, sizeof(text), fmt, ap);
    errors_add(p->errs, sev, at, text);
}

/* Bytes of the value that begins at `col`. */
static size_t value_width(struct span line, uint32_t col)
{
    size_t from = col - 1, i = from;
    bool quoted = i < line.len && line.p[i] == '"';

    for (i += quoted; i < line.len; i++) {
        if (quoted ? line.p[i] == '"' : line.p[i] == ' ' || line.p[i] == '\t')
            break;
    }
    return i - from + (quoted ? 1 : 0);
}

static struct err_place place_of(const struct parser *p, struct conf_loc loc, size_t width)
{
    const struct src *src = &p->src.v[loc.file];
    struct err_place at = {.file_id = loc.file, .file = src->name, .line = loc.line};

    at.col = loc.col;
    at.width = (uint32_t)width;
    /* Looking a line up walks the text: only for messages that will be kept. */
    if (p->errs->n < CONF_ERRORS_MAX)
        at.source = lex_source_line(src->text, loc.line);
    if (width == 0)
        at.width = (uint32_t)value_width(at.source, loc.col);
    return at;
}

void parse_error(struct parser *p, struct conf_loc loc, size_t width, const char *fmt, ...)
{
    struct err_place at = place_of(p, loc, width);
    va_list ap;

    va_start(ap, fmt);
    vreport(p, CONF_ERROR, &at, fmt, ap);
    va_end(ap);
}

void parse_error_meant(struct parser *p, struct conf_loc loc, size_t width, const char *meant,
                       const char *fmt, ...)
{
    struct err_place at = place_of(p, loc, width);
    va_list ap;

    at.meant = meant;
    va_start(ap, fmt);
    vreport(p, CONF_ERROR, &at, fmt, ap);
    va_end(ap);
}

void parse_warn(struct parser *p, struct conf_loc loc, size_t width, const char *fmt, ...)
{
    struct err_place at = place_of(p, loc, width);
    va_list ap;

    va_start(ap, fmt);
    vreport(p, CONF_WARNING, &at, fmt, ap);
    va_end(ap);
}

struct conf_loc parse_loc(const struct parser *p, const struct lex_token *t)
{
    return (struct conf_loc){.file = (uint16_t)(p->src.n - 1), .line = p->line.no, .col = t->col};
}

void parse_token_error(struct parser *p, const struct lex_token *t, const char *fmt, ...)
{
    struct err_place at = place_of(p, parse_loc(p, t), t->width);
    va_list ap;

    va_start(ap, fmt);
    vreport(p, CONF_ERROR, &at, fmt, ap);
    va_end(ap);
}

void parse_line_error(struct parser *p, const struct args *args, const char *fmt, ...)
{
    const struct lex_token *last = &args->tok[args->n - 1];
    struct conf_loc end = parse_loc(p, last);
    struct err_place at;
    va_list ap;

    end.col = (uint16_t)(last->col + last->width);
    at = place_of(p, end, 1);
    va_start(ap, fmt);
    vreport(p, CONF_ERROR, &at, fmt, ap);
    va_end(ap);
}

/* ---- sections ---- */

static void *list_of(struct parser *p, const struct section *s)
{
    return (char *)p->conf + s->list_off;
}

static void close_section(struct parser *p)
{
    const struct section *s = p->section;

    if (s && s->close)
        s->close(p, p->obj, p->errs->errors == p->errors_at_open);
    p->section = NULL;
    p->obj = NULL;
}

static void lose_name(struct parser *p, struct span name)
{
    struct lost_name *l = parse_zalloc(p, &p->scratch, sizeof(*l));

    l->name = name;
    l->next = p->lost;
    p->lost = l;
}

static void refuse_section(struct parser *p)
{
    const struct lex_token *t = &p->line.tok[0];
    struct nearest near;
    uint32_t i;

    p->passing_over = true;
    if (p->line.n > 1)
        lose_name(p, p->line.tok[1].s);
    for (i = 0; not_served[i]; i++) {
        if (span_eq(t->s, span_of(not_served[i]))) {
            parse_token_error(p, t, "section '%s' is not served by this version", not_served[i]);
            return;
        }
    }
    nearest_init(&near, t->s);
    for (i = 0; parse_sections[i]; i++)
        nearest_try(&near, parse_sections[i]->word);
    parse_error_meant(p, parse_loc(p, t), t->width, near.best, "unknown section '%.*s'",
                      SPAN_ARG(t->s));
}

static const struct section *find_section(struct span word)
{
    uint32_t i;

    for (i = 0; parse_sections[i]; i++) {
        if (span_eq(word, span_of(parse_sections[i]->word)))
            return parse_sections[i];
    }
    return NULL;
}

/* 200: a line of a report. */
#define FREE_NAME_MAX 200

static bool good_name(struct parser *p, const struct section *s, const struct lex_token *name)
{
    if (s->free_name && name->s.len > 0 && name->s.len <= FREE_NAME_MAX)
        return true;
    if (!s->free_name && value_is_name(name->s))
        return true;
    if (s->free_name)
        parse_token_error(p, name, "the name of a %s is a text of 1 to %u bytes, in quotes",
                          s->word, FREE_NAME_MAX);
    else
        parse_token_error(p, name,
                          "a name has 1 to 63 letters, digits, '-', '_' or '.' and begins "
                          "with a letter or digit");
    return false;
}

/* The object of a named section, or NULL: reported. */
static void *new_object(struct parser *p, const struct section *s)
{
    const struct lex_token *word = &p->line.tok[0], *name = &p->line.tok[1];
    struct conf_loc end = parse_loc(p, word);
    struct object *obj;

    if (p->line.n < 2) {
        end.col = (uint16_t)(word->col + word->width);
        parse_error(p, end, 1, "'%s' needs a name", s->word);
        return NULL;
    }
    if (!good_name(p, s, name))
        return NULL;
    if (parse_list_view(list_of(p, s)).n >= CONF_OBJECTS_MAX) {
        parse_token_error(p, name, "more than %u sections '%s'", CONF_OBJECTS_MAX, s->word);
        return NULL;
    }
    obj = parse_append(p, &p->conf->arena, list_of(p, s), s->size);
    if (s->defaults)
        s->defaults(obj);
    obj->name = parse_strdup(p, name->s);
    obj->loc = parse_loc(p, name);
    return obj;
}

static void *open_global(struct parser *p)
{
    const struct lex_token *t = &p->line.tok[0];
    struct conf_global *g = &p->conf->global;

    if (p->global_seen) {
        parse_token_error(p, t, "second section 'global'; the first is at %s:%u",
                          conf_loc_file(p->conf, &g->loc), g->loc.line);
        return NULL;
    }
    p->global_seen = true;
    g->loc = parse_loc(p, t);
    return g;
}

static void open_section(struct parser *p)
{
    const struct section *s = find_section(p->line.tok[0].s);
    struct args rest;

    close_section(p);
    p->passing_over = false;
    p->seen = 0;
    p->errors_at_open = p->errs->errors;
    if (!s) {
        refuse_section(p);
        return;
    }
    p->obj = s == &section_global ? open_global(p) : new_object(p, s);
    if (!p->obj) {
        p->passing_over = true;
        return;
    }
    p->section = s;
    rest = (struct args){.tok = p->line.tok, .n = p->line.n, .i = s == &section_global ? 1 : 2};
    if (s->header)
        s->header(p, p->obj, &rest);
    args_end(p, &rest);
}

/* ---- keywords ---- */

static bool section_is(const struct parser *p, const char *word)
{
    /* A profile has the keywords of a trunk. */
    return strcmp(p->section->word, word) == 0 ||
           (p->section == &section_profile && strcmp(word, "trunk") == 0);
}

static void refuse_keyword(struct parser *p)
{
    const struct lex_token *t = &p->line.tok[0];
    struct nearest near;
    uint32_t i;

    for (i = 0; kw_not_served[i].word; i++) {
        if (section_is(p, kw_not_served[i].section) &&
            span_eq(t->s, span_of(kw_not_served[i].word))) {
            parse_token_error(p, t, "keyword '%s' is not served by this version",
                              kw_not_served[i].word);
            return;
        }
    }
    nearest_init(&near, t->s);
    for (i = 0; i < p->section->n_kw; i++)
        nearest_try(&near, p->section->kw[i].word);
    if (!near.best && find_section(t->s))
        parse_token_error(p, t, "section '%.*s' must begin in the first column", SPAN_ARG(t->s));
    else
        parse_error_meant(p, parse_loc(p, t), t->width, near.best,
                          "unknown keyword '%.*s' in section '%s'", SPAN_ARG(t->s),
                          p->section->word);
}

/* The word is known, the second one is not. */
static void refuse_sub(struct parser *p)
{
    const struct lex_token *t = &p->line.tok[0], *sub = p->line.n > 1 ? &p->line.tok[1] : NULL;
    char choices[128] = "";
    struct nearest near;
    size_t len = 0;
    uint32_t i;

    nearest_init(&near, sub ? sub->s : SPAN_NONE);
    for (i = 0; i < p->section->n_kw; i++) {
        const struct keyword *kw = &p->section->kw[i];
        int n;

        if (!kw->sub || !span_eq(t->s, span_of(kw->word)))
            continue;
        nearest_try(&near, kw->sub);
        n = snprintf(choices + len, sizeof(choices) - len, "%s%s", len ? ", " : "", kw->sub);
        if (n > 0 && (size_t)n < sizeof(choices) - len)
            len += (size_t)n;
    }
    if (sub) {
        parse_error_meant(p, parse_loc(p, sub), sub->width, near.best,
                          "after '%.*s' comes one of: %s", SPAN_ARG(t->s), choices);
    } else {
        struct conf_loc end = parse_loc(p, t);

        end.col = (uint16_t)(t->col + t->width);
        parse_error(p, end, 1, "after '%.*s' comes one of: %s", SPAN_ARG(t->s), choices);
    }
}

/* The keyword of the line in hand; *words is how many values name it. NULL: reported. */
static const struct keyword *find_keyword(struct parser *p, uint32_t *words)
{
    const struct keyword *plain = NULL, *kw;
    bool word_known = false;
    uint32_t i;

    for (i = 0; i < p->section->n_kw; i++) {
        kw = &p->section->kw[i];
        if (!span_eq(p->line.tok[0].s, span_of(kw->word)))
            continue;
        word_known = true;
        if (!kw->sub)
            plain = kw;
        else if (p->line.n > 1 && span_eq(p->line.tok[1].s, span_of(kw->sub))) {
            *words = 2;
            return kw;
        }
    }
    *words = 1;
    if (!plain && word_known)
        refuse_sub(p);
    else if (!plain)
        refuse_keyword(p);
    return plain;
}

/* 100 bytes of a syntax fit a terminal beside the rest. */
#define SYNTAX_SHOWN 100

/* How much of a long syntax a message shows: whole clauses. */
static int shown(const char *syntax)
{
    size_t len = strlen(syntax), i;

    if (len <= SYNTAX_SHOWN)
        return (int)len;
    for (i = SYNTAX_SHOWN;
         i > 0 && !(syntax[i] == ' ' && (syntax[i + 1] == '[' || syntax[i + 1] == '|')); i--)
        ;
    return (int)i;
}

static bool count_is_right(struct parser *p, const struct keyword *kw, const struct args *a)
{
    const struct lex_token *last = &p->line.tok[p->line.n - 1];
    uint32_t n = a->n - a->i;

    if (n < kw->min) {
        struct conf_loc end = parse_loc(p, last);

        end.col = (uint16_t)(last->col + last->width);
        parse_error(p, end, 1, "value missing: %.*s%s", shown(kw->syntax), kw->syntax,
                    kw->syntax[shown(kw->syntax)] ? " ..." : "");
        return false;
    }
    if (n > kw->max) {
        parse_token_error(p, &a->tok[a->i + kw->max], "one value too many: %s%s", kw->syntax,
                          strstr(kw->syntax, "VALUE") ? "; a value with spaces stands in quotes"
                                                      : "");
        return false;
    }
    return true;
}

static void keyword_line(struct parser *p)
{
    const struct keyword *kw;
    struct args args;
    uint32_t words, errors;
    conf_bits bit;

    kw = find_keyword(p, &words);
    if (!kw)
        return;
    bit = (conf_bits)1 << (kw - p->section->kw);
    if ((p->seen & bit) && !(kw->flags & KW_REPEAT)) {
        parse_token_error(p, &p->line.tok[0], "'%s%s%s' is already set in this section", kw->word,
                          kw->sub ? " " : "", kw->sub ? kw->sub : "");
        return;
    }
    p->seen |= bit;
    args = (struct args){.tok = p->line.tok, .n = p->line.n, .i = words};
    if (!count_is_right(p, kw, &args))
        return;
    errors = p->errs->errors;
    kw->parse(p, kw, (char *)p->obj + kw->off, &args);
    if (p->errs->errors == errors)
        args_end(p, &args);
}

static void statement(struct parser *p)
{
    if (!p->line.indented) {
        open_section(p);
    } else if (p->section) {
        if (p->section->line)
            p->section->line(p, p->obj, &p->line);
        else
            keyword_line(p);
    } else if (!p->passing_over) {
        parse_token_error(p, &p->line.tok[0],
                          "line belongs to no section: a section begins in the "
                          "first column");
        p->passing_over = true; /* once is enough */
    }
}

void parse_text(struct parser *p, uint16_t file, struct span text)
{
    struct lex_fault fault;
    struct lexer lx;
    enum lex_result r;

    lex_init(&lx, text);
    p->passing_over = false;
    while ((r = lex_next(&lx, &p->line, &fault)) != LEX_END) {
        if (r == LEX_LINE)
            statement(p);
        else
            parse_error(p, (struct conf_loc){.file = file, .line = fault.no, .col = fault.col},
                        fault.width, "%s", fault.why);
    }
    close_section(p);
}
