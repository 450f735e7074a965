/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transactions: the four machines of RFC 3261 §17 with RFC 6026 (Accepted) and RFC 4320 (no 408 to a non-INVITE), one table set per worker.
 * dispatch feeds it messages, legs and dialogs drive it. It knows no call, no trunk and no socket (sip/transport.h).
 */
#ifndef SIP_TXN_H
#define SIP_TXN_H

#include "core/ident.h"
#include "core/pool.h"
#include "core/stats.h"
#include "core/timer.h"
#include "sip/build.h"
#include "sip/method.h"
#include "sip/msg.h"
#include "sip/peek.h"
#include "sip/session_id.h"
#include "sip/transport.h"
#include <stdbool.h>

/* RFC 3261 table 4 [ms]. UDP values; over a stream A, E, G are not run and D, I, J, K are zero (B, F, H, L, M stay). */
enum {
    TXN_T1_MS = 500,
    TXN_T2_MS = 4000,
    TXN_T4_MS = 5000,
    TXN_64T1_MS = 64 * TXN_T1_MS, /* timers B, D, F, H, J, L, M */
};

struct txns;
struct txn_server;
struct txn_client;

enum txn_end {
    TXN_END_OK,        /* ran to its end */
    TXN_END_NO_ACK,    /* server: Timer H, no ACK to our non-2xx */
    TXN_END_TIMEOUT,   /* client: Timer B or F, or no final response 64*T1 after CANCEL (§9.1) */
    TXN_END_TRANSPORT, /* the transport refused */
};

/** The transaction user: whoever takes what no transaction has asked for. All arguments are borrowed for the call. */
struct tu_ops {
    /**
     * A new request. INVITE: 100 has been sent already if the policy says so. st NULL: an ACK to a 2xx.
     * The TU answers now or later; until it does, it must hold st with txn_server_set_user (else it is answered 500 at return).
     */
    void (*on_request)(void *tu, struct txn_server *st, const struct msg *m, const struct flow *f);
    /** A CANCEL for an INVITE that has no final response; the CANCEL was answered 200. The TU answers invite with 487. */
    void (*on_cancel)(void *tu, struct txn_server *invite, const struct msg *cancel);
    /** A 2xx to INVITE whose transaction has ended or was detached (RFC 3261 §13.2.2.4): the dialog sends its ACK again. Others are dropped. */
    void (*on_stray_response)(void *tu, const struct msg *m, const struct flow *f);
    /** A request of ours (not CANCEL) is complete and goes out now: headers may be put into it. May be NULL. */
    void (*on_send)(void *tu, struct build *b, const struct flow *f);
    /**
     * 401 or 407 (RFC 3261 §22.2) to a request whose user has on_again: compose it once more with txn_client_begin(again); on_send adds the
     * credentials. May be NULL.
     * @param request what was sent, and where
     * @return the CSeq number it has now; 0: there are no credentials, the user gets the response
     */
    uint32_t (*on_challenge)(void *tu, struct txn_client *again, const struct wire *request,
                             const struct msg *m);
};

struct txns_param {
    struct timers *timers;       /* borrowed, as all below */
    struct transport *transport; /* */
    struct ident_key *ident;     /* of this worker */
    struct stats *stats;         /* */
    struct blocks *blocks;       /* stored messages */
    const struct tu_ops *tu_ops; /* */
    void *tu;                    /* */
    bool
        late_100; /* false: 100 Trying at once; true: the TU sends it itself (§17.2.1 wants one within 200 ms) */
    uint64_t
        limit; /* highest number of live transactions of each side, 0: none; beyond it new requests get a stateless 503 */
};

/** @return NULL out of memory */
struct txns *txns_new(const struct txns_param *p);
/**
 * From so many server transactions on, a request that begins something (no To tag, no CANCEL) gets a stateless 503: a peer gone mad
 * fills no memory, and the calls that stand can still end. 0: none.
 */
void txns_set_room(struct txns *t, size_t room);
/** Frees all transactions without callbacks. */
void txns_free(struct txns *t);

/**
 * Answer or swallow what needs no parser: retransmitted requests, ACKs to non-2xx, retransmitted final responses, responses to nothing.
 * Call it on the owning worker before shedding and before msg_parse.
 * @return true: consumed
 */
bool txn_absorb(struct txns *t, const struct peek *p, const struct flow *f);

/**
 * Match a message to its transaction and run one step of its machine; a new request becomes a server transaction and goes to the TU.
 * RFC 3261 §17.1.3, §17.2.3, §9.2 (CANCEL), §8.2.2.2 (merged requests: 482); RFC 6026 §7.1.
 *
 * @param m borrowed
 * @param f the flow it came on
 * @return 0 consumed; -ENOENT response to nothing (counted as sip_stray_response); -ENOMEM no room (503 was sent where one could be)
 */
int txn_recv(struct txns *t, const struct msg *m, const struct flow *f);

/**
 * A message of ours that a stream could not deliver: a request without any response ends its client transaction with TXN_END_TRANSPORT
 * (RFC 3261 §17.1.4, §18.4) or, where TCP stood in for UDP, goes by UDP now (§18.1.1). A response, an ACK and what was answered meanwhile
 * are counted as txn_unsent: the machines live on by their timers.
 * @param p of the message; borrowed
 */
void txn_unsent(struct txns *t, const struct peek *p);

/** Live transactions (audit, tests). */
struct txns_count {
    uint64_t server, client, merged;
};
struct txns_count txns_count(const struct txns *t);

/* ---- server ---- */

/**
 * What responses of st say as Session-ID (RFC 7989): local the endpoint they speak for, remote the one that asked. Until it is called
 * they have a null local one and, as remote, what the request had; no line if it had none. Nothing behind a final response.
 */
void txn_server_set_session(struct txn_server *st, const struct session_uuid *local,
                            const struct session_uuid *remote);

struct txn_server_cb {
    /** The transaction ends now; st is gone after return. Not called after txn_server_detach. */
    void (*on_end)(void *user, struct txn_server *st, enum txn_end why);
};

void txn_server_set_user(struct txn_server *st, const struct txn_server_cb *cb, void *user);
void *txn_server_user(const struct txn_server *st);
/** The user goes away before the transaction: no more callbacks. If it has no final response yet, 500 is sent. */
void txn_server_detach(struct txn_server *st);
enum sip_method txn_server_method(const struct txn_server *st);
/** True once a final response was sent: nothing more can be. */
bool txn_server_is_final(const struct txn_server *st);
/**
 * True if its request came with a To tag, i.e. inside a dialog. Only before its final response; false behind it.
 */
bool txn_server_in_dialog(const struct txn_server *st);
/**
 * Its request, without a To tag, is served in a dialog that was made for it (Replaces): responses bear this tag of ours, of IDENT_LEN,
 * and txn_server_in_dialog is true.
 */
void txn_server_join(struct txn_server *st, struct span tag);
/** Flow the responses go to; NULL once a final response was sent. */
const struct flow *txn_server_flow(const struct txn_server *st);

/**
 * Whose request it turned out to be (struct flow): over TLS its answer may need a new connection, and that must show the owner's names
 * (RFC 3261 §18.2.2, §26.3.1). Nothing behind the final response.
 */
void txn_server_set_owner(struct txn_server *st, uint32_t owner);

/**
 * Begin a response: writes start line, Via, Record-Route (of an INVITE: 101-299), From, To (+tag), Call-ID, CSeq into a build shared by all
 * of this worker; add headers, then build_end (Content-Length and body), then txn_server_send, with nothing else begun between.
 *
 * @param reason  empty: the usual phrase
 * @param to_tag  put on To if the request had none there; empty and status > 100: one is made, the same for all responses of st
 * @return borrowed; NULL if a final response was sent already (counted as txn_late_response)
 */
struct build *txn_server_begin(struct txn_server *st, unsigned status, struct span reason,
                               struct span to_tag);
/**
 * Send what was begun and run the machine. May end st on transport failure (on_end is called then).
 * @return 0; -ENOSPC the build overflowed (nothing was sent, 500 goes out instead if status was final); -EALREADY final was sent; -ENOMEM
 */
int txn_server_send(struct txn_server *st);
/** A whole response without further headers or body: begin, build_end, send. */
int txn_server_reply(struct txn_server *st, unsigned status, struct span reason,
                     struct span to_tag);
/** The last provisional response again, byte for byte (RFC 3261 §13.3.1.1). @return 0; -ENOENT none was sent, or a final one was */
int txn_server_repeat(struct txn_server *st);
/** Take the stored 2xx to an INVITE out of st (the dialog retransmits it, RFC 6026 §7.1). @return owned by the caller; NULL none */
struct wire *txn_server_take_2xx(struct txn_server *st);

/* ---- client ---- */

struct txn_client_cb {
    /**
     * A response: each provisional but 100 (it says nothing to a user agent and is absorbed unparsed), the first final, and further 2xx to
     * INVITE until Timer M. m is borrowed.
     */
    void (*on_response)(void *user, struct txn_client *ct, const struct msg *m,
                        const struct flow *f);
    /** The transaction ends now; ct is gone after return. Exactly once, unless detached. */
    void (*on_end)(void *user, struct txn_client *ct, enum txn_end why);
    /** A 100 to INVITE, which is not parsed: the peer lives. May be NULL. */
    void (*on_trying)(void *user, struct txn_client *ct);
    /**
     * Instead of a 401 or 407: the same request goes on as another transaction, with credentials and this CSeq number; ct is nobody's
     * from now on. NULL: such responses are told like any other.
     */
    void (*on_again)(void *user, struct txn_client *ct, struct txn_client *again, uint32_t cseq);
};

/**
 * A client transaction, not yet started; its branch is fixed here.
 * @param method not ACK (sip/dialog.h sends those) nor CANCEL (txn_client_cancel)
 * @param flow   where to send; copied at txn_client_start
 * @return NULL at the limit or out of memory
 */
struct txn_client *txn_client_new(struct txns *t, enum sip_method method, const struct flow *flow,
                                  const struct txn_client_cb *cb, void *user);
/** "z9hG4bK…"; valid until the next call of this function on this worker. */
struct span txn_client_branch(const struct txn_client *ct);
/** Writes "Via: …;branch=…;rport" CRLF into b. */
void txn_client_via(const struct txn_client *ct, struct build *b);
/** An empty build, shared by all of this worker, to write the request into (start line, Via by txn_client_via, …, build_end). */
struct build *txn_client_begin(struct txn_client *ct);
/**
 * Send what was begun; by TCP if its flow says that it is too large for UDP, and by UDP after all if TCP fails before any response.
 * @return 0; -ENOSPC build overflowed, -ENOMEM, -ENOTCONN …: ct is gone and no callback is called
 */
int txn_client_start(struct txn_client *ct);
/** Throw away one that was not started. */
void txn_client_abort(struct txn_client *ct);
/**
 * CANCEL an INVITE (§9.1): at once if a provisional response came, else when one comes; nothing if a final response came.
 * 64*T1 after the CANCEL without a final response ct ends with TXN_END_TIMEOUT.
 * @param reason value of a Reason header (RFC 3326); empty: none
 * @return 0; -EALREADY a final response came or CANCEL was asked for before; -EINVAL not an INVITE; -ENOMEM
 */
int txn_client_cancel(struct txn_client *ct, struct span reason);
/** The user goes away: no more callbacks; the machine runs on by itself. */
void txn_client_detach(struct txn_client *ct);
void *txn_client_user(const struct txn_client *ct);
/** How often its request was sent before, each time refused by a challenge. */
unsigned txn_client_tries(const struct txn_client *ct);
enum sip_method txn_client_method(const struct txn_client *ct);

#endif
