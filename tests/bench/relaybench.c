/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one packet costs the relay: starts tandem-media with one packet thread, opens sessions, sends G.711-sized RTP through
 * them over loopback and divides the relay's CPU time by the packets it forwarded. Prints one line; run by hand.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/log.h"
#include "media/media.h"

#define PORT_LO   26000
#define SESSIONS  900U /* two pairs each, below 30000 */
#define BATCH     32
#define BYTES     172     /* 20 ms of G.711 with its header: 200 bytes of IP */
#define LAT_SLOTS 100000U /* of 1 us */

struct bench {
    struct event_base *base;
    struct clock clock;
    struct timers *timers;
    struct media *media;
    struct addr to[SESSIONS];
    unsigned n, n_open, n_failed;
    int in, out;
    struct addr out_addr;
    _Atomic int is_over;
    _Atomic uint64_t received;
    uint32_t latency[LAT_SLOTS];
    int n_reports;
    struct media_relay_reply report; /* without its pools */
};

static struct bench b;

static void die(const char *what)
{
    fprintf(stderr, "relaybench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int udp(struct addr *a)
{
    int size = 8 << 20;
    struct sockaddr_storage ss;
    socklen_t len;
    int fd;

    if (addr_parse(SPAN("127.0.0.1:0"), 0, a) < 0)
        die("address");
    len = addr_to_sockaddr(a, &ss);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&ss, len) < 0)
        die("socket");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    len = sizeof(ss);
    getsockname(fd, (struct sockaddr *)&ss, &len);
    if (addr_from_sockaddr((struct sockaddr *)&ss, a) < 0)
        die("address");
    return fd;
}

static void on_open(void *arg, const struct media_result *res)
{
    unsigned i = (unsigned)(uintptr_t)arg;

    b.n_open++;
    if (res->status == 0)
        b.to[i] = res->ep[0].local;
    else
        b.n_failed++;
}

static void open_one(unsigned i)
{
    struct media_op op[3];
    struct media_open o = {
        .ref = {media_session_new(b.media), MEDIA_INDEX_NONE}, .op = op, .n_ops = 3};

    memset(op, 0, sizeof(op));
    for (unsigned k = 0; k < 2; k++) {
        op[k].kind = MEDIA_OP_ADD;
        op[k].ep.pool = media_pool_id("main");
        op[k].ep.endpoint = (uint8_t)k;
        op[k].ep.family = 4;
        op[k].ep.direction = MEDIA_DIR_BOTH;
        op[k].ep.dscp = 46;
        op[k].ep.inactivity_ms = 60000;
    }
    op[1].ep.remote = b.out_addr;
    op[2].kind = MEDIA_OP_CONNECT;
    op[2].peer = 1;
    media_open(b.media, &o, on_open, (void *)(uintptr_t)i);
}

static void on_report(void *arg, int status, const struct media_relay_reply *r)
{
    (void)arg;
    if (status == 0)
        b.report = *r;
    b.n_reports++;
}

static void turn(void)
{
    clock_update(&b.clock);
    event_base_loop(b.base, EVLOOP_ONCE);
}

static void get_report(void)
{
    int want = b.n_reports + 1;

    media_query_relay(b.media, on_report, NULL);
    while (b.n_reports < want)
        turn();
}

/* utime + stime of the relay [ns], in clock ticks of 10 ms. */
static uint64_t cpu_ns(pid_t pid)
{
    char path[64], line[1024];
    unsigned long ut = 0, st = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    f = fopen(path, "re");
    if (!f || !fgets(line, sizeof(line), f))
        die(path);
    fclose(f);
    if (sscanf(line, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &ut, &st) != 2)
        die(path);
    return (uint64_t)(ut + st) * (1000000000U / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void *sink(void *arg)
{
    static uint8_t buf[BATCH][2048];
    struct iovec v[BATCH];
    struct mmsghdr m[BATCH];
    struct pollfd pf = {.fd = b.out, .events = POLLIN};

    (void)arg;
    memset(m, 0, sizeof(m));
    for (unsigned i = 0; i < BATCH; i++) {
        v[i] = (struct iovec){buf[i], sizeof(buf[i])};
        m[i].msg_hdr.msg_iov = &v[i];
        m[i].msg_hdr.msg_iovlen = 1;
    }
    while (!atomic_load(&b.is_over)) {
        int n = poll(&pf, 1, 50) > 0 ? recvmmsg(b.out, m, BATCH, MSG_DONTWAIT, NULL) : 0;
        uint64_t now = clock_now_ns();

        for (int i = 0; i < n; i++) {
            uint64_t sent, us;

            memcpy(&sent, buf[i] + 12, sizeof(sent));
            us = (now - sent) / 1000;
            b.latency[us < LAT_SLOTS ? us : LAT_SLOTS - 1]++;
        }
        if (n > 0)
            atomic_fetch_add(&b.received, (uint64_t)n);
    }
    return NULL;
}

/* Every session in turn; pps 0: as fast as this thread can. */
static uint64_t send_all(unsigned pps, unsigned seconds)
{
    uint64_t start = clock_now_ns(), end = start + seconds * 1000000000ULL, now, sent = 0;
    static uint16_t seq[SESSIONS];
    uint8_t p[BYTES] = {0x80, 0};
    struct sockaddr_storage ss;
    socklen_t len;

    while ((now = clock_now_ns()) < end) {
        unsigned i = (unsigned)(sent % b.n);

        if (pps && sent * 1000000000ULL / pps > now - start) {
            struct timespec ts = {0, 100000};

            clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
            continue;
        }
        seq[i]++;
        p[2] = (uint8_t)(seq[i] >> 8);
        p[3] = (uint8_t)seq[i];
        memcpy(p + 12, &now, sizeof(now));
        len = addr_to_sockaddr(&b.to[i], &ss);
        if (sendto(b.in, p, sizeof(p), 0, (struct sockaddr *)&ss, len) > 0)
            sent++;
    }
    return sent;
}

static unsigned percentile(double share)
{
    uint64_t all = 0, sum = 0;
    unsigned i;

    for (i = 0; i < LAT_SLOTS; i++)
        all += b.latency[i];
    for (i = 0; i < LAT_SLOTS && (double)sum < share * (double)all; i++)
        sum += b.latency[i];
    return i;
}

static void start_client(const char *path)
{
    struct addr ip;
    struct media_pool_conf pool = {.name = "main",
                                   .addr = &ip,
                                   .n_addrs = 1,
                                   .port_lo = PORT_LO,
                                   .port_hi = PORT_LO + 4 * SESSIONS - 1};
    struct media_param p = {.socket_path = path, .node = "bench", .epoch = 1};

    b.base = event_base_new();
    clock_init(&b.clock);
    b.timers = timers_new(b.base, &b.clock);
    p.base = b.base;
    p.timers = b.timers;
    log_set_level(LOG_ERROR);
    b.media = media_new(&p);
    if (!b.media || addr_parse_ip(SPAN("127.0.0.1"), &ip) < 0 ||
        media_set_pools(b.media, &pool, 1, 1) < 0)
        die("client");
    while (!media_is_up(b.media))
        turn();
}

static void measure(pid_t pid, unsigned pps, unsigned seconds)
{
    struct media_relay_reply before;
    uint64_t cpu, sent, packets, start;
    pthread_t t;

    b.in = udp(&(struct addr){0});
    b.out = udp(&b.out_addr);
    start = clock_now_ns();
    for (unsigned i = 0; i < b.n; i++)
        open_one(i);
    while (b.n_open < b.n)
        turn();
    printf("opened=%u failed=%u us_per_open=%.1f\n", b.n, b.n_failed,
           (double)(clock_now_ns() - start) / 1000 / b.n);
    get_report();
    before = b.report;
    cpu = cpu_ns(pid);
    if (pthread_create(&t, NULL, sink, NULL) != 0)
        die("thread");
    sent = send_all(pps, seconds);
    cpu = cpu_ns(pid) - cpu;
    get_report();
    atomic_store(&b.is_over, 1);
    pthread_join(t, NULL);
    packets = b.report.packets_out - before.packets_out;
    printf("sessions=%u pps_sent=%llu pps_forwarded=%llu cpu_percent=%.0f ns_per_packet=%.0f "
           "p50_us=%u p99_us=%u received=%llu\n",
           b.n, (unsigned long long)(sent / seconds), (unsigned long long)(packets / seconds),
           (double)cpu / 1e7 / seconds, packets ? (double)cpu / (double)packets : 0.0,
           percentile(0.5), percentile(0.99), (unsigned long long)b.received);
}

int main(int argc, char **argv)
{
    char path[64];
    pid_t pid;

    if (argc < 5) {
        fprintf(stderr, "usage: relaybench TANDEM-MEDIA SESSIONS PPS SECONDS   (PPS 0: as fast as "
                        "one sender can)\n");
        return 2;
    }
    b.n = (unsigned)strtoul(argv[2], NULL, 10);
    if (b.n < 1 || b.n > SESSIONS)
        die("1..900 sessions");
    snprintf(path, sizeof(path), "/tmp/td-relaybench-%d.sock", (int)getpid());
    pid = fork();
    if (pid == 0) {
        execl(argv[1], argv[1], "--socket", path, "--threads", "1", (char *)NULL);
        _exit(127);
    }
    start_client(path);
    measure(pid, (unsigned)strtoul(argv[3], NULL, 10), (unsigned)strtoul(argv[4], NULL, 10));
    media_free(b.media);
    /* two that come close together are one */
    while (kill(pid, SIGTERM), waitpid(pid, NULL, WNOHANG) == 0)
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, 20000000}, NULL);
    timers_free(b.timers);
    event_base_free(b.base);
    return b.n_failed != 0;
}
