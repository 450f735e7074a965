/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operator's own header rules of a trunk (`header in|out set|add|drop|rename|pass`).
 * `in` changes a received message before anything but identification reads it; `out` a message of ours after all else was written.
 * Without a rule each function returns at once.
 */
#ifndef CALL_HEADER_RULES_H
#define CALL_HEADER_RULES_H

#include "call/model.h"

/** What variables of a rule's text stand for. */
struct header_vars {
    struct span called, caller, billing, node, trunk, call, ruri;
    char shown[NUMBER_MAX]; /* where caller stands, if it is not what was received */
};

/**
 * A received message as the rules leave it: m itself if there are none, else a copy in the arena whose header lines are other ones.
 * Out of memory: m itself, counted with the parser's.
 */
const struct msg *header_rules_in(struct arena *a, const struct conf_trunk *t, const struct msg *m,
                                  const struct header_vars *v);
/** Change the header lines in b, which holds a message up to, without, Content-Type and Content-Length. */
void header_rules_out(struct build *b, const struct conf_trunk *t, const struct header_vars *v);

/** True if a pass rule of either trunk names this header: it crosses as it was written. */
bool header_rules_pass(const struct conf_trunk *from, const struct conf_trunk *to,
                       const struct hdr *h);

/** Both for a leg's messages: variables are those of its call. leg NULL: nothing. */
const struct msg *header_rules_leg_in(const struct leg *leg, const struct msg *m);
void header_rules_leg_out(struct build *b, const struct leg *leg);

#endif
