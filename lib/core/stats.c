/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names and help texts of the counters.
 * The control thread prints them; who counts what stands in the list of stats.h.
 */
#include "core/stats.h"

static const struct {
    const char *name;
    const char *help;
} table[STAT_COUNT] = {
#define STATS_ROW_(name, help) [STAT_##name] = {#name, help},
    STATS_LIST(STATS_ROW_)
#undef STATS_ROW_
};

const char *stat_name(enum stat_id id)
{
    return table[id].name;
}

const char *stat_help(enum stat_id id)
{
    return table[id].help;
}
