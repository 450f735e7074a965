/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration with its files in a folder of its own, its route, targets that are up, and decisions as text: for tests of choosing.
 * Included by them; header-only, each test has its own copy.
 */
#ifndef TESTS_CHOOSE_RIG_H
#define TESTS_CHOOSE_RIG_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "route/route.h"

#define RIG_NOW 1700000000 /* 2023-11-14 22:13:20 UTC, a Tuesday */

struct choose_rig {
    char dir[64];
    const char *file[16]; /* names in it */
    unsigned n_files;
    bool past;
    const char *global; /* further lines of that section; NULL: none */
    struct conf *conf;
    struct trunk_registry *reg;
    struct route *rt;
    struct route_query q;
    struct route_decision d;
};

/* Two that call, six that are called; sections that a test needs follow. */
#define RIG_HEAD                                                                    \
    "realm r\n  address 192.0.2.1\n"                                                \
    "listen main\n  realm r\n  udp 192.0.2.1:5060\n"                                \
    "trunk alpha\n  listen main\n  media none\n  peer 198.51.100.11 udp\n"          \
    "trunk bravo\n  listen main\n  media none\n  peer 198.51.100.12 udp\n"          \
    "trunk charlie\n  listen main\n  media none\n  peer 198.51.100.13 udp\n"        \
    "trunk delta\n  listen main\n  media none\n  peer 198.51.100.14 udp\n"          \
    "trunk us\n  listen main\n  media none\n  peer 198.51.100.15 udp\n  send ten\n" \
    "numbers ten direction out\n  +1NXXNXXXXXX -> {2-}\n"

static inline void rig_write(struct choose_rig *g, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", g->dir, name);
    g->file[g->n_files++] = name;
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static inline void rig_remove(const struct choose_rig *g, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", g->dir, name);
    (void)unlink(path);
}

static inline void rig_begin(struct choose_rig *g)
{
    memset(g, 0, sizeof(*g));
    snprintf(g->dir, sizeof(g->dir), "/tmp/tandem-choose-XXXXXX");
    assert_non_null(mkdtemp(g->dir));
}

static inline void rig_publish(struct choose_rig *g)
{
    for (uint32_t i = 0; i < g->conf->trunk.n; i++) {
        const struct conf_trunk *t = &g->conf->trunk.v[i];
        struct target_record r = {.addr = t->peer.v[0].addr, .listener = UINT16_MAX, .weight = 1};
        assert_true(targets_publish(g->reg, trunk_registry_get(g->reg, t->name), &r, 1) >= 0);
    }
}

static inline struct conf *rig_load(struct choose_rig *g, const char *text)
{
    static char all[8192];
    char name[80];
    struct conf_errors errs;
    snprintf(name, sizeof(name), "%s/t.conf", g->dir);
    int n = snprintf(all, sizeof(all), "global\n  exchange EUR 1.0840\n%s%s%s",
                     g->global ? g->global : "", RIG_HEAD, text);
    assert_in_range(n, 1, sizeof(all) - 1);
    struct conf *c = conf_load_text(name, all, (size_t)n, NULL, &errs);
    if (!c)
        conf_print_errors(stderr, &errs);
    conf_errors_fini(&errs);
    assert_non_null(c);
    return c;
}

static inline void rig_route(struct choose_rig *g, const char *text)
{
    const char *why;
    struct conf_errors errs = {0};
    struct route_param p = {.wall_s = RIG_NOW, .past = g->past, .threads = 1, .errs = &errs};
    p.conf = g->conf = rig_load(g, text);
    p.reg = g->reg = trunk_registry_new();
    g->rt = route_new(&p, &why);
    if (!g->rt)
        conf_print_errors(stderr, &errs);
    conf_errors_fini(&errs);
    assert_non_null(g->rt);
    rig_publish(g);
    g->q = (struct route_query){.wall_s = RIG_NOW, .now_ms = 1000000};
}

static inline void rig_end(struct choose_rig *g)
{
    route_free(g->rt);
    trunk_registry_free(g->reg);
    conf_free(g->conf);
    for (unsigned i = 0; i < g->n_files; i++)
        rig_remove(g, g->file[i]);
    (void)rmdir(g->dir);
}

static inline uint32_t rig_trunk(const struct choose_rig *g, const char *name)
{
    const struct conf_trunk *t = conf_find_trunk(g->conf, name);
    assert_non_null(t);
    return (uint32_t)(t - g->conf->trunk.v);
}

static inline struct trunk_state *rig_state(const struct choose_rig *g, const char *name)
{
    return route_trunk_state(g->rt, rig_trunk(g, name));
}

/* A decision for a call from trunk `in`, with g->q for the rest; its candidates as "alpha bravo", or the verdict as "404". */
static inline const char *rig_decide(struct choose_rig *g, const char *called)
{
    static char out[512];
    size_t n = 0;
    g->q.trunk = rig_trunk(g, "in");
    g->q.called = span_of(called);
    route_decide(g->rt, &g->q, &g->d);
    for (uint32_t i = 0; i < g->d.n; i++)
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", i ? " " : "",
                              g->conf->trunk.v[g->d.candidate[i].trunk].name);
    if (g->d.verdict != ROUTE_OK)
        snprintf(out, sizeof(out), "%u", g->d.code);
    return out;
}

#endif
