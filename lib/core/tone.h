/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tones of telephone networks: which frequencies and cadence they have in which country, and their samples.
 * The configuration renders them at load; neither files nor packets are known here.
 */
#ifndef CORE_TONE_H
#define CORE_TONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/span.h"

#define TONE_RATE   8000U
#define TONE_HZ_MIN 100U
#define TONE_HZ_MAX 3400U /* the telephone channel ends there */
#define TONE_PARTS  8U    /* the longest cadence of E.180 has six */

/* One piece of a cadence. */
struct tone_part {
    uint16_t hz[2]; /* 0: none; both 0: silence */
    uint16_t ms;
};

struct tone {
    uint8_t n_parts;
    struct tone_part part[TONE_PARTS];
};

/* -13 dBm0: within -10 +- 5 that E.180 §3 recommends for all of these. */
#define TONE_LEVEL_DBM0 (-13)

/**
 * A tone of a national plan (ITU-T E.180 supplement 2).
 * @param country  us, uk, de, fr, jp, au
 * @param kind     ring-back, busy, congestion, dial, information
 * @return NULL: there is none of that name
 */
const struct tone *tone_find(struct span country, struct span kind);
/** Names for messages and help, n-th; NULL: no more. */
const char *tone_country(unsigned n);
const char *tone_kind(unsigned n);

/** Samples of one turn of the cadence. */
size_t tone_samples(const struct tone *t);
/** Render one turn; level: of the whole, both frequencies together [dBm0]. */
void tone_render(const struct tone *t, int level_dbm0, int16_t *out);

#endif
