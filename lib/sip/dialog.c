/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dialogs: table, identity, CSeq order, targets and routes, requests (RFC 3261 §12).
 * Legs call it; 2xx and ACK are in dialog_ack.c, where requests go in dialog_target.c, records in dialog_save.c. It must not know calls, trunks or media.
 */
#include <errno.h>
#include <stdlib.h>
#include "core/err.h"
#include "core/log.h"
#include "sip/dialog_priv.h"

#define MAX_FORWARDS 70 /* §8.1.1.6 */

/* ---- table ---- */

static uint64_t key_hash(const struct ident *id)
{
    const uint64_t key[2] = {id->serial | (uint64_t)id->worker << 48,
                             id->epoch | (uint64_t)id->node << 32};

    return hash_bytes(key, sizeof(key), 0);
}

static bool is_key(const struct dialog *d, const struct ident *id)
{
    return d->serial == id->serial && d->epoch == id->epoch && d->worker == id->worker &&
           d->node_id == id->node;
}

/* Our tag, of any boot epoch and worker: restored dialogs keep theirs. */
static bool open_tag(struct dialogs *ds, struct span tag, struct ident *id)
{
    int err = ident_open(ds->p.ident, tag, id);

    return (err == 0 || err == TD_ESTALE) && id->kind == IDENT_TAG;
}

int dialog_find_tags(struct dialogs *ds, struct span local_tag, struct span remote_tag,
                     struct span call_id, struct dialog **out)
{
    struct ident id;
    struct htab_node *n;

    if (!open_tag(ds, local_tag, &id))
        return -ENOENT;
    for (n = htab_first(&ds->table, key_hash(&id)); n; n = htab_next(n)) {
        struct dialog *d = container_of(n, struct dialog, node);
        if (is_key(d, &id) && span_eq(dialog_str(d, DIALOG_REMOTE_TAG), remote_tag) &&
            span_eq(dialog_str(d, DIALOG_CALL_ID), call_id)) {
            *out = d;
            return 0;
        }
    }
    return -ENOENT;
}

int dialog_find_tag(struct dialogs *ds, struct span local_tag, struct dialog **out)
{
    struct ident id;

    *out = NULL;
    if (!open_tag(ds, local_tag, &id))
        return -ENOENT;
    for (struct htab_node *n = htab_first(&ds->table, key_hash(&id)); n; n = htab_next(n)) {
        struct dialog *d = container_of(n, struct dialog, node);

        if (is_key(d, &id) && (!*out || d->state == DIALOG_CONFIRMED))
            *out = d;
    }
    return *out ? 0 : -ENOENT;
}

int dialog_find(struct dialogs *ds, const struct msg *m, struct dialog **out)
{
    return dialog_find_tags(ds, m->to.tag, m->from.tag, m->call_id, out);
}

int dialog_find_response(struct dialogs *ds, const struct msg *m, struct dialog **out)
{
    int err = dialog_find_tags(ds, m->from.tag, m->to.tag, m->call_id, out);

    if (err == -ENOENT && !span_is_empty(m->to.tag))
        err = dialog_find_tags(ds, m->from.tag, SPAN_NONE, m->call_id, out);
    return err;
}

/* ---- strings ---- */

struct span dialog_str(const struct dialog *d, enum dialog_str which)
{
    size_t at = 0;

    for (unsigned i = 0; i < (unsigned)which; i++)
        at += d->len[i];
    return (struct span){d->strs + at, d->len[which]};
}

int dialog_set_strs(struct dialog *d, const struct span s[DIALOG_N_STRS])
{
    size_t total = 0, at = 0;
    char *p;

    for (unsigned i = 0; i < DIALOG_N_STRS; i++) {
        if (s[i].len > UINT16_MAX)
            return -EINVAL;
        total += s[i].len;
    }
    p = malloc(total ? total : 1); /* exact: 100,000 dialogs stand for hours */
    if (!p)
        return -ENOMEM;
    for (unsigned i = 0; i < DIALOG_N_STRS; i++) {
        if (s[i].len > 0)
            memcpy(p + at, s[i].p, s[i].len);
        at += s[i].len;
        d->len[i] = (uint16_t)s[i].len;
    }
    free(d->strs); /* last: s may point into it */
    d->strs = p;
    return 0;
}

static void get_strs(const struct dialog *d, struct span s[DIALOG_N_STRS])
{
    for (unsigned i = 0; i < DIALOG_N_STRS; i++)
        s[i] = dialog_str(d, i);
}

/* ---- life ---- */

struct dialog *dialog_alloc(struct dialogs *ds)
{
    struct dialog *d = pool_get(&ds->pool);

    if (d)
        d->dialogs = ds;
    return d;
}

void dialog_insert(struct dialog *d, const struct ident *id)
{
    d->serial = id->serial;
    d->epoch = id->epoch;
    d->worker = id->worker;
    d->node_id = id->node;
    htab_add(&d->dialogs->table, &d->node, key_hash(id));
}

void dialog_discard(struct dialog *d)
{
    dialog_2xx_stop(d);
    dialog_drop_target(d);
    wire_free(d->dialogs->p.blocks, d->ack);
    free(d->strs);
    pool_put(&d->dialogs->pool, d);
}

void dialog_free(struct dialog *d)
{
    if (!d)
        return;
    htab_del(&d->dialogs->table, &d->node);
    dialog_discard(d);
}

/* A dialog with these strings, the local tag made here; in the table. */
static int make(struct dialogs *ds, struct span s[DIALOG_N_STRS], struct dialog **out)
{
    struct ident id = ds->self;
    char tag[IDENT_LEN];
    struct dialog *d = dialog_alloc(ds);
    int err;

    if (!d)
        return -ENOMEM;
    id.serial = ident_next_serial(ds->p.ident);
    ident_seal(ds->p.ident, IDENT_TAG, id.serial, tag);
    s[DIALOG_LOCAL_TAG] = (struct span){tag, sizeof(tag)};
    err = dialog_set_strs(d, s);
    if (err < 0) {
        dialog_discard(d);
        return err;
    }
    dialog_insert(d, &id);
    *out = d;
    return 0;
}

void dialog_set_state(struct dialog *d, enum dialog_state s)
{
    static const char *const name[] = {"init", "early", "confirmed", "ended"};

    if (log_level() >= LOG_DEBUG)
        log_ev(LOG_DEBUG, "dialog", "dialog=%p from=%s to=%s", (void *)d, name[d->state], name[s]);
    d->state = (uint8_t)s;
}

/* ---- where requests go ---- */

void dialog_set_flow(struct dialog *d, const struct flow *f)
{
    d->flow = *f;
    d->is_pinned = true;
}

/* Record-Route as a route set, joined in ds->scratch. */
static int join_routes(struct dialogs *ds, const struct msg *m, bool reverse, struct span *out)
{
    struct span route[MSG_ROUTES_MAX];
    struct build b;
    int n = msg_route_set(m, reverse, route, MSG_ROUTES_MAX);

    if (n < 0)
        return n;
    build_init(&b, ds->scratch, sizeof(ds->scratch));
    for (int i = 0; i < n; i++) {
        if (i > 0)
            build_str(&b, ", ");
        build_safe(&b, route[i]);
    }
    *out = build_text(&b);
    return b.overflow ? -E2BIG : 0;
}

/* name-addr without header parameters: what goes back in From and To beside the tag. */
static struct span without_params(const struct name_addr *a)
{
    struct span s = a->raw;

    if (!span_is_empty(a->params))
        s.len = (size_t)(a->params.p - a->raw.p);
    return span_trim(s);
}

static bool has_target(const struct msg *m)
{
    return m->n_contacts > 0 && !m->contact[0].is_star && !span_is_empty(m->contact[0].uri);
}

/* ---- making dialogs ---- */

int dialog_new_uas(struct dialogs *ds, const struct msg *m, const struct flow *f,
                   struct span contact, struct dialog **out)
{
    struct span s[DIALOG_N_STRS] = {
        [DIALOG_CALL_ID] = m->call_id,
        [DIALOG_REMOTE_TAG] = m->from.tag,
        [DIALOG_LOCAL] = without_params(&m->to),
        [DIALOG_REMOTE] = without_params(&m->from),
        [DIALOG_CONTACT] = contact,
    };
    struct dialog *d;
    int err;

    if (!has_target(m) || join_routes(ds, m, false, &s[DIALOG_ROUTES]) < 0)
        return -EBADMSG;
    s[DIALOG_TARGET] = m->contact[0].uri;
    err = make(ds, s, &d);
    if (err < 0)
        return err == -EINVAL ? -EBADMSG : err;
    d->flow = *f;
    d->remote_cseq = m->cseq;
    d->has_remote_cseq = true;
    d->secure = m->uri.scheme == URI_SIPS;
    dialog_set_state(d, DIALOG_EARLY);
    dialog_follow_target(d);
    *out = d;
    return 0;
}

int dialog_new_uac(struct dialogs *ds, const struct dialog_uac_param *p, struct dialog **out)
{
    struct span s[DIALOG_N_STRS] = {
        [DIALOG_CALL_ID] = p->call_id, [DIALOG_LOCAL] = p->local,   [DIALOG_REMOTE] = p->remote,
        [DIALOG_TARGET] = p->target,   [DIALOG_ROUTES] = p->routes, [DIALOG_CONTACT] = p->contact,
    };
    struct dialog *d;
    int err = make(ds, s, &d);

    if (err < 0)
        return err;
    d->flow = p->flow;
    d->is_uac = true;
    d->local_cseq = p->cseq - 1;
    d->secure = span_has_prefix(p->target, SPAN("sips:"));
    *out = d;
    return 0;
}

int dialog_fork(struct dialog *d, const struct msg *m, struct dialog **out)
{
    struct dialogs *ds = d->dialogs;
    struct span s[DIALOG_N_STRS];
    struct ident id = {
        .serial = d->serial, .epoch = d->epoch, .worker = d->worker, .node = d->node_id};
    struct dialog *fork;
    int err;

    if (span_is_empty(m->to.tag))
        return -EINVAL;
    fork = dialog_alloc(ds);
    if (!fork)
        return -ENOMEM;
    get_strs(d, s);
    s[DIALOG_REMOTE_TAG] = SPAN_NONE;
    err = dialog_set_strs(fork, s);
    if (err < 0) {
        dialog_discard(fork);
        return err;
    }
    fork->flow = d->flow;
    fork->is_uac = true;
    fork->is_pinned = d->is_pinned;
    fork->secure = d->secure;
    fork->local_cseq = d->local_cseq;
    dialog_insert(fork, &id);
    err = dialog_on_response(fork, m);
    if (err == -ENOMEM) {
        dialog_free(fork);
        return err;
    }
    *out = fork;
    return 0;
}

int dialog_fork_uas(const struct dialog *d, struct dialog **out)
{
    struct span s[DIALOG_N_STRS];
    struct dialog *fork;
    int err;

    get_strs(d, s);
    err = make(d->dialogs, s, &fork);
    if (err < 0)
        return err;
    fork->flow = d->flow;
    fork->is_pinned = d->is_pinned;
    fork->remote_cseq = d->remote_cseq;
    fork->has_remote_cseq = d->has_remote_cseq;
    fork->secure = d->secure;
    dialog_set_state(fork, DIALOG_EARLY);
    *out = fork;
    return 0;
}

int dialog_set_auth(struct dialog *d, struct span lines)
{
    struct span s[DIALOG_N_STRS];

    get_strs(d, s);
    s[DIALOG_AUTH] = lines;
    return dialog_set_strs(d, s);
}

/* ---- messages ---- */

static bool is_target_refresh(enum sip_method m)
{
    return m == SIP_INVITE || m == SIP_UPDATE || m == SIP_SUBSCRIBE || m == SIP_NOTIFY ||
           m == SIP_REFER;
}

int dialog_on_request(struct dialog *d, const struct msg *m)
{
    if (m->method == SIP_ACK || m->method == SIP_CANCEL)
        return 0;
    if (d->has_remote_cseq && m->cseq <= d->remote_cseq) {
        stat_inc(d->dialogs->p.stats, STAT_dialog_cseq_order);
        return 500;
    }
    d->remote_cseq = m->cseq;
    d->has_remote_cseq = true;
    if (!is_target_refresh(m->method) || m->n_contacts == 0)
        return 0;
    if (!has_target(m))
        return 400;
    if (m->method == SIP_INVITE || m->method == SIP_UPDATE)
        return dialog_keep_target(d, m) < 0 ? 500 : 0;
    return dialog_set_target(d, m->contact[0].uri) < 0 ? 500 : 0;
}

/* Tag, route set and target of the response that makes the dialog, or that confirms it (§12.1.2, §13.2.2.4). */
static int adopt(struct dialog *d, const struct msg *m)
{
    struct span s[DIALOG_N_STRS];
    int err;

    get_strs(d, s);
    if (m->to.tag.len > 0)
        s[DIALOG_REMOTE_TAG] = m->to.tag;
    if (join_routes(d->dialogs, m, true, &s[DIALOG_ROUTES]) < 0)
        s[DIALOG_ROUTES] = SPAN_NONE;
    if (has_target(m))
        s[DIALOG_TARGET] = m->contact[0].uri;
    err = dialog_set_strs(d, s);
    if (err < 0)
        return err == -EINVAL ? -EBADMSG : err;
    dialog_follow_target(d);
    return m->status >= 200 && !has_target(m) ? -EBADMSG : 0;
}

static bool is_other_tag(const struct dialog *d, const struct msg *m)
{
    struct span tag = dialog_str(d, DIALOG_REMOTE_TAG);

    return d->state != DIALOG_INIT && !span_is_empty(m->to.tag) && !span_eq(tag, m->to.tag);
}

int dialog_on_response(struct dialog *d, const struct msg *m)
{
    bool is_2xx = m->status / 100 == 2;
    bool makes = d->is_uac && m->cseq_method == SIP_INVITE &&
                 (is_2xx || (m->status > 100 && m->status < 200 && !span_is_empty(m->to.tag)));
    enum dialog_state next = is_2xx ? DIALOG_CONFIRMED : DIALOG_EARLY;
    int err = 0;

    if (is_other_tag(d, m))
        return -ENOENT;
    if (makes && d->state < next) {
        err = adopt(d, m);
        if (err != -ENOMEM)
            dialog_set_state(d, next);
    } else if (is_2xx && is_target_refresh(m->cseq_method) && has_target(m)) {
        err = dialog_set_target(d, m->contact[0].uri);
    }
    return err;
}

/* ---- composing ---- */

static void build_party(struct build *b, const char *name, struct span who, struct span tag)
{
    build_str(b, name);
    build_span(b, who);
    if (!span_is_empty(tag)) {
        build_str(b, ";tag=");
        build_span(b, tag);
    }
    build_str(b, "\r\n");
}

/* Request-URI into *uri; Route lines later. A first route without lr is a strict router (§12.2.1.1). */
static bool is_strict(const struct dialog *d, struct name_addr *route, struct span *rest)
{
    return dialog_first_route(d, rest, route) && !uri_param(&route->parsed, SPAN("lr"), NULL);
}

static void build_routes(struct build *b, const struct dialog *d)
{
    struct span routes = dialog_str(d, DIALOG_ROUTES);
    struct name_addr route;
    struct span rest;

    if (span_is_empty(routes))
        return;
    build_str(b, "Route: ");
    if (is_strict(d, &route, &rest)) {
        rest = span_trim(rest);
        build_span(b, rest);
        build_str(b, span_is_empty(rest) ? "<" : ", <");
        build_span(b, dialog_str(d, DIALOG_TARGET));
        build_char(b, '>');
    } else {
        build_span(b, routes);
    }
    build_str(b, "\r\n");
}

void dialog_build_request_line(struct build *b, const struct dialog *d, enum sip_method method)
{
    struct span uri = dialog_str(d, DIALOG_TARGET);
    struct name_addr route;
    struct span rest;

    if (d->len[DIALOG_ROUTES] > 0 && is_strict(d, &route, &rest))
        uri = route.uri;
    build_request_line(b, sip_method_name(method), uri);
}

void dialog_build_headers(struct build *b, const struct dialog *d, enum sip_method method,
                          const struct dialog_head *h)
{
    build_hdr_u32(b, SPAN("Max-Forwards"), h->hops ? h->hops - 1 : MAX_FORWARDS);
    build_party(b, "From: ", dialog_str(d, DIALOG_LOCAL), dialog_str(d, DIALOG_LOCAL_TAG));
    build_party(b, "To: ", dialog_str(d, DIALOG_REMOTE), dialog_str(d, DIALOG_REMOTE_TAG));
    build_str(b, "Call-ID: ");
    build_span(b, dialog_str(d, DIALOG_CALL_ID));
    build_str(b, "\r\nCSeq: ");
    build_u32(b, h->cseq);
    build_char(b, ' ');
    build_span(b, sip_method_name(method));
    build_str(b, "\r\n");
    build_routes(b, d);
    if (is_target_refresh(method)) {
        build_str(b, "Contact: ");
        build_span(b, dialog_str(d, DIALOG_CONTACT));
        build_str(b, "\r\n");
    }
    if (method == SIP_ACK)
        build_span(b, dialog_str(d, DIALOG_AUTH));
    if (d->dialogs->p.on_compose)
        d->dialogs->p.on_compose(d->dialogs->p.tu, d, b);
}

struct build *dialog_request(struct dialog *d, struct txn_client *ct, int max_forwards)
{
    enum sip_method method = txn_client_method(ct);
    struct build *b = txn_client_begin(ct);
    struct dialog_head h = {.cseq = ++d->local_cseq,
                            .hops = max_forwards < 0 ? 0 : (unsigned)max_forwards + 1};

    dialog_build_request_line(b, d, method);
    txn_client_via(ct, b);
    dialog_build_headers(b, d, method, &h);
    return b;
}

/* ---- the set ---- */

uint64_t dialogs_count(const struct dialogs *ds)
{
    return ds->table.count;
}

static int learn_self(struct dialogs *ds)
{
    char token[IDENT_LEN];

    ident_seal(ds->p.ident, IDENT_TAG, 0, token);
    return ident_open(ds->p.ident, (struct span){token, sizeof(token)}, &ds->self);
}

struct dialogs *dialogs_new(const struct dialogs_param *p)
{
    struct dialogs *ds = calloc(1, sizeof(*ds));

    if (!ds)
        return NULL;
    ds->p = *p;
    pool_init(&ds->pool, "dialog", sizeof(struct dialog), p->limit);
    pool_init(&ds->pool_2xx, "dialog_2xx", sizeof(struct dialog_2xx), p->limit);
    if (learn_self(ds) < 0 || htab_init(&ds->table, 0) < 0) {
        free(ds);
        return NULL;
    }
    return ds;
}

static bool free_one(struct htab_node *n, void *arg)
{
    (void)arg;
    dialog_free(container_of(n, struct dialog, node));
    return true;
}

void dialogs_free(struct dialogs *ds)
{
    if (!ds)
        return;
    htab_each(&ds->table, free_one, NULL);
    htab_fini(&ds->table);
    pool_fini(&ds->pool, 0);
    pool_fini(&ds->pool_2xx, 0);
    free(ds);
}
