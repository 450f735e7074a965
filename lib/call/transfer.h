/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * REFER done here (`refer consume`, RFC 3515, RFC 5589): the target is called on a new leg, or its dialog is taken over (Replaces, RFC 3891);
 * the party that stays is re-INVITEd to it, who asked hears of it by NOTIFY and leaves. Fails it, the call is as it was.
 * tu.c starts it; the legs' engine and the bridge ask it before they act on a leg that takes part.
 */
#ifndef CALL_TRANSFER_H
#define CALL_TRANSFER_H

#include "call/model.h"

/**
 * A REFER that methods_of() gave to be done here: it is answered, and the transfer under way.
 * Blind: the new call is routed, admitted and recorded as one of the trunk that asked. Replaces: only dialogs of that trunk on this worker.
 */
void transfer_start(const struct leg_arg *arg);
/** An event of a leg that takes part. @return true: it has been dealt with, the leg's own table does not see it */
bool transfer_event(struct leg *leg, enum leg_event ev, const struct leg_arg *arg);
/** True if this leg stays although its other one has ended: its new partner is being called. */
bool transfer_keeps(const struct leg *leg);
/** A leg is closing or dead. */
void transfer_leg_ends(struct leg *leg);
/** It is freed: nothing is said to anybody. */
void transfer_forget(struct leg *leg);

#endif
