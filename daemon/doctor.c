/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `tandemctl doctor media`: puts the findings together. What is looked at is in doctor_kernel.c and doctor_if.c.
 * ctl_doctor.c runs it and prints; it works with the daemons down and changes nothing.
 */
#include "daemon/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *doctor_verdict_name(enum doctor_verdict v)
{
    static const char *const name[] = {"OK", "WARN", "BAD"};

    return name[v];
}

void doctor_say(struct doctor *d, enum doctor_verdict v, const char *area, const char *subject,
                const char *fix, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    d->n[v]++;
    json_array_append_new(d->findings,
                          json_pack("{s:s,s:s,s:s,s:s,s:s?}", "area", area, "subject", subject,
                                    "verdict", doctor_verdict_name(v), "text", text, "fix", fix));
}

static struct conf *load(struct doctor *d)
{
    struct conf_errors errs;
    struct conf *conf = media_plan_load(d->config, &errs);
    char fix[320];

    snprintf(fix, sizeof(fix), "tandemctl check %s", d->config);
    if (!conf)
        doctor_say(d, DOCTOR_BAD, "config", d->config, fix,
                   "cannot be used (%u errors): interfaces and ports are not known", errs.errors);
    else
        doctor_say(d, DOCTOR_OK, "config", d->config, NULL, "%u media sections", conf->media.n);
    conf_errors_fini(&errs);
    return conf;
}

/* Those of the plan and, without a configuration, none: the pins say the rest. */
static void interfaces(struct doctor *d, const struct media_plan *plan, const struct netifs *ifs)
{
    for (unsigned i = 0; i < plan->n_notes; i++)
        doctor_say(d, plan->note[i].is_warning ? DOCTOR_WARN : DOCTOR_OK, "interface", "media",
                   plan->note[i].is_warning ? "ip -br addr shows what there is; when it is right: "
                                              "systemctl restart tandem-media"
                                            : NULL,
                   "%s", plan->note[i].text);
    for (unsigned i = 0; i < plan->n_ifs; i++) {
        const struct netif *f = netifs_find(ifs, plan->ifs[i].ifindex);

        if (f)
            doctor_interface(d, f);
    }
}

int doctor_media(struct doctor *d)
{
    struct media_plan *plan = malloc(sizeof(*plan));
    struct netifs ifs = {0};
    struct conf *conf;

    d->findings = json_array();
    if (!plan || !d->findings) {
        free(plan);
        return -ENOMEM;
    }
    doctor_network_begin(d);
    media_plan_init(plan);
    if (netifs_read(&ifs) < 0)
        doctor_say(d, DOCTOR_BAD, "interface", "all", NULL, "interfaces cannot be listed");
    conf = load(d);
    if (conf)
        media_plan_conf(plan, conf, &ifs);
    doctor_kernel(d);
    doctor_pins(d, plan);
    doctor_relay(d);
    interfaces(d, plan, &ifs);
    doctor_network(d, conf);
    conf_free(conf);
    netifs_fini(&ifs);
    free(plan);
    return 0;
}
