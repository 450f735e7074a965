/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keyword handlers of a trunk, by subject: schema_trunk.c has them in its table, one file each defines them.
 * The schema files include it; the passes behind the parser need none of it.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stddef.h>

#include "config/parse.h"

#define FIELD(type, member) offsetof(type, member), sizeof(((type *)0)->member)
#define LIST(member)        offsetof(struct conf, member)

#define SECOND 1000U
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

/** As keyword_fn. */
#define KW_HANDLER(name) \
    void name(struct parser *p, const struct keyword *kw, void *field, struct args *args)

/** The body of a handler: one word of a list, stored as the enum (or bool) with that order. */
#define CHOICE(type, ...)                                        \
    do {                                                         \
        static const char *const words_[] = {__VA_ARGS__, NULL}; \
        int i_ = parse_choice(p, args_next(args), words_);       \
        type v_ = (type)i_;                                      \
                                                                 \
        (void)kw;                                                \
        if (i_ >= 0)                                             \
            memcpy(field, &v_, sizeof(v_));                      \
    } while (0)

/* ---- kw_routing.c ---- */

/** Digits, a '+' may stand first; at most CONF_PREFIX_DIGITS. @return false: reported */
bool parse_prefix(struct parser *p, const struct lex_token *t, const char **prefix);
/** A prefix that lies within another of its list adds nothing: a warning at t. */
void warn_prefix_within(struct parser *p, const struct lex_token *t, const char *const *prefix,
                        uint32_t n);
/** An exact amount. @return false: reported */
bool parse_money(struct parser *p, const struct lex_token *t, int64_t *nano);
/** `30%`. @return false: reported */
bool parse_percent(struct parser *p, const struct lex_token *t, uint32_t lo, uint32_t hi,
                   uint32_t *pct);
/** `2.5%` as parts of a million, at most max. @return false: reported */
bool parse_ppm(struct parser *p, const struct lex_token *t, uint32_t max, uint32_t *ppm);
/** A path; a relative one begins in the folder of the file in hand. @return false: reported */
bool parse_path(struct parser *p, const struct lex_token *t, const char **path);
/** Three capital letters, into CONF_CURRENCY bytes. @return false: reported */
bool parse_currency(struct parser *p, const struct lex_token *t, char *code);
KW_HANDLER(kw_prefixes);
/** Into a bool. */
KW_HANDLER(kw_on_off);
/** Into CONF_CURRENCY bytes. */
KW_HANDLER(kw_currency);

/* ---- schema_net.c ---- */
KW_HANDLER(kw_dns);

/* ---- schema_route.c ---- */

/** The clauses that a route line is made of (word, syntax, help), n-th; NULL: no more. */
const struct keyword *schema_clause(uint32_t n);

/* ---- schema_trunk_route.c ---- */
KW_HANDLER(kw_breaker);
KW_HANDLER(kw_caller_allow);
KW_HANDLER(kw_default_caller);

/* ---- schema_peer.c ---- */
KW_HANDLER(kw_peer);
KW_HANDLER(kw_accept);
KW_HANDLER(kw_match);
KW_HANDLER(kw_tls_name);
KW_HANDLER(kw_tcp_above);

/** The second words of `match`, in the order of enum conf_match_kind. */
extern const char *const schema_match_words[];

/** Host names: labels of letters, digits, '-' and '_' with a letter in the last; at most 253 bytes (RFC 1035). */
bool schema_is_host(struct span s);

/* ---- schema_sound.c ---- */
KW_HANDLER(kw_ringback);
KW_HANDLER(kw_announce);
KW_HANDLER(kw_dtmf);

/* ---- schema_trunk.c ---- */

/** A status, a class or, behind `q850`, a cause. @return false: reported */
bool schema_code(struct parser *p, const struct lex_token *t, bool q850, struct conf_codes *c);

/* ---- schema_sip.c ---- */
KW_HANDLER(kw_rel100);
KW_HANDLER(kw_session_timer);
KW_HANDLER(kw_offer);
KW_HANDLER(kw_codec);
KW_HANDLER(kw_redirect);
KW_HANDLER(kw_refer);
KW_HANDLER(kw_pass);

/* ---- schema_codecs.c ---- */
/** Into a struct conf_codecs. */
KW_HANDLER(kw_codecs);
/** Milliseconds or off, into a uint32_t. */
KW_HANDLER(kw_packet_time);
KW_HANDLER(kw_video);
KW_HANDLER(kw_bypass);

/* ---- schema_secure.c ---- */
KW_HANDLER(kw_srtp);
KW_HANDLER(kw_ice);
KW_HANDLER(kw_mux);

/* ---- schema_identity.c ---- */
KW_HANDLER(kw_trust);
KW_HANDLER(kw_identity);
KW_HANDLER(kw_diversions);
KW_HANDLER(kw_uri);
KW_HANDLER(kw_tgrp);
KW_HANDLER(kw_number_params);
KW_HANDLER(kw_bodies);
KW_HANDLER(kw_header);

/* ---- schema_auth.c ---- */
KW_HANDLER(kw_auth);
KW_HANDLER(kw_login);
KW_HANDLER(kw_register);
KW_HANDLER(kw_registrar);

#endif
