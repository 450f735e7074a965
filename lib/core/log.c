/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * logfmt lines to stderr: level, journald prefix, rate limit, quoting.
 * Everybody logs through it; it knows no key but ev=.
 */
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2000
#define PREFIX_LEN     3 /* "<6>" */
/* 4,096: what a pipe takes whole (PIPE_BUF), so that lines of several threads do not mix; some 25 lines of calls */
#define HELD_BYTES 4096

static _Atomic int max_level = LOG_INFO;
static _Atomic int journal = -1; /* -1: not asked yet */
static void (*sink_fn)(enum log_level, const char *, void *);
static void *sink_arg;
static bool is_unlimited;
static int out_fd = STDERR_FILENO;
static bool out_is_socket; /* journald's, and nobody waits for it */
static _Atomic uint64_t lost_lines;
static _Thread_local bool is_holding;
static _Thread_local size_t held_len;
static _Thread_local char held[HELD_BYTES];

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

enum log_level log_level(void)
{
    return (enum log_level)atomic_load_explicit(&max_level, memory_order_relaxed);
}

void log_set_journal(bool on)
{
    atomic_store_explicit(&journal, on, memory_order_relaxed);
}

static bool has_journal(void)
{
    int on = atomic_load_explicit(&journal, memory_order_relaxed);

    if (on < 0) {
        on = getenv("JOURNAL_STREAM") != NULL;
        atomic_store_explicit(&journal, on, memory_order_relaxed);
    }
    return on != 0;
}

void log_set_sink(void (*sink)(enum log_level, const char *line, void *arg), void *arg)
{
    sink_fn = sink;
    sink_arg = arg;
}

/* One event is one line, whatever a value holds. */
static void flatten(char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            s[i] = '?';
    }
}

int log_never_wait(void)
{
    struct stat st;
    int fd;

    if (out_fd != STDERR_FILENO)
        close(out_fd);
    out_fd = STDERR_FILENO;
    if (fstat(STDERR_FILENO, &st) < 0)
        return -errno;
    out_is_socket = S_ISSOCK(st.st_mode);
    if (!S_ISFIFO(st.st_mode))
        return 0;
    /* Opened anew: O_NONBLOCK on the pipe we were given would be set for whoever else writes to it. */
    fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    out_fd = fd;
    return 0;
}

/* All or nothing: pipes take up to PIPE_BUF whole, Unix sockets what fits one buffer of theirs. */
static bool put_bytes(const char *p, size_t len)
{
    ssize_t n =
        out_is_socket ? send(out_fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL) : write(out_fd, p, len);

    return n == (ssize_t)len;
}

static uint64_t lines_in(const char *p, size_t len)
{
    uint64_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += p[i] == '\n';
    return n;
}

static void tell_lost(void)
{
    uint64_t n = atomic_exchange_explicit(&lost_lines, 0, memory_order_relaxed);
    char line[64];
    int len;

    if (n == 0)
        return;
    len = snprintf(line, sizeof(line), "%sev=log_lost lines=%llu\n", has_journal() ? "<4>" : "",
                   (unsigned long long)n);
    if (!put_bytes(line, (size_t)len))
        atomic_fetch_add_explicit(&lost_lines, n, memory_order_relaxed);
}

static void write_out(const char *p, size_t len)
{
    if (len == 0)
        return;
    if (put_bytes(p, len))
        tell_lost();
    else
        atomic_fetch_add_explicit(&lost_lines, lines_in(p, len), memory_order_relaxed);
}

void log_flush(void)
{
    write_out(held, held_len);
    held_len = 0;
}

void log_hold(bool on)
{
    is_holding = on;
    if (!on)
        log_flush();
}

static _Thread_local bool is_mute;

void log_mute(bool on)
{
    is_mute = on;
}

/* A whole line with its newline. What an operator must see at once goes out at once, behind what waits. */
static void put_line(enum log_level level, const char *p, size_t len)
{
    if (held_len + len > sizeof(held))
        log_flush();
    if (!is_holding || len > sizeof(held)) {
        write_out(p, len);
        return;
    }
    memcpy(held + held_len, p, len);
    held_len += len;
    if (level <= LOG_WARN)
        log_flush();
}

void log_ev(enum log_level level, const char *ev, const char *fmt, ...)
{
    char buf[PREFIX_LEN + LINE_MAX_BYTES + 2]; /* "<6>", the line, newline or NUL */
    char *line = buf + PREFIX_LEN;
    va_list ap;
    int n, more;

    if (level > log_level() || is_mute)
        return;
    n = snprintf(line, LINE_MAX_BYTES + 1, fmt[0] ? "ev=%s " : "ev=%s", ev);
    if (n < 0 || n > LINE_MAX_BYTES)
        return;
    va_start(ap, fmt);
    more = vsnprintf(line + n, (size_t)(LINE_MAX_BYTES + 1 - n), fmt, ap);
    va_end(ap);
    if (more > 0)
        n = more < LINE_MAX_BYTES - n ? n + more : LINE_MAX_BYTES;
    flatten(line, (size_t)n);
    if (sink_fn) {
        sink_fn(level, line, sink_arg);
        return;
    }
    line[n++] = '\n';
    if (has_journal()) {
        line -= PREFIX_LEN;
        memcpy(line, (char[]){'<', (char)('0' + level), '>'}, PREFIX_LEN);
        n += PREFIX_LEN;
    }
    put_line(level, line, (size_t)n);
}

bool log_rate_ok(struct log_rate *r, uint32_t per_second)
{
    struct timespec ts;
    uint64_t now_s;
    uint32_t suppressed;

    if (is_unlimited)
        return true;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    now_s = (uint64_t)ts.tv_sec;
    if (now_s != r->window_s) {
        r->window_s = now_s;
        r->used = 0;
    }
    if (r->used >= per_second) {
        r->suppressed++;
        return false;
    }
    r->used++;
    suppressed = r->suppressed;
    r->suppressed = 0;
    if (suppressed > 0)
        log_ev(LOG_WARN, "log_suppressed", "lines=%u", suppressed);
    return true;
}

void log_set_unlimited(void)
{
    is_unlimited = true;
}

static bool is_bare(unsigned char c)
{
    return c > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f;
}

static bool all_bare(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_bare((unsigned char)s.p[i]))
            return false;
    }
    return s.len > 0;
}

/* One character as it stands inside quotes. @return its length */
static size_t escape(unsigned char c, char out[5])
{
    static const char hex[] = "0123456789abcdef";

    if (c == '"' || c == '\\') {
        memcpy(out, (char[]){'\\', (char)c}, 2);
        return 2;
    }
    if (c == '\n' || c == '\r' || c == '\t') {
        memcpy(out, (char[]){'\\', c == '\n' ? 'n' : c == '\r' ? 'r' : 't'}, 2);
        return 2;
    }
    if (c < 0x20 || c == 0x7f) {
        memcpy(out, (char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
        return 4;
    }
    out[0] = (char)c;
    return 1;
}

static size_t quoted_len(struct span value)
{
    char one[5];
    size_t len = 2; /* the quotes */

    for (size_t i = 0; i < value.len; i++)
        len += escape((unsigned char)value.p[i], one);
    return len;
}

const char *log_quote(char *buf, size_t size, struct span value)
{
    static const char cut[] = "…";
    const size_t cut_len = sizeof(cut) - 1;
    bool fits = quoted_len(value) < size;
    char one[5];
    size_t at = 0;

    if (size == 0)
        return "";
    if (all_bare(value) && value.len < size) {
        span_copy(value, buf, size);
        return buf;
    }
    if (!fits && size < cut_len + 3) { /* no room for two quotes and the mark */
        buf[0] = '\0';
        return buf;
    }
    buf[at++] = '"';
    for (size_t i = 0; i < value.len; i++) {
        size_t n = escape((unsigned char)value.p[i], one);
        if (!fits && at + n + cut_len + 2 > size)
            break;
        memcpy(buf + at, one, n);
        at += n;
    }
    if (!fits) {
        memcpy(buf + at, cut, cut_len);
        at += cut_len;
    }
    buf[at++] = '"';
    buf[at] = '\0';
    return buf;
}
