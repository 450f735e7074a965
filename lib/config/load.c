/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the files of a configuration and runs the passes: parse, link, check.
 * The daemon calls it at start and reload, tests and fuzzing with text; it has no side effect.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/parse.h"
#include "core/err.h"

#define CHUNK_BYTES ((size_t)64 << 10)

/* Two legs of 10,000 calls fit; what a node of this size carries without tuning. */
#define CALLS_DEFAULT 10000

static const struct conf_env default_env = {
    .relay_nofile = CONF_NOFILE_DEFAULT,
    .ephemeral = {.lo = EPHEMERAL_LO, .hi = EPHEMERAL_HI},
};

void conf_env_read(struct conf_env *env)
{
    *env = default_env;
    env->credentials = getenv("CREDENTIALS_DIRECTORY");
    ephemeral_read(&env->ephemeral, "");
}

/* ---- files ---- */

/* A message about a file that cannot be used: at the include that named it, or about the file itself. */
static void file_error(struct parser *p, const struct include *from, const char *path,
                       const char *why)
{
    struct err_place at = {.file = path};
    char text[512];

    if (from) {
        parse_error(p, from->loc, from->width, "%s: %s", path, why);
        return;
    }
    snprintf(text, sizeof(text), "%s", why);
    errors_add(p->errs, CONF_ERROR, &at, text);
}

/* Read all of fd; the text stays with the configuration. @return 0 or negative errno */
static int read_all(struct parser *p, int fd, size_t size, struct span *text)
{
    char *buf = arena_alloc(&p->conf->arena, size + 1);
    size_t len = 0;
    ssize_t n;

    if (!buf)
        return -ENOMEM;
    while (len < size) {
        n = read(fd, buf + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *text = (struct span){buf, len};
    return 0;
}

/* Open a regular file. @return fd, or negative errno; *why says more */
static int open_file(struct parser *p, const char *path, struct stat *st, const char **why)
{
    /* O_NONBLOCK: a FIFO in conf.d must not stop the load. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;

    *why = NULL;
    if (fd < 0)
        return -errno;
    if (fstat(fd, st) < 0) {
        err = -errno;
        close(fd);
        return err;
    }
    if (!S_ISREG(st->st_mode))
        *why = "not a regular file";
    else if ((uint64_t)st->st_size > CONF_TEXT_MAX - p->text_bytes)
        *why = "all files together have more than 64 MiB";
    else if (p->src.n >= CONF_FILES_MAX)
        *why = "more than 65535 files";
    if (!*why)
        return fd;
    close(fd);
    return -EINVAL;
}

static struct src *add_src(struct parser *p, const char *name, struct span text)
{
    struct src *src = parse_append(p, &p->scratch, &p->src, sizeof(*src));
    const char *shown = parse_strdup(p, span_of(name));

    *(const char **)APPEND(p, p->conf->file) = shown;
    *(struct span *)APPEND(p, p->conf->text) = text;
    src->name = shown;
    src->text = text;
    p->text_bytes += text.len;
    return src;
}

static bool was_read(const struct parser *p, const struct stat *st)
{
    uint32_t i;

    for (i = 0; i < p->src.n; i++) {
        if (p->src.v[i].dev == st->st_dev && p->src.v[i].ino == st->st_ino)
            return true;
    }
    return false;
}

static void read_file(struct parser *p, const struct include *from, const char *path, bool globbed)
{
    struct span text = SPAN_NONE;
    struct stat st;
    struct src *src;
    const char *why;
    int fd, err;

    fd = open_file(p, path, &st, &why);
    if (fd < 0) {
        file_error(p, from, path, why ? why : strerror(-fd));
        return;
    }
    if (from && was_read(p, &st)) {
        close(fd);
        /* `include *.conf` beside itself is natural; naming a file twice is a mistake. */
        if (!globbed)
            file_error(p, from, path, "file is read already");
        return;
    }
    err = read_all(p, fd, (size_t)st.st_size, &text);
    close(fd);
    if (err) {
        file_error(p, from, path, strerror(-err));
        return;
    }
    src = add_src(p, path, text);
    src->dev = st.st_dev;
    src->ino = st.st_ino;
    parse_text(p, (uint16_t)(p->src.n - 1), text);
}

/* ---- include ---- */

static int by_string(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Pattern relative to the file that includes. */
static void full_pattern(struct parser *p, const struct include *inc, char *buf, size_t size)
{
    const char *base = p->src.v[inc->loc.file].name, *slash = strrchr(base, '/');
    int dir = slash && inc->pattern.p[0] != '/' ? (int)(slash - base + 1) : 0;

    snprintf(buf, size, "%.*s%.*s", dir, base, SPAN_ARG(inc->pattern));
}

static bool has_wildcard(const char *s)
{
    return strpbrk(s, "*?[") != NULL;
}

static void run_include(struct parser *p, const struct include *inc)
{
    char pattern[CONF_LINE_MAX * 2];
    glob_t g = {.gl_pathc = 0};
    size_t i;

    full_pattern(p, inc, pattern, sizeof(pattern));
    *(const char **)APPEND(p, p->conf->include) = parse_strdup(p, span_of(pattern));
    if (!has_wildcard(pattern)) {
        read_file(p, inc, pattern, false);
        return;
    }
    /* NOSORT: glob's own order is that of the locale, and must not be. */
    switch (glob(pattern, GLOB_NOSORT, NULL, &g)) {
    case 0:
        qsort(g.gl_pathv, g.gl_pathc, sizeof(*g.gl_pathv), by_string);
        for (i = 0; i < g.gl_pathc; i++)
            read_file(p, inc, g.gl_pathv[i], true);
        break;
    case GLOB_NOMATCH: parse_warn(p, inc->loc, inc->width, "'%s' matches no file", pattern); break;
    default: file_error(p, inc, pattern, "cannot be expanded"); break;
    }
    globfree(&g);
}

static void run_includes(struct parser *p)
{
    uint32_t i;

    /* Only the main file has a section `global`, so there is one level of includes. */
    for (i = 0; i < p->include.n; i++) {
        struct include inc = p->include.v[i];

        if (p->from_memory)
            parse_error(p, inc.loc, inc.width, "a text from memory includes nothing");
        else
            run_include(p, &inc);
    }
}

/* ---- passes ---- */

static void global_defaults(struct parser *p)
{
    static const char *const numbers[] = {"911", "112"};
    struct conf_global *g = &p->conf->global;
    uint32_t i;

    if (!g->node)
        g->node = "tandem";
    if (g->limit.calls == 0)
        g->limit.calls = CALLS_DEFAULT;
    if (g->currency[0] == '\0')
        memcpy(g->currency, "USD", CONF_CURRENCY);
    if (!g->run_dir)
        g->run_dir = "/run/tandem";
    if (!g->state_dir)
        g->state_dir = "/var/lib/tandem";
    if (!g->media_socket)
        g->media_socket = "/run/tandem-media/media.sock";
    if (g->emergency.n > 0)
        return;
    for (i = 0; i < COUNT(numbers); i++)
        *(const char **)APPEND(p, g->emergency) = numbers[i];
}

static void run_passes(struct parser *p)
{
    run_includes(p);
    if (p->src.n == 0)
        return;
    global_defaults(p);
    link_pass(p);
    check_pass(p);
    if (p->more)
        p->more(p->more_arg, p->conf, p->errs);
}

static struct conf *new_conf(void)
{
    struct conf *conf = calloc(1, sizeof(*conf));

    if (!conf)
        return NULL;
    atomic_init(&conf->refs, 1);
    arena_init(&conf->arena, CHUNK_BYTES, 0);
    return conf;
}

/* Free what only the load needed; the snapshot too, if it has any error. */
static struct conf *finish(struct parser *p)
{
    struct conf *conf = p->conf;

    arena_fini(&p->scratch);
    errors_sort(p->errs);
    if (p->errs->errors > 0) {
        conf_free(conf);
        conf = NULL;
    }
    free(p);
    return conf;
}

/* Load a file if `path`, else `text` under the name `name`. */
static struct conf *load(const char *path, const char *name, struct span text,
                         const struct conf_env *env, conf_more_fn more, void *arg,
                         struct conf_errors *errs)
{
    struct parser *p = calloc(1, sizeof(*p));
    struct err_place whole = {.file = path ? path : name};

    errors_init(errs);
    if (!p || !(p->conf = new_conf())) {
        free(p);
        errors_add(errs, CONF_ERROR, &whole, "out of memory");
        return NULL;
    }
    arena_init(&p->scratch, CHUNK_BYTES, 0);
    p->errs = errs;
    p->env = env ? *env : default_env;
    p->from_memory = !path;
    p->more = more;
    p->more_arg = arg;
    if (setjmp(p->oom) == 0) {
        if (path) {
            read_file(p, NULL, path, false);
        } else {
            text.p = parse_strdup(p, text);
            add_src(p, name, text);
            parse_text(p, 0, text);
        }
        run_passes(p);
    } else {
        errors_add(errs, CONF_ERROR, &whole, "out of memory");
    }
    return finish(p);
}

struct conf *conf_load(const char *path, const struct conf_env *env, struct conf_errors *errs)
{
    return load(path, NULL, SPAN_NONE, env, NULL, NULL, errs);
}

struct conf *conf_load_more(const char *path, const struct conf_env *env, conf_more_fn more,
                            void *arg, struct conf_errors *errs)
{
    return load(path, NULL, SPAN_NONE, env, more, arg, errs);
}

struct conf *conf_load_text(const char *name, const char *text, size_t len,
                            const struct conf_env *env, struct conf_errors *errs)
{
    return load(NULL, name, (struct span){text, len}, env, NULL, NULL, errs);
}

/* Holders read it only; the count and the freeing are not theirs to see. */
static struct conf *conf_own(const struct conf *conf)
{
    union {
        const struct conf *in;
        struct conf *out;
    } c = {conf};

    return c.out;
}

const struct conf *conf_get(const struct conf *conf)
{
    atomic_fetch_add_explicit(&conf_own(conf)->refs, 1, memory_order_relaxed);
    return conf;
}

bool conf_is_shared(const struct conf *conf)
{
    return atomic_load_explicit(&conf_own(conf)->refs, memory_order_acquire) > 1;
}

void conf_free(const struct conf *conf)
{
    struct conf *c = conf_own(conf);

    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < c->sound.n; i++)
        if (c->sound.v[i].fd >= 0)
            close(c->sound.v[i].fd);
    arena_fini(&c->arena);
    free(c);
}
