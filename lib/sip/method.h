/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIP methods as small numbers, and the class of a call.
 * Everybody above sip/ switches on them; names on the wire stay spans, so that an unknown method survives.
 */
#ifndef SIP_METHOD_H
#define SIP_METHOD_H

#include "core/span.h"

enum sip_method {
    SIP_UNKNOWN, /* a token we have no number for: answered 405 or 501, RFC 3261 §8.2.1 */
    SIP_INVITE,
    SIP_ACK,
    SIP_BYE,
    SIP_CANCEL,
    SIP_OPTIONS,
    SIP_REGISTER,
    SIP_PRACK,
    SIP_SUBSCRIBE,
    SIP_NOTIFY,
    SIP_PUBLISH,
    SIP_INFO,
    SIP_REFER,
    SIP_MESSAGE,
    SIP_UPDATE,
    SIP_METHOD_N
};

/* Decides shedding, age limits, admission and the record. */
enum sip_class {
    SIP_CLASS_ORDINARY,
    SIP_CLASS_EMERGENCY, /* Request-URI user in the table, or urn:service:sos */
    SIP_CLASS_PRIORITY,  /* carries Resource-Priority (RFC 4412) */
    SIP_CLASS_SERVICE, /* N11 and the like, by a numbers rule: a name in the record, ordinary in all else */
    SIP_CLASS_N
};

/** Number of a method name (case-sensitive, RFC 3261 §7.1); SIP_UNKNOWN if we have none. */
enum sip_method sip_method_of(struct span name);

/** Name on the wire; "UNKNOWN" for SIP_UNKNOWN. Static storage. */
struct span sip_method_name(enum sip_method m);

#endif
