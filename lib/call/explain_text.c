/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer of explain for people: what was decided, where that is written, what each carrier gets.
 * Called by tandemctl and the control socket. It knows the JSON of explain_json.c and nothing else.
 */
#include "call/explain_text.h"

#include <stdbool.h>
#include <string.h>

/* Where a decision is written stands behind column 58, as long as the text before leaves room. */
#define PLACE_COLUMN 58

static const char *text_of(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s ? s : "";
}

static long long number_of(const json_t *o, const char *name)
{
    return (long long)json_integer_value(json_object_get(o, name));
}

static bool is(const json_t *o, const char *name)
{
    return json_is_true(json_object_get(o, name));
}

/* Control bytes that a number brought along do not reach a terminal. */
static int put(FILE *out, const char *s)
{
    int n = 0;

    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        fputc(c < 0x20 || c == 0x7f ? '?' : c, out);
        n += (c & 0xc0) != 0x80; /* UTF-8 continuation bytes take no column of their own */
    }
    return n;
}

/* "conf.d/routes.conf:15", without the folder of the main file. */
static void put_place(FILE *out, const json_t *answer, const json_t *at, int column)
{
    const char *file = text_of(at, "file"), *folder = text_of(answer, "folder");
    size_t n = strlen(folder);

    if (file[0]) {
        fprintf(out, "%*s", column < PLACE_COLUMN ? PLACE_COLUMN - column : 2, "");
        put(out, n && strncmp(file, folder, n) == 0 ? file + n : file);
        fprintf(out, ":%lld", number_of(at, "line"));
    }
    fputc('\n', out);
}

static void put_step(FILE *out, const json_t *answer, const char *what, const char *text,
                     const json_t *at)
{
    int n = fprintf(out, "%-7s", what);

    if (n == (int)strlen(what)) /* a long word */
        n += fprintf(out, " ");
    put_place(out, answer, at, n + put(out, text));
}

/* ---- head -------------------------------------------------------------------------------------------------------- */

static void print_asked(FILE *out, const json_t *answer)
{
    const json_t *all = json_object_get(answer, "assumed"), *one;
    size_t i;

    fprintf(out, "%-7s%s, seed %lld", "at", text_of(answer, "time"), number_of(answer, "seed"));
    if (number_of(answer, "generation"))
        fprintf(out, ", generation %lld", number_of(answer, "generation"));
    json_array_foreach(all, i, one)
    {
        fputs(i ? ", " : ", assumed: ", out);
        put(out, json_string_value(one));
    }
    fputc('\n', out);
    if (is(answer, "draining"))
        put_step(out, answer, "node", "draining: new calls get 503, but emergency calls", NULL);
}

static void print_in(FILE *out, const json_t *answer)
{
    const json_t *in = json_object_get(answer, "in");
    char line[256];

    snprintf(line, sizeof line, "%s %s (%s)", text_of(in, "trunk"), text_of(in, "source"),
             text_of(in, "by"));
    put_step(out, answer, "in", line, in);
}

static int limit_text(const json_t *l, char *buf, size_t size)
{
    int n = 0;

    if (number_of(l, "limit"))
        n = snprintf(buf, size, "%lld/%lld calls%s", number_of(l, "calls"), number_of(l, "limit"),
                     number_of(l, "cps") ? ", " : "");
    if (number_of(l, "cps"))
        n += snprintf(buf + n, size - (size_t)n, "%lldcps (%lld of burst %lld used)",
                      number_of(l, "cps"), number_of(l, "burst_used"), number_of(l, "burst"));
    if (is(l, "full"))
        n += snprintf(buf + n, size - (size_t)n, " FULL");
    return n;
}

static void print_admit(FILE *out, const json_t *answer)
{
    const json_t *l;
    char text[160], line[320];
    size_t i;

    json_array_foreach(json_object_get(answer, "limits"), i, l)
    {
        (void)limit_text(l, text, sizeof text);
        snprintf(line, sizeof line, "%s %s: %s", text_of(l, "what"), text_of(l, "name"), text);
        put_step(out, answer, "admit", line, l);
    }
    if (!is(answer, "admitted"))
        put_step(out, answer, "admit", text_of(json_object_get(answer, "refused"), "why"), NULL);
}

/* ---- carriers ---------------------------------------------------------------------------------------------------- */

static bool is_identity(const char *name)
{
    static const char *const names[] = {"From",      "To",           "P-Asserted-Identity",
                                        "Diversion", "History-Info", "P-Preferred-Identity",
                                        "Privacy",   "Identity",     "Remote-Party-ID"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* What each INVITE has whoever calls: shown in JSON only. */
static bool is_usual(const char *name)
{
    static const char *const names[] = {"Contact",   "Content-Type", "Allow",
                                        "Supported", "User-Agent",   "Session-Expires",
                                        "Min-SE",    "Accept",       "Allow-Events"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void print_headers(FILE *out, const json_t *request, bool identity)
{
    const json_t *h;
    size_t i;

    json_array_foreach(json_object_get(request, "headers"), i, h)
    {
        const char *name = text_of(h, "name");

        if (is_usual(name) || is_identity(name) != identity)
            continue;
        fputs("        ", out);
        put(out, name);
        fputs(": ", out);
        put(out, text_of(h, "value"));
        fputc('\n', out);
    }
}

/* Where either trunk has a policy on it; else there is nothing to tell. */
static void print_media(FILE *out, const json_t *c, const json_t *request)
{
    const char *path = text_of(request, "media");
    const json_t *codecs = json_object_get(request, "codecs"), *one;
    bool policy = is(c, "codec_policy");
    size_t i;

    if (!request || (strcmp(path, "relay") == 0 && !policy))
        return;
    fprintf(out, "        media: %s", path);
    if (policy) {
        json_array_foreach(codecs, i, one)
        {
            fputs(i ? ", " : "; offered ", out);
            put(out, json_string_value(one));
        }
        if (json_object_get(request, "ptime"))
            fprintf(out, "; ptime %lld", number_of(request, "ptime"));
        if (json_object_get(request, "maxptime"))
            fprintf(out, "; maxptime %lld", number_of(request, "maxptime"));
    }
    fputc('\n', out);
}

static void print_requests(FILE *out, const json_t *c)
{
    const json_t *all = json_object_get(c, "requests"), *r;
    size_t i;

    json_array_foreach(all, i, r)
    {
        fputs("     -> ", out);
        put(out, text_of(r, "request"));
        fprintf(out, "  (%s %s)\n", text_of(r, "transport"), text_of(r, "target"));
    }
    r = json_array_get(all, 0);
    print_media(out, c, r);
    print_headers(out, r, true);
    print_headers(out, r, false);
}

static int print_offer(FILE *out, const json_t *c)
{
    int n = 0;

    if (json_object_get(c, "deck"))
        n += fprintf(out, "  %s %s", text_of(c, "deck"), text_of(c, "prefix"));
    if (json_object_get(c, "rate"))
        n += fprintf(out, "  %s %s", text_of(c, "rate"), text_of(c, "currency"));
    return n;
}

static const char *health_of(const json_t *c)
{
    const json_t *t;
    size_t i;
    const char *best = "no target";

    json_array_foreach(json_object_get(c, "targets"), i, t)
    {
        best = text_of(t, "state");
        if (strcmp(best, "up") == 0)
            break;
    }
    return best;
}

static void print_candidate(FILE *out, const json_t *answer, const json_t *c)
{
    const json_t *l;
    char text[160];
    size_t i;
    int n = fprintf(out, "  %lld %-8s", number_of(c, "place"), text_of(c, "trunk"));

    n += print_offer(out, c);
    n += fprintf(out, "  %s", health_of(c));
    json_array_foreach(json_object_get(c, "limits"), i, l)
    {
        (void)limit_text(l, text, sizeof text);
        n += fprintf(out, "  %s%s%s", i ? text_of(l, "name") : "", i ? " " : "", text);
    }
    if (!is(c, "tried"))
        n += fprintf(out, "  NOT TRIED: %s", text_of(c, "why"));
    put_place(out, answer, c, n);
    print_requests(out, c);
}

static void print_dropped(FILE *out, const json_t *answer)
{
    const json_t *c;
    size_t i;

    json_array_foreach(json_object_get(answer, "dropped"), i, c)
    {
        int n = fprintf(out, "  - %-8s", text_of(c, "trunk"));

        n += print_offer(out, c);
        n += fprintf(out, "  ");
        put_place(out, answer, c, n + put(out, text_of(c, "text")));
    }
}

static void print_steps(FILE *out, const json_t *answer)
{
    const json_t *s;
    size_t i;

    json_array_foreach(json_object_get(answer, "steps"), i, s)
    {
        const char *what = text_of(s, "step");

        if (strcmp(what, "candidate") != 0)
            put_step(out, answer, what, text_of(s, "text"), s);
    }
}

void explain_print(FILE *out, const json_t *answer)
{
    const json_t *refused = json_object_get(answer, "refused"), *c;
    size_t i;

    print_asked(out, answer);
    print_in(out, answer);
    print_admit(out, answer);
    print_steps(out, answer);
    json_array_foreach(json_object_get(answer, "candidates"), i, c) print_candidate(out, answer, c);
    print_dropped(out, answer);
    if (refused) {
        fprintf(out, "%-7s", "answer");
        put(out, text_of(refused, "status"));
        if (text_of(refused, "why")[0])
            fprintf(out, " (%s)", text_of(refused, "why"));
        fputc('\n', out);
    }
}
