/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Diversion and History-Info into one list, oldest first.
 * Called by lib/call/diversion.c; knows no call.
 */
#include "sip/diversion.h"

#include "sip/lex.h"

#define TEXT(s)            \
    {                      \
        (s), sizeof(s) - 1 \
    }

/* Levels of an index that are looked at: Max-Forwards ends longer ones. */
#define INDEX_MAX 70

static const struct {
    struct span name;
    unsigned cause; /* RFC 7544 table, RFC 4458 §3 */
} reason_table[DIVERSION_REASONS] = {
    [DIVERSION_UNKNOWN] = {TEXT("unknown"), 404},
    [DIVERSION_BUSY] = {TEXT("user-busy"), 486},
    [DIVERSION_NO_ANSWER] = {TEXT("no-answer"), 408},
    [DIVERSION_UNAVAILABLE] = {TEXT("unavailable"), 503},
    [DIVERSION_UNCONDITIONAL] = {TEXT("unconditional"), 302},
    [DIVERSION_TIME_OF_DAY] = {TEXT("time-of-day"), 404},
    [DIVERSION_DND] = {TEXT("do-not-disturb"), 404},
    [DIVERSION_DEFLECTION] = {TEXT("deflection"), 480},
    [DIVERSION_FOLLOW_ME] = {TEXT("follow-me"), 404},
    [DIVERSION_OUT_OF_SERVICE] = {TEXT("out-of-service"), 404},
    [DIVERSION_AWAY] = {TEXT("away"), 404},
};

static const struct span privacy_name[] = {
    [DIVERSION_PRIVACY_UNSAID] = TEXT(""),   [DIVERSION_PRIVACY_OFF] = TEXT("off"),
    [DIVERSION_PRIVACY_NAME] = TEXT("name"), [DIVERSION_PRIVACY_URI] = TEXT("uri"),
    [DIVERSION_PRIVACY_FULL] = TEXT("full"),
};

struct span diversion_reason_name(enum diversion_reason r)
{
    return reason_table[r].name;
}

struct span diversion_privacy_name(enum diversion_privacy p)
{
    return privacy_name[p];
}

unsigned diversion_cause(enum diversion_reason r)
{
    return reason_table[r].cause;
}

enum diversion_reason diversion_of_cause(unsigned cause)
{
    switch (cause) {
    case 302: return DIVERSION_UNCONDITIONAL;
    case 408: return DIVERSION_NO_ANSWER;
    case 480:
    case 487: return DIVERSION_DEFLECTION; /* at once, or while it rang */
    case 486: return DIVERSION_BUSY;
    case 503: return DIVERSION_UNAVAILABLE;
    default: return DIVERSION_UNKNOWN;
    }
}

bool diversion_is_cause(unsigned cause)
{
    return cause == 404 || diversion_of_cause(cause) != DIVERSION_UNKNOWN;
}

static struct span unquote(struct span s)
{
    if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
        return (struct span){s.p + 1, s.len - 2};
    return s;
}

static enum diversion_reason reason_of(struct span params)
{
    struct span value;

    if (hdr_param(params, SPAN("reason"), &value))
        for (unsigned i = 0; i < DIVERSION_REASONS; i++)
            if (span_case_eq(unquote(value), reason_table[i].name))
                return (enum diversion_reason)i;
    return DIVERSION_UNKNOWN;
}

static enum diversion_privacy privacy_of(struct span params)
{
    struct span value;

    if (!hdr_param(params, SPAN("privacy"), &value))
        return DIVERSION_PRIVACY_UNSAID;
    for (unsigned i = 1; i < sizeof privacy_name / sizeof privacy_name[0]; i++)
        if (span_case_eq(unquote(value), privacy_name[i]))
            return (enum diversion_privacy)i;
    return DIVERSION_PRIVACY_FULL; /* a word nobody knows: the careful reading */
}

static void add(struct diversions *d, const struct diversion *one)
{
    d->total += one->counter;
    if (d->n < DIVERSIONS_MAX)
        d->v[d->n++] = *one;
}

static void read_one(struct diversions *d, struct span item)
{
    struct name_addr na;
    struct diversion one = {.counter = 1};
    struct span value;

    if (name_addr_parse(item, &na) < 0)
        return;
    one.display = na.display;
    one.uri = na.parsed;
    one.reason = reason_of(na.params);
    one.privacy = privacy_of(na.params);
    if (hdr_param(na.params, SPAN("counter"), &value) &&
        (span_u32(value, DIVERSION_COUNTER_MAX, &one.counter) < 0 || one.counter == 0))
        one.counter = 1;
    add(d, &one);
}

void diversion_read(struct diversions *d, const struct hdr *h, unsigned n)
{
    d->n = 0;
    d->total = 0;
    for (unsigned i = 0; i < n; i++) {
        struct span rest = h[i].value, item;

        if (h[i].id == HDR_DIVERSION)
            while (hdr_list_next(&rest, &item))
                read_one(d, item);
    }
    for (unsigned i = 0; i < d->n / 2; i++) {
        struct diversion swap = d->v[i];

        d->v[i] = d->v[d->n - 1 - i];
        d->v[d->n - 1 - i] = swap;
    }
}

/* ---- History-Info ------------------------------------------------------------------------------------------------ */

struct entry {
    struct name_addr na;
    struct span index;
    unsigned depth;
    unsigned cause;  /* how the call came to this target; 0: not by diversion */
    unsigned reason; /* SIP cause in an escaped Reason: why it left this target; 0: none */
    enum diversion_privacy privacy;
};

/* "Privacy=history&Reason=SIP%3Bcause%3D302": the member of that name, case as the registry has it or not. */
static bool header_of(struct span headers, struct span name, struct span *value)
{
    while (!span_is_empty(headers)) {
        struct span one, key;

        span_cut(headers, '&', &one, &headers);
        span_cut(one, '=', &key, value);
        if (span_case_eq(key, name))
            return true;
    }
    return false;
}

/* cause of an escaped "SIP;cause=302…"; 0: of another protocol, or none */
static unsigned escaped_cause(struct span headers)
{
    char plain[128];
    struct span value, protocol, params;
    uint32_t cause;
    int n;

    if (!header_of(headers, SPAN("Reason"), &value))
        return 0;
    n = uri_user_plain(value, plain, sizeof plain);
    if (n <= 0)
        return 0;
    span_cut((struct span){plain, (size_t)n}, ';', &protocol, &params);
    if (!span_case_eq(span_trim(protocol), SPAN("SIP")) || span_is_empty(params))
        return 0;
    params.p--; /* with its ';' */
    params.len++;
    if (!hdr_param(params, SPAN("cause"), &value) || span_u32(value, 699, &cause) < 0)
        return 0;
    return cause;
}

static int read_entry(struct entry *e, struct span item)
{
    struct span value;
    uint32_t cause;

    memset(e, 0, sizeof *e);
    if (name_addr_parse(item, &e->na) < 0)
        return -1;
    if (hdr_param(e->na.params, SPAN("index"), &e->index)) {
        e->depth = 1;
        for (size_t i = 0; i < e->index.len; i++)
            e->depth += e->index.p[i] == '.';
        if (e->depth > INDEX_MAX)
            e->depth = INDEX_MAX;
    }
    if (uri_param(&e->na.parsed, SPAN("cause"), &value) && span_u32(value, 699, &cause) == 0 &&
        diversion_is_cause(cause))
        e->cause = cause;
    e->reason = escaped_cause(e->na.parsed.headers);
    if (e->reason && !diversion_is_cause(e->reason))
        e->reason = 0;
    if (header_of(e->na.parsed.headers, SPAN("Privacy"), &value))
        e->privacy =
            span_case_eq(value, SPAN("none")) ? DIVERSION_PRIVACY_OFF : DIVERSION_PRIVACY_FULL;
    return 0;
}

static void add_entry(struct diversions *d, const struct entry *e, unsigned cause, unsigned levels)
{
    struct diversion one = {
        .display = e->na.display,
        .uri = e->na.parsed,
        .reason = diversion_of_cause(cause),
        .privacy = e->privacy,
        .counter = levels ? levels : 1,
    };

    add(d, &one);
}

void diversion_read_history(struct diversions *d, const struct hdr *h, unsigned n)
{
    struct entry last, e;
    bool has_last = false;

    d->n = 0;
    d->total = 0;
    for (unsigned i = 0; i < n; i++) {
        struct span rest = h[i].value, item;

        if (h[i].id != HDR_HISTORY_INFO)
            continue;
        while (hdr_list_next(&rest, &item)) {
            if (read_entry(&e, item) < 0)
                continue;
            if (has_last && (e.cause || last.reason))
                add_entry(d, &last, e.cause ? e.cause : last.reason,
                          e.depth > last.depth && last.depth ? e.depth - last.depth : 1);
            last = e;
            has_last = true;
        }
    }
}
