/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One deck: its file cut into parts that are read and sorted side by side, then joined; versions of a prefix put in order.
 * The builder calls it, off the workers. Must not know of routes or calls.
 */
#include "route/deck_part.h"

#include <stdlib.h>
#include <time.h>

#include "core/parallel.h"
#include "route/deck_sort.h"
#include "route/textfile.h"

#define PARTS_MAX   PARALLEL_THREADS_MAX
#define PART_BYTES  ((size_t)1 << 18) /* a part of 256 KiB is read in 2 ms: a thread is worth it */
#define LINES_SHOWN 5                 /* of the bad rows that a lax deck leaves out */

struct reading {
    const struct conf *conf;
    const struct conf_deck *dc;
    struct conf_errors *errs;
    struct deck *deck;
    struct deck_form form;
    struct span text;    /* behind the header */
    uint32_t first_line; /* of text */
    unsigned threads, n_part;
    struct deck_part part[PARTS_MAX];
    uint32_t *map[PARTS_MAX]; /* terms of a part to those of the deck */
    struct deck_row *a, *b;   /* each with room for every line */
    struct deck_bad dup[DECK_BAD_MAX];
    uint32_t n_dup, dup_all; /* kept: those of the first lines, in order */
    struct span cursor;      /* for line_of: the text from line cursor_line on */
    uint32_t cursor_line;
};

/* ---- messages ---- */

static const char *column_name(const struct conf_deck_column *c, char *out, size_t size)
{
    static const char *const name[] = {
        [CONF_COL_SKIP] = "-",
        [CONF_COL_PREFIX] = "prefix",
        [CONF_COL_RATE] = "rate",
        [CONF_COL_INTER] = "inter",
        [CONF_COL_INTRA] = "intra",
        [CONF_COL_INDETERMINATE] = "indeterminate",
        [CONF_COL_ZONE] = "zone",
        [CONF_COL_MINIMUM] = "minimum",
        [CONF_COL_INCREMENT] = "increment",
        [CONF_COL_EFFECTIVE] = "effective",
        [CONF_COL_EXPIRES] = "expires",
        [CONF_COL_QUALITY] = "quality",
        [CONF_COL_CODE] = "code",
    };

    if (c->what == CONF_COL_ZONE && c->zone.name)
        snprintf(out, size, "zone:%s", c->zone.name);
    else
        snprintf(out, size, "%s", name[c->what]);
    return out;
}

/* Something in the file. line 0: all of it. */
static void say(const struct reading *r, enum conf_severity sev, uint32_t line, struct span source,
                struct span word, const char *text)
{
    char shown[DECK_LINE_MAX + 1];
    uint32_t col = word.p >= source.p && word.p ? (uint32_t)(word.p - source.p) + 1 : 1;

    if (source.len > DECK_LINE_MAX)
        source.len = 80; /* who wrote such a line knows it by its beginning */
    textfile_show(source, shown, sizeof(shown));
    conf_error_in_file(r->errs, sev, r->dc->file, line, col, (uint32_t)word.len, span_of(shown),
                       "%s", text);
}

static void wrong_columns_text(const struct reading *r, const struct deck_bad *b, char *out,
                               size_t size)
{
    char name[CONF_NAME_MAX + 8], other = 0;
    int n = snprintf(out, size, "row has %u column%s, declared are %u:", b->found,
                     b->found == 1 ? "" : "s", r->form.columns);

    for (uint32_t i = 0; i < r->dc->column.n && n > 0 && (size_t)n < size; i++)
        n += snprintf(out + n, size - (size_t)n, " %s",
                      column_name(&r->dc->column.v[i], name, sizeof(name)));
    for (const char *c = ",;\t"; b->found == 1 && *c && !other; c++)
        other = *c != r->form.separator && span_chr(b->source, *c) >= 0 ? *c : 0;
    if (other && n > 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, " (separator %s?)",
                 other == '\t'  ? "tab"
                 : other == ';' ? "';'"
                                : "','");
}

static void bad_text(const struct reading *r, const struct deck_bad *b, char *out, size_t size)
{
    char name[CONF_NAME_MAX + 8], value[64];

    if (b->found) {
        wrong_columns_text(r, b, out, size);
        return;
    }
    if (b->column < 0) {
        snprintf(out, size, "row %s", b->why);
        return;
    }
    column_name(&r->dc->column.v[b->column], name, sizeof(name));
    textfile_show(b->word, value, sizeof(value));
    if (b->other)
        snprintf(out, size, "%s '%s' stands in line %u already%s", name, value, b->other, b->why);
    else if (b->word.len == 0)
        snprintf(out, size, "%s %s", name, b->why);
    else
        snprintf(out, size, "%s '%s%s' %s", name, value, b->word.len >= sizeof(value) ? "..." : "",
                 b->why);
}

/* A line of the file; asked for in ascending order. */
static struct span line_of(struct reading *r, uint32_t no)
{
    struct span line = SPAN_NONE;

    if (!r->cursor.p || no < r->cursor_line) {
        r->cursor = r->text;
        r->cursor_line = r->first_line;
    }
    while (r->cursor_line <= no && textfile_line(&r->cursor, &line))
        r->cursor_line++;
    return line;
}

/* Where the prefix stands in a row that was good. */
static void point_to_prefix(struct reading *r, struct deck_bad *b)
{
    struct cell cell[CONF_COLUMNS_MAX];
    struct span at;

    b->source = line_of(r, b->line);
    b->column = (int)r->form.prefix_at;
    if (cell_split(b->source, r->form.separator, cell, CONF_COLUMNS_MAX, &at) >
        (int)r->form.prefix_at)
        b->word = cell[r->form.prefix_at].text;
}

/* The n-th bad row of all in the order of lines: parts follow each other, double rows are merged in. NULL: no more is kept. */
struct bad_walk {
    unsigned part;
    uint32_t in_part, in_dup;
};

static const struct deck_bad *next_bad(struct reading *r, struct bad_walk *w)
{
    struct deck_bad *b = NULL, *d = NULL;

    while (w->part < r->n_part && w->in_part == r->part[w->part].n_bad) {
        w->part++;
        w->in_part = 0;
    }
    if (w->part < r->n_part)
        b = &r->part[w->part].bad[w->in_part];
    if (w->in_dup < r->n_dup)
        d = &r->dup[w->in_dup];
    if (d && (!b || d->line < b->line)) {
        w->in_dup++;
        point_to_prefix(r, d);
        return d;
    }
    w->in_part += b != NULL;
    return b;
}

static uint32_t count_bad(const struct reading *r, bool rows)
{
    uint32_t n = r->dup_all;

    for (unsigned i = 0; i < r->n_part; i++)
        n += rows ? r->part[i].bad_rows : r->part[i].bad_all;
    return n;
}

static void say_bad(struct reading *r)
{
    struct bad_walk w = {0};
    const struct deck_bad *b;
    uint32_t said = 0, all = count_bad(r, false);
    char text[512];

    while (said < DECK_BAD_MAX && (b = next_bad(r, &w))) {
        bad_text(r, b, text, sizeof(text));
        say(r, CONF_ERROR, b->line, b->source, b->word, text);
        said++;
    }
    r->errs->errors += all - said;
}

/* `strict off`: one warning, with the first one's reason and the lines of some more. */
static void say_left_out(struct reading *r)
{
    struct bad_walk w = {0};
    const struct deck_bad *b = next_bad(r, &w), first = b ? *b : (struct deck_bad){.line = 0};
    uint32_t n = count_bad(r, true), last = first.line;
    char text[512];
    size_t at;

    r->deck->left_out_bad = n;
    if (!b)
        return;
    bad_text(r, &first, text, 300);
    at = strlen(text);
    at += (size_t)snprintf(text + at, sizeof(text) - at, "; %u bad row%s left out", n,
                           n == 1 ? " is" : "s are");
    for (unsigned shown = 1; n > 1 && shown < LINES_SHOWN && (b = next_bad(r, &w));) {
        if (b->line == last)
            continue;
        last = b->line;
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%u",
                               shown++ == 1 ? ", also line " : ", ", last);
    }
    if (n > LINES_SHOWN)
        snprintf(text + at, sizeof(text) - at, " ...");
    say(r, CONF_WARNING, first.line, first.source, first.word, text);
}

static void say_file(const struct reading *r, const char *text)
{
    say(r, CONF_ERROR, 0, SPAN_NONE, SPAN_NONE, text);
}

/* ---- form and header ---- */

static int find_prefix_column(struct reading *r)
{
    const struct conf_deck *dc = r->dc;
    unsigned found = UINT32_MAX;

    for (uint32_t i = 0; i < dc->column.n; i++) {
        if (dc->column.v[i].what == CONF_COL_PREFIX && found == UINT32_MAX)
            found = i;
        if (dc->column.v[i].what == CONF_COL_ZONE && dc->column.v[i].zone.id >= CONF_ZONES_MAX)
            return -EINVAL;
    }
    if (found == UINT32_MAX || dc->column.n > CONF_COLUMNS_MAX || !dc->file)
        return -EINVAL;
    r->form.prefix_at = found;
    return 0;
}

/* What is wrong here lib/config has told at its place. */
static int make_form(struct reading *r)
{
    const struct conf_deck *dc = r->dc;

    r->form.conf = dc;
    r->form.separator = dc->separator ? dc->separator : ',';
    r->form.columns = dc->column.n;
    if (find_prefix_column(r) != 0)
        return -EINVAL;
    if (dc->only.n == 0)
        return 0;
    r->form.only = calloc(dc->only.n, sizeof(*r->form.only));
    if (!r->form.only)
        return -ENOMEM;
    for (uint32_t i = 0; i < dc->only.n; i++) {
        if (!cell_prefix(span_of(dc->only.v[i]), dc->is_private, &r->form.only[r->form.n_only]))
            r->form.n_only++;
    }
    return r->form.n_only ? 0 : -EINVAL;
}

/* A header's prefix column has a name; a broken prefix has a digit. */
static bool is_header(const struct reading *r, const struct cell *cell, int n)
{
    struct span s;

    if (r->dc->header == CONF_HEADER_NO || n <= (int)r->form.prefix_at)
        return false;
    if (r->dc->header == CONF_HEADER_YES)
        return true;
    s = cell[r->form.prefix_at].text;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] >= '0' && s.p[i] <= '9')
            return false;
    }
    return s.len > 0 && !span_eq(s, SPAN("+"));
}

/* A name that `columns` has, but in another place. */
static bool is_misplaced(const struct reading *r, unsigned at, struct span name)
{
    char text[CONF_NAME_MAX + 8];

    for (uint32_t i = 0; i < r->dc->column.n; i++) {
        if (r->dc->column.v[i].what != CONF_COL_SKIP && i != at &&
            span_case_eq(name, span_of(column_name(&r->dc->column.v[i], text, sizeof(text)))))
            return true;
    }
    return false;
}

static void check_header(const struct reading *r, uint32_t line, struct span source,
                         const struct cell *cell, int n)
{
    char name[CONF_NAME_MAX + 8], value[64], text[256];

    if (n != (int)r->form.columns) {
        struct deck_bad b = {.found = (uint32_t)n, .source = source, .column = -1};
        char row[512];

        wrong_columns_text(r, &b, row, sizeof(row));
        say(r, CONF_ERROR, line, source, source, row);
        return;
    }
    for (unsigned i = 0; i < r->form.columns; i++) {
        const struct conf_deck_column *c = &r->dc->column.v[i];

        if (c->what == CONF_COL_SKIP ||
            span_case_eq(cell[i].text, span_of(column_name(c, name, sizeof(name)))))
            continue;
        if (r->dc->header != CONF_HEADER_YES && !is_misplaced(r, i, cell[i].text))
            continue;
        snprintf(text, sizeof(text), "the header names column %u '%s', `columns` says %s", i + 1,
                 textfile_show(cell[i].text, value, sizeof(value)), name);
        say(r, CONF_ERROR, line, source, cell[i].text, text);
    }
}

/* r->text and first_line move behind it. */
static void take_header(struct reading *r)
{
    struct cell cell[CONF_COLUMNS_MAX];
    struct span rest = r->text, line, at;
    uint32_t no = 0;
    int n;

    while (textfile_line(&rest, &line)) {
        no++;
        if (span_trim(line).len > 0)
            break;
    }
    if (r->text.len == 0 || line.len > DECK_LINE_MAX)
        return;
    n = cell_split(line, r->form.separator, cell, CONF_COLUMNS_MAX, &at);
    if (!is_header(r, cell, n))
        return;
    check_header(r, no, line, cell, n);
    r->text = rest;
    r->first_line = no + 1;
}

/* ---- parts ---- */

static void cut_parts(struct reading *r)
{
    size_t want = r->text.len / PART_BYTES + 1, size;
    struct span rest = r->text;

    if (want > PARTS_MAX)
        want = PARTS_MAX;
    size = r->text.len / want + 1;
    while (rest.len > 0) {
        struct deck_part *p = &r->part[r->n_part++];
        const char *end = rest.len > size ? memchr(rest.p + size, '\n', rest.len - size) : NULL;

        p->form = &r->form;
        p->text = (struct span){rest.p, end ? (size_t)(end + 1 - rest.p) : rest.len};
        rest = (struct span){rest.p + p->text.len, rest.len - p->text.len};
    }
}

static void count_part(void *arg, unsigned i)
{
    deck_part_count(&((struct reading *)arg)->part[i]);
}

static void read_part(void *arg, unsigned i)
{
    deck_part_read(&((struct reading *)arg)->part[i]);
}

/* Terms and lines of the deck instead of the part's; sorted, in b. */
static void sort_part(void *arg, unsigned i)
{
    struct reading *r = arg;
    struct deck_part *p = &r->part[i];
    struct deck_row *to = r->b + (p->row - r->a), *now;

    for (uint32_t k = 0; k < p->n; k++) {
        p->row[k].terms = r->map[i][p->row[k].terms];
        p->row[k].line += p->first_line;
    }
    now = deck_sort(p->row, to, p->n);
    if (now != to)
        memcpy(to, now, p->n * sizeof(*now));
}

/* Lines are counted first, so that each part knows where its rows go and which line its first is. */
static int lay_out(struct reading *r)
{
    uint64_t lines = 0;

    parallel_run(count_part, r, r->n_part, r->threads);
    for (unsigned i = 0; i < r->n_part; i++) {
        r->part[i].first_line = r->first_line + (uint32_t)lines;
        lines += r->part[i].lines;
        if (lines > CONF_ROWS_MAX) {
            say_file(r, "has more than 16777216 rows");
            return -EFBIG;
        }
    }
    r->a = malloc((lines + 1) * sizeof(*r->a));
    r->b = malloc((lines + 1) * sizeof(*r->b));
    if (!r->a || !r->b)
        return -ENOMEM;
    for (unsigned i = 0; i < r->n_part; i++)
        r->part[i].row = r->a + (r->part[i].first_line - r->first_line);
    return 0;
}

static int join_terms(struct reading *r)
{
    struct deck_part all = {.form = &r->form};
    int err = -ENOMEM;

    for (unsigned i = 0; i < r->n_part; i++) {
        struct deck_part *p = &r->part[i];

        r->map[i] = malloc((p->n_terms + 1) * sizeof(*r->map[i]));
        if (!r->map[i] || p->no_memory)
            goto out;
        for (uint32_t k = 0; k < p->n_terms; k++)
            r->map[i][k] = deck_part_terms(&all, &p->terms[k]);
        if (all.no_memory)
            goto out;
        free(p->terms);
        p->terms = NULL;
        for (uint32_t k = 0; k < p->n_bad; k++)
            p->bad[k].line += p->first_line;
        r->deck->left_out_only += p->left_out_only;
    }
    r->deck->terms = all.terms;
    r->deck->n_terms = all.n_terms;
    all.terms = NULL;
    err = 0;
out:
    deck_part_fini(&all);
    return err;
}

static int read_parts(struct reading *r)
{
    struct deck_run run[PARTS_MAX];
    struct deck *d = r->deck;
    int err;

    cut_parts(r);
    err = lay_out(r);
    if (err)
        return err;
    parallel_run(read_part, r, r->n_part, r->threads);
    err = join_terms(r);
    if (err || r->n_part == 0)
        return err;
    parallel_run(sort_part, r, r->n_part, r->threads);
    for (unsigned i = 0; i < r->n_part; i++) {
        run[i] = (struct deck_run){r->b + (r->part[i].row - r->a), r->part[i].n};
        d->n += run[i].n;
    }
    d->row = deck_merge(run, r->n_part, r->a, r->b, r->threads);
    if (d->row == r->a)
        r->a = NULL;
    else
        r->b = NULL;
    return 0;
}

/* ---- versions ---- */

/* Keep it if it is among the first lines. */
static void note_double(struct reading *r, uint32_t line, uint32_t other)
{
    uint32_t i = r->n_dup;

    r->dup_all++;
    if (i == DECK_BAD_MAX && r->dup[i - 1].line < line)
        return;
    if (i == DECK_BAD_MAX)
        i--;
    else
        r->n_dup++;
    for (; i > 0 && r->dup[i - 1].line > line; i--)
        r->dup[i] = r->dup[i - 1];
    r->dup[i] = (struct deck_bad){.line = line, .other = other, .why = ""};
}

static int by_effective(const void *va, const void *vb, void *arg)
{
    const struct deck_row *a = va, *b = vb;
    const struct deck_terms *t = arg;

    if (t[a->terms].effective != t[b->terms].effective)
        return t[a->terms].effective < t[b->terms].effective ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

/* Rows of one prefix by their beginning; of two with the same the first line stays. */
static void order_versions(struct reading *r)
{
    struct deck *d = r->deck;
    struct deck_row *row = d->row;
    uint32_t i = 0, kept = 0;

    while (i < d->n) {
        uint32_t end = i + 1;

        while (end < d->n && row[end].key == row[i].key)
            end++;
        if (end - i > 1)
            qsort_r(&row[i], end - i, sizeof(*row), by_effective, d->terms);
        row[kept++] = row[i++];
        for (; i < end; i++) {
            const struct deck_row *last = &row[kept - 1];

            if (d->terms[last->terms].effective == d->terms[row[i].terms].effective)
                note_double(r, row[i].line, last->line);
            else
                row[kept++] = row[i];
        }
    }
    d->n = kept;
    for (i = 0; i < r->n_dup; i++) {
        for (uint32_t k = 0; k < r->dc->column.n; k++) {
            if (r->dc->column.v[k].what == CONF_COL_EFFECTIVE)
                r->dup[i].why = ", effective at the same time";
        }
    }
}

static void say_expired(struct reading *r, uint32_t line)
{
    const struct deck *d = r->deck;
    struct span source = line_of(r, line);
    char text[96];

    snprintf(text, sizeof(text), "%u of %u rows %s expired; this is the first", d->expired, d->n,
             d->expired == 1 ? "is" : "are");
    say(r, CONF_WARNING, line, source, source, text);
}

/* Nothing of it can be used yet, or any more. */
static void say_not_in_force(const struct reading *r, int64_t now_s)
{
    const struct deck *d = r->deck;
    int64_t begins = INT64_MAX;

    for (uint32_t i = 0; i < d->n_terms; i++) {
        if (d->terms[i].effective > now_s && d->terms[i].effective < begins)
            begins = d->terms[i].effective;
    }
    if (begins == INT64_MAX)
        conf_error_at(r->errs, CONF_WARNING, r->conf, r->dc->file_loc, 0,
                      "every row of ratedeck '%s' is expired", r->dc->name);
    else {
        char when[32];
        time_t t = (time_t)begins;
        struct tm tm;

        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
        conf_error_at(r->errs, CONF_WARNING, r->conf, r->dc->file_loc, 0,
                      "no row of ratedeck '%s' is in force: the first begins at %s", r->dc->name,
                      when);
    }
}

/* What the clock has done and will do. */
static void look_at_time(struct reading *r, int64_t now_s)
{
    struct deck *d = r->deck;
    uint32_t first = UINT32_MAX;
    bool timed = false;

    d->next_change = INT64_MAX;
    for (uint32_t i = 0; i < d->n_terms; i++) {
        const struct deck_terms *t = &d->terms[i];

        if (t->effective > now_s && t->effective < d->next_change)
            d->next_change = t->effective;
        if (t->expires > now_s && t->expires < d->next_change)
            d->next_change = t->expires;
        timed |= t->effective > now_s || t->expires <= now_s;
    }
    for (uint32_t i = 0; timed && i < d->n; i++) {
        const struct deck_terms *t = &d->terms[d->row[i].terms];

        d->future += t->effective > now_s;
        if (t->expires > now_s)
            continue;
        d->expired++;
        if (d->row[i].line < first)
            first = d->row[i].line;
    }
    if (d->expired)
        say_expired(r, first);
    if (d->expired + d->future == d->n)
        say_not_in_force(r, now_s);
}

/* ---- the whole ---- */

/* What an operator took for a text file. */
static const char *not_csv(struct span s)
{
    static const struct {
        struct span magic;
        const char *why;
    } kind[] = {
        {{"PK\x03\x04", 4}, "is a spreadsheet or an archive, not CSV"},
        {{"\xd0\xcf\x11\xe0", 4}, "is a spreadsheet, not CSV"},
        {{"\x1f\x8b", 2}, "is compressed, not CSV"},
        {{"\xff\xfe", 2}, "is UTF-16; CSV is read as UTF-8"},
        {{"\xfe\xff", 2}, "is UTF-16; CSV is read as UTF-8"},
    };

    for (size_t i = 0; i < sizeof(kind) / sizeof(kind[0]); i++) {
        if (span_has_prefix(s, kind[i].magic))
            return kind[i].why;
    }
    return NULL;
}

static void say_empty(const struct reading *r)
{
    const struct deck *d = r->deck;
    char text[128];

    if (d->left_out_only + d->left_out_bad > 0)
        snprintf(text, sizeof(text), "no row is left: %u outside `only`, %u bad", d->left_out_only,
                 d->left_out_bad);
    else
        snprintf(text, sizeof(text), "has no rows");
    say_file(r, text);
}

static int load(struct reading *r, int64_t now_s)
{
    uint32_t before = r->errs->errors;
    const char *why = not_csv(r->text);
    struct deck_row *fit;
    int err = make_form(r);

    if (err == -EINVAL && r->errs->errors == 0)
        conf_error_at(r->errs, CONF_ERROR, r->conf, r->dc->loc, 0, "ratedeck '%s' is incomplete",
                      r->dc->name);
    if (err)
        return err;
    if (why) {
        say_file(r, why);
        return -EINVAL;
    }
    take_header(r);
    if (r->errs->errors > before)
        return -EINVAL; /* every row would say the same */
    err = read_parts(r);
    if (err)
        return err;
    order_versions(r);
    if (r->dc->lax)
        say_left_out(r);
    else
        say_bad(r);
    if (r->deck->n == 0 && r->errs->errors == before)
        say_empty(r);
    if (r->errs->errors > before)
        return -EINVAL;
    look_at_time(r, now_s);
    fit = realloc(r->deck->row, r->deck->n * sizeof(*fit));
    if (fit)
        r->deck->row = fit;
    return 0;
}

struct deck *deck_load_text(const struct conf *conf, uint32_t id, struct span text, int64_t now_s,
                            unsigned threads, struct conf_errors *errs)
{
    struct reading *r = calloc(1, sizeof(*r));
    struct deck *d = calloc(1, sizeof(*d));
    int err = -ENOMEM;

    if (!r || !d)
        goto out;
    *d = (struct deck){.id = id, .conf = &conf->deck.v[id]};
    *r = (struct reading){.conf = conf, .dc = d->conf, .errs = errs, .deck = d, .text = text};
    r->first_line = 1;
    r->threads = threads;
    err = load(r, now_s);
    for (unsigned i = 0; i < r->n_part; i++) {
        deck_part_fini(&r->part[i]);
        free(r->map[i]);
    }
    free(r->form.only);
    free(r->a);
    free(r->b);
out:
    free(r);
    if (err == -ENOMEM)
        conf_error_in_file(errs, CONF_ERROR, conf->deck.v[id].file ? conf->deck.v[id].file : "-", 0,
                           0, 0, SPAN_NONE, "out of memory");
    if (!err)
        return d;
    deck_free(d);
    return NULL;
}

struct deck *deck_load(const struct conf *conf, uint32_t id, int64_t now_s, unsigned threads,
                       struct conf_errors *errs)
{
    const struct conf_deck *dc = &conf->deck.v[id];
    struct textfile f;
    struct deck *d;
    const char *why;

    if (dc->incomplete)
        return NULL;
    if (!dc->file)
        return deck_load_text(conf, id, SPAN_NONE, now_s, threads, errs);
    if (textfile_read(dc->file, DECK_FILE_MAX, &f, &why) != 0) {
        conf_error_at(errs, CONF_ERROR, conf, dc->file_loc, 0, "%s: %s", dc->file, why);
        return NULL;
    }
    d = deck_load_text(conf, id, textfile_text(&f), now_s, threads, errs);
    textfile_free(&f);
    return d;
}

void deck_free(struct deck *d)
{
    if (!d)
        return;
    free(d->row);
    free(d->terms);
    free(d);
}

uint32_t deck_first(const struct deck *d, uint64_t key)
{
    uint32_t low = 0, high = d->n;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (d->row[mid].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}
