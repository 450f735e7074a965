/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sub-commands of tandemctl that need no daemon, and the loading of a configuration that they share.
 * tandemctl.c looks names up here; each function is in a file of its own, daemon/ctl_NAME.c.
 */
#include "daemon/ctl.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include "call/explain.h"
#include "call/load_check.h"
#include "core/parallel.h"
#include "sip/tls.h"

const struct ctl_sub ctl_subs[] = {
    {"check", "[FILE]", "check a configuration with all it names, and run its tests", ctl_check},
    {"diff", "[OLD NEW]", "what a reload would change, or what NEW changes of OLD", ctl_diff},
    {"doctor", "media", "which path media takes through this machine, why, and what to change",
     ctl_doctor},
    {"explain", "--from T --called N",
     "why a call would go where: of the running switch, or --config FILE", ctl_explain},
    {"fmt", "[--check] [FILE|-]", "write files of a configuration in canonical layout", ctl_fmt},
    {"names", "[KIND [FILE]]", "names in a configuration: tandemctl names trunk", ctl_names},
    {NULL, NULL, NULL, NULL},
};

const struct ctl_sub *ctl_find(const char *name)
{
    for (const struct ctl_sub *s = ctl_subs; s->name; s++)
        if (strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

/* A certificate that does not fit its key is found by OpenSSL only, as in the daemon. */
static bool tls_is_good(const struct conf *conf, char *why, size_t size)
{
    struct tls_set *set = NULL;
    int err = tls_set_new(conf, &set, why, size);

    tls_set_free(set);
    return err == 0;
}

int ctl_load(const char *path, struct ctl_conf *out)
{
    struct conf_env env;
    const char *why = "out of memory";
    char text[512];
    struct route_param p = {
        .wall_s = (int64_t)time(NULL), .past = true, .threads = parallel_threads()};

    memset(out, 0, sizeof(*out));
    conf_env_read(&env);
    out->conf = conf_load_more(path, &env, load_check, &p, &out->errs);
    out->reg = trunk_registry_new();
    if (out->conf && out->reg) {
        p.conf = out->conf;
        p.reg = out->reg;
        p.errs = &out->errs;
        out->route = route_new(&p, &why);
    }
    load_check_end(&p);
    if (out->route && !tls_is_good(out->conf, text, sizeof(text))) {
        why = text;
        route_free(out->route);
        out->route = NULL;
    }
    if (out->route && explain_locate(out->route, out->reg) == 0)
        return 0;
    if (out->errs.errors == 0)
        conf_error_in_file(&out->errs, CONF_ERROR, path, 0, 0, 0, SPAN_NONE, "%s", why);
    return -EINVAL;
}

void ctl_unload(struct ctl_conf *c)
{
    route_free(c->route);
    trunk_registry_free(c->reg);
    conf_free(c->conf);
    conf_errors_fini(&c->errs);
}
