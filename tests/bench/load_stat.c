/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of sipload, readings of /proc, and the report as text and JSON.
 * Called by sipload.c at the start and the end of a measurement; counters by everybody.
 * Must not know sockets.
 */
#include "load.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *const odd_names[LOAD_ODD_MAX] = {
    [LOAD_ODD_PARSE] = "unparsable",         [LOAD_ODD_NO_CALL] = "no_such_call",
    [LOAD_ODD_DIALOG] = "wrong_dialog",      [LOAD_ODD_BRANCH] = "wrong_branch_or_cseq",
    [LOAD_ODD_STATE] = "out_of_state",       [LOAD_ODD_REPEAT] = "repeated_without_cause",
    [LOAD_ODD_METHOD] = "unexpected_method", [LOAD_ODD_CODE] = "bye_refused",
    [LOAD_ODD_NUMBER] = "wrong_number",
};

struct load_calls *load_calls_of(struct load *l, const struct uac_call *c)
{
    return c->standing ? &l->stat.standing : c->emergency ? &l->stat.emergency : &l->stat.measured;
}

struct load_second *load_second_of(struct load *l, const struct uac_call *c)
{
    static struct load_second none;
    uint64_t at;

    if (c->standing || !l->second_us)
        return &none;
    at = (l->now_us - l->second_us) / 1000000u;
    return &l->stat.second[at < LOAD_SECONDS_MAX ? at : LOAD_SECONDS_MAX - 1];
}

void load_odd(struct load *l, enum load_odd what)
{
    l->stat.odd[what]++;
}

uint64_t load_odd_total(const struct load_stat *s)
{
    uint64_t sum = 0;

    for (int i = 0; i < LOAD_ODD_MAX; i++)
        sum += s->odd[i];
    return sum;
}

static size_t proc_file(const char *path, char *buf, size_t size)
{
    FILE *f = fopen(path, "re");
    size_t n;

    if (!f)
        return 0;
    n = fread(buf, 1, size - 1, f);
    buf[n] = 0;
    fclose(f);
    return n;
}

static unsigned proc_count(const char *path, uint64_t *sched_ns)
{
    DIR *d = opendir(path);
    struct dirent *e;
    unsigned n = 0;
    char file[352], buf[128];

    if (!d)
        return 0;
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        n++;
        if (!sched_ns)
            continue;
        snprintf(file, sizeof file, "%s/%s/schedstat", path, e->d_name);
        if (proc_file(file, buf, sizeof buf))
            *sched_ns += strtoull(buf, NULL, 10);
    }
    closedir(d);
    return n;
}

void load_proc_read(int pid, struct load_proc *out)
{
    char path[64], buf[4096], *p;
    unsigned long long user, sys;
    uint64_t sched_ns = 0, tick = 1000000u / (uint64_t)sysconf(_SC_CLK_TCK);

    memset(out, 0, sizeof *out);
    out->pid = pid;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (!proc_file(path, buf, sizeof buf) || !(p = strrchr(buf, ')')))
        return;
    if (sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &sys) != 2)
        return;
    out->cpu_us = (user + sys) * tick;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    out->threads = proc_count(path, &sched_ns);
    out->sched_us = sched_ns / 1000;
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    out->fds = proc_count(path, NULL);
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    if (proc_file(path, buf, sizeof buf) && (p = strstr(buf, "VmRSS:")))
        out->rss_kb = strtoull(p + 6, NULL, 10);
    out->ok = true;
}

static double per_call(uint64_t before, uint64_t after, uint64_t calls)
{
    return calls ? (double)(after - before) / (double)calls : 0;
}

static void print_codes(const char *what, const uint64_t *code)
{
    for (int i = 100; i < 700; i++)
        if (code[i])
            printf("  %s %d: %llu\n", what, i, (unsigned long long)code[i]);
}

static void print_why(const char *what, uint64_t n)
{
    if (n)
        printf("  %s: %llu\n", what, (unsigned long long)n);
}

static void print_calls(const char *title, const struct load_calls *c)
{
    printf("%-10s started %llu  answered %llu  ended well %llu  failed %llu  shed %llu\n", title,
           (unsigned long long)c->started, (unsigned long long)c->answered,
           (unsigned long long)c->ended, (unsigned long long)c->failed,
           (unsigned long long)c->shed);
    print_why("no answer to INVITE in 32 s", c->invite_timeout);
    print_why("no final answer, cancelled", c->ring_timeout);
    print_why("no answer to BYE in 32 s", c->bye_timeout);
    print_why("ended by the switch", c->ended_by_peer);
    print_why("not over after the drain", c->unfinished);
    print_codes("INVITE answered", c->code);
    for (int i = 300; i < 700; i++)
        if (c->bye_code[i])
            printf("  BYE answered %d: %llu\n", i, (unsigned long long)c->bye_code[i]);
}

static void print_proc(const struct load_report *r, unsigned i, uint64_t calls)
{
    const struct load_proc *a = &r->before[i], *b = &r->after[i];
    bool is_self = i == r->procs;

    if (!b->ok) {
        printf("%-10s pid %d is gone\n", "process", b->pid);
        return;
    }
    printf(
        "%-10s pid %d  %.1f us/call (ticks %.1f)  rss %llu -> %llu KiB  fds %u -> %u  threads %u\n",
        is_self ? "generator" : "process", b->pid, per_call(a->sched_us, b->sched_us, calls),
        per_call(a->cpu_us, b->cpu_us, calls), (unsigned long long)a->rss_kb,
        (unsigned long long)b->rss_kb, a->fds, b->fds, b->threads);
}

static void print_standing(const struct load *l, const struct load_report *r)
{
    uint64_t up = l->stat.standing.answered;

    print_calls("standing", &l->stat.standing);
    for (unsigned i = 0; i < r->procs && up; i++)
        printf("  pid %d: %.2f KiB per standing call\n", r->before[i].pid,
               ((double)r->before[i].rss_kb - (double)r->empty[i].rss_kb) / (double)up);
}

void load_print(const struct load *l, const struct load_report *r)
{
    const struct load_stat *s = &l->stat;
    const struct load_calls *c = &s->measured;

    printf("%-10s offered %.1f cps  achieved %.1f cps  in %.1f s\n", "rate", r->offered,
           (double)c->answered / r->seconds, r->seconds);
    print_calls("calls", c);
    if (l->opt.emergency_every)
        print_calls("emergency", &s->emergency);
    if (l->opt.standing)
        print_standing(l, r);
    printf("%-10s pdd p50 %.2f  p99 %.2f  max %.2f ms   setup p50 %.2f  p99 %.2f  max %.2f ms\n",
           "delay", hist_ms(&c->pdd, 0.5), hist_ms(&c->pdd, 0.99), hist_ms(&c->pdd, 1),
           hist_ms(&c->setup, 0.5), hist_ms(&c->setup, 0.99), hist_ms(&c->setup, 1));
    printf(
        "%-10s in %llu  out %llu  retransmitted %llu  repeats received %llu  unexpected %llu  options %llu\n",
        "messages", (unsigned long long)s->msgs_in, (unsigned long long)s->msgs_out,
        (unsigned long long)s->rtx_sent, (unsigned long long)s->rtx_received,
        (unsigned long long)load_odd_total(s), (unsigned long long)s->options);
    for (int i = 0; i < LOAD_ODD_MAX; i++)
        print_why(odd_names[i], s->odd[i]);
    printf(
        "%-10s invites %llu  answered %llu  acked %llu  byes %llu  cancels %llu  without ack %llu  bye before ack %llu\n",
        "uas", (unsigned long long)s->uas_invites, (unsigned long long)s->uas_answered,
        (unsigned long long)s->uas_acked, (unsigned long long)s->uas_byes,
        (unsigned long long)s->uas_cancels, (unsigned long long)s->uas_no_ack,
        (unsigned long long)s->uas_bye_first);
    if (s->flood_sent)
        printf("%-10s sent %llu  answers %llu  of which 403 %llu\n", "unknown",
               (unsigned long long)s->flood_sent, (unsigned long long)s->flood_answers,
               (unsigned long long)s->flood_403);
    for (unsigned i = 0; i <= r->procs; i++)
        print_proc(r, i, c->ended + c->shed ? c->ended + c->shed : c->started);
    if (r->rx_drops || s->send_errors || s->lag_max > 50000)
        printf(
            "%-10s the generator itself: %llu dropped on receive, %llu send errors, longest stall %.0f ms\n",
            "WARNING", (unsigned long long)r->rx_drops, (unsigned long long)s->send_errors,
            (double)s->lag_max / 1000.0);
}

static void json_u(FILE *f, const char *key, uint64_t v)
{
    fprintf(f, "\"%s\":%llu,", key, (unsigned long long)v);
}

static void json_codes(FILE *f, const char *key, const uint64_t *code)
{
    const char *sep = "";

    fprintf(f, "\"%s\":{", key);
    for (int i = 100; i < 700; i++)
        if (code[i]) {
            fprintf(f, "%s\"%d\":%llu", sep, i, (unsigned long long)code[i]);
            sep = ",";
        }
    fprintf(f, "},");
}

static void json_hist(FILE *f, const char *key, const struct hist *h)
{
    fprintf(f, "\"%s\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f},", key, hist_ms(h, 0.5),
            hist_ms(h, 0.99), hist_ms(h, 1));
}

static void json_calls(FILE *f, const char *key, const struct load_calls *c)
{
    fprintf(f, "\"%s\":{", key);
    json_u(f, "started", c->started);
    json_u(f, "answered", c->answered);
    json_u(f, "ended", c->ended);
    json_u(f, "shed", c->shed);
    json_u(f, "invite_timeout", c->invite_timeout);
    json_u(f, "ring_timeout", c->ring_timeout);
    json_u(f, "bye_timeout", c->bye_timeout);
    json_u(f, "ended_by_peer", c->ended_by_peer);
    json_u(f, "unfinished", c->unfinished);
    json_codes(f, "invite_codes", c->code);
    json_codes(f, "bye_codes", c->bye_code);
    json_hist(f, "pdd_ms", &c->pdd);
    json_hist(f, "setup_ms", &c->setup);
    fprintf(f, "\"failed\":%llu},", (unsigned long long)c->failed);
}

static void json_procs(FILE *f, const struct load *l, const struct load_report *r)
{
    const struct load_calls *c = &l->stat.measured;
    uint64_t calls = c->ended + c->shed ? c->ended + c->shed : c->started;

    fprintf(f, "\"processes\":[");
    for (unsigned i = 0; i <= r->procs; i++) {
        const struct load_proc *a = &r->before[i], *b = &r->after[i], *e = &r->empty[i];

        fprintf(
            f,
            "%s{\"pid\":%d,\"generator\":%s,\"cpu_us_first\":%llu,\"rss_kb_then\":%llu,\"us_per_call\":%.2f,\"us_per_call_ticks\":%.2f,"
            "\"cpu_us\":%llu,\"rss_kb_empty\":%llu,\"rss_kb_before\":%llu,\"rss_kb_after\":%llu,"
            "\"fds_before\":%u,\"fds_after\":%u,\"threads\":%u}",
            i ? "," : "", b->pid, i == r->procs ? "true" : "false",
            (unsigned long long)(r->then[i].ok ? r->then[i].sched_us - a->sched_us : 0),
            (unsigned long long)r->then[i].rss_kb, per_call(a->sched_us, b->sched_us, calls),
            per_call(a->cpu_us, b->cpu_us, calls), (unsigned long long)(b->sched_us - a->sched_us),
            (unsigned long long)e->rss_kb, (unsigned long long)a->rss_kb,
            (unsigned long long)b->rss_kb, a->fds, b->fds, b->threads);
    }
    fprintf(f, "]");
}

/* What happened in each second, up to the last in which anything did. */
static void json_seconds(FILE *f, const struct load_stat *s)
{
    unsigned n = LOAD_SECONDS_MAX;

    while (n > 0 && !s->second[n - 1].started && !s->second[n - 1].answered &&
           !s->second[n - 1].shed && !s->second[n - 1].failed)
        n--;
    fprintf(f, "\"by_second\":[");
    for (unsigned i = 0; i < n; i++)
        fprintf(f,
                "%s{\"started\":%u,\"answered\":%u,\"shed\":%u,\"failed\":%u,\"pdd_max_ms\":%.1f}",
                i ? "," : "", s->second[i].started, s->second[i].answered, s->second[i].shed,
                s->second[i].failed, s->second[i].pdd_max_us / 1000.0);
    fprintf(f, "],");
}

int load_json(const struct load *l, const struct load_report *r, FILE *f)
{
    const struct load_stat *s = &l->stat;

    fprintf(f, "{\"offered_cps\":%.2f,\"achieved_cps\":%.2f,\"seconds\":%.3f,", r->offered,
            (double)s->measured.answered / r->seconds, r->seconds);
    json_calls(f, "calls", &s->measured);
    json_calls(f, "standing", &s->standing);
    json_calls(f, "emergency", &s->emergency);
    json_seconds(f, s);
    json_u(f, "retransmissions_sent", s->rtx_sent);
    json_u(f, "retransmissions_received", s->rtx_received);
    json_u(f, "unexpected", load_odd_total(s));
    fprintf(f, "\"unexpected_by_kind\":{");
    for (int i = 0; i < LOAD_ODD_MAX; i++)
        fprintf(f, "%s\"%s\":%llu", i ? "," : "", odd_names[i], (unsigned long long)s->odd[i]);
    fprintf(f, "},");
    json_u(f, "messages_in", s->msgs_in);
    json_u(f, "messages_out", s->msgs_out);
    json_u(f, "uas_invites", s->uas_invites);
    json_u(f, "uas_answered", s->uas_answered);
    json_u(f, "uas_byes", s->uas_byes);
    json_u(f, "uas_without_ack", s->uas_no_ack);
    json_u(f, "uas_bye_before_ack", s->uas_bye_first);
    json_u(f, "unknown_sent", s->flood_sent);
    json_u(f, "unknown_answers", s->flood_answers);
    json_u(f, "unknown_403", s->flood_403);
    json_u(f, "generator_drops", r->rx_drops);
    json_u(f, "generator_stall_us", s->lag_max);
    json_procs(f, l, r);
    fprintf(f, "}\n");
    return ferror(f) ? -1 : 0;
}
