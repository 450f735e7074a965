/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The probe's verdict, as text and as JSON.
 * Called by rtpprobe.c at the end.
 * Must not know sockets.
 */
#include "probe.h"

#include <errno.h>

static uint64_t dir_lost(const struct probe_dir *d)
{
    return d->sent > d->received ? d->sent - d->received : 0;
}

/* Gaps are told, not judged: on a machine that others use too they are mostly the scheduler's. */
static bool dir_good(const struct probe_dir *d)
{
    return !dir_lost(d) && !d->dup && !d->reordered && !d->wrong_source && !d->foreign &&
           !d->silent && !d->mixed && !d->rtcp_wrong && d->sent;
}

bool probe_verdict(const struct probe *p)
{
    return dir_good(&p->dir[0]) && dir_good(&p->dir[1]) && !p->reused && !p->bad_lines &&
           !p->send_errors && !p->stray && p->dir[0].streams == p->dir[1].streams;
}

static void print_dir(const char *name, const struct probe_dir *d)
{
    printf("%s  streams %llu  sent %llu  received %llu  lost %llu  dup %llu  reordered %llu  "
           "gaps>60ms %llu  wrong source %llu  foreign %llu  silent %llu  mixed up %llu\n",
           name, (unsigned long long)d->streams, (unsigned long long)d->sent,
           (unsigned long long)d->received, (unsigned long long)dir_lost(d),
           (unsigned long long)d->dup, (unsigned long long)d->reordered,
           (unsigned long long)d->gaps, (unsigned long long)d->wrong_source,
           (unsigned long long)d->foreign, (unsigned long long)d->silent,
           (unsigned long long)d->mixed);
    printf("          delay p50 %.2f p99 %.2f max %.2f ms  longest gap p50 %.1f max %.1f ms  "
           "rtcp sent %llu received %llu wrong source %llu\n",
           hist_ms(&d->delay, 0.5), hist_ms(&d->delay, 0.99), hist_ms(&d->delay, 1),
           hist_ms(&d->gap, 0.5), hist_ms(&d->gap, 1), (unsigned long long)d->rtcp_sent,
           (unsigned long long)d->rtcp_received, (unsigned long long)d->rtcp_wrong);
}

void probe_print(const struct probe *p)
{
    print_dir("uac->uas", &p->dir[PROBE_UAC]);
    print_dir("uas->uac", &p->dir[PROBE_UAS]);
    printf(
        "probe     most streams at once %llu  ended before the talk time %llu  stray packets %llu  "
        "sender late by at most %.1f ms\n",
        (unsigned long long)p->active_max, (unsigned long long)p->early_stops,
        (unsigned long long)p->stray, (double)p->late_max_us / 1000.0);
    if (p->reused || p->bad_lines || p->send_errors)
        printf("probe     ports taken twice %llu  unreadable lines %llu  send errors %llu\n",
               (unsigned long long)p->reused, (unsigned long long)p->bad_lines,
               (unsigned long long)p->send_errors);
    printf("probe     %s\n", probe_verdict(p) ? "PASS" : "FAIL");
}

static void json_dir(FILE *f, const char *name, const struct probe_dir *d)
{
    const struct {
        const char *key;
        uint64_t value;
    } field[] = {
        {"streams", d->streams},
        {"sent", d->sent},
        {"received", d->received},
        {"lost", dir_lost(d)},
        {"dup", d->dup},
        {"reordered", d->reordered},
        {"gaps", d->gaps},
        {"own_gaps", d->own_gaps},
        {"wrong_source", d->wrong_source},
        {"foreign", d->foreign},
        {"silent", d->silent},
        {"mixed", d->mixed},
        {"rtcp_sent", d->rtcp_sent},
        {"rtcp_received", d->rtcp_received},
        {"rtcp_wrong_source", d->rtcp_wrong},
    };

    fprintf(f, "\"%s\":{", name);
    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        fprintf(f, "\"%s\":%llu,", field[i].key, (unsigned long long)field[i].value);
    fprintf(
        f,
        "\"delay_p50_ms\":%.3f,\"delay_p99_ms\":%.3f,\"delay_max_ms\":%.3f,\"gap_max_ms\":%.3f},",
        hist_ms(&d->delay, 0.5), hist_ms(&d->delay, 0.99), hist_ms(&d->delay, 1),
        hist_ms(&d->gap, 1));
}

int probe_write_json(const struct probe *p)
{
    FILE *f = fopen(p->json, "we");
    int err = 0;

    if (!f)
        return -errno;
    fprintf(f, "{");
    json_dir(f, "uac_to_uas", &p->dir[PROBE_UAC]);
    json_dir(f, "uas_to_uac", &p->dir[PROBE_UAS]);
    fprintf(
        f,
        "\"active_max\":%llu,\"early_stops\":%llu,\"stray\":%llu,\"reused\":%llu,\"bad_lines\":%llu,"
        "\"send_errors\":%llu,\"late_max_ms\":%.3f,\"pass\":%s}\n",
        (unsigned long long)p->active_max, (unsigned long long)p->early_stops,
        (unsigned long long)p->stray, (unsigned long long)p->reused,
        (unsigned long long)p->bad_lines, (unsigned long long)p->send_errors,
        (double)p->late_max_us / 1000.0, probe_verdict(p) ? "true" : "false");
    if (ferror(f))
        err = -EIO;
    if (fclose(f))
        err = -errno;
    return err;
}
