/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The record of a call: one fixed part, one per leg, and the dialogs' own records behind them.
 * Host byte order: a record is read on the machine kind that wrote it; version and length are checked.
 */
#include "call/snapshot.h"

#include "call/admit.h"
#include "call/model.h"
#include "call/offer.h"
#include "call/rating.h"
#include "call/refresh.h"
#include "call/crypto.h"
#include "call/lite.h"
#include "call/terms.h"

#include <stdio.h>
#include <stdlib.h>

_Static_assert(sizeof(struct call_brief) == 728, "it is the same in every version");
_Static_assert(CONF_NAME_MAX + 1 == 64 && NUMBER_MAX == 64 && CALL_UUID_LEN + 1 <= 40,
               "texts of a brief");

/* A leg, by value. */
struct leg_rec {
    char customer[CONF_NAME_MAX + 1];
    char spoken[CONF_NAME_MAX + 1]; /* the trunk that its peer is: behind a transfer another one */
    char sent[NUMBER_MAX];
    char media[CONF_NAME_MAX + 1]; /* section that the leg is counted at; empty: none */
    char group[CONF_TRUNK_GROUPS_MAX]
              [CONF_NAME_MAX + 1]; /* with a limit; empty ones behind the last */
    uint64_t key;                  /* destination, for quality */
    struct flow flow;
    struct session_uuid endpoint; /* of its Session-ID */
    struct oa oa;
    uint32_t duration_ms, inactivity_ms, pool, invite_cseq, dialog_len;
    uint64_t started_wall_ms, progress_wall_ms, answered_wall_ms;
    uint32_t refer_cseq, refer_cseq_asked;
    uint64_t refresh_left_ms;     /* 0: no session timer runs */
    struct session_timer session; /* RFC 4028 */
    uint32_t said_len;            /* SDP that it was sent last, behind the dialog */
    uint32_t rating_len;          /* of the leg, or of the call with its in leg; behind that */
    struct addr advertise[2];
    uint8_t family_mask, latch, dscp_media, media_none, attempt, offered, rel100, reported;
    uint8_t update, privacy, pad[6];
};

struct media_rec {
    uint8_t state, n, off, opaque, silent, bypass;
    uint8_t dir[2 * OFFER_MEDIA_MAX];
    struct addr local[2 * OFFER_MEDIA_MAX], remote[2 * OFFER_MEDIA_MAX], rtcp[2 * OFFER_MEDIA_MAX];
    struct term term[2 * OFFER_MEDIA_MAX];
    struct crypto_saved
        crypto[2 * OFFER_MEDIA_MAX];            /* secret: the record is for files of mode 0600 */
    struct lite_saved ice[2 * OFFER_MEDIA_MAX]; /* likewise */
};

struct call_rec {
    struct call_brief brief; /* first, of all versions */
    uint64_t generation, progress_wall_ms;
    uint64_t duration_left_ms; /* when it was put down; 0: no limit */
    uint8_t attempts, pad[7];
    char priority[32];
    char caller_normalised[NUMBER_MAX], route[RATING_PLACE];
    uint32_t dip_ms;
    uint8_t dip_result;
    char lrn[KEY_DIGITS + 1];
    struct media_rec media;
    struct leg_rec leg[2]; /* in, out */
};

/*
 * It is written for each confirmed call and re-INVITE, and its zeros are walked over: what grows it costs every call. A change of the
 * layout counts CALL_RECORD_VERSION up. (On 64 bits; elsewhere addresses and texts are as large, few pads differ.)
 */
_Static_assert(sizeof(void *) != 8 || sizeof(struct call_rec) == 4832, "see above");

/* ---- moments ----------------------------------------------------------------------------------------------------- */

static uint64_t to_wall(const struct clock *k, uint64_t mono_ms)
{
    return mono_ms ? k->wall_ms - (k->mono_ms - mono_ms) : 0;
}

/* A wall clock that was set back gives an age of zero, never a moment in the future. */
static uint64_t to_mono(const struct clock *k, uint64_t wall_ms)
{
    uint64_t age;

    if (!wall_ms)
        return 0;
    age = k->wall_ms > wall_ms ? k->wall_ms - wall_ms : 0;
    return age < k->mono_ms ? k->mono_ms - age : 1;
}

/* Of what remained when the record was made: time went on while nobody was here. */
static uint64_t left_now(const struct clock *k, const struct call_brief *b, uint64_t left_ms)
{
    uint64_t gone = k->wall_ms > b->saved_wall_ms ? k->wall_ms - b->saved_wall_ms : 0;

    return left_ms == 0 ? 0 : left_ms > gone ? left_ms - gone : 1;
}

/* ---- down -------------------------------------------------------------------------------------------------------- */

bool call_is_saveable(const struct call *c)
{
    return c->state == CALL_UP && c->in && c->out && c->in->state == LEG_UP &&
           c->out->state == LEG_UP &&
           (c->media.state == CALL_MEDIA_OPEN || c->media.state == CALL_MEDIA_NONE);
}

size_t call_save_len(const struct call *c)
{
    return sizeof(struct call_rec) + dialog_save_len(c->in->main->d) +
           dialog_save_len(c->out->main->d) + offer_said(c->in->main).len +
           offer_said(c->out->main).len + rating_bytes(c->rating).len +
           rating_bytes(c->out->rating).len + 16;
}

/* r is zeroed; names of a configuration are that short */
static void name_put(char to[CONF_NAME_MAX + 1], const char *name)
{
    size_t len = strlen(name);

    memcpy(to, name, len < CONF_NAME_MAX ? len : CONF_NAME_MAX);
}

static void leg_put(struct leg_rec *r, const struct leg *leg)
{
    const struct clock *k = leg->call->calls->clock;

    name_put(r->spoken, leg->trunk.gen ? leg->trunk.conf->name : leg->trunk.state->name);
    if (leg->trunk.customer)
        name_put(r->customer, leg->trunk.customer->name);
    if (leg->trunk.media)
        name_put(r->media, leg->trunk.media->name);
    for (unsigned i = 0; i < CONF_TRUNK_GROUPS_MAX && leg->trunk.group[i]; i++)
        name_put(r->group[i], leg->trunk.group[i]->name);
    r->key = leg->key;
    memcpy(r->sent, leg->sent, sizeof r->sent);
    r->flow = leg->flow;
    r->endpoint = leg->endpoint;
    r->oa = leg->main->oa;
    if (offer_is_open(leg->main)) /* who asked is not in the record: what was agreed holds */
        r->oa.state = OA_STABLE;
    r->duration_ms = leg->trunk.duration_ms;
    r->inactivity_ms = leg->trunk.inactivity_ms;
    r->pool = leg->trunk.pool;
    r->invite_cseq = leg->invite_cseq;
    r->started_wall_ms = to_wall(k, leg->started_ms);
    r->progress_wall_ms = to_wall(k, leg->progress_ms);
    r->answered_wall_ms = to_wall(k, leg->answered_ms);
    memcpy(r->advertise, leg->trunk.advertise, sizeof r->advertise);
    r->family_mask = leg->trunk.family_mask;
    r->latch = leg->trunk.latch;
    r->dscp_media = leg->trunk.dscp_media;
    r->media_none = leg->trunk.media_none;
    r->attempt = leg->attempt;
    r->offered = leg->offered;
    r->rel100 = leg->rel100;
    r->reported = leg->reported;
    r->session = leg->refresh.s;
    r->refresh_left_ms = refresh_left_ms(leg);
    r->update = leg->update;
    r->privacy = leg->privacy;
    r->refer_cseq = leg->refer_cseq;
    r->refer_cseq_asked = leg->refer_cseq_asked;
}

static void media_put(struct media_rec *r, const struct call_media *m)
{
    r->state = m->state;
    r->n = m->n;
    r->off = m->off;
    r->opaque = m->opaque;
    r->silent = m->silent;
    r->bypass = m->bypass;
    memcpy(r->dir, m->dir, sizeof r->dir);
    memcpy(r->local, m->local, sizeof r->local);
    memcpy(r->remote, m->remote, sizeof r->remote);
    memcpy(r->rtcp, m->rtcp, sizeof r->rtcp);
}

static void brief_put(struct call_brief *b, const struct call *c)
{
    const struct leg *leg[2] = {c->in, c->out};

    b->magic = CALL_RECORD_MAGIC;
    b->version = CALL_RECORD_VERSION;
    b->cdr_seq = c->cdr_seq;
    b->id = c->id;
    b->session = c->media.state == CALL_MEDIA_NONE ? 0 : c->media.ref.session;
    b->index = c->media.ref.index;
    b->started_wall_ms = c->started_wall_ms;
    b->answered_wall_ms = c->answered_wall_ms;
    b->saved_wall_ms = c->calls->clock->wall_ms;
    b->klass = c->klass;
    b->worker = c->born;
    memcpy(b->uuid, c->uuid, sizeof c->uuid);
    memcpy(b->caller, c->caller, sizeof b->caller);
    memcpy(b->called, c->called, sizeof b->called);
    memcpy(b->normalised, c->normalised, sizeof b->normalised);
    for (int i = 0; i < 2; i++) {
        name_put(b->trunk[i], leg[i]->trunk.state->name);
        memcpy(b->account[i], leg[i]->trunk.account, sizeof b->account[i]);
    }
}

static void call_put(struct call_rec *r, const struct call *c)
{
    const struct clock *k = c->calls->clock;

    memset(r, 0, sizeof *r);
    brief_put(&r->brief, c);
    r->generation = c->generation;
    r->progress_wall_ms = to_wall(k, c->progress_ms);
    if (c->timer.fn && timer_is_pending(&c->timer))
        r->duration_left_ms = c->timer.due_ms > k->mono_ms ? c->timer.due_ms - k->mono_ms : 1;
    r->attempts = c->attempts;
    memcpy(r->priority, c->priority, sizeof r->priority);
    memcpy(r->caller_normalised, c->caller_normalised, sizeof r->caller_normalised);
    memcpy(r->route, c->route, sizeof r->route);
    r->dip_ms = c->dip_ms;
    r->dip_result = c->dip_result;
    memcpy(r->lrn, c->lrn, sizeof r->lrn);
    media_put(&r->media, &c->media);
    terms_save(c, r->media.term);
    crypto_save(c, r->media.crypto);
    lite_save(c, r->media.ice);
    leg_put(&r->leg[0], c->in);
    leg_put(&r->leg[1], c->out);
}

int call_save(const struct call *c, void *buf, size_t cap)
{
    const struct leg *leg[2] = {c->in, c->out};
    struct call_rec *r = buf; /* the caller's buffer is aligned: 5 KiB are not copied once more */
    size_t at = sizeof *r;

    if (!call_is_saveable(c))
        return -EAGAIN;
    if (cap < call_save_len(c))
        return -ENOSPC;
    call_put(r, c);
    for (int i = 0; i < 2; i++) {
        struct span said = offer_said(leg[i]->main);
        struct span rating = rating_bytes(i == 0 ? c->rating : leg[i]->rating);
        int n = dialog_save(leg[i]->main->d, (char *)buf + at, cap - at);

        if (n < 0)
            return n;
        r->leg[i].dialog_len = (uint32_t)n;
        at += (size_t)n;
        memcpy((char *)buf + at, said.p ? said.p : "", said.len);
        r->leg[i].said_len = (uint32_t)said.len;
        at += said.len;
        memcpy((char *)buf + at, rating.p ? rating.p : "", rating.len);
        r->leg[i].rating_len = (uint32_t)rating.len;
        at += rating.len;
    }
    at = (at + 7) & ~(size_t)7; /* the next record begins aligned */
    r->brief.length = (uint32_t)at;
    return (int)at;
}

int call_save_brief(const struct call *c, void *buf, size_t cap)
{
    struct call_brief b;

    if (c->state != CALL_UP || !c->in || !c->out)
        return -EAGAIN;
    if (cap < sizeof b)
        return -ENOSPC;
    memset(&b, 0, sizeof b);
    brief_put(&b, c);
    b.version = CALL_RECORD_BRIEF;
    b.length = sizeof b;
    memcpy(buf, &b, sizeof b);
    return (int)sizeof b;
}

/* ---- up ---------------------------------------------------------------------------------------------------------- */

/* How its peer is spoken to: as the trunk of that name wants it now, by the default if it is gone. */
static int leg_take_conf(struct leg *leg, struct dialog *d, const struct leg_rec *r)
{
    struct calls *cs = leg->call->calls;
    const struct trunk_state *ts = trunk_registry_find(cs->trunks, r->spoken);
    uint32_t trunk;

    if (!ts)
        return -ENOENT;
    leg->flow = r->flow;
    leg->flow.conn = 0;
    leg->flow.cert = 0;
    leg->flow.owner = d->flow.owner = ts->slot + 1; /* the slot is this process's own */
    if (!cs->view || route_trunk_of_slot(cs->view->route, ts->slot, &trunk) < 0)
        return 0;
    leg->trunk.gen = gen_take(cs);
    if (!leg->trunk.gen)
        return -ENOMEM;
    leg->trunk.conf = &cs->view->conf->trunk.v[trunk];
    return 0;
}

/* Without memory its fields are empty, as they would be at the beginning. */
static void leg_take_rating(struct leg *leg, struct span bytes)
{
    struct rating *r = rating_load(leg->call->calls->blocks, bytes);

    if (leg->is_in)
        leg->call->rating = r;
    else
        leg->rating = r;
}

static int leg_take(struct call *c, const struct call_rec *whole, bool is_in, const char *dialog)
{
    const struct leg_rec *r = &whole->leg[is_in ? 0 : 1];
    const struct call_brief *b = &whole->brief;
    struct calls *cs = c->calls;
    struct leg *leg = leg_new(c, is_in);
    struct dialog *d;
    int rc;

    if (!leg)
        return -ENOMEM;
    if (is_in)
        c->in = leg;
    else
        c->out = c->last_out = leg;
    leg->trunk.state = trunk_registry_find(cs->trunks, b->trunk[is_in ? 0 : 1]);
    if (r->customer[0])
        leg->trunk.customer = trunk_registry_find_customer(cs->trunks, r->customer);
    if (r->media[0])
        leg->trunk.media = trunk_registry_find_media(cs->trunks, r->media);
    if (!leg->trunk.state)
        return -ENOENT;
    for (unsigned i = 0; i < CONF_TRUNK_GROUPS_MAX && r->group[i][0]; i++) {
        leg->trunk.group[i] = trunk_registry_find_group(cs->trunks, r->group[i]);
        if (!leg->trunk.group[i])
            return -ENOENT;
    }
    leg->key = r->key;
    rc = dialog_load(cs->dialogs, dialog, r->dialog_len, &d);
    if (rc < 0)
        return rc;
    leg->main = ldlg_new(leg, d);
    if (!leg->main) {
        dialog_free(d);
        return -ENOMEM;
    }
    rc = leg_take_conf(leg, d, r);
    if (rc < 0)
        return rc;
    leg->main->oa = r->oa;
    offer_set_said(leg->main, (struct span){dialog + r->dialog_len, r->said_len});
    leg_take_rating(leg, (struct span){dialog + r->dialog_len + r->said_len, r->rating_len});
    leg->trunk.duration_ms = r->duration_ms;
    leg->trunk.inactivity_ms = r->inactivity_ms;
    leg->trunk.pool = r->pool;
    memcpy(leg->trunk.advertise, r->advertise, sizeof r->advertise);
    leg->trunk.family_mask = r->family_mask;
    leg->trunk.latch = r->latch;
    leg->trunk.dscp_media = r->dscp_media;
    leg->trunk.media_none = r->media_none;
    leg->endpoint = r->endpoint;
    leg->invite_cseq = r->invite_cseq;
    leg->attempt = r->attempt;
    leg->offered = r->offered;
    leg->rel100 = r->rel100;
    leg->reported = r->reported;
    leg->started_ms = to_mono(cs->clock, r->started_wall_ms);
    leg->progress_ms = to_mono(cs->clock, r->progress_wall_ms);
    leg->answered_ms = to_mono(cs->clock, r->answered_wall_ms);
    memcpy(leg->trunk.account, b->account[is_in ? 0 : 1], sizeof leg->trunk.account);
    memcpy(leg->sent, r->sent, sizeof leg->sent);
    leg->refresh.s = r->session;
    leg->update = r->update;
    leg->privacy = r->privacy;
    leg->refer_cseq = r->refer_cseq;
    leg->refer_cseq_asked = r->refer_cseq_asked;
    leg->state = LEG_UP;
    refresh_resume(leg, left_now(cs->clock, b, r->refresh_left_ms));
    admit_again(leg);
    return 0;
}

static void call_take(struct call *c, const struct call_rec *r)
{
    const struct call_brief *b = &r->brief;
    struct calls *cs = c->calls;
    struct call_media *m = &c->media;

    memcpy(c->uuid, b->uuid, sizeof c->uuid);
    memcpy(c->priority, r->priority, sizeof c->priority);
    memcpy(c->caller, b->caller, sizeof c->caller);
    memcpy(c->called, b->called, sizeof c->called);
    memcpy(c->normalised, b->normalised, sizeof c->normalised);
    memcpy(c->caller_normalised, r->caller_normalised, sizeof c->caller_normalised);
    memcpy(c->route, r->route, sizeof c->route);
    c->dip_ms = r->dip_ms;
    c->dip_result = r->dip_result <= DIP_ABANDONED ? r->dip_result : DIP_NONE;
    memcpy(c->lrn, r->lrn, sizeof c->lrn);
    c->lrn[sizeof c->lrn - 1] = '\0';
    c->generation = r->generation;
    c->cdr_seq = b->cdr_seq;
    c->klass = b->klass;
    c->attempts = r->attempts;
    c->started_wall_ms = b->started_wall_ms;
    c->answered_wall_ms = b->answered_wall_ms;
    c->started_ms = to_mono(cs->clock, b->started_wall_ms);
    c->progress_ms = to_mono(cs->clock, r->progress_wall_ms);
    c->answered_ms = to_mono(cs->clock, b->answered_wall_ms);
    c->born = b->worker;
    m->ref = (struct media_ref){b->id, b->index};
    m->state = r->media.state;
    m->n = r->media.n;
    m->off = r->media.off;
    m->opaque = r->media.opaque;
    m->silent = r->media.silent;
    m->bypass = r->media.bypass;
    m->armed = true;
    m->heard = UINT8_MAX;
    memcpy(m->dir, r->media.dir, sizeof m->dir);
    memcpy(m->local, r->media.local, sizeof m->local);
    memcpy(m->remote, r->media.remote, sizeof m->remote);
    memcpy(m->rtcp, r->media.rtcp, sizeof m->rtcp);
    terms_load(c, r->media.term);
    crypto_load(c, r->media.crypto);
    lite_load(c, r->media.ice);
}

const struct call_brief *call_brief_read(const void *buf, size_t len)
{
    const struct call_brief *b = buf;

    if (len < sizeof *b || b->magic != CALL_RECORD_MAGIC || b->length > len ||
        b->uuid[sizeof b->uuid - 1] || b->caller[sizeof b->caller - 1] ||
        b->called[sizeof b->called - 1] || b->normalised[sizeof b->normalised - 1])
        return NULL;
    for (int i = 0; i < 2; i++)
        if (b->trunk[i][sizeof b->trunk[i] - 1] || b->account[i][sizeof b->account[i] - 1])
            return NULL;
    return b;
}

static bool groups_are_sane(const struct leg_rec *r)
{
    for (unsigned i = 0; i < CONF_TRUNK_GROUPS_MAX; i++)
        if (r->group[i][CONF_NAME_MAX])
            return false;
    return true;
}

/* Texts must end within their fields, whatever the file says. */
static bool rec_is_sane(const struct call_rec *r, size_t len)
{
    if (call_brief_read(r, len) == NULL || r->brief.version != CALL_RECORD_VERSION ||
        r->media.n > OFFER_MEDIA_MAX || r->media.state > CALL_MEDIA_CLOSED)
        return false;
    if (r->priority[sizeof r->priority - 1] || r->caller_normalised[NUMBER_MAX - 1] ||
        r->route[RATING_PLACE - 1])
        return false;
    for (int i = 0; i < 2; i++)
        if (r->leg[i].customer[CONF_NAME_MAX] || r->leg[i].spoken[CONF_NAME_MAX] ||
            r->leg[i].media[CONF_NAME_MAX] || r->leg[i].sent[NUMBER_MAX - 1] ||
            !groups_are_sane(&r->leg[i]))
            return false;
    return sizeof *r + (size_t)r->leg[0].dialog_len + r->leg[0].said_len + r->leg[0].rating_len +
               r->leg[1].dialog_len + r->leg[1].said_len + r->leg[1].rating_len <=
           r->brief.length;
}

int call_load_names(struct trunk_registry *reg, const void *buf, size_t len)
{
    struct call_rec r;

    if (len < sizeof r)
        return -EINVAL;
    memcpy(&r, buf, sizeof r);
    if (!rec_is_sane(&r, len))
        return -EINVAL;
    for (int i = 0; i < 2; i++) {
        const struct leg_rec *leg = &r.leg[i];

        if (!trunk_registry_get(reg, r.brief.trunk[i]) || !trunk_registry_get(reg, leg->spoken) ||
            (leg->customer[0] && !trunk_registry_customer(reg, leg->customer)) ||
            (leg->media[0] && !trunk_registry_media(reg, leg->media)))
            return -ENOMEM;
        for (unsigned k = 0; k < CONF_TRUNK_GROUPS_MAX && leg->group[k][0]; k++)
            if (!trunk_registry_group(reg, leg->group[k]))
                return -ENOMEM;
    }
    return (int)r.brief.length;
}

static bool is_here(struct calls *cs, uint64_t id)
{
    for (struct htab_node *n = htab_first(&cs->by_id, hash_u64(id)); n; n = htab_next(n))
        if (container_of(n, struct call, node)->id == id)
            return true;
    return false;
}

int call_load(struct calls *cs, const void *buf, size_t len)
{
    const char *p = (const char *)buf + sizeof(struct call_rec);
    struct call_rec r;
    struct call *c;
    int rc;

    if (len < sizeof r)
        return -EINVAL;
    memcpy(&r, buf, sizeof r);
    if (!rec_is_sane(&r, len))
        return -EINVAL;
    if (is_here(cs, r.brief.id))
        return -EEXIST;
    c = call_alloc(cs, r.brief.id);
    if (!c)
        return -ENOMEM;
    call_take(c, &r);
    rc = leg_take(c, &r, true, p);
    if (rc == 0)
        rc = leg_take(c, &r, false,
                      p + r.leg[0].dialog_len + r.leg[0].said_len + r.leg[0].rating_len);
    if (rc < 0) {
        call_free(c);
        return rc;
    }
    ldlg_join(c->in->main, c->out->main);
    cac_retake(&c->hold, trunk_registry_node(cs->trunks), cs->worker);
    c->state = CALL_UP;
    cs->up++;
    call_changed(c);
    call_up_timers(c, left_now(cs->clock, &r.brief, r.duration_left_ms));
    if (cs->media)
        offer_reinstall(c);
    return (int)r.brief.length;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

struct saver {
    char *buf;
    size_t len, cap;
    int n;
};

static bool save_one(struct htab_node *node, void *arg)
{
    struct saver *s = arg;
    const struct call *c = container_of(node, struct call, node);
    int rc;

    if (!call_is_saveable(c))
        return true;
    if (s->cap - s->len < call_save_len(c)) {
        size_t cap = 2 * (s->cap + call_save_len(c));
        char *grown = realloc(s->buf, cap);

        if (!grown) {
            s->n = -ENOMEM;
            return false;
        }
        s->buf = grown;
        s->cap = cap;
    }
    rc = call_save(c, s->buf + s->len, s->cap - s->len);
    if (rc > 0) {
        s->len += (size_t)rc;
        s->n++;
    }
    return true;
}

int calls_save_all(struct calls *cs, void **buf, size_t *len)
{
    struct saver s = {0};

    htab_each(&cs->by_id, save_one, &s);
    if (s.n < 0) {
        free(s.buf);
        return s.n;
    }
    *buf = s.buf;
    *len = s.len;
    return s.n;
}

int calls_load_names(struct trunk_registry *reg, const void *buf, size_t len)
{
    const char *p = buf;

    while (len) {
        int rc = call_load_names(reg, p, len);

        if (rc < 0)
            return rc;
        p += rc;
        len -= (size_t)rc;
    }
    return 0;
}

int calls_load_all(struct calls *cs, const void *buf, size_t len)
{
    const char *p = buf;
    int n = 0;

    while (len) {
        int rc = call_load(cs, p, len);

        if (rc < 0)
            return rc;
        p += rc;
        len -= (size_t)rc;
        n++;
    }
    return n;
}
