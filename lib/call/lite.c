/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Credentials of both legs. Ours are drawn when a line needs them first, and anew when its party restarts ICE; the party's user name is kept.
 * offer.c and offer_session.c call it; it knows neither dialogs nor the other leg.
 */
#include "call/lite.h"

#include <string.h>
#include "call/eps.h"
#include "call/offer.h"
#include "core/htab.h"
#include "core/ident.h"
#include "sip/sdp_format.h"

#define UFRAG_LEN 8U  /* RFC 8445 §5.3 asks for 24 bits: 48 */
#define PWD_LEN   24U /* for 128 bits: 144 */

enum state {
    ICE_NONE, /* the party says nothing of it */
    ICE_ON,   /* it checks, we answer */
    ICE_PASSIVE, /* it is lite as well: nobody checks, media goes to the default address (RFC 8445 §6.1.1) */
    ICE_MISMATCH, /* somebody on the way has changed the default address (RFC 8839 §4.2.5) */
    ICE_STATES,
};

struct word {
    char ufrag[UFRAG_LEN + 1], pwd[PWD_LEN + 1]; /* ours; empty: not drawn yet */
    char remote_ufrag[32]; /* empty: too long for the relay, which then takes any */
    uint64_t remote;       /* hash of the party's user name and password */
    uint8_t state;
};

/* Of an endpoint. */
struct lite {
    bool was_on; /* the relay has been told of it */
    struct word now, next;
};

/* ---- state ------------------------------------------------------------------------------------------------------- */

static struct lite *at(const struct call *c, unsigned e)
{
    return eps_at(c->media.ice, e);
}

/* NULL: out of memory, the line has no ICE. */
static struct lite *room(struct call *c, unsigned e)
{
    return eps_room(c, &c->media.ice, sizeof(struct lite), e);
}

void lite_free(struct call *c)
{
    eps_free(c, &c->media.ice);
}

/* 64 of them (RFC 8839 §5.3 ice-char): each takes six random bits. */
static void draw_text(char *out, unsigned len)
{
    static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t random[PWD_LEN];

    ident_random(random, len);
    for (unsigned i = 0; i < len; i++)
        out[i] = chars[random[i] & 63];
    out[len] = '\0';
    explicit_bzero(random, sizeof random);
}

static void draw(struct word *w)
{
    draw_text(w->ufrag, UFRAG_LEN);
    draw_text(w->pwd, PWD_LEN);
}

/* ---- what a party says ------------------------------------------------------------------------------------------- */

/* Packets over UDP; the relay has no other. */
static bool is_udp(const struct sdp_media *m)
{
    return !span_has_prefix(m->proto, SPAN("TCP"));
}

/* Value of the first such attribute in these lines. */
static bool find(struct span lines, struct span name, struct span *value)
{
    struct span raw, line;

    while (sdp_format_line(&lines, &raw, &line)) {
        if (!span_has_prefix(line, name))
            continue;
        *value = (struct span){line.p + name.len, line.len - name.len};
        return true;
    }
    return false;
}

/* An m-line's own, or the session's. */
static bool find_both(const struct sdp *sdp, unsigned i, struct span name, struct span *value)
{
    return find(sdp->media[i].lines, name, value) || find(sdp->session, name, value);
}

static struct span take_word(struct span *rest)
{
    struct span w;

    while (rest->len && rest->p[0] == ' ') {
        rest->p++;
        rest->len--;
    }
    span_cut(*rest, ' ', &w, rest);
    return w;
}

/* "1 1 UDP 2130706431 192.0.2.1 30000 typ host" */
static bool read_candidate(struct span v, uint32_t *component, struct addr *out)
{
    struct span proto, host, port;
    uint32_t n;

    (void)take_word(&v);
    if (span_u32(take_word(&v), 256, component) != 0)
        return false;
    proto = take_word(&v);
    (void)take_word(&v);
    host = take_word(&v);
    port = take_word(&v);
    if (!span_case_eq(proto, SPAN("UDP")) || addr_parse_ip(host, out) != 0 ||
        span_u32(port, 65535, &n) != 0)
        return false;
    out->port = (uint16_t)n;
    return true;
}

/* Is the address among the candidates of this component? True, too, if it has none. */
static bool is_candidate(struct span lines, uint32_t component, const struct addr *want)
{
    struct span raw, line;
    bool has_any = false;

    while (sdp_format_line(&lines, &raw, &line)) {
        struct addr a;
        uint32_t n;

        if (!span_has_prefix(line, SPAN("a=candidate:")))
            continue;
        line.p += 12;
        line.len -= 12;
        if (!read_candidate(line, &n, &a) || n != component)
            continue;
        if (addr_eq(&a, want))
            return true;
        has_any = true;
    }
    return !has_any;
}

/* RFC 8839 §4.2.5; port 9 stands for "not gathered yet" (RFC 8840 §4.1.1). */
static bool is_mismatch(const struct sdp *sdp, unsigned i)
{
    const struct sdp_media *m = &sdp->media[i];
    struct addr a;
    struct span v;

    if (find(m->lines, SPAN("a=ice-mismatch"), &v))
        return true;
    if (m->port == 9 || sdp_rtp_addr(sdp, i, &a) < 0)
        return false;
    if (!is_candidate(m->lines, 1, &a))
        return true;
    return !m->rtcp_mux && sdp_rtcp_addr(sdp, i, &a) == 0 && !is_candidate(m->lines, 2, &a);
}

static void read_word(const struct sdp *sdp, unsigned i, struct word *w)
{
    struct span ufrag, pwd, v;

    w->state = ICE_NONE;
    w->remote = 0;
    memset(w->remote_ufrag, 0, sizeof w->remote_ufrag);
    if (sdp->media[i].port == 0 || !is_udp(&sdp->media[i]) ||
        !find_both(sdp, i, SPAN("a=ice-ufrag:"), &ufrag) ||
        !find_both(sdp, i, SPAN("a=ice-pwd:"), &pwd))
        return;
    w->state = is_mismatch(sdp, i)                          ? ICE_MISMATCH
               : find(sdp->session, SPAN("a=ice-lite"), &v) ? ICE_PASSIVE
                                                            : ICE_ON;
    w->remote = hash_bytes(pwd.p, pwd.len, hash_bytes(ufrag.p, ufrag.len, 0));
    if (ufrag.len < sizeof w->remote_ufrag)
        memcpy(w->remote_ufrag, ufrag.p, ufrag.len);
}

void lite_note(struct call *c, const struct leg *leg, const struct sdp *sdp, unsigned i,
               bool is_offer)
{
    unsigned e = offer_ep_of(leg, i);
    struct lite *s = at(c, e);
    struct word w = {.state = ICE_NONE};
    const struct word *ours;

    if (leg->trunk.conf->ice == CONF_ICE_LITE)
        read_word(sdp, i, &w);
    /* a plain call has no such state */
    if (!s && w.state != ICE_NONE)
        s = room(c, e);
    if (!s)
        return;
    /* the same again, before the answer: as it was taken first */
    ours = w.remote && s->next.remote == w.remote ? &s->next : &s->now;
    memcpy(w.ufrag, ours->ufrag, sizeof w.ufrag);
    memcpy(w.pwd, ours->pwd, sizeof w.pwd);
    if (w.state != ICE_NONE &&
        (!w.ufrag[0] || (is_offer && ours->remote && ours->remote != w.remote)))
        draw(&w);
    s->next = w;
    explicit_bzero(&w, sizeof w);
}

/* ---- what it is told --------------------------------------------------------------------------------------------- */

/* RFC 8445 §5.1.2.1 for a host of one address: type 126, local 65535, 256 less the component. */
static void put_candidate(struct build *b, unsigned component, const struct addr *rtp)
{
    char text[ADDR_STRLEN];

    build_span(b, SPAN("a=candidate:1 "));
    build_u64(b, component);
    build_span(b, SPAN(" UDP "));
    build_u64(b, (126U << 24) + (65535U << 8) + 256U - component);
    build_char(b, ' ');
    build_str(b, addr_ip_str(rtp, text));
    build_char(b, ' ');
    build_u64(b, rtp->port + component - 1);
    build_span(b, SPAN(" typ host\r\n"));
}

static void put_line(struct build *b, const struct word *w, const struct sdp_media *said,
                     const struct sdp_media_edit *m, bool is_offer)
{
    build_span(b, SPAN("a=ice-ufrag:"));
    build_str(b, w->ufrag);
    build_span(b, SPAN("\r\na=ice-pwd:"));
    build_str(b, w->pwd);
    build_span(b, SPAN("\r\n"));
    put_candidate(b, 1, &m->rtp);
    /* an offer of mux may be declined: the port of RTCP is in it */
    if (memmem(said->proto.p, said->proto.len, "RTP", 3) && (is_offer || !m->mux))
        put_candidate(b, 2, &m->rtp);
}

/* Added to what is there. */
static void put_attrs(struct sdp_edit *e, unsigned i, struct lite_text *text, const struct word *w,
                      const struct sdp_media *said, bool is_offer)
{
    struct sdp_media_edit *m = &e->media[i];
    struct build b;

    build_init(&b, text->attrs[i], LITE_TEXT);
    build_span(&b, m->attrs);
    if (w->state == ICE_MISMATCH && !is_offer)
        build_span(&b, SPAN("a=ice-mismatch\r\n"));
    else
        put_line(&b, w, said, m, is_offer);
    if (b.overflow)
        return;
    m->attrs = build_text(&b);
    e->attrs = SPAN("a=ice-lite\r\na=ice-options:ice2\r\n");
}

void lite_edit(const struct leg *to, bool is_offer, const struct sdp_media *said, unsigned i,
               struct sdp_edit *e, struct lite_text *text)
{
    unsigned n = offer_ep_of(to, i);
    struct lite *s = at(to->call, n);
    const struct sdp_media_edit *m = &e->media[i];

    if (to->trunk.conf->ice != CONF_ICE_LITE || i >= OFFER_MEDIA_MAX || m->off || m->direct ||
        !addr_is_set(&m->rtp) || said->port == 0 || !is_udp(said))
        return;
    if (!s && is_offer)
        s = room(to->call, n);
    if (!s || (!is_offer && s->next.state == ICE_NONE))
        return;
    if (!s->next.ufrag[0]) {
        draw(&s->next);
        memcpy(s->now.ufrag, s->next.ufrag, sizeof s->now.ufrag);
        memcpy(s->now.pwd, s->next.pwd, sizeof s->now.pwd);
    }
    put_attrs(e, i, text, &s->next, said, is_offer);
}

void lite_retell(const struct leg *place, const struct conf_trunk *t, const struct sdp_media *said,
                 unsigned i, struct sdp_edit *e, struct lite_text *text)
{
    unsigned n = offer_ep_of(place, i);
    struct sdp_media_edit *m = &e->media[i];
    struct lite *s;

    m->no_ice = true; /* of the party before */
    if (t->ice != CONF_ICE_LITE || i >= OFFER_MEDIA_MAX || m->off || said->port == 0 ||
        !is_udp(said))
        return;
    s = room(place->call, n);
    if (!s)
        return;
    if (!s->now.ufrag[0])
        draw(&s->now);
    put_attrs(e, i, text, &s->now, said, true);
}

/* ---- what is agreed ---------------------------------------------------------------------------------------------- */

unsigned lite_settle(struct call *c)
{
    unsigned changed = 0;
    struct lite *s;

    for (unsigned e = 0; (s = at(c, e)); e++) {
        const struct word *next = &s->next;
        const struct word *now = &s->now;
        bool is_on = next->state == ICE_ON;

        if (is_on != s->was_on ||
            (is_on && (next->remote != now->remote || strcmp(next->pwd, now->pwd) != 0)))
            changed |= 1U << e;
        s->was_on = is_on;
        s->now = *next;
    }
    return changed;
}

void lite_refuse(struct call *c)
{
    struct lite *s;

    for (unsigned e = 0; (s = at(c, e)); e++)
        s->next = s->now;
}

void lite_drop(struct call *c, unsigned e)
{
    struct lite *s = at(c, e);

    if (s)
        explicit_bzero(s, sizeof *s);
}

bool lite_op(const struct call *c, unsigned e, struct media_op *op)
{
    const struct lite *s = at(c, e);
    const struct word *w;

    if (!s)
        return false;
    w = &s->now;
    *op = (struct media_op){.kind = MEDIA_OP_ICE, .ice.endpoint = (uint8_t)e};
    if (w->state != ICE_ON)
        return true;
    op->ice.is_on = 1;
    memcpy(op->ice.ufrag, w->ufrag, sizeof w->ufrag);
    memcpy(op->ice.pwd, w->pwd, sizeof w->pwd);
    memcpy(op->ice.remote_ufrag, w->remote_ufrag, sizeof w->remote_ufrag);
    return true;
}

/* ---- saved ------------------------------------------------------------------------------------------------------- */

void lite_save(const struct call *c, struct lite_saved to[2 * OFFER_MEDIA_MAX])
{
    const struct lite *s;

    memset(to, 0, 2 * OFFER_MEDIA_MAX * sizeof to[0]);
    for (unsigned e = 0; (s = at(c, e)); e++) {
        const struct word *w = &s->now;

        memcpy(to[e].ufrag, w->ufrag, sizeof w->ufrag);
        memcpy(to[e].pwd, w->pwd, sizeof w->pwd);
        memcpy(to[e].remote_ufrag, w->remote_ufrag, sizeof w->remote_ufrag);
        to[e].remote = w->remote;
        to[e].state = w->state;
    }
}

void lite_load(struct call *c, const struct lite_saved from[2 * OFFER_MEDIA_MAX])
{
    for (unsigned e = 0; e < 2 * OFFER_MEDIA_MAX; e++) {
        struct lite *s;
        struct word *w;

        if (strnlen(from[e].ufrag, sizeof from[e].ufrag) != UFRAG_LEN ||
            strnlen(from[e].pwd, sizeof from[e].pwd) != PWD_LEN || from[e].state >= ICE_STATES ||
            from[e].remote_ufrag[sizeof from[e].remote_ufrag - 1])
            continue;
        s = room(c, e);
        if (!s)
            return;
        w = &s->now;
        memcpy(w->ufrag, from[e].ufrag, sizeof w->ufrag);
        memcpy(w->pwd, from[e].pwd, sizeof w->pwd);
        memcpy(w->remote_ufrag, from[e].remote_ufrag, sizeof w->remote_ufrag);
        w->remote = from[e].remote;
        w->state = from[e].state;
        s->was_on = w->state == ICE_ON;
        s->next = *w;
    }
}
