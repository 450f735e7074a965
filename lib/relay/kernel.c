/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The relay's side of the maps: opened by their pins, mapped into memory, written without a system call.
 * The relay's threads call it; it loads nothing and knows nothing of flows.
 */
#include "relay/kernel.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_EBPF
#include <bpf/bpf.h>
#endif

/* Cut if it must be: it is for people. */
__attribute__((format(printf, 2, 3))) static void say(char *reason, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(reason, KERNEL_REASON_LEN, format, ap);
    va_end(ap);
}

struct kernel *kernel_new_memory(uint32_t n_lines)
{
    struct kernel *k = calloc(1, sizeof(*k));

    if (!k)
        return NULL;
    k->socks_fd = k->txerr_fd = -1;
    for (unsigned i = 0; i < 2 * THREADS_MAX_BPF; i++)
        k->sock_fds[i] = -1;
    k->n_lines = n_lines;
    k->lines = calloc(n_lines, sizeof(*k->lines));
    k->hops = calloc(HOPS_MAX, sizeof(*k->hops));
    k->ranges = calloc(RANGES_MAX, sizeof(*k->ranges));
    k->about = calloc(1, sizeof(*k->about));
    k->ifs = calloc(IFS_MAX, sizeof(*k->ifs));
    k->why = calloc(CPUS_MAX, sizeof(*k->why));
    if (!k->lines || !k->hops || !k->ranges || !k->about || !k->ifs || !k->why) {
        kernel_free(k);
        return NULL;
    }
    *k->about =
        (struct maps_about){.version = MAPS_VERSION, .lines = n_lines, .threads = THREADS_MAX_BPF};
    return k;
}

static void free_memory(struct kernel *k)
{
    free(k->lines);
    free(k->hops);
    free(k->ranges);
    free(k->about);
    free((void *)(uintptr_t)k->ifs);
    free((void *)(uintptr_t)k->why);
}

#ifdef HAVE_EBPF

/* Of the ARRAY maps; each value's size is a multiple of 8, as the kernel lays them out. */
static size_t map_bytes(size_t entries, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (entries * size + page - 1) / page * page;
}

static void unmap(const void *p, size_t entries, size_t size)
{
    if (p)
        munmap((void *)(uintptr_t)p, map_bytes(entries, size));
}

static void free_maps(struct kernel *k)
{
    unmap(k->lines, k->n_lines, sizeof(*k->lines));
    unmap(k->hops, HOPS_MAX, sizeof(*k->hops));
    unmap(k->ranges, RANGES_MAX, sizeof(*k->ranges));
    unmap(k->about, 1, sizeof(*k->about));
    unmap(k->ifs, IFS_MAX, sizeof(*k->ifs));
    unmap(k->why, CPUS_MAX, sizeof(*k->why));
    close(k->socks_fd);
    if (k->txerr_fd >= 0)
        close(k->txerr_fd);
}

/* @param entries  as many, or 0: as many as there are, told in info */
static int open_pin(const char *dir, const char *name, uint32_t entries, uint32_t size,
                    struct bpf_map_info *info, char *reason)
{
    uint32_t len = sizeof(*info);
    char path[256];
    int fd;

    if ((unsigned)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
        return -ENAMETOOLONG;
    fd = bpf_obj_get(path);
    if (fd < 0) {
        fd = -errno;
        say(reason, "%s: %s", path, fd == -ENOENT ? "not set up" : strerror(-fd));
        return fd;
    }
    memset(info, 0, sizeof(*info));
    if (bpf_obj_get_info_by_fd(fd, info, &len) == 0 && info->value_size == size &&
        info->key_size == sizeof(uint32_t) && info->max_entries > 0 &&
        (entries == 0 || info->max_entries == entries))
        return fd;
    close(fd);
    say(reason, "%s: made by another version of tandem-media", path);
    return -EPROTO;
}

static int map_pin(const char *dir, const char *name, uint32_t *entries, uint32_t size,
                   char *reason, void **out)
{
    struct bpf_map_info info;
    int fd = open_pin(dir, name, *entries, size, &info, reason);
    void *p;

    if (fd < 0)
        return fd;
    p = mmap(NULL, map_bytes(info.max_entries, size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED) {
        say(reason, "%s/%s: mmap: %s", dir, name, strerror(errno));
        return -errno;
    }
    *entries = info.max_entries;
    *out = p;
    return 0;
}

static void tell_netns(int txerr_fd)
{
    uint32_t key = TXERR_NETNS;
    struct stat st;
    uint64_t inode;

    if (txerr_fd < 0 || stat("/proc/self/ns/net", &st) < 0)
        return;
    inode = st.st_ino;
    (void)bpf_map_update_elem(txerr_fd, &key, &inode, BPF_ANY);
}

static int open_maps(const char *dir, struct kernel *k, char *reason)
{
    uint32_t one = 1, n_hops = HOPS_MAX, n_ranges = RANGES_MAX, n_ifs = IFS_MAX, n_cpus = CPUS_MAX;
    struct bpf_map_info info;
    void *ifs = NULL, *why = NULL;
    int r;

    /* the version first: another's maps may have other sizes, and that is the better message */
    r = map_pin(dir, "about", &one, sizeof(*k->about), reason, (void **)&k->about);
    if (r < 0)
        return r;
    if (k->about->version != MAPS_VERSION) {
        say(reason, "%s: maps of version %u, this is %u", dir, k->about->version, MAPS_VERSION);
        return -EPROTO;
    }
    if ((r = map_pin(dir, "lines", &k->n_lines, sizeof(*k->lines), reason, (void **)&k->lines)) <
            0 ||
        (r = map_pin(dir, "hops", &n_hops, sizeof(*k->hops), reason, (void **)&k->hops)) < 0 ||
        (r = map_pin(dir, "ranges", &n_ranges, sizeof(*k->ranges), reason, (void **)&k->ranges)) <
            0 ||
        (r = map_pin(dir, "ifs", &n_ifs, sizeof(*k->ifs), reason, &ifs)) < 0)
        return r;
    k->ifs = ifs;
    if ((r = map_pin(dir, "why", &n_cpus, sizeof(*k->why), reason, &why)) < 0)
        return r;
    k->why = why;
    k->socks_fd = open_pin(dir, "socks", 2 * THREADS_MAX_BPF, sizeof(uint64_t), &info, reason);
    if (k->socks_fd < 0)
        return k->socks_fd;
    /* errors of redirects cannot be had everywhere */
    k->txerr_fd = open_pin(dir, "txerr", TXERR_MAX, sizeof(uint64_t), &info, reason);
    tell_netns(k->txerr_fd);
    reason[0] = '\0';
    return 0;
}

int kernel_open(const char *pin_dir, struct kernel **out, char *reason)
{
    struct kernel *k = calloc(1, sizeof(*k));
    int r;

    reason[0] = '\0';
    if (!k)
        return -ENOMEM;
    k->socks_fd = k->txerr_fd = -1;
    r = open_maps(pin_dir, k, reason);
    if (r < 0) {
        if (!reason[0])
            say(reason, "%s", strerror(-r));
        if (k->socks_fd < 0)
            k->socks_fd = -1;
        free_maps(k);
        free(k);
        return r;
    }
    *out = k;
    return 0;
}

static int socks_update(const struct kernel *k, uint32_t key, int fd)
{
    uint64_t value = (uint64_t)fd;

    return bpf_map_update_elem(k->socks_fd, &key, &value, BPF_ANY) == 0 ? 0 : -errno;
}

static uint64_t txerr_read(const struct kernel *k, uint32_t ifindex)
{
    uint64_t n = 0;

    if (k->txerr_fd >= 0 && bpf_map_lookup_elem(k->txerr_fd, &ifindex, &n) != 0)
        n = 0;
    return n;
}

#else

static void free_maps(struct kernel *k)
{
    (void)k;
}

int kernel_open(const char *pin_dir, struct kernel **out, char *reason)
{
    (void)pin_dir;
    (void)out;
    say(reason, "built without eBPF");
    return -ENOSYS;
}

static int socks_update(const struct kernel *k, uint32_t key, int fd)
{
    (void)k;
    (void)key;
    (void)fd;
    return -ENOSYS;
}

static uint64_t txerr_read(const struct kernel *k, uint32_t ifindex)
{
    (void)k;
    (void)ifindex;
    return 0;
}

#endif

static bool is_memory(const struct kernel *k)
{
    return k->socks_fd < 0;
}

void kernel_free(struct kernel *k)
{
    if (!k)
        return;
    if (is_memory(k))
        free_memory(k);
    else
        free_maps(k);
    free(k);
}

/* --- ranges ---------------------------------------------------------------------------------------------------------- */

static uint32_t slot_of(const struct addr *ip)
{
    uint32_t w[4];

    memcpy(w, ip->ip, sizeof(w));
    return ip->family == 4 ? range_slot4(w[0]) : range_slot6(w);
}

static bool is_of(const struct range *r, const struct addr *ip)
{
    return r->family == ip->family && memcmp(r->ip, ip->ip, sizeof(r->ip)) == 0;
}

static struct range *find(const struct kernel *k, const struct addr *ip, uint16_t port)
{
    uint32_t slot = slot_of(ip);

    for (uint32_t i = 0; i < RANGES_PROBES; i++) {
        struct range *r = &k->ranges[(slot + i) & (RANGES_MAX - 1)];

        if (is_of(r, ip) && port >= r->lo && port <= r->hi)
            return r;
    }
    return NULL;
}

static uint32_t lines_of(const struct range *r)
{
    return r->family ? (uint32_t)r->hi - r->lo + 1 : 0;
}

/* First fit: the lowest line behind a range, or 0, from which on n are nobody's. */
static int alloc_lines(const struct kernel *k, uint32_t n, uint32_t *out)
{
    uint64_t best = UINT64_MAX;

    for (unsigned i = 0; i <= RANGES_MAX; i++) {
        uint64_t from = 0;
        bool is_free = true;

        if (i < RANGES_MAX) {
            if (!k->ranges[i].family)
                continue;
            from = (uint64_t)k->ranges[i].base + lines_of(&k->ranges[i]);
        }
        for (unsigned j = 0; j < RANGES_MAX && is_free; j++) {
            const struct range *r = &k->ranges[j];

            is_free = !r->family || from + n <= r->base || from >= (uint64_t)r->base + lines_of(r);
        }
        if (is_free && from + n <= k->n_lines && from < best)
            best = from;
    }
    if (best == UINT64_MAX)
        return -ENOSPC;
    *out = (uint32_t)best;
    return 0;
}

/* A program must never see half of one: the family is written last. */
static int add_range(struct kernel *k, const struct addr *ip, uint16_t lo, uint16_t hi, bool is_own)
{
    uint32_t slot = slot_of(ip);
    struct range *r = NULL;
    struct range want = {.lo = lo, .hi = hi, .is_own = is_own};

    for (uint32_t i = 0; i < RANGES_PROBES && !r; i++) {
        struct range *at = &k->ranges[(slot + i) & (RANGES_MAX - 1)];

        if (!at->family)
            r = at;
    }
    if (!r || alloc_lines(k, (uint32_t)hi - lo + 1, &want.base) < 0)
        return -ENOSPC;
    memcpy(want.ip, ip->ip, sizeof(want.ip));
    memset(&k->lines[want.base], 0, ((size_t)hi - lo + 1) * sizeof(struct line));
    *r = want;
    atomic_thread_fence(memory_order_release);
    *(volatile uint8_t *)&r->family = ip->family;
    return 0;
}

int kernel_range_set(struct kernel *k, const struct addr *ip, uint16_t lo, uint16_t hi, bool is_own)
{
    uint32_t at = lo;

    if (lo > hi || (ip->family != 4 && ip->family != 6))
        return -EINVAL;
    while (at <= hi) {
        struct range *r = find(k, ip, (uint16_t)at);
        uint32_t end = at;
        int err;

        if (r) {
            r->is_own = is_own;
            at = (uint32_t)r->hi + 1;
            continue;
        }
        while (end < hi && !find(k, ip, (uint16_t)(end + 1)))
            end++;
        err = add_range(k, ip, (uint16_t)at, (uint16_t)end, is_own);
        if (err < 0)
            return err;
        at = end + 1;
    }
    return 0;
}

void kernel_range_clear(struct kernel *k, const struct addr *ip)
{
    for (unsigned i = 0; i < RANGES_MAX; i++) {
        struct range *r = &k->ranges[i];

        if (!is_of(r, ip))
            continue;
        *(volatile uint8_t *)&r->family = 0;
        atomic_thread_fence(memory_order_release);
        memset(r, 0, sizeof(*r));
    }
}

struct line *kernel_line(const struct kernel *k, const struct addr *local)
{
    const struct range *r = find(k, local, local->port);

    return r ? &k->lines[range_line(r, local->port)] : NULL;
}

uint32_t kernel_lines_used(const struct kernel *k)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < RANGES_MAX; i++)
        n += lines_of(&k->ranges[i]);
    return n;
}

/* --- lines, hops, sockets, counters ------------------------------------------------------------------------------------ */

void kernel_line_state(struct line *l, enum line_state state)
{
    atomic_thread_fence(memory_order_seq_cst);
    *(volatile uint8_t *)&l->state = (uint8_t)state;
    atomic_thread_fence(memory_order_seq_cst);
}

void kernel_line_clear(struct line *l)
{
    kernel_line_state(l, LINE_OFF);
    memset(l, 0, sizeof(*l));
}

void kernel_hop_write(struct kernel *k, uint16_t index, const struct hop *h)
{
    struct hop *at = &k->hops[index];
    volatile uint32_t *serial = &at->serial;
    uint32_t odd = *serial | 1;

    *serial = odd;
    atomic_thread_fence(memory_order_seq_cst);
    at->ifindex = h->ifindex;
    at->mtu = h->mtu;
    at->vlan = h->vlan;
    at->flags = h->flags;
    memcpy(at->dmac, h->dmac, sizeof(at->dmac));
    memcpy(at->smac, h->smac, sizeof(at->smac));
    atomic_thread_fence(memory_order_seq_cst);
    *serial = odd + 1;
}

int kernel_socket(struct kernel *k, unsigned thread, unsigned family, int fd)
{
    uint32_t key = thread + (family == 6 ? THREADS_MAX_BPF : 0);

    if (thread >= THREADS_MAX_BPF || (family != 4 && family != 6))
        return -EINVAL;
    if (!is_memory(k))
        return socks_update(k, key, fd);
    k->sock_fds[key] = fd;
    return 0;
}

void kernel_why(const struct kernel *k, uint64_t *n)
{
    memset(n, 0, WHY_N * sizeof(*n));
    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
        for (unsigned w = 0; w < WHY_N; w++)
            n[w] += *(const volatile __u64 *)&k->why[cpu].n[w];
}

uint64_t kernel_why_one(const struct kernel *k, enum why w)
{
    uint64_t n = 0;

    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
        n += *(const volatile __u64 *)&k->why[cpu].n[w];
    return n;
}

static const struct {
    const char *name, *text;
} why_names[WHY_N] = {
#define WHY_NAME(id, name, text) {name, text},
    MAPS_WHY(WHY_NAME)
#undef WHY_NAME
};

const char *kernel_why_name(enum why w)
{
    return w < WHY_N ? why_names[w].name : "";
}

const char *kernel_why_text(enum why w)
{
    return w < WHY_N ? why_names[w].text : "";
}

uint64_t kernel_tx_errors(const struct kernel *k, uint32_t ifindex)
{
    return txerr_read(k, ifindex);
}
