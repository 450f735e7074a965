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
    X(sip_rx, "messages received: datagrams, and messages of streams") \
    X(sip_tx, "messages sent") \
    X(handover_out, "datagrams that belonged to another worker") \
    X(handover_in, "datagrams taken over from another worker") \
    X(handover_send, "messages given to the worker that has their connection") \
    X(handover_refused, "datagrams lost because the ring to their worker was too full for their class") \
    X(handover_wait_us, "time that handed-over datagrams spent in the ring, in all") \
    X(udp_keepalive, "datagrams too short to be a message (keep-alives)") \
    X(udp_truncated, "datagrams longer than the receive buffer") \
    X(udp_overflow, "datagrams the kernel dropped because a receive buffer was full") \
    X(udp_refused, "ICMP errors reported by a socket") \
    X(udp_blocked, "times a socket could take no more output") \
    X(udp_dropped, "datagrams dropped because an output queue was full") \
    X(udp_send_failed, "datagrams the kernel refused to send") \
    X(conn_accepted, "connections accepted") \
    X(conn_refused_source, "connections of unknown sources, closed at once") \
    X(conn_refused_limit, "connections over a limit of their listen or source, closed at once") \
    X(conn_accept_failed, "times a connection could not be accepted for want of descriptors or memory") \
    X(conn_connects, "connections begun to peers") \
    X(conn_connect_failed, "of these, refused, timed out or failed in their handshake") \
    X(conn_closed_peer, "connections closed or reset by the peer") \
    X(conn_closed_idle, "connections closed because nothing came for idle-timeout") \
    X(conn_closed_slow, "connections closed because a message or a handshake was not complete in time") \
    X(conn_closed_no_pong, "connections closed because a ping was not answered") \
    X(conn_closed_full, "connections closed because the peer did not read") \
    X(conn_closed_broken, "connections closed because what came could not be followed") \
    X(conn_closed_stranger, "connections of unknown sources, answered and closed") \
    X(conn_pings, "keep-alives sent") \
    X(conn_pongs, "keep-alives answered by the peer") \
    X(conn_pinged, "keep-alives of peers, answered") \
    X(conn_unsent, "messages that a connection could not deliver") \
    X(tls_handshakes, "TLS handshakes done") \
    X(tls_failed, "TLS handshakes failed: certificate, name, version") \
    X(tls_name_refused, "requests of trunks with tls-name that came without such a certificate") \
    X(sip_absorbed, "messages answered or dropped before parsing (retransmissions, ACKs)") \
    X(sip_stray_response, "responses that belong to nothing of ours") \
    X(gate_handed, "messages handed to another worker") \
    X(gate_403, "requests of unknown sources answered 403") \
    X(gate_dropped, "messages of unknown sources dropped") \
    X(gate_shed, "requests over the load level") \
    X(lobby_waited, "new requests that waited because there was more to read") \
    X(lobby_full, "of these, refused because too many waited") \
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
    X(txn_by_tcp, "requests too large for UDP that went by TCP") \
    X(txn_back_to_udp, "of these, sent by UDP because TCP failed") \
    X(txn_unsent, "responses and ACKs that a stream could not deliver") \
    X(txn_no_room, "transactions refused for want of memory or by their limit") \
    X(dialog_2xx_retransmit, "2xx to INVITE sent again") \
    X(dialog_no_ack, "2xx to INVITE without an ACK") \
    X(dialog_ack_again, "ACKs to 2xx sent again") \
    X(dialog_cseq_order, "requests with a CSeq not higher than the one before") \
    X(cdr_written, "records written to files") \
    X(cdr_write_errors, "failed writes, syncs and opens of record files") \
    X(cdr_lost, "records that are in no file") \
    X(calls_offered, "INVITEs outside a dialog from trunks") \
    X(calls_barred, "INVITEs from a trunk that is drained or down, refused with 503") \
    X(calls_refused, "of these, refused before a call began: form, source, drain") \
    X(calls_diverted_too_often, "of these, refused because they were diverted more often than the trunk may") \
    X(calls_started, "calls begun") \
    X(calls_rejected, "calls that ended by a final answer of 300 or more to the in leg") \
    X(calls_answered, "calls answered") \
    X(calls_bypassed, "attempts whose media goes around the relay by bypass") \
    X(calls_no_codec, "calls refused because their trunk lets no codec of the offer pass") \
    X(calls_no_srtp, "offers and answers refused because of their trunk's srtp") \
    X(answers_crypto_tag, "of these, answers with a crypto line that was not offered") \
    X(calls_ended, "calls ended, answered or not") \
    X(calls_setup_timeout, "calls ended by the setup timeout") \
    X(calls_duration, "calls ended by the maximum duration") \
    X(calls_no_media, "calls refused because the relay gave no session") \
    X(calls_media_inactive, "calls ended because a party sent no media") \
    X(calls_resumed, "calls of a former process taken up from its journal") \
    X(calls_estimated, "calls of a former process that could not: their records say estimated") \
    X(journal_written, "records of calls written to the journal") \
    X(journal_failed, "of these, not written for want of room: the call would not outlive the process") \
    X(calls_media_lost, "calls ended because the relay dropped their session") \
    X(legs_started, "legs made, in and out") \
    X(legs_ended, "legs ended") \
    X(legs_invites, "INVITEs sent to carriers") \
    X(legs_late_2xx, "200 that crossed our CANCEL: acknowledged and hung up") \
    X(legs_extra_2xx, "200 of a further dialog of a fork: acknowledged and hung up") \
    X(legs_impossible, "events that a leg's state does not allow") \
    X(bridge_impossible, "events that the other leg's state does not allow") \
    X(hunt_attempts, "attempts begun") \
    X(hunt_advanced, "failed attempts after which the next candidate was tried") \
    X(hunt_targets, "failed attempts after which another address of the same trunk was tried") \
    X(targets_busy, "503 with Retry-After: their target is left alone for so long") \
    X(redirect_followed, "contacts of a 3xx that became attempts") \
    X(redirect_passed, "3xx told to the caller with contacts of ours") \
    X(mos_good, "directions of ended calls with a mean opinion score of 4.03 and more (G.107: nearly all satisfied)") \
    X(mos_fair, "likewise 3.60 to 4.02 (some dissatisfied)") \
    X(mos_poor, "likewise 3.10 to 3.59 (many dissatisfied)") \
    X(mos_bad, "likewise below 3.10 (nearly all dissatisfied)") \
    X(media_one_way, "parties of standing calls that nothing came from while the other one spoke") \
    X(media_silence, "parties of standing calls whose packets had nothing to hear for 10 s") \
    X(media_breaker, "streams to parties that did not arrive, by the parties' reports (RFC 8083)") \
    X(redirect_left_out, "contacts of a 3xx not used: no peer of ours, no number, tried before, too many") \
    X(hunt_late, "calls with candidates left when the time of their route line (within) was over") \
    X(breaker_tripped, "breakers of trunks that opened") \
    X(breaker_retried, "trial calls of half-open breakers that failed") \
    X(breaker_closed, "breakers closed by a trial call that went well") \
    X(breaker_refused, "attempts not made because the trunk's breaker was open") \
    X(hunt_no_codec, "of the candidates passed over, those that let no codec of the offer pass") \
    X(hunt_skipped, "candidates passed over: full, drained, down, open or gone") \
    X(pass_requests, "requests inside a dialog carried to the other leg") \
    X(pass_refused, "such requests refused here: glare, order, no dialog") \
    X(own_requests, "requests of our own inside a dialog: refreshes, NOTIFY, transfers") \
    X(own_again, "of these, sent again after 491 or 500") \
    X(auth_answered, "challenges of trunks answered with credentials") \
    X(auth_refused, "challenges that could not be answered, or not again: no credentials, wrong secret") \
    X(session_refreshes, "session timers refreshed from here") \
    X(session_expired, "calls ended because a session timer ran out") \
    X(session_422, "requests refused with 422: session interval too small") \
    X(session_raised, "requests sent again with the interval that a 422 named") \
    X(login_challenged, "requests of trunks with login answered 401") \
    X(login_failed, "of these, those with wrong credentials") \
    X(login_ok, "requests of trunks with login that had good credentials") \
    X(rel100_sent, "18x sent reliably (RFC 3262)") \
    X(rel100_retransmit, "of these, sent again") \
    X(rel100_no_prack, "of these, never acknowledged: the call ended with 504") \
    X(rel100_481, "PRACKs answered 481: nothing of ours waited for them") \
    X(rel100_ignored, "reliable 18x of carriers that came again or out of order") \
    X(rel100_dropped, "18x to callers given up: too many waited for a PRACK") \
    X(rel100_pracks, "PRACKs sent to carriers") \
    X(announcements, "callers who heard why they were refused") \
    X(ringbacks, "callers who heard our tone while it rang") \
    X(announce_failed, "sounds that were to be heard and could not be played") \
    X(hold_music, "parties on hold who heard music of ours") \
    X(dtmf_info_in, "digits that came by INFO and went on in RTP (RFC 4733)") \
    X(dtmf_info_out, "digits that came in RTP and went on by INFO") \
    X(interwork_again, "offers of our own to carriers, because the caller's answer said less than theirs") \
    X(interwork_here, "offers answered here with what holds, because the other side could not be asked") \
    X(rung_again, "18x repeated to callers while it rang (RFC 3261 13.3.1.1)") \
    X(early_199, "199 sent to callers (RFC 6228)") \
    X(register_sent, "REGISTER sent to carriers") \
    X(register_ok, "of these, answered 200") \
    X(register_failed, "registrations that failed at all targets of a carrier, or were refused") \
    X(register_failover, "registrations tried at a carrier's next target") \
    X(registrar_ok, "REGISTER of PBXs answered 200") \
    X(registrar_refused, "REGISTER of PBXs refused: form, lifetime, order, no registrar") \
    X(transfers, "REFERs done here") \
    X(transfers_done, "of these, the party that stays was joined to the target") \
    X(transfers_failed, "of these, come to nothing") \
    X(replaces, "INVITEs that asked for the place of a leg (RFC 3891)") \
    X(replaces_done, "of these, that took it") \
    X(replaces_refused, "of these, refused by us or by the party that stays") \
    X(options_answered, "OPTIONS answered") \
    X(options_sent, "health probes sent") \
    X(options_ok, "health probes answered well") \
    X(options_failed, "health probes not answered, or by 408 or 503") \
    X(dns_queries, "questions to name servers") \
    X(dns_answered, "of these, answered with records") \
    X(dns_negative, "of these, answered that there are none") \
    X(dns_failed, "of these, without an answer") \
    X(dns_stale, "questions answered from the cache, out of date, because the servers failed") \
    X(dips_asked, "portability of called numbers asked") \
    X(dips_ported, "of these, ported") \
    X(dips_home, "of these, not ported") \
    X(dips_failed, "of these, not answered by their source, or not asked for want of room") \
    X(dips_timeout, "of these, not answered in time") \
    X(dips_abandoned, "of these, whose call ended meanwhile") \
    X(dips_late, "answers to dips that nobody waited for any more") \
    X(lnp_dns, "questions of ENUM sections to name servers") \
    X(lnp_cached, "dips answered from the cache of an ENUM section") \
    X(lnp_stale, "of these, with an answer out of date because the servers do not answer") \
    X(lnp_failed, "dips that their source could not answer: servers, records, disk") \
    X(locate_lookups, "lookups of a peer's name begun") \
    X(locate_failed, "lookups that failed, wholly or in part: what was known stays") \
    X(locate_left_out, "DNS records not used: too many, malformed, or of transports that no listen of the trunk has") \
    X(locate_published, "changes of a trunk's targets") \
    X(stack_not_sip, "datagrams that are not SIP: dropped") \
    X(stack_bad_msg, "messages that the parser refused")

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
