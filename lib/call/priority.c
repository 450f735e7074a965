/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Class of a call from what its INVITE and the numbers rules say.
 * Called by invite.c; pure.
 */
#include "call/priority.h"

#include "sip/msg.h"

static bool is_sos(struct span ruri)
{
    struct span prefix = SPAN("urn:service:sos");

    if (ruri.len < prefix.len || !span_case_eq((struct span){ruri.p, prefix.len}, prefix))
        return false;
    return ruri.len == prefix.len || ruri.p[prefix.len] == '.';
}

enum sip_class priority_of(const struct conf *conf, const struct msg *invite)
{
    struct span user = invite->uri.user, rest;

    span_cut(user, ';', &user, &rest);
    if (is_sos(invite->ruri))
        return SIP_CLASS_EMERGENCY;
    for (uint32_t i = 0; i < conf->global.emergency.n; i++)
        if (span_eq(user, span_of(conf->global.emergency.v[i])))
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
