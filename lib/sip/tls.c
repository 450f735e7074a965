/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts of certificate files, and handshakes.
 * The control thread makes sets of contexts, workers shake hands with them; old connections hold their context when a set is gone.
 */
#include "sip/tls.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "core/addr.h"
#include "sip/tls_priv.h"

/* Forward secrecy and authenticated encryption only (RFC 7525 §4.2, RFC 9325); TLS 1.3 has nothing else. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK"
/* Peers that come back soon resume; one ticket a connection is enough for that. */
#define TICKETS 1

struct tls_ctx {
    bool used;
    SSL_CTX *server, *client;
    char *listen, *file;
    int64_t not_after_s;
};

struct tls_set {
    unsigned n; /* sockets of the configuration, of every transport */
    struct tls_ctx ctx[];
};

/* ---- contexts ---------------------------------------------------------------------------------------------------- */

/* The first error is the cause; behind it each layer adds that it has failed. */
static const char *error_text(void)
{
    unsigned long e = ERR_peek_error();
    const char *text = e ? ERR_reason_error_string(e) : NULL;

    if (ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE)
        text = "no PEM of that kind in it";

    if (e && !text && ERR_SYSTEM_ERROR(e))
        text = strerror(ERR_GET_REASON(e));
    ERR_clear_error();
    return text ? text : "cannot be used";
}

static int refuse(const char *what, const char *file, char *why, size_t size)
{
    const char *text = access(file, R_OK) < 0 ? strerror(errno) : error_text();

    snprintf(why, size, "%s %s: %s", what, file, text);
    ERR_clear_error();
    return -EINVAL;
}

/* A pipe would be waited for, and the control thread with it. What is not there is said by who opens it. */
static bool is_no_file(const char *file)
{
    struct stat st;

    return file && stat(file, &st) == 0 && !S_ISREG(st.st_mode);
}

static int check_files(const struct conf_tls *t, char *why, size_t size)
{
    const char *const file[] = {t->cert, t->key, t->ca};

    for (size_t i = 0; i < sizeof(file) / sizeof(file[0]); i++)
        if (is_no_file(file[i])) {
            snprintf(why, size, "%s: not a regular file", file[i]);
            return -EINVAL;
        }
    return 0;
}

/* A key with a password would ask on the terminal. */
static int no_password(char *buf, int size, int rwflag, void *arg)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)arg;
    return 0;
}

static int on_verify(int ok, X509_STORE_CTX *x);

static int load_own(SSL_CTX *ctx, const struct conf_tls *t, char *why, size_t size)
{
    const char *key = t->key ? t->key : t->cert;
    int err = check_files(t, why, size);

    if (err < 0)
        return err;
    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    if (SSL_CTX_use_certificate_chain_file(ctx, t->cert) != 1)
        return refuse("certificate", t->cert, why, size);
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return refuse("key", key, why, size);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return refuse("key", key, why, size);
    if (t->ca ? SSL_CTX_load_verify_locations(ctx, t->ca, NULL) != 1
              : SSL_CTX_set_default_verify_paths(ctx) != 1)
        return refuse("ca", t->ca ? t->ca : "of the system", why, size);
    return 0;
}

static SSL_CTX *ctx_new(const SSL_METHOD *method, const struct conf_tls *t, char *why, size_t size,
                        int *err)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    *err = -ENOMEM;
    if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, CIPHERS) != 1) {
        snprintf(why, size, "TLS: %s", error_text());
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS); /* an idle connection holds none */
    *err = load_own(ctx, t, why, size);
    if (*err < 0) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

static bool has_tls_names(const struct conf *conf, uint32_t listen)
{
    for (uint32_t i = 0; i < conf->trunk.n; i++) {
        const struct conf_trunk *t = &conf->trunk.v[i];

        for (uint32_t k = 0; t->tls_name.n > 0 && k < t->listen.n; k++)
            if (t->listen.v[k].id == listen)
                return true;
    }
    return false;
}

static int server_verify(SSL_CTX *ctx, const struct conf *conf, const struct conf_socket *s,
                         char *why, size_t size)
{
    enum conf_verify v = s->tls->verify;
    STACK_OF(X509_NAME) * names;

    if (v == CONF_VERIFY_NONE && has_tls_names(conf, s->listen))
        v = CONF_VERIFY_REQUEST;
    if (v == CONF_VERIFY_NONE)
        return 0;
    SSL_CTX_set_verify(
        ctx, SSL_VERIFY_PEER | (v == CONF_VERIFY_REQUIRE ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        on_verify);
    if (!s->tls->ca)
        return 0;
    names = SSL_load_client_CA_file(s->tls->ca);
    if (!names)
        return refuse("ca", s->tls->ca, why, size);
    SSL_CTX_set_client_CA_list(ctx, names);
    return 0;
}

static int64_t not_after(const SSL_CTX *ctx)
{
    const X509 *x = SSL_CTX_get0_certificate(ctx);
    struct tm tm;

    if (!x || ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm);
}

static int ctx_fill(struct tls_ctx *c, const struct conf *conf, const struct conf_socket *s,
                    char *why, size_t size)
{
    static const unsigned char id[] =
        "tandem"; /* without one, no session is resumed that has a certificate */
    int err;

    c->listen = strdup(conf->listen.v[s->listen].name);
    c->file = strdup(s->tls->cert);
    if (!c->listen || !c->file)
        return -ENOMEM;
    c->server = ctx_new(TLS_server_method(), s->tls, why, size, &err);
    if (!c->server)
        return err;
    c->client = ctx_new(TLS_client_method(), s->tls, why, size, &err);
    if (!c->client)
        return err;
    SSL_CTX_set_verify(c->client, SSL_VERIFY_PEER, on_verify);
    /* tickets: keys drawn for this context, so that no session outlives the files that it was verified by */
    SSL_CTX_set_session_cache_mode(c->server, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(c->server, id, sizeof(id) - 1);
    SSL_CTX_set_num_tickets(c->server, TICKETS);
    c->not_after_s = not_after(c->server);
    return server_verify(c->server, conf, s, why, size);
}

/* The line that names the file, as the check of a configuration has it. */
static void say_where(const struct conf *conf, const struct conf_loc *loc, char *why, size_t size)
{
    char text[512];

    if (loc->line == 0 || loc->file >= conf->file.n)
        return;
    snprintf(text, sizeof(text), "%s", why);
    snprintf(why, size, "%s:%u:%u: error: %s", conf_loc_file(conf, loc), loc->line, loc->col, text);
}

int tls_set_new(const struct conf *conf, struct tls_set **out, char *why, size_t size)
{
    unsigned n = conf_listeners(conf);
    struct tls_set *set = calloc(1, sizeof(*set) + n * sizeof(set->ctx[0]));
    struct conf_socket s;
    int err = set ? 0 : -ENOMEM;

    snprintf(why, size, "out of memory");
    for (unsigned i = 0; err == 0 && i < n; i++) {
        set->n = i + 1;
        if (conf_listener(conf, i, &s) < 0 || s.proto != PROTO_TLS)
            continue;
        set->ctx[i].used = true;
        err = ctx_fill(&set->ctx[i], conf, &s, why, size);
        if (err == -EINVAL)
            say_where(conf, &s.tls->loc, why, size);
    }
    if (err < 0) {
        tls_set_free(set);
        return err;
    }
    *out = set;
    return 0;
}

void tls_set_free(struct tls_set *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->n; i++) {
        SSL_CTX_free(s->ctx[i].server);
        SSL_CTX_free(s->ctx[i].client);
        free(s->ctx[i].listen);
        free(s->ctx[i].file);
    }
    free(s);
}

bool tls_set_own(const struct tls_set *s, unsigned nth, struct tls_own *out)
{
    for (unsigned i = 0; s && i < s->n; i++)
        if (s->ctx[i].used && nth-- == 0) {
            *out = (struct tls_own){(uint16_t)i, s->ctx[i].listen, s->ctx[i].file,
                                    s->ctx[i].not_after_s};
            return true;
        }
    return false;
}

int64_t tls_days_left(const struct tls_own *own)
{
    int64_t left_s = own->not_after_s - (int64_t)time(NULL);

    return left_s < 0 ? -1 : left_s / 86400;
}

/* ---- handshakes -------------------------------------------------------------------------------------------------- */

/* For the log line: who the peer is instead. */
static void note_names(const struct tls_names *names, struct tls_check *check)
{
    size_t len = 0;

    for (unsigned i = 0; i < names->n && len < sizeof(check->has); i++) {
        int n = snprintf(check->has + len, sizeof(check->has) - len, "%s%s", i ? " " : "",
                         names->name[i]);

        len += n > 0 ? (size_t)n : 0;
    }
}

static bool names_fit(X509 *x, struct tls_check *check)
{
    struct tls_names names;

    tls_names_of(x, &names);
    for (unsigned i = 0; i < names.n; i++)
        if (check->is_name(check->arg, names.name[i]))
            return true;
    note_names(&names, check);
    return false;
}

/* Called for each certificate of the chain, the peer's own last. */
static int on_verify(int ok, X509_STORE_CTX *x)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_check *check = SSL_get_app_data(ssl);

    if (ok && check && check->is_name && X509_STORE_CTX_get_error_depth(x) == 0 &&
        !names_fit(X509_STORE_CTX_get_current_cert(x), check)) {
        X509_STORE_CTX_set_error(x, X509_V_ERR_HOSTNAME_MISMATCH);
        ok = 0;
    }
    if (!ok && check)
        check->why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(x));
    return ok;
}

static bool is_host_name(const char *name)
{
    struct addr a;

    return name && addr_parse_ip(span_of(name), &a) < 0;
}

struct bufferevent *tls_bev(const struct tls_set *s, const struct tls_begin *b)
{
    const struct tls_ctx *c = s && b->listener < s->n ? &s->ctx[b->listener] : NULL;
    struct bufferevent *bev = NULL;
    SSL *ssl = c && c->used ? SSL_new(b->outbound ? c->client : c->server) : NULL;

    ERR_clear_error();
    if (!ssl || SSL_set_app_data(ssl, b->check) != 1)
        goto out;
    if (b->outbound && is_host_name(b->sni) && SSL_set_tlsext_host_name(ssl, b->sni) != 1)
        goto out;
    bev = bufferevent_openssl_socket_new(
        b->base, b->fd, ssl, b->outbound ? BUFFEREVENT_SSL_CONNECTING : BUFFEREVENT_SSL_ACCEPTING,
        BEV_OPT_CLOSE_ON_FREE);
    ssl = NULL; /* taken, also on failure */
    if (bev)
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
out:
    if (!bev) {
        SSL_free(ssl);
        close(b->fd);
    }
    return bev;
}

const char *tls_why(struct bufferevent *bev, const struct tls_check *check)
{
    unsigned long e = bufferevent_get_openssl_error(bev);
    const char *text = e ? ERR_reason_error_string(e) : NULL;

    if (check->why)
        return check->why;
    return text;
}

void tls_bye(struct bufferevent *bev)
{
    SSL *ssl = bufferevent_openssl_get_ssl(bev);

    if (SSL_is_init_finished(ssl))
        (void)SSL_shutdown(ssl);
    ERR_clear_error();
}

uint32_t tls_cert_of(struct bufferevent *bev)
{
    SSL *ssl = bufferevent_openssl_get_ssl(bev);
    X509 *x = SSL_get0_peer_certificate(ssl);

    /* without SSL_VERIFY_PEER nothing was verified, and no certificate was asked for */
    return x && SSL_get_verify_result(ssl) == X509_V_OK ? tls_cert_number(x) : 0;
}
