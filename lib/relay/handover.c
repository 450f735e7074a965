/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A successor overlaps with the relay that runs: descriptors of the threads, of the endpoints, of the journal and of the control
 * socket go from one process to the other, packets wait in their queues for some milliseconds. conn.c, relay.c, session.c call it.
 *
 * All or nothing. The old one stops its packet threads between two turns, gives, and waits; the new one makes all that can fail, says
 * READY and touches nothing; with the old one's word it is the relay. Without READY the old one starts its threads again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/ipc.h"
#include "core/log.h"
#include "relay/handed.h"
#include "relay/kernel.h"
#include "relay/secure.h"
#include "relay/state.h"

#define GIVE_MS \
    250U /* nobody forwards meanwhile: steered queues hold 0.2 s of full load; 20,000 descriptors take 20 ms */
#define TAKE_MS     5000U /* the old one finishes what its threads were asked first */
#define COMMIT_MS   10000U
#define SLOTS_END   (1U << 20) /* as many as a journal has */
#define THREADS_END 64U

_Static_assert(sizeof(struct flow_totals) == HANDED_COUNTS * sizeof(uint64_t), "as on the wire");

/* Of an endpoint. */
struct place {
    int fd[2];
    struct media_crypto *crypto; /* NULL: none; wiped when it is freed */
};

struct handover {
    int sock, listen_fd, journal_fd;
    uint32_t n; /* that came */
    struct handed_reply reply;
    struct place *slot; /* by place in the journal */
    uint32_t n_slots;
    int thread[THREADS_END][IO_THREAD_FDS];
    int thread_out[IO_THREAD_FDS];
    uint64_t commit_ns; /* when this became the relay */
};

static uint64_t in_ms(uint32_t ms)
{
    return clock_now_ns() / 1000000U + ms;
}

/* ---- the old one ----------------------------------------------------------------------------------------------- */

int handover_asked(struct relay *r, struct conn *c, const struct media_takeover *m)
{
    uid_t uid;

    if (ipc_peer(c->fd, &uid, NULL, NULL) < 0 || (uid != 0 && uid != geteuid()))
        return -EPERM;
    if (m->step != MEDIA_TAKEOVER_BEGIN || m->pad)
        return -EINVAL;
    if (!r->p.on_given || !r->keep)
        return -EOPNOTSUPP;
    if (m->layout != keep_layout())
        return -EPROTO;
    if (r->is_draining)
        return -ESHUTDOWN;
    if (r->heir)
        return -EBUSY;
    r->heir = c->serial;
    r->heir_request = m->hdr.request;
    event_active(r->ev_tick, EV_TIMEOUT, 0);
    return 0;
}

static uint32_t count_thread(const int fd[IO_THREAD_FDS])
{
    uint32_t n = 0;

    for (unsigned i = 0; i < IO_THREAD_FDS; i++)
        n += fd[i] >= 0;
    return n;
}

static uint32_t count_keys(const struct relay *r)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < r->n_slots; i++) {
        for (unsigned k = 0; r->slot[i] && k < MEDIA_ENDPOINTS_MAX; k++)
            n += r->slot[i]->ep[k] && r->slot[i]->ep[k]->secure;
    }
    return n;
}

static void fill_reply(const struct relay *r, struct handed_reply *m)
{
    int fd[IO_THREAD_FDS];

    memset(m, 0, sizeof(*m));
    m->hdr.version = MEDIA_VERSION;
    m->hdr.type = MEDIA_TAKEOVER | MEDIA_REPLY;
    m->hdr.length = sizeof(*m);
    m->hdr.request = r->heir_request;
    m->boot = r->boot;
    m->threads = r->n_threads;
    m->n = 2 + r->n_sockets;
    m->n_keys = count_keys(r);
    memcpy(m->count, &r->before, sizeof(m->count));
    for (unsigned i = 0; i < r->n_threads; i++) {
        uint64_t n[HANDED_COUNTS];

        thread_fds(r->thread[i], fd);
        m->n += count_thread(fd);
        memcpy(n, thread_totals(r->thread[i]), sizeof(n)); /* it does not run */
        for (unsigned k = 0; k < HANDED_COUNTS; k++)
            m->count[k] += n[k];
    }
    snprintf(m->form, sizeof(m->form), "%s", r->p.io->name);
    snprintf(m->supervisor, sizeof(m->supervisor), "%s", r->p.supervisor ? r->p.supervisor : "");
}

static int give_thread(struct handed_out *o, const struct relay *r, unsigned i)
{
    int fd[IO_THREAD_FDS];
    int err = 0;

    thread_fds(r->thread[i], fd);
    for (unsigned k = 0; k < IO_THREAD_FDS && err == 0; k++) {
        if (fd[k] >= 0)
            err = handed_put(o, HANDED_THREAD, i * IO_THREAD_FDS + k, fd[k]);
    }
    return err;
}

static int give_session(struct handed_out *o, const struct relay *r, const struct session *s)
{
    int err = 0;

    for (unsigned i = 0; i < MEDIA_ENDPOINTS_MAX && err == 0; i++) {
        const struct endpoint *e = s->ep[i];

        if (!e || e->rtp.fd < 0)
            continue;
        err = handed_put(o, HANDED_RTP, keep_slot(r->keep, e), e->rtp.fd);
        if (err == 0)
            err = handed_put(o, HANDED_RTCP, keep_slot(r->keep, e), e->rtcp.fd);
    }
    return err;
}

/* Where the streams are goes by the journal: to the packet, for nobody sends now. */
static int give_keys(const struct relay *r, const struct session *s, int sock, uint64_t deadline_ms)
{
    int err = 0;

    for (unsigned i = 0; i < MEDIA_ENDPOINTS_MAX && err == 0; i++) {
        struct endpoint *e = s->ep[i];
        struct handed_keys m;

        if (!e || !e->secure)
            continue;
        secure_place_get(e->secure, &e->place);
        m = (struct handed_keys){.hdr = {.version = MEDIA_VERSION,
                                         .type = MEDIA_TAKEOVER | MEDIA_REPLY,
                                         .length = sizeof(m)},
                                 .slot = keep_slot(r->keep, e),
                                 .crypto = *secure_keys(e->secure)};
        m.crypto.endpoint = e->number;
        err = handed_say(sock, deadline_ms, &m, sizeof(m));
        explicit_bzero(&m, sizeof(m));
    }
    return err;
}

static int give_all(const struct relay *r, int sock, uint64_t deadline_ms)
{
    struct handed_reply reply;
    struct handed_out o;
    int err;

    fill_reply(r, &reply);
    handed_start(&o, sock, deadline_ms);
    err = handed_say(sock, deadline_ms, &reply, sizeof(reply));
    if (err == 0)
        err = handed_put(&o, HANDED_LISTEN, 0, r->listen_fd);
    if (err == 0)
        err = handed_put(&o, HANDED_JOURNAL, 0, keep_fd(r->keep));
    for (unsigned i = 0; i < r->n_threads && err == 0; i++)
        err = give_thread(&o, r, i);
    for (uint32_t i = 0; i < r->n_slots && err == 0; i++) {
        if (r->slot[i])
            err = give_session(&o, r, r->slot[i]);
    }
    if (err == 0)
        err = handed_flush(&o);
    for (uint32_t i = 0; i < r->n_slots && err == 0; i++) {
        if (r->slot[i])
            err = give_keys(r, r->slot[i], sock, deadline_ms);
    }
    return err;
}

/* @return 0: it has our word, and all else */
static int give(const struct relay *r, int sock)
{
    uint64_t deadline_ms = in_ms(GIVE_MS);
    struct media_hdr word = {
        .version = MEDIA_VERSION, .type = MEDIA_TAKEOVER | MEDIA_REPLY, .length = sizeof(word)};
    struct media_takeover m;
    int err = give_all(r, sock, deadline_ms);

    if (err == 0)
        err = handed_hear(sock, deadline_ms, MEDIA_TAKEOVER, &m, sizeof(m));
    if (err == 0 && m.step != MEDIA_TAKEOVER_READY)
        err = -EBADMSG;
    if (err < 0)
        return err;
    word.request = m.hdr.request;
    return handed_say(sock, deadline_ms, &word, sizeof(word));
}

/* Nothing half done: batches are sent, jobs done and answered. */
static void halt(struct relay *r)
{
    for (unsigned i = 0; i < r->n_threads; i++)
        thread_stop(r->thread[i]);
    relay_jobs(r);
    conns_flush(r);
}

static void go_on(struct relay *r)
{
    for (unsigned i = 0; i < r->n_threads; i++) {
        int err = thread_start(r->thread[i]);

        if (err == 0)
            continue;
        /* deaf for good: the next process takes the sessions up from the journal */
        log_ev(LOG_ERROR, "media_handover", "thread=%u errno=%d", i, -err);
        abort();
    }
}

void handover_give(struct relay *r)
{
    uint64_t start_ns = clock_now_ns();
    struct conn *c;
    pid_t pid = 0;
    int err = -ECONNRESET;

    halt(r);
    c = conn_find(r, r->heir);
    r->heir = 0;
    if (c && !c->is_dead) {
        (void)ipc_peer(c->fd, NULL, NULL, &pid);
        err = give(r, c->fd);
    }
    if (err == 0) {
        log_ev(LOG_INFO, "media_given", "pid=%d sessions=%llu us=%llu", (int)pid,
               (unsigned long long)r->n_sessions,
               (unsigned long long)(clock_now_ns() - start_ns) / 1000U);
        r->p.on_given(r->p.arg, pid);
    }
    go_on(r);
    log_ev(LOG_ERROR, "media_not_given", "pid=%d errno=%d us=%llu", (int)pid, -err,
           (unsigned long long)(clock_now_ns() - start_ns) / 1000U);
    if (c)
        c->is_dead = true;
}

/* ---- the new one ----------------------------------------------------------------------------------------------- */

static int slots_grow(struct handover *h, uint32_t at)
{
    uint32_t n = h->n_slots ? h->n_slots : 256;
    struct place *p;

    if (at >= SLOTS_END)
        return -EBADMSG;
    while (n <= at)
        n *= 2;
    if (n == h->n_slots)
        return 0;
    p = realloc(h->slot, n * sizeof(*p));
    if (!p)
        return -ENOMEM;
    for (uint32_t i = h->n_slots; i < n; i++)
        p[i] = (struct place){.fd = {-1, -1}};
    h->slot = p;
    h->n_slots = n;
    return 0;
}

/* Where a descriptor of this tag belongs. @return 0; -EBADMSG; -ENOMEM */
static int place(struct handover *h, const struct handed_tag *t, int **out)
{
    int err = 0;

    switch (t->what) {
    case HANDED_LISTEN: *out = &h->listen_fd; break;
    case HANDED_JOURNAL: *out = &h->journal_fd; break;
    case HANDED_THREAD:
        if (t->at >= h->reply.threads * IO_THREAD_FDS)
            return -EBADMSG;
        *out = &h->thread[t->at / IO_THREAD_FDS][t->at % IO_THREAD_FDS];
        break;
    default:
        err = slots_grow(h, t->at);
        if (err < 0)
            return err;
        *out = &h->slot[t->at].fd[t->what == HANDED_RTCP];
        break;
    }
    return **out >= 0 ? -EBADMSG : 0;
}

static int take_packet(struct handover *h, uint64_t deadline_ms)
{
    struct handed_packet p;
    int fd[HANDED_MAX];
    int err = handed_take(h->sock, deadline_ms, &p, fd);
    int *to;

    if (err < 0)
        return err;
    for (uint32_t i = 0; i < p.n; i++) {
        int e = place(h, &p.tag[i], &to);

        if (e == 0) {
            *to = fd[i];
        } else {
            close(fd[i]);
            err = e;
        }
    }
    h->n += p.n;
    return err;
}

static int take_keys(struct handover *h, uint64_t deadline_ms)
{
    struct handed_keys m;
    struct media_crypto *c;
    int err = handed_hear(h->sock, deadline_ms, MEDIA_TAKEOVER | MEDIA_REPLY, &m, sizeof(m));

    if (err == 0)
        err = secure_check(&m.crypto);
    if (err == 0)
        err = slots_grow(h, m.slot);
    if (err == 0 && h->slot[m.slot].crypto)
        err = -EBADMSG;
    c = err == 0 ? malloc(sizeof(*c)) : NULL;
    if (c) {
        *c = m.crypto;
        h->slot[m.slot].crypto = c;
    }
    explicit_bzero(&m, sizeof(m));
    return err < 0 ? err : c ? 0 : -ENOMEM;
}

static int take_all(struct handover *h)
{
    struct media_takeover m = {.hdr = {.version = MEDIA_VERSION,
                                       .type = MEDIA_TAKEOVER,
                                       .length = sizeof(m),
                                       .request = 1},
                               .layout = keep_layout()};
    uint64_t deadline_ms = in_ms(TAKE_MS);
    int err = handed_say(h->sock, deadline_ms, &m, sizeof(m));

    if (err == 0)
        err = handed_hear(h->sock, deadline_ms, MEDIA_TAKEOVER | MEDIA_REPLY, &h->reply,
                          sizeof(h->reply));
    if (err == 0 && (h->reply.threads == 0 || h->reply.threads > THREADS_END))
        err = -EBADMSG;
    while (err == 0 && h->n < h->reply.n)
        err = take_packet(h, deadline_ms);
    for (uint32_t i = 0; i < h->reply.n_keys && err == 0; i++)
        err = take_keys(h, deadline_ms);
    if (err == 0 && (h->listen_fd < 0 || h->journal_fd < 0))
        err = -EBADMSG;
    return err;
}

/* A relay of our own user, or root's: its descriptors are believed. */
static int reach(struct relay *r, struct handover *h)
{
    uid_t uid;
    int err;

    h->sock = r->p.socket_path ? ipc_connect(r->p.socket_path, SOCK_SEQPACKET) : -EINVAL;
    if (h->sock < 0)
        return h->sock;
    err = ipc_peer(h->sock, &uid, NULL, NULL);
    return err < 0 ? err : uid == 0 || uid == geteuid() ? 0 : -EPERM;
}

static const char *why(int err)
{
    switch (err) {
    case -ENOENT:
    case -ECONNREFUSED: return "no relay is there";
    case -EPERM: return "the relay that runs is another user's";
    case -EOPNOTSUPP: return "the relay that runs has no journal, or hands nothing over";
    case -EPROTO: return "another layout of the journal, or another --journal: restart it";
    case -ESHUTDOWN: return "the relay that runs is draining";
    case -EBUSY: return "another successor is there";
    case -ECONNRESET:
        return "the relay that runs knows no takeover, or has given it up: restart it";
    case -EPIPE: return "the relay that runs has hung up: it is another user's, or ends";
    case -EMFILE: return "too few descriptors";
    case -EINVAL:
    case -EBADMSG:
        return "the relay that runs says it otherwise, as of another version: restart it";
    case -ETIMEDOUT: return "no answer";
    case -ENODEV: return "it steers packets, and its pins are not open to us: restart it";
    case -ESTALE: return "a set-up has replaced its pins since it was started: restart it";
    default: return "";
    }
}

/* As the old one has it: what it steers no socket of ours would get, and what it has sockets for no line is for. */
static int take_form(struct relay *r, const struct handed_reply *m)
{
    if (strncmp(m->form, io_udp.name, sizeof(m->form)) == 0) {
        if (r->p.kernel)
            r->p.no_kernel = "taken over from a relay with a socket for each port: restart it";
        r->p.kernel = NULL;
        r->p.io = &io_udp;
    } else if (strncmp(m->form, io_steer.name, sizeof(m->form)) != 0 || !r->p.kernel) {
        return -ENODEV;
    } else if (r->p.kernel->about->boot != m->boot) {
        return -ESTALE; /* programs that wait go by its maps: no line of ours would be for a packet */
    } else {
        r->p.io = &io_steer;
    }
    if (r->p.threads && r->p.threads != m->threads)
        log_ev(LOG_WARN, "media_takeover", "threads=%u msg=\"as many as the relay before has\"",
               m->threads);
    r->p.threads = m->threads;
    return 0;
}

static int take(struct relay *r, struct handover *h)
{
    int err = reach(r, h);
    int fd;

    if (err == 0)
        err = take_all(h);
    if (err == 0)
        err = take_form(r, &h->reply);
    if (err < 0)
        return err;
    h->reply.supervisor[sizeof(h->reply.supervisor) - 1] = 0;
    r->heritage = strdup(h->reply.supervisor);
    if (!r->heritage)
        return -ENOMEM;
    r->boot = h->reply.boot;
    memcpy(&r->before, h->reply.count, sizeof(r->before));
    /* its sockets say themselves how many they have lost, since they were made */
    if (r->p.io == &io_steer)
        atomic_store(&r->before.overflows, 0);
    fd = h->journal_fd;
    h->journal_fd = -1;
    err = r->p.journal ? keep_adopt(r->p.journal, fd, &r->boot, &r->keep) : -EPROTO;
    if (!r->p.journal)
        close(fd);
    r->listen_fd = h->listen_fd;
    h->listen_fd = -1;
    return err;
}

int handover_take(struct relay *r)
{
    struct handover *h = calloc(1, sizeof(*h));
    int err;

    if (!h)
        return -ENOMEM;
    h->sock = h->listen_fd = h->journal_fd = -1;
    memset(h->thread, 0xff, sizeof(h->thread));
    r->handover = h;
    err = take(r, h);
    if (err < 0)
        log_ev(LOG_ERROR, "media_takeover", "path=%s errno=%d reason=\"%s\"",
               r->p.socket_path ? r->p.socket_path : "", -err, why(err));
    return err;
}

int handover_commit(struct relay *r)
{
    struct handover *h = r->handover;
    struct media_takeover m = {.hdr = {.version = MEDIA_VERSION,
                                       .type = MEDIA_TAKEOVER,
                                       .length = sizeof(m),
                                       .request = 2},
                               .layout = keep_layout(),
                               .step = MEDIA_TAKEOVER_READY};
    uint64_t deadline_ms = in_ms(COMMIT_MS);
    struct media_hdr word;
    int err = handed_say(h->sock, deadline_ms, &m, sizeof(m));

    if (err == 0)
        err = handed_hear(h->sock, deadline_ms, MEDIA_TAKEOVER | MEDIA_REPLY, &word, sizeof(word));
    h->commit_ns = clock_now_ns();
    if (err < 0)
        log_ev(LOG_ERROR, "media_takeover", "path=%s errno=%d reason=\"%s\"", r->p.socket_path,
               -err, why(err));
    return err;
}

const int *handover_thread(struct relay *r, unsigned i)
{
    struct handover *h = r->handover;

    if (!h || r->p.io != &io_steer)
        return NULL;
    memcpy(h->thread_out, h->thread[i], sizeof(h->thread_out));
    memset(h->thread[i], 0xff, sizeof(h->thread[i]));
    return h->thread_out;
}

bool handover_sockets(struct relay *r, uint8_t number, int fd[2])
{
    struct handover *h = r->handover;
    struct place *p = NULL;

    for (unsigned i = 0; h && i < r->n_left; i++) {
        if (r->left[i].ep->number == number && r->left[i].slot < h->n_slots)
            p = &h->slot[r->left[i].slot];
    }
    if (!p || p->fd[0] < 0 || p->fd[1] < 0)
        return false;
    memcpy(fd, p->fd, sizeof(p->fd));
    p->fd[0] = p->fd[1] = -1;
    return true;
}

const struct media_crypto *handover_keys(const struct relay *r, const struct kept *left)
{
    const struct handover *h = r->handover;
    const struct media_crypto *c = h && left->slot < h->n_slots ? h->slot[left->slot].crypto : NULL;

    return c && c->endpoint == left->ep->number ? c : NULL;
}

static void close_one(int fd)
{
    if (fd >= 0)
        close(fd);
}

void handover_done(struct relay *r)
{
    if (!r->handover)
        return;
    log_ev(LOG_INFO, "media_taken", "sessions=%llu us=%llu", (unsigned long long)r->n_sessions,
           (unsigned long long)(clock_now_ns() - r->handover->commit_ns) / 1000U);
    handover_free(r);
}

void handover_free(struct relay *r)
{
    struct handover *h = r->handover;

    if (!h)
        return;
    for (uint32_t i = 0; i < h->n_slots; i++) {
        close_one(h->slot[i].fd[0]);
        close_one(h->slot[i].fd[1]);
        if (h->slot[i].crypto)
            explicit_bzero(h->slot[i].crypto, sizeof(*h->slot[i].crypto));
        free(h->slot[i].crypto);
    }
    for (unsigned i = 0; i < THREADS_END; i++) {
        for (unsigned k = 0; k < IO_THREAD_FDS; k++)
            close_one(h->thread[i][k]);
    }
    close_one(h->sock);
    close_one(h->listen_fd);
    close_one(h->journal_fd);
    free(h->slot);
    free(h);
    r->handover = NULL;
}

const char *relay_supervisor(const struct relay *r)
{
    return r->heritage ? r->heritage : "";
}
