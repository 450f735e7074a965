/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One record as text. One table says what the fields are; two printers walk it.
 * The writer's files use it; it opens nothing and knows no clock.
 */
#include "cdr/record.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum kind {
    KIND_TYPE,
    KIND_NODE,
    KIND_WORKER,
    KIND_HEX64,
    KIND_U64,
    KIND_U32,
    KIND_U16,
    KIND_U8,
    KIND_BOOL,
    KIND_SPAN,
    KIND_ADDR,
    KIND_ISO,
    KIND_EPOCH,
    KIND_RELEASE,
    KIND_DURATION,
    KIND_MOS,
};

struct field {
    struct span name;
    enum kind kind;
    size_t offset;
    int64_t (*duration)(const struct cdr_event *ev);
};

int64_t record_duration(const struct cdr_time *a, const struct cdr_time *b)
{
    if (a->wall_ms == 0 || b->wall_ms == 0)
        return -1;
    return b->mono_ms > a->mono_ms ? (int64_t)(b->mono_ms - a->mono_ms) : 0;
}

/* Answered or not: the moment the setting-up was over. */
static const struct cdr_time *setup_end(const struct cdr_event *ev)
{
    return ev->answer.wall_ms ? &ev->answer : &ev->end;
}

static int64_t setup_ms(const struct cdr_event *ev)
{
    return record_duration(&ev->start, setup_end(ev));
}

/* Post-dial delay: to the first 18x, or to the answer if there was none. */
static int64_t pdd_ms(const struct cdr_event *ev)
{
    return record_duration(&ev->start, ev->progress.wall_ms ? &ev->progress : &ev->answer);
}

static int64_t ring_ms(const struct cdr_event *ev)
{
    return record_duration(&ev->progress, setup_end(ev));
}

int64_t record_billable(const struct cdr_event *ev)
{
    int64_t ms = record_duration(&ev->answer, &ev->end);

    return ms < 0 ? 0 : ms;
}

static int64_t dip_ms(const struct cdr_event *ev)
{
    return ev->dip.len ? (int64_t)ev->dip_ms : -1;
}

#define AT(member) offsetof(struct cdr_event, member), NULL
#define NAME(text)               \
    {                            \
        (text), sizeof(text) - 1 \
    }

/* The order is the order of CSV columns: new fields go to the end, readers count on it. */
static const struct field table[] = {
    {NAME("type"), KIND_TYPE, AT(type)},
    {NAME("seq"), KIND_U32, AT(seq)},
    {NAME("call"), KIND_HEX64, AT(call)},
    {NAME("uuid"), KIND_SPAN, AT(uuid)},
    {NAME("node"), KIND_NODE, 0, NULL},
    {NAME("worker"), KIND_WORKER, 0, NULL},
    {NAME("generation"), KIND_U64, AT(generation)},
    {NAME("class"), KIND_SPAN, AT(class_name)},
    {NAME("priority"), KIND_SPAN, AT(priority)},
    {NAME("estimated"), KIND_BOOL, AT(estimated)},
    {NAME("callid_in"), KIND_SPAN, AT(callid_in)},
    {NAME("callid_out"), KIND_SPAN, AT(callid_out)},
    {NAME("trunk_in"), KIND_SPAN, AT(trunk_in)},
    {NAME("trunk_out"), KIND_SPAN, AT(trunk_out)},
    {NAME("peer_in"), KIND_ADDR, AT(peer_in)},
    {NAME("peer_out"), KIND_ADDR, AT(peer_out)},
    {NAME("customer_in"), KIND_SPAN, AT(customer_in)},
    {NAME("customer_out"), KIND_SPAN, AT(customer_out)},
    {NAME("caller_received"), KIND_SPAN, AT(caller_received)},
    {NAME("caller_normalised"), KIND_SPAN, AT(caller_normalised)},
    {NAME("caller_sent"), KIND_SPAN, AT(caller_sent)},
    {NAME("called_received"), KIND_SPAN, AT(called_received)},
    {NAME("called_normalised"), KIND_SPAN, AT(called_normalised)},
    {NAME("called_sent"), KIND_SPAN, AT(called_sent)},
    {NAME("start"), KIND_ISO, AT(start)},
    {NAME("start_ms"), KIND_EPOCH, AT(start)},
    {NAME("progress"), KIND_ISO, AT(progress)},
    {NAME("progress_ms"), KIND_EPOCH, AT(progress)},
    {NAME("answer"), KIND_ISO, AT(answer)},
    {NAME("answer_ms"), KIND_EPOCH, AT(answer)},
    {NAME("end"), KIND_ISO, AT(end)},
    {NAME("end_ms"), KIND_EPOCH, AT(end)},
    {NAME("setup_ms"), KIND_DURATION, 0, setup_ms},
    {NAME("pdd_ms"), KIND_DURATION, 0, pdd_ms},
    {NAME("ring_ms"), KIND_DURATION, 0, ring_ms},
    {NAME("billable_ms"), KIND_DURATION, 0, record_billable},
    {NAME("code"), KIND_U16, AT(code)},
    {NAME("q850"), KIND_U8, AT(q850)},
    {NAME("reason"), KIND_SPAN, AT(reason)},
    {NAME("where"), KIND_SPAN, AT(where)},
    {NAME("release"), KIND_RELEASE, AT(release)},
    {NAME("attempt"), KIND_U16, AT(attempt)},
    {NAME("attempts"), KIND_U16, AT(attempts)},
    {NAME("in_packets"), KIND_U64, AT(media_in.packets)},
    {NAME("in_bytes"), KIND_U64, AT(media_in.bytes)},
    {NAME("in_lost"), KIND_U64, AT(media_in.lost)},
    {NAME("in_reordered"), KIND_U64, AT(media_in.reordered)},
    {NAME("in_jitter_us"), KIND_U32, AT(media_in.jitter_us)},
    {NAME("in_strangers"), KIND_U64, AT(media_in.strangers)},
    {NAME("out_packets"), KIND_U64, AT(media_out.packets)},
    {NAME("out_bytes"), KIND_U64, AT(media_out.bytes)},
    {NAME("out_lost"), KIND_U64, AT(media_out.lost)},
    {NAME("out_reordered"), KIND_U64, AT(media_out.reordered)},
    {NAME("out_jitter_us"), KIND_U32, AT(media_out.jitter_us)},
    {NAME("out_strangers"), KIND_U64, AT(media_out.strangers)},
    {NAME("rate_in"), KIND_SPAN, AT(rate_in)},
    {NAME("rate_out"), KIND_SPAN, AT(rate_out)},
    {NAME("deck_in"), KIND_SPAN, AT(deck_in)},
    {NAME("deck_out"), KIND_SPAN, AT(deck_out)},
    {NAME("session_id"), KIND_SPAN, AT(session_id)},
    {NAME("transport_in"), KIND_SPAN, AT(transport_in)},
    {NAME("transport_out"), KIND_SPAN, AT(transport_out)},
    {NAME("lrn"), KIND_SPAN, AT(lrn)},
    {NAME("announcement"), KIND_SPAN, AT(announcement)},
    {NAME("dip"), KIND_SPAN, AT(dip)},
    {NAME("dip_ms"), KIND_DURATION, 0, dip_ms},
    {NAME("route"), KIND_SPAN, AT(route)},
    {NAME("rate_class"), KIND_SPAN, AT(rate_class)},
    {NAME("prefix_in"), KIND_SPAN, AT(prefix_in)},
    {NAME("prefix_out"), KIND_SPAN, AT(prefix_out)},
    {NAME("currency_in"), KIND_SPAN, AT(currency_in)},
    {NAME("currency_out"), KIND_SPAN, AT(currency_out)},
    {NAME("cost_out"), KIND_SPAN, AT(cost_out)},
    {NAME("currency"), KIND_SPAN, AT(currency)},
    {NAME("minimum_out"), KIND_SPAN, AT(minimum_out)},
    {NAME("increment_out"), KIND_SPAN, AT(increment_out)},
    {NAME("code_out"), KIND_SPAN, AT(code_out)},
    {NAME("minimum_in"), KIND_SPAN, AT(minimum_in)},
    {NAME("increment_in"), KIND_SPAN, AT(increment_in)},
    {NAME("code_in"), KIND_SPAN, AT(code_in)},
    {NAME("in_gaps"), KIND_U64, AT(media_in.gaps)},
    {NAME("in_kernel_packets"), KIND_U64, AT(media_in.kernel_packets)},
    {NAME("in_ssrc_changes"), KIND_U32, AT(media_in.ssrc_changes)},
    {NAME("in_ssrc_refused"), KIND_U32, AT(media_in.ssrc_refused)},
    {NAME("in_auth_failed"), KIND_U32, AT(media_in.auth_failed)},
    {NAME("in_dtmf"), KIND_U32, AT(media_in.dtmf)},
    {NAME("in_rtt_us"), KIND_U32, AT(media_in.rtt_us)},
    {NAME("in_remote_lost"), KIND_U32, AT(media_in.remote_lost)},
    {NAME("in_silent_ms"), KIND_U32, AT(media_in.silent_ms)},
    {NAME("in_one_way_ms"), KIND_U32, AT(media_in.one_way_ms)},
    {NAME("in_mos"), KIND_MOS, AT(media_in.mos_100)},
    {NAME("in_mos_min"), KIND_MOS, AT(media_in.mos_min_100)},
    {NAME("in_breaker"), KIND_U16, AT(media_in.breaker)},
    {NAME("out_gaps"), KIND_U64, AT(media_out.gaps)},
    {NAME("out_kernel_packets"), KIND_U64, AT(media_out.kernel_packets)},
    {NAME("out_ssrc_changes"), KIND_U32, AT(media_out.ssrc_changes)},
    {NAME("out_ssrc_refused"), KIND_U32, AT(media_out.ssrc_refused)},
    {NAME("out_auth_failed"), KIND_U32, AT(media_out.auth_failed)},
    {NAME("out_dtmf"), KIND_U32, AT(media_out.dtmf)},
    {NAME("out_rtt_us"), KIND_U32, AT(media_out.rtt_us)},
    {NAME("out_remote_lost"), KIND_U32, AT(media_out.remote_lost)},
    {NAME("out_silent_ms"), KIND_U32, AT(media_out.silent_ms)},
    {NAME("out_one_way_ms"), KIND_U32, AT(media_out.one_way_ms)},
    {NAME("out_mos"), KIND_MOS, AT(media_out.mos_100)},
    {NAME("out_mos_min"), KIND_MOS, AT(media_out.mos_min_100)},
    {NAME("out_breaker"), KIND_U16, AT(media_out.breaker)},
    {NAME("codec_in"), KIND_SPAN, AT(codec_in)},
    {NAME("codec_out"), KIND_SPAN, AT(codec_out)},
};
#define FIELDS (sizeof(table) / sizeof(table[0]))

struct span *record_span(struct cdr_event *ev, size_t *at)
{
    while (*at < FIELDS) {
        const struct field *f = &table[(*at)++];
        if (f->kind == KIND_SPAN)
            return (struct span *)(void *)((char *)ev + f->offset);
    }
    return NULL;
}

/* --- the buffer --- */

void record_buf_fini(struct record_buf *b)
{
    free(b->p);
    *b = (struct record_buf){0};
}

int record_buf_reserve(struct record_buf *b, size_t more)
{
    size_t cap = b->cap ? b->cap : 4096;
    char *p;

    if (b->cap - b->len >= more)
        return 0;
    while (cap - b->len < more)
        cap *= 2;
    p = realloc(b->p, cap);
    if (!p)
        return -ENOMEM;
    b->p = p;
    b->cap = cap;
    return 0;
}

/* The callers below have reserved the room. */
static void put(struct record_buf *b, const char *p, size_t len)
{
    assert(b->cap - b->len >= len);
    memcpy(b->p + b->len, p, len);
    b->len += len;
}

static void put_char(struct record_buf *b, char c)
{
    put(b, &c, 1);
}

static void put_span(struct record_buf *b, struct span s)
{
    put(b, s.p, s.len);
}

static void put_number(struct record_buf *b, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    put(b, digits + at, sizeof(digits) - at);
}

/* --- values: numbers and nothing are bare, everything else is text that the printer quotes --- */

enum value_form { VALUE_NONE, VALUE_NUMBER, VALUE_BOOL, VALUE_TEXT };

struct value {
    enum value_form form;
    uint64_t number;
    struct span text;
    char buf[64]; /* what text points to, if it had to be made */
};

static void set_text(struct value *v, const char *s)
{
    v->form = VALUE_TEXT;
    v->text = span_of(s);
}

static void set_number(struct value *v, uint64_t n)
{
    v->form = VALUE_NUMBER;
    v->number = n;
}

/* What was made in buf, up to end. */
static void set_buf(struct value *v, const char *end)
{
    v->form = VALUE_TEXT;
    v->text = (struct span){v->buf, (size_t)(end - v->buf)};
}

/* The last digits of n, then what separates them from the next. printf would be half the cost of a record. */
static char *put_digits(char *p, unsigned n, unsigned digits, char then)
{
    for (unsigned i = digits; i-- > 0; n /= 10)
        p[i] = (char)('0' + n % 10);
    p[digits] = then;
    return p + digits + 1;
}

static void set_iso(struct value *v, uint64_t wall_ms)
{
    time_t s = (time_t)(wall_ms / 1000);
    struct tm tm;
    char *p;

    if (wall_ms == 0 || !gmtime_r(&s, &tm))
        return;
    p = put_digits(v->buf, (unsigned)tm.tm_year + 1900, 4, '-');
    p = put_digits(p, (unsigned)tm.tm_mon + 1, 2, '-');
    p = put_digits(p, (unsigned)tm.tm_mday, 2, 'T');
    p = put_digits(p, (unsigned)tm.tm_hour, 2, ':');
    p = put_digits(p, (unsigned)tm.tm_min, 2, ':');
    p = put_digits(p, (unsigned)tm.tm_sec, 2, '.');
    p = put_digits(p, (unsigned)(wall_ms % 1000), 3, 'Z');
    set_buf(v, p);
}

static void set_hex64(struct value *v, uint64_t n)
{
    static const char hex[] = "0123456789abcdef";

    for (unsigned i = 0; i < 16; i++)
        v->buf[i] = hex[n >> (60 - 4 * i) & 15];
    set_buf(v, v->buf + 16);
}

static const char *type_name(enum cdr_type type)
{
    switch (type) {
    case CDR_START: return "start";
    case CDR_ANSWER: return "answer";
    case CDR_INTERIM: return "interim";
    case CDR_ATTEMPT: return "attempt";
    case CDR_CALL: return "call";
    }
    return "";
}

static const char *release_name(enum cdr_release release)
{
    switch (release) {
    case CDR_RELEASE_IN: return "in";
    case CDR_RELEASE_OUT: return "out";
    case CDR_RELEASE_SWITCH: return "switch";
    case CDR_RELEASE_NONE: break;
    }
    return "";
}

static void set_duration(struct value *v, int64_t ms)
{
    if (ms >= 0)
        set_number(v, (uint64_t)ms);
}

/* 441: "4.41" */
static void set_mos(struct value *v, unsigned mos_100)
{
    char *p;

    if (mos_100 == 0) {
        set_text(v, "");
        return;
    }
    p = put_digits(v->buf, mos_100 / 100, 1, '.');
    set_buf(v, put_digits(p, mos_100 % 100, 2, '\0') - 1);
}

static void set_addr(struct value *v, const struct addr *a)
{
    static_assert(sizeof(v->buf) >= ADDR_STRLEN, "room for an address");
    if (addr_is_set(a))
        set_text(v, addr_str(a, v->buf));
    else
        set_text(v, "");
}

static void value_of(const struct field *f, const struct record_origin *o,
                     const struct cdr_event *ev, struct value *v)
{
    const void *at = (const char *)ev + f->offset;

    v->form = VALUE_NONE;
    switch (f->kind) {
    case KIND_TYPE: set_text(v, type_name(ev->type)); break;
    case KIND_NODE: set_text(v, o->node); break;
    case KIND_WORKER: set_number(v, o->worker); break;
    case KIND_HEX64: set_hex64(v, *(const uint64_t *)at); break;
    case KIND_U64: set_number(v, *(const uint64_t *)at); break;
    case KIND_U32: set_number(v, *(const uint32_t *)at); break;
    case KIND_U16: set_number(v, *(const uint16_t *)at); break;
    case KIND_U8: set_number(v, *(const uint8_t *)at); break;
    case KIND_BOOL:
        v->form = VALUE_BOOL;
        v->number = *(const bool *)at;
        break;
    case KIND_SPAN:
        v->form = VALUE_TEXT;
        v->text = *(const struct span *)at;
        break;
    case KIND_ADDR: set_addr(v, at); break;
    case KIND_ISO: set_iso(v, ((const struct cdr_time *)at)->wall_ms); break;
    case KIND_EPOCH:
        if (((const struct cdr_time *)at)->wall_ms)
            set_number(v, ((const struct cdr_time *)at)->wall_ms);
        break;
    case KIND_RELEASE: set_text(v, release_name(ev->release)); break;
    case KIND_DURATION: set_duration(v, f->duration(ev)); break;
    case KIND_MOS: set_mos(v, *(const uint16_t *)at); break;
    }
}

/* --- JSON (RFC 8259) --- */

static bool is_continuation(struct span s, size_t i)
{
    return i < s.len && ((unsigned char)s.p[i] & 0xc0) == 0x80;
}

/* Length of the well-formed UTF-8 character at i (RFC 3629 §4), 0 if there is none. */
static size_t utf8_len(struct span s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];
    unsigned char d = i + 1 < s.len ? (unsigned char)s.p[i + 1] : 0;

    if (c < 0x80)
        return 1;
    if (c >= 0xc2 && c <= 0xdf && is_continuation(s, i + 1))
        return 2;
    if (c >= 0xe0 && c <= 0xef && is_continuation(s, i + 1) && is_continuation(s, i + 2)) {
        bool overlong = c == 0xe0 && d < 0xa0;
        bool surrogate = c == 0xed && d > 0x9f;
        return overlong || surrogate ? 0 : 3;
    }
    if (c >= 0xf0 && c <= 0xf4 && is_continuation(s, i + 1) && is_continuation(s, i + 2) &&
        is_continuation(s, i + 3)) {
        bool overlong = c == 0xf0 && d < 0x90;
        bool beyond = c == 0xf4 && d > 0x8f;
        return overlong || beyond ? 0 : 4;
    }
    return 0;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* One character at i that is not plain. @return its bytes */
static size_t put_json_odd(struct record_buf *b, struct span s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];
    size_t n = utf8_len(s, i);
    char esc[8];

    if (n == 0 || c < 0x20 || c == 0x7f) {
        snprintf(esc, sizeof(esc), "\\u%04x", c);
        put(b, esc, 6);
        return 1;
    }
    if (c == '"' || c == '\\')
        put_char(b, '\\');
    put(b, s.p + i, n);
    return n;
}

static void put_json_text(struct record_buf *b, struct span s)
{
    size_t i = 0;

    put_char(b, '"');
    while (i < s.len) {
        size_t from = i;
        while (i < s.len && is_plain((unsigned char)s.p[i]))
            i++;
        if (i > from) /* nearly always all of it */
            put(b, s.p + from, i - from);
        if (i < s.len)
            i += put_json_odd(b, s, i);
    }
    put_char(b, '"');
}

/* The most that any printer makes of a value: each byte as \u00NN, quotes and separators. */
static size_t room_for(const struct value *v)
{
    return 32 + (v->form == VALUE_TEXT ? v->text.len * 6 : 0);
}

static int json_field(struct record_buf *b, const struct field *f, const struct value *v)
{
    if (record_buf_reserve(b, f->name.len + room_for(v)) < 0)
        return -ENOMEM;
    put_char(b, '"');
    put_span(b, f->name);
    put_span(b, SPAN("\":"));
    switch (v->form) {
    case VALUE_NONE: put_span(b, SPAN("null")); break;
    case VALUE_NUMBER: put_number(b, v->number); break;
    case VALUE_BOOL: put_span(b, v->number ? SPAN("true") : SPAN("false")); break;
    case VALUE_TEXT: put_json_text(b, v->text); break;
    }
    return 0;
}

/* --- CSV (RFC 4180) --- */

static bool needs_quotes(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == ',' || s.p[i] == '"' || s.p[i] == ' ')
            return true;
    }
    return false;
}

static void put_csv_text(struct record_buf *b, struct span s)
{
    bool quotes = needs_quotes(s);
    char esc[8];

    if (quotes)
        put_char(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f) {
            snprintf(esc, sizeof(esc), "\\x%02x", c);
            put(b, esc, 4);
            continue;
        }
        if (c == '"')
            put_char(b, '"');
        put_char(b, (char)c);
    }
    if (quotes)
        put_char(b, '"');
}

static int csv_field(struct record_buf *b, const struct field *f, const struct value *v)
{
    (void)f;
    if (record_buf_reserve(b, room_for(v)) < 0)
        return -ENOMEM;
    switch (v->form) {
    case VALUE_NONE: break;
    case VALUE_NUMBER:
    case VALUE_BOOL: put_number(b, v->number); break;
    case VALUE_TEXT: put_csv_text(b, v->text); break;
    }
    return 0;
}

/* --- both --- */

typedef int (*field_fn)(struct record_buf *b, const struct field *f, const struct value *v);

/* Fields with commas between, then a newline; room is kept for the brace. */
static int put_fields(struct record_buf *b, const struct record_origin *o,
                      const struct cdr_event *ev, field_fn fn)
{
    struct value v;

    for (size_t i = 0; i < FIELDS; i++) {
        if (record_buf_reserve(b, 1) < 0)
            return -ENOMEM;
        if (i > 0)
            put_char(b, ',');
        value_of(&table[i], o, ev, &v);
        if (fn(b, &table[i], &v) < 0)
            return -ENOMEM;
    }
    return record_buf_reserve(b, 2);
}

int record_json(struct record_buf *b, const struct record_origin *o, const struct cdr_event *ev)
{
    size_t before = b->len;

    if (record_buf_reserve(b, 1) < 0)
        return -ENOMEM;
    put_char(b, '{');
    if (put_fields(b, o, ev, json_field) < 0) {
        b->len = before;
        return -ENOMEM;
    }
    put_span(b, SPAN("}\n"));
    return 0;
}

int record_csv(struct record_buf *b, const struct record_origin *o, const struct cdr_event *ev)
{
    size_t before = b->len;

    if (put_fields(b, o, ev, csv_field) < 0) {
        b->len = before;
        return -ENOMEM;
    }
    put_char(b, '\n');
    return 0;
}

int record_csv_header(struct record_buf *b)
{
    size_t before = b->len;

    for (size_t i = 0; i < FIELDS; i++) {
        if (record_buf_reserve(b, table[i].name.len + 2) < 0) {
            b->len = before;
            return -ENOMEM;
        }
        if (i > 0)
            put_char(b, ',');
        put_span(b, table[i].name);
    }
    put_char(b, '\n');
    return 0;
}
