/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIP load generator: one calling and one called side around the switch under test.
 * Run by scripts/loadtest, by the benchmarks and by hand; --direct tests the generator itself.
 * Must not know lib/: it is an independent witness.
 */
#define _GNU_SOURCE
#include "load.h"
#include "load_opt.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

/* 2 s: the switch settles before the next step of a search */
#define SETTLE_MS 2000

struct pace {
    double rate;
    uint64_t start_us, done, limit;
    bool standing;
};

static volatile sig_atomic_t is_interrupted;

static void on_signal(int sig)
{
    (void)sig;
    is_interrupted = 1;
}

static void flush_all(struct load *l)
{
    for (unsigned i = 0; i < l->opt.sources; i++)
        if (l->uac[i].out)
            load_flush(l, &l->uac[i]);
    if (l->uas.out)
        load_flush(l, &l->uas);
    if (l->is_flooding && l->flood.out)
        load_flush(l, &l->flood);
}

static void flood_send(struct load *l)
{
    char *buf = load_out(l, &l->flood);
    const char *method = l->opt.flood_options ? "OPTIONS" : "INVITE";
    unsigned long long n = (unsigned long long)l->stat.flood_sent++;
    int len = snprintf(buf, LOAD_BUF,
                       "%s sip:%s0000000@%s SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP %s;branch=z9hG4bKf%08x-%llx\r\n"
                       "Max-Forwards: 70\r\n"
                       "From: <sip:scan@%s>;tag=f%llx\r\n"
                       "To: <sip:%s0000000@%s>\r\n"
                       "Call-ID: f%08x-%llx@%s\r\n"
                       "CSeq: 1 %s\r\n"
                       "Contact: <sip:scan@%s>\r\n"
                       "User-Agent: friendly-scanner\r\n"
                       "Content-Length: 0\r\n\r\n",
                       method, l->opt.called, l->opt.target_name, l->flood.name, l->run, n,
                       l->flood.host, n, l->opt.called, l->opt.target_name, l->run, n,
                       l->flood.host, method, l->flood.name);

    load_out_done(l, &l->flood, (size_t)len, &l->opt.target);
}

static void flood_turn(struct load *l)
{
    double due = (double)(l->now_us - l->flood_next_us) * l->opt.flood_rate / 1e6;
    /* 4 ms worth at once after a stall: a flood must not become a burst of its own */
    double most = l->opt.flood_rate / 250 + 1;

    if (due < 1)
        return;
    if (due > most) {
        due = most;
        l->flood_next_us = l->now_us;
    } else {
        l->flood_next_us += (uint64_t)((double)(uint64_t)due * 1e6 / l->opt.flood_rate);
    }
    for (uint64_t i = 0; i < (uint64_t)due; i++)
        flood_send(l);
}

/* Start the calls that are due; after a stall catch up at twice the rate, not in one burst. */
static void pace_turn(struct load *l, struct pace *p)
{
    uint64_t due = (uint64_t)((double)(l->now_us - p->start_us) * p->rate / 1e6) + 1;
    uint64_t most = (uint64_t)(p->rate / 500) + 1;

    if (due > p->limit)
        due = p->limit;
    for (; p->done < due && most; most--, p->done++)
        uac_start(l, p->standing);
}

static void turn(struct load *l, struct pace *p)
{
    struct epoll_event ev[LOAD_SOURCES_MAX + 2];
    uint64_t before = l->now_us;
    int n = epoll_wait(l->epoll, ev, LOAD_SOURCES_MAX + 2, 1);

    load_clock(l);
    if (l->now_us - before > l->stat.lag_max)
        l->stat.lag_max = l->now_us - before;
    for (int i = 0; i < n; i++)
        load_receive(l, ev[i].data.ptr);
    load_timers_run(l);
    if (p)
        pace_turn(l, p);
    if (l->is_flooding)
        flood_turn(l);
    flush_all(l);
}

static void drain(struct load *l, const struct load_calls *c, uint64_t wait_ms)
{
    uint64_t until = l->now + wait_ms;

    while (c->live && l->now < until && !is_interrupted)
        turn(l, NULL);
}

static void run_for(struct load *l, uint64_t ms)
{
    uint64_t until;

    load_clock(l);
    until = l->now + ms;
    while (l->now < until && !is_interrupted)
        turn(l, NULL);
}

/* Offer calls for a while; returns the seconds it took. */
static double offer(struct load *l, double rate, double seconds, bool standing)
{
    struct pace p = {.rate = rate, .standing = standing};

    load_clock(l);
    p.start_us = l->now_us;
    p.limit = (uint64_t)(rate * seconds + 0.5);
    while (p.done < p.limit && !is_interrupted)
        turn(l, &p);
    return (double)(l->now_us - p.start_us) / 1e6;
}

static void procs_read(const struct load *l, struct load_proc *out)
{
    for (unsigned i = 0; i < l->opt.pids; i++)
        load_proc_read(l->opt.pid[i], &out[i]);
    load_proc_read((int)getpid(), &out[l->opt.pids]);
}

static uint64_t drops(const struct load *l)
{
    uint64_t sum = load_sock_drops(&l->uas);

    for (unsigned i = 0; i < l->opt.sources; i++)
        sum += load_sock_drops(&l->uac[i]);
    return sum;
}

static void measure(struct load *l, double rate, struct load_report *r)
{
    /* the hold time, the ring time and the longest transaction */
    uint64_t wait = LOAD_DRAIN + (uint64_t)((l->opt.hold + l->opt.ring) * 1000);

    r->procs = l->opt.pids;
    r->rx_drops = drops(l);
    l->stat.lag_max = 0;
    l->is_flooding = l->opt.flood_rate > 0;
    l->flood_next_us = l->now_us;
    procs_read(l, r->before);
    l->second_us = l->now_us;
    r->seconds = offer(l, rate, l->opt.duration, false);
    l->is_flooding = false;
    r->offered = (double)(l->stat.measured.started + l->stat.emergency.started) / r->seconds;
    if (l->opt.then_rate > 0) {
        procs_read(l, r->then);
        offer(l, l->opt.then_rate, l->opt.then_s, false);
    }
    drain(l, &l->stat.measured, wait);
    drain(l, &l->stat.emergency, wait);
    run_for(l, 200); /* the last BYE was answered on one side; let it pass to the other */
    procs_read(l, r->after);
    r->rx_drops = drops(l) - r->rx_drops;
}

static void standing_up(struct load *l)
{
    const struct load_calls *c = &l->stat.standing;
    uint64_t until;

    offer(l, l->opt.ramp, (double)l->opt.standing / l->opt.ramp, true);
    until = l->now + LOAD_DRAIN;
    while (c->answered + c->failed + c->shed < c->started && l->now < until && !is_interrupted)
        turn(l, NULL);
    if (!l->opt.quiet)
        printf("standing   %llu of %u calls are up\n", (unsigned long long)c->live,
               l->opt.standing);
    /* the last ACKs and linger times pass: their work must not be charged to the measurement */
    run_for(l, LOAD_LINGER + 500);
}

static void standing_down(struct load *l)
{
    uint64_t start = l->now_us, ended = 0;

    for (uint32_t i = 0; i < l->uac_calls && !is_interrupted; i++) {
        struct uac_call *c = uac_at(l, i);

        if (c->state != UAC_CONFIRMED || !c->standing)
            continue;
        while ((double)(l->now_us - start) * l->opt.ramp / 1e6 < (double)ended)
            turn(l, NULL);
        uac_bye(l, c);
        ended++;
    }
    drain(l, &l->stat.standing, LOAD_DRAIN);
    run_for(l, 200); /* as in measure(): who comes after us must not get the other side's BYE */
}

static bool is_good(const struct load *l, const struct load_report *r)
{
    const struct load_calls *c = &l->stat.measured;

    /*
     * 0.97: the generator must really have offered the rate it is judged by. 200 ms: who answers later lives on repetitions, and has a queue
     * that only the end of the step empties.
     */
    return c->failed * 1000 < c->started && (double)c->answered >= 0.97 * r->offered * r->seconds &&
           hist_ms(&c->pdd, 0.99) <= 200;
}

static bool step(struct load *l, double rate, struct load_report *r)
{
    struct load_calls standing = l->stat.standing;
    bool ok;

    memset(&l->stat, 0, sizeof l->stat);
    l->stat.standing = standing;
    memset(r, 0, sizeof *r);
    measure(l, rate, r);
    ok = is_good(l, r) && r->offered >= 0.95 * rate;
    printf(
        "step %8.0f cps  offered %8.0f  answered %8.0f/s  failed %6llu  repeats %6llu  pdd p99 %7.2f ms",
        rate, r->offered, (double)l->stat.measured.answered / r->seconds,
        (unsigned long long)l->stat.measured.failed,
        (unsigned long long)(l->stat.rtx_sent + l->stat.rtx_received),
        hist_ms(&l->stat.measured.pdd, 0.99));
    for (unsigned i = 0; i < r->procs; i++)
        printf("  pid %d %.1f us/call", r->before[i].pid,
               (double)(r->after[i].sched_us - r->before[i].sched_us) /
                   (double)(l->stat.measured.started ? l->stat.measured.started : 1));
    printf("  %s\n", ok ? "ok" : r->offered < 0.95 * rate ? "GENERATOR TOO SLOW" : "FAILED");
    fflush(stdout);
    uac_abandon(l, false);
    uas_abandon(l);
    return ok;
}

/* Up by a quarter until a step fails, then halve the interval to 3 %. */
static double search(struct load *l, struct load_report *r)
{
    double good = 0, bad = 0, rate = l->opt.rate;

    while (!is_interrupted && (bad <= 0 || bad / (good > 1 ? good : 1) > 1.03) && rate >= 1) {
        bool ok = step(l, rate, r);

        run_for(l, SETTLE_MS);
        if (!ok) { /* once more: on a shared machine one stall is not a limit */
            ok = step(l, rate, r);
            run_for(l, SETTLE_MS);
        }
        if (ok)
            good = rate;
        else
            bad = rate;
        if (bad <= 0)
            rate *= 1.25;
        else
            rate = good > 0 ? (good + bad) / 2 : bad / 2;
    }
    if (good > 0)
        step(l, good, r); /* the report is of the best rate */
    return good;
}

static int sockets(struct load *l)
{
    int err;

    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < l->opt.sources; i++) {
        struct sockaddr_storage at = l->opt.uac;

        load_addr_step(&at, i, l->opt.sources_ip);
        err = load_sock_open(l, &l->uac[i], &at);
        if (err) {
            fprintf(stderr, "sipload: --uac source %u: %s\n", i, strerror(-err));
            return err;
        }
    }
    err = load_sock_open(l, &l->uas, &l->opt.uas);
    if (err) {
        fprintf(stderr, "sipload: --uas: %s\n", strerror(-err));
        return err;
    }
    if (l->opt.flood_rate > 0 && (err = load_sock_open(l, &l->flood, &l->opt.flood_src))) {
        fprintf(stderr, "sipload: --unknown: %s\n", strerror(-err));
        return err;
    }
    return uas_init(l);
}

static int setup(struct load *l)
{
    struct sigaction sa = {.sa_handler = on_signal};
    cpu_set_t set;

    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    if (getrandom(&l->run, sizeof l->run, 0) != sizeof l->run)
        return -EIO;
    if (l->opt.cpu >= 0) {
        CPU_ZERO(&set);
        CPU_SET((size_t)l->opt.cpu, &set);
        if (sched_setaffinity(0, sizeof set, &set))
            fprintf(stderr, "sipload: --cpu %d: %s\n", l->opt.cpu, strerror(errno));
    }
    load_clock(l);
    l->wheel.tick = l->now;
    return sockets(l);
}

static void write_json(const struct load *l, const struct load_report *r)
{
    FILE *f = fopen(l->opt.json, "we");

    if (!f || load_json(l, r, f))
        fprintf(stderr, "sipload: %s: %s\n", l->opt.json, strerror(errno));
    if (f)
        fclose(f);
}

static int run(struct load *l, struct load_report *r)
{
    procs_read(l, r->empty);
    if (l->opt.standing)
        standing_up(l);
    if (l->opt.step_search)
        printf("best       %.0f cps\n", search(l, r));
    else
        measure(l, l->opt.rate, r);
    if (l->opt.standing)
        standing_down(l);
    uac_abandon(l, true);
    load_print(l, r);
    if (l->opt.json)
        write_json(l, r);
    return l->stat.measured.failed || l->stat.standing.failed || l->stat.emergency.failed ||
           load_odd_total(&l->stat) || is_interrupted;
}

int main(int argc, char **argv)
{
    static struct load l; /* zeroed; 300 KiB of wheel and histograms */
    static struct load_report r;

    if (load_options(argc, argv, &l.opt)) {
        load_usage(stderr);
        return 2;
    }
    if (setup(&l))
        return 2;
    return run(&l, &r);
}
