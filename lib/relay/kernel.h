/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The relay's side of the path through the kernel: the pinned maps, mapped into memory, and what is written there.
 * Packet threads write the lines of their flows; ranges, hops and sockets are the control thread's. Nothing here needs a
 * capability, nothing loads a program (kernel_setup.h does), and it compiles and can be tested without eBPF.
 */
#ifndef RELAY_KERNEL_H
#define RELAY_KERNEL_H

#include <linux/types.h>

#include <stdbool.h>
#include <stddef.h>
#include "core/addr.h"
#include "relay/bpf/relay_maps.h"

#define KERNEL_REASON_LEN 128U

struct kernel {
    struct line *lines;
    struct hop *hops;             /* HOPS_MAX */
    struct range *ranges;         /* RANGES_MAX */
    struct maps_about *about;     /* one */
    const struct maps_if *ifs;    /* IFS_MAX, those that the programs are attached to come first */
    const struct why_counts *why; /* CPUS_MAX */
    uint32_t n_lines;
    int socks_fd, txerr_fd;            /* -1: in memory */
    int sock_fds[2 * THREADS_MAX_BPF]; /* of maps in memory: what kernel_socket() was given */
};

/**
 * Open the maps pinned in a directory.
 *
 * @param pin_dir  MAPS_DIR, or a test's
 * @param reason   KERNEL_REASON_LEN bytes; on an error: why there is no path through the kernel, for operators
 * @return 0; -ENOSYS built without eBPF; -ENOENT not set up; -EACCES not ours; -EPROTO of another version
 */
int kernel_open(const char *pin_dir, struct kernel **out, char *reason);
/** The same in plain memory, that no program sees: for tests. */
struct kernel *kernel_new_memory(uint32_t n_lines);
/** Close them; pins and lines stay as they are. NULL is allowed. */
void kernel_free(struct kernel *k);

/**
 * Have a line for each of these ports; those that have one keep it. New lines are LINE_OFF.
 *
 * @param ip      its port is ignored
 * @param lo, hi  ports, lo <= hi
 * @param is_own  the kernel gives these ports to nobody else (ip_local_reserved_ports)
 * @return 0; -EINVAL; -ENOSPC no lines or no places left: what has no line goes through sockets
 */
int kernel_range_set(struct kernel *k, const struct addr *ip, uint16_t lo, uint16_t hi,
                     bool is_own);
/** Forget an address. None of its lines may be in use. */
void kernel_range_clear(struct kernel *k, const struct addr *ip);
/** The line of a port of ours. It stays where it is until kernel_range_clear(). @return NULL: none */
struct line *kernel_line(const struct kernel *k, const struct addr *local);
/** Lines of all ranges. */
uint32_t kernel_lines_used(const struct kernel *k);

/** Switch a line: what was written to it before is seen before the state is, and the other way about. */
void kernel_line_state(struct line *l, enum line_state state);
/** Switch a line off and forget all that it told and counted. */
void kernel_line_clear(struct line *l);

/** Write a hop; a program sees the old one, the new one or none. h->serial is ignored, h->ifindex 0: not usable now. */
void kernel_hop_write(struct kernel *k, uint16_t index, const struct hop *h);

/** Let sk_lookup find a thread's UDP socket. family: 4 or 6. @return 0 or negative errno */
int kernel_socket(struct kernel *k, unsigned thread, unsigned family, int fd);

/** What became of packets, all processors together: n has WHY_N. */
void kernel_why(const struct kernel *k, uint64_t *n);
/** One of them: a cache line of each processor that counted. */
uint64_t kernel_why_one(const struct kernel *k, enum why w);
/** Names and texts of enum why, for operators. */
const char *kernel_why_name(enum why w);
const char *kernel_why_text(enum why w);
/** Frames that an interface did not take when they were redirected to it; 0 also where that cannot be seen. */
uint64_t kernel_tx_errors(const struct kernel *k, uint32_t ifindex);

#endif
