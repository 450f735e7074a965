/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single-producer single-consumer rings of pointers and their doorbell.
 * Workers hand messages over and records to the writer by them; what an item is they do not know.
 */
#include "core/work.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "core/err.h"

#define CACHE_LINE 64

/* Each side writes one line only and looks at the other's index when its copy of it says full or empty. */
struct ring {
    size_t mask;
    void **slot;
    _Alignas(CACHE_LINE) _Atomic size_t head; /* consumer: next to take */
    size_t tail_seen;
    _Alignas(CACHE_LINE) _Atomic size_t tail; /* producer: next to fill */
    size_t head_seen;
};

struct ring *ring_new(size_t slots)
{
    size_t n = 2;
    struct ring *r = aligned_alloc(CACHE_LINE, sizeof(*r));

    if (!r)
        return NULL;
    while (n < slots)
        n *= 2;
    r->slot = calloc(n, sizeof(*r->slot));
    if (!r->slot) {
        free(r);
        return NULL;
    }
    r->mask = n - 1;
    r->tail_seen = 0;
    r->head_seen = 0;
    atomic_init(&r->head, 0);
    atomic_init(&r->tail, 0);
    return r;
}

void ring_free(struct ring *r)
{
    if (r)
        free(r->slot);
    free(r);
}

int ring_put(struct ring *r, void *item)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    if (tail - r->head_seen > r->mask) {
        r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
        if (tail - r->head_seen > r->mask)
            return TD_EFULL;
    }
    r->slot[tail & r->mask] = item;
    atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
    return 0;
}

void *ring_get(struct ring *r)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    void *item;

    if (head == r->tail_seen) {
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
        if (head == r->tail_seen)
            return NULL;
    }
    item = r->slot[head & r->mask];
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
    return item;
}

size_t ring_len(const struct ring *r)
{
    /* head first: a tail read later is never behind it */
    size_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    size_t len = atomic_load_explicit(&r->tail, memory_order_acquire) - head;

    return len > r->mask + 1 ? r->mask + 1 : len;
}

unsigned ring_fill_percent(const struct ring *r)
{
    return (unsigned)(ring_len(r) * 100 / (r->mask + 1));
}

int bell_init(struct bell *b)
{
    atomic_init(&b->armed, 0);
    b->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return b->fd < 0 ? -errno : 0;
}

void bell_fini(struct bell *b)
{
    if (b->fd >= 0)
        close(b->fd);
    b->fd = -1;
}

/*
 * Both sides exchange, never plain load or store: the exchanges have one order. If the producer's comes
 * second it sees 1 and rings; if it comes first the consumer's reads what it wrote and so sees the item.
 */
void bell_ring(struct bell *b)
{
    uint64_t one = 1;

    if (atomic_exchange_explicit(&b->armed, 0, memory_order_acq_rel) == 0)
        return;
    while (write(b->fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
}

void bell_arm(struct bell *b)
{
    atomic_exchange_explicit(&b->armed, 1, memory_order_acq_rel);
}

void bell_clear(struct bell *b)
{
    uint64_t count;

    atomic_exchange_explicit(&b->armed, 0, memory_order_acq_rel);
    while (read(b->fd, &count, sizeof(count)) < 0 && errno == EINTR) {
    }
}
