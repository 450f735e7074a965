/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decks written as CSV and read again, for tests/bench/route: what a deck costs before its table is built.
 */
#include "tests/bench/route.h"

#include "config/errors.h"
#include "core/clock.h"

#define ROW_BYTES 48 /* "+1234567890,0.001234567,1,6,\n" and room */

static char *text_of(const struct deck *d, size_t *len)
{
    char *text = malloc((size_t)d->n * ROW_BYTES + ROW_BYTES), *p = text;
    char prefix[KEY_DIGITS + 1];

    if (!text)
        return NULL;
    p += snprintf(p, ROW_BYTES, "prefix,rate,minimum,increment,code\n");
    for (uint32_t i = 0; i < d->n; i++) {
        const struct deck_terms *t = &d->terms[d->row[i].terms];
        p += snprintf(p, ROW_BYTES, "%s,%lld.%09lld,%u,%u,t%u\n", key_text(d->row[i].key, prefix),
                      (long long)(t->rate[DECK_RATE] / CONF_NANO),
                      (long long)(t->rate[DECK_RATE] % CONF_NANO), t->minimum, t->increment,
                      d->row[i].terms);
    }
    *len = (size_t)(p - text);
    return text;
}

struct deck *parse_deck(const struct deck *d, struct conf_deck *conf, unsigned threads,
                        double *took_s)
{
    static struct conf_deck_column column[] = {{.what = CONF_COL_PREFIX},
                                               {.what = CONF_COL_RATE},
                                               {.what = CONF_COL_MINIMUM},
                                               {.what = CONF_COL_INCREMENT},
                                               {.what = CONF_COL_CODE}};
    static const char *file = "bench";
    struct conf c = {0};
    struct conf_errors errs;
    struct deck *parsed = NULL;
    size_t len;
    char *text = text_of(d, &len);

    if (!text)
        return NULL;
    *conf = (struct conf_deck){
        .name = "bench", .file = "bench.csv", .separator = ',', .exchange = CONF_NANO};
    conf->column.v = column;
    conf->column.n = sizeof(column) / sizeof(column[0]);
    c.deck.v = conf;
    c.deck.n = 1;
    c.file.v = &file;
    c.file.n = 1;
    errors_init(&errs);
    uint64_t start = clock_now_ns();
    parsed = deck_load_text(&c, 0, (struct span){text, len}, RIG_NOW, threads, &errs);
    *took_s = (double)(clock_now_ns() - start) / 1e9;
    if (!parsed)
        conf_print_errors(stderr, &errs);
    conf_errors_fini(&errs);
    free(text);
    return parsed;
}
