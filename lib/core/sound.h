/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sounds as files: WAV, A-law and µ-law read into 16 bit samples of 8 kHz, and samples in a sealed memory file for another process.
 * The configuration calls it at load; who plays them it does not know.
 */
#ifndef CORE_SOUND_H
#define CORE_SOUND_H

#include <stddef.h>
#include <stdint.h>

#define SOUND_RATE 8000U

/**
 * Read a file: .wav (PCM of 16 bit, A-law, µ-law; one channel, 8 kHz), .al, .alaw, .ul, .ulaw, .pcmu, .pcma (bare bytes).
 *
 * @param max   samples; a longer file is refused
 * @param out   owned by the caller (free); n samples, at least 1
 * @param why   out on -EINVAL: static text, what is wrong with it
 * @return 0; -EINVAL; -errno of open or read; -ENOMEM
 */
int sound_read(const char *path, size_t max, int16_t **out, size_t *n, const char **why);

/** The same from memory: the bytes of a .wav file. */
int sound_wav(const uint8_t *data, size_t len, size_t max, int16_t **out, size_t *n,
              const char **why);

/** Put samples into a sealed memory file: nobody can change or shrink it any more. @return descriptor, owned; -errno */
int sound_seal(const int16_t *pcm, size_t n);

/** Is this descriptor such a file of n samples? @return 0; -EINVAL not sealed or of another size */
int sound_check(int fd, size_t n);

#endif
