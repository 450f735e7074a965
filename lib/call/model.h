/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The objects of the B2BUA: call, leg, dialog of a leg, request on its way across; and the worker's table of calls.
 * Only files of lib/call include it; what others may see of a call is in call.h.
 */
#ifndef CALL_MODEL_H
#define CALL_MODEL_H

#include "call/bridge.h"
#include "call/call.h"
#include "call/dip.h"
#include "call/gen.h"
#include "call/rating.h"
#include "call/leg.h"
#include "call/priority.h"
#include "call/treatment.h"
#include "cdr/cdr.h"
#include "core/err.h"
#include "core/htab.h"
#include "core/ident.h"
#include "core/log.h"
#include "core/pool.h"
#include "core/stats.h"
#include "core/timer.h"
#include "media/media.h"
#include "route/route.h"
#include "sip/dialog.h"
#include "sip/session_timer.h"
#include "sip/txn.h"

/* 8: forks that a carrier really shows; a ninth early dialog is not told to the caller, its 2xx is answered all the same. */
#define LEG_DIALOGS_MAX 8
/* 32: each 2xx of a fork costs a dialog, an ACK and a BYE for 32 s; no network rings that many, a storm of To tags would. */
#define LEG_ANSWERS_MAX 32
/* 8: INVITE, UPDATE, PRACK and a burst of INFO at once; more are answered 500 with Retry-After (RFC 3261 §14.2's remedy). */
#define CALL_PASSES_MAX 8
/* RFC 3261 §13.3.1.1: one a minute, since proxies give up after three (§16.6 Timer C). */
#define LEG_RING_AGAIN_MS 60000U
/* 4 m-lines: audio, video, image, one to spare; further ones are refused with port 0 (RFC 3264 §6). */
#define OFFER_MEDIA_MAX 4
/* 64 KiB message at most; headers and body of an INVITE kept while hunting beyond this are refused with 513. */
#define CALL_SETUP_MAX 32768

/** Offer/answer state of one dialog (RFC 3264, RFC 6337) and what its o= line says. */
struct oa {
    uint64_t o_id;      /**< of our o= lines in this dialog; random, never relayed */
    uint32_t o_version; /**< counted up when the body differs from the one sent before */
    uint64_t sent_hash; /**< of that body */
    uint8_t state;      /**< enum oa_state */
};

enum oa_state {
    OA_NONE,      /**< no offer yet */
    OA_OFFER_IN,  /**< the peer's offer waits for our answer */
    OA_OFFER_OUT, /**< our offer waits for the peer's answer */
    OA_STABLE,
};

/** One dialog of a leg. */
struct ldlg {
    struct ldlg *next;
    struct leg *leg;
    struct ldlg *peer; /**< the dialog of the other leg it is joined to; NULL: none yet */
    struct dialog *d;  /**< owned */
    struct oa oa;
    struct kept
        *said; /**< SDP that it was sent and that holds: answer, or offer that was answered */
    struct kept *asked; /**< the offer it was sent that has no answer yet */
    char *sdp;          /**< what its party said last before the call was answered; NULL: nothing */
    size_t sdp_len, sdp_cap;
    struct rel100 *rel;  /**< in: its reliable 18x, see rel100.h; NULL: none was sent */
    uint32_t rseq;       /**< out: the highest RSeq taken (RFC 3262 §4); 0: none */
    uint32_t prack_owed; /**< out: RSeq of the 18x whose offer has no answer yet: its PRACK waits */
    struct place *place; /**< its party asks for the leg's place, see replaces.h; NULL: no */
    bool uncarried;      /**< sdp has not been told to the relay, which carries another dialog */
    bool answered_sdp;   /**< out: an answer of this dialog was seen (18x or 2xx) */
    bool firm;           /**< out: what it said came reliably. in: the caller has acknowledged it */
    bool shown;          /**< in: an 18x was sent in it */
    bool told;           /**< in: an 18x with SDP was sent in it: it is this callee's for good */
    bool over;           /**< in: a 199 was sent in it (RFC 6228): nothing more is */
};

/** Does the peer take UPDATE (RFC 3311 §4)? */
enum leg_update {
    LEG_UPDATE_UNKNOWN, /**< it never sent an Allow */
    LEG_UPDATE_YES,
    LEG_UPDATE_NO,
};

/** The session timer of a leg (RFC 4028), see refresh.h. */
struct leg_refresh {
    struct session_timer s;
    struct session_timer next; /**< as a request of the peer asks; becomes s with our 2xx */
    struct timer *timer;       /**< owned; NULL: no session timer was agreed yet */
    uint32_t asked_s;          /**< what our last request asked for */
    uint8_t raised;            /**< 422s followed in a row */
    bool due;                  /**< we have asked for a refresh: the timer is the session's end */
};

/** What a leg keeps of its trunk to its end, by value: reloads cannot touch it. */
struct leg_trunk {
    /** The trunk as configured when the leg began, held by gen; the defaults if it is gone since. Never NULL. */
    const struct conf_trunk *conf;
    struct gen *gen;                 /**< NULL: conf is the default one */
    struct trunk_state *state;       /**< lives as long as the process */
    struct customer_state *customer; /**< likewise; NULL: none */
    struct media_state *media;       /**< likewise */
    struct group_state
        *group[CONF_TRUNK_GROUPS_MAX]; /**< likewise; those with a limit, then NULL */
    char account[CONF_NAME_MAX + 1];   /**< of the customer, for records; longer ones are cut */
    uint32_t duration_ms, inactivity_ms;
    uint32_t pool; /**< media_pool_id of its media; 0: none */
    struct addr
        advertise[2];    /**< what SDP shows for the pool's IPv4, IPv6; unset: the address itself */
    uint8_t family_mask; /**< 1: pool has IPv4, 2: IPv6 */
    uint8_t latch;       /**< enum media_latch */
    uint8_t dscp_media;
    bool media_none;
};

struct leg {
    struct call *call;
    struct leg *next; /**< out legs of a call, newest first */
    struct ldlg *dialogs;
    struct ldlg *main;            /**< the confirmed one, or the one in use before that */
    struct txn_server *invite_st; /**< in: while its INVITE has no final answer */
    struct txn_client *invite_ct; /**< out: until its transaction ends or the leg is freed */
    struct txn_client *bye_ct;
    struct transfer *transfer; /**< it takes part in one, see transfer.h; NULL: none */
    struct own *owns;          /**< requests of our own in its dialogs, see own.h */
    struct timer timer;        /**< of the state */
    struct flow flow;
    struct session_uuid endpoint; /**< of the endpoint behind it (RFC 7989); null: not known yet */
    struct leg_trunk trunk;
    struct leg_refresh refresh;
    struct cac_hold hold;  /**< gauges of this leg's trunk and customer */
    struct cause cause;    /**< why it ended */
    struct rating *rating; /**< out: deck and price, for records; owned; NULL: none */
    uint64_t started_ms, progress_ms, answered_ms, ended_ms; /**< monotonic; 0: did not happen */
    uint64_t started_wall_ms;
    uint32_t invite_cseq; /**< of the INVITE that made it */
    uint32_t refer_cseq,
        refer_cseq_asked; /**< of the REFER that last crossed to it: here, where it was asked */
    uint8_t state;        /**< enum leg_state */
    uint8_t attempt;      /**< out: 1 is the first */
    uint8_t n_owns;
    bool is_in;
    bool is_unheard;  /**< its addresses in an offer are not yet its party's own: a transfer */
    bool offered;     /**< its INVITE bore an offer */
    bool ack_owed;    /**< out: 2xx seen, ACK not sent: the answer must come from the other side */
    bool rel100;      /**< both the peer and we, by its trunk, do 100rel (RFC 3262) */
    bool rel100_must; /**< in: the INVITE requires 100rel */
    uint8_t
        precondition;   /**< in: 1 the peer supports preconditions (RFC 3312), 2 it requires them */
    bool hears_199;     /**< in: the peer supports 199 (RFC 6228) */
    uint16_t rung;      /**< in: status of the last 18x sent */
    uint8_t update;     /**< enum leg_update */
    uint8_t privacy;    /**< PRIVACY_ bits that its party asked for when it called or answered */
    bool reported;      /**< its attempt record is written */
    bool branched;      /**< in: it has had more than one dialog */
    bool forked;        /**< out: answered in more than one dialog: another 2xx may come */
    bool bye_wanted;    /**< in: BYE as soon as the ACK has come (RFC 3261 §15) */
    bool progress_seen; /**< out: any provisional came */
    bool timed_out;     /**< out: no answer in time, as `advance timeout` means it */
    uint64_t
        key; /**< out: destination for quality: prefix of the deck's row, or of the number; 0: none */
    char sent[NUMBER_MAX]; /**< out: called number as sent */
};

/** A request inside a dialog that crosses to the other leg, until its final answer (INVITE: its ACK). */
struct pass {
    struct pass *next;
    struct call *call;
    struct ldlg *from, *to;
    struct txn_server *st; /**< NULL once answered or gone */
    struct txn_client *ct; /**< NULL once over */
    struct timer timer;    /**< INVITE: how long a final answer is waited for */
    uint32_t from_cseq, to_cseq;
    uint8_t method; /**< enum sip_method of who asks */
    uint8_t
        to_method; /**< as the other side is asked: an UPDATE may go on as re-INVITE, an offer in a PRACK as UPDATE */
    bool has_offer; /**< the request bore an offer */
    bool
        ack_owed; /**< INVITE: 2xx of the other side seen, ACK comes with the answer from this side */
    bool wait_ack;     /**< INVITE: 2xx relayed, ACK of the asking side outstanding */
    bool expired;      /**< no final answer in time: it was cancelled from here */
    struct park *park; /**< the request waits for its m-lines; NULL: it has gone */
    bool dropped;      /**< its leg has ended: only an INVITE's final answer is still waited for */
    bool
        replaces; /**< from its end on the dialog it came in is of no use, unless it was answered */
};

enum call_state {
    CALL_SETUP,
    CALL_UP,
    CALL_ENDING, /**< released: waits for the relay's counters and the legs' last transactions */
    CALL_DONE,   /**< will be freed at the end of the turn */
};

enum call_media_state {
    CALL_MEDIA_NONE,
    CALL_MEDIA_OPENING,
    CALL_MEDIA_OPEN,
    CALL_MEDIA_CHANGING, /**< endpoints asked for that a message waits for */
    CALL_MEDIA_CLOSED,
};

/** The relay's session of a call. Endpoint of m-line i: 2 i of the in leg, 2 i + 1 of the out leg. */
struct call_media {
    struct media_ref ref;
    uint32_t request;   /**< outstanding, for media_forget */
    uint32_t change;    /**< an agreed change that the relay has been told of, for media_forget */
    uint8_t state;      /**< enum call_media_state */
    uint8_t heard;      /**< bit per endpoint: its party has said where it is */
    uint8_t n;          /**< m-lines that have endpoints */
    uint8_t off;        /**< bit per m-line: refused in the first offer, has none */
    uint8_t opaque;     /**< bit per m-line: not RTP */
    uint8_t new_opaque; /**< as new_remote */
    uint8_t bypass;     /**< enum bypass of the attempt, see bypass.h */
    struct addr local[2 * OFFER_MEDIA_MAX];  /**< ours; unset: no endpoint */
    struct addr remote[2 * OFFER_MEDIA_MAX]; /**< the party's, as agreed last */
    struct addr rtcp[2 * OFFER_MEDIA_MAX];
    /* of an offer that has no answer yet: a refused one changes nothing (RFC 3264 §8) */
    struct addr new_remote[2 * OFFER_MEDIA_MAX], new_rtcp[2 * OFFER_MEDIA_MAX];
    uint8_t dir[2 * OFFER_MEDIA_MAX], new_dir[2 * OFFER_MEDIA_MAX]; /**< enum sdp_dir */
    struct eps *crypto;  /**< owned: keys of SRTP, see crypto.h; NULL: none */
    struct eps *ice;     /**< owned: ICE of parties, see lite.h; NULL: none */
    struct terms *terms; /**< owned: what parties said of codecs, see terms.h; NULL: nothing yet */
    void (*grown)(struct call *c);          /**< waits for m-lines, see offer_grow */
    void (*alone)(struct call *c, bool ok); /**< waits for its session, see offer_open_alone */
    uint8_t music;                          /**< bit per endpoint: its party hears music on hold */
    uint8_t rtp_digits;  /**< 1: the caller's, 2: the callee's digits came in RTP */
    uint8_t info_digits; /**< likewise: in INFO alone */
    bool armed;          /**< answered: from now on a party that sends nothing ends the call */
    uint8_t
        silent; /**< bit per endpoint: its party sends nothing by agreement, inactivity is off */
};

/** The targets of one trunk, in the order in which an attempt tries them (RFC 3263 §4.3). */
struct failover {
    uint8_t n, next;
    const struct route_candidate *candidate; /**< whose they are */
    struct cac_hold limits; /**< gauges at which the trunk was counted; held by its leg, not here */
    struct route_hop hop[ROUTE_HOPS_MAX]; /**< n of them */
};

/** The attempt under way, see attempt.h. */
struct attempt {
    struct trunk_state *trunk; /**< NULL: none, or it has been counted */
    uint64_t key;              /**< as struct route_candidate */
    uint64_t started_ms;       /**< monotonic; its first INVITE */
    uint64_t trial;            /**< of a half-open breaker; 0: it is none */
};

/* 5: contacts of a 3xx that are followed, over all redirections of a call; carriers send one or two, a loop sends them for ever. */
#define REDIRECTS_MAX 5

/** Where a 3xx leads: a candidate before those of the route. */
struct redirect {
    struct route_candidate candidate;
    struct addr only; /**< the one host meant; unset: any target of the trunk; port 0: any */
};

/** What hunting needs of the INVITE after its message is gone; freed with the answer. One block, strings behind it. */
struct setup {
    size_t cap;
    uint16_t n, next, max_attempts;
    uint16_t tried; /**< candidates that an INVITE was sent to */
    struct route_candidate *candidate;
    struct gen *gen; /**< of the decision: what the candidates' decks are called */
    uint8_t n_redirects, next_redirect;
    struct hdr *hdr;  /**< lines that may cross; each trunk's policy decides at its attempt */
    struct span from; /**< value of From */
    struct span number_params; /**< of the called number, those that may cross: ";npdi;rn=…" */
    struct span body;
    struct msg_wrap wrap; /**< what stood around it */
    bool wrapped;         /**< anything did */
    uint8_t screened;     /**< SHOWN_ bits: what its trunk may not show */
    unsigned n_hdrs;
    int max_forwards;
    uint64_t deadline_ms; /**< monotonic: no attempt begins later; 0: none */
    struct attempt attempt;
    struct failover failover;                /**< inside the trunk at hand */
    struct redirect redirect[REDIRECTS_MAX]; /**< n_redirects of them */
    _Alignas(8) char space[];                /**< begins with the candidates */
};

struct call {
    struct htab_node node; /**< by id */
    struct calls *calls;
    uint64_t id; /**< also the media session's */
    struct call *reap_next;
    struct call *changed_next; /**< see is_changed */
    uint32_t slot;             /**< its record in the journal; 0: none */
    struct leg *in;
    struct leg *out;      /**< the attempt that counts now */
    struct leg *outs;     /**< all of them */
    struct leg *last_out; /**< the last one tried, for the record */
    struct pass *passes;
    struct setup *setup;
    struct dip *dip;       /**< owned, to the answer, see dip.h; NULL: its number was not dipped */
    struct timer timer;    /**< setup limit, then duration limit */
    struct timer *interim; /**< owned; NULL: no interim records */
    struct digit_held
        *digit; /**< owned: came in INFO, may come in RTP, see digits.c; NULL: none has */
    struct call_media media;
    struct cac_hold hold; /**< the node's gauge */
    struct cause cause;   /**< of the end */
    struct cause best;    /**< of the failed attempts, the one to tell */
    uint64_t generation;
    uint64_t started_ms, progress_ms, answered_ms, ended_ms;
    uint64_t started_wall_ms, answered_wall_ms;
    uint32_t cdr_seq;
    uint8_t state; /**< enum call_state */
    uint8_t klass; /**< enum sip_class */
    uint8_t attempts;
    uint8_t n_passes;
    bool committed; /**< an 18x with SDP was relayed: no more hunting */
    bool reap_queued;
    bool end_reported;
    bool is_changed; /**< on the journal's list */
    uint8_t born;    /**< worker where it began, maybe of a former process */
    uint16_t
        sip_reason; /**< SIP cause in the Reason of the BYE that ended it, for the other side; 0: none */
    uint32_t retry_after_s; /**< of a 503 by a limit; 0: the standard */
    uint32_t interim_ms;
    char uuid[CALL_UUID_LEN + 1];
    char priority[32]; /**< Resource-Priority, for the record; longer ones are cut */
    char caller[NUMBER_MAX], called[NUMBER_MAX], normalised[NUMBER_MAX];
    uint32_t dip_ms; /**< how long its dip took */
    struct announce
        *announce; /**< owned; NULL: the caller hears nothing of ours before the answer */
    const char
        *announced; /**< the sound that it heard last, of the in leg's configuration; NULL: none */
    uint8_t dip_result;       /**< enum dip_result */
    char lrn[KEY_DIGITS + 1]; /**< the routing number that it was routed on; "": the called one */
    char caller_normalised[NUMBER_MAX]; /**< as routing took it; empty: none, or no number */
    char route[RATING_PLACE];           /**< place of the line that decided, for records */
    bool caller_replaced;               /**< it is the trunk's default-caller */
    struct rating
        *rating; /**< route and what the ingress side pays, for records; owned; NULL: none */
};

/** A call that is only explained (explain.c): the INVITE is the trunk's, and somebody else decides, by the query that the code here made. */
struct calls_dry {
    uint32_t trunk; /**< whose the INVITE is; CONF_NONE: as its source says */
    void (*decide)(void *arg, struct route_query *q, struct route_decision *d);
    void *arg;
};

/** How far this worker has come with following the trunks of a new view, or their new targets; see follow.c. */
struct follow {
    bool on;
    bool all;            /**< a new view; else trunks whose targets have changed */
    uint32_t at;         /**< next slot */
    uint64_t generation; /**< of targets, when it began */
};

/** All of one worker. */
struct calls {
    struct clock *clock;
    struct timers *timers;
    struct ident_key *ident;
    struct stats *stats;
    struct blocks *blocks;
    struct transport *transport;
    struct txns *txns;
    struct dialogs *dialogs;
    struct media *media;
    struct cdr_port *cdr;
    struct trunk_registry *trunks;
    const struct call_view *view;
    struct gen *gens;    /**< configurations that legs hold, newest first */
    struct arena *arena; /**< of the message at hand */
    char *scratch;       /**< CALL_SCRATCH: the body being written */
    struct htab by_id;
    struct pool call_pool, leg_pool, ldlg_pool, pass_pool, own_pool;
    struct pool timer_pool; /* of timers that most calls do without */
    struct pool dip_pool;
    struct dip_ops *dip_ops;       /**< who answers dips; NULL: nobody */
    struct dip_tally *dip_tallies; /**< by section */
    unsigned dips_waiting;         /**< calls */
    uint32_t dip_serial;           /**< of the last question */
    struct call *reap;
    struct journal *journal; /**< NULL: calls do not outlive the process */
    size_t up;
    uint8_t worker, workers; /**< which one this is, of how many */
    bool draining;
    struct prober *prober;       /**< OPTIONS health probes, see options.c; NULL: none */
    struct auths *auths;         /**< challenges that trunks gave us, see auth.c */
    struct registers *registers; /**< ours at carriers, see register.c */
    struct follow follow;
    struct logins *logins;       /**< nonces that trunks have used, see login.c */
    const struct calls_dry *dry; /**< NULL: calls are real */
};

/** The flow to a hop that routing chose. */
static inline struct flow flow_to(const struct route_hop *hop)
{
    return (struct flow){.listener = hop->listener,
                         .local = hop->local,
                         .remote = hop->remote,
                         .proto = hop->proto,
                         .owner = hop->slot + 1,
                         .conn = hop->conn};
}

/* ---- call.c ---- */

struct call *call_new(struct calls *cs);
/** A bare call of this id in the table. */
struct call *call_alloc(struct calls *cs, uint64_t id);
/** A timer of its own, for what few calls need. @return NULL out of memory */
struct timer *call_timer_new(struct calls *cs, timer_fn fn, void *arg);
/** Stop and free it; NULL is ignored. */
void call_timer_free(struct calls *cs, struct timer *t);
/** Start the limit of the setup: the trunk's, or the Expires of its INVITE if that is shorter (RFC 3261 §13.3.1). */
void call_setup_timer(struct call *c, const struct msg *m);
/** Start the limit of the duration (0: none) and the interim records. */
void call_up_timers(struct call *c, uint64_t duration_left_ms);
/** The shorter of both trunks' limits [ms]; 0: none. */
uint64_t call_duration_limit(const struct call *c);
/** A call that never began: no record. */
void call_abort(struct call *c);
/** For stack_free and calls_reap only. */
void call_free(struct call *c);
struct leg *leg_new(struct call *c, bool is_in);
struct ldlg *ldlg_new(struct leg *leg, struct dialog *d);
void ldlg_free(struct calls *cs, struct ldlg *ld);
/** Join two dialogs; each leaves the one it had. b NULL: a is joined to none. */
void ldlg_join(struct ldlg *a, struct ldlg *b);
/** One dialog of a leg that goes on: what crosses in it is answered, then it is freed. */
void leg_drop_dialog(struct leg *leg, struct ldlg *ld);
/** What a message of the peer says of itself: whether it takes UPDATE (Allow). */
void leg_learn(struct leg *leg, const struct msg *m);
/** Drop all dialogs of a leg but keep. */
void leg_drop_dialogs(struct leg *leg, const struct ldlg *keep);
/** The leg that bridge events of this one go to; NULL: none. */
struct leg *leg_other(const struct leg *leg);
/** Take what a leg needs of its trunk. @return 0 or -ENOMEM */
int leg_take_trunk(struct leg *leg, const struct call_view *view, uint32_t trunk);
/** The leg's flow with what its trunk adds: whose it is, and from what size on requests go by TCP. After leg_take_trunk. */
void leg_set_flow(struct leg *leg, const struct flow *f);
/** The call is answered and both sides joined. */
void call_answered(struct call *c);
/** The call ends for this cause: the first one wins. Closes media, reports, stops timers; legs are ended by the caller. */
void call_release(struct call *c, const struct cause *cause);
/** A leg has died: give back what it held, queue the call if it was the last. */
void call_leg_dead(struct leg *leg);
/** Queue for calls_reap if nothing of it is alive any more. */
void call_check(struct call *c);
/** Seconds for Retry-After of a 503 of this call. */
uint32_t call_retry_after(const struct call *c);
/** End both legs from here. */
void call_kill(struct call *c, const struct cause *cause);

/* ---- journal.c ---- */

/** Something that its record holds may be another than before. */
void call_changed(struct call *c);

/* ---- leg_in.c, leg_out.c ---- */

extern const struct tu_ops calls_tu_ops;
/** Of the server transaction of an INVITE that made a call; user is the leg. */
extern const struct txn_server_cb calls_invite_cb;
void calls_on_no_ack(void *tu, struct dialog *d);

/** Send the INVITE of an attempt again in a new transaction (422, 401): same dialog, next CSeq. @return false: not possible any more */
bool leg_out_again(struct leg *leg);
/** Send the carrier's 18x in this dialog now (rel100.c, when its turn has come). */
void leg_in_progress(struct ldlg *ld, const struct msg *m);
/** 18x of our own with SDP in this dialog of the caller. @return 0; below 0: it was not sent */
int leg_in_early(struct ldlg *ld, unsigned status, struct span body);
/** 199 in a dialog of the caller whose carrier has failed there (RFC 6228); status: of that failure. */
void leg_in_199(struct ldlg *ld, unsigned status);
/** Start the next attempt's INVITE; media is ready. */
void leg_out_media_ready(struct leg *leg);
/**
 * BYE in a dialog of a leg, with the call's cause as Reason. In the main dialog its end is LEV_BYE_DONE (at once if it
 * could not be sent); in another one of a fork nobody waits for it.
 */
void leg_send_bye(struct leg *leg, struct ldlg *ld);

/* ---- record.c ---- */

void record_start(struct call *c);
void record_answer(struct call *c);
void record_interim(struct call *c);
void record_attempt(struct call *c, struct leg *out);
/** The carrier answered although it was cancelled: a further record of the attempt, with 200, since it may bill that (RFC 5407 §3.1.2). */
void record_late_answer(struct call *c, struct leg *out);
struct call_brief;
/** A call of a former process that cannot go on: ended then, as far as can be known. */
void record_estimated(struct calls *cs, const struct call_brief *b, uint64_t end_wall_ms);
/** eps: the relay's last counters, NULL if unknown. */
void record_end(struct call *c, const struct media_ep_state *eps, unsigned n_eps);

#endif
