/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Credentials of those who log in: nonces made and known again, responses checked, each use of a nonce once.
 * Called by invite.c and registrar.c. It writes no secret and no credentials into a log.
 */
#include "call/login.h"

#include <stdlib.h>

#include "sip/digest.h"

/* 5 min: a client that calls now and then pays one round more; a nonce that was overheard is soon worth nothing [s]. */
#define NONCE_LIFE_S 300U
/* 28 bits of seconds (8 years, then they begin anew) and a count: no two nonces of a second are equal. */
#define NONCE_TIME_BITS  28U
#define NONCE_COUNT_BITS 20U
/* 4,096 sets of 4: 54 logins a second use up 16,384 in five minutes. */
#define SETS 4096U
#define WAYS 4U
/* 64: requests of one client overtake each other by a few, never by so many. */
#define NC_WINDOW 64U

/** A nonce that was used. */
struct nonce_use {
    uint64_t serial; /**< 0: free */
    uint64_t seen;   /**< bit i: nc top - i was used */
    uint32_t top;
};

struct logins {
    struct nonce_use *use; /**< SETS * WAYS; made at the first login */
    uint32_t count;
};

struct logins *login_new(void)
{
    return calloc(1, sizeof(struct logins));
}

void login_free(struct logins *ls)
{
    if (ls)
        free(ls->use);
    free(ls);
}

/* ---- nonces ------------------------------------------------------------------------------------------------------- */

static uint64_t seconds(const struct calls *cs)
{
    return cs->clock->mono_ms / 1000 & ((UINT64_C(1) << NONCE_TIME_BITS) - 1);
}

static void nonce_make(struct calls *cs, char out[IDENT_LEN])
{
    uint64_t count = ++cs->logins->count & ((1U << NONCE_COUNT_BITS) - 1);

    ident_seal(cs->ident, IDENT_NONCE, seconds(cs) << NONCE_COUNT_BITS | count, out);
}

/* Ours, of this worker and young enough? */
static bool nonce_is_fresh(struct calls *cs, struct span nonce, uint64_t *serial)
{
    uint64_t age;
    struct ident id;

    if (ident_open(cs->ident, nonce, &id) != 0 || id.kind != IDENT_NONCE || id.worker != cs->worker)
        return false;
    age = (seconds(cs) - (id.serial >> NONCE_COUNT_BITS)) & ((UINT64_C(1) << NONCE_TIME_BITS) - 1);
    *serial = id.serial;
    return age <= NONCE_LIFE_S;
}

static bool use_once(struct nonce_use *u, uint32_t nc)
{
    uint64_t bit;

    if (nc > u->top) {
        uint32_t by = nc - u->top;

        u->seen = by < NC_WINDOW ? u->seen << by : 0;
        u->top = nc;
    }
    if (u->top - nc >= NC_WINDOW)
        return false;
    bit = UINT64_C(1) << (u->top - nc);
    if (u->seen & bit)
        return false;
    u->seen |= bit;
    return true;
}

/* The first use of this nonce with this nc? */
static bool nonce_use(struct logins *ls, uint64_t serial, uint32_t nc)
{
    struct nonce_use *set, *old;

    if (!ls->use)
        ls->use = calloc(SETS * WAYS, sizeof *ls->use);
    if (!ls->use)
        return false;
    old = set = &ls->use[hash_u64(serial) % SETS * WAYS];
    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].serial == serial)
            return use_once(&set[i], nc);
        if (set[i].serial < old->serial)
            old = &set[i]; /* the time stands in front: the smallest is the oldest */
    }
    *old = (struct nonce_use){.serial = serial};
    return use_once(old, nc);
}

/* ---- credentials -------------------------------------------------------------------------------------------------- */

enum login { LOGIN_OK, LOGIN_NONE, LOGIN_BAD, LOGIN_STALE };

struct span login_user(const struct msg *m)
{
    struct digest_credentials c;

    return digest_credentials_parse(msg_value(m, HDR_AUTHORIZATION), &c) == 0 ? c.user : SPAN_NONE;
}

/* Those for our realm, of several. */
static bool credentials_of(const struct msg *m, struct span realm, struct digest_credentials *c)
{
    const struct hdr *h;

    for (unsigned i = 0; i < DIGEST_CHALLENGES_MAX && (h = msg_hdr(m, HDR_AUTHORIZATION, i)); i++)
        if (digest_credentials_parse(h->value, c) == 0 && digest_text_is(c->realm, realm))
            return true;
    return false;
}

/*
 * The uri may differ from the Request-URI: a proxy between us has changed that. But credentials made for one number call no other one
 * (RFC 7616 §3.4.6): where both have a user, it is the same.
 */
static bool uri_fits(const struct msg *m, struct span uri)
{
    struct sip_uri u;

    return uri_parse(uri, &u) == 0 && (span_is_empty(u.user) || span_eq(u.user, m->uri.user));
}

static enum login check(struct calls *cs, const struct conf_login *conf, struct span realm,
                        const struct msg *m)
{
    char want[DIGEST_HEX_MAX];
    struct digest_credentials c;
    struct digest_input in;
    uint64_t serial;

    if (!credentials_of(m, realm, &c))
        return LOGIN_NONE;
    if (c.algo != DIGEST_MD5 && (c.algo != DIGEST_SHA256 || conf->md5_only))
        return LOGIN_BAD; /* we offer no other */
    if (!digest_text_is(c.user, span_of(conf->user)) || !uri_fits(m, c.uri))
        return LOGIN_BAD;
    in = (struct digest_input){.user = span_of(conf->user),
                               .realm = realm,
                               .secret = span_of(conf->secret),
                               .method = m->method_name,
                               .uri = c.uri,
                               .nonce = c.nonce,
                               .algo = (enum digest_algo)c.algo};
    if (c.qop) {
        in.cnonce = c.cnonce;
        in.nc = c.nc;
    }
    if (digest_response(&in, want) < 0 || !digest_equal(c.response, span_of(want)))
        return LOGIN_BAD;
    /* Without qop there is no count: such a nonce is good for one request. */
    if (!nonce_is_fresh(cs, c.nonce, &serial) ||
        !nonce_use(cs->logins, serial, c.qop ? c.nc_value : 1))
        return LOGIN_STALE;
    return LOGIN_OK;
}

static void challenge(struct calls *cs, struct txn_server *st, struct span realm, bool md5_only,
                      bool stale)
{
    /* RFC 8760 §2.3: the strongest on top. */
    static const enum digest_algo offered[] = {DIGEST_SHA256, DIGEST_MD5};
    struct build *b = txn_server_begin(st, 401, SPAN_NONE, SPAN_NONE);
    char nonce[IDENT_LEN];

    stat_inc(cs->stats, STAT_login_challenged);
    if (!b)
        return;
    nonce_make(cs, nonce);
    for (unsigned i = md5_only ? 1 : 0; i < sizeof offered / sizeof offered[0]; i++)
        digest_write_challenge(b, SPAN("WWW-Authenticate"), realm, (struct span){nonce, IDENT_LEN},
                               offered[i], stale);
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(st);
}

/* Never the response that was wrong: it is made of the secret. */
static void log_failed(const struct conf_trunk *t, const struct msg *m, struct span realm,
                       const struct flow *f)
{
    struct digest_credentials c = {0};
    char peer[ADDR_STRLEN], user[64];

    (void)credentials_of(m, realm, &c);
    log_limited(LOG_WARN, "login_failed", "trunk=%s method=%.*s user=%s peer=%s transport=%s",
                t->name, SPAN_ARG(sip_method_name(m->method)), log_quote(user, sizeof user, c.user),
                addr_str(&f->remote, peer), proto_name(f->proto));
}

bool login_refused(struct calls *cs, struct txn_server *st, const struct msg *m,
                   const struct flow *f, uint32_t trunk)
{
    const struct conf *conf = cs->view->conf;
    const struct conf_trunk *t = &conf->trunk.v[trunk];
    struct span realm = span_of(t->login.realm ? t->login.realm : conf->global.node);
    enum login how;

    if (!t->login.user)
        return false;
    how = check(cs, &t->login, realm, m);
    if (how == LOGIN_OK) {
        stat_inc(cs->stats, STAT_login_ok);
        return false;
    }
    if (how == LOGIN_BAD) {
        stat_inc(cs->stats, STAT_login_failed);
        log_failed(t, m, realm, f);
    }
    challenge(cs, st, realm, t->login.md5_only, how == LOGIN_STALE);
    return true;
}
