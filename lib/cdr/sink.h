/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of one cdr section: a backlog in memory, appended to the file of the hour, rotated, synced, retried.
 * The writer thread owns all of them; a sink must not know who makes the records.
 */
#ifndef CDR_SINK_H
#define CDR_SINK_H

#include <stdatomic.h>
#include "cdr/record.h"
#include "cdr/seen.h"

/* Counts of the writer, read by any thread, written by its own. */
struct sink_counts {
    _Atomic uint64_t written;
    _Atomic uint64_t write_errors;
    _Atomic uint64_t lost;
    struct stats *stats; /* may be NULL */
};

struct sink {
    struct sink *next;
    bool is_retired; /* its section has gone: takes no more records, ends when it is empty */
    char *name;
    char *pattern;
    uint32_t rotate_ms;
    uint32_t interim_ms;
    uint64_t rotate_bytes;
    enum conf_cdr_format format;
    struct sink_counts *counts; /* borrowed */

    struct record_buf backlog; /* whole records, each ending in a newline */
    size_t backlog_at;         /* bytes of it that are in a file */
    size_t backlog_limit;
    uint64_t backlog_records;

    int fd; /* -1: none open */
    bool is_regular;
    bool is_dirty;   /* written to since the last sync */
    bool is_failing; /* the last try failed; the next is at retry_ms */
    char *base;      /* path by the pattern, without a number */
    uint64_t period; /* which rotate_ms since 1970 the file belongs to */
    unsigned number; /* .1, .2, …; 0: none */
    uint64_t file_bytes;
    uint64_t retry_ms; /* monotonic */
    uint64_t alarm_ms; /* when the failure is logged again */
    uint64_t sync_ms;
    uint64_t overflow; /* records lost since the failure was last logged */

    struct seen seen; /* lines written since seen_since_ms, for records that come again */
    bool is_seen;
    uint64_t seen_since_ms; /* wall */
    uint64_t seen_until_ms; /* monotonic: they are forgotten then */
};

/** A sink of one cdr section (copied); opens nothing yet. @return NULL out of memory */
struct sink *sink_new(const struct conf_cdr *cdr, size_t backlog_limit, struct sink_counts *counts);
/** True if the section asks for what the sink does. */
bool sink_is_same(const struct sink *s, const struct conf_cdr *cdr);
/** Put a record into the backlog; one that does not fit is counted lost. */
void sink_put(struct sink *s, const struct record_origin *o, const struct cdr_event *ev);
/** Put a record that a former process had: not if a file has its very line. */
void sink_put_again(struct sink *s, const struct record_origin *o, const struct cdr_event *ev,
                    const struct clock *now);
/** Write what waits (if a failure's second is over), close the file of a period that has ended, sync once a second. */
void sink_turn(struct sink *s, const struct clock *now);
/** One more try to write whatever waits, sync, close, free; what is left is counted lost and logged. */
void sink_end(struct sink *s, const struct clock *now);

#endif
