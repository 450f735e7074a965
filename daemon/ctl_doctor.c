/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tandemctl doctor: what keeps a part of the switch from its best, and the command that changes it.
 * Called by tandemctl.c. It needs no daemon; what only a running one knows is in `show media`.
 */
#include <getopt.h>
#include <linux/types.h>
#include <string.h>
#include "daemon/ctl.h"
#include "daemon/doctor.h"
#include "relay/bpf/relay_maps.h"

static int usage(FILE *out)
{
    fputs("usage: tandemctl doctor media [--config FILE] [--pins DIR] [--json]\n"
          "  which path media takes through this machine, why, and what to change\n"
          "  --config FILE  whose media sections are looked at (default " CTL_CONF ")\n"
          "  --pins DIR     of the relay (default " MAPS_DIR ")\n",
          out);
    return out == stdout ? CTL_OK : CTL_WRONG;
}

static const char *get(const json_t *f, const char *key)
{
    return json_string_value(json_object_get(f, key));
}

/* What must change comes last: that is what is still on the screen. */
static void print_text(const struct doctor *d)
{
    static const enum doctor_verdict order[] = {DOCTOR_OK, DOCTOR_WARN, DOCTOR_BAD};
    const json_t *f;
    size_t i;

    for (unsigned k = 0; k < 3; k++) {
        json_array_foreach(d->findings, i, f)
        {
            if (strcmp(get(f, "verdict"), doctor_verdict_name(order[k])) != 0)
                continue;
            printf("%-4s  %-9s  %-16s  %s\n", get(f, "verdict"), get(f, "area"), get(f, "subject"),
                   get(f, "text"));
            if (get(f, "fix"))
                printf("      to change it: %s\n", get(f, "fix"));
        }
    }
    printf("%u OK, %u WARN, %u BAD\n", d->n[DOCTOR_OK], d->n[DOCTOR_WARN], d->n[DOCTOR_BAD]);
}

static int media(const struct ctl *c, struct doctor *d)
{
    int rc;

    if (doctor_media(d) < 0) {
        fputs("tandemctl: out of memory\n", stderr);
        return CTL_WRONG;
    }
    rc = d->n[DOCTOR_BAD] ? CTL_NOT : CTL_OK;
    if (c->json) {
        (void)json_dumpf(d->findings, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        fputc('\n', stdout);
    } else {
        print_text(d);
    }
    json_decref(d->findings);
    return rc;
}

int ctl_doctor(const struct ctl *c, int argc, char **argv)
{
    static const struct option opts[] = {{"config", required_argument, NULL, 'c'},
                                         {"pins", required_argument, NULL, 'p'},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    struct doctor d = {.root = "", .config = CTL_CONF, .pins = MAPS_DIR};
    int o;

    optind = 0; /* begin again: main has used it */
    while ((o = getopt_long(argc, argv, "h", opts, NULL)) != -1) {
        if (o == 'c')
            d.config = optarg;
        else if (o == 'p')
            d.pins = optarg;
        else
            return usage(o == 'h' ? stdout : stderr);
    }
    if (optind + 1 != argc || strcmp(argv[optind], "media") != 0)
        return usage(stderr);
    return media(c, &d);
}
