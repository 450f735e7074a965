/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the transaction files share: the table set, the two structures, the tables of the machines.
 * Included by txn*.c, and by their unit tests to visit each cell; by nobody else.
 */
#ifndef SIP_TXN_PRIV_H
#define SIP_TXN_PRIV_H

#include "core/htab.h"
#include "sip/txn.h"

#define TXN_COOKIE     "z9hG4bK" /* RFC 3261 §8.1.1.7 */
#define TXN_COOKIE_LEN 7
#define TXN_BRANCH_LEN (TXN_COOKIE_LEN + IDENT_LEN)
#define TXN_MSG_MAX    65535 /* no datagram carries more */

struct txns {
    struct txns_param p;
    struct ident self; /* node, epoch and worker of tokens we make */
    struct htab server;
    struct htab
        merged; /* requests without To tag that have no final response (RFC 3261 §8.2.2.2) */
    struct htab client; /* by the serial in the branch; a CANCEL stands beside its INVITE */
    struct pool server_pool;
    struct pool client_pool;
    size_t room;              /* server transactions from which on nothing new is begun; 0: none */
    struct txn_server *fresh; /* being given to the TU; NULL again if it ended meanwhile */
    struct build build;       /* the message being composed */
    unsigned build_status;
    char branch[TXN_BRANCH_LEN];
    char scratch[TXN_MSG_MAX];
};

/* ---- server ---- */

enum txn_server_state {
    TXN_S_TRYING, /* non-INVITE only */
    TXN_S_PROCEEDING,
    TXN_S_COMPLETED,
    TXN_S_CONFIRMED, /* INVITE only, as the next */
    TXN_S_ACCEPTED,
    TXN_S_STATES,
    TXN_S_TERMINATED = TXN_S_STATES /* only as a next state: such a transaction is gone */
};

enum txn_server_event {
    TXN_SE_REQUEST, /* the same request again */
    TXN_SE_ACK,
    TXN_SE_TX_1XX, /* the TU answers */
    TXN_SE_TX_2XX,
    TXN_SE_TX_FINAL,     /* 300-699 */
    TXN_SE_TIMER_RESEND, /* G */
    TXN_SE_TIMER_END,    /* H, I, J, L; non-INVITE without an answer: 64*T1 */
    TXN_SE_TRANSPORT,
    TXN_SE_EVENTS
};

/*
 * 248 bytes, most of it the timer: at 5,000 calls a second 160,000 of each side wait for Timer L, M or J.
 * reply: what a response needs of the request, gone with the final response. last: the response to send again.
 */
struct txn_server {
    struct htab_node node;
    struct htab_node merged;
    uint64_t check; /* second half of the key: two independent 64-bit hashes and no stored text */
    struct txns *txns;
    const struct txn_server_cb *cb;
    void *user;
    struct wire *reply; /* struct reply and its lines */
    struct wire *last;
    uint16_t interval_ms;
    uint16_t
        elapsed_ms; /* since the final response; TXN_64T1_MS: the timer now running ends the state */
    uint8_t method;
    uint8_t state;
    uint8_t end;        /* enum txn_end, set by the action that ends it */
    bool is_merged : 1; /* in the merged table */
    bool is_stream : 1; /* the request came over a reliable transport (proto_is_stream) */
    bool is_accepted_2xx : 1;
    struct timer timer;
};

struct txn_key {
    uint64_t hash, check;
};

/* The fields a server key is made of, from peek or msg. */
struct txn_match {
    enum sip_method method;
    struct span method_name, branch, host, call_id, from_tag;
    uint16_t port;
    uint32_t cseq;
};

/** Key of the transaction that a request of this method belongs to (RFC 3261 §17.2.3; a branch without cookie: RFC 2543 fields). */
struct txn_key txn_key(const struct txn_match *m, enum sip_method method);
struct txn_server *txn_server_find(struct txns *t, struct txn_key k);
/** @return NULL out of memory or at the limit */
struct txn_server *txn_server_new(struct txns *t, const struct msg *m, const struct flow *f,
                                  struct txn_key k);
int txn_server_step(struct txn_server *st, enum txn_server_event ev);
void txn_server_free(struct txn_server *st);
/** Another one without final response has the same From tag, Call-ID and CSeq; if not, st is noted for the next. */
bool txn_server_is_merged(struct txn_server *st, const struct msg *m);
void txn_server_send_100(struct txn_server *st, const struct msg *m);

/* ---- client ---- */

enum txn_client_state {
    TXN_C_CALLING, /* non-INVITE: Trying */
    TXN_C_PROCEEDING,
    TXN_C_COMPLETED,
    TXN_C_ACCEPTED, /* INVITE only */
    TXN_C_STATES,
    TXN_C_TERMINATED = TXN_C_STATES
};

enum txn_client_event {
    TXN_CE_1XX,
    TXN_CE_2XX,
    TXN_CE_FINAL,        /* 300-699 */
    TXN_CE_TIMER_RESEND, /* A, E */
    TXN_CE_TIMER_END,    /* B, D, F, K, M; 64*T1 after CANCEL */
    TXN_CE_CANCEL,       /* the TU gives up */
    TXN_CE_TRANSPORT,
    TXN_CE_EVENTS
};

struct txn_client {
    struct htab_node node; /* hash: the serial itself */
    struct txns *txns;
    const struct txn_client_cb *cb;
    void *user;
    struct wire *sent;   /* the request; INVITE in Completed: its ACK */
    struct wire *reason; /* of a CANCEL that waits for a provisional response */
    struct wire *
        udp; /* while TCP stands in for UDP (§18.1.1): what goes out if it fails before any response */

    uint16_t interval_ms;
    uint16_t elapsed_ms;
    uint8_t method;
    uint8_t state;
    uint8_t end;
    uint8_t tries; /* challenges answered before */
    bool is_started : 1;
    bool wants_cancel : 1; /* asked for, not sent */
    bool is_cancelled : 1; /* CANCEL was sent */
    bool is_stream : 1;    /* sent over a reliable transport: no timer A or E, D and K are zero */
    struct timer timer;
};

/* What an event carries. */
struct txn_client_input {
    const struct msg *msg; /* NULL: only peeked at, nothing for the TU */
    const struct flow *flow;
};

struct txn_client *txn_client_find(struct txns *t, uint64_t serial, enum sip_method method);
enum txn_client_event txn_client_event_of(unsigned status);
/** True if this response changes nothing that the TU must see the text of. */
bool txn_client_can_absorb(const struct txn_client *ct, unsigned status);
void txn_client_step(struct txn_client *ct, enum txn_client_event ev,
                     const struct txn_client_input *in);
void txn_client_free(struct txn_client *ct);
/** The stream could not deliver its request. @return false: it has been answered, nothing is done */
bool txn_client_unsent(struct txn_client *ct);

/* ---- the tables, for the tests that visit each cell ---- */

enum txn_cell_kind { TXN_CELL_HANDLED, TXN_CELL_IGNORED, TXN_CELL_IMPOSSIBLE };
struct txn_cell {
    enum txn_cell_kind kind;
    unsigned next;
};
/** @return kind and next state of a cell. */
struct txn_cell txn_server_cell(bool invite, unsigned state, unsigned event);
struct txn_cell txn_client_cell(bool invite, unsigned state, unsigned event);

#endif
