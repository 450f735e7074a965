/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which headers cross the B2BUA, and how: an allow-list, with every host of a side replaced by ours, and what the trunks'
 * rules let through beside it. Legs and pass compose with it. What is not named does not cross: topology hiding is the default.
 */
#ifndef CALL_HEADERS_H
#define CALL_HEADERS_H

#include "call/crossing.h"
#include "call/model.h"

/** Value of our Allow. */
extern const struct span headers_allow;

/** Write the lines that cross. */
void headers_write(struct build *b, struct crossing *x);
/** True for headers of the message itself: its way, its dialog and its body. They are never kept for another one. */
bool headers_is_core(enum hdr_id id);

/** Everything behind Contact of an INVITE to a carrier. */
void headers_request(struct build *b, const struct setup *s, const struct leg *out);
/** Headers of a response that cross to leg `to`. */
void headers_response(struct build *b, const struct msg *m, const struct leg *to);
/** Headers of a request inside a dialog that cross to leg `to`. */
void headers_cross(struct build *b, const struct msg *m, const struct leg *to);
/** A whole refusal with one header, or none (name empty). Nothing if st has its final response. */
void headers_refuse(struct txn_server *st, unsigned status, struct span name, struct span value);
/** The Contact line of a response in this dialog. */
void headers_contact(struct build *b, const struct dialog *d);

/** Our host for this leg's flow, without port: the advertised address. Valid until the next call. */
struct span headers_host(const struct calls *cs, const struct flow *f);
/** ";transport=tcp" of a URI that leads over this flow; UDP says nothing (RFC 3261 §19.1.1). */
void headers_transport(struct build *b, const struct flow *f);
/** "<sip:host:port>" of ours for this flow, into buf. */
struct span headers_our_contact(const struct calls *cs, const struct flow *f, char buf[128]);

/** What crosses of the INVITE kept in s, as leg `out` gets it. */
void headers_of_setup(struct crossing *x, const struct setup *s, const struct leg *out);

#endif
