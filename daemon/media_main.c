/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tandem-media: starts the relay, tells systemd, drains on SIGTERM.
 * Nobody calls it; what a session is it does not know.
 */
#include <cap-ng.h>
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include "core/log.h"
#include "core/span.h"
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
    "usage: tandem-media [--socket PATH] [--threads N]\n"
    "\n"
    "Relays RTP and RTCP for tandemd, which tells it over the socket what to relay.\n"
    "\n"
    "  --socket PATH   control socket [" SOCKET_DEFAULT "]\n"
    "  --threads N     packet threads [one per processor, at most 4]\n"
    "  --verbose       log changes of state\n"
    "  --version       print the version\n"
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

/* Ports below 1024 are refused and devices need no privilege to bind to: nothing is needed. */
static void drop_capabilities(void)
{
    capng_clear(CAPNG_SELECT_CAPS);
    if (capng_apply(CAPNG_SELECT_CAPS) < 0)
        log_ev(LOG_WARN, "capabilities", "kept=all");
}

static int run(const struct relay_param *param)
{
    struct program p = {0};
    struct relay_param rp = *param;
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
    if (add_signal(&p, SIGTERM, &p.ev_term) < 0 || add_signal(&p, SIGINT, &p.ev_int) < 0 ||
        add_watchdog(&p) < 0)
        goto out;
    p.relay = relay_new(&rp);
    if (!p.relay)
        goto out;
    drop_capabilities();
    log_ev(LOG_INFO, "media_start", "socket=%s version=%s", rp.socket_path, PACKAGE_VERSION);
    sd_notify(0, "READY=1");
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
    return code;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"socket", required_argument, NULL, 's'}, {"threads", required_argument, NULL, 't'},
        {"verbose", no_argument, NULL, 'v'},      {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    struct relay_param param = {.socket_path = SOCKET_DEFAULT};
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 's': param.socket_path = optarg; break;
        case 't':
            if (span_u32(span_of(optarg), THREADS_LIMIT, &param.threads) < 0 ||
                param.threads == 0) {
                fprintf(stderr, "tandem-media: --threads takes 1 to %u\n", THREADS_LIMIT);
                return 2;
            }
            break;
        case 'v': log_set_level(LOG_DEBUG); break;
        case 'V': puts("tandem-media " PACKAGE_VERSION); return EXIT_SUCCESS;
        case 'h': fputs(usage, stdout); return EXIT_SUCCESS;
        default: fputs(usage, stderr); return 2;
        }
    }
    if (optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    return run(&param);
}
