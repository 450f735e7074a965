/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both parties of many calls in one process: sends RTP from sockets in one network namespace and another, and judges each packet that comes.
 * tests/netns/netns.py drives it by lines on standard input. It shares nothing with lib/: an independent witness.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MAGIC      0x54643035U
#define HEADER     12U
#define MARK       24U /* magic, stream, counter, padding, time */
#define EVENT      4U  /* telephone-event before the mark */
#define BYTES_MAX  2048U
#define WINDOW     4096U     /* packets of a stream in which a duplicate is recognised */
#define BEHIND_NS  50000000U /* a sender that late does not catch up: it would make a burst */
#define DRAIN_NS   400000000U
#define LATE_NS    3000000000U /* while something is missing: a relay without a processor has it yet */
#define LATENCY_US 200000U

/* One party of one call: what it sends, and what it hears of the other. */
struct party {
    struct sockaddr_storage peer; /* the relay's address for it */
    socklen_t peer_len;
    int fd;
    uint32_t id; /* 2 * call + side */
    uint32_t ssrc, timestamp;
    uint16_t seq;
    uint32_t sent;        /* of it, counted from 0 */
    uint32_t base;        /* counter of the other from which loss counts */
    uint32_t next;        /* highest counter that came, and 1 */
    uint32_t unique;      /* since base */
    uint32_t overflowed;  /* lost by its own socket for want of room, before base */
    uint64_t sent_ns;     /* when it sent last */
    uint64_t last_ns;     /* when the last came */
    uint64_t longest_ns;  /* between two */
    uint32_t events_left; /* packets of a telephone-event to be sent */
    uint16_t event_duration;
    uint8_t seen[WINDOW / 8];
};

struct rtpflow {
    struct party *party;
    unsigned n;
    unsigned pps, bytes, pt, event_pt, only; /* only: 0 both, 1 a, 2 b */
    bool is_paused, is_over;
    uint64_t start_ns, next_n;
    uint64_t slept_ns; /* longest that a party said nothing, for want of a processor */
    uint64_t sent, send_errors, received, duplicated, reordered, foreign, wrong_source, corrupt;
    uint64_t events_sent, events_received;
    uint32_t latency[LATENCY_US + 1];
    int epoll, clock;
};

static struct rtpflow t;

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static void put32(uint8_t *p, uint32_t v)
{
    v = htonl(v);
    memcpy(p, &v, 4);
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return ntohl(v);
}

/* ---- what is sent ---------------------------------------------------------------------------------------------- */

static void send_one(struct party *y, uint64_t now)
{
    uint8_t b[BYTES_MAX];
    bool is_event = y->events_left > 0;
    unsigned at = HEADER + (is_event ? EVENT : 0);
    unsigned len = is_event ? at + MARK : t.bytes;

    memset(b, 0, HEADER + EVENT);
    b[0] = 0x80;
    b[1] = (uint8_t)(is_event ? t.event_pt : t.pt);
    b[2] = (uint8_t)(y->seq >> 8);
    b[3] = (uint8_t)y->seq;
    put32(b + 4, y->timestamp);
    put32(b + 8, y->ssrc);
    if (is_event) {
        /* one digit: the timestamp is that of its beginning, the last three say that it is over (RFC 4733) */
        y->event_duration = (uint16_t)(y->event_duration + (y->events_left >= 3 ? 160 : 0));
        b[HEADER] = 5;
        b[HEADER + 1] = (uint8_t)(y->events_left <= 3 ? 0x8a : 10);
        b[HEADER + 2] = (uint8_t)(y->event_duration >> 8);
        b[HEADER + 3] = (uint8_t)y->event_duration;
        y->events_left--;
        t.events_sent++;
    }
    put32(b + at, MAGIC);
    put32(b + at + 4, y->id);
    put32(b + at + 8, y->sent);
    put32(b + at + 12, 0);
    memcpy(b + at + 16, &now, 8);
    for (unsigned i = at + MARK; i < len; i++)
        b[i] = (uint8_t)(y->sent + i);
    y->seq++;
    if (y->events_left == 0) {
        y->timestamp += 8000 / t.pps + y->event_duration;
        y->event_duration = 0;
    }
    if (y->sent_ns && now - y->sent_ns > t.slept_ns)
        t.slept_ns = now - y->sent_ns;
    y->sent_ns = now;
    y->sent++;
    t.sent++;
    if (sendto(y->fd, b, len, 0, (struct sockaddr *)&y->peer, y->peer_len) < 0)
        t.send_errors++;
}

static void send_due(void)
{
    uint64_t now = now_ns();
    uint64_t step = 1000000000U / ((uint64_t)t.pps * t.n);

    if (t.is_paused)
        return;
    if (now > t.start_ns + t.next_n * step + BEHIND_NS)
        t.start_ns = now - t.next_n * step;
    while (t.start_ns + t.next_n * step <= now) {
        struct party *y = &t.party[t.next_n++ % t.n];

        if (t.only == 0 || t.only == (y->id & 1) + 1)
            send_one(y, now_ns());
    }
}

/* ---- what is heard --------------------------------------------------------------------------------------------- */

static bool is_same_source(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family)
        return false;
    if (a->ss_family == AF_INET) {
        const struct sockaddr_in *x = (const void *)a, *y = (const void *)b;

        return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
    } else {
        const struct sockaddr_in6 *x = (const void *)a, *y = (const void *)b;

        return x->sin6_port == y->sin6_port && memcmp(&x->sin6_addr, &y->sin6_addr, 16) == 0;
    }
}

static void count_order(struct party *y, uint32_t n)
{
    uint8_t bit = (uint8_t)(1U << (n & 7));
    uint8_t *byte = &y->seen[n % WINDOW / 8];

    if (n >= y->next) {
        for (uint32_t i = y->next; i < n && i < y->next + WINDOW; i++)
            y->seen[i % WINDOW / 8] &= (uint8_t) ~(1U << (i & 7));
        y->next = n + 1;
    } else if (*byte & bit) {
        t.duplicated++;
        return;
    } else {
        t.reordered++;
    }
    *byte |= bit;
    if (n >= y->base)
        y->unique++;
}

static void judge(struct party *y, const uint8_t *b, unsigned len,
                  const struct sockaddr_storage *from, uint64_t now)
{
    bool is_event = len > HEADER && (b[1] & 0x7f) == t.event_pt;
    unsigned at = HEADER + (is_event ? EVENT : 0);
    uint64_t when;

    if (len < at + MARK || get32(b + at) != MAGIC || get32(b + at + 4) != (y->id ^ 1)) {
        t.foreign++;
        return;
    }
    if (!is_same_source(from, &y->peer)) {
        t.wrong_source++;
        return;
    }
    memcpy(&when, b + at + 16, 8);
    for (unsigned i = at + MARK; i < len; i++) {
        if (b[i] != (uint8_t)(get32(b + at + 8) + i)) {
            t.corrupt++;
            return;
        }
    }
    if ((!is_event && len != t.bytes) || get32(b + 8) != t.party[y->id ^ 1].ssrc)
        t.corrupt++;
    t.received++;
    t.events_received += is_event;
    t.latency[(now - when) / 1000 < LATENCY_US ? (now - when) / 1000 : LATENCY_US]++;
    if (y->last_ns && now - y->last_ns > y->longest_ns)
        y->longest_ns = now - y->last_ns;
    y->last_ns = now;
    count_order(y, get32(b + at + 8));
}

static void hear(struct party *y)
{
    uint8_t b[BYTES_MAX];
    struct sockaddr_storage from;
    socklen_t len;
    ssize_t n;

    for (;;) {
        len = sizeof(from);
        n = recvfrom(y->fd, b, sizeof(b), MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &len);
        if (n < 0 && errno == ECONNREFUSED)
            continue;
        if (n < 0)
            return;
        if (n > 0 && b[0] < 2)
            continue; /* STUN: whoever asked looks for it himself */
        if (n > (ssize_t)sizeof(b))
            t.foreign++;
        else
            judge(y, b, (unsigned)n, &from, now_ns());
    }
}

/* ---- report ---------------------------------------------------------------------------------------------------- */

static unsigned percentile(double share)
{
    uint64_t all = 0, sum = 0;
    unsigned i;

    for (i = 0; i <= LATENCY_US; i++)
        all += t.latency[i];
    for (i = 0; i < LATENCY_US; i++) {
        sum += t.latency[i];
        if ((double)sum >= share * (double)all)
            break;
    }
    return i;
}

/* What came to the party's socket while it was full. */
static uint32_t overflowed(const struct party *y)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof(info);

    (void)getsockopt(y->fd, SOL_SOCKET, SO_MEMINFO, info, &len);
    return info[SK_MEMINFO_DROPS];
}

static uint64_t missing(void)
{
    uint64_t lost = 0;

    for (unsigned i = 0; i < t.n; i++) {
        uint32_t expected = t.party[i ^ 1].sent - t.party[i].base;

        lost += expected > t.party[i].unique ? expected - t.party[i].unique : 0;
    }
    return lost;
}

static void report(bool is_drained)
{
    uint64_t lost = missing(), longest = 0, now = now_ns();
    unsigned silent = 0, full = 0;

    for (unsigned i = 0; i < t.n; i++) {
        struct party *y = &t.party[i];
        uint32_t expected = t.party[i ^ 1].sent - y->base;

        full += overflowed(y) - y->overflowed;
        if (y->longest_ns > longest)
            longest = y->longest_ns;
        if (y->last_ns && !is_drained && now - y->last_ns > longest)
            longest = now - y->last_ns;
        silent += expected > 0 && y->unique == 0;
    }
    printf(
        "{\"parties\":%u,\"sent\":%llu,\"received\":%llu,\"lost\":%llu,\"duplicated\":%llu,"
        "\"reordered\":%llu,\"foreign\":%llu,\"wrong_source\":%llu,\"corrupt\":%llu,"
        "\"send_errors\":%llu,\"overflowed\":%u,\"events_sent\":%llu,\"events_received\":%llu,\"silent\":%u,"
        "\"slept_ms\":%llu,\"longest_ms\":%llu,\"p50_us\":%u,\"p99_us\":%u}\n",
        t.n, (unsigned long long)t.sent, (unsigned long long)t.received, (unsigned long long)lost,
        (unsigned long long)t.duplicated, (unsigned long long)t.reordered,
        (unsigned long long)t.foreign, (unsigned long long)t.wrong_source,
        (unsigned long long)t.corrupt, (unsigned long long)t.send_errors, full,
        (unsigned long long)t.events_sent, (unsigned long long)t.events_received, silent,
        (unsigned long long)(t.slept_ns / 1000000), (unsigned long long)(longest / 1000000),
        percentile(0.5), percentile(0.99));
}

/* From here on: nothing lost, nothing late. */
static void mark(void)
{
    t.sent = t.received = t.duplicated = t.reordered = t.foreign = t.wrong_source = t.corrupt = 0;
    t.send_errors = t.events_sent = t.events_received = t.slept_ns = 0;
    memset(t.latency, 0, sizeof(t.latency));
    for (unsigned i = 0; i < t.n; i++) {
        t.party[i].base = t.party[i ^ 1].sent;
        t.party[i].unique = 0;
        t.party[i].overflowed = overflowed(&t.party[i]);
        t.party[i].longest_ns = 0;
        t.party[i].sent_ns = 0;
    }
}

/* ---- loop ------------------------------------------------------------------------------------------------------ */

static void turn(void)
{
    struct epoll_event ev[256];
    int n = epoll_wait(t.epoll, ev, 256, 100);

    for (int i = 0; i < n; i++) {
        if (ev[i].data.u64 < t.n)
            hear(&t.party[ev[i].data.u64]);
    }
    (void)!read(t.clock, &(uint64_t){0}, sizeof(uint64_t));
}

static void drain(void)
{
    bool was_paused = t.is_paused;
    uint64_t start = now_ns(), now = start;

    t.is_paused = true;
    for (; now < start + DRAIN_NS || (now < start + LATE_NS && missing() > 0); now = now_ns())
        turn();
    t.is_paused = was_paused;
    t.start_ns = now_ns();
    t.next_n = 0;
}

static void run_line(const char *line)
{
    unsigned n = 0;

    if (strcmp(line, "report") == 0) {
        drain();
        report(true);
        for (unsigned i = 0; i < t.n; i++)
            t.party[i].last_ns = 0; /* the pause was ours */
    } else if (strcmp(line, "peek") == 0) {
        report(false);
    } else if (strcmp(line, "mark") == 0) {
        drain();
        mark();
        for (unsigned i = 0; i < t.n; i++)
            t.party[i].last_ns = 0;
        puts("{}");
    } else if (strcmp(line, "pause") == 0 || strcmp(line, "go") == 0) {
        t.is_paused = line[0] == 'p';
        t.start_ns = now_ns();
        t.next_n = 0;
        puts("{}");
    } else if (sscanf(line, "dtmf %u", &n) == 1) {
        for (unsigned i = 0; i < t.n; i++)
            t.party[i].events_left = n;
        puts("{}");
    } else if (sscanf(line, "ssrc %u", &n) == 1 && n < t.n) {
        t.party[n].ssrc += 0x10000;
        puts("{}");
    } else if (strcmp(line, "quit") == 0) {
        t.is_over = true;
    } else {
        puts("{\"error\":\"unknown\"}");
    }
    fflush(stdout);
}

static void on_input(void)
{
    static char buf[4096];
    static size_t len;
    ssize_t n = read(STDIN_FILENO, buf + len, sizeof(buf) - 1 - len);
    char *eol;

    if (n <= 0) {
        t.is_over = true;
        return;
    }
    len += (size_t)n;
    buf[len] = 0;
    while ((eol = strchr(buf, '\n')) != NULL) {
        char line[4096];

        *eol = 0;
        snprintf(line, sizeof(line), "%s", buf);
        len -= (size_t)(eol + 1 - buf);
        memmove(buf, eol + 1, len + 1);
        run_line(line);
    }
}

/* ---- start ----------------------------------------------------------------------------------------------------- */

static bool address(const char *text, struct sockaddr_storage *out, socklen_t *len)
{
    char ip[64];
    const char *port = strrchr(text, ':');
    size_t n = port ? (size_t)(port - text) : 0;
    bool is_6 = text[0] == '[';
    struct sockaddr_in *in = (void *)out;
    struct sockaddr_in6 *in6 = (void *)out;

    if (n == 0 || n >= sizeof(ip))
        return false;
    snprintf(ip, sizeof(ip), "%.*s", (int)(is_6 ? n - 2 : n), text + is_6);
    memset(out, 0, sizeof(*out));
    if (is_6) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
        *len = sizeof(*in6);
        return inet_pton(AF_INET6, ip, &in6->sin6_addr) == 1;
    }
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
    *len = sizeof(*in);
    return inet_pton(AF_INET, ip, &in->sin_addr) == 1;
}

static bool party_open(struct party *y, const char *own, const char *peer)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = y->id};
    struct sockaddr_storage ss;
    socklen_t len;
    int size = 4 << 20; /* seconds of a stream, while we have no processor */

    if (!address(own, &ss, &len) || !address(peer, &y->peer, &y->peer_len))
        return false;
    y->fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (y->fd < 0 || bind(y->fd, (struct sockaddr *)&ss, len) < 0)
        return false;
    if (setsockopt(y->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
        setsockopt(y->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    y->ssrc = 0x51000000U + y->id;
    y->seq = (uint16_t)(65000 + y->id); /* so that each wraps soon */
    return epoll_ctl(t.epoll, EPOLL_CTL_ADD, y->fd, &ev) == 0;
}

static bool enter(const char *name)
{
    char path[128];
    int fd;
    bool ok;

    snprintf(path, sizeof(path), "/run/netns/%s", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ok = fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* All of one side, so that the namespace is entered once. */
static bool side_open(const char *map, unsigned side)
{
    char word[4][80];
    FILE *f = fopen(map, "re");
    bool ok = f != NULL;

    t.n = 0;
    while (ok && fscanf(f, "%79s %79s %79s %79s", word[0], word[1], word[2], word[3]) == 4) {
        struct party *more = side == 0 ? realloc(t.party, (t.n + 2) * sizeof(*more)) : t.party;

        ok = more != NULL;
        if (!ok)
            break;
        t.party = more;
        if (side == 0)
            memset(&t.party[t.n], 0, 2 * sizeof(*more));
        t.party[t.n + side].id = t.n + side;
        ok = party_open(&t.party[t.n + side], word[2 * side], word[2 * side + 1]);
        t.n += 2;
    }
    if (f)
        fclose(f);
    return ok && t.n > 0;
}

static bool start_clock(void)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = UINT64_MAX};
    struct itimerspec its = {{0, 1000000}, {0, 1000000}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    t.clock = fd;
    if (fd < 0 || timerfd_settime(fd, 0, &its, NULL) < 0 ||
        epoll_ctl(t.epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
        return false;
    return true;
}

static void loop(void)
{
    struct epoll_event ev[256];
    struct epoll_event in = {.events = EPOLLIN, .data.u64 = UINT64_MAX - 1};
    uint64_t ticks;

    epoll_ctl(t.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &in);
    t.start_ns = now_ns();
    while (!t.is_over) {
        int n = epoll_wait(t.epoll, ev, 256, 100);
        bool has_input = false;

        for (int i = 0; i < n; i++) {
            if (ev[i].data.u64 < t.n)
                hear(&t.party[ev[i].data.u64]);
            has_input |= ev[i].data.u64 == UINT64_MAX - 1;
        }
        if (has_input) {
            epoll_ctl(t.epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
            on_input();
            epoll_ctl(t.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &in);
        }
        if (read(t.clock, &ticks, sizeof(ticks)) == sizeof(ticks))
            send_due();
    }
}

int main(int argc, char **argv)
{
    struct rlimit lim = {20000, 20000};

    if (argc < 5) {
        fprintf(stderr, "usage: rtpflow NETNS-A NETNS-B MAP PPS [BYTES [PT [EVENT-PT [a|b]]]]\n");
        return 2;
    }
    t.pps = (unsigned)strtoul(argv[4], NULL, 10);
    t.bytes = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 172;
    t.pt = argc > 6 ? (unsigned)strtoul(argv[6], NULL, 10) : 0;
    t.event_pt = argc > 7 ? (unsigned)strtoul(argv[7], NULL, 10) : 101;
    t.only = argc > 8 ? (argv[8][0] == 'a' ? 1 : 2) : 0;
    setrlimit(RLIMIT_NOFILE, &lim);
    t.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (t.pps < 1 || t.pps > 8000 || t.bytes < HEADER + MARK || t.bytes > 1400 || !enter(argv[1]) ||
        !side_open(argv[3], 0) || !enter(argv[2]) || !side_open(argv[3], 1) || !start_clock()) {
        fprintf(stderr, "rtpflow: %s\n", strerror(errno));
        return 1;
    }
    puts("ready");
    fflush(stdout);
    loop();
    return 0;
}
