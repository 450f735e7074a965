/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which requests inside a dialog are carried, which answered here and how, by the trunks' `pass` and `refer`; and what Allow says of it.
 * tu.c asks it; legs and pass write Allow with it. It sends nothing but refusals.
 */
#ifndef CALL_METHODS_H
#define CALL_METHODS_H

#include "call/model.h"

enum methods_way {
    METHODS_CARRY,  /**< to the other leg */
    METHODS_HERE,   /**< OPTIONS: answered here */
    METHODS_TAKE,   /**< REFER: done here, see transfer.h */
    METHODS_REFUSE, /**< with *status */
};

/**
 * What becomes of a request inside a dialog of this leg.
 * @param status  set with METHODS_REFUSE: 403, 405, 469, 481, 489, 501
 */
enum methods_way methods_of(const struct leg *leg, const struct msg *m, unsigned *status);
/** The refusal: 405 and 501 with the leg's Allow, 469 with Recv-Info (RFC 6086 §4.2.2), 489 with Allow-Events (RFC 6665 §8.3.1). */
void methods_refuse(const struct leg *leg, struct txn_server *st, unsigned status);
/** Allow as it is true for this leg's peer. */
void methods_allow(struct build *b, const struct leg *leg);
/** For pass.c: headers that belong to one method and cross with it, to leg `to`. @return 0; -EINVAL: 400; -EPERM: 403 */
int methods_cross(struct build *b, const struct msg *m, const struct leg *from, struct leg *to);
/** The same for its 2xx. */
void methods_answer(struct build *b, const struct msg *m, enum sip_method method);
/** The body of a carried request that is no SDP, as it may cross; type likewise. */
void methods_body(const struct msg *m, struct span *type, struct span *body);

/** 200 to a request that ends here. */
void methods_ok(const struct leg *leg, struct txn_server *st);

#endif
