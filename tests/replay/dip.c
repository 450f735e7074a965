/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The source of dips of a case: what the script says of a number, at once, later or never.
 * Stands behind struct dip_ops where the daemon has its dip thread.
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "core/err.h"

static struct fake_port *find(struct fake_dip *d, const char *number)
{
    for (unsigned i = 0; i < d->n_ports; i++)
        if (strcmp(d->port[i].number, number) == 0)
            return &d->port[i];
    return NULL;
}

static int ask(struct dip_ops *ops, const struct dip_question *q)
{
    struct fake_dip *d = (struct fake_dip *)ops;
    struct dip_answer *a = &d->waiting[d->n_waiting];
    const struct fake_port *p = find(d, q->number);

    if (d->full || d->n_waiting == DIPS_WAITING_MAX)
        return TD_EFULL;
    *a = (struct dip_answer){q->call, q->serial, {PORT_HOME, ""}};
    if (d->broken)
        a->port.status = PORT_FAILED;
    else if (p) {
        a->port.status = PORT_PORTED;
        memcpy(a->port.rn, p->rn, sizeof a->port.rn);
    }
    snprintf(d->section, sizeof d->section, "%s", q->section);
    d->n_waiting++;
    d->asked++;
    return 0;
}

void fake_dip_init(struct fake_dip *d)
{
    memset(d, 0, sizeof *d);
    d->ops.ask = ask;
}

bool fake_dip_say(struct fake_dip *d, char **word, unsigned n)
{
    if (n == 2 && word[0][0] == '+' && d->n_ports < DIP_PORTS_MAX) {
        struct fake_port *p = find(d, word[0]);

        p = p ? p : &d->port[d->n_ports++];
        snprintf(p->number, sizeof p->number, "%s", word[0]);
        snprintf(p->rn, sizeof p->rn, "%s", word[1]);
        return true;
    }
    if (n != 1)
        return false;
    if (strcmp(word[0], "silence") == 0)
        d->silent = true;
    else if (strcmp(word[0], "answer") == 0)
        d->silent = false;
    else if (strcmp(word[0], "full") == 0)
        d->full = true;
    else if (strcmp(word[0], "fail") == 0)
        d->broken = true;
    else if (strcmp(word[0], "ok") == 0)
        d->full = d->broken = d->silent = false;
    else
        return false;
    return true;
}

bool fake_dip_take(struct fake_dip *d, struct dip_answer *a)
{
    if (d->silent || d->n_waiting == 0)
        return false;
    *a = d->waiting[0];
    memmove(&d->waiting[0], &d->waiting[1], --d->n_waiting * sizeof d->waiting[0]);
    return true;
}
