/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Class of a call from what its INVITE and the numbers rules say.
 * Called by invite.c; pure.
 */
#include "call/priority.h"

#include "sip/msg.h"
#include "sip/tel.h"

static bool is_sos(struct span ruri)
{
    struct span prefix = SPAN("urn:service:sos");

    if (ruri.len < prefix.len || !span_case_eq((struct span){ruri.p, prefix.len}, prefix))
        return false;
    return ruri.len == prefix.len || ruri.p[prefix.len] == '.';
}

struct sip_uri priority_bare(const struct sip_uri *u)
{
    struct sip_uri bare = *u;
    struct span rest;

    span_cut(u->user, ';', &bare.user, &rest);
    bare.params = SPAN_NONE;
    return bare;
}

/* Escapes and separators make no other number of it (9-1-1), nor does a context ("911;phone-context=+1"). */
static bool is_emergency_number(const struct conf *conf, const struct sip_uri *u)
{
    struct sip_uri bare = priority_bare(u);
    char buf[TEL_NUMBER_MAX];
    int n = tel_number(&bare, buf, sizeof buf);
    struct span user = n > 0 ? (struct span){buf, (size_t)n} : bare.user;

    for (uint32_t i = 0; i < conf->global.emergency.n; i++)
        if (span_eq(user, span_of(conf->global.emergency.v[i])))
            return true;
    return false;
}

enum sip_class priority_of(const struct conf *conf, const struct msg *invite)
{
    if (is_sos(invite->ruri) || is_emergency_number(conf, &invite->uri))
        return SIP_CLASS_EMERGENCY;
    if (msg_hdr(invite, HDR_RESOURCE_PRIORITY, 0))
        return SIP_CLASS_PRIORITY;
    return SIP_CLASS_ORDINARY;
}

enum sip_class priority_raise(enum sip_class now, enum conf_class rule)
{
    if (rule == CONF_CLASS_EMERGENCY)
        return SIP_CLASS_EMERGENCY;
    return rule == CONF_CLASS_SERVICE && now == SIP_CLASS_ORDINARY ? SIP_CLASS_SERVICE : now;
}

bool priority_is_exempt(enum sip_class c)
{
    return c == SIP_CLASS_EMERGENCY;
}

bool priority_has_ports(enum sip_class c)
{
    return c == SIP_CLASS_EMERGENCY || c == SIP_CLASS_PRIORITY;
}

const char *priority_name(enum sip_class c)
{
    static const char *const name[SIP_CLASS_N] = {"ordinary", "emergency", "priority", "service"};

    return c < SIP_CLASS_N ? name[c] : "?";
}
