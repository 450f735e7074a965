/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ITU-T G.711: 16 bit linear samples to and from µ-law and A-law.
 * Sound files and the relay's players call it; it knows neither files nor packets.
 */
#ifndef CORE_G711_H
#define CORE_G711_H

#include <stddef.h>
#include <stdint.h>

/** Make the tables of g711_encode_*; once, before any thread calls those. */
void g711_init(void);
/** One sample by the rule of G.711, without tables. */
uint8_t g711_to_ulaw(int16_t s);
uint8_t g711_to_alaw(int16_t s);
int16_t g711_from_ulaw(uint8_t u);
int16_t g711_from_alaw(uint8_t a);
/** n samples by table: a nanosecond each. */
void g711_encode_ulaw(uint8_t *out, const int16_t *in, size_t n);
void g711_encode_alaw(uint8_t *out, const int16_t *in, size_t n);

#endif
