/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Topology: every byte sent to one side is searched for any host, tag, branch, Call-ID or o= token of another.
 * Fed with all messages of a case; knows nothing of calls.
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

struct token {
    struct token *next;
    char side[64];
    const char *what;
    char text[];
};

void leak_init(struct leak *l)
{
    *l = (struct leak){0};
}

void leak_fini(struct leak *l)
{
    while (l->first) {
        struct token *t = l->first;

        l->first = t->next;
        free(t);
    }
}

void leak_own(struct leak *l, const char *host)
{
    if (l->n_own < 8)
        snprintf(l->own[l->n_own++], ADDR_STRLEN, "%s", host);
}

static void add(struct leak *l, const char *side, const char *what, const char *text)
{
    struct token *t;
    size_t n = strlen(text);

    /* Under four characters anything matches by chance; scripts use longer ones. */
    if (n < 4 || strcmp(text, "anonymous.invalid") == 0)
        return;
    for (unsigned i = 0; i < l->n_own; i++)
        if (strcmp(l->own[i], text) == 0)
            return;
    for (t = l->first; t; t = t->next)
        if (strcmp(t->text, text) == 0) {
            /* Both sides know it: the caller's number in a display name, a word of the script. */
            return;
        }
    t = calloc(1, sizeof *t + n + 1);
    if (!t)
        abort();
    snprintf(t->side, sizeof t->side, "%s", side);
    t->what = what;
    memcpy(t->text, text, n);
    t->next = l->first;
    l->first = t;
}

/* Host of "sip:user@host:port;…" or "host:port". */
static void add_host(struct leak *l, const char *side, const char *what, const char *uri)
{
    char host[256];
    const char *p = strchr(uri, '@');

    p = p ? p + 1 : uri;
    if (strncmp(p, "sip:", 4) == 0)
        p += 4;
    if (*p == '[')
        snprintf(host, sizeof host, "%.*s", (int)strcspn(p + 1, "]"), p + 1);
    else
        snprintf(host, sizeof host, "%.*s", (int)strcspn(p, ":;>?, "), p);
    add(l, side, what, host);
}

static void learn_addrs(struct leak *l, const char *side, const char *msg, const char *name)
{
    char value[1024], uri[512], tag[160];

    for (unsigned i = 0; text_header(msg, name, i, value, sizeof value); i++) {
        text_uri(value, uri, sizeof uri);
        if (strncmp(uri, "sip:", 4) == 0)
            add_host(l, side, name, uri);
        if (text_param(value, "tag", tag, sizeof tag))
            add(l, side, "tag", tag);
    }
}

static void learn_vias(struct leak *l, const char *side, const char *msg)
{
    char value[1024], branch[160];

    for (unsigned i = 0; text_header(msg, "Via", i, value, sizeof value); i++) {
        const char *p = strchr(value, ' ');

        if (p)
            add_host(l, side, "Via host", p + 1);
        if (text_param(value, "branch", branch, sizeof branch))
            add(l, side, "branch", branch);
    }
}

static void learn_sdp(struct leak *l, const char *side, const char *body)
{
    char line[512], w[6][128];

    for (const char *p = body; *p;) {
        size_t n = strcspn(p, "\r\n");

        snprintf(line, sizeof line, "%.*s", (int)n, p);
        if (sscanf(line, "o=%127s %127s %127s %127s %127s %127s", w[0], w[1], w[2], w[3], w[4],
                   w[5]) == 6) {
            add(l, side, "o= user", w[0]);
            add(l, side, "o= id", w[1]);
            add(l, side, "o= host", w[5]);
        }
        if (sscanf(line, "c=%127s %127s %127s", w[0], w[1], w[2]) == 3 &&
            strcmp(w[2], "0.0.0.0") != 0)
            add(l, side, "c= address", w[2]);
        if (strncmp(line, "s=", 2) == 0 && strlen(line) > 6)
            add(l, side, "s= name", line + 2);
        p += n;
        p += strspn(p, "\r\n");
    }
}

void leak_learn(struct leak *l, const char *side, const char *msg)
{
    char value[512];
    static const char *const addresses[] = {
        "From",         "To",    "Contact",         "P-Asserted-Identity", "Diversion",
        "Record-Route", "Route", "Remote-Party-ID", "History-Info",        "P-Preferred-Identity"};

    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        learn_addrs(l, side, msg, addresses[i]);
    learn_vias(l, side, msg);
    if (text_header(msg, "Call-ID", 0, value, sizeof value))
        add(l, side, "Call-ID", value);
    /* One of our own says the same to everybody. */
    if (text_header(msg, "Warning", 0, value, sizeof value) && !strstr(value, " tandem "))
        add(l, side, "Warning", value);
    if (text_is_request(msg)) {
        text_ruri(msg, value, sizeof value);
        add_host(l, side, "Request-URI host", value);
    }
    learn_sdp(l, side, text_body(msg));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* 192.0.2.2 is not in 192.0.2.26. */
static const char *find(const char *msg, const char *text)
{
    size_t n = strlen(text);

    for (const char *at = strstr(msg, text); at; at = strstr(at + 1, text))
        if (!(is_digit(text[n - 1]) && is_digit(at[n])) &&
            !(at > msg && is_digit(text[0]) && is_digit(at[-1])))
            return at;
    return NULL;
}

bool leak_check(struct leak *l, const char *side, const char *msg, FILE *out)
{
    bool bad = false;

    for (const struct token *t = l->first; t; t = t->next) {
        const char *at;
        unsigned line = 1;

        if (strcmp(t->side, side) == 0)
            continue;
        at = find(msg, t->text);
        if (!at)
            continue;
        for (const char *p = msg; p < at; p++)
            line += *p == '\n';
        while (at > msg && at[-1] != '\n')
            at--;
        fprintf(out, "    leak: %s of %s (%s) goes to %s in line %u of the message: %.*s\n",
                t->what, t->side, t->text, side, line, (int)strcspn(at, "\r\n"), at);
        bad = true;
    }
    l->found += bad;
    return bad;
}
