/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ITU-T G.107 (narrowband) and G.107.1 (wideband) with the defaults of their tables, impairments of G.113 appendix I and IV.
 * Called once in ten seconds for a stream, so it computes in floating point.
 */
#include "relay/emodel.h"

#include <math.h>
#include <stdbool.h>

/* Ro - Is with all defaults: G.107 §7, G.107.1 §7. */
#define R_NARROW 93.2
#define R_WIDE   129.0

/* Equipment impairment without loss, and robustness against it. */
struct impairment {
    bool is_known, is_wide;
    double ie, bpl;
};

/*
 * G.711 with the concealment of its appendix I, which every endpoint of today has (4.3 without). G.722 at 64 kbit/s, AMR-WB at
 * 12.65. Opus, EVS, Speex have no value in G.113; what is not speech has none by nature.
 */
static const struct impairment table[MEDIA_CODEC_END] = {
    [MEDIA_CODEC_PCMU] = {true, false, 0, 25.1},  [MEDIA_CODEC_PCMA] = {true, false, 0, 25.1},
    [MEDIA_CODEC_G722] = {true, true, 13, 4.9},   [MEDIA_CODEC_G723] = {true, false, 15, 16.1},
    [MEDIA_CODEC_G726] = {true, false, 7, 4.3},   [MEDIA_CODEC_G728] = {true, false, 7, 27},
    [MEDIA_CODEC_G729] = {true, false, 11, 19},   [MEDIA_CODEC_GSM] = {true, false, 20, 10},
    [MEDIA_CODEC_GSM_EFR] = {true, false, 5, 10}, [MEDIA_CODEC_ILBC] = {true, false, 11, 32},
    [MEDIA_CODEC_AMR] = {true, false, 5, 10},     [MEDIA_CODEC_AMR_WB] = {true, true, 13, 4.9},
};

/* G.107 (7-27): of the absolute delay [ms]; nobody minds the first 100. */
static double delay_impairment(double ms)
{
    double x;

    if (ms <= 100)
        return 0;
    x = log2(ms / 100);
    return 25 * (pow(1 + pow(x, 6), 1.0 / 6) - 3 * pow(1 + pow(x / 3, 6), 1.0 / 6) + 2);
}

/* G.107 (7-29): losses that come together hurt more than the same number apart. */
static double loss_impairment(const struct impairment *c, const struct emodel_input *in)
{
    double p = (double)in->lost / (double)in->expected;
    double burst = 1;

    if (in->gaps > 0 && in->lost > in->gaps)
        burst = (double)in->lost / (double)in->gaps * (1 - p);
    if (burst < 1)
        burst = 1;
    p *= 100;
    return c->ie + (95 - c->ie) * p / (p / burst + c->bpl);
}

/* G.107 annex B */
static double mos_of(double r)
{
    if (r <= 0)
        return 1;
    if (r >= 100)
        return 4.5;
    return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
}

unsigned emodel_mos_100(const struct emodel_input *in)
{
    const struct impairment *c = in->codec < MEDIA_CODEC_END ? &table[in->codec] : &table[0];
    double r, mos;

    if (!c->is_known || in->expected == 0 || in->lost > in->expected)
        return 0;
    r = (c->is_wide ? R_WIDE : R_NARROW) - loss_impairment(c, in) -
        delay_impairment((double)in->delay_us / 1000);
    mos = mos_of(c->is_wide ? r / 1.29 : r);
    return mos < 1 ? 100 : (unsigned)lround(mos * 100);
}
