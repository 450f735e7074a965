/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tandemd: the session controller. Reads its configuration, makes the node, serves until it is told to stop.
 * systemd (or a person) runs it in the foreground; all work is in node.c and the workers.
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include "core/err.h"
#include "core/log.h"
#include "daemon/admin.h"

/* glibc's own first value: below that a mapping of its own costs more than it gives. */
#define LARGE_BYTES (128 << 10)

struct signals {
    struct node *node;
    struct event *ev[3];
};

static void usage(FILE *out)
{
    fputs(
        "usage: tandemd [-c FILE] [--check] [--log-level LEVEL]\n"
        "  -c FILE       configuration (default " TD_SYSCONFDIR "/tandem.conf)\n"
        "  --check       check the configuration, print all errors, exit 0 or 1\n"
        "  --log-level   error, warn, info or debug\n"
        "  SIGHUP reloads, SIGTERM drains and exits when the last call has ended, a second one ends all calls.\n",
        out);
}

/* Print all messages. @return 0; -EINVAL */
static int load(const char *path, struct snapshot_param *p, FILE *out, unsigned *errors,
                unsigned *warnings)
{
    struct conf_errors errs;
    int err = snapshot_load(path, p, &errs);
    conf_print_errors(out, &errs);
    *errors = errs.errors;
    *warnings = errs.warnings;
    conf_errors_fini(&errs);
    return err;
}

static void sum_up(FILE *out, unsigned errors, unsigned warnings)
{
    fprintf(out, "%u error%s, %u warning%s\n", errors, errors == 1 ? "" : "s", warnings,
            warnings == 1 ? "" : "s");
}

static int check(const char *path)
{
    char why[256] = "out of memory";
    unsigned errors, warnings;
    struct trunk_registry *reg = trunk_registry_new();
    struct snapshot_param p = {.reg = reg};
    (void)load(path, &p, stdout, &errors, &warnings);
    struct snapshot *s = p.conf && reg ? snapshot_new(&p, why, sizeof(why)) : NULL;
    if (p.conf && !s) {
        printf("%s\n", why);
        errors++;
    }
    sum_up(stdout, errors, warnings);
    snapshot_free(s);
    trunk_registry_free(reg);
    return s ? 0 : 1;
}

static void reloaded(void *arg, const struct reload_result *r)
{
    (void)arg;
    fprintf(stderr, "%s\n", r->text);
    sd_notify(0, "READY=1");
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
    struct node *n = arg;
    (void)what;
    if (sig != SIGHUP) {
        node_drain(n);
        return;
    }
    sd_notify(0, "RELOADING=1");
    if (reload_ask(n->reload, reloaded, NULL) < 0)
        sd_notify(0, "READY=1");
}

static int signals_init(struct signals *s, struct node *n)
{
    static const int sig[] = {SIGHUP, SIGTERM, SIGINT};
    for (unsigned i = 0; i < 3; i++) {
        /* What libevent puts back when the loop is over: one more signal must not kill the writer of the last records. */
        signal(sig[i], SIG_IGN);
        s->ev[i] = evsignal_new(n->base, sig[i], on_signal, n);
        if (!s->ev[i] || event_add(s->ev[i], NULL) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* Workers get no signals: the control thread takes all of them. */
static int start_workers(struct node *n)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = node_start(n);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

static void serve(struct node *n)
{
    const struct conf *c = snapshots_current(&n->snapshots)->conf;
    log_ev(LOG_INFO, "ready", "node=%s version=%s workers=%u generation=%llu trunks=%u pid=%d",
           c->global.node, PACKAGE_VERSION, n->n_workers, (unsigned long long)n->generation,
           c->trunk.n, (int)getpid());
    if (sd_watchdog_enabled(0, &n->watchdog_usec) <= 0)
        n->watchdog_usec = 0;
    sd_notifyf(0, "READY=1\nSTATUS=%u trunks, %u workers", c->trunk.n, n->n_workers);
    event_base_dispatch(n->base);
    sd_notify(0, "STOPPING=1");
    log_ev(LOG_INFO, "exit", "state=%d", (int)n->state);
}

static int run(const char *path)
{
    struct node n;
    struct admin *admin = NULL;
    struct signals sigs = {0};
    unsigned errors, warnings;
    struct snapshot_param p = {.conf = NULL};
    (void)load(path, &p, stderr, &errors, &warnings);
    if (errors || warnings)
        sum_up(stderr, errors, warnings);
    if (!p.conf)
        return 1;
    char run_dir[4096];
    snprintf(run_dir, sizeof(run_dir), "%s", p.conf->global.run_dir);
    int err = node_init(&n, path, &p);
    if (err == 0 && (err = admin_init(&admin, &n, run_dir)) < 0)
        log_ev(LOG_ERROR, "control_socket", "dir=%s error=\"%s\"", run_dir, err_str(err));
    if (err == 0)
        err = signals_init(&sigs, &n);
    if (err == 0)
        err = start_workers(&n);
    if (err == 0)
        serve(&n);
    admin_fini(admin);
    for (unsigned i = 0; i < 3; i++)
        if (sigs.ev[i])
            event_free(sigs.ev[i]);
    node_fini(&n);
    return err < 0;
}

static void raise_descriptors(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
        l.rlim_cur = l.rlim_max;
        setrlimit(RLIMIT_NOFILE, &l);
    }
}

/*
 * What is large comes from the kernel and goes back to it when it is freed: tables and texts of a snapshot above all. Left to itself, glibc raises
 * the limit to 32 MiB at the first large block that is freed, and three snapshots stay in memory for one.
 */
static void return_memory(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
#endif
}

static int set_level(const char *name)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    static const enum log_level level[] = {LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG};
    for (unsigned i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0) {
            log_set_level(level[i]);
            return 0;
        }
    return -EINVAL;
}

int main(int argc, char **argv)
{
    static const struct option opts[] = {{"config", required_argument, NULL, 'c'},
                                         {"check", no_argument, NULL, 'k'},
                                         {"log-level", required_argument, NULL, 'l'},
                                         {"version", no_argument, NULL, 'V'},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    const char *path = TD_SYSCONFDIR "/tandem.conf";
    bool only_check = false;
    int c;
    while ((c = getopt_long(argc, argv, "c:hV", opts, NULL)) != -1) {
        if (c == 'c')
            path = optarg;
        else if (c == 'k')
            only_check = true;
        else if (c == 'V') {
            puts("tandemd " PACKAGE_VERSION);
            return 0;
        } else if (c == 'h' || c != 'l' || set_level(optarg) < 0) {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    if (optind < argc) {
        usage(stderr);
        return 2;
    }
    if (only_check)
        return check(path);
    log_set_journal(getenv("JOURNAL_STREAM") != NULL);
    log_never_wait();
    raise_descriptors();
    return_memory();
    signal(SIGPIPE, SIG_IGN);
    return run(path);
}
