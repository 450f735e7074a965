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

/* ---- schema_sip.c ---- */
KW_HANDLER(kw_rel100);
KW_HANDLER(kw_session_timer);
KW_HANDLER(kw_offer);
KW_HANDLER(kw_codec);
KW_HANDLER(kw_redirect);
KW_HANDLER(kw_refer);
KW_HANDLER(kw_pass);

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
