/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The called side of sipload: 180, 200 until the ACK, 200 to the BYE; and answers out of dialog.
 * Called by load_net.c (messages) and load_timer.c (timeouts).
 * Must not know the calling side.
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* 2^18 heads: a million calls at four a chain */
#define UAS_HASH (1u << 18)

int uas_init(struct load *l)
{
    l->uas_hash = calloc(UAS_HASH, sizeof *l->uas_hash);
    return l->uas_hash ? 0 : -ENOMEM;
}

static struct uas_call *uas_at(struct load *l, uint32_t idx)
{
    return &l->uas_chunk[idx / LOAD_CHUNK][idx % LOAD_CHUNK];
}

static uint32_t uas_hash(struct span s)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    return h;
}

static struct uas_call *uas_new(struct load *l)
{
    struct uas_call *c;

    if (!l->uas_free) {
        uint32_t chunk = l->uas_calls / LOAD_CHUNK;

        if (chunk == LOAD_CHUNKS)
            return NULL;
        l->uas_chunk[chunk] = calloc(LOAD_CHUNK, sizeof *c);
        if (!l->uas_chunk[chunk])
            return NULL;
        for (unsigned i = 0; i < LOAD_CHUNK; i++) {
            c = &l->uas_chunk[chunk][i];
            c->idx = l->uas_calls++;
            c->timer.is_uas = true;
            c->free_next = l->uas_free;
            l->uas_free = c;
        }
    }
    c = l->uas_free;
    l->uas_free = c->free_next;
    return c;
}

static void uas_release(struct load *l, struct uas_call *c)
{
    struct uas_call **at = &l->uas_hash[c->hash % UAS_HASH];

    while (*at != c)
        at = &(*at)->hash_next;
    *at = c->hash_next;
    load_timer_del(&c->timer);
    free(c->head);
    c->head = NULL;
    c->state = UAS_FREE;
    c->gen++;
    c->free_next = l->uas_free;
    l->uas_free = c;
}

static const char *uas_reason(int code)
{
    switch (code) {
    case 100: return "Trying";
    case 180: return "Ringing";
    case 200: return "OK";
    case 481: return "Call/Transaction Does Not Exist";
    case 487: return "Request Terminated";
    default: return "Not Implemented";
    }
}

static size_t uas_lines(char *buf, size_t size, const struct load_msg *m, const char *tag)
{
    size_t n = 0;

    for (unsigned i = 0; i < m->vias && n < size; i++)
        n += (size_t)snprintf(buf + n, size - n, "Via: %.*s\r\n", (int)m->via[i].n, m->via[i].p);
    for (unsigned i = 0; i < m->rrs && n < size; i++)
        n += (size_t)snprintf(buf + n, size - n, "Record-Route: %.*s\r\n", (int)m->rr[i].n,
                              m->rr[i].p);
    if (n < size)
        n += (size_t)snprintf(
            buf + n, size - n, "From: %.*s\r\nTo: %.*s%s%s\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n",
            (int)m->from.n, m->from.p, (int)m->to.n, m->to.p, tag[0] ? ";tag=" : "", tag,
            (int)m->call_id.n, m->call_id.p, (int)m->cseq_line.n, m->cseq_line.p);
    return n < size ? n : size - 1;
}

/* An answer that needs no call: to BYE, OPTIONS, CANCEL and strays. */
void uas_answer_simple(struct load *l, struct load_sock *s, const struct load_msg *m, int code,
                       const struct sockaddr_storage *to)
{
    char *buf = load_out(l, s);
    size_t n = (size_t)snprintf(buf, LOAD_BUF, "SIP/2.0 %d %s\r\n", code, uas_reason(code));

    n += uas_lines(buf + n, LOAD_BUF - n, m, m->to_tag.n ? "" : "out");
    n += (size_t)snprintf(buf + n, LOAD_BUF - n, "Content-Length: 0\r\n\r\n");
    load_out_done(l, s, n < LOAD_BUF ? n : LOAD_BUF - 1, to);
}

static void uas_send(struct load *l, struct uas_call *c, int code)
{
    char *buf = load_out(l, &l->uas), sdp[320];
    const char *family = l->uas.addr.ss_family == AF_INET ? "IP4" : "IP6";
    size_t n = (size_t)snprintf(buf, LOAD_BUF, "SIP/2.0 %d %s\r\n", code, uas_reason(code));
    int body;

    if (n + c->head_len + 512 > LOAD_BUF)
        return;
    memcpy(buf + n, c->head, c->head_len);
    n += c->head_len;
    if (code == 200) {
        body = snprintf(
            sdp, sizeof sdp,
            "v=0\r\no=- %u 1 IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\nm=audio %u RTP/AVP 0 101\r\n"
            "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n",
            c->idx, family, l->uas.host, family, l->uas.host, 20000 + c->idx % 20000 * 2);
        n += (size_t)snprintf(
            buf + n, LOAD_BUF - n,
            "Contact: <sip:uas@%s>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
            l->uas.name, body, sdp);
    } else {
        n += (size_t)snprintf(buf + n, LOAD_BUF - n,
                              "Contact: <sip:uas@%s>\r\nContent-Length: 0\r\n\r\n", l->uas.name);
    }
    load_out_done(l, &l->uas, n, &c->peer);
}

/* Wait for the next repetition, but not beyond Timer H. */
static void uas_wait(struct load *l, struct uas_call *c)
{
    uint64_t left = c->deadline > l->now ? c->deadline - l->now : 1;

    load_timer_set(l, &c->timer, c->interval < left ? c->interval : left);
}

static void uas_answer(struct load *l, struct uas_call *c)
{
    c->state = UAS_ANSWERED;
    c->interval = LOAD_T1;
    c->deadline = l->now + LOAD_64T1;
    l->stat.uas_answered++;
    uas_send(l, c, 200);
    load_timer_set(l, &c->timer, c->interval);
}

void uas_timeout(struct load *l, struct uas_call *c)
{
    switch (c->state) {
    case UAS_RINGING: uas_answer(l, c); break;
    case UAS_ANSWERED:
    case UAS_REJECTED:
        if (l->now >= c->deadline) { /* no ACK in 64 T1: §13.3.1.4, Timer H */
            l->stat.uas_no_ack++;
            c->state = UAS_DONE;
            load_timer_set(l, &c->timer, LOAD_LINGER);
            break;
        }
        uas_send(l, c, c->state == UAS_ANSWERED ? 200 : 487);
        c->resent = true;
        l->stat.rtx_sent++;
        c->interval = c->interval * 2 < LOAD_T2 ? c->interval * 2 : LOAD_T2;
        uas_wait(l, c);
        break;
    default: uas_release(l, c);
    }
}

static struct uas_call *uas_by_call_id(struct load *l, struct span id)
{
    uint32_t h = uas_hash(id);
    struct uas_call *c = l->uas_hash[h % UAS_HASH];

    while (c && !(c->hash == h && span_is(id, c->call_id)))
        c = c->hash_next;
    return c;
}

static bool uas_number_fits(const struct load *l, struct span user)
{
    size_t digits = l->opt.digits;

    if (l->opt.emergency && span_is(user, l->opt.emergency))
        return true;
    /* the switch may translate the prefix; our serial number at its end must survive */
    if (user.n < digits)
        return false;
    for (size_t i = user.n - digits; i < user.n; i++)
        if (user.p[i] < '0' || user.p[i] > '9')
            return false;
    return true;
}

static void uas_invite_new(struct load *l, const struct load_msg *m,
                           const struct sockaddr_storage *from)
{
    struct uas_call *c;
    char head[LOAD_BUF - 512], tag[48];

    if (m->call_id.n >= sizeof c->call_id || m->from_tag.n >= sizeof c->from_tag ||
        m->branch.n >= sizeof c->branch) {
        load_odd(l, LOAD_ODD_PARSE);
        return;
    }
    c = uas_new(l);
    if (!c)
        return;
    if (!uas_number_fits(l, load_uri_user(m->ruri)))
        load_odd(l, LOAD_ODD_NUMBER);
    l->stat.uas_invites++;
    snprintf(tag, sizeof tag, "s%08x-%x-%x", l->run, c->idx, c->gen);
    c->head_len = uas_lines(head, sizeof head, m, tag);
    c->head = malloc(c->head_len);
    if (!c->head)
        abort();
    memcpy(c->head, head, c->head_len);
    span_copy(m->call_id, c->call_id, sizeof c->call_id);
    span_copy(m->from_tag, c->from_tag, sizeof c->from_tag);
    span_copy(m->branch, c->branch, sizeof c->branch);
    c->hash = uas_hash(m->call_id);
    c->hash_next = l->uas_hash[c->hash % UAS_HASH];
    l->uas_hash[c->hash % UAS_HASH] = c;
    c->peer = *from;
    c->resent = false;
    c->state = UAS_RINGING;
    if (l->opt.trying)
        uas_answer_simple(l, &l->uas, m, 100, from);
    if (!l->opt.no_ringing)
        uas_send(l, c, 180);
    if (l->opt.ring > 0)
        load_timer_set(l, &c->timer, (uint64_t)(l->opt.ring * 1000));
    else
        uas_answer(l, c);
}

static void uas_invite(struct load *l, const struct load_msg *m,
                       const struct sockaddr_storage *from)
{
    struct uas_call *c = uas_by_call_id(l, m->call_id);

    if (m->to_tag.n) { /* no re-INVITE in these calls */
        load_odd(l, LOAD_ODD_METHOD);
        uas_answer_simple(l, &l->uas, m, 501, from);
        return;
    }
    if (!c) {
        uas_invite_new(l, m, from);
        return;
    }
    if (!span_is(m->branch, c->branch) || !span_is(m->from_tag, c->from_tag)) {
        load_odd(l, LOAD_ODD_DIALOG);
        return;
    }
    l->stat.rtx_received++;
    if (c->state == UAS_RINGING && !l->opt.no_ringing) {
        uas_send(l, c, 180);
        l->stat.rtx_sent++;
    } /* the 200 has its own timer */
}

static struct uas_call *uas_by_tag(struct load *l, const struct load_msg *m)
{
    char text[64], *end;
    unsigned long run, idx, gen;

    span_copy(m->to_tag, text, sizeof text);
    if (text[0] != 's')
        return NULL;
    run = strtoul(text + 1, &end, 16);
    if (run != l->run || *end != '-')
        return NULL;
    idx = strtoul(end + 1, &end, 16);
    if (idx >= l->uas_calls || *end != '-')
        return NULL;
    gen = strtoul(end + 1, NULL, 16);
    struct uas_call *c = uas_at(l, (uint32_t)idx);
    return c->state != UAS_FREE && c->gen == gen ? c : NULL;
}

static void uas_ack(struct load *l, struct uas_call *c)
{
    if (c->state == UAS_ANSWERED) {
        l->stat.uas_acked++;
        c->state = UAS_CONFIRMED;
        load_timer_del(&c->timer);
        free(c->head);
        c->head = NULL;
    } else if (c->state == UAS_REJECTED) {
        c->state = UAS_DONE;
        load_timer_set(l, &c->timer, LOAD_LINGER);
    } else if (c->state == UAS_RINGING) {
        load_odd(l, LOAD_ODD_STATE);
    } else if (c->resent) {
        l->stat.rtx_received++;
    } else {
        load_odd(l, LOAD_ODD_REPEAT);
    }
}

static void uas_bye(struct load *l, struct uas_call *c, const struct load_msg *m,
                    const struct sockaddr_storage *from)
{
    uas_answer_simple(l, &l->uas, m, 200, from);
    if (c->state == UAS_DONE) {
        l->stat.rtx_received++;
        load_timer_set(l, &c->timer, LOAD_LINGER); /* Timer J at work: more may come */
        return;
    }
    if (c->state == UAS_ANSWERED)
        l->stat.uas_bye_first++; /* the ACK was lost, or overtaken */
    else if (c->state != UAS_CONFIRMED)
        load_odd(l, LOAD_ODD_STATE);
    l->stat.uas_byes++;
    c->state = UAS_DONE;
    load_timer_set(l, &c->timer, LOAD_LINGER);
}

static void uas_cancel(struct load *l, const struct load_msg *m,
                       const struct sockaddr_storage *from)
{
    struct uas_call *c = uas_by_call_id(l, m->call_id);

    if (!c || !span_is(m->branch, c->branch)) {
        load_odd(l, LOAD_ODD_NO_CALL);
        uas_answer_simple(l, &l->uas, m, 481, from);
        return;
    }
    uas_answer_simple(l, &l->uas, m, 200, from);
    if (c->state != UAS_RINGING)
        return;
    l->stat.uas_cancels++;
    c->state = UAS_REJECTED;
    c->interval = LOAD_T1;
    c->deadline = l->now + LOAD_64T1;
    uas_send(l, c, 487);
    load_timer_set(l, &c->timer, c->interval);
}

static void uas_in_dialog(struct load *l, const struct load_msg *m,
                          const struct sockaddr_storage *from)
{
    struct uas_call *c = uas_by_tag(l, m);

    if (!c) {
        load_odd(l, LOAD_ODD_NO_CALL);
        if (m->method != LOAD_M_ACK)
            uas_answer_simple(l, &l->uas, m, 481, from);
    } else if (!span_is(m->call_id, c->call_id) || !span_is(m->from_tag, c->from_tag)) {
        load_odd(l, LOAD_ODD_DIALOG);
        if (m->method != LOAD_M_ACK)
            uas_answer_simple(l, &l->uas, m, 481, from);
    } else if (m->method == LOAD_M_ACK) {
        uas_ack(l, c);
    } else if (m->method == LOAD_M_BYE) {
        uas_bye(l, c, m, from);
    } else {
        load_odd(l, LOAD_ODD_METHOD);
        uas_answer_simple(l, &l->uas, m, 501, from);
    }
}

void uas_receive(struct load *l, const struct load_msg *m, const struct sockaddr_storage *from)
{
    if (m->code) {
        load_odd(l, LOAD_ODD_STATE); /* the called side sends no request */
    } else if (m->method == LOAD_M_OPTIONS) {
        l->stat.options++;
        uas_answer_simple(l, &l->uas, m, 200, from);
    } else if (m->method == LOAD_M_INVITE) {
        uas_invite(l, m, from);
    } else if (m->method == LOAD_M_CANCEL) {
        uas_cancel(l, m, from);
    } else {
        uas_in_dialog(l, m, from);
    }
}

void uas_abandon(struct load *l)
{
    for (uint32_t i = 0; i < l->uas_calls; i++) {
        struct uas_call *c = uas_at(l, i);

        if (c->state != UAS_FREE && (c->state != UAS_CONFIRMED || !l->opt.standing))
            uas_release(l, c);
    }
}
