/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates made when a test runs: nothing with a key or an end of validity is kept in the tree.
 * Tests of TLS use it; each file holds a certificate and its key.
 */
#ifndef TESTS_UNIT_TLS_CERTS_H
#define TESTS_UNIT_TLS_CERTS_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct cert {
    X509 *x;
    EVP_PKEY *key;
};

static void cert_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

/* signer NULL: of its own authority. san NULL: none. days: until its end, which may be past. */
static struct cert cert_new(const struct cert *signer, const char *cn, const char *san, int days)
{
    static long serial = 1;
    struct cert c = {X509_new(), EVP_EC_gen("P-256")};
    X509_NAME *name;

    assert_non_null(c.x);
    assert_non_null(c.key);
    if (!signer)
        signer = &c;
    name = X509_get_subject_name(c.x);
    assert_int_equal(X509_set_version(c.x, 2), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(c.x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c.x), -400L * 86400);
    X509_gmtime_adj(X509_getm_notAfter(c.x), days * 86400L);
    X509_set_pubkey(c.x, c.key);
    assert_int_equal(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0),
        1);
    X509_set_issuer_name(c.x, X509_get_subject_name(signer->x));
    if (signer == &c)
        cert_ext(c.x, c.x, NID_basic_constraints, "critical,CA:TRUE");
    if (san)
        cert_ext(c.x, signer->x, NID_subject_alt_name, san);
    assert_true(X509_sign(c.x, signer->key, EVP_sha256()) > 0);
    return c;
}

static void cert_free(struct cert *c)
{
    X509_free(c->x);
    EVP_PKEY_free(c->key);
}

static void cert_write(const struct cert *c, const char *path)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, c->x), 1);
    assert_int_equal(PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
}

/* One of that authority, into a file. */
static void cert_issue(const struct cert *ca, const char *cn, const char *san, int days,
                       const char *path)
{
    struct cert c = cert_new(ca, cn, san, days);

    cert_write(&c, path);
    cert_free(&c);
}

#endif
