/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The media part of `show call`: the relay is asked for the call's session, its counters become JSON.
 * command.c calls it on the call's worker; the call itself it does not know.
 */
#ifndef DAEMON_CALL_SHOW_H
#define DAEMON_CALL_SHOW_H

#include <jansson.h>
#include "daemon/worker.h"
#include "media/media.h"

/**
 * Ask the relay; when it has answered, "streams" is put into row and the ask is done (it is deferred meanwhile). Without a relay, or
 * out of memory, nothing is put in and nothing deferred.
 * @param row  borrowed until then
 */
void call_show_streams(struct worker *w, struct ask *a, struct media_ref ref, json_t *row);

/** One endpoint, for operators. @return new reference, or NULL out of memory */
json_t *call_show_stream(const struct media_ep_state *ep);

#endif
