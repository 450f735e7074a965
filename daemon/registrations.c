/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of PBXs' registrations and the operator's view of all of them.
 * node.c loads and saves, command.c names the command; it changes no registration.
 */
#include "daemon/registrations.h"

#include <stdio.h>
#include "core/err.h"
#include "core/log.h"
#include "daemon/render.h"
#include "route/binding.h"

static const char *file_of(struct node *n, char buf[4096])
{
    const struct snapshot *s = snapshots_current(&n->snapshots);
    snprintf(buf, 4096, "%s/registrations", s->conf->global.state_dir);
    return buf;
}

static uint64_t wall_now(void)
{
    struct clock c;
    clock_init(&c);
    return c.wall_ms;
}

void registrations_load(struct node *n)
{
    char path[4096];
    int rc = bindings_load(n->trunks, file_of(n, path), wall_now());
    if (rc < 0 && rc != -ENOENT)
        log_ev(LOG_ERROR, "registrations", "file=%s error=\"%s\"", path, err_str(rc));
    else if (rc > 0)
        log_ev(LOG_INFO, "registrations", "loaded=%d", rc);
}

void registrations_save(struct node *n)
{
    char path[4096];
    if (!n->trunks || !bindings_are_dirty(trunk_registry_bindings(n->trunks)))
        return;
    int rc = bindings_save(n->trunks, file_of(n, path), wall_now());
    if (rc < 0) /* tried again at the next tick */
        log_limited(LOG_ERROR, "registrations", "file=%s error=\"%s\"", path, err_str(rc));
}

/* ---- show --------------------------------------------------------------------------------------------------------- */

static json_int_t left_s(uint64_t until_ms, uint64_t now_ms)
{
    return until_ms > now_ms ? (json_int_t)((until_ms - now_ms) / 1000) : 0;
}

static void add_ours(json_t *list, const struct conf_trunk *t, const struct trunk_state *ts,
                     uint64_t now_ms)
{
    static const char *const name[] = {"off", "trying", "registered", "failed", "leaving"};
    const struct trunk_reg *reg = &ts->reg;
    uint8_t state = atomic_load_explicit(&reg->state, memory_order_relaxed);
    char aor[2 * CONF_NAME_MAX + 300];
    const char *user = t->reg.user ? t->reg.user : t->auth.user ? t->auth.user : t->name;
    if (!t->reg.domain)
        return;
    snprintf(aor, sizeof(aor), "sip:%s@%s", user, t->reg.domain);
    json_array_append_new(list,
                          json_pack("{s:s,s:s,s:s,s:s,s:i,s:I,s:I}", "trunk", t->name, "dir", "out",
                                    "contact", aor, "state", name[state < 5 ? state : 0], "status",
                                    (int)atomic_load_explicit(&reg->status, memory_order_relaxed),
                                    "left_s", left_s(reg->until_wall_ms, now_ms), "since_s",
                                    left_s(now_ms, reg->changed_wall_ms)));
}

static void add_theirs(json_t *list, const struct node *n, const struct conf_trunk *t,
                       const struct trunk_state *ts, uint64_t now_ms)
{
    struct bindings *b = trunk_registry_bindings(n->trunks);
    struct registered_set *set = t->registrar.on ? bindings_begin(b, ts->slot) : NULL;
    char addr[ADDR_STRLEN];
    if (!set)
        return;
    (void)bindings_expire(set, now_ms);
    for (uint32_t i = 0; i < set->n; i++) {
        const struct registered *r = &set->v[i];
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I}", "trunk", t->name,
                                              "dir", "in", "contact", r->uri, "state", "registered",
                                              "peer", addr_str(&r->at.addr, addr), "transport",
                                              proto_name(r->at.proto), "left_s",
                                              left_s(r->expires_wall_ms, now_ms), "since_s",
                                              left_s(now_ms, r->since_wall_ms)));
    }
    if (set->n == 0)
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:s}", "trunk", t->name, "dir", "in", "state", "none"));
    bindings_end(b, false);
}

static void render(struct evbuffer *out, const json_t *body)
{
    static const struct render_column col[] = {{"trunk", "TRUNK", 32},  {"dir", "DIR", 0},
                                               {"state", "STATE", 0},   {"contact", "CONTACT", 48},
                                               {"peer", "PEER", 0},     {"transport", "VIA", 0},
                                               {"status", "STATUS", 0}, {"left_s", "LEFT", 0},
                                               {"since_s", "SINCE", 0}, {NULL, NULL, 0}};
    render_table(out, body, col);
}

void registrations_show(struct admin_req *r)
{
    struct node *n = admin_node(r);
    const struct route *rt = snapshots_current(&n->snapshots)->route;
    uint64_t now_ms = wall_now();
    json_t *list = json_array();
    for (uint32_t i = 0; i < route_conf(rt)->trunk.n; i++) {
        const struct conf_trunk *t = &route_conf(rt)->trunk.v[i];
        add_ours(list, t, route_trunk_state(rt, i), now_ms);
        add_theirs(list, n, t, route_trunk_state(rt, i), now_ms);
    }
    admin_answer(r, list, render);
}
