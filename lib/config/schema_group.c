/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schema of the sections group and customer: trunks seen together, as carriers and as a customer.
 * parse.c runs the tables; what objects mean to each other is checked in link.c and check_group.c.
 */
#include <stddef.h>
#include <string.h>

#include "config/schema.h"
#include "core/err.h"

/* ---- group ---- */

static void close_group(struct parser *p, void *obj, bool clean)
{
    const struct conf_group *g = obj;

    if (clean && g->member.n == 0)
        parse_error(p, g->loc, strlen(g->name), "group '%s' has no member", g->name);
    else if (g->member.n > CONF_CANDIDATES_MAX)
        parse_error(p, g->member.v[CONF_CANDIDATES_MAX].ref.loc, 0, "more than %u members",
                    CONF_CANDIDATES_MAX);
}

static void kw_member(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_group *g = p->obj;
    const struct lex_token *t;
    uint32_t weight;

    (void)field;
    while ((t = args_next(args))) {
        struct conf_target m = {.weight = 100};

        if (!parse_ref(p, t, &m.ref))
            return;
        if (args_word(args, "weight")) {
            if (!(t = args_need(p, kw, args, "weight")) ||
                !parse_number(p, t, 1, UINT16_MAX, &weight))
                return;
            m.weight = (uint16_t)weight;
            m.shared = true;
        }
        *(struct conf_target *)APPEND(p, g->member) = m;
    }
}

static void kw_group_order(struct parser *p, const struct keyword *kw, void *field,
                           struct args *args)
{
    CHOICE(enum conf_group_order, "failover", "round-robin", "weighted", "least-used");
}

#define G(member) FIELD(struct conf_group, member)

static const struct keyword group_kw[] = {
    {"member", NULL, kw_member, G(member), 1, CONF_VALUES_MAX, KW_REPEAT, 0, 0,
     "member TRUNK [weight N]...", "trunks of the group, with their weights"},
    {"order", NULL, kw_group_order, G(order), 1, 1, 0, 0, 0,
     "order failover|round-robin|weighted|least-used", "in which order its members are tried"},
    {"limit", "in", kw_limit, G(limit_in), 1, 4, 0, 0, 0, "limit in Ncalls Ncps [burst N]",
     "over all calls from its members"},
    {"limit", "out", kw_limit, G(limit_out), 1, 4, 0, 0, 0, "limit out Ncalls Ncps [burst N]",
     "over all calls to its members"},
};

const struct section section_group = {
    .word = "group",
    .syntax = "group NAME",
    .help = "trunks that stand for one",
    .list_off = LIST(group),
    .size = sizeof(struct conf_group),
    .kw = group_kw,
    .n_kw = COUNT(group_kw),
    .close = close_group,
};

/* ---- customer ---- */

static void customer_defaults(void *obj)
{
    struct conf_customer *c = obj;

    c->routes.id = c->sell_deck.id = CONF_NONE;
}

static void close_customer(struct parser *p, void *obj, bool clean)
{
    struct conf_customer *c = obj;

    (void)p;
    (void)clean;
    if (!c->account)
        c->account = c->name;
}

#define C(member) FIELD(struct conf_customer, member)

static const struct keyword customer_kw[] = {
    {"account", NULL, kw_string, C(account), 1, 1, 0, 0, 0, "account TEXT",
     "in records, and as {billing} in header rules"},
    {"limit", "in", kw_limit, C(limit_in), 1, 4, 0, 0, 0, "limit in Ncalls Ncps [burst N]",
     "over all of its trunks"},
    {"limit", "out", kw_limit, C(limit_out), 1, 4, 0, 0, 0, "limit out Ncalls Ncps [burst N]",
     "over all of its trunks"},
    {"routes", NULL, kw_ref, C(routes), 1, 1, 0, 0, 0, "routes NAME",
     "the route of its trunks that name none"},
    {"sell-deck", NULL, kw_ref, C(sell_deck), 1, 1, 0, 0, 0, "sell-deck NAME",
     "what its trunks pay that name none"},
};

const struct section section_customer = {
    .word = "customer",
    .syntax = "customer NAME",
    .help = "limits, routes and account over several trunks",
    .list_off = LIST(customer),
    .size = sizeof(struct conf_customer),
    .kw = customer_kw,
    .n_kw = COUNT(customer_kw),
    .defaults = customer_defaults,
    .close = close_customer,
};
