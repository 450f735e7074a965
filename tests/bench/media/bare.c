/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Puts one of bare.bpf.c's programs on both interfaces of the relay's namespace and fills its table; stays until standard input closes.
 * What it forwards it cannot say: the sink counts.
 */
#include "mbench.h"

#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include "wire.h"

struct bare_key {
    uint32_t daddr;
    uint16_t dport, pad;
};

struct bare_value {
    uint32_t saddr, daddr;
    uint16_t sport, dport;
    uint32_t ifindex;
    uint8_t dmac[6], smac[6];
    uint32_t packets, ssrc, max_seq, transit, jitter, pad;
    uint64_t bytes, seen;
};

/* The relay's end towards one party. */
struct end {
    char device[IF_NAMESIZE];
    uint8_t own[6], peer[6];
    int ifindex;
};

static int end_option(struct end *e, const char *text)
{
    char own[32], peer[32];

    if (sscanf(text, "%15[^:]:%31[^:]:%31s", e->device, own, peer) != 3)
        return -EINVAL;
    return mac_read(own, e->own) < 0 ? -EINVAL : mac_read(peer, e->peer);
}

static int fill(struct bpf_object *o, const struct bench_flows *flows, const struct end *end)
{
    int fd = bpf_object__find_map_fd_by_name(o, "bare_flows");

    for (unsigned i = 0; i < flows->n; i++) {
        const struct bench_flow *f = &flows->flow[i];
        const struct end *to = &end[f->side == 'a' ? 1 : 0];
        struct bare_key key = {f->daddr, f->dport, 0};
        struct bare_value v = {.saddr = f->out_saddr,
                               .daddr = f->out_daddr,
                               .sport = f->out_sport,
                               .dport = f->out_dport,
                               .ifindex = (uint32_t)to->ifindex};

        memcpy(v.smac, to->own, 6);
        memcpy(v.dmac, to->peer, 6);
        if (bpf_map_update_elem(fd, &key, &v, BPF_ANY) < 0)
            return -errno;
    }
    return 0;
}

static int attach(struct bpf_object *o, const char *which, struct end *end)
{
    struct bpf_program *p = bpf_object__find_program_by_name(o, which);

    if (!p)
        return -ENOENT;
    for (unsigned k = 0; k < 2; k++) {
        int err;

        end[k].ifindex = (int)if_nametoindex(end[k].device);
        err = bpf_xdp_attach(end[k].ifindex, bpf_program__fd(p), XDP_FLAGS_DRV_MODE, NULL);
        if (err < 0)
            return err;
    }
    return 0;
}

int bare_main(int argc, char **argv)
{
    static const struct option options[] = {
        {"netns", required_argument, NULL, 'n'},
        {"which", required_argument, NULL, 'w'},
        {"a", required_argument, NULL, 'a'},
        {"b", required_argument, NULL, 'b'},
        {"flows", required_argument, NULL, 'f'},
        {"objects", required_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    struct bench_flows flows = {0};
    struct end end[2] = {{.ifindex = 0}, {.ifindex = 0}};
    const char *netns = NULL, *which = "bare", *dir = ".", *path = NULL;
    struct bpf_object *o;
    char object[512];
    int c, bad = 0, err;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'n': netns = optarg; break;
        case 'w': which = optarg; break;
        case 'a': bad |= end_option(&end[0], optarg); break;
        case 'b': bad |= end_option(&end[1], optarg); break;
        case 'f': path = optarg; break;
        case 'o': dir = optarg; break;
        default: bad = -1; break;
        }
    }
    if (bad || !netns || !path) {
        fputs(
            "usage: mbench bare --netns NAME --which bare|bare_stat|none --a DEVICE:MAC:PEERMAC --b … --flows FILE --objects DIR\n",
            stderr);
        return 2;
    }
    if (netns_enter(netns) < 0 || flows_read(path, &flows) < 0)
        return 1;
    snprintf(object, sizeof(object), "%s/bare.bpf.o", dir);
    o = bpf_object__open_file(object, NULL);
    err = !o ? -errno : bpf_object__load(o);
    if (err == 0)
        err = attach(o, which, end);
    if (err == 0)
        err = fill(o, &flows, end);
    if (err < 0)
        fprintf(stderr, "mbench: bare: %s\n", strerror(-err));
    else
        wait_for_end();
    for (unsigned k = 0; k < 2; k++)
        bpf_xdp_detach(end[k].ifindex, XDP_FLAGS_DRV_MODE, NULL);
    return err < 0;
}
