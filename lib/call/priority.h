/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The class of a call: from the peek of its INVITE, and from the numbers rules when the route is decided.
 * leg_in.c asks; admission, shedding and records use the answer.
 */
#ifndef CALL_PRIORITY_H
#define CALL_PRIORITY_H

#include "config/config.h"
#include "sip/peek.h"
#include "sip/uri.h"

struct msg;

/**
 * Class of a new INVITE: Request-URI user in the emergency table or urn:service:sos, Resource-Priority present.
 * The same answer as peek gives for the raw bytes.
 */
enum sip_class priority_of(const struct conf *conf, const struct msg *invite);

/** The URI without the parameters of its number: an emergency number is dialled, its context says only where. Borrows of u. */
struct sip_uri priority_bare(const struct sip_uri *u);

/** A numbers rule may raise the class, never lower it; "service" is a name for the record and nothing else. */
enum sip_class priority_raise(enum sip_class now, enum conf_class rule);

/** True for classes that ordinary limits never refuse. */
bool priority_is_exempt(enum sip_class c);

/** True for classes whose media may use the ports set aside by `ports priority`. */
bool priority_has_ports(enum sip_class c);

const char *priority_name(enum sip_class c);

#endif
