/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the lines that the SIPp scenarios write with <log>, as they grow:
 *   probe start uac|uas local=IP PORT remote=IP PORT key=NUMBER
 *   probe stop uac|uas local=IP PORT
 * Called by the main loop. Must not know RTP.
 */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Split at blanks in place; at most n words. */
static unsigned log_words(char *line, char **word, unsigned n)
{
    unsigned found = 0;

    while (*line && found < n) {
        while (*line == ' ')
            *line++ = 0;
        if (!*line)
            break;
        word[found++] = line;
        while (*line && *line != ' ')
            line++;
    }
    return found;
}

static const char *log_value(const char *word, const char *key)
{
    size_t n = strlen(key);

    return !strncmp(word, key, n) ? word + n : "";
}

static int log_line(struct probe *p, char *line)
{
    char *word[8];
    unsigned n = log_words(line, word, 8);
    struct sockaddr_storage local;
    struct probe_start s = {0};

    if (n < 5 || strcmp(word[0], "probe"))
        return -EINVAL;
    s.side = strcmp(word[2], "uas") ? PROBE_UAC : PROBE_UAS;
    if (probe_addr(log_value(word[3], "local="), word[4], &local))
        return -EINVAL;
    s.port = probe_port_find(p, &local);
    if (!s.port)
        return -ENOENT;
    if (!strcmp(word[1], "stop")) {
        probe_stop(p, s.port);
        return 0;
    }
    if (strcmp(word[1], "start") || n < 8)
        return -EINVAL;
    if (probe_addr(log_value(word[5], "remote="), word[6], &s.remote))
        return -EINVAL;
    s.key = log_value(word[7], "key=");
    probe_start(p, &s);
    return 0;
}

static void log_lines(struct probe *p, struct probe_log *log)
{
    char *line = log->buf, *nl;

    while ((nl = memchr(line, '\n', log->len - (size_t)(line - log->buf)))) {
        *nl = 0;
        if (nl > line && log_line(p, line))
            p->bad_lines++;
        line = nl + 1;
    }
    log->len -= (size_t)(line - log->buf);
    memmove(log->buf, line, log->len);
    if (log->len == sizeof log->buf) {
        p->bad_lines++;
        log->len = 0;
    }
}

void probe_logs_read(struct probe *p)
{
    for (unsigned i = 0; i < p->logs; i++) {
        struct probe_log *log = &p->log[i];
        ssize_t n;

        if (log->fd < 0)
            log->fd = open(log->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        while (log->fd >= 0 &&
               (n = read(log->fd, log->buf + log->len, sizeof log->buf - log->len)) > 0) {
            log->len += (size_t)n;
            log_lines(p, log);
        }
    }
}
