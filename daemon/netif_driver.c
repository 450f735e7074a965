/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ethtool says of an interface: driver, queues, rings, RSS, offloads. By ioctl, which old and new kernels answer.
 * media_setup.c and doctor.c ask, by netif.h; it changes nothing and needs no privilege.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/netif.h"

#define RSS_MAX    4096U /* entries of an indirection table; drivers have 128 to 2,048 */
#define QUEUES_MAX 1024U

static int ask(int fd, const char *name, void *what)
{
    struct ifreq r;

    memset(&r, 0, sizeof(r));
    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
    r.ifr_data = what;
    return ioctl(fd, SIOCETHTOOL, &r) < 0 ? -errno : 0;
}

static uint32_t ask_value(int fd, const char *name, uint32_t command)
{
    struct ethtool_value v = {.cmd = command};

    return ask(fd, name, &v) == 0 ? v.data : 0;
}

static void read_channels(int fd, const char *name, struct netif_driver *out)
{
    struct ethtool_channels c = {.cmd = ETHTOOL_GCHANNELS};

    if (ask(fd, name, &c) < 0)
        return;
    out->combined = c.combined_count;
    out->rx_queues = c.rx_count + c.combined_count;
    out->rx_queues_max = c.max_rx > c.max_combined ? c.max_rx : c.max_combined;
}

static void read_ring(int fd, const char *name, struct netif_driver *out)
{
    struct ethtool_ringparam r = {.cmd = ETHTOOL_GRINGPARAM};

    if (ask(fd, name, &r) < 0)
        return;
    out->ring_rx = r.rx_pending;
    out->ring_rx_max = r.rx_max_pending;
}

/* Asked twice: how many entries, then the entries. */
static void read_rss(int fd, const char *name, struct netif_driver *out)
{
    struct ethtool_rxfh_indir head = {.cmd = ETHTOOL_GRXFHINDIR}, *all;
    bool seen[QUEUES_MAX] = {false};

    if (ask(fd, name, &head) < 0 || head.size == 0 || head.size > RSS_MAX)
        return;
    all = calloc(1, sizeof(*all) + head.size * sizeof(all->ring_index[0]));
    if (!all)
        return;
    all->cmd = ETHTOOL_GRXFHINDIR;
    all->size = head.size;
    if (ask(fd, name, all) == 0) {
        for (uint32_t i = 0; i < all->size; i++) {
            uint32_t q = all->ring_index[i];

            out->rss_queues += q < QUEUES_MAX && !seen[q];
            if (q < QUEUES_MAX)
                seen[q] = true;
        }
    }
    free(all);
}

int netif_driver_read(const char *name, struct netif_driver *out)
{
    struct ethtool_drvinfo d = {.cmd = ETHTOOL_GDRVINFO};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    uint32_t flags;
    int err;

    memset(out, 0, sizeof(*out));
    if (fd < 0)
        return -errno;
    err = ask(fd, name, &d);
    if (err == 0) {
        snprintf(out->driver, sizeof(out->driver), "%s", d.driver);
        snprintf(out->version, sizeof(out->version), "%.31s", d.version);
        snprintf(out->bus, sizeof(out->bus), "%s", d.bus_info);
    }
    read_channels(fd, name, out);
    read_ring(fd, name, out);
    read_rss(fd, name, out);
    flags = ask_value(fd, name, ETHTOOL_GFLAGS);
    out->has_lro = (flags & ETH_FLAG_LRO) != 0;
    out->has_rxvlan = (flags & ETH_FLAG_RXVLAN) != 0;
    out->has_gro = ask_value(fd, name, ETHTOOL_GGRO) != 0;
    close(fd);
    return err == -ENODEV ? err : 0;
}
