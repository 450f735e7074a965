/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our contact at the carriers' registrars: registered, refreshed before its time is over, tried at the trunk's other targets when one
 * fails, with growing pauses when all have failed (RFC 5626 §4.5), and taken back.
 * Challenges are answered by auth.c; this file sees a 401 only when they could not be.
 *
 *   idle --> trying --200--> bound --refresh--> trying
 *              |  408, 5xx, none: the next target; no more of them, or another refusal --> waiting --> trying
 *   bound, trying, waiting --drain, gone--> leaving --any answer, 5 s--> over
 */
#include "call/register.h"

#include <stdlib.h>
#include <string.h>

#include "call/headers.h"

/* 8: a carrier's SRV set has two or four records; further ones wait for the next round. */
#define HOPS_MAX 8
/* RFC 5626 §4.5: 30 s, doubled up to half an hour, each between half and the whole of it. */
#define WAIT_MIN_MS 30000U
#define WAIT_MAX_MS 1800000U
/* No address known yet: the resolver is asking [ms]. */
#define LOCATE_MS 2000U
/* All of a switch's registrations within the first second [ms]. */
#define SPREAD_MS 1000U
/* 3GPP TS 24.229 §5.1.1.4.1: 10 min before the end of long ones, at half of short ones. */
#define LONG_S      1200U
#define LONG_BEFORE 600U
#define GRANTED_MIN 10U    /* a registrar that grants less would be asked all the time [s] */
#define EXPIRES_MAX 86400U /* of a 423: who wants more than a day wants something else [s] */
#define LEAVE_MS    5000U  /* a round trip and one challenge, with a repetition */

struct registration {
    struct registration *next;
    struct calls *cs;
    struct trunk_state *trunk;
    char *domain, *user;         /* owned */
    uint32_t expires_s, asked_s; /* as configured; as a 423 wanted it */
    struct txn_client *ct;
    struct timer timer;
    struct route_hop hop[HOPS_MAX];
    unsigned n_hops, at;
    unsigned failures; /* rounds in a row */
    uint32_t cseq, retry_after_s;
    bool gin, leaving;
    bool bound; /* and refreshed in time */
    bool ever;  /* there may be a binding of ours at the registrar */
    char call_id[IDENT_LEN], tag[IDENT_LEN];
};

/** This worker's, by slot of the trunk; of one trunk the newest first, behind it those that leave. */
struct registers {
    uint32_t n;
    size_t leaving;
    struct registration *slot[];
};

static void try_next(struct registration *r);

/* ---- its state, for all to see ------------------------------------------------------------------------------------ */

static void show(struct registration *r, enum trunk_reg_state state, unsigned status,
                 uint64_t until_ms)
{
    struct trunk_reg *s = &r->trunk->reg;
    static const char *const name[] = {"off", "trying", "registered", "failed", "leaving"};
    uint8_t before = atomic_load_explicit(&s->state, memory_order_relaxed);

    atomic_store_explicit(&s->status, (uint16_t)status, memory_order_relaxed);
    atomic_store_explicit(&s->until_wall_ms, until_ms ? r->cs->clock->wall_ms + until_ms : 0,
                          memory_order_relaxed);
    if (before == state)
        return;
    atomic_store_explicit(&s->state, (uint8_t)state, memory_order_relaxed);
    atomic_store_explicit(&s->changed_wall_ms, r->cs->clock->wall_ms, memory_order_relaxed);
    if (state == TRUNK_REG_FAILED)
        log_ev(LOG_ERROR, "register", "trunk=%s state=failed status=%u retry_s=%llu",
               r->trunk->name, status, (unsigned long long)until_ms / 1000);
    else if (state != TRUNK_REG_TRYING)
        log_ev(LOG_INFO, "register", "trunk=%s state=%s", r->trunk->name, name[state]);
}

/* ---- one REGISTER ------------------------------------------------------------------------------------------------- */

static void put_contact(struct registration *r, struct build *b, const struct flow *f)
{
    char buf[128];
    struct span ours = headers_our_contact(r->cs, f, buf);

    build_str(b, "Contact: <sip:");
    if (!r->gin) { /* RFC 6140 §5.1: a bulk contact has no user */
        build_str(b, r->user);
        build_char(b, '@');
    }
    build_span(b, (struct span){ours.p + 5, ours.len - 6}); /* between "<sip:" and ">" */
    build_str(b, r->gin ? ";bnc>\r\n" : ">\r\n");
    if (r->gin)
        build_str(b, "Require: gin\r\nProxy-Require: gin\r\nSupported: path\r\n");
}

static void put_aor(struct registration *r, struct build *b, const char *name)
{
    build_str(b, name);
    build_str(b, r->user);
    build_char(b, '@');
    build_str(b, r->domain);
}

static int compose(struct registration *r, struct txn_client *ct, const struct flow *f)
{
    struct build *b = txn_client_begin(ct);

    build_str(b, "REGISTER sip:");
    build_str(b, r->domain);
    build_str(b, " SIP/2.0\r\n");
    txn_client_via(ct, b);
    put_aor(r, b, "Max-Forwards: 70\r\nFrom: <sip:");
    build_str(b, ">;tag=");
    build_span(b, (struct span){r->tag, IDENT_LEN});
    put_aor(r, b, "\r\nTo: <sip:");
    build_str(b, ">\r\nCall-ID: ");
    build_span(b, (struct span){r->call_id, IDENT_LEN});
    build_str(b, "\r\nCSeq: ");
    build_u32(b, ++r->cseq);
    build_str(b, " REGISTER\r\n");
    put_contact(r, b, f);
    build_hdr_u32(b, SPAN("Expires"), r->leaving ? 0 : r->asked_s);
    return build_end(b, SPAN_NONE, SPAN_NONE);
}

static void on_response(void *user, struct txn_client *ct, const struct msg *m,
                        const struct flow *f);
static void on_end(void *user, struct txn_client *ct, enum txn_end why);

static void on_again(void *user, struct txn_client *ct, struct txn_client *again, uint32_t cseq)
{
    struct registration *r = user;

    (void)ct;
    r->ct = again;
    r->cseq = cseq;
}

static const struct txn_client_cb client_cb = {
    .on_response = on_response, .on_end = on_end, .on_again = on_again};

/* To the target at hand. @return 0 or below: it could not be sent */
static int send_one(struct registration *r)
{
    struct flow f = flow_to(&r->hop[r->at]);
    struct txn_client *ct = txn_client_new(r->cs->txns, SIP_REGISTER, &f, &client_cb, r);
    int rc;

    if (!ct)
        return -ENOMEM;
    rc = compose(r, ct, &f);
    if (rc < 0)
        txn_client_abort(ct);
    else
        rc = txn_client_start(ct);
    if (rc < 0)
        return rc;
    r->ct = ct;
    stat_inc(r->cs->stats, STAT_register_sent);
    return 0;
}

static void drop_ct(struct registration *r)
{
    if (r->ct)
        txn_client_detach(r->ct);
    r->ct = NULL;
}

/* ---- rounds ------------------------------------------------------------------------------------------------------- */

static void wait_for_round(struct registration *r, unsigned status)
{
    uint64_t ms = WAIT_MIN_MS;
    uint32_t rnd;

    for (unsigned i = 0; i < r->failures && ms < WAIT_MAX_MS; i++)
        ms *= 2;
    if (ms > WAIT_MAX_MS)
        ms = WAIT_MAX_MS;
    ident_random(&rnd, sizeof rnd);
    ms = ms / 2 + rnd % (ms / 2 + 1);
    if (ms < (uint64_t)r->retry_after_s * 1000)
        ms = (uint64_t)r->retry_after_s * 1000;
    r->failures++;
    r->bound = false;
    stat_inc(r->cs->stats, STAT_register_failed);
    show(r, TRUNK_REG_FAILED, status, ms);
    timer_set(&r->timer, ms);
}

/* All targets, the healthy ones first. */
static void begin_round(struct registration *r)
{
    struct route_hops_param p = {.now_ms = r->cs->clock->mono_ms, .last_resort = true};

    r->n_hops = r->at = 0;
    r->retry_after_s = 0;
    ident_random(&p.rnd, sizeof p.rnd);
    if (r->cs->view && route_trunk_of_slot(r->cs->view->route, r->trunk->slot, &p.trunk) == 0)
        r->n_hops = route_hops(r->cs->view->route, &p, r->hop, HOPS_MAX);
    show(r, TRUNK_REG_TRYING, 0, 0);
    if (r->n_hops == 0) {
        timer_set(&r->timer, LOCATE_MS);
        return;
    }
    try_next(r);
}

static void try_next(struct registration *r)
{
    for (; r->at < r->n_hops; r->at++)
        if (send_one(r) == 0)
            return;
    r->at = 0;
    wait_for_round(r, 503);
}

static void failed_here(struct registration *r, unsigned status)
{
    r->at++;
    if (r->at < r->n_hops) {
        stat_inc(r->cs->stats, STAT_register_failover);
        try_next(r);
        return;
    }
    r->at = 0;
    wait_for_round(r, status);
}

static void over(struct registration *r);

static void on_timer(struct timer *t, void *arg)
{
    struct registration *r = arg;

    (void)t;
    if (r->leaving) {
        over(r);
        return;
    }
    if (r->bound && r->n_hops && r->at < r->n_hops) { /* the registrar that has the binding */
        if (send_one(r) == 0)
            return;
        failed_here(r, 503);
        return;
    }
    begin_round(r);
}

/* ---- answers ------------------------------------------------------------------------------------------------------ */

/* Ours among the contacts: a registrar lists all of the address of record. */
static uint32_t granted_s(const struct registration *r, const struct msg *m)
{
    struct span text = msg_value(m, HDR_EXPIRES), own, one;
    struct flow f = flow_to(&r->hop[r->at]);
    char buf[128], host[128];
    struct build b;
    uint32_t s;

    own = headers_our_contact(r->cs, &f, buf);
    own = (struct span){own.p + 5, own.len - 6};
    span_cut(own, ';', &own, &one);
    for (unsigned i = 0; i < m->n_contacts; i++) {
        const struct sip_uri *u = &m->contact[i].parsed;

        build_init(&b, host, sizeof host);
        build_span(&b, u->host);
        if (u->port) {
            build_char(&b, ':');
            build_u64(&b, u->port);
        }
        if ((m->n_contacts == 1 || span_case_eq(build_text(&b), own)) &&
            hdr_param(m->contact[i].params, SPAN("expires"), &one)) {
            text = one;
            break;
        }
    }
    return span_u32(text, EXPIRES_MAX, &s) < 0 ? r->asked_s : s;
}

static void registered(struct registration *r, const struct msg *m)
{
    uint32_t s = granted_s(r, m);

    if (s < GRANTED_MIN)
        s = GRANTED_MIN;
    r->bound = r->ever = true;
    r->failures = 0;
    stat_inc(r->cs->stats, STAT_register_ok);
    show(r, TRUNK_REG_BOUND, 200, (uint64_t)s * 1000);
    timer_set(&r->timer, (uint64_t)(s > LONG_S ? s - LONG_BEFORE : s / 2) * 1000);
}

/* RFC 3261 §10.2.8. @return false: it wants what it has been given, or too much */
static bool asks_for_longer(struct registration *r, const struct msg *m)
{
    uint32_t s;

    if (span_u32(msg_value(m, HDR_MIN_EXPIRES), EXPIRES_MAX, &s) < 0 || s <= r->asked_s)
        return false;
    r->asked_s = s;
    return send_one(r) == 0;
}

static void on_response(void *user, struct txn_client *ct, const struct msg *m,
                        const struct flow *f)
{
    struct registration *r = user;
    uint32_t after;

    (void)f;
    if (m->status < 200 || r->ct != ct)
        return;
    drop_ct(r);
    if (r->leaving) {
        over(r);
        return;
    }
    if (m->status < 300) {
        registered(r, m);
        return;
    }
    if (m->status == 423 && asks_for_longer(r, m))
        return;
    if (span_u32(msg_value(m, HDR_RETRY_AFTER), EXPIRES_MAX, &after) == 0 &&
        after > r->retry_after_s)
        r->retry_after_s = after < WAIT_MAX_MS / 1000 ? after : WAIT_MAX_MS / 1000;
    if (m->status == 408 || (m->status >= 500 && m->status < 600)) {
        failed_here(r, m->status);
        return;
    }
    r->at = 0; /* another registrar of the same carrier knows the same accounts */
    wait_for_round(r, m->status);
}

static void on_end(void *user, struct txn_client *ct, enum txn_end why)
{
    struct registration *r = user;

    if (r->ct != ct)
        return;
    r->ct = NULL;
    if (r->leaving)
        over(r);
    else
        failed_here(r, why == TXN_END_TIMEOUT ? 408 : 503);
}

/* ---- life --------------------------------------------------------------------------------------------------------- */

static void registration_free(struct registration *r)
{
    r->cs->registers->leaving -= r->leaving;
    drop_ct(r);
    timer_del(&r->timer);
    free(r->domain);
    free(r->user);
    free(r);
}

static void unlink_one(struct registration *r)
{
    struct registration **at = &r->cs->registers->slot[r->trunk->slot];

    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
}

/* Another registration of the same trunk may have taken its place on the screen. */
static bool has_heir(const struct registration *r)
{
    for (const struct registration *o = r->cs->registers->slot[r->trunk->slot]; o; o = o->next)
        if (o != r && !o->leaving)
            return true;
    return false;
}

static void over(struct registration *r)
{
    if (!has_heir(r))
        show(r, TRUNK_REG_OFF, 0, 0);
    unlink_one(r);
    registration_free(r);
}

static void leave(struct registration *r)
{
    bool was_bound = r->ever || r->ct;

    if (r->leaving)
        return;
    drop_ct(r);
    r->leaving = true;
    r->cs->registers->leaving++;
    if (!was_bound || r->n_hops == 0 || r->at >= r->n_hops || send_one(r) < 0) {
        over(r);
        return;
    }
    show(r, TRUNK_REG_LEAVING, 0, 0);
    timer_set(&r->timer, LEAVE_MS);
}

const char *register_user(const struct conf_trunk *t)
{
    return t->reg.user ? t->reg.user : t->auth.user ? t->auth.user : t->name;
}

static bool alike(const struct registration *r, const struct conf_trunk *t)
{
    return !r->leaving && strcmp(r->domain, t->reg.domain) == 0 &&
           strcmp(r->user, register_user(t)) == 0 && r->gin == t->reg.gin &&
           r->expires_s == t->reg.expires_ms / 1000;
}

static void begin(struct calls *cs, struct trunk_state *ts, const struct conf_trunk *t)
{
    struct registration *r = calloc(1, sizeof *r);

    if (!r)
        return;
    r->cs = cs;
    r->trunk = ts;
    r->domain = strdup(t->reg.domain);
    r->user = strdup(register_user(t));
    timer_init(&r->timer, cs->timers, on_timer, r);
    if (!r->domain || !r->user) {
        registration_free(r);
        return;
    }
    r->expires_s = r->asked_s = t->reg.expires_ms / 1000;
    r->gin = t->reg.gin;
    ident_seal(cs->ident, IDENT_TAG, ident_next_serial(cs->ident), r->tag);
    ident_seal(cs->ident, IDENT_CALLID, ident_next_serial(cs->ident), r->call_id);
    r->next = cs->registers->slot[ts->slot];
    cs->registers->slot[ts->slot] = r;
    show(r, TRUNK_REG_TRYING, 0, 0);
    timer_set(&r->timer, 1 + hash_u64(ts->slot) % SPREAD_MS);
}

bool register_grow(struct calls *cs)
{
    uint32_t n = cs->registers ? cs->registers->n : 0, want = route_slots(cs->view->route);
    struct registers *p;

    if (cs->registers && want <= n)
        return true;
    want = want > n ? want : n;
    p = realloc(cs->registers, sizeof *p + want * sizeof(struct registration *));
    if (!p)
        return false;
    if (!cs->registers)
        p->leaving = 0;
    memset(&p->slot[n], 0, (want - n) * sizeof(struct registration *));
    p->n = want;
    cs->registers = p;
    return true;
}

void register_sync(struct calls *cs, uint32_t slot)
{
    struct registration **first, *kept = NULL, *next;
    const struct conf_trunk *t = NULL;
    uint32_t trunk;

    if (!cs->registers || slot >= cs->registers->n)
        return;
    first = &cs->registers->slot[slot];
    if (!cs->draining && slot % cs->workers == cs->worker &&
        route_trunk_of_slot(cs->view->route, slot, &trunk) == 0 &&
        cs->view->conf->trunk.v[trunk].reg.domain)
        t = &cs->view->conf->trunk.v[trunk];
    for (struct registration *r = *first; t && r && !kept; r = r->next)
        if (alike(r, t))
            kept = r;
    if (t && !kept) {
        struct registration *before = *first;

        begin(cs, route_trunk_state(cs->view->route, trunk), t);
        kept = *first != before ? *first : NULL;
    }
    for (struct registration *r = *first; r; r = next) {
        next = r->next;
        if (r != kept)
            leave(r);
    }
}

void register_drain(struct calls *cs)
{
    if (!cs->view || !register_grow(cs))
        return;
    for (uint32_t i = 0; i < cs->registers->n; i++)
        register_sync(cs, i);
}

size_t register_leaving(const struct calls *cs)
{
    return cs->registers ? cs->registers->leaving : 0;
}

void register_stop(struct calls *cs)
{
    for (uint32_t i = 0; cs->registers && i < cs->registers->n; i++)
        for (struct registration *r = cs->registers->slot[i], *next; r; r = next) {
            next = r->next;
            registration_free(r);
        }
    free(cs->registers);
    cs->registers = NULL;
}
