/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Follows the peers of all trunks: asks for names when their time is over, keeps old answers while DNS is away, publishes target sets.
 * Control thread only. It decides nothing about a call.
 */
#include "call/locate.h"

#include <stdlib.h>
#include <string.h>
#include "core/err.h"
#include "core/log.h"
#include "sip/dns_cache.h"
#include "sip/resolve.h"

/* Shares of one peer's targets at one priority sum up to this times the peer's own weight (65,535 at most): fits 32 bits. */
#define SHARES 32768U

struct binding {
    struct target_contact contact;
    uint64_t expires_ms;
};

/* One `peer` line. */
struct spot {
    struct place *place;
    struct spot *queue_next;
    char *host; /* owned; NULL: an address, or registered */
    struct conf_peer peer;
    struct resolve *run;
    struct timer timer;
    struct resolve_target *v; /* what is known; owned */
    unsigned n;
    unsigned fails, nones; /* in a row */
    uint64_t failures, next_ms;
    enum { SPOT_ASKING, SPOT_OK, SPOT_STALE, SPOT_NONE, SPOT_FAILED } state;
    bool queued;
};

/* One trunk. */
struct place {
    struct locate *l;
    struct trunk_state *ts;
    struct spot *spot;
    unsigned n_spots;
    uint8_t usable[PROTO_N];
    uint32_t round; /* the last locate_begin whose configuration has it */
    struct binding bind[TARGET_BINDINGS_MAX];
    unsigned n_bind;
    struct timer bind_timer;
};

struct locate {
    struct locate_param p;
    struct dns_cache *cache;
    struct place **place; /* by slot */
    uint32_t n;
    struct spot *queue, **queue_end;
    unsigned running;
    bool in_queue; /* inside queue_run */
    const struct conf
        *conf; /* being followed; its trunks from `at` on are to come. NULL: all are followed */
    uint32_t round;
    uint32_t at, drop_at; /* places from there on have not been looked at */
    bool hold, changed;   /* one word to the workers for all that a step publishes */
};

static const char *const state_name[] = {[SPOT_ASKING] = "asking",
                                         [SPOT_OK] = "ok",
                                         [SPOT_STALE] = "stale",
                                         [SPOT_NONE] = "none",
                                         [SPOT_FAILED] = "failed"};

/* ---- what is published ---- */

struct records {
    struct target_record *v;
    unsigned n;
};

/* The domain that was configured: of "_sip._tcp.carrier.example" what is behind service and protocol. */
static const char *domain_of(const struct spot *s)
{
    const char *host = s->host;

    for (unsigned i = 0; i < 2 && host[0] == '_' && strchr(host, '.'); i++)
        host = strchr(host, '.') + 1;
    return host;
}

static void add_resolved(struct records *rs, const struct spot *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        const struct resolve_target *t = &s->v[i];
        uint64_t sum = 0, share;

        for (unsigned k = 0; k < s->n; k++)
            sum += s->v[k].priority == t->priority ? s->v[k].weight : 0;
        share = (uint64_t)SHARES * t->weight / sum;
        rs->v[rs->n++] = (struct target_record){
            .addr = t->addr,
            .proto = t->proto,
            .listener = UINT16_MAX,
            .priority = (uint64_t)s->peer.priority << 32 | t->priority,
            .weight = (uint32_t)(share ? share : 1) * s->peer.weight,
            .host = domain_of(s),
            .uri_port = s->peer.lookup == CONF_LOOKUP_HOST ? s->peer.addr.port : 0,
        };
    }
}

static void add_address(struct records *rs, const struct conf_peer *p)
{
    rs->v[rs->n++] = (struct target_record){
        .addr = p->addr,
        .proto = p->transport,
        .listener = UINT16_MAX,
        .priority = (uint64_t)p->priority << 32,
        .weight = p->weight * SHARES,
    };
}

static void add_registered(struct records *rs, const struct place *pl, const struct conf_peer *p)
{
    for (unsigned i = 0; i < pl->n_bind; i++) {
        const struct target_contact *c = &pl->bind[i].contact;

        rs->v[rs->n++] = (struct target_record){
            .addr = c->addr,
            .proto = c->proto,
            .listener = c->listener,
            .conn = c->conn,
            .priority = (uint64_t)p->priority << 32 | (1000U - (c->q < 1000 ? c->q : 1000)),
            .weight = p->weight * SHARES,
        };
    }
}

static void tell(struct locate *l)
{
    if (l->changed && l->p.on_change)
        l->p.on_change(l->p.arg);
    l->changed = false;
}

static void publish(struct place *pl)
{
    struct locate *l = pl->l;
    size_t room = 1;
    struct records rs = {0};
    int rc;

    for (unsigned i = 0; i < pl->n_spots; i++)
        room += pl->spot[i].n + 1 + pl->n_bind;
    rs.v = calloc(room, sizeof *rs.v);
    for (unsigned i = 0; rs.v && i < pl->n_spots; i++) {
        const struct spot *s = &pl->spot[i];

        if (s->host)
            add_resolved(&rs, s);
        else if (s->peer.lookup == CONF_LOOKUP_REGISTERED)
            add_registered(&rs, pl, &s->peer);
        else
            add_address(&rs, &s->peer);
    }
    rc = rs.v ? targets_publish(l->p.reg, pl->ts, rs.v, rs.n) : -ENOMEM;
    free(rs.v);
    if (rc < 0) {
        log_limited(LOG_ERROR, "locate", "trunk=%s error=\"out of memory, old targets stay\"",
                    pl->ts->name);
        return;
    }
    if (rc == 0)
        return;
    stat_inc(l->p.stats, STAT_locate_published);
    l->changed = true;
    if (!l->hold)
        tell(l);
}

/* ---- lookups ---- */

static void queue_run(struct locate *l);

static void spot_next(struct spot *s, uint64_t ms)
{
    s->next_ms = s->place->l->p.clock->mono_ms + ms;
    timer_set(&s->timer, ms);
}

static uint64_t retry_ms(unsigned fails)
{
    uint64_t ms = LOCATE_RETRY_MIN_MS << (fails > 4 ? 4 : fails ? fails - 1 : 0);

    return ms > LOCATE_RETRY_MAX_MS ? LOCATE_RETRY_MAX_MS : ms;
}

/* The targets of this peer are these from now on. */
static void spot_take(struct spot *s, const struct resolve_result *r)
{
    struct resolve_target *v = malloc((r->n + 1) * sizeof *v);

    if (!v)
        return; /* what is known stays */
    memcpy(v, r->v, r->n * sizeof *v);
    free(s->v);
    s->v = v;
    s->n = r->n;
}

static void spot_judge(struct spot *s, const struct resolve_result *r)
{
    switch (r->status) {
    case RESOLVE_OK:
        spot_take(s, r);
        s->nones = 0;
        s->fails = r->stale ? s->fails + 1 : 0;
        s->state = r->stale ? SPOT_STALE : SPOT_OK;
        break;
    case RESOLVE_NONE:
        s->fails = 0;
        s->state = SPOT_STALE;
        if (++s->nones < LOCATE_NONE_BELIEVED && s->n)
            break;
        spot_take(s, r);
        s->state = SPOT_NONE;
        break;
    case RESOLVE_FAILED:
        s->fails++;
        s->state = s->n ? SPOT_STALE : SPOT_FAILED;
        break;
    }
}

static void spot_done(void *arg, const struct resolve_result *r)
{
    struct spot *s = arg;
    struct locate *l = s->place->l;
    unsigned before = (unsigned)s->state;

    l->running--;
    spot_judge(s, r);
    stat_add(l->p.stats, STAT_locate_left_out, r->left_out);
    if (s->fails) {
        s->failures++;
        stat_inc(l->p.stats, STAT_locate_failed);
    }
    if ((unsigned)s->state != before)
        log_limited(s->state == SPOT_OK ? LOG_INFO : LOG_WARN, "locate",
                    "trunk=%s name=%s state=%s targets=%u", s->place->ts->name, s->host,
                    state_name[s->state], s->n);
    spot_next(s, s->fails                   ? retry_ms(s->fails)
                 : s->state == SPOT_STALE   ? LOCATE_RETRY_MIN_MS
                 : r->ttl_s < DNS_TTL_MIN_S ? DNS_TTL_MIN_S * 1000U
                 : r->ttl_s > DNS_TTL_MAX_S ? DNS_TTL_MAX_S * 1000U
                                            : r->ttl_s * 1000U);
    publish(s->place);
    queue_run(l);
}

static void spot_ask(struct spot *s)
{
    struct locate *l = s->place->l;
    struct resolve_param p = {.dns = dns_cache_ops(l->cache),
                              .name = s->host,
                              .lookup = s->peer.lookup,
                              .proto = s->peer.transport,
                              .port = s->peer.addr.port,
                              .done = spot_done,
                              .arg = s};

    memcpy(p.usable, s->place->usable, sizeof p.usable);
    l->running++;
    stat_inc(l->p.stats, STAT_locate_lookups);
    if (resolve_start(&p, &s->run) < 0) {
        l->running--;
        s->state = s->n ? SPOT_STALE : SPOT_FAILED;
        spot_next(s, LOCATE_RETRY_MAX_MS);
    }
}

static void queue_run(struct locate *l)
{
    if (l->in_queue)
        return; /* a lookup that ended at once, from the cache: the loop below goes on */
    l->in_queue = true;
    while (l->queue && l->running < LOCATE_RUNNING_MAX) {
        struct spot *s = l->queue;

        l->queue = s->queue_next;
        if (!l->queue)
            l->queue_end = &l->queue;
        s->queued = false;
        spot_ask(s);
    }
    l->in_queue = false;
}

static void spot_queue(struct spot *s)
{
    struct locate *l = s->place->l;

    if (s->queued || s->run)
        return;
    s->queued = true;
    s->queue_next = NULL;
    *l->queue_end = s;
    l->queue_end = &s->queue_next;
}

static void spot_on_timer(struct timer *t, void *arg)
{
    struct spot *s = arg;
    struct locate *l = s->place->l;

    (void)t;
    spot_queue(s);
    queue_run(l);
}

static void spot_stop(struct spot *s)
{
    struct locate *l = s->place->l;

    for (struct spot **at = &l->queue; s->queued && *at; at = &(*at)->queue_next)
        if (*at == s) {
            *at = s->queue_next;
            if (!*at)
                l->queue_end = at;
            break;
        }
    s->queued = false;
    if (s->run) {
        resolve_cancel(s->run);
        l->running--;
    }
    if (s->timer.fn)
        timer_del(&s->timer);
    free(s->host);
    free(s->v);
    *s = (struct spot){0};
}

/* ---- contacts that a PBX has registered ---- */

static void bind_timer(struct place *pl)
{
    uint64_t now = pl->l->p.clock->mono_ms, first = UINT64_MAX;

    for (unsigned i = 0; i < pl->n_bind; i++)
        if (pl->bind[i].expires_ms < first)
            first = pl->bind[i].expires_ms;
    if (first == UINT64_MAX)
        timer_del(&pl->bind_timer);
    else
        timer_set(&pl->bind_timer, first > now ? first - now : 1);
}

static void bind_del(struct place *pl, unsigned i)
{
    pl->n_bind--;
    memmove(&pl->bind[i], &pl->bind[i + 1], (pl->n_bind - i) * sizeof pl->bind[0]);
}

static void bind_on_timer(struct timer *t, void *arg)
{
    struct place *pl = arg;

    (void)t;
    for (unsigned i = pl->n_bind; i-- > 0;)
        if (pl->bind[i].expires_ms <= pl->l->p.clock->mono_ms)
            bind_del(pl, i);
    bind_timer(pl);
    publish(pl);
}

static void bind_take(struct place *pl, const struct target_post *p)
{
    unsigned i = 0;

    if (p->all)
        pl->n_bind = 0;
    while (i < pl->n_bind && !(pl->bind[i].contact.proto == p->contact.proto &&
                               addr_eq(&pl->bind[i].contact.addr, &p->contact.addr)))
        i++;
    if (i < pl->n_bind)
        bind_del(pl, i);
    if (!p->all && p->expires_ms) {
        if (pl->n_bind == TARGET_BINDINGS_MAX)
            bind_del(pl, 0); /* the one refreshed longest ago */
        pl->bind[pl->n_bind++] =
            (struct binding){p->contact, pl->l->p.clock->mono_ms + p->expires_ms};
    }
    bind_timer(pl);
    publish(pl);
}

void locate_turn(struct locate *l)
{
    struct target_post *p = targets_take_posts(l->p.reg), *next;

    for (; p; p = next) {
        next = p->next;
        if (p->slot < l->n && l->place[p->slot] && l->place[p->slot]->spot)
            bind_take(l->place[p->slot], p);
        free(p);
    }
    (void)targets_collect(l->p.reg);
}

/* ---- configuration ---- */

static void place_usable(struct place *pl, const struct conf *conf, const struct conf_trunk *t)
{
    struct conf_socket k;

    memset(pl->usable, 0, sizeof pl->usable);
    for (unsigned s = 0; conf_listener(conf, s, &k) == 0; s++)
        for (uint32_t i = 0; i < t->listen.n; i++)
            if (t->listen.v[i].id == k.listen)
                pl->usable[k.proto] |= k.addr.family == 6 ? 2 : 1;
}

static struct spot *spot_like(struct place *pl, const struct conf_peer *p)
{
    for (unsigned i = 0; i < pl->n_spots; i++) {
        struct spot *s = &pl->spot[i];

        if (s->host && p->host && strcmp(s->host, p->host) == 0 && s->peer.lookup == p->lookup &&
            s->peer.transport == p->transport && s->peer.addr.port == p->addr.port)
            return s;
    }
    return NULL;
}

/* What is known of the name goes over, with when it is to be asked again. */
static int spot_begin(struct spot *s, struct place *pl, const struct conf_peer *p, struct spot *old)
{
    struct locate *l = pl->l;

    *s = (struct spot){.place = pl, .peer = *p};
    s->peer.host = NULL; /* of the configuration, which may go before us */
    if (!p->host)
        return 0;
    s->host = strdup(p->host);
    if (!s->host)
        return -ENOMEM;
    timer_init(&s->timer, l->p.timers, spot_on_timer, s);
    if (old) {
        s->v = old->v;
        s->n = old->n;
        s->state = old->state;
        s->fails = old->fails;
        s->nones = old->nones;
        s->failures = old->failures;
        old->v = NULL;
        old->n = 0;
    }
    if (old && old->next_ms > l->p.clock->mono_ms)
        spot_next(s, old->next_ms - l->p.clock->mono_ms);
    else
        spot_queue(s);
    return 0;
}

static int place_configure(struct place *pl, const struct conf *conf, const struct conf_trunk *t)
{
    struct spot *spot = calloc(t->peer.n + 1, sizeof *spot);
    int rc = 0;

    if (!spot)
        return -ENOMEM;
    place_usable(pl, conf, t);
    for (uint32_t i = 0; i < t->peer.n; i++)
        if (spot_begin(&spot[i], pl, &t->peer.v[i], spot_like(pl, &t->peer.v[i])) < 0)
            rc = -ENOMEM;
    for (unsigned i = 0; i < pl->n_spots; i++)
        spot_stop(&pl->spot[i]);
    free(pl->spot);
    pl->spot = spot;
    pl->n_spots = t->peer.n;
    pl->round = pl->l->round;
    publish(pl);
    return rc;
}

static void place_drop(struct place *pl)
{
    for (unsigned i = 0; i < pl->n_spots; i++)
        spot_stop(&pl->spot[i]);
    free(pl->spot);
    pl->spot = NULL;
    pl->n_spots = pl->n_bind = 0;
    timer_del(&pl->bind_timer);
}

static struct place *place_of(struct locate *l, struct trunk_state *ts)
{
    struct place *pl;

    if (ts->slot >= l->n) {
        uint32_t n = ts->slot + 1 > l->n * 2 ? ts->slot + 1 : l->n * 2;
        struct place **more = realloc(l->place, n * sizeof(struct place *));

        if (!more)
            return NULL;
        memset(&more[l->n], 0, (n - l->n) * sizeof(struct place *));
        l->place = more;
        l->n = n;
    }
    pl = l->place[ts->slot];
    if (pl)
        return pl;
    pl = calloc(1, sizeof *pl);
    if (!pl)
        return NULL;
    pl->l = l;
    pl->ts = ts;
    timer_init(&pl->bind_timer, l->p.timers, bind_on_timer, pl);
    return l->place[ts->slot] = pl;
}

void locate_begin(struct locate *l, const struct conf *conf)
{
    l->round++;
    l->conf = conf;
    l->at = 0;
    l->drop_at = UINT32_MAX;
}

bool locate_step(struct locate *l, uint32_t trunks)
{
    const struct conf *conf = l->conf;

    if (!conf)
        return false;
    l->hold = true;
    for (; l->at < conf->trunk.n && trunks > 0; l->at++, trunks--) {
        struct trunk_state *ts = trunk_registry_get(l->p.reg, conf->trunk.v[l->at].name);
        struct place *pl = ts ? place_of(l, ts) : NULL;

        if (!pl || place_configure(pl, conf, &conf->trunk.v[l->at]) < 0)
            log_limited(LOG_ERROR, "locate", "trunk=%s error=\"no targets: out of memory\"",
                        conf->trunk.v[l->at].name);
    }
    l->hold = false;
    tell(l);
    queue_run(l);
    if (l->at < conf->trunk.n)
        return true;
    l->conf = NULL;
    l->drop_at = 0;
    return false;
}

bool locate_drop(struct locate *l, uint32_t trunks)
{
    l->hold = true;
    for (; l->drop_at < l->n && trunks > 0; l->drop_at++, trunks--) {
        struct place *pl = l->place[l->drop_at];

        if (pl && pl->round != l->round && pl->spot) {
            place_drop(pl);
            publish(pl);
        }
    }
    l->hold = false;
    tell(l);
    return l->drop_at < l->n;
}

void locate_configure(struct locate *l, const struct conf *conf)
{
    locate_begin(l, conf);
    while (locate_step(l, UINT32_MAX))
        ;
    while (locate_drop(l, UINT32_MAX))
        ;
}

unsigned locate_refresh(struct locate *l)
{
    unsigned n = 0;

    dns_cache_expire(l->cache);
    for (uint32_t i = 0; i < l->n; i++)
        for (unsigned k = 0; l->place[i] && k < l->place[i]->n_spots; k++)
            if (l->place[i]->spot[k].host) {
                timer_del(&l->place[i]->spot[k].timer);
                spot_queue(&l->place[i]->spot[k]);
                n++;
            }
    queue_run(l);
    return n;
}

void locate_each_name(const struct locate *l, uint32_t slot,
                      void (*fn)(void *arg, const struct locate_name *n), void *arg)
{
    const struct place *pl = slot < l->n ? l->place[slot] : NULL;

    for (unsigned i = 0; pl && i < pl->n_spots; i++) {
        const struct spot *s = &pl->spot[i];
        uint64_t now = l->p.clock->mono_ms;
        struct locate_name n = {.name = s->host,
                                .lookup = s->peer.lookup,
                                .state = state_name[s->state],
                                .next_s =
                                    s->next_ms > now ? (uint32_t)((s->next_ms - now) / 1000) : 0,
                                .targets = s->n,
                                .failures = s->failures};
        if (s->host)
            fn(arg, &n);
    }
}

/* ---- life ---- */

/* Without a resolver every question fails. */
static int no_query(struct dns_ops *d, const char *name, enum dns_type type, dns_fn fn, void *arg)
{
    (void)d;
    (void)name;
    (void)type;
    (void)fn;
    (void)arg;
    return -ENOSYS;
}

static void no_cancel(struct dns_ops *d, void *arg)
{
    (void)d;
    (void)arg;
}

static struct dns_ops no_dns = {no_query, no_cancel};

struct locate *locate_new(const struct locate_param *p)
{
    struct locate *l = calloc(1, sizeof *l);

    if (!l)
        return NULL;
    l->p = *p;
    l->queue_end = &l->queue;
    l->cache = dns_cache_new(p->dns ? p->dns : &no_dns, p->clock, p->stats);
    if (!l->cache) {
        free(l);
        return NULL;
    }
    return l;
}

void locate_free(struct locate *l)
{
    if (!l)
        return;
    for (uint32_t i = 0; i < l->n; i++)
        if (l->place[i]) {
            place_drop(l->place[i]);
            free(l->place[i]);
        }
    dns_cache_free(l->cache);
    free(l->place);
    free(l);
}
