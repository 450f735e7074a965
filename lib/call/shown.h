/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of callers and of diverting parties as another trunk is shown them: translated, and screened by the trunk's `caller-allow`.
 * invite.c has an INVITE screened; identity, diverted and hunt write by it. Knows no message beyond its headers.
 */
#ifndef CALL_SHOWN_H
#define CALL_SHOWN_H

#include "call/crossing.h"
#include "call/party.h"

struct call;
struct msg;

/* What of an INVITE bears a number that its trunk may not show: struct setup.screened, crossing.screened. */
enum {
    SHOWN_FROM = 1,     /* From: the number of the decision stands in its place */
    SHOWN_ASSERTED = 2, /* P-Asserted-Identity, P-Preferred-Identity: likewise */
    SHOWN_OTHERS = 4,   /* Remote-Party-ID and what else speaks for the caller: is not sent on */
    SHOWN_NOBODY =
        8, /* From is nobody's: what is asserted in its place is not for the callee's eyes (RFC 3325 §7) */
};

/** Which of them the in leg's trunk may not show, by its `caller-allow`; 0: it has none, or all are its own. */
unsigned shown_screen(const struct call *c, const struct msg *m);

/** The party of a caller, or of who answered: by `numbers caller` of where it comes from, then `send caller` of where it goes. */
void shown_caller(const struct crossing *x, struct party *p);
/** A diverting party: by `numbers redirecting` and `send redirecting`. */
void shown_redirecting(const struct crossing *x, struct party *p);
/** In place of what was screened: the number of the decision, by `send caller`. false: there is none, nothing is asserted */
bool shown_instead(const struct crossing *x, struct party *p);

/** The calling number as a carrier was shown it, for the record. buf: NUMBER_MAX. */
struct span shown_number(const struct call *c, const struct leg *out, char *buf);

/** Nobody's name in From (RFC 3323 §4.1, RFC 3325 §7): it shows no number, and none is put there. */
bool shown_is_nobody(const struct party *p);

#endif
