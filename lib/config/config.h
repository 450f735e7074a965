/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.h: the typed, immutable form of a configuration, and how to load one.
 * Filled by lib/config only; read by every layer above, by any thread, without locks.
 * Knows nothing of sockets, calls or threads: loading is a pure function of files and conf_env.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdatomic.h>
#include <stdio.h>

#include "config/base.h"
#include "config/routing.h"
#include "core/arena.h"
#include "core/ephemeral.h"
#include "core/proto.h"
#include "core/tone.h"

/* ---- global -------------------------------------------------------------------------------------------------- */

struct conf_global {
    struct conf_loc loc;
    const char *node;         /**< name of this node in records and tokens; default "tandem" */
    struct conf_limit limit;  /**< of the node; calls default 10,000, cps default 0 = no limit */
    uint32_t workers;         /**< threads; 0 = one per core */
    const char *run_dir;      /**< control socket; default /run/tandem */
    const char *state_dir;    /**< sealing key, journal; default /var/lib/tandem */
    const char *media_socket; /**< of tandem-media; default /run/tandem-media/media.sock */
    CONF_LIST(const char *) emergency; /**< Request-URI users of class emergency; default 911 112 */
    CONF_LIST(struct conf_addr)
    dns; /**< `dns IP[:PORT]...`: name servers; none = those of resolv.conf */
    const char *
        country; /**< `country +1`: home country: what a trace says of a national number that no line serves; NULL = none */
    char currency[CONF_CURRENCY]; /**< base: costs of all decks are compared in it; default USD */
    CONF_LIST(struct conf_exchange) exchange;
    const char *
        states; /**< `states PATH`: CSV prefix,state: who is where, for inter and intra; NULL = none */
    struct conf_loc states_loc;
    bool watch; /**< `watch on`: a changed file of the configuration is a reload; default off */
};

/* ---- realm, listen, media ------------------------------------------------------------------------------------ */

struct conf_realm {
    const char *name;
    struct conf_loc loc;
    CONF_LIST(struct conf_addr) address;   /**< own addresses, v4 and v6; port 0; at least one */
    const char *device;                    /**< SO_BINDTODEVICE; NULL = none */
    CONF_LIST(struct conf_addr) advertise; /**< at most one a family: shown to peers instead */
};

enum conf_unknown { CONF_UNKNOWN_DROP, CONF_UNKNOWN_403 };

/** `tls IP:PORT cert FILE [key FILE] [ca FILE] [verify none|request|require]` */
struct conf_tls {
    struct addr addr;
    const char *cert; /**< PEM: certificate and its chain, as a path */
    const char *key;  /**< PEM; default: the same file */
    const char *ca;   /**< PEM: who may sign a peer's certificate; NULL = the system's store */
    /** Of a client's certificate. A trunk with `tls-name` is only taken with one that fits, whatever stands here. */
    enum conf_verify { CONF_VERIFY_NONE, CONF_VERIFY_REQUEST, CONF_VERIFY_REQUIRE } verify;
    struct conf_loc loc;
};

/**
 * Sockets of all `listen` sections are numbered in the order written, in each section its udp first, then tcp, then
 * tls: that number is flow.listener. conf_listener() finds one.
 */
struct conf_listen {
    const char *name;
    struct conf_loc loc;
    struct conf_ref realm;
    CONF_LIST(struct conf_addr) udp; /**< sockets; the address belongs to the realm; port never 0 */
    CONF_LIST(struct conf_addr) tcp; /**< likewise */
    CONF_LIST(struct conf_tls) tls;  /**< likewise */
    uint32_t
        idle_ms; /**< a stream without a message or keep-alive is closed; default 10 min; 0 = never */
    uint32_t connections; /**< streams accepted at once, of all sources; default 4,096 */
    uint32_t
        per_source; /**< of one address that is nobody's trunk; default 4. A known one: 1,024 */
    enum conf_unknown unknown; /**< what a source that is nobody's trunk gets; default drop */
    uint8_t dscp; /**< 0..63, of what its sockets send (they serve many trunks); default 26: af31 */
};

/** How the media of a section may go; the relay takes what the machine has and says which. */
enum conf_media_path {
    CONF_PATH_AUTO,    /**< the best there is: XDP of the driver, generic XDP, TC, sockets */
    CONF_PATH_NATIVE,  /**< XDP of the driver, or sockets */
    CONF_PATH_GENERIC, /**< XDP behind the driver (SKB mode), or sockets */
    CONF_PATH_TC,      /**< clsact, or sockets */
    CONF_PATH_SOCKETS, /**< a socket for each port, no BPF */
};

struct conf_media {
    const char *name;
    struct conf_loc loc;
    struct conf_ref realm;
    CONF_LIST(struct conf_addr) address; /**< belong to the realm; default: all of the realm's */
    uint16_t port_lo, port_hi;           /**< lo even, hi the last usable port (odd) */
    uint16_t priority_lo, priority_hi;   /**< 0,0 = none; for calls above ordinary class */
    struct conf_loc ports_loc;
    enum conf_media_path path; /**< default auto */
    uint32_t
        calls; /**< concurrent calls with media; from the ports (and, by sockets, descriptors) if not given */
    bool calls_given; /**< `limit` was written */
    struct conf_loc calls_loc;
};

/* ---- sound --------------------------------------------------------------------------------------------------- */

#define CONF_SOUNDS_MAX 1024U /**< ten languages of a hundred */
#define CONF_SOUND_SAMPLES \
    (8U << 20) /**< 17 min: longer than any message that a caller hears out */
#define CONF_SOUNDS_BYTES (256U << 20) /**< all of them together: four hours */

/** `tone COUNTRY KIND [level NdBm0]` or `tone custom FREQ[+FREQ] DURATION...`: one turn of it. */
struct conf_tone {
    struct tone tone;
    int level; /**< dBm0 */
};

/** What a party may hear from the switch. Read and rendered at load. */
struct conf_sound {
    const char *name;
    struct conf_loc loc;
    const char *file; /**< path; NULL: tones */
    struct conf_loc file_loc;
    CONF_LIST(struct conf_tone) tone; /**< one after the other */
    int fd; /**< sealed, 16 bit samples of 8 kHz (core/sound.h); the snapshot's; -1: none */
    uint32_t samples;
};

/** `ringback NAME [when none|always]` */
struct conf_ringback {
    struct conf_ref sound; /**< CONF_NONE = none */
    bool always;           /**< also while the other side plays something before the answer */
};

enum conf_dtmf {
    CONF_DTMF_PASS,    /**< default: what comes crosses as it is */
    CONF_DTMF_RFC4733, /**< digits come and go in RTP */
    CONF_DTMF_INFO,    /**< digits come and go as SIP INFO */
    CONF_DTMF_BOTH,    /**< they come as either, and go out in RTP */
};

/* ---- trunk --------------------------------------------------------------------------------------------------- */

/** How a `peer` is found (RFC 3263). */
enum conf_lookup {
    CONF_LOOKUP_NONE,     /**< an address: `peer 192.0.2.77:5060 udp` */
    CONF_LOOKUP_HOST,     /**< NAME:PORT: A and AAAA */
    CONF_LOOKUP_SRV,      /**< NAME without port: SRV _sip._udp.NAME, if there is none A and AAAA */
    CONF_LOOKUP_SRV_NAME, /**< `peer _sip._tcp.NAME srv tls`: this SRV name and no other */
    CONF_LOOKUP_NAPTR, /**< `peer NAME auto`: NAPTR chooses the transport, then SRV, then A and AAAA */
    CONF_LOOKUP_REGISTERED, /**< `peer registered`: the contact that the trunk's PBX has registered */
};

struct conf_peer {
    struct addr
        addr; /**< CONF_LOOKUP_NONE: port never 0, default 5060 (tls 5061); else unset, but port of HOST */
    const char *host; /**< name to look up; NULL for NONE and REGISTERED */
    enum conf_lookup lookup;
    uint8_t transport; /**< enum proto; of NAPTR and REGISTERED: PROTO_UDP, not meant */
    uint16_t priority; /**< lower first; default 1 */
    uint16_t weight;   /**< share among equal priority, 1..65535; default 100 */
    struct conf_loc loc;
};

/**
 * A source of calls. The list holds the trunk's `accept` lines, then each peer's address and port unless one of
 * those lines has it already.
 *
 * Which trunk a source is (listener and transport being those of the trunk): of all trunks' nets that hold the
 * address, the longest prefix wins, at equal length one with the port before one without. Trunks left over are
 * told apart by `match`: in order of id, the first that has a fitting line, or no match line at all, is it.
 */
struct conf_accept {
    struct addr_prefix net; /**< port 0 = any */
    bool from_peer;         /**< implied by a `peer` line */
    struct conf_loc loc;
};

enum conf_match_kind {
    CONF_MATCH_TECH_PREFIX, /**< Request-URI user begins with value; nothing is stripped here */
    CONF_MATCH_RURI_DOMAIN,
    CONF_MATCH_TO_DOMAIN,
    CONF_MATCH_FROM_DOMAIN,
    CONF_MATCH_TGRP,   /**< tgrp parameter of the Request-URI user or Contact, RFC 4904 */
    CONF_MATCH_HEADER, /**< header `header` has exactly value `value` */
};

struct conf_match {
    enum conf_match_kind kind;
    const char *header; /**< field name; NULL unless CONF_MATCH_HEADER */
    const char *value;
    struct conf_loc loc;
};

/** Codes of an `advance` or `stop` line. Use conf_advances() rather than reading it. */
struct conf_codes {
    uint64_t sip[7];  /**< bit (status - 300): named exactly */
    uint64_t q850[2]; /**< bit (cause 0..127) */
    uint8_t klass;    /**< bit 3..6: 3xx..6xx */
    bool timeout;     /**< no answer in time: trying or progress timeout, Timer B */
    struct conf_loc loc;
};

/** `announce CODE|CLASS... [q850 N...] NAME`: heard before the call is refused. */
struct conf_announce {
    struct conf_codes codes;
    struct conf_ref sound;
};

/** Codecs that policies name; conf_codec_word has their words. */
enum conf_codec {
    CONF_CODEC_PCMU,
    CONF_CODEC_PCMA,
    CONF_CODEC_G722,
    CONF_CODEC_G723,
    CONF_CODEC_G726,
    CONF_CODEC_G728,
    CONF_CODEC_G729,
    CONF_CODEC_GSM,
    CONF_CODEC_GSM_EFR,
    CONF_CODEC_ILBC,
    CONF_CODEC_AMR,
    CONF_CODEC_AMR_WB,
    CONF_CODEC_EVS,
    CONF_CODEC_OPUS,
    CONF_CODEC_SPEEX,
    CONF_CODEC_L16,
    CONF_CODEC_CLEARMODE,
    CONF_CODEC_EVENT,
    CONF_CODEC_CN,
    CONF_CODECS
};

extern const char *const conf_codec_word[];

/** `codecs allow|deny|order NAME...` */
struct conf_codecs {
    uint32_t bits;              /**< 1 << enum conf_codec */
    uint8_t n;                  /**< 0: not written */
    uint8_t order[CONF_CODECS]; /**< enum conf_codec, as written */
    struct conf_loc loc;
};

enum conf_srtp_mode { CONF_SRTP_OFF, CONF_SRTP_OPTIONAL, CONF_SRTP_REQUIRED };

#define CONF_SRTP_SUITES 4U

/** `srtp off`, `srtp optional|required [SUITE...]` */
struct conf_srtp {
    uint8_t mode;                    /**< enum conf_srtp_mode */
    uint8_t n;                       /**< suites, never 0 unless off */
    uint8_t suite[CONF_SRTP_SUITES]; /**< places in conf_srtp_word, from 1; preferred first */
    struct conf_loc loc;
};

/** Suites as SDP has them; the first is none. */
extern const char *const conf_srtp_word[];

enum conf_ice { CONF_ICE_STRIP, CONF_ICE_LITE };

enum conf_mux { CONF_MUX_ACCEPT, CONF_MUX_OFF, CONF_MUX_OFFER };

enum conf_latch { CONF_LATCH_LEARN_ONCE, CONF_LATCH_SDP_ONLY, CONF_LATCH_FOLLOW };

struct conf_options {
    uint32_t every_ms;   /**< 0 = off: the trunk counts as up; default 30 s */
    uint32_t down_after; /**< failures in a row; default 3 */
    uint32_t up_after;   /**< successes in a row; default 2 */
};

/** `100rel` (RFC 3262), as we speak it with this trunk. */
enum conf_rel100 {
    CONF_100REL_SUPPORTED, /**< default: offered, used when the other end wants it */
    CONF_100REL_OFF,       /**< never offered; a caller that requires it gets 420 */
    CONF_100REL_REQUIRED, /**< INVITEs to it require it; 18x to it are sent reliably when it supports that */
};

/** `session-timer off | 1800s [min 90s] [refresher any|us|them]` (RFC 4028). Default: 1800s min 90s refresher any. */
struct conf_session_timer {
    uint32_t
        expires_ms; /**< 0 = off: offered to nobody, and a Session-Expires of the peer is not honoured */
    uint32_t min_ms; /**< smaller ones are answered 422; 90 s or more (RFC 4028 §5) */
    enum conf_refresher { CONF_REFRESHER_ANY, CONF_REFRESHER_US, CONF_REFRESHER_THEM } refresher;
};

/** `offer keep|early|delayed`: whether INVITEs to this trunk bear SDP. */
enum conf_offer {
    CONF_OFFER_KEEP,  /**< default: as the caller did */
    CONF_OFFER_EARLY, /**< always: without the caller's, one of ours with the trunk's `codec` list */
    CONF_OFFER_DELAYED, /**< never: the carrier offers in its answer */
};

/** `redirect reject|follow|pass`: what a 3xx of this trunk does. */
enum conf_redirect {
    CONF_REDIRECT_REJECT, /**< default: a failure of the attempt, told as 480 */
    CONF_REDIRECT_FOLLOW, /**< to contacts at peers of any trunk; others are left out */
    CONF_REDIRECT_PASS,   /**< told to the caller, with contacts that name us */
};

/** `refer reject|pass|consume` */
enum conf_refer {
    CONF_REFER_REJECT, /**< default: 403 */
    CONF_REFER_PASS,   /**< carried across, Refer-To and Referred-By rewritten */
    CONF_REFER_CONSUME, /**< we call the target on a new out leg, with NOTIFY to who asked; Replaces served */
};

/** `pass METHOD...`: requests inside a dialog that are carried to the other leg. INVITE, UPDATE, PRACK, BYE always are. */
enum {
    CONF_PASS_INFO = 1,    /**< default: this one only */
    CONF_PASS_MESSAGE = 2, /**< */
    CONF_PASS_NOTIFY = 4,  /**< SUBSCRIBE goes with it */
    CONF_PASS_OPTIONS = 8, /**< else answered here */
};

enum conf_pai { CONF_PAI_KEEP, CONF_PAI_DROP, CONF_PAI_FROM };
enum conf_diversion {
    CONF_DIVERSION_KEEP, /**< default: Diversion and History-Info cross as they are */
    CONF_DIVERSION_DROP, /**< neither crosses */
    CONF_DIVERSION_DIV, /**< to this trunk as Diversion (RFC 5806), History-Info mapped (RFC 7544) */
    CONF_DIVERSION_HISTORY, /**< to this trunk as History-Info (RFC 7044), Diversion mapped (RFC 7544) */
};

/** `identity [pai keep|drop|from] [privacy honour|ignore] [diversion keep|drop|diversion|history-info]` */
struct conf_identity {
    enum conf_pai pai;   /**< FROM: one is made of From where there is none (and PPI becomes PAI) */
    bool ignore_privacy; /**< Privacy has no effect here; default: honoured (RFC 3323, 3325) */
    enum conf_diversion diversion; /**< */
};

/** `uri sip|phone|tel`: form of numbers in Request-URI, To, From, PAI and so on towards this trunk. */
enum conf_uri { CONF_URI_SIP, CONF_URI_PHONE /**< ;user=phone */, CONF_URI_TEL };

enum conf_header_do {
    CONF_HEADER_SET,
    CONF_HEADER_ADD,
    CONF_HEADER_DROP,
    CONF_HEADER_RENAME,
    CONF_HEADER_PASS
};

/**
 * `header in|out set|add NAME "VALUE"`, `drop NAME`, `rename NAME NEW`, `pass NAME`; NAME may end in `*` for drop and
 * pass. In order of writing. `in`: on INVITEs (and other requests that begin or cross) from this trunk, before all else
 * reads them; `out`: on those to this trunk, after all else was written. VALUE may hold {called} {caller} {billing}
 * {node} {trunk} {call} {ruri}. Headers that SIP itself lives on (Via, From, To, CSeq, Call-ID, Contact, Route,
 * Record-Route, Max-Forwards, Content-*; those of 100rel, session timers and digest) are refused by the check: see
 * conf_header_is_reserved(), which a pattern with `*` has to ask, too.
 */
struct conf_header {
    enum conf_header_do what;
    bool out;
    const char *name;
    const char *value; /**< SET, ADD: text; RENAME: the new name; else NULL */
    struct conf_loc loc;
};

/** `login USER file:/path|cred:NAME [md5] [realm REALM]`: who sends requests from this trunk must authenticate (RFC 8760). */
struct conf_login {
    const char *user;   /**< NULL = no login wanted */
    const char *realm;  /**< default: the node's name */
    const char *secret; /**< read from the file at load */
    bool md5_only; /**< SHA-256 is not offered: for those who give up at what they do not know */
};

/** `auth USER file:/path|cred:NAME [realm REALM]`: with what we answer 401 and 407 of this trunk. */
struct conf_auth {
    const char *user;   /**< NULL = none */
    const char *realm;  /**< NULL = any */
    const char *secret; /**< read from the file at load */
};

/** `register sip:DOMAIN [aor USER] [every 3600s] [gin]`: we register our contact with this trunk (RFC 3261 §10, 6140). */
struct conf_register {
    const char *domain; /**< NULL = no */
    const char *user;   /**< of the address of record; default: that of `auth` */
    uint32_t expires_ms;
    bool gin; /**< RFC 6140 bulk number contact */
};

/** `registrar [expires 60s-3600s]`: REGISTER of the trunk's PBX is taken; its contact is `peer registered`. */
struct conf_registrar {
    bool on;
    uint32_t min_ms, max_ms; /**< 423 below; cut above */
};

/** A trunk, with what it inherits already in place. */
struct conf_trunk {
    const char *name;
    struct conf_loc loc;
    struct conf_ref from; /**< profile; id into conf.profile */
    const char *about;    /**< NULL = none */
    /** At least one. Requests to a peer leave by the first whose sockets have the peer's address family. */
    CONF_LIST(struct conf_ref) listen;
    bool media_none; /**< `media none`: SDP passes untouched, no relay session */
    /** Default: the only media of the first listen's realm. CONF_NONE if media_none. */
    struct conf_ref media;
    CONF_LIST(struct conf_peer) peer;     /**< sorted by priority, then as written */
    CONF_LIST(struct conf_accept) accept; /**< see struct conf_accept */
    CONF_LIST(struct conf_match) match;   /**< all kinds, as written; empty = matches all */
    struct conf_limit limit_in, limit_out;
    struct conf_options options;
    uint32_t trying_timeout_ms;   /**< no response at all; default 3 s */
    uint32_t progress_timeout_ms; /**< 100 but no 18x; default 20 s */
    uint32_t ring_timeout_ms;     /**< 18x but no answer; default 60 s */
    uint32_t setup_timeout_ms;    /**< call from here: INVITE to answer, all attempts; 180 s */
    uint32_t max_duration_ms;     /**< answered; default 4 h; 0 = off */
    uint32_t media_inactivity_ms; /**< no RTP from this side; default 60 s; 0 = off */
    struct conf_codes advance;    /**< default 408 5xx timeout q850 34 38 41 42 44 47 */
    struct conf_codes stop;       /**< default 480 6xx */
    struct conf_ref numbers;      /**< inbound translation; CONF_NONE = number stays as received */
    CONF_LIST(struct conf_ref) send; /**< outbound, each applied to the result of the one before */
    struct conf_ref routes;          /**< CONF_NONE = calls from it are refused */
    struct conf_ref customer;        /**< CONF_NONE = none */
    struct conf_ref
        numbers_caller; /**< `numbers caller NAME`: the calling number, inbound; CONF_NONE = stays */
    struct conf_ref
        numbers_redirecting; /**< `numbers redirecting NAME`: of Diversion, History-Info; likewise */
    CONF_LIST(struct conf_ref)
    send_caller; /**< `send caller NAME...`: outbound; one that no rule serves goes out as it is */
    CONF_LIST(struct conf_ref) send_redirecting; /**< `send redirecting NAME...`; likewise */
    struct conf_ref
        sell_deck; /**< what its calls pay; id in conf.deck; its own, else its customer's; CONF_NONE = none */
    struct conf_caller caller;
    struct conf_breaker breaker;
    enum conf_latch latch; /**< default learn-once */
    uint8_t dscp_media;    /**< 0..63; default 46 (ef) */
    CONF_LIST(const char *)
    tls_name; /**< `tls-name NAME...`: subject alternative names that its certificate may have; default: the hosts of its peers */
    uint32_t
        tcp_above; /**< `tcp-above 1300bytes|off`: larger requests to a UDP peer go by TCP (RFC 3261 §18.1.1) if a listen has tcp; 0 = off */
    struct conf_ringback ringback;            /**< heard by its callers */
    CONF_LIST(struct conf_announce) announce; /**< told to its callers; the first that fits */
    struct conf_ref
        hold_music; /**< heard by its parties that are held; CONF_NONE = what the holder sends */
    enum conf_dtmf dtmf;
    enum conf_rel100 rel100;
    struct conf_session_timer timer;
    enum conf_offer offer;
    CONF_LIST(const char *)
    codec; /**< `codec pcmu pcma g729 telephone-event`: of offers of ours; default pcma pcmu telephone-event */
    struct conf_codecs
        codecs_allow; /**< `codecs allow NAME...`: others cross neither to nor from it */
    struct conf_codecs codecs_deny; /**< `codecs deny NAME...`: these do not */
    struct conf_codecs
        codecs_order;       /**< `codecs order NAME...`: first in offers to it, in this order */
    uint32_t ptime_ms;      /**< `ptime N`: written in SDP to it; 0 = as the other side says */
    uint32_t maxptime_ms;   /**< `maxptime N`: likewise, unless the other side says less */
    bool video_refuse;      /**< `video pass|refuse`: m=video does not cross */
    struct conf_srtp srtp;  /**< SRTP with keys in SDP (RFC 4568) */
    enum conf_mux rtcp_mux; /**< RTCP on the port of RTP (RFC 5761) */
    enum conf_ice ice; /**< `ice strip|lite`: without ICE, or as its lite side (RFC 8445 §2.5) */
    CONF_LIST(struct conf_target)
    bypass; /**< `bypass TRUNK|GROUP...`: media of calls with these goes around the relay where it can */
    enum conf_redirect redirect;
    enum conf_refer refer;
    uint32_t pass; /**< CONF_PASS_ bits */
    bool
        untrusted; /**< `trust yes|no`: outside the trust domain (RFC 3324): its PAI is not believed, none is shown to it against Privacy */
    struct conf_identity identity;
    uint32_t
        diversions_max; /**< `diversions max N`: a call diverted more often gets 482; default 5; 0 = no limit */
    enum conf_uri uri;
    const char *
        tgrp; /**< `tgrp LABEL [context DOMAIN]` put on Contact and Request-URI (RFC 4904); NULL = none */
    const char *tgrp_context; /**< NULL = none */
    bool
        number_params_drop; /**< `number-params keep|drop`: rn, npdi, cic, rn-context … of the called number */
    bool
        bodies_sdp_only; /**< `bodies all|sdp`: of multipart bodies only the SDP goes to this trunk */
    CONF_LIST(struct conf_header) header;
    struct conf_auth auth;
    struct conf_login login;
    struct conf_register reg;
    struct conf_registrar registrar;
    conf_bits set; /**< keywords written (bit = place in the schema); internal to lib/config */
};

/* ---- cdr ----------------------------------------------------------------------------------------------------- */

enum conf_cdr_format { CONF_CDR_JSON, CONF_CDR_CSV };

struct conf_cdr {
    const char *name;
    struct conf_loc loc;
    const char *file;            /**< path, a strftime(3) pattern */
    uint32_t rotate_ms;          /**< new file each; default 1 h; 0 = never by time */
    uint64_t rotate_bytes;       /**< new file at this size; 0 = never by size */
    enum conf_cdr_format format; /**< default json: one object a line */
    uint32_t interim_ms;         /**< interim records of answered calls; default 30 min; 0 = off */
};

/* ---- the whole ----------------------------------------------------------------------------------------------- */

struct conf {
    struct conf_global global;
    CONF_LIST(struct conf_realm) realm;
    CONF_LIST(struct conf_listen) listen;
    CONF_LIST(struct conf_media) media;
    CONF_LIST(struct conf_trunk) profile; /**< as written; of interest to `show` only */
    CONF_LIST(struct conf_trunk) trunk;
    CONF_LIST(struct conf_group) group;
    CONF_LIST(struct conf_customer) customer;
    CONF_LIST(struct conf_numbers) numbers;
    CONF_LIST(struct conf_route) route;
    CONF_LIST(struct conf_cdr) cdr;
    CONF_LIST(struct conf_zone) zone;
    CONF_LIST(struct conf_deck) deck;
    CONF_LIST(struct conf_sound) sound;
    CONF_LIST(struct conf_calendar) calendar;
    CONF_LIST(struct conf_lnp) lnp;
    CONF_LIST(struct conf_test) test;
    CONF_LIST(const char *) file;    /**< files read, in order; [0] is the one given */
    CONF_LIST(struct span) text;     /**< of each file, for those who compare (compare.h) */
    CONF_LIST(const char *) include; /**< patterns, from the folder of [0] */
    uint64_t generation;   /**< 0 after load; set by the publisher before the snapshot is shared */
    _Atomic uint32_t refs; /**< see conf_get */
    struct arena arena;    /**< owner of all memory */
};

/** What the machine can carry. A parameter, so that a check gives the same answer on any machine in a test. */
struct conf_env {
    uint32_t relay_nofile; /**< descriptors tandem-media may open (its RLIMIT_NOFILE); 20,000 */
    struct ephemeral ephemeral; /**< net.ipv4.ip_local_port_range and ip_local_reserved_ports */
    const char *credentials; /**< directory of `cred:NAME` ($CREDENTIALS_DIRECTORY); NULL = none */
    /**
     * For tests: no secret is read, the last part of its name is it ("file:/x/sesame" is "sesame"). Without it a
     * text from memory with a secret is an error.
     */
    bool secrets_are_names;
};

#define CONF_NOFILE_DEFAULT 20000U /**< LimitNOFILE= of tandem-media.service */
/** Descriptors that tandem-media needs beside its media sockets: log, control, events, timers, epoll, spare. */
#define CONF_NOFILE_RESERVE   64U
#define CONF_SOCKETS_PER_CALL 4U /**< two legs, RTP and RTCP each */

/** The machine this runs on: reads /proc/sys/net/ipv4/ip_local_port_range and ip_local_reserved_ports; what cannot be read keeps the default. */
void conf_env_read(struct conf_env *env);

enum conf_severity { CONF_ERROR, CONF_WARNING };

/** One message. Strings are owned by the struct conf_errors. */
struct conf_error {
    enum conf_severity severity;
    const char *file;
    uint32_t line; /**< 0 = about the whole file (cannot be read): no source line is shown */
    uint32_t col;  /**< 1 = first byte; col - 1 + width is never beyond the source line's end + 1 */
    uint32_t width;     /**< bytes to mark, at least 1 */
    const char *text;   /**< without newline */
    const char *source; /**< the line, cut at CONF_LINE_MAX */
    const char *meant;  /**< the suggestion, or NULL */
    uint16_t file_id;   /**< files in the order read: for sorting */
};

/** Messages of one load, sorted by file, line, column. */
struct conf_errors {
    struct conf_error *v;
    uint32_t n;      /**< kept: at most CONF_ERRORS_MAX */
    uint32_t errors; /**< all, kept or not */
    uint32_t warnings;
    struct arena arena; /**< owner of v and all strings */
};

/**
 * Load a configuration with its includes and check all of it.
 *
 * No side effects: reads the files, nothing else. Thread-safe: any number of loads at once.
 *
 * @param path  the main file
 * @param env   borrowed; NULL = defaults (20,000 descriptors, ephemeral ports 32768-60999)
 * @param errs  out: all messages; fresh memory on entry (overwritten), to be freed by conf_errors_fini() in any case
 * @return the snapshot, owned by the caller (conf_free), or NULL when there was any error; warnings alone do not fail
 */
struct conf *conf_load(const char *path, const struct conf_env *env, struct conf_errors *errs);

/**
 * The same from memory: for tests and fuzzing. `include` is an error here: nothing is read from disk.
 *
 * @param name  file name shown in messages
 * @param text  borrowed during the call; need not be NUL-terminated
 */
struct conf *conf_load_text(const char *name, const char *text, size_t len,
                            const struct conf_env *env, struct conf_errors *errs);

/** More to check, by who knows files that lib/config does not read: decks, number lists. Adds its messages to errs. */
typedef void (*conf_more_fn)(void *arg, const struct conf *conf, struct conf_errors *errs);

/**
 * As conf_load, and `more` runs behind the other passes, also when they found errors: an operator sees all of them at once. It is
 * not run when the files could not be read or a section could not be taken. Its errors fail the load like any other.
 */
struct conf *conf_load_more(const char *path, const struct conf_env *env, conf_more_fn more,
                            void *arg, struct conf_errors *errs);

/**
 * Add a message about a file that lib/config did not read (a deck's row). Any thread that has errs for itself.
 * @param line  1 = first; 0 = about the whole file
 * @param source  the line, shown below; may be empty
 */
void conf_error_in_file(struct conf_errors *errs, enum conf_severity sev, const char *file,
                        uint32_t line, uint32_t col, uint32_t width, struct span source,
                        const char *fmt, ...) __attribute__((format(printf, 8, 9)));
/**
 * Add a message at a place in the configuration; its source line is read from the file again. An error where there is one already
 * follows from it: it is left out.
 * @param width  0: the word there
 */
void conf_error_at(struct conf_errors *errs, enum conf_severity sev, const struct conf *conf,
                   struct conf_loc loc, uint32_t width, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/** An error about the word there, with what was meant by it (copied; NULL: nothing is like it). */
void conf_error_meant(struct conf_errors *errs, const struct conf *conf, struct conf_loc loc,
                      const char *meant, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/** One more holder: a worker whose legs still read what their trunk was when they began. Any thread. */
const struct conf *conf_get(const struct conf *conf);
/** Does anybody hold it beside the one who asks? Any thread; no is for good when nobody else can find it any more. */
bool conf_is_shared(const struct conf *conf);
/** One holder less; the last one frees it with all that hangs on it. NULL is allowed. Any thread. */
void conf_free(const struct conf *conf);

/** A trunk as no line was written of it: for what stands after its trunk has gone from the configuration. Static. */
const struct conf_trunk *conf_trunk_default(void);

/**
 * The names that the certificate of a trunk's peers may have, n-th (RFC 5922 §4): its `tls-name`, else the hosts of its peers, else, for
 * peers by address, the address. @return borrowed, or static until the next call on this thread; NULL: no more
 */
const char *conf_tls_name(const struct conf_trunk *trunk, unsigned nth);

/** One socket to listen on. */
struct conf_socket {
    uint32_t listen; /**< id of its section */
    uint8_t proto;   /**< enum proto */
    struct addr addr;
    const struct conf_tls *tls; /**< NULL unless PROTO_TLS */
};
/** The socket of that number. @return 0; -ENOENT */
int conf_listener(const struct conf *conf, unsigned listener, struct conf_socket *out);
/** How many there are; at most 256. */
unsigned conf_listeners(const struct conf *conf);

/**
 * Is it a header that SIP itself lives on, in its long or short form? No `header` rule changes one; a pattern as `X-*`
 * passes them over.
 */
bool conf_header_is_reserved(struct span name);

/** Free the messages. */
void conf_errors_fini(struct conf_errors *errs);

/**
 * Print all messages, each as `file:line:col: error: text`, the source line, a caret and a suggestion;
 * then `and N more` if some were not kept. The closing count line is the caller's.
 */
void conf_print_errors(FILE *out, const struct conf_errors *errs);

/** Find by name. @return borrowed, or NULL. Linear in the number of objects of that kind: not for the call path. */
const struct conf_trunk *conf_find_trunk(const struct conf *conf, const char *name);
const struct conf_realm *conf_find_realm(const struct conf *conf, const char *name);
const struct conf_listen *conf_find_listen(const struct conf *conf, const char *name);
const struct conf_media *conf_find_media(const struct conf *conf, const char *name);
const struct conf_route *conf_find_route(const struct conf *conf, const char *name);
const struct conf_numbers *conf_find_numbers(const struct conf *conf, const char *name);

/** File name of a location. @return borrowed, "-" for a default */
const char *conf_loc_file(const struct conf *conf, const struct conf_loc *loc);

/**
 * May the next carrier be tried after this outcome of an attempt through `trunk`?
 *
 * For a timeout of ours read trunk->advance.timeout instead: no response came. A Q.850 cause in one of the lists decides; else the exact SIP status; else its class; in neither list: no.
 *
 * @param sip   final status 300..699
 * @param q850  cause of a Reason header, or 0
 */
bool conf_advances(const struct conf_trunk *trunk, int sip, int q850);

/**
 * Compile a number pattern: digits, `+`, X (0-9), Z (1-9), N (2-9), [2-5] or [257], then `.` or `*`.
 *
 * @param text  pattern, NUL-terminated
 * @param pat   out, set only on success
 * @param bad   out, on error: offset of the offending byte; may be NULL
 * @param why   out, on error: static text; may be NULL
 * @return 0; -EINVAL; -E2BIG more than CONF_DIGITS_MAX positions
 */
int conf_pattern_compile(const char *text, struct conf_pattern *pat, size_t *bad, const char **why);

#endif
