/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tandemctl fmt: writes files in canonical layout, or says which are not; tandemctl names: what a configuration calls its objects.
 * Called by tandemctl.c. A file is replaced whole or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config/errors.h"
#include "config/fmt.h"
#include "daemon/ctl.h"

/* Files of a configuration, kept while the configuration itself may be full of errors. */
struct files {
    char **v;
    uint32_t n;
};

static void files_free(struct files *f)
{
    for (uint32_t i = 0; i < f->n; i++)
        free(f->v[i]);
    free(f->v);
}

static void files_take(void *arg, const struct conf *conf, struct conf_errors *errs)
{
    struct files *f = arg;

    (void)errs;
    f->v = calloc(conf->file.n + 1U, sizeof(*f->v));
    for (; f->v && f->n < conf->file.n; f->n++)
        if (!(f->v[f->n] = strdup(conf->file.v[f->n])))
            break;
}

/* ---- one file ---------------------------------------------------------------------------------------------------- */

/* All of a stream. @return owned text, NUL-terminated; NULL: errno says why */
static char *read_stream(FILE *in, size_t *len)
{
    char *text = NULL, buf[65536];
    FILE *out = open_memstream(&text, len);
    size_t n, total = 0;

    if (!out)
        return NULL;
    while ((n = fread(buf, 1, sizeof(buf), in)) > 0 && (total += n) <= CONF_TEXT_MAX)
        fwrite(buf, 1, n, out);
    int err = ferror(in) ? EIO : total > CONF_TEXT_MAX ? EFBIG : 0;
    if (fclose(out) != 0)
        err = ENOMEM;
    if (!err)
        return text;
    free(text);
    errno = err;
    return NULL;
}

static char *read_path(const char *path, size_t *len, struct stat *st)
{
    /* A FIFO must not stop it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
    char *text = NULL;

    if (!in) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
        text = read_stream(in, len);
    else
        errno = EINVAL;
    int err = errno;
    fclose(in);
    errno = err;
    return text;
}

/* @return owned, or NULL: said on stderr */
static char *laid_out(const char *name, struct span text, size_t *len)
{
    struct conf_errors errs;
    char *out = NULL;
    FILE *f = open_memstream(&out, len);
    int err = -ENOMEM;

    errors_init(&errs);
    if (f) {
        err = fmt_text(name, text, f, &errs);
        if (fclose(f) != 0)
            err = -ENOMEM;
    }
    if (err < 0) {
        conf_print_errors(stderr, &errs);
        free(out);
        out = NULL;
    }
    conf_errors_fini(&errs);
    return out;
}

static bool write_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* A new file beside the old one takes its place, with its owner and mode; a link is followed. @return 0 or -errno */
static int replace(const char *path, const struct stat *st, const char *text, size_t len)
{
    char *real = realpath(path, NULL), tmp[4096 + 8];
    int err, fd;

    if (!real || snprintf(tmp, sizeof(tmp), "%s.XXXXXX", real) >= (int)sizeof(tmp)) {
        free(real);
        return -ENAMETOOLONG;
    }
    fd = mkstemp(tmp);
    if (fd < 0) {
        err = -errno;
        free(real);
        return err;
    }
    if (write_all(fd, text, len) && fchown(fd, st->st_uid, st->st_gid) == 0 &&
        fchmod(fd, st->st_mode & 07777) == 0 && fsync(fd) == 0 && rename(tmp, real) == 0)
        err = 0;
    else
        err = -errno;
    close(fd);
    if (err < 0)
        unlink(tmp);
    free(real);
    return err;
}

/* @return exit code of this file; CTL_NOT: it is not canonical and was to be checked only */
static int fmt_file(const char *path, bool check)
{
    struct stat st;
    size_t len = 0, new_len = 0;
    char *text = read_path(path, &len, &st), *out = NULL;
    int rc = CTL_WRONG, err;

    if (!text) {
        fprintf(stderr, "tandemctl: %s: %s\n", path,
                errno == EINVAL ? "not a regular file" : strerror(errno));
        return rc;
    }
    out = laid_out(path, (struct span){text, len}, &new_len);
    if (out && len == new_len && memcmp(text, out, len) == 0) {
        rc = CTL_OK;
    } else if (out && check) {
        printf("%s\n", path);
        rc = CTL_NOT;
    } else if (out && (err = replace(path, &st, out, new_len)) < 0) {
        fprintf(stderr, "tandemctl: %s: %s\n", path, strerror(-err));
    } else if (out) {
        printf("%s\n", path);
        rc = CTL_OK;
    }
    free(text);
    free(out);
    return rc;
}

static int fmt_stdin(void)
{
    size_t len = 0, new_len = 0;
    char *text = read_stream(stdin, &len), *out;
    int rc = CTL_WRONG;

    if (!text) {
        fprintf(stderr, "tandemctl: standard input: %s\n", strerror(errno));
        return rc;
    }
    out = laid_out("-", (struct span){text, len}, &new_len);
    if (out && fwrite(out, 1, new_len, stdout) == new_len && fflush(stdout) == 0)
        rc = CTL_OK;
    free(text);
    free(out);
    return rc;
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

static int fmt_usage(FILE *out)
{
    fputs(
        "usage: tandemctl fmt [--check] [FILE... | -]\n"
        "  FILE     to be written in canonical layout; the names of those that changed are printed\n"
        "           (default: " CTL_CONF " with all that it includes)\n"
        "  -        from standard input to standard output\n"
        "  --check  change nothing; print the names of those that would, and exit with 1\n",
        out);
    return out == stdout ? CTL_OK : CTL_WRONG;
}

static int worse(int a, int b)
{
    return a > b ? a : b;
}

/* The running host's configuration and what it includes, also when it has errors. */
static int fmt_default(bool check)
{
    struct files f = {NULL, 0};
    struct conf_errors errs;
    int rc = CTL_OK;

    conf_free(conf_load_more(CTL_CONF, NULL, files_take, &f, &errs));
    if (f.n == 0) {
        conf_print_errors(stderr, &errs);
        rc = CTL_WRONG;
    }
    for (uint32_t i = 0; i < f.n; i++)
        rc = worse(rc, fmt_file(f.v[i], check));
    conf_errors_fini(&errs);
    files_free(&f);
    return rc;
}

int ctl_fmt(const struct ctl *c, int argc, char **argv)
{
    bool check = false;
    int rc = CTL_OK, files = 0;

    (void)c;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--check") == 0)
            check = true;
        else if (argv[i][0] == '-' && argv[i][1])
            return fmt_usage(strcmp(argv[i], "--help") == 0 ? stdout : stderr);
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--check") == 0)
            continue;
        files++;
        rc = worse(rc, strcmp(argv[i], "-") == 0 ? fmt_stdin() : fmt_file(argv[i], check));
    }
    return files ? rc : fmt_default(check);
}

/* What to print: one kind, or all with their kind before them. */
struct names {
    const char *kind;
    bool any, known;
};

static void print_names(struct names *n, const char *kind, const void *list, size_t size)
{
    struct {
        const char *v;
        uint32_t n;
    } l;

    if (n->kind && strcmp(n->kind, kind) != 0)
        return;
    n->known = true;
    /* Every named object begins with its name; CONF_LIST is a pointer and a count. */
    memcpy(&l.v, list, sizeof(l.v));
    memcpy(&l.n, (const char *)list + sizeof(l.v), sizeof(l.n));
    for (uint32_t i = 0; i < l.n; i++) {
        const char *name;

        memcpy(&name, l.v + i * size, sizeof(name));
        printf("%s%s%s\n", n->kind ? "" : kind, n->kind ? "" : " ", name);
    }
}

static void names_take(void *arg, const struct conf *c, struct conf_errors *errs)
{
    struct names *n = arg;

    (void)errs;
    n->any = true;
#define NAMES(kind) print_names(n, #kind, &c->kind, sizeof(*c->kind.v))
    NAMES(realm);
    NAMES(listen);
    NAMES(media);
    NAMES(profile);
    NAMES(trunk);
    NAMES(group);
    NAMES(customer);
    NAMES(numbers);
    NAMES(zone);
    NAMES(calendar);
    NAMES(lnp);
    NAMES(route);
    NAMES(cdr);
    print_names(n, "ratedeck", &c->deck, sizeof(*c->deck.v));
    NAMES(test);
#undef NAMES
}

int ctl_names(const struct ctl *c, int argc, char **argv)
{
    struct names n = {.kind = argc > 1 ? argv[1] : NULL};
    struct conf_errors errs;
    int rc = CTL_OK;

    (void)c;
    if (argc > 3) {
        fputs("usage: tandemctl names [KIND [FILE]]\n", stderr);
        return CTL_WRONG;
    }
    conf_free(conf_load_more(argc > 2 ? argv[2] : CTL_CONF, NULL, names_take, &n, &errs));
    if (!n.any) {
        conf_print_errors(stderr, &errs);
        rc = CTL_WRONG;
    } else if (!n.known) {
        fprintf(stderr, "tandemctl: no section is called '%s'\n", n.kind);
        rc = CTL_WRONG;
    }
    conf_errors_fini(&errs);
    return rc;
}
