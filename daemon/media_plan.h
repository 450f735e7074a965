/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel path should be on this machine: interfaces and ports, out of the media sections of the configuration.
 * media_setup.c makes it so, doctor.c compares it with what is there. It touches nothing.
 */
#ifndef DAEMON_MEDIA_PLAN_H
#define DAEMON_MEDIA_PLAN_H

#include "config/config.h"
#include "daemon/netif.h"
#include "relay/kernel_setup.h"

struct media_plan {
    struct kernel_setup_if ifs[MEDIA_IFS_MAX];
    unsigned n_ifs;
    uint32_t lines;
    bool wants_kernel; /* at least one section is not path sockets */
    /* addresses of media sections that no interface has, or whose interface has no kernel path: for a message each */
    struct media_plan_note {
        char text[160];
        bool is_warning;
    } note[32];
    unsigned n_notes;
};

/** An empty plan with room for LINES_DEFAULT. */
void media_plan_init(struct media_plan *p);
/** Add what the media sections need. @param ifs  of this machine */
void media_plan_conf(struct media_plan *p, const struct conf *conf, const struct netifs *ifs);
/**
 * Add "eth0" or "eth0:native" (auto, native, generic, tc).
 * @return 0; -ENODEV no such interface; -EINVAL no such mode; -ENOSPC too many
 */
int media_plan_interface(struct media_plan *p, const char *text, const struct netifs *ifs);

/** The configuration for a plan: secrets are not read. Errors are the caller's to free. @return NULL: it cannot be used */
struct conf *media_plan_load(const char *path, struct conf_errors *errs);

#endif
