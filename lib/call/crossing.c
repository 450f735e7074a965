/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate of a leg: each message of a dialog goes through here before the leg reads it.
 * Called by tu.c and the response callbacks; it decides nothing.
 */
#include "call/crossing.h"

#include "call/bodies.h"
#include "call/header_rules.h"
#include "call/session.h"

const struct msg *crossing_in(struct leg *leg, const struct msg *m)
{
    session_learn(leg, m);
    return bodies_open(leg->call->calls->arena, header_rules_leg_in(leg, m));
}
