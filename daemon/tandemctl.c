/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tandemctl: does what needs no daemon itself (ctl.c), sends every other command to the running tandemd and prints the answer.
 * Operators and scripts run it. The daemon's commands are in its own table ('tandemctl help').
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/err.h"
#include "core/ipc.h"
#include "daemon/ctl.h"

/* A reload is the slowest command: seconds for millions of rows, and it only has what processor the calls leave. */
#define ANSWER_TIMEOUT_MS 600000
#define LINE_MAX_BYTES    4096 /* as the daemon's ADMIN_LINE_MAX */

static void usage(FILE *out)
{
    fputs(
        "usage: tandemctl [-s SOCKET] [-j|--json] COMMAND [ARGUMENT…]\n"
        "  -s SOCKET  control socket of tandemd (default /run/tandem/tandemd.sock, or $TANDEM_SOCKET)\n"
        "  -j         answer as JSON\n"
        "  'tandemctl help' lists the commands.\n",
        out);
}

static int send_line(int fd, int argc, char **argv, int json)
{
    char line[LINE_MAX_BYTES];
    size_t n = (size_t)snprintf(line, sizeof(line), "%s", json ? "json" : "text");
    for (int i = 0; i < argc && n < sizeof(line); i++)
        n += (size_t)snprintf(line + n, sizeof(line) - n, " %s", argv[i]);
    if (n + 1 >= sizeof(line) || memchr(line, '\n', n))
        return -EINVAL;
    line[n++] = '\n';
    return send(fd, line, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -EIO;
}

/* Read to the end; the first line says whether it went well. @return exit code */
static int print_answer(int fd)
{
    char buf[16384];
    char head[8] = "";
    size_t got = 0;
    FILE *out = NULL;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, ANSWER_TIMEOUT_MS) <= 0) {
            fputs("tandemctl: tandemd does not answer\n", stderr);
            return 2;
        }
        ssize_t n = recv(fd, buf, sizeof(buf), 0);
        if (n <= 0)
            break;
        char *p0 = buf, *end = buf + n;
        while (!out && p0 < end) {
            char c = *p0++;
            if (c == '\n')
                out = strcmp(head, "ok") == 0 ? stdout : stderr;
            else if (got < sizeof(head) - 1)
                head[got++] = c;
        }
        if (out)
            fwrite(p0, 1, (size_t)(end - p0), out);
    }
    if (!out) {
        fputs("tandemctl: the connection ended without an answer\n", stderr);
        return 2;
    }
    return out == stdout ? 0 : 1;
}

static int ask_daemon(const char *path, int argc, char **argv, int json)
{
    int fd = ipc_connect(path ? path : "/run/tandem/tandemd.sock", SOCK_STREAM);
    int err = fd < 0 ? fd : send_line(fd, argc, argv, json);
    if (err < 0) {
        fprintf(stderr, "tandemctl: %s: %s%s\n", path ? path : "/run/tandem/tandemd.sock",
                err_str(err),
                fd >= 0                                  ? ""
                : err == -ENOENT || err == -ECONNREFUSED ? ": does tandemd run? Another socket: -s"
                : err == -EACCES                         ? ": who asks must be root or of its group"
                                                         : "");
        if (fd >= 0)
            close(fd);
        return 2;
    }
    int rc = print_answer(fd);
    close(fd);
    return rc;
}

static void help_local(void)
{
    for (const struct ctl_sub *s = ctl_subs; s->name; s++) {
        char use[64];
        snprintf(use, sizeof(use), "%s %s", s->name, s->args);
        printf("%-28s %s\n", use, s->help);
    }
}

static int run(const char *path, int argc, char **argv, int json)
{
    const struct ctl_sub *sub = ctl_find(argv[0]);
    int rc = sub ? sub->run(&(struct ctl){.json = json}, argc, argv) : CTL_REMOTE;
    if (rc != CTL_REMOTE)
        return rc;
    if (!json && argc == 1 && strcmp(argv[0], "help") == 0)
        help_local();
    return ask_daemon(path, argc, argv, json);
}

int main(int argc, char **argv)
{
    static const struct option opts[] = {{"socket", required_argument, NULL, 's'},
                                         {"json", no_argument, NULL, 'j'},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    const char *path = getenv("TANDEM_SOCKET");
    int json = 0, c;
    while ((c = getopt_long(argc, argv, "+s:jh", opts, NULL)) != -1) {
        if (c == 's')
            path = optarg;
        else if (c == 'j')
            json = 1;
        else {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    /* --json is allowed behind the command too: that is where it is typed at 3 a.m. */
    for (int i = optind; i < argc; i++)
        if (strcmp(argv[i], "--json") == 0) {
            json = 1;
            memmove(&argv[i], &argv[i + 1], sizeof(argv[0]) * (size_t)(argc - i));
            argc--;
        }
    if (optind == argc) {
        usage(stderr);
        return 2;
    }
    return run(path, argc - optind, argv + optind, json);
}
