/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of peers' certificates, remembered by number so that any worker can ask for them (a call may be served where its connection is not).
 * tls.c adds at a handshake, under a lock; whoever reads finds finished entries only. Must not know connections.
 */
#include "sip/tls_priv.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "core/addr.h"
#include "core/log.h"
#include "sip/uri.h"

struct entry {
    uint8_t digest[32]; /* SHA-256 of the certificate */
    unsigned n;
    char names[]; /* one behind the other, each with its NUL */
};

/* Twice as many places as entries: a search ends soon. */
#define PLACES (2U * TLS_CERTS_MAX)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct entry *) entries[TLS_CERTS_MAX];
static uint32_t n_entries;     /* with the lock */
static uint32_t place[PLACES]; /* with the lock: numbers by digest; 0 free */

static void add(struct tls_names *t, const char *p, size_t len)
{
    /* a NUL inside is somebody's trick */
    if (t->n == TLS_NAMES_MAX || len == 0 || len >= sizeof(t->name[0]) || memchr(p, '\0', len))
        return;
    memcpy(t->name[t->n], p, len);
    t->name[t->n++][len] = '\0';
}

/* "sip:example.com": the host of a URI without user is the domain (RFC 5922 §7.1). */
static void add_uri(struct tls_names *t, const char *p, size_t len)
{
    struct sip_uri u;

    if (uri_parse((struct span){p, len}, &u) == 0 &&
        (u.scheme == URI_SIP || u.scheme == URI_SIPS) && span_is_empty(u.user))
        add(t, u.host.p, u.host.len);
}

static void add_ip(struct tls_names *t, const ASN1_STRING *ip)
{
    int len = ASN1_STRING_length(ip);
    struct addr a = {.family = len == 4 ? 4 : 6};
    char text[ADDR_STRLEN];

    if (len != 4 && len != 16)
        return;
    memcpy(a.ip, ASN1_STRING_get0_data(ip), (size_t)len);
    addr_ip_str(&a, text);
    add(t, text, strlen(text));
}

static void add_common_name(struct tls_names *t, X509 *x)
{
    X509_NAME *subject = X509_get_subject_name(x);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    const ASN1_STRING *s =
        at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));

    if (s)
        add(t, (const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

void tls_names_of(X509 *x, struct tls_names *t)
{
    GENERAL_NAMES *san = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

    t->n = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(san); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(san, i);
        const ASN1_STRING *s = g->d.ia5;

        if (g->type == GEN_URI)
            add_uri(t, (const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
        else if (g->type == GEN_DNS)
            add(t, (const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
        else if (g->type == GEN_IPADD)
            add_ip(t, g->d.iPAddress);
    }
    GENERAL_NAMES_free(san);
    if (t->n == 0)
        add_common_name(t, x);
}

bool tls_name_eq(const char *cert_name, const char *wanted)
{
    struct span x = span_of(cert_name), y = span_of(wanted);

    /* the dot of the root says nothing */
    x.len -= x.len > 1 && x.p[x.len - 1] == '.';
    y.len -= y.len > 1 && y.p[y.len - 1] == '.';
    return span_case_eq(x, y) && span_chr(x, '*') < 0;
}

bool tls_cert_has(uint32_t cert, const char *name)
{
    struct entry *e = cert && cert <= TLS_CERTS_MAX
                          ? atomic_load_explicit(&entries[cert - 1], memory_order_acquire)
                          : NULL;

    const char *own = e ? e->names : NULL;

    for (unsigned i = 0; e && i < e->n; i++, own += strlen(own) + 1)
        if (tls_name_eq(own, name))
            return true;
    return false;
}

/* With the lock. @return where its number stands, or is to stand */
static uint32_t *place_of(const uint8_t digest[32])
{
    uint32_t at;

    memcpy(&at, digest, sizeof(at));
    for (at %= PLACES; place[at]; at = (at + 1) % PLACES)
        if (memcmp(atomic_load(&entries[place[at] - 1])->digest, digest, 32) == 0)
            break;
    return &place[at];
}

static struct entry *entry_new(X509 *x)
{
    struct tls_names t;
    struct entry *e;
    unsigned len = 32;
    size_t bytes = 0;
    char *at;

    tls_names_of(x, &t);
    for (unsigned i = 0; i < t.n; i++)
        bytes += strlen(t.name[i]) + 1;
    e = calloc(1, sizeof(*e) + bytes);
    if (!e || X509_digest(x, EVP_sha256(), e->digest, &len) != 1) {
        free(e);
        return NULL;
    }
    at = e->names;
    for (; e->n < t.n; e->n++) {
        size_t n = strlen(t.name[e->n]) + 1;

        memcpy(at, t.name[e->n], n);
        at += n;
    }
    return e;
}

uint32_t tls_cert_number(X509 *x)
{
    struct entry *e = entry_new(x);
    uint32_t n, *at;

    if (!e)
        return 0;
    pthread_mutex_lock(&lock);
    at = place_of(e->digest);
    n = *at;
    if (n == 0 && n_entries < TLS_CERTS_MAX) {
        n = *at = ++n_entries;
        atomic_store_explicit(&entries[n - 1], e, memory_order_release);
        e = NULL;
    }
    pthread_mutex_unlock(&lock);
    free(e);
    if (n == 0)
        log_limited(LOG_ERROR, "tls_certs_full", "certificates=%u", TLS_CERTS_MAX);
    return n;
}
