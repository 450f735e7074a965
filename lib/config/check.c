/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Third pass of a load: addresses, ports and limits that are well formed and yet cannot work together.
 * load.c calls it after linking; trunks and routes are in check_trunk.c.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/parse.h"
#include "core/err.h"

/* ---- addresses ---- */

static bool realm_has(const struct conf_realm *r, const struct addr *a)
{
    uint32_t i;

    for (i = 0; i < r->address.n; i++) {
        if (addr_ip_eq(&r->address.v[i].addr, a))
            return true;
    }
    return false;
}

/* 0.0.0.0, ::, 224/4, 255.255.255.255, ff00::/8: nothing that Via or SDP could name. */
static bool is_own_address(const struct addr *a)
{
    static const uint8_t zero[16];

    if (a->family == 4)
        return memcmp(a->ip, zero, 4) != 0 && a->ip[0] < 224;
    return memcmp(a->ip, zero, 16) != 0 && a->ip[0] != 0xff;
}

static void error_at_addr(struct parser *p, const struct conf_addr *a, const char *what,
                          const char *name)
{
    char buf[ADDR_STRLEN];

    parse_error(p, a->loc, 0, "%s %s '%s'", addr_ip_str(&a->addr, buf), what, name);
}

static void check_realm(struct parser *p, const struct conf_realm *r)
{
    uint32_t i, j;

    for (i = 0; i < r->address.n; i++) {
        const struct conf_addr *a = &r->address.v[i];

        if (!is_own_address(&a->addr))
            error_at_addr(p, a, "cannot be an address of realm", r->name);
        for (j = 0; j < i && !addr_ip_eq(&r->address.v[j].addr, &a->addr); j++)
            ;
        if (j < i)
            error_at_addr(p, a, "is written twice in realm", r->name);
    }
}

/* Two realms may have the same private addresses only behind devices of their own. */
static void check_realm_pair(struct parser *p, const struct conf_realm *a,
                             const struct conf_realm *b)
{
    uint32_t i;

    if (a->device && b->device && strcmp(a->device, b->device) != 0)
        return;
    for (i = 0; i < b->address.n; i++) {
        if (realm_has(a, &b->address.v[i].addr))
            error_at_addr(p, &b->address.v[i], "belongs already to realm", a->name);
    }
}

static void check_in_realm(struct parser *p, const struct conf_realm *r, const struct conf_addr *a)
{
    if (!realm_has(r, &a->addr))
        error_at_addr(p, a, "is not an address of realm", r->name);
}

static void check_realms(struct parser *p)
{
    struct conf *c = p->conf;
    uint32_t i, j;

    for (i = 0; i < c->realm.n; i++) {
        check_realm(p, &c->realm.v[i]);
        /* A few hundred VRFs are tens of thousands of pairs; beyond, bind(2) is the judge. */
        for (j = 0; j < i && i < 512; j++)
            check_realm_pair(p, &c->realm.v[j], &c->realm.v[i]);
    }
}

/* ---- listen ---- */

struct bound {
    const struct conf_addr *addr;
    const struct conf_listen *listen;
    bool stream; /* tcp and tls share their ports */
};

/* A CONF_LIST, with a name to hand it on. */
struct bounds {
    struct bound *v;
    uint32_t n;
};

static int by_bound(const void *va, const void *vb)
{
    const struct bound *a = va, *b = vb;
    int d = memcmp(&a->addr->addr, &b->addr->addr, sizeof(struct addr));

    if (d == 0)
        d = a->stream - b->stream;
    if (d == 0)
        d = a->listen->realm.id < b->listen->realm.id ? -1
                                                      : a->listen->realm.id > b->listen->realm.id;
    if (d == 0)
        d = a->addr->loc.file < b->addr->loc.file ? -1 : a->addr->loc.file > b->addr->loc.file;
    if (d == 0)
        d = a->addr->loc.line < b->addr->loc.line ? -1 : a->addr->loc.line > b->addr->loc.line;
    return d ? d : a->addr->loc.col - b->addr->loc.col;
}

static bool in_range(const struct conf_media *m, uint16_t port)
{
    return (port >= m->port_lo && port <= m->port_hi) ||
           (m->priority_lo && port >= m->priority_lo && port <= m->priority_hi);
}

static bool media_has(const struct conf_media *m, const struct addr *a)
{
    uint32_t i;

    for (i = 0; i < m->address.n; i++) {
        if (addr_ip_eq(&m->address.v[i].addr, a))
            return true;
    }
    return false;
}

static void check_against_media(struct parser *p, const struct bound *b)
{
    const struct conf *c = p->conf;
    uint32_t i;

    for (i = 0; i < c->media.n; i++) {
        const struct conf_media *m = &c->media.v[i];

        if (m->realm.id == b->listen->realm.id && in_range(m, b->addr->addr.port) &&
            media_has(m, &b->addr->addr))
            parse_error(p, b->addr->loc, 0, "port %u is one of media '%s'", b->addr->addr.port,
                        m->name);
    }
}

/* A file that the daemon will read: said now rather than at the first call. */
static void check_file(struct parser *p, const struct conf_tls *tls, const char *path)
{
    int fd;

    if (!path || p->from_memory)
        return;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        parse_error(p, tls->loc, 0, "%s: %s", path, strerror(errno));
    else
        close(fd);
}

static void check_tls(struct parser *p, const struct conf_tls *tls)
{
    check_file(p, tls, tls->cert);
    if (tls->key != tls->cert)
        check_file(p, tls, tls->key);
    check_file(p, tls, tls->ca);
}

static void bind_one(struct parser *p, struct bounds *all, const struct conf_addr *a,
                     const struct conf_listen *l, bool stream)
{
    struct bound *b = parse_append(p, &p->scratch, all, sizeof(*b));

    *b = (struct bound){.addr = a, .listen = l, .stream = stream};
    check_in_realm(p, &p->conf->realm.v[l->realm.id], a);
    if (!stream)
        check_against_media(p, b); /* RTP is UDP */
    if (all->n == CONF_LISTENERS_MAX + 1)
        parse_error(p, a->loc, 0, "more than %u sockets to listen on", CONF_LISTENERS_MAX);
}

static void bind_listen(struct parser *p, struct bounds *all, const struct conf_listen *l)
{
    uint32_t i;

    for (i = 0; i < l->udp.n; i++)
        bind_one(p, all, &l->udp.v[i], l, false);
    for (i = 0; i < l->tcp.n; i++)
        bind_one(p, all, &l->tcp.v[i], l, true);
    for (i = 0; i < l->tls.n; i++) {
        struct conf_addr *a = parse_zalloc(p, &p->scratch, sizeof(*a));

        *a = (struct conf_addr){.addr = l->tls.v[i].addr, .loc = l->tls.v[i].loc};
        bind_one(p, all, a, l, true);
        check_tls(p, &l->tls.v[i]);
    }
}

static void check_listens(struct parser *p)
{
    struct bounds all = {NULL, 0};
    struct conf *c = p->conf;
    uint32_t i;

    for (i = 0; i < c->listen.n; i++) {
        if (c->listen.v[i].realm.id != CONF_NONE)
            bind_listen(p, &all, &c->listen.v[i]);
    }
    if (all.n > 1)
        qsort(all.v, all.n, sizeof(*all.v), by_bound);
    for (i = 1; i < all.n; i++) {
        const struct bound *a = &all.v[i - 1], *b = &all.v[i];

        if (addr_eq(&a->addr->addr, &b->addr->addr) && a->stream == b->stream &&
            a->listen->realm.id == b->listen->realm.id)
            parse_error(p, b->addr->loc, 0, "address and port are those of listen '%s' already",
                        a->listen->name);
    }
}

/* ---- media ---- */

static bool ranges_meet(uint16_t a_lo, uint16_t a_hi, uint16_t b_lo, uint16_t b_hi)
{
    return a_lo && b_lo && a_lo <= b_hi && b_lo <= a_hi;
}

static bool media_meet(const struct conf_media *a, const struct conf_media *b)
{
    uint32_t i;

    if (a->realm.id != b->realm.id ||
        !(ranges_meet(a->port_lo, a->port_hi, b->port_lo, b->port_hi) ||
          ranges_meet(a->port_lo, a->port_hi, b->priority_lo, b->priority_hi) ||
          ranges_meet(a->priority_lo, a->priority_hi, b->port_lo, b->port_hi) ||
          ranges_meet(a->priority_lo, a->priority_hi, b->priority_lo, b->priority_hi)))
        return false;
    for (i = 0; i < b->address.n; i++) {
        if (media_has(a, &b->address.v[i].addr))
            return true;
    }
    return false;
}

/* A section may have a priority range alone: it is refused, and yet looked at. */
static struct conf_loc ports_place(const struct conf_media *m)
{
    return m->ports_loc.line > 0 ? m->ports_loc : m->loc;
}

static void check_ephemeral(struct parser *p, const struct conf_media *m)
{
    const struct ephemeral *e = &p->env.ephemeral;

    if ((m->port_lo && ephemeral_may_take(e, m->port_lo, m->port_hi)) ||
        (m->priority_lo && ephemeral_may_take(e, m->priority_lo, m->priority_hi)))
        parse_warn(
            p, ports_place(m), 0,
            "ports of media '%s' overlap the kernel's ephemeral range %u-%u: another program "
            "can take one; move them, or list them in net.ipv4.ip_local_reserved_ports",
            m->name, e->lo, e->hi);
}

/*
 * Calls that the ports carry: a call has two legs, each a pair of ports. Every address has the whole range; a call
 * may need both of its pairs in one family, so the family with the fewest addresses decides.
 */
static uint32_t calls_by_ports(const struct conf_media *m)
{
    uint32_t n4 = 0, n6 = 0, i, pairs = ((uint32_t)m->port_hi - m->port_lo + 1) / 2;

    for (i = 0; i < m->address.n; i++) {
        if (m->address.v[i].addr.family == 4)
            n4++;
        else
            n6++;
    }
    if (n4 == 0 || (n6 != 0 && n6 < n4))
        n4 = n6;
    return pairs * n4 / 2;
}

static uint32_t calls_by_descriptors(const struct parser *p)
{
    uint32_t n = p->env.relay_nofile;

    return n > CONF_NOFILE_RESERVE ? (n - CONF_NOFILE_RESERVE) / CONF_SOCKETS_PER_CALL : 0;
}

/* Beside the kernel path a call costs no descriptor. Where BPF cannot be had, it does: said, for the limit is a promise. */
static void warn_descriptors(struct parser *p, struct conf_loc at, uint32_t calls, uint32_t all)
{
    if (calls > all)
        parse_warn(p, at, 0,
                   "%ucalls need BPF: by sockets alone they take %u descriptors of tandem-media, "
                   "which may open %u, and calls beyond %u would get 503",
                   calls, calls * CONF_SOCKETS_PER_CALL, p->env.relay_nofile, all);
}

/* Limits that were written. @return descriptors' worth of calls left for the other media sections */
static uint32_t check_written_limits(struct parser *p, uint32_t all)
{
    struct conf *c = p->conf;
    uint32_t i, ports, left = all;

    for (i = 0; i < c->media.n; i++) {
        const struct conf_media *m = &c->media.v[i];

        if (!m->calls_given)
            continue;
        ports = calls_by_ports(m);
        if (m->calls > ports)
            parse_error(p, m->calls_loc, 0,
                        "%ucalls need %u port pairs; the ports of media '%s' carry %ucalls",
                        m->calls, m->calls * 2, m->name, ports);
        else if (m->path != CONF_PATH_SOCKETS)
            warn_descriptors(p, m->calls_loc, m->calls, all);
        else if (m->calls > left)
            parse_error(
                p, m->calls_loc, 0,
                "%ucalls need %u descriptors of tandem-media, which may open %u: %ucalls are "
                "left for media '%s' with path sockets",
                m->calls, m->calls * CONF_SOCKETS_PER_CALL, p->env.relay_nofile, left, m->name);
        else
            left -= m->calls;
    }
    return left;
}

/* Limits that were not written: what ports and, by sockets, an even share of the descriptors carry. */
static uint32_t fill_limits(struct parser *p, uint32_t left, uint32_t *by_ports)
{
    struct conf *c = p->conf;
    uint32_t i, open = 0, sum = 0;

    *by_ports = 0;
    for (i = 0; i < c->media.n; i++)
        open += !c->media.v[i].calls_given && c->media.v[i].path == CONF_PATH_SOCKETS;
    for (i = 0; i < c->media.n; i++) {
        struct conf_media *m = &c->media.v[i];
        uint32_t ports;

        if (m->calls_given)
            continue;
        ports = calls_by_ports(m);
        m->calls = ports;
        if (m->path == CONF_PATH_SOCKETS) {
            m->calls = ports < left / open ? ports : left / open;
            left -= m->calls;
            open--;
        }
        sum += m->calls;
        *by_ports += ports;
        if (m->calls == 0)
            parse_error(p, m->loc, strlen(m->name), "media '%s' carries no call", m->name);
    }
    return sum;
}

static void check_capacity(struct parser *p)
{
    const struct conf_global *g = &p->conf->global;
    uint32_t all = calls_by_descriptors(p), left, sum, by_ports, i;
    bool written = false, has_sockets = false;

    for (i = 0; i < p->conf->media.n; i++) {
        has_sockets = has_sockets || p->conf->media.v[i].path == CONF_PATH_SOCKETS;
        written = written || p->conf->media.v[i].calls_given;
        if (p->conf->media.v[i].port_lo == 0 || p->conf->media.v[i].address.n == 0)
            return; /* reported; nothing to count with */
    }
    left = check_written_limits(p, all);
    sum = fill_limits(p, left, &by_ports);
    /* A written `limit` of a media section says that fewer calls than the node's have media. */
    if (p->conf->media.n == 0 || written || g->limit.loc.line == 0)
        return;
    if (g->limit.calls <= sum) {
        if (!has_sockets)
            warn_descriptors(p, g->limit.loc, g->limit.calls, all);
        return;
    }
    if (by_ports < g->limit.calls)
        parse_error(p, g->limit.loc, 0, "%ucalls need %u port pairs; the media ports carry %ucalls",
                    g->limit.calls, g->limit.calls * 2, by_ports);
    else
        parse_error(p, g->limit.loc, 0,
                    "%ucalls need %u descriptors of tandem-media, which may open %u: with "
                    "path sockets it carries %ucalls; fewer calls with media are allowed by a "
                    "limit in section 'media'",
                    g->limit.calls, g->limit.calls * CONF_SOCKETS_PER_CALL, p->env.relay_nofile,
                    sum);
}

static void check_medias(struct parser *p)
{
    struct conf *c = p->conf;
    uint32_t i, j;

    for (i = 0; i < c->media.n; i++) {
        const struct conf_media *m = &c->media.v[i];

        if (m->realm.id != CONF_NONE) {
            for (j = 0; j < m->address.n; j++)
                check_in_realm(p, &c->realm.v[m->realm.id], &m->address.v[j]);
        }
        for (j = 0; j < i; j++) {
            if (media_meet(&c->media.v[j], m))
                parse_error(p, ports_place(m), 0,
                            "ports overlap those of media '%s' on one address", c->media.v[j].name);
        }
        check_ephemeral(p, m);
    }
    check_capacity(p);
}

/* ---- cdr ---- */

static void check_cdrs(struct parser *p)
{
    struct conf *c = p->conf;
    uint32_t i, j;

    for (i = 0; i < c->cdr.n; i++) {
        for (j = 0; j < i; j++) {
            if (c->cdr.v[i].file && c->cdr.v[j].file &&
                strcmp(c->cdr.v[i].file, c->cdr.v[j].file) == 0)
                parse_error(p, c->cdr.v[i].loc, strlen(c->cdr.v[i].name),
                            "cdr '%s' writes the file of cdr '%s'", c->cdr.v[i].name,
                            c->cdr.v[j].name);
        }
    }
}

void check_pass(struct parser *p)
{
    check_realms(p);
    check_listens(p);
    check_medias(p);
    check_trunks(p);
    check_groups(p);
    check_sounds(p);
    check_decks(p);
    check_routes(p);
    check_cdrs(p);
}
