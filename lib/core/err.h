/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Error numbers: 0 or a negative errno; the few that errno lacks stand above its range.
 * Everybody returns them; how they are shown is the caller's business.
 */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include <errno.h>

enum {
    TD_EFULL = -2001,   /* a bounded table, ring or pool has no room */
    TD_EGONE = -2002,   /* the object existed and has ended */
    TD_ESTALE = -2003,  /* token of another boot or node */
    TD_ESYNTAX = -2004, /* text does not follow its grammar */
};

/** Text for 0, a negative errno or a TD_E*; never NULL, static storage. */
const char *err_str(int err);

#endif
