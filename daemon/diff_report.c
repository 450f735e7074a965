/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two configurations compared, as JSON and as text.
 * Called by the builder for the running switch and by tandemctl for files. It decides nothing: lib/config/compare and lib/route/diff do.
 */
#include "daemon/diff_report.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include "config/compare.h"
#include "core/clock.h"
#include "core/parallel.h"
#include "daemon/snapshot.h"

#define INT(v) ((json_int_t)(v))

static const char *const class_name[] = {
    [DECK_INTER] = "inter", [DECK_INTRA] = "intra", [DECK_INDETERMINATE] = "indeterminate"};

int diff_ask_parse(struct diff_ask *ask, int argc, char *const *argv, char *why, size_t size)
{
    *ask = (struct diff_ask){.wall_s = (int64_t)time(NULL), .jurisdiction = DECK_INTER};
    for (int i = 0; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        uint8_t k = DECK_INTER;
        if (strcmp(argv[i], "--at") == 0) {
            if (deck_moment(span_of(value), &ask->wall_s) == 0)
                continue;
            snprintf(why, size, "--at: '%.40s' is no time; 2026-12-01 or 2026-12-01T08:00Z", value);
            return -EINVAL;
        }
        while (strcmp(argv[i], "--class") == 0 && k <= DECK_INDETERMINATE &&
               strcmp(class_name[k], value) != 0)
            k++;
        if (strcmp(argv[i], "--class") != 0 || k > DECK_INDETERMINATE) {
            snprintf(why, size, "usage: diff " DIFF_ASK_ARGS);
            return -EINVAL;
        }
        ask->jurisdiction = k;
    }
    return 0;
}

static json_t *text_of(struct span s)
{
    json_t *j = json_stringn(s.p ? s.p : "", s.len);
    return j ? j : json_string("?"); /* not UTF-8 */
}

static json_t *money(int64_t nano)
{
    char buf[24];
    return nano < 0 ? json_null() : json_string(route_money(nano, buf));
}

/* ---- what was written ---- */

struct sections {
    const struct conf *old, *now;
    json_t *list;
};

static json_t *line_json(const struct sections *w, const struct compare_line *l)
{
    const struct conf *c = l->added ? w->now : w->old;
    return json_pack("{s:s,s:o,s:o,s:s,s:I}", "op", l->added ? "+" : "-", "keyword",
                     text_of(l->keyword), "text", text_of(l->text), "file",
                     conf_loc_file(c, &l->loc), "line", INT(l->loc.line));
}

static void add_section(void *arg, const struct compare_section *s)
{
    static const char *const what[] = {
        [COMPARE_ADDED] = "added", [COMPARE_REMOVED] = "removed", [COMPARE_CHANGED] = "changed"};
    struct sections *w = arg;
    const struct conf *c = s->what == COMPARE_REMOVED ? w->old : w->now;
    json_t *lines = json_array();
    for (uint32_t i = 0; i < s->n; i++)
        json_array_append_new(lines, line_json(w, &s->line[i]));
    json_array_append_new(w->list,
                          json_pack("{s:s,s:o,s:o,s:s,s:I,s:b,s:o}", "what", what[s->what], "kind",
                                    text_of(s->kind), "name", text_of(s->name), "file",
                                    conf_loc_file(c, &s->loc), "line", INT(s->loc.line),
                                    "reordered", s->reordered, "lines", lines));
}

/* ---- routes ---- */

static json_t *choice_json(const struct conf *c, const struct diff_choice *x)
{
    json_t *j;
    if (x->trunk == CONF_NONE)
        return json_pack("{s:n,s:i}", "trunk", "code", (int)(x->code ? x->code : 404));
    j = json_pack("{s:s,s:o,s:o}", "trunk", c->trunk.v[x->trunk].name, "rate", money(x->rate),
                  "cost", money(x->cost));
    if (x->deck != CONF_NONE) {
        json_object_set_new(j, "deck", json_string(c->deck.v[x->deck].name));
        json_object_set_new(j, "currency", json_string(c->deck.v[x->deck].currency));
    }
    return j;
}

static json_t *route_json(const struct diff_route *r, const struct conf *old,
                          const struct conf *now)
{
    json_t *top = json_array(), *trunks = json_array();
    char key[KEY_DIGITS + 1];
    for (unsigned i = 0; i < r->n_top; i++)
        json_array_append_new(top,
                              json_pack("{s:s,s:o,s:o}", "prefix", key_text(r->top[i].key, key),
                                        "old", choice_json(old, &r->top[i].old), "new",
                                        choice_json(now, &r->top[i].now)));
    for (uint32_t i = 0; i < r->n_trunks; i++)
        json_array_append_new(trunks,
                              json_pack("{s:s,s:I,s:I}", "trunk", r->trunk[i].name, "won",
                                        INT(r->trunk[i].won), "lost", INT(r->trunk[i].lost)));
    return json_pack(
        "{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:I,s:I,s:o,s:o}", "route", r->name, "what",
        r->is_new    ? "added"
        : r->is_gone ? "removed"
                     : "kept",
        "prefixes", INT(r->prefixes), "moved", INT(r->moved), "gained", INT(r->gained), "lost",
        INT(r->lost), "dearer", INT(r->dearer), "cheaper", INT(r->cheaper), "priced",
        INT(r->priced), "cost_old", money(r->priced ? r->cost_old : -1), "cost_new",
        money(r->priced ? r->cost_now : -1), "below_cost_old", INT(r->below_old), "below_cost_new",
        INT(r->below_now), "top", top, "trunks", trunks);
}

static json_t *moment_json(int64_t wall_s)
{
    char text[32];
    time_t t = (time_t)wall_s;
    struct tm tm;

    if (wall_s == INT64_MAX)
        return json_null();
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    return json_string(text);
}

/* next: when prices change by the clock */
static json_t *routes_json(const struct route *old, const struct route *now,
                           const struct diff_ask *ask, json_t **next)
{
    struct diff_param p = {.old = old,
                           .now = now,
                           .wall_s = ask->wall_s,
                           .rates = {ask->jurisdiction, CONF_ZONES_MAX},
                           .threads = parallel_threads()};
    json_t *list = json_array();
    struct diff *d;
    if (route_diff(&p, &d) < 0) {
        json_decref(list);
        return NULL;
    }
    for (uint32_t i = 0; i < d->n; i++)
        json_array_append_new(list, route_json(&d->route[i], route_conf(old), route_conf(now)));
    *next = moment_json(d->next_change);
    diff_free(d);
    return list;
}

json_t *diff_report(const struct route *old, const struct route *now, const struct diff_ask *ask)
{
    struct sections w = {route_conf(old), route_conf(now), json_array()};
    uint64_t from = clock_now_ns();
    char restart[256] = "";
    bool ok = snapshot_can_replace(w.old, w.now, restart, sizeof(restart));
    json_t *next = NULL, *routes = routes_json(old, now, ask, &next);
    if (!routes || conf_compare(w.old, w.now, add_section, &w) < 0) {
        json_decref(routes);
        json_decref(next);
        json_decref(w.list);
        return NULL;
    }
    return json_pack("{s:I,s:s,s:s,s:o,s:o,s:o,s:o,s:I}", "at", INT(ask->wall_s), "class",
                     class_name[ask->jurisdiction], "currency", w.now->global.currency, "restart",
                     ok ? json_null() : json_string(restart), "next_change", next, "sections",
                     w.list, "routes", routes, "took_ms", INT((clock_now_ns() - from) / 1000000U));
}

/* ---- text ---- */

static const char *str(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "-";
}

static long long num(const json_t *o, const char *key)
{
    return (long long)json_integer_value(json_object_get(o, key));
}

static void print_section(FILE *out, const json_t *s)
{
    const json_t *l;
    size_t i;
    fprintf(out, "%-8s %s%s%s  (%s:%lld)\n", str(s, "what"), str(s, "kind"),
            *str(s, "name") ? " " : "", str(s, "name"), str(s, "file"), num(s, "line"));
    if (json_is_true(json_object_get(s, "reordered")))
        fprintf(out, "  the same lines in another order\n");
    json_array_foreach(json_object_get(s, "lines"), i, l)
        fprintf(out, "  %s %s\n", str(l, "op"), str(l, "text"));
}

static void print_choice(FILE *out, const json_t *c, int width)
{
    char text[160];
    if (!json_is_string(json_object_get(c, "trunk")))
        snprintf(text, sizeof(text), "refused %lld", num(c, "code"));
    else if (json_object_get(c, "currency"))
        snprintf(text, sizeof(text), "%s %s %s", str(c, "trunk"), str(c, "currency"),
                 str(c, "rate"));
    else
        snprintf(text, sizeof(text), "%s", str(c, "trunk"));
    fprintf(out, " %-*s", width, text);
}

static void print_top(FILE *out, const json_t *r)
{
    const json_t *x;
    size_t i;
    if (json_array_size(json_object_get(r, "top")) == 0)
        return;
    fprintf(out, "  %-17s %-32s    NEW\n", "PREFIX", "OLD");
    json_array_foreach(json_object_get(r, "top"), i, x)
    {
        fprintf(out, "  %-17s", str(x, "prefix"));
        print_choice(out, json_object_get(x, "old"), 32);
        fprintf(out, " ->");
        print_choice(out, json_object_get(x, "new"), 0);
        fputc('\n', out);
    }
}

static bool route_changes(const json_t *r)
{
    return strcmp(str(r, "what"), "kept") != 0 || num(r, "moved") || num(r, "gained") ||
           num(r, "lost") || num(r, "dearer") || num(r, "cheaper") ||
           num(r, "below_cost_new") != num(r, "below_cost_old");
}

static void print_route(FILE *out, const json_t *r, const char *currency)
{
    const json_t *t;
    size_t i;
    fprintf(out,
            "route %s (%s): %lld prefixes; another first choice for %lld, %lld gained, %lld lost; "
            "%lld dearer, %lld cheaper\n",
            str(r, "route"), str(r, "what"), num(r, "prefixes"), num(r, "moved"), num(r, "gained"),
            num(r, "lost"), num(r, "dearer"), num(r, "cheaper"));
    if (num(r, "priced"))
        fprintf(out, "  average cost of %lld prefixes: %s -> %s %s a minute\n", num(r, "priced"),
                str(r, "cost_old"), str(r, "cost_new"), currency);
    if (num(r, "below_cost_new") || num(r, "below_cost_old"))
        fprintf(out, "  sold below cost: %lld prefixes -> %lld\n", num(r, "below_cost_old"),
                num(r, "below_cost_new"));
    print_top(out, r);
    json_array_foreach(json_object_get(r, "trunks"), i, t)
        fprintf(out, "  trunk %-20s first choices won %lld, lost %lld\n", str(t, "trunk"),
                num(t, "won"), num(t, "lost"));
}

void diff_print(FILE *out, const json_t *d)
{
    const json_t *x;
    bool any = json_array_size(json_object_get(d, "sections")) > 0;
    size_t i;
    json_array_foreach(json_object_get(d, "sections"), i, x) print_section(out, x);
    json_array_foreach(json_object_get(d, "routes"), i, x)
    {
        if (!route_changes(x))
            continue;
        any = true;
        print_route(out, x, str(d, "currency"));
    }
    if (json_is_string(json_object_get(d, "restart")))
        fprintf(out, "needs a restart, a reload would be refused: %s\n", str(d, "restart"));
    if (!any)
        fprintf(out, "no difference\n");
    if (json_is_string(json_object_get(d, "next_change")))
        fprintf(out, "rows of decks begin or end next at %s: diff --at says what they change\n",
                str(d, "next_change"));
}
