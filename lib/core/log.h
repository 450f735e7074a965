/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log lines in logfmt: one line per event, stable keys (ev= first), to stderr (journald takes it from there with <N> prefixes).
 * Everybody logs through it; it must not know what the keys mean.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include "core/span.h"

enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_INFO = 6, LOG_DEBUG = 7 };

/** Lowest urgency that is written (default LOG_INFO). Not thread-safe: call at start or from the control thread. */
void log_set_level(enum log_level level);

/** Highest-numbered level that is written now; lets hot code skip formatting. */
enum log_level log_level(void);

/** With true, prefix each line by <N> for journald. Set when $JOURNAL_STREAM is present. */
void log_set_journal(bool on);

/**
 * From now on a line is lost rather than waited for when the pipe or journald behind stderr takes no more: no call may
 * stand still for a log. The next line that passes is followed by `ev=log_lost lines=N`. At start, before any thread.
 * @return 0; -errno: stderr could not be opened anew, lines go on as before
 */
int log_never_wait(void);

/** Tests: take the lines (without newline) instead of stderr; NULL restores. */
void log_set_sink(void (*sink)(enum log_level, const char *line, void *arg), void *arg);

/** Tests in which a minute passes in a millisecond: log_limited leaves nothing out. At start, before any thread. */
void log_set_unlimited(void);

/**
 * One event. fmt gives the keys behind ev, in logfmt: log_ev(LOG_INFO, "call_end", "call=%s code=%d", …).
 * One write(2) per line unless held (log_hold); lines over 2,000 bytes are cut (journald splits longer ones).
 */
void log_ev(enum log_level level, const char *ev, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * A loop that logs much: from now on this thread's lines wait for log_flush, which it calls at the end of each turn, or
 * for 4 KiB; LOG_WARN and LOG_ERROR go out at once with all before them. Off (the default) writes what waits.
 */
void log_hold(bool on);
/** While on, this thread says nothing: a call that is only explained is no event. */
void log_mute(bool on);
/** Write what this thread holds, if anything. */
void log_flush(void);

/** A per-site budget: at most burst lines a second; suppressed ones are counted and told with the next line that passes. */
struct log_rate {
    uint64_t window_s;
    uint32_t used;
    uint32_t suppressed;
};

/** True if this site may log now; when lines were suppressed, writes one line saying how many. Per thread: use a static _Thread_local. */
bool log_rate_ok(struct log_rate *r, uint32_t per_second);

/** log_ev with 5 lines a second for this site and thread: for anything a peer can provoke. */
#define log_limited(level, ev, ...)                          \
    do {                                                     \
        static _Thread_local struct log_rate log_rate_site_; \
        if (log_rate_ok(&log_rate_site_, 5))                 \
            log_ev(level, ev, __VA_ARGS__);                  \
    } while (0)

/**
 * Quote a value for logfmt: bare if it has only safe characters, else in quotes with escapes.
 * @return buf, always terminated; cut with "…" if it does not fit
 */
const char *log_quote(char *buf, size_t size, struct span value);

#endif
