/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sounds of a configuration on their way to the relay: messages, and the descriptor that goes with each of them.
 * media.c has one of it per connection; what is in a sound it does not know.
 */
#ifndef MEDIA_MEDIA_SOUNDS_H
#define MEDIA_MEDIA_SOUNDS_H

#include <sys/types.h>
#include "media/media.h"

/* Descriptors of one packet: the kernel allows 253; the relay reads no more. */
#define MEDIA_SOUNDS_PACKET 128U

struct media_sounds {
    struct media_sound_conf *conf; /* of the configuration; names copied, descriptors borrowed */
    unsigned n_conf;
    uint64_t generation;
    int *fd; /* of messages that are not sent yet, in their order; owned */
    unsigned n_fds, cap_fds;
};

void media_sounds_fini(struct media_sounds *ms);
/** @return 0; -EINVAL; -ENOMEM */
int media_sounds_set(struct media_sounds *ms, const struct media_sound_conf *sound, unsigned n,
                     uint64_t generation);
/** A further descriptor waits. @return 0 or -errno */
int media_sounds_push(struct media_sounds *ms, int fd);
/** Nothing is on its way any more. */
void media_sounds_drop(struct media_sounds *ms);
/** As many whole messages as go in one packet, with their descriptors. */
size_t media_sounds_packet(const uint8_t *p, size_t len);
/** Send one packet of them. @return as send(2) */
ssize_t media_sounds_send(struct media_sounds *ms, int sock, const uint8_t *p, size_t len);

#endif
