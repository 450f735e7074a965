/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads what a configuration names beside itself, each file once, and says what is wrong with it.
 * Called by the check of a load and by route.c, off the workers. Must not know calls or tables.
 */
#include <stdlib.h>
#include "route/index.h"

/* A list that somebody wants. */
struct want {
    const char *path;
    enum list_kind kind;
    struct conf_loc loc;
    struct list **where;
};

static int want_cmp(const void *a, const void *b)
{
    const struct want *x = a, *y = b;
    int cmp = strcmp(x->path, y->path);
    if (cmp)
        return cmp;
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : 0;
}

static uint32_t blocks(const struct conf *c)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->route.n; i++)
        n += c->route.v[i].block.n;
    return n;
}

static uint32_t book_wants(struct book *b, struct want *w)
{
    const struct conf *c = b->conf;
    uint32_t n = 0, at = 0;
    for (uint32_t i = 0; i < c->trunk.n; i++) {
        const struct conf_caller *k = &c->trunk.v[i].caller;
        if (k->allow_file)
            w[n++] = (struct want){k->allow_file, LIST_NUMBERS, k->allow_loc, &b->allow[i]};
    }
    for (uint32_t i = 0; i < c->route.n; i++) {
        b->block_of[i] = at;
        for (uint32_t k = 0; k < c->route.v[i].block.n; k++, at++) {
            const struct conf_block *l = &c->route.v[i].block.v[k];
            if (l->file)
                w[n++] = (struct want){l->file, LIST_PREFIXES, l->loc, &b->block[at]};
        }
    }
    return n;
}

static void book_own(struct book *b, struct list *l)
{
    if (l)
        b->owned[b->n_owned++] = l;
    else
        b->is_good = false;
}

/* A file that many trunks name, as a profile's, is read once. */
static int book_files(struct book *b, struct conf_errors *errs)
{
    struct want *w = calloc(b->conf->trunk.n + blocks(b->conf) + 1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    uint32_t n = book_wants(b, w);
    qsort(w, n, sizeof(*w), want_cmp);
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0 && want_cmp(&w[i - 1], &w[i]) == 0) {
            *w[i].where = *w[i - 1].where;
            continue;
        }
        *w[i].where = list_load(b->conf, w[i].path, w[i].loc, w[i].kind, errs);
        book_own(b, *w[i].where);
    }
    free(w);
    return 0;
}

/* What stands in the configuration itself. */
static int book_inline(struct book *b)
{
    const struct conf *c = b->conf;
    for (uint32_t i = 0, at = 0; i < c->route.n; i++)
        for (uint32_t k = 0; k < c->route.v[i].block.n; k++, at++) {
            const struct conf_block *l = &c->route.v[i].block.v[k];
            if (l->file)
                continue;
            if (!(b->block[at] = list_of(l->prefix.v, l->prefix.n)))
                return -ENOMEM;
            book_own(b, b->block[at]);
        }
    for (uint32_t i = 0; i < c->lnp.n; i++) {
        if (c->lnp.v[i].only.n == 0)
            continue;
        if (!(b->dip_only[i] = list_of(c->lnp.v[i].only.v, c->lnp.v[i].only.n)))
            return -ENOMEM;
        book_own(b, b->dip_only[i]);
    }
    return 0;
}

static void book_rest(struct book *b, int64_t now_s, unsigned threads, struct conf_errors *errs)
{
    const struct conf *c = b->conf;
    bool ok;
    /* before decks: one deck may have more bad rows than messages are kept */
    for (uint32_t i = 0; i < c->calendar.n; i++)
        if (!(b->calendar[i] = calendar_new(c, &c->calendar.v[i], errs)))
            b->is_good = false;
    for (uint32_t i = 0; i < c->deck.n; i++)
        if (!(b->deck[i] = deck_load(c, i, now_s, threads, errs)))
            b->is_good = false;
    uint32_t before = errs->errors;
    for (uint32_t i = 0; i < c->route.n; i++)
        deck_check_route(c, &c->route.v[i], b->deck, errs);
    if (errs->errors != before)
        b->is_good = false;
    if (!(b->origin = origin_new(c, errs)))
        b->is_good = false;
    if (!(b->ports = portability_new(c, errs, &ok)) || !ok)
        b->is_good = false;
}

static int book_room(struct book *b)
{
    const struct conf *c = b->conf;
    uint32_t n = blocks(c);
    b->deck = calloc(c->deck.n + 1, sizeof(struct deck *));
    b->calendar = calloc(c->calendar.n + 1, sizeof(struct calendar *));
    b->allow = calloc(c->trunk.n + 1, sizeof(struct list *));
    b->block = calloc(n + 1, sizeof(struct list *));
    b->block_of = calloc(c->route.n + 1, sizeof(*b->block_of));
    b->dip_only = calloc(c->lnp.n + 1, sizeof(struct list *));
    b->owned = calloc(c->trunk.n + n + c->lnp.n + 1, sizeof(struct list *));
    b->n_decks = c->deck.n;
    b->n_calendars = c->calendar.n;
    return b->deck && b->calendar && b->allow && b->block && b->block_of && b->dip_only && b->owned
               ? 0
               : -ENOMEM;
}

struct book *book_load(const struct conf *conf, int64_t now_s, unsigned threads,
                       struct conf_errors *errs)
{
    struct book *b = calloc(1, sizeof(*b));
    if (!b)
        return NULL;
    b->conf = conf;
    b->is_good = true;
    if (book_room(b) < 0 || book_files(b, errs) < 0 || book_inline(b) < 0) {
        book_free(b);
        return NULL;
    }
    book_rest(b, now_s, threads ? threads : 1, errs);
    return b;
}

void book_free(struct book *b)
{
    if (!b)
        return;
    for (uint32_t i = 0; b->deck && i < b->n_decks; i++)
        deck_free(b->deck[i]);
    for (uint32_t i = 0; b->calendar && i < b->n_calendars; i++)
        calendar_free(b->calendar[i]);
    for (uint32_t i = 0; i < b->n_owned; i++)
        list_free(b->owned[i]);
    origin_free(b->origin);
    portability_free(b->ports);
    free(b->deck);
    free(b->calendar);
    free(b->allow);
    free(b->block);
    free(b->block_of);
    free(b->dip_only);
    free(b->owned);
    free(b);
}
