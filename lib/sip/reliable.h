/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A provisional response sent reliably: repeated until its PRACK comes (RFC 3262 §3), over any transport.
 * call/rel100 owns one for each early dialog; it knows no offer, answer or queue.
 */
#ifndef SIP_RELIABLE_H
#define SIP_RELIABLE_H

#include "sip/txn.h"

struct wire;

struct reliable {
    struct timer timer;
    struct txns *txns;
    struct wire *wire; /* NULL: not repeated any more */
    /** 64*T1 without a PRACK; the machine has stopped, the RSeq is still matched. May end the owner. */
    void (*on_timeout)(void *arg);
    void *arg;
    uint32_t rseq; /* that waits for its PRACK; 0: none */
    uint16_t interval_ms, elapsed_ms;
};

/** Empty; on_timeout and arg as above. */
void reliable_init(struct reliable *r, void (*on_timeout)(void *arg), void *arg);
/**
 * The provisional response that st sent last bore this RSeq: repeat it T1, 2*T1, 4*T1 …, at most 64*T1 in all.
 * @return 0; -EINVAL st has sent none; -EBUSY another one waits; -ENOMEM
 */
int reliable_start(struct reliable *r, struct txn_server *st, uint32_t rseq);
/** A PRACK names it. @return true: it was waited for, and is no more */
bool reliable_acked(struct reliable *r, uint32_t rseq);
/** No more repetitions; a PRACK is still matched (§3: after the final response). */
void reliable_stop(struct reliable *r);
/** Stop and forget. */
void reliable_fini(struct reliable *r);

#endif
