/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command `media` of a case: what the relay does, and what it was asked.
 * run.c has it in its table.
 */
#include "world.h"

#include "sip/sdes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static uint64_t last_session(const struct world *w)
{
    for (unsigned i = media_fake_asked(w->media); i-- > 0;) {
        const struct media_fake_request *r = media_fake_request(w->media, i);

        if (r && r->type == MEDIA_OPEN)
            return r->session;
    }
    return 0;
}

static void media_event(struct world *w, enum media_type type, const char *side)
{
    struct media_event ev = {.type = type,
                             .ref = {last_session(w), MEDIA_INDEX_NONE},
                             .endpoint = side && strcmp(side, "out") == 0 ? 1 : 0};

    media_fake_inject(w->media, &ev);
}

static void media_remote(struct world *w, const char *side, const char *want, bool rtcp)
{
    const struct media_ep *ep =
        media_fake_ep(w->media, last_session(w), strcmp(side, "out") == 0 ? 1 : 0);
    char addr[ADDR_STRLEN];

    if (!ep) {
        world_fail(w, "media: no such endpoint");
        return;
    }
    addr_str(rtcp ? &ep->rtcp : &ep->remote, addr);
    if (!addr_is_set(rtcp ? &ep->rtcp : &ep->remote))
        snprintf(addr, sizeof addr, "unset");
    if (strcmp(addr, want) != 0)
        world_fail(w, "media: %s of %s is %s, not %s", rtcp ? "RTCP" : "remote", side, addr, want);
}

static void media_opaque(struct world *w, const char *side, bool want)
{
    const struct media_ep *ep =
        media_fake_ep(w->media, last_session(w), strcmp(side, "out") == 0 ? 1 : 0);

    if (!ep || ((ep->flags & MEDIA_EP_OPAQUE) != 0) != want)
        world_fail(w, "media: %s is %s", side, ep ? (want ? "RTP" : "opaque") : "not there");
}

static void media_inactivity(struct world *w, const char *side, uint32_t want)
{
    const struct media_ep *ep =
        media_fake_ep(w->media, last_session(w), strcmp(side, "out") == 0 ? 1 : 0);

    if (!ep || ep->inactivity_ms != want)
        world_fail(w, "media: inactivity of %s is %u ms", side, ep ? ep->inactivity_ms : 0);
}

/* "8,101": payload types that the relay was told, those of packets to the party first. */
static void media_pts(struct world *w, const char *side, const char *want)
{
    const struct media_ep *ep =
        media_fake_ep(w->media, last_session(w), strcmp(side, "out") == 0 ? 1 : 0);
    char text[64] = "-";
    size_t n = 0;

    for (unsigned i = 0; ep && i < ep->n_pts; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%u", i ? "," : "", ep->pt[i].type);
    if (strcmp(text, want) != 0)
        world_fail(w, "media: payload types of %s are %s, not %s", side, text, want);
}

static void media_ptime(struct world *w, const char *side, unsigned want)
{
    const struct media_ep *ep =
        media_fake_ep(w->media, last_session(w), strcmp(side, "out") == 0 ? 1 : 0);

    if (!ep || ep->ptime_ms != want)
        world_fail(w, "media: packets of %s have %u ms", side, ep ? ep->ptime_ms : 0);
}

/* `none`, or the suite of both directions and, if given, the party's key as its line had it. */
static void media_keys(struct world *w, const char *side, const char *suite, const char *key)
{
    const struct media_crypto *c =
        media_fake_crypto(w->media, last_session(w), strcmp(side, "out") == 0 ? 1 : 0);
    struct sdes_line want = {.suite = sdes_suite_of(span_of(suite))};
    char text[256];

    snprintf(text, sizeof text, "a=crypto:1 %s inline:%s", suite, key ? key : "");
    if (key && sdes_read(span_of(text), &want) < 0)
        world_fail(w, "media: no key: %s", text);
    if (!c || c->rx_suite != want.suite || c->tx_suite != want.suite)
        world_fail(w, "media: suite of %s is %s, not %s", side,
                   c && c->rx_suite ? sdes_name((enum sdes_suite)c->rx_suite) : "none", suite);
    else if (key && memcmp(c->rx_key, want.key, sizeof want.key) != 0)
        world_fail(w, "media: %s has another key", side);
    else if (want.suite && memcmp(c->rx_key, c->tx_key, sizeof want.key) == 0)
        world_fail(w, "media: one key both ways");
}

/* Our key towards that side, as its SDP must have it. */
static void media_ours(struct world *w, const char *side, const char *name)
{
    const struct media_crypto *c =
        media_fake_crypto(w->media, last_session(w), strcmp(side, "out") == 0 ? 1 : 0);
    struct sdes_line l = {.tag = 1};
    char text[256], *key;
    struct build b;

    if (!c || !c->tx_suite) {
        world_fail(w, "media: %s has no key of ours", side);
        return;
    }
    l.suite = (enum sdes_suite)c->tx_suite;
    memcpy(l.key, c->tx_key, sizeof l.key);
    build_init(&b, text, sizeof text - 1);
    sdes_write(&b, &l);
    text[build_text(&b).len - 2] = '\0';
    key = strstr(text, "inline:");
    world_set(w, name, key);
}

static void media_mux(struct world *w, const char *side, bool want)
{
    const struct media_ep *ep =
        media_fake_ep(w->media, last_session(w), strcmp(side, "out") == 0 ? 1 : 0);

    if (!ep || ((ep->flags & MEDIA_EP_MUX) != 0) != want)
        world_fail(w, "media: mux of %s", side);
}

/* `off`, or the user name of its party. */
static void media_ice(struct world *w, const char *side, const char *want)
{
    const struct media_ice *i =
        media_fake_ice(w->media, last_session(w), strcmp(side, "out") == 0 ? 1 : 0);

    if (!i || (strcmp(want, "off") == 0 ? i->is_on : !i->is_on || strcmp(i->remote_ufrag, want)))
        world_fail(w, "media: ice of %s is %s, not %s", side,
                   i && i->is_on ? i->remote_ufrag : "off", want);
}

static void media_latch(struct world *w, const char *side, bool learns)
{
    const struct media_ep *ep =
        media_fake_ep(w->media, last_session(w), strcmp(side, "out") == 0 ? 1 : 0);

    if (!ep || (ep->latch != MEDIA_LATCH_SDP_ONLY) != learns)
        world_fail(w, "media: %s %s", side,
                   ep ? (learns ? "learns nobody" : "learns") : "is not there");
}

/* What a party hears of ours: `none`, or a sound's name. */
static void media_plays(struct world *w, const char *side, const char *name)
{
    uint32_t want = strcmp(name, "none") == 0 ? 0 : media_pool_id(name);

    if (media_fake_sound(w->media, last_session(w), strcmp(side, "out") == 0 ? 1 : 0) != want)
        world_fail(w, "media: %s does not hear %s", side, name);
}

static void media_digit(struct world *w, const char *side, const char *digit)
{
    struct media_event ev = {.type = MEDIA_EV_DTMF,
                             .ref = {last_session(w), MEDIA_INDEX_NONE},
                             .endpoint = strcmp(side, "out") == 0 ? 1 : 0,
                             .digit = (uint8_t)strtoul(digit, NULL, 10),
                             .value = 100};

    media_fake_inject(w->media, &ev);
}

/* digits: how many were sent to it; last: which was the last. */
static void media_sent(struct world *w, const char *side, const char *digits, const char *last)
{
    uint8_t d = 0;
    uint32_t n = media_fake_digits(w->media, last_session(w), strcmp(side, "out") == 0 ? 1 : 0, &d);

    if (n != strtoul(digits, NULL, 10) || (n > 0 && d != strtoul(last, NULL, 10)))
        world_fail(w, "media: %u digits to %s, the last %u", n, side, d);
}

static void media_listened(struct world *w, const char *side, bool want)
{
    const struct media_ep *ep =
        media_fake_ep(w->media, last_session(w), strcmp(side, "out") == 0 ? 1 : 0);

    if (!ep || ((ep->flags & MEDIA_EP_ABSORB) != 0) != want)
        world_fail(w, "media: digits of %s %s", side, want ? "cross" : "do not cross");
}

void cmd_media(struct world *w, char **word, unsigned n)
{
    const char *what = n ? word[0] : "";

    enum media_type type = n > 1 && strcmp(word[n - 1], "modify") == 0 ? MEDIA_MODIFY : MEDIA_OPEN;

    if (strcmp(what, "fail") == 0)
        media_fake_fail(w->media, type, 1, -EADDRNOTAVAIL);
    else if (strcmp(what, "hang") == 0)
        media_fake_fail(w->media, type, 1, -EINPROGRESS);
    else if (strcmp(what, "timeout") == 0)
        media_fake_release(w->media, -ETIMEDOUT);
    else if (strcmp(what, "ok") == 0)
        media_fake_release(w->media, 0);
    else if (strcmp(what, "down") == 0)
        media_fake_set_up(w->media, false, n > 1 && strcmp(word[1], "lost") == 0);
    else if (strcmp(what, "up") == 0)
        media_fake_set_up(w->media, true, false);
    else if (strcmp(what, "inactive") == 0)
        media_event(w, MEDIA_EV_INACTIVE, n > 1 ? word[1] : "in");
    else if (strcmp(what, "lost") == 0)
        media_event(w, MEDIA_EV_LOST, "in");
    else if (strcmp(what, "remote") == 0 && n == 3)
        media_remote(w, word[1], word[2], false);
    else if (strcmp(what, "rtcp") == 0 && n == 3)
        media_remote(w, word[1], word[2], true);
    else if (strcmp(what, "opaque") == 0 && n == 3)
        media_opaque(w, word[1], strcmp(word[2], "yes") == 0);
    else if (strcmp(what, "plays") == 0 && n == 3)
        media_plays(w, word[1], word[2]);
    else if (strcmp(what, "played") == 0)
        media_event(w, MEDIA_EV_PLAYED, "in");
    else if (strcmp(what, "digit") == 0 && n == 3)
        media_digit(w, word[1], word[2]);
    else if (strcmp(what, "sent") == 0 && n == 4)
        media_sent(w, word[1], word[2], word[3]);
    else if (strcmp(what, "absorbs") == 0 && n == 3)
        media_listened(w, word[1], strcmp(word[2], "yes") == 0);
    else if (strcmp(what, "latch") == 0 && n == 3)
        media_latch(w, word[1], strcmp(word[2], "learns") == 0);
    else if (strcmp(what, "pts") == 0 && n == 3)
        media_pts(w, word[1], word[2]);
    else if (strcmp(what, "ptime") == 0 && n == 3)
        media_ptime(w, word[1], (unsigned)strtoul(word[2], NULL, 10));
    else if (strcmp(what, "keys") == 0 && n >= 3)
        media_keys(w, word[1], word[2], n > 3 ? word[3] : NULL);
    else if (strcmp(what, "ours") == 0 && n == 3)
        media_ours(w, word[1], word[2]);
    else if (strcmp(what, "ice") == 0 && n == 3)
        media_ice(w, word[1], word[2]);
    else if (strcmp(what, "mux") == 0 && n == 3)
        media_mux(w, word[1], strcmp(word[2], "on") == 0);
    else if (strcmp(what, "inactivity") == 0 && n == 3)
        media_inactivity(w, word[1], (uint32_t)script_duration(word[2]));
    else if (strcmp(what, "sessions") == 0 && n == 2) {
        if (media_fake_sessions(w->media) != strtoul(word[1], NULL, 10))
            world_fail(w, "media: %u sessions", media_fake_sessions(w->media));
    } else
        world_fail(w, "media ok|fail|hang|timeout|down|up|inactive|lost|remote|sessions");
    world_settle(w);
}
