/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Command line of sipload.
 * Called by main once.
 * Must not know how the load is made.
 */
#include "load.h"
#include "load_opt.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPT_TARGET = 256,
    OPT_UAC,
    OPT_UAS,
    OPT_RATE,
    OPT_DURATION,
    OPT_HOLD,
    OPT_RING,
    OPT_STANDING,
    OPT_SOURCES,
    OPT_CALLED,
    OPT_CALLER,
    OPT_PID,
    OPT_STEP,
    OPT_SHED,
    OPT_UNKNOWN,
    OPT_JSON,
    OPT_DIRECT,
    OPT_TRYING,
    OPT_NO_RINGING,
    OPT_CPU,
    OPT_DIGITS,
    OPT_UNKNOWN_OPTIONS,
    OPT_EMERGENCY,
    OPT_THEN,
    OPT_HELP
};

static const struct option long_options[] = {
    {"target", required_argument, NULL, OPT_TARGET},
    {"uac", required_argument, NULL, OPT_UAC},
    {"uas", required_argument, NULL, OPT_UAS},
    {"rate", required_argument, NULL, OPT_RATE},
    {"duration", required_argument, NULL, OPT_DURATION},
    {"hold", required_argument, NULL, OPT_HOLD},
    {"ring", required_argument, NULL, OPT_RING},
    {"standing", required_argument, NULL, OPT_STANDING},
    {"uac-sources", required_argument, NULL, OPT_SOURCES},
    {"called", required_argument, NULL, OPT_CALLED},
    {"caller", required_argument, NULL, OPT_CALLER},
    {"digits", required_argument, NULL, OPT_DIGITS},
    {"pid", required_argument, NULL, OPT_PID},
    {"cpu", required_argument, NULL, OPT_CPU},
    {"step-search", no_argument, NULL, OPT_STEP},
    {"shed-mode", no_argument, NULL, OPT_SHED},
    {"unknown", required_argument, NULL, OPT_UNKNOWN},
    {"unknown-options", no_argument, NULL, OPT_UNKNOWN_OPTIONS},
    {"json", required_argument, NULL, OPT_JSON},
    {"direct", no_argument, NULL, OPT_DIRECT},
    {"trying", no_argument, NULL, OPT_TRYING},
    {"no-ringing", no_argument, NULL, OPT_NO_RINGING},
    {"emergency", required_argument, NULL, OPT_EMERGENCY},
    {"then", required_argument, NULL, OPT_THEN},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

void load_usage(FILE *f)
{
    fputs(
        "usage: sipload --target IP:PORT --uac IP:PORT --uas IP:PORT [options]\n"
        "  --rate CPS              calls a second to start (100)\n"
        "  --duration S            how long calls are started (10)\n"
        "  --hold S  --ring S      from ACK to BYE (1), from 180 to 200 (0)\n"
        "  --standing N[:RATE]     set N calls up first, at RATE cps (1000), keep them during the measurement\n"
        "  --uac-sources N[ip]     N consecutive source ports (with 'ip': addresses) from --uac on\n"
        "  --called PREFIX         called number: PREFIX and a serial number (+1202)\n"
        "  --digits N              digits of the serial number (7)\n"
        "  --caller NUMBER         calling number (+12125550123)\n"
        "  --pid PID[,PID...]      processes under test: CPU a call, memory, descriptors\n"
        "  --cpu N                 pin the generator to a processor\n"
        "  --step-search           find the highest rate with < 0.1 % failed, from --rate on\n"
        "  --shed-mode             a 503 is counted as shed, not as failed\n"
        "  --emergency N:NUMBER    every Nth call goes to NUMBER and is counted by itself\n"
        "  --then CPS:S            another rate behind the first, in the same run\n"
        "  --unknown PPS:IP[:PORT] beside the calls, INVITEs from a source that is nobody's trunk\n"
        "  --unknown-options       the same with OPTIONS\n"
        "  --trying  --no-ringing  called side: with a 100; without the 180\n"
        "  --direct                calls go straight to --uas: test of the generator itself\n"
        "  --json FILE             the report as JSON\n"
        "exit: 0 no call failed and no unexpected message, 1 otherwise, 2 usage\n",
        f);
}

static int opt_number(const char *text, double *out)
{
    char *end;

    *out = strtod(text, &end);
    if (end == text || *out < 0 || (*end && strcmp(end, "s")))
        return -EINVAL;
    return 0;
}

static int opt_standing(struct load_opt *o, const char *text)
{
    char *end;

    o->standing = (unsigned)strtoul(text, &end, 10);
    if (*end == ':')
        return opt_number(end + 1, &o->ramp);
    return *end ? -EINVAL : 0;
}

static int opt_sources(struct load_opt *o, const char *text)
{
    char *end;

    o->sources = (unsigned)strtoul(text, &end, 10);
    o->sources_ip = !strcmp(end, "ip");
    return o->sources >= 1 && o->sources <= LOAD_SOURCES_MAX ? 0 : -EINVAL;
}

static int opt_pids(struct load_opt *o, const char *text)
{
    char *end;

    while (o->pids < LOAD_PIDS_MAX) {
        o->pid[o->pids++] = (int)strtol(text, &end, 10);
        if (*end != ',')
            return *end ? -EINVAL : 0;
        text = end + 1;
    }
    return -EINVAL;
}

static int opt_unknown(struct load_opt *o, const char *text)
{
    char *end;

    o->flood_rate = strtod(text, &end);
    if (*end != ':' || o->flood_rate <= 0)
        return -EINVAL;
    return load_addr(end + 1, &o->flood_src);
}

static int opt_emergency(struct load_opt *o, const char *text)
{
    char *end;

    o->emergency_every = (unsigned)strtoul(text, &end, 10);
    if (*end != ':' || !o->emergency_every || strlen(end + 1) > 32)
        return -EINVAL;
    o->emergency = end + 1;
    return 0;
}

static int opt_then(struct load_opt *o, const char *text)
{
    char *end;

    o->then_rate = strtod(text, &end);
    if (*end != ':' || o->then_rate <= 0)
        return -EINVAL;
    return opt_number(end + 1, &o->then_s);
}

static int opt_text(struct load_opt *o, int c, const char *arg)
{
    switch (c) {
    case OPT_CALLED: o->called = arg; return 0;
    case OPT_CALLER: o->caller = arg; return 0;
    case OPT_JSON: o->json = arg; return 0;
    case OPT_CPU: o->cpu = (int)strtol(arg, NULL, 10); return 0;
    case OPT_DIGITS:
        o->digits = (unsigned)strtoul(arg, NULL, 10);
        return o->digits >= 1 && o->digits <= 10 ? 0 : -EINVAL;
    case OPT_STANDING: return opt_standing(o, arg);
    case OPT_SOURCES: return opt_sources(o, arg);
    case OPT_PID: return opt_pids(o, arg);
    case OPT_UNKNOWN: return opt_unknown(o, arg);
    case OPT_EMERGENCY: return opt_emergency(o, arg);
    case OPT_THEN: return opt_then(o, arg);
    default: return -EINVAL;
    }
}

static int opt_one(struct load_opt *o, int c, const char *arg, bool *is_direct)
{
    switch (c) {
    case OPT_TARGET: return load_addr(arg, &o->target);
    case OPT_UAC: return load_addr(arg, &o->uac);
    case OPT_UAS: return load_addr(arg, &o->uas);
    case OPT_RATE: return opt_number(arg, &o->rate);
    case OPT_DURATION: return opt_number(arg, &o->duration);
    case OPT_HOLD: return opt_number(arg, &o->hold);
    case OPT_RING: return opt_number(arg, &o->ring);
    case OPT_STEP: o->step_search = true; return 0;
    case OPT_SHED: o->shed_mode = true; return 0;
    case OPT_UNKNOWN_OPTIONS: o->flood_options = true; return 0;
    case OPT_DIRECT: *is_direct = true; return 0;
    case OPT_TRYING: o->trying = true; return 0;
    case OPT_NO_RINGING: o->no_ringing = true; return 0;
    default: return opt_text(o, c, arg);
    }
}

int load_options(int argc, char **argv, struct load_opt *o)
{
    bool is_direct = false;
    int c;

    *o = (struct load_opt){.rate = 100,
                           .ramp = 1000,
                           .hold = 1,
                           .duration = 10,
                           .sources = 1,
                           .digits = 7,
                           .called = "+1202",
                           .caller = "+12125550123",
                           .cpu = -1};
    while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (c == OPT_HELP) {
            load_usage(stdout);
            exit(0);
        }
        if (c == '?' || opt_one(o, c, optarg, &is_direct)) {
            if (c != '?')
                fprintf(stderr, "sipload: bad value: %s\n", optarg ? optarg : argv[optind - 1]);
            return -EINVAL;
        }
    }
    if (is_direct)
        o->target = o->uas;
    if (optind != argc || !o->target.ss_family || !o->uac.ss_family || !o->uas.ss_family) {
        fprintf(stderr, "sipload: --target (or --direct), --uac and --uas are needed\n");
        return -EINVAL;
    }
    load_addr_name(&o->target, NULL, o->target_name);
    return 0;
}
