/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A party's URI on its way from one trunk to another: the number read out of whatever form it came in, written in the form the
 * other trunk wants (`uri sip|phone|tel`), with our host. headers, identity, diverted and hunt write numbers with it.
 */
#ifndef CALL_PARTY_H
#define CALL_PARTY_H

#include "config/config.h"
#include "sip/build.h"
#include "sip/tel.h"
#include "sip/uri.h"

struct party {
    char number[TEL_NUMBER_MAX]; /**< without ornament; empty: the user is no number */
    struct span user;            /**< as received, parameters cut off */
    struct span params;          /**< of the number, from the first ';' on */
    bool is_tel;                 /**< came as a tel URI */
    bool is_phone;               /**< came with user=phone */
    bool is_anonymous;           /**< at anonymous.invalid (RFC 3323 §4.1.1.3) */
};

struct party_form {
    const struct conf_trunk *to; /**< form and fate of number parameters */
    struct span host;            /**< of the sip URI */
    struct span extra;           /**< ";tgrp=…" behind the number's own parameters; empty: none */
    bool
        keeps_tel; /**< with `uri sip`: what came as a tel URI stays one, as the second of two identities must */
    bool is_sip; /**< never a tel URI: what follows needs URI headers */
};

/** Read a sip, sips or tel URI. Spans point into it. */
void party_read(struct party *p, const struct sip_uri *u);
/** Of a number alone. */
void party_of_number(struct party *p, struct span number, struct span params);
/**
 * The URI without <>: "sip:+1202…@host;user=phone" or "tel:+1202…". Only global numbers become tel URIs: a local one would need a
 * context that we do not know (RFC 3966 §5.1.5). Of the number's parameters those of tel_param_crosses cross.
 */
void party_write(struct build *b, const struct party *p, const struct party_form *f);
/** The parameters that cross, into b. */
void party_params(struct build *b, struct span params);

#endif
