/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sounds that controllers have handed over: mapped read-only, found by id, kept as long as somebody hears them.
 * The control thread has the table; a packet thread reads the samples of what it plays and gives them back, nothing else.
 */
#ifndef RELAY_SOUNDS_H
#define RELAY_SOUNDS_H

#include <stdatomic.h>
#include <sys/queue.h>
#include "core/htab.h"
#include "media/media_proto.h"

struct sound {
    struct htab_node node;
    LIST_ENTRY(sound) link;
    uint32_t id, samples;
    uint64_t generation;
    const int16_t *pcm;
    _Atomic uint32_t heard; /* players that have it */
    bool is_known;          /* in the table: may be played */
};

struct sounds {
    struct htab by_id;
    LIST_HEAD(, sound) all; /* also those that are only heard out */
    unsigned n, n_known;
    uint64_t bytes;
};

/** All of them together: half an hour in ten languages; a controller cannot take more of the machine's memory. */
#define SOUNDS_BYTES_MAX (512U << 20)

int sounds_init(struct sounds *ss);
void sounds_fini(struct sounds *ss);
/**
 * Take one; the same id and generation again changes nothing, an older generation is ignored.
 * @param fd  taken in any case; -1: none came with the message
 * @return 0; -EINVAL it is not sealed, or of another length; -ENOSPC too many; -ENOMEM
 */
int sounds_take(struct sounds *ss, const struct media_sound *m, int fd);
/** Those of older generations are played no more. */
void sounds_end(struct sounds *ss, uint64_t generation);
/** @return the sound, held until sound_put; NULL: not known */
struct sound *sounds_get(struct sounds *ss, uint32_t id);
/** Any thread. */
void sound_put(struct sound *s);
/** Unmap what is neither known nor heard any more. */
void sounds_sweep(struct sounds *ss);

#endif
