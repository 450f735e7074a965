/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of methods.
 * Called by peek, msg and whoever composes.
 * Knows no message.
 */
#include "sip/method.h"

static const struct span method_names[SIP_METHOD_N] = {
    [SIP_UNKNOWN] = {"UNKNOWN", 7},
    [SIP_INVITE] = {"INVITE", 6},
    [SIP_ACK] = {"ACK", 3},
    [SIP_BYE] = {"BYE", 3},
    [SIP_CANCEL] = {"CANCEL", 6},
    [SIP_OPTIONS] = {"OPTIONS", 7},
    [SIP_REGISTER] = {"REGISTER", 8},
    [SIP_PRACK] = {"PRACK", 5},
    [SIP_SUBSCRIBE] = {"SUBSCRIBE", 9},
    [SIP_NOTIFY] = {"NOTIFY", 6},
    [SIP_PUBLISH] = {"PUBLISH", 7},
    [SIP_INFO] = {"INFO", 4},
    [SIP_REFER] = {"REFER", 5},
    [SIP_MESSAGE] = {"MESSAGE", 7},
    [SIP_UPDATE] = {"UPDATE", 6},
};

#define IS(name, lit) (memcmp((name).p, lit, sizeof(lit) - 1) == 0)

enum sip_method sip_method_of(struct span name)
{
    switch (name.len) {
    case 3: return IS(name, "ACK") ? SIP_ACK : IS(name, "BYE") ? SIP_BYE : SIP_UNKNOWN;
    case 4: return IS(name, "INFO") ? SIP_INFO : SIP_UNKNOWN;
    case 5: return IS(name, "PRACK") ? SIP_PRACK : IS(name, "REFER") ? SIP_REFER : SIP_UNKNOWN;
    case 6:
        return IS(name, "INVITE")   ? SIP_INVITE
               : IS(name, "CANCEL") ? SIP_CANCEL
               : IS(name, "UPDATE") ? SIP_UPDATE
               : IS(name, "NOTIFY") ? SIP_NOTIFY
                                    : SIP_UNKNOWN;
    case 7:
        return IS(name, "OPTIONS")   ? SIP_OPTIONS
               : IS(name, "MESSAGE") ? SIP_MESSAGE
               : IS(name, "PUBLISH") ? SIP_PUBLISH
                                     : SIP_UNKNOWN;
    case 8: return IS(name, "REGISTER") ? SIP_REGISTER : SIP_UNKNOWN;
    case 9: return IS(name, "SUBSCRIBE") ? SIP_SUBSCRIBE : SIP_UNKNOWN;
    default: return SIP_UNKNOWN;
    }
}

struct span sip_method_name(enum sip_method m)
{
    return method_names[m < SIP_METHOD_N ? m : SIP_UNKNOWN];
}
