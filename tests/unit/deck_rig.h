/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A deck declared and read in a test, without lib/config's parser, and its messages as one text.
 * The tests of lib/route/deck*.c include it, behind cmocka.h.
 */
#ifndef TESTS_UNIT_DECK_RIG_H
#define TESTS_UNIT_DECK_RIG_H

#include <stdio.h>
#include <stdlib.h>

#include "config/errors.h"
#include "route/deck.h"

#define NOW INT64_C(1796083200) /* 2026-12-01 00:00 UTC */

/* ---- a deck without lib/config's parser ---- */

static const struct conf_deck_column columns_of_five[] = {{.what = CONF_COL_PREFIX},
                                                          {.what = CONF_COL_RATE},
                                                          {.what = CONF_COL_MINIMUM},
                                                          {.what = CONF_COL_INCREMENT},
                                                          {.what = CONF_COL_EFFECTIVE}};
static const char *conf_file = "tandem.conf";

struct rig {
    struct conf conf;
    struct conf_deck dc;
    struct conf_deck_column column[CONF_COLUMNS_MAX];
    unsigned threads;
    char *messages;
    uint32_t errors, warnings;
};

static inline void rig_init(struct rig *g, const struct conf_deck_column *column, uint32_t n)
{
    *g = (struct rig){.dc = {.name = "alpha-az", .file = "alpha.csv"}, .threads = 2};
    memcpy(g->column, column, n * sizeof(*column));
    g->dc.separator = ',';
    g->dc.column.v = g->column;
    g->dc.column.n = n;
    g->conf.deck.v = &g->dc;
    g->conf.deck.n = 1;
    g->conf.file.v = &conf_file;
    g->conf.file.n = 1;
}

static inline struct deck *loaded(struct rig *g, const char *text, size_t len)
{
    struct conf_errors errs;
    struct deck *d;
    size_t size;
    FILE *out = open_memstream(&g->messages, &size);

    errors_init(&errs);
    d = deck_load_text(&g->conf, 0, (struct span){text, len}, NOW, g->threads, &errs);
    assert_true(d ? errs.errors == 0 : errs.errors > 0);
    g->errors = errs.errors;
    g->warnings = errs.warnings;
    conf_print_errors(out, &errs);
    fclose(out);
    conf_errors_fini(&errs);
    return d;
}

static inline struct deck *good(struct rig *g, const char *text)
{
    struct deck *d = loaded(g, text, strlen(text));

    if (!d)
        fail_msg("%s", g->messages);
    free(g->messages);
    return d;
}

static inline void refused_len(struct rig *g, const char *text, size_t len, const char *says)
{
    struct deck *d = loaded(g, text, len);

    if (d)
        fail_msg("taken: %s", text);
    if (!strstr(g->messages, says))
        fail_msg("not said: %s\nbut: %s", says, g->messages);
    free(g->messages);
}

static inline void refused(struct rig *g, const char *text, const char *says)
{
    refused_len(g, text, strlen(text), says);
}

static inline const char *key_at(const struct deck *d, uint32_t i)
{
    static char text[KEY_DIGITS + 1];

    return key_text(d->row[i].key, text);
}

static inline const struct deck_terms *terms_at(const struct deck *d, uint32_t i)
{
    return &d->terms[d->row[i].terms];
}

#endif
