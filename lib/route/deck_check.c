/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decks held against the route lines that name them: which can never serve, and what a deck covers.
 * The check of a configuration calls it; nothing of it is asked for a call.
 */
#include "route/deck.h"

#include <stdio.h>
#include <stdlib.h>

#define COVERS_MAX 4 /* prefixes named; of more, the first and the last */

static bool is_under(uint64_t key, uint64_t prefix)
{
    return key_cut(key, key_len(prefix)) == prefix;
}

/* First row behind those under the prefix. */
static uint32_t row_behind(const struct deck *d, uint64_t prefix)
{
    uint64_t step = prefix ? UINT64_C(1) << (64 - 4 * key_len(prefix)) : 0;

    if (prefix == 0 || key_len(prefix) == 0)
        return d->n;
    /* the last key of all lengths has no successor in 64 bits; a step of 16 characters is 1 */
    return prefix + step < prefix ? d->n : deck_first(d, prefix + step);
}

bool deck_serves(const struct deck *d, uint64_t prefix, const uint64_t *taken, unsigned n)
{
    uint32_t i = deck_first(d, prefix), end = row_behind(d, prefix);
    unsigned t = 0;

    for (unsigned len = 0; len < key_len(prefix); len++) {
        uint32_t above = deck_first(d, key_cut(prefix, len));

        if (above < d->n && d->row[above].key == key_cut(prefix, len))
            return true;
    }
    while (i < end) {
        while (t < n && taken[t] < d->row[i].key && !is_under(d->row[i].key, taken[t]))
            t++;
        if (t == n || !is_under(d->row[i].key, taken[t]))
            return true;
        i = row_behind(d, taken[t]);
    }
    return false;
}

/* Prefixes of len characters that rows begin with; shorter rows count as they are. */
static unsigned count_heads(const struct deck *d, unsigned len, uint64_t *first, unsigned max)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < d->n;) {
        uint64_t head = key_cut(d->row[i].key, len);

        if (n < max)
            first[n] = head;
        n++;
        i = head ? row_behind(d, head) : i + 1;
    }
    return n;
}

/* Characters that all keys have in common. */
static unsigned common_length(const struct deck *d)
{
    uint64_t differ = d->row[0].key ^ d->row[d->n - 1].key;

    return differ ? (unsigned)__builtin_clzll(differ) / 4 : key_len(d->row[0].key);
}

const char *deck_covers(const struct deck *d, char *out, size_t size)
{
    uint64_t head[COVERS_MAX];
    char a[KEY_DIGITS + 1], b[KEY_DIGITS + 1];
    unsigned common, n;
    size_t at = 0;

    if (d->n == 0) {
        snprintf(out, size, "nothing");
        return out;
    }
    common = common_length(d);
    n = count_heads(d, common < KEY_DIGITS ? common + 1 : common, head, COVERS_MAX);
    if (common > 1 || (n == 1 && common > 0)) {
        snprintf(out, size, "%s only", key_text(key_cut(d->row[0].key, common), a));
        return out;
    }
    if (n <= COVERS_MAX) { /* few: name them with what they have in common */
        for (unsigned i = 0; i < n && at < size; i++)
            at += (size_t)snprintf(out + at, size - at, "%s%s", i ? " " : "", key_text(head[i], a));
        return out;
    }
    snprintf(out, size, "%u rows from %s to %s", d->n, key_text(d->row[0].key, a),
             key_text(d->row[d->n - 1].key, b));
    return out;
}

/* ---- route lines ---- */

static int by_key(const void *va, const void *vb)
{
    uint64_t a = *(const uint64_t *)va, b = *(const uint64_t *)vb;

    return a < b ? -1 : a > b;
}

static bool is_unconditional(const struct conf_route_line *l)
{
    return l->cond.when.id == CONF_NONE && !l->cond.when.name && l->cond.from.n == 0 &&
           l->cond.caller.n == 0;
}

/* Prefixes that lines without conditions take: all calls below them go there. Sorted. @return owned, NULL: none or no memory */
static uint64_t *taken_keys(const struct conf_route *route, unsigned *n)
{
    size_t room = 0;
    uint64_t *key;

    *n = 0;
    for (uint32_t i = 0; i < route->line.n; i++)
        room += route->line.v[i].prefix.n;
    key = room ? malloc(room * sizeof(*key)) : NULL;
    for (uint32_t i = 0; key && i < route->line.n; i++) {
        const struct conf_route_line *l = &route->line.v[i];

        for (uint32_t k = 0; is_unconditional(l) && k < l->prefix.n; k++)
            *n += key_of_prefix(span_of(l->prefix.v[k]), &key[*n]) == 0 && key[*n] != 0;
    }
    if (*n)
        qsort(key, *n, sizeof(*key), by_key);
    return key;
}

/* Those of the taken keys that are longer than the prefix and under it, without those that are under another one of them. */
static unsigned taken_below(const uint64_t *key, unsigned n, uint64_t prefix, uint64_t *out)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < n; i++) {
        if (key[i] == prefix || !is_under(key[i], prefix))
            continue;
        if (kept == 0 || !is_under(key[i], out[kept - 1]))
            out[kept++] = key[i];
    }
    return kept;
}

static bool line_is_served(const struct conf_route_line *l, const struct deck *d,
                           const uint64_t *key, unsigned n, uint64_t *below)
{
    uint64_t prefix = 0;

    if (l->kind != CONF_ROUTE_PREFIX)
        return deck_serves(d, 0, below, taken_below(key, n, 0, below));
    for (uint32_t i = 0; i < l->prefix.n; i++) {
        if (key_of_prefix(span_of(l->prefix.v[i]), &prefix) != 0 ||
            deck_serves(d, prefix, below, taken_below(key, n, prefix, below)))
            return true;
    }
    return l->prefix.n == 0;
}

static void say_unserved(const struct conf *conf, const struct conf_route_line *l,
                         const struct conf_ref *ref, const struct deck *d, struct conf_errors *errs)
{
    char covers[128];

    deck_covers(d, covers, sizeof(covers));
    if (l->kind == CONF_ROUTE_PREFIX)
        conf_error_at(errs, CONF_ERROR, conf, ref->loc, 0,
                      "ratedeck '%s' covers %s and can never serve 'prefix %s%s'", ref->name,
                      covers, l->prefix.n ? l->prefix.v[0] : "", l->prefix.n > 1 ? " ..." : "");
    else
        conf_error_at(errs, CONF_ERROR, conf, ref->loc, 0,
                      "ratedeck '%s' covers %s, all of it taken by prefix lines", ref->name,
                      covers);
}

void deck_check_route(const struct conf *conf, const struct conf_route *route,
                      struct deck *const *deck, struct conf_errors *errs)
{
    unsigned n;
    uint64_t *key = taken_keys(route, &n), *below = malloc((n + 1) * sizeof(*below));

    for (uint32_t i = 0; below && i < route->line.n; i++) {
        const struct conf_route_line *l = &route->line.v[i];

        for (uint32_t k = 0; k < l->lcr.n; k++) {
            const struct conf_ref *ref = &l->lcr.v[k];
            const struct deck *d = ref->id < conf->deck.n ? deck[ref->id] : NULL;

            if (d && !line_is_served(l, d, key, n, below))
                say_unserved(conf, l, ref, d, errs);
        }
    }
    free(below);
    free(key);
}
