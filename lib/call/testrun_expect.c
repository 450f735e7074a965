/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a test may expect of a call: one table, one function a word; each reads its words, and compares if there is an answer.
 * Called by testrun.c. It sees the answer of explain as JSON, as any script would.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "call/explain_priv.h"
#include "call/testrun_priv.h"
#include "config/errors.h"
#include "config/value.h"

static const char *text_of(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s ? s : "";
}

/* ---- the candidates ---------------------------------------------------------------------------------------------- */

/* Those that would be tried one after the other: not the full ones. i-th of them; NULL: no more. */
static const json_t *choice(const struct testrun *t, size_t i)
{
    const json_t *c;
    size_t k;

    json_array_foreach(json_object_get(t->answer, "candidates"), k, c)
    {
        if (json_is_false(json_object_get(c, "tried")) &&
            (json_is_true(json_object_get(c, "full")) ||
             strcmp(text_of(c, "why"), "trunk unusable") == 0))
            continue;
        if (i-- == 0)
            return c;
    }
    return NULL;
}

static const json_t *choice_of(const struct testrun *t, const char *trunk)
{
    const json_t *c;

    for (size_t i = 0; (c = choice(t, i)); i++)
        if (strcmp(text_of(c, "trunk"), trunk) == 0)
            return c;
    return NULL;
}

static const char *why_dropped(const struct testrun *t, const char *trunk)
{
    const json_t *c;
    size_t i;

    json_array_foreach(json_object_get(t->answer, "dropped"), i,
                       c) if (strcmp(text_of(c, "trunk"), trunk) == 0) return text_of(c, "text");
    json_array_foreach(json_object_get(t->answer, "candidates"), i,
                       c) if (strcmp(text_of(c, "trunk"), trunk) == 0) return text_of(c, "why");
    return "no candidate";
}

/* "charlie alpha bravo", or the refusal where there is none. */
static void got_order(struct testrun *t)
{
    char text[512] = "";
    size_t n = 0;
    const json_t *c, *refused = json_object_get(t->answer, "refused");

    for (size_t i = 0; (c = choice(t, i)) && n < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i ? " " : "", text_of(c, "trunk"));
    if (text[0])
        testrun_fail(t, "%s", text);
    else if (refused)
        testrun_fail(t, "refused with %s (%s)", text_of(refused, "status"),
                     text_of(refused, "why"));
    else
        testrun_fail(t, "no candidate");
}

/* ---- of a carrier ------------------------------------------------------------------------------------------------ */

struct of_carrier {
    struct testrun *t;
    const char *trunk;
    const json_t *c; /* NULL: only checked, or the carrier is no choice (told) */
};

static void user_of(const char *ruri, char *out, size_t size)
{
    const char *colon = strchr(ruri, ':'), *end;

    snprintf(out, size, "%s", colon ? colon + 1 : ruri);
    end = out + strcspn(out, "@;");
    out[end - out] = '\0';
}

static void compare_ruri(const struct of_carrier *o, const struct conf_word *want, bool user)
{
    const json_t *r;
    char got[512] = "", text[512];
    size_t i;

    if (!want || !o->c)
        return;
    json_array_foreach(json_object_get(o->c, "requests"), i, r)
    {
        if (user)
            user_of(text_of(r, "ruri"), text, sizeof text);
        else
            snprintf(text, sizeof text, "%s", text_of(r, "ruri"));
        if (strcmp(text, want->text) == 0)
            return;
        if (!got[0])
            memcpy(got, text, sizeof got);
    }
    testrun_fail(o->t, "%s", got[0] ? got : "no request");
}

static void of_ruri(const struct of_carrier *o)
{
    compare_ruri(o, testrun_next(o->t, "a URI is missing behind"), false);
}

static void of_ruri_user(const struct of_carrier *o)
{
    compare_ruri(o, testrun_next(o->t, "a number is missing behind"), true);
}

/* Any line of that name may have it. */
static void of_header(const struct of_carrier *o)
{
    const struct conf_word *name = testrun_next(o->t, "a name is missing behind");
    const struct conf_word *want = testrun_next(o->t, "a value, or none, is missing behind");
    const json_t *r = o->c ? json_array_get(json_object_get(o->c, "requests"), 0) : NULL, *h;
    const char *got = NULL;
    size_t i;

    if (!name || !want || !o->c)
        return;
    json_array_foreach(json_object_get(r, "headers"), i, h)
    {
        if (!span_case_eq(span_of(text_of(h, "name")), span_of(name->text)))
            continue;
        if (strcmp(text_of(h, "value"), want->text) == 0)
            return;
        got = got ? got : text_of(h, "value");
    }
    if (got || strcmp(want->text, "none") != 0)
        testrun_fail(o->t, "%s: %s", name->text, got ? got : "not there");
}

static void of_rate(const struct of_carrier *o)
{
    const struct conf_word *w = testrun_next(o->t, "a rate is missing behind");
    int64_t want, got = -1;

    if (!w)
        return;
    if (value_money(span_of(w->text), &want) < 0) {
        testrun_wrong(o->t, w, NULL, "no amount as 0.0061:");
        return;
    }
    if (!o->c)
        return;
    if (json_object_get(o->c, "rate"))
        (void)value_money(span_of(text_of(o->c, "rate")), &got);
    if (got != want)
        testrun_fail(o->t, "%s", json_object_get(o->c, "rate") ? text_of(o->c, "rate") : "no rate");
}

static const struct {
    const char *word;
    void (*run)(const struct of_carrier *o);
} carrier_word[] = {
    {"ruri", of_ruri}, {"ruri-user", of_ruri_user}, {"header", of_header}, {"rate", of_rate}};

static void of_carrier(struct testrun *t, const char *trunk, const struct conf_word *w)
{
    struct of_carrier o = {t, trunk, t->answer ? choice_of(t, trunk) : NULL};
    struct nearest near;

    if (!w)
        return;
    nearest_init(&near, span_of(w->text));
    for (size_t i = 0; i < sizeof carrier_word / sizeof carrier_word[0]; i++) {
        if (strcmp(w->text, carrier_word[i].word) != 0) {
            nearest_try(&near, carrier_word[i].word);
            continue;
        }
        if (t->answer && !o.c)
            testrun_fail(t, "%s is no choice: %s", trunk, why_dropped(t, trunk));
        carrier_word[i].run(&o);
        return;
    }
    testrun_wrong(t, w, near.best, "of a carrier nobody can expect");
}

/* ---- of the call ------------------------------------------------------------------------------------------------- */

static void expect_text(struct testrun *t, const char *name, const char *what)
{
    const struct conf_word *w = testrun_next(t, what);

    if (!w || !t->answer)
        return;
    if (strcmp(text_of(t->answer, name), w->text) != 0)
        testrun_fail(t, "%s", text_of(t->answer, name)[0] ? text_of(t->answer, name) : "nothing");
}

static void expect_normalised(struct testrun *t)
{
    expect_text(t, "normalised", "a number is missing behind");
}

static void expect_caller(struct testrun *t)
{
    expect_text(t, "caller", "a number is missing behind");
}

static void expect_routed(struct testrun *t)
{
    expect_text(t, "routed", "a number is missing behind");
}

static void expect_class(struct testrun *t)
{
    const struct conf_word *w = testrun_next(t, "a class is missing behind");

    if (!w)
        return;
    if (strcmp(w->text, "emergency") != 0 && strcmp(w->text, "service") != 0 &&
        strcmp(w->text, "ordinary") != 0)
        testrun_wrong(t, w, NULL, "no class (emergency, service, ordinary):");
    else if (t->answer && strcmp(text_of(t->answer, "class"), w->text) != 0)
        testrun_fail(t, "%s", text_of(t->answer, "class"));
}

static void expect_order(struct testrun *t)
{
    const struct conf_word *w = testrun_next(t, "a trunk is missing behind");
    const json_t *c;
    bool same = true;
    size_t n = 0;
    uint32_t id;

    for (; w; w = testrun_next(t, NULL), n++) {
        if (!testrun_trunk(t, w, &id) || !t->answer)
            continue;
        c = choice(t, n);
        same = same && c && strcmp(text_of(c, "trunk"), w->text) == 0;
    }
    if (t->answer && (!same || choice(t, n)))
        got_order(t);
}

static bool is_first(struct testrun *t, const struct conf_word *w)
{
    const json_t *c = choice(t, 0);

    return c && strcmp(text_of(c, "trunk"), w->text) == 0;
}

static void expect_first(struct testrun *t)
{
    const struct conf_word *w = testrun_next(t, "a trunk is missing behind"), *more;
    uint32_t id;

    if (!testrun_trunk(t, w, &id))
        return;
    if (t->answer && !is_first(t, w)) {
        got_order(t);
        t->at = t->line->words.word.n; /* what it would get is no question any more */
        return;
    }
    more = testrun_next(t, NULL);
    of_carrier(t, w->text, more);
}

static void expect_not(struct testrun *t)
{
    const struct conf_word *w = testrun_next(t, "a trunk is missing behind");
    uint32_t id;

    for (; w; w = testrun_next(t, NULL))
        if (testrun_trunk(t, w, &id) && t->answer && choice_of(t, w->text))
            got_order(t);
}

static void expect_refused(struct testrun *t)
{
    const struct conf_word *w = testrun_next(t, "a status is missing behind");
    const json_t *refused = t->answer ? json_object_get(t->answer, "refused") : NULL;
    uint32_t code;

    if (!w)
        return;
    if (span_u32(span_of(w->text), 699, &code) < 0 || code < 400) {
        testrun_wrong(t, w, NULL, "no status from 400 to 699:");
        return;
    }
    if (!t->answer)
        return;
    if (!refused)
        got_order(t);
    else if (json_integer_value(json_object_get(refused, "code")) != (json_int_t)code)
        testrun_fail(t, "%s (%s)", text_of(refused, "status"), text_of(refused, "why"));
}

static void expect_admitted(struct testrun *t)
{
    const struct conf_word *via = testrun_next(t, NULL), *w;
    uint32_t id;

    if (t->answer && !json_is_true(json_object_get(t->answer, "admitted")))
        testrun_fail(t, "not admitted: %s", text_of(json_object_get(t->answer, "refused"), "why"));
    if (!via)
        return;
    if (strcmp(via->text, "via") != 0) {
        testrun_wrong(t, via, "via", "behind admitted stands via TRUNK, not");
        return;
    }
    w = testrun_next(t, "a trunk is missing behind");
    if (testrun_trunk(t, w, &id) && t->answer && !is_first(t, w))
        got_order(t);
}

static void expect_rate(struct testrun *t)
{
    const struct conf_word *w = testrun_next(t, "a trunk is missing behind");
    uint32_t id;

    if (testrun_trunk(t, w, &id))
        of_rate(&(struct of_carrier){t, w->text, t->answer ? choice_of(t, w->text) : NULL});
}

/* As the answer names it: a path for people is not that of the configuration ("a/../b.conf"). */
static bool is_place(const struct testrun *t, const struct conf_loc *loc, const json_t *at)
{
    json_t *here = json_object();
    bool is;

    explain_put_loc(here, t->conf, loc);
    is = json_equal(here, at);
    json_decref(here);
    return is;
}

/* The route line that served the call, by the place that the answer names. */
static const struct conf_route_line *line_of(const struct testrun *t)
{
    const json_t *at = json_object_get(t->answer, "route_line");
    json_int_t no = json_integer_value(json_object_get(at, "line"));

    for (uint32_t r = 0; at && r < t->conf->route.n; r++)
        for (uint32_t i = 0; i < t->conf->route.v[r].line.n; i++) {
            const struct conf_route_line *l = &t->conf->route.v[r].line.v[i];

            if (l->loc.line == no && is_place(t, &l->loc, at))
                return l;
        }
    return NULL;
}

static bool line_has(const struct conf_route_line *l, enum conf_route_kind kind, const char *prefix)
{
    if (!l || l->kind != kind)
        return false;
    for (uint32_t i = 0; kind == CONF_ROUTE_PREFIX && i < l->prefix.n; i++)
        if (strcmp(l->prefix.v[i], prefix) == 0)
            return true;
    return kind != CONF_ROUTE_PREFIX;
}

static void expect_line(struct testrun *t)
{
    const struct conf_word *kind =
        testrun_next(t, "prefix P, default or emergency is missing behind");
    const struct conf_word *p = NULL;
    const struct conf_route_line *l;
    enum conf_route_kind k;

    if (!kind)
        return;
    k = strcmp(kind->text, "default") == 0     ? CONF_ROUTE_DEFAULT
        : strcmp(kind->text, "emergency") == 0 ? CONF_ROUTE_EMERGENCY
                                               : CONF_ROUTE_PREFIX;
    if (k == CONF_ROUTE_PREFIX && strcmp(kind->text, "prefix") != 0) {
        testrun_wrong(t, kind, NULL, "a line is prefix P, default or emergency, not");
        return;
    }
    if (k == CONF_ROUTE_PREFIX && !(p = testrun_next(t, "a prefix is missing behind")))
        return;
    if (!t->answer)
        return;
    l = line_of(t);
    if (line_has(l, k, p ? p->text : ""))
        return;
    if (l)
        testrun_fail(t, "%s %s (%s:%u)",
                     l->kind == CONF_ROUTE_PREFIX      ? "prefix"
                     : l->kind == CONF_ROUTE_EMERGENCY ? "emergency"
                                                       : "default",
                     l->kind == CONF_ROUTE_PREFIX && l->prefix.n ? l->prefix.v[0] : "",
                     conf_loc_file(t->conf, &l->loc), l->loc.line);
    else
        testrun_fail(t, "no line");
}

const struct testrun_word testrun_expected[] = {{"normalised", expect_normalised},
                                                {"order", expect_order},
                                                {"first", expect_first},
                                                {"not", expect_not},
                                                {"refused", expect_refused},
                                                {"admitted", expect_admitted},
                                                {"rate", expect_rate},
                                                {"class", expect_class},
                                                {"line", expect_line},
                                                {"caller", expect_caller},
                                                {"routed", expect_routed},
                                                {NULL, NULL}};

void testrun_expect(struct testrun *t)
{
    const struct conf_word *w = testrun_next(t, NULL);
    struct nearest near;

    nearest_init(&near, span_of(w->text));
    for (const struct testrun_word *x = testrun_expected; x->word; x++) {
        if (strcmp(x->word, w->text) == 0) {
            x->run(t);
            goto rest;
        }
        nearest_try(&near, x->word);
    }
    if (!conf_find_trunk(t->conf, w->text)) {
        for (uint32_t i = 0; !near.best && i < t->conf->trunk.n; i++)
            nearest_try(&near, t->conf->trunk.v[i].name);
        testrun_wrong(t, w, near.best, "no expectation and no trunk");
        return;
    }
    of_carrier(t, w->text, testrun_next(t, "ruri, ruri-user, header or rate is missing behind"));
rest:
    w = testrun_next(t, NULL);
    if (w && !t->is_bad)
        testrun_wrong(t, w, NULL, "superfluous");
}
