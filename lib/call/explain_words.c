/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A question as people type it: words into a struct explain_ask, with what was meant where a word is wrong.
 * Called by tandemctl and by the command of the control socket, whose words come from anybody who may open it.
 */
#include "call/explain_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "config/errors.h"

const char explain_words_help[] =
    "  --from TRUNK          whose call it is, or\n"
    "  --source IP[:PORT]    from where it comes; --listen NAME: to which of our sockets\n"
    "  --called NUMBER       as it is dialled\n"
    "  --caller NUMBER       of From; without: anonymous\n"
    "  --pai NUMBER          of P-Asserted-Identity\n"
    "  --diversion NUMBER    may stand up to five times, newest first\n"
    "  --privacy TEXT        as `id`\n"
    "  --rn NUMBER           the INVITE bears npdi and this routing number (`none`: npdi alone)\n"
    "  --at TIME             2026-12-01T08:30 (UTC, or with Z or +01:00); default now\n"
    "  --assume WHAT=T[,T…]  down, full or drain: these trunks\n"
    "  --seed N              of what is left to chance (default 1)\n";

struct words {
    const struct conf *conf;
    struct explain_ask *ask;
    char *why;
    size_t size;
};

/* ---- parts ------------------------------------------------------------------------------------------------------- */

static int digits(const char **p, unsigned n, unsigned max, unsigned *out)
{
    unsigned v = 0;

    for (unsigned i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return -EINVAL;
        v = v * 10 + (unsigned)(**p - '0');
    }
    *out = v;
    return v > max ? -EINVAL : 0;
}

static bool skip(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

/* Z, +01:00 or nothing: seconds east of UTC. */
static int zone(const char **p, int64_t *east)
{
    int sign = **p == '+' ? 1 : **p == '-' ? -1 : 0;
    unsigned h, m = 0;

    *east = 0;
    if (!sign) {
        (void)skip(p, 'Z');
        return 0;
    }
    (*p)++;
    if (digits(p, 2, 14, &h) < 0)
        return -EINVAL;
    (void)skip(p, ':');
    if (**p && digits(p, 2, 59, &m) < 0)
        return -EINVAL;
    *east = sign * (int64_t)(h * 3600 + m * 60);
    return 0;
}

int explain_time(const char *text, int64_t *wall_s)
{
    unsigned year, month, day, h = 0, m = 0, s = 0;
    const char *p = text;
    int64_t east = 0;
    struct tm tm, back;
    time_t t;

    if (digits(&p, 4, 9999, &year) < 0 || !skip(&p, '-') || digits(&p, 2, 12, &month) < 0 ||
        !skip(&p, '-') || digits(&p, 2, 31, &day) < 0 || !month || !day || year < 1970)
        return -EINVAL;
    if (skip(&p, 'T') || skip(&p, ' ')) {
        if (digits(&p, 2, 23, &h) < 0 || !skip(&p, ':') || digits(&p, 2, 59, &m) < 0 ||
            (skip(&p, ':') && digits(&p, 2, 59, &s) < 0) || zone(&p, &east) < 0)
            return -EINVAL;
    }
    if (*p)
        return -EINVAL;
    tm = (struct tm){.tm_year = (int)year - 1900,
                     .tm_mon = (int)month - 1,
                     .tm_mday = (int)day,
                     .tm_hour = (int)h,
                     .tm_min = (int)m,
                     .tm_sec = (int)s};
    t = timegm(&tm);
    if (!gmtime_r(&t, &back) || back.tm_mday != (int)day) /* the 31st of June */
        return -EINVAL;
    *wall_s = (int64_t)t - east;
    return 0;
}

int explain_trunk(const struct conf *conf, const char *name, uint32_t *id, const char **meant)
{
    const struct conf_trunk *t = conf_find_trunk(conf, name);
    struct nearest near;

    *meant = NULL;
    if (t) {
        *id = (uint32_t)(t - conf->trunk.v);
        return 0;
    }
    nearest_init(&near, span_of(name));
    for (uint32_t i = 0; i < conf->trunk.n; i++)
        nearest_try(&near, conf->trunk.v[i].name);
    *meant = near.best;
    return -ENOENT;
}

/* ---- the options ------------------------------------------------------------------------------------------------- */

static int bad(struct words *w, const char *what, const char *value, const char *meant)
{
    snprintf(w->why, w->size, meant ? "%s '%.80s'; did you mean '%s'?" : "%s '%.80s'", what, value,
             meant);
    return -EINVAL;
}

static int take_from(struct words *w, const char *value)
{
    const char *meant;

    return explain_trunk(w->conf, value, &w->ask->trunk, &meant) < 0
               ? bad(w, "no trunk", value, meant)
               : 0;
}

static int take_source(struct words *w, const char *value)
{
    return addr_parse(span_of(value), 0, &w->ask->source) < 0 ? bad(w, "no address:", value, NULL)
                                                              : 0;
}

static int take_listen(struct words *w, const char *value)
{
    const struct conf_listen *l = conf_find_listen(w->conf, value);

    if (!l)
        return bad(w, "no listen section", value, NULL);
    w->ask->listen = (uint32_t)(l - w->conf->listen.v);
    return 0;
}

static int take_called(struct words *w, const char *value)
{
    w->ask->called = value;
    return 0;
}

static int take_caller(struct words *w, const char *value)
{
    w->ask->caller = value;
    return 0;
}

static int take_pai(struct words *w, const char *value)
{
    w->ask->pai = value;
    return 0;
}

static int take_privacy(struct words *w, const char *value)
{
    w->ask->privacy = value;
    return 0;
}

static int take_rn(struct words *w, const char *value)
{
    w->ask->rn = strcmp(value, "none") == 0 ? "" : value;
    return 0;
}

static int take_diversion(struct words *w, const char *value)
{
    if (w->ask->n_diversions == EXPLAIN_DIVERSIONS_MAX)
        return bad(w, "more than five diversions:", value, NULL);
    w->ask->diversion[w->ask->n_diversions++] = value;
    return 0;
}

static int take_at(struct words *w, const char *value)
{
    if (strcmp(value, "now") == 0)
        return 0;
    w->ask->now = false;
    return explain_time(value, &w->ask->wall_s) < 0
               ? bad(w, "no time as 2026-12-01T08:30Z:", value, NULL)
               : 0;
}

static int take_seed(struct words *w, const char *value)
{
    return span_u32(span_of(value), UINT32_MAX, &w->ask->seed) < 0
               ? bad(w, "no number:", value, NULL)
               : 0;
}

/* "alpha,bravo" */
static int assume_all(struct words *w, bool **list, const char *names)
{
    struct span rest = span_of(names), one;

    while (rest.len) {
        char name[CONF_NAME_MAX + 1] = "?";
        const char *meant;
        uint32_t id;

        (void)span_cut(rest, ',', &one, &rest);
        (void)span_copy(one, name, sizeof name);
        if (explain_trunk(w->conf, name, &id, &meant) < 0)
            return bad(w, "no trunk", name, meant);
        if (explain_assume(w->conf, list, name) < 0)
            return bad(w, "out of memory at", name, NULL);
    }
    return 0;
}

static int take_assume(struct words *w, const char *value)
{
    const struct {
        const char *word;
        bool **list;
    } row[] = {{"down=", &w->ask->down}, {"full=", &w->ask->full}, {"drain=", &w->ask->drained}};

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        size_t n = strlen(row[i].word);

        if (strncmp(value, row[i].word, n) == 0)
            return assume_all(w, row[i].list, value + n);
    }
    return bad(w, "what is assumed is down=, full= or drain=, not", value, NULL);
}

static const struct {
    const char *word;
    int (*take)(struct words *w, const char *value);
} option[] = {
    {"--from", take_from},           {"--source", take_source}, {"--listen", take_listen},
    {"--called", take_called},       {"--caller", take_caller}, {"--pai", take_pai},
    {"--privacy", take_privacy},     {"--rn", take_rn},         {"--at", take_at},
    {"--diversion", take_diversion}, {"--seed", take_seed},     {"--assume", take_assume}};

static int take(struct words *w, const char *word, const char *value)
{
    struct nearest near;

    nearest_init(&near, span_of(word));
    for (size_t i = 0; i < sizeof option / sizeof option[0]; i++) {
        if (strcmp(word, option[i].word) != 0) {
            nearest_try(&near, option[i].word);
            continue;
        }
        if (value)
            return option[i].take(w, value);
        return bad(w, "a value is missing behind", word, NULL);
    }
    return bad(w, "unknown word", word, near.best);
}

int explain_words(const struct conf *conf, unsigned n, const char *const *word,
                  struct explain_ask *ask, char *why, size_t size)
{
    struct words w = {conf, ask, why, size};

    for (unsigned i = 0; i < n; i += 2) {
        int rc = take(&w, word[i], i + 1 < n ? word[i + 1] : NULL);

        if (rc < 0)
            return rc;
    }
    if (!ask->called)
        snprintf(why, size, "--called NUMBER is missing");
    else if (ask->trunk == CONF_NONE && !addr_is_set(&ask->source))
        snprintf(why, size, "--from TRUNK or --source ADDRESS is missing");
    else
        return 0;
    return -EINVAL;
}
