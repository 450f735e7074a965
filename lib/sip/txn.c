/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The set of transactions of one worker: matching (RFC 3261 §17.1.3, §17.2.3), CANCEL (§9.2), merged requests (§8.2.2.2).
 * dispatch calls it with each message; the machines are in txn_client.c and txn_server.c.
 */
#include <errno.h>
#include <stdlib.h>
#include "core/log.h"
#include "sip/txn_priv.h"

/* Where the key's two hashes start; any two different numbers. */
#define SEED_HASH  0x5117u
#define SEED_CHECK 0xc4ecu

static uint64_t hash_more(struct span s, uint64_t seed)
{
    return hash_bytes(s.p ? s.p : "", s.len, seed);
}

static bool has_cookie(struct span branch)
{
    return branch.len > TXN_COOKIE_LEN &&
           span_case_eq((struct span){branch.p, TXN_COOKIE_LEN}, SPAN(TXN_COOKIE));
}

/*
 * RFC 3261: branch, sent-by, method. RFC 2543 (no cookie): Call-ID, From tag, CSeq number, Via and method; the To tag is left out
 * because the ACK has ours, the Request-URI because no two requests of one Call-ID and CSeq differ in it alone.
 */
static uint64_t key_part(const struct txn_match *m, enum sip_method method, uint64_t seed)
{
    uint64_t h = seed ^ ((uint64_t)method << 32 | m->port);

    if (method == SIP_UNKNOWN)
        h = hash_more(m->method_name, h);
    h = hash_more(m->host, h);
    h = hash_more(m->branch, h);
    if (has_cookie(m->branch))
        return h;
    h = hash_more(m->call_id, h ^ m->cseq);
    return hash_more(m->from_tag, h);
}

struct txn_key txn_key(const struct txn_match *m, enum sip_method method)
{
    return (struct txn_key){key_part(m, method, SEED_HASH), key_part(m, method, SEED_CHECK)};
}

static struct txn_match match_of_peek(const struct peek *p)
{
    return (struct txn_match){
        .method = p->method,
        .method_name = p->method_name,
        .branch = p->via_branch,
        .host = p->via_host,
        .port = p->via_port,
        .call_id = p->call_id,
        .from_tag = p->from_tag,
        .cseq = p->cseq,
    };
}

static struct txn_match match_of_msg(const struct msg *m)
{
    return (struct txn_match){
        .method = m->method,
        .method_name = m->method_name,
        .branch = m->via.branch,
        .host = m->via.host,
        .port = m->via.port,
        .call_id = m->call_id,
        .from_tag = m->from.tag,
        .cseq = m->cseq,
    };
}

/* An ACK belongs to the INVITE; a CANCEL is a transaction of its own. */
static enum sip_method key_method(enum sip_method m)
{
    return m == SIP_ACK ? SIP_INVITE : m;
}

/* ---- responses ---- */

static struct txn_client *find_client(struct txns *t, struct span branch, enum sip_method method)
{
    struct ident id;

    if (!has_cookie(branch))
        return NULL;
    branch.p += TXN_COOKIE_LEN;
    branch.len -= TXN_COOKIE_LEN;
    if (ident_open(t->p.ident, branch, &id) != 0 || id.kind != IDENT_BRANCH ||
        id.worker != t->self.worker)
        return NULL;
    return txn_client_find(t, id.serial, method);
}

static bool absorb_response(struct txns *t, const struct peek *p)
{
    struct txn_client *ct = find_client(t, p->via_branch, p->cseq_method);
    const struct txn_client_input nothing = {0};

    if (!ct) {
        if (p->cseq_method == SIP_INVITE && p->status / 100 == 2)
            return false; /* the dialog acknowledges it again */
        stat_inc(t->p.stats, STAT_sip_stray_response);
        return true;
    }
    if (!txn_client_can_absorb(ct, p->status))
        return false;
    stat_inc(t->p.stats, STAT_sip_absorbed);
    txn_client_step(ct, txn_client_event_of(p->status), &nothing);
    return true;
}

static int recv_response(struct txns *t, const struct msg *m, const struct flow *f)
{
    struct txn_client *ct = find_client(t, m->via.branch, m->cseq_method);
    const struct txn_client_input in = {m, f};

    if (ct) {
        txn_client_step(ct, txn_client_event_of(m->status), &in);
        return 0;
    }
    stat_inc(t->p.stats, STAT_sip_stray_response);
    if (m->cseq_method == SIP_INVITE && m->status / 100 == 2)
        t->p.tu_ops->on_stray_response(t->p.tu, m, f);
    return -ENOENT;
}

void txn_unsent(struct txns *t, const struct peek *p)
{
    struct txn_client *ct = NULL;

    if (p->is_request && p->method != SIP_ACK)
        ct = find_client(t, p->via_branch, p->method);
    if (ct && txn_client_unsent(ct))
        return;
    stat_inc(t->p.stats, STAT_txn_unsent);
}

/* ---- requests ---- */

static bool absorb_request(struct txns *t, const struct peek *p)
{
    const struct txn_match match = match_of_peek(p);
    struct txn_server *st = txn_server_find(t, txn_key(&match, key_method(p->method)));

    if (!st || (p->method == SIP_ACK && st->state == TXN_S_ACCEPTED))
        return false; /* new, or an ACK to a 2xx (§13.2.2.4) */
    stat_inc(t->p.stats, STAT_sip_absorbed);
    txn_server_step(st, p->method == SIP_ACK ? TXN_SE_ACK : TXN_SE_REQUEST);
    return true;
}

bool txn_absorb(struct txns *t, const struct peek *p, const struct flow *f)
{
    (void)f; /* a retransmission is answered where its first copy was */
    if (!p->complete)
        return false;
    return p->is_request ? absorb_request(t, p) : absorb_response(t, p);
}

/* No room for a transaction: answer without one, so that the peer may try elsewhere at once. */
static int refuse(struct txns *t, const struct msg *m, const struct flow *f)
{
    struct flow to = *f;
    char tag[IDENT_LEN];
    struct build *b = &t->build;

    stat_inc(t->p.stats, STAT_txn_no_room);
    ident_seal(t->p.ident, IDENT_TAG, ident_next_serial(t->p.ident), tag);
    flow_of_response(&to, m->via.has_rport, m->via.port);
    build_init(b, t->scratch, sizeof(t->scratch));
    build_response(b, m,
                   &(struct build_response){
                       .status = 503,
                       .to_tag = {tag, sizeof(tag)},
                       .source = &f->remote,
                   });
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        t->p.transport->send(t->p.transport, &to, b->p, b->len);
    return -ENOMEM;
}

/* §9.2: the CANCEL is answered by itself; the INVITE it names gets its 487 from the TU. */
static void recv_cancel(struct txns *t, struct txn_server *st, const struct msg *m)
{
    const struct txn_match match = match_of_msg(m);
    struct txn_server *invite = txn_server_find(t, txn_key(&match, SIP_INVITE));

    if (!invite) {
        stat_inc(t->p.stats, STAT_txn_cancel_unmatched);
        txn_server_reply(st, 481, SPAN_NONE, SPAN_NONE);
        return;
    }
    txn_server_reply(st, 200, SPAN_NONE, SPAN_NONE);
    if (!txn_server_is_final(invite))
        t->p.tu_ops->on_cancel(t->p.tu, invite, m);
}

static void to_tu(struct txns *t, struct txn_server *st, const struct msg *m, const struct flow *f)
{
    t->p.tu_ops->on_request(t->p.tu, st, m, f);
    /* nobody has taken it and nobody will answer: the peer must not wait for ever */
    if (t->fresh && !st->cb && !txn_server_is_final(st))
        txn_server_reply(st, 500, SPAN_NONE, SPAN_NONE);
}

/* What goes on or ends is let in beyond the room that is left for what begins. */
static bool has_room(const struct txns *t, const struct msg *m)
{
    return t->room == 0 || t->server.count < t->room || !span_is_empty(m->to.tag) ||
           m->method == SIP_CANCEL;
}

static int recv_new(struct txns *t, const struct msg *m, const struct flow *f, struct txn_key k)
{
    struct txn_server *st = has_room(t, m) ? txn_server_new(t, m, f, k) : NULL;

    if (!st)
        return refuse(t, m, f);
    if (m->method == SIP_CANCEL) {
        recv_cancel(t, st, m);
        return 0;
    }
    if (span_is_empty(m->to.tag) && txn_server_is_merged(st, m)) {
        stat_inc(t->p.stats, STAT_txn_merged);
        txn_server_reply(st, 482, SPAN_NONE, SPAN_NONE);
        return 0;
    }
    t->fresh = st;
    if (m->method == SIP_INVITE && !t->p.late_100)
        txn_server_send_100(st, m);
    if (t->fresh) /* the transport may have refused the 100 */
        to_tu(t, st, m, f);
    t->fresh = NULL;
    return 0;
}

static int recv_request(struct txns *t, const struct msg *m, const struct flow *f)
{
    const struct txn_match match = match_of_msg(m);
    struct txn_key k = txn_key(&match, key_method(m->method));
    struct txn_server *st = txn_server_find(t, k);

    if (m->method == SIP_ACK) {
        if (st && st->state != TXN_S_ACCEPTED)
            txn_server_step(st, TXN_SE_ACK);
        else
            t->p.tu_ops->on_request(t->p.tu, NULL, m, f);
        return 0;
    }
    if (!st)
        return recv_new(t, m, f, k);
    txn_server_step(st, TXN_SE_REQUEST);
    return 0;
}

int txn_recv(struct txns *t, const struct msg *m, const struct flow *f)
{
    return m->is_request ? recv_request(t, m, f) : recv_response(t, m, f);
}

/* ---- the set ---- */

struct txns_count txns_count(const struct txns *t)
{
    return (struct txns_count){t->server.count, t->client.count, t->merged.count};
}

static int learn_self(struct txns *t)
{
    char token[IDENT_LEN];

    ident_seal(t->p.ident, IDENT_BRANCH, 0, token);
    return ident_open(t->p.ident, (struct span){token, sizeof(token)}, &t->self);
}

void txns_set_room(struct txns *t, size_t room)
{
    t->room = room;
}

struct txns *txns_new(const struct txns_param *p)
{
    struct txns *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->p = *p;
    pool_init(&t->server_pool, "txn_server", sizeof(struct txn_server), p->limit);
    pool_init(&t->client_pool, "txn_client", sizeof(struct txn_client), p->limit);
    if (learn_self(t) < 0 || htab_init(&t->server, 0) < 0 || htab_init(&t->merged, 0) < 0 ||
        htab_init(&t->client, 0) < 0) {
        txns_free(t);
        return NULL;
    }
    return t;
}

static bool free_server(struct htab_node *n, void *arg)
{
    (void)arg;
    txn_server_free(container_of(n, struct txn_server, node));
    return true;
}

static bool free_client(struct htab_node *n, void *arg)
{
    (void)arg;
    txn_client_free(container_of(n, struct txn_client, node));
    return true;
}

void txns_free(struct txns *t)
{
    if (!t)
        return;
    if (t->server.bucket)
        htab_each(&t->server, free_server, NULL);
    if (t->client.bucket)
        htab_each(&t->client, free_client, NULL);
    htab_fini(&t->server);
    htab_fini(&t->merged);
    htab_fini(&t->client);
    pool_fini(&t->server_pool, 0);
    pool_fini(&t->client_pool, 0);
    free(t);
}
