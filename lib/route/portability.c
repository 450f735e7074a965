/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of ported numbers from CSV files: sorted rows of two keys, 16 bytes each, and a binary search.
 * Called by route.c, off the workers, and for each dip. What a line means is read here and nowhere else.
 */
#include "route/portability.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "route/portdb.h"
#include "route/textfile.h"

/* 3: the shortest numbers that are ported anywhere are service numbers of that length with their country. */
#define DIGITS_MIN 3
/* Bad rows told one by one; a file of another format has millions of them. */
#define TOLD_MAX 20
/* 1 GiB: two numbers, a comma and the end of line are 34 bytes at the most; the rest is for comments. */
#define FILE_MAX ((size_t)PORTABILITY_ROWS_MAX * 64)
/* Bytes of a bad line, and of a word in it, that are shown. */
#define SHOWN_MAX 200
#define WORD_MAX  40

struct row {
    uint64_t number, rn; /* rn 0: not ported */
};

struct table {
    struct row *row;
    uint32_t n, cap;
};

struct portability {
    uint32_t n;
    struct table table[];
};

struct reader {
    const struct conf *conf;
    const struct conf_lnp *lnp;
    struct conf_errors *errs;
    struct table *t;
    uint32_t line, bad;
    bool sorted;
};

int portability_key(struct span text, uint64_t *key)
{
    char buf[KEY_DIGITS];
    size_t n = 0;

    if (text.len && text.p[0] == '+') {
        text.p++;
        text.len--;
    }
    if (text.len < DIGITS_MIN || text.len > KEY_DIGITS - 1)
        return -EINVAL;
    buf[n++] = '+';
    memcpy(buf + n, text.p, text.len);
    return key_of_prefix((struct span){buf, n + text.len}, key);
}

__attribute__((format(printf, 3, 4))) static void told(struct reader *r, struct span where,
                                                       const char *fmt, ...)
{
    char text[160], shown[SHOWN_MAX + 1];
    va_list ap;

    if (++r->bad > TOLD_MAX || !r->errs)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    where = span_of(textfile_show(where, shown, sizeof shown));
    conf_error_in_file(r->errs, CONF_ERROR, r->lnp->path, r->line, 1,
                       (uint32_t)(where.len ? where.len : 1), where, "%s", text);
}

static int put(struct table *t, struct row row)
{
    if (t->n == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 1024;
        struct row *more = realloc(t->row, cap * sizeof *more);

        if (!more)
            return -ENOMEM;
        t->row = more;
        t->cap = cap;
    }
    t->row[t->n++] = row;
    return 0;
}

/* A name where the first row has a number: a header. */
static bool is_header(const struct reader *r, struct span number)
{
    return r->line == 1 && number.len &&
           ((number.p[0] >= 'a' && number.p[0] <= 'z') ||
            (number.p[0] >= 'A' && number.p[0] <= 'Z'));
}

/* @return 0, also of a row that is told to be bad; -ENOMEM; -E2BIG */
static int take_line(struct reader *r, struct span line)
{
    struct span number, rn;
    struct row row = {0};
    char word[WORD_MAX + 1];

    line = span_trim(line);
    if (span_is_empty(line) || line.p[0] == '#')
        return 0;
    if (!span_cut(line, ',', &number, &rn)) {
        told(r, line, "a row is number,lrn: no comma");
        return 0;
    }
    number = span_trim(number);
    rn = span_trim(rn);
    if (is_header(r, number))
        return 0;
    if (portability_key(number, &row.number) < 0) {
        told(r, line, "'%s' is no number: digits, with or without '+'",
             textfile_show(number, word, sizeof word));
        return 0;
    }
    if (!span_is_empty(rn) && portability_key(rn, &row.rn) < 0) {
        told(r, line, "'%s' is no routing number: digits, with or without '+'",
             textfile_show(rn, word, sizeof word));
        return 0;
    }
    if (r->t->n == PORTABILITY_ROWS_MAX)
        return -E2BIG;
    if (r->t->n && r->t->row[r->t->n - 1].number >= row.number)
        r->sorted = false;
    return put(r->t, row);
}

static int by_number(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

static const struct row *find(const struct table *t, uint64_t key)
{
    uint32_t lo = 0, n = t->n;

    while (n > 1) { /* without a branch that depends on the data: each step is one load */
        uint32_t half = n / 2;

        lo += t->row[lo + half].number <= key ? half : 0;
        n -= half;
    }
    return t->n && t->row[lo].number == key ? &t->row[lo] : NULL;
}

/* The lines of the first numbers that stand twice: the file is gone through once more, which only an error costs. */
static void tell_doubles(struct reader *r, struct span text)
{
    struct {
        uint64_t key;
        uint32_t line;
    } twice[TOLD_MAX];
    unsigned n = 0;
    struct span s;

    for (uint32_t i = 1; i < r->t->n && n < TOLD_MAX; i++)
        if (r->t->row[i].number == r->t->row[i - 1].number &&
            (n == 0 || twice[n - 1].key != r->t->row[i].number)) {
            twice[n].key = r->t->row[i].number;
            twice[n++].line = 0;
        }
    r->line = 0;
    while (n && textfile_line(&text, &s)) {
        struct span number, rn;
        uint64_t key;

        r->line++;
        if (!span_cut(span_trim(s), ',', &number, &rn) ||
            portability_key(span_trim(number), &key) < 0)
            continue;
        for (unsigned i = 0; i < n; i++) {
            if (twice[i].key != key)
                continue;
            if (twice[i].line)
                told(r, span_trim(s), "'%.*s' stands in line %u too", (int)number.len, number.p,
                     twice[i].line);
            else
                twice[i].line = r->line;
        }
    }
}

static bool has_doubles(const struct table *t)
{
    for (uint32_t i = 1; i < t->n; i++)
        if (t->row[i].number == t->row[i - 1].number)
            return true;
    return false;
}

static int read_rows(struct reader *r, struct span text)
{
    struct span line;
    int rc = 0;

    while (rc == 0 && textfile_line(&text, &line)) {
        r->line++;
        rc = take_line(r, line);
    }
    return rc;
}

/* @return 0; -EINVAL told; -ENOMEM */
static int load(struct reader *r)
{
    struct row *fit;
    struct textfile file;
    const char *why;
    int rc;

    if (textfile_read(r->lnp->path, FILE_MAX, &file, &why) < 0) {
        if (r->errs)
            conf_error_at(r->errs, CONF_ERROR, r->conf, r->lnp->path_loc, 0,
                          "file '%s' cannot be read: %s", r->lnp->path, why);
        return -EINVAL;
    }
    rc = read_rows(r, textfile_text(&file));
    if (rc == -E2BIG)
        told(r, SPAN_NONE, "more than %u rows: a table of this size is for `lmdb`",
             PORTABILITY_ROWS_MAX);
    if (rc == 0 && !r->sorted)
        qsort(r->t->row, r->t->n, sizeof *r->t->row, by_number);
    if (rc == 0 && has_doubles(r->t))
        tell_doubles(r, textfile_text(&file));
    textfile_free(&file);
    if (r->bad > TOLD_MAX && r->errs)
        conf_error_in_file(r->errs, CONF_ERROR, r->lnp->path, 0, 1, 1, SPAN_NONE,
                           "%u bad rows in all", r->bad);
    fit = r->t->n ? realloc(r->t->row, r->t->n * sizeof *fit) : NULL;
    if (fit)
        r->t->row = fit;
    return rc == -ENOMEM ? rc : r->bad ? -EINVAL : 0;
}

/* The dip thread opens it: LMDB does not bear an environment opened twice by a process. */
static int check(struct reader *r)
{
    const char *why;

    if (portdb_check(r->lnp->path, &why) == 0)
        return 0;
    if (r->errs)
        conf_error_at(r->errs, CONF_ERROR, r->conf, r->lnp->path_loc, 0, "lmdb '%s': %s",
                      r->lnp->path, why);
    return -EINVAL;
}

struct portability *portability_new(const struct conf *conf, struct conf_errors *errs, bool *ok)
{
    struct portability *p = calloc(1, sizeof *p + conf->lnp.n * sizeof p->table[0]);

    *ok = true;
    if (!p)
        return NULL;
    p->n = conf->lnp.n;
    for (uint32_t i = 0; i < conf->lnp.n; i++) {
        struct reader r = {
            .conf = conf, .lnp = &conf->lnp.v[i], .errs = errs, .t = &p->table[i], .sorted = true};
        int rc;

        if (!r.lnp->path || r.lnp->kind == CONF_LNP_ENUM)
            continue;
        rc = r.lnp->kind == CONF_LNP_CSV ? load(&r) : check(&r);
        if (rc == -ENOMEM) {
            portability_free(p);
            return NULL;
        }
        *ok = *ok && rc == 0;
    }
    return p;
}

void portability_free(struct portability *p)
{
    for (uint32_t i = 0; p && i < p->n; i++)
        free(p->table[i].row);
    free(p);
}

int portability_find(const struct portability *p, uint32_t lnp, struct span number,
                     struct port_answer *out)
{
    const struct row *row;
    uint64_t key;

    if (!p || lnp >= p->n || !p->table[lnp].row)
        return -ENOENT;
    *out = (struct port_answer){PORT_HOME, ""};
    if (portability_key(number, &key) < 0)
        return 0; /* no number of any plan: nobody ports it */
    row = find(&p->table[lnp], key);
    if (row && row->rn) {
        out->status = PORT_PORTED;
        (void)key_text(row->rn, out->rn);
    }
    return 0;
}

uint32_t portability_rows(const struct portability *p, uint32_t lnp)
{
    return p && lnp < p->n ? p->table[lnp].n : 0;
}
