/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Throws packets at the relay's ports that no party has sent: strangers, wrong ports, second SSRCs, garbage, too long, in pieces.
 * tests/netns/cases_fast.py runs it as root in a party's network namespace. It shares nothing with lib/.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CALLS_MAX 4096U
#define BATCH     32U
#define LONG      3000U /* in three fragments of an Ethernet */

struct call {
    uint32_t ip, local_ip;
    uint16_t port, local_port;
};

#define KINDS(X)                                                         \
    X(third)    /* another address */                                    \
    X(port)     /* the party's address, another port */                  \
    X(ssrc)     /* as the party sends, but another SSRC */               \
    X(garbage)  /* as the party sends, but not RTP */                    \
    X(brief)    /* too short for RTP */                                  \
    X(large)    /* another address, as long as the wire takes */         \
    X(fragment) /* as the party sends, another SSRC, in two fragments */ \
    X(closed)   /* a media port that nobody uses */                      \
    X(length)   /* UDP says that it is longer than the packet */

enum kind {
#define ENUM(k) KIND_##k,
    KINDS(ENUM)
#undef ENUM
        KIND_N
};

static const char *const names[] = {
#define NAME(k) #k,
    KINDS(NAME)
#undef NAME
};

struct packet {
    struct iphdr ip;
    struct udphdr udp;
    uint8_t data[LONG];
} __attribute__((packed));

static struct call call[CALLS_MAX];
static unsigned n_calls;
static uint64_t sent[KIND_N];
static uint64_t random_state = 88172645463325252U;

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static uint32_t draw(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

static bool address(const char *text, uint32_t *ip, uint16_t *port)
{
    char host[64];
    unsigned p;
    struct in_addr in;

    if (sscanf(text, "%63[^:]:%u", host, &p) != 2 || inet_pton(AF_INET, host, &in) != 1)
        return false;
    *ip = in.s_addr;
    *port = htons((uint16_t)p);
    return true;
}

static bool calls_read(const char *map)
{
    char word[4][80];
    FILE *f = fopen(map, "re");
    bool ok = f != NULL;

    while (ok && n_calls < CALLS_MAX &&
           fscanf(f, "%79s %79s %79s %79s", word[0], word[1], word[2], word[3]) == 4) {
        struct call *c = &call[n_calls++];

        ok = address(word[0], &c->ip, &c->port) && address(word[1], &c->local_ip, &c->local_port);
    }
    if (f)
        fclose(f);
    return ok && n_calls > 0;
}

static uint32_t sum16(const void *data, size_t len, uint32_t sum)
{
    const uint8_t *p = data;

    for (size_t i = 0; i + 1 < len; i += 2)
        sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    if (len & 1)
        sum += (uint32_t)p[len - 1] << 8;
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

/* A packet of a kind at a call; its length as IP. */
static size_t make(struct packet *p, enum kind kind, const struct call *c)
{
    size_t len = kind == KIND_brief ? draw() % 12 : kind == KIND_large ? 1472 : 172;
    uint32_t sum;

    memset(p, 0, sizeof(p->ip) + sizeof(p->udp) + 16);
    p->data[0] = kind == KIND_garbage ? (uint8_t)(draw() & 0x7f) : 0x80;
    p->data[2] = (uint8_t)draw();
    p->data[3] = (uint8_t)draw();
    for (unsigned i = 4; i < len; i++)
        p->data[i] = (uint8_t)draw();
    p->ip.version = 4;
    p->ip.ihl = 5;
    p->ip.ttl = 64;
    p->ip.protocol = IPPROTO_UDP;
    p->ip.id = htons((uint16_t)draw());
    p->ip.saddr = kind == KIND_third || kind == KIND_large ? c->ip ^ htonl(0x40) : c->ip;
    p->ip.daddr = c->local_ip;
    p->ip.tot_len = htons((uint16_t)(28 + len));
    p->udp.source = kind == KIND_port ? htons((uint16_t)(ntohs(c->port) ^ 0x4001)) : c->port;
    p->udp.dest = c->local_port;
    if (kind == KIND_closed)
        p->udp.dest = htons((uint16_t)(ntohs(c->local_port) | 0x1000));
    p->udp.len = htons((uint16_t)(8 + len + (kind == KIND_length ? 400 : 0)));
    sum = sum16(&p->ip.saddr, 8, 17 + 8 + (uint32_t)len);
    p->udp.check = fold(sum16(&p->udp, 8 + len, sum));
    return 28 + len;
}

/* Two fragments: the first 64 bytes behind the IP header, and the rest. */
static void send_pieces(int fd, struct packet *p, size_t len, const struct sockaddr_in *to)
{
    uint8_t second[sizeof(struct packet)];
    struct iphdr *ip = (void *)second;

    memcpy(second, &p->ip, 20);
    memcpy(second + 20, (uint8_t *)p + 84, len - 84);
    p->ip.frag_off = htons(0x2000);
    p->ip.tot_len = htons(84);
    ip->frag_off = htons(64 / 8);
    ip->tot_len = htons((uint16_t)(len - 64));
    (void)sendto(fd, p, 84, 0, (const void *)to, sizeof(*to));
    if (sendto(fd, second, len - 64, 0, (const void *)to, sizeof(*to)) > 0)
        sent[KIND_fragment]++;
}

static void burst(int fd, uint32_t kinds)
{
    static struct packet p[BATCH];
    struct sockaddr_in to[BATCH];
    struct iovec vec[BATCH];
    struct mmsghdr m[BATCH];
    unsigned char what[BATCH];
    unsigned n = 0;
    int done;

    memset(m, 0, sizeof(m));
    memset(to, 0, sizeof(to));
    for (unsigned i = 0; i < BATCH; i++) {
        enum kind kind = draw() % KIND_N;
        const struct call *c = &call[draw() % n_calls];
        size_t len;

        if (!(kinds & 1U << kind))
            continue;
        to[n].sin_family = AF_INET;
        to[n].sin_addr.s_addr = c->local_ip;
        len = make(&p[n], kind, c);
        if (kind == KIND_fragment) {
            send_pieces(fd, &p[n], len, &to[n]);
            continue;
        }
        vec[n] = (struct iovec){&p[n], len};
        m[n].msg_hdr.msg_iov = &vec[n];
        m[n].msg_hdr.msg_iovlen = 1;
        m[n].msg_hdr.msg_name = &to[n];
        m[n].msg_hdr.msg_namelen = sizeof(to[n]);
        what[n++] = (unsigned char)kind;
    }
    done = n ? sendmmsg(fd, m, n, 0) : 0;
    for (int i = 0; i < done; i++)
        sent[what[i]]++;
}

static uint32_t kinds_of(const char *list)
{
    uint32_t kinds = 0;

    if (!list || strcmp(list, "all") == 0)
        return (1U << KIND_N) - 1;
    for (unsigned i = 0; i < KIND_N; i++) {
        const char *at = strstr(list, names[i]);

        kinds |= at ? 1U << i : 0;
    }
    return kinds;
}

static int open_socket(const char *netns)
{
    char path[128];
    int on = 1;
    int ns, fd;

    snprintf(path, sizeof(path), "/run/netns/%s", netns);
    ns = open(path, O_RDONLY | O_CLOEXEC);
    if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
        return -1;
    close(ns);
    fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (fd >= 0 && setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on)) < 0)
        return -1;
    return fd;
}

int main(int argc, char **argv)
{
    uint64_t start, now, n = 0;
    double seconds;
    unsigned long pps;
    uint32_t kinds;
    int fd;

    if (argc < 5) {
        fprintf(
            stderr,
            "usage: inject NETNS MAP PPS SECONDS [KIND,KIND…]   (PPS 0: as fast as one sender can)\n");
        return 2;
    }
    pps = strtoul(argv[3], NULL, 10);
    seconds = strtod(argv[4], NULL);
    kinds = kinds_of(argc > 5 ? argv[5] : NULL);
    fd = calls_read(argv[2]) ? open_socket(argv[1]) : -1;
    if (fd < 0) {
        fprintf(stderr, "inject: %s\n", strerror(errno));
        return 1;
    }
    start = now_ns();
    while ((now = now_ns()) < start + (uint64_t)(seconds * 1e9)) {
        if (pps && n * BATCH * 1000000000U / pps > now - start) {
            struct timespec ts = {0, 500000};

            clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
            continue;
        }
        burst(fd, kinds);
        n++;
    }
    putchar('{');
    for (unsigned i = 0; i < KIND_N; i++)
        printf("\"%s\":%llu,", names[i], (unsigned long long)sent[i]);
    printf("\"seconds\":%.3f}\n", (double)(now - start) / 1e9);
    return 0;
}
