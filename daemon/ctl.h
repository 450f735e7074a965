/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tandemctl does itself, without a running tandemd: one table line and one function each; later ones are added in ctl.c.
 * Whatever is not in the table goes to the daemon as it stands.
 */
#ifndef DAEMON_CTL_H
#define DAEMON_CTL_H

#include <stdbool.h>
#include <stdio.h>
#include "route/route.h"

/* Exit codes: 0 as it should be; 1 not so; 2 the command or the machine failed. */
#define CTL_OK    0
#define CTL_NOT   1
#define CTL_WRONG 2
/* Of a sub-command: this is the daemon's to answer. */
#define CTL_REMOTE (-1)

#define CTL_CONF TD_SYSCONFDIR "/tandem.conf"

struct ctl {
    bool json;
};

struct ctl_sub {
    const char *name;
    const char *args; /* "[FILE]" */
    const char *help; /* one line for `tandemctl help` */
    int (*run)(const struct ctl *c, int argc,
               char **argv); /* argv[0] is its name; @return exit code or CTL_REMOTE */
};

/** The table, ended by name NULL. */
extern const struct ctl_sub ctl_subs[];
/** The sub-command of that name, or NULL: the daemon's. */
const struct ctl_sub *ctl_find(const char *name);

/** A configuration as a daemon would have it, out of files alone. */
struct ctl_conf {
    struct conf *conf;
    struct trunk_registry *reg;
    struct route *route;
    struct conf_errors errs; /* messages, also when it could be loaded */
};

/**
 * Load and check all of it, files that it names and tests included; every peer counts as found and up.
 * @return 0; -EINVAL: errs says why. ctl_unload in any case
 */
int ctl_load(const char *path, struct ctl_conf *out);
void ctl_unload(struct ctl_conf *c);

int ctl_check(const struct ctl *c, int argc, char **argv);
int ctl_diff(const struct ctl *c, int argc, char **argv);
int ctl_doctor(const struct ctl *c, int argc, char **argv);
int ctl_explain(const struct ctl *c, int argc, char **argv);
int ctl_fmt(const struct ctl *c, int argc, char **argv);
int ctl_names(const struct ctl *c, int argc, char **argv);

#endif
