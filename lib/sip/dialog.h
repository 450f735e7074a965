/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dialogs (RFC 3261 §12): identity, route set, remote target, CSeq both ways, 2xx and ACK of an INVITE (§13.2.2.4, §13.3.1.4).
 * Legs own and drive them; they compose requests into a client transaction's build. They know no call, trunk or media.
 */
#ifndef SIP_DIALOG_H
#define SIP_DIALOG_H

#include "core/htab.h"
#include "sip/txn.h"

enum dialog_state {
    DIALOG_INIT,      /* UAC: INVITE not yet answered with a To tag */
    DIALOG_EARLY,     /* 101-199 with a tag */
    DIALOG_CONFIRMED, /* 2xx */
    DIALOG_ENDED, /* still in the table until freed: a late BYE or its retransmission finds it */
};

/* Strings of a dialog, all in one block sized exactly. */
enum dialog_str {
    DIALOG_CALL_ID,
    DIALOG_LOCAL_TAG,  /* sealed token of kind IDENT_TAG */
    DIALOG_REMOTE_TAG, /* empty: peer has none (DIALOG_INIT; RFC 2543 peers) */
    DIALOG_LOCAL,      /* name-addr of our side without tag, as on the wire: "<sip:x@h>" */
    DIALOG_REMOTE,     /* same of the peer */
    DIALOG_TARGET,     /* remote target URI, without brackets */
    DIALOG_ROUTES,     /* route set, comma-separated, in the order of sending; empty: none */
    DIALOG_CONTACT,    /* value of our Contact */
    DIALOG_AUTH, /* header lines of the INVITE's credentials, each with CRLF: its ACK has the same (§22.1); empty: none */
    DIALOG_N_STRS
};

struct dialogs;
struct dialog_2xx;
struct dialog_next;

struct dialog {
    struct htab_node node;
    struct dialogs *dialogs;
    void *leg; /* the owner's; not touched here */
    char *strs;
    struct dialog_2xx *sent_2xx; /* while our 2xx is not acknowledged */
    struct wire
        *ack; /* only an ACK with a body is kept; others are composed again, byte for byte */
    struct dialog_next
        *next; /* the peer's new target until the 2xx to the request that bore it; NULL: none */
    uint64_t serial;     /* of the local tag; with node_id, epoch and worker the key */
    uint64_t ack_serial; /* of the branch of the last ACK */
    uint32_t epoch;
    uint32_t local_cseq;  /* last used */
    uint32_t remote_cseq; /* highest seen */
    uint32_t ack_cseq;    /* INVITE that the last ACK was for */
    uint16_t len[DIALOG_N_STRS];
    uint16_t node_id;
    struct flow flow; /* where requests go */
    uint8_t worker;
    uint8_t state; /* enum dialog_state */
    bool is_uac;   /* of the INVITE that made it */
    bool has_remote_cseq;
    bool secure;    /* sips (§12.1.1) */
    bool is_pinned; /* the owner set the flow: it does not follow the target */
};

struct dialogs_param {
    struct timers *timers; /* borrowed, as all below */
    struct transport *transport;
    struct ident_key *ident; /* of this worker */
    struct stats *stats;
    struct blocks *blocks;
    /** No ACK to our 2xx within 64*T1 (§13.3.1.4): the leg should send BYE. May free d. */
    void (*on_no_ack)(void *tu, struct dialog *d);
    /** Lines of the owner's that every request of the dialog bears, behind ours. May be NULL. */
    void (*on_compose)(void *tu, const struct dialog *d, struct build *b);
    void *tu;
    uint64_t limit; /* live dialogs, 0: none */
};

/** @return NULL out of memory */
struct dialogs *dialogs_new(const struct dialogs_param *p);
/** Frees all dialogs without callbacks. */
void dialogs_free(struct dialogs *ds);
uint64_t dialogs_count(const struct dialogs *ds);

/** A string of the dialog; borrowed, valid until the dialog's next message or its end. */
struct span dialog_str(const struct dialog *d, enum dialog_str which);
void dialog_set_state(struct dialog *d, enum dialog_state s);

/**
 * Dialog of a received INVITE (§12.1.1); makes the local tag. EARLY; the leg sets CONFIRMED with its 2xx.
 * @param f       flow the request came on: requests of ours go back there unless the target or dialog_set_flow says otherwise
 * @param contact value of our Contact: "<sip:…>"
 * @return 0; -EBADMSG no Contact, or texts over 65,535 bytes: 400; -ENOMEM: 503
 */
int dialog_new_uas(struct dialogs *ds, const struct msg *invite, const struct flow *f,
                   struct span contact, struct dialog **out);

struct dialog_uac_param {
    struct flow flow;
    struct span call_id, local, remote, target, routes, contact; /* as enum dialog_str; copied */
    uint32_t cseq; /* of the first request: 1 unless there is a reason */
};
/** Dialog for an INVITE of ours, before any response (§12.1.2); makes the local tag. @return 0; -EINVAL text too long; -ENOMEM */
int dialog_new_uac(struct dialogs *ds, const struct dialog_uac_param *p, struct dialog **out);
/**
 * One more dialog from a response with another To tag (fork): same local tag, CSeq and flow.
 * @return 0 (dialog_on_response has been run on it); -EINVAL no tag; -ENOMEM
 */
int dialog_fork(struct dialog *d, const struct msg *response, struct dialog **out);
/**
 * One more early dialog of the same received INVITE, with a tag of its own: a B2BUA answers for several callees.
 * @return 0; -EINVAL text too long; -ENOMEM
 */
int dialog_fork_uas(const struct dialog *d, struct dialog **out);
void dialog_free(struct dialog *d);
/** The credentials' header lines of the INVITE that goes out now, for its ACK. @return 0; -EINVAL too long; -ENOMEM: the old ones stay */
int dialog_set_auth(struct dialog *d, struct span lines);
/**
 * Requests go there from now on, whatever Route and target say (peers behind NAT). Without it the flow follows the first Route or the target
 * where that is an IP address, and stays what it was where it is a name: remote address; protocol, if the URI names one that we have a
 * listener of (sips: TLS); the connection stays while the host does.
 */
void dialog_set_flow(struct dialog *d, const struct flow *f);

/**
 * Dialog of a received request: To tag, From tag and Call-ID.
 * @return 0; -ENOENT: 481
 */
int dialog_find(struct dialogs *ds, const struct msg *request, struct dialog **out);
/**
 * Dialog of a received response: From tag (ours), To tag, Call-ID; if none has this To tag, the DIALOG_INIT one.
 * @return 0; -ENOENT
 */
int dialog_find_response(struct dialogs *ds, const struct msg *response, struct dialog **out);
/** By the two tags as text, from our point of view (Replaces, call_load). @return 0; -ENOENT */
int dialog_find_tags(struct dialogs *ds, struct span local_tag, struct span remote_tag,
                     struct span call_id, struct dialog **out);

/** A dialog with this local tag, a confirmed one before others; forks share theirs. @return 0; -ENOENT */
int dialog_find_tag(struct dialogs *ds, struct span local_tag, struct dialog **out);

/**
 * A request in the dialog: CSeq order (§12.2.2), then remote target refresh by SUBSCRIBE, NOTIFY, REFER (§12.2.2); that of INVITE and UPDATE
 * waits for dialog_answered.
 * ACK and CANCEL pass.
 * @return 0; a SIP status to answer with: 500 for a CSeq not higher than before, 400 for a target refresh whose Contact is no URI
 */
int dialog_on_request(struct dialog *d, const struct msg *m);
/**
 * A 2xx to the peer's INVITE or UPDATE with this CSeq number was sent: its Contact is the remote target from now on. One that is refused
 * changes nothing (RFC 6141 §4.2, RFC 3311 §5.2).
 */
void dialog_answered(struct dialog *d, uint32_t cseq);
/**
 * A response to a request of ours: first tag, route set and target (§12.1.2, again by the 2xx: §13.2.2.4), state, target refresh.
 * @return 0; -EBADMSG 2xx to INVITE without Contact (old target stays); -ENOENT another To tag than the dialog's: dialog_fork; -ENOMEM
 */
int dialog_on_response(struct dialog *d, const struct msg *m);

/**
 * Compose a request into ct's build: start line, Via, Max-Forwards, From, To, Call-ID, CSeq (counted up), Route and, for a method that
 * makes or refreshes a target, Contact. The caller adds headers and build_end, then txn_client_start.
 * @param ct           made with the dialog's flow
 * @param max_forwards below 0: 70, for a request that is ours alone
 * @return borrowed build
 */
struct build *dialog_request(struct dialog *d, struct txn_client *ct, int max_forwards);

/**
 * ACK to a 2xx with this CSeq number (§13.2.2.4): composed and sent.
 * @param content_type, body empty: none. With a body the bytes are kept until the next ACK or the dialog's end.
 * @return 0 or as transport->send; -ENOMEM
 */
int dialog_ack(struct dialog *d, uint32_t cseq, struct span content_type, struct span body);
/** A further 2xx: the same ACK again. @return 0; -ENOENT none was sent for this CSeq */
int dialog_ack_again(struct dialog *d, uint32_t cseq);

/**
 * Our 2xx to an INVITE was sent by st: retransmit it T1, 2*T1 … T2 until the ACK, at most 64*T1. Takes the stored bytes out of st.
 * @return 0; -EINVAL st has no 2xx; -ENOMEM
 */
int dialog_2xx_start(struct dialog *d, struct txn_server *st, uint32_t cseq);
/** An ACK came. @return true: it was the one waited for; false: a duplicate or another CSeq */
bool dialog_2xx_acked(struct dialog *d, uint32_t cseq);
/** Stop without ACK (BYE came). */
void dialog_2xx_stop(struct dialog *d);

/**
 * Put the dialog into a pointer-free record of this version; an unacknowledged 2xx is not part of it.
 * @return bytes written; -ENOSPC
 */
int dialog_save(const struct dialog *d, void *buf, size_t cap);
/** Bytes dialog_save needs. */
size_t dialog_save_len(const struct dialog *d);
/**
 * Make a dialog from a record, of any boot epoch and worker; its key is that of its tag. The caller sets flow.listener anew: its number is
 * this process's own.
 * @return bytes read; -EINVAL damaged or of an unknown version; -EEXIST already in the table; -ENOMEM
 */
int dialog_load(struct dialogs *ds, const void *buf, size_t len, struct dialog **out);

#endif
