/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What doctor.c says of one interface: driver, queues, RSS, interrupts, rings, offloads, what it has lost.
 * It reads ethtool, /proc and /sys, and changes nothing.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "daemon/doctor.h"

#define FIX_BYTES 160U

/* Kernel 6.1: drivers with XDP of their own that carriers' machines have. */
static const char *const native[] = {
    "ena",   "virtio_net", "ixgbe",     "ixgbevf", "i40e",     "ice",    "igb",
    "igc",   "mlx4_en",    "mlx5_core", "bnxt_en", "nfp",      "qede",   "sfc",
    "tun",   "veth",       "hv_netvsc", "gve",     "atlantic", "mvneta", "thunderx",
    "nicvf", "mana",       "tsnep",     "funeth",  "bond",     NULL,
};

static bool has_native(const char *driver)
{
    for (unsigned i = 0; native[i]; i++) {
        if (strcmp(native[i], driver) == 0)
            return true;
    }
    return false;
}

static void say_driver(struct doctor *d, const struct netif *i, const struct netif_driver *v)
{
    static const char *const mode[] = {"no XDP", "native XDP", "generic XDP", "offloaded XDP"};
    bool could =
        i->xdp == NETIF_XDP_GENERIC && has_native(v->driver) && strcmp(i->kind, "veth") != 0;
    char fix[FIX_BYTES];

    snprintf(fix, sizeof(fix),
             "journalctl -u tandem-media -g media_interface; often: ethtool -L %s combined %u",
             i->name, v->combined > 1 ? v->combined / 2 : 1);
    doctor_say(d, could ? DOCTOR_WARN : DOCTOR_OK, "interface", i->name, could ? fix : NULL,
               "driver %s, %s, MTU %u%s", v->driver[0] ? v->driver : "unknown", mode[i->xdp],
               i->mtu, could ? "; the driver has native XDP, which costs half" : "");
    if (!i->is_up) {
        snprintf(fix, sizeof(fix), "ip link set %s up", i->name);
        doctor_say(d, DOCTOR_BAD, "interface", i->name, fix, "is down");
    }
}

static void say_queues(struct doctor *d, const struct netif *i, const struct netif_driver *v,
                       unsigned cpus)
{
    unsigned want = v->rx_queues_max < cpus ? v->rx_queues_max : cpus;
    char fix[FIX_BYTES];

    if (v->rx_queues == 0)
        return; /* the driver does not say: virtual devices */
    snprintf(fix, sizeof(fix), "ethtool -L %s %s %u", i->name, v->combined ? "combined" : "rx",
             want);
    doctor_say(d, v->rx_queues < want ? DOCTOR_WARN : DOCTOR_OK, "queues", i->name,
               v->rx_queues < want ? fix : NULL, "%u of %u receive queues, %u processors",
               v->rx_queues, v->rx_queues_max, cpus);
    if (v->rss_queues && v->rss_queues < v->rx_queues) {
        snprintf(fix, sizeof(fix), "ethtool -X %s equal %u", i->name, v->rx_queues);
        doctor_say(d, DOCTOR_WARN, "rss", i->name, fix, "packets are spread over %u of %u queues",
                   v->rss_queues, v->rx_queues);
    } else if (v->rss_queues > 1) {
        doctor_say(d, DOCTOR_OK, "rss", i->name, NULL, "over %u queues", v->rss_queues);
    }
}

static void say_irqs(struct doctor *d, const struct netif *i, const struct netif_driver *v)
{
    struct doctor_irqs irq;
    char path[256], fix[FIX_BYTES];
    unsigned want;
    FILE *f;

    snprintf(path, sizeof(path), "%s/proc/interrupts", d->root);
    f = fopen(path, "re");
    if (!f)
        return;
    if (doctor_irqs_read(f, i->name, v->bus, &irq) == 0 && irq.lines && irq.total) {
        bool is_few;

        want = irq.lines < irq.cpus_all ? irq.lines : irq.cpus_all;
        if (v->rx_queues && v->rx_queues < want)
            want = v->rx_queues;
        is_few = irq.cpus < want;
        snprintf(fix, sizeof(fix),
                 "systemctl start irqbalance, or one processor each: echo N > "
                 "/proc/irq/%s/smp_affinity_list and the next ones",
                 irq.first);
        doctor_say(d, is_few ? DOCTOR_WARN : DOCTOR_OK, "irq", i->name, is_few ? fix : NULL,
                   "%u interrupt lines, served by %u of %u processors", irq.lines, irq.cpus,
                   irq.cpus_all);
    }
    fclose(f);
}

static uint64_t statistic(const struct doctor *d, const struct netif *i, const char *name)
{
    char path[256];
    uint64_t n = 0;

    snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", i->name, name);
    return doctor_number(d, path, &n) == 0 ? n : 0;
}

static void say_rings(struct doctor *d, const struct netif *i, const struct netif_driver *v)
{
    uint64_t missed = statistic(d, i, "rx_missed_errors") + statistic(d, i, "rx_fifo_errors");
    uint64_t errors = statistic(d, i, "rx_crc_errors") + statistic(d, i, "rx_frame_errors");
    char fix[FIX_BYTES];

    snprintf(fix, sizeof(fix), "ethtool -G %s rx %u", i->name, v->ring_rx_max);
    if (missed)
        doctor_say(d, DOCTOR_WARN, "ring", i->name, v->ring_rx < v->ring_rx_max ? fix : NULL,
                   "%llu packets lost since boot for want of room in the ring (%u of %u)",
                   (unsigned long long)missed, v->ring_rx, v->ring_rx_max);
    else if (v->ring_rx)
        doctor_say(d, DOCTOR_OK, "ring", i->name, NULL, "%u of %u, nothing lost", v->ring_rx,
                   v->ring_rx_max);
    if (errors)
        doctor_say(d, DOCTOR_WARN, "cable", i->name,
                   "look at the cable, the optics and the port of the switch",
                   "%llu broken frames since boot", (unsigned long long)errors);
}

static void say_offloads(struct doctor *d, const struct netif *i, const struct netif_driver *v)
{
    char fix[FIX_BYTES];

    if (v->has_lro) {
        snprintf(fix, sizeof(fix), "ethtool -K %s lro off", i->name);
        doctor_say(d, DOCTOR_BAD, "offload", i->name, fix, "LRO is on: no native XDP with it");
    } else {
        doctor_say(d, DOCTOR_OK, "offload", i->name, NULL, "LRO off, GRO %s, VLAN tags %s",
                   v->has_gro ? "on" : "off",
                   v->has_rxvlan ? "taken off by the card" : "in the frame");
    }
}

void doctor_interface(struct doctor *d, const struct netif *i)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct netif_driver v;

    if (netif_driver_read(i->name, &v) < 0) {
        doctor_say(d, DOCTOR_BAD, "interface", i->name, NULL, "no such interface");
        return;
    }
    say_driver(d, i, &v);
    say_queues(d, i, &v, cpus > 0 ? (unsigned)cpus : 1);
    say_irqs(d, i, &v);
    say_rings(d, i, &v);
    say_offloads(d, i, &v);
}
