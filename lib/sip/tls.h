/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS for SIP: contexts made of certificate files, handshakes that check whose certificate it is, names of verified peers.
 * The snapshot makes a set, connections take from it; it knows certificates and names, not calls. Contexts are shared by all workers.
 */
#ifndef SIP_TLS_H
#define SIP_TLS_H

#include "config/config.h"
#include <event2/bufferevent.h>
#include <stdbool.h>

/* Names kept of one certificate: the hosts of a carrier's edge. */
#define TLS_NAMES_MAX 64
/*
 * Certificates remembered over the process's life, some 200 bytes each: one for every trunk that there can be, or 16 years of weekly ones of
 * 80 carriers. Only verified ones of known sources count; when all are taken a further one has no names: calls of trunks with `tls-name` are
 * then refused over it, which is logged.
 */
#define TLS_CERTS_MAX 65536

/** Server and client contexts of every tls socket of one configuration. Immutable; connections hold what they use of it. */
struct tls_set;

/**
 * Load all certificates, keys and CA files (TLS 1.2 and 1.3, no renegotiation, no compression).
 *
 * A socket with `verify none` asks for a certificate all the same if a trunk of its listen has `tls-name`: without one no call of it would be taken.
 *
 * @param why  out on failure: file and reason, for the operator
 * @return 0 (also without any tls socket); -ENOMEM; -EINVAL a file cannot be used
 */
int tls_set_new(const struct conf *conf, struct tls_set **out, char *why, size_t size);
/** NULL is ignored. */
void tls_set_free(struct tls_set *s);

/** One certificate of ours. */
struct tls_own {
    uint16_t listener;
    const char *listen, *file; /* borrowed from the set */
    int64_t not_after_s;       /* end of its validity, seconds since 1970 */
};
/** nth, from 0. @return false: no more */
bool tls_set_own(const struct tls_set *s, unsigned nth, struct tls_own *out);

/** Whole days from now to its end, below 0 when that is over. */
int64_t tls_days_left(const struct tls_own *own);

/** Who must be at the other end of a connection of ours, asked during the handshake, before the first byte of SIP. */
struct tls_check {
    bool (*is_name)(
        void *arg,
        const char *name); /* one of the certificate's names is wanted; NULL: any (accepted ones) */
    void *arg;
    const char *why; /* out: static text why it failed; NULL */
    char has[160];   /* out: the names of a certificate that had none of the wanted ones; else "" */
};

struct tls_begin {
    struct event_base *base;
    int fd; /* taken, also on failure */
    uint16_t listener;
    bool outbound;
    const char *sni; /* host name to ask for (RFC 6066 §3); NULL or an address: none is sent */
    struct tls_check *check; /* lives as long as the bufferevent */
};
/** A bufferevent that shakes hands, then is open (BEV_EVENT_CONNECTED). @return NULL no such socket, out of memory */
struct bufferevent *tls_bev(const struct tls_set *s, const struct tls_begin *b);
/** Why the handshake or the connection failed: static text; NULL: nothing of TLS was wrong. */
const char *tls_why(struct bufferevent *bev, const struct tls_check *check);
/** Say goodbye (close_notify), before bufferevent_free. */
void tls_bye(struct bufferevent *bev);

/** Number of the peer's certificate, after the handshake; 0: none, or not verified. Takes a lock, once a connection. */
uint32_t tls_cert_of(struct bufferevent *bev);
/**
 * That certificate names this host: URI sip:HOST or DNS among its subject alternative names, an address there for an address, the common name only
 * if it has none of these (RFC 5922 §7.1). Whole names, any case; a wildcard matches nothing (§7.2). Any thread, no lock.
 */
bool tls_cert_has(uint32_t cert, const char *name);
/** A name of a certificate is the wanted one: as above. */
bool tls_name_eq(const char *cert_name, const char *wanted);

#endif
