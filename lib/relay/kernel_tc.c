/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One program at the ingress of an interface, by clsact: kernel 6.1 has no link for it, so the filter's handle is its name.
 * kernel_setup.c calls it; it knows no pins.
 */
#include "relay/kernel_tc.h"

#ifdef HAVE_EBPF

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* "td"; before filters of others, which begin at 49152 unless told otherwise */
#define HANDLE   0x7464U
#define PRIORITY 7U

#define REPLY_MAX 32768U /* of a dump: what the kernel puts into one message */

/* ---- are there filters of others? ------------------------------------------------------------------------------ */

/* @return 1 there is a filter; 0 the end, there was none; -EAGAIN more to come; other negative errno */
static int filters_in(const char *buf, size_t len)
{
    const struct nlmsghdr *h = (const void *)buf;

    for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
        if (h->nlmsg_type == NLMSG_DONE)
            return 0;
        if (h->nlmsg_type == NLMSG_ERROR)
            return -EIO;
        if (h->nlmsg_type == RTM_NEWTFILTER)
            return 1;
    }
    return -EAGAIN;
}

static int filters_at(int fd, uint32_t ifindex, uint32_t parent)
{
    struct {
        struct nlmsghdr h;
        struct tcmsg t;
    } ask = {
        .h = {.nlmsg_len = sizeof(ask),
              .nlmsg_type = RTM_GETTFILTER,
              .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .t = {.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)ifindex, .tcm_parent = parent},
    };
    _Alignas(struct nlmsghdr) char buf[REPLY_MAX];
    int found = -EAGAIN;

    if (send(fd, &ask, sizeof(ask), 0) < 0)
        return -errno;
    while (found == -EAGAIN) {
        ssize_t n = recv(fd, buf, sizeof(buf), 0);

        found = n < 0 ? -errno : filters_in(buf, (size_t)n);
        if (n < 0 && found == -EAGAIN)
            found = -ETIMEDOUT;
    }
    return found;
}

bool kernel_tc_is_empty(uint32_t ifindex)
{
    static const uint32_t parent[] = {TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
                                      TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)};
    const struct timeval limit = {.tv_sec =
                                      1}; /* the kernel answers at once, or something is wrong */
    bool is_empty = true;

    for (unsigned i = 0; i < 2 && is_empty; i++) {
        /* its own: what is left of a dump that was not read to its end goes with it */
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

        if (fd < 0)
            return false;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        is_empty = filters_at(fd, ifindex, parent[i]) == 0;
        close(fd);
    }
    return is_empty;
}

/* ---- ours ------------------------------------------------------------------------------------------------------ */

uint32_t kernel_tc_query(uint32_t ifindex)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY);

    return bpf_tc_query(&hook, &opts) == 0 ? opts.prog_id : 0;
}

int kernel_tc_attach(uint32_t ifindex, int prog_fd, bool *made_qdisc)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY, .prog_fd = prog_fd,
                .flags = BPF_TC_F_REPLACE);
    int err = bpf_tc_hook_create(&hook);

    if (err < 0 && err != -EEXIST)
        return err;
    *made_qdisc = err == 0;
    return bpf_tc_attach(&hook, &opts);
}

void kernel_tc_detach(uint32_t ifindex, bool with_qdisc)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY);

    (void)bpf_tc_detach(&hook, &opts);
    if (with_qdisc && kernel_tc_is_empty(ifindex)) {
        hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
        (void)bpf_tc_hook_destroy(&hook);
    }
}

#endif
