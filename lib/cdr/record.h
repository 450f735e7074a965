/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One record as text: the table of fields, as a JSON line or a CSV line.
 * The writer's files use it; it opens nothing and knows no clock.
 */
#ifndef CDR_RECORD_H
#define CDR_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include "cdr/cdr.h"

/* Text that grows at its end; owned by whoever embeds it. */
struct record_buf {
    char *p;
    size_t len;
    size_t cap;
};

void record_buf_fini(struct record_buf *b);
/** Room for more bytes behind len. @return 0 or -ENOMEM (nothing changed) */
int record_buf_reserve(struct record_buf *b, size_t more);

/* What every record shows beside its event. */
struct record_origin {
    const char *node;
    unsigned worker;
};

/**
 * Append one record and a newline; a record holds no other newline.
 *
 * JSON: one object, all fields always there in the same order, moments and durations that did not happen are null;
 * bytes that are no UTF-8 become the code point of the same number. CSV: RFC 4180, the same fields, empty where JSON
 * has null; control characters become \xNN (a raw line break inside quotes breaks most readers).
 *
 * @return 0 or -ENOMEM (nothing was appended)
 */
int record_json(struct record_buf *b, const struct record_origin *o, const struct cdr_event *ev);
int record_csv(struct record_buf *b, const struct record_origin *o, const struct cdr_event *ev);
/** The CSV header line. @return 0 or -ENOMEM */
int record_csv_header(struct record_buf *b);

/** The next span of an event, over all that are written: *at is 0 to begin with and counts up. NULL behind the last. */
struct span *record_span(struct cdr_event *ev, size_t *at);

/** Milliseconds from a to b on the monotonic clock, -1 if either did not happen. */
int64_t record_duration(const struct cdr_time *a, const struct cdr_time *b);
/** The moment the call was paid from to its end: what the record calls billable_ms, 0 unanswered. */
int64_t record_billable(const struct cdr_event *ev);

#endif
