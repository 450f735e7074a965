/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters: one flat array of 64-bit numbers per thread, written by its thread alone, summed by the control thread.
 * Every name here is incremented somewhere (checked by scripts/check-style); the prefix says by whom.
 */
#ifndef CORE_STATS_H
#define CORE_STATS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * X(name, help). Add a counter here, increment it with stat_inc(stats, STAT_name).
 * Not laid out: aligned backslashes would make each new counter change every line.
 */
/* clang-format off */
#define STATS_LIST(X) \
    X(sip_rx, "datagrams received") \
    X(sip_tx, "datagrams sent") \
    X(handover_out, "datagrams that belonged to another worker") \
    X(handover_in, "datagrams taken over from another worker") \
    X(handover_refused, "datagrams lost because the ring to their worker was too full for their class") \
    X(handover_wait_us, "time that handed-over datagrams spent in the ring, in all") \
    X(udp_keepalive, "datagrams too short to be a message (keep-alives)") \
    X(udp_truncated, "datagrams longer than the receive buffer") \
    X(udp_overflow, "datagrams the kernel dropped because a receive buffer was full") \
    X(udp_refused, "ICMP errors reported by a socket") \
    X(udp_blocked, "times a socket could take no more output") \
    X(udp_dropped, "datagrams dropped because an output queue was full") \
    X(udp_send_failed, "datagrams the kernel refused to send") \
    X(sip_absorbed, "messages answered or dropped before parsing (retransmissions, ACKs)") \
    X(sip_stray_response, "responses that belong to nothing of ours") \
    X(gate_handed, "messages handed to another worker") \
    X(gate_403, "requests of unknown sources answered 403") \
    X(gate_dropped, "messages of unknown sources dropped") \
    X(gate_shed, "requests over the load level") \
    X(txn_server_new, "server transactions begun") \
    X(txn_client_new, "client transactions begun") \
    X(txn_retransmit, "messages sent again by a transaction") \
    X(txn_timeout, "client transactions without a final response") \
    X(txn_no_ack, "non-2xx final responses without an ACK") \
    X(txn_merged, "merged requests answered 482") \
    X(txn_cancel_unmatched, "CANCELs answered 481") \
    X(txn_late_response, "responses after the final one, not sent") \
    X(txn_impossible, "events a transaction's state does not allow") \
    X(txn_transport_failed, "transactions ended because the transport refused") \
    X(txn_no_room, "transactions refused for want of memory or by their limit") \
    X(dialog_2xx_retransmit, "2xx to INVITE sent again") \
    X(dialog_no_ack, "2xx to INVITE without an ACK") \
    X(dialog_ack_again, "ACKs to 2xx sent again") \
    X(dialog_cseq_order, "requests with a CSeq not higher than the one before") \
    X(cdr_written, "records written to files") \
    X(cdr_write_errors, "failed writes, syncs and opens of record files") \
    X(cdr_lost, "records that are in no file")

enum stat_id {
#define STATS_ENUM_(name, help) STAT_##name,
    STATS_LIST(STATS_ENUM_)
#undef STATS_ENUM_
    STAT_COUNT
};
/* clang-format on */

struct stats {
    _Atomic uint64_t v[STAT_COUNT];
};

static inline void stat_add(struct stats *s, enum stat_id id, uint64_t n)
{
    /* one writer per array: a plain read and a relaxed write, no locked instruction */
    atomic_store_explicit(&s->v[id], atomic_load_explicit(&s->v[id], memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline void stat_inc(struct stats *s, enum stat_id id)
{
    stat_add(s, id, 1);
}

static inline uint64_t stat_get(const struct stats *s, enum stat_id id)
{
    return atomic_load_explicit(&s->v[id], memory_order_relaxed);
}

/** Name and help text of a counter. */
const char *stat_name(enum stat_id id);
const char *stat_help(enum stat_id id);

#endif
