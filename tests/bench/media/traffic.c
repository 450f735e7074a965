/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both parties of all calls: each side sends its flows by live frames from its namespace and counts what comes.
 * Prints one line of JSON: sent, received, lost, late, twice, latency.
 */
#include "mbench.h"

#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include "wire.h"

#define SPARE_S 0.5 /* for what is still in the queues at the end */

/* One party's interface. */
struct side {
    char name; /* 'a' or 'b' */
    char netns[64], device[IF_NAMESIZE];
    uint8_t dmac[6], smac[6];
    struct bpf_object *sink;
    int ifindex;
};

struct traffic {
    struct bench_flows flows;
    struct side side[2];
    const char *dir;
    double pps; /* 0: as fast as it goes */
    double seconds;
    uint32_t first; /* sequence number: streams go on from one run to the next */
    struct bpf_object *gen;
    struct gen_conf conf;
};

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static struct bpf_object *load(const char *dir, const char *name)
{
    char path[512];
    struct bpf_object *o;

    snprintf(path, sizeof(path), "%s/%s.bpf.o", dir, name);
    o = bpf_object__open_file(path, NULL);
    if (!o || bpf_object__load(o) < 0) {
        fprintf(stderr, "mbench: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    return o;
}

static int map_of(struct bpf_object *o, const char *name)
{
    return bpf_object__find_map_fd_by_name(o, name);
}

/* The order of the flows on the wire: mixed, as independent calls are. */
static void shuffle(uint32_t *order, unsigned n)
{
    uint64_t x = 88172645463325252ULL;

    for (unsigned i = n; i > 1; i--) {
        unsigned k;
        uint32_t t;

        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        k = (unsigned)(x % i);
        t = order[i - 1];
        order[i - 1] = order[k];
        order[k] = t;
    }
}

static int put_flows(struct traffic *t)
{
    unsigned n = t->flows.n;
    uint32_t *order = calloc(n, sizeof(*order));
    int fd = map_of(t->gen, "flows");

    if (!order)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++)
        order[i] = i;
    shuffle(order, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct bench_flow *f = &t->flows.flow[order[i]];
        struct gen_flow g = {f->saddr, f->daddr, f->sport,      f->dport,
                             order[i], t->first, f->side == 'b'};

        bpf_map_update_elem(fd, &i, &g, BPF_ANY);
    }
    free(order);
    return 0;
}

/* The devices are in different namespaces: each is named from its own. */
static int side_begin(struct traffic *t, unsigned k)
{
    struct side *s = &t->side[k];
    struct bpf_program *p;
    uint32_t key = k, index;
    int err = netns_enter(s->netns);

    if (err < 0)
        return err;
    index = if_nametoindex(s->device);
    s->ifindex = (int)index;
    s->sink = load(t->dir, "sink");
    if (!index || !s->sink)
        return -ENODEV;
    p = bpf_object__find_program_by_name(s->sink, "sink");
    err = bpf_xdp_attach(s->ifindex, bpf_program__fd(p), XDP_FLAGS_DRV_MODE, NULL);
    if (err < 0) {
        fprintf(stderr, "mbench: %s: %s\n", s->device, strerror(-err));
        return err;
    }
    for (uint32_t i = 0; i < t->flows.n && t->first; i++) {
        struct sink_flow f = {.next = t->first};

        bpf_map_update_elem(map_of(s->sink, "got"), &i, &f, BPF_ANY);
    }
    memcpy(t->conf.dmac[k], s->dmac, 6);
    memcpy(t->conf.smac[k], s->smac, 6);
    return bpf_map_update_elem(map_of(t->gen, "out"), &key, &index, BPF_ANY);
}

static void side_end(const struct side *s)
{
    if (s->sink && netns_enter(s->netns) == 0)
        bpf_xdp_detach(s->ifindex, XDP_FLAGS_DRV_MODE, NULL);
}

static void on_alarm(int sig)
{
    (void)sig;
}

/* One run to the end of the time: each start of a run takes the kernel some 20 ms, so the program itself looks at the clock. */
static int send_all(struct traffic *t)
{
    static const uint8_t frame[FRAME_LEN];
    struct xdp_md ctx = {.data_end = FRAME_LEN};
    struct itimerval stop = {.it_value = {(time_t)(t->seconds + SPARE_S), 0}};
    struct sigaction act = {.sa_handler = on_alarm};
    LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = sizeof(frame),
                .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = INT32_MAX,
                .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 32);
    struct bpf_program *p = bpf_object__find_program_by_name(t->gen, "gen");
    int fd = map_of(t->gen, "conf"), err;
    uint32_t zero = 0;

    stop.it_value.tv_usec =
        (suseconds_t)((t->seconds + SPARE_S - (double)stop.it_value.tv_sec) * 1e6);
    t->conf.n = t->flows.n;
    t->conf.gap_ns = t->pps > 0 ? (uint64_t)(1e9 / t->pps) : 0;
    t->conf.next_ns = now_ns();
    t->conf.end_ns = t->conf.next_ns + (uint64_t)(t->seconds * 1e9);
    if (bpf_map_update_elem(fd, &zero, &t->conf, BPF_ANY) < 0)
        return -errno;
    sigaction(SIGALRM, &act, NULL);
    setitimer(ITIMER_REAL, &stop, NULL);
    err = bpf_prog_test_run_opts(bpf_program__fd(p), &o);
    if (err < 0 && err != -EINTR)
        return err;
    return bpf_map_lookup_elem(fd, &zero, &t->conf) < 0 ? -errno : 0;
}

static void add_sums(const struct side *s, struct sink_sum *out)
{
    int cpus = libbpf_num_possible_cpus();
    struct sink_sum *v = calloc((size_t)cpus, sizeof(*v));
    uint32_t zero = 0;

    if (!v || bpf_map_lookup_elem(map_of(s->sink, "sum"), &zero, v) < 0) {
        free(v);
        return;
    }
    for (int c = 0; c < cpus; c++) {
        out->packets += v[c].packets;
        out->strange += v[c].strange;
        out->lat_sum += v[c].lat_sum;
        for (unsigned i = 0; i < BUCKETS; i++)
            out->lat[i] += v[c].lat[i];
    }
    free(v);
}

static double quantile(const struct sink_sum *sum, double q)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < BUCKETS; i++) {
        n += sum->lat[i];
        if ((double)n >= q * (double)sum->packets)
            return (i + 0.5) * BUCKET_NS / 1000.0;
    }
    return 0;
}

/* Where the next run goes on. */
static uint32_t next_seq(const struct traffic *t)
{
    int fd = map_of(t->gen, "flows");
    uint32_t next = t->first;

    for (uint32_t i = 0; i < t->flows.n; i++) {
        struct gen_flow g;

        if (bpf_map_lookup_elem(fd, &i, &g) == 0 && g.seq > next)
            next = g.seq;
    }
    return next;
}

static void report(const struct traffic *t)
{
    struct sink_sum sum = {0};
    struct sink_flow all = {0};
    uint32_t silent = 0;

    for (unsigned k = 0; k < 2; k++) {
        int fd = map_of(t->side[k].sink, "got");

        add_sums(&t->side[k], &sum);
        for (uint32_t i = 0; i < t->flows.n; i++) {
            struct sink_flow f;

            if (t->flows.flow[i].side == t->side[k].name || bpf_map_lookup_elem(fd, &i, &f) < 0)
                continue;
            all.lost += f.lost;
            all.late += f.late;
            all.twice += f.twice;
            silent += f.got == 0;
        }
    }
    printf(
        "{\"sent\": %llu, \"received\": %llu, \"gaps\": %u, \"late\": %u, \"twice\": %u, \"silent_flows\": %u, "
        "\"seconds\": %.3f, \"p50_us\": %.0f, \"p99_us\": %.0f, \"mean_us\": %.1f, \"strange\": %llu, \"next\": %u}\n",
        (unsigned long long)t->conf.sent, (unsigned long long)sum.packets, all.lost, all.late,
        all.twice, silent, t->seconds, quantile(&sum, 0.5), quantile(&sum, 0.99),
        sum.packets ? (double)sum.lat_sum / (double)sum.packets / 1000.0 : 0.0,
        (unsigned long long)sum.strange, next_seq(t));
}

/* NETNS:DEVICE:OWN-MAC:PEER-MAC, macs with dashes */
static int side_option(struct side *s, const char *text)
{
    char own[32], peer[32];

    if (sscanf(text, "%63[^:]:%15[^:]:%31[^:]:%31s", s->netns, s->device, own, peer) != 4)
        return -EINVAL;
    return mac_read(own, s->smac) < 0 ? -EINVAL : mac_read(peer, s->dmac);
}

static int run(struct traffic *t, unsigned cpu)
{
    cpu_set_t set;
    int err = 0;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
    t->gen = load(t->dir, "gen");
    if (!t->gen)
        return -ENOENT;
    for (unsigned k = 0; k < 2 && err == 0; k++)
        err = side_begin(t, k);
    if (err == 0)
        err = put_flows(t);
    if (err == 0) {
        puts("begin");
        fflush(stdout);
        err = send_all(t);
    }
    if (err == 0)
        report(t);
    for (unsigned k = 0; k < 2; k++)
        side_end(&t->side[k]);
    return err;
}

int traffic_main(int argc, char **argv)
{
    static const struct option options[] = {
        {"a", required_argument, NULL, 'a'},
        {"b", required_argument, NULL, 'b'},
        {"flows", required_argument, NULL, 'f'},
        {"objects", required_argument, NULL, 'o'},
        {"pps", required_argument, NULL, 'p'},
        {"seconds", required_argument, NULL, 's'},
        {"cpu", required_argument, NULL, 'c'},
        {"first", required_argument, NULL, 'q'},
        {NULL, 0, NULL, 0},
    };
    struct traffic t = {.side = {{.name = 'a'}, {.name = 'b'}}, .dir = ".", .seconds = 1};
    const char *path = NULL;
    unsigned cpu = 0;
    int c, err, bad = 0;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'a': bad |= side_option(&t.side[0], optarg); break;
        case 'b': bad |= side_option(&t.side[1], optarg); break;
        case 'f': path = optarg; break;
        case 'o': t.dir = optarg; break;
        case 'p': t.pps = strtod(optarg, NULL); break;
        case 's': t.seconds = strtod(optarg, NULL); break;
        case 'c': cpu = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'q': t.first = (uint32_t)strtoul(optarg, NULL, 10); break;
        default: bad = -1; break;
        }
    }
    if (bad || !path || !t.side[0].device[0] || !t.side[1].device[0]) {
        fputs(
            "usage: mbench traffic --a NETNS:DEVICE:MAC:PEERMAC --b ... --flows FILE --objects DIR --pps N --seconds N\n",
            stderr);
        return 2;
    }
    if (flows_read(path, &t.flows) < 0)
        return 1;
    err = run(&t, cpu);
    free(t.flows.flow);
    if (err < 0)
        fprintf(stderr, "mbench: traffic: %s\n", strerror(-err));
    return err < 0;
}
