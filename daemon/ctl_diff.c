/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tandemctl diff OLD NEW: two configurations out of files, for reviews in git. Without files the daemon answers: running against disk.
 * Called by tandemctl.c.
 */
#include <stdlib.h>
#include <string.h>
#include "daemon/ctl.h"
#include "daemon/diff_report.h"

static int load(const char *path, struct ctl_conf *c)
{
    int err = ctl_load(path, c);
    if (c->errs.errors > 0)
        conf_print_errors(stderr, &c->errs);
    return err;
}

static int compare(const struct ctl *c, const char *old, const char *now,
                   const struct diff_ask *ask)
{
    struct ctl_conf a, b;
    json_t *report = NULL;
    int err = load(old, &a), err2 = load(now, &b);
    if (err == 0 && err2 == 0 && !(report = diff_report(a.route, b.route, ask)))
        fputs("tandemctl: out of memory\n", stderr);
    if (report && c->json) {
        (void)json_dumpf(report, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        fputc('\n', stdout);
    } else if (report) {
        diff_print(stdout, report);
    }
    ctl_unload(&a);
    ctl_unload(&b);
    json_decref(report);
    return report ? CTL_OK : CTL_WRONG;
}

int ctl_diff(const struct ctl *c, int argc, char **argv)
{
    struct diff_ask ask;
    char why[160];
    char *file[2] = {NULL, NULL}, *option[8];
    int files = 0, options = 0;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0 && i + 1 < argc && options < 7) {
            option[options++] = argv[i++];
            option[options++] = argv[i];
        } else if (files < 2 && strncmp(argv[i], "--", 2) != 0) {
            file[files++] = argv[i];
        } else {
            files = 3;
            break;
        }
    }
    if (files == 0 && options == argc - 1)
        return CTL_REMOTE;
    if (files != 2) {
        fputs(
            "usage: tandemctl diff " DIFF_ASK_ARGS " [OLD NEW]\n"
            "  OLD NEW   two configurations; without them: what a reload would change in the running switch\n",
            stderr);
        return CTL_WRONG;
    }
    if (diff_ask_parse(&ask, options, option, why, sizeof(why)) == 0)
        return compare(c, file[0], file[1], &ask);
    fprintf(stderr, "tandemctl: %s\n", why);
    return CTL_WRONG;
}
