/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who has diverted a call: Diversion (RFC 5806) and History-Info (RFC 7044) read into one form, and the table of RFC 7544 between them.
 * call/ writes either from it; it knows no trunk.
 */
#ifndef SIP_DIVERSION_H
#define SIP_DIVERSION_H

#include "sip/hdr.h"
#include "sip/uri.h"

/* 16: beyond 5 networks refuse a call (the default limit); more than these count, but are not told. */
#define DIVERSIONS_MAX 16
/* 100: a counter beyond any limit; larger values are no counters. */
#define DIVERSION_COUNTER_MAX 100

enum diversion_reason {
    DIVERSION_UNKNOWN,
    DIVERSION_BUSY,
    DIVERSION_NO_ANSWER,
    DIVERSION_UNAVAILABLE,
    DIVERSION_UNCONDITIONAL,
    DIVERSION_TIME_OF_DAY,
    DIVERSION_DND,
    DIVERSION_DEFLECTION,
    DIVERSION_FOLLOW_ME,
    DIVERSION_OUT_OF_SERVICE,
    DIVERSION_AWAY,
    DIVERSION_REASONS
};

enum diversion_privacy {
    DIVERSION_PRIVACY_UNSAID,
    DIVERSION_PRIVACY_OFF,
    DIVERSION_PRIVACY_NAME,
    DIVERSION_PRIVACY_URI,
    DIVERSION_PRIVACY_FULL,
};

/** One diverting party. Spans borrowed from the headers. */
struct diversion {
    struct span display;
    struct sip_uri uri;
    enum diversion_reason reason;
    enum diversion_privacy privacy;
    uint32_t counter; /* diversions that it stands for; at least 1 */
};

struct diversions {
    struct diversion v[DIVERSIONS_MAX]; /* in time: the first diversion first */
    unsigned n;
    uint32_t total; /* sum of the counters, those beyond DIVERSIONS_MAX included */
};

/** Of all Diversion lines; the top one is the last diversion. What is no address is left out. */
void diversion_read(struct diversions *d, const struct hdr *h, unsigned n);
/**
 * Of all History-Info lines: an entry whose successor has a cause parameter (RFC 4458, 8119), or that has a Reason of a redirection
 * (RFC 4244), has diverted. Levels that are missing between two indexes count (RFC 7544 §3).
 */
void diversion_read_history(struct diversions *d, const struct hdr *h, unsigned n);

/** "no-answer"; static. */
struct span diversion_reason_name(enum diversion_reason r);
/** Value of the cause parameter: RFC 7544's table. */
unsigned diversion_cause(enum diversion_reason r);
/** Back; DIVERSION_UNKNOWN for what the table has not. */
enum diversion_reason diversion_of_cause(unsigned cause);
/** True for causes of the table. */
bool diversion_is_cause(unsigned cause);
/** "full"; empty for DIVERSION_PRIVACY_UNSAID. */
struct span diversion_privacy_name(enum diversion_privacy p);

#endif
