/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The resolver's sockets and timeouts: c-ares tells which descriptors it wants watched, libevent watches them.
 * dns_parse reads what came; names, types and statuses are all that leaves this file.
 */
#include "sip/dns_ares.h"

#include <arpa/inet.h>
#include <ares.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/htab.h"

/* 2 s and two tries over all servers: with one a question has failed after 2 + 4 s; nobody waits for it but a trunk that is new. */
#define TIMEOUT_MS 2000
#define TRIES      2
/* 1,232 bytes: what crosses any path unfragmented; larger answers come truncated and are fetched by TCP. */
#define EDNS_BYTES 1232
/* 8: resolv.conf knows three. */
#define SERVERS_MAX 8

struct watch {
    struct watch *next;
    struct dns_ares *d;
    ares_socket_t fd;
    struct event *ev;
};

struct query {
    struct query *next, **prev;
    struct dns_ares *d;
    dns_fn fn; /* NULL: cancelled */
    void *arg;
    enum dns_type type;
    char name[DNS_NAME_MAX];
};

struct dns_ares {
    struct dns_ops ops;
    struct event_base *base;
    struct timers *timers;
    ares_channel channel;
    struct event *timer;
    struct watch *watches;
    struct query *queries;
    struct dns_answer answer;
    struct dns_pace pace;
};

/* When c-ares wants to be called next if nothing comes. */
static void arm(struct dns_ares *d)
{
    struct timeval tv, *next = ares_timeout(d->channel, NULL, &tv);

    if (next)
        event_add(d->timer, next);
    else
        event_del(d->timer);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct dns_ares *d = arg;

    (void)fd;
    (void)what;
    timers_tick(d->timers);
    ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm(d);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct dns_ares *d = arg;

    timers_tick(d->timers);
    ares_process_fd(d->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
                    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
    arm(d);
}

static void on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct dns_ares *d = arg;
    struct watch **at = &d->watches, *w;
    short what = (short)(EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

    while (*at && (*at)->fd != fd)
        at = &(*at)->next;
    w = *at;
    if (w) {
        event_free(w->ev);
        *at = w->next;
    }
    if (!readable && !writable) {
        free(w);
        return;
    }
    if (!w)
        w = calloc(1, sizeof *w);
    if (!w)
        return; /* nobody watches it: its question times out */
    *w = (struct watch){d->watches, d, fd, event_new(d->base, fd, what, on_socket, d)};
    if (!w->ev || event_add(w->ev, NULL) < 0) {
        if (w->ev)
            event_free(w->ev);
        free(w);
        return;
    }
    d->watches = w;
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *buf, int len)
{
    struct query *q = arg;
    struct dns_ares *d = q->d;
    dns_fn fn = q->fn;
    void *user = q->arg;

    (void)timeouts;
    *q->prev = q->next;
    if (q->next)
        q->next->prev = q->prev;
    d->answer.status = DNS_FAILED;
    d->answer.n = d->answer.skipped = 0;
    d->answer.stale = false;
    d->answer.ttl_s = 0;
    /* ENODATA and ENOTFOUND come with the message: how long they hold stands in it. */
    if (buf && len > 0 &&
        (status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND))
        (void)dns_parse(buf, (size_t)len, q->name, q->type, &d->answer);
    free(q);
    if (fn)
        fn(user, &d->answer);
}

static int ares_ask(struct dns_ops *ops, const char *name, enum dns_type type, dns_fn fn, void *arg)
{
    struct dns_ares *d = container_of(ops, struct dns_ares, ops);
    struct query *q = calloc(1, sizeof *q);

    if (!q)
        return -ENOMEM;
    q->d = d;
    q->fn = fn;
    q->arg = arg;
    q->type = type;
    snprintf(q->name, sizeof q->name, "%s", name);
    q->next = d->queries;
    q->prev = &d->queries;
    if (q->next)
        q->next->prev = &q->next;
    d->queries = q;
    ares_query(d->channel, q->name, 1, (int)type, on_answer, q);
    arm(d);
    return 0;
}

static void ares_forget(struct dns_ops *ops, void *arg)
{
    struct dns_ares *d = container_of(ops, struct dns_ares, ops);

    for (struct query *q = d->queries; q; q = q->next)
        if (q->arg == arg)
            q->fn = NULL;
}

static int set_servers(ares_channel channel, const struct addr *server, unsigned n)
{
    struct ares_addr_port_node node[SERVERS_MAX];

    if (n > SERVERS_MAX)
        n = SERVERS_MAX;
    memset(node, 0, sizeof node);
    for (unsigned i = 0; i < n; i++) {
        node[i].next = i + 1 < n ? &node[i + 1] : NULL;
        node[i].family = server[i].family == 6 ? AF_INET6 : AF_INET;
        memcpy(&node[i].addr, server[i].ip, server[i].family == 6 ? 16 : 4);
        node[i].udp_port = node[i].tcp_port = server[i].port ? server[i].port : 53;
    }
    return !n || ares_set_servers_ports(channel, node) == ARES_SUCCESS ? 0 : -ENOMEM;
}

int dns_ares_servers(struct dns_ares *d, const struct addr *server, unsigned n)
{
    struct ares_options opt = {.timeout = d->pace.timeout_ms,
                               .tries = d->pace.tries,
                               .flags = ARES_FLAG_EDNS,
                               .ednspsz = EDNS_BYTES,
                               .sock_state_cb = on_state,
                               .sock_state_cb_data = d};
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ |
               ARES_OPT_SOCK_STATE_CB;
    ares_channel old = d->channel, fresh;

    if (ares_init_options(&fresh, &opt, mask) != ARES_SUCCESS)
        return -ENOMEM;
    if (set_servers(fresh, server, n) < 0) {
        ares_destroy(fresh);
        return -ENOMEM;
    }
    d->channel = fresh;
    if (old)
        ares_destroy(old); /* what was asked there has failed; who asks again does so here */
    return 0;
}

struct dns_ares *dns_ares_new(struct event_base *base, struct timers *timers,
                              const struct addr *server, unsigned n)
{
    return dns_ares_new_paced(base, timers, server, n, &(struct dns_pace){TIMEOUT_MS, TRIES});
}

struct dns_ares *dns_ares_new_paced(struct event_base *base, struct timers *timers,
                                    const struct addr *server, unsigned n,
                                    const struct dns_pace *pace)
{
    struct dns_ares *d = calloc(1, sizeof *d);

    if (!d || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        free(d);
        errno = ENOMEM;
        return NULL;
    }
    d->ops = (struct dns_ops){ares_ask, ares_forget};
    d->base = base;
    d->timers = timers;
    d->pace = *pace;
    d->timer = event_new(base, -1, 0, on_timer, d);
    if (!d->timer || dns_ares_servers(d, server, n) < 0) {
        dns_ares_free(d);
        errno = ENOMEM;
        return NULL;
    }
    return d;
}

void dns_ares_free(struct dns_ares *d)
{
    if (!d)
        return;
    for (struct query *q = d->queries; q; q = q->next)
        q->fn = NULL;
    if (d->channel)
        ares_destroy(d->channel); /* ends each query by its callback, and each descriptor */
    while (d->watches) {
        struct watch *w = d->watches;

        d->watches = w->next;
        event_free(w->ev);
        free(w);
    }
    if (d->timer)
        event_free(d->timer);
    ares_library_cleanup();
    free(d);
}

struct dns_ops *dns_ares_ops(struct dns_ares *d)
{
    return &d->ops;
}
