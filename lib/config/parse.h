/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the passes of a load share: the parser's state, the schema's shape, messages with a place.
 * load.c, the schema files, link.c and check.c use it; nothing of it survives the load.
 */
#ifndef CONFIG_PARSE_H
#define CONFIG_PARSE_H

#include <setjmp.h>

#include "config/config.h"
#include "config/errors.h"
#include "config/lexer.h"
#include "config/value.h"

struct parser;
struct keyword;
struct section;

/** A text that is being read, kept until the end of the load so that messages can quote it. */
struct src {
    const char *name; /* as shown */
    struct span text;
    uint64_t dev, ino; /* identity: a file is read once */
};

/** The values of the line in hand, taken one after another. */
struct args {
    const struct lex_token *tok;
    uint32_t n;
    uint32_t i; /* next */
};

/** Stores one line. `field` is the keyword's field in the open object. Faults are reported through p. */
typedef void (*keyword_fn)(struct parser *p, const struct keyword *kw, void *field,
                           struct args *args);

enum {
    KW_REPEAT = 1, /* may be written more than once in a section; values add up */
    KW_OFF = 2,    /* a duration that may be `off` */
};

/** One keyword of a section. */
struct keyword {
    const char *word;
    const char *sub; /* second word, or NULL */
    keyword_fn parse;
    size_t off, size;  /* of the field; size also says what a trunk takes over from its profile */
    uint32_t min, max; /* number of values behind the keyword words */
    uint32_t flags;
    uint32_t lo, hi;    /* bounds of a duration [ms], count or number */
    const char *syntax; /* for messages, and what is made of the table: manual page, completion */
    const char *help;   /* one short sentence, for the same */
};

/** One kind of section. */
struct section {
    const char *word;
    const char *syntax; /* of the line that opens it */
    const char *help;   /* what it is, in a few words */
    size_t list_off;    /* of its CONF_LIST in struct conf */
    size_t size;        /* of one object; the first two members are name and loc */
    const struct keyword *kw;
    uint32_t n_kw;
    void (*defaults)(void *obj); /* NULL = zero is right */
    void (*header)(struct parser *p, void *obj,
                   struct args *args); /* values after the name; NULL */
    void (*line)(struct parser *p, void *obj,
                 const struct lex_line *line);              /* instead of keywords */
    const struct keyword *line_kw;                          /* of such lines: syntax and help */
    void (*close)(struct parser *p, void *obj, bool clean); /* at its end; clean: no error in it */
    bool free_name; /* the name is any text, in quotes: nothing refers to it */
};

/** Every named object begins like this. */
struct object {
    const char *name;
    struct conf_loc loc;
};

/** Names whose section could not be taken: references to them are no second error. */
struct lost_name {
    struct span name;
    struct lost_name *next;
};

struct parser {
    struct conf *conf;
    struct conf_errors *errs;
    struct conf_env env;
    struct arena scratch; /* texts and tables of the load, gone at its end */
    jmp_buf oom;          /* out of memory: the load fails, what runs is untouched */
    CONF_LIST(struct src) src;
    CONF_LIST(struct include) include;
    size_t text_bytes; /* read so far */
    bool from_memory;  /* no file may be read */
    conf_more_fn more; /* NULL: none */
    void *more_arg;
    struct lost_name *lost;

    const struct section *section; /* open; NULL = none, or one that is passed over */
    void *obj;
    conf_bits seen;          /* keywords of the open section, bit = place in its table */
    uint32_t errors_at_open; /* to know whether the section is clean */
    bool passing_over;       /* lines of a section that was refused */
    bool global_seen;
    struct lex_line line;
};

/** An `include` value, read after the file it stands in. */
struct include {
    struct span pattern;
    struct conf_loc loc;
    uint16_t width;
};

/* ---- memory: all of these succeed or leave the load by p->oom ---- */

void *parse_zalloc(struct parser *p, struct arena *a, size_t bytes);
const char *parse_strdup(struct parser *p, struct span s);
/** Add a zeroed element to a CONF_LIST in arena `a`. */
void *parse_append(struct parser *p, struct arena *a, void *list, size_t size);
#define APPEND(p, list) parse_append((p), &(p)->conf->arena, &(list), sizeof(*(list).v))
/** Any CONF_LIST seen as bytes. */
struct list_view {
    char *v;
    uint32_t n;
};
struct list_view parse_list_view(const void *list);

/* ---- messages ---- */

/** An error at a place in a file; width in bytes, 0 = the value that begins there. */
void parse_error(struct parser *p, struct conf_loc loc, size_t width, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/** The same with a suggestion (may be NULL). */
void parse_error_meant(struct parser *p, struct conf_loc loc, size_t width, const char *meant,
                       const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void parse_warn(struct parser *p, struct conf_loc loc, size_t width, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/** An error at a value of the line in hand. */
void parse_token_error(struct parser *p, const struct lex_token *t, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** An error behind the last value of the line in hand: something is missing there. */
void parse_line_error(struct parser *p, const struct args *args, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** Place of a value of the line in hand. */
struct conf_loc parse_loc(const struct parser *p, const struct lex_token *t);

/* ---- values of a line ---- */

/** Next value, or NULL at the end. */
const struct lex_token *args_next(struct args *a);
/** Take the next value if it is this word. */
bool args_word(struct args *a, const char *word);
/** Next value, or an error that `what` is missing; NULL then. */
const struct lex_token *args_need(struct parser *p, const struct keyword *kw, struct args *a,
                                  const char *what);
/** A name to be resolved later. @return false: reported */
bool parse_ref(struct parser *p, const struct lex_token *t, struct conf_ref *ref);
/** A duration within kw->lo..hi. @return false: reported */
bool parse_duration(struct parser *p, const struct keyword *kw, const struct lex_token *t,
                    uint32_t *ms);
/** "90s", "4h": by the largest unit that divides. @return buf, of 16 bytes or more */
const char *parse_duration_text(uint32_t ms, char *buf, size_t size);
/** A plain number within lo..hi. @return false: reported */
bool parse_number(struct parser *p, const struct lex_token *t, uint32_t lo, uint32_t hi,
                  uint32_t *out);
/** Place of a word in a NULL-ended list, or -1: reported with the choices. */
int parse_choice(struct parser *p, const struct lex_token *t, const char *const *words);

/* ---- keyword handlers of several sections (kw_common.c) ---- */

void kw_string(struct parser *p, const struct keyword *kw, void *field, struct args *args);
void kw_path(struct parser *p, const struct keyword *kw, void *field, struct args *args);
/** A DSCP, into a uint8_t. */
void kw_dscp(struct parser *p, const struct keyword *kw, void *field, struct args *args);
/** A number within kw->lo..hi, into a uint32_t. */
void kw_number(struct parser *p, const struct keyword *kw, void *field, struct args *args);
void kw_ref(struct parser *p, const struct keyword *kw, void *field, struct args *args);
void kw_refs(struct parser *p, const struct keyword *kw, void *field, struct args *args);
void kw_ips(struct parser *p, const struct keyword *kw, void *field, struct args *args);
void kw_duration(struct parser *p, const struct keyword *kw, void *field, struct args *args);
void kw_limit(struct parser *p, const struct keyword *kw, void *field, struct args *args);
/** Values left over are an error. */
void args_end(struct parser *p, struct args *a);

/* ---- the schema ---- */

extern const struct section section_global, section_realm, section_listen, section_media,
    section_profile, section_trunk, section_group, section_customer, section_numbers, section_zone,
    section_ratedeck, section_calendar, section_lnp, section_sound, section_route, section_cdr,
    section_test;

/** All kinds, NULL-ended. */
extern const struct section *const parse_sections[];

/* ---- passes ---- */

/** Read all statements of one text. */
void parse_text(struct parser *p, uint16_t file, struct span text);
/** Resolve names, take over profiles, apply defaults that depend on other objects. */
void link_pass(struct parser *p);
/** What is well formed and yet cannot work. */
void check_pass(struct parser *p);
/** Parts of it (check_trunk.c). */
void check_trunks(struct parser *p);
/** Of check_codecs.c. */
void check_codecs(struct parser *p, const struct conf_trunk *t);
/** Of one trunk (check_peer.c). */
void check_peers(struct parser *p, const struct conf_trunk *t);
/** Groups, customers, limits (check_group.c). */
void check_groups(struct parser *p);
/** Decks, zones, calendars by themselves (check_lcr.c). */
void check_decks(struct parser *p);
/** Decks and bounds of a line, all decks of a route (check_lcr.c). */
void check_line_decks(struct parser *p, const struct conf_route_line *l);
void check_line_bounds(struct parser *p, const struct conf_route_line *l);
void check_route_decks(struct parser *p, uint32_t route);
/** Sounds: files are read, tones rendered (check_sound.c). */
void check_sounds(struct parser *p);
/** Routes (check_route.c). */
void check_routes(struct parser *p);
/** A trunk that calls are to be sent to because of `ref`. */
void check_callable(struct parser *p, const struct conf_ref *ref, uint32_t trunk);
/** Of check_route.c: every number with that prefix has the other one, too. */
bool prefix_is_within(const char *prefix, const char *of);

/** Bit of conf_trunk.set: the section had an error; what it lacks is no second one. */
#define TRUNK_SET_UNCLEAN ((conf_bits)1 << 127)

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

#endif
