/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `tandem-media --setup` and `--teardown`: the privileged steps around the service, from its unit.
 * media_main.c calls it. Whatever is missing, the service must start: only a wrong option fails.
 */
#include "daemon/media_setup.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/log.h"
#include "daemon/media_plan.h"

static int add_interfaces(struct media_plan *plan, const struct media_setup_param *p,
                          const struct netifs *ifs)
{
    for (unsigned i = 0; i < p->n_interfaces; i++) {
        int err = media_plan_interface(plan, p->interface[i], ifs);

        if (err == -EINVAL) {
            fprintf(stderr,
                    "tandem-media: --interface %s: not NAME or NAME:auto|native|generic|tc\n",
                    p->interface[i]);
            return err;
        }
        if (err < 0)
            log_ev(LOG_WARN, "media_setup", "interface=%s error=%s", p->interface[i],
                   err == -ENODEV ? "no_such_interface" : "too_many");
    }
    return 0;
}

/* @return false: it could not be read, and what is attached stays */
static bool add_conf(struct media_plan *plan, const struct media_setup_param *p,
                     const struct netifs *ifs)
{
    struct conf_errors errs;
    struct conf *conf = media_plan_load(p->config, &errs);

    if (conf)
        media_plan_conf(plan, conf, ifs);
    else
        log_ev(LOG_WARN, "media_setup",
               "config=%s errors=%u error=\"cannot be used, interfaces as they are\" "
               "hint=\"tandemctl check %s\"",
               p->config, errs.errors, p->config);
    conf_errors_fini(&errs);
    conf_free(conf);
    return conf != NULL;
}

static void find_user(const char *name, struct kernel_setup_param *k)
{
    const struct passwd *pw = getpwnam(name);

    if (pw) {
        k->uid = pw->pw_uid;
        k->gid = pw->pw_gid;
    } else {
        log_ev(LOG_WARN, "media_setup", "user=%s error=unknown pins_of=root", name);
    }
}

static void tell_interface(const struct kernel_setup_if *i)
{
    bool is_none = i->path == MEDIA_PATH_STEERED;

    log_ev(is_none ? LOG_ERROR : LOG_INFO, "media_interface", "interface=%s path=%s%s%s%s", i->name,
           media_path_name(i->path), i->why[0] ? " because=\"" : "", i->why, i->why[0] ? "\"" : "");
}

static void tell(const struct media_plan *plan, const struct kernel_setup_param *k,
                 const struct kernel_setup_result *r, int err)
{
    for (unsigned i = 0; i < plan->n_notes; i++)
        log_ev(plan->note[i].is_warning ? LOG_WARN : LOG_INFO, "media_setup", "note=\"%s\"",
               plan->note[i].text);
    if (err < 0) {
        log_ev(LOG_WARN, "media_setup", "path=sockets errno=%d error=\"%s\"", -err, r->why);
        return;
    }
    for (unsigned i = 0; i < plan->n_ifs; i++)
        tell_interface(&plan->ifs[i]);
    log_ev(LOG_INFO, "media_setup", "pins=%s lines=%u maps=%s programs_replaced=%u%s", k->dir,
           r->lines, r->is_new ? "new" : "kept", r->replaced,
           r->is_waiting ? " waiting=\"older programs forward until the relay is up; then --setup "
                           "again\""
                         : "");
}

int media_setup(const struct media_setup_param *p)
{
    struct media_plan *plan = malloc(sizeof(*plan));
    struct kernel_setup_param k = {.dir = p->pins};
    struct kernel_setup_result r;
    struct netifs ifs;
    int err, code = EXIT_SUCCESS;

    if (!plan)
        return EXIT_FAILURE;
    media_plan_init(plan);
    err = netifs_read(&ifs);
    if (err < 0)
        log_ev(LOG_WARN, "media_setup", "errno=%d error=\"interfaces cannot be listed\"", -err);
    k.keeps_others = !add_conf(plan, p, &ifs);
    if (add_interfaces(plan, p, &ifs) < 0) {
        code = 2;
        goto out;
    }
    find_user(p->user, &k);
    k.lines = p->lines ? p->lines : plan->lines;
    k.ifs = plan->ifs;
    k.n_ifs = plan->n_ifs;
    err = kernel_setup(&k, &r);
    tell(plan, &k, &r, err);
out:
    netifs_fini(&ifs);
    free(plan);
    return code;
}

int media_teardown(const char *pins)
{
    const char *result = getenv("SERVICE_RESULT");
    int err;

    if (result && strcmp(result, "success") != 0) {
        log_ev(LOG_WARN, "media_teardown", "service_result=%s pins=%s kept=1", result, pins);
        return EXIT_SUCCESS;
    }
    err = kernel_teardown(pins);
    if (err < 0)
        log_ev(LOG_WARN, "media_teardown", "pins=%s errno=%d error=\"%s\"", pins, -err,
               strerror(-err));
    else
        log_ev(LOG_INFO, "media_teardown", "pins=%s", pins);
    return EXIT_SUCCESS;
}
