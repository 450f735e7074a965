/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The typed form of what decides where a call goes: numbers, zones, calendars, decks, portability, groups, routes, tests.
 * Part of config.h, which includes it; the same conventions hold. Knows nothing of calls.
 */
#ifndef CONFIG_ROUTING_H
#define CONFIG_ROUTING_H

#include "config/base.h"

/*
 * Money is exact: an int64_t of 10^-9 of a currency unit, a minute where it is a rate. Exchange rates likewise.
 * Products are compared in 128 bits, never rounded first.
 */
#define CONF_NANO 1000000000LL
#define CONF_MONEY_MAX \
    (1000000LL * CONF_NANO) /**< a million a minute: no tariff; 128-bit products have room */
#define CONF_CURRENCY 4     /**< bytes of an ISO 4217 code with its end */

#define CONF_ZONES_MAX \
    12U /**< origin zones: orders of each entry of a rate table are kept by zone */
#define CONF_DECKS_MAX 32U /**< decks in the lcr lines of one route: candidates of an entry */
#define CONF_LINES_MAX \
    64U /**< route lines of one prefix, told apart by conditions: each is tried for a call */
#define CONF_HOURS_MAX \
    64U /**< spans of a calendar: each is looked at for a call; nine for every day of the week */
#define CONF_HOLIDAYS_MAX \
    512U /**< days of a calendar, likewise: twenty years of holidays written one by one */
#define CONF_COLUMNS_MAX 32U /**< of a deck: seven of its own and the rate classes fit twice */
#define CONF_ROWS_MAX \
    (1U << 24) /**< rows of a deck: 16 million, eight times the largest A-Z with all of NANP */
#define CONF_BLOCKS_MAX \
    32U /**< block and allow lines of a route: each is one lookup for each call */
#define CONF_PREFIX_DIGITS \
    16U /**< characters of a prefix in routes and decks: '+' and E.164's 15 digits; 64-bit keys */

/* ---- group, customer ----------------------------------------------------------------------------------------- */

/** `order failover|round-robin|weighted|least-used` of a group. */
enum conf_group_order {
    CONF_GROUP_FAILOVER, /**< default: as written */
    CONF_GROUP_ROUND_ROBIN,
    CONF_GROUP_WEIGHTED, /**< by chance, in the proportion of the weights (RFC 2782's way) */
    CONF_GROUP_LEAST_USED, /**< fewest calls out in proportion to `limit out` calls (or weight without one) first */
};

/** A trunk or group with its share. `member alpha weight 70`, `via alpha 70% bravo 30%` */
struct conf_target {
    struct conf_ref ref; /**< id in conf.group if is_group, else in conf.trunk */
    bool is_group;
    uint16_t weight; /**< 1..65535, default 100; a percentage is its number */
    uint8_t
        tier; /**< `then` begins the next one; targets of a tier share by weight, or stand as written */
    bool shared; /**< weight or % was written: its tier is drawn by chance */
};

struct conf_group {
    const char *name;
    struct conf_loc loc;
    CONF_LIST(struct conf_target) member; /**< trunks (never groups); at least one */
    enum conf_group_order order;
    struct conf_limit limit_in,
        limit_out; /**< over all calls from / to its members, whichever way they came to them */
};

struct conf_customer {
    const char *name;
    struct conf_loc loc;
    const char *account;                   /**< for the CDR; default: the name */
    struct conf_limit limit_in, limit_out; /**< over all of its trunks */
    struct conf_ref routes;                /**< of its trunks that name none; CONF_NONE = none */
    struct conf_ref sell_deck;             /**< likewise; id in conf.deck */
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

/* ---- rate classes: zone, jurisdiction ------------------------------------------------------------------------ */

/** `zone eea` with `caller +43 +32 ...`: where a caller is, for decks with a rate by origin. Longest prefix over all zones. */
struct conf_zone {
    const char *name;
    struct conf_loc loc;
    CONF_LIST(const char *) caller; /**< prefixes as written; one stands in one zone only */
};

/* ---- ratedeck ------------------------------------------------------------------------------------------------ */

enum conf_column {
    CONF_COL_SKIP,   /**< `-`: not looked at */
    CONF_COL_PREFIX, /**< obligatory, once */
    CONF_COL_RATE, /**< a minute, for callers of every class; or the one where its class has no column or an empty cell */
    CONF_COL_INTER,         /**< another state; see conf_global.states */
    CONF_COL_INTRA,         /**< the same state */
    CONF_COL_INDETERMINATE, /**< caller missing, or of no known state */
    CONF_COL_ZONE,          /**< `zone:NAME`: for callers of that zone */
    CONF_COL_MINIMUM,       /**< billed at least [s]; default 0 */
    CONF_COL_INCREMENT,     /**< billed in steps of [s]; default 1 */
    CONF_COL_EFFECTIVE, /**< from then: 2026-12-01, or with T08:00[:00][Z|+01:00]; UTC without; empty: always */
    CONF_COL_EXPIRES, /**< until then, exclusive; empty: never */
    CONF_COL_QUALITY, /**< 0..100, higher is better; the carrier's word or the operator's */
    CONF_COL_CODE, /**< the carrier's own code or name of the destination; into the CDR; at most 31 bytes */
};

struct conf_deck_column {
    enum conf_column what;
    struct conf_ref zone; /**< of CONF_COL_ZONE; else CONF_NONE */
    struct conf_loc loc;
};

/**
 * A rate deck: bulk data in a CSV file. `ratedeck alpha-az trunk alpha`: what that trunk's carrier takes. `ratedeck retail-usd`
 * without a trunk: what we take from who has it as `sell-deck`.
 *
 * Prefixes are written as +E.164 is; `plan e164` puts a '+' before those that lack it, `plan private` leaves them.
 */
struct conf_deck {
    const char *name;
    struct conf_loc loc;
    struct conf_ref trunk; /**< CONF_NONE: a sell deck */
    const char *
        file; /**< as opened: a relative path is taken from the folder of the file that has the line */
    struct conf_loc file_loc;
    CONF_LIST(struct conf_deck_column) column;
    /** AUTO: a first row whose prefix is no prefix is a header. YES: it must name the columns as declared (any case). */
    enum conf_deck_header { CONF_HEADER_AUTO, CONF_HEADER_YES, CONF_HEADER_NO } header;
    bool
        lax; /**< `strict off`: bad rows are left out, counted and one warning; default: any bad row refuses the load */
    bool is_private;              /**< `plan private` */
    char separator;               /**< ',' ';' or '\t' */
    char currency[CONF_CURRENCY]; /**< default: that of `global` */
    int64_t exchange; /**< base currency units for one of this deck, nano; from `global exchange` */
    CONF_LIST(const char *)
    only;              /**< rows outside these prefixes are left out, counted; empty = all */
    uint16_t priority; /**< `priority N`: for `order priority`, lower first; default 100 */
    uint16_t weight;   /**< among equals of an order; default 100 */
    bool incomplete;   /**< its section has an error, which is told: its file is not read */
};

/** `exchange EUR 1.0840`: one EUR is 1.0840 of the base currency. */
struct conf_exchange {
    char code[CONF_CURRENCY];
    int64_t rate; /**< nano, > 0 */
    struct conf_loc loc;
};

/* ---- calendar ------------------------------------------------------------------------------------------------ */

/** `open mon-fri 08:00-18:00` */
struct conf_hours {
    uint8_t days; /**< bit 0 Monday … 6 Sunday: on which it begins; bit 7: holidays */
    uint16_t from,
        to; /**< minutes of the day, 0..1440; to <= from: until that time on the next day */
    struct conf_loc loc;
};

struct conf_date {
    uint16_t year; /**< 0 = every year */
    uint8_t month, day;
    struct conf_loc loc;
};

/** Open or not, by local time. On a holiday only `open holidays ...` lines count. */
struct conf_calendar {
    const char *name;
    struct conf_loc loc;
    const char *timezone; /**< of /usr/share/zoneinfo; default UTC */
    struct conf_loc timezone_loc;
    CONF_LIST(struct conf_hours) open;
    CONF_LIST(struct conf_date) holiday;
};

/* ---- lnp ----------------------------------------------------------------------------------------------------- */

enum conf_lnp_kind { CONF_LNP_CSV, CONF_LNP_LMDB, CONF_LNP_ENUM };

/** Where the location routing number of a ported number is asked. */
struct conf_lnp {
    const char *name;
    struct conf_loc loc;
    enum conf_lnp_kind kind;
    const char *
        path; /**< `csv PATH` number,lrn rows; `lmdb PATH`: environment folder, key number, value lrn (ASCII, '+' first) */
    struct conf_loc path_loc;
    const char
        *suffix; /**< `enum e164.arpa`: NAPTR E2U+pstn / rn= (RFC 4769, 6116) below this name */
    CONF_LIST(struct conf_addr) server; /**< of enum; none: those of `global dns` */
    CONF_LIST(const char *)
    only; /**< numbers outside are not asked; empty = all that begin with '+' */
    uint32_t
        cache_ms; /**< enum: answers kept no longer than their TTL and this; default 1 h; 0 = not */
};

/** `lnp dip NAME [timeout 80ms] [on-fail route-on-dialled|reject]` of a route. */
struct conf_dip {
    struct conf_ref lnp; /**< CONF_NONE = no dip */
    uint32_t timeout_ms; /**< default 80 */
    bool reject;         /**< on-fail reject: 503; default: route on the number as dialled */
    struct conf_loc loc;
};

/* ---- route --------------------------------------------------------------------------------------------------- */

enum conf_route_kind {
    CONF_ROUTE_PREFIX,
    CONF_ROUTE_DEFAULT,   /**< no prefix fits; at most one line */
    CONF_ROUTE_EMERGENCY, /**< class emergency, before prefixes; at most one line */
};

/** What the candidates of an lcr line are sorted by, one key after another. */
enum conf_order {
    CONF_ORDER_COST,     /**< in the base currency, lower first */
    CONF_ORDER_QUALITY,  /**< the row's quality, higher first; a row without one is 50 */
    CONF_ORDER_PRIORITY, /**< of the deck, lower first */
    CONF_ORDER_ASR,      /**< live, in steps of 5 %: higher first */
    CONF_ORDER_ACD,      /**< live, in steps of 10 s: longer first */
    CONF_ORDER_PDD,      /**< live, in steps of 500 ms: shorter first */
};
#define CONF_ORDERS_MAX 6U

/** `min-asr 30% min-acd 60s max-pdd 6s sample 50`: live figures of trunk and destination; fewer calls than `sample`: passes. */
struct conf_quality {
    uint8_t min_asr;                 /**< percent; 0 = off */
    uint32_t min_acd_ms, max_pdd_ms; /**< 0 = off */
    uint32_t sample;                 /**< default 50 */
};

struct conf_from {
    struct conf_ref ref; /**< id in conf.customer if is_customer, else in conf.trunk */
    bool is_customer;
};

/** `when CALENDAR`, `from TRUNK|CUSTOMER...`, `caller PREFIX...`: a line counts only if all of them hold. */
struct conf_conditions {
    struct conf_ref when; /**< CONF_NONE = always */
    bool when_closed;     /**< `when not CALENDAR` */
    CONF_LIST(struct conf_from) from;
    CONF_LIST(const char *)
    caller; /**< prefixes; empty = any. A caller that is no number fits none */
};

/**
 * Longest prefix wins, order irrelevant. Lines of the same prefix: first whose conditions hold, top-down; at most one of
 * them has no condition, and it stands last. None holds: the next shorter prefix.
 */
struct conf_route_line {
    enum conf_route_kind kind;
    CONF_LIST(const char *) prefix; /**< digits, may begin with '+'; only for CONF_ROUTE_PREFIX */
    struct conf_conditions cond;
    CONF_LIST(struct conf_ref) lcr;   /**< decks with a trunk; empty = via only */
    CONF_LIST(enum conf_order) order; /**< of lcr; default: cost */
    CONF_LIST(struct conf_target)
    via; /**< tried in order; of an lcr line: behind its candidates; both empty = `cause` */
    int64_t max_cost; /**< nano of base currency a minute; -1 = none */
    bool
        margin_given; /**< candidates whose cost + margin is above what the caller pays are dropped */
    int64_t margin;   /**< nano of base currency a minute: `margin 0.0005`; or 0 */
    uint32_t margin_ppm; /**< of the sell rate: `margin 5%` is 50,000; or 0 */
    struct conf_quality quality;
    uint32_t max_attempts; /**< `max N attempts`; 0 = all */
    uint32_t
        deadline_ms; /**< `within 15s`: no attempt begins later than this after the INVITE; 0 = none */
    uint16_t cause;     /**< SIP status of a refusal, 400..699; 0 = none */
    const char *reason; /**< its reason phrase; NULL = the standard one */
    struct conf_ref
        announce; /**< what the caller hears before it, id in conf.sound; CONF_NONE = as its trunk says */
    struct conf_loc loc;
    struct conf_loc order_loc, margin_loc, attempts_loc, deadline_loc; /**< for messages */
};

/** `block|allow [caller] prefix P...|prefix-file PATH [cause CODE ["TEXT"]]`: first line that lists the number decides. */
struct conf_block {
    bool allow, caller;             /**< caller: the calling number is looked at */
    CONF_LIST(const char *) prefix; /**< inline, or */
    const char *file;               /**< one prefix a line, # comments; path as conf_deck.file */
    uint16_t cause;                 /**< default 403 */
    const char *reason;             /**< NULL = the standard one */
    struct conf_loc loc;
};

struct conf_route {
    const char *name;
    struct conf_loc loc;
    struct conf_dip dip;
    CONF_LIST(struct conf_block) block;
    CONF_LIST(struct conf_route_line) line;
    bool incomplete; /**< its section has an error, which is told: lines may lack */
};

/* ---- trunk: what belongs to routing -------------------------------------------------------------------------- */

/** `breaker trip 50% of 40 in 30s retry 20s`. Failures: timeouts and what `advance` names but 4xx. */
struct conf_breaker {
    uint32_t trip_pct; /**< 0 = off (default) */
    uint32_t of;       /**< attempts in the window before it may trip */
    uint32_t window_ms, retry_ms;
    struct conf_loc loc;
};

/** `caller-allow PATH`: numbers the trunk may show as its own, one a line, a trailing '*' for a prefix. */
struct conf_caller {
    const char *allow_file; /**< NULL = any */
    struct conf_loc allow_loc;
    const char *
        fallback; /**< `default-caller NUMBER`: shown instead of one that is not allowed; NULL: 403 */
    struct conf_loc loc;
};

/* ---- test ---------------------------------------------------------------------------------------------------- */

struct conf_word {
    const char *text;
    struct conf_loc loc;
    uint16_t width;
};

/** One line of a `test` section, as words: call/explain knows what they mean and checks them. */
struct conf_words {
    CONF_LIST(struct conf_word) word;
};

enum conf_test_kind { CONF_TEST_ASSUME, CONF_TEST_CALL, CONF_TEST_EXPECT };

struct conf_test_line {
    enum conf_test_kind kind;
    struct conf_words words; /**< behind the keyword */
};

struct conf_test {
    const char *name; /**< quoted text, any characters; unique */
    struct conf_loc loc;
    CONF_LIST(struct conf_test_line) line;
};

#endif
