/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads sound files, seals samples. Everything that a file says of itself is held against its length.
 * The configuration calls it at load; who plays them it does not know.
 */
#include "core/sound.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/g711.h"

#define HEADERS_MAX \
    (1U << 20) /* of a WAV beside its samples: pictures and notes of sound editors */
/* Who writes into a pipe does not know the length: ffmpeg says 0xffffffff, sox 0x7ffff000, others 0. No file that is taken has so much. */
#define LENGTH_UNKNOWN 0x7ffff000U
#define SEALS          (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

enum form { FORM_PCM16, FORM_ALAW, FORM_ULAW };

static uint32_t le16(const uint8_t *p)
{
    return (uint32_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
    return le16(p) | le16(p + 2) << 16;
}

static int bad(const char **why, const char *text)
{
    *why = text;
    return -EINVAL;
}

static int convert(const uint8_t *data, size_t len, enum form form, size_t max, int16_t **out,
                   size_t *n_out, const char **why)
{
    size_t n = form == FORM_PCM16 ? len / 2 : len;
    int16_t *pcm;

    if (n == 0)
        return bad(why, "has no samples");
    if (n > max)
        return bad(why, "is longer than a sound may be");
    pcm = malloc(n * sizeof(*pcm));
    if (!pcm)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (form == FORM_PCM16)
            pcm[i] = (int16_t)le16(data + 2 * i);
        else
            pcm[i] = form == FORM_ALAW ? g711_from_alaw(data[i]) : g711_from_ulaw(data[i]);
    }
    *out = pcm;
    *n_out = n;
    return 0;
}

/* The chunk `fmt `: what the samples are. */
static int wav_format(const uint8_t *p, size_t len, enum form *form, const char **why)
{
    uint32_t tag, bits;

    if (len < 16)
        return bad(why, "is a broken WAV: its format chunk is too short");
    tag = le16(p);
    bits = le16(p + 14);
    /* WAVE_FORMAT_EXTENSIBLE: the tag is the beginning of the GUID */
    if (tag == 0xfffe && len >= 26)
        tag = le16(p + 24);
    if (le16(p + 2) != 1)
        return bad(why, "has more than one channel: mono is needed");
    if (le32(p + 4) != SOUND_RATE)
        return bad(why, "is not of 8,000 Hz: convert it (sox IN.wav -r 8000 -c 1 -b 16 OUT.wav)");
    if (tag == 1 && bits == 16)
        *form = FORM_PCM16;
    else if (tag == 6 && bits == 8)
        *form = FORM_ALAW;
    else if (tag == 7 && bits == 8)
        *form = FORM_ULAW;
    else
        return bad(why, "is neither PCM of 16 bit, A-law nor µ-law");
    return 0;
}

int sound_wav(const uint8_t *data, size_t len, size_t max, int16_t **out, size_t *n,
              const char **why)
{
    bool has_format = false;
    enum form form = FORM_PCM16;
    size_t off = 12;

    if (len < 12 || memcmp(data, "RIFF", 4) != 0 || memcmp(data + 8, "WAVE", 4) != 0)
        return bad(why, "is not a WAV file");
    while (len - off >= 8) {
        const uint8_t *chunk = data + off;
        size_t size = le32(chunk + 4);
        size_t left = len - off - 8;

        if (memcmp(chunk, "data", 4) == 0) {
            if (!has_format)
                return bad(why, "is a broken WAV: samples before their format");
            if (size >= LENGTH_UNKNOWN || size == 0)
                size = left; /* to the end of the file */
            if (size > left)
                return bad(why, "is a broken WAV: it ends before its samples do");
            return convert(chunk + 8, size, form, max, out, n, why);
        }
        if (size > left)
            break;
        if (memcmp(chunk, "fmt ", 4) == 0) {
            int err = wav_format(chunk + 8, size, &form, why);

            if (err < 0)
                return err;
            has_format = true;
        }
        off += 8 + size + (size & 1);
        if (off > len)
            break;
    }
    return bad(why, "is a broken WAV: it has no samples");
}

static int read_all(int fd, size_t max, uint8_t **out, size_t *len, const char **why)
{
    struct stat st;
    uint8_t *data;
    size_t n = 0;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return bad(why, "is not a file");
    if ((uint64_t)st.st_size > max)
        return bad(why, "is longer than a sound may be");
    data = malloc((size_t)st.st_size + 1);
    if (!data)
        return -ENOMEM;
    while (n < (size_t)st.st_size) {
        ssize_t got = read(fd, data + n, (size_t)st.st_size - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(data);
            return -errno;
        }
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *out = data;
    *len = n;
    return 0;
}

/* What the end of its name says. */
static int form_of(const char *path, bool *is_wav, enum form *form)
{
    const char *dot = strrchr(path, '.');

    *is_wav = dot && strcasecmp(dot, ".wav") == 0;
    if (*is_wav)
        return 0;
    if (dot && (strcasecmp(dot, ".al") == 0 || strcasecmp(dot, ".alaw") == 0 ||
                strcasecmp(dot, ".pcma") == 0))
        *form = FORM_ALAW;
    else if (dot && (strcasecmp(dot, ".ul") == 0 || strcasecmp(dot, ".ulaw") == 0 ||
                     strcasecmp(dot, ".pcmu") == 0))
        *form = FORM_ULAW;
    else
        return -EINVAL;
    return 0;
}

int sound_read(const char *path, size_t max, int16_t **out, size_t *n, const char **why)
{
    enum form form = FORM_PCM16;
    uint8_t *data = NULL;
    size_t len = 0;
    bool is_wav;
    int fd, err;

    if (form_of(path, &is_wav, &form) < 0)
        return bad(why, "has a name that ends in none of .wav .al .ul");
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    err = read_all(fd, max * sizeof(int16_t) + HEADERS_MAX, &data, &len, why);
    close(fd);
    if (err < 0)
        return err;
    err = is_wav ? sound_wav(data, len, max, out, n, why)
                 : convert(data, len, form, max, out, n, why);
    free(data);
    return err;
}

int sound_seal(const int16_t *pcm, size_t n)
{
    size_t len = n * sizeof(*pcm), done = 0;
    int fd = memfd_create("sound", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int err;

    if (fd < 0)
        return -errno;
    while (done < len) {
        ssize_t w = write(fd, (const char *)pcm + done, len - done);

        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            goto fail;
        done += (size_t)w;
    }
    if (fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0)
        goto fail;
    return fd;

fail:
    err = errno ? -errno : -EIO;
    close(fd);
    return err;
}

int sound_check(int fd, size_t n)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat st;

    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0)
        return -EINVAL;
    return (uint64_t)st.st_size == (uint64_t)n * sizeof(int16_t) ? 0 : -EINVAL;
}
