/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Second pass of a load: names become ids, profiles go into trunks, duplicates and unused are found.
 * load.c calls it after all files are parsed; whether the result makes sense is check.c's question.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"

enum kind {
    KIND_REALM,
    KIND_LISTEN,
    KIND_MEDIA,
    KIND_PROFILE,
    KIND_TRUNK,
    KIND_GROUP,
    KIND_CUSTOMER,
    KIND_NUMBERS,
    KIND_ZONE,
    KIND_DECK,
    KIND_CALENDAR,
    KIND_LNP,
    KIND_SOUND,
    KIND_ROUTE,
    KIND_CDR,
    KIND_TEST,
    KINDS
};

/* Names of one kind: open hash of place + 1. */
struct index {
    const struct section *section;
    struct list_view list;
    uint32_t *slot;
    uint32_t mask;
    bool *used;
};

struct linker {
    struct parser *p;
    struct index index[KINDS];
};

/* ---- names ---- */

static struct object *object_at(const struct index *ix, uint32_t i)
{
    return (struct object *)(void *)(ix->list.v + i * ix->section->size);
}

/* FNV-1a: names come from the operator, nobody attacks this table. */
static uint32_t name_hash(const char *s)
{
    uint32_t h = 2166136261U;

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619U;
    return h;
}

/* Slot of a name, or the empty one where it would go. */
static uint32_t *find_slot(const struct index *ix, const char *name)
{
    uint32_t i = name_hash(name) & ix->mask;

    while (ix->slot[i] && strcmp(object_at(ix, ix->slot[i] - 1)->name, name) != 0)
        i = (i + 1) & ix->mask;
    return &ix->slot[i];
}

static uint32_t find_id(const struct index *ix, const char *name)
{
    uint32_t at = *find_slot(ix, name);

    return at ? at - 1 : CONF_NONE;
}

static void second_name(struct parser *p, const struct object *o, const struct object *first,
                        const char *first_kind)
{
    parse_error(p, o->loc, 0, "second name '%s': %s '%s' is at %s:%u", o->name, first_kind,
                first->name, conf_loc_file(p->conf, &first->loc), first->loc.line);
}

static void build_index(struct linker *l, enum kind kind, const struct section *s)
{
    struct index *ix = &l->index[kind];
    struct object *o;
    uint32_t i, size = 8, *slot;

    ix->section = s;
    ix->list = parse_list_view((const char *)l->p->conf + s->list_off);
    while (size < ix->list.n * 2)
        size *= 2;
    ix->mask = size - 1;
    ix->slot = parse_zalloc(l->p, &l->p->scratch, size * sizeof(*ix->slot));
    ix->used = parse_zalloc(l->p, &l->p->scratch, ix->list.n + 1);
    for (i = 0; i < ix->list.n; i++) {
        o = object_at(ix, i);
        slot = find_slot(ix, o->name);
        if (*slot) {
            second_name(l->p, o, object_at(ix, *slot - 1), s->word);
            ix->used[i] = true; /* one message is enough */
        } else {
            *slot = i + 1;
        }
    }
}

/* `via NAME` means a trunk or a group: the name must say which. */
static void check_shared_names(struct linker *l)
{
    const struct index *group = &l->index[KIND_GROUP], *trunk = &l->index[KIND_TRUNK];
    uint32_t i, id;

    for (i = 0; i < group->list.n; i++) {
        id = find_id(trunk, object_at(group, i)->name);
        if (id != CONF_NONE)
            second_name(l->p, object_at(group, i), object_at(trunk, id), "trunk");
    }
}

/* ---- references ---- */

static bool is_lost(const struct parser *p, const char *name)
{
    const struct lost_name *lost;

    for (lost = p->lost; lost; lost = lost->next) {
        if (span_eq(lost->name, span_of(name)))
            return true;
    }
    return false;
}

static void try_names(struct nearest *near, const struct index *ix)
{
    uint32_t i;

    for (i = 0; i < ix->list.n; i++)
        nearest_try(near, object_at(ix, i)->name);
}

static bool has_name(const struct index *ix, const char *name)
{
    for (uint32_t i = 0; i < ix->list.n; i++)
        if (strcmp(object_at(ix, i)->name, name) == 0)
            return true;
    return false;
}

/* lcr takes decks, via takes trunks and groups: who mixes them up has the right name in the wrong place. */
static const char *wrong_kind(const struct linker *l, const char *name, enum kind kind)
{
    if (kind == KIND_DECK && has_name(&l->index[KIND_TRUNK], name))
        return ": it is a trunk; here stands the name of a ratedeck";
    if ((kind == KIND_TRUNK || kind == KIND_GROUP) && has_name(&l->index[KIND_DECK], name))
        return ": it is a ratedeck, and stands behind 'lcr'";
    return "";
}

/* No such thing of this kind, nor of the other (KINDS: there is none). */
static void dangling(struct linker *l, const struct conf_ref *ref, enum kind kind, enum kind other)
{
    bool two = other != KINDS;
    struct nearest near;
    uint32_t i;

    if (is_lost(l->p, ref->name))
        return;
    /* A suggestion costs a walk over all names: not for messages that are only counted. */
    nearest_init(&near, span_of(ref->name));
    if (l->p->errs->n < CONF_ERRORS_MAX) {
        try_names(&near, &l->index[kind]);
        if (two)
            try_names(&near, &l->index[other]);
        /* A clause that is misspelt reads as one more name of the list before it. */
        for (i = 0; (two || kind == KIND_DECK) && schema_clause(i); i++)
            nearest_try(&near, schema_clause(i)->word);
    }
    parse_error_meant(l->p, ref->loc, 0, near.best, "no %s%s%s '%s'%s",
                      l->index[kind].section->word, two ? " or " : "",
                      two ? l->index[other].section->word : "", ref->name,
                      wrong_kind(l, ref->name, kind));
}

static void resolve(struct linker *l, struct conf_ref *ref, enum kind kind)
{
    struct index *ix = &l->index[kind];

    if (!ref->name)
        return;
    ref->id = find_id(ix, ref->name);
    if (ref->id == CONF_NONE)
        dangling(l, ref, kind, KINDS);
    else
        ix->used[ref->id] = true;
}

static void resolve_target(struct linker *l, struct conf_target *t)
{
    uint32_t group = find_id(&l->index[KIND_GROUP], t->ref.name);

    t->ref.id = find_id(&l->index[KIND_TRUNK], t->ref.name);
    if (t->ref.id != CONF_NONE) {
        l->index[KIND_TRUNK].used[t->ref.id] = true;
    } else if (group != CONF_NONE) {
        t->ref.id = group;
        t->is_group = true;
        l->index[KIND_GROUP].used[group] = true;
    } else {
        dangling(l, &t->ref, KIND_TRUNK, KIND_GROUP);
    }
}

/* Who may go around us is not used by that. */
static void resolve_bypass(struct linker *l, struct conf_target *t)
{
    t->ref.id = find_id(&l->index[KIND_TRUNK], t->ref.name);
    if (t->ref.id != CONF_NONE)
        return;
    t->ref.id = find_id(&l->index[KIND_GROUP], t->ref.name);
    t->is_group = t->ref.id != CONF_NONE;
    if (!t->is_group)
        dangling(l, &t->ref, KIND_TRUNK, KIND_GROUP);
}

static void resolve_refs(struct linker *l, struct conf_ref *v, uint32_t n, enum kind kind)
{
    uint32_t i;

    for (i = 0; i < n; i++)
        resolve(l, &v[i], kind);
}

static void resolve_trunk(struct linker *l, struct conf_trunk *t)
{
    resolve_refs(l, t->listen.v, t->listen.n, KIND_LISTEN);
    resolve(l, &t->media, KIND_MEDIA);
    resolve(l, &t->numbers, KIND_NUMBERS);
    resolve(l, &t->numbers_caller, KIND_NUMBERS);
    resolve(l, &t->numbers_redirecting, KIND_NUMBERS);
    resolve_refs(l, t->send.v, t->send.n, KIND_NUMBERS);
    resolve_refs(l, t->send_caller.v, t->send_caller.n, KIND_NUMBERS);
    resolve_refs(l, t->send_redirecting.v, t->send_redirecting.n, KIND_NUMBERS);
    resolve(l, &t->routes, KIND_ROUTE);
    resolve(l, &t->customer, KIND_CUSTOMER);
    resolve(l, &t->sell_deck, KIND_DECK);
    resolve(l, &t->ringback.sound, KIND_SOUND);
    resolve(l, &t->hold_music, KIND_SOUND);
    for (uint32_t i = 0; i < t->announce.n; i++)
        resolve(l, &t->announce.v[i].sound, KIND_SOUND);
    for (uint32_t i = 0; i < t->bypass.n; i++)
        resolve_bypass(l, &t->bypass.v[i]);
}

/* Who a condition is about is not used by that: it has routes of its own, or it is nobody. */
static void resolve_from(struct linker *l, struct conf_from *f)
{
    uint32_t trunk = find_id(&l->index[KIND_TRUNK], f->ref.name);
    uint32_t customer = find_id(&l->index[KIND_CUSTOMER], f->ref.name);

    if (trunk != CONF_NONE && customer != CONF_NONE)
        parse_error(l->p, f->ref.loc, 0, "'%s' is both a trunk and a customer: rename one",
                    f->ref.name);
    else if (trunk == CONF_NONE && customer == CONF_NONE)
        dangling(l, &f->ref, KIND_TRUNK, KIND_CUSTOMER);
    f->is_customer = customer != CONF_NONE;
    f->ref.id = f->is_customer ? customer : trunk;
}

/* A deck that a route names leads to its trunk. */
static void resolve_lcr(struct linker *l, struct conf_ref *deck)
{
    uint32_t trunk;

    resolve(l, deck, KIND_DECK);
    if (deck->id == CONF_NONE)
        return;
    trunk = l->p->conf->deck.v[deck->id].trunk.id;
    if (trunk != CONF_NONE)
        l->index[KIND_TRUNK].used[trunk] = true;
}

static void resolve_line(struct linker *l, struct conf_route_line *line)
{
    uint32_t i;

    for (i = 0; i < line->via.n; i++)
        resolve_target(l, &line->via.v[i]);
    for (i = 0; i < line->lcr.n; i++)
        resolve_lcr(l, &line->lcr.v[i]);
    for (i = 0; i < line->cond.from.n; i++)
        resolve_from(l, &line->cond.from.v[i]);
    resolve(l, &line->cond.when, KIND_CALENDAR);
    resolve(l, &line->announce, KIND_SOUND);
}

static void resolve_route(struct linker *l, struct conf_route *r)
{
    uint32_t i;

    resolve(l, &r->dip.lnp, KIND_LNP);
    for (i = 0; i < r->line.n; i++)
        resolve_line(l, &r->line.v[i]);
}

static void resolve_deck(struct linker *l, struct conf_deck *d)
{
    uint32_t i;

    if (d->trunk.name) {
        d->trunk.id = find_id(&l->index[KIND_TRUNK], d->trunk.name);
        if (d->trunk.id == CONF_NONE)
            dangling(l, &d->trunk, KIND_TRUNK, KINDS);
    }
    for (i = 0; i < d->column.n; i++)
        resolve(l, &d->column.v[i].zone, KIND_ZONE);
}

static void resolve_group(struct linker *l, struct conf_group *g)
{
    uint32_t i;

    for (i = 0; i < g->member.n; i++) {
        struct conf_ref *m = &g->member.v[i].ref;

        if (find_id(&l->index[KIND_TRUNK], m->name) == CONF_NONE &&
            find_id(&l->index[KIND_GROUP], m->name) != CONF_NONE)
            parse_error(l->p, m->loc, 0, "'%s' is a group: members of a group are trunks", m->name);
        else
            resolve(l, m, KIND_TRUNK);
    }
}

static void resolve_all(struct linker *l)
{
    struct conf *c = l->p->conf;
    uint32_t i;

    for (i = 0; i < c->listen.n; i++)
        resolve(l, &c->listen.v[i].realm, KIND_REALM);
    for (i = 0; i < c->media.n; i++)
        resolve(l, &c->media.v[i].realm, KIND_REALM);
    for (i = 0; i < c->profile.n; i++)
        resolve_trunk(l, &c->profile.v[i]);
    for (i = 0; i < c->trunk.n; i++) {
        resolve(l, &c->trunk.v[i].from, KIND_PROFILE);
        resolve_trunk(l, &c->trunk.v[i]);
    }
    for (i = 0; i < c->group.n; i++)
        resolve_group(l, &c->group.v[i]);
    for (i = 0; i < c->customer.n; i++) {
        resolve(l, &c->customer.v[i].routes, KIND_ROUTE);
        resolve(l, &c->customer.v[i].sell_deck, KIND_DECK);
    }
    for (i = 0; i < c->deck.n; i++)
        resolve_deck(l, &c->deck.v[i]);
    for (i = 0; i < c->route.n; i++)
        resolve_route(l, &c->route.v[i]);
}

/* ---- profiles ---- */

/* Keywords that fill one field (the kinds of `match`) are one: any of them written keeps the trunk's. */
static conf_bits written_fields(const struct section *s, conf_bits set)
{
    conf_bits fields = set;
    uint32_t i, j;

    for (i = 0; i < s->n_kw; i++) {
        for (j = 0; j < s->n_kw; j++) {
            if (s->kw[i].off == s->kw[j].off && (set >> j & 1))
                fields |= (conf_bits)1 << i;
        }
    }
    return fields;
}

/* What one list names is taken out of the other, which was not written beside it. */
static void yield_codes(struct conf_codes *weak, const struct conf_codes *strong)
{
    size_t i;

    for (i = 0; i < COUNT(weak->sip); i++)
        weak->sip[i] &= ~strong->sip[i];
    for (i = 0; i < COUNT(weak->q850); i++)
        weak->q850[i] &= ~strong->q850[i];
    weak->klass &= (uint8_t)~strong->klass;
    weak->timeout = weak->timeout && !strong->timeout;
}

static conf_bits keyword_bit(const struct section *s, size_t off)
{
    uint32_t i;

    for (i = 0; i < s->n_kw && s->kw[i].off != off; i++)
        ;
    return (conf_bits)1 << i;
}

/* `advance` alone takes its codes from the inherited or default `stop`, and the other way round. */
static void settle_codes(struct conf_trunk *t)
{
    bool advance = t->set & keyword_bit(&section_trunk, offsetof(struct conf_trunk, advance));
    bool stop = t->set & keyword_bit(&section_trunk, offsetof(struct conf_trunk, stop));

    if (advance && !stop)
        yield_codes(&t->stop, &t->advance);
    if (stop && !advance)
        yield_codes(&t->advance, &t->stop);
}

static void inherit(struct conf_trunk *t, const struct conf_trunk *profile)
{
    const struct section *s = &section_trunk;
    conf_bits written = written_fields(s, t->set);
    uint32_t i;

    for (i = 1; i < s->n_kw; i++) { /* 0 is `from` itself */
        if (!(written >> i & 1))
            memcpy((char *)t + s->kw[i].off, (const char *)profile + s->kw[i].off, s->kw[i].size);
    }
}

static void apply_profiles(struct parser *p)
{
    struct conf *c = p->conf;
    uint32_t i;

    for (i = 0; i < c->profile.n; i++) {
        struct conf_trunk *t = &c->profile.v[i];

        settle_codes(t);
        if (t->from.name)
            parse_error(p, t->from.loc, strlen(t->from.name),
                        "a profile inherits from nothing: one level only");
    }
    for (i = 0; i < c->trunk.n; i++) {
        struct conf_trunk *t = &c->trunk.v[i];

        if (t->from.id != CONF_NONE) {
            t->set |= c->profile.v[t->from.id].set & TRUNK_SET_UNCLEAN;
            inherit(t, &c->profile.v[t->from.id]);
        } else if (t->from.name) {
            t->set |= TRUNK_SET_UNCLEAN;
        }
        settle_codes(t);
    }
}

/* ---- defaults that depend on others ---- */

/* The only media of the realm of the first listen; none or several are check.c's complaint. */
static void default_media(struct linker *l, struct conf_trunk *t)
{
    struct conf *c = l->p->conf;
    uint32_t i, realm, found = CONF_NONE;

    if (t->media_none || t->media.name || t->listen.n == 0 || t->listen.v[0].id == CONF_NONE)
        return;
    realm = c->listen.v[t->listen.v[0].id].realm.id;
    for (i = 0; i < c->media.n; i++) {
        if (realm == CONF_NONE || c->media.v[i].realm.id != realm)
            continue;
        if (found != CONF_NONE)
            return;
        found = i;
    }
    if (found == CONF_NONE)
        return;
    t->media.id = found;
    t->media.name = c->media.v[found].name;
    l->index[KIND_MEDIA].used[found] = true;
}

static void sort_peers(struct conf_trunk *t)
{
    uint32_t i, j;

    /* Insertion: stable, and a trunk has a handful. */
    for (i = 1; i < t->peer.n; i++) {
        struct conf_peer peer = t->peer.v[i];

        for (j = i; j > 0 && t->peer.v[j - 1].priority > peer.priority; j--)
            t->peer.v[j] = t->peer.v[j - 1];
        t->peer.v[j] = peer;
    }
}

/* Own lines first, then what the peers imply; in fresh memory, for an inherited list is shared. */
static void imply_accept(struct parser *p, struct conf_trunk *t)
{
    CONF_LIST(struct conf_accept) all = {NULL, 0};
    struct conf_accept *a;
    uint32_t i, j;

    for (i = 0; i < t->accept.n; i++)
        *(struct conf_accept *)APPEND(p, all) = t->accept.v[i];
    for (i = 0; i < t->peer.n; i++) {
        const struct conf_peer *peer = &t->peer.v[i];
        struct addr from = peer->addr;

        if (peer->lookup != CONF_LOOKUP_NONE)
            continue; /* what DNS says today is no source */
        if (peer->transport != PROTO_UDP)
            from.port = 0; /* a stream comes from any port (RFC 3261 §18) */
        for (j = 0; j < all.n && !addr_in_prefix(&from, &all.v[j].net); j++)
            ;
        if (j < all.n)
            continue;
        a = APPEND(p, all);
        a->net.net = from;
        a->net.bits = from.family == 4 ? 32 : 128;
        a->from_peer = true;
        a->loc = peer->loc;
    }
    t->accept.v = all.v;
    t->accept.n = all.n;
}

/* What neither the trunk nor its profile says is its customer's word. */
static void take_customers(const struct conf *c, struct conf_trunk *t)
{
    const struct conf_customer *customer;

    if (t->customer.id == CONF_NONE)
        return;
    customer = &c->customer.v[t->customer.id];
    if (!t->routes.name)
        t->routes = customer->routes;
    if (!t->sell_deck.name)
        t->sell_deck = customer->sell_deck;
}

/* Who logs in to us is asked for the node's realm; who we register as is who we log in as. */
static void default_names(const struct conf *c, struct conf_trunk *t)
{
    if (t->login.user && !t->login.realm)
        t->login.realm = c->global.node;
    if (t->reg.domain && !t->reg.user)
        t->reg.user = t->auth.user;
}

static void default_addresses(struct parser *p)
{
    struct conf *c = p->conf;
    uint32_t i, j;

    for (i = 0; i < c->media.n; i++) {
        struct conf_media *m = &c->media.v[i];

        if (m->address.n > 0 || m->realm.id == CONF_NONE)
            continue;
        for (j = 0; j < c->realm.v[m->realm.id].address.n; j++)
            *(struct conf_addr *)APPEND(p, m->address) = c->realm.v[m->realm.id].address.v[j];
    }
}

/* ---- money ---- */

static const struct conf_exchange *find_exchange(const struct conf *c, const char *code)
{
    uint32_t i;

    for (i = 0; i < c->global.exchange.n; i++) {
        if (strcmp(c->global.exchange.v[i].code, code) == 0)
            return &c->global.exchange.v[i];
    }
    return NULL;
}

static void check_exchange(struct parser *p)
{
    const struct conf_global *g = &p->conf->global;
    uint32_t i;

    for (i = 0; i < g->exchange.n; i++) {
        const struct conf_exchange *x = &g->exchange.v[i], *first;

        first = find_exchange(p->conf, x->code);
        if (strcmp(x->code, g->currency) == 0)
            parse_error(p, x->loc, 0, "%s is the base currency: all rates are exchanged to it",
                        x->code);
        else if (first != x)
            parse_error(p, x->loc, 0, "the exchange of %s is in line %u already", x->code,
                        first->loc.line);
    }
}

static void deck_money(struct parser *p, struct conf_deck *d)
{
    const struct conf_global *g = &p->conf->global;
    const struct conf_exchange *x;

    if (d->currency[0] == '\0')
        memcpy(d->currency, g->currency, sizeof(d->currency));
    if (strcmp(d->currency, g->currency) == 0)
        return;
    x = find_exchange(p->conf, d->currency);
    if (x)
        d->exchange = x->rate;
    else
        parse_error(p, d->loc, 0,
                    "ratedeck '%s' is in %s: section global needs a line 'exchange %s RATE', what "
                    "one %s is in %s",
                    d->name, d->currency, d->currency, d->currency, g->currency);
}

/* ---- unused ---- */

/* It counts the calls of its members, whether a route leads to it or not. */
static bool has_limit(const struct conf_group *g)
{
    return g->limit_in.calls || g->limit_in.cps || g->limit_out.calls || g->limit_out.cps;
}

static void warn_unused(struct linker *l)
{
    enum kind kind;
    uint32_t i;

    for (kind = 0; kind < KINDS; kind++) {
        const struct index *ix = &l->index[kind];

        if (kind == KIND_CDR || kind == KIND_TEST)
            continue;
        for (i = 0; i < ix->list.n; i++) {
            const struct object *o = object_at(ix, i);

            if (ix->used[i] || (kind == KIND_GROUP && has_limit(&l->p->conf->group.v[i])))
                continue;
            if (kind != KIND_TRUNK)
                parse_warn(l->p, o->loc, strlen(o->name), "%s '%s' is not used", ix->section->word,
                           o->name);
            else if (!l->p->conf->trunk.v[i].routes.name)
                parse_warn(l->p, o->loc, strlen(o->name),
                           "trunk '%s' is not used: no route leads to it and it has no routes",
                           o->name);
        }
    }
}

void link_pass(struct parser *p)
{
    static const struct section *const sections[KINDS] = {
        &section_realm, &section_listen,   &section_media,    &section_profile,
        &section_trunk, &section_group,    &section_customer, &section_numbers,
        &section_zone,  &section_ratedeck, &section_calendar, &section_lnp,
        &section_sound, &section_route,    &section_cdr,      &section_test,
    };
    struct linker l = {.p = p};
    enum kind kind;
    uint32_t i;

    for (kind = 0; kind < KINDS; kind++)
        build_index(&l, kind, sections[kind]);
    check_shared_names(&l);
    resolve_all(&l);
    apply_profiles(p);
    check_exchange(p);
    for (i = 0; i < p->conf->deck.n; i++)
        deck_money(p, &p->conf->deck.v[i]);
    default_addresses(p);
    for (i = 0; i < p->conf->trunk.n; i++) {
        struct conf_trunk *t = &p->conf->trunk.v[i];

        default_media(&l, t);
        sort_peers(t);
        imply_accept(p, t);
        default_names(p->conf, t);
        take_customers(p->conf, t);
    }
    /* What an erroneous section meant to use is unknown. */
    if (p->errs->errors == 0)
        warn_unused(&l);
}
