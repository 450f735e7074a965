/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching the files of a configuration: their folders by inotify, their names in a sorted list, and a pause before it is told.
 * Called by reload.c; folders are watched, not files, because editors and git put a new file in the old one's place.
 */
#include "daemon/watch.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "core/log.h"

#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR)
/* A word of the folder itself counts too: it may be another one now. */
#define EVENTS_SELF (IN_DELETE_SELF | IN_MOVE_SELF)

struct texts {
    const char **v;
    size_t n, room;
};

struct watch_set {
    struct arena arena;
    struct texts file, dir, pattern; /* file and dir sorted, each once; all as folder/name */
    int *wd;                         /* of dir; two names of one folder have the same */
};

struct watch {
    struct event *fd_ev, *quiet_ev;
    struct watch_set *set;
    int fd;
    void (*changed)(void *arg);
    void *arg;
};

/* ---- the list ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int texts_add(struct texts *t, const char *text)
{
    if (!text)
        return -ENOMEM;
    if (t->n == t->room) {
        size_t room = t->room ? t->room * 2 : 64;
        const char **v = realloc(t->v, room * sizeof(*v));
        if (!v)
            return -ENOMEM;
        t->v = v;
        t->room = room;
    }
    t->v[t->n++] = text;
    return 0;
}

static void texts_sort(struct texts *t)
{
    size_t n = 0;
    if (t->n > 0)
        qsort(t->v, t->n, sizeof(*t->v), by_text);
    for (size_t i = 0; i < t->n; i++)
        if (i == 0 || strcmp(t->v[i], t->v[n - 1]) != 0)
            t->v[n++] = t->v[i];
    t->n = n;
}

/* Its folder, "." when it has none. */
static struct span dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return SPAN(".");
    return (struct span){path, slash == path ? 1 : (size_t)(slash - path)};
}

static char *joined(struct arena *a, struct span dir, const char *name)
{
    size_t len = dir.len + strlen(name) + 2;
    char *p = arena_alloc(a, len);
    if (p)
        snprintf(p, len, "%.*s/%s", SPAN_ARG(dir), name);
    return p;
}

static int set_add(struct watch_set *s, struct texts *to, const char *path)
{
    const char *slash = strrchr(path ? path : "", '/');
    struct span dir;
    if (!path)
        return 0;
    dir = dir_of(path);
    if (texts_add(to, joined(&s->arena, dir, slash ? slash + 1 : path)) < 0)
        return -ENOMEM;
    /* A folder with a wildcard is watched where a file of it was found. */
    if (to == &s->pattern && memchr(dir.p, '*', dir.len))
        return 0;
    return texts_add(&s->dir, arena_strdup(&s->arena, dir));
}

static int set_add_files(struct watch_set *s, const struct conf *c)
{
    int err = 0;
    for (uint32_t i = 0; i < c->file.n; i++)
        err |= set_add(s, &s->file, c->file.v[i]);
    for (uint32_t i = 0; i < c->include.n; i++)
        err |= set_add(s, &s->pattern, c->include.v[i]);
    for (uint32_t i = 0; i < c->deck.n; i++)
        err |= set_add(s, &s->file, c->deck.v[i].file);
    for (uint32_t i = 0; i < c->lnp.n; i++)
        if (c->lnp.v[i].kind == CONF_LNP_CSV)
            err |= set_add(s, &s->file, c->lnp.v[i].path);
    for (uint32_t i = 0; i < c->route.n; i++)
        for (uint32_t k = 0; k < c->route.v[i].block.n; k++)
            err |= set_add(s, &s->file, c->route.v[i].block.v[k].file);
    for (uint32_t i = 0; i < c->trunk.n; i++)
        err |= set_add(s, &s->file, c->trunk.v[i].caller.allow_file);
    for (uint32_t i = 0; i < c->listen.n; i++)
        for (uint32_t k = 0; k < c->listen.v[i].tls.n; k++) {
            const struct conf_tls *t = &c->listen.v[i].tls.v[k];
            err |= set_add(s, &s->file, t->cert) | set_add(s, &s->file, t->key) |
                   set_add(s, &s->file, t->ca);
        }
    return err | set_add(s, &s->file, c->global.states);
}

struct watch_set *watch_set_new(const struct conf *conf)
{
    struct watch_set *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    arena_init(&s->arena, 16384, 0);
    if (set_add_files(s, conf) == 0) {
        texts_sort(&s->file);
        texts_sort(&s->dir);
        s->wd = malloc((s->dir.n + 1) * sizeof(*s->wd));
    }
    if (s->wd)
        return s;
    watch_set_free(s);
    return NULL;
}

void watch_set_free(struct watch_set *s)
{
    if (!s)
        return;
    free(s->file.v);
    free(s->dir.v);
    free(s->pattern.v);
    free(s->wd);
    arena_fini(&s->arena);
    free(s);
}

bool watch_set_has(const struct watch_set *s, const char *path)
{
    if (s->file.n > 0 && bsearch(&path, s->file.v, s->file.n, sizeof(*s->file.v), by_text))
        return true;
    for (size_t i = 0; i < s->pattern.n; i++)
        if (fnmatch(s->pattern.v[i], path, FNM_PATHNAME | FNM_PERIOD) == 0)
            return true;
    return false;
}

/* ---- the watch ---- */

static bool counts(const struct watch *w, const struct inotify_event *e)
{
    char path[PATH_MAX];
    if (e->mask & (IN_Q_OVERFLOW | EVENTS_SELF))
        return true;
    for (size_t i = 0; w->set && e->len > 0 && i < w->set->dir.n; i++)
        if (w->set->wd[i] == e->wd &&
            snprintf(path, sizeof(path), "%s/%s", w->set->dir.v[i], e->name) < (int)sizeof(path) &&
            watch_set_has(w->set, path))
            return true;
    return false;
}

static void on_inotify(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval quiet = {WATCH_QUIET_MS / 1000U, WATCH_QUIET_MS % 1000U * 1000U};
    _Alignas(struct inotify_event) char buf[16384];
    struct watch *w = arg;
    bool any = false;
    ssize_t n = read(fd, buf, sizeof(buf));
    (void)what;
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *e = (const struct inotify_event *)(const void *)&buf[at];
        any = counts(w, e) || any;
        at += (ssize_t)(sizeof(*e) + e->len);
    }
    if (any)
        event_add(w->quiet_ev, &quiet); /* from the last change on */
}

static void on_quiet(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;
    (void)fd;
    (void)what;
    w->changed(w->arg);
}

/* Folders of the list before that the new one has too keep their watch: nothing that happens meanwhile is missed. */
void watch_follow(struct watch *w, struct watch_set *set)
{
    struct watch_set *old = w->set;
    for (size_t i = 0; set && i < set->dir.n; i++) {
        set->wd[i] = inotify_add_watch(w->fd, set->dir.v[i], EVENTS | EVENTS_SELF);
        if (set->wd[i] < 0)
            log_ev(LOG_ERROR, "watch", "dir=%s error=\"%s\"", set->dir.v[i], strerror(errno));
    }
    for (size_t i = 0; old && i < old->dir.n; i++) {
        bool kept = false;
        for (size_t k = 0; set && k < set->dir.n && !kept; k++)
            kept = set->wd[k] == old->wd[i];
        if (!kept && old->wd[i] >= 0)
            (void)inotify_rm_watch(w->fd, old->wd[i]); /* of two names the second finds none */
    }
    w->set = set;
    watch_set_free(old);
}

struct watch *watch_new(struct event_base *base, void (*changed)(void *arg), void *arg)
{
    struct watch *w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    w->changed = changed;
    w->arg = arg;
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    w->fd_ev = w->fd >= 0 ? event_new(base, w->fd, EV_READ | EV_PERSIST, on_inotify, w) : NULL;
    w->quiet_ev = evtimer_new(base, on_quiet, w);
    if (w->fd_ev && w->quiet_ev && event_add(w->fd_ev, NULL) == 0)
        return w;
    watch_free(w);
    return NULL;
}

void watch_free(struct watch *w)
{
    if (!w)
        return;
    if (w->fd_ev)
        event_free(w->fd_ev);
    if (w->quiet_ev)
        event_free(w->quiet_ev);
    if (w->fd >= 0)
        close(w->fd);
    watch_set_free(w->set);
    free(w);
}
