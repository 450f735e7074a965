/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate: from a peek, a verdict on the source and the load, what to do with a datagram and on which worker. Pure, no allocation.
 * dispatch asks it before any parsing; it knows neither trunk nor transaction.
 */
#ifndef SIP_GATE_H
#define SIP_GATE_H

#include "core/ident.h"
#include "core/stats.h"
#include "sip/peek.h"
#include "sip/transport.h"

#define GATE_MAX_WORKERS 256 /* a token has 8 bits for the worker */
/* 64: INVITEs with Replaces that one socket has within the time in which one may be cancelled; the CANCEL of an older one gets 481. */
#define GATE_MARKS 64

/** What the configuration says of the source address. */
enum gate_source {
    GATE_SRC_KNOWN,
    GATE_SRC_DROP, /* unknown: silence */
    GATE_SRC_403,  /* unknown: 403 */
};

/** How full this worker is: each level sheds one class more. Only requests that would begin something new are shed. */
enum gate_level {
    GATE_LEVEL_OPEN,
    GATE_LEVEL_ORDINARY, /* shed ordinary calls and other new requests */
    GATE_LEVEL_PRIORITY, /* and those with Resource-Priority */
    GATE_LEVEL_ALL,      /* and emergency calls: only when nothing at all can be carried */
};

enum gate_verdict {
    GATE_HERE, /* parse on this worker */
    GATE_HAND, /* give to worker */
    GATE_403,  /* gate_reply 403 */
    GATE_DROP, /* forget (counted) */
    GATE_SHED, /* txn_absorb first (it may be a retransmission of what was let in); then gate_reply 503 */
};

struct gate {
    struct ident_key *ident; /* borrowed, of this worker */
    struct stats *stats;     /* borrowed */
    uint16_t node;           /* tokens of another node are hashed */
    uint8_t worker;          /* this one */
    uint16_t n_workers;
    uint8_t map[GATE_MAX_WORKERS]; /* number in a token -> worker today */
    struct {
        uint64_t key;
        uint8_t worker;
    } mark[GATE_MARKS]; /* where INVITEs with Replaces went: their CANCEL bears none; a ring */
    uint8_t next_mark;
};

/** n_workers 1..256. Numbers of a former, larger configuration fold onto today's by modulo: gate_owner_of says where to restore a call. */
void gate_init(struct gate *g, struct ident_key *ident, struct stats *stats, uint16_t node,
               uint8_t worker, uint16_t n_workers);
/** Worker that owns the objects of a former worker. */
static inline uint8_t gate_owner_of(const struct gate *g, uint8_t token_worker)
{
    return g->map[token_worker];
}

/**
 * Which worker owns this message: responses by the Via branch, requests by the To tag if they are ours, an INVITE by the to-tag of its
 * Replaces, all else by the Call-ID's hash.
 * @param is_ours  true if a token of ours named it (of any epoch)
 */
uint8_t gate_owner(const struct gate *g, const struct peek *p, bool *is_ours);

/**
 * The verdict. A message that bears a token of ours passes whatever its source: a trunk removed by a reload serves its calls to their end.
 * Replaces lets nobody in: it only picks the worker of a request that may come in.
 * @param worker set for GATE_HAND
 */
enum gate_verdict gate_decide(struct gate *g, const struct peek *p, enum gate_source src,
                              enum gate_level level, uint8_t *worker);

/**
 * May it be served behind others? What begins something, and the CANCEL that follows it: never a message of something that stands, nor the
 * answers to ours.
 */
bool gate_may_wait(const struct peek *p);

/**
 * The verdict on what nobody knows: GATE_403 or GATE_DROP, counted. Also for a stranger's request whose tag is of ours but names no
 * dialog that stands: it must not make a transaction.
 */
enum gate_verdict gate_refuse(const struct gate *g, const struct peek *p, enum gate_source src);

/** Room for gate_reply to a request of len bytes: enough for all but contrived ones, which get no answer. */
#define GATE_REPLY_ROOM(len) ((len) + 512)

struct gate_reply_param {
    const char *buf; /* the request as received */
    size_t len;
    const struct peek *peek;
    unsigned status;        /* 403, 503, … */
    unsigned retry_after_s; /* 0: no Retry-After */
};

/**
 * A stateless final response from raw bytes (RFC 3261 §8.2.7): Via set copied with received and rport, To tag that gate_decide knows again,
 * so that the ACK is dropped. Never to an ACK.
 * @param f in: flow of the request; out: flow of the response
 * @return length written to out; -EBADMSG an ACK, or headers missing; -ENOSPC
 */
int gate_reply(const struct gate *g, const struct gate_reply_param *p, struct flow *f, char *out,
               size_t cap);

#endif
