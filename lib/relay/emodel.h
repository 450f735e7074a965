/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The E-model as far as a relay can feed it: loss, its bursts, delay and codec to a mean opinion score (ITU-T G.107, G.107.1, G.113).
 * Pure; quality.c calls it. It knows no stream.
 */
#ifndef RELAY_EMODEL_H
#define RELAY_EMODEL_H

#include <stdint.h>
#include "media/media_proto.h"

struct emodel_input {
    uint8_t codec;     /* enum media_codec */
    uint64_t expected; /* packets that should have come */
    uint64_t lost;     /* of them */
    uint64_t gaps;     /* losses in a row, counted once: lost / gaps is the mean burst */
    uint32_t delay_us; /* one way, mouth to ear as far as it is known */
};

/**
 * 100 x MOS-CQE. Everything that a relay cannot hear (noise, echo, loudness) has the default value of G.107 table 2.
 * Wideband codecs are rated on the scale of G.107.1, which has the same MOS.
 * @return 100..450; 0: nothing was expected, or no impairment factor is published for the codec
 */
unsigned emodel_mos_100(const struct emodel_input *in);

#endif
