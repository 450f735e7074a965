/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/core/sound.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/g711.h"
#include "core/sound.h"

#define MAX 1000

struct wav {
    uint8_t b[4096];
    size_t len;
};

static void put(struct wav *w, const void *p, size_t n)
{
    memcpy(w->b + w->len, p, n);
    w->len += n;
}

static void put32(struct wav *w, uint32_t v)
{
    uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

    put(w, b, 4);
}

static void put16(struct wav *w, unsigned v)
{
    uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};

    put(w, b, 2);
}

static void wav_begin(struct wav *w, unsigned tag, unsigned channels, uint32_t rate, unsigned bits)
{
    w->len = 0;
    put(w, "RIFF\0\0\0\0WAVE", 12);
    put(w, "LIST\5\0\0\0abcde\0", 14); /* an odd chunk and its pad byte */
    put(w, "fmt ", 4);
    put32(w, 16);
    put16(w, tag);
    put16(w, channels);
    put32(w, rate);
    put32(w, rate * channels * bits / 8);
    put16(w, channels * bits / 8);
    put16(w, bits);
    put(w, "data", 4);
}

static int take(const struct wav *w, int16_t **pcm, size_t *n, const char **why)
{
    *pcm = NULL;
    *why = NULL;
    return sound_wav(w->b, w->len, MAX, pcm, n, why);
}

static void wav_of_16_bits_is_taken_as_it_is(void **state)
{
    const char *why;
    struct wav w;
    int16_t *pcm;
    size_t n;

    (void)state;
    wav_begin(&w, 1, 1, 8000, 16);
    put32(&w, 6);
    put16(&w, 1);
    put16(&w, 0x8000);
    put16(&w, 0x7fff);
    assert_int_equal(take(&w, &pcm, &n, &why), 0);
    assert_int_equal(n, 3);
    assert_int_equal(pcm[0], 1);
    assert_int_equal(pcm[1], -32768);
    assert_int_equal(pcm[2], 32767);
    free(pcm);
}

/* ffmpeg, sox and others; what is a length is held against the file. */
static void the_length_that_a_pipe_does_not_know_is_the_file_s(void **state)
{
    static const uint32_t said[] = {0, 0x7ffff000, 0xffffffff, 0xfffffff8, 0x7fffeffe};
    const char *why;
    struct wav w;
    int16_t *pcm;
    size_t n;

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        wav_begin(&w, 1, 1, 8000, 16);
        put32(&w, said[i]);
        put32(&w, 0x12345678);
        if (i == 4) {
            assert_int_equal(take(&w, &pcm, &n, &why), -22);
            continue;
        }
        assert_int_equal(take(&w, &pcm, &n, &why), 0);
        assert_int_equal(n, 2);
        assert_int_equal(pcm[1], 0x1234);
        free(pcm);
    }
}

static void wav_of_alaw_and_ulaw_is_expanded(void **state)
{
    const char *why;
    struct wav w;
    int16_t *pcm;
    size_t n;

    (void)state;
    for (unsigned tag = 6; tag <= 7; tag++) {
        wav_begin(&w, tag, 1, 8000, 8);
        put32(&w, 2);
        put(&w, "\x2a\x80", 2);
        assert_int_equal(take(&w, &pcm, &n, &why), 0);
        assert_int_equal(n, 2);
        assert_int_equal(pcm[0], tag == 6 ? g711_from_alaw(0x2a) : g711_from_ulaw(0x2a));
        free(pcm);
    }
}

static void a_wav_that_cannot_serve_says_why(void **state)
{
    static const struct {
        unsigned tag, channels;
        uint32_t rate;
        unsigned bits;
        const char *why;
    } cases[] = {
        {1, 2, 8000, 16, "has more than one channel: mono is needed"},
        {1, 1, 16000, 16, "is not of 8,000 Hz: convert it (sox IN.wav -r 8000 -c 1 -b 16 OUT.wav)"},
        {1, 1, 8000, 8, "is neither PCM of 16 bit, A-law nor µ-law"},
        {3, 1, 8000, 32, "is neither PCM of 16 bit, A-law nor µ-law"},
    };
    const char *why;
    struct wav w;
    int16_t *pcm;
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        wav_begin(&w, cases[i].tag, cases[i].channels, cases[i].rate, cases[i].bits);
        put32(&w, 4);
        put32(&w, 0);
        assert_int_equal(take(&w, &pcm, &n, &why), -22);
        assert_string_equal(why, cases[i].why);
    }
    wav_begin(&w, 1, 1, 8000, 16);
    put32(&w, 2 * MAX + 2);
    w.len += 2 * MAX + 2;
    assert_int_equal(take(&w, &pcm, &n, &why), -22);
    assert_string_equal(why, "is longer than a sound may be");
}

/* Every prefix of a good file, and every byte of it changed: refused or taken, never read beyond. */
static void broken_files_are_refused(void **state)
{
    const char *why;
    struct wav good, w;
    int16_t *pcm;
    size_t n;

    (void)state;
    wav_begin(&good, 1, 1, 8000, 16);
    put32(&good, 4);
    put32(&good, 0x12345678);
    for (size_t len = 0; len < good.len; len++) {
        uint8_t *exact = malloc(len ? len : 1);

        memcpy(exact, good.b, len);
        pcm = NULL;
        assert_int_equal(sound_wav(exact, len, MAX, &pcm, &n, &why), -22);
        free(exact);
    }
    for (size_t i = 0; i < good.len; i++) {
        w = good;
        w.b[i] = (uint8_t)~w.b[i];
        if (take(&w, &pcm, &n, &why) == 0)
            free(pcm);
    }
}

static void files_are_known_by_their_names(void **state)
{
    char dir[] = "/tmp/test_sound-XXXXXX", path[64];
    const char *why;
    int16_t *pcm;
    size_t n;

    (void)state;
    assert_non_null(mkdtemp(dir));
    for (unsigned i = 0; i < 3; i++) {
        static const char *const ends[] = {"ul", "AL", "mp3"};
        FILE *f;
        int err;

        snprintf(path, sizeof(path), "%s/x.%s", dir, ends[i]);
        f = fopen(path, "w");
        assert_non_null(f);
        fwrite("\x80\x80\x80", 1, 3, f);
        fclose(f);
        err = sound_read(path, MAX, &pcm, &n, &why);
        assert_int_equal(err, i == 2 ? -22 : 0);
        if (err == 0) {
            assert_int_equal(n, 3);
            assert_int_equal(pcm[1], i == 0 ? 32124 : g711_from_alaw(0x80));
            free(pcm);
        }
        unlink(path);
    }
    assert_int_equal(sound_read(path, MAX, &pcm, &n, &why), -22);
    snprintf(path, sizeof(path), "%s/none.wav", dir);
    assert_int_equal(sound_read(path, MAX, &pcm, &n, &why), -2);
    rmdir(dir);
}

/* Nobody writes into it: who opened it as a file would wait for ever. */
static void a_fifo_is_no_sound(void **state)
{
    char dir[] = "/tmp/test_sound-XXXXXX", path[64];
    const char *why = NULL;
    int16_t *pcm;
    size_t n;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/x.wav", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(sound_read(path, MAX, &pcm, &n, &why), -22);
    assert_string_equal(why, "is not a file");
    unlink(path);
    rmdir(dir);
}

static void sealed_samples_cannot_be_changed(void **state)
{
    static const int16_t pcm[4] = {1, -2, 3, -4};
    int fd = sound_seal(pcm, 4);
    int plain = memfd_create("x", MFD_CLOEXEC);
    const int16_t *map;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(sound_check(fd, 4), 0);
    assert_int_equal(sound_check(fd, 5), -22);
    assert_int_equal(sound_check(plain, 0), -22);
    assert_true(pwrite(fd, "x", 1, 0) < 0);
    assert_true(ftruncate(fd, 0) < 0);
    map = mmap(NULL, sizeof(pcm), PROT_READ, MAP_PRIVATE, fd, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_memory_equal(map, pcm, sizeof(pcm));
    munmap((void *)(uintptr_t)map, sizeof(pcm));
    close(fd);
    close(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wav_of_16_bits_is_taken_as_it_is),
        cmocka_unit_test(the_length_that_a_pipe_does_not_know_is_the_file_s),
        cmocka_unit_test(wav_of_alaw_and_ulaw_is_expanded),
        cmocka_unit_test(a_wav_that_cannot_serve_says_why),
        cmocka_unit_test(broken_files_are_refused),
        cmocka_unit_test(files_are_known_by_their_names),
        cmocka_unit_test(a_fifo_is_no_sound),
        cmocka_unit_test(sealed_samples_cannot_be_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
