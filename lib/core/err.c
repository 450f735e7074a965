/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts of error numbers.
 * Log lines and the control program show them; nothing decides by them.
 */
#include "core/err.h"

#include <string.h>

const char *err_str(int err)
{
    const char *text;

    switch (err) {
    case 0: return "success";
    case TD_EFULL: return "full";
    case TD_EGONE: return "already ended";
    case TD_ESTALE: return "token of another boot or node";
    case TD_ESYNTAX: return "syntax error";
    default: break;
    }
    /* strerror() may write to a shared buffer; the description table does not */
    text = err < 0 && err >= -4095 ? strerrordesc_np(-err) : NULL;
    return text ? text : "unknown error";
}
