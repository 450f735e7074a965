/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Digest authentication (RFC 3261 §22, RFC 2617, RFC 7616, RFC 8760): challenges and credentials read and written, responses computed.
 * call/auth uses it both ways. Pure: it keeps nothing, knows no trunk and no nonce's life; hashes are OpenSSL's.
 */
#ifndef SIP_DIGEST_H
#define SIP_DIGEST_H

#include "sip/build.h"

/* 1,024: a realm, nonce or opaque that anybody sends has under 200; a longer one is no challenge that can be answered. */
#define DIGEST_TEXT_MAX 1024
/* SHA-256 in hex and its terminator. */
#define DIGEST_HEX_MAX 65
/* 8 challenges of a message: each algorithm there is, from a proxy and from the user agent. */
#define DIGEST_CHALLENGES_MAX 8

/** From weak to strong: of several challenges the highest is answered. */
enum digest_algo {
    DIGEST_MD5,
    DIGEST_MD5_SESS,
    DIGEST_SHA256, /* RFC 8760 */
    DIGEST_SHA256_SESS,
    DIGEST_SHA512_256,
    DIGEST_ALGOS
};

/** Spans are borrowed from the header's value; of quoted strings what stands between the quotes, escapes as written. */
struct digest_challenge {
    struct span realm, nonce, opaque; /* opaque: p NULL if absent */
    uint8_t algo;                     /* enum digest_algo */
    bool algo_given;                  /* absent: MD5 */
    bool qop; /* it offers qop=auth; else none was offered (RFC 2617 §3.2.2.1) */
    bool stale;
};

struct digest_credentials {
    struct span user, realm, nonce, uri, response, cnonce, nc;
    uint32_t nc_value;
    uint8_t algo;
    bool qop; /* qop=auth; else none, as RFC 2069 did it */
};

/** Name in `algorithm=`. */
struct span digest_algo_name(enum digest_algo algo);

/**
 * Read the value of a WWW-Authenticate or Proxy-Authenticate header (one challenge: RFC 3261 §20.44 allows no list).
 * @return 0; -ENOTSUP another scheme, an algorithm we do not know, or auth-int alone; -EBADMSG not its grammar, something missing, too long
 */
int digest_challenge_parse(struct span value, struct digest_challenge *out);

/**
 * The strongest challenge of a 401 (WWW-Authenticate) or 407 (Proxy-Authenticate) that can be answered.
 * @param realm  only this one; empty: any
 * @return 0; -ENOENT none
 */
int digest_choose(const struct msg *m, struct span realm, struct digest_challenge *out);

/**
 * Read the value of an Authorization or Proxy-Authorization header.
 * @return 0; -ENOTSUP another scheme, an algorithm or qop that we never offered, a hashed user name; -EBADMSG
 */
int digest_credentials_parse(struct span value, struct digest_credentials *out);

/** What a response is made of (RFC 7616 §3.4.1). Text as on the wire, user and secret as configured. */
struct digest_input {
    struct span user, realm, secret, method, uri, nonce;
    struct span cnonce, nc; /* nc: 8 hex digits. Both empty: no qop */
    enum digest_algo algo;
};

/** The response in hex, terminated. @return 0; -ENOMEM or -ENOTSUP if the library refuses the hash (MD5 of a FIPS build) */
int digest_response(const struct digest_input *in, char out[DIGEST_HEX_MAX]);

/** Compare two texts of hex digits, any case, in a time that does not tell how much of them is equal. */
bool digest_equal(struct span a, struct span b);

/**
 * Write the credentials' header line with its line end.
 * @param name    Authorization or Proxy-Authorization
 * @param opaque  as in the challenge
 * @param algo_given the challenge named its algorithm
 * @return 0; as digest_response
 */
struct digest_answer {
    struct digest_input in;
    struct span opaque; /* p NULL: none */
    bool algo_given;
};
int digest_write(struct build *b, struct span name, const struct digest_answer *a);

/** Write a challenge's header line: qop="auth". name: WWW-Authenticate or Proxy-Authenticate. realm is quoted here. */
void digest_write_challenge(struct build *b, struct span name, struct span realm, struct span nonce,
                            enum digest_algo algo, bool stale);

/** True if a quoted-string's content `quoted` means `plain` (escapes undone). */
bool digest_text_is(struct span quoted, struct span plain);

#endif
