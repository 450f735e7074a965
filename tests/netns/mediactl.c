/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A controller of tandem-media for tests: told by lines on standard input what to open, change, ask and close; answers each with a line of JSON.
 * tests/netns/netns.py drives it. It speaks through lib/media as tandemd does and knows nothing of the relay's inside.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/span.h"
#include "core/timer.h"
#include "media/media.h"
#include "mediactl.h"

#define SESSIONS_MAX 40000U
#define WINDOW       512U /* requests under way: a few packets of the control socket */
#define POOLS_MAX    8U
#define WORDS_MAX    48U
#define EVENTS_KEPT  64U

struct pool {
    char name[MEDIA_NAME_MAX], device[MEDIA_DEVICE_MAX];
    struct addr addr[MEDIA_POOL_ADDRS];
    struct media_pool_conf conf;
};

struct session {
    struct media_ref ref;
    struct addr local[2], remote[2];
};

struct ctl {
    struct event_base *base;
    struct clock clock;
    struct timers *timers;
    struct media *media;
    struct event *ev_in;
    char in[65536];
    size_t in_len;
    bool is_over;
    struct pool pool[POOLS_MAX];
    unsigned n_pools;
    uint64_t generation;
    struct session session[SESSIONS_MAX];
    unsigned under_way, failed;
    int status; /* last that was not 0 */
    struct media_counters sum[2];
    struct media_ep_state ep[MEDIA_ENDPOINTS_MAX];
    unsigned n_eps;
    unsigned n_events[MEDIA_EV_END - MEDIA_EV_LATCHED];
    struct media_event event[EVENTS_KEPT];
    unsigned n_kept;
};

static struct ctl c;

/* ---- client ---------------------------------------------------------------------------------------------------- */

static void turn(void)
{
    clock_update(&c.clock);
    event_base_loop(c.base, EVLOOP_ONCE);
}

static void until_under(unsigned n)
{
    media_flush(c.media);
    while (c.under_way > n)
        turn();
}

static void on_event(void *arg, const struct media_event *ev)
{
    (void)arg;
    c.n_events[ev->type - MEDIA_EV_LATCHED]++;
    if (c.n_kept < EVENTS_KEPT)
        c.event[c.n_kept++] = *ev;
}

static void on_state(void *arg, bool is_up, bool is_fresh)
{
    (void)arg;
    (void)is_up;
    (void)is_fresh;
}

static void on_done(void *arg, const struct media_result *res)
{
    struct session *s = arg;

    c.under_way--;
    if (res->status) {
        c.failed++;
        c.status = res->status;
        return;
    }
    s->ref.index = res->ref.index;
    c.n_eps = res->n_eps;
    if (res->n_eps)
        memcpy(c.ep, res->ep, res->n_eps * sizeof(c.ep[0]));
    for (unsigned i = 0; i < res->n_eps; i++) {
        unsigned side = res->ep[i].endpoint & 1;

        s->local[side] = res->ep[i].local;
        ctl_sum(&c.sum[side], &res->ep[i].n);
    }
}

/* One request of a range; the answer says how many failed. */
static void begin(void)
{
    c.failed = 0;
    c.status = 0;
    memset(c.sum, 0, sizeof(c.sum));
}

static void end(void)
{
    until_under(0);
    printf("{\"failed\":%u,\"status\":%d}\n", c.failed, c.status);
}

static void asked(uint32_t request)
{
    if (request)
        c.under_way++;
    else
        c.failed++;
    if (c.under_way >= WINDOW)
        until_under(WINDOW / 2);
}

/* ---- words ----------------------------------------------------------------------------------------------------- */

/* The value of key=value among the words, or NULL. */
static const char *value(char **word, unsigned n, const char *key)
{
    size_t len = strlen(key);

    for (unsigned i = 0; i < n; i++) {
        if (strncmp(word[i], key, len) == 0 && word[i][len] == '=')
            return word[i] + len + 1;
    }
    return NULL;
}

static unsigned number(char **word, unsigned n, const char *key, unsigned otherwise)
{
    const char *v = value(word, n, key);

    return v ? (unsigned)strtoul(v, NULL, 0) : otherwise;
}

static struct addr address(const char *text)
{
    struct addr a = {0};

    if (text && strcmp(text, "none") != 0 && addr_parse(span_of(text), 0, &a) < 0)
        fprintf(stderr, "mediactl: not an address: %s\n", text);
    return a;
}

static uint8_t latch_of(const char *name)
{
    static const char *const names[] = {"learn-once", "sdp-only", "follow"};

    for (uint8_t i = 0; name && i < MEDIA_LATCH_END; i++) {
        if (strcmp(name, names[i]) == 0)
            return i;
    }
    return MEDIA_LATCH_SDP_ONLY;
}

/* pt=TYPE:CODEC,TYPE:CODEC… by enum media_codec's numbers. */
static void payload_types(const char *text, struct media_ep *ep)
{
    while (text && *text && ep->n_pts < MEDIA_PTS_MAX) {
        char *more;

        ep->pt[ep->n_pts].type = (uint8_t)strtoul(text, &more, 10);
        if (*more == ':')
            ep->pt[ep->n_pts].codec = (uint8_t)strtoul(more + 1, &more, 10);
        ep->n_pts++;
        text = *more == ',' ? more + 1 : NULL;
    }
}

/* What all operations on endpoints can be told: latch, flags, direction, dscp, inactivity, clock, ptime, pt. */
static void options(char **word, unsigned n, struct media_ep *ep)
{
    ep->latch = latch_of(value(word, n, "latch"));
    ep->flags = (uint8_t)number(word, n, "flags", 0);
    ep->direction = (uint8_t)number(word, n, "direction", MEDIA_DIR_BOTH);
    ep->dscp = (uint8_t)number(word, n, "dscp", 46);
    ep->inactivity_ms = number(word, n, "inactivity", 0);
    ep->clock_rate = number(word, n, "clock", 0);
    ep->ptime_ms = (uint8_t)number(word, n, "ptime", 0);
    payload_types(value(word, n, "pt"), ep);
}

/* ---- commands: FIRST COUNT are word[1] and word[2] of most ------------------------------------------------------ */

static struct addr shifted(struct addr a, unsigned i, unsigned step)
{
    if (addr_is_set(&a))
        a.port = (uint16_t)(a.port + i * step);
    return a;
}

static void do_open_one(char **word, unsigned n, unsigned first, unsigned i)
{
    struct media_op op[3] = {0};
    struct session *s = &c.session[first + i];
    struct media_open o = {.op = op, .n_ops = 3};
    static const char *const pool[2] = {"pool-a", "pool-b"}, *const party[2] = {"a", "b"};

    s->ref = (struct media_ref){media_session_new(c.media), MEDIA_INDEX_NONE};
    for (unsigned k = 0; k < 2; k++) {
        struct media_ep *ep = &op[k].ep;

        op[k].kind = MEDIA_OP_ADD;
        options(word, n, ep);
        ep->pool = media_pool_id(value(word, n, pool[k]) ? value(word, n, pool[k]) : "main");
        ep->endpoint = (uint8_t)k;
        s->remote[k] = shifted(address(value(word, n, party[k])), i, number(word, n, "step", 2));
        ep->remote = s->remote[k];
        ep->family = ep->remote.family ? ep->remote.family
                                       : (uint8_t)number(word, n, k ? "family-b" : "family-a", 4);
    }
    op[2].kind = MEDIA_OP_CONNECT;
    op[2].peer = 1;
    o.ref = s->ref;
    asked(media_open(c.media, &o, on_done, s));
}

/* to is zeroed */
static void text_put(char *to, size_t size, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    memcpy(to, text ? text : "", len < size ? len : size - 1);
}

static void modify(unsigned first, unsigned count, const struct media_op *op, unsigned step)
{
    for (unsigned i = 0; i < count; i++) {
        struct media_op one = *op;

        if (op->kind == MEDIA_OP_REMOTE)
            one.ep.remote = shifted(op->ep.remote, i, step);
        asked(media_modify(c.media, c.session[first + i].ref, &one, 1, on_done,
                           &c.session[first + i]));
    }
}

/* set FIRST COUNT EP key=value… ; remote FIRST COUNT EP addr=… step=… ; relearn, disconnect FIRST COUNT EP */
static void do_modify(char **word, unsigned n, unsigned first, unsigned count)
{
    static const struct {
        const char *name;
        uint8_t kind;
    } kinds[] = {
        {"set", MEDIA_OP_SET},         {"remote", MEDIA_OP_REMOTE},
        {"relearn", MEDIA_OP_RELEARN}, {"disconnect", MEDIA_OP_DISCONNECT},
        {"connect", MEDIA_OP_CONNECT}, {"play", MEDIA_OP_PLAY},
        {"stop", MEDIA_OP_STOP},       {"dtmf", MEDIA_OP_DTMF},
        {"ice", MEDIA_OP_ICE},
    };
    struct media_op op = {0};
    uint8_t ep = n > 3 ? (uint8_t)strtoul(word[3], NULL, 10) : 0;

    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(word[0], kinds[i].name) == 0)
            op.kind = kinds[i].kind;
    }
    if (op.kind == MEDIA_OP_SET)
        options(word, n, &op.ep);
    if (op.kind == MEDIA_OP_REMOTE)
        op.ep.remote = address(value(word, n, "addr"));
    if (op.kind == MEDIA_OP_CONNECT)
        op.peer = ep ^ 1;
    if (op.kind == MEDIA_OP_PLAY) {
        op.play.sound = media_pool_id(value(word, n, "sound") ? value(word, n, "sound") : "");
        op.play.flags = (uint8_t)number(word, n, "flags", 0);
    }
    if (op.kind == MEDIA_OP_DTMF) {
        op.dtmf.digit = (uint8_t)number(word, n, "digit", 5);
        op.dtmf.duration_ms = number(word, n, "ms", 100);
    }
    if (op.kind == MEDIA_OP_ICE) {
        op.ice.is_on = 1;
        text_put(op.ice.ufrag, sizeof(op.ice.ufrag), value(word, n, "ufrag"));
        text_put(op.ice.pwd, sizeof(op.ice.pwd), value(word, n, "pwd"));
        text_put(op.ice.remote_ufrag, sizeof(op.ice.remote_ufrag), value(word, n, "remote"));
        op.ice.endpoint = ep;
    } else {
        op.ep.endpoint = ep;
    }
    begin();
    modify(first, count, &op, number(word, n, "step", 2));
    end();
}

static void do_open(char **word, unsigned n, unsigned first, unsigned count)
{
    begin();
    for (unsigned i = 0; i < count; i++)
        do_open_one(word, n, first, i);
    end();
}

static void do_sum(char **word, unsigned n, unsigned first, unsigned count)
{
    bool is_close = strcmp(word[0], "close") == 0;

    (void)n;
    begin();
    for (unsigned i = 0; i < count; i++) {
        struct session *s = &c.session[first + i];

        asked(is_close ? media_close(c.media, s->ref, on_done, s)
                       : media_query(c.media, s->ref, on_done, s));
    }
    until_under(0);
    printf("{\"failed\":%u,\"status\":%d,\"a\":", c.failed, c.status);
    ctl_counters(&c.sum[0]);
    printf(",\"b\":");
    ctl_counters(&c.sum[1]);
    printf("}\n");
}

/* query FIRST 1: addresses and states, too */
static void do_query(char **word, unsigned n, unsigned first, unsigned count)
{
    (void)word;
    (void)n;
    (void)count;
    begin();
    asked(media_query(c.media, c.session[first].ref, on_done, &c.session[first]));
    until_under(0);
    printf("{\"failed\":%u,\"status\":%d,\"ep\":[", c.failed, c.status);
    for (unsigned i = 0; i < c.n_eps && !c.failed; i++) {
        printf("%s", i ? "," : "");
        ctl_endpoint(&c.ep[i]);
    }
    printf("]}\n");
}

/* map FIRST COUNT FILE: for rtpflow, a call a line: a's address, ours for a, b's, ours for b. */
static void do_map(char **word, unsigned n, unsigned first, unsigned count)
{
    FILE *f = n > 3 ? fopen(word[3], "we") : NULL;

    for (unsigned i = 0; f && i < count; i++) {
        const struct session *s = &c.session[first + i];

        for (unsigned k = 0; k < 2; k++) {
            ctl_addr(f, &s->remote[k]);
            fputc(' ', f);
            ctl_addr(f, &s->local[k]);
            fputc(k ? '\n' : ' ', f);
        }
    }
    printf("{\"failed\":%d}\n", f && fclose(f) == 0 ? 0 : 1);
}

static void on_relay(void *arg, int status, const struct media_relay_reply *r)
{
    int *is_done = arg;

    *is_done = 1;
    ctl_relay(status, r);
}

static void do_relay(void)
{
    int is_done = 0;

    if (!media_query_relay(c.media, on_relay, &is_done)) {
        printf("{\"failed\":1}\n"); /* there is none to be asked */
        return;
    }
    while (!is_done)
        turn();
}

static void do_events(void)
{
    printf("{\"counts\":{");
    for (unsigned i = 0; i < MEDIA_EV_END - MEDIA_EV_LATCHED; i++)
        printf("%s\"%s\":%u", i ? "," : "", ctl_event_name(MEDIA_EV_LATCHED + i), c.n_events[i]);
    printf("},\"events\":[");
    for (unsigned i = 0; i < c.n_kept; i++)
        printf("%s{\"type\":\"%s\",\"endpoint\":%u,\"session\":%llu}", i ? "," : "",
               ctl_event_name(c.event[i].type), c.event[i].endpoint,
               (unsigned long long)c.event[i].ref.session);
    printf("]}\n");
    memset(c.n_events, 0, sizeof(c.n_events));
    c.n_kept = 0;
}

/* pool NAME LO-HI [device=…] [quarantine=MS] ADDRESS…; told to the relay with all before it */
static void do_pool(char **word, unsigned n)
{
    struct pool *p = &c.pool[c.n_pools];
    struct media_pool_conf all[POOLS_MAX];
    char *more = NULL;

    if (n < 4 || c.n_pools == POOLS_MAX) {
        printf("{\"failed\":1}\n");
        return;
    }
    snprintf(p->name, sizeof(p->name), "%s", word[1]);
    p->conf = (struct media_pool_conf){.name = p->name, .addr = p->addr};
    p->conf.port_lo = (uint16_t)strtoul(word[2], &more, 10);
    p->conf.port_hi = *more == '-' ? (uint16_t)strtoul(more + 1, NULL, 10) : 0;
    p->conf.quarantine_ms = number(word, n, "quarantine", 0);
    if (value(word, n, "device")) {
        snprintf(p->device, sizeof(p->device), "%s", value(word, n, "device"));
        p->conf.device = p->device;
    }
    for (unsigned i = 3; i < n && p->conf.n_addrs < MEDIA_POOL_ADDRS; i++) {
        if (!strchr(word[i], '=') &&
            addr_parse_ip(span_of(word[i]), &p->addr[p->conf.n_addrs]) == 0)
            p->conf.n_addrs++;
    }
    c.n_pools++;
    for (unsigned i = 0; i < c.n_pools; i++)
        all[i] = c.pool[i].conf;
    printf("{\"failed\":%d}\n", media_set_pools(c.media, all, c.n_pools, ++c.generation) != 0);
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

static void run_range(char **word, unsigned n)
{
    static const struct {
        const char *name;
        void (*run)(char **word, unsigned n, unsigned first, unsigned count);
    } commands[] = {
        {"open", do_open},         {"sum", do_sum},        {"close", do_sum},
        {"query", do_query},       {"map", do_map},        {"set", do_modify},
        {"remote", do_modify},     {"relearn", do_modify}, {"connect", do_modify},
        {"disconnect", do_modify}, {"play", do_modify},    {"stop", do_modify},
        {"dtmf", do_modify},       {"ice", do_modify},
    };
    unsigned first = n > 1 ? (unsigned)strtoul(word[1], NULL, 10) : 0;
    unsigned count = n > 2 ? (unsigned)strtoul(word[2], NULL, 10) : 1;

    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(word[0], commands[i].name) != 0)
            continue;
        if (first + count <= SESSIONS_MAX && count <= SESSIONS_MAX) {
            commands[i].run(word, n, first, count);
            return;
        }
    }
    printf("{\"failed\":1,\"error\":\"%s\"}\n", word[0]);
}

static void run_line(char *line)
{
    char *word[WORDS_MAX];
    unsigned n = 0;

    for (char *w; (w = strsep(&line, " ")) != NULL && n < WORDS_MAX;) {
        if (*w)
            word[n++] = w;
    }
    if (n == 0)
        return;
    if (strcmp(word[0], "quit") == 0)
        c.is_over = true;
    else if (strcmp(word[0], "pool") == 0)
        do_pool(word, n);
    else if (strcmp(word[0], "relay") == 0)
        do_relay();
    else if (strcmp(word[0], "events") == 0)
        do_events();
    else
        run_range(word, n);
    fflush(stdout);
}

static void on_input(evutil_socket_t fd, short what, void *arg)
{
    ssize_t n = read(fd, c.in + c.in_len, sizeof(c.in) - 1 - c.in_len);

    (void)what;
    (void)arg;
    if (n <= 0)
        c.is_over = true;
    else
        c.in_len += (size_t)n;
}

static void run_lines(void)
{
    char *eol;

    while (!c.is_over && (eol = memchr(c.in, '\n', c.in_len)) != NULL) {
        size_t used = (size_t)(eol - c.in) + 1;
        char line[4096];

        snprintf(line, sizeof(line), "%.*s", (int)(used - 1), c.in);
        c.in_len -= used;
        memmove(c.in, eol + 1, c.in_len);
        run_line(line);
    }
}

int main(int argc, char **argv)
{
    struct media_param p = {.node = "mediactl", .worker = 1, .orphan_idle_ms = 3600000};
    struct media_handler h = {on_event, on_state, NULL};

    if (argc < 2) {
        fprintf(stderr, "usage: mediactl SOCKET [EPOCH]\n");
        return 2;
    }
    log_set_level(LOG_ERROR);
    c.base = event_base_new();
    clock_init(&c.clock);
    c.timers = timers_new(c.base, &c.clock);
    p.base = c.base;
    p.timers = c.timers;
    p.socket_path = argv[1];
    p.epoch = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : (uint32_t)getpid();
    c.media = media_new(&p);
    c.ev_in = event_new(c.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, NULL);
    if (!c.media || !c.ev_in || event_add(c.ev_in, NULL) < 0)
        return 1;
    media_set_handler(c.media, &h);
    while (!media_is_up(c.media))
        turn();
    puts("ready");
    fflush(stdout);
    while (!c.is_over) {
        run_lines();
        if (!c.is_over)
            turn();
    }
    media_free(c.media);
    event_free(c.ev_in);
    timers_free(c.timers);
    event_base_free(c.base);
    return 0;
}
