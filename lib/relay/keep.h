/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journal of the relay: endpoints live in a mapped file instead of the heap, so that what was agreed, learned and counted is there
 * for the next process after a kill -9; pools beside them. The control thread alone calls it; packet threads write their endpoint as
 * ever. Keys of SRTP are not in it: they come again from the controller. It is for this boot of the machine (tmpfs), not for a disk.
 */
#ifndef RELAY_KEEP_H
#define RELAY_KEEP_H

#include <stdbool.h>
#include <stdint.h>
#include "media/media_proto.h"

struct endpoint;
struct keep;
struct ports;
struct session;

/** What a former process left of one endpoint. */
struct kept {
    uint64_t session;
    uint32_t slot; /* where it was in the journal */
    uint32_t life; /* which process had made it: the higher, the later */
    uint32_t index, stats_every_s;
    char node[MEDIA_NAME_MAX];
    uint32_t worker, epoch, orphan_idle_ms, orphan_cap_ms;
    const struct endpoint *ep; /* as it was; its pointers lead nowhere */
};

/**
 * Open the file, or make it.
 *
 * @param boot  in: of this process; out: that of the process before, if what it left can be read: to a controller it is the same relay
 * @return 0; -EWOULDBLOCK its process lives; -errno
 */
int keep_open(const char *path, uint64_t *boot, struct keep **out);
/** The journal of a relay that hands it over, at its path: fd is taken in any case. @return 0; -EPROTO another layout, or not the file at path; -errno */
int keep_adopt(const char *path, int fd, uint64_t *boot, struct keep **out);
/** Borrowed: for the successor, which has the lock with it. */
int keep_fd(const struct keep *k);
/** What the structs look like to this program: a journal of another layout cannot be read. */
uint64_t keep_layout(void);
/** Where an endpoint is in it. */
uint32_t keep_slot(const struct keep *k, const struct endpoint *e);
/** Unmap. is_clean: every session was ended, the file goes. NULL is ignored. */
void keep_close(struct keep *k, bool is_clean);

/** An empty endpoint. k NULL: on the heap. @return NULL no memory, or no room in the file */
struct endpoint *keep_new(struct keep *k);
void keep_free(struct keep *k, struct endpoint *e);
/** Something of this session changes, has changed: endpoints, what they want, their owner. A change that a kill cuts off loses those endpoints. */
void keep_begin(struct keep *k, const struct session *s);
void keep_end(struct keep *k, const struct session *s);
/** Endpoints that are in a session, or are leaving it: as the audit counts them. */
uint64_t keep_used(const struct keep *k);

/** A pool that the ledger has taken; the generation that has no more. */
void keep_pool(struct keep *k, const struct media_pool *m);
void keep_pools_end(struct keep *k, uint64_t generation);

/** Put the pools of the former process into the ledger; told calls back for each. */
void keep_pools_back(struct keep *k, struct ports *p,
                     void (*told)(void *arg, const struct media_pool *m), void *arg);
/**
 * Each session that was left, once: its endpoints are in left[0..n-1]. What fn does not make anew is gone.
 * @return endpoints that a change cut off has spoilt
 */
uint32_t keep_each(struct keep *k, void (*fn)(void *arg, const struct kept *left, unsigned n),
                   void *arg);

#endif
