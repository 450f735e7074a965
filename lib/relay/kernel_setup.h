/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes and removes what the kernel path consists of: maps, programs, their attachments, pins. Needs privileges.
 * `tandem-media --setup` and `--teardown` call it; the relay finds what it left by the pins (kernel.h) and needs none.
 */
#ifndef RELAY_KERNEL_SETUP_H
#define RELAY_KERNEL_SETUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "media/media_proto.h"

/* An interface that media comes in by. */
struct kernel_setup_if {
    char name[MEDIA_DEVICE_MAX];
    uint32_t ifindex;
    uint32_t may; /* 1 << enum media_path, for each that is allowed; the highest is tried first */
    enum media_path path; /* result: TC or XDP; STEERED: none could be had */
    char why[128];        /* result: what the better paths failed of; empty: the first was it */
};

struct kernel_setup_param {
    const char *dir; /* pins */
    uint32_t lines;  /* ports, all addresses together; more are kept if the maps there have more */
    uid_t uid;       /* owner of the maps' pins: the service's user */
    gid_t gid;
    struct kernel_setup_if *ifs;
    unsigned n_ifs; /* at most MEDIA_IFS_MAX */
    bool
        keeps_others; /* interfaces not in ifs stay as they are: the configuration could not be read */
};

struct kernel_setup_result {
    bool is_new; /* maps were made: none there, or of another version or size */
    bool
        is_waiting; /* older programs go on forwarding; run again when the relay has moved to the new maps */
    uint32_t lines;    /* that there are */
    unsigned replaced; /* programs of another package replaced while they ran */
    char why[160];     /* when it fails: what, and what to do */
};

/**
 * Make what is not there, replace what is of another version, leave the rest: run again with the relay at work it loses no packet.
 *
 * @return 0; -ENOTSUP built without BPF; -EPERM no privilege; another negative errno: why says
 */
int kernel_setup(const struct kernel_setup_param *p, struct kernel_setup_result *out);
/** Remove all that kernel_setup made in dir. @return 0, also when nothing is there, or the first negative errno */
int kernel_teardown(const char *dir);

#endif
