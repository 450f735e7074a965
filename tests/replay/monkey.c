/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peers that do anything at any time: a seeded walk of requests, answers, losses, repetitions, media events and time.
 * run.c's `monkey` calls it; what must hold whatever they do is checked at the end of the case, and each call has one record.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

/* 5 rounds of three peers: ACTORS_MAX. */
#define ROUNDS 5

struct monkey {
    struct world *w;
    uint64_t state;
    unsigned round;
    unsigned calls_recorded;
    char rseq[16]; /* the last one that any caller was sent */
    bool spoils;
    bool transfers; /* the trunks do REFERs, see methods of its configuration */
};

static unsigned pick(struct monkey *k, unsigned n)
{
    k->state ^= k->state << 13;
    k->state ^= k->state >> 7;
    k->state ^= k->state << 17;
    return (unsigned)((k->state >> 11) % n);
}

#define PICK(k, list) ((list)[pick((k), sizeof(list) / sizeof((list)[0]))])

static struct actor *any_actor(struct monkey *k)
{
    static const char *const trunk[] = {"alpha", "alpha", "bravo", "bravo", "charlie"};
    unsigned back = k->round && pick(k, 4) == 0;
    char name[32];

    snprintf(name, sizeof name, "%s.%u", PICK(k, trunk), k->round - back);
    return actor_get(&k->w->actors, k->w->conf, name);
}

/* What was sent reaches its peer, or one in ten is lost. */
static void listen_all(struct monkey *k)
{
    struct world *w = k->w;

    while (w->net.first) {
        struct sent *m = w->net.first;
        bool lost = pick(k, 10) == 0;

        (void)text_header(m->text, "RSeq", 0, k->rseq, sizeof k->rseq);

        for (unsigned i = w->actors.n; i-- > 0 && !lost;)
            if (addr_eq(&m->flow.remote, &w->actors.v[i]->addr) &&
                actor_owns(w->actors.v[i], m->text)) {
                actor_saw(w->actors.v[i], m->text);
                break;
            }
        net_remove(&w->net, m);
    }
}

/* A byte of it changed, or its end cut off. */
static void spoil(struct monkey *k, char *msg)
{
    static const char byte[] = " \t\r\n:;,<>@=\"%/0\x01\xff";
    size_t len = strlen(msg), at = pick(k, (unsigned)len);

    if (pick(k, 4) == 0)
        msg[at] = '\0';
    else
        msg[at] = byte[pick(k, sizeof byte - 1)];
}

static void say(struct monkey *k, struct actor *a, const struct wanted *want)
{
    const char *why;
    char *msg = actor_compose(a, want, &why);

    if (!msg)
        return; /* an answer to what it was never asked */
    if (k->spoils && pick(k, 16) == 0)
        spoil(k, msg);
    if (*msg)
        world_deliver(k->w, a, msg);
    if (*msg && pick(k, 8) == 0)
        world_deliver(k->w, a, msg); /* twice */
    free(msg);
}

static const char *some_sdp(struct monkey *k)
{
    static const char *const sdp[] = {"offer",  "offer", "offer",    "answer",      "answer",
                                      NULL,     "hold",  "moved",    "audio+video", "off",
                                      "broken", "image", "inactive", "hold0"};

    return PICK(k, sdp);
}

/* Headers of a Refer-To: a dialog of somebody, named from either side, or in part. */
static void some_replaces(struct monkey *k, char *buf, size_t size)
{
    struct actor *of = any_actor(k);
    bool turned = pick(k, 2);

    buf[0] = '\0';
    if (pick(k, 2) == 0 || !of->call_id[0])
        return;
    snprintf(buf, size, "?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s", of->call_id,
             turned ? of->local_tag : of->remote_tag, turned ? of->remote_tag : of->local_tag);
}

/* What only comes in a standing call: transfers, subscriptions, session timers. */
static void some_midcall(struct monkey *k, struct actor *a)
{
    static const char *const method[] = {"REFER",     "REFER",  "NOTIFY", "MESSAGE",
                                         "SUBSCRIBE", "UPDATE", "INVITE"};
    static const char *const target[] = {"+12025550100", "+499950100", "911"};
    struct wanted want = {.what = PICK(k, method)};
    char replaces[512];

    if (!a->call_id[0])
        return;
    if (strcmp(want.what, "INVITE") == 0)
        want.sdp = some_sdp(k);
    some_replaces(k, replaces, sizeof replaces);
    snprintf(want.headers, sizeof want.headers,
             "Contact: <sip:x@%s>\r\nRefer-To: <sip:%s@%s%s>\r\nEvent: refer\r\n"
             "Subscription-State: active\r\nSupported: timer\r\n"
             "Session-Expires: %u;refresher=%s\r\n%s",
             a->hostport, PICK(k, target), a->host, replaces, 60 + 30 * pick(k, 3),
             pick(k, 2) ? "uac" : "uas", pick(k, 4) ? "" : "Refer-Sub: false\r\n");
    say(k, a, &want);
}

static void some_request(struct monkey *k, struct actor *a)
{
    static const char *const method[] = {"INVITE", "INVITE", "ACK",    "ACK",     "ACK",     "BYE",
                                         "CANCEL", "INFO",   "UPDATE", "OPTIONS", "REGISTER"};
    struct wanted want = {.what = PICK(k, method)};
    bool caller = strcmp(a->trunk, "alpha") == 0;

    if (!a->call_id[0]) {
        if (!caller)
            return;
        want.what = "INVITE";
    }
    if (strcmp(want.what, "INVITE") == 0 || strcmp(want.what, "UPDATE") == 0 ||
        strcmp(want.what, "ACK") == 0)
        want.sdp = some_sdp(k);
    if (pick(k, 3) == 0)
        snprintf(want.headers, sizeof want.headers, "%s\r\n",
                 pick(k, 4) ? "Supported: 100rel, 199" : "Require: 100rel");
    if (!a->call_id[0] && pick(k, 3) == 0) { /* it asks for somebody's place */
        const struct actor *of = any_actor(k);
        bool turned = pick(k, 4) == 0;

        if (of->call_id[0])
            snprintf(want.headers, sizeof want.headers, "Replaces: %s;to-tag=%s;from-tag=%s\r\n",
                     of->call_id, turned ? of->local_tag : of->remote_tag,
                     turned ? of->remote_tag : of->local_tag);
    }
    if (strcmp(want.what, "INFO") == 0) {
        snprintf(want.headers, sizeof want.headers, "Content-Type: text/plain\r\n");
        want.body = "hello";
    }
    if (pick(k, 8) == 0) {
        want.what = "PRACK";
        want.sdp = pick(k, 3) ? NULL : some_sdp(k);
        if (pick(k, 4) && k->rseq[0])
            snprintf(want.headers, sizeof want.headers, "RAck: %.10s 1 INVITE\r\n", k->rseq);
        else
            snprintf(want.headers, sizeof want.headers, "RAck: %u 1 INVITE\r\n", 1 + pick(k, 3));
    }
    say(k, a, &want);
}

static void some_answer(struct monkey *k, struct actor *a)
{
    static const char *const method[] = {"INVITE", "INVITE", "INVITE", "INVITE", "BYE",
                                         "CANCEL", "INFO",   "UPDATE", "PRACK",  "NOTIFY"};
    static const char *const status[] = {"100", "180", "183", "183", "199", "200", "200",
                                         "200", "200", "302", "408", "481", "486", "487",
                                         "491", "500", "503", "503", "603"};
    char tag[96];
    struct wanted want = {.what = PICK(k, status), .for_method = PICK(k, method)};

    if (pick(k, 5) < 2) {
        snprintf(tag, sizeof tag, "fork%u-%s", pick(k, 2), a->local_tag);
        want.tag = tag;
    }
    if (want.what[0] < '3' && strcmp(want.what, "180") != 0)
        want.sdp = some_sdp(k);
    if (want.what[0] == '1' && pick(k, 3) == 0)
        snprintf(want.headers, sizeof want.headers,
                 "Require: 100rel\r\nRSeq: %u\r\nAllow: ACK%s\r\n", 1 + pick(k, 3),
                 pick(k, 2) ? ", UPDATE" : "");
    say(k, a, &want);
}

static void some_media(struct monkey *k)
{
    struct media *m = k->w->media;
    struct media_event ev = {.type = pick(k, 2) ? MEDIA_EV_INACTIVE : MEDIA_EV_LATCHED,
                             .endpoint = (uint8_t)pick(k, 2)};

    switch (pick(k, 6)) {
    case 0: media_fake_fail(m, MEDIA_OPEN, 1, -EADDRNOTAVAIL); break;
    case 1: media_fake_fail(m, MEDIA_MODIFY, 1, -EADDRNOTAVAIL); break;
    case 2: media_fake_set_up(m, false, pick(k, 2)); break;
    case 3: media_fake_set_up(m, true, false); break;
    default:
        for (unsigned i = media_fake_asked(m); i-- > 0 && !ev.ref.session;)
            if (media_fake_request(m, i) && media_fake_request(m, i)->type == MEDIA_OPEN)
                ev.ref.session = media_fake_request(m, i)->session;
        ev.ref.index = MEDIA_INDEX_NONE;
        if (ev.ref.session)
            media_fake_inject(m, &ev);
    }
    world_settle(k->w);
}

static void count_records(struct monkey *k)
{
    struct world *w = k->w;

    for (unsigned i = 0; i < w->n_records; i++)
        k->calls_recorded += w->record[i].ev.type == CDR_CALL;
    w->n_records = w->next_record = 0;
}

static void step(struct monkey *k)
{
    static const unsigned ms[] = {1, 20, 500, 500, 3000, 10000, 32000};
    unsigned what = pick(k, 100);

    if (what < 30 && k->transfers && pick(k, 3) == 0)
        some_midcall(k, any_actor(k));
    else if (what < 30)
        some_request(k, any_actor(k));
    else if (what < 75)
        some_answer(k, any_actor(k));
    else if (what < 95)
        world_advance(k->w, PICK(k, ms));
    else if (what < 99)
        some_media(k);
    else
        world_restart_if_settled(k->w);
    if (pick(k, 3))
        listen_all(k);
    count_records(k);
}

void monkey_run(struct world *w, uint64_t seed, unsigned steps, bool spoils)
{
    struct monkey k = {.w = w,
                       .spoils = spoils,
                       .transfers = w->conf->trunk.v[0].refer != CONF_REFER_REJECT,
                       .state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};

    for (k.round = 0; k.round < ROUNDS && !w->failed; k.round++)
        for (unsigned i = 0; i < steps && !w->failed; i++)
            step(&k);
    media_fake_set_up(w->media, true, false);
    world_settle(w);
    calls_hangup_all(stack_calls(w->stack));
    world_advance(w, 200000); /* RFC 3261's timers run out, one behind the other */
    count_records(&k);
    net_clear(&w->net);
    if (k.calls_recorded != stat_get(&w->stats, STAT_calls_started))
        world_fail(w, "monkey: %u records of %llu calls", k.calls_recorded,
                   (unsigned long long)stat_get(&w->stats, STAT_calls_started));
}
