/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `tandem-media --setup` and `--teardown`: the privileged steps around the service, from its unit.
 * media_main.c calls it. Whatever is missing, the service must start: only a wrong option fails.
 */
#ifndef DAEMON_MEDIA_SETUP_H
#define DAEMON_MEDIA_SETUP_H

#include <stdint.h>
#include "media/media_proto.h"

struct media_setup_param {
    const char *config;
    const char *pins;
    const char *user; /* of the service; its group, too */
    uint32_t lines;   /* 0: by the configuration */
    const char *interface[MEDIA_IFS_MAX];
    unsigned n_interfaces;
};

/** @return exit code: 0, also when there is no kernel path (logged why); 2 an --interface that cannot be read */
int media_setup(const struct media_setup_param *p);
/** Does nothing after a failure of the service (SERVICE_RESULT of systemd): streams go on. @return exit code */
int media_teardown(const char *pins);

#endif
