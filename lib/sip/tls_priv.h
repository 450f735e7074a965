/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tls.c and tls_cert.c share: the names of a certificate.
 * Included by these two only.
 */
#ifndef SIP_TLS_PRIV_H
#define SIP_TLS_PRIV_H

#include "sip/tls.h"
#include <openssl/x509.h>

struct tls_names {
    unsigned n;
    char name[TLS_NAMES_MAX][256]; /* a DNS name has 253 bytes at the most */
};

/* As tls_cert_has says. */
void tls_names_of(X509 *x, struct tls_names *t);
/* Remember a verified certificate. @return its number; 0 no room */
uint32_t tls_cert_number(X509 *x);

#endif
