/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a decision costs: by `via`, by shares, by lcr with 1 to 16 candidates, watched and not. Run by hand; it links what it measures.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "route/route.h"

#define TRUNKS  16U
#define ROWS    100000U /* of a deck: all prefixes of six digits below +4, in ten countries */
#define NUMBERS 65536U
#define ROUNDS  7U

struct bench {
    char dir[32];
    struct conf *conf;
    struct trunk_registry *reg;
    struct route *rt;
    char (*number)[16];
};

static uint32_t rnd(void)
{
    static uint32_t x = 2463534242;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

static void write_decks(const struct bench *b)
{
    for (unsigned t = 0; t < TRUNKS; t++) {
        char path[64];
        snprintf(path, sizeof(path), "%s/%u.csv", b->dir, t);
        FILE *f = fopen(path, "we");
        if (!f)
            err(1, "%s", path);
        for (unsigned i = 0; i < ROWS; i++)
            fprintf(f, "+4%05u,0.%06u\n", i,
                    rnd() % 500 * 100 + t); /* a real deck has some hundred rates */
        if (fclose(f) != 0)
            err(1, "%s", path);
    }
}

static size_t write_conf(char *out, size_t size)
{
    size_t n = (size_t)snprintf(
        out, size,
        "realm r\n  address 192.0.2.1\nlisten main\n  realm r\n  udp 192.0.2.1:5060\n"
        "numbers plan\n  911 -> keep class emergency\n  NXXNXXXXXX -> +1{*}\n  +. -> keep\n"
        "numbers bare direction out\n  +. -> {1-}\n"
        "trunk in\n  listen main\n  media none\n  peer 198.51.100.1 udp\n  routes retail\n  numbers plan\n");
    for (unsigned t = 0; t < TRUNKS; t++)
        n += (size_t)snprintf(out + n, size - n,
                              "trunk t%u\n  listen main\n  media none\n  peer 198.51.100.%u udp\n"
                              "  send bare\nratedeck d%u trunk t%u\n  file %u.csv\n"
                              "  columns prefix rate\n",
                              t, t + 10, t, t, t);
    n += (size_t)snprintf(
        out + n, size - n,
        "route retail\n  emergency via t0\n  prefix +1 via t0\n  prefix +2 via t0 70%% t1 30%% then t2\n"
        "  prefix +40 lcr d0\n  prefix +42 lcr d0 d1\n  prefix +43 lcr d0 d1 d2 d3\n"
        "  prefix +44 lcr d0 d1 d2 d3 d4 d5 d6 d7\n"
        "  prefix +45 lcr");
    for (unsigned t = 0; t < TRUNKS; t++)
        n += (size_t)snprintf(out + n, size - n, " d%u", t);
    return n + (size_t)snprintf(out + n, size - n, "\n");
}

static void begin(struct bench *b)
{
    static char text[16384];
    char name[64];
    struct conf_errors errs;
    struct route_param p = {.wall_s = 1700000000, .threads = 2};
    const char *why;
    snprintf(b->dir, sizeof(b->dir), "/tmp/decide-XXXXXX");
    if (!mkdtemp(b->dir))
        err(1, "%s", b->dir);
    write_decks(b);
    snprintf(name, sizeof(name), "%s/conf", b->dir);
    b->conf = conf_load_text(name, text, write_conf(text, sizeof(text)), NULL, &errs);
    conf_print_errors(stderr, &errs);
    conf_errors_fini(&errs);
    p.conf = b->conf;
    p.reg = b->reg = trunk_registry_new();
    if (!b->conf || !b->reg || !(b->rt = route_new(&p, &why)))
        errx(1, "no route");
    for (uint32_t i = 0; i < b->conf->trunk.n; i++) {
        struct target_record r = {
            .addr = b->conf->trunk.v[i].peer.v[0].addr, .listener = UINT16_MAX, .weight = 1};
        if (targets_publish(b->reg, trunk_registry_get(b->reg, b->conf->trunk.v[i].name), &r, 1) <
            0)
            errx(1, "no targets");
    }
    b->number = calloc(NUMBERS, sizeof(b->number[0]));
    if (!b->number)
        errx(1, "no memory");
}

static void end(struct bench *b)
{
    char path[64];
    for (unsigned t = 0; t < TRUNKS; t++) {
        snprintf(path, sizeof(path), "%s/%u.csv", b->dir, t);
        (void)unlink(path);
    }
    (void)rmdir(b->dir);
    route_free(b->rt);
    trunk_registry_free(b->reg);
    conf_free(b->conf);
    free(b->number);
}

static double now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void ignore(void *arg, const struct route_note *n)
{
    (void)arg;
    (void)n;
}

/* Nanoseconds a decision, of the quietest round: the machine is not ours alone. */
static double measure(struct bench *b, const char *prefix, const struct route_trace *trace,
                      unsigned *candidates)
{
    struct route_query q = {.wall_s = 1700000000,
                            .now_ms = 1000,
                            .trunk = (uint32_t)(conf_find_trunk(b->conf, "in") - b->conf->trunk.v),
                            .caller = SPAN("+12125550123"),
                            .trace = trace};
    struct route_decision d;
    double best = 0;
    for (uint32_t i = 0; i < NUMBERS; i++)
        snprintf(b->number[i], sizeof(b->number[i]), "%s%08u", prefix, rnd() % 100000000);
    for (unsigned r = 0; r < ROUNDS; r++) {
        double from = now_ns(), took;
        for (uint32_t i = 0; i < NUMBERS; i++) {
            q.called = span_of(b->number[i]);
            q.rnd = i;
            route_decide(b->rt, &q, &d);
            if (d.verdict != ROUTE_OK)
                errx(1, "%s: verdict %d", b->number[i], d.verdict);
        }
        took = (now_ns() - from) / NUMBERS;
        best = r == 0 || took < best ? took : best;
    }
    *candidates = d.n;
    return best;
}

int main(void)
{
    static const struct {
        const char *prefix, *what;
    } row[] = {{"+1", "via"},  {"+2", "via, shares"}, {"+40", "lcr"}, {"+42", "lcr"},
               {"+43", "lcr"}, {"+44", "lcr"},        {"+45", "lcr"}};
    const struct route_trace trace = {ignore, NULL};
    struct bench b = {.conf = NULL};
    begin(&b);
    printf("%-14s %10s %10s %10s\n", "line", "candidates", "ns", "ns watched");
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        unsigned n;
        double plain = measure(&b, row[i].prefix, NULL, &n);
        double watched = measure(&b, row[i].prefix, &trace, &n);
        printf("%-14s %10u %10.0f %10.0f\n", row[i].what, n, plain, watched);
    }
    end(&b);
    return 0;
}
