/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `tandemctl doctor media`: looks at the machine and says what keeps media from the best path, and the command that changes it.
 * ctl_doctor.c runs it and prints; it works with the daemons down, changes nothing, and says what it may not read.
 */
#ifndef DAEMON_DOCTOR_H
#define DAEMON_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include "daemon/media_plan.h"

enum doctor_verdict { DOCTOR_OK, DOCTOR_WARN, DOCTOR_BAD };

struct doctor_softnet {
    uint64_t processed, dropped, squeezed;
    unsigned cpus;
};

struct doctor {
    const char *root; /* in front of /proc and /sys; "" but in tests */
    const char *config, *pins;
    json_t *findings;             /* array of {area, subject, verdict, text, fix} */
    unsigned n[3];                /* findings by verdict */
    struct doctor_softnet before; /* when it began to look */
    uint64_t before_ms;
};

/** One finding. fix: the command, or NULL. */
__attribute__((format(printf, 6, 7))) void doctor_say(struct doctor *d, enum doctor_verdict v,
                                                      const char *area, const char *subject,
                                                      const char *fix, const char *fmt, ...);
const char *doctor_verdict_name(enum doctor_verdict v);

/** All of it. @return 0; -ENOMEM */
int doctor_media(struct doctor *d);

/* ---- doctor_kernel.c: what the machine has and allows ---- */
void doctor_kernel(struct doctor *d);
void doctor_network(struct doctor *d, const struct conf *conf);
/** Before all else: what the counters were. */
void doctor_network_begin(struct doctor *d);
/** Drops of long ago are no fault of now. backlog: net.core.netdev_max_backlog; up_s: since boot. */
void doctor_softnet(struct doctor *d, const struct doctor_softnet *now, uint64_t backlog,
                    uint64_t up_s);
/** What to do about pins that cannot be opened. err: of kernel_open */
void doctor_pins_fix(const struct doctor *d, int err, bool is_root, char *fix, size_t size);
/** The pins, and whether each interface of the plan has its path. */
void doctor_pins(struct doctor *d, const struct media_plan *plan);
/** The running relay: its user, capabilities, descriptors. */
void doctor_relay(struct doctor *d);

/* ---- doctor_if.c ---- */
void doctor_interface(struct doctor *d, const struct netif *i);

/* ---- doctor_proc.c: parsers ---- */

/** /proc/net/softnet_stat. */
int doctor_softnet_read(FILE *f, struct doctor_softnet *out);

struct doctor_irqs {
    unsigned lines;    /* of the device */
    unsigned cpus;     /* processors that have served more than 1 % of them */
    unsigned cpus_all; /* columns */
    uint64_t total;
    char first[16]; /* number of its first line */
};
/** Lines of /proc/interrupts that name the device: "eth0", "eth0-TxRx-3", or its bus ("virtio2", "0000:03:00.0"). */
int doctor_irqs_read(FILE *f, const char *name, const char *bus, struct doctor_irqs *out);

struct doctor_process {
    pid_t pid;  /* 0: none runs */
    unsigned n; /* of that name */
    uint32_t uid;
    uint64_t caps; /* effective */
    uint64_t descriptors_limit;
    bool fds_seen; /* its descriptors could be listed: we are root */
    bool
        is_packet; /* it has a packet socket: frames leave by the interface, not by a socket for each port */
};
/** The first process of that name, by /proc. */
void doctor_process_find(const char *root, const char *name, struct doctor_process *out);

/** A number in a file below root. @return 0, -errno */
int doctor_number(const struct doctor *d, const char *path, uint64_t *out);

#endif
