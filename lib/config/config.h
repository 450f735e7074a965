/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.h: the typed, immutable form of a configuration, and how to load one.
 * Filled by lib/config only; read by every layer above, by any thread, without locks.
 * Knows nothing of sockets, calls or threads: loading is a pure function of files and conf_env.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/addr.h"
#include "core/arena.h"

/*
 * Conventions of every struct below.
 * - Everything hangs in one arena owned by struct conf: pointers are borrowed and live until conf_free().
 * - Objects of a kind sit in one array; the place in the array is the object's id for this generation.
 *   A reload may give the same name another id: across generations use names.
 * - Times are milliseconds, sizes bytes, rates calls per second. 0 means "off" or "no limit" where said.
 * - Strings are NUL-terminated and never NULL unless said.
 */

#define CONF_NONE UINT32_MAX /**< id of an object that is not there */

/* Bounds. Each is a refusal with file:line:col, never a cut. */
#define CONF_OBJECTS_MAX    65535U /**< objects of a kind: ids fit 16 bits in records */
#define CONF_FILES_MAX      65535U /**< one trunk per file is the shipped layout: as many as trunks */
#define CONF_TEXT_MAX       (64U << 20) /**< bytes of all files: 65,535 trunks of 1 KiB; bulk is CSV */
#define CONF_LINE_MAX       4096        /**< bytes a line: 64 values of 63 bytes */
#define CONF_NAME_MAX       63  /**< bytes a name: a DNS label, fits a fixed field of each record */
#define CONF_VALUES_MAX     128 /**< values a line: a hundred prefixes are still legible */
#define CONF_CALLS_MAX      1000000U /**< `Ncalls`: sixty times the media ports of one address */
#define CONF_CPS_MAX        1000000U /**< `Ncps`: a hundred times what a core carries */
#define CONF_WORKERS_MAX    64U      /**< more cores than any SIP host; gauges count by worker */
#define CONF_DIGITS_MAX     31 /**< digits of a prefix or pattern: E.164's 15, 011, a tech prefix */
#define CONF_CANDIDATES_MAX 32U   /**< targets of a route line, members of a group */
#define CONF_RULES_MAX      4096U /**< lines of a `numbers` section: each call walks them in order */
#define CONF_PEERS_MAX      64U   /**< peers of a trunk: carriers with more use several trunks */
#define CONF_SHARED_MAX     256U /**< trunks on one source, told apart by match: tried for each call */
#define CONF_MATCH_MAX      64U /**< match lines of a trunk: each is tried for each call */
#define CONF_ERRORS_MAX     100 /**< messages kept, the rest are counted: nobody reads more */
#define CONF_CODE_MIN       300 /**< first SIP status that advance/stop may name */
#define CONF_CODE_MAX       699 /**< last one */

/** Where something was written. */
struct conf_loc {
    uint16_t file; /**< index into conf.file */
    uint16_t col;  /**< 1 = first byte of the line */
    uint32_t line; /**< 1 = first line; 0 = not written anywhere (a default) */
};

/** A reference by name, resolved. */
struct conf_ref {
    const char *name; /**< NULL when absent */
    struct conf_loc loc;
    uint32_t id; /**< place in the array of the referred kind; CONF_NONE when absent */
};

/** A limit. `limit in 400calls 20cps burst 8` */
struct conf_limit {
    uint32_t calls; /**< concurrent calls; 0 = no limit */
    uint32_t cps;   /**< new calls a second; 0 = no limit */
    uint32_t burst; /**< depth of the token bucket [calls]; >= 1 when cps is set; default: cps */
    struct conf_loc loc;
};

/** An address or network with its place. */
struct conf_addr {
    struct addr addr; /**< port 0 = none given */
    struct conf_loc loc;
};

/** A growing list in the arena; `v` is NULL when `n` is 0. */
#define CONF_LIST(type) \
    struct {            \
        type *v;        \
        uint32_t n;     \
    }

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

struct conf_listen {
    const char *name;
    struct conf_loc loc;
    struct conf_ref realm;
    CONF_LIST(struct conf_addr) udp; /**< sockets; the address belongs to the realm; port never 0 */
    enum conf_unknown unknown;       /**< what a source that is nobody's trunk gets; default drop */
    uint8_t dscp; /**< 0..63, of what its sockets send (they serve many trunks); default 26: af31 */
};

struct conf_media {
    const char *name;
    struct conf_loc loc;
    struct conf_ref realm;
    CONF_LIST(struct conf_addr) address; /**< belong to the realm; default: all of the realm's */
    uint16_t port_lo, port_hi;           /**< lo even, hi the last usable port (odd) */
    uint16_t priority_lo, priority_hi;   /**< 0,0 = none; for calls above ordinary class */
    struct conf_loc ports_loc;
    uint32_t calls;   /**< concurrent calls with media; from ports and descriptors if not given */
    bool calls_given; /**< `limit` was written */
    struct conf_loc calls_loc;
};

/* ---- trunk --------------------------------------------------------------------------------------------------- */

enum conf_transport { CONF_UDP };

struct conf_peer {
    struct addr addr; /**< port never 0: default 5060 */
    enum conf_transport transport;
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

enum conf_latch { CONF_LATCH_LEARN_ONCE, CONF_LATCH_SDP_ONLY, CONF_LATCH_FOLLOW };

struct conf_options {
    uint32_t every_ms;   /**< 0 = off: the trunk counts as up; default 30 s */
    uint32_t down_after; /**< failures in a row; default 3 */
    uint32_t up_after;   /**< successes in a row; default 2 */
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
    enum conf_latch latch;           /**< default learn-once */
    uint8_t dscp_media;              /**< 0..63; default 46 (ef) */
    uint64_t set; /**< keywords written (bit = place in the schema); internal to lib/config */
};

struct conf_group {
    const char *name;
    struct conf_loc loc;
    CONF_LIST(struct conf_ref) member; /**< trunks, in order of choice; at least one */
};

struct conf_customer {
    const char *name;
    struct conf_loc loc;
    const char *account;                   /**< for the CDR; default: the name */
    struct conf_limit limit_in, limit_out; /**< over all of its trunks */
};

/* ---- numbers ------------------------------------------------------------------------------------------------- */

enum conf_tail {
    CONF_TAIL_NONE, /**< the number ends here */
    CONF_TAIL_SOME, /**< `.`: one or more characters follow */
    CONF_TAIL_ANY,  /**< `*`: any number of characters, or none, follow */
};

#define CONF_SET_PLUS 10 /**< bit of '+' in a position's set; bits 0..9 are the digits */

/** A compiled number pattern. A number matches when each position's set has its character and the tail agrees. */
struct conf_pattern {
    uint16_t set[CONF_DIGITS_MAX];
    uint8_t len;  /**< positions used; 0 with a tail is allowed ('*', '.') */
    uint8_t tail; /**< enum conf_tail */
};

/** One piece of a result: literal characters, or the input from `skip` on. */
struct conf_piece {
    const char *text; /**< NULL = copy of the input */
    uint16_t len;     /**< of text */
    uint16_t skip;    /**< characters of the input left out: {*} is 0, {2-} is 2 */
};

enum conf_class { CONF_CLASS_NONE, CONF_CLASS_EMERGENCY, CONF_CLASS_SERVICE };

struct conf_rule {
    struct conf_pattern pattern;
    CONF_LIST(struct conf_piece) piece; /**< `keep` is one piece {*} */
    enum conf_class klass;              /**< class that the call gets; NONE = unchanged */
    const char *text;                   /**< the pattern as written, for explain and logs */
    struct conf_loc loc;
};

struct conf_numbers {
    const char *name;
    struct conf_loc loc;
    bool out;                         /**< `direction out` */
    CONF_LIST(struct conf_rule) rule; /**< first match wins; none: the number is not served here */
};

/* ---- route --------------------------------------------------------------------------------------------------- */

struct conf_target {
    struct conf_ref ref; /**< id in conf.group if is_group, else in conf.trunk */
    bool is_group;
};

enum conf_route_kind {
    CONF_ROUTE_PREFIX,
    CONF_ROUTE_DEFAULT,   /**< no prefix fits; at most one line */
    CONF_ROUTE_EMERGENCY, /**< class emergency, before prefixes; at most one line */
};

struct conf_route_line {
    enum conf_route_kind kind;
    CONF_LIST(const char *) prefix; /**< digits, may begin with '+'; only for CONF_ROUTE_PREFIX */
    CONF_LIST(struct conf_target) via; /**< in order of choice; empty = a refusal with `cause` */
    uint32_t max_attempts;             /**< 0 = all */
    uint16_t cause;                    /**< SIP status of a refusal, 400..699; 0 = via */
    const char *reason;                /**< its reason phrase; NULL = the standard one */
    struct conf_loc loc;
};

struct conf_route {
    const char *name;
    struct conf_loc loc;
    /** Longest prefix wins, order irrelevant; a prefix occurs once. */
    CONF_LIST(struct conf_route_line) line;
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
    CONF_LIST(const char *) file; /**< files read, in order; [0] is the one given */
    uint64_t generation; /**< 0 after load; set by the publisher before the snapshot is shared */
    struct arena arena;  /**< owner of all memory */
};

/** What the machine can carry. A parameter, so that a check gives the same answer on any machine in a test. */
struct conf_env {
    uint32_t relay_nofile; /**< descriptors tandem-media may open (its RLIMIT_NOFILE); 20,000 */
    uint16_t ephemeral_lo; /**< net.ipv4.ip_local_port_range */
    uint16_t ephemeral_hi;
};

#define CONF_NOFILE_DEFAULT 20000U /**< LimitNOFILE= of tandem-media.service */
/** Descriptors that tandem-media needs beside its media sockets: log, control, events, timers, epoll, spare. */
#define CONF_NOFILE_RESERVE   64U
#define CONF_SOCKETS_PER_CALL 4U /**< two legs, RTP and RTCP each */

/** The machine this runs on: reads /proc/sys/net/ipv4/ip_local_port_range; what cannot be read keeps the default. */
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

/** Free a snapshot and all that hangs on it. NULL is allowed. */
void conf_free(struct conf *conf);

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
