/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Framing and bounds of every message a controller may send. The relay trusts its controller little: a bug there must not
 * become one here. conn.c and the fuzz target call it.
 */
#include "relay/control.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "relay/dtmf.h"
#include "relay/ice.h"
#include "relay/secure.h"

#define DAY_MS 86400000U

static bool name_ok(const char *name, size_t size, bool may_be_empty)
{
    size_t n = strnlen(name, size);

    if (n == size || (n == 0 && !may_be_empty))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (name[i] <= 0x20 || name[i] >= 0x7f)
            return false;
    }
    return true;
}

static bool is_zero(const void *p, size_t n)
{
    const uint8_t *b = p;

    for (size_t i = 0; i < n; i++) {
        if (b[i])
            return false;
    }
    return true;
}

bool control_addr_ok(const struct addr *a)
{
    if (a->family == 0)
        return is_zero(a, sizeof(*a));
    if (a->pad || (a->family != 4 && a->family != 6) || is_zero(a->ip, sizeof(a->ip)))
        return false;
    if (a->family == 6)
        return a->ip[0] != 0xff;
    return a->ip[0] < 224 && is_zero(a->ip + 4, sizeof(a->ip) - 4);
}

static bool remote_ok(const struct addr *a, uint8_t family)
{
    return control_addr_ok(a) && (a->family == 0 || (a->family == family && a->port != 0));
}

static bool options_ok(const struct media_ep *e)
{
    if (e->n_pts > MEDIA_PTS_MAX)
        return false;
    for (unsigned i = 0; i < e->n_pts; i++) {
        if (e->pt[i].type > 127 || e->pt[i].codec >= MEDIA_CODEC_END)
            return false;
    }
    return e->latch < MEDIA_LATCH_END && e->direction <= MEDIA_DIR_BOTH && e->dscp <= 63 &&
           e->inactivity_ms <= DAY_MS &&
           /* 1 kHz .. 1 MHz: no registered clock is outside, and jitter stays computable */
           (e->clock_rate == 0 || (e->clock_rate >= 1000 && e->clock_rate <= 1000000));
}

bool control_ep_ok(const struct media_ep *e)
{
    const struct addr *l = &e->local;

    if (e->family != 4 && e->family != 6)
        return false;
    if (addr_is_set(l) && (l->family != e->family || l->port == 0 || l->port % 2))
        return false;
    return control_addr_ok(l) && options_ok(e) && remote_ok(&e->remote, e->family) &&
           remote_ok(&e->rtcp, e->family);
}

static bool play_ok(const struct media_play *p)
{
    return !(p->flags & ~MEDIA_PLAY_FLAGS) && is_zero(p->pad, sizeof(p->pad)) &&
           p->limit_ms <= DAY_MS;
}

static bool dtmf_ok(const struct media_dtmf *d)
{
    /* RFC 4733 §2.5.1.3 counts 65,535 units of 1/8000 s, and no receiver takes less than 40 ms for a digit */
    return d->digit <= DTMF_DIGITS_MAX && d->volume <= 63 && d->duration_ms >= 40 &&
           d->duration_ms <= 5000;
}

static bool op_ok(const struct media_op *op, bool is_open)
{
    if (!is_zero(op->pad, sizeof(op->pad)) || op->ep.endpoint >= MEDIA_ENDPOINTS_MAX)
        return false;
    if (is_open && op->kind != MEDIA_OP_ADD && op->kind != MEDIA_OP_CONNECT &&
        op->kind != MEDIA_OP_PLAY && op->kind != MEDIA_OP_CRYPTO && op->kind != MEDIA_OP_ICE)
        return false;
    switch (op->kind) {
    case MEDIA_OP_ADD: return control_ep_ok(&op->ep);
    case MEDIA_OP_REMOTE:
        return remote_ok(&op->ep.remote, op->ep.remote.family) &&
               remote_ok(&op->ep.rtcp, op->ep.rtcp.family);
    case MEDIA_OP_SET: return options_ok(&op->ep);
    case MEDIA_OP_CRYPTO: return secure_check(&op->crypto) == 0;
    case MEDIA_OP_ICE: return ice_check(&op->ice) == 0;
    case MEDIA_OP_CONNECT: return op->peer < MEDIA_ENDPOINTS_MAX && op->peer != op->ep.endpoint;
    case MEDIA_OP_PLAY: return play_ok(&op->play);
    case MEDIA_OP_DTMF: return dtmf_ok(&op->dtmf);
    case MEDIA_OP_STOP: return true;
    default: return op->kind <= MEDIA_OP_DISCONNECT;
    }
}

static int check_ops(const struct media_hdr *h)
{
    const struct media_session_ops *m = (const void *)h;
    bool is_open = h->type == MEDIA_OPEN;

    if (h->session == 0 || m->pad || m->stats_every_s > DAY_MS / 1000)
        return -EINVAL;
    if (m->flags & ~(is_open ? MEDIA_OPEN_ADOPT : 0U))
        return -EINVAL;
    for (uint32_t i = 0; i < m->n_ops; i++) {
        if (!op_ok(&m->op[i], is_open))
            return -EINVAL;
    }
    return 0;
}

static bool range_ok(uint16_t lo, uint16_t hi)
{
    /* not the well-known ports, whatever the configuration says */
    return lo >= 1024 && lo % 2 == 0 && hi % 2 == 1 && lo < hi;
}

int control_check_pool(const struct media_pool *m)
{
    bool has_priority = m->priority_lo || m->priority_hi;

    if (!name_ok(m->name, sizeof(m->name), false) || m->id != media_pool_id(m->name) ||
        !name_ok(m->device, sizeof(m->device), true) || (m->flags & ~MEDIA_POOL_FLAGS))
        return -EINVAL;
    if (!range_ok(m->port_lo, m->port_hi) || m->quarantine_ms > 600000)
        return -EINVAL;
    if (has_priority && (!range_ok(m->priority_lo, m->priority_hi) ||
                         (m->priority_lo < m->port_hi && m->port_lo < m->priority_hi)))
        return -EINVAL;
    if (m->n_addrs < 1 || m->n_addrs > MEDIA_POOL_ADDRS)
        return -EINVAL;
    for (uint32_t i = 0; i < m->n_addrs; i++) {
        if (!addr_is_set(&m->addr[i]) || !control_addr_ok(&m->addr[i]) || m->addr[i].port)
            return -EINVAL;
        for (uint32_t k = 0; k < i; k++) {
            if (addr_ip_eq(&m->addr[i], &m->addr[k]))
                return -EINVAL;
        }
    }
    return 0;
}

static int check_sound(const struct media_sound *m)
{
    return m->samples >= 1 && m->samples <= MEDIA_SOUND_BYTES / sizeof(int16_t) ? 0 : -EINVAL;
}

static int check_hello(const struct media_hdr *h)
{
    const struct media_hello *m = (const void *)h;

    if (!name_ok(m->node, sizeof(m->node), false) || m->worker > 4096 || m->pad)
        return -EINVAL;
    if (m->orphan_idle_ms && (m->orphan_idle_ms < 1000 || m->orphan_idle_ms > DAY_MS))
        return -EINVAL;
    if (m->orphan_cap_ms && (m->orphan_cap_ms < 1000 || m->orphan_cap_ms > 7 * DAY_MS))
        return -EINVAL;
    return 0;
}

int control_check(const struct media_hdr *h)
{
    if (h->request == 0)
        return -EINVAL;
    switch (h->type) {
    case MEDIA_HELLO: return check_hello(h);
    case MEDIA_POOL: return control_check_pool((const struct media_pool *)(const void *)h);
    case MEDIA_SOUND: return check_sound((const struct media_sound *)(const void *)h);
    case MEDIA_OPEN:
    case MEDIA_MODIFY: return check_ops(h);
    case MEDIA_CLOSE:
    case MEDIA_QUERY: return h->session ? 0 : -EINVAL;
    default: return 0;
    }
}

/* Exactly as long as its type says. */
static bool length_ok(const struct media_hdr *h)
{
    const struct media_session_ops *ops = (const void *)h;

    switch (h->type) {
    case MEDIA_HELLO: return h->length == sizeof(struct media_hello);
    case MEDIA_POOL: return h->length == sizeof(struct media_pool);
    case MEDIA_POOLS_END: return h->length == sizeof(struct media_pools_end);
    case MEDIA_SOUND: return h->length == sizeof(struct media_sound);
    case MEDIA_SOUNDS_END: return h->length == sizeof(struct media_sounds_end);
    case MEDIA_TAKEOVER: return h->length == sizeof(struct media_takeover);
    case MEDIA_LIST: return h->length == sizeof(struct media_list);
    case MEDIA_CLOSE:
    case MEDIA_QUERY:
    case MEDIA_RELAY: return h->length == sizeof(*h);
    case MEDIA_OPEN:
    case MEDIA_MODIFY:
        return h->length >= sizeof(*ops) && ops->n_ops >= 1 && ops->n_ops <= MEDIA_OPS_MAX &&
               h->length == sizeof(*ops) + ops->n_ops * sizeof(ops->op[0]);
    default: return false;
    }
}

int control_next(const void *p, size_t len, const struct media_hdr **out)
{
    const struct media_hdr *h = p;

    if (len == 0)
        return 0;
    if (len < sizeof(*h) || h->length < sizeof(*h) || h->length > len || h->length % 8)
        return -EBADMSG;
    *out = h;
    if (h->version != MEDIA_VERSION)
        return h->type == MEDIA_HELLO ? -EPROTO : -EBADMSG;
    return length_ok(h) ? 1 : -EBADMSG;
}
