/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Framing of SIP on a byte stream.
 * conn.c feeds it and gets messages; whatever a peer sends, it holds no more than one message and one read of it.
 */
#include "sip/stream.h"

#include "sip/hdr.h"
#include "sip/lex.h"

#include <errno.h>
#include <stdlib.h>

/* What a message begins to be kept in: most fit. */
#define FIRST_CAP 2048

void stream_init(struct stream *s)
{
    *s = (struct stream){0};
}

static void drop_buf(struct stream *s)
{
    free(s->buf);
    s->buf = NULL;
    s->len = s->cap = 0;
}

void stream_fini(struct stream *s)
{
    drop_buf(s);
}

static int bad(struct stream *s, enum stream_why why)
{
    s->why = why;
    return -EBADMSG;
}

/* ---- between messages -------------------------------------------------------------------------------------------- */

/*
 * One byte of CR and LF in front of a message. A pong is a CRLF that comes when one is due; else two in a row are a ping.
 * Whatever else stands there is skipped (RFC 3261 §7.5).
 * @return the event, or -1
 */
static int crlf_byte(struct stream *s, char c)
{
    if (c != ((s->crlf & 1) ? '\n' : '\r')) {
        s->crlf = c == '\r';
        return -1;
    }
    s->crlf++;
    if (s->crlf == 2 && s->pong_due) {
        s->pong_due = false;
        s->crlf = 0;
        return STREAM_PONG;
    }
    if (s->crlf < 4)
        return -1;
    s->crlf = 0;
    return STREAM_PING;
}

/* ---- the head of a message --------------------------------------------------------------------------------------- */

/* A start line as far as it is there; a byte no token has, in front of all else, is no SIP (TLS hello, SSH, NUL). */
static bool line_can_be_sip(struct span line, bool whole)
{
    const char *end, *q;

    if (line.len > 1 && line.p[line.len - 1] == '\r')
        line.len--; /* of its end, or it is seen when the next byte comes */
    end = line.p + line.len;
    for (const char *p = line.p; p < end; p++)
        if ((unsigned char)*p < ' ' && *p != '\t')
            return false;
    q = lex_skip(line.p, end, LEX_TOKEN);
    if (q == line.p)
        return false;
    if (q == end)
        return !whole;
    if (*q == '/') /* a response: "SIP/2.0 200 OK" */
        return line.len < 4 ? !whole : LEX_IS(((struct span){line.p, 4}), "sip/");
    if (*q != ' ')
        return false;
    if (!whole || line.len < 6)
        return !whole;
    for (q = end - 4; q > line.p; q--)
        if (LEX_IS(((struct span){q, 4}), "sip/"))
            return q[-1] == ' ';
    return false;
}

static int look_at_line(struct stream *s, const char *p, size_t len)
{
    const char *lf = lex_find(p, p + len, '\n');
    size_t n = lf ? (size_t)(lf - p) : len;

    if (n > STREAM_LINE_MAX || !line_can_be_sip((struct span){p, n}, lf != NULL))
        return bad(s, STREAM_NOT_SIP);
    s->line_ok = lf != NULL;
    return 0;
}

/* Find the empty line. @return its end from the start of the message; 0 not there yet */
static size_t head_end(struct stream *s, const char *p, size_t len)
{
    const char *end = p + len, *at = p + s->scanned;

    while (at < end && (at = lex_find(at, end, '\n'))) {
        if (at + 1 < end && at[1] == '\n')
            return (size_t)(at + 2 - p);
        if (at + 2 < end && at[1] == '\r' && at[2] == '\n')
            return (size_t)(at + 3 - p);
        if (end - at < 3) { /* what follows this LF is not known */
            s->scanned = (size_t)(at - p);
            return 0;
        }
        at++;
    }
    s->scanned = len;
    return 0;
}

/* Content-Length of the header section; long and compact form, folded or not. */
static int body_length(struct stream *s, struct span head, size_t *out)
{
    struct span line, rest;
    struct hdr h;
    bool seen = false;
    uint64_t n;
    int rc;

    (void)span_cut(head, '\n', &line, &rest);
    /* a line that is no header is the parser's to refuse: where the message ends is known all the same */
    while ((rc = hdr_next(&rest, &h)) != 0 && !span_is_empty(rest)) {
        if (rc < 0 || h.id != HDR_CONTENT_LENGTH)
            continue;
        if (seen)
            return bad(s, STREAM_BAD_LENGTH);
        seen = true;
        rc = span_u64(h.value, MSG_BYTES_MAX, &n);
        if (rc < 0)
            return bad(s, rc == -ERANGE ? STREAM_LONG_MSG : STREAM_BAD_LENGTH);
    }
    if (!seen)
        return bad(s, STREAM_NO_LENGTH);
    if (n + head.len > MSG_BYTES_MAX)
        return bad(s, STREAM_LONG_MSG);
    *out = (size_t)n;
    return 0;
}

/* p: the message from its first byte, as far as it is there. @return 1 whole; 0 more is needed; -EBADMSG */
static int look(struct stream *s, const char *p, size_t len)
{
    size_t body = 0;
    int rc;

    if (!s->line_ok && (rc = look_at_line(s, p, len)) < 0)
        return rc;
    if (s->head_len == 0) {
        size_t head = s->line_ok ? head_end(s, p, len) : 0;

        if (head > STREAM_HEAD_MAX || (head == 0 && len > STREAM_HEAD_MAX))
            return bad(s, STREAM_LONG_HEAD);
        if (head == 0)
            return 0;
        s->head_len = head;
        rc = body_length(s, (struct span){p, head}, &body);
        if (rc < 0)
            return rc;
        s->need = head + body;
    }
    return len >= s->need;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static int keep(struct stream *s, const char *p, size_t len)
{
    size_t cap = s->cap ? s->cap : FIRST_CAP;
    char *bigger;

    if (s->need > s->len + len)
        cap = s->need; /* known: one allocation is enough */
    while (cap < s->len + len)
        cap *= 2;
    if (cap > s->cap) {
        bigger = realloc(s->buf, cap);
        if (!bigger)
            return bad(s, STREAM_NO_MEMORY);
        s->buf = bigger;
        s->cap = cap;
    }
    memcpy(s->buf + s->len, p, len);
    s->len += len;
    return 0;
}

static void begin(struct stream *s)
{
    s->scanned = s->head_len = s->need = 0;
    s->line_ok = false;
    s->crlf = 0;
}

static int tell_bad(struct stream *s, const char *p, stream_fn fn, void *arg)
{
    (void)fn(arg, STREAM_BAD, (struct span){p, s->head_len});
    drop_buf(s);
    return -EBADMSG;
}

/* Messages that lie in the bytes whole. *used: what was taken; what is left begins a message. */
static int feed_in_place(struct stream *s, char *buf, size_t len, stream_fn fn, void *arg,
                         size_t *used)
{
    size_t at = 0;

    while (at < len) {
        int rc, ev;

        if (buf[at] == '\r' || buf[at] == '\n') {
            ev = crlf_byte(s, buf[at++]);
            if (ev >= 0 && !fn(arg, (enum stream_event)ev, SPAN_NONE))
                return -ECANCELED;
            continue;
        }
        begin(s);
        rc = look(s, buf + at, len - at);
        if (rc < 0)
            return tell_bad(s, buf + at, fn, arg);
        if (rc == 0)
            break;
        at += s->need;
        if (!fn(arg, STREAM_MSG, (struct span){buf + at - s->need, s->need}))
            return -ECANCELED;
    }
    *used = at;
    return 0;
}

/*
 * Bytes for the message that is kept: no more than belong to it once its length is known, else as many as a header section may have, so
 * that little has to be moved. *whole: it was told and is gone; *used may then be 0 while more stands in the kept bytes: it was put back.
 */
static int feed_kept(struct stream *s, const char *buf, size_t len, stream_fn fn, void *arg,
                     size_t *used)
{
    size_t had = s->len, take = len;
    int rc;

    if (s->need && take > s->need - had)
        take = s->need - had;
    rc = keep(s, buf, take);
    if (rc == 0)
        rc = look(s, s->buf, s->len);
    if (rc < 0)
        return tell_bad(s, s->buf, fn, arg);
    *used = take;
    if (rc == 0)
        return 0;
    *used = s->need - had; /* what lies behind it is read again where it came from */
    s->len = s->need;
    rc = fn(arg, STREAM_MSG, (struct span){s->buf, s->need}) ? 0 : -ECANCELED;
    drop_buf(s);
    begin(s);
    return rc;
}

int stream_feed(struct stream *s, char *buf, size_t len, stream_fn fn, void *arg)
{
    size_t used;
    int rc = s->why ? -EBADMSG : 0;

    while (rc == 0 && s->len > 0 && len > 0) {
        rc = feed_kept(s, buf, len, fn, arg, &used);
        if (rc == 0) {
            buf += used;
            len -= used;
        }
    }
    if (rc < 0 || len == 0)
        return rc;
    rc = feed_in_place(s, buf, len, fn, arg, &used);
    if (rc < 0 || used == len)
        return rc;
    if (keep(s, buf + used, len - used) < 0)
        return tell_bad(s, buf + used, fn, arg);
    return 0;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

unsigned stream_status(enum stream_why why)
{
    static const uint16_t status[STREAM_WHY_N] = {
        [STREAM_NO_LENGTH] = 400,
        [STREAM_BAD_LENGTH] = 400,
        [STREAM_LONG_MSG] = 513,
    };

    return status[why];
}

const char *stream_why_text(enum stream_why why)
{
    static const char *const text[STREAM_WHY_N] = {
        "none",
        "no SIP",
        "no Content-Length",
        "bad Content-Length",
        "header section too long",
        "message too long",
        "out of memory",
    };

    return text[why];
}
