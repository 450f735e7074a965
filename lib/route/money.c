/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Money as text, exactly: for records, `explain` and the operator.
 * Called at a decision and an attempt; knows no currency.
 */
#include "route/route.h"

#include <stdio.h>

const char *route_money(int64_t nano, char out[24])
{
    out[0] = '\0';
    if (nano < 0)
        return out;
    int n = snprintf(out, 24, "%lld.%09lld", (long long)(nano / CONF_NANO),
                     (long long)(nano % CONF_NANO));
    while (out[n - 1] == '0')
        n--;
    if (out[n - 1] == '.')
        n--;
    out[n] = '\0';
    return out;
}
