/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One worker's SIP stack: gate, parser, transactions, dialogs and calls wired together, and the path of one datagram through them.
 * The daemon's worker and the replay harness drive exactly this; it knows neither sockets nor threads.
 */
#ifndef CALL_STACK_H
#define CALL_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "call/call.h"
#include "sip/method.h"
#include "sip/transport.h"

struct stack;
struct clock;
struct timers;
struct ident_key;
struct stats;
struct media;
struct cdr_port;
struct trunk_registry;
struct dip_ops;
struct dip_answer;

/** What became of a datagram. */
enum stack_verdict {
    STACK_HERE, /**< parsed and given to the transaction layer, or absorbed, or answered without state */
    STACK_HAND, /**< belongs to another worker: nothing was done, the caller hands the bytes over */
    STACK_DROP, /**< silently dropped, counted */
    STACK_WAIT, /**< only after stack_let_wait: may be served later by stack_handed; nothing was done */
};

/** For STACK_HAND and STACK_WAIT: whose it is, and what the hand-over ring must know to refuse the right ones when it fills. */
struct stack_hand {
    unsigned worker;
    enum sip_class cls;
    bool in_dialog; /**< anything that does not begin a call */
};

struct stack_param {
    struct clock *clock;           /**< borrowed */
    struct timers *timers;         /**< borrowed */
    struct ident_key *ident;       /**< borrowed */
    struct stats *stats;           /**< borrowed */
    struct transport *transport;   /**< borrowed: real sockets or the replay's */
    struct media *media;           /**< borrowed: NULL when no trunk has media */
    struct cdr_port *cdr;          /**< borrowed */
    struct trunk_registry *trunks; /**< borrowed: live state of all trunks, shared by the workers */
    struct dip_ops *dips;          /**< borrowed: who answers dips; NULL: nobody, each fails */
    uint16_t node;                 /**< number of this node in tokens (gate) */
    bool no_probes;                /**< replay: health probes only where a case asks for them */
    uint8_t worker;                /**< number of this worker */
    uint8_t workers; /**< how many there are; owners above it are mapped (restart with fewer) */
};

/** @return NULL out of memory */
struct stack *stack_new(const struct stack_param *p);
/** Destroys all calls. A request without its final answer gets 500, nothing else is said on the wire. */
void stack_free(struct stack *s);

/**
 * From now on new calls use this snapshot; standing ones keep what they took by value.
 * @param view  borrowed until the next stack_snapshot() or stack_free()
 */
void stack_snapshot(struct stack *s, const struct call_view *view);

/**
 * The path of one datagram: peek, gate, parse, transaction.
 *
 * @param buf      bytes; borrowed for this call
 * @param flow     where it came in and from whom
 * @param load     0..100: how loaded the worker is, for shedding by class: ordinary from 70, priority from 90, all at 100
 * @param hand     set when STACK_HAND is returned
 */
enum stack_verdict stack_datagram(struct stack *s, const char *buf, size_t len,
                                  const struct flow *flow, unsigned load, struct stack_hand *hand);

/**
 * While on, new requests (and their CANCELs) come back as STACK_WAIT, with hand filled, unless they are repetitions of what is known: the caller
 * has more to read, and what stands goes before what begins.
 */
void stack_let_wait(struct stack *s, bool on);

/**
 * A datagram that another worker handed over, or that waited: it belongs here.
 * @param load  as above, of its time there
 * @param hand  NULL: it has waited, and is served or shed now
 */
enum stack_verdict stack_handed(struct stack *s, const char *buf, size_t len,
                                const struct flow *flow, unsigned load, struct stack_hand *hand);

/**
 * A message of ours that a stream could not deliver (connection refused, lost, timed out), as the transport gives it back: a request ends its
 * client transaction with TXN_END_TRANSPORT (RFC 3261 §17.1.4), an ACK or a response is counted.
 */
void stack_unsent(struct stack *s, const char *buf, size_t len);

/** Which worker's transaction sent this message (stack_unsent belongs there); this one if nobody can say. */
unsigned stack_sender(const struct stack *s, const char *buf, size_t len);

/**
 * Answer the head of a request that cannot be read to its end (RFC 3261 §18.3): without state, and as the gate treats its source: a
 * stranger gets his 403 or nothing.
 */
void stack_refuse(struct stack *s, const char *buf, size_t len, const struct flow *flow,
                  unsigned status);

/** What a dip found (call/dip.h). */
void stack_dip_answer(struct stack *s, const struct dip_answer *a);

/** End of a loop turn: free what has ended. The transport is flushed by its owner afterwards. */
void stack_turn_end(struct stack *s);

/**
 * Between two turns' work, when nothing read of targets is in hand: follow the trunks of a new snapshot, or those whose targets have changed, by
 * portions: probes, registrations. What is not through when it returns goes on at the next call.
 */
void stack_follow(struct stack *s);
/** stack_follow has more to do, at once. */
bool stack_is_following(const struct stack *s);

struct calls *stack_calls(struct stack *s);

/** Transactions and dialogs alive (audit, tests). */
uint64_t stack_transactions(const struct stack *s);
uint64_t stack_dialogs(const struct stack *s);

#endif
