/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Second pass of a load: names become ids, profiles go into trunks, duplicates and unused are found.
 * load.c calls it after all files are parsed; whether the result makes sense is check.c's question.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"

enum kind {
    KIND_REALM,
    KIND_LISTEN,
    KIND_MEDIA,
    KIND_PROFILE,
    KIND_TRUNK,
    KIND_GROUP,
    KIND_CUSTOMER,
    KIND_NUMBERS,
    KIND_ROUTE,
    KIND_CDR,
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
    parse_error(p, o->loc, strlen(o->name), "second name '%s': %s '%s' is at %s:%u", o->name,
                first_kind, first->name, conf_loc_file(p->conf, &first->loc), first->loc.line);
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

static void dangling(struct linker *l, const struct conf_ref *ref, enum kind kind, bool or_group)
{
    struct nearest near;

    if (is_lost(l->p, ref->name))
        return;
    /* A suggestion costs a walk over all names: not for messages that are only counted. */
    nearest_init(&near, span_of(ref->name));
    if (l->p->errs->n < CONF_ERRORS_MAX) {
        try_names(&near, &l->index[kind]);
        if (or_group)
            try_names(&near, &l->index[KIND_GROUP]);
    }
    parse_error_meant(l->p, ref->loc, strlen(ref->name), near.best, "no %s%s '%s'",
                      l->index[kind].section->word, or_group ? " or group" : "", ref->name);
}

static void resolve(struct linker *l, struct conf_ref *ref, enum kind kind)
{
    struct index *ix = &l->index[kind];

    if (!ref->name)
        return;
    ref->id = find_id(ix, ref->name);
    if (ref->id == CONF_NONE)
        dangling(l, ref, kind, false);
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
        dangling(l, &t->ref, KIND_TRUNK, true);
    }
}

static void resolve_trunk(struct linker *l, struct conf_trunk *t)
{
    uint32_t i;

    for (i = 0; i < t->listen.n; i++)
        resolve(l, &t->listen.v[i], KIND_LISTEN);
    resolve(l, &t->media, KIND_MEDIA);
    resolve(l, &t->numbers, KIND_NUMBERS);
    for (i = 0; i < t->send.n; i++)
        resolve(l, &t->send.v[i], KIND_NUMBERS);
    resolve(l, &t->routes, KIND_ROUTE);
    resolve(l, &t->customer, KIND_CUSTOMER);
}

static void resolve_route(struct linker *l, struct conf_route *r)
{
    uint32_t i, j;

    for (i = 0; i < r->line.n; i++) {
        for (j = 0; j < r->line.v[i].via.n; j++)
            resolve_target(l, &r->line.v[i].via.v[j]);
    }
}

static void resolve_all(struct linker *l)
{
    struct conf *c = l->p->conf;
    uint32_t i, j;

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
    for (i = 0; i < c->group.n; i++) {
        for (j = 0; j < c->group.v[i].member.n; j++)
            resolve(l, &c->group.v[i].member.v[j].ref, KIND_TRUNK);
    }
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

/* ---- unused ---- */

static void warn_unused(struct linker *l)
{
    enum kind kind;
    uint32_t i;

    for (kind = 0; kind < KINDS; kind++) {
        const struct index *ix = &l->index[kind];

        if (kind == KIND_CDR)
            continue;
        for (i = 0; i < ix->list.n; i++) {
            const struct object *o = object_at(ix, i);

            if (ix->used[i])
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
        &section_realm, &section_listen,   &section_media,   &section_profile, &section_trunk,
        &section_group, &section_customer, &section_numbers, &section_route,   &section_cdr,
    };
    struct linker l = {.p = p};
    enum kind kind;
    uint32_t i;

    for (kind = 0; kind < KINDS; kind++)
        build_index(&l, kind, sections[kind]);
    check_shared_names(&l);
    resolve_all(&l);
    apply_profiles(p);
    default_addresses(p);
    for (i = 0; i < p->conf->trunk.n; i++) {
        struct conf_trunk *t = &p->conf->trunk.v[i];

        default_media(&l, t);
        sort_peers(t);
        imply_accept(p, t);
        default_names(p->conf, t);
    }
    /* What an erroneous section meant to use is unknown. */
    if (p->errs->errors == 0)
        warn_unused(&l);
}
