/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * logfmt lines to stderr: level, journald prefix, rate limit, quoting.
 * Everybody logs through it; it knows no key but ev=.
 */
#include "core/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2000

static _Atomic int max_level = LOG_INFO;
static _Atomic int journal = -1; /* -1: not asked yet */
static void (*sink_fn)(enum log_level, const char *, void *);
static void *sink_arg;

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
static void flatten(char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
    }
}

static void write_line(enum log_level level, char *line)
{
    char out[LINE_MAX_BYTES + 8];
    int n;

    if (sink_fn) {
        sink_fn(level, line, sink_arg);
        return;
    }
    if (has_journal())
        n = snprintf(out, sizeof(out), "<%d>%s\n", (int)level, line);
    else
        n = snprintf(out, sizeof(out), "%s\n", line);
    if (n > 0 && write(STDERR_FILENO, out, (size_t)n) < 0) {
        /* there is nowhere left to say so */
    }
}

void log_ev(enum log_level level, const char *ev, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES + 1];
    va_list ap;
    int n;

    if (level > log_level())
        return;
    n = snprintf(line, sizeof(line), fmt[0] ? "ev=%s " : "ev=%s", ev);
    if (n < 0 || (size_t)n >= sizeof(line))
        return;
    va_start(ap, fmt);
    vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
    va_end(ap);
    flatten(line);
    write_line(level, line);
}

bool log_rate_ok(struct log_rate *r, uint32_t per_second)
{
    struct timespec ts;
    uint64_t now_s;
    uint32_t suppressed;

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
