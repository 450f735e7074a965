/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The relay in memory: sessions as asked for, scripted failures, injected events; answers only when it is run.
 * The replay harness and unit tests use it in place of media.c; it opens no socket and reads no clock.
 */
#include "media/media_fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/span.h"

#define KEPT       1024U /* requests that can be looked at: more than any one case makes */
#define SESSIONS   4096U /* a bound that a leak in a case runs into */
#define POOLS      32U
#define EVENTS     256U
#define FIRST_PORT 10000U

struct fake_ep {
    struct media_ep ep;
    struct media_crypto crypto;
    struct media_ice ice;
    uint8_t peer;
    struct media_counters n;
    uint32_t sound; /* PLAY; 0: STOP */
    uint32_t digits;
    uint8_t digit; /* DTMF, last */
};

struct fake_session {
    uint64_t id;      /* 0: free */
    uint32_t present; /* bit per endpoint */
    struct fake_ep ep[MEDIA_ENDPOINTS_MAX];
};

struct fake_asked {
    struct media_fake_request r;
    media_done_fn done;
    void *arg;
    bool is_waiting, is_held;
};

struct fake_pool {
    uint32_t id;
    struct addr next;
};

struct fake {
    struct media media; /* first: the seam casts */
    bool is_up;
    int state_due; /* 0 none, 1 up, 2 up and fresh, -1 down */
    struct fake_session session[SESSIONS];
    unsigned n_sessions; /* slots ever used */
    struct fake_asked asked[KEPT];
    uint32_t n_asked, n_answered; /* requests are numbered from 1 */
    struct fake_pool pool[POOLS];
    unsigned n_pools;
    struct {
        unsigned n;
        int status;
    } fail[MEDIA_TYPE_END];
    struct media_event event[EVENTS];
    unsigned n_events;
    uint32_t serial;
};

static const struct media_vt fake_vt;

static struct fake *fake_of(const struct media *m)
{
    return (struct fake *)(uintptr_t)m;
}

static struct fake_session *session_find(const struct fake *f, uint64_t id)
{
    for (unsigned i = 0; i < f->n_sessions; i++) {
        if (f->session[i].id == id)
            return (struct fake_session *)(uintptr_t)&f->session[i];
    }
    return NULL;
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

static struct fake_asked *asked_at(const struct fake *f, uint32_t request)
{
    return (struct fake_asked *)(uintptr_t)&f->asked[request % KEPT];
}

static uint32_t ask(struct fake *f, enum media_type type, struct media_ref ref, media_done_fn done,
                    void *arg)
{
    uint32_t request = ++f->n_asked;
    struct fake_asked *a = asked_at(f, request);

    *a = (struct fake_asked){.done = done, .arg = arg, .is_waiting = true};
    a->r.type = type;
    a->r.session = ref.session;
    a->r.request = request;
    a->r.status = f->is_up ? -EINPROGRESS : -ENOTCONN;
    if (f->is_up && f->fail[type].n > 0) {
        f->fail[type].n--;
        a->is_held = f->fail[type].status == -EINPROGRESS;
        a->r.status = f->fail[type].status;
    }
    return request;
}

static void keep_ops(struct fake_asked *a, const struct media_op *op, unsigned n)
{
    a->r.n_ops = n < MEDIA_OPS_MAX ? n : MEDIA_OPS_MAX;
    memcpy(a->r.op, op, a->r.n_ops * sizeof(*op));
}

static uint32_t fake_open(struct media *m, const struct media_open *o, media_done_fn done,
                          void *arg)
{
    uint32_t request = ask(fake_of(m), MEDIA_OPEN, o->ref, done, arg);
    struct fake_asked *a = asked_at(fake_of(m), request);

    a->r.flags = o->flags;
    keep_ops(a, o->op, o->n_ops);
    return request;
}

static uint32_t fake_modify(struct media *m, struct media_ref ref, const struct media_op *op,
                            unsigned n, media_done_fn done, void *arg)
{
    uint32_t request = ask(fake_of(m), MEDIA_MODIFY, ref, done, arg);

    keep_ops(asked_at(fake_of(m), request), op, n);
    return request;
}

static uint32_t fake_close(struct media *m, struct media_ref ref, media_done_fn done, void *arg)
{
    return ask(fake_of(m), MEDIA_CLOSE, ref, done, arg);
}

static uint32_t fake_query(struct media *m, struct media_ref ref, media_done_fn done, void *arg)
{
    return ask(fake_of(m), MEDIA_QUERY, ref, done, arg);
}

static void fake_forget(struct media *m, uint32_t request)
{
    struct fake_asked *a = asked_at(fake_of(m), request);

    if (request && a->r.request == request)
        a->done = NULL;
}

static uint64_t fake_session_new(struct media *m)
{
    return (uint64_t)0xfa4e << 48 | ++fake_of(m)->serial;
}

static bool fake_is_up(const struct media *m)
{
    return fake_of(m)->is_up;
}

static void fake_flush(struct media *m)
{
    (void)m;
}

static void fake_free(struct media *m)
{
    free(fake_of(m));
}

/* ---- what the relay does --------------------------------------------------------------------------------------- */

static struct addr local_addr(struct fake *f, uint32_t pool, uint8_t family)
{
    struct fake_pool *p = NULL;
    struct addr a;

    for (unsigned i = 0; i < f->n_pools && !p; i++) {
        if (f->pool[i].id == pool && f->pool[i].next.family == family)
            p = &f->pool[i];
    }
    if (!p && f->n_pools < POOLS) {
        p = &f->pool[f->n_pools++];
        p->id = pool;
        if (addr_parse_ip(family == 6 ? SPAN("2001:db8::9") : SPAN("203.0.113.9"), &p->next) < 0)
            abort();
        p->next.port = FIRST_PORT;
    }
    if (!p)
        abort();
    a = p->next;
    p->next.port = (uint16_t)(p->next.port + 2);
    return a;
}

static int ep_add(struct fake *f, struct fake_session *s, const struct media_ep *want)
{
    struct fake_ep *e = &s->ep[want->endpoint];

    e->peer = MEDIA_NO_PEER;
    memset(&e->n, 0, sizeof(e->n));
    e->ep = *want;
    memset(&e->crypto, 0, sizeof(e->crypto));
    memset(&e->ice, 0, sizeof(e->ice));
    if (!addr_is_set(&e->ep.local))
        e->ep.local = local_addr(f, want->pool, want->family);
    s->present |= 1U << want->endpoint;
    return 0;
}

static void ep_part(struct fake_session *s, uint8_t n)
{
    uint8_t peer = s->ep[n].peer;

    s->ep[n].peer = MEDIA_NO_PEER;
    if (peer != MEDIA_NO_PEER)
        s->ep[peer].peer = MEDIA_NO_PEER;
}

static int op_apply(struct fake *f, struct fake_session *s, const struct media_op *op)
{
    uint8_t n = op->ep.endpoint;
    struct fake_ep *e;

    if (n >= MEDIA_ENDPOINTS_MAX)
        return -EINVAL;
    if (op->kind == MEDIA_OP_ADD)
        return s->present & 1U << n ? -EEXIST : ep_add(f, s, &op->ep);
    if (!(s->present & 1U << n))
        return -ENOENT;
    e = &s->ep[n];
    switch (op->kind) {
    case MEDIA_OP_REMOVE:
        ep_part(s, n);
        s->present &= ~(1U << n);
        return 0;
    case MEDIA_OP_REMOTE:
        e->ep.remote = op->ep.remote;
        e->ep.rtcp = op->ep.rtcp;
        return 0;
    case MEDIA_OP_SET:
        e->ep.direction = op->ep.direction;
        e->ep.latch = op->ep.latch;
        e->ep.dscp = op->ep.dscp;
        e->ep.inactivity_ms = op->ep.inactivity_ms;
        e->ep.clock_rate = op->ep.clock_rate;
        e->ep.ptime_ms = op->ep.ptime_ms;
        e->ep.n_pts = op->ep.n_pts;
        memcpy(e->ep.pt, op->ep.pt, sizeof e->ep.pt);
        e->ep.flags =
            (uint8_t)((e->ep.flags & MEDIA_EP_PRIORITY) | (op->ep.flags & ~MEDIA_EP_PRIORITY));
        return 0;
    case MEDIA_OP_RELEARN: return 0;
    case MEDIA_OP_CONNECT:
        if (op->peer >= MEDIA_ENDPOINTS_MAX || !(s->present & 1U << op->peer))
            return -ENOENT;
        if (op->peer == n)
            return -EINVAL;
        ep_part(s, n);
        ep_part(s, op->peer);
        e->peer = op->peer;
        s->ep[op->peer].peer = n;
        return 0;
    case MEDIA_OP_DISCONNECT: ep_part(s, n); return 0;
    case MEDIA_OP_ICE: e->ice = op->ice; return 0;
    case MEDIA_OP_CRYPTO: e->crypto = op->crypto; return 0;
    case MEDIA_OP_PLAY: e->sound = op->play.sound; return 0;
    case MEDIA_OP_STOP: e->sound = 0; return 0;
    case MEDIA_OP_DTMF:
        e->digit = op->dtmf.digit;
        e->digits++;
        return 0;
    default: return -EINVAL;
    }
}

static bool ops_name(const struct media_fake_request *r, uint8_t endpoint)
{
    for (unsigned i = 0; i < r->n_ops; i++) {
        if (r->op[i].kind == MEDIA_OP_ADD && r->op[i].ep.endpoint == endpoint)
            return true;
    }
    return false;
}

/* All or none: on a copy. ADOPT keeps the local ports of what is there. */
static int ops_apply(struct fake *f, struct fake_session *s, const struct media_fake_request *r)
{
    struct fake_session copy = *s;
    int err = 0;

    for (uint8_t n = 0; n < MEDIA_ENDPOINTS_MAX && r->type == MEDIA_OPEN; n++) {
        if ((copy.present & 1U << n) && !ops_name(r, n)) {
            ep_part(&copy, n);
            copy.present &= ~(1U << n);
        }
    }
    for (unsigned i = 0; i < r->n_ops && err == 0; i++) {
        struct media_op op = r->op[i];

        if (r->type == MEDIA_OPEN && op.kind == MEDIA_OP_ADD &&
            op.ep.endpoint < MEDIA_ENDPOINTS_MAX && (copy.present & 1U << op.ep.endpoint)) {
            op.ep.local = copy.ep[op.ep.endpoint].ep.local;
            copy.ep[op.ep.endpoint].ep = op.ep;
            memset(&copy.ep[op.ep.endpoint].crypto, 0, sizeof(op.crypto));
            memset(&copy.ep[op.ep.endpoint].ice, 0, sizeof(op.ice));
            continue;
        }
        err = op_apply(f, &copy, &op);
    }
    if (err == 0)
        *s = copy;
    return err;
}

static int do_open(struct fake *f, const struct media_fake_request *r)
{
    struct fake_session *s = session_find(f, r->session);
    bool is_new = s == NULL;
    int err;

    if (s && !(r->flags & MEDIA_OPEN_ADOPT))
        return -EEXIST;
    if (r->session == 0 || r->n_ops == 0)
        return -EINVAL;
    if (!s)
        s = session_find(f, 0);
    if (!s && f->n_sessions < SESSIONS)
        s = &f->session[f->n_sessions++];
    if (!s)
        return -EMFILE;
    if (is_new) {
        memset(s, 0, sizeof(*s));
        s->id = r->session;
    }
    err = ops_apply(f, s, r);
    if (err < 0 && is_new)
        s->id = 0;
    return err;
}

static unsigned states(const struct fake_session *s, struct media_ep_state *out)
{
    unsigned n = 0;

    for (uint8_t i = 0; i < MEDIA_ENDPOINTS_MAX; i++) {
        const struct fake_ep *e = &s->ep[i];

        if (!(s->present & 1U << i))
            continue;
        out[n] = (struct media_ep_state){.endpoint = i, .peer = e->peer, .payload_type = 0xff};
        out[n].local = e->ep.local;
        out[n].remote = e->ep.remote;
        out[n].rtcp = e->ep.rtcp;
        out[n].n = e->n;
        n++;
    }
    return n;
}

static void answer(struct fake *f, struct fake_asked *a)
{
    struct media_ep_state st[MEDIA_ENDPOINTS_MAX];
    struct media_result res = {.ep = st};
    struct fake_session *s;
    media_done_fn done = a->done;

    a->is_waiting = false;
    a->done = NULL;
    if (a->r.status == -EINPROGRESS) {
        s = session_find(f, a->r.session);
        if (a->r.type == MEDIA_OPEN)
            a->r.status = do_open(f, &a->r);
        else if (!s || a->r.session == 0)
            a->r.status = -ENOENT;
        else
            a->r.status = a->r.type == MEDIA_MODIFY ? ops_apply(f, s, &a->r) : 0;
    }
    s = a->r.session ? session_find(f, a->r.session) : NULL;
    if (a->r.status == 0 && s) {
        res.n_eps = states(s, st);
        res.ref = (struct media_ref){s->id, (uint32_t)(s - f->session)};
        if (a->r.type == MEDIA_CLOSE)
            s->id = 0;
    } else {
        /* the real client closes it when the relay is back */
        if (s && a->r.type == MEDIA_CLOSE && a->r.status == -ENOTCONN)
            s->id = 0;
        res.ref = (struct media_ref){a->r.session, MEDIA_INDEX_NONE};
    }
    res.status = a->r.status;
    if (done)
        done(a->arg, &res);
}

static unsigned run_state(struct fake *f)
{
    int due = f->state_due;

    f->state_due = 0;
    if (due == 0 || !f->media.handler.on_state)
        return 0;
    f->media.handler.on_state(f->media.handler.arg, due > 0, due == 2);
    return 1;
}

static unsigned run_answers(struct fake *f)
{
    uint32_t last = f->n_asked;
    uint32_t first = last >= KEPT ? last - KEPT + 1 : 1;
    unsigned n = 0;

    for (uint32_t i = first; i <= last; i++) {
        struct fake_asked *a = asked_at(f, i);

        if (a->r.request != i || !a->is_waiting || a->is_held)
            continue;
        answer(f, a);
        n++;
    }
    return n;
}

unsigned media_fake_run(struct media *m)
{
    struct fake *f = fake_of(m);
    unsigned n = run_state(f);

    n += run_answers(f);
    for (unsigned i = 0; i < f->n_events; i++, n++) {
        struct media_event ev = f->event[i];

        if (f->media.handler.on_event)
            f->media.handler.on_event(f->media.handler.arg, &ev);
    }
    f->n_events = 0;
    return n;
}

bool media_fake_pending(const struct media *m)
{
    const struct fake *f = fake_of(m);

    if (f->state_due != 0 || f->n_events > 0)
        return true;
    for (unsigned i = 0; i < KEPT; i++) {
        if (f->asked[i].is_waiting && !f->asked[i].is_held)
            return true;
    }
    return false;
}

/* ---- the script's hand ----------------------------------------------------------------------------------------- */

struct media *media_fake_new(void)
{
    struct fake *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    f->media.vt = &fake_vt;
    f->is_up = true;
    return &f->media;
}

void media_fake_pool(struct media *m, uint32_t pool, const struct addr *addr)
{
    struct fake *f = fake_of(m);

    if (f->n_pools == POOLS)
        abort();
    f->pool[f->n_pools++] = (struct fake_pool){pool, *addr};
}

void media_fake_fail(struct media *m, enum media_type type, unsigned n, int status)
{
    struct fake *f = fake_of(m);

    f->fail[type].n = n;
    f->fail[type].status = status;
}

void media_fake_release(struct media *m, int status)
{
    struct fake *f = fake_of(m);

    for (unsigned i = 0; i < KEPT; i++) {
        struct fake_asked *a = &f->asked[i];

        if (!a->is_waiting || !a->is_held)
            continue;
        a->is_held = false;
        a->r.status = status == 0 ? -EINPROGRESS : status;
    }
}

void media_fake_set_up(struct media *m, bool up, bool lose_sessions)
{
    struct fake *f = fake_of(m);

    if (lose_sessions) {
        for (unsigned i = 0; i < f->n_sessions; i++)
            f->session[i].id = 0;
    }
    for (unsigned i = 0; i < KEPT && !up; i++) {
        f->asked[i].is_held = false;
        if (f->asked[i].is_waiting)
            f->asked[i].r.status = -ENOTCONN;
    }
    if (up != f->is_up)
        f->state_due = !up ? -1 : lose_sessions ? 2 : 1;
    f->is_up = up;
}

void media_fake_inject(struct media *m, const struct media_event *ev)
{
    struct fake *f = fake_of(m);

    if (f->n_events == EVENTS || ev->ep)
        abort();
    f->event[f->n_events++] = *ev;
}

int media_fake_set_counters(struct media *m, uint64_t session, uint8_t endpoint,
                            const struct media_counters *n)
{
    struct fake_session *s = session_find(fake_of(m), session);

    if (!s || endpoint >= MEDIA_ENDPOINTS_MAX || !(s->present & 1U << endpoint))
        return -ENOENT;
    s->ep[endpoint].n = *n;
    return 0;
}

unsigned media_fake_sessions(const struct media *m)
{
    const struct fake *f = fake_of(m);
    unsigned n = 0;

    for (unsigned i = 0; i < f->n_sessions; i++)
        n += f->session[i].id != 0;
    return n;
}

const struct media_ep *media_fake_ep(const struct media *m, uint64_t session, uint8_t endpoint)
{
    const struct fake_session *s = session_find(fake_of(m), session);

    if (!s || endpoint >= MEDIA_ENDPOINTS_MAX || !(s->present & 1U << endpoint))
        return NULL;
    return &s->ep[endpoint].ep;
}

const struct media_crypto *media_fake_crypto(const struct media *m, uint64_t session,
                                             uint8_t endpoint)
{
    if (!media_fake_ep(m, session, endpoint))
        return NULL;
    return &session_find(fake_of(m), session)->ep[endpoint].crypto;
}

const struct media_ice *media_fake_ice(const struct media *m, uint64_t session, uint8_t endpoint)
{
    if (!media_fake_ep(m, session, endpoint))
        return NULL;
    return &session_find(fake_of(m), session)->ep[endpoint].ice;
}

uint8_t media_fake_peer(const struct media *m, uint64_t session, uint8_t endpoint)
{
    if (!media_fake_ep(m, session, endpoint))
        return MEDIA_NO_PEER;
    return session_find(fake_of(m), session)->ep[endpoint].peer;
}

unsigned media_fake_asked(const struct media *m)
{
    return fake_of(m)->n_asked;
}

const struct media_fake_request *media_fake_request(const struct media *m, unsigned i)
{
    const struct fake *f = fake_of(m);
    const struct fake_asked *a = asked_at(f, i + 1);

    return i < f->n_asked && a->r.request == i + 1 ? &a->r : NULL;
}

static const struct media_vt fake_vt = {
    .open = fake_open,
    .modify = fake_modify,
    .close = fake_close,
    .query = fake_query,
    .forget = fake_forget,
    .session_new = fake_session_new,
    .is_up = fake_is_up,
    .flush = fake_flush,
    .free = fake_free,
};

uint32_t media_fake_sound(const struct media *m, uint64_t session, uint8_t endpoint)
{
    const struct fake_session *s = session_find(fake_of(m), session);

    return s && endpoint < MEDIA_ENDPOINTS_MAX ? s->ep[endpoint].sound : 0;
}

uint32_t media_fake_digits(const struct media *m, uint64_t session, uint8_t endpoint, uint8_t *last)
{
    const struct fake_session *s = session_find(fake_of(m), session);

    if (!s || endpoint >= MEDIA_ENDPOINTS_MAX)
        return 0;
    *last = s->ep[endpoint].digit;
    return s->ep[endpoint].digits;
}
