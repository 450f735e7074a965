/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The national tones of ITU-T E.180 supplement 2 that a switch plays, and their sine waves.
 * The configuration renders them at load; neither files nor packets are known here.
 */
#include "core/tone.h"

#include <math.h>
#include <string.h>

/* A sine of 0 dBm0 has this peak: G.711's loudest one is +3.17 dBm0 and has 32,636 (µ-law, table 5). */
#define PEAK_0_DBM0 22660.0
#define TWO_PI      6.283185307179586

enum kind { RING_BACK, BUSY, CONGESTION, DIAL, INFORMATION, KINDS };

static const char *const kind_names[] = {"ring-back", "busy", "congestion", "dial", "information"};

struct plan {
    const char *country;
    struct tone tone[KINDS];
};

#define ON(hz, ms)  \
    {               \
        {hz, 0}, ms \
    }
#define BOTH(hz, hz2, ms) \
    {                     \
        {hz, hz2}, ms     \
    }
#define OFF(ms)    \
    {              \
        {0, 0}, ms \
    }
#define SIT(ms)                                                \
    {                                                          \
        4,                                                     \
        {                                                      \
            ON(950, ms), ON(1400, ms), ON(1800, ms), OFF(1000) \
        }                                                      \
    }

/* Without end: one second, in which every whole frequency has whole periods. */
static const struct plan plans[] = {
    {"us",
     {[RING_BACK] = {2, {BOTH(440, 480, 2000), OFF(4000)}},
      [BUSY] = {2, {BOTH(480, 620, 500), OFF(500)}},
      [CONGESTION] = {2, {BOTH(480, 620, 250), OFF(250)}},
      [DIAL] = {1, {BOTH(350, 440, 1000)}},
      [INFORMATION] = SIT(330)}},
    {"uk",
     {[RING_BACK] = {4, {BOTH(400, 450, 400), OFF(200), BOTH(400, 450, 400), OFF(2000)}},
      [BUSY] = {2, {ON(400, 375), OFF(375)}},
      [CONGESTION] = {4, {ON(400, 400), OFF(350), ON(400, 225), OFF(525)}},
      [DIAL] = {1, {BOTH(350, 440, 1000)}},
      [INFORMATION] = SIT(330)}},
    {"de",
     {[RING_BACK] = {2, {ON(425, 1000), OFF(4000)}},
      [BUSY] = {2, {ON(425, 480), OFF(480)}},
      [CONGESTION] = {2, {ON(425, 240), OFF(240)}},
      [DIAL] = {1, {ON(425, 1000)}},
      [INFORMATION] = SIT(330)}},
    {"fr",
     {[RING_BACK] = {2, {ON(440, 1500), OFF(3500)}},
      [BUSY] = {2, {ON(440, 500), OFF(500)}},
      [CONGESTION] = {2, {ON(440, 250), OFF(250)}},
      [DIAL] = {1, {ON(440, 1000)}},
      [INFORMATION] = SIT(300)}},
    /* 400 Hz modulated by 16 Hz is 384 and 416 Hz */
    {"jp",
     {[RING_BACK] = {2, {BOTH(384, 416, 1000), OFF(2000)}},
      [BUSY] = {2, {ON(400, 500), OFF(500)}},
      [CONGESTION] = {2, {ON(400, 500), OFF(500)}},
      [DIAL] = {1, {ON(400, 1000)}},
      [INFORMATION] = SIT(330)}},
    {"au",
     {[RING_BACK] = {4, {BOTH(413, 438, 400), OFF(200), BOTH(413, 438, 400), OFF(2000)}},
      [BUSY] = {2, {ON(425, 375), OFF(375)}},
      [CONGESTION] = {2, {ON(425, 375), OFF(375)}},
      [DIAL] = {1, {BOTH(413, 438, 1000)}},
      [INFORMATION] = {2, {ON(425, 2500), OFF(500)}}}},
};

#define N_PLANS (sizeof(plans) / sizeof(plans[0]))

const char *tone_country(unsigned n)
{
    return n < N_PLANS ? plans[n].country : NULL;
}

const char *tone_kind(unsigned n)
{
    return n < KINDS ? kind_names[n] : NULL;
}

const struct tone *tone_find(struct span country, struct span kind)
{
    for (unsigned i = 0; i < N_PLANS; i++) {
        for (unsigned k = 0; k < KINDS; k++) {
            if (span_eq(country, span_of(plans[i].country)) &&
                span_eq(kind, span_of(kind_names[k])))
                return &plans[i].tone[k];
        }
    }
    return NULL;
}

static size_t part_samples(const struct tone_part *p)
{
    return (size_t)p->ms * TONE_RATE / 1000;
}

size_t tone_samples(const struct tone *t)
{
    size_t n = 0;

    for (unsigned i = 0; i < t->n_parts; i++)
        n += part_samples(&t->part[i]);
    return n;
}

static void part_render(const struct tone_part *p, double power, int16_t *out)
{
    unsigned n_hz = (p->hz[0] ? 1U : 0U) + (p->hz[1] ? 1U : 0U);
    /* two sines of half the power each */
    double peak = n_hz ? power / sqrt(n_hz) : 0;
    size_t n = part_samples(p);

    for (size_t i = 0; i < n; i++) {
        double v = 0;

        for (unsigned h = 0; h < 2; h++) {
            if (p->hz[h])
                v += peak * sin(TWO_PI * p->hz[h] * (double)i / TONE_RATE);
        }
        out[i] = (int16_t)lrint(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
    }
}

void tone_render(const struct tone *t, int level_dbm0, int16_t *out)
{
    double power = PEAK_0_DBM0 * pow(10, level_dbm0 / 20.0);

    for (unsigned i = 0; i < t->n_parts; i++) {
        part_render(&t->part[i], power, out);
        out += part_samples(&t->part[i]);
    }
}
