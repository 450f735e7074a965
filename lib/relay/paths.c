/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which path there is: what the report says of interfaces, lines and reasons.
 * relay.c calls it on the control thread. Streams and their promotion are fast.c's.
 */
#include "relay/paths.h"

#include <stdio.h>
#include "relay/kernel.h"
#include "relay/state.h"

_Static_assert(WHY_N <= MEDIA_WHY_MAX, "struct media_fast");
_Static_assert(IFS_MAX == MEDIA_IFS_MAX, "struct media_fast");

enum media_path paths_base(const struct relay *r)
{
    return r->p.io == &io_steer ? MEDIA_PATH_STEERED : MEDIA_PATH_SOCKETS;
}

enum media_path paths_best(const struct relay *r)
{
    uint32_t best = paths_base(r);

    for (unsigned i = 0; r->p.kernel && i < IFS_MAX && r->p.kernel->ifs[i].ifindex; i++)
        best = r->p.kernel->ifs[i].path > best ? r->p.kernel->ifs[i].path : best;
    return (enum media_path)best;
}

static void report_interfaces(const struct kernel *k, struct media_fast *out)
{
    for (unsigned i = 0; i < IFS_MAX && k->ifs[i].ifindex; i++) {
        struct media_if *to = &out->interface[out->n_ifs++];

        snprintf(to->name, sizeof(to->name), "%.*s", (int)sizeof(k->ifs[i].name), k->ifs[i].name);
        to->ifindex = k->ifs[i].ifindex;
        to->path = k->ifs[i].path;
        to->redirect_errors = kernel_tx_errors(k, to->ifindex);
    }
}

void paths_report(const struct relay *r, struct media_fast *out)
{
    const struct kernel *k = r->p.kernel;

    out->path = paths_base(r);
    if (!k) {
        snprintf(out->reason, sizeof(out->reason), "%s", relay_no_kernel(r));
        return;
    }
    out->lines = k->n_lines;
    out->lines_used = kernel_lines_used(k);
    kernel_why(k, out->why);
    report_interfaces(k, out);
    if (out->n_ifs == 0)
        snprintf(out->reason, sizeof(out->reason),
                 "no interface has a program: tandemctl doctor media");
}
