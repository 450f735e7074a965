/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A controller gone mad: its bytes go through the decoder and into a relay whose ports are no sockets.
 * After each input every session is closed and the ledger must be empty.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/log.h"
#include "relay/state.h"

static struct relay *relay;
static struct event_base *base;

/* Something that epoll takes and that is never readable. */
static int io_open(const struct io_open *p, int fd[2])
{
    if (p->local.port % 16 == 6)
        return -EADDRINUSE;
    fd[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fd[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd[0] < 0 || fd[1] < 0 ? -EMFILE : 0;
}

static void io_close(const int fd[2])
{
    close(fd[0]);
    close(fd[1]);
}

static void io_set_dscp(const int fd[2], uint8_t family, uint8_t dscp)
{
    (void)fd;
    (void)family;
    (void)dscp;
}

static int io_thread_new(const struct io_thread_param *p, struct io_thread **out)
{
    (void)p;
    *out = NULL;
    return 0;
}

static void io_flow(struct io_thread *t, struct flow *f)
{
    (void)t;
    (void)f;
}

static const struct relay_io io_none = {.name = "none",
                                        .open = io_open,
                                        .close = io_close,
                                        .set_dscp = io_set_dscp,
                                        .thread_new = io_thread_new,
                                        .add = io_flow,
                                        .del = io_flow};

static void no_log(enum log_level level, const char *line, void *arg)
{
    (void)level;
    (void)line;
    (void)arg;
}

static void begin(void)
{
    struct relay_param p = {.io = &io_none, .threads = 1, .sockets_limit = 64};

    log_set_sink(no_log, NULL);
    base = event_base_new();
    p.base = base;
    relay = relay_new(&p);
    if (!relay)
        abort();
}

static void greet(struct conn *c)
{
    struct media_hello h = {.hdr = {.version = MEDIA_VERSION,
                                    .type = MEDIA_HELLO,
                                    .length = sizeof(h),
                                    .epoch = 1,
                                    .request = 1},
                            .node = "fuzz"};
    struct media_pool m = {.hdr = {.version = MEDIA_VERSION,
                                   .type = MEDIA_POOL,
                                   .length = sizeof(m),
                                   .epoch = 1,
                                   .request = 2},
                           .id = media_pool_id("main"),
                           .name = "main",
                           .quarantine_ms = 1,
                           .port_lo = 10000,
                           .port_hi = 10127,
                           .n_addrs = 1,
                           .addr = {{.family = 4, .ip = {127, 0, 0, 1}}}};

    conn_packet(c, &h, sizeof(h));
    conn_packet(c, &m, sizeof(m));
}

static void end_all(void)
{
    for (uint32_t i = 0; i < relay->n_slots; i++) {
        if (relay->slot[i] && !relay->slot[i]->is_closing &&
            session_ask(relay, relay->slot[i], JOB_CLOSE, NULL) < 0)
            abort();
    }
    relay_turn(relay);
    while (relay->n_sessions > 0 || relay->n_leaving > 0)
        event_base_loop(base, EVLOOP_ONCE);
    if (ports_used(relay->ports) != 0 || relay->n_sockets != 0 || relay_audit(relay) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conn *c;
    void *copy;
    int fd[2];

    if (size == 0 || size > MEDIA_PACKET_MAX)
        return 0;
    if (!relay)
        begin();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) < 0)
        abort();
    c = conn_new(relay, fd[0]);
    if (!c)
        abort();
    copy = malloc(size); /* aligned, and its end is guarded */
    if (!copy)
        abort();
    memcpy(copy, data, size);
    relay_now(relay);
    greet(c);
    conn_packet(c, copy, size);
    free(copy);
    c->is_dead = true;
    relay_turn(relay);
    close(fd[1]);
    end_all();
    return 0;
}
