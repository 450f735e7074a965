/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * REGISTER of PBXs: form, lifetimes, order, binding, answer (RFC 3261 §10.3).
 * Called by tu.c. Nothing is bound before all of the request has been checked: it is taken whole or not at all.
 */
#include "call/registrar.h"

#include <stdio.h>

#include "call/headers.h"
#include "call/invite.h"
#include "call/login.h"
#include "route/binding.h"

/* RFC 3261 §20.19: what a malformed Expires counts as, and no Expires at all. */
#define EXPIRES_DEFAULT_S 3600U

/** A REGISTER as understood. */
struct reg {
    struct calls *cs;
    const struct msg *m;
    const struct flow *flow;
    const struct conf_trunk *trunk;
    uint32_t slot;
    bool all;   /**< Contact: * */
    uint32_t n; /**< contacts named */
    struct registered v[TARGET_BINDINGS_MAX];
    uint64_t ms[TARGET_BINDINGS_MAX]; /**< granted; 0: remove */
};

static void answer(struct calls *cs, struct txn_server *st, unsigned status, struct span name,
                   struct span value)
{
    stat_inc(cs->stats, STAT_registrar_refused);
    headers_refuse(st, status, name, value);
}

/* ---- what it asks for --------------------------------------------------------------------------------------------- */

/* A text that is told back and written into a line of a file. */
static int keep(char *buf, size_t size, struct span s)
{
    if (span_copy(s, buf, size) < 0)
        return -E2BIG;
    for (char *p = buf; *p; p++)
        if (*p == '\t')
            *p = ' ';
    return 0;
}

static uint32_t expires_of(const struct reg *r, const struct name_addr *c)
{
    struct span text = msg_value(r->m, HDR_EXPIRES);
    uint32_t s;

    (void)hdr_param(c->params, SPAN("expires"), &text);
    return span_u32(text, UINT32_MAX, &s) < 0 ? EXPIRES_DEFAULT_S : s;
}

/* Without expires: that is counted down by us. */
static int params_of(struct registered *b, const struct name_addr *c)
{
    struct span rest = c->params, one;
    char text[BINDING_PARAMS_MAX];
    struct build out;

    build_init(&out, text, sizeof text);
    while (!span_is_empty(rest)) {
        struct span name, value;
        size_t n = 1;
        bool quoted = false;

        while (n < rest.len && (quoted || rest.p[n] != ';')) {
            if (rest.p[n] == '"')
                quoted = !quoted;
            n++;
        }
        one = (struct span){rest.p, n};
        rest.p += n;
        rest.len -= n;
        span_cut((struct span){one.p + 1, one.len - 1}, '=', &name, &value);
        if (!span_case_eq(span_trim(name), SPAN("expires")))
            build_span(&out, one);
    }
    return out.overflow ? -E2BIG : keep(b->params, sizeof b->params, build_text(&out));
}

/* RFC 5626 §4.2: an instance and its reg-id name a binding, whatever its address is now. */
static int instance_of(struct registered *b, const struct name_addr *c)
{
    char text[BINDING_NAME_MAX];
    struct span instance, id = SPAN_NONE;
    int n;

    if (!hdr_param(c->params, SPAN("+sip.instance"), &instance))
        return 0;
    (void)hdr_param(c->params, SPAN("reg-id"), &id);
    n = snprintf(text, sizeof text, "%.*s/%.*s", SPAN_ARG(instance), SPAN_ARG(id));
    if (n < 0 || (size_t)n >= sizeof text)
        return -E2BIG;
    return keep(b->instance, sizeof b->instance, span_of(text));
}

/* Where calls to this contact go. */
static void place_of(const struct reg *r, struct target_contact *at, const struct sip_uri *u)
{
    struct addr a;

    *at = (struct target_contact){.addr = r->flow->remote,
                                  .proto = r->flow->proto,
                                  .listener = r->flow->listener,
                                  .conn = r->flow->conn};
    if (addr_parse_ip(u->host, &a) < 0 || !addr_ip_eq(&a, &r->flow->remote))
        return; /* NAT, or a name: back where it came from */
    at->addr.port = u->port ? u->port : at->proto == PROTO_TLS ? 5061 : 5060;
}

static unsigned take_contact(struct reg *r, const struct name_addr *c, bool gin)
{
    struct registered *b = &r->v[r->n];
    uint32_t s = expires_of(r, c);
    bool bnc = uri_param(&c->parsed, SPAN("bnc"), NULL);

    if ((c->parsed.scheme != URI_SIP && c->parsed.scheme != URI_SIPS) || bnc != gin ||
        (gin && !span_is_empty(c->parsed.user)))
        return 400; /* RFC 6140 §5.2: bnc and gin come together, without a user */
    *b = (struct registered){.cseq = r->m->cseq};
    if (keep(b->uri, sizeof b->uri, c->uri) < 0 || params_of(b, c) < 0 || instance_of(b, c) < 0 ||
        keep(b->call_id, sizeof b->call_id, r->m->call_id) < 0)
        return 400;
    place_of(r, &b->at, &c->parsed);
    b->at.q = hdr_q(c->params);
    if (s && (uint64_t)s * 1000 < r->trunk->registrar.min_ms)
        return 423;
    r->ms[r->n] = (uint64_t)s * 1000 < r->trunk->registrar.max_ms ? (uint64_t)s * 1000
                                                                  : r->trunk->registrar.max_ms;
    r->n++;
    return 0;
}

/* @return 0 or the status to refuse with */
static unsigned take_contacts(struct reg *r)
{
    bool gin = msg_has_option(r->m, HDR_REQUIRE, SPAN("gin"));
    uint32_t s;

    for (unsigned i = 0; i < r->m->n_contacts; i++) {
        const struct name_addr *c = &r->m->contact[i];
        unsigned status;

        if (c->is_star) {
            /* §10.2.2: alone, and with Expires: 0. */
            if (r->m->n_contacts != 1 || span_u32(msg_value(r->m, HDR_EXPIRES), 0, &s) < 0)
                return 400;
            r->all = true;
            return 0;
        }
        if (r->n == TARGET_BINDINGS_MAX)
            return 403;
        status = take_contact(r, c, gin);
        if (status)
            return status;
    }
    return 0;
}

/* ---- bound -------------------------------------------------------------------------------------------------------- */

static struct registered *like(struct registered_set *set, const struct registered *b)
{
    for (uint32_t i = 0; i < set->n; i++) {
        struct registered *have = &set->v[i];

        if (have->instance[0] || b->instance[0] ? strcmp(have->instance, b->instance) == 0
                                                : strcmp(have->uri, b->uri) == 0)
            return have;
    }
    return NULL;
}

/* §10.3 steps 6 and 7: a request that was overtaken changes nothing. */
static bool is_late(const struct registered *have, const struct msg *m)
{
    return have && span_eq(span_of(have->call_id), m->call_id) && m->cseq <= have->cseq;
}

static bool is_out_of_order(const struct reg *r, struct registered_set *set)
{
    for (uint32_t i = 0; r->all && i < set->n; i++)
        if (is_late(&set->v[i], r->m))
            return true;
    for (uint32_t i = 0; i < r->n; i++)
        if (is_late(like(set, &r->v[i]), r->m))
            return true;
    return false;
}

static bool same_place(const struct target_contact *a, const struct target_contact *b)
{
    return a->proto == b->proto && addr_eq(&a->addr, &b->addr);
}

/* Another contact of the PBX may be reached at the same address: then it stays a target. */
static void unbind(struct reg *r, struct registered_set *set, uint32_t i)
{
    struct target_contact at = set->v[i].at;

    set->n--;
    memmove(&set->v[i], &set->v[i + 1], (set->n - i) * sizeof set->v[0]);
    for (uint32_t k = 0; k < set->n; k++)
        if (same_place(&set->v[k].at, &at))
            return;
    (void)targets_register(r->cs->trunks, r->slot, &at, 0);
}

static void tell(const struct reg *r, const struct registered *b, const char *what)
{
    char addr[ADDR_STRLEN];

    log_ev(LOG_INFO, what, "trunk=%s peer=%s transport=%s", r->trunk->name,
           addr_str(&b->at.addr, addr), proto_name(b->at.proto));
}

static int put(struct reg *r, struct registered_set *set, struct registered *b, uint64_t ms)
{
    struct registered *have = like(set, b);
    uint64_t now = r->cs->clock->wall_ms;

    b->since_wall_ms = have ? have->since_wall_ms : now;
    b->expires_wall_ms = now + ms;
    if (have)
        unbind(r, set, (uint32_t)(have - set->v));
    else if (ms)
        tell(r, b, "registered");
    if (ms == 0) {
        if (have)
            tell(r, b, "unregistered");
        return 0;
    }
    if (set->n == TARGET_BINDINGS_MAX)
        unbind(
            r, set,
            0); /* the one refreshed longest ago: a PBX that changes its port each time and names no instance */
    set->v[set->n++] = *b;
    return targets_register(r->cs->trunks, r->slot, &b->at, ms);
}

static unsigned apply(struct reg *r, struct registered_set *set)
{
    (void)bindings_expire(set, r->cs->clock->wall_ms);
    if (is_out_of_order(r, set))
        return 500;
    while (r->all && set->n) {
        tell(r, &set->v[0], "unregistered");
        unbind(r, set, 0);
    }
    for (uint32_t i = 0; i < r->n; i++)
        if (put(r, set, &r->v[i], r->ms[i]) < 0)
            return 503;
    return 0;
}

/* ---- answered ----------------------------------------------------------------------------------------------------- */

static void answer_all(struct reg *r, struct txn_server *st, const struct registered_set *set)
{
    struct build *b = txn_server_begin(st, 200, SPAN_NONE, SPAN_NONE);

    stat_inc(r->cs->stats, STAT_registrar_ok);
    if (!b)
        return;
    for (uint32_t i = 0; i < set->n; i++) {
        build_str(b, "Contact: <");
        build_safe(b, span_of(set->v[i].uri));
        build_char(b, '>');
        build_safe(b, span_of(set->v[i].params));
        build_str(b, ";expires=");
        build_u64(b, (set->v[i].expires_wall_ms - r->cs->clock->wall_ms) / 1000);
        build_str(b, "\r\n");
    }
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(st);
}

/* RFC 3261 §8.2.2.3: of option tags we know gin, which is part of the contacts' form. */
static bool refused_by_options(struct calls *cs, struct txn_server *st, const struct msg *m)
{
    struct span tag[MSG_MEMBERS_MAX];
    unsigned n = msg_list(m, HDR_REQUIRE, tag, MSG_MEMBERS_MAX);
    char text[1024];
    struct build list;

    build_init(&list, text, sizeof text);
    for (unsigned i = 0; i < n && i < MSG_MEMBERS_MAX; i++) {
        if (span_case_eq(tag[i], SPAN("gin")))
            continue;
        if (list.len)
            build_str(&list, ", ");
        build_span(&list, tag[i]);
    }
    if (list.len == 0)
        return false;
    answer(cs, st, 420, list.overflow ? SPAN_NONE : SPAN("Unsupported"), build_text(&list));
    return true;
}

static void serve(struct reg *r, struct txn_server *st)
{
    struct bindings *all = trunk_registry_bindings(r->cs->trunks);
    struct registered_set *set, copy;
    unsigned status;

    set = bindings_begin(all, r->slot);
    if (!set) {
        answer(r->cs, st, 503, SPAN("Retry-After"), SPAN("5"));
        return;
    }
    status = apply(r, set);
    copy = *set;
    bindings_end(all, r->n || r->all);
    if (status == 0)
        answer_all(r, st, &copy);
    else
        answer(r->cs, st, status, status == 503 ? SPAN("Retry-After") : SPAN_NONE, SPAN("5"));
}

void registrar_request(struct calls *cs, struct txn_server *st, const struct msg *m,
                       const struct flow *f)
{
    struct reg r = {.cs = cs, .m = m, .flow = f};
    const struct conf *conf = cs->view->conf;
    char min[16], peer[ADDR_STRLEN];
    unsigned status;
    uint32_t trunk;

    if (invite_identify(cs, m, f, &trunk) < 0) {
        answer(cs, st, 403, SPAN_NONE, SPAN_NONE);
        return;
    }
    r.trunk = &conf->trunk.v[trunk];
    r.slot = route_trunk_state(cs->view->route, trunk)->slot;
    if (!r.trunk->registrar.on) {
        answer(cs, st, 405, SPAN("Allow"), headers_allow);
        return;
    }
    if (login_refused(cs, st, m, f, trunk) || refused_by_options(cs, st, m))
        return;
    status = take_contacts(&r);
    if (status == 0 && cs->draining && r.n && r.ms[0])
        status = 503; /* whoever is not here yet registers elsewhere; who goes may go */
    if (status == 0) {
        serve(&r, st);
        return;
    }
    log_limited(LOG_WARN, "registrar_refused", "trunk=%s peer=%s transport=%s code=%u",
                r.trunk->name, addr_str(&f->remote, peer), proto_name(f->proto), status);
    snprintf(min, sizeof min, "%u", status == 503 ? 5 : (r.trunk->registrar.min_ms + 999) / 1000);
    answer(cs, st, status,
           status == 423   ? SPAN("Min-Expires")
           : status == 503 ? SPAN("Retry-After")
                           : SPAN_NONE,
           span_of(min));
}
