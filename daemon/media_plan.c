/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel path should be on this machine: interfaces and ports, out of the media sections of the configuration.
 * media_setup.c makes it so, doctor.c compares it with what is there. It touches nothing.
 */
#include "daemon/media_plan.h"

#include <errno.h>
#include <linux/types.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "relay/bpf/relay_maps.h"

#define BIT(path) (1U << (path))
#define MAY_ALL   (BIT(MEDIA_PATH_XDP_NATIVE) | BIT(MEDIA_PATH_XDP_GENERIC) | BIT(MEDIA_PATH_TC))

static const uint32_t may_of[] = {
    [CONF_PATH_AUTO] = MAY_ALL,
    [CONF_PATH_NATIVE] = BIT(MEDIA_PATH_XDP_NATIVE),
    [CONF_PATH_GENERIC] = BIT(MEDIA_PATH_XDP_GENERIC),
    [CONF_PATH_TC] = BIT(MEDIA_PATH_TC),
    [CONF_PATH_SOCKETS] = 0,
};

static void note(struct media_plan *p, bool is_warning, const char *fmt, ...)
{
    struct media_plan_note *n = &p->note[p->n_notes];
    va_list ap;

    if (p->n_notes == sizeof(p->note) / sizeof(p->note[0]))
        return;
    va_start(ap, fmt);
    vsnprintf(n->text, sizeof(n->text), fmt, ap);
    va_end(ap);
    n->is_warning = is_warning;
    for (unsigned i = 0; i < p->n_notes; i++) {
        if (strcmp(p->note[i].text, n->text) == 0)
            return; /* of another section, or its IPv6 address */
    }
    p->n_notes++;
}

void media_plan_init(struct media_plan *p)
{
    memset(p, 0, sizeof(*p));
    p->lines = LINES_DEFAULT;
}

/* auto leaves out what is known not to serve. @param over  a VLAN device on it has the address */
static uint32_t auto_may(struct media_plan *p, const struct netif *i, bool over)
{
    struct netif_driver d;
    uint32_t may = MAY_ALL;

    if (i->is_loopback) {
        note(p, false, "interface %s: loopback, the relay forwards by itself", i->name);
        return 0;
    }
    /* A veth takes redirected frames only if its peer polls for them: TC needs nothing of the peer. */
    if (strcmp(i->kind, "veth") == 0)
        may &= ~BIT(MEDIA_PATH_XDP_NATIVE);
    if (netif_driver_read(i->name, &d) < 0)
        memset(&d, 0, sizeof(d));
    if (d.has_lro)
        note(p, true, "interface %s: no native XDP while LRO is on; ethtool -K %s lro off", i->name,
             i->name);
    /* SKB mode redirects a frame whose tag the card has taken off with that tag on again. */
    if (over && d.has_rxvlan) {
        note(p, true, "interface %s: VLAN tags are taken off by the card; ethtool -K %s rxvlan off",
             i->name, i->name);
        may &= ~BIT(MEDIA_PATH_XDP_GENERIC);
    }
    return may;
}

static int add(struct media_plan *p, const struct netif *i, uint32_t may)
{
    struct kernel_setup_if *k;

    for (unsigned n = 0; n < p->n_ifs; n++) {
        k = &p->ifs[n];
        if (k->ifindex != i->ifindex)
            continue;
        if (!(k->may & may))
            note(p, true, "interface %s: media sections want different paths; the first is taken",
                 i->name);
        else
            k->may &= may;
        return 0;
    }
    if (p->n_ifs == MEDIA_IFS_MAX) {
        note(p, true, "more than %u interfaces with media: %s has no kernel path", MEDIA_IFS_MAX,
             i->name);
        return -ENOSPC;
    }
    k = &p->ifs[p->n_ifs++];
    memset(k, 0, sizeof(*k));
    snprintf(k->name, sizeof(k->name), "%s", i->name);
    k->ifindex = i->ifindex;
    k->may = may;
    return 0;
}

static void add_for(struct media_plan *p, const struct netif *i, enum conf_media_path path,
                    const struct netifs *ifs)
{
    const struct netif *below = netifs_below(ifs, i);
    uint32_t may = may_of[path];

    if (!below) {
        note(p, true, "interface %s: the device below is not in this network namespace", i->name);
        return;
    }
    if (path == CONF_PATH_AUTO)
        may = auto_may(p, below, below != i);
    if (may)
        add(p, below, may);
}

static void add_address(struct media_plan *p, const struct conf_media *m, const struct addr *a,
                        const struct netifs *ifs)
{
    uint32_t ifindex = netif_of_address(a);
    const struct netif *i = ifindex ? netifs_find(ifs, ifindex) : NULL;
    char text[ADDR_STRLEN];

    if (i) {
        add_for(p, i, m->path, ifs);
        return;
    }
    note(p, true, "media %s: no interface has the address %s", m->name, addr_ip_str(a, text));
}

void media_plan_conf(struct media_plan *p, const struct conf *conf, const struct netifs *ifs)
{
    uint64_t ports = 0;

    for (uint32_t i = 0; i < conf->media.n; i++) {
        const struct conf_media *m = &conf->media.v[i];
        uint64_t each = (uint64_t)(m->port_hi - m->port_lo + 1);

        if (m->path == CONF_PATH_SOCKETS)
            continue;
        p->wants_kernel = true;
        if (m->priority_hi)
            each += (uint64_t)(m->priority_hi - m->priority_lo + 1);
        ports += each * m->address.n;
        for (uint32_t k = 0; k < m->address.n; k++)
            add_address(p, m, &m->address.v[k].addr, ifs);
    }
    /* half as much again: a reload may add addresses, a change of the size costs new maps */
    ports += ports / 2;
    if (ports > p->lines)
        p->lines = ports > LINES_MAX ? LINES_MAX : (uint32_t)ports;
}

static void forget(struct media_plan *p, const struct netif *i)
{
    for (unsigned n = 0; i && n < p->n_ifs; n++) {
        if (p->ifs[n].ifindex == i->ifindex)
            p->ifs[n] = p->ifs[--p->n_ifs];
    }
}

int media_plan_interface(struct media_plan *p, const char *text, const struct netifs *ifs)
{
    static const char *const word[] = {"auto", "native", "generic", "tc"};
    const char *colon = strchr(text, ':');
    unsigned path = CONF_PATH_AUTO, n = sizeof(word) / sizeof(word[0]);
    char name[IF_NAMESIZE];
    const struct netif *i;

    if (colon) {
        for (path = 0; path < n && strcmp(colon + 1, word[path]) != 0; path++) {
        }
        if (path == n)
            return -EINVAL;
    }
    snprintf(name, sizeof(name), "%.*s", colon ? (int)(colon - text) : (int)strlen(text), text);
    i = netifs_named(ifs, name);
    if (!i)
        return -ENODEV;
    forget(p, netifs_below(ifs, i)); /* what is said by hand goes before the configuration */
    if (p->n_ifs == MEDIA_IFS_MAX)
        return -ENOSPC;
    add_for(p, i, (enum conf_media_path)path, ifs);
    return 0;
}

struct conf *media_plan_load(const char *path, struct conf_errors *errs)
{
    struct conf_env env;

    conf_env_read(&env);
    env.secrets_are_names = true;
    return conf_load(path, &env, errs);
}
