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

enum sip_method sip_method_of(struct span name)
{
    for (int i = SIP_UNKNOWN + 1; i < SIP_METHOD_N; i++) {
        if (span_eq(method_names[i], name)) {
            return (enum sip_method)i;
        }
    }
    return SIP_UNKNOWN;
}

struct span sip_method_name(enum sip_method m)
{
    return method_names[m < SIP_METHOD_N ? m : SIP_UNKNOWN];
}
