/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bodies beside SDP: multipart/… of which the SDP part alone is exchanged, and ISUP and its like on their own (RFC 5621, 3204, 6442).
 * crossing opens what comes in, legs and pass close what goes out; everybody between sees a message with SDP or without.
 */
#ifndef CALL_BODIES_H
#define CALL_BODIES_H

#include "call/model.h"

/**
 * See a body as what it is to us. A multipart with SDP becomes its SDP, with the rest in m->wrap; one without, or a single body of
 * a type that is carried, becomes no body with all of it in m->wrap.
 *
 * @return m itself, or a copy in the arena; m itself also where the body cannot be taken: who reads on finds a type that is no SDP
 */
const struct msg *bodies_open(struct arena *a, const struct msg *m);

/**
 * Put what was around the SDP back around ours: *type and *body become those of the whole. Untouched without a wrap, for a trunk with
 * `bodies sdp`, and where SDP of our own stands for a body that had none.
 * @param w  may be NULL
 */
void bodies_close(const struct leg *to, const struct msg_wrap *w, struct span *type,
                  struct span *body);

#endif
