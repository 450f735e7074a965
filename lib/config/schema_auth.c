/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who logs in and registers: auth, login, register, registrar; and their secrets, which are read from files.
 * schema_trunk.c has them in its table. A secret is never part of a message.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/schema.h"
#include "core/err.h"

/* ---- secrets ---- */

/* A kilobyte: longer than any password, short enough to be sure that the file is none of another kind. */
#define SECRET_MAX 1024

/* @return bytes read, at most `size`; negative errno; -EINVAL and *why for what is no secret's file */
static ssize_t read_secret(const char *path, char *buf, size_t size, mode_t *mode, const char **why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    ssize_t n = -1;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0) {
        n = -errno;
    } else if (!S_ISREG(st.st_mode)) {
        *why = "not a regular file";
        n = -EINVAL;
    } else {
        *mode = st.st_mode;
        do
            n = read(fd, buf, size);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            n = -errno;
    }
    close(fd);
    return n;
}

/* Without the end of its line. @return what is wrong with it, or NULL */
static const char *trim_secret(struct span *s)
{
    size_t i;

    if (s->len > 0 && s->p[s->len - 1] == '\n')
        s->len--;
    if (s->len > 0 && s->p[s->len - 1] == '\r')
        s->len--;
    if (s->len > SECRET_MAX)
        return "a secret has 1,024 bytes at most";
    if (s->len == 0)
        return "the secret is empty";
    for (i = 0; i < s->len; i++) {
        if ((unsigned char)s->p[i] < 0x20 || s->p[i] == 0x7f)
            return "a secret is one line of text";
    }
    return NULL;
}

static const char *secret_from_file(struct parser *p, const struct lex_token *t, const char *path)
{
    char buf[SECRET_MAX + 3]; /* with its end of line, or one byte too many */
    const char *why = NULL, *copy = NULL;
    mode_t mode = 0;
    ssize_t n = read_secret(path, buf, sizeof(buf), &mode, &why);
    struct span s = {buf, n > 0 ? (size_t)n : 0};

    if (n < 0 && !why)
        why = strerror((int)-n);
    else if (!why)
        why = trim_secret(&s);
    if (why) {
        parse_token_error(p, t, "%s: %s", path, why);
    } else {
        if (mode & S_IROTH)
            parse_warn(p, parse_loc(p, t), t->width, "%s: every user of this machine can read it",
                       path);
        copy = parse_strdup(p, s);
    }
    explicit_bzero(buf, sizeof(buf));
    return copy;
}

/* `file:/PATH` or `cred:NAME`. @return the secret; NULL: reported */
static const char *secret(struct parser *p, const struct lex_token *t)
{
    bool file = span_has_prefix(t->s, SPAN("file:/")), cred = span_has_prefix(t->s, SPAN("cred:"));
    struct span name = {t->s.p + 5, t->s.len < 5 ? 0 : t->s.len - 5};
    char path[CONF_LINE_MAX + 4096];

    if ((!file && !cred) || (cred && !value_is_name(name))) {
        parse_token_error(p, t, "a secret is read from file:/PATH, or from cred:NAME of systemd");
        return NULL;
    }
    if (p->env.secrets_are_names) {
        const char *slash = memrchr(name.p, '/', name.len);

        if (slash)
            name = (struct span){slash + 1, (size_t)(name.p + name.len - slash - 1)};
        return parse_strdup(p, name);
    }
    if (p->from_memory) {
        parse_token_error(p, t, "a text from memory reads no secret");
        return NULL;
    }
    if (cred && !p->env.credentials) {
        parse_token_error(p, t, "systemd has given no credentials: LoadCredential= in the unit");
        return NULL;
    }
    snprintf(path, sizeof(path), "%s%s%.*s", cred ? p->env.credentials : "", cred ? "/" : "",
             SPAN_ARG(name));
    return secret_from_file(p, t, path);
}

/* ---- auth and login ---- */

/* A value for a quoted string of a header (RFC 3261 §25.1); quotes cannot be written here at all. */
static bool is_quotable(struct parser *p, const struct lex_token *t, const char *what)
{
    if (t->s.len > 0 && t->s.len <= CONF_NAME_MAX * 2 && !memchr(t->s.p, '\\', t->s.len))
        return true;
    parse_token_error(p, t, "a %s has 1 to %d bytes and no backslash", what, CONF_NAME_MAX * 2);
    return false;
}

struct account {
    const char *user, *realm, *secret;
};

/* md5: where the word `md5` may stand behind the secret; NULL: nowhere. */
static bool account(struct parser *p, const struct keyword *kw, struct args *args,
                    struct account *a, bool *md5)
{
    const struct lex_token *user = args_next(args), *file = args_next(args), *realm = NULL;

    /* RFC 7616 §3.4: what is hashed is user:realm:secret. */
    if (!is_quotable(p, user, "user"))
        return false;
    if (memchr(user->s.p, ':', user->s.len)) {
        parse_token_error(p, user, "a user has no ':' in it");
        return false;
    }
    if (md5 && args->i < args->n && args_word(args, "md5"))
        *md5 = true;
    if (args->i < args->n) {
        if (!args_word(args, "realm")) {
            parse_token_error(p, &args->tok[args->i], "expected 'realm', found '%.*s'",
                              SPAN_ARG(args->tok[args->i].s));
            return false;
        }
        realm = args_need(p, kw, args, "realm");
        if (!realm || !is_quotable(p, realm, "realm"))
            return false;
    }
    a->secret = secret(p, file);
    if (!a->secret)
        return false;
    a->user = parse_strdup(p, user->s);
    a->realm = realm ? parse_strdup(p, realm->s) : NULL;
    return true;
}

void kw_auth(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct account a;

    if (account(p, kw, args, &a, NULL))
        *(struct conf_auth *)field =
            (struct conf_auth){.user = a.user, .realm = a.realm, .secret = a.secret};
}

void kw_login(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct account a;
    bool md5 = false;

    if (account(p, kw, args, &a, &md5))
        *(struct conf_login *)field = (struct conf_login){
            .user = a.user, .realm = a.realm, .secret = a.secret, .md5_only = md5};
}

/* ---- register and registrar ---- */

static bool register_domain(struct parser *p, const struct lex_token *t, struct conf_register *r)
{
    struct span s = t->s;
    struct addr ip;

    if (span_has_prefix(s, SPAN("sip:"))) {
        s = (struct span){s.p + 4, s.len - 4};
        if (schema_is_host(s) || value_addr(s, &ip) == 0) {
            r->domain = parse_strdup(p, s);
            return true;
        }
    }
    parse_token_error(p, t, "'%.*s' is not a registrar, as sip:example.net", SPAN_ARG(t->s));
    return false;
}

/* What may stand before the @ of a URI (RFC 3261 §25.1), without escapes. */
static bool is_uri_user(struct span s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            !memchr("-_.!~*'()&=+$,;?/", c, 17))
            return false;
    }
    return s.len > 0 && s.len <= CONF_NAME_MAX;
}

static bool register_option(struct parser *p, const struct keyword *kw, struct args *args,
                            struct conf_register *r)
{
    static const char *const words[] = {"aor", "every", "gin", NULL};
    const struct lex_token *t;
    int i = parse_choice(p, args_next(args), words);

    if (i == 2)
        r->gin = true;
    if (i < 0 || i == 2)
        return i == 2;
    t = args_need(p, kw, args, i == 0 ? "user" : "duration");
    if (!t)
        return false;
    if (i == 1)
        return parse_duration(p, kw, t, &r->expires_ms);
    if (!is_uri_user(t->s)) {
        parse_token_error(p, t, "'%.*s' is not the user of a URI", SPAN_ARG(t->s));
        return false;
    }
    r->user = parse_strdup(p, t->s);
    return true;
}

void kw_register(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_register r = {.expires_ms = HOUR};

    if (!register_domain(p, args_next(args), &r))
        return;
    while (args->i < args->n) {
        if (!register_option(p, kw, args, &r))
            return;
    }
    memcpy(field, &r, sizeof(r));
}

/* "60s-3600s". @return false: reported */
static bool expires_range(struct parser *p, const struct keyword *kw, const struct lex_token *t,
                          struct conf_registrar *r)
{
    struct span lo, hi;

    if (span_cut(t->s, '-', &lo, &hi) && value_duration(lo, &r->min_ms) == 0 &&
        value_duration(hi, &r->max_ms) == 0 && r->min_ms >= kw->lo && r->max_ms <= kw->hi &&
        r->min_ms <= r->max_ms)
        return true;
    parse_token_error(p, t, "'%.*s' is not a range within 30s-1d, as 60s-3600s", SPAN_ARG(t->s));
    return false;
}

void kw_registrar(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_registrar r = {.on = true, .min_ms = MINUTE, .max_ms = HOUR};
    static const char *const words[] = {"expires", NULL};
    const struct lex_token *t;

    if (args->i < args->n) {
        if (parse_choice(p, args_next(args), words) < 0)
            return;
        t = args_need(p, kw, args, "range");
        if (!t || !expires_range(p, kw, t, &r))
            return;
    }
    memcpy(field, &r, sizeof(r));
}
