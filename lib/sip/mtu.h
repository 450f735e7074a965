/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that are too large for a datagram go by TCP (RFC 3261 §18.1.1): which they are, and the Via that says so.
 * Client transactions and the ACK to a 2xx ask it; it knows neither.
 */
#ifndef SIP_MTU_H
#define SIP_MTU_H

#include <stdbool.h>
#include "sip/build.h"
#include "sip/transport.h"

/**
 * Turn a composed request to a UDP flow into one by TCP if it is larger than flow->tcp_above and the transport has a way.
 * @param b   whole request, in a buffer with room for a longer Via; the sent-protocol and sent-by of its top Via are replaced
 * @param tcp where it goes now; set only when true is returned
 * @return true: by TCP; false: nothing was changed
 */
bool mtu_by_tcp(struct transport *t, struct build *b, const struct flow *flow, struct flow *tcp);

#endif
