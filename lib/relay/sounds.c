/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of sounds. A descriptor is believed when it is sealed and as long as its message says: what is mapped then
 * can neither change nor shrink below a reader. conn.c and session.c call it.
 */
#include "relay/sounds.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "core/sound.h"

#define SLOTS_FIRST 64U

int sounds_init(struct sounds *ss)
{
    LIST_INIT(&ss->all);
    return htab_init(&ss->by_id, SLOTS_FIRST);
}

static size_t bytes_of(const struct sound *s)
{
    return s->samples * sizeof(*s->pcm);
}

static void sound_free(struct sounds *ss, struct sound *s)
{
    LIST_REMOVE(s, link);
    ss->n--;
    ss->bytes -= bytes_of(s);
    munmap((void *)(uintptr_t)s->pcm, bytes_of(s));
    free(s);
}

static void forget(struct sounds *ss, struct sound *s)
{
    htab_del(&ss->by_id, &s->node);
    s->is_known = false;
    ss->n_known--;
}

void sounds_fini(struct sounds *ss)
{
    while (!LIST_EMPTY(&ss->all)) {
        struct sound *s = LIST_FIRST(&ss->all);

        if (s->is_known)
            forget(ss, s);
        sound_free(ss, s);
    }
    htab_fini(&ss->by_id);
}

static struct sound *find(struct sounds *ss, uint32_t id)
{
    for (struct htab_node *n = htab_first(&ss->by_id, hash_u64(id)); n; n = htab_next(n)) {
        struct sound *s = container_of(n, struct sound, node);

        if (s->id == id)
            return s;
    }
    return NULL;
}

static int map(const struct media_sound *m, int fd, const int16_t **pcm)
{
    void *p;

    if (fd < 0 || sound_check(fd, m->samples) < 0)
        return -EINVAL;
    /* private: before Linux 6.7 a sealed file cannot be mapped shared, not even to read */
    p = mmap(NULL, m->samples * sizeof(**pcm), PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    *pcm = p;
    return 0;
}

static int add(struct sounds *ss, const struct media_sound *m, const int16_t *pcm)
{
    struct sound *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->id = m->id;
    s->samples = m->samples;
    s->generation = m->generation;
    s->pcm = pcm;
    s->is_known = true;
    htab_add(&ss->by_id, &s->node, hash_u64(s->id));
    LIST_INSERT_HEAD(&ss->all, s, link);
    ss->n++;
    ss->n_known++;
    ss->bytes += bytes_of(s);
    return 0;
}

int sounds_take(struct sounds *ss, const struct media_sound *m, int fd)
{
    struct sound *old = find(ss, m->id);
    const int16_t *pcm = NULL;
    int err;

    if (old && old->generation >= m->generation) {
        if (fd >= 0)
            close(fd);
        return fd >= 0 ? 0 : -EINVAL;
    }
    sounds_sweep(ss);
    /* those that are heard out count, too: reloads in a row must not fill the memory */
    if (ss->n >= 2 * MEDIA_SOUNDS_MAX || (!old && ss->n_known >= MEDIA_SOUNDS_MAX) ||
        ss->bytes + m->samples * sizeof(*pcm) > SOUNDS_BYTES_MAX)
        err = -ENOSPC;
    else
        err = map(m, fd, &pcm);
    if (fd >= 0)
        close(fd);
    if (err < 0)
        return err;
    err = add(ss, m, pcm);
    if (err < 0)
        munmap((void *)(uintptr_t)pcm, m->samples * sizeof(*pcm));
    else if (old)
        forget(ss, old);
    return err;
}

void sounds_end(struct sounds *ss, uint64_t generation)
{
    struct sound *s;

    LIST_FOREACH(s, &ss->all, link)
    {
        if (s->is_known && s->generation < generation)
            forget(ss, s);
    }
    sounds_sweep(ss);
}

struct sound *sounds_get(struct sounds *ss, uint32_t id)
{
    struct sound *s = find(ss, id);

    if (s)
        atomic_fetch_add_explicit(&s->heard, 1, memory_order_relaxed);
    return s;
}

void sound_put(struct sound *s)
{
    if (s)
        atomic_fetch_sub_explicit(&s->heard, 1, memory_order_release);
}

void sounds_sweep(struct sounds *ss)
{
    struct sound *next;

    for (struct sound *s = LIST_FIRST(&ss->all); s; s = next) {
        next = LIST_NEXT(s, link);
        if (!s->is_known && atomic_load_explicit(&s->heard, memory_order_acquire) == 0)
            sound_free(ss, s);
    }
}
