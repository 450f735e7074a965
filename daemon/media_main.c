/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tandem-media: starts the relay, tells systemd, drains on SIGTERM.
 * Nobody calls it; what a session is it does not know.
 */
#include <cap-ng.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include "core/log.h"
#include "core/span.h"
#include "daemon/media_setup.h"
#include "relay/kernel.h"
#include "relay/relay.h"

#define SOCKET_DEFAULT "/run/tandem-media/media.sock"
#define THREADS_LIMIT  64U

struct program {
    struct event_base *base;
    struct relay *relay;
    struct event *ev_term, *ev_int, *ev_watchdog;
    bool is_draining;
};

static const char usage[] =
    "usage: tandem-media [--socket PATH] [--journal PATH] [--threads N] [--pins DIR] [--takeover]\n"
    "       tandem-media --setup [--config FILE] [--interface IF[:MODE]]... [--pins DIR] [--lines N]\n"
    "                    [--user NAME]\n"
    "       tandem-media --teardown [--pins DIR]\n"
    "\n"
    "Relays RTP and RTCP for tandemd, which tells it over the socket what to relay.\n"
    "\n"
    "  --socket PATH   control socket [" SOCKET_DEFAULT "]\n"
    "  --journal PATH  what a killed relay leaves to the next one; empty: nothing\n"
    "                  [\"sessions\" in the directory of the control socket]\n"
    "  --threads N     packet threads [one per processor, at most 4]\n"
    "  --pins DIR      where maps and programs of the kernel path are pinned [" MAPS_DIR "]\n"
    "  --takeover      take sockets and sessions of the relay that runs, which then ends; returns when\n"
    "                  that is done, or with 1 when that relay goes on\n"
    "  --verbose       log changes of state\n"
    "  --version       print the version\n"
    "\n"
    "--setup makes the path through the kernel, --teardown removes it; both need root.\n"
    "  --config FILE   whose media sections say which interfaces and how many ports\n"
    "                  [" TD_SYSCONFDIR "/tandem.conf]\n"
    "  --interface IF[:MODE]  one more; MODE is auto, native, generic or tc [auto]\n"
    "  --lines N       ports that there is room for [half as many again as configured]\n"
    "  --user NAME     who runs the relay and owns the pins [tandem-media]\n"
    "\n"
    "SIGTERM lets the sessions come to their end and takes no new ones; a second one stops.\n";

static void on_stop_signal(evutil_socket_t sig, short what, void *arg)
{
    struct program *p = arg;

    (void)what;
    if (p->is_draining) {
        log_ev(LOG_WARN, "stop", "signal=%d sessions=%llu", (int)sig,
               (unsigned long long)relay_sessions(p->relay));
        event_base_loopbreak(p->base);
        return;
    }
    p->is_draining = true;
    sd_notify(0, "STOPPING=1\nSTATUS=draining");
    relay_drain(p->relay);
}

static void on_empty(void *arg)
{
    struct program *p = arg;

    event_base_loopbreak(p->base);
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    sd_notify(0, "WATCHDOG=1");
}

static int add_signal(struct program *p, int sig, struct event **out)
{
    signal(
        sig,
        SIG_IGN); /* what libevent puts back behind the loop: a third one must not break the end */
    *out = evsignal_new(p->base, sig, on_stop_signal, p);
    return *out && event_add(*out, NULL) == 0 ? 0 : -1;
}

static int add_watchdog(struct program *p)
{
    uint64_t usec = 0;
    struct timeval every;

    if (sd_watchdog_enabled(0, &usec) <= 0)
        return 0;
    /* twice in its time */
    every.tv_sec = (time_t)(usec / 2 / 1000000);
    every.tv_usec = (suseconds_t)(usec / 2 % 1000000);
    p->ev_watchdog = event_new(p->base, -1, EV_PERSIST, on_watchdog, p);
    return p->ev_watchdog && event_add(p->ev_watchdog, &every) == 0 ? 0 : -1;
}

/* CAP_NET_RAW was for the sockets that packets leave by, which are open now; pinned maps need none. */
static void drop_capabilities(void)
{
    capng_clear(CAPNG_SELECT_CAPS);
    if (capng_apply(CAPNG_SELECT_CAPS) < 0)
        log_ev(LOG_WARN, "capabilities", "kept=all");
}

/*
 * Where it is remembered: systemd's StateDirectory=, which outlives a reboot (into another kernel, say); else beside the socket.
 */
static int path_file(const char *socket_path, char *file, size_t size)
{
    const char *state = getenv("STATE_DIRECTORY");
    const char *slash = strrchr(socket_path, '/');
    int n = -1;

    if (state)
        n = snprintf(file, size, "%s/path", state);
    else if (slash)
        n = snprintf(file, size, "%.*s/path", (int)(slash - socket_path), socket_path);
    return n > 0 && (size_t)n < size ? 0 : -1;
}

/* A start without what the last one had is not noticed by any caller, only by the machine's load: so it is an error line. */
static void compare_path(const char *socket_path, uint32_t path)
{
    char file[256];
    uint32_t was;
    FILE *f;

    if (path_file(socket_path, file, sizeof(file)) < 0)
        return;
    f = fopen(file, "re");
    if (f) {
        if (fscanf(f, "%u", &was) == 1 && was > path && was < MEDIA_PATH_END)
            log_ev(LOG_ERROR, "media_path_lower", "was=%s path=%s hint=\"tandemctl doctor media\"",
                   media_path_name(was), media_path_name(path));
        fclose(f);
    }
    f = fopen(file, "we");
    if (f) {
        fprintf(f, "%u\n", path);
        fclose(f);
    }
}

/* Before anything is given up. Without it, for whatever reason, the relay starts all the same. */
static struct kernel *open_kernel(const char *pins, char *reason)
{
    struct kernel *k = NULL;

    reason[0] = 0;
    if (kernel_open(pins, &k, reason) < 0)
        k = NULL;
    return k;
}

static void tell_path(const struct program *p, const struct relay_param *rp)
{
    uint32_t path = relay_path(p->relay);

    if (path == MEDIA_PATH_SOCKETS)
        log_ev(LOG_WARN, "media_path", "path=sockets reason=\"%s\" hint=\"tandemctl doctor media\"",
               relay_no_kernel(p->relay));
    else
        log_ev(LOG_INFO, "media_path", "path=%s", media_path_name(path));
    compare_path(rp->socket_path, path);
}

/* Not given: beside the socket, in the same runtime directory. @return NULL: none */
static const char *journal_path(const struct relay_param *p, char out[PATH_MAX])
{
    const char *slash = strrchr(p->socket_path, '/');
    int dir = slash ? (int)(slash - p->socket_path) + 1 : 0;

    if (p->journal)
        return p->journal[0] ? p->journal : NULL;
    return snprintf(out, PATH_MAX, "%.*ssessions", dir, p->socket_path) < PATH_MAX ? out : NULL;
}

/* systemd must know before our end whose end it is to wait for now. */
static void on_given(void *arg, pid_t heir)
{
    (void)arg;
    sd_notifyf(0, "MAINPID=%d", (int)heir);
    _exit(EXIT_SUCCESS);
}

/* What a successor that systemd has not started itself must know to answer it: watchdog and socket. */
static void write_supervisor(char *out, size_t size)
{
    const char *socket = getenv("NOTIFY_SOCKET");
    uint64_t usec = 0;

    (void)sd_watchdog_enabled(0, &usec);
    if (!socket || snprintf(out, size, "%llu %s", (unsigned long long)usec, socket) >= (int)size)
        out[0] = 0;
}

/* Likewise, as the relay before has written it. */
static void read_supervisor(const char *text)
{
    const char *space = strchr(text, ' ');
    char usec[24];

    if (!space || (size_t)(space - text) >= sizeof(usec))
        return;
    snprintf(usec, sizeof(usec), "%.*s", (int)(space - text), text);
    setenv("NOTIFY_SOCKET", space + 1, 1);
    unsetenv("WATCHDOG_PID");
    if (strcmp(usec, "0") == 0)
        unsetenv("WATCHDOG_USEC");
    else
        setenv("WATCHDOG_USEC", usec, 1);
}

/* The caller goes on when the child serves. @return in the child: where it says so; never in the caller */
static int detach(void)
{
    int end[2];
    char done;
    pid_t pid;

    if (pipe2(end, O_CLOEXEC) < 0)
        exit(EXIT_FAILURE);
    pid = fork();
    if (pid < 0)
        exit(EXIT_FAILURE);
    if (pid == 0) {
        close(end[0]);
        setsid();
        return end[1];
    }
    close(end[1]);
    _exit(read(end[0], &done, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void tell_served(int fd)
{
    if (fd < 0)
        return;
    if (write(fd, "", 1) < 0)
        log_ev(LOG_WARN, "media_takeover", "msg=\"whoever started it is gone\"");
    close(fd);
}

static int run(const struct relay_param *param, const char *pins)
{
    int served_fd = param->is_takeover ? detach() : -1;
    char supervisor[128];
    char reason[KERNEL_REASON_LEN];
    struct program p = {0};
    struct relay_param rp = *param;
    char journal[PATH_MAX];
    int code = EXIT_FAILURE;

    log_never_wait();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    p.base = event_base_new();
    if (!p.base)
        return EXIT_FAILURE;
    rp.base = p.base;
    rp.on_empty = on_empty;
    rp.arg = &p;
    rp.on_given = on_given;
    rp.supervisor = supervisor;
    rp.journal = journal_path(param, journal);
    write_supervisor(supervisor, sizeof(supervisor));
    if (add_signal(&p, SIGTERM, &p.ev_term) < 0 || add_signal(&p, SIGINT, &p.ev_int) < 0)
        goto out;
    rp.kernel = open_kernel(pins, reason);
    rp.no_kernel = reason;
    p.relay = relay_new(&rp);
    if (!p.relay)
        goto out;
    drop_capabilities();
    if (rp.is_takeover) {
        read_supervisor(relay_supervisor(p.relay));
        write_supervisor(supervisor, sizeof(supervisor));
    }
    if (add_watchdog(&p) < 0)
        log_ev(LOG_ERROR, "media_watchdog", "errno=%d", ENOMEM);
    tell_path(&p, &rp);
    log_ev(LOG_INFO, "media_start", "socket=%s version=%s pid=%d takeover=%d", rp.socket_path,
           PACKAGE_VERSION, (int)getpid(), rp.is_takeover);
    sd_notify(0, "READY=1");
    tell_served(served_fd);
    code = event_base_dispatch(p.base) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    relay_free(p.relay);
    log_ev(LOG_INFO, "media_stop", "code=%d", code);
out:
    if (p.ev_term)
        event_free(p.ev_term);
    if (p.ev_int)
        event_free(p.ev_int);
    if (p.ev_watchdog)
        event_free(p.ev_watchdog);
    event_base_free(p.base);
    kernel_free(rp.kernel);
    return code;
}

enum work { WORK_RELAY, WORK_SETUP, WORK_TEARDOWN };

struct options {
    enum work work;
    struct relay_param relay;
    struct media_setup_param setup;
};

static bool read_number(const char *name, const char *text, uint32_t max, uint32_t *out)
{
    if (span_u32(span_of(text), max, out) == 0 && *out > 0)
        return true;
    fprintf(stderr, "tandem-media: --%s takes 1 to %u\n", name, max);
    return false;
}

static bool add_interface(struct media_setup_param *p, const char *text)
{
    if (p->n_interfaces == MEDIA_IFS_MAX) {
        fprintf(stderr, "tandem-media: more than %u interfaces\n", MEDIA_IFS_MAX);
        return false;
    }
    p->interface[p->n_interfaces++] = text;
    return true;
}

/* @return -1: go on; else the exit code */
static int take_option(struct options *o, int c)
{
    switch (c) {
    case 's': o->relay.socket_path = optarg; break;
    case 'j': o->relay.journal = optarg; break;
    case 't': return read_number("threads", optarg, THREADS_LIMIT, &o->relay.threads) ? -1 : 2;
    case 'o': o->relay.is_takeover = true; break;
    case 'S': o->work = WORK_SETUP; break;
    case 'T': o->work = WORK_TEARDOWN; break;
    case 'c': o->setup.config = optarg; break;
    case 'i': return add_interface(&o->setup, optarg) ? -1 : 2;
    case 'p': o->setup.pins = optarg; break;
    case 'l': return read_number("lines", optarg, LINES_MAX, &o->setup.lines) ? -1 : 2;
    case 'u': o->setup.user = optarg; break;
    case 'v': log_set_level(LOG_DEBUG); break;
    case 'V': puts("tandem-media " PACKAGE_VERSION); return EXIT_SUCCESS;
    case 'h': fputs(usage, stdout); return EXIT_SUCCESS;
    default: fputs(usage, stderr); return 2;
    }
    return -1;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"socket", required_argument, NULL, 's'},
        {"threads", required_argument, NULL, 't'},
        {"journal", required_argument, NULL, 'j'},
        {"takeover", no_argument, NULL, 'o'},
        {"setup", no_argument, NULL, 'S'},
        {"teardown", no_argument, NULL, 'T'},
        {"config", required_argument, NULL, 'c'},
        {"interface", required_argument, NULL, 'i'},
        {"pins", required_argument, NULL, 'p'},
        {"lines", required_argument, NULL, 'l'},
        {"user", required_argument, NULL, 'u'},
        {"verbose", no_argument, NULL, 'v'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options o = {.relay.socket_path = SOCKET_DEFAULT,
                        .setup = {.config = TD_SYSCONFDIR "/tandem.conf",
                                  .pins = MAPS_DIR,
                                  .user = "tandem-media"}};
    int c, code;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        code = take_option(&o, c);
        if (code >= 0)
            return code;
    }
    if (optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    switch (o.work) {
    case WORK_SETUP: return media_setup(&o.setup);
    case WORK_TEARDOWN: return media_teardown(o.setup.pins);
    default: return run(&o.relay, o.setup.pins);
    }
}
