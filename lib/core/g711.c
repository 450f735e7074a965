/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * G.711: eight segments of sixteen steps, each segment's steps twice as wide as those of the one before.
 * Sound files and the relay's players call it; it knows neither files nor packets.
 */
#include "core/g711.h"

#define ULAW_BITS 14 /* G.711 table 2: 14 bit values, of which 8,159 is the largest */
#define ALAW_BITS 13
#define ULAW_MAX  8158U
#define ULAW_BIAS 33U

static uint8_t ulaw_of[1U << ULAW_BITS], alaw_of[1U << ALAW_BITS];

/* The magnitude's highest bit above bit 4 is the segment. */
static unsigned segment(unsigned v)
{
    unsigned s = 0;

    while (v >> (s + 5) && s < 7)
        s++;
    return s;
}

uint8_t g711_to_ulaw(int16_t s)
{
    int v = s >> (16 - ULAW_BITS);
    unsigned mag = v < 0 ? (unsigned)-v : (unsigned)v;
    unsigned seg;

    if (mag > ULAW_MAX)
        mag = ULAW_MAX;
    mag += ULAW_BIAS;
    seg = segment(mag >> 1);
    return (uint8_t) ~((v < 0 ? 0x80U : 0U) | seg << 4 | ((mag >> (seg + 1)) & 15U));
}

int16_t g711_from_ulaw(uint8_t u)
{
    unsigned c = (uint8_t)~u;
    unsigned seg = (c >> 4) & 7;
    int mag = (int)(((((c & 15) << 1) + ULAW_BIAS) << seg) - ULAW_BIAS) << (16 - ULAW_BITS);

    return (int16_t)(c & 0x80 ? -mag : mag);
}

uint8_t g711_to_alaw(int16_t s)
{
    int v = s >> (16 - ALAW_BITS);
    /* no zero: -1 is the first step below it */
    unsigned mag = v < 0 ? (unsigned)(-v - 1) : (unsigned)v;
    unsigned seg = segment(mag);
    unsigned step = seg ? (mag >> seg) & 15 : (mag >> 1) & 15;

    return (uint8_t)(((v < 0 ? 0U : 0x80U) | seg << 4 | step) ^ 0x55U);
}

int16_t g711_from_alaw(uint8_t a)
{
    unsigned c = a ^ 0x55U;
    unsigned seg = (c >> 4) & 7;
    unsigned step = ((c & 15) << 1) + 1;
    int mag = (int)(seg ? (step + 32) << (seg - 1) : step) << (16 - ALAW_BITS);

    return (int16_t)(c & 0x80 ? mag : -mag);
}

void g711_init(void)
{
    for (unsigned i = 0; i < 1U << ULAW_BITS; i++)
        ulaw_of[i] = g711_to_ulaw((int16_t)(uint16_t)(i << (16 - ULAW_BITS)));
    for (unsigned i = 0; i < 1U << ALAW_BITS; i++)
        alaw_of[i] = g711_to_alaw((int16_t)(uint16_t)(i << (16 - ALAW_BITS)));
}

void g711_encode_ulaw(uint8_t *out, const int16_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = ulaw_of[(uint16_t)in[i] >> (16 - ULAW_BITS)];
}

void g711_encode_alaw(uint8_t *out, const int16_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = alaw_of[(uint16_t)in[i] >> (16 - ALAW_BITS)];
}
