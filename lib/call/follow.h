/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker does for each trunk when the view or the targets have changed, in portions, so that no turn is long however many trunks there are.
 * stack.c calls it; probes (options.c) and registrations (register.c) are what follows.
 */
#ifndef CALL_FOLLOW_H
#define CALL_FOLLOW_H

#include "call/model.h"

/** There is a new view: follow_turn looks at all trunks again. */
void follow_view(struct calls *cs);
/** End of a turn: the next portion of what is under way, or of what has changed. */
void follow_turn(struct calls *cs);
/** Is there more to do at once? */
bool follow_is_on(const struct calls *cs);

#endif
