/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calling side of sipload: INVITE, ACK, hold, BYE, with RFC 3261 client timers.
 * Called by load_net.c (messages), load_timer.c (timeouts) and sipload.c (new calls).
 * Must not know the called side: the switch between them hides the one from the other.
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UAC_BRANCH "z9hG4bK"

struct uac_call *uac_at(struct load *l, uint32_t idx)
{
    return &l->uac_chunk[idx / LOAD_CHUNK][idx % LOAD_CHUNK];
}

static struct uac_call *uac_new(struct load *l)
{
    struct uac_call *c;

    if (!l->uac_free) {
        uint32_t chunk = l->uac_calls / LOAD_CHUNK;

        if (chunk == LOAD_CHUNKS)
            return NULL;
        l->uac_chunk[chunk] = calloc(LOAD_CHUNK, sizeof *c);
        if (!l->uac_chunk[chunk])
            return NULL;
        for (unsigned i = 0; i < LOAD_CHUNK; i++) {
            c = &l->uac_chunk[chunk][i];
            c->idx = l->uac_calls++;
            c->free_next = l->uac_free;
            l->uac_free = c;
        }
    }
    c = l->uac_free;
    l->uac_free = c->free_next;
    return c;
}

static void uac_release(struct load *l, struct uac_call *c)
{
    load_timer_del(&c->timer);
    c->state = UAC_FREE;
    c->gen++;
    c->free_next = l->uac_free;
    l->uac_free = c;
}

static void uac_over(struct load *l, struct uac_call *c, bool is_good)
{
    struct load_calls *st = load_calls_of(l, c);

    st->live--;
    if (is_good)
        st->ended++;
    c->state = is_good ? UAC_DONE_OK : UAC_DONE_FAIL;
    load_timer_set(l, &c->timer, LOAD_LINGER);
}

static void uac_fail(struct load *l, struct uac_call *c, uint64_t *why)
{
    (*why)++;
    load_calls_of(l, c)->failed++;
    load_second_of(l, c)->failed++;
    uac_over(l, c, false);
}

/* Request line to CSeq; the caller appends the rest and the empty line. */
static int uac_head(struct load *l, const struct uac_call *c, char *buf, const char *method,
                    char branch)
{
    bool is_hop =
        branch == 'i'; /* INVITE, its CANCEL and the ACK of a failure go where the INVITE went */
    unsigned cseq = method[0] == 'B' ? 2 : 1;
    char ruri[192], to_tag[160] = "", called[64];

    if (c->emergency)
        snprintf(called, sizeof called, "%s", l->opt.emergency);
    else
        snprintf(called, sizeof called, "%s%0*u", l->opt.called, (int)l->opt.digits, c->serial);
    if (is_hop || !c->contact[0])
        snprintf(ruri, sizeof ruri, "sip:%s@%s", called, l->opt.target_name);
    else
        snprintf(ruri, sizeof ruri, "%s", c->contact);
    if (c->to_tag[0] && method[0] != 'I' && method[0] != 'C')
        snprintf(to_tag, sizeof to_tag, ";tag=%s", c->to_tag);
    return snprintf(buf, LOAD_BUF,
                    "%s %s SIP/2.0\r\n"
                    "Via: SIP/2.0/UDP %s;branch=" UAC_BRANCH "%08x-%x-%x-%c\r\n"
                    "%s"
                    "Max-Forwards: 70\r\n"
                    "From: <sip:%s@%s>;tag=c%08x-%x-%x\r\n"
                    "To: <sip:%s@%s>%s\r\n"
                    "Call-ID: %08x-%x-%x@%s\r\n"
                    "CSeq: %u %s\r\n",
                    method, ruri, c->sock->name, l->run, c->idx, c->gen, branch,
                    is_hop ? "" : c->route, l->opt.caller, c->sock->host, l->run, c->idx, c->gen,
                    called, l->opt.target_name, to_tag, l->run, c->idx, c->gen, c->sock->host, cseq,
                    method);
}

static void uac_send(struct load *l, struct uac_call *c, const char *method, char branch)
{
    char *buf = load_out(l, c->sock);
    int n = uac_head(l, c, buf, method, branch);

    n += snprintf(buf + n, LOAD_BUF - (size_t)n, "Content-Length: 0\r\n\r\n");
    load_out_done(l, c->sock, (size_t)n, &l->opt.target);
}

static void uac_send_invite(struct load *l, struct uac_call *c)
{
    char *buf = load_out(l, c->sock), sdp[320];
    const char *family = c->sock->addr.ss_family == AF_INET ? "IP4" : "IP6";
    int n = uac_head(l, c, buf, "INVITE", 'i');
    int body = snprintf(
        sdp, sizeof sdp,
        "v=0\r\no=- %u 1 IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n"
        "m=audio %u RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n",
        c->serial, family, c->sock->host, family, c->sock->host, 20000 + c->idx % 20000 * 2);

    n += snprintf(buf + n, LOAD_BUF - (size_t)n,
                  "Contact: <sip:%s@%s>\r\n"
                  "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"
                  "Content-Type: application/sdp\r\n"
                  "Content-Length: %d\r\n\r\n%s",
                  l->opt.caller, c->sock->name, body, sdp);
    load_out_done(l, c->sock, (size_t)n, &l->opt.target);
}

int uac_start(struct load *l, bool standing)
{
    struct uac_call *c = uac_new(l);

    if (!c)
        return -ENOMEM;
    c->serial = l->serial++;
    c->sock = &l->uac[c->serial % l->opt.sources];
    c->state = UAC_CALLING;
    c->standing = standing;
    c->emergency = !standing && l->opt.emergency_every && c->serial % l->opt.emergency_every == 0;
    c->resent = c->rang = c->bye_resent = false;
    c->to_tag[0] = c->contact[0] = c->route[0] = 0;
    c->t0_us = l->now_us;
    c->interval = LOAD_T1;
    c->deadline = l->now + LOAD_64T1;
    load_calls_of(l, c)->started++;
    load_calls_of(l, c)->live++;
    load_second_of(l, c)->started++;
    uac_send_invite(l, c);
    load_timer_set(l, &c->timer, c->interval);
    return 0;
}

void uac_bye(struct load *l, struct uac_call *c)
{
    c->state = UAC_BYE_SENT;
    c->interval = LOAD_T1;
    c->deadline = l->now + LOAD_64T1;
    uac_send(l, c, "BYE", 'b');
    load_timer_set(l, &c->timer, c->interval);
}

/* Wait for the next repetition, but not beyond Timer B or F. */
static void uac_wait(struct load *l, struct uac_call *c)
{
    uint64_t left = c->deadline > l->now ? c->deadline - l->now : 1;

    load_timer_set(l, &c->timer, c->interval < left ? c->interval : left);
}

static void uac_repeat_invite(struct load *l, struct uac_call *c)
{
    if (l->now >= c->deadline) {
        uac_fail(l, c, &load_calls_of(l, c)->invite_timeout);
        return;
    }
    uac_send_invite(l, c);
    l->stat.rtx_sent++;
    c->resent = true;
    c->interval *= 2; /* Timer A */
    uac_wait(l, c);
}

static void uac_repeat_bye(struct load *l, struct uac_call *c)
{
    if (l->now >= c->deadline) {
        uac_fail(l, c, &load_calls_of(l, c)->bye_timeout);
        return;
    }
    uac_send(l, c, "BYE", 'b');
    l->stat.rtx_sent++;
    c->bye_resent = true;
    c->interval = c->interval * 2 < LOAD_T2 ? c->interval * 2 : LOAD_T2; /* Timer E */
    uac_wait(l, c);
}

void uac_timeout(struct load *l, struct uac_call *c)
{
    switch (c->state) {
    case UAC_CALLING: uac_repeat_invite(l, c); break;
    case UAC_PROCEEDING: /* no final answer: cancel, wait for the 487 as long as Timer B */
        c->state = UAC_CANCELLING;
        uac_send(l, c, "CANCEL", 'i');
        load_timer_set(l, &c->timer, LOAD_64T1);
        break;
    case UAC_CANCELLING: uac_fail(l, c, &load_calls_of(l, c)->ring_timeout); break;
    case UAC_CONFIRMED: uac_bye(l, c); break;
    case UAC_BYE_SENT: uac_repeat_bye(l, c); break;
    default: uac_release(l, c);
    }
}

static void uac_rang(struct load *l, const struct uac_call *c)
{
    uint64_t us = l->now_us - c->t0_us;
    struct load_second *s = load_second_of(l, c);

    hist_add(&load_calls_of(l, c)->pdd, us);
    if (us > s->pdd_max_us)
        s->pdd_max_us = (uint32_t)(us < UINT32_MAX ? us : UINT32_MAX);
}

static void uac_provisional(struct load *l, struct uac_call *c, const struct load_msg *m)
{
    uint64_t ring = (uint64_t)(l->opt.ring * 1000) + LOAD_64T1;

    if (c->state > UAC_CANCELLING) {
        load_odd(l, LOAD_ODD_STATE);
        return;
    }
    if (m->code > 100 && !c->rang) {
        c->rang = true;
        uac_rang(l, c);
    } else if (c->state != UAC_CALLING && (m->code == 100 || c->rang)) {
        if (c->resent)
            l->stat.rtx_received++;
        else
            load_odd(l, m->code == 100 ? LOAD_ODD_STATE : LOAD_ODD_REPEAT);
    }
    if (c->state == UAC_CALLING) {
        c->state = UAC_PROCEEDING;
        load_timer_set(l, &c->timer, ring);
    }
}

/* RFC 3261 §12.1.2: the route set is the Record-Route in reverse. */
static void uac_learn(struct uac_call *c, const struct load_msg *m)
{
    size_t at = 0;

    span_copy(m->to_tag, c->to_tag, sizeof c->to_tag);
    span_copy(m->contact, c->contact, sizeof c->contact);
    c->route[0] = 0;
    for (unsigned i = m->rrs; i-- > 0 && at < sizeof c->route;)
        at += (size_t)snprintf(c->route + at, sizeof c->route - at, "Route: %.*s\r\n",
                               (int)m->rr[i].n, m->rr[i].p);
    if (at >= sizeof c->route)
        c->route[0] = 0; /* the peer will refuse the ACK, and that is counted */
}

static void uac_answered(struct load *l, struct uac_call *c, const struct load_msg *m)
{
    struct load_calls *st = load_calls_of(l, c);

    uac_learn(c, m);
    st->answered++;
    load_second_of(l, c)->answered++;
    hist_add(&st->setup, l->now_us - c->t0_us);
    uac_send(l, c, "ACK", 'a');
    if (c->state == UAC_CANCELLING) {
        uac_bye(l, c);
        return;
    }
    c->state = UAC_CONFIRMED;
    if (c->standing)
        load_timer_del(&c->timer);
    else
        load_timer_set(l, &c->timer, (uint64_t)(l->opt.hold * 1000));
}

static void uac_success(struct load *l, struct uac_call *c, const struct load_msg *m)
{
    switch (c->state) {
    case UAC_CALLING:
    case UAC_PROCEEDING:
    case UAC_CANCELLING: uac_answered(l, c, m); break;
    case UAC_CONFIRMED:
    case UAC_BYE_SENT:
    case UAC_DONE_OK:
        if (!span_is(m->to_tag, c->to_tag)) {
            load_odd(l, LOAD_ODD_DIALOG);
            break;
        }
        l->stat.rtx_received++; /* our ACK was late or lost: §13.2.2.4 */
        l->stat.rtx_sent++;
        uac_send(l, c, "ACK", 'a');
        break;
    default: load_odd(l, LOAD_ODD_STATE);
    }
}

static void uac_failure(struct load *l, struct uac_call *c, const struct load_msg *m)
{
    struct load_calls *st = load_calls_of(l, c);

    if (c->state == UAC_DONE_FAIL) {
        l->stat.rtx_received++;
    } else if (c->state > UAC_CANCELLING) {
        load_odd(l, LOAD_ODD_STATE);
        return;
    }
    span_copy(m->to_tag, c->to_tag, sizeof c->to_tag);
    uac_send(l, c, "ACK", 'i');
    if (c->state == UAC_DONE_FAIL)
        return;
    st->code[m->code]++;
    if (m->code == 503 && l->opt.shed_mode) {
        st->shed++;
        load_second_of(l, c)->shed++;
        uac_over(l, c, false);
    } else {
        uint64_t unused = 0;

        uac_fail(l, c, c->state == UAC_CANCELLING ? &st->ring_timeout : &unused);
    }
}

static void uac_bye_answer(struct load *l, struct uac_call *c, const struct load_msg *m)
{
    struct load_calls *st = load_calls_of(l, c);

    if (m->code < 200)
        return;
    if (c->state == UAC_DONE_OK || c->state == UAC_DONE_FAIL) {
        if (c->bye_resent)
            l->stat.rtx_received++;
        else
            load_odd(l, LOAD_ODD_REPEAT);
        return;
    }
    if (c->state != UAC_BYE_SENT) {
        load_odd(l, LOAD_ODD_STATE);
        return;
    }
    st->bye_code[m->code]++;
    if (m->code < 300) {
        uac_over(l, c, true);
        return;
    }
    load_odd(l, LOAD_ODD_CODE);
    st->failed++;
    uac_over(l, c, false);
}

/* Call-ID and From tag of a response carry our index: "run-idx-gen@host". */
static struct uac_call *uac_find(struct load *l, struct span id, const char *prefix)
{
    char text[64], *p = text, *end;
    unsigned long run, idx, gen;
    size_t skip = strlen(prefix);

    span_copy(id, text, sizeof text);
    if (strncmp(text, prefix, skip))
        return NULL;
    p += skip;
    run = strtoul(p, &end, 16);
    if (run != l->run || *end != '-')
        return NULL;
    idx = strtoul(end + 1, &end, 16);
    if (idx >= l->uac_calls || *end != '-')
        return NULL;
    gen = strtoul(end + 1, NULL, 16);
    struct uac_call *c = uac_at(l, (uint32_t)idx);
    return c->state != UAC_FREE && c->gen == gen ? c : NULL;
}

static bool uac_branch_fits(struct load *l, const struct uac_call *c, const struct load_msg *m)
{
    char want[64];

    snprintf(want, sizeof want, UAC_BRANCH "%08x-%x-%x-%c", l->run, c->idx, c->gen,
             m->method == LOAD_M_BYE ? 'b' : 'i');
    return m->vias == 1 && span_is(m->branch, want) && m->cseq == (m->method == LOAD_M_BYE ? 2 : 1);
}

static void uac_response(struct load *l, const struct load_msg *m)
{
    struct uac_call *c = uac_find(l, m->call_id, "");

    if (!c) {
        load_odd(l, LOAD_ODD_NO_CALL);
    } else if (uac_find(l, m->from_tag, "c") != c) {
        load_odd(l, LOAD_ODD_DIALOG);
    } else if (!uac_branch_fits(l, c, m)) {
        load_odd(l, LOAD_ODD_BRANCH);
    } else if (m->method == LOAD_M_BYE) {
        uac_bye_answer(l, c, m);
    } else if (m->method == LOAD_M_CANCEL) {
        return; /* the 487 of the INVITE counts */
    } else if (m->method != LOAD_M_INVITE) {
        load_odd(l, LOAD_ODD_METHOD);
    } else if (m->code < 200) {
        uac_provisional(l, c, m);
    } else if (m->code < 300) {
        uac_success(l, c, m);
    } else {
        uac_failure(l, c, m);
    }
}

static void uac_request(struct load *l, struct load_sock *s, const struct load_msg *m,
                        const struct sockaddr_storage *from)
{
    struct uac_call *c;

    if (m->method == LOAD_M_OPTIONS) {
        l->stat.options++;
        uas_answer_simple(l, s, m, 200, from);
        return;
    }
    if (m->method == LOAD_M_ACK)
        return;
    c = uac_find(l, m->to_tag, "c");
    if (m->method != LOAD_M_BYE || !c) {
        load_odd(l, c ? LOAD_ODD_METHOD : LOAD_ODD_NO_CALL);
        uas_answer_simple(l, s, m, c ? 501 : 481, from);
        return;
    }
    uas_answer_simple(l, s, m, 200, from);
    if (c->state == UAC_CONFIRMED)
        uac_fail(l, c, &load_calls_of(l, c)->ended_by_peer);
}

void uac_receive(struct load *l, struct load_sock *s, const struct load_msg *m,
                 const struct sockaddr_storage *from)
{
    if (m->code)
        uac_response(l, m);
    else
        uac_request(l, s, m, from);
}

/* Forget the calls that are still up at the end; each one is a failure of its own kind. */
void uac_abandon(struct load *l, bool standing_too)
{
    for (uint32_t i = 0; i < l->uac_calls; i++) {
        struct uac_call *c = uac_at(l, i);

        if (c->state == UAC_FREE || (c->standing && !standing_too))
            continue;
        if (c->state < UAC_DONE_OK) {
            struct load_calls *st = load_calls_of(l, c);

            st->live--;
            st->unfinished++;
            st->failed++;
        }
        uac_release(l, c);
    }
}
