/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs of the media path loaded for a test that runs them by BPF_PROG_TEST_RUN, their maps as the relay has them, and a
 * builder of frames that computes every checksum from nothing, so that what the program made is compared with what should be.
 */
#ifndef TESTS_UNIT_BPF_RIG_H
#define TESTS_UNIT_BPF_RIG_H

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <relay.skel.h>
#include "relay/kernel.h"

#define RIG_LINES 4096U
#define RIG_FRAME 2048U

struct rig {
    struct relay_bpf *skel;
    struct kernel *k;
    char dir[64];
    bool has_btf;
};

static int rig_quiet(enum libbpf_print_level level, const char *format, va_list ap)
{
    return level == LIBBPF_WARN ? vfprintf(stderr, format, ap) : 0;
}

/* @return 0, or 77 with the reason printed */
static int rig_open(struct rig *r)
{
    char reason[KERNEL_REASON_LEN];
    int err;

    snprintf(r->dir, sizeof(r->dir), "/tmp/test_relay_bpf_XXXXXX");
    if (geteuid() != 0) {
        puts("SKIP: loading programs needs root");
        return 77;
    }
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        !mkdtemp(r->dir) || mount("bpf", r->dir, "bpf", 0, NULL) < 0) {
        printf("SKIP: no BPF file system of its own: %s\n", strerror(errno));
        return 77;
    }
    libbpf_set_print(rig_quiet);
    r->skel = relay_bpf__open();
    if (!r->skel)
        return 1;
    bpf_map__set_max_entries(r->skel->maps.lines, RIG_LINES);
    r->has_btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
    bpf_program__set_autoload(r->skel->progs.tx_refused, r->has_btf);
    bpf_program__set_autoload(r->skel->progs.redirect_refused, r->has_btf);
    err = relay_bpf__load(r->skel);
    if (err == -EPERM) {
        puts("SKIP: the kernel loads no programs here");
        return 77;
    }
    if (err < 0 || bpf_object__pin_maps(r->skel->obj, r->dir) < 0)
        return 1;
    struct maps_about about = {.version = MAPS_VERSION, .lines = RIG_LINES};
    uint32_t zero = 0;
    if (bpf_map_update_elem(bpf_map__fd(r->skel->maps.about), &zero, &about, BPF_ANY) < 0)
        return 1;
    err = kernel_open(r->dir, &r->k, reason);
    if (err < 0)
        printf("%s\n", reason);
    return err < 0 ? 1 : 0;
}

static void rig_close(struct rig *r)
{
    kernel_free(r->k);
    bpf_object__unpin_maps(r->skel->obj, r->dir);
    relay_bpf__destroy(r->skel);
    umount2(r->dir, MNT_DETACH);
    rmdir(r->dir);
}

/* @return the program's verdict; what it left is in out */
static int rig_run(int fd, const uint8_t *in, size_t len, uint8_t *out, size_t *out_len)
{
    LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in, .data_size_in = (uint32_t)len, .data_out = out,
                .data_size_out = RIG_FRAME, .repeat = 1);

    if (bpf_prog_test_run_opts(fd, &o) < 0)
        return -errno;
    *out_len = o.data_size_out;
    return (int)o.retval;
}

/* --- frames ------------------------------------------------------------------------------------------------------------ */

struct frame {
    uint8_t dmac[6], smac[6];
    uint16_t vlan; /* 0: untagged */
    bool is_6;
    uint8_t src[16], dst[16]; /* IPv4 in the first four */
    uint16_t sport, dport;
    uint8_t tos, ttl;
    uint16_t id, frag; /* IPv4 */
    bool has_no_sum;
    const uint8_t *payload;
    size_t len;
    size_t padding; /* behind IP */
};

static uint8_t *put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return p + 2;
}

static uint32_t sum_bytes(const uint8_t *p, size_t len, uint32_t s)
{
    for (size_t i = 0; i < len; i++)
        s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    return s;
}

static uint16_t sum_end(uint32_t s)
{
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)~s;
}

static uint8_t *put_ip(uint8_t *p, const struct frame *f, size_t udp_len)
{
    uint8_t *ip = p;

    if (f->is_6) {
        p = put16(p, 0x6000U | (unsigned)f->tos << 4);
        p = put16(p, 0);
        p = put16(p, (unsigned)udp_len);
        *p++ = 17;
        *p++ = f->ttl;
        memcpy(p, f->src, 16);
        memcpy(p + 16, f->dst, 16);
        return p + 32;
    }
    *p++ = 0x45;
    *p++ = f->tos;
    p = put16(p, (unsigned)udp_len + 20);
    p = put16(p, f->id);
    p = put16(p, f->frag);
    *p++ = f->ttl;
    *p++ = 17;
    p = put16(p, 0);
    memcpy(p, f->src, 4);
    memcpy(p + 4, f->dst, 4);
    put16(ip + 10, sum_end(sum_bytes(ip, 20, 0)));
    return p + 8;
}

/* @return its length */
static size_t frame_build(uint8_t *out, const struct frame *f)
{
    size_t n = f->is_6 ? 16 : 4, udp_len = f->len + 8;
    uint8_t *p = out, *udp;
    uint16_t sum;

    memcpy(p, f->dmac, 6);
    memcpy(p + 6, f->smac, 6);
    p += 12;
    if (f->vlan) {
        p = put16(p, 0x8100);
        p = put16(p, f->vlan);
    }
    p = put16(p, f->is_6 ? 0x86dd : 0x0800);
    p = udp = put_ip(p, f, udp_len);
    p = put16(p, f->sport);
    p = put16(p, f->dport);
    p = put16(p, (unsigned)udp_len);
    p = put16(p, 0);
    memcpy(p, f->payload, f->len);
    if (!f->has_no_sum) {
        sum = sum_end(sum_bytes(f->src, n, sum_bytes(f->dst, n, 17 + (uint32_t)udp_len)) +
                      sum_bytes(udp, udp_len, 0));
        put16(udp + 6, sum ? sum : 0xffff);
    }
    p += f->len;
    memset(p, 0xee, f->padding);
    return (size_t)(p - out) + f->padding;
}

#endif
