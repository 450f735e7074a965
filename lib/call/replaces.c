/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The new party has a dialog of its own in the leg that it will take over; from there its INVITE crosses to the party that stays as a
 * re-INVITE. With its 2xx the leg's dialog is that one, the old one ends. Media, limits and the record stay those of the call.
 *
 *      replaced -- dialog --\                         replaced <--BYE--
 *                            leg | leg -- stays                          leg | leg -- stays
 *   new party -- INVITE ----/      --re-INVITE->      new party -- dialog --/
 */
#include "call/replaces.h"

#include "call/headers.h"
#include "call/identity.h"
#include "call/offer.h"
#include "call/own.h"
#include "call/pass.h"
#include "call/session.h"

/* What the leg was before the new party spoke: put back if it is refused. */
struct place {
    size_t cap;
    const struct conf_trunk *conf;
    struct gen *gen;
    struct session_uuid endpoint;
    uint32_t invite_cseq;
    uint8_t update, privacy;
    bool young; /* being made: its end is told by `over` */
    bool over;
};

/* ---- the value --------------------------------------------------------------------------------------------------- */

int replaces_parse(struct span value, struct replaces *out)
{
    struct span params, early;

    *out = (struct replaces){0};
    if (!span_cut(value, ';', &out->call_id, &params))
        return -EBADMSG;
    out->call_id = span_trim(out->call_id);
    params.p--; /* with its ';' */
    params.len++;
    out->early_only = hdr_param(params, SPAN("early-only"), &early);
    if (span_is_empty(out->call_id) || span_chr(value, ',') >= 0 ||
        !hdr_param(params, SPAN("to-tag"), &out->to_tag) || span_is_empty(out->to_tag) ||
        !hdr_param(params, SPAN("from-tag"), &out->from_tag) || span_is_empty(out->from_tag))
        return -EBADMSG;
    return 0;
}

int replaces_of_uri(const struct sip_uri *u, char *buf, size_t size, struct span *out)
{
    struct span rest = u->headers, one, key, value;
    bool found = false, others = false;
    int n;

    while (!span_is_empty(rest)) {
        span_cut(rest, '&', &one, &rest);
        span_cut(one, '=', &key, &value);
        if (!span_case_eq(key, SPAN("Replaces"))) {
            others |= !span_case_eq(key, SPAN("Require")) || !span_case_eq(value, SPAN("replaces"));
            continue;
        }
        n = found ? -1 : uri_user_plain(value, buf, size);
        if (n <= 0)
            return -EINVAL;
        *out = (struct span){buf, (size_t)n};
        found = true;
    }
    if (!found)
        return span_is_empty(u->headers) ? 0 : -ENOENT;
    return others ? 2 : 1;
}

/* ---- a right that was handed on ---------------------------------------------------------------------------------- */

static uint64_t hash_more(uint64_t seed, struct span s)
{
    return hash_bytes(s.p, s.len, seed);
}

/* 48 bits, as a token has: of whose dialog it is, who may replace it, and which one it is. */
static uint64_t right_of(const char *owner, const char *user, struct span call_id,
                         struct span remote_tag)
{
    uint64_t h = hash_more(1, span_of(owner));

    h = hash_more(h, span_of(user));
    h = hash_more(h, call_id);
    return hash_more(h, remote_tag) & ((UINT64_C(1) << 48) - 1);
}

int replaces_cross(struct build *b, struct span value, const struct leg *from, const struct leg *to)
{
    struct ident_key *ident = from->call->calls->ident;
    char call_id[IDENT_LEN], tag[IDENT_LEN], right[IDENT_LEN];
    struct replaces r;

    if (replaces_parse(value, &r) < 0 ||
        ident_turn(ident, r.to_tag, IDENT_TAG, IDENT_REPLACES, tag) < 0)
        return -EINVAL;
    ident_seal(ident, IDENT_CALLID, ident_next_serial(ident), call_id);
    ident_seal(ident, IDENT_RIGHT,
               right_of(from->trunk.conf->name, to->trunk.conf->name, r.call_id, r.from_tag),
               right);
    build_span(b, SPAN("?Replaces="));
    build_span(b, (struct span){call_id, IDENT_LEN});
    build_span(b, SPAN("%3Bto-tag%3D"));
    build_span(b, (struct span){tag, IDENT_LEN});
    build_span(b, SPAN("%3Bfrom-tag%3D"));
    build_span(b, (struct span){right, IDENT_LEN});
    if (r.early_only)
        build_span(b, SPAN("%3Bearly-only"));
    return 0;
}

/* ---- whose place ------------------------------------------------------------------------------------------------- */

static struct ldlg *named(struct calls *cs, const struct replaces *r)
{
    struct dialog *d;

    return dialog_find_tags(cs->dialogs, r->to_tag, r->from_tag, r->call_id, &d) == 0 ? d->leg
                                                                                      : NULL;
}

static struct ldlg *named_by_right(struct calls *cs, const struct replaces *r, const char *user)
{
    const struct ldlg *ld;
    struct dialog *d;
    char tag[IDENT_LEN];
    struct ident id;

    if (ident_open(cs->ident, r->from_tag, &id) == -EINVAL || id.kind != IDENT_RIGHT ||
        ident_turn(cs->ident, r->to_tag, IDENT_REPLACES, IDENT_TAG, tag) < 0 ||
        dialog_find_tag(cs->dialogs, (struct span){tag, IDENT_LEN}, &d) < 0)
        return NULL;
    ld = d->leg;
    if (id.serial != right_of(ld->leg->trunk.conf->name, user, dialog_str(d, DIALOG_CALL_ID),
                              dialog_str(d, DIALOG_REMOTE_TAG)))
        return NULL;
    return d->leg;
}

/* RFC 3891 §3 asks that who replaces is allowed to; what a party knows of its dialog is no proof that others should. */
static bool may_replace(const struct calls *cs, const struct leg *leg, uint32_t trunk)
{
    const struct conf_trunk *t = &cs->view->conf->trunk.v[trunk], *own = leg->trunk.conf;

    if (strcmp(own->name, t->name) == 0)
        return true;
    return leg->trunk.customer && strcmp(own->name, leg->trunk.state->name) == 0 &&
           leg->trunk.customer == route_customer_state(cs->view->route, trunk) &&
           own->refer != CONF_REFER_REJECT;
}

/* The relay's endpoint stays: it must lie where the new party's trunk has its media. */
static bool has_media_of(const struct calls *cs, const struct leg *leg, const struct conf_trunk *t)
{
    bool none = t->media_none || t->media.id == CONF_NONE;

    if (none || leg->trunk.pool == 0)
        return none && leg->trunk.pool == 0;
    return leg->trunk.pool == media_pool_id(cs->view->conf->media.v[t->media.id].name);
}

static bool is_busy(const struct ldlg *ld)
{
    const struct leg *leg = ld->leg, *other = leg_other(leg);
    const struct ldlg *peer = ld->peer;

    return leg->state != LEG_UP || other->state != LEG_UP || leg->transfer || other->transfer ||
           !peer || pass_invite_pending(ld) || pass_invite_pending(peer) ||
           own_invite_pending(ld) || own_invite_pending(peer) || offer_is_open(ld) ||
           offer_is_open(peer);
}

/* RFC 3891 §3, in its order but for the right, which is asked first: a stranger learns nothing of a dialog's state. @return 0 or a status */
static unsigned place_of(struct calls *cs, const struct msg *m, uint32_t trunk, struct ldlg **out)
{
    const struct conf_trunk *t = &cs->view->conf->trunk.v[trunk];
    const struct leg *leg;
    struct replaces r;
    struct ldlg *ld;

    if (msg_hdr_named(m, SPAN("Join"), 0) || replaces_parse(msg_value(m, HDR_REPLACES), &r) < 0)
        return 400;
    ld = named(cs, &r);
    if (ld && !may_replace(cs, ld->leg, trunk))
        return 403;
    if (!ld)
        ld = named_by_right(cs, &r, t->name);
    if (!ld)
        return 481;
    leg = ld->leg;
    if (leg->state >= LEG_CANCELLING || leg->call->state >= CALL_ENDING)
        return 603;
    if (leg->state < LEG_ANSWERED || ld != leg->main || !leg_other(leg))
        return 481; /* an early dialog: what is not answered yet is not taken over */
    if (r.early_only)
        return 486;
    if (!has_media_of(cs, leg, t))
        return 488;
    if (is_busy(ld))
        return 491;
    *out = ld;
    return 0;
}

/* ---- into it ----------------------------------------------------------------------------------------------------- */

/* The leg is spoken to as the new party's from now on; whose it is for limits and records stays, as in a transfer. */
static int place_enter(struct leg *leg, struct ldlg *ld, const struct msg *m, uint32_t trunk)
{
    struct calls *cs = leg->call->calls;
    struct gen *gen = gen_take(cs);
    size_t cap;
    struct place *p = gen ? blocks_get(cs->blocks, sizeof *p, &cap) : NULL;

    if (!p) {
        gen_give(cs, gen);
        return -ENOMEM;
    }
    *p = (struct place){.cap = cap,
                        .conf = leg->trunk.conf,
                        .gen = leg->trunk.gen,
                        .endpoint = leg->endpoint,
                        .invite_cseq = m->cseq,
                        .update = leg->update,
                        .privacy = leg->privacy,
                        .young = true};
    ld->place = p;
    leg->trunk.conf = &cs->view->conf->trunk.v[trunk];
    leg->trunk.gen = gen;
    leg->endpoint = (struct session_uuid){0};
    session_learn(leg, m);
    leg->update = LEG_UPDATE_UNKNOWN;
    leg->privacy = (uint8_t)identity_privacy(m->hdrs, m->n_hdrs);
    leg_learn(leg, m);
    return 0;
}

static unsigned place_begin(struct ldlg *old, struct txn_server *st, const struct msg *m,
                            const struct flow *f, uint32_t trunk)
{
    struct leg *leg = old->leg;
    struct calls *cs = leg->call->calls;
    const struct conf_trunk *t = &cs->view->conf->trunk.v[trunk];
    struct flow flow = *f;
    char contact[128];
    struct dialog *d;
    struct ldlg *ld;
    int rc;

    flow.owner = route_trunk_state(cs->view->route, trunk)->slot + 1;
    flow.tcp_above = (uint16_t)(t->tcp_above < UINT16_MAX ? t->tcp_above : UINT16_MAX);
    rc = dialog_new_uas(cs->dialogs, m, &flow, headers_our_contact(cs, f, contact), &d);
    if (rc < 0)
        return rc == -EBADMSG ? 400 : 503;
    ld = ldlg_new(leg, d);
    if (!ld) {
        dialog_free(d);
        return 503;
    }
    if (place_enter(leg, ld, m, trunk) < 0) {
        leg_drop_dialog(leg, ld);
        return 503;
    }
    txn_server_set_owner(st, flow.owner);
    txn_server_join(st, dialog_str(d, DIALOG_LOCAL_TAG));
    session_answer(leg, st);
    pass_request(leg, leg_other(leg), &(struct leg_arg){.msg = m, .st = st, .dlg = ld});
    ld->place->young = false;
    if (ld->place->over || !pass_invite_pending(ld))
        replaces_over(ld); /* it has been answered */
    return 0;
}

/* A right that a REFER across gave is good whatever `refer` says: the trunk that asked for the transfer has it from its own `refer pass`. */
static bool bears_right(const struct calls *cs, const struct msg *m)
{
    struct replaces r;
    struct ident id;

    return replaces_parse(msg_value(m, HDR_REPLACES), &r) == 0 &&
           ident_open(cs->ident, r.from_tag, &id) != -EINVAL && id.kind == IDENT_RIGHT;
}

static void refuse(struct calls *cs, struct txn_server *st, const struct conf_trunk *t,
                   unsigned status)
{
    stat_inc(cs->stats, STAT_replaces_refused);
    log_limited(LOG_INFO, "replaces_refused", "trunk=%s status=%u", t->name, status);
    if (status == 420)
        headers_refuse(st, status, SPAN("Unsupported"), SPAN("replaces"));
    else
        headers_refuse(st, status, SPAN_NONE, SPAN_NONE);
}

bool replaces_invite(struct calls *cs, struct txn_server *st, const struct msg *m,
                     const struct flow *f, uint32_t trunk)
{
    const struct conf_trunk *t = &cs->view->conf->trunk.v[trunk];
    bool served = t->refer != CONF_REFER_REJECT || bears_right(cs, m);
    bool must = msg_has_option(m, HDR_REQUIRE, SPAN("replaces"));
    unsigned status;
    struct ldlg *old;

    if (!served && must) {
        stat_inc(cs->stats, STAT_replaces);
        refuse(cs, st, t, 420);
        return true;
    }
    if (!served || !msg_hdr(m, HDR_REPLACES, 0))
        return false;
    stat_inc(cs->stats, STAT_replaces);
    status = place_of(cs, m, trunk, &old);
    if (status == 0)
        status = place_begin(old, st, m, f, trunk);
    if (status)
        refuse(cs, st, t, status);
    return true;
}

/* ---- and its end ------------------------------------------------------------------------------------------------- */

void replaces_done(struct ldlg *ld)
{
    struct leg *leg = ld->leg;
    struct calls *cs = leg->call->calls;
    struct place *p = ld->place;
    struct ldlg *old = leg->main;
    const struct conf_trunk *conf = leg->trunk.conf;

    ld->place = NULL;
    leg->main = ld;
    dialog_set_state(ld->d, DIALOG_CONFIRMED);
    ldlg_join(ld, old->peer);
    leg->flow = ld->d->flow;
    leg->invite_cseq = p->invite_cseq;
    leg->refer_cseq = leg->refer_cseq_asked = 0;
    leg->is_unheard = false;
    if (leg->invite_ct)
        txn_client_detach(leg->invite_ct);
    leg->invite_ct = NULL;
    leg->trunk.conf = p->conf; /* the BYE goes to who was there */
    leg_send_bye(leg, old);
    leg->trunk.conf = conf;
    leg_drop_dialog(leg, old);
    stat_inc(cs->stats, STAT_replaces_done);
    log_ev(LOG_INFO, "replaced", "call=%s side=%s trunk=%s", leg->call->uuid,
           leg->is_in ? "in" : "out", conf->name);
    gen_give(cs, p->gen);
    blocks_put(cs->blocks, p, p->cap);
}

void replaces_over(struct ldlg *ld)
{
    struct leg *leg = ld->leg;
    struct calls *cs = leg->call->calls;
    struct place *p = ld->place;

    if (p->young) {
        p->over = true;
        return;
    }
    stat_inc(cs->stats, STAT_replaces_refused);
    gen_give(cs, leg->trunk.gen);
    leg->trunk.conf = p->conf;
    leg->trunk.gen = p->gen;
    leg->endpoint = p->endpoint;
    leg->update = p->update;
    leg->privacy = p->privacy;
    ld->place = NULL;
    blocks_put(cs->blocks, p, p->cap);
    leg_drop_dialog(leg, ld);
}
