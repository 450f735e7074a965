/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What doctor.c says of the kernel, the pins, the running relay and the network's settings.
 * It opens pins as the relay does, reads /proc, and changes nothing.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/ephemeral.h"
#include "daemon/doctor.h"
#include "relay/kernel.h"
#include "relay/limits.h"
#include "relay/pins.h"

#define FIX_BYTES 200U
#define FIX_PORTS 512U /* EPHEMERAL_RESERVED_MAX ranges of 12 characters, and ours */
#define BACKLOG_SERVES \
    4000U /* packets waiting at a processor: 8 ms at 500,000 a second, as long as a turn of the relay */

#define SOFTNET_LOOK_MS 1000U

/* ---- kernel ---------------------------------------------------------------------------------------------------- */

static void version(struct doctor *d)
{
    unsigned major = 0, minor = 0;
    struct utsname u;

    if (uname(&u) < 0)
        return;
    sscanf(u.release, "%u.%u", &major, &minor);
    if (major > 6 || (major == 6 && minor >= 1))
        doctor_say(d, DOCTOR_OK, "kernel", "version", NULL, "%s", u.release);
    else
        doctor_say(d, DOCTOR_BAD, "kernel", "version",
                   "apt-get install linux-image-amd64 (Debian 12 or later)",
                   "%s: the kernel path needs 6.1", u.release);
}

void doctor_kernel(struct doctor *d)
{
    uint64_t n;

    version(d);
#ifndef HAVE_EBPF
    doctor_say(d, DOCTOR_BAD, "kernel", "bpf", "build with clang, bpftool and libbpf-dev installed",
               "this tandem was built without BPF: sockets only");
#endif
    if (doctor_number(d, "/proc/sys/net/core/bpf_jit_enable", &n) == 0)
        doctor_say(d, n ? DOCTOR_OK : DOCTOR_BAD, "kernel", "jit",
                   n ? NULL : "sysctl -w net.core.bpf_jit_enable=1", "%s",
                   n ? "programs are compiled"
                     : "programs are interpreted: three to ten times the cost");
    if (doctor_number(d, "/proc/sys/kernel/unprivileged_bpf_disabled", &n) == 0)
        doctor_say(d, n ? DOCTOR_OK : DOCTOR_WARN, "kernel", "unprivileged_bpf",
                   n ? NULL : "sysctl -w kernel.unprivileged_bpf_disabled=2", "%s",
                   n ? "only root loads programs (the relay opens what is pinned)"
                     : "any user may load programs");
    if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
        doctor_say(
            d, DOCTOR_WARN, "kernel", "btf", NULL,
            "no types of the kernel (CONFIG_DEBUG_INFO_BTF): refused redirects are not counted");
}

/* ---- pins ------------------------------------------------------------------------------------------------------ */

static enum media_path pinned_path(const struct media_if *have, int n, uint32_t ifindex)
{
    for (int i = 0; i < n; i++) {
        if (have[i].ifindex == ifindex)
            return (enum media_path)have[i].path;
    }
    return MEDIA_PATH_STEERED;
}

static void paths(struct doctor *d, const struct media_plan *plan)
{
    struct media_if have[MEDIA_IFS_MAX];
    int n = pins_interfaces(d->pins, have, MEDIA_IFS_MAX);
    char fix[FIX_BYTES];

    for (unsigned i = 0; i < plan->n_ifs; i++) {
        const struct kernel_setup_if *want = &plan->ifs[i];
        enum media_path path = pinned_path(have, n, want->ifindex);
        bool is_none = path == MEDIA_PATH_STEERED;
        bool is_other = !is_none && !(want->may & 1U << path);

        snprintf(fix, sizeof(fix), "tandem-media --setup --config %s --pins %s", d->config,
                 d->pins);
        doctor_say(d,
                   is_none    ? DOCTOR_BAD
                   : is_other ? DOCTOR_WARN
                              : DOCTOR_OK,
                   "path", want->name, is_none || is_other ? fix : NULL, "%s%s",
                   media_path_name(path),
                   is_none    ? ": no program is attached, every packet goes through the relay"
                   : is_other ? ": the configuration wants another"
                              : "");
    }
    for (int i = 0; i < n; i++) {
        bool is_planned = false;

        for (unsigned k = 0; k < plan->n_ifs; k++)
            is_planned = is_planned || plan->ifs[k].ifindex == have[i].ifindex;
        if (!is_planned)
            doctor_say(d, DOCTOR_OK, "path", have[i].name, NULL,
                       "%s: attached, not in the configuration", media_path_name(have[i].path));
    }
}

static void lines(struct doctor *d, const struct kernel *k)
{
    uint32_t used = kernel_lines_used(k);
    bool is_full = used > k->n_lines - k->n_lines / 10;

    doctor_say(
        d, is_full ? DOCTOR_WARN : DOCTOR_OK, "pins", "lines",
        is_full ? "systemctl restart tandem-media: its set-up makes room for the ports configured"
                : NULL,
        "%u of %u ports that there is room for", used, k->n_lines);
}

/* By the modes of the pins EACCES; EPERM is of who may not use BPF at all, and that may be root in a container. */
void doctor_pins_fix(const struct doctor *d, int err, bool is_root, char *fix, size_t size)
{
    bool is_refused = err == -EACCES || err == -EPERM;

    if (is_refused && !is_root)
        snprintf(fix, size, "run it as root");
    else if (is_refused)
        snprintf(fix, size,
                 "run it on the host: root may not use BPF here (a container's seccomp "
                 "or capabilities, or lockdown)");
    else if (err == -EPROTO)
        snprintf(fix, size, "tandem-media --setup --config %s, then restart tandem-media",
                 d->config);
    else
        snprintf(fix, size, "systemctl restart tandem-media, or tandem-media --setup --config %s",
                 d->config);
}

void doctor_pins(struct doctor *d, const struct media_plan *plan)
{
    char reason[KERNEL_REASON_LEN] = "", fix[FIX_BYTES];
    struct kernel *k = NULL;
    int err = kernel_open(d->pins, &k, reason);

    doctor_pins_fix(d, err, geteuid() == 0, fix, sizeof(fix));
    if (err == -ENOENT && !plan->wants_kernel) {
        doctor_say(d, DOCTOR_OK, "pins", d->pins, NULL, "none, and the configuration wants none");
    } else if (err < 0) {
        /* not being allowed to look is no fault of the machine's */
        doctor_say(d, err == -EACCES || err == -EPERM ? DOCTOR_WARN : DOCTOR_BAD, "pins", d->pins,
                   fix, "%s", reason);
        if (err == -EACCES || err == -EPERM)
            return;
    } else {
        doctor_say(d, DOCTOR_OK, "pins", d->pins, NULL, "maps of version %u", k->about->version);
        lines(d, k);
        kernel_free(k);
    }
    paths(d, plan);
}

/* ---- the relay ------------------------------------------------------------------------------------------------- */

void doctor_relay(struct doctor *d)
{
    struct pin pin[PINS_MAX];
    struct doctor_process p;
    char fix[FIX_BYTES];

    doctor_process_find(d->root, "tandem-media", &p);
    if (p.n == 0) {
        bool left = pins_list(d->pins, pin, PINS_MAX) > 0;

        snprintf(fix, sizeof(fix), "systemctl start tandem-media%s%s",
                 left ? ", or tandem-media --teardown --pins " : "", left ? d->pins : "");
        doctor_say(d, DOCTOR_BAD, "relay", "process", fix, "does not run%s",
                   left ? "; the kernel goes on with the streams it has, and nobody ends them"
                        : "");
        return;
    }
    doctor_say(d, p.uid == 0 ? DOCTOR_WARN : DOCTOR_OK, "relay", "user",
               p.uid == 0 ? "start it by its unit" : NULL, "pid %d, uid %u, capabilities %llx%s",
               (int)p.pid, p.uid, (unsigned long long)p.caps,
               p.n > 1 ? " (more than one runs)" : "");
    if (p.fds_seen && !p.is_packet && pins_list(d->pins, pin, PINS_MAX) > 0)
        doctor_say(d, DOCTOR_BAD, "relay", "path",
                   "journalctl -u tandem-media -g media_path has the reason; often: systemctl cat "
                   "tandem-media must grant CAP_NET_RAW, then systemctl restart tandem-media",
                   "a socket for each port, although it is set up: started before --setup, or "
                   "without CAP_NET_RAW");
    doctor_say(d, p.descriptors_limit < 20000 ? DOCTOR_WARN : DOCTOR_OK, "relay", "descriptors",
               p.descriptors_limit < 20000
                   ? "systemctl edit tandem-media: [Service] LimitNOFILE=20000"
                   : NULL,
               "%llu; by sockets that carries %llu calls", (unsigned long long)p.descriptors_limit,
               (unsigned long long)(p.descriptors_limit > CONF_NOFILE_RESERVE
                                        ? (p.descriptors_limit - CONF_NOFILE_RESERVE) /
                                              CONF_SOCKETS_PER_CALL
                                        : 0));
}

/* ---- network --------------------------------------------------------------------------------------------------- */

static int softnet_read(const struct doctor *d, struct doctor_softnet *out)
{
    char path[256];
    int err;
    FILE *f;

    snprintf(path, sizeof(path), "%s/proc/net/softnet_stat", d->root);
    f = fopen(path, "re");
    if (!f)
        return -errno;
    err = doctor_softnet_read(f, out);
    fclose(f);
    return err;
}

static uint64_t now_ms(void)
{
    return clock_now_ns() / 1000000U;
}

void doctor_network_begin(struct doctor *d)
{
    (void)softnet_read(d, &d->before);
    d->before_ms = now_ms();
}

static void since_boot(uint64_t up_s, char *text, size_t size)
{
    if (up_s == 0)
        snprintf(text, size, "since boot");
    else if (up_s >= 2 * 86400)
        snprintf(text, size, "since boot %llu days ago", (unsigned long long)(up_s / 86400));
    else
        snprintf(text, size, "since boot %llu h %llu min ago", (unsigned long long)(up_s / 3600),
                 (unsigned long long)(up_s / 60 % 60));
}

void doctor_softnet(struct doctor *d, const struct doctor_softnet *now, uint64_t backlog,
                    uint64_t up_s)
{
    uint64_t was = d->before.dropped, grown = now->dropped > was ? now->dropped - was : 0;
    bool is_short = now->dropped && backlog < BACKLOG_SERVES;
    char since[64];

    since_boot(up_s, since, sizeof(since));
    doctor_say(d, grown || is_short ? DOCTOR_WARN : DOCTOR_OK, "network", "backlog",
               is_short ? "sysctl -w net.core.netdev_max_backlog=10000"
               : grown  ? "top, then 1: a processor that does nothing but si; give the interface "
                          "more queues (ethtool -L)"
                        : NULL,
               "%llu packets, %llu dropped %s, %llu of them while this looked, %llu turns cut "
               "short, %u processors",
               (unsigned long long)now->processed, (unsigned long long)now->dropped, since,
               (unsigned long long)grown, (unsigned long long)now->squeezed, now->cpus);
}

static void softnet(struct doctor *d, uint64_t backlog)
{
    uint64_t spent = now_ms() - d->before_ms, up_s = 0;
    struct doctor_softnet now;

    /* whether it goes on takes a while to see; without any drop there is nothing to wait for */
    if (d->before.dropped && spent < SOFTNET_LOOK_MS)
        (void)poll(NULL, 0, (int)(SOFTNET_LOOK_MS - spent));
    if (softnet_read(d, &now) < 0)
        return;
    (void)doctor_number(d, "/proc/uptime", &up_s);
    doctor_softnet(d, &now, backlog, up_s);
}

/* The setting is written as a whole: what is reserved already must stay in it. */
static void fix_ports(const struct ephemeral *e, const struct conf_media *m, char *fix, size_t size)
{
    int n = snprintf(fix, size, "sysctl -w net.ipv4.ip_local_reserved_ports=");

    for (uint32_t i = 0; i < e->n_reserved && (size_t)n < size; i++)
        n += snprintf(fix + n, size - (size_t)n, "%u-%u,", e->reserved[i].lo, e->reserved[i].hi);
    if ((size_t)n < size)
        snprintf(fix + n, size - (size_t)n, "%u-%u", m->port_lo, m->port_hi);
}

static void ports(struct doctor *d, const struct conf_media *m)
{
    struct ephemeral e;
    char fix[FIX_PORTS];

    ephemeral_read(&e, d->root);
    fix_ports(&e, m, fix, sizeof(fix));
    if (ephemeral_may_take(&e, m->port_lo, m->port_hi))
        doctor_say(d, DOCTOR_WARN, "ports", m->name, fix,
                   "%u-%u: the kernel may give some to other programs (%u-%u)", m->port_lo,
                   m->port_hi, e.lo, e.hi);
    else
        doctor_say(d, DOCTOR_OK, "ports", m->name, NULL, "%u-%u are nobody else's", m->port_lo,
                   m->port_hi);
}

void doctor_network(struct doctor *d, const struct conf *conf)
{
    char fix[FIX_BYTES];
    uint64_t n;

    for (uint32_t i = 0; conf && i < conf->media.n; i++)
        ports(d, &conf->media.v[i]);
    if (doctor_number(d, "/proc/sys/net/core/rmem_max", &n) == 0) {
        snprintf(fix, sizeof(fix), "sysctl -w net.core.rmem_max=%u", LIMITS_RCVBUF);
        doctor_say(d, n < LIMITS_RCVBUF ? DOCTOR_WARN : DOCTOR_OK, "network", "buffers",
                   n < LIMITS_RCVBUF ? fix : NULL, "net.core.rmem_max is %llu",
                   (unsigned long long)n);
    }
    if (doctor_number(d, "/proc/sys/net/core/netdev_max_backlog", &n) < 0)
        n = BACKLOG_SERVES;
    if (n < BACKLOG_SERVES)
        doctor_say(d, DOCTOR_WARN, "network", "backlog",
                   "sysctl -w net.core.netdev_max_backlog=10000",
                   "net.core.netdev_max_backlog is %llu", (unsigned long long)n);
    softnet(d, n);
}
