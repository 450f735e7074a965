/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder of the control channel: cuts a packet into messages and holds every field against its bounds.
 * Pure; conn.c calls it before anything else sees a message. What a session or a pool is it does not know.
 */
#ifndef RELAY_CONTROL_H
#define RELAY_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include "media/media_proto.h"

/**
 * The next message of a packet.
 *
 * @param p    8-byte aligned
 * @param len  bytes left; *out->length of them are the message when 1 is returned
 * @return 1; 0 at the end; -EPROTO a HELLO of another version (*out is set); -EBADMSG framing, type or length wrong:
 *         nothing behind it can be trusted, the connection ends
 */
int control_next(const void *p, size_t len, const struct media_hdr **out);

/** The fields of a message that control_next gave. @return 0 or -EINVAL (the answer to that request) */
int control_check(const struct media_hdr *h);

/* What was said once and comes back from a file: */

/** @return 0 or -EINVAL */
int control_check_pool(const struct media_pool *m);
/** As ADD would have it. */
bool control_ep_ok(const struct media_ep *e);
/** A unicast address, or none at all. */
bool control_addr_ok(const struct addr *a);

#endif
