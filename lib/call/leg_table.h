/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a cell of a leg's table is written. Private to leg_in.c and leg_out.c.
 */
#ifndef CALL_LEG_TABLE_H
#define CALL_LEG_TABLE_H

#include "call/bridge.h"

/* Enter a state, then act. */
#define GO(state, fn)               \
    {                               \
        CELL_HANDLED, (state), (fn) \
    }
/* Act, the state stays. */
#define STAY(fn)                       \
    {                                  \
        CELL_HANDLED, LEG_STATES, (fn) \
    }
/* Legal and without effect. */
#define IGN                            \
    {                                  \
        CELL_IGNORED, LEG_STATES, NULL \
    }
/* Cannot be reached: counted. */
#define IMP                               \
    {                                     \
        CELL_IMPOSSIBLE, LEG_STATES, NULL \
    }

#endif
