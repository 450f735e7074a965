/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a case expects of the switch's messages, and the variables it keeps of them.
 * run.c calls it for each such line.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- variables --------------------------------------------------------------------------------------------------- */

void world_set(struct world *w, const char *name, const char *value)
{
    for (unsigned i = 0; i < w->n_vars; i++)
        if (strcmp(w->var[i].name, name) == 0) {
            snprintf(w->var[i].value, sizeof w->var[i].value, "%s", value);
            return;
        }
    if (w->n_vars == VARS_MAX)
        return;
    snprintf(w->var[w->n_vars].name, sizeof w->var[0].name, "%s", name);
    snprintf(w->var[w->n_vars++].value, sizeof w->var[0].value, "%s", value);
}

void world_expand(const struct world *w, const char *in, char *out, size_t size)
{
    size_t n = 0;

    while (*in && n + 1 < size) {
        const char *end = *in == '{' ? strchr(in, '}') : NULL;
        bool found = false;

        for (unsigned i = 0; end && i < w->n_vars && !found; i++) {
            size_t len = (size_t)(end - in) - 1;

            if (strlen(w->var[i].name) != len || strncmp(w->var[i].name, in + 1, len) != 0)
                continue;
            n += (size_t)snprintf(out + n, size - n, "%s", w->var[i].value);
            in = end + 1;
            found = true;
        }
        if (!found)
            out[n++] = *in++;
    }
    out[n < size ? n : size - 1] = '\0';
}

struct actor *world_actor(struct world *w, const char *name)
{
    struct actor *a = actor_get(&w->actors, w->conf, name);

    if (!a)
        world_fail(w, "no trunk for '%s'", name);
    return a;
}

/* ---- expect ------------------------------------------------------------------------------------------------------ */

static bool is_100(const struct sent *m)
{
    return text_status(m->text) == 100;
}

static bool matches_what(const char *msg, const char *what)
{
    char method[32];

    if (what[0] >= '1' && what[0] <= '6')
        return text_status(msg) == (int)strtol(what, NULL, 10);
    text_method(msg, method);
    return text_is_request(msg) && strcmp(method, what) == 0;
}

/* An answer to a file goes where the file's Via says, whatever its Call-ID looks like. */
static bool is_for(const struct sent *m, const struct actor *a)
{
    if (a->sent_file && !text_is_request(m->text))
        return addr_ip_eq(&m->flow.remote, &a->addr);
    return addr_eq(&m->flow.remote, &a->addr) && actor_owns(a, m->text);
}

static struct sent *next_for(struct world *w, const struct actor *a, const char *what)
{
    for (struct sent *m = w->net.first; m; m = m->next)
        if (is_for(m, a) && (!is_100(m) || strcmp(what, "100") == 0))
            return m;
    return NULL;
}

/* The Replaces of Refer-To as an INVITE would have it. */
static bool find_replaces(const char *msg, char *value, size_t size)
{
    char line[1024];
    const char *p;
    size_t n = 0;
    unsigned c;

    if (!text_header(msg, "Refer-To", 0, line, sizeof line) || !(p = strstr(line, "?Replaces=")))
        return false;
    for (p += strlen("?Replaces="); *p && !strchr("&>", *p) && n + 1 < size; n++) {
        bool escaped = *p == '%' && sscanf(p + 1, "%2x", &c) == 1;

        value[n] = escaped ? (char)c : *p;
        p += escaped ? 3 : 1;
    }
    value[n] = '\0';
    return n > 0;
}

/* Value of "Name", or of "Name#2" the second line of that name; pseudo-headers ruri, to-tag, from-tag, replaces, body, line and text, the whole message. */
static bool find_value(const char *msg, char *name, char *value, size_t size)
{
    char *number = strchr(name, '#');
    char line[512];
    unsigned nth = number ? (unsigned)strtoul(number + 1, NULL, 10) : 1;

    if (number)
        *number = '\0';
    if (strcmp(name, "ruri") == 0)
        text_ruri(msg, value, size);
    else if (strcmp(name, "body") == 0)
        snprintf(value, size, "%s", text_body(msg));
    else if (strcmp(name, "to-tag") == 0 || strcmp(name, "from-tag") == 0)
        return text_header(msg, *name == 't' ? "To" : "From", 0, line, sizeof line) &&
               text_param(line, "tag", value, size);
    else if (strcmp(name, "replaces") == 0)
        return find_replaces(msg, value, size);
    else if (strcmp(name, "text") == 0)
        snprintf(value, size, "%s", msg);
    else if (strcmp(name, "line") == 0)
        snprintf(value, size, "%.*s", (int)strcspn(msg, "\r\n"), msg);
    else
        return text_header(msg, name, nth ? nth - 1 : 0, value, size);
    return true;
}

/* "\\r\\n" stands for the end of a line. */
static void line_ends(char *s)
{
    for (char *at; (at = strstr(s, "\\r\\n"));) {
        at[0] = '\r';
        at[1] = '\n';
        memmove(at + 2, at + 4, strlen(at + 4) + 1);
    }
}

/* One check word: Name=value, Name~part, Name^part (not in it), !Name, !Name#2, Name>variable. */
static bool check_word(struct world *w, const char *msg, char *word)
{
    char name[64], value[8192], want[512];
    char *op = strpbrk(word, "=~>^");
    bool found;

    if (strcmp(word, "sdp") == 0 || strcmp(word, "nosdp") == 0) {
        found = strncmp(text_body(msg), "v=0", 3) == 0;
        if (found != (word[0] == 's'))
            world_fail(w, "%s SDP", found ? "unexpected" : "no");
        return found == (word[0] == 's');
    }
    if (strncmp(word, "digest=", 7) == 0) {
        const char *why = replay_digest_check(msg, word + 7);

        if (why)
            world_fail(w, "%s", why);
        return !why;
    }
    if (word[0] == '!') {
        if (find_value(msg, word + 1, value, sizeof value)) {
            world_fail(w, "%s is there: %s", word + 1, value);
            return false;
        }
        return true;
    }
    if (!op) {
        world_fail(w, "expect: what is '%s'?", word);
        return false;
    }
    snprintf(name, sizeof name, "%.*s", (int)(op - word), word);
    world_expand(w, op + 1, want, sizeof want);
    line_ends(want);
    if (!find_value(msg, name, value, sizeof value)) {
        world_fail(w, "no %s", name);
        return false;
    }
    if (*op == '>') {
        world_set(w, op + 1, value);
        return true;
    }
    found = *op == '=' ? strcmp(value, want) == 0 : (strstr(value, want) != NULL) == (*op == '~');
    if (!found)
        world_fail(w, "%s is '%s', not '%s'", name, value, want);
    return found;
}

/* proto=tcp; conn=theirs|ours: by the connection that the peer opened, or by one of ours. @return it was such a word */
static bool check_transport(struct world *w, const struct sent *m, const char *word)
{
    const char *conn = net_conn_is_theirs(&w->net, m->conn) ? "theirs" : "ours";

    if (strncmp(word, "proto=", 6) == 0) {
        if (strcasecmp(word + 6, proto_name(m->flow.proto)) != 0)
            world_fail(w, "it went by %s", proto_name(m->flow.proto));
        return true;
    }
    if (strncmp(word, "conn=", 5) == 0) {
        if (!m->conn || strcmp(word + 5, conn) != 0)
            world_fail(w, "by a connection of %s", conn);
        return true;
    }
    return false;
}

static void expect_none(struct world *w, const char *who)
{
    const struct actor *a = who ? world_actor(w, who) : NULL;

    for (struct sent *m = w->net.first; m; m = m->next) {
        char buf[ADDR_STRLEN];

        if (is_100(m) || (a && !is_for(m, a)))
            continue;
        world_fail(w, "a message that was not expected");
        world_dump("<-", world_side(w, &m->flow.remote, buf), m->text);
        return;
    }
}

void cmd_expect(struct world *w, char **word, unsigned n)
{
    struct actor *a;
    struct sent *m;
    bool ok = true;

    if (n >= 1 && strcmp(word[0], "none") == 0) {
        expect_none(w, n > 1 ? word[1] : NULL);
        return;
    }
    if (n < 2 || !(a = world_actor(w, word[0]))) {
        world_fail(w, "expect PEER METHOD|STATUS|none …");
        return;
    }
    m = next_for(w, a, word[1]);
    if (!m) {
        world_fail(w, "nothing was sent to %s, %s expected", word[0], word[1]);
        return;
    }
    if (!matches_what(m->text, word[1])) {
        world_fail(w, "%s expected, another message came", word[1]);
        world_dump("<-", word[0], m->text);
        net_remove(&w->net, m);
        return;
    }
    for (unsigned i = 2; i < n && ok; i++)
        ok = check_transport(w, m, word[i]) || check_word(w, m->text, word[i]);
    ok = ok && !w->failed;
    if (!ok)
        world_dump("<-", word[0], m->text);
    actor_saw(a, m->text);
    net_remove(&w->net, m);
}

/* Forget what is waiting for a peer: retransmissions that a case is not about. */
void cmd_skip(struct world *w, char **word, unsigned n)
{
    struct actor *a = n ? world_actor(w, word[0]) : NULL;

    if (!a)
        return;
    for (struct sent *m = w->net.first, *next; m; m = next) {
        next = m->next;
        if ((addr_eq(&m->flow.remote, &a->addr) || is_for(m, a)) &&
            (n < 2 || matches_what(m->text, word[1])))
            net_remove(&w->net, m);
    }
}
