/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new INVITE: whose it is, whether it is well-formed for us, admitted and routed; then a call begins.
 * tu.c calls it; it hands over to hunt.c.
 */
#ifndef CALL_INVITE_H
#define CALL_INVITE_H

#include "call/model.h"

/**
 * Whose trunk is it? By source and `match`, and among trunks of one source by the user that it logs in as.
 * @return 0; -ENOENT, -EACCES as source_identify
 */
int invite_identify(const struct calls *cs, const struct msg *m, const struct flow *f,
                    uint32_t *trunk);

void invite_new(struct calls *cs, struct txn_server *st, const struct msg *m, const struct flow *f);

/** The in leg of a call that a transfer makes: it stands for a party that has its dialog elsewhere. */
struct invite_ward {
    struct transfer *transfer;
    const struct leg *stays; /**< that party: its media section is used */
    uint32_t trunk;          /**< whose call it is */
    struct leg **ward;       /**< set before the call is routed */
};
/**
 * Begin such a call from an INVITE that was made up here. What becomes of it the ward hears by leg events, maybe before the return.
 * @return 0; -ENOMEM and others: no call was begun
 */
int invite_ward(struct calls *cs, const struct msg *m, const struct invite_ward *w);

/** Its dip is over (dip.h): the second decision; NULL: its trunk has gone from the configuration meanwhile. */
void invite_dipped(struct call *c, const struct route_decision *d);

/** 415 with Accept. */
void invite_refuse_body(struct txn_server *st);
/** 420 with Unsupported if Require or Proxy-Require has what we do not know. @return 0 or 420 */
unsigned invite_refuse_options(struct txn_server *st, const struct msg *m,
                               const struct conf_trunk *t);

/** Does the operator keep new calls from the trunk of this request's source? For answers to its OPTIONS. */
bool invite_is_barred(const struct calls *cs, const struct msg *m, const struct flow *f);

#endif
