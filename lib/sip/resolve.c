/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 3263 §4: NAPTR, then SRV, then A and AAAA, each asked only where it is needed; all questions of a step at once.
 * Called by lib/call/locate.c on the control thread. It knows no trunk, no socket and no time.
 */
#include "sip/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An SRV name that is asked for. */
struct srv {
    struct resolve *r;
    char name[DNS_NAME_MAX];
    uint8_t proto;
    uint16_t rank; /* place of its NAPTR */
    bool none;     /* DNS says that there is none */
};

/* A place at a host, wanted by an SRV record or by the name itself. */
struct want {
    uint16_t host; /* index */
    uint16_t port;
    uint8_t proto;
    uint32_t priority;
    uint32_t weight;
};

struct host {
    struct resolve *r;
    char name[DNS_NAME_MAX];
    uint16_t n;
    struct addr *addr; /* owned */
};

/* The two questions of a host have two arguments, so that the answers are told apart. */
struct question {
    struct host *host;
    enum dns_type type;
};

struct resolve {
    struct resolve_param p;
    struct resolve **slot;
    char name[DNS_NAME_MAX];
    unsigned pending; /* questions, and one while questions are being asked */
    unsigned n_srv, n_want, n_host;
    bool failed;   /* a question has no answer */
    bool fallback; /* A and AAAA of the name itself are asked for */
    bool hosts_asked;
    bool none; /* "." as target: decidedly not available (RFC 2782) */
    struct resolve_result result;
    struct srv srv[RESOLVE_SRVS_MAX];
    struct want want[RESOLVE_TARGETS_MAX];
    struct host host[RESOLVE_HOSTS_MAX];
    struct question question[RESOLVE_HOSTS_MAX][2];
};

static void step_done(struct resolve *r);

static void resolve_free(struct resolve *r)
{
    for (unsigned i = 0; i < r->n_host; i++)
        free(r->host[i].addr);
    free(r);
}

void resolve_cancel(struct resolve *r)
{
    if (!r)
        return;
    r->p.dns->cancel(r->p.dns, r);
    for (unsigned i = 0; i < r->n_srv; i++)
        r->p.dns->cancel(r->p.dns, &r->srv[i]);
    for (unsigned i = 0; i < r->n_host; i++) {
        r->p.dns->cancel(r->p.dns, &r->question[i][0]);
        r->p.dns->cancel(r->p.dns, &r->question[i][1]);
    }
    *r->slot = NULL;
    resolve_free(r);
}

/* What every answer adds to the result. */
static void note(struct resolve *r, const struct dns_answer *a)
{
    if (a->status == DNS_FAILED) {
        r->failed = true;
        return;
    }
    if (a->ttl_s < r->result.ttl_s)
        r->result.ttl_s = a->ttl_s;
    r->result.stale = r->result.stale || a->stale;
    r->result.left_out += a->skipped;
}

static void ask(struct resolve *r, const char *name, enum dns_type type, dns_fn fn, void *arg)
{
    r->pending++;
    if (r->p.dns->query(r->p.dns, name, type, fn, arg) < 0) {
        r->failed = true;
        r->pending--;
    }
}

static void answered(struct resolve *r)
{
    if (--r->pending == 0)
        step_done(r);
}

/* ---- A and AAAA ---- */

static void on_address(void *arg, const struct dns_answer *a)
{
    struct question *q = arg;
    struct host *h = q->host;
    struct resolve *r = h->r;
    struct addr *more;

    note(r, a);
    more = a->n ? realloc(h->addr, (h->n + a->n) * sizeof *more) : NULL;
    if (more) {
        h->addr = more;
        for (unsigned i = 0; i < a->n; i++)
            h->addr[h->n++] = a->rr[i].addr;
    }
    answered(r);
}

static unsigned families(const struct resolve *r)
{
    unsigned f = 0;

    for (unsigned p = 0; p < PROTO_N; p++)
        f |= r->p.usable[p];
    return f;
}

static int host_of(struct resolve *r, const char *name)
{
    for (unsigned i = 0; i < r->n_host; i++)
        if (strcasecmp(r->host[i].name, name) == 0)
            return (int)i;
    if (r->n_host == RESOLVE_HOSTS_MAX || !dns_name_is_sane(name))
        return -EINVAL;
    struct host *h = &r->host[r->n_host];

    h->r = r;
    snprintf(h->name, sizeof h->name, "%s", name);
    return (int)r->n_host++;
}

static void want_add(struct resolve *r, const char *name, const struct want *w)
{
    int host;

    if (r->n_want == RESOLVE_TARGETS_MAX || w->port == 0 || (host = host_of(r, name)) < 0) {
        r->result.left_out++;
        return;
    }
    r->want[r->n_want] = *w;
    r->want[r->n_want++].host = (uint16_t)host;
}

static void ask_hosts(struct resolve *r)
{
    static const enum dns_type type[2] = {DNS_A, DNS_AAAA};
    unsigned f = families(r);

    for (unsigned i = 0; i < r->n_host; i++)
        for (unsigned k = 0; k < 2; k++) {
            r->question[i][k] = (struct question){&r->host[i], type[k]};
            if (f >> k & 1)
                ask(r, r->host[i].name, type[k], on_address, &r->question[i][k]);
        }
}

/* ---- SRV ---- */

static void on_srv(void *arg, const struct dns_answer *a)
{
    struct srv *s = arg;
    struct resolve *r = s->r;

    note(r, a);
    s->none = a->status == DNS_NONE;
    for (unsigned i = 0; i < a->n; i++) {
        const struct dns_rr *rr = &a->rr[i];
        /* Weight 0: a very small chance beside others, an equal one among themselves (RFC 2782). */
        struct want w = {.port = rr->port,
                         .proto = s->proto,
                         .priority = (uint32_t)s->rank << 16 | rr->priority,
                         .weight = rr->weight ? rr->weight * 256U : 1U};

        if (rr->name[0] == '\0') { /* "." */
            r->none = true;
            continue;
        }
        want_add(r, rr->name, &w);
    }
    answered(r);
}

static void srv_add(struct resolve *r, const char *name, unsigned proto)
{
    struct srv *s;

    if (r->n_srv == RESOLVE_SRVS_MAX || !dns_name_is_sane(name)) {
        r->result.left_out++;
        return;
    }
    s = &r->srv[r->n_srv];
    *s = (struct srv){.r = r, .proto = (uint8_t)proto, .rank = (uint16_t)r->n_srv};
    snprintf(s->name, sizeof s->name, "%s", name);
    r->n_srv++;
}

static void srv_add_of(struct resolve *r, unsigned proto)
{
    static const char *const prefix[PROTO_N] = {"_sip._udp", "_sip._tcp", "_sips._tcp"};
    char name[DNS_NAME_MAX + 16];

    snprintf(name, sizeof name, "%s.%s", prefix[proto], r->name);
    srv_add(r, name, proto);
}

static void ask_srvs(struct resolve *r)
{
    for (unsigned i = 0; i < r->n_srv; i++)
        ask(r, r->srv[i].name, DNS_SRV, on_srv, &r->srv[i]);
}

/* ---- NAPTR ---- */

/* Of a service that we speak. @return transport, or -1 */
static int naptr_proto(const struct resolve *r, const struct dns_rr *rr)
{
    static const char *const service[PROTO_N] = {"SIP+D2U", "SIP+D2T", "SIPS+D2T"};

    if (strcasecmp(rr->flags, "s") != 0 || rr->has_regexp || rr->name[0] == '\0')
        return -1;
    for (unsigned p = 0; p < PROTO_N; p++)
        if (strcasecmp(rr->services, service[p]) == 0 && r->p.usable[p])
            return (int)p;
    return -1;
}

static int naptr_before(const void *a, const void *b)
{
    const struct dns_rr *x = a, *y = b;

    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->preference < y->preference ? -1 : x->preference > y->preference;
}

/*
 * Of the lowest order that has something for us, all by preference (RFC 3403 §4.1): what is preferred is used, the rest comes behind it
 * when that fails. Without NAPTR each transport that we have a socket for is asked for (RFC 3263 §4.1).
 */
static void on_naptr(void *arg, const struct dns_answer *a)
{
    struct resolve *r = arg;
    struct dns_answer *sorted;
    bool found = false;
    unsigned order = 0;

    note(r, a);
    sorted = a->n ? malloc(sizeof *sorted) : NULL;
    if (sorted) {
        *sorted = *a;
        qsort(sorted->rr, sorted->n, sizeof sorted->rr[0], naptr_before);
    }
    for (unsigned i = 0; sorted && i < sorted->n; i++) {
        const struct dns_rr *rr = &sorted->rr[i];
        int proto = naptr_proto(r, rr);

        if (proto < 0 || (found && rr->order != order)) {
            r->result.left_out++;
            continue;
        }
        found = true;
        order = rr->order;
        srv_add(r, rr->name, (unsigned)proto);
    }
    free(sorted);
    for (unsigned p = 0; a->status == DNS_NONE && p < PROTO_N; p++)
        if (r->p.usable[p])
            srv_add_of(r, p);
    ask_srvs(r);
    answered(r);
}

/* ---- the steps ---- */

static void ask_name(struct resolve *r, unsigned proto, uint16_t port)
{
    struct want w = {.port = port, .proto = (uint8_t)proto, .weight = 256};

    r->fallback = true;
    want_add(r, r->name, &w);
}

/* No SRV at all: the name itself, with the transport's port (RFC 3263 §4.2). */
static void maybe_fall_back(struct resolve *r)
{
    unsigned proto = r->p.proto;

    if (r->fallback || r->n_want || r->failed || r->none || r->p.lookup == CONF_LOOKUP_SRV_NAME ||
        r->p.lookup == CONF_LOOKUP_HOST)
        return;
    for (unsigned i = 0; i < r->n_srv; i++)
        if (!r->srv[i].none)
            return; /* there are records, but none that can be used */
    if (r->p.lookup == CONF_LOOKUP_NAPTR) {
        for (proto = 0; proto < PROTO_N && !r->p.usable[proto]; proto++)
            continue;
        if (proto == PROTO_N)
            return;
    }
    ask_name(r, proto, proto == PROTO_TLS ? 5061 : 5060);
}

static void add_target(struct resolve *r, const struct want *w, const struct addr *a,
                       uint32_t share)
{
    struct resolve_result *res = &r->result;
    struct resolve_target *t = &res->v[res->n];

    if (!(r->p.usable[w->proto] >> (a->family == 6) & 1) || res->n == RESOLVE_TARGETS_MAX) {
        res->left_out++;
        return;
    }
    *t = (struct resolve_target){*a, w->proto, w->priority,
                                 w->weight / share ? w->weight / share : 1};
    t->addr.port = w->port;
    res->n++;
}

/* Servers turn their answers round at each question: the same targets must give the same result. */
static int target_before(const void *a, const void *b)
{
    const struct resolve_target *x = a, *y = b;

    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    if (x->proto != y->proto)
        return x->proto < y->proto ? -1 : 1;
    return memcmp(&x->addr, &y->addr, sizeof x->addr);
}

static void finish(struct resolve *r)
{
    struct resolve_result *res = &r->result;

    for (unsigned i = 0; i < r->n_want; i++) {
        const struct host *h = &r->host[r->want[i].host];

        for (unsigned k = 0; k < h->n; k++)
            add_target(r, &r->want[i], &h->addr[k], h->n);
    }
    qsort(res->v, res->n, sizeof res->v[0], target_before);
    /* Where some hosts answer and others do not, those that do are used and the rest asked for soon. */
    res->stale = res->stale || r->failed;
    res->status = res->n ? RESOLVE_OK : r->failed ? RESOLVE_FAILED : RESOLVE_NONE;
    *r->slot = NULL;
    r->p.done(r->p.arg, res);
    resolve_free(r);
}

/* All questions so far are answered. Hosts are asked for once, when it is known which. */
static void step_done(struct resolve *r)
{
    if (!r->hosts_asked) {
        r->hosts_asked = true;
        maybe_fall_back(r);
        if (r->n_host) {
            r->pending = 1;
            ask_hosts(r);
            answered(r);
            return;
        }
    }
    finish(r);
}

int resolve_start(const struct resolve_param *p, struct resolve **slot)
{
    struct resolve *r;

    if (!dns_name_is_sane(p->name))
        return -EINVAL;
    r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->p = *p;
    r->slot = slot;
    r->result.ttl_s = INT32_MAX;
    snprintf(r->name, sizeof r->name, "%s", p->name);
    *slot = r;
    r->pending = 1;
    switch (p->lookup) {
    case CONF_LOOKUP_HOST: ask_name(r, p->proto, p->port); break;
    case CONF_LOOKUP_SRV: srv_add_of(r, p->proto); break;
    case CONF_LOOKUP_SRV_NAME: srv_add(r, p->name, p->proto); break;
    case CONF_LOOKUP_NAPTR: ask(r, r->name, DNS_NAPTR, on_naptr, r); break;
    case CONF_LOOKUP_NONE:
    case CONF_LOOKUP_REGISTERED:
        *slot = NULL;
        free(r);
        return -EINVAL;
    }
    if (p->lookup != CONF_LOOKUP_NAPTR)
        ask_srvs(r);
    answered(r);
    return 0;
}
