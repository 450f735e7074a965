/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds in a SIP message what the generator checks or gives back.
 * Called by load_net.c for each datagram.
 * Must not know calls; not a validating parser: the peer's errors show as unmatched fields.
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

bool span_is(struct span s, const char *text)
{
    return s.n == strlen(text) && !memcmp(s.p, text, s.n);
}

void span_copy(struct span s, char *out, size_t size)
{
    size_t n = s.n < size ? s.n : size - 1;

    if (n)
        memcpy(out, s.p, n);
    out[n] = 0;
}

static struct span span_trim(struct span s)
{
    while (s.n && (*s.p == ' ' || *s.p == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}

static enum load_method msg_method(struct span s)
{
    static const struct {
        const char *name;
        enum load_method method;
    } table[] = {
        {"INVITE", LOAD_M_INVITE}, {"ACK", LOAD_M_ACK},         {"BYE", LOAD_M_BYE},
        {"CANCEL", LOAD_M_CANCEL}, {"OPTIONS", LOAD_M_OPTIONS},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (span_is(s, table[i].name))
            return table[i].method;
    return LOAD_M_OTHER;
}

/* Value of a parameter after the URI: ";tag=" or ";branch=". */
static struct span msg_param(struct span line, const char *name, size_t name_len)
{
    const char *gt = memchr(line.p, '>', line.n);
    const char *p = gt ? gt : line.p, *end = line.p + line.n, *q;

    while (p < end && (p = memchr(p, ';', (size_t)(end - p)))) {
        p++;
        if ((size_t)(end - p) <= name_len || strncasecmp(p, name, name_len) || p[name_len] != '=')
            continue;
        p += name_len + 1;
        for (q = p; q < end && *q != ';' && *q != ' ' && *q != ','; q++)
            ;
        return (struct span){p, (size_t)(q - p)};
    }
    return (struct span){end, 0};
}

/* The URI of a Contact: what stands in <>, or the value without parameters. */
static struct span msg_uri(struct span v)
{
    const char *lt = memchr(v.p, '<', v.n), *gt;

    if (lt) {
        gt = memchr(lt, '>', v.n - (size_t)(lt - v.p));
        if (gt)
            return (struct span){lt + 1, (size_t)(gt - lt - 1)};
    }
    gt = memchr(v.p, ';', v.n);
    return gt ? (struct span){v.p, (size_t)(gt - v.p)} : v;
}

struct span load_uri_user(struct span uri)
{
    const char *colon = memchr(uri.p, ':', uri.n), *at = memchr(uri.p, '@', uri.n);

    if (!colon || !at || at < colon)
        return (struct span){uri.p, 0};
    return (struct span){colon + 1, (size_t)(at - colon - 1)};
}

static void msg_cseq(struct load_msg *m, struct span v)
{
    size_t i = 0;

    m->cseq_line = v;
    for (; i < v.n && v.p[i] >= '0' && v.p[i] <= '9'; i++)
        m->cseq = m->cseq * 10 + (uint32_t)(v.p[i] - '0');
    if (m->code) {
        v.p += i;
        v.n -= i;
        m->method = msg_method(span_trim(v));
    }
}

static bool msg_name_is(struct span name, const char *text, char compact)
{
    if (name.n == 1)
        return compact && (name.p[0] | 0x20) == compact;
    return name.n == strlen(text) && !strncasecmp(name.p, text, name.n);
}

static void msg_via(struct load_msg *m, struct span v)
{
    if (!m->vias)
        m->branch = msg_param(v, "branch", 6);
    if (m->vias < LOAD_LINES_MAX)
        m->via[m->vias++] = v;
}

static void msg_header(struct load_msg *m, struct span name, struct span v)
{
    if (msg_name_is(name, "Via", 'v')) {
        msg_via(m, v);
    } else if (msg_name_is(name, "From", 'f')) {
        m->from = v;
        m->from_tag = msg_param(v, "tag", 3);
    } else if (msg_name_is(name, "To", 't')) {
        m->to = v;
        m->to_tag = msg_param(v, "tag", 3);
    } else if (msg_name_is(name, "Call-ID", 'i')) {
        m->call_id = v;
    } else if (msg_name_is(name, "CSeq", 0)) {
        msg_cseq(m, v);
    } else if (msg_name_is(name, "Contact", 'm')) {
        m->contact = msg_uri(v);
    } else if (msg_name_is(name, "Record-Route", 0) && m->rrs < LOAD_LINES_MAX) {
        m->rr[m->rrs++] = v;
    }
}

static int msg_start(struct load_msg *m, struct span line)
{
    const char *sp = memchr(line.p, ' ', line.n), *sp2;

    if (!sp)
        return -EBADMSG;
    if (line.n >= 11 && !memcmp(line.p, "SIP/2.0 ", 8)) {
        m->code = (line.p[8] - '0') * 100 + (line.p[9] - '0') * 10 + (line.p[10] - '0');
        return m->code >= 100 && m->code < 700 ? 0 : -EBADMSG;
    }
    m->method = msg_method((struct span){line.p, (size_t)(sp - line.p)});
    sp2 = memchr(sp + 1, ' ', line.n - (size_t)(sp + 1 - line.p));
    if (!sp2)
        return -EBADMSG;
    m->ruri = (struct span){sp + 1, (size_t)(sp2 - sp - 1)};
    return 0;
}

int load_parse(const char *buf, size_t len, struct load_msg *m)
{
    const char *p = buf, *end = buf + len, *nl, *colon;
    bool is_first = true;

    memset(m, 0, sizeof *m);
    while (p < end && (nl = memchr(p, '\n', (size_t)(end - p)))) {
        struct span line = span_trim((struct span){p, (size_t)(nl - p)});

        p = nl + 1;
        if (!line.n)
            break;
        if (is_first) {
            if (msg_start(m, line))
                return -EBADMSG;
            is_first = false;
            continue;
        }
        colon = memchr(line.p, ':', line.n);
        if (!colon)
            continue;
        msg_header(m, span_trim((struct span){line.p, (size_t)(colon - line.p)}),
                   span_trim((struct span){colon + 1, line.n - (size_t)(colon + 1 - line.p)}));
    }
    return m->vias && m->call_id.n && m->from_tag.n && m->cseq_line.n ? 0 : -EBADMSG;
}
