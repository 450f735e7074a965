/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Third pass of a load, sounds: files are read, tones rendered, and both put into sealed memory that the relay can be given.
 * check.c calls it; who hears them it does not know.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"
#include "core/err.h"
#include "core/htab.h"
#include "core/sound.h"

static int render(const struct conf_sound *s, int16_t **out, size_t *n_out)
{
    size_t n = 0, at = 0;
    int16_t *pcm;

    for (uint32_t i = 0; i < s->tone.n; i++)
        n += tone_samples(&s->tone.v[i].tone);
    if (n == 0 || n > CONF_SOUND_SAMPLES)
        return -E2BIG;
    pcm = malloc(n * sizeof(*pcm));
    if (!pcm)
        return -ENOMEM;
    for (uint32_t i = 0; i < s->tone.n; i++) {
        tone_render(&s->tone.v[i].tone, s->tone.v[i].level, pcm + at);
        at += tone_samples(&s->tone.v[i].tone);
    }
    *out = pcm;
    *n_out = n;
    return 0;
}

static int samples_of(struct parser *p, const struct conf_sound *s, int16_t **pcm, size_t *n)
{
    const char *why = NULL;
    int err;

    if (!s->file) {
        err = render(s, pcm, n);
        if (err < 0)
            parse_error(p, s->loc, strlen(s->name), "sound '%s': its tones %s", s->name,
                        err == -E2BIG ? "are longer than a sound may be" : err_str(err));
        return err;
    }
    if (p->from_memory) {
        parse_error(p, s->file_loc, 0, "a text from memory reads no sound");
        return -EINVAL;
    }
    err = sound_read(s->file, CONF_SOUND_SAMPLES, pcm, n, &why);
    if (err < 0)
        parse_error(p, s->file_loc, 0, "sound file '%s' %s%s", s->file,
                    why ? "" : "cannot be read: ", why ? why : strerror(-err));
    return err;
}

/* The relay is told a sound by the hash of its name. */
static void check_ids(struct parser *p)
{
    for (uint32_t i = 1; i < p->conf->sound.n; i++) {
        const struct conf_sound *s = &p->conf->sound.v[i];
        uint32_t id = hash_fnv32(s->name);

        for (uint32_t k = 0; k < i; k++) {
            const struct conf_sound *other = &p->conf->sound.v[k];

            if (id != hash_fnv32(other->name) || strcmp(s->name, other->name) == 0)
                continue;
            parse_error(p, s->loc, strlen(s->name),
                        "the relay cannot tell sound '%s' from sound '%s' (line %u): their names "
                        "have one hash; rename one",
                        s->name, other->name, other->loc.line);
        }
    }
}

void check_sounds(struct parser *p)
{
    uint64_t bytes = 0;

    check_ids(p);
    for (uint32_t i = 0; i < p->conf->sound.n; i++) {
        struct conf_sound *s = &p->conf->sound.v[i];
        int16_t *pcm = NULL;
        size_t n = 0;

        /* its section has an error, which is told */
        if ((!s->file && s->tone.n == 0) || samples_of(p, s, &pcm, &n) < 0)
            continue;
        bytes += n * sizeof(*pcm);
        if (bytes > CONF_SOUNDS_BYTES) {
            free(pcm);
            parse_error(p, s->loc, strlen(s->name),
                        "with sound '%s' all of them have more than %u MB", s->name,
                        CONF_SOUNDS_BYTES >> 20);
            return;
        }
        s->fd = sound_seal(pcm, n);
        s->samples = (uint32_t)n;
        free(pcm);
        if (s->fd < 0)
            parse_error(p, s->loc, strlen(s->name), "sound '%s': %s", s->name, strerror(-s->fd));
    }
}
