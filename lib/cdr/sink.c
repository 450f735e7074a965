/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of one cdr section.
 * The writer thread owns all of them; a sink must not know who makes the records.
 *
 * The file's name says when its records were written, in UTC. A file is written under its final name and is complete
 * when a later one exists or its period is over by two seconds. Within a period, further files (by size, or because the
 * pattern gives the same name again) are NAME.1, NAME.2, …
 */
#include "cdr/sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "core/err.h"
#include "core/log.h"

#define RETRY_MS 1000
#define ALARM_MS 60000 /* an operator who missed the first line gets another each minute */
#define SYNC_MS  1000  /* what a power cut may cost; a sync for each record would cost the disk */
/* One write, and writes in a turn: bounds how long a slow disk holds the writer before it empties the rings again. */
#define WRITE_MAX   (1u << 20)
#define WRITES_TURN 8
/* A record is at most 24 texts of 1 KiB, each byte written as six: a torn one is not longer. */
#define TORN_MAX   (192u * 1024)
#define NUMBER_MAX 99999u
/* How far back a record of a killed process is looked for: as much as can have waited, and a day of hours. */
#define LOOK_BYTES   CDR_BACKLOG_BYTES
#define LOOK_PERIODS 26u
#define LOOK_KEPT_MS 10000

static void count(_Atomic uint64_t *n, uint64_t more)
{
    atomic_fetch_add_explicit(n, more, memory_order_relaxed);
}

static void count_lost(struct sink *s, uint64_t n)
{
    count(&s->counts->lost, n);
    if (s->counts->stats)
        stat_add(s->counts->stats, STAT_cdr_lost, n);
}

static void count_error(struct sink *s)
{
    count(&s->counts->write_errors, 1);
    if (s->counts->stats)
        stat_inc(s->counts->stats, STAT_cdr_write_errors);
}

static void count_written(struct sink *s, uint64_t n)
{
    count(&s->counts->written, n);
    if (s->counts->stats)
        stat_add(s->counts->stats, STAT_cdr_written, n);
}

struct sink *sink_new(const struct conf_cdr *cdr, size_t backlog_limit, struct sink_counts *counts)
{
    struct sink *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->fd = -1;
    s->name = strdup(cdr->name);
    s->pattern = strdup(cdr->file);
    s->rotate_ms = cdr->rotate_ms;
    s->rotate_bytes = cdr->rotate_bytes;
    s->interim_ms = cdr->interim_ms;
    s->format = cdr->format;
    s->backlog_limit = backlog_limit;
    s->counts = counts;
    if (!s->name || !s->pattern) {
        free(s->name);
        free(s->pattern);
        free(s);
        return NULL;
    }
    return s;
}

bool sink_is_same(const struct sink *s, const struct conf_cdr *cdr)
{
    return strcmp(s->name, cdr->name) == 0 && strcmp(s->pattern, cdr->file) == 0 &&
           s->rotate_ms == cdr->rotate_ms && s->rotate_bytes == cdr->rotate_bytes &&
           s->interim_ms == cdr->interim_ms && s->format == cdr->format;
}

void sink_put(struct sink *s, const struct record_origin *o, const struct cdr_event *ev)
{
    size_t before = s->backlog.len;
    int err = s->format == CONF_CDR_CSV ? record_csv(&s->backlog, o, ev)
                                        : record_json(&s->backlog, o, ev);

    if (err == 0 && s->backlog.len - s->backlog_at > s->backlog_limit) {
        s->backlog.len = before;
        err = TD_EFULL;
    }
    if (err == 0) {
        s->backlog_records++;
        return;
    }
    count_lost(s, 1);
    s->overflow++;
    log_limited(LOG_ERROR, "cdr_lost", "cdr=%s uuid=%.*s error=\"%s\"", s->name, SPAN_ARG(ev->uuid),
                err_str(err));
}

/* --- names --- */

static uint64_t period_of(const struct sink *s, uint64_t wall_ms)
{
    return s->rotate_ms ? wall_ms / s->rotate_ms : 0;
}

/* The pattern at the start of the period, so that each start of the process finds the same name. */
static int base_of(const struct sink *s, uint64_t wall_ms, char out[PATH_MAX])
{
    uint64_t at_ms = s->rotate_ms ? wall_ms - wall_ms % s->rotate_ms : wall_ms;
    time_t t = (time_t)(at_ms / 1000);
    struct tm tm;

    if (!gmtime_r(&t, &tm) || strftime(out, PATH_MAX, s->pattern, &tm) == 0)
        return -ENAMETOOLONG;
    return 0;
}

static int numbered(const char *base, unsigned number, char out[PATH_MAX + 16])
{
    if (number == 0)
        return snprintf(out, PATH_MAX + 16, "%s", base);
    return snprintf(out, PATH_MAX + 16, "%s.%u", base, number);
}

/* Behind the last of NAME, NAME.1, NAME.2, … that exists, nothing does. */
static unsigned last_number(const char *base)
{
    char path[PATH_MAX + 16];
    unsigned n = 0;

    do
        numbered(base, n + 1, path);
    while (access(path, F_OK) == 0 && ++n < NUMBER_MAX);
    return n;
}

/* --- records of a former process --- */

/* Files of the period of at_ms, newest first. @return bytes that may still be read */
static uint64_t look_period(struct sink *s, uint64_t at_ms, uint64_t budget)
{
    char base[PATH_MAX], path[PATH_MAX + 16];

    if (base_of(s, at_ms, base) < 0)
        return budget;
    for (unsigned n = last_number(base) + 1; n-- > 0 && budget > 0;) {
        numbered(base, n, path);
        budget -= seen_file(&s->seen, path, budget);
    }
    return budget;
}

/* All lines that were written since then, as far back as is looked. */
static void look_back(struct sink *s, uint64_t since_ms, const struct clock *now)
{
    uint64_t budget = LOOK_BYTES, at = now->wall_ms;

    seen_fini(&s->seen);
    s->is_seen = true;
    s->seen_since_ms = since_ms;
    for (unsigned i = 0; i < LOOK_PERIODS && budget > 0; i++) {
        budget = look_period(s, at, budget);
        if (!s->rotate_ms || period_of(s, at) <= period_of(s, since_ms))
            break;
        at -= s->rotate_ms;
    }
}

void sink_put_again(struct sink *s, const struct record_origin *o, const struct cdr_event *ev,
                    const struct clock *now)
{
    uint64_t since = ev->end.wall_ms < now->wall_ms ? ev->end.wall_ms : now->wall_ms;
    size_t before = s->backlog.len;

    if (!s->is_seen || since < s->seen_since_ms)
        look_back(s, since, now);
    s->seen_until_ms = now->mono_ms + LOOK_KEPT_MS;
    sink_put(s, o, ev);
    if (s->backlog.len == before ||
        seen_add(&s->seen, s->backlog.p + before, s->backlog.len - before))
        return;
    s->backlog.len = before;
    s->backlog_records--;
}

static void forget_seen(struct sink *s)
{
    seen_fini(&s->seen);
    s->is_seen = false;
}

/* --- opening --- */

static int make_dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char dir[PATH_MAX];

    if (!slash || slash == path ||
        span_copy((struct span){path, (size_t)(slash - path)}, dir, sizeof(dir)) < 0)
        return -ENOENT;
    return mkdir(dir, 0750) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_path(const char *path)
{
    const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
    int fd = open(path, flags, 0640);

    if (fd < 0 && errno == ENOENT && make_dir_of(path) == 0)
        fd = open(path, flags, 0640);
    return fd < 0 ? -errno : fd;
}

/* A process killed in the middle of a write left half a record; cut it, so that the next one starts a line. */
static int cut_torn(struct sink *s, const char *path)
{
    size_t len = s->file_bytes < TORN_MAX ? (size_t)s->file_bytes : TORN_MAX;
    off_t from = (off_t)(s->file_bytes - len);
    char *buf = malloc(len ? len : 1);
    const char *newline;
    ssize_t n;

    if (!buf)
        return -ENOMEM;
    n = pread(s->fd, buf, len, from);
    if (n == (ssize_t)len && len > 0 && buf[len - 1] != '\n') {
        newline = memrchr(buf, '\n', len);
        uint64_t keep = newline ? (uint64_t)from + (uint64_t)(newline - buf) + 1 : (uint64_t)from;
        log_ev(LOG_WARN, "cdr_torn", "file=%s bytes=%llu", path,
               (unsigned long long)(s->file_bytes - keep));
        if (ftruncate(s->fd, (off_t)keep) == 0)
            s->file_bytes = keep;
    }
    free(buf);
    return n == (ssize_t)len ? 0 : -EIO;
}

/* @return false: the file has other columns (an older version wrote it) and must not be continued */
static bool has_our_header(const struct sink *s)
{
    struct record_buf header = {0};
    bool same = false;
    char *have;

    if (s->format != CONF_CDR_CSV)
        return true;
    if (record_csv_header(&header) < 0)
        return true;
    have = malloc(header.len);
    if (have)
        same = pread(s->fd, have, header.len, 0) == (ssize_t)header.len &&
               memcmp(have, header.p, header.len) == 0;
    free(have);
    record_buf_fini(&header);
    return same;
}

/* @return 1 opened and may be continued; 0 opened, but it is full or foreign; -errno */
static int open_number(struct sink *s, const char *base, unsigned number)
{
    char path[PATH_MAX + 16];
    struct stat st;
    int fd;

    numbered(base, number, path);
    fd = open_path(path);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    s->fd = fd;
    s->number = number;
    s->is_regular = S_ISREG(st.st_mode);
    s->file_bytes = s->is_regular ? (uint64_t)st.st_size : 0;
    if (s->file_bytes == 0)
        return 1;
    if (cut_torn(s, path) < 0)
        return -EIO;
    if (s->file_bytes == 0)
        return 1;
    return (s->rotate_bytes == 0 || s->file_bytes < s->rotate_bytes) && has_our_header(s);
}

static void close_file(struct sink *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

static int write_header(struct sink *s)
{
    struct record_buf header = {0};
    ssize_t n = -1;
    int err = record_csv_header(&header);

    if (err < 0)
        return err;
    errno = 0;
    n = write(s->fd, header.p, header.len);
    if (n != (ssize_t)header.len) {
        err = n < 0 && errno ? -errno : -ENOSPC;
        if (s->is_regular && ftruncate(s->fd, 0) < 0)
            err = -errno;
    } else {
        s->file_bytes = header.len;
    }
    record_buf_fini(&header);
    return err;
}

static int open_from(struct sink *s, const char *base, unsigned number)
{
    int got;

    while ((got = open_number(s, base, number)) == 0 && number < NUMBER_MAX) {
        close_file(s);
        number++;
    }
    if (got < 0)
        return got;
    if (s->file_bytes == 0 && s->format == CONF_CDR_CSV)
        return write_header(s);
    return 0;
}

/*
 * Open the file to write now: the highest number there is, or the one after our own when the period ended under the
 * same name.
 */
static int open_file(struct sink *s, const struct clock *now)
{
    char base[PATH_MAX];
    unsigned number;
    int err = base_of(s, now->wall_ms, base);

    if (err < 0)
        return err;
    number = last_number(base);
    if (s->base && strcmp(s->base, base) == 0 && s->period != period_of(s, now->wall_ms) &&
        number < NUMBER_MAX)
        number++;
    err = open_from(s, base, number);
    if (err < 0) {
        close_file(s);
        return err;
    }
    s->period = period_of(s, now->wall_ms);
    if (!s->base || strcmp(s->base, base) != 0) {
        free(s->base);
        s->base = strdup(base);
    }
    return 0;
}

/* --- writing --- */

static void sync_file(struct sink *s)
{
    if (s->fd < 0 || !s->is_dirty)
        return;
    s->is_dirty = false;
    /* a device or pipe cannot be synced and need not be */
    if (s->is_regular && fdatasync(s->fd) < 0) {
        count_error(s);
        log_limited(LOG_ERROR, "cdr_disk", "cdr=%s op=sync error=\"%s\"", s->name, err_str(-errno));
    }
}

static void end_file(struct sink *s)
{
    sync_file(s);
    close_file(s);
}

static void fail(struct sink *s, const struct clock *now, int err)
{
    count_error(s);
    close_file(s); /* opened afresh each time: the disk may come back as another mount */
    s->retry_ms = now->mono_ms + RETRY_MS;
    if (!s->is_failing || now->mono_ms >= s->alarm_ms) {
        s->alarm_ms = now->mono_ms + ALARM_MS;
        log_ev(LOG_ERROR, "cdr_disk", "cdr=%s pattern=%s error=\"%s\" backlog=%llu lost=%llu",
               s->name, s->pattern, err_str(err), (unsigned long long)s->backlog_records,
               (unsigned long long)s->overflow);
        s->overflow = 0;
    }
    s->is_failing = true;
}

static void recover(struct sink *s)
{
    if (!s->is_failing)
        return;
    s->is_failing = false;
    log_ev(LOG_WARN, "cdr_disk_ok", "cdr=%s pattern=%s backlog=%llu lost=%llu", s->name, s->pattern,
           (unsigned long long)s->backlog_records, (unsigned long long)s->overflow);
    s->overflow = 0;
}

static uint64_t lines_in(const char *p, size_t len)
{
    uint64_t n = 0;
    const char *end = p + len;

    while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
        p++;
        n++;
    }
    return n;
}

/* Bytes of whole records at the front of the backlog that go into this file now; at least one record. */
static size_t chunk_len(const struct sink *s)
{
    const char *p = s->backlog.p + s->backlog_at;
    size_t len = s->backlog.len - s->backlog_at;
    size_t max = WRITE_MAX;
    const char *end;

    assert(p && len > 0); /* called only while there is a backlog */
    if (s->rotate_bytes > 0) {
        uint64_t left = s->file_bytes < s->rotate_bytes ? s->rotate_bytes - s->file_bytes : 0;
        max = left < max ? (size_t)left : max;
    }
    if (len <= max)
        return len;
    end = max > 0 ? memrchr(p, '\n', max) : NULL;
    if (!end)
        end = memchr(p, '\n', len);
    return (size_t)(end - p) + 1;
}

static void take_off(struct sink *s, size_t len)
{
    uint64_t n = lines_in(s->backlog.p + s->backlog_at, len);

    count_written(s, n);
    s->backlog_records -= n;
    s->backlog_at += len;
    if (s->backlog_at == s->backlog.len) {
        s->backlog_at = 0;
        s->backlog.len = 0;
    }
}

/* @return 0; -errno: what was written of whole records is taken off the backlog, the rest cut off the file */
static int write_chunk(struct sink *s)
{
    const char *p = s->backlog.p + s->backlog_at;
    size_t want = chunk_len(s);
    ssize_t n = write(s->fd, p, want);
    int err = n < 0 ? -errno : n < (ssize_t)want ? -ENOSPC : 0;
    const char *last;
    size_t whole;

    if (err == -EINTR)
        return 0;
    if (n <= 0)
        return err;
    last = memrchr(p, '\n', (size_t)n);
    whole = last ? (size_t)(last - p) + 1 : 0;
    s->file_bytes += whole;
    s->is_dirty = true;
    if (whole < (size_t)n && s->is_regular && ftruncate(s->fd, (off_t)s->file_bytes) < 0)
        err = -errno; /* opening it again will cut the torn record */
    take_off(s, whole);
    return err;
}

static bool is_over(const struct sink *s, const struct clock *now)
{
    return s->fd >= 0 && s->rotate_ms > 0 && s->period != period_of(s, now->wall_ms);
}

static bool is_large(const struct sink *s)
{
    /* a file with nothing but its header is never too large: each takes at least one record */
    return s->rotate_bytes > 0 && s->file_bytes >= s->rotate_bytes;
}

/* A file that somebody removed would swallow all to come. */
static bool is_removed(const struct sink *s)
{
    struct stat st;

    return s->is_regular && fstat(s->fd, &st) == 0 && st.st_nlink == 0;
}

static void flush(struct sink *s, const struct clock *now, unsigned writes)
{
    while (s->backlog.len > s->backlog_at && writes-- > 0) {
        int err = 0;
        if (s->fd < 0)
            err = open_file(s, now);
        if (err == 0)
            err = write_chunk(s);
        if (err < 0) {
            fail(s, now, err);
            break;
        }
        recover(s);
        if (is_large(s))
            end_file(s);
    }
    /* after a long failure: give the memory of the backlog back */
    if (s->backlog.len == 0 && s->backlog.cap > 4 * WRITE_MAX)
        record_buf_fini(&s->backlog);
}

/* The written part of the buffer goes when it is the larger one, so that a failing disk does not make it grow for ever. */
static void compact(struct sink *s)
{
    if (s->backlog_at <= s->backlog.len / 2)
        return;
    s->backlog.len -= s->backlog_at;
    memmove(s->backlog.p, s->backlog.p + s->backlog_at, s->backlog.len);
    s->backlog_at = 0;
}

void sink_turn(struct sink *s, const struct clock *now)
{
    if (is_over(s, now))
        end_file(s);
    if (s->is_seen && now->mono_ms >= s->seen_until_ms)
        forget_seen(s);
    if (!s->is_failing || now->mono_ms >= s->retry_ms) {
        flush(s, now, WRITES_TURN);
        compact(s);
    }
    if (now->mono_ms >= s->sync_ms) {
        s->sync_ms = now->mono_ms + SYNC_MS;
        sync_file(s);
        if (s->fd >= 0 && is_removed(s)) {
            log_ev(LOG_WARN, "cdr_removed", "cdr=%s file=%s", s->name, s->base);
            close_file(s);
        }
    }
}

void sink_end(struct sink *s, const struct clock *now)
{
    if (is_over(s, now))
        end_file(s);
    flush(s, now, UINT_MAX);
    end_file(s);
    if (s->backlog_records > 0) {
        count_lost(s, s->backlog_records);
        log_ev(LOG_ERROR, "cdr_lost", "cdr=%s records=%llu reason=shutdown", s->name,
               (unsigned long long)s->backlog_records);
    }
    record_buf_fini(&s->backlog);
    forget_seen(s);
    free(s->base);
    free(s->name);
    free(s->pattern);
    free(s);
}
