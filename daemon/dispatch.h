/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hand-over of messages between workers: one ring for each pair, a doorbell for each worker.
 * Workers call it; it moves bytes and knows no SIP beyond the class that decides who is refused first when a ring fills.
 */
#ifndef DAEMON_DISPATCH_H
#define DAEMON_DISPATCH_H

#include "core/stats.h"
#include "core/work.h"
#include "sip/method.h"
#include "sip/transport.h"

/* 4,096 datagrams between two workers: 100 ms (the age at which a new call is shed) of 40,000 a second. */
#define DISPATCH_SLOTS 4096

struct dispatch;

/** For n workers. @return NULL out of memory or descriptors */
struct dispatch *dispatch_new(unsigned n);
/** Frees what still waits in the rings. */
void dispatch_free(struct dispatch *d);

/** What the other worker shall do with a message. */
enum dispatch_kind {
    DISPATCH_RECEIVED, /* serve it: it belongs there */
    DISPATCH_SEND,     /* send it: the connection is there */
    DISPATCH_UNSENT,   /* it could not be sent: the transaction is there */
};

struct dispatch_item {
    enum dispatch_kind kind;
    enum sip_class cls;
    bool in_dialog; /* true for anything that does not begin a call */
    const struct flow *flow;
    const char *buf;
    size_t len;
};

/**
 * Worker from: give a message to worker to; the bytes are copied.
 * A filling ring refuses ordinary new requests at 80 %, priority at 90 %; emergency and all that belongs to standing
 * calls only when it is full.
 *
 * @return 0; TD_EFULL refused; -ENOMEM
 */
int dispatch_give(struct dispatch *d, unsigned from, unsigned to, const struct dispatch_item *it);

/** it: borrowed. wait_us: how long it was in the ring. */
typedef void (*dispatch_fn)(void *arg, const struct dispatch_item *it, uint64_t wait_us);

/**
 * Worker to: take all that waits, at most max from each other worker.
 * @param stats  counts handover_in and handover_wait_us
 * @return how many
 */
unsigned dispatch_take(struct dispatch *d, unsigned to, unsigned max, struct stats *stats,
                       dispatch_fn fn, void *arg);

/** The doorbell of a worker; also rung by the control thread. */
struct bell *dispatch_bell(struct dispatch *d, unsigned worker);
/** True if anything waits for this worker. */
bool dispatch_waiting(const struct dispatch *d, unsigned to);
/** Fullest ring towards this worker, percent. */
unsigned dispatch_fill_percent(const struct dispatch *d, unsigned to);

#endif
