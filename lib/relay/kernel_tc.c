/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One program at the ingress of an interface, by clsact: kernel 6.1 has no link for it, so the filter's handle is its name.
 * kernel_setup.c calls it; it knows no pins.
 */
#include "relay/kernel_tc.h"

#ifdef HAVE_EBPF

#include <bpf/libbpf.h>
#include <errno.h>

/* "td"; before filters of others, which begin at 49152 unless told otherwise */
#define HANDLE   0x7464U
#define PRIORITY 7U

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
    if (with_qdisc) {
        hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
        (void)bpf_tc_hook_destroy(&hook);
    }
}

#endif
