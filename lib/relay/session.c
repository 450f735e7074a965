/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions and their endpoints as the control thread has them: made, changed, taken over, ended; ports and sockets with them.
 * conn.c asks for it; what happens to packets is the packet threads' business, told by jobs.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include "core/log.h"
#include "relay/audio.h"
#include "relay/hops.h"
#include "relay/kernel.h"
#include "relay/ice.h"
#include "relay/secure.h"
#include "relay/state.h"

#define SLOTS_FIRST 256U
#define OPEN_TRIES  32U    /* ports of our range that others hold, before the endpoint is refused */
#define STOLEN_REST 30000U /* [ms] until such a port is tried again */
#define EXPANDED_MAX \
    160U /* ADOPT: all that a message may have, and 16 removed, set twice, taken apart, silenced, made plain, without ICE */

/* ---- table ----------------------------------------------------------------------------------------------------- */

int sessions_init(struct relay *r)
{
    return htab_init(&r->by_id, SLOTS_FIRST);
}

static int slots_grow(struct relay *r)
{
    uint32_t n = r->n_slots ? r->n_slots * 2 : SLOTS_FIRST;
    struct session **slot = realloc(r->slot, n * sizeof(*slot));
    uint32_t *stack;

    if (!slot)
        return -ENOMEM;
    r->slot = slot;
    stack = realloc(r->free_slot, n * sizeof(*stack));
    if (!stack)
        return -ENOMEM;
    r->free_slot = stack;
    /* lowest on top */
    for (uint32_t i = n; i > r->n_slots; i--) {
        r->slot[i - 1] = NULL;
        r->free_slot[r->n_free++] = i - 1;
    }
    r->n_slots = n;
    return 0;
}

struct session *session_find(struct relay *r, uint64_t id, uint32_t index)
{
    if (index < r->n_slots && r->slot[index] && r->slot[index]->id == id)
        return r->slot[index]->is_closing ? NULL : r->slot[index];
    for (struct htab_node *n = htab_first(&r->by_id, hash_u64(id)); n; n = htab_next(n)) {
        struct session *s = container_of(n, struct session, node);

        if (s->id == id)
            return s;
    }
    return NULL;
}

static struct session *session_at(struct relay *r, struct controller *ctl, uint64_t id,
                                  uint32_t index)
{
    struct session *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->id = id;
    s->index = index;
    s->owner = ctl;
    s->thread = r->thread[s->index % r->n_threads];
    atomic_init(&s->seen_ms, r->now_ms);
    r->slot[s->index] = s;
    htab_add(&r->by_id, &s->node, hash_u64(id));
    ctl->n_sessions++;
    r->n_sessions++;
    if (r->n_sessions > r->sessions_max)
        r->sessions_max = r->n_sessions;
    return s;
}

static struct session *session_new(struct relay *r, struct controller *ctl, uint64_t id)
{
    struct session *s;

    if (r->n_free == 0 && slots_grow(r) < 0)
        return NULL;
    s = session_at(r, ctl, id, r->free_slot[r->n_free - 1]);
    if (s)
        r->n_free--;
    return s;
}

static void session_free(struct relay *r, struct session *s)
{
    if (!s->is_closing)
        htab_del(&r->by_id, &s->node);
    r->slot[s->index] = NULL;
    r->free_slot[r->n_free++] = s->index;
    s->owner->n_sessions--;
    r->n_sessions--;
    free(s);
}

/* ---- endpoints ------------------------------------------------------------------------------------------------- */

/* Has the kernel a line for both of its ports? */
static bool is_steered(const struct relay *r, const struct addr *local)
{
    struct addr rtcp = *local;

    rtcp.port++;
    return r->p.kernel && kernel_line(r->p.kernel, local) && kernel_line(r->p.kernel, &rtcp);
}

/* That the I/O form has opened. */
static uint32_t descriptors(const int fd[2])
{
    return (fd[0] >= 0 ? 1U : 0U) + (fd[1] >= 0 ? 1U : 0U);
}

static void endpoint_free(struct relay *r, struct endpoint *e)
{
    const int fd[2] = {e->rtp.fd, e->rtcp.fd};

    r->p.io->close(fd);
    ports_give(r->ports, &e->lease, r->now_ms, 0);
    audio_free(e);
    secure_free(e->secure);
    ice_free(e->ice);
    for (unsigned i = 0; i < 2 && r->hops; i++)
        hops_put(r->hops, e->held_hop[i]);
    r->n_sockets -= descriptors(fd);
    r->n_endpoints--;
    keep_free(r->keep, e);
}

static int lease_open(struct relay *r, const struct media_ep *want, struct port_lease *lease,
                      int fd[2])
{
    bool is_exact = addr_is_set(&want->local);
    bool has_priority = (want->flags & MEDIA_EP_PRIORITY) != 0;
    int err = -EADDRNOTAVAIL;

    for (unsigned i = 0; i < (is_exact ? 1 : OPEN_TRIES); i++) {
        struct io_open p = {.dscp = want->dscp};

        err = is_exact
                  ? ports_take_exact(r->ports, want->pool, &want->local, has_priority, lease)
                  : ports_take(r->ports, want->pool, want->family, has_priority, r->now_ms, lease);
        if (err == -ENODEV && is_exact && r->n_left > 0)
            err = ports_take_left(r->ports, want->pool, &want->local, lease);
        if (err < 0)
            return err;
        p.local = ports_local(lease);
        p.device = ports_device(lease);
        p.is_steered = !ports_by_sockets(lease) && is_steered(r, &p.local);
        if (is_exact && handover_sockets(r, want->endpoint, fd))
            return 0;
        err =
            p.is_steered || r->n_sockets + 2 <= r->sockets_limit ? r->p.io->open(&p, fd) : -EMFILE;
        if (err == 0)
            return 0;
        ports_give(r->ports, lease, r->now_ms, err == -EADDRINUSE ? STOLEN_REST : 1);
        if (err != -EADDRINUSE)
            break;
        r->ports_stolen++;
        log_limited(LOG_WARN, "media_port_stolen", "port=%u", p.local.port);
    }
    return err;
}

/* 0: none, or not there now; then the route decides */
static uint32_t device_index(const char *device)
{
    return device[0] ? if_nametoindex(device) : 0;
}

static void endpoint_init(struct relay *r, struct endpoint *e, const int fd[2])
{
    const struct media_ep *want = &e->want;
    struct addr rtcp = flow_rtcp_remote(want);

    e->number = want->endpoint;
    e->ctl_peer = MEDIA_NO_PEER;
    e->rtp.ep = e->rtcp.ep = e;
    e->rtp.fd = fd[0];
    e->rtcp.fd = fd[1];
    e->rtcp.is_rtcp = true;
    e->rtp.local = e->rtcp.local = ports_local(&e->lease);
    e->rtcp.local.port++;
    if (fd[0] < 0) {
        e->rtp.line = kernel_line(r->p.kernel, &e->rtp.local);
        e->rtcp.line = kernel_line(r->p.kernel, &e->rtcp.local);
        e->rtp.ifindex = e->rtcp.ifindex = device_index(ports_device(&e->lease));
    }
    latch_init(&e->rtp.latch, want->latch, &want->remote, r->now_ms);
    latch_init(&e->rtcp.latch, want->latch, &rtcp, r->now_ms);
    rtp_stats_init(&e->stats, want->clock_rate);
    flow_set_options(e, want, r->now_ms);
}

/* What its party did before the relay was killed, if it is of a session that is taken up. */
static void endpoint_resume(const struct relay *r, struct endpoint *e)
{
    for (unsigned i = 0; i < r->n_left; i++) {
        const struct endpoint *was = r->left[i].ep;

        if (was->number != e->number)
            continue;
        e->rtp.latch = was->rtp.latch;
        e->rtcp.latch = was->rtcp.latch;
        e->seen_ms = was->seen_ms < r->now_ms ? was->seen_ms : r->now_ms;
        e->is_inactive = was->is_inactive;
        e->stats = was->stats;
        e->quality = was->quality;
        e->n = was->n;
        e->fast.mark = was->fast.mark;
        e->is_resumed = true;
        e->place = was->place;
        /* its keys are not in the journal: until they come nothing of it may go anywhere in clear */
        if (was->secure && !handover_keys(r, &r->left[i]))
            e->direction = 0;
    }
}

static void count_refusal(struct relay *r, int err)
{
    if (err == -EADDRNOTAVAIL || err == -EADDRINUSE)
        r->refused_ports++;
    else if (err == -EMFILE)
        r->refused_descriptors++;
    else if (err == -ENOMEM || err == -ENOBUFS)
        r->refused_memory++;
}

static int endpoint_new(struct relay *r, struct session *s, const struct media_ep *want,
                        struct endpoint **out)
{
    struct endpoint *e = NULL;
    int fd[2];
    int err = -ENOMEM;

    e = keep_new(r->keep);
    if (!e)
        goto fail;
    e->want = *want;
    e->session = s;
    e->session_seen_ms = &s->seen_ms;
    err = lease_open(r, want, &e->lease, fd);
    if (err < 0)
        goto fail;
    endpoint_init(r, e, fd);
    endpoint_resume(r, e);
    r->n_sockets += descriptors(fd);
    r->n_endpoints++;
    *out = e;
    return 0;

fail:
    count_refusal(r, err);
    keep_free(r->keep, e);
    return err;
}

/* ---- operations: looked through first, so that all or none happens --------------------------------------------- */

static int ops_look(const struct session *s, const struct media_op *op, unsigned n)
{
    uint32_t present = 0, added = 0;

    for (unsigned i = 0; i < MEDIA_ENDPOINTS_MAX; i++)
        present |= (s->ep[i] ? 1U : 0U) << i;
    for (unsigned i = 0; i < n; i++) {
        uint32_t bit = 1U << op[i].ep.endpoint;
        const struct endpoint *e = s->ep[op[i].ep.endpoint];
        const struct media_ep *w = &op[i].ep;

        if (op[i].kind == MEDIA_OP_ADD) {
            if (present & bit)
                return -EEXIST;
            present |= bit;
            added |= bit;
            continue;
        }
        if (!(present & bit))
            return -ENOENT;
        if (op[i].kind == MEDIA_OP_CONNECT && !(present & 1U << op[i].peer))
            return -ENOENT;
        if (op[i].kind == MEDIA_OP_REMOTE && e &&
            ((addr_is_set(&w->remote) && w->remote.family != e->want.family) ||
             (addr_is_set(&w->rtcp) && w->rtcp.family != e->want.family)))
            return -EINVAL;
        if (op[i].kind == MEDIA_OP_REMOVE) {
            if (added & bit)
                return -EINVAL;
            present &=
                ~bit; /* the number may be used again: another carrier's ports are new ones */
        } else if (added & bit && op[i].kind != MEDIA_OP_CONNECT && op[i].kind != MEDIA_OP_PLAY &&
                   op[i].kind != MEDIA_OP_CRYPTO && op[i].kind != MEDIA_OP_ICE) {
            return -EINVAL;
        }
    }
    return 0;
}

static void ctl_part(struct session *s, struct endpoint *e)
{
    if (e->ctl_peer != MEDIA_NO_PEER && s->ep[e->ctl_peer])
        s->ep[e->ctl_peer]->ctl_peer = MEDIA_NO_PEER;
    e->ctl_peer = MEDIA_NO_PEER;
}

static void ctl_set(struct relay *r, struct endpoint *e, const struct media_ep *w)
{
    const int fd[2] = {e->rtp.fd, e->rtcp.fd};

    if (w->dscp != e->want.dscp)
        r->p.io->set_dscp(fd, e->want.family, w->dscp);
    e->want.direction = w->direction;
    e->want.latch = w->latch;
    e->want.dscp = w->dscp;
    e->want.inactivity_ms = w->inactivity_ms;
    e->want.clock_rate = w->clock_rate;
    e->want.ptime_ms = w->ptime_ms;
    e->want.n_pts = w->n_pts;
    memcpy(e->want.pt, w->pt, sizeof(e->want.pt));
    /* the ports it has were chosen by it */
    e->want.flags =
        (uint8_t)((e->want.flags & MEDIA_EP_PRIORITY) | (w->flags & ~MEDIA_EP_PRIORITY));
}

/* What an operation needs, made before any of them is applied. */
struct made {
    struct endpoint *ep;
    struct player *player;
    struct dtmf *dtmf;
    struct secure *secure;
    struct ice *ice;
};

/* What the endpoint of op i is when op i has its turn. */
static const struct media_ep *want_at(const struct session *s, const struct media_op *op,
                                      unsigned i)
{
    uint8_t endpoint = op[i].ep.endpoint;

    for (unsigned k = i; k-- > 0;) {
        if (op[k].ep.endpoint == endpoint &&
            (op[k].kind == MEDIA_OP_ADD || op[k].kind == MEDIA_OP_SET))
            return &op[k].ep;
    }
    return &s->ep[endpoint]->want;
}

static int play_make(struct relay *r, const struct media_play *what, const struct media_ep *want,
                     struct made *made)
{
    struct sound *sound = sounds_get(&r->sounds, what->sound);
    int err = sound ? player_new(what, want, sound, &made->player) : -ENODATA;

    if (err < 0)
        log_limited(LOG_WARN, "media_play_refused", "sound=%08x status=%d", what->sound, err);
    return err;
}

static int dtmf_make(const struct media_ep *want, struct made *made)
{
    int pt = audio_event_pt(want);

    if (pt < 0)
        return 0;
    made->dtmf = dtmf_new((uint8_t)pt, audio_event_clock(want, (uint8_t)pt));
    return made->dtmf ? 0 : -ENOMEM;
}

static int op_make(struct relay *r, struct session *s, const struct media_op *all, unsigned i,
                   struct made *made)
{
    const struct media_op *op = &all[i];
    const struct endpoint *e = s->ep[op->ep.endpoint];
    int err;

    switch (op->kind) {
    case MEDIA_OP_ADD:
        err = dtmf_make(&op->ep, made);
        return err < 0 ? err : endpoint_new(r, s, &op->ep, &made->ep);
    /* once it has one it keeps it */
    case MEDIA_OP_SET: return e->has_dtmf ? 0 : dtmf_make(&op->ep, made);
    case MEDIA_OP_PLAY: return play_make(r, &op->play, want_at(s, all, i), made);
    case MEDIA_OP_CRYPTO:
        return op->crypto.rx_suite || op->crypto.tx_suite ? secure_new(&op->crypto, &made->secure)
                                                          : 0;
    case MEDIA_OP_ICE: return op->ice.is_on ? ice_new(&op->ice, &made->ice) : 0;
    default: return 0;
    }
}

static void made_free(struct relay *r, struct made *made)
{
    if (made->ep)
        endpoint_free(r, made->ep);
    player_free(made->player);
    dtmf_free(made->dtmf);
    secure_free(made->secure);
    ice_free(made->ice);
}

/* The control thread's view changes at once, the packet thread's with the job. */
static void op_put(struct relay *r, struct session *s, const struct media_op *op,
                   const struct made *made, struct job_op *out)
{
    struct endpoint *e = made->ep ? made->ep : s->ep[op->ep.endpoint];

    *out = (struct job_op){.kind = op->kind, .ep = e, .thing = made->player};
    if (made->secure)
        out->thing = made->secure;
    if (made->ice)
        out->thing = made->ice;
    /* set twice in one message: one is enough */
    if (made->dtmf && e->has_dtmf) {
        dtmf_free(made->dtmf);
    } else if (made->dtmf) {
        out->thing = made->dtmf;
        e->has_dtmf = true;
    }
    switch (op->kind) {
    case MEDIA_OP_ADD: s->ep[e->number] = e; break;
    case MEDIA_OP_REMOVE:
        ctl_part(s, e);
        s->ep[e->number] = NULL;
        r->n_leaving++;
        break;
    case MEDIA_OP_REMOTE:
        e->want.remote = op->ep.remote;
        e->want.rtcp = op->ep.rtcp;
        break;
    case MEDIA_OP_SET: ctl_set(r, e, &op->ep); break;
    case MEDIA_OP_CONNECT:
        ctl_part(s, e);
        ctl_part(s, s->ep[op->peer]);
        e->ctl_peer = op->peer;
        out->peer = s->ep[op->peer];
        out->peer->ctl_peer = e->number;
        break;
    case MEDIA_OP_DISCONNECT: ctl_part(s, e); break;
    case MEDIA_OP_DTMF: out->dtmf = op->dtmf; return;
    default: break;
    }
    out->want = e->want;
}

static int ops_apply(struct relay *r, struct session *s, const struct media_op *op, unsigned n,
                     const struct job_asker *asker)
{
    struct made made[EXPANDED_MAX] = {{NULL, NULL, NULL, NULL, NULL}};
    struct job *j;
    int err;

    err = ops_look(s, op, n);
    if (err < 0)
        return err;
    j = job_new(JOB_OPS, s, n);
    if (!j)
        return -ENOMEM;
    for (unsigned i = 0; i < n && err == 0; i++)
        err = op_make(r, s, op, i, &made[i]);
    if (err < 0) {
        for (unsigned i = 0; i < n; i++)
            made_free(r, &made[i]);
        free(j);
        return err;
    }
    keep_begin(r->keep, s);
    for (unsigned i = 0; i < n; i++)
        op_put(r, s, &op[i], &made[i], &j->cell[i].op);
    keep_end(r->keep, s);
    j->n = n;
    if (asker)
        j->asker = *asker;
    thread_post(s->thread, j);
    return 0;
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

static bool has_op(const struct media_session_ops *m, enum media_op_kind kind, uint8_t endpoint)
{
    for (unsigned i = 0; i < m->n_ops; i++) {
        if (m->op[i].kind == kind && m->op[i].ep.endpoint == endpoint)
            return true;
    }
    return false;
}

/* How the session becomes what the OPEN describes, with the ports it has. */
static int adopt_expand(const struct session *s, const struct media_session_ops *m,
                        struct media_op *out, unsigned *n_out)
{
    bool is_named[MEDIA_ENDPOINTS_MAX] = {false};
    unsigned n = 0;

    for (unsigned i = 0; i < m->n_ops; i++) {
        const struct media_ep *w = &m->op[i].ep;
        const struct endpoint *e = s->ep[w->endpoint];
        struct addr local;

        if (m->op[i].kind != MEDIA_OP_ADD)
            continue;
        if (is_named[w->endpoint])
            return -EEXIST;
        is_named[w->endpoint] = true;
        if (!e)
            continue;
        local = ports_local(&e->lease);
        if (w->family != e->want.family || (addr_is_set(&w->local) && !addr_eq(&w->local, &local)))
            return -EEXIST;
        out[n] = out[n + 1] = out[n + 2] = m->op[i];
        out[n++].kind = MEDIA_OP_REMOTE;
        out[n++].kind = MEDIA_OP_SET;
        out[n++].kind = MEDIA_OP_DISCONNECT;
        out[n++] = (struct media_op){.kind = MEDIA_OP_STOP, .play.endpoint = w->endpoint};
        if (!has_op(m, MEDIA_OP_CRYPTO, w->endpoint))
            out[n++] = (struct media_op){.kind = MEDIA_OP_CRYPTO, .crypto.endpoint = w->endpoint};
        if (!has_op(m, MEDIA_OP_ICE, w->endpoint))
            out[n++] = (struct media_op){.kind = MEDIA_OP_ICE, .ice.endpoint = w->endpoint};
    }
    for (uint8_t i = 0; i < MEDIA_ENDPOINTS_MAX; i++) {
        if (s->ep[i] && !is_named[i])
            out[n++] = (struct media_op){.kind = MEDIA_OP_REMOVE, .ep.endpoint = i};
    }
    for (unsigned i = 0; i < m->n_ops; i++) {
        if (m->op[i].kind != MEDIA_OP_ADD || !s->ep[m->op[i].ep.endpoint])
            out[n++] = m->op[i];
    }
    *n_out = n;
    return 0;
}

static int session_adopt(struct relay *r, struct controller *ctl, struct session *s,
                         const struct media_session_ops *m, const struct job_asker *asker)
{
    struct media_op op[EXPANDED_MAX];
    unsigned n;
    int err;

    err = adopt_expand(s, m, op, &n);
    if (err == 0)
        err = ops_apply(r, s, op, n, asker);
    if (err < 0 || s->owner == ctl)
        return err;
    relay_tell_lost(s, MEDIA_LOST_TAKEN);
    keep_begin(r->keep, s);
    s->owner->n_sessions--;
    s->owner = ctl;
    ctl->n_sessions++;
    keep_end(r->keep, s);
    return 0;
}

int session_open(struct relay *r, struct controller *ctl, const struct media_session_ops *m,
                 const struct job_asker *asker)
{
    struct session *s = session_find(r, m->hdr.session, m->hdr.index);
    int err;

    if (s) {
        err = m->flags & MEDIA_OPEN_ADOPT ? session_adopt(r, ctl, s, m, asker) : -EEXIST;
    } else {
        if (r->is_draining) {
            r->refused_draining++;
            return -ESHUTDOWN;
        }
        s = session_new(r, ctl, m->hdr.session);
        if (!s) {
            r->refused_memory++;
            return -ENOMEM;
        }
        err = ops_apply(r, s, m->op, m->n_ops, asker);
        if (err < 0)
            session_free(r, s);
        else
            r->opened++;
    }
    if (err < 0)
        return err;
    s->stats_every_s = m->stats_every_s;
    s->stats_due_ms = r->now_ms + m->stats_every_s * 1000ULL;
    keep_end(r->keep, s);
    return 0;
}

int session_modify(struct relay *r, struct session *s, const struct media_session_ops *m,
                   const struct job_asker *asker)
{
    return ops_apply(r, s, m->op, m->n_ops, asker);
}

/* A job with all endpoints of the session. */
static struct job *job_all(struct session *s, enum job_type type)
{
    struct job *j = job_new(type, s, MEDIA_ENDPOINTS_MAX);

    for (unsigned i = 0; j && i < MEDIA_ENDPOINTS_MAX; i++) {
        if (s->ep[i])
            j->ep[j->n++] = s->ep[i];
    }
    return j;
}

int session_ask(struct relay *r, struct session *s, enum job_type type,
                const struct job_asker *asker)
{
    struct job *j = job_all(s, type);

    if (!j)
        return -ENOMEM;
    if (asker)
        j->asker = *asker;
    if (type == JOB_CLOSE) {
        htab_del(&r->by_id, &s->node);
        s->is_closing = true;
    }
    thread_post(s->thread, j);
    return 0;
}

void session_stats(struct session *s)
{
    struct job *j = job_all(s, JOB_QUERY);

    if (!j)
        return;
    j->is_stats = true;
    thread_post(s->thread, j);
}

unsigned session_states(const struct session *s, struct media_ep_state *out)
{
    unsigned n = 0;

    for (unsigned i = 0; i < MEDIA_ENDPOINTS_MAX; i++) {
        const struct endpoint *e = s->ep[i];

        if (!e)
            continue;
        memset(&out[n], 0, sizeof(out[n]));
        out[n].endpoint = e->want.endpoint;
        out[n].peer = e->ctl_peer;
        out[n].payload_type = 0xff;
        out[n].local = ports_local(&e->lease);
        out[n].remote = e->want.remote;
        out[n].rtcp = flow_rtcp_remote(&e->want);
        n++;
    }
    return n;
}

void session_job_done(struct relay *r, struct job *j)
{
    if (j->type == JOB_OPS) {
        for (unsigned i = 0; i < j->n; i++) {
            if (j->cell[i].op.kind == MEDIA_OP_CRYPTO)
                secure_free(j->cell[i].op.thing);
            if (j->cell[i].op.kind == MEDIA_OP_ICE)
                ice_free(j->cell[i].op.thing);
            if (j->cell[i].op.kind != MEDIA_OP_REMOVE)
                continue;
            endpoint_free(r, j->cell[i].op.ep);
            r->n_leaving--;
        }
    } else if (j->type == JOB_CLOSE) {
        for (unsigned i = 0; i < MEDIA_ENDPOINTS_MAX; i++) {
            if (j->session->ep[i])
                endpoint_free(r, j->session->ep[i]);
        }
        session_free(r, j->session);
    }
}

/* ---- taken up ---------------------------------------------------------------------------------------------------- */

static unsigned resume_ops(const struct relay *r, const struct kept *left, unsigned n,
                           struct media_op *op)
{
    unsigned k = 0;

    for (unsigned i = 0; i < n; i++) {
        op[k] = (struct media_op){.kind = MEDIA_OP_ADD, .ep = left[i].ep->want};
        op[k].ep.endpoint = left[i].ep->number;
        op[k++].ep.local = left[i].ep->rtp.local;
    }
    for (unsigned i = 0; i < n; i++) {
        const struct media_crypto *keys = handover_keys(r, &left[i]);
        const struct endpoint *e = left[i].ep;
        bool has_peer = false;

        if (keys)
            op[k++] = (struct media_op){.kind = MEDIA_OP_CRYPTO, .crypto = *keys};
        for (unsigned p = 0; p < n; p++)
            has_peer |= left[p].ep->number == e->ctl_peer;
        if (has_peer && e->number < e->ctl_peer)
            op[k++] = (struct media_op){
                .kind = MEDIA_OP_CONNECT, .peer = e->ctl_peer, .ep.endpoint = e->number};
    }
    return k;
}

struct session *session_resume(struct relay *r, struct controller *ctl, const struct kept *left,
                               unsigned n)
{
    struct media_op op[3 * MEDIA_ENDPOINTS_MAX];
    struct session *s;
    int err;

    /* 2^20: an index beyond it was never given */
    while (left->index >= r->n_slots && r->n_slots < 1U << 20)
        if (slots_grow(r) < 0)
            return NULL;
    if (n > MEDIA_ENDPOINTS_MAX || left->index >= r->n_slots || r->slot[left->index])
        return NULL;
    s = session_at(r, ctl, left->session, left->index);
    if (!s)
        return NULL;
    s->stats_every_s = left->stats_every_s;
    s->stats_due_ms = r->now_ms + left->stats_every_s * 1000ULL;
    r->left = left;
    r->n_left = n;
    err = ops_apply(r, s, op, resume_ops(r, left, n, op), NULL);
    explicit_bzero(op, sizeof(op)); /* there may be keys in it */
    r->n_left = 0;
    if (err == 0)
        return s;
    log_limited(LOG_WARN, "media_not_resumed", "session=%016llx status=%d",
                (unsigned long long)left->session, err);
    r->n_free--; /* its index is still among them; sessions_resumed() makes the stack anew */
    session_free(r, s);
    return NULL;
}

void sessions_resumed(struct relay *r)
{
    r->n_free = 0;
    for (uint32_t i = r->n_slots; i-- > 0;) {
        if (!r->slot[i])
            r->free_slot[r->n_free++] = i;
    }
}

/* The packet threads have stopped. */
void sessions_fini(struct relay *r)
{
    for (uint32_t i = 0; i < r->n_slots; i++) {
        struct session *s = r->slot[i];

        for (unsigned k = 0; s && k < MEDIA_ENDPOINTS_MAX; k++) {
            if (s->ep[k])
                endpoint_free(r, s->ep[k]);
        }
        if (s)
            session_free(r, s);
    }
    htab_fini(&r->by_id);
    free(r->slot);
    free(r->free_slot);
}
