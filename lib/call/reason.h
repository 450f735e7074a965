/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reason headers of a message (RFC 3326, RFC 6432): several lines, several protocols, one meaning.
 * The legs read BYE, CANCEL and final responses with it; the tables are in treatment.h.
 */
#ifndef CALL_REASON_H
#define CALL_REASON_H

#include "sip/msg.h"

struct reason {
    uint8_t q850; /**< 0: none */
    uint16_t sip; /**< 0: none */
};

/**
 * All Reason lines of m; the first of each protocol counts (RFC 3326 §2 has one of each).
 * A request with a SIP cause alone (BYE after a failure) has its Q.850 cause by the table, so that records and ISUP side know it.
 * @param m  NULL: none
 */
struct reason reason_of(const struct msg *m);

#endif
