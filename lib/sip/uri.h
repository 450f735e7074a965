/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * URIs and addresses of header fields, split into spans of the received text.
 * msg fills them for the fields each message has; call/ uses it on headers only it looks into (P-Asserted-Identity…).
 */
#ifndef SIP_URI_H
#define SIP_URI_H

#include <stdbool.h>
#include <stdint.h>
#include "core/span.h"

enum uri_scheme {
    URI_OTHER, /* well-formed, scheme not ours: 416 in a Request-URI */
    URI_SIP,
    URI_SIPS,
    URI_TEL,
    URI_URN
};

/* Escapes (%41) are kept: what is relayed is what was received. */
struct sip_uri {
    enum uri_scheme scheme;
    struct span scheme_name;
    struct span user;     /* without password; tel: the number; others: all behind the colon */
    struct span password; /* without the colon */
    struct span host;     /* IPv6 with its brackets; empty for others than sip and sips */
    struct span params;   /* from the first ';' on, without headers */
    struct span headers;  /* without the '?' */
    struct span raw;
    uint16_t port; /* 0: none given */
};

/* name-addr or addr-spec with its parameters (From, To, Contact, Route, P-Asserted-Identity…). */
struct name_addr {
    struct span display; /* as written, with quotes; empty if none */
    struct span uri;     /* without <> */
    struct span tag;     /* value of the header parameter; empty if none */
    struct span params;  /* header parameters from the first ';' on */
    struct span raw;
    struct sip_uri parsed;
    bool is_star; /* Contact: * (RFC 3261 §20.10) */
};

/**
 * Split and check a URI (RFC 3261 §25.1, RFC 3966, RFC 5118 for IPv6).
 * @return 0; -EBADMSG not a URI, or a sip, sips or tel URI that breaks its grammar
 */
int uri_parse(struct span s, struct sip_uri *out);

/**
 * Split and check one name-addr or addr-spec. Without <>, all behind the first ';' belongs to the header and '?' is
 * not allowed (RFC 3261 §20).
 * @return 0; -EBADMSG
 */
int name_addr_parse(struct span s, struct name_addr *out);

/** URI parameter, any case. @param value may be NULL */
bool uri_param(const struct sip_uri *u, struct span name, struct span *value);

/**
 * Decode %xx of a user part.
 * @return length; -ENOSPC; -EINVAL a broken escape or a decoded control character
 */
int uri_user_plain(struct span user, char *buf, size_t size);

/** host: a name, an IPv4 address or a bracketed IPv6 reference; nothing else. */
bool uri_host_ok(struct span host);

#endif
