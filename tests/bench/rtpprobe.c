/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTP probe beside SIPp: gives each call side that SIPp logs a voice and ears, and judges what it hears.
 * Run by scripts/loadtest, scripts/demo and the end-to-end tests; SIGTERM ends it with the report.
 * Must not know lib/: what it says of the relay is worth something only if it shares nothing with it.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>

static volatile sig_atomic_t is_over;

static void on_signal(int sig)
{
    (void)sig;
    is_over = 1;
}

void probe_clock(struct probe *p)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    p->now_us = (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static void usage(FILE *f)
{
    fputs(
        "usage: rtpprobe --pool IP:LO-HI [--pool …] --log FILE [--log …] --talk MS [--json FILE]\n"
        "  --pool IP:LO-HI  RTP ports of SIPp's injection files (even, RTCP one above); all are opened\n"
        "  --log FILE       file that SIPp writes with -trace_logs -log_file; may not exist yet\n"
        "  --talk MS        each side sends so long; the hold time less 200 ms\n"
        "  --interval MS    between packets of a stream, 20-200 (20); a test of many streams sends fewer\n"
        "  --max-time S     ends by itself (3600)\n"
        "  --json FILE      the report as JSON\n"
        "prints \"ready\" when all ports are open; SIGTERM: report and exit\n"
        "exit: 0 all heard as sent, 1 otherwise, 2 usage or ports in use\n",
        f);
}

static int probe_options(int argc, char **argv, struct probe *p)
{
    static const struct option opts[] = {
        {"pool", required_argument, NULL, 'p'},     {"log", required_argument, NULL, 'l'},
        {"talk", required_argument, NULL, 't'},     {"json", required_argument, NULL, 'j'},
        {"max-time", required_argument, NULL, 'm'}, {"interval", required_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
        switch (c) {
        case 'p':
            if (probe_pool_add(p, optarg)) {
                fprintf(stderr, "rtpprobe: --pool %s: IP:LO-HI with an even LO\n", optarg);
                return -EINVAL;
            }
            break;
        case 'l':
            if (p->logs == PROBE_LOGS_MAX)
                return -EINVAL;
            p->log[p->logs].fd = -1;
            p->log[p->logs++].path = optarg;
            break;
        case 't': p->talk_us = strtoull(optarg, NULL, 10) * 1000; break;
        case 'm': p->max_time = strtod(optarg, NULL); break;
        case 'i': p->interval_ms = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'j': p->json = optarg; break;
        case 'h': usage(stdout); exit(0);
        default: return -EINVAL;
        }
    }
    return optind == argc && p->pools && p->logs && p->talk_us &&
                   p->interval_ms >= PROBE_PTIME_MS && p->interval_ms <= PROBE_INTERVAL_MAX_MS
               ? 0
               : -EINVAL;
}

static int probe_setup(struct probe *p)
{
    struct sigaction sa = {.sa_handler = on_signal};
    struct rlimit lim;
    int err;

    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    if (!getrlimit(RLIMIT_NOFILE, &lim)) {
        lim.rlim_cur = lim.rlim_max;
        setrlimit(RLIMIT_NOFILE, &lim);
    }
    if (getrandom(&p->run, sizeof p->run, 0) != sizeof p->run)
        return -EIO;
    probe_clock(p);
    p->tick = p->now_us / 1000;
    p->end_tail = &p->end_head;
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (p->epoll < 0)
        return -errno;
    for (unsigned i = 0; i < p->pools; i++) {
        err = probe_pool_open(p, &p->pool[i]);
        if (err) {
            fprintf(stderr, "rtpprobe: pool %u: %s%s\n", i + 1, strerror(-err),
                    err == -EMFILE ? ": raise ulimit -n" : "");
            return err;
        }
    }
    return 0;
}

static void turn(struct probe *p)
{
    struct epoll_event ev[256];
    int n = epoll_wait(p->epoll, ev, 256, 1); /* 1 ms: a packet is sent at most so late */

    for (int i = 0; i < n; i++) {
        probe_clock(p);
        probe_receive(p, p->port[ev[i].data.u64 >> 1], ev[i].data.u64 & 1);
    }
    probe_clock(p);
    probe_send_due(p);
    probe_end_due(p, false);
}

static void probe_run(struct probe *p)
{
    uint64_t logs_us = 0, end_us;

    probe_clock(p);
    end_us = p->now_us + (uint64_t)(p->max_time * 1e6);
    while (!is_over && p->now_us < end_us) {
        turn(p);
        if (p->now_us - logs_us >= 2000) { /* 2 ms: the other side waits for our voice */
            logs_us = p->now_us;
            probe_logs_read(p);
        }
    }
    probe_logs_read(p);
    end_us = p->now_us + PROBE_LINGER_US;
    while (p->now_us < end_us)
        turn(p);
    probe_end_due(p, true);
}

int main(int argc, char **argv)
{
    static struct probe p;
    int err;

    p.max_time = 3600;
    p.interval_ms = PROBE_PTIME_MS;
    if (probe_options(argc, argv, &p)) {
        usage(stderr);
        return 2;
    }
    if (probe_setup(&p))
        return 2;
    puts("ready");
    fflush(stdout);
    probe_run(&p);
    probe_print(&p);
    err = p.json ? probe_write_json(&p) : 0;
    if (err) {
        fprintf(stderr, "rtpprobe: %s: %s\n", p.json, strerror(-err));
        return 2;
    }
    return probe_verdict(&p) ? 0 : 1;
}
