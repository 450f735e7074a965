/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sections with their sources of answers: LMDB is read at once, ENUM asks a resolver and remembers what it said.
 * daemon/dips.c calls it on its own thread. It decides nothing about a call.
 */
#include "call/lnp.h"

#include <stdlib.h>
#include "core/err.h"
#include "core/htab.h"
#include "core/log.h"
#include "route/portdb.h"
#include "sip/enum.h"

#define CACHE_WAYS 4U
/* From this many failures in a row on a stale answer is given at once: nobody waits 30 ms a call for servers that are away. */
#define FAILS_AWAY 3U

struct slot {
    uint64_t number, rn; /* number 0: free; rn 0: not ported */
    uint32_t until_s;    /* loop time; later it is stale */
};

struct section;

/* A question on its way to the name servers. */
struct asked {
    struct asked *next;
    struct section *sec;
    lnp_fn fn; /* NULL: it has its (stale) answer */
    void *arg;
    struct timer stale; /* set if there is one to give */
    char number[KEY_DIGITS + 1];
};

struct section {
    struct section *next;
    struct lnp *l;
    enum conf_lnp_kind kind;
    char *name, *what; /* owned; what: folder, suffix */
    const char *why;   /* it does not work; NULL: it does. Static */
    struct portdb *db;
    struct dns_ops *dns; /* owned, by resolvers.end */
    struct addr *server; /* owned */
    unsigned n_servers;
    uint32_t cache_ms;
    struct slot *cache; /* owned; NULL: not kept */
    uint64_t cached;
    struct asked *asked;
    unsigned n_asked, fails;
    uint64_t questions, hits, stales, failures;
};

struct lnp {
    struct lnp_param p;
    struct section *first;
};

/* ---- the cache ---------------------------------------------------------------------------------------------------- */

static uint32_t now_s(const struct section *s)
{
    return (uint32_t)(s->l->p.clock->mono_ms / 1000);
}

static struct slot *ways(const struct section *s, uint64_t number)
{
    return &s->cache[(hash_u64(number) & (LNP_CACHE_SLOTS / CACHE_WAYS - 1)) * CACHE_WAYS];
}

static struct slot *cache_find(const struct section *s, uint64_t number)
{
    struct slot *w = s->cache ? ways(s, number) : NULL;

    for (unsigned i = 0; w && i < CACHE_WAYS; i++)
        if (w[i].number == number)
            return &w[i];
    return NULL;
}

static void cache_put(struct section *s, uint64_t number, uint64_t rn, uint32_t ttl_s)
{
    struct slot *at = cache_find(s, number), *w;

    if (!s->cache)
        return;
    w = ways(s, number);
    for (unsigned i = 0; !at && i < CACHE_WAYS; i++)
        if (w[i].number == 0)
            at = &w[i];
    if (!at) { /* the one that is over first goes */
        at = w;
        for (unsigned i = 1; i < CACHE_WAYS; i++)
            if (w[i].until_s < at->until_s)
                at = &w[i];
        s->cached--;
    }
    s->cached += at->number != number;
    if (ttl_s > s->cache_ms / 1000)
        ttl_s = s->cache_ms / 1000;
    *at = (struct slot){number, rn, now_s(s) + ttl_s};
}

static void give_slot(const struct slot *at, lnp_fn fn, void *arg)
{
    struct port_answer a = {at->rn ? PORT_PORTED : PORT_HOME, ""};

    if (at->rn)
        (void)key_text(at->rn, a.rn);
    fn(arg, &a);
}

static bool may_be_stale(const struct section *s, const struct slot *at)
{
    return at && now_s(s) < at->until_s + LNP_STALE_MAX_S;
}

/* ---- ENUM --------------------------------------------------------------------------------------------------------- */

static void asked_free(struct asked *q)
{
    struct asked **at = &q->sec->asked;

    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    q->sec->n_asked--;
    timer_del(&q->stale);
    free(q);
}

static void asked_fail(struct asked *q)
{
    if (!q->fn)
        return;
    q->sec->failures++;
    stat_inc(q->sec->l->p.stats, STAT_lnp_failed);
    q->fn(q->arg, &(struct port_answer){PORT_FAILED, ""});
    q->fn = NULL;
}

/* @return false: there is none to give */
static bool give_stale(struct asked *q)
{
    struct section *s = q->sec;
    struct slot *at;
    uint64_t key;

    if (!q->fn || portability_key(span_of(q->number), &key) < 0)
        return false;
    at = cache_find(s, key);
    if (!may_be_stale(s, at))
        return false;
    s->stales++;
    stat_inc(s->l->p.stats, STAT_lnp_stale);
    give_slot(at, q->fn, q->arg);
    q->fn = NULL;
    return true;
}

static void on_stale(struct timer *t, void *arg)
{
    (void)t;
    (void)give_stale(arg);
}

static void on_records(void *arg, const struct dns_answer *a)
{
    struct asked *q = arg;
    struct section *s = q->sec;
    struct port_answer port = {PORT_FAILED, ""};
    uint64_t number, rn = 0;
    enum enum_said said = ENUM_NOTHING;

    if (a->status == DNS_FAILED) {
        s->fails++;
        if (!give_stale(q))
            asked_fail(q);
        asked_free(q);
        return;
    }
    s->fails = 0;
    said = enum_read(a, span_of(q->number), port.rn, sizeof port.rn);
    if (said == ENUM_NOTHING ||
        (said == ENUM_PORTED && portability_key(span_of(port.rn), &rn) < 0)) {
        log_limited(LOG_WARN, "lnp", "section=%s number=%s error=\"its records cannot be used\"",
                    s->name, q->number);
        asked_fail(q);
        asked_free(q);
        return;
    }
    port.status = said == ENUM_PORTED ? PORT_PORTED : PORT_HOME;
    if (said == ENUM_HOME)
        port.rn[0] = '\0';
    if (portability_key(span_of(q->number), &number) == 0)
        cache_put(s, number, rn, a->ttl_s);
    if (q->fn)
        q->fn(q->arg, &port);
    asked_free(q);
}

static void fail(struct section *s, lnp_fn fn, void *arg)
{
    s->failures++;
    stat_inc(s->l->p.stats, STAT_lnp_failed);
    fn(arg, &(struct port_answer){PORT_FAILED, ""});
}

static void ask_dns(struct section *s, struct span number, bool has_stale, lnp_fn fn, void *arg)
{
    char name[DNS_NAME_MAX];
    struct asked *q = NULL;

    if (s->dns && s->n_asked < LNP_ASKED_MAX && enum_domain(number, s->what, name) == 0)
        q = calloc(1, sizeof *q);
    if (!q) {
        fail(s, fn, arg);
        return;
    }
    q->sec = s;
    q->fn = fn;
    q->arg = arg;
    (void)span_copy(number, q->number, sizeof q->number);
    timer_init(&q->stale, s->l->p.timers, on_stale, q);
    q->next = s->asked;
    s->asked = q;
    s->n_asked++;
    stat_inc(s->l->p.stats, STAT_lnp_dns);
    if (has_stale && s->fails >= FAILS_AWAY)
        (void)give_stale(
            q); /* the question goes out all the same: it finds out when they are back */
    else if (has_stale)
        timer_set(&q->stale, LNP_STALE_AFTER_MS);
    if (s->dns->query(s->dns, name, DNS_NAPTR, on_records, q) == 0)
        return;
    asked_fail(q);
    asked_free(q);
}

static void ask_enum(struct section *s, struct span number, lnp_fn fn, void *arg)
{
    struct slot *at;
    uint64_t key;

    if (portability_key(number, &key) < 0) {
        fail(s, fn, arg);
        return;
    }
    at = cache_find(s, key);
    if (at && at->until_s > now_s(s)) {
        s->hits++;
        stat_inc(s->l->p.stats, STAT_lnp_cached);
        give_slot(at, fn, arg);
        return;
    }
    ask_dns(s, number, may_be_stale(s, at), fn, arg);
}

/* ---- LMDB --------------------------------------------------------------------------------------------------------- */

static void ask_db(struct section *s, struct span number, lnp_fn fn, void *arg)
{
    struct port_answer a = {PORT_FAILED, ""};

    if (s->db)
        portdb_find(s->db, number, &a);
    if (s->db && !s->why && portdb_is_broken(s->db)) {
        s->why = "its file was cut or is broken: reload when it is whole";
        log_ev(LOG_ERROR, "lnp", "section=%s path=%s error=\"%s\"", s->name, s->what, s->why);
    }
    if (a.status == PORT_FAILED) {
        s->failures++;
        stat_inc(s->l->p.stats, STAT_lnp_failed);
    }
    fn(arg, &a);
}

void lnp_ask(struct lnp *l, const char *section, struct span number, lnp_fn fn, void *arg)
{
    struct section *s = l->first;

    while (s && strcmp(s->name, section) != 0)
        s = s->next;
    if (!s) {
        stat_inc(l->p.stats, STAT_lnp_failed);
        fn(arg, &(struct port_answer){PORT_FAILED, ""});
        return;
    }
    s->questions++;
    if (s->kind == CONF_LNP_ENUM)
        ask_enum(s, number, fn, arg);
    else
        ask_db(s, number, fn, arg);
}

/* ---- sections ------------------------------------------------------------------------------------------------------ */

static void section_free(struct section *s)
{
    if (!s)
        return;
    while (s->asked) {
        struct asked *q = s->asked;

        s->dns->cancel(s->dns, q);
        asked_fail(q);
        asked_free(q);
    }
    portdb_free(s->db);
    if (s->dns)
        s->l->p.resolvers.end(s->l->p.resolvers.arg, s->dns);
    free(s->cache);
    free(s->server);
    free(s->name);
    free(s->what);
    free(s);
}

static const char *what_of(const struct conf_lnp *c)
{
    return c->kind == CONF_LNP_ENUM ? c->suffix : c->path;
}

static const struct conf_addr *servers_of(const struct conf *conf, const struct conf_lnp *c,
                                          unsigned *n)
{
    *n = c->server.n ? c->server.n : conf->global.dns.n;
    return c->server.n ? c->server.v : conf->global.dns.v;
}

/* The same source: what is known of it holds. */
static bool is_same(const struct section *s, const struct conf *conf, const struct conf_lnp *c)
{
    unsigned n;
    const struct conf_addr *server = servers_of(conf, c, &n);

    if (strcmp(s->name, c->name) != 0 || s->kind != c->kind || strcmp(s->what, what_of(c)) != 0)
        return false;
    if (c->kind == CONF_LNP_LMDB)
        return s->db && !portdb_is_broken(s->db) && portdb_is_at(s->db, s->what);
    if (s->n_servers != n || s->cache_ms != c->cache_ms || !s->dns)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!addr_eq(&s->server[i], &server[i].addr))
            return false;
    return true;
}

static struct section *take_same(struct section **list, const struct conf *conf,
                                 const struct conf_lnp *c)
{
    for (struct section **at = list; *at; at = &(*at)->next) {
        struct section *s = *at;

        if (!is_same(s, conf, c))
            continue;
        *at = s->next;
        return s;
    }
    return NULL;
}

static int open_enum(struct section *s, const struct conf *conf, const struct conf_lnp *c)
{
    const struct conf_addr *server = servers_of(conf, c, &s->n_servers);
    const struct lnp_resolvers *r = &s->l->p.resolvers;

    s->cache_ms = c->cache_ms;
    s->server = calloc(s->n_servers + 1, sizeof *s->server);
    if (!s->server)
        return -ENOMEM;
    for (unsigned i = 0; i < s->n_servers; i++)
        s->server[i] = server[i].addr;
    if (s->cache_ms)
        s->cache = calloc(LNP_CACHE_SLOTS, sizeof *s->cache); /* without: every number is asked */
    s->dns = r->make ? r->make(r->arg, s->server, s->n_servers) : NULL;
    if (!s->dns)
        s->why = "no resolver";
    return 0;
}

static struct section *section_new(struct lnp *l, const struct conf *conf, const struct conf_lnp *c)
{
    struct section *s = calloc(1, sizeof *s);
    int rc = 0;

    if (!s)
        return NULL;
    s->l = l;
    s->kind = c->kind;
    s->name = strdup(c->name);
    s->what = strdup(what_of(c));
    if (!s->name || !s->what)
        rc = -ENOMEM;
    else if (c->kind == CONF_LNP_ENUM)
        rc = open_enum(s, conf, c);
    else if (portdb_open(s->what, &s->db, &s->why) == 0)
        s->why = NULL;
    if (rc < 0) {
        section_free(s);
        return NULL;
    }
    if (s->why)
        log_ev(LOG_ERROR, "lnp", "section=%s path=%s error=\"%s\"", s->name, s->what, s->why);
    return s;
}

/* An environment under another name, or at another path: LMDB does not bear it open twice, so the old one goes first. */
int lnp_configure(struct lnp *l, const struct conf *conf)
{
    struct section *old = l->first, *keep = NULL, *s;
    int rc = 0;

    for (uint32_t i = 0; i < conf->lnp.n; i++) {
        s = conf->lnp.v[i].kind == CONF_LNP_CSV ? NULL : take_same(&old, conf, &conf->lnp.v[i]);
        if (!s)
            continue;
        s->next = keep;
        keep = s;
    }
    while (old) {
        s = old;
        old = s->next;
        section_free(s);
    }
    l->first = keep;
    for (uint32_t i = 0; i < conf->lnp.n; i++) {
        const struct conf_lnp *c = &conf->lnp.v[i];

        for (s = keep; s && strcmp(s->name, c->name) != 0;)
            s = s->next;
        if (s || c->kind == CONF_LNP_CSV)
            continue;
        s = section_new(l, conf, c);
        if (!s) {
            rc = -ENOMEM;
            continue;
        }
        s->next = l->first;
        l->first = s;
    }
    return rc;
}

struct lnp *lnp_new(const struct lnp_param *p)
{
    struct lnp *l = calloc(1, sizeof *l);

    if (l)
        l->p = *p;
    return l;
}

void lnp_free(struct lnp *l)
{
    while (l && l->first) {
        struct section *s = l->first;

        l->first = s->next;
        section_free(s);
    }
    free(l);
}

void lnp_each(struct lnp *l, void (*fn)(void *arg, const struct lnp_info *i), void *arg)
{
    for (struct section *s = l->first; s; s = s->next) {
        struct lnp_info i = {
            .name = s->name,
            .kind = s->kind == CONF_LNP_ENUM ? "enum" : "lmdb",
            .what = s->what,
            .state = s->why                   ? s->why
                     : s->fails >= FAILS_AWAY ? "name servers do not answer"
                                              : "ok",
            .rows = s->db ? portdb_rows(s->db) : s->cached,
            .asked = s->questions,
            .hits = s->hits,
            .stale = s->stales,
            .failed = s->failures,
            .running = s->n_asked,
        };

        fn(arg, &i);
    }
}
