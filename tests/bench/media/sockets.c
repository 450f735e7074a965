/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least that a relay by sockets can be: `ports` epoll, recv and send on a socket for each port; `one` recvmmsg and sendmmsg on one
 * socket that gets everything; `packet` the same, out by AF_PACKET. No check, no statistics. Stays until standard input closes.
 */
#include "mbench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/types.h>
#include "wire.h"

#define BATCH  64
#define BUFFER 2048

/* A port of ours that gets a party's packets, and what becomes of them. */
struct port {
    int fd;
    struct port *out; /* whose socket sends them on */
    struct sockaddr_in to;
};

struct options {
    const char *netns, *kind, *path;
    char device[2][IF_NAMESIZE];
    uint8_t own[2][6], peer[2][6];
};

static int port_open(uint32_t addr, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = addr};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int room = 16 << 20;

    if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0) {
        fprintf(stderr, "mbench: port %u: %s\n", ntohs(port), strerror(errno));
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    return fd;
}

/* Asked once in a while: a system call a turn would be part of what is measured. */
static bool is_over(void)
{
    static unsigned turn;
    char c;

    return turn++ % 256 == 0 && read(STDIN_FILENO, &c, 1) == 0;
}

static void ready(void)
{
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    puts("ready");
    fflush(stdout);
}

/* The port of the other direction of the same call: its socket has the address that packets go out from. */
static struct port *port_of(struct port *port, const struct bench_flows *flows, uint32_t addr,
                            uint16_t number)
{
    for (unsigned i = 0; i < flows->n; i++) {
        if (flows->flow[i].daddr == addr && flows->flow[i].dport == number)
            return &port[i];
    }
    return NULL;
}

static int ports_run(const struct bench_flows *flows)
{
    struct port *port = calloc(flows->n, sizeof(*port));
    struct epoll_event ev[256];
    char data[BUFFER];
    int ep = epoll_create1(EPOLL_CLOEXEC);

    if (!port || ep < 0)
        return 1;
    for (unsigned i = 0; i < flows->n; i++) {
        const struct bench_flow *f = &flows->flow[i];
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &port[i]};

        port[i].fd = port_open(f->daddr, f->dport);
        if (port[i].fd < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, port[i].fd, &e) < 0)
            return 1;
        /* the driver writes both directions of a call one behind the other */
        port[i].out = &port[i ^ 1U];
        if (flows->flow[i ^ 1U].dport != f->out_sport)
            port[i].out = port_of(port, flows, f->out_saddr, f->out_sport);
        port[i].to = (struct sockaddr_in){AF_INET, f->out_dport, {f->out_daddr}, {0}};
    }
    ready();
    while (!is_over()) {
        int n = epoll_wait(ep, ev, 256, 100);

        for (int i = 0; i < n; i++) {
            struct port *p = ev[i].data.ptr;
            ssize_t len = recv(p->fd, data, sizeof(data), 0);

            if (len > 0)
                sendto(p->out->fd, data, (size_t)len, 0, (struct sockaddr *)&p->to, sizeof(p->to));
        }
    }
    return 0;
}

struct batch {
    struct mmsghdr in[BATCH], out[BATCH];
    struct iovec in_vec[BATCH], out_vec[BATCH];
    struct sockaddr_in from[BATCH];
    struct sockaddr_ll ll[BATCH];
    uint8_t data[BATCH][BUFFER];
};

/* All that comes to one port of ours goes to one party: the first flow of the file says where. */
static int one_run(const struct bench_flows *flows, const struct options *o)
{
    const struct bench_flow *f[2] = {NULL, NULL};
    struct batch *b = calloc(1, sizeof(*b));
    int fd[2], packet = -1, ep = epoll_create1(EPOLL_CLOEXEC);
    bool by_packet = strcmp(o->kind, "packet") == 0;
    struct epoll_event ev[2];

    for (unsigned i = 0; i < flows->n; i++)
        f[flows->flow[i].side == 'b'] = &flows->flow[i];
    if (!b || ep < 0 || !f[0] || !f[1])
        return 1;
    if (by_packet)
        packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    for (unsigned k = 0; k < 2; k++) {
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = k};

        fd[k] = port_open(f[k]->daddr, f[k]->dport);
        if (fd[k] < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd[k], &e) < 0)
            return 1;
    }
    for (unsigned i = 0; i < BATCH; i++) {
        b->in_vec[i] = (struct iovec){b->data[i] + 42, BUFFER - 42};
        b->in[i].msg_hdr = (struct msghdr){.msg_iov = &b->in_vec[i], .msg_iovlen = 1};
        b->out[i].msg_hdr = (struct msghdr){.msg_iov = &b->out_vec[i], .msg_iovlen = 1};
    }
    ready();
    while (!is_over()) {
        int n = epoll_wait(ep, ev, 2, 100);

        for (int i = 0; i < n; i++) {
            unsigned k = ev[i].data.u32, other = 1 - k;
            struct sockaddr_in to = {AF_INET, f[k]->out_dport, {f[k]->out_daddr}, {0}};
            struct sockaddr_ll ll = {
                .sll_family = AF_PACKET, .sll_halen = 6, .sll_protocol = htons(ETH_P_IP)};
            int got = recvmmsg(fd[k], b->in, BATCH, MSG_DONTWAIT, NULL);

            ll.sll_ifindex = by_packet ? (int)if_nametoindex(o->device[other]) : 0;
            for (int m = 0; m < got; m++) {
                uint8_t *p = b->data[m];
                uint16_t len = (uint16_t)b->in[m].msg_len;
                uint32_t sum = 0;

                if (!by_packet) {
                    b->out_vec[m] = (struct iovec){p + 42, len};
                    b->out[m].msg_hdr.msg_name = &to;
                    b->out[m].msg_hdr.msg_namelen = sizeof(to);
                    continue;
                }
                memcpy(p, o->peer[other], 6);
                memcpy(p + 6, o->own[other], 6);
                memcpy(p + 12, "\x08\x00\x45\x00", 4);
                *(uint16_t *)(void *)(p + 16) = htons((uint16_t)(len + 28));
                memcpy(p + 18, "\0\0\x40\0\x40\x11\0\0", 8);
                memcpy(p + 26, &f[k]->out_saddr, 4);
                memcpy(p + 30, &f[k]->out_daddr, 4);
                for (unsigned w = 14; w < 34; w += 2)
                    sum += *(uint16_t *)(void *)(p + w);
                sum = (sum & 0xffff) + (sum >> 16);
                *(uint16_t *)(void *)(p + 24) = (uint16_t) ~(sum + (sum >> 16));
                memcpy(p + 34, &f[k]->out_sport, 2);
                memcpy(p + 36, &f[k]->out_dport, 2);
                *(uint16_t *)(void *)(p + 38) = htons((uint16_t)(len + 8));
                memcpy(p + 40, "\0\0", 2);
                b->out_vec[m] = (struct iovec){p, len + 42U};
                b->out[m].msg_hdr.msg_name = &ll;
                b->out[m].msg_hdr.msg_namelen = sizeof(ll);
            }
            if (got > 0)
                sendmmsg(by_packet ? packet : fd[other], b->out, (unsigned)got, MSG_DONTWAIT);
        }
    }
    return 0;
}

static int end_option(struct options *o, unsigned k, const char *text)
{
    char own[32], peer[32];

    if (sscanf(text, "%15[^:]:%31[^:]:%31s", o->device[k], own, peer) != 3)
        return -EINVAL;
    return mac_read(own, o->own[k]) < 0 ? -EINVAL : mac_read(peer, o->peer[k]);
}

int sockets_main(int argc, char **argv)
{
    static const struct option options[] = {
        {"netns", required_argument, NULL, 'n'}, {"kind", required_argument, NULL, 'k'},
        {"a", required_argument, NULL, 'a'},     {"b", required_argument, NULL, 'b'},
        {"flows", required_argument, NULL, 'f'}, {NULL, 0, NULL, 0},
    };
    struct bench_flows flows = {0};
    struct options o = {.kind = "ports"};
    int c, bad = 0;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'n': o.netns = optarg; break;
        case 'k': o.kind = optarg; break;
        case 'a': bad |= end_option(&o, 0, optarg); break;
        case 'b': bad |= end_option(&o, 1, optarg); break;
        case 'f': o.path = optarg; break;
        default: bad = -1; break;
        }
    }
    if (bad || !o.netns || !o.path) {
        fputs(
            "usage: mbench sockets --netns NAME --kind ports|one|packet --a DEVICE:MAC:PEERMAC --b … --flows FILE\n",
            stderr);
        return 2;
    }
    if (netns_enter(o.netns) < 0 || flows_read(o.path, &flows) < 0)
        return 1;
    return strcmp(o.kind, "ports") == 0 ? ports_run(&flows) : one_run(&flows, &o);
}
