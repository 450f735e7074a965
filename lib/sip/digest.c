/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Digest authentication: a list of comma-separated parameters in, hashes of them out.
 * call/auth calls it for both roles; the fuzzer feeds it any bytes.
 * Must not keep secrets: what was hashed is wiped.
 */
#include "sip/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include "sip/lex.h"

static const struct {
    struct span name;
    const char *md;
    uint8_t bytes; /* of the hash that is written */
    bool sess;
} algo_table[DIGEST_ALGOS] = {
    [DIGEST_MD5] = {SPAN("MD5"), "MD5", 16, false},
    [DIGEST_MD5_SESS] = {SPAN("MD5-sess"), "MD5", 16, true},
    [DIGEST_SHA256] = {SPAN("SHA-256"), "SHA256", 32, false},
    [DIGEST_SHA256_SESS] = {SPAN("SHA-256-sess"), "SHA256", 32, true},
    [DIGEST_SHA512_256] = {SPAN("SHA-512-256"), "SHA512-256", 32, false},
};

struct span digest_algo_name(enum digest_algo algo)
{
    return algo_table[algo].name;
}

static int algo_of(struct span name, uint8_t *algo)
{
    for (uint8_t i = 0; i < DIGEST_ALGOS; i++)
        if (span_case_eq(name, algo_table[i].name)) {
            *algo = i;
            return 0;
        }
    return -ENOTSUP;
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

struct param {
    struct span name;
    struct span value; /* between the quotes */
};

/* One "name=value" of the list, with the comma behind it. @return 1; 0 at the end; -EBADMSG */
static int next_param(struct span *rest, struct param *out)
{
    const char *end = rest->p + rest->len, *p = rest->p, *q;

    while (p < end && (*p == ',' || lex_is(*p, LEX_LWS)))
        p++;
    if (p == end)
        return 0;
    q = lex_skip(p, end, LEX_TOKEN);
    out->name = lex_span(p, q);
    p = lex_lws(q, end);
    if (span_is_empty(out->name) || p == end || *p != '=')
        return -EBADMSG;
    p = lex_lws(p + 1, end);
    if (p < end && *p == '"') {
        q = lex_quoted(p, end);
        if (!q)
            return -EBADMSG;
        out->value = lex_span(p + 1, q - 1);
    } else {
        /*
         * A uri or nonce that somebody left unquoted is no token: up to the comma or blank it is the value. No backslash: it is said again
         * between quotes, where that would escape what follows.
         */
        for (q = p; q < end && *q != ',' && *q != '"' && *q != '\\' && !lex_is(*q, LEX_LWS);)
            q++;
        out->value = lex_span(p, q);
    }
    if (out->value.len > DIGEST_TEXT_MAX)
        return -EBADMSG;
    p = lex_lws(q, end);
    if (p < end && *p != ',')
        return -EBADMSG;
    *rest = lex_span(p, end);
    return 1;
}

/* "Digest" and a blank before the list. */
static int begin_list(struct span value, struct span *list)
{
    const char *p, *end;

    if (span_is_empty(value))
        return -ENOTSUP;
    value = lex_trim(value);
    if (value.len > 8 * DIGEST_TEXT_MAX)
        return -EBADMSG;
    end = value.p + value.len;
    p = lex_skip(value.p, end, LEX_TOKEN);
    if (!span_case_eq(lex_span(value.p, p), SPAN("Digest")))
        return -ENOTSUP;
    if (p == end || !lex_is(*p, LEX_LWS))
        return -EBADMSG;
    *list = lex_span(p, end);
    return 0;
}

/* A parameter comes once (RFC 7616 §3.3). */
static int set_once(struct span *field, struct span value)
{
    if (field->p)
        return -EBADMSG;
    *field = value.p ? value : SPAN("");
    return 0;
}

static int challenge_param(struct digest_challenge *c, struct span *algo, struct span *qop,
                           const struct param *p)
{
    if (span_case_eq(p->name, SPAN("realm")))
        return set_once(&c->realm, p->value);
    if (span_case_eq(p->name, SPAN("nonce")))
        return set_once(&c->nonce, p->value);
    if (span_case_eq(p->name, SPAN("opaque")))
        return set_once(&c->opaque, p->value);
    if (span_case_eq(p->name, SPAN("algorithm")))
        return set_once(algo, p->value);
    if (span_case_eq(p->name, SPAN("qop")))
        return set_once(qop, p->value);
    if (span_case_eq(p->name, SPAN("stale")))
        c->stale = span_case_eq(p->value, SPAN("true"));
    return 0; /* domain, charset, userhash: nothing to do */
}

int digest_challenge_parse(struct span value, struct digest_challenge *out)
{
    struct digest_challenge c = {0};
    struct span list, algo = SPAN_NONE, qop = SPAN_NONE;
    struct param p;
    int rc = begin_list(value, &list);

    while (rc >= 0 && (rc = next_param(&list, &p)) == 1)
        rc = challenge_param(&c, &algo, &qop, &p);
    if (rc < 0)
        return rc;
    if (!c.realm.p || span_is_empty(c.nonce))
        return -EBADMSG;
    if (algo.p && algo_of(algo, &c.algo) < 0)
        return -ENOTSUP;
    if (!span_is_empty(qop) && !hdr_list_has(qop, SPAN("auth")))
        return -ENOTSUP;
    c.algo_given = algo.p != NULL;
    c.qop = !span_is_empty(qop);
    if (algo_table[c.algo].sess && !c.qop)
        return -ENOTSUP; /* its hash needs a cnonce, which there is only with qop */
    *out = c;
    return 0;
}

int digest_choose(const struct msg *m, struct span realm, struct digest_challenge *out)
{
    enum hdr_id id = m->status == 407 ? HDR_PROXY_AUTHENTICATE : HDR_WWW_AUTHENTICATE;
    const struct hdr *h;
    int rc = -ENOENT;

    for (unsigned i = 0; i < DIGEST_CHALLENGES_MAX && (h = msg_hdr(m, id, i)); i++) {
        struct digest_challenge c;

        if (digest_challenge_parse(h->value, &c) < 0)
            continue;
        if (!span_is_empty(realm) && !digest_text_is(c.realm, realm))
            continue;
        if (rc == 0 && c.algo <= out->algo)
            continue; /* of equals the first: it stands on top for a reason (RFC 8760 §2.4) */
        *out = c;
        rc = 0;
    }
    return rc;
}

struct credentials_extra {
    struct span algo, qop, userhash;
};

static int credentials_param(struct digest_credentials *c, struct credentials_extra *x,
                             const struct param *p)
{
    const struct {
        struct span name;
        struct span *field;
    } table[] = {
        {SPAN("username"), &c->user},
        {SPAN("realm"), &c->realm},
        {SPAN("nonce"), &c->nonce},
        {SPAN("uri"), &c->uri},
        {SPAN("response"), &c->response},
        {SPAN("cnonce"), &c->cnonce},
        {SPAN("nc"), &c->nc},
        {SPAN("algorithm"), &x->algo},
        {SPAN("qop"), &x->qop},
        {SPAN("userhash"), &x->userhash},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (span_case_eq(p->name, table[i].name))
            return set_once(table[i].field, p->value);
    return 0; /* opaque, auth-param */
}

static int hex_u32(struct span s, uint32_t *out)
{
    uint32_t v = 0;

    if (s.len != 8)
        return -EBADMSG;
    for (size_t i = 0; i < 8; i++) {
        char c = s.p[i];
        unsigned d;

        if (c >= '0' && c <= '9')
            d = (unsigned)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            d = (unsigned)((c | 0x20) - 'a') + 10;
        else
            return -EBADMSG;
        v = v << 4 | d;
    }
    *out = v;
    return 0;
}

int digest_credentials_parse(struct span value, struct digest_credentials *out)
{
    struct digest_credentials c = {0};
    struct credentials_extra x = {0};
    struct span list;
    struct param p;
    int rc = begin_list(value, &list);

    while (rc >= 0 && (rc = next_param(&list, &p)) == 1)
        rc = credentials_param(&c, &x, &p);
    if (rc < 0)
        return rc;
    if (!c.user.p || !c.realm.p || span_is_empty(c.nonce) || span_is_empty(c.uri) ||
        span_is_empty(c.response))
        return -EBADMSG;
    if (x.algo.p && algo_of(x.algo, &c.algo) < 0)
        return -ENOTSUP;
    if (span_case_eq(x.userhash, SPAN("true")))
        return -ENOTSUP; /* we never say userhash=true */
    if (!span_is_empty(x.qop)) {
        if (!span_case_eq(x.qop, SPAN("auth")))
            return -ENOTSUP;
        c.qop = true;
        if (span_is_empty(c.cnonce) || hex_u32(c.nc, &c.nc_value) < 0)
            return -EBADMSG;
    } else if (algo_table[c.algo].sess) {
        return -EBADMSG;
    }
    *out = c;
    return 0;
}

bool digest_text_is(struct span quoted, struct span plain)
{
    size_t n = 0;

    for (size_t i = 0; i < quoted.len; i++, n++) {
        if (quoted.p[i] == '\\' && i + 1 < quoted.len)
            i++;
        if (n == plain.len || plain.p[n] != quoted.p[i])
            return false;
    }
    return n == plain.len;
}

/* ---- hashing ------------------------------------------------------------------------------------------------------ */

/* Hash of the parts with ':' between them, as text in hex. */
static int hash_hex(const char *md_name, const struct span *part, unsigned n,
                    char out[DIGEST_HEX_MAX])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    EVP_MD *md = EVP_MD_fetch(NULL, md_name, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned len = 0;
    int rc = ctx ? -ENOTSUP : -ENOMEM;

    if (!md || !ctx || EVP_DigestInit_ex2(ctx, md, NULL) != 1)
        goto out;
    for (unsigned i = 0; i < n; i++)
        if ((i > 0 && EVP_DigestUpdate(ctx, ":", 1) != 1) ||
            (part[i].len > 0 && EVP_DigestUpdate(ctx, part[i].p, part[i].len) != 1))
            goto out;
    if (EVP_DigestFinal_ex(ctx, sum, &len) != 1 || 2 * len >= DIGEST_HEX_MAX)
        goto out;
    for (unsigned i = 0; i < len; i++) {
        out[2 * i] = hex[sum[i] >> 4];
        out[2 * i + 1] = hex[sum[i] & 15];
    }
    out[2 * len] = '\0';
    rc = 0;
out:
    OPENSSL_cleanse(sum, sizeof sum);
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    return rc;
}

int digest_response(const struct digest_input *in, char out[DIGEST_HEX_MAX])
{
    const char *md = algo_table[in->algo].md;
    const struct span a1[] = {in->user, in->realm, in->secret};
    const struct span a2[] = {in->method, in->uri};
    char ha1[DIGEST_HEX_MAX], ha2[DIGEST_HEX_MAX];
    int rc = hash_hex(md, a1, 3, ha1);

    if (rc == 0 && algo_table[in->algo].sess) {
        const struct span sess[] = {span_of(ha1), in->nonce, in->cnonce};
        char h[DIGEST_HEX_MAX];

        rc = hash_hex(md, sess, 3, h);
        if (rc == 0)
            memcpy(ha1, h, sizeof ha1);
        OPENSSL_cleanse(h, sizeof h);
    }
    if (rc == 0)
        rc = hash_hex(md, a2, 2, ha2);
    if (rc == 0 && span_is_empty(in->nc)) {
        const struct span all[] = {span_of(ha1), in->nonce, span_of(ha2)};

        rc = hash_hex(md, all, 3, out);
    } else if (rc == 0) {
        const struct span all[] = {span_of(ha1), in->nonce,    in->nc,
                                   in->cnonce,   SPAN("auth"), span_of(ha2)};

        rc = hash_hex(md, all, 6, out);
    }
    OPENSSL_cleanse(ha1, sizeof ha1);
    return rc;
}

bool digest_equal(struct span a, struct span b)
{
    char x[DIGEST_HEX_MAX] = {0}, y[DIGEST_HEX_MAX] = {0};

    if (a.len != b.len || a.len >= DIGEST_HEX_MAX)
        return false; /* the length of a hash is no secret */
    for (size_t i = 0; i < a.len; i++) {
        x[i] = (char)(a.p[i] | 0x20);
        y[i] = (char)(b.p[i] | 0x20);
    }
    return CRYPTO_memcmp(x, y, sizeof x) == 0;
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

/* A text of ours as quoted-string. */
static void put_quoted(struct build *b, struct span s)
{
    build_char(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            build_char(b, '\\');
        build_safe(b, (struct span){s.p + i, 1});
    }
    build_char(b, '"');
}

/* A text of theirs, as it stood between the quotes. */
static void put_raw(struct build *b, const char *name, struct span s)
{
    build_str(b, name);
    build_char(b, '"');
    build_safe(b, s);
    build_char(b, '"');
}

int digest_write(struct build *b, struct span name, const struct digest_answer *a)
{
    char response[DIGEST_HEX_MAX];
    int rc = digest_response(&a->in, response);

    if (rc < 0)
        return rc;
    build_span(b, name);
    build_str(b, ": Digest username=");
    put_quoted(b, a->in.user);
    put_raw(b, ", realm=", a->in.realm);
    put_raw(b, ", nonce=", a->in.nonce);
    put_raw(b, ", uri=", a->in.uri);
    put_raw(b, ", response=", span_of(response));
    if (a->algo_given) {
        build_str(b, ", algorithm=");
        build_span(b, algo_table[a->in.algo].name);
    }
    if (!span_is_empty(a->in.nc)) {
        put_raw(b, ", cnonce=", a->in.cnonce);
        build_str(b, ", qop=auth, nc=");
        build_span(b, a->in.nc);
    }
    if (a->opaque.p)
        put_raw(b, ", opaque=", a->opaque);
    build_str(b, "\r\n");
    return 0;
}

void digest_write_challenge(struct build *b, struct span name, struct span realm, struct span nonce,
                            enum digest_algo algo, bool stale)
{
    build_span(b, name);
    build_str(b, ": Digest realm=");
    put_quoted(b, realm);
    put_raw(b, ", nonce=", nonce);
    build_str(b, ", qop=\"auth\", algorithm=");
    build_span(b, algo_table[algo].name);
    if (stale)
        build_str(b, ", stale=true");
    build_str(b, "\r\n");
}
