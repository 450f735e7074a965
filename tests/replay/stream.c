/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cases over streams: the configuration of a case turned from UDP to TCP, and what a script does to connections.
 * run.c calls it.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

static size_t put(char *out, size_t at, size_t size, const char *text, size_t len)
{
    if (at + len + 1 >= size)
        abort(); /* a script that is too long is a mistake of its writer */
    memcpy(out + at, text, len);
    out[at + len] = '\0';
    return at + len;
}

/* "  udp A B" gets a "  tcp A B" behind it. */
static size_t put_socket(char *out, size_t at, size_t size, const char *line, size_t len)
{
    size_t from = at;
    char *udp;

    at = put(out, at, size, line, len);
    udp = strstr(out + from, "udp ");
    if (udp)
        memcpy(udp, "tcp", 3);
    return at;
}

void stream_config(char *text, size_t size)
{
    char *in = strdup(text);
    size_t at = 0;

    if (!in)
        abort();
    for (const char *p = in; *p;) {
        size_t len = strcspn(p, "\n");
        size_t blank = strspn(p, " ");
        size_t from = at;
        char *udp;

        len += p[len] == '\n';
        at = put(text, at, size, p, len);
        if (strncmp(p + blank, "udp ", 4) == 0)
            at = put_socket(text, at, size, p, len);
        udp = strncmp(p + blank, "peer ", 5) == 0 ? strstr(text + from, " udp") : NULL;
        if (udp)
            memcpy(udp, " tcp", 4);
        p += len;
    }
    free(in);
}

/* conn PEER close|refuse|late|accept: its connections end; and it takes no new ones, at once or only when they are tried; or takes them again. */
void cmd_conn(struct world *w, char **word, unsigned n)
{
    const struct actor *a = n == 2 ? actor_get(&w->actors, w->conf, word[0]) : NULL;

    if (!a) {
        world_fail(w, "conn PEER close|refuse|late|accept");
    } else if (strcmp(word[1], "close") == 0) {
        net_close(&w->net, &a->addr);
    } else {
        bool refuse = strcmp(word[1], "accept") != 0;

        w->net.refuse_late = strcmp(word[1], "late") == 0;
        net_refuse(&w->net, &a->addr, refuse);
    }
}

/* Each message that could not be delivered comes back to the stack; what that makes it send may come back, too. */
bool stream_return(struct world *w)
{
    struct sent *m;
    bool any = false;

    while (w->stack && (m = net_take_lost(&w->net))) {
        if (w->opt->verbose)
            world_dump("<- not delivered:", "", m->text);
        stack_unsent(w->stack, m->text, m->len);
        free(m);
        any = true;
    }
    return any;
}

/* File below tests/data, delivered byte for byte. @return false it cannot be read */
bool stream_file(struct world *w, struct actor *a, const char *name)
{
    const char *top = getenv("TD_SRCDIR");
    char path[512], buf[65536];
    size_t len;
    FILE *f;

    snprintf(path, sizeof path, "%s/tests/data/%s", top ? top : ".", name);
    f = fopen(path, "rb");
    if (!f)
        return false;
    len = fread(buf, 1, sizeof buf - 1, f);
    fclose(f);
    buf[len] = '\0';
    a->sent_file = true;
    world_deliver_bytes(w, a, buf, len);
    return true;
}
