/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: rate decks. The first byte chooses the declaration, the rest is the file.
 * Rows must be in order and in their bounds, and the short way of reading a row must agree with the long one.
 */
#include <stdlib.h>

#include "config/errors.h"
#include "route/deck_part.h"

static struct conf_deck_column five[] = {{.what = CONF_COL_PREFIX},
                                         {.what = CONF_COL_RATE},
                                         {.what = CONF_COL_MINIMUM},
                                         {.what = CONF_COL_INCREMENT},
                                         {.what = CONF_COL_EFFECTIVE}};
static struct conf_deck_column all[] = {{.what = CONF_COL_CODE},
                                        {.what = CONF_COL_SKIP},
                                        {.what = CONF_COL_PREFIX},
                                        {.what = CONF_COL_INTER},
                                        {.what = CONF_COL_INTRA},
                                        {.what = CONF_COL_INDETERMINATE},
                                        {.what = CONF_COL_ZONE, .zone = {.name = "eea", .id = 11}},
                                        {.what = CONF_COL_QUALITY},
                                        {.what = CONF_COL_EFFECTIVE},
                                        {.what = CONF_COL_EXPIRES}};

static void check_deck(const struct deck *d, size_t size)
{
    if (d->n == 0 || d->n > size || d->n_terms > size)
        abort();
    for (uint32_t i = 0; i < d->n; i++) {
        const struct deck_row *r = &d->row[i];
        const struct deck_terms *t = &d->terms[r->terms];

        if (r->terms >= d->n_terms || r->line == 0 || r->line > size + 1 || r->key == 0)
            abort();
        if (i > 0 && (r->key < r[-1].key ||
                      (r->key == r[-1].key && t->effective <= d->terms[r[-1].terms].effective)))
            abort();
        if (t->expires <= t->effective || t->increment == 0 || t->quality > 100 ||
            t->code[DECK_CODE_MAX] != '\0')
            abort();
        for (unsigned k = 0; k < DECK_RATES; k++) {
            if (t->rate[k] < -1 || t->rate[k] > CONF_MONEY_MAX)
                abort();
        }
    }
}

static void read_part(struct deck_part *p, const struct deck_form *form, struct span text,
                      bool slow)
{
    *p = (struct deck_part){.form = form, .text = text};
    deck_part_count(p);
    p->has_quote |= slow;
    p->row = malloc((p->lines + 1) * sizeof(*p->row));
    deck_part_read(p);
}

static void check_ways(const struct conf_deck *dc, struct span text, unsigned prefix_at)
{
    struct deck_form form = {
        .conf = dc, .separator = dc->separator, .columns = dc->column.n, .prefix_at = prefix_at};
    struct deck_part a, b;

    read_part(&a, &form, text, false);
    read_part(&b, &form, text, true);
    if (a.n != b.n || a.bad_all != b.bad_all || a.bad_rows != b.bad_rows)
        abort();
    for (uint32_t i = 0; i < a.n; i++) {
        if (a.row[i].key != b.row[i].key || a.row[i].line != b.row[i].line ||
            memcmp(&a.terms[a.row[i].terms], &b.terms[b.row[i].terms], sizeof(*a.terms)) != 0)
            abort();
    }
    free(a.row);
    free(b.row);
    deck_part_fini(&a);
    deck_part_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char separator[] = {',', ';', '\t', ','};
    const char *only[] = {"+1", "44"}, *file = "t";
    struct conf_deck dc = {.name = "d", .file = "d.csv"};
    struct conf conf = {.deck = {&dc, 1}, .file = {&file, 1}};
    struct conf_errors errs;
    struct span text;
    struct deck *d;

    if (size < 1)
        return 0;
    text = (struct span){(const char *)data + 1, size - 1};
    dc.separator = separator[data[0] & 3];
    dc.column.v = data[0] & 4 ? all : five;
    dc.column.n = data[0] & 4 ? 10 : 5;
    dc.lax = data[0] & 8;
    dc.is_private = data[0] & 16;
    dc.header = data[0] & 32 ? CONF_HEADER_NO : CONF_HEADER_AUTO;
    dc.only.v = only;
    dc.only.n = data[0] & 64 ? 2 : 0;
    errors_init(&errs);
    d = deck_load_text(&conf, 0, text, 1796083200, 2, &errs);
    if ((d == NULL) != (errs.errors > 0))
        abort();
    if (d)
        check_deck(d, size);
    deck_free(d);
    conf_errors_fini(&errs);
    check_ways(&dc, text, data[0] & 4 ? 2 : 0);
    return 0;
}
