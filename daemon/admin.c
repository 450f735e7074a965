/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: one request line, one answer, then it closes.
 * Lives on the control thread's loop; commands are those of command.c. A slow or silent client holds nobody up.
 */
#include "daemon/admin.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include "core/ipc.h"
#include "core/log.h"

struct admin {
    struct node *node;
    struct event *accept_ev;
    struct admin_req *conns;
    unsigned n_conns;
    int fd;
    char path[PATH_MAX];
};

/* One connection and its one request. A command that is waiting for workers outlives its connection. */
struct admin_req {
    struct admin *admin;
    struct admin_req *next;
    struct bufferevent *bev; /* NULL: the client has gone */
    bool json, running;
    unsigned n_args;
    char *arg[ADMIN_WORDS_MAX];
    char line[ADMIN_LINE_MAX];
};

static void admin_set_accepting(struct admin *a)
{
    if (a->n_conns < ADMIN_CONNS_MAX)
        event_add(a->accept_ev, NULL);
    else
        event_del(a->accept_ev);
}

static void req_free(struct admin_req *r)
{
    struct admin *a = r->admin;
    struct admin_req **p = &a->conns;
    while (*p != r)
        p = &(*p)->next;
    *p = r->next;
    if (r->bev)
        bufferevent_free(r->bev);
    free(r);
    a->n_conns--;
    admin_set_accepting(a);
}

/* The client has read all, has gone, or is too slow. */
static void req_hang_up(struct admin_req *r)
{
    if (!r->running) {
        req_free(r);
        return;
    }
    bufferevent_free(r->bev);
    r->bev = NULL;
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct admin_req *r = arg;
    (void)bev;
    if (!r->running)
        req_hang_up(r);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    (void)what;
    req_hang_up(arg);
}

/* Give the answer out; the request ends when it has been read. */
static void req_finish(struct admin_req *r)
{
    r->running = false;
    if (!r->bev) {
        req_free(r);
        return;
    }
    bufferevent_setcb(r->bev, NULL, on_written, on_event, r);
    bufferevent_enable(r->bev, EV_WRITE);
}

struct node *admin_node(struct admin_req *r)
{
    return r->admin->node;
}

unsigned admin_n_args(const struct admin_req *r)
{
    return r->n_args;
}

const char *admin_arg(const struct admin_req *r, unsigned i)
{
    return i < r->n_args ? r->arg[i] : NULL;
}

void admin_answer(struct admin_req *r, json_t *body,
                  void (*render)(struct evbuffer *out, const json_t *body))
{
    struct evbuffer *out = r->bev ? bufferevent_get_output(r->bev) : NULL;
    if (out) {
        evbuffer_add_printf(out, "ok\n");
        if (r->json) {
            char *text = json_dumps(body, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
            evbuffer_add_printf(out, "%s\n", text ? text : "null");
            free(text);
        } else {
            render(out, body);
        }
    }
    json_decref(body);
    req_finish(r);
}

void admin_error(struct admin_req *r, const char *text)
{
    if (r->bev)
        evbuffer_add_printf(bufferevent_get_output(r->bev), "error\n%s\n", text);
    req_finish(r);
}

/* Cut the line into words. @return how many, or 0 for none or too many */
static unsigned split(char *line, char *word[], unsigned max)
{
    unsigned n = 0;
    for (char *w; (w = strsep(&line, " \t\r"));) {
        if (*w == '\0')
            continue;
        if (n == max)
            return 0;
        word[n++] = w;
    }
    return n;
}

/* Words that a command has, if the request begins with them; else 0. */
static unsigned command_matches(const struct command *c, char *word[], unsigned n)
{
    char words[64], *part[4];
    snprintf(words, sizeof(words), "%s", c->words);
    unsigned k = split(words, part, 4);
    for (unsigned i = 0; i < k; i++)
        if (i >= n || strcmp(part[i], word[i]) != 0)
            return 0;
    return k;
}

static void req_run(struct admin_req *r, char *word[], unsigned n)
{
    char text[256];
    r->running = true;
    for (const struct command *c = command_table; c->words; c++) {
        unsigned k = command_matches(c, word, n);
        if (k == 0)
            continue;
        r->n_args = n - k;
        memcpy(r->arg, word + k, sizeof(char *) * r->n_args);
        if (r->n_args >= c->args_min && r->n_args <= c->args_max) {
            c->run(r);
            return;
        }
        snprintf(text, sizeof(text), "usage: %s %s", c->words, c->args);
        admin_error(r, text);
        return;
    }
    snprintf(text, sizeof(text), "no such command: '%.60s'; 'help' lists them", n ? word[0] : "");
    admin_error(r, text);
}

static void on_readable(struct bufferevent *bev, void *arg)
{
    struct admin_req *r = arg;
    struct evbuffer *in = bufferevent_get_input(bev);
    char *word[ADMIN_WORDS_MAX];
    size_t len = evbuffer_get_length(in);
    struct evbuffer_ptr nl = evbuffer_search(in, "\n", 1, NULL);
    if (nl.pos < 0 && len < sizeof(r->line) - 1)
        return;
    len = nl.pos < 0 || (size_t)nl.pos >= sizeof(r->line) ? 0 : (size_t)nl.pos;
    bufferevent_disable(bev, EV_READ);
    evbuffer_remove(in, r->line, len);
    r->line[len] = '\0';
    unsigned n = split(r->line, word, ADMIN_WORDS_MAX);
    if (n < 2 || (strcmp(word[0], "json") != 0 && strcmp(word[0], "text") != 0)) {
        r->running = true;
        admin_error(r, "a request is one line: 'text COMMAND' or 'json COMMAND'");
        return;
    }
    r->json = strcmp(word[0], "json") == 0;
    req_run(r, word + 1, n - 1);
}

/*
 * The socket's mode lets in its owner and its group; this refuses all others even if the mode was widened by hand.
 * A member by a supplementary group cannot be told from a stranger by peer credentials: with 0660 only members get here.
 */
static bool peer_is_allowed(const struct admin *a, int fd)
{
    uid_t uid;
    gid_t gid;
    struct stat st;
    if (ipc_peer(fd, &uid, &gid, NULL) < 0 || stat(a->path, &st) < 0)
        return false;
    return uid == 0 || uid == geteuid() || gid == st.st_gid || (st.st_mode & S_IRWXO) == 0;
}

static void admin_add_conn(struct admin *a, int fd)
{
    static const struct timeval idle = {ADMIN_IDLE_S, 0};
    struct admin_req *r = calloc(1, sizeof(*r));
    if (!r || !(r->bev = bufferevent_socket_new(a->node->base, fd, BEV_OPT_CLOSE_ON_FREE))) {
        free(r);
        close(fd);
        return;
    }
    r->admin = a;
    r->next = a->conns;
    a->conns = r;
    a->n_conns++;
    bufferevent_setcb(r->bev, on_readable, NULL, on_event, r);
    bufferevent_set_timeouts(r->bev, &idle, &idle);
    bufferevent_enable(r->bev, EV_READ);
    admin_set_accepting(a);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    struct admin *a = arg;
    (void)what;
    int conn = ipc_accept(fd);
    if (conn < 0)
        return;
    if (peer_is_allowed(a, conn)) {
        admin_add_conn(a, conn);
        return;
    }
    log_limited(LOG_WARN, "admin_refused", "msg=\"peer is neither root, owner nor in the group\"");
    close(conn);
}

int admin_init(struct admin **out, struct node *n, const char *run_dir)
{
    struct admin *a = calloc(1, sizeof(*a));
    int err = -ENAMETOOLONG;
    if (!a)
        return -ENOMEM;
    a->node = n;
    a->fd = -1;
    if (mkdir(run_dir, 0755) < 0 && errno != EEXIST)
        err = -errno;
    else if (snprintf(a->path, sizeof(a->path), "%s/tandemd.sock", run_dir) < (int)sizeof(a->path))
        err = a->fd = ipc_listen(a->path, SOCK_STREAM, 0660, (gid_t)-1);
    if (a->fd >= 0)
        a->accept_ev = event_new(n->base, a->fd, EV_READ | EV_PERSIST, on_accept, a);
    if (a->accept_ev && event_add(a->accept_ev, NULL) == 0) {
        *out = a;
        return 0;
    }
    admin_fini(a);
    return err < 0 ? err : -ENOMEM;
}

void admin_fini(struct admin *a)
{
    if (!a)
        return;
    while (a->conns) {
        a->conns->running = false;
        req_free(a->conns);
    }
    if (a->accept_ev)
        event_free(a->accept_ev);
    if (a->fd >= 0) {
        close(a->fd);
        unlink(a->path);
    }
    free(a);
}
