/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owner, verdict and stateless answers from a peek.
 * dispatch asks it for each datagram before anything is parsed; it must not know transactions, trunks or calls.
 */
#include "sip/gate.h"

#include <errno.h>
#include "core/addr.h"
#include "core/err.h"
#include "core/htab.h"
#include "sip/build.h"
#include "sip/hdr.h"

#define COOKIE SPAN("z9hG4bK")
/*
 * Serials of tags in stateless answers have the top bit, which counting never reaches (2^47 at 3,000 a second: 1,400 years), or are 0,
 * where counting never begins (answers to what could not be parsed).
 */
#define STATELESS_BIT (UINT64_C(1) << 47)
#define VIAS_MAX      70 /* as msg_parse: more hops are a loop */

void gate_init(struct gate *g, struct ident_key *ident, struct stats *stats, uint16_t node,
               uint8_t worker, uint16_t n_workers)
{
    *g = (struct gate){
        .ident = ident, .stats = stats, .node = node, .worker = worker, .n_workers = n_workers};
    for (unsigned i = 0; i < GATE_MAX_WORKERS; i++)
        g->map[i] = (uint8_t)(i % n_workers);
}

static bool open_ours(const struct gate *g, struct span token, enum ident_kind kind,
                      struct ident *id)
{
    int err = token.len == IDENT_LEN ? ident_open(g->ident, token, id) : -EINVAL;

    return (err == 0 || err == TD_ESTALE) && id->kind == kind && id->node == g->node;
}

/* The token that names the owner, opened. */
static bool owner_token(const struct gate *g, const struct peek *p, struct ident *id)
{
    struct span branch = p->via_branch;

    if (p->is_request)
        return open_ours(g, p->to_tag, IDENT_TAG, id);
    if (branch.len <= COOKIE.len || !span_case_eq((struct span){branch.p, COOKIE.len}, COOKIE))
        return false;
    branch.p += COOKIE.len;
    branch.len -= COOKIE.len;
    return open_ours(g, branch, IDENT_BRANCH, id);
}

static uint8_t hashed_owner(const struct gate *g, const struct peek *p)
{
    /* multiply instead of modulo: the high bits of the hash choose, the tables use the low ones */
    uint64_t h = hash_span(p->call_id.p ? p->call_id : SPAN(""));

    return (uint8_t)((h >> 32) * g->n_workers >> 32);
}

/* RFC 3891 §3: the dialog that an INVITE replaces is named by our tag, its to-tag. */
static bool replaced_owner(const struct gate *g, const struct peek *p, uint8_t *worker)
{
    struct span call_id, params, tag;
    struct ident id;

    if (span_is_empty(p->replaces) || !span_is_empty(p->to_tag) ||
        !span_cut(p->replaces, ';', &call_id, &params))
        return false;
    params.p--; /* with its ';' */
    params.len++;
    if (!hdr_param(params, SPAN("to-tag"), &tag) ||
        (!open_ours(g, tag, IDENT_TAG, &id) && !open_ours(g, tag, IDENT_REPLACES, &id)))
        return false;
    *worker = g->map[id.worker];
    return true;
}

uint8_t gate_owner(const struct gate *g, const struct peek *p, bool *is_ours)
{
    struct ident id;
    uint8_t worker;

    *is_ours = owner_token(g, p, &id);
    if (*is_ours)
        return g->map[id.worker];
    return p->is_request && replaced_owner(g, p, &worker) ? worker : hashed_owner(g, p);
}

/* ---- CANCEL of an INVITE with Replaces ---- */

static uint64_t mark_key(const struct peek *p)
{
    return hash_bytes(p->call_id.p, p->call_id.len, hash_span(p->via_branch)) | 1;
}

/* Where does what names no dialog of ours go? An INVITE that is not where its Call-ID would have it is remembered. */
static uint8_t begun_owner(struct gate *g, const struct peek *p)
{
    uint8_t hashed = hashed_owner(g, p), worker;
    uint64_t key;

    if (g->n_workers == 1 || !p->is_request)
        return hashed;
    if (replaced_owner(g, p, &worker)) {
        if (worker == hashed)
            return hashed;
        key = mark_key(p);
        for (unsigned i = 0; i < GATE_MARKS; i++)
            if (g->mark[i].key == key)
                return worker; /* a repetition */
        g->mark[g->next_mark].key = key;
        g->mark[g->next_mark].worker = worker;
        g->next_mark = (uint8_t)((g->next_mark + 1) % GATE_MARKS);
        return worker;
    }
    if (p->method != SIP_CANCEL)
        return hashed;
    key = mark_key(p);
    for (unsigned i = 0; i < GATE_MARKS; i++)
        if (g->mark[i].key == key)
            return g->mark[i].worker;
    return hashed;
}

static bool begins_something(const struct peek *p)
{
    return p->is_request && span_is_empty(p->to_tag) && p->method != SIP_ACK &&
           p->method != SIP_CANCEL;
}

bool gate_may_wait(const struct peek *p)
{
    return p->complete && (begins_something(p) || (p->is_request && p->method == SIP_CANCEL));
}

static bool is_shed(const struct peek *p, enum gate_level level)
{
    static const enum gate_level shed_from[SIP_CLASS_N] = {
        [SIP_CLASS_ORDINARY] = GATE_LEVEL_ORDINARY,
        [SIP_CLASS_SERVICE] = GATE_LEVEL_ORDINARY,
        [SIP_CLASS_PRIORITY] = GATE_LEVEL_PRIORITY,
        [SIP_CLASS_EMERGENCY] = GATE_LEVEL_ALL,
    };

    return level != GATE_LEVEL_OPEN && begins_something(p) && level >= shed_from[p->cls];
}

static bool is_stateless(const struct ident *id)
{
    return (id->serial & STATELESS_BIT) || id->serial == 0;
}

/* What bears no token of ours and comes from a source that nobody knows. */
enum gate_verdict gate_refuse(const struct gate *g, const struct peek *p, enum gate_source src)
{
    if (src == GATE_SRC_403 && p->is_request && p->complete && p->method != SIP_ACK) {
        stat_inc(g->stats, STAT_gate_403);
        return GATE_403;
    }
    stat_inc(g->stats, STAT_gate_dropped);
    return GATE_DROP;
}

enum gate_verdict gate_decide(struct gate *g, const struct peek *p, enum gate_source src,
                              enum gate_level level, uint8_t *worker)
{
    struct ident id = {0};
    bool ours = p->complete && owner_token(g, p, &id);
    uint8_t owner;

    /* a stranger has the tag of a stateless answer from our 403: it opens no door */
    if (src != GATE_SRC_KNOWN &&
        (!ours || (p->is_request && p->method != SIP_ACK && is_stateless(&id))))
        return gate_refuse(g, p, src);
    if (!p->complete)
        return GATE_HERE; /* any worker can word the 400 */
    if (!ours && !p->is_request) {
        stat_inc(g->stats, STAT_sip_stray_response); /* §18.1.2: the top Via is not ours */
        return GATE_DROP;
    }
    if (ours && p->method == SIP_ACK && p->is_request && is_stateless(&id)) {
        stat_inc(g->stats, STAT_sip_absorbed); /* the ACK to a stateless answer */
        return GATE_DROP;
    }
    owner = ours ? g->map[id.worker] : begun_owner(g, p);
    if (owner != g->worker) {
        stat_inc(g->stats, STAT_gate_handed);
        *worker = owner;
        return GATE_HAND;
    }
    if (is_shed(p, level)) {
        stat_inc(g->stats, STAT_gate_shed);
        return GATE_SHED;
    }
    return GATE_HERE;
}

/* ---- stateless answers ---- */

/* The same tag for each copy of a request (§8.2.7). */
static void stateless_tag(const struct gate *g, const struct peek *p, char tag[IDENT_LEN])
{
    uint64_t h = hash_bytes(p->call_id.p, p->call_id.len, p->cseq);

    ident_seal(g->ident, IDENT_TAG, (h & (STATELESS_BIT - 1)) | STATELESS_BIT, tag);
}

/* Where ";rport" without a value ends in a Via member, or 0. */
static size_t rport_end(struct span via)
{
    const struct span name = SPAN(";rport");

    for (size_t i = 0; i + name.len <= via.len; i++) {
        size_t end = i + name.len;
        if (via.p[i] == ';' && span_case_eq((struct span){via.p + i, name.len}, name) &&
            (end == via.len || via.p[end] == ';' || via.p[end] == ' '))
            return end;
    }
    return 0;
}

/* The first Via line: its top member gets received and rport (§18.2.1, RFC 3581 §4). */
static void build_top_via(struct build *b, struct span value, const struct addr *source)
{
    struct span member = SPAN_NONE;
    char ip[ADDR_STRLEN];
    size_t cut;

    build_str(b, "Via: ");
    hdr_list_next(&value, &member);
    cut = rport_end(member);
    build_safe(b, (struct span){member.p, cut > 0 ? cut : member.len});
    if (cut > 0) {
        build_char(b, '=');
        build_u32(b, source->port);
        build_safe(b, (struct span){member.p + cut, member.len - cut});
    }
    build_str(b, ";received=");
    build_str(b, addr_ip_str(source, ip));
    if (!span_is_empty(span_trim(value))) {
        build_str(b, ", ");
        build_safe(b, span_trim(value));
    }
    build_str(b, "\r\n");
}

static void build_to_line(struct build *b, const struct gate *g, const struct peek *p,
                          struct span value)
{
    char tag[IDENT_LEN];

    build_str(b, "To: ");
    build_safe(b, value);
    if (span_is_empty(p->to_tag)) {
        stateless_tag(g, p, tag);
        build_str(b, ";tag=");
        build_span(b, (struct span){tag, sizeof(tag)});
    }
    build_str(b, "\r\n");
}

/* @return 0; -EBADMSG a header that the answer needs is missing or there are too many Vias */
static int build_headers(struct build *b, const struct gate *g, const struct gate_reply_param *r,
                         const struct addr *source)
{
    struct span rest = {r->buf + r->peek->head_len, r->len - r->peek->head_len};
    unsigned vias = 0, seen = 0;
    struct hdr h;
    int more;

    while ((more = hdr_next(&rest, &h)) == 1) {
        unsigned bit = 1u << (h.id < 32 ? (unsigned)h.id : 0);
        if (h.id == HDR_VIA) {
            if (vias++ == 0)
                build_top_via(b, h.value, source);
            else
                build_hdr(b, SPAN("Via"), h.value);
        } else if (h.id == HDR_TO && !(seen & bit)) {
            build_to_line(b, g, r->peek, h.value);
        } else if ((h.id == HDR_FROM || h.id == HDR_CALL_ID || h.id == HDR_CSEQ) && !(seen & bit)) {
            build_hdr(b, hdr_name(h.id), h.value);
        }
        seen |= bit;
    }
    bool all = (seen >> HDR_TO & 1) && (seen >> HDR_FROM & 1) && (seen >> HDR_CALL_ID & 1) &&
               (seen >> HDR_CSEQ & 1) && vias > 0 && vias <= VIAS_MAX;
    return more == 0 && all ? 0 : -EBADMSG;
}

_Static_assert(HDR_VIA < 32 && HDR_TO < 32 && HDR_FROM < 32 && HDR_CALL_ID < 32 && HDR_CSEQ < 32,
               "seen is a 32-bit set of the first headers");

int gate_reply(const struct gate *g, const struct gate_reply_param *p, struct flow *f, char *out,
               size_t cap)
{
    struct build b;
    int err;

    if (!p->peek->is_request || p->peek->method == SIP_ACK || p->peek->head_len > p->len)
        return -EBADMSG;
    build_init(&b, out, cap);
    build_status_line(&b, (uint16_t)p->status, NULL);
    err = build_headers(&b, g, p, &f->remote);
    if (err < 0)
        return err;
    if (p->retry_after_s > 0)
        build_hdr_u32(&b, SPAN("Retry-After"), p->retry_after_s);
    if (build_end(&b, SPAN_NONE, SPAN_NONE) < 0)
        return -ENOSPC;
    flow_of_response(f, p->peek->has_rport, p->peek->via_port);
    return (int)b.len;
}
